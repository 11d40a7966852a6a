"""Minimum detectable effects: the published formula, multipliers from print, and simulation at the effect.

Formulas are compared at rounding; simulated power within four Monte Carlo standard errors.
"""

import json

import numpy as np
import pytest
from scipy import stats

from evaluation.errors import UserError
from evaluation.impact.inference.power import checked, cohort_weights, detectable
from evaluation.impact.inference.simulate import _draw, _Frame, designed
from tests.conftest import ROOT, iccp

FEW = {"cohorts": {2005: 7, 2008: 5, 2010: 190}, "never": 60, "years": [2001, 2015], "ar": 0.7, "sd": 0.1}


def burlig(n, others, before, after, ar, sd):
    """Variance of difference-in-differences as Burlig, Preonas and Woerman (2020, equation 2) and their Stata program pc_dd_analytic (option
    ar1) have it: with the average covariances within a unit before, after and across treatment."""
    total = n + others

    def across(pairs):
        return np.mean([ar ** abs(s - t) for s, t in pairs]) * sd**2 if pairs else 0.0

    early, late = range(before), range(before, before + after)
    psi_b = across([(s, t) for s in early for t in early if s != t])
    psi_a = across([(s, t) for s in late for t in late if s != t])
    psi_x = across([(s, t) for s in early for t in late])
    inside = (before + after) / (before * after) * sd**2 + (before - 1) / before * psi_b + (after - 1) / after * psi_a - 2 * psi_x
    share = n / total
    return inside / (share * (1 - share) * total)


@pytest.mark.parametrize(("n", "others", "first", "ar"), [(30, 50, 2006, 0.0), (30, 50, 2006, 0.7), (5, 60, 2002, 0.9), (40, 4, 2008, -0.3)])
def test_variance_is_that_of_burlig_preonas_and_woerman(n, others, first, ar):
    plan, errors = designed({"cohorts": {first: n}, "never": others, "years": [2001, 2008], "ar": ar, "sd": 0.3})
    found = detectable(plan, errors, "bjs", workers=1)
    variance = burlig(n, others, first - 2001, 2009 - first, ar, 0.3)
    assert found["se"].tolist() == pytest.approx([np.sqrt(variance)] * 2, rel=1e-9)
    # Independent errors: by hand.
    if ar == 0:
        assert variance == pytest.approx(0.09 * (1 / 30 + 1 / 50) * (1 / 5 + 1 / 3))


@pytest.mark.parametrize(("power", "printed"), [(0.9, 2.93), (0.8, 2.49), (0.7, 2.17)])
def test_multipliers_are_those_of_bloom(power, printed):
    # Bloom (1995), table 1: one-sided at 5 %, that is two-sided at 10 %, for many units.
    plan, errors = designed({"cohorts": {2002: 20_000}, "never": 20_000, "years": [2001, 2002], "ar": 0.0, "sd": 1.0}, level=0.9)
    assert round(detectable(plan, errors, "bjs", "cr2", power, workers=1)["multiplier"].iloc[0], 2) == printed


def test_weights_are_those_of_the_estimator():
    # Callaway and Sant'Anna compare with the last period before treatment; cohorts by their treated rows.
    plan, errors = designed({"cohorts": {2003: 4, 2004: 6}, "never": 5, "years": [2001, 2005], "ar": 0.5, "sd": 0.1})
    known = np.zeros((3, 5))
    known[1] = np.array([0, -3, 1, 1, 1]) / 24
    known[2] = np.array([0, 0, -2, 1, 1]) / 24
    known[0] = -(4 * known[1] + 6 * known[2]) / 5
    assert cohort_weights(plan, "cs", workers=1) == pytest.approx(known, abs=1e-10)


def test_effective_degrees_of_freedom_fall_with_the_treated_units():
    plan, errors = designed(FEW)
    found = detectable(plan, errors, "bjs", workers=1).set_index("cohort")
    assert found.index.tolist() == ["all", "2005", "2008", "2010"]
    few = found.loc["2008"]
    # Welch and Satterthwaite: variances 1/5 and 1/60 of one unit's, with 4 and 59 degrees of freedom.
    assert few["df"] == pytest.approx((1 / 5 + 1 / 60) ** 2 / ((1 / 5) ** 2 / 4 + (1 / 60) ** 2 / 59))
    assert few["multiplier"] == pytest.approx(stats.t.ppf(0.975, few["df"]) + stats.t.ppf(0.8, few["df"])) and few["mde"] == pytest.approx(few["multiplier"] * few["se"])
    assert few["percent_up"] == pytest.approx(100 * (np.exp(few["mde"]) - 1)) and few["percent_down"] == pytest.approx(100 * (np.exp(-few["mde"]) - 1))
    pooled = detectable(plan, errors, "bjs", "conley-taber", workers=1).set_index("cohort")
    assert pooled.loc["2008", "df"] == 63 and pooled.loc["2008", "mde"] < few["mde"] and pooled.loc["2008", "se"] == few["se"]


def test_zones_that_share_errors_count_as_the_units_of_chance():
    plan, errors = designed({"cohorts": {2004: 10}, "never": 10, "years": [2001, 2006], "ar": 0.4, "sd": 0.2, "zones": 5, "icc": 0.5})
    found = detectable(plan, errors, "bjs", workers=1)
    # Each zone has two treated units and two others, so that what they share cancels: half the variance is left.
    assert found["se"].iloc[0] == pytest.approx(np.sqrt(0.5 * burlig(10, 10, 3, 3, 0.4, 0.2))) and found["df"].iloc[0] == pytest.approx(4)


@pytest.mark.parametrize(("n", "first"), [(5, 2008), (7, 2005), (40, 2010)])
@pytest.mark.slow
def test_a_welch_test_finds_the_effect_as_often_as_asked(n, first):
    # By hand and apart from the estimators: the change in each unit's mean, compared by scipy's t test.
    plan, errors = designed({"cohorts": {first: n}, "never": 60, "years": [2001, 2015], "ar": 0.7, "sd": 0.1})
    mde = detectable(plan, errors, "bjs", workers=1)["mde"].iloc[0]
    before, rejected, generator, frame = first - 2001, [], np.random.default_rng(first), _Frame.of(plan, errors)
    for _ in range(2_000):
        y = _draw(frame, errors, generator).reshape(n + 60, 15)
        change = y[:, before:].mean(axis=1) - y[:, :before].mean(axis=1)
        treated = plan.first > 0
        rejected.append(stats.ttest_ind(change[treated] + mde, change[~treated], equal_var=False).pvalue < 0.05)
    # 2,000 samples: a standard error of 0.009. Sums of t quantiles are the published formula; exactly they give 79.4 % at 4.7 degrees.
    assert abs(np.mean(rejected) - 0.8) < 0.036


@pytest.mark.slow
def test_simulation_at_the_effect_has_the_power():
    plan, errors = designed({"cohorts": {2005: 40, 2008: 60}, "never": 80, "years": [2001, 2012], "ar": 0.6, "sd": 0.1})
    found = checked(detectable(plan, errors, "bjs", "analytic"), plan, errors, "bjs", "analytic", 400, 5)
    for row in found.itertuples():
        assert abs(row.power - 0.8) < 4 * row.power_mcse + 0.01 and abs(row.size - 0.05) < 4 * np.sqrt(0.05 * 0.95 / 400)


def test_one_treated_unit_needs_a_method_that_borrows_its_spread():
    plan, errors = designed({"cohorts": {2005: 1, 2006: 30}, "never": 40, "years": [2001, 2010], "ar": 0.5, "sd": 0.1})
    found = detectable(plan, errors, "bjs", workers=1).set_index("cohort")
    assert np.isnan(found.loc["2005", "mde"]) and "conley-taber" in found.loc["2005", "reason"] and found.loc["2006", "mde"] > 0
    assert detectable(plan, errors, "bjs", "ferman-pinto", workers=1)["mde"].notna().all()


def test_what_has_no_formula_is_refused():
    plan, errors = designed({"cohorts": {2004: 3}, "never": 8, "years": [2001, 2006], "ar": 0.5, "sd": 0.1})
    with pytest.raises(UserError, match="not linear"):
        cohort_weights(plan, "sdid")
    for wrong, told in (({"power": 0.04}, "power is"), ({"power": 1.0}, "power is"), ({"inference": "magic"}, "use one of"), ({"estimator": "magic"}, "use one of")):
        with pytest.raises(UserError, match=told):
            detectable(plan, errors, **{"estimator": "bjs", "workers": 1} | wrong)


def test_command():
    run = iccp(ROOT, "impact", "power", "--design", "docs/examples/few_treated.yml", "--estimator", "bjs", "--json")
    assert run.returncode == 0, run.stderr
    told = json.loads(run.stdout)
    plan, errors = designed(FEW)
    known = detectable(plan, errors, "bjs", workers=1)
    assert [row["mde"] for row in told["results"]] == pytest.approx(known["mde"].tolist(), rel=1e-9) and told["errors"]["ar"] == 0.7
    for words, message in (((), "--design is missing"), (("--design", "docs/examples/few_treated.yml", "--power", "2"), "power is")):
        run = iccp(ROOT, "impact", "power", *words, "--json")
        assert run.returncode == 1 and run.stdout == "" and message in run.stderr and "Traceback" not in run.stderr
