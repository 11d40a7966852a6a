"""Who is compared with whom: weights of matching by hand, zones, and every key of the specification on the real registry."""

import numpy as np
import pandas as pd
import pytest

from evaluation.errors import UserError
from evaluation.impact.comparison import in_a_zone_of, matched
from evaluation.impact.estimators import estimate
from evaluation.impact.panel import estimation_panel, panel_design
from evaluation.impact.specification import complete_impact
from evaluation.sources.specs import read_impact

OUTCOME = {"id": "production", "transform": "log"}


def paths(**series):
    """Estimation panel of 2001 to 2004; names that start with p joined in 2004."""
    rows = [(name, year, 2004 * name.startswith("p"), value) for name, values in series.items() for year, value in zip(range(2001, 2005), values, strict=True)]
    return pd.DataFrame(rows, columns=["complex_id", "year", "cohort", "y"])


# In 2003 p1 stands at 1.0 and p2 at 5.0; a and b are nearest to p1, b and c to p2. d grows as p1 does.
SMALL = {"p1": (0.0, 0.5, 1.0, 9), "p2": (5.0, 5.0, 5.0, 9), "a": (0.9, 0.9, 0.9, 0), "b": (2.0, 2.0, 2.0, 0), "c": (4.0, 4.0, 4.0, 0), "d": (8.0, 8.5, 9.0, 0)}


def test_nearest_in_level_with_replacement():
    found = matched(paths(**SMALL), 2, ["level"])
    # p1: a (0.1 away), b (1.0); p2: c (1.0), b (3.0).
    assert found.to_dict() == {"p1": 1.0, "p2": 1.0, "a": 0.5, "b": 1.0, "c": 0.5}


def test_nearest_in_growth():
    found = matched(paths(**{name: SMALL[name] for name in ("p1", "a", "b", "d")}), 1, ["growth"])
    assert found.to_dict() == {"p1": 1.0, "d": 1.0}


def test_what_cannot_be_matched_is_refused():
    with pytest.raises(UserError, match="neighbours is 5, but there are 4"):
        matched(paths(**SMALL), 5, ["level"])
    late = paths(**SMALL).query("year > 2002")
    with pytest.raises(UserError, match="growth needs two years"):
        matched(late, 1, ["growth"])


def test_weights_of_matching_give_the_mean_of_the_matched():
    data = paths(**SMALL).assign(event_time=lambda rows: (rows["year"] - rows["cohort"]).where(rows["cohort"] > 0))
    data["weight"] = data["complex_id"].map(matched(data, 2, ["level"]))
    spec = complete_impact(read_impact())
    found = estimate(panel_design(data.dropna(subset="weight"), spec), "cs")
    # Changes from 2003 to 2004: 8 and 4 of the participants; a -0.9, b -2, c -4, of which b counts twice.
    assert found.estimate == pytest.approx((8 + 4) / 2 - (-0.9 * 0.5 - 2.0 - 4.0 * 0.5) / 2)


def test_neighbours_of_participants():
    complexes = pd.DataFrame({"complex_id": list("abcd"), "zone": ["x", "x", "y", "y"], "first_treated": [2005, np.nan, np.nan, 2010]})
    assert in_a_zone_of(complexes, pd.Series(["a"])).to_dict() == {"a": False, "b": True, "c": False, "d": False}


@pytest.fixture(scope="module")
def tables(inputs):
    return inputs.tables["panel"], inputs.tables["complexes"], inputs.tables["price_index"]


def test_cohorts_and_zones(tables):
    data, counts = estimation_panel(*tables, OUTCOME, {"cohorts": [2005], "exclude_same_zone": True})
    zones = tables[1].set_index("complex_id")["zone"]
    assert set(data["cohort"]) == {0, 2005} and counts["excluded_cohort"] > 0 and counts["excluded_same_zone"] > 0
    own = {group: set(rows["complex_id"].map(zones)) for group, rows in data.groupby(data["cohort"] > 0)}
    assert own[False] and not own[False] & own[True]
    assert counts["units"] + sum(count for key, count in counts.items() if key.startswith("excluded_")) == len(tables[1])
    with pytest.raises(UserError, match="no non-participants are left.*same_zone"):
        estimation_panel(*tables, OUTCOME, {"exclude_same_zone": True})
    with pytest.raises(UserError, match="cohorts is 2006; use one of: 2005, 2008, 2010"):
        estimation_panel(*tables, OUTCOME, {"cohorts": [2006]})


def test_weights_covariates_and_clusters(tables):
    panel, complexes, _ = tables
    data, counts = estimation_panel(*tables, OUTCOME, {"weights": "employment", "covariates": ["capital", "type"], "cluster": "zone"})
    first = panel[panel["year"] == panel["year"].min()].set_index("complex_id")
    one = data[data["complex_id"] == "H01"].iloc[-1]
    assert one["weight"] == first.at["H01", "employment"] and one["covariate_capital"] == pytest.approx(np.log(first.at["H01", "capital"]))
    kinds = complexes.set_index("complex_id")["type"]
    assert set(data.loc[data["covariate_type_national"] == 1, "complex_id"].map(kinds)) == {"national"} and "covariate_type_agro_industrial" not in data
    assert (data["cluster"] == data["complex_id"].map(complexes.set_index("complex_id")["zone"])).all()
    assert counts["units"] + sum(count for key, count in counts.items() if key.startswith("excluded_")) == len(complexes)
    plan = panel_design(data, complete_impact(read_impact() | {"method": "reg"}))
    assert plan.cluster == "cluster" and plan.method == "reg" and len(plan.covariates) == 3
    for key, wrong in (("weights", "wages"), ("covariates", ["wages"])):
        with pytest.raises(UserError, match=f"{key} is 'wages'; use one of"):
            estimation_panel(*tables, OUTCOME, {key: wrong})


def test_matched_weights_multiply_those_given(tables):
    matching = {"neighbours": 3, "by": ["level", "growth"]}
    alone, counts = estimation_panel(*tables, OUTCOME, {"matching": matching, "cohorts": [2005, 2008]})
    assert counts["excluded_unmatched"] > 0 and alone.loc[alone["cohort"] == 0, "weight"].groupby(alone["complex_id"]).first().sum() == pytest.approx(12)
    both, _ = estimation_panel(*tables, OUTCOME, {"matching": matching, "cohorts": [2005, 2008], "weights": "employment"})
    employment = tables[0][tables[0]["year"] == 2001].set_index("complex_id")["employment"]
    assert both["weight"].to_numpy() == pytest.approx((alone["weight"] * alone["complex_id"].map(employment)).to_numpy())


@pytest.mark.parametrize(
    ("key", "wrong"),
    [
        ("cohorts", 2005), ("cohorts", []), ("exclude_same_zone", "yes"), ("matching", {"neighbours": 0, "by": ["level"]}), ("matching", {"neighbours": 2, "on": ["size"]}),
        ("covariates", "type"), ("covariates", ["type", "type"]), ("weights", 3), ("cluster", "province"), ("method", "ols"), ("inference", "guess"),
    ],
)  # fmt: skip
def test_what_the_specification_may_not_say(key, wrong):
    with pytest.raises(UserError, match=key):
        complete_impact(read_impact() | {key: wrong})


def test_an_outcome_may_have_a_window_of_its_own():
    raw = read_impact()
    raw["outcomes"][1]["window"] = {"before": 2, "after": 1}
    spec = complete_impact(raw)
    assert [outcome["window"] for outcome in spec["outcomes"]] == [raw["window"], {"before": 2, "after": 1}, raw["window"]]
    raw["outcomes"][1]["window"] = {"before": 0, "after": 1}
    with pytest.raises(UserError, match="exports.window"):
        complete_impact(raw)
