"""Imputation against print, a second library, the paper's formulae written out, and known truth.

Tolerances. The estimator is linear and ours is exact, so that sums written out and diff-diff agree to 1e-9 (its solver's accuracy). The
golden estimate was made by an iterative first stage that stops at 1e-8 or so; ours, every dummy written out and diff-diff agree with each
other at -0.04770991828, 3e-9 from it: it is held to 5e-9, its error to half a unit of its last digit. Simulations: three Monte Carlo
standard errors of the mean; coverage of 95 % intervals within three of the share.
"""

import numpy as np
import pandas as pd
import pytest

from evaluation.errors import UserError
from evaluation.impact.design import design
from evaluation.impact.estimators import estimate

TRUTH = {5: lambda event: 0.1 + 0.05 * event, 7: lambda event: -0.2}


def panel(seed, cohorts=((5, 10), (7, 8), (0, 15)), periods=9, noise=0.2, effect=TRUTH):
    """Units with effects, trends in common, AR(1) noise and effects by cohort and event time; a covariate, weights, regions of two."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame([(unit, time) for unit in range(sum(size for _, size in cohorts)) for time in range(1, periods + 1)], columns=["unit", "time"])
    frame["cohort"] = np.repeat([cohort for cohort, size in cohorts for _ in range(size)], periods)
    shocks = rng.normal(0, noise, (frame["unit"].max() + 1, periods))
    for time in range(1, periods):
        shocks[:, time] = 0.5 * shocks[:, time - 1] + np.sqrt(0.75) * shocks[:, time]
    frame["x"] = rng.normal(0, 1, len(frame))
    frame["w"] = rng.uniform(0.5, 2, len(frame))
    frame["region"] = frame["unit"] // 2
    event = frame["time"] - frame["cohort"]
    frame["true"] = [effect[cohort](e) if cohort and e >= 0 else 0.0 for cohort, e in zip(frame["cohort"], event, strict=True)]
    common = rng.normal(0, 0.3, periods)
    frame["y"] = rng.normal(0, 1, frame["unit"].max() + 1)[frame["unit"]] + common[frame["time"] - 1] + shocks.ravel() + frame["true"] + 0.3 * frame["x"]
    return frame


def plan(frame, **more):
    return design(frame, "unit", "time", "y", "cohort", **more)


def holes(frame, share=0.1, seed=0):
    """The panel without some of its rows."""
    return frame[np.random.default_rng(seed).random(len(frame)) > share]


def by_hand(checked, groups=("cohort", "event_time")):
    """Theorem 3 with every dummy written out: estimate and standard error of the overall average."""
    data = checked.data
    a = pd.get_dummies(data[["unit", "time"]].astype(str), dtype=float).join(data[list(checked.covariates)]).to_numpy()
    y, w = data["y"].to_numpy(), data["weight"].to_numpy() if "weight" in data else np.ones(len(data))
    off = data["treated"].to_numpy() == 0
    on = ~off
    inverse = np.linalg.pinv(a[off].T @ (w[off, None] * a[off]), rcond=1e-12)
    theta = inverse @ a[off].T @ (w * y)[off]
    gap = y - a @ theta
    v = np.zeros(len(data))
    v[on] = w[on] / w[on].sum()
    v[off] = -w[off] * (a[off] @ inverse @ a[on].T @ v[on])
    left = gap.copy()
    treated = data[on].assign(v=v[on], gap=gap[on])
    treated["cluster"] = treated[checked.cluster]
    for _, rows in treated.groupby(list(groups)):
        sums = rows.assign(vg=rows["v"] * rows["gap"]).groupby("cluster")[["v", "vg"]].sum()
        left[rows.index] -= (sums["v"] * sums["vg"]).sum() / (sums["v"] ** 2).sum()
    return v @ y, np.sqrt((pd.Series(v * left).groupby(data[checked.cluster]).sum() ** 2).sum())


@pytest.fixture(scope="module")
def county():
    from moderndid import load_mpdta

    return load_mpdta().to_pandas()


def county_plan(county, **more):
    return design(county, "countyreal", "year", "lemp", "first.treat", **more)


# Print and a second library


def test_county_employment(county):
    """ATT -0.0477099151, error 0.0132225 (the reference values kept with the project)."""
    found = estimate(county_plan(county), "bjs")
    assert found.estimate == pytest.approx(-0.0477099151, abs=5e-9)
    assert found.se == pytest.approx(0.0132225, abs=5e-8)
    assert (found.n_obs, found.n_units, found.n_treated_units) == (2500, 500, 191)
    assert found.cohorts == pytest.approx({2004: 80 / 291, 2006: 80 / 291, 2007: 131 / 291})


@pytest.fixture(scope="module")
def library():
    """diff-diff on the simulated panel without gaps."""
    import warnings

    from diff_diff import ImputationDiD

    frame = panel(1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        keys = {"outcome": "y", "unit": "unit", "time": "time", "first_treat": "cohort"}
        found = ImputationDiD(pretrends=True).fit(frame, **keys, aggregate="all")
        left_out = ImputationDiD(leave_one_out=True).fit(frame, **keys)
    return frame, found, left_out


def test_equals_library_overall_and_by_cohort(library):
    frame, found, left_out = library
    simple = estimate(plan(frame), "bjs")
    assert (simple.estimate, simple.se) == pytest.approx((found.overall_att, found.overall_se), abs=1e-9)
    assert simple.diagnostics["se_leave_one_out"] == pytest.approx(left_out.overall_se, abs=1e-9)
    group = estimate(plan(frame), "bjs", "group")
    theirs = found.to_dataframe("group")
    assert group.groups["cohort"].tolist() == [5, 7]
    assert group.groups[["estimate", "se"]].to_numpy() == pytest.approx(theirs[["effect", "se"]].to_numpy(), abs=1e-9)
    assert group.estimate == pytest.approx((10 * group.groups["estimate"][0] + 8 * group.groups["estimate"][1]) / 18, abs=1e-12)


def test_equals_library_event_study(library):
    """After treatment as they are; before it the same regression, theirs against event time -1, ours against the first one."""
    frame, found, _ = library
    ours = estimate(plan(frame), "bjs", "dynamic")
    theirs = found.to_dataframe("event_study").set_index("relative_period")
    event = ours.event.set_index("event_time")
    assert event.loc[0:, ["estimate", "se"]].to_numpy() == pytest.approx(theirs.loc[0:, ["effect", "se"]].to_numpy(), abs=1e-9)
    assert event.index[event["reference"]].tolist() == [-6]
    rows = event.index[~event["reference"]].tolist()
    for time in (-6, -5, -4, -3, -2):
        contrast = np.array([(row == time) - (row == -1) for row in rows], dtype=float)
        estimates = event.loc[rows, "estimate"].to_numpy()
        assert contrast @ estimates == pytest.approx(theirs.at[time, "effect"], abs=1e-9)
        # CR1 with K the leads and the period effects, as ours: agreement to the factor's last period.
        assert np.sqrt(contrast @ ours.vcov @ contrast) == pytest.approx(theirs.at[time, "se"], rel=3e-3)
    assert ours.estimate == pytest.approx(event.loc[0:, "estimate"].mean())
    assert 0 < ours.diagnostics["pretrend_p"] < 1 and ours.diagnostics["pretrend_df"] == 5


def test_pre_trends_are_least_squares_on_untreated_rows():
    import statsmodels.api as sm

    frame = panel(2)
    ours = estimate(plan(frame, before=3), "bjs", "dynamic").event.set_index("event_time")
    rows = frame[(frame["cohort"] == 0) | (frame["time"] < frame["cohort"])]
    event = (rows["time"] - rows["cohort"]).where(rows["cohort"] > 0)
    # The window starts at -3: it and all before it are the reference.
    x = pd.concat([pd.DataFrame({f"e{e}": (event == e) * 1.0 for e in (-2, -1)}), pd.get_dummies(rows["unit"], dtype=float), pd.get_dummies(rows["time"], drop_first=True, dtype=float)], axis=1)
    fitted = sm.OLS(rows["y"], x.set_axis(x.columns.astype(str), axis=1)).fit()
    assert ours.index[ours["reference"]].tolist() == [-3] and ours.index[0] == -3
    for e in (-2, -1):
        assert ours.at[e, "estimate"] == pytest.approx(fitted.params[f"e{e}"], abs=1e-9)


# The formulae written out


@pytest.mark.parametrize("more", [{}, {"weights": "w"}, {"covariates": ("x",)}, {"cluster": "region"}, {"covariates": ("x",), "weights": "w", "cluster": "region"}])
def test_equals_theorem_3_on_a_panel_with_gaps(more):
    checked = plan(holes(panel(3)), panel="keep", **more)
    found = estimate(checked, "bjs")
    assert (found.estimate, found.se) == pytest.approx(by_hand(checked), abs=1e-9)
    assert found.n_obs == len(checked.data)


def test_event_study_variance_is_that_of_its_overall():
    found = estimate(plan(panel(4)), "bjs", "dynamic")
    rows = found.event[~found.event["reference"]]
    after = (rows["event_time"] >= 0).to_numpy() / (rows["event_time"] >= 0).sum()
    assert np.sqrt(after @ found.vcov @ after) == pytest.approx(found.se, rel=1e-12)
    assert np.sqrt(np.diag(found.vcov)) == pytest.approx(rows["se"].to_numpy())


@pytest.mark.parametrize("aggregate", ["simple", "group", "dynamic"])
def test_influence_gives_the_standard_error(aggregate):
    found = estimate(plan(holes(panel(5)), panel="keep"), "bjs", aggregate)
    assert np.sqrt((found.influence**2).sum()) / len(found.influence) == pytest.approx(found.se, rel=1e-12)
    assert sum(found.cohorts.values()) == pytest.approx(1)
    assert estimate(plan(panel(5), cluster="region"), "bjs", aggregate).influence is None


def test_anticipation_shifts_what_is_untreated():
    """With one period of anticipation, effects at event time -1 are shown, and the estimate equals that of cohorts a period earlier over
    the periods that are treated."""
    frame = panel(6)
    found = estimate(plan(frame, anticipation=1), "bjs", "dynamic")
    earlier = frame.assign(cohort=frame["cohort"].where(frame["cohort"] == 0, frame["cohort"] - 1))
    shifted = estimate(plan(earlier), "bjs", "dynamic").event.set_index("event_time")
    event = found.event.set_index("event_time")
    for time in (-1, 0, 1, 2):
        assert event.at[time, "estimate"] == pytest.approx(shifted.at[time + 1, "estimate"], abs=1e-12)
        assert event.at[time, "se"] == pytest.approx(shifted.at[time + 1, "se"], abs=1e-12)
    assert found.n_obs == len(frame)


# Known truth


@pytest.mark.slow
def test_unbiased_and_covers_with_heterogeneous_effects():
    errors, covered = [], []
    for seed in range(200):
        frame = panel(seed, cohorts=((5, 20), (7, 20), (0, 40)))
        found = estimate(plan(frame), "bjs")
        true = frame.loc[frame["true"] != 0, "true"].mean()
        errors.append(found.estimate - true)
        covered.append(found.lower <= true <= found.upper)
    assert abs(np.mean(errors)) < 3 * np.std(errors) / np.sqrt(len(errors))
    assert abs(np.mean(covered) - 0.95) < 3 * np.sqrt(0.95 * 0.05 / len(covered))


def test_recovers_each_effect_without_noise():
    frame = panel(7, noise=0)
    found = estimate(plan(frame, covariates=("x",)), "bjs", "group")
    for cohort, value in zip(found.groups["cohort"], found.groups["estimate"], strict=True):
        assert value == pytest.approx(frame.loc[(frame["cohort"] == cohort) & (frame["time"] >= cohort), "true"].mean(), abs=1e-9)


# Invariances


def test_the_choice_of_controls_changes_nothing_and_is_said():
    frame = panel(9)
    never, later = (estimate(plan(frame, control=control), "bjs") for control in ("never", "notyet"))
    assert never.estimate == later.estimate and "whatever the choice of controls" in never.estimand[0]


# What cannot be served


def test_periods_without_untreated_units_are_left_out_and_said():
    frame = panel(10, cohorts=((5, 10), (7, 10)))
    found = estimate(plan(frame, control="notyet"), "bjs", "dynamic")
    # Nobody is untreated from period 7 on: cohort 5 in periods 5 and 6 remains.
    assert found.n_treated_units == 10 and found.cohorts == pytest.approx({5: 1.0})
    assert found.n_obs == 20 * 6 and any("no prediction" in english for english, _ in found.warnings)
    # Periods 1 to 4 have both cohorts, so three changes between them: leads -3 to -1, against -4 and all before it.
    assert found.event.loc[found.event["reference"], "event_time"].tolist() == [-4]
    with pytest.raises(UserError, match="would use 120 of 180 rows"):
        estimate(plan(frame, control="notyet", panel="keep"), "bjs")


def test_one_untreated_period_needs_no_other():
    frame = panel(11, cohorts=((2, 8), (7, 8), (0, 10)), effect={2: TRUTH[5], 7: TRUTH[7]})
    checked = plan(frame)
    found = estimate(checked, "bjs")
    assert (found.estimate, found.se) == pytest.approx(by_hand(checked), abs=1e-9)
    assert found.n_obs == len(frame)


def test_no_pre_trends_without_two_periods_before():
    found = estimate(plan(panel(12, cohorts=((2, 8), (0, 10)), effect={2: TRUTH[5]})), "bjs", "dynamic")
    assert (found.event["event_time"] >= 0).all() and any("No coefficients before treatment" in english for english, _ in found.warnings)
    assert "pretrend_p" not in found.diagnostics


def test_small_cohorts_and_clusters_are_told():
    alone = estimate(plan(panel(13, cohorts=((5, 1), (7, 8), (0, 10)))), "bjs")
    assert any("one treated cluster" in english for english, _ in alone.warnings) and "se_leave_one_out" not in alone.diagnostics
    single = panel(14, cohorts=((5, 2), (0, 10)))
    found = estimate(plan(single, cluster="region"), "bjs")
    assert any("A single cluster is treated" in english for english, _ in found.warnings)


def test_too_few_clusters_for_a_joint_test():
    frame = panel(15).assign(region=lambda data: data["unit"] % 3)
    found = estimate(plan(frame, cluster="region"), "bjs", "dynamic")
    assert "pretrend_p" not in found.diagnostics and any("joint test" in english for english, _ in found.warnings)


@pytest.mark.parametrize(
    ("frame", "more", "aggregate", "message"),
    [
        (panel(16).assign(fixed=lambda data: data["unit"] * 1.0), {"covariates": ("fixed",)}, "simple", "fixed tells nothing beyond"),
        (panel(16).assign(twice=lambda data: 2 * data["x"]), {"covariates": ("x", "twice")}, "simple", "tells nothing beyond"),
        (panel(16, cohorts=((5, 10), (0, 10))), {"anticipation": 4}, "simple", "No treated observation has a prediction"),
        (panel(16), {"after": -1}, "dynamic", "No event time from 0 on"),
        (panel(16), {}, "calendar", "no aggregate"),
    ],
)
def test_refused(frame, more, aggregate, message):
    with pytest.raises(UserError, match=message):
        estimate(plan(frame, **more), "bjs", aggregate)


def test_a_trend_that_a_covariate_shares_hides_nothing_of_it():
    """What all units share of a covariate is in the time effects, however large."""
    frame = panel(30).assign(trended=lambda rows: rows["x"] + 1e5 * rows["time"] ** 2)
    first, second = (estimate(plan(frame, covariates=(name,)), "bjs") for name in ("x", "trended"))
    assert (second.estimate, second.se, second.n_obs) == pytest.approx((first.estimate, first.se, first.n_obs), rel=1e-6)


def test_no_leads_where_untreated_rows_lie_in_one_cluster():
    frame = panel(31).assign(side=lambda rows: ((rows["cohort"] > 0) & (rows["time"] >= rows["cohort"])).astype(int))
    found = estimate(plan(frame, cluster="side"), "bjs", "dynamic")
    assert (found.event["event_time"] >= 0).all() and any("untreated rows lie in a single cluster" in english for english, _ in found.warnings)
