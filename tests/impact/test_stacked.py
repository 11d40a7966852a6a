"""Stacked DiD against a second library, stacks made by hand, and known truth.

Tolerances. All is least squares, so estimates agree to 1e-9. The library counts one parameter more (an intercept and a treatment dummy,
where we have the effects of units in stacks, which lie within clusters): its errors are sqrt((n - k) / (n - k - 1)) times ours, held exactly.
No printed number exists for the county data; the values held are diff-diff 3.13's. Simulations: three Monte Carlo standard errors.
"""

import warnings

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from evaluation.errors import UserError
from evaluation.impact.design import design
from evaluation.impact.estimators import estimate

TRUTH = {4: lambda event: 0.3, 5: lambda event: 0.1 + 0.05 * event, 7: lambda event: -0.2, 8: lambda event: 0.05}


def panel(seed, cohorts=((5, 10), (7, 8), (0, 15)), periods=9, noise=0.2):
    """Units with effects, trends in common, noise that persists, effects by cohort and event time; a covariate, weights, regions of two."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame([(unit, time) for unit in range(sum(size for _, size in cohorts)) for time in range(1, periods + 1)], columns=["unit", "time"])
    frame["cohort"] = np.repeat([cohort for cohort, size in cohorts for _ in range(size)], periods)
    n = frame["unit"].max() + 1
    shocks = rng.normal(0, noise, (n, periods))
    shocks[:, 1:] += 0.5 * shocks[:, :-1]
    frame["x"], frame["w"], frame["region"] = rng.normal(0, 1, len(frame)), rng.uniform(0.5, 2, n)[frame["unit"]], frame["unit"] // 2
    frame["true"] = [TRUTH[cohort](time - cohort) if cohort and time >= cohort else 0.0 for cohort, time in zip(frame["cohort"], frame["time"], strict=True)]
    frame["y"] = rng.normal(0, 1, n)[frame["unit"]] + rng.normal(0, 0.3, periods)[frame["time"] - 1] + shocks.ravel() + frame["true"] + 0.3 * frame["x"]
    return frame


def plan(frame, **more):
    return design(frame, "unit", "time", "y", "cohort", **more)


def library(frame, before, after, control):
    from diff_diff import StackedDiD

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        names = {"never": "never_treated", "notyet": "not_yet_treated"}
        return StackedDiD(kappa_pre=before, kappa_post=after, control_group=names[control], df_convention="cluster").fit(frame, outcome="y", unit="unit", time="time", first_treat="cohort")


def average_of_stacks(frame, before, after, weights=None, base=-1, clean=lambda g, cohort: g == 0):
    """By event time, the difference in differences of means of each cohort, averaged by its (weighted) units: the paper's estimand."""
    out, total = 0.0, 0.0
    for cohort in sorted(set(frame["cohort"]) - {0}):
        stack = frame[((frame["cohort"] == cohort) | clean(frame["cohort"], cohort)) & frame["time"].between(cohort - before, cohort + after)]
        stack = stack[stack.groupby("unit")["time"].transform("size") == before + after + 1]
        mass = stack[weights] if weights else pd.Series(1.0, stack.index)
        means = (stack["y"] * mass).groupby([stack["cohort"] == cohort, stack["time"] - cohort]).sum() / mass.groupby([stack["cohort"] == cohort, stack["time"] - cohort]).sum()
        share = mass[(stack["cohort"] == cohort) & (stack["time"] == cohort)].sum()
        gap = means[True] - means[False]
        out, total = out + share * (gap - gap[base]), total + share
    return out / total


# A second library


def test_county_employment():
    """diff-diff 3.13, one period before and one after: cohorts 2004 and 2006, not-yet-treated controls."""
    from moderndid import load_mpdta

    found = estimate(design(load_mpdta().to_pandas(), "countyreal", "year", "lemp", "first.treat", control="notyet", before=1, after=1), "stacked", "dynamic")
    assert found.estimate == pytest.approx(-0.031554936623, abs=1e-11)
    # 349 + 329 unit-stacks of three periods, k = 5.
    n = found.diagnostics["stacked_rows"]
    assert found.se * np.sqrt((n - 5) / (n - 6)) == pytest.approx(0.015500570238, abs=1e-11)
    assert found.event["estimate"].tolist() == pytest.approx([0, -0.009521, -0.053589], abs=1e-6)
    assert found.cohorts == pytest.approx({2004: 1 / 3, 2006: 2 / 3}) and any("left out: 2007" in english for english, _ in found.warnings)


@pytest.mark.parametrize("control", ["never", "notyet"])
def test_equals_library(control):
    frame = panel(1, cohorts=((4, 10), (5, 6), (8, 9), (0, 15)), noise=0.2) if control == "never" else panel(1)
    theirs = library(frame, 2, 1, control)
    found = estimate(plan(frame, control=control, before=2, after=1), "stacked", "dynamic")
    surface = theirs.to_dataframe("event_study").set_index("relative_period")
    n = found.diagnostics["stacked_rows"]
    factor = np.sqrt((n - 7) / (n - 8))
    assert (found.estimate, found.se * factor) == pytest.approx((theirs.overall_att, theirs.overall_se), abs=1e-9)
    event = found.event.set_index("event_time")
    for time in (-2, 0, 1):
        assert (event.at[time, "estimate"], event.at[time, "se"] * factor) == pytest.approx(tuple(surface.loc[time, ["effect", "se"]]), abs=1e-9)




# By hand


@pytest.mark.parametrize("weights", [None, "w"])
@pytest.mark.parametrize("control", ["never", "notyet"])
def test_is_the_average_of_cohorts_on_a_panel_with_gaps(weights, control):
    """Where the corrective weights are right, the regression gives the average of the stacks' differences in differences."""
    frame = panel(2)
    frame = frame[np.random.default_rng(0).random(len(frame)) > 0.05]
    found = estimate(plan(frame, panel="complete", control=control, weights=weights, before=2, after=1), "stacked", "dynamic")

    def clean(g, cohort):
        return (g == 0) | ((control == "notyet") & (g > cohort + 1))

    assert found.event["estimate"].to_numpy() == pytest.approx(average_of_stacks(frame, 2, 1, weights, clean=clean).to_numpy(), abs=1e-9)
    assert found.n_obs < len(frame) and any("not used" in english for english, _ in found.warnings)


def test_errors_equal_weighted_least_squares_written_out():
    """Equation 3 with treatment and event-time dummies on stacks made here, clustered by the original region."""
    frame = panel(3)
    found = estimate(plan(frame, cluster="region", before=2, after=1), "stacked", "dynamic")
    parts = []
    for cohort, treated in ((5, 10), (7, 8)):
        part = frame[frame["cohort"].isin([cohort, 0]) & frame["time"].between(cohort - 2, cohort + 1)].assign(event=lambda rows, cohort=cohort: rows["time"] - cohort)
        part["d"] = (part["cohort"] == cohort) * 1.0
        parts.append(part.assign(q=np.where(part["d"] == 1, 1, (treated / 18) / (15 / 30))))
    stack = pd.concat(parts)
    x = pd.DataFrame({f"d{e}": stack["d"] * (stack["event"] == e) for e in (-2, 0, 1)} | {f"e{e}": (stack["event"] == e) * 1.0 for e in (-2, 0, 1)} | {"d": stack["d"], "one": 1.0})
    fitted = sm.WLS(stack["y"], x, weights=stack["q"]).fit(cov_type="cluster", cov_kwds={"groups": stack["region"]})
    factor = np.sqrt((len(stack) - 7) / (len(stack) - 8))
    rows = found.event[~found.event["reference"]]
    assert rows["estimate"].to_numpy() == pytest.approx(fitted.params[:3].to_numpy(), abs=1e-9)
    assert found.vcov * factor**2 == pytest.approx(fitted.cov_params().to_numpy()[:3, :3], abs=1e-9)


def test_covariates_equal_least_squares_with_effects_of_units_in_stacks():
    frame = panel(4)
    found = estimate(plan(frame, covariates=("x",), before=1, after=1), "stacked")
    parts = [
        frame[frame["cohort"].isin([cohort, 0]) & frame["time"].between(cohort - 1, cohort + 1)].assign(
            event=lambda rows, cohort=cohort: rows["time"] - cohort, stack=cohort, q=lambda rows, size=size: np.where(rows["cohort"] > 0, 1, (size / 18) / (15 / 30))
        )
        for cohort, size in ((5, 10), (7, 8))
    ]
    stack = pd.concat(parts, ignore_index=True)
    d = (stack["cohort"] > 0) * 1.0
    x = pd.concat([
        pd.DataFrame({"d0": d * (stack["event"] == 0), "d1": d * (stack["event"] == 1), "x": stack["x"]}),
        pd.get_dummies(stack["unit"].astype(str) + "/" + stack["stack"].astype(str), dtype=float), pd.get_dummies(stack["event"].astype(str), dtype=float).iloc[:, 1:],
    ], axis=1)  # fmt: skip
    fitted = sm.WLS(stack["y"], x, weights=stack["q"]).fit()
    assert found.estimate == pytest.approx(fitted.params[["d0", "d1"]].mean(), abs=1e-9)


def test_clean_controls_wait_for_anticipation():
    frame = panel(5, cohorts=((4, 8), (7, 8), (0, 12)))
    found = estimate(plan(frame, control="notyet", anticipation=1, before=2, after=1), "stacked", "dynamic")
    assert found.event.loc[found.event["reference"], "event_time"].tolist() == [-2]
    # Cohort 7 may show effects from period 6 on: a control of cohort 4 to period 5.
    wanted = average_of_stacks(frame, 2, 1, base=-2, clean=lambda g, cohort: (g == 0) | (g - 1 > cohort + 1))
    assert found.event["estimate"].to_numpy() == pytest.approx(wanted.to_numpy(), abs=1e-9)
    longer = estimate(plan(frame, control="notyet", anticipation=1, before=2, after=2), "stacked", "dynamic")
    never = estimate(plan(frame, control="never", anticipation=1, before=2, after=2), "stacked", "dynamic")
    assert longer.estimate == pytest.approx(never.estimate, abs=1e-12)


def test_default_window_keeps_every_cohort():
    found = estimate(plan(panel(6)), "stacked", "dynamic")
    assert (found.diagnostics["before"], found.diagnostics["after"]) == (4, 2) and found.cohorts.keys() == {5, 7}
    assert any("4 periods before and 2 after" in english for english, _ in found.warnings)
    # Without never-treated units the last cohort has nobody to wait for.
    alone = estimate(plan(panel(6, cohorts=((5, 10), (8, 8))), control="notyet"), "stacked")
    assert (alone.diagnostics["before"], alone.diagnostics["after"]) == (4, 2) and alone.cohorts == {5: 1.0}


def test_simple_is_dynamic_and_influence_gives_the_standard_error():
    simple, dynamic = (estimate(plan(panel(7)), "stacked", aggregate) for aggregate in ("simple", "dynamic"))
    assert (simple.estimate, simple.se) == (dynamic.estimate, dynamic.se) and simple.event.empty
    assert np.sqrt((simple.influence**2).sum()) / len(simple.influence) == pytest.approx(simple.se)
    rows = dynamic.event[~dynamic.event["reference"]]
    after = (rows["event_time"] >= 0).to_numpy() / (rows["event_time"] >= 0).sum()
    assert after @ rows["estimate"] == pytest.approx(dynamic.estimate) and np.sqrt(after @ dynamic.vcov @ after) == pytest.approx(dynamic.se)
    assert simple.df == 32 and estimate(plan(panel(7), cluster="region"), "stacked").influence is None


# Known truth


@pytest.mark.slow
def test_unbiased_and_covers_with_heterogeneous_effects():
    errors, covered = [], []
    true = (20 * np.mean([0.1, 0.15]) + 30 * -0.2) / 50
    for seed in range(120):
        found = estimate(plan(panel(seed, cohorts=((5, 20), (7, 30), (0, 40))), before=2, after=1), "stacked")
        errors.append(found.estimate - true)
        covered.append(found.lower <= true <= found.upper)
    assert abs(np.mean(errors)) < 3 * np.std(errors) / np.sqrt(len(errors))
    assert abs(np.mean(covered) - 0.95) < 3 * np.sqrt(0.95 * 0.05 / len(covered))


# What cannot be served


def test_one_treated_cluster_is_told():
    found = estimate(plan(panel(9, cohorts=((5, 2), (0, 10))), cluster="region"), "stacked")
    assert any("A single cluster is treated" in english for english, _ in found.warnings)


@pytest.mark.parametrize(
    ("frame", "more", "aggregate", "message"),
    [
        (panel(10), {"before": 0}, "simple", "after the reference period -1"),
        (panel(10), {"before": 1, "anticipation": 1}, "simple", "after the reference period -2"),
        (panel(10), {"before": 7, "after": 1}, "simple", "No cohort is observed 7 periods before"),
        (panel(10), {"after": 8}, "simple", "No cohort is observed"),
        (panel(10).query("time % 2 == 1"), {}, "simple", "No cohort is observed"),
        (panel(10).assign(fixed=lambda data: data["unit"] * 1.0), {"covariates": ("fixed",)}, "simple", "fixed is collinear"),
        (panel(10), {}, "group", "no aggregate"),
    ],
)
def test_refused(frame, more, aggregate, message):
    with pytest.raises(UserError, match=message):
        estimate(plan(frame, **more), "stacked", aggregate)


def test_keep_refuses_where_rows_go_unused():
    with pytest.raises(UserError, match="--panel complete"):
        estimate(plan(panel(11), panel="keep", before=1, after=0), "stacked")


def test_a_window_too_wide_names_the_widest():
    with pytest.raises(UserError, match="--before 4 --after 2 is the widest"):
        estimate(plan(panel(12), before=50, after=50), "stacked")
    assert estimate(plan(panel(12), before=4, after=2), "stacked").cohorts.keys() == {5, 7}


def test_a_single_cluster_is_refused():
    with pytest.raises(UserError, match="single cluster"):
        estimate(plan(panel(13).assign(side=lambda data: (data["cohort"] == 7).astype(int)), cluster="side", before=3, after=3), "stacked")
