"""Simulation of inference: what is drawn is what was asked for, what is estimated of it is unbiased, and what is reported is right.

Moments of what is drawn are compared with theory at four Monte Carlo standard errors, found from the replications themselves; closed
forms at rounding.
"""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from evaluation.errors import UserError
from evaluation.impact.design import design
from evaluation.impact.inference.simulate import (
    Errors,
    _products,
    _summary,
    cached,
    designed,
    draw,
    errors_of,
    record,
    setting,
    simulate,
)
from evaluation.sources import kept as store
from tests.conftest import ROOT, iccp

PLAIN = {"cohorts": {2005: 10}, "never": 20, "years": [2001, 2008], "ar": 0.6, "sd": 0.2}


def close(values, truth):
    """Whether a mean is within four standard errors of what it should be."""
    return abs(np.mean(values) - truth) < 4 * np.std(values, ddof=1) / np.sqrt(len(values))


def test_errors_are_drawn_as_asked():
    plan, errors = designed({"cohorts": {2003: 400}, "never": 400, "years": [2001, 2006], "ar": 0.6, "sd": 0.2, "zones": 100, "icc": 0.3})
    drawn = np.array([draw(plan, errors, np.random.default_rng(seed)).reshape(800, 6) for seed in range(40)])
    assert close(drawn.var(axis=(1, 2)), 0.04)
    for lag in (1, 2, 4):
        assert close((drawn[:, :, lag:] * drawn[:, :, :-lag]).mean(axis=(1, 2)), 0.04 * 0.6**lag)
    # Units 0 and 100 are of one zone, 0 and 101 are not.
    assert close((drawn[:, 0] * drawn[:, 100]).mean(axis=1), 0.04 * 0.3)
    assert close((drawn[:, :699] * drawn[:, 101:]).mean(axis=(1, 2)), 0)


def test_autocorrelation_of_white_noise_within_is_nickells():
    # Nickell (1981): without autocorrelation, errors less their mean over T periods have autocorrelation -1/(T - 1) between any two;
    # sums of products are then (T - 1) and -(T - 1)/T.
    zero, one = _products(0.0, np.ones((1, 8), dtype=bool))
    assert (zero[0], one[0]) == pytest.approx((7, -7 / 8))


@pytest.mark.parametrize("years", [[2001, 2005], [2001, 2015]])
@pytest.mark.parametrize("ar", [0.0, 0.7])
def test_what_is_estimated_is_unbiased_where_the_raw_autocorrelation_is_not(years, ar):
    plan, errors = designed({"cohorts": {2003: 15, 2004: 5}, "never": 60, "years": years, "ar": ar, "sd": 0.2, "zones": 20, "icc": 0.2})
    effect = np.where(plan.data["treated"] == 1, 0.1 * plan.data["event_time"], 0.0)
    found, raw = [], []
    for seed in range(150):
        some, more, _ = errors_of(replace(plan, data=plan.data.assign(y=draw(plan, errors, np.random.default_rng(seed)) + effect + 0.05 * plan.data["time"])))
        found.append((some.ar, some.sd**2, some.icc))
        raw.append(more["ar_raw"])
    ars, variances, shares = np.array(found).T
    # The inverse of a mean is not the mean of inverses: the median has no part in that, and 150 estimates have it to within 4 x 1.25 standard errors.
    for values, truth in ((ars, ar), (variances, 0.04), (shares, 0.2)):
        assert abs(np.median(values) - truth) < 5 * values.std() / np.sqrt(150) + 0.01 * truth
    # Of white noise over T periods it is -1/T, and lower yet where errors are correlated.
    assert np.mean(raw) < ar - 0.8 / len(plan.data["time"].unique())


def test_gaps_in_the_panel_are_minded_and_stay():
    plan, errors = designed({"cohorts": {2005: 40}, "never": 80, "years": [2001, 2010], "ar": 0.6, "sd": 0.2})
    frame = plan.data[["unit", "time", "cohort"]].assign(y=draw(plan, errors, np.random.default_rng(3)))
    frame = frame[(frame["unit"] % 3 > 0) | (frame["time"] < 2008)]
    gappy = design(frame, "unit", "time", "y", "cohort", panel="complete")
    some, _, _ = errors_of(gappy)
    assert some.ar == pytest.approx(0.6, abs=0.12) and some.sd == pytest.approx(0.2, rel=0.15)
    assert len(draw(gappy, some, np.random.default_rng(1))) == len(frame) < len(plan.data)
    assert simulate(gappy, some, ["bjs"], samples=10)["refused"].tolist() == [0]


def test_variance_by_size_is_found():
    plan, _ = designed({"cohorts": {2005: 400}, "never": 1600, "years": [2001, 2008], "ar": 0.3, "sd": 0.2})
    size = np.where(np.arange(2000) % 2, 1.0, 10.0)
    sized = replace(plan, data=plan.data.assign(size=size[plan.data["unit"]]))
    asked = Errors(0.3, 0.2, 0.0, 0.5, 0.5 / (1 / size).mean())
    y = draw(sized, asked, np.random.default_rng(5))
    some, _, _ = errors_of(replace(sized, data=sized.data.assign(y=y)))
    # 2,000 units of 8 periods: relative errors of variances are about 2 %.
    assert (some.fixed, some.by_size, some.ar, some.sd) == pytest.approx((asked.fixed, asked.by_size, 0.3, 0.2), rel=0.12)
    large, small = (y.reshape(2000, 8)[size == value].var() for value in (10, 1))
    assert small / large == pytest.approx((0.5 + asked.by_size) / (0.5 + asked.by_size / 10), rel=0.1)


@pytest.mark.slow
def test_one_cohort_and_independent_errors_have_the_variance_of_the_closed_form():
    # Difference-in-differences by imputation, n treated and m others, b periods before and a after: sd^2 (1/n + 1/m)(1/a + 1/b).
    plan, errors = designed({"cohorts": {2006: 30}, "never": 50, "years": [2001, 2008], "ar": 0.0, "sd": 0.3})
    found = simulate(plan, errors, ["bjs"], effects=[0.1], samples=400, seed=4)
    variance = 0.09 * (1 / 30 + 1 / 50) * (1 / 5 + 1 / 3)
    for row in found.itertuples():
        # A variance of 400 normal values lies within four standard errors, 4 (2 / 399)^0.5 = 28 %.
        assert row.sd**2 == pytest.approx(variance, rel=0.28) and row.sd_mcse == pytest.approx(row.sd / np.sqrt(798))
        assert abs(row.bias) < 4 * row.bias_mcse and row.bias_mcse == pytest.approx(np.sqrt(variance / 400), rel=0.15)
        assert abs(row.coverage - 0.95) < 0.05
    size, power = found["rejection"]
    known = stats.norm.sf(1.96 - 0.1 / np.sqrt(variance)) + stats.norm.cdf(-1.96 - 0.1 / np.sqrt(variance))
    assert abs(size - 0.05) < 0.04 and abs(power - known) < 4 * np.sqrt(known * (1 - known) / 400) + 0.02
    # Same errors under both: a linear estimator misses by the same.
    assert found["bias"].iloc[0] == pytest.approx(found["bias"].iloc[1], abs=1e-12)


@pytest.mark.slow
def test_few_treated_units_are_seen_to_mislead_the_analytic_errors():
    plan, errors = designed({"cohorts": {2005: 3, 2006: 60}, "never": 60, "years": [2001, 2010], "ar": 0.5, "sd": 0.1})
    found = simulate(plan, errors, ["bjs"], samples=200, by_cohort=True, seed=2).set_index("cohort")
    assert found.index.tolist() == ["all", "2005", "2006"]
    assert found.loc["2005", "rejection"] > 0.08 > found.loc["2006", "rejection"]
    assert found.loc["2005", "rejection_mcse"] == pytest.approx(np.sqrt(found.loc["2005", "rejection"] * (1 - found.loc["2005", "rejection"]) / 200))


@pytest.mark.slow
def test_seeds_decide_and_estimators_or_workers_do_not():
    plan, errors = designed(PLAIN)
    alone = simulate(plan, errors, ["bjs"], samples=25, seed=9)
    both = simulate(plan, errors, ["lpdid", "bjs"], samples=25, seed=9, workers=2, effects=[0.1])
    match = both[(both["estimator"] == "bjs") & (both["effect"] == 0)].reset_index(drop=True)
    pd.testing.assert_frame_equal(alone, match, check_exact=True)
    assert simulate(plan, errors, ["bjs"], samples=25, seed=10)["bias"].iloc[0] != alone["bias"].iloc[0]


@pytest.mark.slow
def test_the_same_on_a_dask_cluster():
    from distributed import LocalCluster

    plan, errors = designed(PLAIN)
    with LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0") as cluster:
        there = simulate(plan, errors, ["bjs", "cs"], samples=40, seed=9, by_cohort=True, scheduler=cluster.scheduler_address)
    pd.testing.assert_frame_equal(there, simulate(plan, errors, ["bjs", "cs"], samples=40, seed=9, by_cohort=True), check_exact=True)


def test_summary_by_hand():
    nan, inf = np.nan, np.inf
    found = np.array([[1.0, 0.5, 0.0, 2.0, 0.05], [2.0, 0.5, 1.5, 2.5, 0.001], [0.0, nan, -inf, inf, nan], [nan] * 5, [1.0, 1.0, nan, nan, 0.5]])
    told = _summary(found, 1.0, 0.05)
    assert (told["samples"], told["refused"], told["untested"], told["unbounded"]) == (5, 1, 1, 2)
    # Estimates 1, 2, 0, 1; p of 0.05 rejects at 0.05; the endless interval covers, the missing one says nothing.
    assert (told["bias"], told["sd"], told["coverage"], told["rejection"], told["width"]) == pytest.approx((0, np.sqrt(2 / 3), 2 / 3, 2 / 3, 1.5))
    assert told["coverage_mcse"] == pytest.approx(np.sqrt(2 / 9 / 3)) and told["se"] == pytest.approx(2 / 3)
    nothing = _summary(np.full((3, 5), nan), 0.0, 0.05)
    assert nothing["refused"] == 3 and all(np.isnan(nothing[name]) for name in ("bias", "sd", "coverage", "rejection"))


def test_refusals_are_counted_with_their_reason():
    plan, errors = designed(PLAIN)
    frame = plan.data[(plan.data["unit"] > 0) | (plan.data["time"] < 2007)]
    gappy = design(frame, "unit", "time", "y", "cohort", panel="complete")
    found = simulate(gappy, errors, ["sdid", "bjs"], samples=4).set_index("estimator")
    assert found["refused"].to_dict() == {"sdid": 4, "bjs": 0} and "gaps" in found.loc["sdid", "reason"] and found.loc["bjs", "reason"] == ""


def test_a_stored_result_is_found_by_all_it_hangs_on(tmp_path, monkeypatch):
    monkeypatch.setattr(store, "PROOF", tmp_path)
    plan, errors = designed(PLAIN)
    asked = {"estimators": ["bjs"], "inferences": ["analytic"], "effects": [0.1], "samples": 6, "seed": 3, "by_cohort": False, "draws": 9}
    found = simulate(plan, errors, **asked)
    settings = setting(plan, errors, **asked)
    assert cached(settings, store.read_proofs()) is None
    kept = record(found, settings, "iccp impact simulate …", 1.234)
    (tmp_path / "one.json").write_text(json.dumps(kept))
    (tmp_path / "broken.json").write_text("{")
    again = cached(setting(plan, errors, **asked), store.read_proofs())
    pd.testing.assert_frame_equal(again.drop(columns="reason"), found.drop(columns="reason"))
    for other in ({"seed": 4}, {"samples": 7}, {"inferences": ["cr2"]}, {"effects": [0.2]}):
        assert cached(setting(plan, errors, **asked | other), store.read_proofs()) is None
    assert cached(setting(plan, replace(errors, ar=0.61), **asked), store.read_proofs()) is None
    assert cached(settings | {"code": "other"}, store.read_proofs()) is None
    # 0 is always among the effects, and the last digits of what is estimated do not count.
    assert cached(setting(plan, replace(errors, ar=0.6 + 1e-12), **asked | {"effects": [0, 0.1]}), store.read_proofs()) is not None


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"cohorts": {}}, "cohorts is"), ({"cohorts": {2001: 3}}, "years from 2002 to 2008"), ({"cohorts": {2005: 0}}, "cohorts is"), ({"never": 0}, "1 or more"), ({"never": True}, "1 or more"),
        ({"years": [2001]}, "the first and the last"), ({"years": [2008, 2001]}, "the first and the last"), ({"ar": 1}, "below 1"), ({"ar": "high"}, "a number"), ({"sd": 0}, "above 0"),
        ({"sd": float("nan")}, "above 0"), ({"icc": 1.0, "zones": 5}, "below 1"), ({"icc": 0.2}, "how many zones"), ({"zones": 1}, "2 or more"), ({"zones": 99}, "no more than"), ({"colour": 1}, "is not known"),
    ],
)  # fmt: skip
def test_designs_that_cannot_be_are_refused(change, told):
    with pytest.raises(UserError, match=told):
        designed(PLAIN | change)


def test_a_design_without_a_key_is_refused():
    with pytest.raises(UserError, match="never, sd is missing"):
        designed({key: value for key, value in PLAIN.items() if key not in ("never", "sd")})


def test_panels_and_questions_that_cannot_serve_are_refused():
    plan, errors = designed(PLAIN)
    flat = replace(plan, data=plan.data.assign(y=plan.data["time"].astype(float)))
    with pytest.raises(UserError, match="nothing left"):
        errors_of(flat)
    short, _ = designed({"cohorts": {2002: 10}, "never": 20, "years": [2001, 2002], "ar": 0, "sd": 1})
    short = replace(short, data=short.data.assign(y=draw(short, Errors(0.0, 1.0), np.random.default_rng(1))))
    with pytest.raises(UserError, match="--ar"):
        errors_of(short)
    assert errors_of(short, ar=0.0)[0].sd == pytest.approx(1, rel=0.4)
    own = replace(plan, data=plan.data.assign(cluster=plan.data["unit"], y=draw(plan, errors, np.random.default_rng(1))))
    with pytest.raises(UserError, match="--icc"):
        errors_of(own)
    assert errors_of(own, icc=0.1)[0].icc == 0.1
    for wrong in ({"estimators": ["magic"]}, {"inferences": ["magic"]}, {"estimators": []}, {"estimators": ["bjs", "bjs"]}, {"samples": 1}, {"effects": [np.inf]}):
        with pytest.raises(UserError):
            simulate(plan, errors, **{"estimators": ["bjs"], "samples": 2} | wrong)


def test_a_trend_as_persistent_as_can_be_is_told_of():
    plan, _ = designed(PLAIN)
    slopes = np.random.default_rng(1).normal(size=30)
    trended = replace(plan, data=plan.data.assign(y=slopes[plan.data["unit"]] * (plan.data["time"] - 2001)))
    some, _, told = errors_of(trended)
    assert some.ar == 0.99 and "beyond" in told[0][0]


@pytest.fixture(scope="module")
def panel(tmp_path_factory):
    plan, errors = designed({"cohorts": {2004: 6, 2005: 30}, "never": 40, "years": [2001, 2008], "ar": 0.5, "sd": 0.1, "zones": 20, "icc": 0.2})
    path = tmp_path_factory.mktemp("panel") / "panel.csv"
    frame = plan.data[["unit", "time", "cohort", "cluster"]].rename(columns={"cohort": "first", "cluster": "zone"})
    frame.assign(y=draw(plan, errors, np.random.default_rng(8)) + frame["unit"]).to_csv(path, index=False)
    return path


@pytest.mark.slow
def test_command_on_a_panel(panel, tmp_path):
    names = ("--unit", "unit", "--time", "time", "--outcome", "y", "--cohort", "first", "--cluster", "zone")
    kept = tmp_path / "kept.json"
    run = iccp(ROOT, "impact", "simulate", str(panel), *names, "--estimators", "bjs", "--effect", "0.1", "--samples", "20", "--by-cohort", "--json", "--output", str(kept))
    assert run.returncode == 0, run.stderr
    told = json.loads(run.stdout)
    wanted = [(cohort, how, effect) for cohort in ("all", "2004", "2005") for how in ("recommended", "analytic") for effect in (0, 0.1)]
    assert [(row["cohort"], row["inference"], row["effect"]) for row in told["results"]] == wanted
    assert told["errors"]["ar"] > told["errors"]["ar_raw"] and 0 <= told["errors"]["icc"] < 1 and told["settings"]["cohorts"] == {"2004": 6, "2005": 30}
    stored = json.loads(kept.read_text())
    assert stored["results"] == told["results"] and stored["command"].startswith("iccp impact simulate") and stored["versions"]["numpy"] and stored["hash"] == told["hash"]
    given = json.loads(iccp(ROOT, "impact", "simulate", str(panel), *names, "--estimators", "bjs", "--samples", "2", "--ar", "0.3", "--icc", "0", "--sd", "0.2", "--json").stdout)
    assert (given["errors"]["ar"], given["errors"]["icc"], given["errors"]["sd"]) == (0.3, 0, 0.2)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "either a panel or --design"), (("--design", "docs/examples/few_treated.yml", "--effect", "much"), "numbers joined by commas"),
        (("--design", "docs/examples/few_treated.yml", "--inferences", "magic"), "use some of"),
        (("--design", "docs/examples/few_treated.yml", "--output", "no/such/folder.json"), "Make it first"),
    ],
)  # fmt: skip
def test_command_refuses_without_a_number(words, told):
    run = iccp(ROOT, "impact", "simulate", *words, "--json")
    assert run.returncode == 1 and run.stdout == "" and told in run.stderr and "Traceback" not in run.stderr


def test_a_person_reads_it(panel):
    run = iccp(ROOT, "impact", "simulate", "--design", "docs/examples/few_treated.yml", "--estimators", "bjs", "--samples", "3")
    assert run.returncode == 0 and "size/power" in run.stdout and "autocorrelation 0.7" in run.stdout, run.stderr
