"""The regression behind each estimator.

Tolerances. Combinations of coefficients must be the estimator's own numbers to 1e-10 of the outcome's range, which the function itself holds
and the tests hold again, event by event. Coefficients by dense least squares with every dummy written out: 1e-9.
"""

import numpy as np
import pandas as pd
import pytest

from evaluation.errors import UserError
from evaluation.impact.design import design
from evaluation.impact.estimators import estimate
from evaluation.impact.inference import regression as module
from evaluation.impact.inference.regression import regression, solve


def panel(seed=1, periods=8):
    """30 units, cohorts 4 and 6 and never, effects that differ, a covariate, weights, regions of three units."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame([(unit, time) for unit in range(30) for time in range(1, periods + 1)], columns=["unit", "time"])
    frame["cohort"] = np.repeat([4] * 7 + [6] * 9 + [0] * 14, periods)
    frame["region"], frame["x"] = frame["unit"] // 3, rng.normal(size=len(frame))
    frame["w"] = rng.uniform(0.5, 2, 30)[frame["unit"]]
    effect = np.where((frame["cohort"] > 0) & (frame["time"] >= frame["cohort"]), frame["cohort"] / 10 + 0.1 * (frame["time"] - frame["cohort"]), 0)
    frame["y"] = rng.normal(size=30)[frame["unit"]] + rng.normal(size=periods + 1)[frame["time"]] + effect + 0.4 * frame["x"] + rng.normal(0, 0.4, len(frame))
    return frame


def plan(frame, **more):
    return design(frame, "unit", "time", "y", "cohort", panel="complete", **more)


GAPS = panel().sample(frac=0.94, random_state=1)
CASES = {
    "balanced": (panel(), {}), "gaps": (GAPS, {}), "covariate": (panel(), {"covariates": ("x",)}), "weights": (GAPS, {"weights": "w", "covariates": ("x",), "cluster": "region"}),
    "window": (panel(), {"before": 2, "after": 2}), "anticipation": (panel(), {"anticipation": 1}), "notyet": (panel(), {"control": "notyet"}),
    "no never": (panel()[lambda frame: frame["cohort"] > 0], {"control": "notyet"}),
}  # fmt: skip
AGGREGATES = {"twfe": ("simple", "dynamic"), "sa": ("simple", "dynamic"), "etwfe": ("simple", "group", "dynamic", "calendar"), "stacked": ("simple", "dynamic"), "lpdid": ("simple", "dynamic")}
# What the estimators themselves refuse: two cohorts alone have no event study by two-way fixed effects.
IMPOSSIBLE = {("notyet", "sa", "simple"), ("notyet", "sa", "dynamic"), ("weights", "lpdid", "simple"), ("weights", "lpdid", "dynamic"), ("no never", "twfe", "dynamic")}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize(("estimator", "aggregate"), [(name, aggregate) for name, aggregates in AGGREGATES.items() for aggregate in aggregates])
def test_combinations_are_the_estimates(case, estimator, aggregate):
    """The estimate and each event time."""
    frame, more = CASES[case]
    given = plan(frame, **more)
    if (case, estimator, aggregate) in IMPOSSIBLE:
        with pytest.raises(UserError):
            regression(given, estimator, aggregate)
        return
    told = estimate(given, estimator, aggregate)
    made = regression(given, estimator, aggregate)
    found = solve(made).estimates
    near = 1e-10 * np.ptp(given.data["y"])
    assert found[0] == pytest.approx(told.estimate, abs=near)
    if aggregate == "dynamic":
        shown = told.event[~told.event["reference"]]
        assert list(made.event_time) == list(shown["event_time"])
        np.testing.assert_allclose(found[1:], shown["estimate"], atol=near)
    else:
        assert len(found) == 1


@pytest.mark.parametrize("aggregate", ["simple", "group", "dynamic", "calendar"])
@pytest.mark.parametrize("more", [{}, {"weights": "w"}, {"anticipation": 1}])
def test_callaway_santanna_against_never_treated_is_the_saturated_regression(aggregate, more):
    given = plan(panel(), **more)
    assert solve(regression(given, "cs", aggregate)).estimates[0] == pytest.approx(estimate(given, "cs", aggregate).estimate, abs=1e-10)
    if aggregate in ("simple", "dynamic"):
        assert solve(regression(given, "cs", aggregate)).estimates == pytest.approx(solve(regression(given, "sa", aggregate)).estimates, abs=1e-12)


def test_coefficients_are_those_of_all_dummies_written_out():
    frame = GAPS
    given = plan(frame, covariates=("x",), weights="w")
    made = regression(given, "sa")
    dense = np.column_stack([made.regressors, np.eye(made.time.max() + 1)[made.time], np.eye(made.absorbed.max() + 1)[made.absorbed][:, 1:]])
    root = np.sqrt(made.weight)
    coefficients = np.linalg.lstsq(dense * root[:, None], made.y * root, rcond=None)[0]
    np.testing.assert_allclose(solve(made).coefficients, coefficients[: made.regressors.shape[1]], atol=1e-9)


def test_units_that_move_between_clusters_are_not_absorbed():
    frame = panel().assign(moving=lambda frame: (frame["unit"] + frame["time"]) % 6)
    inside, across = (regression(plan(frame, cluster=name), "twfe") for name in ("region", "moving"))
    assert inside.nested
    assert not across.nested
    assert solve(across).q.shape[1] == solve(inside).q.shape[1] + 30
    assert solve(across).counted == solve(inside).counted + 29
    assert solve(across).estimates == pytest.approx(solve(inside).estimates, abs=1e-12)


def test_rows_say_where_they_come_from():
    given = plan(GAPS)
    for estimator in ("twfe", "sa", "stacked", "lpdid"):
        made = regression(given, estimator)
        assert (given.data["unit"].to_numpy()[made.row] == made.unit).all()
        if estimator != "lpdid":
            assert (given.data["y"].to_numpy()[made.row] == made.y).all()


def test_treated_rows():
    given = plan(panel())
    made = regression(given, "sa", "dynamic")
    assert (made.treated(made.contrast) == given.data["treated"].to_numpy()).all()
    at_two = made.event[list(made.event_time).index(2)]
    assert (made.treated(at_two) == (given.data["event_time"] == 2).to_numpy()).all()


@pytest.mark.parametrize("estimator", ["bjs", "did2s", "dcdh", "sdid", "sc", "etwfe_poisson"])
def test_what_is_no_regression_is_refused_with_what_to_use(estimator):
    frame = panel().assign(y=lambda frame: np.exp(frame["y"]))
    with pytest.raises(UserError, match=rf"{estimator} is no single regression.*--inference recommended.*twfe"):
        regression(plan(frame), estimator)


@pytest.mark.parametrize(("frame", "more", "reason"), [
    (panel(), {"covariates": ("x",)}, "models of its own"), (panel(), {"control": "notyet"}, "its own controls"), (GAPS, {}, "other units"),
])  # fmt: skip
def test_callaway_santanna_with_covariates_other_controls_or_gaps_is_refused(frame, more, reason):
    with pytest.raises(UserError, match=reason):
        regression(plan(frame, **more), "cs")


def test_a_regression_that_gives_another_estimate_is_refused(monkeypatch):
    other = module._twfe
    monkeypatch.setattr(module, "_twfe", lambda given, aggregate: other(plan(panel(seed=2)), aggregate))
    with pytest.raises(UserError, match="not that of the regression"):
        regression(plan(panel()), "twfe")


def test_a_regression_too_large_is_refused(monkeypatch):
    monkeypatch.setattr(module, "LARGEST", 1000)
    with pytest.raises(UserError, match="too large"):
        regression(plan(panel()), "twfe")
