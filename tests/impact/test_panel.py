"""Which rows an estimator sees: counted by hand on a small panel."""

import numpy as np
import pandas as pd
import pytest

from evaluation.errors import UserError
from evaluation.impact.panel import estimation_panel

OUTCOME = {"id": "production", "transform": "log", "deflate": "ppi"}


@pytest.fixture
def small():
    """Five complexes, two years: a participant, one that joins later, a masked, a gappy and a zero one."""
    values = {"a": (100, 200), "b": (50, 50), "masked": (10, None), "gap": (10, None), "zero": (10, 0)}
    rows = [(name, year, value) for name, pair in values.items() for year, value in zip((2009, 2010), pair, strict=True)]
    panel = pd.DataFrame(rows, columns=["complex_id", "year", "production"])
    panel["production"] = panel["production"].astype(float)
    panel["production_status"] = np.where(panel["production"].notna(), "observed", "missing")
    panel.loc[(panel["complex_id"] == "masked") & (panel["year"] == 2010), "production_status"] = "masked"
    complexes = pd.DataFrame({"complex_id": list(values), "first_treated": [2010, 2012, np.nan, np.nan, np.nan]})
    prices = pd.DataFrame({"index": "ppi", "year": [2009, 2010], "value": [80.0, 100.0]})
    return panel, complexes, prices


def test_rows_and_exclusions(small):
    data, counts = estimation_panel(*small, OUTCOME)
    assert counts == {
        "units": 2, "units_participants": 1, "units_non_participants": 1, "rows": 4,
        "excluded_masked": 1, "excluded_missing": 1, "excluded_zero": 1,
    }  # fmt: skip
    assert data["complex_id"].tolist() == ["a", "a", "b", "b"]


def test_real_terms_and_event_time(small):
    data, _ = estimation_panel(*small, OUTCOME)
    assert data["y"].to_list() == pytest.approx([np.log(125), np.log(200), np.log(62.5), np.log(50)])
    assert data["event_time"].iloc[:2].tolist() == [-1, 0] and data["treated"].tolist() == [0, 1, 0, 0]


def test_a_complex_that_joins_after_the_last_year_is_untreated(small):
    data, _ = estimation_panel(*small, OUTCOME)
    assert set(data.loc[data["complex_id"] == "b", "cohort"]) == {0}


def test_a_complex_without_a_row_for_a_year_is_left_out(small):
    panel, complexes, prices = small
    data, counts = estimation_panel(panel.iloc[1:], complexes, prices, OUTCOME)
    assert "a" not in set(data["complex_id"]) and counts["excluded_missing"] == 2


def test_every_estimator_sees_the_same_rows(inputs):
    tables = inputs.tables
    data, counts = estimation_panel(tables["panel"], tables["complexes"], tables["price_index"], OUTCOME)
    assert data.groupby("unit").size().nunique() == 1 and data["y"].notna().all()
    everyone = tables["panel"]["complex_id"].nunique()
    assert counts["units"] + counts["excluded_masked"] + counts["excluded_missing"] + counts["excluded_zero"] == everyone
    assert data.groupby("cohort")["unit"].nunique().loc[[2005, 2008]].tolist() == [7, 5]


@pytest.mark.parametrize(
    ("changes", "named"),
    [({"id": "profits"}, "outcomes.id"), ({"transform": "sqrt"}, "production.transform"), ({"deflate": "cpi"}, "production.deflate")],
)
def test_what_the_specification_may_not_say(small, changes, named):
    with pytest.raises(UserError, match=named):
        estimation_panel(*small, OUTCOME | changes)
