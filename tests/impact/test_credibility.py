"""What the credibility chapter rests on: inference beside the usual one, bounds, levels of evidence, and the stored simulation of a design."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from evaluation.impact.credibility import (
    before_joining,
    differed,
    effects,
    evidence,
    least_effects,
    own_proof,
    own_setting,
    sensitivity,
)
from evaluation.impact.design import design
from evaluation.impact.estimators import estimate
from evaluation.impact.inference import infer, of_cohort
from evaluation.impact.inference.simulate import RESULT_COLUMNS, record
from evaluation.impact.panel import estimation_panel, panel_design
from evaluation.impact.sensitivity.evidence import DIFFERED, NO_COMPARISON, NOT_TESTED, PARALLEL, scientific_methods_level
from evaluation.impact.sensitivity.honest import honest_of
from evaluation.impact.specification import complete_impact
from evaluation.paths import ROOT
from evaluation.sources.kept import read_proofs
from evaluation.sources.specs import read_impact
from evaluation.sources.store import open_inputs


def plan(seed=1, cohorts=((2005, 5), (2008, 4), (0, 20)), effect=0.3, before=4, after=3):
    rng = np.random.default_rng(seed)
    rows, unit = [], 0
    for cohort, count in cohorts:
        for _ in range(count):
            walk = rng.normal(size=10).cumsum() * 0.05
            rows += [(unit, year, cohort, walk[year - 2001] + effect * (0 < cohort <= year)) for year in range(2001, 2011)]
            unit += 1
    return design(pd.DataFrame(rows, columns=["u", "t", "g", "y"]), "u", "t", "y", "g", before=before, after=after)


def test_effects_are_the_estimates_with_both_intervals():
    given = plan()
    found = effects(given, "recommended").set_index("part")
    assert list(found.index) == ["overall", "2005", "2008"] and set(found["how"]) == {"randomisation"}
    alone = infer(of_cohort(given, 2008), "cs", "simple", "randomisation")
    assert found.loc["2008", ["lower", "upper", "p"]].tolist() == pytest.approx([alone.lower, alone.upper, alone.p])
    usual = estimate(given, "cs")
    assert found.loc["overall", ["estimate", "usual_lower"]].tolist() == pytest.approx([usual.estimate, usual.lower])
    assert found["why_en"].str.contains("units").all() and found["why_ko"].str.contains("단위").all()


def test_where_a_method_refuses_the_usual_interval_stands_with_the_reason():
    found = effects(plan(), "placebo")
    assert set(found["how"]) == {"analytic"} and found["refused"].all() and (found["lower"] == found["usual_lower"]).all() and found["why_en"].str.contains("sdid").all()


def test_paths_before_joining_are_two_periods_compared():
    """By hand: means of changes from the first period to the last before the cohort, per year, and by randomisation as asked for directly."""
    given = plan()
    found = before_joining(given, "recommended").set_index("part")
    wide = given.data.pivot(index="unit", columns="time", values="y")
    cohort = given.data.groupby("unit")["cohort"].first()
    for part, last in (("2005", 2004), ("2008", 2007)):
        change = (wide[last] - wide[2001]) / (last - 2001)
        assert found.at[part, "estimate"] == pytest.approx(change[cohort == int(part)].mean() - change[cohort == 0].mean())
        assert found.at[part, "years"] == last - 2001 and found.at[part, "how"] == "randomisation"
        rows = given.data[given.data["cohort"].isin([0, int(part)]) & given.data["time"].isin([2001, last])]
        direct = design(rows.assign(g=np.where(rows["cohort"] > 0, last, 0), u=rows["unit"]), "u", "time", "y", "g")
        other = infer(direct, "cs", "simple", "randomisation")
        assert (found.at[part, "p"], found.at[part, "upper"] * (last - 2001)) == pytest.approx((other.p, other.upper))
    assert before_joining(plan(cohorts=((2002, 5), (0, 20))), "recommended").empty


def test_a_cohort_on_a_path_of_its_own_is_not_lost_in_the_pool():
    """190 alike and five that grew by a tenth a year: the pooled test sees nothing, the cohort by itself does."""
    given = plan(cohorts=((2006, 5), (2008, 120), (0, 40)), effect=0)
    data = given.data.assign(y=given.data["y"] + np.where(given.data["cohort"] == 2006, 0.1 * (given.data["time"] - 2001), 0))
    apart = replace(given, data=data)
    before = before_joining(apart, "recommended")
    pooled = estimate(apart, "cs", "dynamic").diagnostics["event_pretest_p"]
    assert evidence(apart, pooled, before) == (2, DIFFERED) and before.set_index("part").at["2006", "p"] < 0.01
    assert evidence(given, estimate(given, "cs", "dynamic").diagnostics["event_pretest_p"], before_joining(given, "recommended")) == (3, PARALLEL)
    assert differed(0.5, before_joining(given, "recommended").iloc[:0]) == 0.5 and differed(None, before.iloc[:0]) is None
    assert differed(float("nan"), pd.DataFrame({"p": [0.02, 0.4]})) == 0.04


def test_bounds_are_on_the_effect_itself_and_no_narrower_than_its_interval():
    given = plan(2)
    sure = effects(given, "recommended")
    found = sensitivity(given, 0.95, sure)
    whole = sure.iloc[0]
    # Event times 0 to 5 of one cohort, 0 to 2 of the other: as often as they make up the average over treated periods.
    weights = np.array([9, 9, 9, 5, 5, 5]) / 42
    wider = (whole["upper"] - whole["lower"]) / (whole["usual_upper"] - whole["usual_lower"])
    event = estimate(replace(given, after=None), "cs", "dynamic")
    assert found["estimate"] == pytest.approx(whole["estimate"]) and found["widened"] == pytest.approx(max(1, wider)) and wider > 1.05
    direct = honest_of(replace(event, vcov=event.vcov * wider**2), "rm", (0.5, 1.0, 2.0), weights)
    assert found["bounds"]["lower"].to_numpy() == pytest.approx(direct["lower"].to_numpy())
    none = honest_of(replace(event, vcov=event.vcov * wider**2), "rm", (0.0,), weights)
    assert none.at[0, "upper"] - none.at[0, "lower"] == pytest.approx(whole["upper"] - whole["lower"], rel=0.03)
    # Breakdown lies where the lower end crosses 0.
    ends = honest_of(replace(event, vcov=event.vcov * wider**2), "rm", (found["breakdown"] * 0.98, found["breakdown"] * 1.02), weights)["lower"]
    assert ends[0] > 0 > ends[1]


def test_slopes_are_those_that_the_joint_test_finds():
    """200,000 draws of the coefficients before treatment: Monte Carlo error of a power of 80 % is 0.09 points."""
    given = plan()
    found = sensitivity(given, 0.95, effects(given, "analytic"))
    event = estimate(replace(given, after=None), "cs", "dynamic")
    front = event.vcov[:3, :3]
    for name, power in (("slope50", 0.5), ("slope80", 0.8)):
        drawn = np.random.default_rng(1).multivariate_normal(found[name] * np.array([-3, -2, -1]), front, 200_000)
        wald = np.einsum("di,ij,dj->d", drawn, np.linalg.inv(front), drawn)
        assert (wald > 7.814728).mean() == pytest.approx(power, abs=0.005)
    # One further off the reference each year.
    assert found["bias80"] == pytest.approx(found["slope80"] * (9 * (1 + 2 + 3) + 5 * (4 + 5 + 6)) / 42)


def test_a_single_year_before_has_nothing_to_bound_with():
    given = plan(before=1)
    assert "why" in sensitivity(given, 0.95, effects(given, "analytic"))


def test_levels_of_evidence():
    assert scientific_methods_level(0, 0.5) == (1, NO_COMPARISON)
    assert scientific_methods_level(9, None) == scientific_methods_level(9, float("nan")) == (2, NOT_TESTED)
    assert scientific_methods_level(9, 0.01) == (2, DIFFERED) and scientific_methods_level(9, 0.4) == (3, PARALLEL)


def test_a_stored_simulation_is_found_for_exactly_this_design():
    given = plan()
    assert own_proof(given, []) is None
    _, settings = own_setting(given)
    kept = [record(pd.DataFrame([{name: 0.05 for name in RESULT_COLUMNS}]), settings, "iccp impact prove 2010", 1.0)]
    assert own_proof(given, kept)["rejection"].tolist() == [0.05]
    assert own_proof(plan(cohorts=((2005, 5), (2008, 5), (0, 20))), kept) is None


def test_least_effects_on_all_are_smaller_than_on_each_cohort():
    found = least_effects(plan(), "recommended").set_index("cohort")["mde"]
    assert 0 < found["all"] < min(found["2005"], found["2008"])


@pytest.mark.parametrize("year", [int(path.name.split("-")[0]) for path in sorted((ROOT / "docs/proof").glob("[0-9]*.json"))])
def test_the_shipped_simulations_are_of_the_shipped_designs_and_code(year):
    """Made by `iccp impact prove YEAR`; to be made anew where the specification, the simulated data or the code of inference change."""
    spec = complete_impact(read_impact())
    outcome = spec["outcomes"][0]
    tables = open_inputs(year, ["panel", "complexes", "price_index"], None).tables
    data, _ = estimation_panel(tables["panel"], tables["complexes"], tables["price_index"], outcome, spec)
    proof = own_proof(panel_design(data, spec, outcome["window"]), read_proofs())
    size = proof[proof["effect"] == 0].set_index(["inference", "cohort"])["rejection"]
    # 1,000 panels: a Monte Carlo error of 0.7 points.
    assert size["recommended"].between(0.03, 0.07).all() and size["analytic", "2005"] > 0.08
