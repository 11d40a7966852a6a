"""The specification curve on a panel made for it.

Tolerances: estimates of the reassignment code under the actual assignment equal the estimators' own to 1e-10, as both are sums of the
same numbers. Where there is no effect, p-values of the curve are uniform: 60 panels reject at 10 % in 0.10 +- 4 x 0.039.
"""

import numpy as np
import pandas as pd
import pytest

from evaluation.errors import UserError
from evaluation.impact.sensitivity import curve as module
from evaluation.impact.sensitivity.curve import combinations, curve, joint
from evaluation.impact.specification import complete_impact
from evaluation.sources.specs import read_impact

RAW = read_impact()
SPEC = complete_impact(RAW | {"defensible": {"estimators": ["cs", "bjs", "etwfe"], "comparison": ["never_treated", "not_yet_treated"], "comparison_types": [["national", "general", "agro_industrial"], ["national"]], "anticipation": [0, 1], "entry_years": ["printed", "alternative"]}})
OUTCOME = {"id": "production", "transform": "log", "window": SPEC["window"]}


def tables(seed, effect=0.0, units=48):
    rng = np.random.default_rng(seed)
    number = np.arange(units)
    cohort = np.where(number < 6, 2005.0, np.where(number < 16, 2008.0, np.nan))
    order = rng.permutation(units)
    complexes = pd.DataFrame({"complex_id": [f"c{n:02d}" for n in number], "type": np.array(["national", "general"])[order % 2], "first_treated": cohort})
    complexes["first_treated_alternative"] = complexes["first_treated"].where(number == 7).replace(2008.0, 2005.0)
    panel = complexes.merge(pd.DataFrame({"year": range(2001, 2011)}), how="cross")
    noise = rng.normal(size=(units, 10)).cumsum(axis=1) * 0.1
    panel["production"] = np.exp(5 + noise.ravel() + effect * (panel["year"] >= panel["first_treated"]))
    return {"panel": panel[["complex_id", "year", "production"]], "complexes": complexes, "price_index": pd.DataFrame({"index": [], "year": [], "value": []})}


def test_every_combination_once_and_the_main_one_among_them():
    rows = combinations(SPEC)
    # cs and etwfe in 2 x 2 x 2 x 2; bjs without the comparison, which it does not use.
    assert len(rows) == 2 * 16 + 8 and rows["main"].sum() == 1
    assert rows.loc[rows["main"], ["estimators", "entry_years"]].to_numpy().tolist() == [["cs", "printed"]]


def test_the_reassignment_code_gives_the_estimators_own_numbers():
    given = tables(1, 0.2)
    rows = curve(given, OUTCOME, SPEC)
    assert (rows["why"] == "").all() and rows["estimate"].is_monotonic_increasing
    estimates, errors = module._reassigned(given, OUTCOME, SPEC, rows, 3, 1)
    assert estimates[0] == pytest.approx(rows["estimate"].to_numpy(), abs=1e-10)
    cs = (rows["estimators"] == "cs").to_numpy()
    # The same spread, but for the small-sample factors of some estimators.
    assert errors[0][cs] == pytest.approx(rows.loc[cs, "se"].to_numpy(), rel=0.12)


def test_an_effect_stands_out_of_the_reassigned_curves():
    given = tables(2, 0.6)
    found = joint(given, OUTCOME, SPEC, curve(given, OUTCOME, SPEC), draws=199)
    # Of 40 combinations 16 give what another gives: extended two-way fixed effects is one of the others without covariates.
    assert found["count"] == 24 and found["positive"] == 1 and found["lowest"] <= found["median"] <= found["highest"]
    # The share that is significant takes few values: many reassigned curves tie with one that has all of them so.
    assert found["p_median"] == pytest.approx(1 / 200) and found["p_significant"] <= 0.05


def test_what_counts_once_is_each_estimate_on_its_data():
    given = tables(2, 0.6)
    rows = curve(given, OUTCOME, SPEC)
    kinds = rows["comparison_types"].astype(str)
    assert not rows.assign(kinds=kinds, rounded=rows["estimate"].round(9))[["kinds", "anticipation", "entry_years", "rounded"]].duplicated().any()
    assert rows["main"].sum() == 1 and rows.loc[rows["main"], "estimators"].item() == "cs"
    other = curve(given, OUTCOME, SPEC | {"defensible": SPEC["defensible"] | {"estimators": ["etwfe", "cs", "bjs"]}})
    assert len(other) == len(rows) and other.loc[other["main"], "estimators"].item() == "cs"


def test_clusters_that_cannot_be_reassigned_leave_the_curve_without_a_joint_test():
    given = tables(2, 0.6)
    given["complexes"]["zone"] = np.array(["a", "b", "c", "d"])[np.arange(48) % 4]
    spec = SPEC | {"cluster": "zone"}
    rows = curve(given, OUTCOME, spec)
    found = joint(given, OUTCOME, spec, rows, draws=19)
    assert np.isnan(found["p_median"]) and found["count"] == len(rows.dropna(subset="estimate"))


def test_reassigning_is_the_same_for_the_same_seed():
    given = tables(3)
    small = SPEC | {"defensible": SPEC["defensible"] | {"estimators": ["cs"], "anticipation": [0]}}
    rows = curve(given, OUTCOME, small)
    assert joint(given, OUTCOME, small, rows, draws=99) == joint(given, OUTCOME, small, rows, draws=99)


@pytest.mark.slow
def test_no_effect_is_rejected_as_often_as_the_level_says():
    small = SPEC | {"defensible": SPEC["defensible"] | {"estimators": ["cs"], "anticipation": [0]}}
    p = []
    for seed in range(60):
        given = tables(100 + seed)
        p.append(joint(given, OUTCOME, small, curve(given, OUTCOME, small), draws=99)["p_median"])
    assert np.mean(np.array(p) <= 0.1) == pytest.approx(0.1, abs=4 * np.sqrt(0.09 / 60))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"estimators": ["bjs"]}, "a list that holds the specification's own, cs"), ({"anticipation": [0, 9]}, "defensible.anticipation is 9"),
        ({"entry_years": ["printed", "guessed"]}, "defensible.entry_years is 'guessed'"), ({"colour": ["blue"]}, "defensible"),
        ({"comparison_types": [["national", "general", "agro_industrial"], ["urban"]]}, "defensible.comparison_types"),
    ],
)  # fmt: skip
def test_choices_that_cannot_be(changes, words):
    with pytest.raises(UserError, match=words):
        complete_impact(RAW | {"defensible": changes})
