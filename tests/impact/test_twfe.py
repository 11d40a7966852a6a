"""Two-way fixed effects in closed form, against linearmodels, pyfixest and print.

Tolerances: estimates are the same least-squares problem, so 1e-10 relative to linearmodels and 1e-8 to pyfixest, which iterates.
Printed values of R (`did` 2.5 and fixest on mpdta) have seven digits.
"""

import numpy as np
import pandas as pd
import pytest

from evaluation.errors import UserError
from evaluation.impact.design import design
from evaluation.impact.estimators import estimate
from evaluation.impact.estimators.baseline import twfe as baseline
from evaluation.impact.estimators.within import codes, demean, fit


def county(**more):
    from moderndid import load_mpdta

    return design(load_mpdta().to_pandas(), "countyreal", "year", "lemp", "first.treat", **more)


def panel(seed=0, units=60, times=8, gaps=0.0):
    rng = np.random.default_rng(seed)
    frame = pd.MultiIndex.from_product([range(units), range(times)], names=["unit", "time"]).to_frame(index=False)
    frame["cohort"] = np.repeat(rng.choice([0, 0, 3, 5], units), times)
    frame["x"], frame["w"] = rng.normal(size=len(frame)), rng.uniform(0.5, 2, len(frame))
    treated = (frame["cohort"] > 0) & (frame["time"] >= frame["cohort"])
    frame["y"] = rng.normal(size=units)[frame["unit"]] + rng.normal(size=times)[frame["time"]] + 0.5 * treated + 0.3 * frame["x"] + rng.normal(size=len(frame))
    return frame[rng.random(len(frame)) >= gaps].reset_index(drop=True)


def test_printed_coefficient_and_error():
    found = estimate(county(), "twfe")
    assert (found.estimate, found.se) == pytest.approx((-0.0365489, 0.0132652), abs=5e-8)
    assert found.n_obs == 2500 and found.n_units == 500 and found.n_treated_units == 191 and found.df == 499


@pytest.mark.parametrize("gaps", [0.0, 0.15])
def test_the_same_as_linearmodels_but_for_its_counting_of_effects(gaps):
    frame = panel(3, gaps=gaps)
    plan = design(frame, "unit", "time", "y", "cohort", panel="keep")
    ours, theirs = estimate(plan, "twfe"), baseline(plan.data.rename(columns={"time": "year"})).iloc[0]
    assert ours.estimate == pytest.approx(theirs["estimate"], rel=1e-10)
    units, n, times = frame["unit"].nunique(), len(frame), frame["time"].nunique()
    # linearmodels: N / (N - K) without G / (G - 1), unit effects counted in K.
    factor = units / (units - 1) * (n - 1) / (n - 1 - times) / (n / (n - 1 - (units + times - 1)))
    assert ours.se == pytest.approx(theirs["se"] * np.sqrt(factor), rel=1e-10)


@pytest.mark.parametrize("gaps", [0.0, 0.2])
@pytest.mark.parametrize("weights", [None, "w"])
def test_the_same_as_pyfixest_with_covariates_weights_and_gaps(gaps, weights):
    import pyfixest

    frame = panel(5, gaps=gaps)
    frame["treated"] = ((frame["cohort"] > 0) & (frame["time"] >= frame["cohort"])).astype(float)
    frame["area"] = frame["unit"] % 12
    plan = design(frame, "unit", "time", "y", "cohort", covariates=("x",), weights=weights, cluster="area", panel="keep")
    ours = estimate(plan, "twfe")
    exact = pyfixest.MapDemeaner(fixef_tol=1e-12)
    theirs = pyfixest.feols("y ~ treated + x | unit + time", frame, vcov={"CRV1": "area"}, weights=weights, demeaner=exact)
    assert ours.estimate == pytest.approx(theirs.coef()["treated"], rel=1e-8)
    assert ours.se == pytest.approx(theirs.se()["treated"], rel=1e-7)


def test_effects_taken_out_by_dummies_are_those_taken_out_in_closed_form():
    frame = panel(7, 12, 5, 0.3)
    weight = frame["w"].to_numpy()
    dummies = pd.get_dummies(frame[["unit", "time"]].astype(str)).to_numpy(float) * np.sqrt(weight)[:, None]
    y = frame["y"].to_numpy()
    residual = y - (dummies / np.sqrt(weight)[:, None]) @ np.linalg.lstsq(dummies, y * np.sqrt(weight), rcond=None)[0]
    assert demean(y[:, None], codes(frame["unit"]), codes(frame["time"]), weight)[:, 0] == pytest.approx(residual, abs=1e-10)


def test_the_error_is_that_of_its_influence_values():
    found = estimate(county(), "twfe")
    assert found.se == pytest.approx(np.sqrt((found.influence**2).sum()) / len(found.influence), rel=1e-10)


def test_event_study_ends_are_binned_and_its_overall_is_the_mean_after():
    found = estimate(county(before=2, after=2), "twfe", "dynamic")
    assert found.event["event_time"].tolist() == [-2, -1, 0, 1, 2] and found.event["reference"].tolist() == [False, True, False, False, False]
    after = found.event[found.event["event_time"] >= 0]
    assert found.estimate == pytest.approx(after["estimate"].mean()) and found.vcov.shape == (4, 4)
    assert found.se == pytest.approx(np.sqrt(found.vcov[1:, 1:].sum()) / 3)
    early = estimate(county(before=3, anticipation=1), "twfe", "dynamic")
    assert early.event.set_index("event_time").at[-2, "reference"]


def test_a_dose_is_taken_as_it_is():
    frame = panel(9)
    frame["t"] = 0.5 * ((frame["cohort"] > 0) & (frame["time"] >= frame["cohort"]))
    half = estimate(design(frame, "unit", "time", "y", treatment="t"), "twfe")
    assert half.estimate == pytest.approx(2 * estimate(design(frame, "unit", "time", "y", "cohort"), "twfe").estimate)
    with pytest.raises(UserError, match="For doses use: twfe"):
        estimate(design(frame, "unit", "time", "y", treatment="t"), "sa")


def test_a_collinear_covariate_is_named():
    frame = panel(11).assign(double=lambda f: 2 * f["x"], fixed=lambda f: f["unit"])
    for name in ("double", "fixed"):
        with pytest.raises(UserError, match=f"{name} is collinear"):
            estimate(design(frame, "unit", "time", "y", "cohort", covariates=("x", name)), "twfe")


@pytest.mark.slow
def test_coverage_of_the_interval_with_many_clusters():
    """Homogeneous effect 0.5: 95 % intervals cover it in 95 % of 300 samples, within 3 Monte Carlo errors (3.8 points)."""
    hits = 0
    for seed in range(300):
        frame = panel(1000 + seed, units=80, times=6)
        found = estimate(design(frame, "unit", "time", "y", "cohort"), "twfe")
        hits += found.lower <= 0.5 <= found.upper
    assert abs(hits / 300 - 0.95) < 3 * np.sqrt(0.95 * 0.05 / 300)


def test_rows_in_any_order_give_the_same():
    frame = panel(13, gaps=0.1)
    plans = [design(rows, "unit", "time", "y", "cohort", panel="keep") for rows in (frame, frame.sample(frac=1, random_state=1))]
    assert estimate(plans[0], "twfe").se == pytest.approx(estimate(plans[1], "twfe").se, rel=1e-12)


def test_two_clusters_do_not_break_the_fit():
    frame = panel(15)
    plan = design(frame.assign(g=frame["unit"] % 2), "unit", "time", "y", "cohort", cluster="g")
    assert estimate(plan, "twfe").df == 1
    data = plan.data
    assert fit(data["y"].to_numpy(), data[["treated"]].astype(float), codes(data["unit"]), codes(data["time"]), codes(data["cluster"])).clusters == 2


def test_periods_of_anticipation_are_left_out():
    frame = panel(16)
    early = (frame["cohort"] > 0) & frame["time"].between(frame["cohort"] - 2, frame["cohort"] - 1)
    without = estimate(design(frame[~early], "unit", "time", "y", "cohort", panel="complete"), "twfe")
    found = estimate(design(frame, "unit", "time", "y", "cohort", anticipation=2), "twfe")
    assert (found.estimate, found.se, found.n_obs) == pytest.approx((without.estimate, without.se, without.n_obs), rel=1e-12)
    assert found.influence == pytest.approx(without.influence) and np.sqrt((found.influence**2).sum()) / 60 == pytest.approx(found.se)
    assert any("Event times from -2 to -1" in english for english, _ in found.warnings)


def test_event_times_counted_with_the_ends_are_told():
    def told(**window):
        return [english for english, _ in estimate(design(panel(17), "unit", "time", "y", "cohort", **window), "twfe", "dynamic").warnings if "counted with its ends" in english]

    assert "coefficients at -2, 3 are" in told(before=2, after=3)[0] and "coefficients at 3 are" in told(before=9, after=3)[0]
    assert not told() and not told(before=5, after=4)


@pytest.mark.parametrize(
    ("more", "aggregate", "keep", "message"),
    [
        ({"anticipation": 6}, "dynamic", (0, 3, 5), "event time -7, the reference period: the panel starts at -5. Lower --anticipation"),
        ({"anticipation": 2, "before": 1}, "dynamic", (0, 3, 5), "starts at event time -1, after the reference period -3. Set --before to 3"),
        ({"control": "notyet"}, "dynamic", (3, 5), "cannot be told from .* all cohorts start 2 periods"),
        ({"anticipation": 9}, "simple", (0, 3, 5), "Treatment cannot be told .* Lower --anticipation"),
    ],
)
def test_effects_that_have_nothing_to_be_told_from(more, aggregate, keep, message):
    frame = panel(18)
    with pytest.raises(UserError, match=message):
        estimate(design(frame[frame["cohort"].isin(keep)], "unit", "time", "y", "cohort", **more), "twfe", aggregate)


@pytest.mark.filterwarnings("error::RuntimeWarning")
@pytest.mark.parametrize("seed", [19, 21])
def test_clusters_that_halve_every_unit_leave_no_error_in_the_event_study(seed):
    """One cohort: its scores add to 0 in each half. With two, those of event time 0 do, where the root of rounding in the covariance would be 1e-9."""
    frame = panel(seed).assign(half=lambda rows: rows["time"] % 2)
    one, both = (estimate(design(rows, "unit", "time", "y", "cohort", cluster="half"), "twfe", "dynamic") for rows in (frame[frame["cohort"] != 5], frame))
    assert np.isnan(one.se) and one.event["se"].isna().all() and any("nothing varies between clusters" in english for english, _ in one.warnings)
    told = both.event[~both.event["reference"]].set_index("event_time")["se"]
    assert told.index[told.isna()].tolist() == [0] and both.se > 0


def test_a_regression_that_fits_every_row_is_refused_whatever_the_parts_of_the_panel():
    # Two units over three periods, twice, in periods of their own: 12 rows, 8 effects of units and periods.
    unit, time = np.repeat(np.arange(4), 3), np.concatenate([np.tile([0, 1, 2], 2), np.tile([3, 4, 5], 2)])
    rng = np.random.default_rng(20)
    for k in (3, 4):
        args = rng.normal(size=12), pd.DataFrame(rng.normal(size=(12, k))).add_prefix("v"), unit, time, unit
        if k == 3:
            assert fit(*args).clusters == 4
        else:
            with pytest.raises(UserError, match="No residual degrees of freedom: 12 rows, 12 coefficients"):
                fit(*args)
