"""Two-stage DiD against print, a second library, Gardner's formula written out, and known truth.

Tolerances. As in test_imputation: linear and exact, so 1e-9 against sums written out and diff-diff; the golden estimate was made by an
iterative first stage, 3e-9 from ours and from every dummy written out, and is held to 5e-9, its error to half a unit of its last digit.
Simulations: three Monte Carlo standard errors.
"""

import warnings

import numpy as np
import pandas as pd
import pytest

from evaluation.errors import UserError
from evaluation.impact.design import design
from evaluation.impact.estimators import estimate

TRUTH = {5: lambda event: 0.1 + 0.05 * event, 7: lambda event: -0.2, 2: lambda event: 0.3}


def panel(seed, cohorts=((5, 10), (7, 8), (0, 15)), periods=9, noise=0.2):
    """Units with effects, trends in common, noise that persists, effects by cohort and event time; a covariate, weights, regions of two."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame([(unit, time) for unit in range(sum(size for _, size in cohorts)) for time in range(1, periods + 1)], columns=["unit", "time"])
    frame["cohort"] = np.repeat([cohort for cohort, size in cohorts for _ in range(size)], periods)
    shocks = rng.normal(0, noise, (frame["unit"].max() + 1, periods))
    shocks[:, 1:] += 0.5 * shocks[:, :-1]
    frame["x"], frame["w"], frame["region"] = rng.normal(0, 1, len(frame)), rng.uniform(0.5, 2, len(frame)), frame["unit"] // 2
    frame["true"] = [TRUTH[cohort](time - cohort) if cohort and time >= cohort else 0.0 for cohort, time in zip(frame["cohort"], frame["time"], strict=True)]
    common = rng.normal(0, 0.3, periods)
    frame["y"] = rng.normal(0, 1, frame["unit"].max() + 1)[frame["unit"]] + common[frame["time"] - 1] + shocks.ravel() + frame["true"] + 0.3 * frame["x"]
    return frame


def plan(frame, **more):
    return design(frame, "unit", "time", "y", "cohort", **more)


def by_hand(checked, dummies):
    """Gardner's two regressions and GMM errors with every dummy written out.

    Args:
        dummies: second-stage regressors, shape (rows, k).
    """
    data = checked.data
    first = pd.get_dummies(data[["unit", "time"]].astype(str), dtype=float).join(data[list(checked.covariates)]).to_numpy()
    w = data["weight"].to_numpy() if "weight" in data else np.ones(len(data))
    y, off = data["y"].to_numpy(), (data["treated"] == 0).to_numpy()
    zero = first * off[:, None]
    inverse = np.linalg.pinv(zero.T @ (w[:, None] * zero), rcond=1e-12)
    theta = inverse @ zero.T @ (w * y)
    adjusted = y - first @ theta
    bread = np.linalg.inv(dummies.T @ (w[:, None] * dummies))
    beta = bread @ dummies.T @ (w * adjusted)
    gamma = inverse @ first.T @ (w[:, None] * dummies)
    scores = w[:, None] * (dummies * (adjusted - dummies @ beta)[:, None] - (zero @ gamma) * (y - zero @ theta)[:, None])
    meat = pd.DataFrame(scores).groupby(data[checked.cluster].to_numpy()).sum().to_numpy()
    return beta, bread @ meat.T @ meat @ bread


def test_county_employment():
    """ATT -0.0477099151, error 0.0134784 (the reference values kept with the project)."""
    from moderndid import load_mpdta

    found = estimate(design(load_mpdta().to_pandas(), "countyreal", "year", "lemp", "first.treat"), "did2s")
    assert found.estimate == pytest.approx(-0.0477099151, abs=5e-9)
    assert found.se == pytest.approx(0.0134784, abs=5e-8)
    assert (found.n_obs, found.n_treated_units) == (2500, 191)


def test_equals_library():
    from diff_diff import TwoStageDiD

    frame = panel(1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = TwoStageDiD().fit(frame, outcome="y", unit="unit", time="time", first_treat="cohort", aggregate="event_study")
    simple, dynamic = estimate(plan(frame), "did2s"), estimate(plan(frame), "did2s", "dynamic")
    assert (simple.estimate, simple.se) == pytest.approx((theirs.overall_att, theirs.overall_se), abs=1e-9)
    event = theirs.to_dataframe("event_study").set_index("relative_period").loc[0:, ["effect", "se"]]
    assert dynamic.event.set_index("event_time").loc[0:, ["estimate", "se"]].to_numpy() == pytest.approx(event.to_numpy(), abs=1e-9)


@pytest.mark.parametrize("more", [{}, {"weights": "w"}, {"covariates": ("x",)}, {"cluster": "region"}, {"covariates": ("x",), "weights": "w", "cluster": "region"}])
def test_equals_both_stages_written_out_on_a_panel_with_gaps(more):
    frame = panel(2)
    checked = plan(frame[np.random.default_rng(0).random(len(frame)) > 0.1], panel="keep", **more)
    found = estimate(checked, "did2s")
    beta, vcov = by_hand(checked, checked.data[["treated"]].to_numpy(dtype=float))
    assert (found.estimate, found.se) == pytest.approx((beta[0], np.sqrt(vcov[0, 0])), abs=1e-9)
    event = estimate(checked, "did2s", "dynamic")
    times = event.event.loc[~event.event["reference"], "event_time"].tolist()
    beta, vcov = by_hand(checked, (checked.data["event_time"].to_numpy()[:, None] == np.array(times)).astype(float))
    assert event.event.loc[~event.event["reference"], "estimate"].to_numpy() == pytest.approx(beta, abs=1e-9)
    assert event.vcov == pytest.approx(vcov, abs=1e-9)
    assert event.n_obs == len(checked.data)


def test_a_unit_with_one_untreated_period():
    """Where pyfixest's did2s fails."""
    checked = plan(panel(3, cohorts=((2, 6), (7, 8), (0, 10))))
    found = estimate(checked, "did2s")
    beta, vcov = by_hand(checked, checked.data[["treated"]].to_numpy(dtype=float))
    assert (found.estimate, found.se) == pytest.approx((beta[0], np.sqrt(vcov[0, 0])), abs=1e-9)
    assert found.n_treated_units == 14


def test_estimate_is_that_of_imputation():
    frame = panel(4)
    for aggregate in ("simple", "dynamic"):
        ours, other = estimate(plan(frame, after=2), "did2s", aggregate), estimate(plan(frame, after=2), "bjs", aggregate)
        assert ours.estimate == pytest.approx(other.estimate, abs=1e-12) and ours.cohorts == pytest.approx(other.cohorts)


def test_window_and_anticipation():
    found = estimate(plan(panel(5), before=3, after=2, anticipation=1), "did2s", "dynamic")
    assert found.event["event_time"].tolist() == [-3, -2, -1, 0, 1, 2]
    assert found.event.loc[found.event["reference"], "event_time"].tolist() == [-2]
    assert found.vcov.shape == (5, 5)
    assert found.estimate == pytest.approx(found.event.set_index("event_time").loc[0:, "estimate"].mean())


def test_influence_gives_the_standard_error():
    found = estimate(plan(panel(6)), "did2s")
    assert np.sqrt((found.influence**2).sum()) / len(found.influence) == pytest.approx(found.se, rel=1e-12)
    assert estimate(plan(panel(6), cluster="region"), "did2s").influence is None


@pytest.mark.slow
def test_unbiased_and_covers_with_heterogeneous_effects():
    errors, covered = [], []
    for seed in range(200):
        frame = panel(seed, cohorts=((5, 20), (7, 20), (0, 40)))
        found = estimate(plan(frame), "did2s")
        true = frame.loc[frame["true"] != 0, "true"].mean()
        errors.append(found.estimate - true)
        covered.append(found.lower <= true <= found.upper)
    assert abs(np.mean(errors)) < 3 * np.std(errors) / np.sqrt(len(errors))
    assert abs(np.mean(covered) - 0.95) < 3 * np.sqrt(0.95 * 0.05 / len(covered))


def test_periods_without_untreated_units_are_left_out_and_said():
    found = estimate(plan(panel(8, cohorts=((5, 10), (7, 10))), control="notyet"), "did2s")
    assert found.n_treated_units == 10 and found.n_obs == 20 * 6
    assert any("no prediction" in english for english, _ in found.warnings)


@pytest.mark.parametrize(
    ("more", "aggregate", "message"),
    [
        ({"covariates": ("fixed",)}, "simple", "fixed tells nothing beyond"),
        ({"anticipation": 6}, "simple", "No treated observation has a prediction"),
        ({"after": -1}, "dynamic", "No event time from 0 on"),
        ({}, "group", "no aggregate"),
    ],
)
def test_refused(more, aggregate, message):
    with pytest.raises(UserError, match=message):
        estimate(plan(panel(9).assign(fixed=lambda data: 1.0 * data["cohort"]), **more), "did2s", aggregate)
