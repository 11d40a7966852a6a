"""LP-DiD against a second library, least squares with every dummy written out, did_multiplegt_dyn and known truth.

Tolerances. All is least squares, so 1e-9 against diff-diff and statsmodels. No printed number exists for the county data; the values held
there are those of diff-diff 3.13 (1e-6), and of did_multiplegt_dyn where the estimators coincide (reweighted effects)
to half a unit of its last digit. Simulations: three Monte Carlo standard errors.
"""

import warnings

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf

from evaluation.errors import UserError
from evaluation.impact.design import design
from evaluation.impact.estimators import estimate, lpdid

TRUTH = {5: lambda event: 0.1 + 0.05 * event, 7: lambda event: -0.2}


def panel(seed, cohorts=((5, 10), (7, 8), (0, 15)), periods=9, noise=0.2):
    """Units with effects, trends in common, noise that persists, effects by cohort and event time; a fixed covariate, regions of two."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame([(unit, time) for unit in range(sum(size for _, size in cohorts)) for time in range(1, periods + 1)], columns=["unit", "time"])
    frame["cohort"] = np.repeat([cohort for cohort, size in cohorts for _ in range(size)], periods)
    n = frame["unit"].max() + 1
    shocks = rng.normal(0, noise, (n, periods))
    shocks[:, 1:] += 0.5 * shocks[:, :-1]
    frame["x"], frame["w"], frame["region"] = rng.normal(0, 1, n)[frame["unit"]], 1.5, frame["unit"] // 2
    frame["true"] = [TRUTH[cohort](time - cohort) if cohort and time >= cohort else 0.0 for cohort, time in zip(frame["cohort"], frame["time"], strict=True)]
    frame["y"] = rng.normal(0, 1, n)[frame["unit"]] + rng.normal(0, 0.3, periods)[frame["time"] - 1] + shocks.ravel() + frame["true"] + 0.1 * frame["x"] * frame["time"]
    return frame


def plan(frame, **more):
    return design(frame, "unit", "time", "y", "cohort", **more)


def library(frame, pre=3, post=2, pooled=2, covariates=None, **more):
    from diff_diff import LPDiD

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        treated = frame.assign(treated=((frame["cohort"] > 0) & (frame["time"] >= frame["cohort"])).astype(int))
        found = LPDiD(pre_window=pre, post_window=post, **more).fit(treated, outcome="y", unit="unit", time="time", treatment="treated", covariates=covariates, post_pooled=(0, pooled))
    return found.to_dataframe().set_index("horizon"), found.pooled.set_index("window")


def by_hand(frame, horizons, base=1, clean=lambda g, t, far: g == 0):
    """One regression on changes, its rows made one by one: estimate and CR1 error by unit."""
    y = frame.set_index(["unit", "time"])["y"]
    rows = []
    for (unit, cohort), own in frame.groupby(["unit", "cohort"]):
        for t in range(1, 10):
            needed = [(unit, t - base), *((unit, t + h) for h in horizons)]
            if (t == cohort or clean(cohort, t, max(*horizons, 0))) and all(place in y.index for place in needed):
                rows.append((unit, t, float(t == cohort), y[needed[1:]].mean() - y[needed[0]]))
    sample = pd.DataFrame(rows, columns=["unit", "t", "enters", "change"])
    fitted = smf.ols("change ~ enters + C(t)", sample).fit(cov_type="cluster", cov_kwds={"groups": sample["unit"]})
    return fitted.params["enters"], fitted.bse["enters"]


# Print and a second library


def county(**more):
    from moderndid import load_mpdta

    return design(load_mpdta().to_pandas(), "countyreal", "year", "lemp", "first.treat", **more)


def test_county_employment():
    """diff-diff 3.13, clean controls not yet treated, variance-weighted."""
    event = estimate(county(control="notyet"), "lpdid", "dynamic").event.set_index("event_time")
    for time, value, se in [(0, -0.017570, 0.011398), (1, -0.054265, 0.017020), (2, -0.136274, 0.035488), (3, -0.100811, 0.034464)]:
        assert (event.at[time, "estimate"], event.at[time, "se"]) == pytest.approx((value, se), abs=1e-6)


def test_county_employment_reweighted_is_group_time_effects():
    """Equal weights: the not-yet-treated ATT(g,t) averaged at event times 0 to 3, as did_multiplegt_dyn gives (reference values)."""
    event = lpdid.estimate(county(control="notyet"), "dynamic", lpdid.EQUAL).event.set_index("event_time")
    assert event.loc[0:, "estimate"].to_numpy() == pytest.approx([-0.0189222, -0.0535893, -0.1362743, -0.1008114], abs=5e-8)


@pytest.mark.parametrize("control", ["never", "notyet"])
@pytest.mark.parametrize("weighting", [lpdid.VARIANCE, lpdid.EQUAL])
def test_equals_library(control, weighting):
    frame = panel(1)
    horizons, pooled = library(frame, control_group={"never": "never_treated", "notyet": "clean"}[control], reweight=weighting == lpdid.EQUAL)
    checked = plan(frame, control=control, before=3, after=2)
    event = lpdid.estimate(checked, "dynamic", weighting).event.set_index("event_time")
    assert event.index.tolist() == [-3, -2, -1, 0, 1, 2] and event.index[event["reference"]].tolist() == [-1]
    for time in (-3, -2, 0, 1, 2):
        assert event.loc[time, ["estimate", "se", "lower", "upper"]].tolist() == pytest.approx(horizons.loc[time, ["coefficient", "se", "conf_low", "conf_high"]].tolist(), abs=1e-9)
    simple = lpdid.estimate(checked, "simple", weighting)
    assert (simple.estimate, simple.se, simple.lower) == pytest.approx(tuple(pooled.loc["post", ["coefficient", "se", "conf_low"]]), abs=1e-9)


def test_covariates_equal_library():
    frame = panel(2)
    horizons, _ = library(frame, covariates=["x"])
    event = estimate(plan(frame, covariates=("x",), control="notyet", before=3, after=2), "lpdid", "dynamic").event.set_index("event_time")
    assert event.loc[[-3, -2, 0, 1, 2], ["estimate", "se"]].to_numpy() == pytest.approx(horizons.loc[[-3, -2, 0, 1, 2], ["coefficient", "se"]].to_numpy(), abs=1e-9)


def test_variance_weights_are_those_of_the_paper():
    """Cohort shares n p (1 - p), p the share that enters among it and its clean controls; equal weights: units."""
    checked = plan(panel(3), after=0)
    share = {5: 10 * 15 / 25, 7: 8 * 15 / 23}
    assert estimate(checked, "lpdid").cohorts == pytest.approx({cohort: value / sum(share.values()) for cohort, value in share.items()})
    assert lpdid.estimate(checked, "simple", lpdid.EQUAL).cohorts == pytest.approx({5: 10 / 18, 7: 8 / 18})
    assert "variance-weighted" in estimate(checked, "lpdid").estimand[0]


# Written out


@pytest.mark.parametrize("control", ["never", "notyet"])
def test_equals_least_squares_on_a_panel_with_gaps(control):
    frame = panel(4)
    frame = frame[np.random.default_rng(0).random(len(frame)) > 0.1]

    def clean(g, t, far):
        return g == 0 or (control == "notyet" and g > t + far)

    checked = plan(frame, panel="complete", control=control, after=2, before=3)
    event = estimate(checked, "lpdid", "dynamic").event.set_index("event_time")
    for time in (-3, -2, 0, 1, 2):
        assert (event.at[time, "estimate"], event.at[time, "se"]) == pytest.approx(by_hand(frame, [time], clean=clean), abs=1e-9)
    simple = estimate(checked, "lpdid")
    assert (simple.estimate, simple.se) == pytest.approx(by_hand(frame, [0, 1, 2], clean=clean), abs=1e-9)
    assert simple.n_obs < len(checked.data) and any("not used" in english for english, _ in simple.warnings)


def test_anticipation_moves_base_and_clean_controls():
    frame = panel(5)
    event = estimate(plan(frame, anticipation=1, control="notyet", after=1), "lpdid", "dynamic").event.set_index("event_time")
    assert event.index[event["reference"]].tolist() == [-2]
    for time in (-3, -1, 0, 1):
        wanted = by_hand(frame, [time], base=2, clean=lambda g, t, far: g == 0 or g > t + far + 1)
        assert (event.at[time, "estimate"], event.at[time, "se"]) == pytest.approx(wanted, abs=1e-9)


def test_rows_used_are_those_of_some_change():
    """Never-treated units lend every period; units that enter theirs from the base period to the window's end."""
    found = estimate(plan(panel(6), after=1), "lpdid")
    assert found.n_obs == 15 * 9 + 18 * 3 and found.n_treated_units == 18


def test_default_window_keeps_every_cohort():
    found = estimate(plan(panel(7)), "lpdid")
    assert found.diagnostics["pooled_to"] == 2 and found.cohorts.keys() == {5, 7}
    assert any("event times 0 to 2" in english for english, _ in found.warnings)
    longer = estimate(plan(panel(7), after=4), "lpdid")
    assert longer.cohorts == {5: pytest.approx(1)} and any("in no average: 7" in english for english, _ in longer.warnings)
    absent = estimate(plan(panel(7), after=6), "lpdid", "dynamic")
    assert absent.event["event_time"].max() == 4 and any("at event time 5, 6: not shown" in english for english, _ in absent.warnings)


def test_without_never_treated_units_later_ones_are_the_controls():
    """Cohort 7 has nobody left to be compared with, and serves cohort 5 until it enters itself."""
    found = estimate(plan(panel(7, cohorts=((5, 10), (7, 8))), control="notyet"), "lpdid", "dynamic")
    assert found.event["event_time"].max() == 1 and found.n_treated_units == 10
    assert found.cohorts == {5: pytest.approx(1)} and any("in no average: 7" in english for english, _ in found.warnings)


def test_joint_covariance_and_influence():
    found = estimate(plan(panel(8)), "lpdid", "dynamic")
    rows = found.event[~found.event["reference"]]
    assert np.sqrt(np.diag(found.vcov)) == pytest.approx(rows["se"].to_numpy())
    after = (rows["event_time"] >= 0).to_numpy() / (rows["event_time"] >= 0).sum()
    assert np.sqrt(after @ found.vcov @ after) == pytest.approx(found.se) and np.linalg.eigvalsh(found.vcov).min() > -1e-12
    assert found.estimate == pytest.approx(after @ rows["estimate"])
    assert np.sqrt((found.influence**2).sum()) / len(found.influence) == pytest.approx(found.se)
    by_region = estimate(plan(panel(8), cluster="region"), "lpdid")
    assert by_region.influence is None and by_region.df == 16 and by_region.se != pytest.approx(estimate(plan(panel(8)), "lpdid").se)


# Known truth


@pytest.mark.slow
def test_unbiased_for_its_weighted_average_and_covers():
    errors, covered = [], []
    for seed in range(150):
        frame = panel(seed, cohorts=((5, 20), (7, 20), (0, 40)))
        found = estimate(plan(frame.assign(y=frame["y"] - 0.1 * frame["x"] * frame["time"]), after=2), "lpdid")
        true = sum(share * np.mean([TRUTH[cohort](event) for event in range(3)]) for cohort, share in found.cohorts.items())
        errors.append(found.estimate - true)
        covered.append(found.lower <= true <= found.upper)
    assert abs(np.mean(errors)) < 3 * np.std(errors) / np.sqrt(len(errors))
    assert abs(np.mean(covered) - 0.95) < 3 * np.sqrt(0.95 * 0.05 / len(covered))


# What cannot be served


def test_one_treated_cluster_is_told():
    found = estimate(plan(panel(10, cohorts=((5, 2), (0, 10))), cluster="region"), "lpdid")
    assert any("A single cluster is treated" in english for english, _ in found.warnings)


@pytest.mark.parametrize(
    ("frame", "more", "aggregate", "message"),
    [
        (panel(11).query("time % 2 == 1"), {}, "simple", "No unit enters treatment"),
        (panel(11).query("time % 2 == 1"), {}, "dynamic", "No unit enters treatment"),
        (panel(11), {"after": 8}, "simple", "No unit enters treatment"),
        (panel(11), {"anticipation": 7}, "simple", "No unit enters treatment"),
        (panel(11), {"weights": "w"}, "simple", "takes no weights"),
        (panel(11).assign(same=1.0), {"covariates": ("same",)}, "simple", "same is collinear"),
        (panel(11), {}, "calendar", "no aggregate"),
    ],
)
def test_refused(frame, more, aggregate, message):
    with pytest.raises(UserError, match=message):
        estimate(plan(frame, **more), "lpdid", aggregate)


def test_keep_refuses_where_rows_go_unused():
    with pytest.raises(UserError, match="--panel complete"):
        estimate(plan(panel(12), panel="keep", after=0), "lpdid")


def test_periods_numbered_far_apart_take_no_longer():
    """Dates as numbers (20010101) are refused by the design; one typing error must not cost hours."""
    frame = panel(13)
    dates = frame.assign(time=10_000 * frame["time"], cohort=10_000 * frame["cohort"])
    with pytest.raises(UserError, match="number the periods consecutively"):
        plan(dates)
    # Nearer to each other they pass, but none lies just before treatment.
    with pytest.raises(UserError, match="must have numbers that do"):
        estimate(plan(frame.assign(time=10 * frame["time"], cohort=10 * frame["cohort"])), "lpdid", "dynamic")
    typo = pd.concat([frame, frame[(frame["cohort"] == 0) & (frame["time"] == 9)].head(1).assign(time=900)])
    found, right = (estimate(plan(rows, panel="complete"), "lpdid", "dynamic") for rows in (typo, frame))
    # Errors before treatment count a period more, that after the last: it lies within the panel now.
    assert found.event["estimate"].to_numpy() == pytest.approx(right.event["estimate"].to_numpy(), rel=1e-12)
    assert (found.estimate, found.se) == pytest.approx((right.estimate, right.se), rel=1e-12)


def test_a_window_too_long_names_the_longest():
    with pytest.raises(UserError, match="Shorten the window to --after 4 or less"):
        estimate(plan(panel(11), after=8), "lpdid")
    assert estimate(plan(panel(11), after=4), "lpdid").cohorts == {5: pytest.approx(1)}
