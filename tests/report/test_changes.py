"""What changed: by hand on small ledgers."""

import numpy as np
import pandas as pd

from evaluation.report.changes import compare_ledgers


def ledger(**values):
    return pd.DataFrame({"value": values, "decimals": 1}).rename_axis("id")


def test_largest_relative_change_first():
    out = compare_ledgers(ledger(a=100.0, b=10.0, c=1.0, d=5.0, z=0.0), ledger(a=101.0, b=12.0, c=1.0, e=5.0, z=0.5))
    assert out["id"].tolist() == ["z", "b", "a", "d", "e"]
    b = out.set_index("id").loc["b"]
    assert (b["change"], b["relative"], b["printed_before"], b["printed_after"]) == (2.0, 0.2, "10.0", "12.0")
    assert np.isnan(out.set_index("id").at["d", "after"])


def test_what_counts_as_moved():
    """A change below the printed digit moves nothing; one within the tolerance is let pass."""
    before, after = ledger(a=100.0, b=10.0, c=10.0), ledger(a=100.01, b=10.2, c=11.0)
    assert compare_ledgers(before, after).set_index("id")["moved"].to_dict() == {"c": True, "b": True, "a": False}
    assert compare_ledgers(before, after, tolerance=0.05).set_index("id")["moved"].to_dict() == {"c": True, "b": False, "a": False}
    assert compare_ledgers(before, before).empty
