"""Which rows an estimator sees: counted by hand on a small panel."""

import re

import numpy as np
import pandas as pd
import pytest

from evaluation.errors import UserError
from evaluation.impact.panel import estimation_panel, require_cohort
from evaluation.impact.specification import complete_impact
from evaluation.sources.specs import read_impact

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
    complexes = pd.DataFrame({"complex_id": list(values), "first_treated": [2010, np.nan, np.nan, np.nan, np.nan]})
    prices = pd.DataFrame({"index": "ppi", "year": [2009, 2010], "value": [80.0, 100.0]})
    return panel, complexes, prices


def test_rows_and_exclusions(small):
    data, counts = estimation_panel(*small, OUTCOME)
    assert counts == {
        "units": 2, "units_participants": 1, "units_non_participants": 1, "rows": 4,
        "excluded_masked": 1, "excluded_not_reported": 0, "excluded_not_applicable": 0, "excluded_missing": 1, "excluded_zero": 1,
        "excluded_always_treated": 0, "excluded_later": 0, "excluded_baseline": 0, "excluded_unmatched": 0, "excluded_absent": 0,
    }  # fmt: skip
    assert data["complex_id"].tolist() == ["a", "a", "b", "b"]


@pytest.mark.parametrize("kind", ["masked", "not_reported", "not_applicable", "missing"])
def test_each_kind_of_nothing_is_counted_as_what_it_is(small, kind):
    panel, complexes, prices = small
    panel.loc[panel["complex_id"] == "masked", "production_status"] = ["observed", kind]
    _, counts = estimation_panel(panel, complexes, prices, OUTCOME)
    assert counts[f"excluded_{kind}"] == (2 if kind == "missing" else 1)
    assert sum(counts[f"excluded_{other}"] for other in ("masked", "not_reported", "not_applicable", "missing")) == 2


def test_real_terms_and_event_time(small):
    data, _ = estimation_panel(*small, OUTCOME)
    assert data["y"].to_list() == pytest.approx([np.log(125), np.log(200), np.log(62.5), np.log(50)])
    assert data["event_time"].iloc[:2].tolist() == [-1, 0] and data["treated"].tolist() == [0, 1, 0, 0]


def more(small, name, first_treated, years=(2009, 2010)):
    """The small case with one more complex, observed in the years."""
    panel, complexes, prices = small
    rows = pd.DataFrame({"complex_id": name, "year": np.array(years, dtype=int), "production": 70.0, "production_status": "observed"})
    row = pd.DataFrame({"complex_id": [name], "first_treated": [first_treated]})
    return pd.concat([panel, rows], ignore_index=True), pd.concat([complexes, row], ignore_index=True), prices


@pytest.mark.parametrize(
    ("first_treated", "years", "reason"),
    [(2009, (2009, 2010), "always_treated"), (2005, (2009, 2010), "always_treated"), (2011, (2009, 2010), "later"), (2010, (2009,), "missing"), (2010, (), "absent")],
)
def test_who_cannot_be_compared_is_left_out_and_counted(small, first_treated, years, reason):
    _, before = estimation_panel(*small, OUTCOME)
    data, after = estimation_panel(*more(small, "new", first_treated, years), OUTCOME)
    assert "new" not in set(data["complex_id"])
    assert {key: after[key] - before[key] for key in after if after[key] != before[key]} == {f"excluded_{reason}": 1}


def test_a_year_without_prices_or_rows_is_refused(small):
    panel, complexes, prices = small
    with pytest.raises(UserError, match="ppi has no value for 2009"):
        estimation_panel(panel, complexes, prices[prices["year"] > 2009], OUTCOME)
    with pytest.raises(UserError, match="no rows for 2010"):
        estimation_panel(panel.assign(year=panel["year"].replace(2010, 2011)), complexes, prices, OUTCOME)


def test_nobody_to_compare_with_is_refused(small):
    panel, complexes, prices = small
    with pytest.raises(UserError, match="no non-participants are left"):
        estimation_panel(panel, complexes.fillna(2010), prices, OUTCOME)
    with pytest.raises(UserError, match="no participants are left"):
        estimation_panel(panel, complexes.assign(first_treated=np.nan), prices, OUTCOME)


def test_every_estimator_sees_the_same_rows(inputs):
    tables = inputs.tables
    data, counts = estimation_panel(tables["panel"], tables["complexes"], tables["price_index"], OUTCOME)
    assert data.groupby("unit").size().nunique() == 1 and data["y"].notna().all()
    everyone = len(tables["complexes"])
    assert counts["units"] + sum(count for key, count in counts.items() if key.startswith("excluded_")) == everyone
    assert data.groupby("cohort")["unit"].nunique().loc[[2005, 2008]].tolist() == [7, 5]


@pytest.mark.parametrize(("changes", "named"), [({"id": "profits"}, "outcomes.id"), ({"deflate": "cpi"}, "production.deflate")])
def test_what_the_data_do_not_have(small, changes, named):
    with pytest.raises(UserError, match=named):
        estimation_panel(*small, OUTCOME | changes)


def test_a_main_cohort_that_nobody_joined_in(small):
    data, _ = estimation_panel(*small, OUTCOME)
    require_cohort({"production": data}, 2010)
    with pytest.raises(UserError, match=r"main_cohort \(production\) is 2007; use one of: 2010"):
        require_cohort({"production": data}, 2007)


def test_the_specification_that_ships_is_complete():
    assert complete_impact(read_impact())["main_cohort"] == 2005


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"comparison": "never"}, "comparison is 'never'"), ({"comparision": "x"}, "comparision is not known"), ({"level": 95}, "level is 95"),
        ({"outcomes": []}, "outcomes"), ({"outcomes": [{"id": "production", "transform": "sqrt"}]}, "production.transform is 'sqrt'"),
        ({"outcomes": [{"id": "production", "transform": "log", "deflte": "ppi"}]}, "deflte is not known"),
        ({"outcomes": [{"id": "production", "transform": "log"}] * 2}, "each outcome once"), ({"sample": "all"}, "sample is 'all'"),
        ({"window": {"before": 0, "after": 5}}, "window"), ({"main_cohort": "2005"}, "main_cohort"),
    ],
)  # fmt: skip
def test_what_the_specification_may_not_say(changes, named):
    with pytest.raises(UserError, match=re.escape(named)):
        complete_impact(read_impact() | changes)


def test_a_key_that_the_specification_lacks():
    spec = read_impact()
    del spec["level"]
    with pytest.raises(UserError, match="level is missing"):
        complete_impact(spec)


def test_values_per_firm_zeros_and_types_compared(small):
    panel, complexes, prices = small
    panel = panel.assign(operating_firms=2.0)
    per_firm = {"id": "production_per_firm", "of": "production", "per": "operating_firms", "transform": "log"}
    total, _ = estimation_panel(panel, complexes, prices, {"id": "production", "transform": "log"})
    found, _ = estimation_panel(panel, complexes, prices, per_firm)
    assert (total["y"] - found["y"]).to_numpy() == pytest.approx(np.log(2))
    sine, _ = estimation_panel(panel, complexes, prices, {"id": "production", "transform": "asinh"})
    shared = sine.merge(total, on=["complex_id", "year"])
    assert shared["y_x"].to_numpy() == pytest.approx(np.arcsinh(np.exp(shared["y_y"])))
    with pytest.raises(UserError, match="outcomes.per is 'members'"):
        estimation_panel(panel, complexes, prices, per_firm | {"per": "members"})
    typed = complexes.assign(type=["national" if pd.notna(first) or number % 2 else "general" for number, first in enumerate(complexes["first_treated"])])
    kept, counts = estimation_panel(panel, typed, prices, {"id": "production", "transform": "log"}, {"comparison_types": ["national"]})
    left = typed[typed["first_treated"].isna() & (typed["type"] == "general")]["complex_id"]
    assert len(left) and not set(left) & set(kept["complex_id"]) and counts["excluded_not_compared"] == len(left)


def test_log1p_is_refused_with_what_to_use_instead():
    raw = read_impact()
    with pytest.raises(UserError, match="log1p.*Use log"):
        complete_impact(raw | {"outcomes": [{"id": "exports", "transform": "log1p"}]})
    assert complete_impact({key: value for key, value in raw.items() if key not in ("comparison_types", "anticipation")})["anticipation"] == 0
    for key, wrong in (("comparison_types", ["urban"]), ("anticipation", 9), ("productivity", {"labour_share": 2, "deflate": "ppi"})):
        with pytest.raises(UserError, match=key):
            complete_impact(raw | {key: wrong})
