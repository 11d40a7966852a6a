"""What the credibility chapter rests on: inference beside the usual one, bounds, levels of evidence, and the stored simulation of a design."""

import numpy as np
import pandas as pd
import pytest

from evaluation.impact.credibility import (
    effects,
    least_effects,
    own_proof,
    own_setting,
    sensitivity,
)
from evaluation.impact.design import design
from evaluation.impact.estimators import estimate
from evaluation.impact.inference import infer, of_cohort
from evaluation.impact.inference.simulate import RESULT_COLUMNS, record
from evaluation.impact.sensitivity.evidence import DIFFERED, NO_COMPARISON, NOT_TESTED, PARALLEL, scientific_methods_level
from evaluation.impact.sensitivity.honest import honest_of


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
    assert set(found["how"]) == {"analytic"} and (found["lower"] == found["usual_lower"]).all() and found["why_en"].str.contains("sdid").all()


def test_sensitivity_is_that_of_the_event_study_averaged_over_the_years_shown():
    given = plan()
    found = sensitivity(given, 0.95)
    direct = honest_of(estimate(given, "cs", "dynamic"), "rm", (0.5, 1.0, 2.0), [0.25] * 4)
    assert found["bounds"]["lower"].to_numpy() == pytest.approx(direct["lower"].to_numpy()) and found["last"] == 3
    assert found["bounds"]["upper"].is_monotonic_increasing and found["slope80"] > found["slope50"] > 0
    # Breakdown lies where the lower end crosses 0.
    ends = honest_of(estimate(given, "cs", "dynamic"), "rm", (found["breakdown"] * 0.98, found["breakdown"] * 1.02), [0.25] * 4)["lower"]
    assert ends[0] > 0 > ends[1]


def test_a_single_year_before_has_nothing_to_bound_with():
    assert "why" in sensitivity(plan(before=1), 0.95)


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
