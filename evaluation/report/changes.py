"""Which printed numbers changed between two years or two runs: largest first."""

import numpy as np
import pandas as pd

from evaluation.report.words import number

CHANGE_COLUMNS = ["id", "before", "after", "change", "relative", "printed_before", "printed_after", "moved"]


def compare_ledgers(before: pd.DataFrame, after: pd.DataFrame, tolerance: float = 0.0) -> pd.DataFrame:
    """Numbers that may be printed, before and after.

    Args:
        before, after: ledgers indexed by id, with `value` and `decimals`.
        tolerance: relative; a number whose printed form differs has `moved` only where it changed by more.

    Returns:
        CHANGE_COLUMNS for every id whose value differs or that is on one side only (missing there), the
        largest relative change first, then what came and what went.
    """
    both = before[["value", "decimals"]].join(after[["value", "decimals"]], how="outer", suffixes=("_before", "_after"))
    was, now = both["value_before"], both["value_after"]
    out = pd.DataFrame({"id": both.index, "before": was.to_numpy(), "after": now.to_numpy()})
    out["change"] = out["after"] - out["before"]
    size = out["before"].abs().where(out["before"] != 0)
    out["relative"] = out["change"] / size
    decimals = both["decimals_after"].fillna(both["decimals_before"]).fillna(0).astype(int).to_numpy()
    for side in ("before", "after"):
        out[f"printed_{side}"] = [number(value, digits) for value, digits in zip(out[side], decimals, strict=True)]
    one_side = out["before"].isna() != out["after"].isna()
    beyond = (out["relative"].abs() > tolerance) | (out["relative"].isna() & (out["change"].abs() > 0))
    out["moved"] = one_side | ((out["printed_before"] != out["printed_after"]) & beyond)
    differs = one_side | (out["change"].abs() > 0)
    order = out["relative"].abs().where(~out["relative"].isna(), np.where(one_side, -1.0, np.inf))
    return out.assign(order=order)[differs].sort_values(["order", "id"], ascending=[False, True])[CHANGE_COLUMNS].reset_index(drop=True)
