"""Extended two-way fixed effects, against R, print, other libraries, brute force and known truth.

Tolerances. Golden values of R: `etwfe` (its own tests, inst/tinytest/test_emfx.R, repository grantmcdermott/etwfe, commit 10f502c) has
15 digits, and least squares is exact, so 1e-10 for estimates. Its errors count 30 coefficients where units' effects replace those of
cohorts and we count 23 (40 and 33 with control never): the ratio sqrt((N - K)/(N - K')) is held, to 1e-6, since R differentiates
numerically (for Poisson, where we count the same 30, to 1e-5). `did` 2.5 has 7 to 10 digits, iterated to about 1e-7. pyfixest
iterates: 1e-7. In simulations: three Monte Carlo errors, fixed seeds.
"""

import numpy as np
import pandas as pd
import pytest

from evaluation.errors import UserError
from evaluation.impact.design import design
from evaluation.impact.estimators import estimate
from evaluation.impact.estimators.etwfe import estimate as etwfe
from evaluation.impact.estimators.etwfe import estimate_poisson


def county(outcome="lemp", **more):
    from moderndid import load_mpdta

    return design(load_mpdta().to_pandas().assign(emp=lambda frame: np.exp(frame["lemp"])), "countyreal", "year", outcome, "first.treat", **more)


def panel(seed=0, units=60, times=8, gaps=0.0, cohorts=(0, 0, 3, 5), effect=lambda cohort, event: 0.2 * cohort + 0.1 * event):
    """Unit and time effects, a covariate of units whose slope changes over time, and effects that differ by cohort and grow."""
    rng = np.random.default_rng(seed)
    frame = pd.MultiIndex.from_product([range(units), range(times)], names=["unit", "time"]).to_frame(index=False)
    frame["cohort"] = np.repeat(rng.permutation(np.resize(cohorts, units)), times)
    frame["z"], frame["x"] = np.repeat(rng.normal(size=units), times), rng.normal(size=len(frame))
    frame["w"], frame["w_unit"] = rng.uniform(0.5, 2, len(frame)), np.repeat(rng.uniform(0.5, 2, units), times)
    frame["treated"] = ((frame["cohort"] > 0) & (frame["time"] >= frame["cohort"])).astype(int)
    frame["effect"] = frame["treated"] * effect(frame["cohort"], frame["time"] - frame["cohort"])
    frame["y"] = rng.normal(size=units)[frame["unit"]] + rng.normal(size=times)[frame["time"]] + 0.1 * frame["time"] * frame["z"] + frame["effect"] + rng.normal(size=len(frame))
    return frame[rng.random(len(frame)) >= gaps].reset_index(drop=True)


def of(frame, **more):
    return design(frame, "unit", "time", "y", "cohort", **more)


# Print


@pytest.mark.parametrize(("aggregate", "value"), [("simple", -0.0399512752), ("group", -0.0310182822), ("dynamic", -0.0772398), ("calendar", -0.0417004)])
def test_with_never_treated_controls_the_estimates_are_those_of_callaway_and_sant_anna(aggregate, value):
    """R `did` 2.5, never-treated; and with lpop by outcome regression, which the interacted regression repeats."""
    assert etwfe(county(), aggregate).estimate == pytest.approx(value, abs=5e-8)
    adjusted = {"simple": -0.0419686, "group": -0.0329292, "dynamic": -0.0807818, "calendar": -0.0445323}
    assert etwfe(county(covariates=("lpop",)), aggregate).estimate == pytest.approx(adjusted[aggregate], abs=1e-7)


def test_with_not_yet_treated_controls_the_estimate_is_that_of_imputation():
    assert etwfe(county(control="notyet"), "simple").estimate == pytest.approx(-0.0477099151, abs=5e-9)


NOT_YET = {
    "simple": ([-0.0506270331228907], [0.0124972546529842]),
    "calendar": ([-0.0212480022225509, -0.0818499992698648, -0.0442655912990223, -0.0524323095862384], [0.0217240109737018, 0.0273693827216135, 0.0173733625406716, 0.015015825012757]),
    "group": ([-0.0876269608795944, -0.0212783329358987, -0.0459545277368072], [0.0230474099815232, 0.0185912208081438, 0.0179714452432232]),
    "dynamic": ([-0.0332122037837542, -0.0573456479257483, -0.137870386660852, -0.10953945536511], [0.0133659635774059, 0.0171496442892364, 0.0307883597041053, 0.0323152785480507]),
}


@pytest.mark.parametrize("aggregate", NOT_YET)
def test_every_part_is_that_of_r_etwfe_with_a_covariate(aggregate):
    found = etwfe(county(control="notyet", covariates=("lpop",)), aggregate)
    parts = found.event[~found.event["reference"]] if aggregate == "dynamic" else found.groups
    values, errors = (parts["estimate"], parts["se"]) if len(parts) else ([found.estimate], [found.se])
    assert list(values) == pytest.approx(NOT_YET[aggregate][0], abs=1e-10)
    assert list(errors) == pytest.approx(np.sqrt((2500 - 30) / (2500 - 23)) * np.array(NOT_YET[aggregate][1]), rel=1e-6)


def test_the_event_study_against_never_treated_is_that_of_r_etwfe():
    found = etwfe(county(covariates=("lpop",), before=2, after=3), "dynamic")
    told = found.event[~found.event["reference"]]
    assert found.event["event_time"].tolist() == [-2, -1, 0, 1, 2, 3] and found.event.loc[1, "reference"]
    assert told["estimate"].tolist() == pytest.approx([0.0234649547538384, -0.0211467366918433, -0.0533558653415615, -0.141080104628566, -0.107544274673025], abs=1e-10)
    errors = np.array([0.0145314904277398, 0.0113935648352396, 0.0157744281621729, 0.0322891808795742, 0.0329231688783015])
    assert told["se"].tolist() == pytest.approx(np.sqrt((2500 - 40) / (2500 - 33)) * errors, rel=1e-6)


def test_poisson_is_that_of_r_etwfe():
    told = estimate_poisson(county("emp", control="notyet", covariates=("lpop",)), "dynamic").event
    told = told[~told["reference"]]
    assert told["estimate"].tolist() == pytest.approx([-25.3497484355494, 1.09175116997388, -75.1246321552693, -101.823979344829], rel=1e-7)
    assert told["se"].tolist() == pytest.approx([15.8862762958862, 40.2952222352926, 23.1541376499351, 27.0877431076141], rel=2e-5)


# Other libraries and brute force


def cells_of(plan, never):
    data = plan.data
    if never:
        inside = (data["cohort"] > 0) & (data["event_time"] != -1)
    else:
        inside = data["treated"] == 1
    return data.assign(cell=np.where(inside, "c" + data["cohort"].astype(str) + "t" + data["time"].astype(str), "none"))


@pytest.mark.parametrize("control", ["never", "notyet"])
@pytest.mark.parametrize("gaps", [0.0, 0.15])
@pytest.mark.parametrize("weights", [None, "w"])
def test_the_regression_is_pyfixests_with_dummies_written_out(control, gaps, weights):
    import pyfixest

    plan = of(panel(3, gaps=gaps).assign(area=lambda frame: frame["unit"] % 15), control=control, weights=weights, cluster="area", panel="keep")
    data = cells_of(plan, control == "never").astype({"cluster": int})
    dummies = pd.get_dummies(data["cell"], dtype=float).drop(columns="none")
    theirs = pyfixest.feols(f"y ~ {' + '.join(dummies)} | unit + time", data.join(dummies), vcov={"CRV1": "cluster"}, weights="weight" if weights else None, fixef_tol=1e-13, fixef_maxiter=100_000)
    mass = data.groupby("cell")["weight" if weights else "treated"].agg("sum" if weights else "size")
    after = [name for name in dummies if data.loc[data["cell"] == name, "treated"].all()]
    share = np.array([mass[name] / mass[after].sum() if name in after else 0 for name in theirs._coefnames])
    ours = etwfe(plan, "simple")
    assert ours.estimate == pytest.approx(share @ theirs._beta_hat, rel=1e-7)
    assert ours.se == pytest.approx(np.sqrt(share @ theirs._vcov @ share), rel=1e-6)
    assert ours.inference == "cluster-robust (CR1) by cluster, delta method" and ours.df == 14 and ours.influence is None


@pytest.mark.parametrize("covariate", ["z", "x"])
@pytest.mark.parametrize("control", ["never", "notyet"])
def test_the_same_as_moderndid_with_covariates_of_units_and_of_unit_periods(covariate, control):
    import moderndid

    frame = panel(5, units=80, times=6)
    fitted = moderndid.etwfe(frame, "y", "time", "cohort", idname="unit", xformla=f"~ {covariate}", cgroup=control)
    for ours, theirs in (("simple", "simple"), ("dynamic", "event"), ("group", "group"), ("calendar", "calendar")):
        found, known = etwfe(of(frame, control=control, covariates=(covariate,)), ours), moderndid.emfx(fitted, type=theirs)
        parts = found.event[found.event["event_time"] >= 0] if ours == "dynamic" else found.groups
        values, other = (parts["estimate"], known.att_by_event) if len(parts) else ([found.estimate], [known.overall_att])
        assert list(values) == pytest.approx(list(other), rel=1e-6)
    assert any("changes over time" in told for told, _ in found.warnings) == (covariate == "x")


def test_on_a_balanced_panel_it_is_imputation_by_hand():
    """Untreated rows only, every dummy written out; effects are what is left of the treated rows."""
    plan = of(panel(7, units=24, times=6), control="notyet")
    data = plan.data
    dummies = pd.get_dummies(data[["unit", "time"]].astype(str)).to_numpy(float)
    bare = (data["treated"] == 0).to_numpy()
    effect = data["y"] - dummies @ np.linalg.lstsq(dummies[bare], data["y"][bare], rcond=None)[0]
    assert etwfe(plan, "simple").estimate == pytest.approx(effect[~bare].mean(), rel=1e-9)
    event = effect[~bare].groupby(data["event_time"][~bare]).mean()
    found = etwfe(plan, "dynamic")
    assert found.event.loc[found.event["event_time"] >= 0, "estimate"].tolist() == pytest.approx(event.tolist(), rel=1e-9)
    assert found.estimate == pytest.approx(event.mean(), rel=1e-9)


def counts(seed=0, units=80, times=6, cohorts=(0, 0, 3, 5), spread=0.5):
    """Mean of unit times mean of time, times 1.5 or 2 where treated; Poisson, so that zeros occur."""
    rng = np.random.default_rng(seed)
    frame = pd.MultiIndex.from_product([range(units), range(times)], names=["unit", "time"]).to_frame(index=False)
    frame["cohort"] = np.repeat(rng.permutation(np.resize(cohorts, units)), times)
    treated = (frame["cohort"] > 0) & (frame["time"] >= frame["cohort"])
    frame["bare"] = np.exp(rng.normal(0, spread, units))[frame["unit"]] * np.exp(0.1 * np.arange(times))[frame["time"]] * np.where(frame["cohort"] > 0, 1.5, 1.0)
    frame["effect"] = treated * frame["bare"] * np.where(frame["cohort"] == 3, 0.5, 1.0)
    frame["y"] = rng.poisson(frame["bare"] + frame["effect"]).astype(float)
    return frame


@pytest.mark.parametrize("weights", [None, "w"])
def test_poisson_with_cohort_effects_is_poisson_with_unit_effects_and_levels_follow(weights):
    """One cohort: exp(b) - 1 in each period is pyfixest's; the effect on the mean is the mean of y less that divided by exp(b)."""
    import pyfixest

    frame = counts(2, cohorts=(0, 3)).assign(w=lambda frame: 1 + frame["unit"] % 3)
    found = estimate_poisson(of(frame, control="notyet", weights=weights), "calendar")
    for time in (3, 4, 5):
        frame[f"t{time}"] = ((frame["cohort"] == 3) & (frame["time"] == time)).astype(float)
    rows = frame[frame["cohort"] == 3]
    for time, level in zip((3, 4, 5), found.groups["estimate"], strict=True):
        now = rows[rows["time"] == time]
        ratio = 1 + found.diagnostics[f"proportional_{time}"]
        assert level == pytest.approx(np.average(now["y"], weights=now["w"] if weights else None) * (1 - 1 / ratio), rel=1e-8)
    if weights is None:
        theirs = pyfixest.fepois("y ~ t3 + t4 + t5 | unit + time", frame, iwls_tol=1e-12).coef()
        assert [np.log1p(found.diagnostics[f"proportional_{time}"]) for time in (3, 4, 5)] == pytest.approx([theirs[f"t{time}"] for time in (3, 4, 5)], abs=1e-6)
    assert found.estimate == pytest.approx(found.groups["estimate"].mean())
    values = found.diagnostics
    assert values["proportional_lower"] < values["proportional"] < values["proportional_upper"] and values["proportional_lower"] > -1


def test_poisson_error_of_the_share_is_that_of_the_coefficient_in_the_smallest_case():
    """Two cohorts, two periods: b and its clustered error by statsmodels; share exp(b) - 1, error exp(b) se(b)."""
    import statsmodels.api as sm

    frame = counts(4, times=2, cohorts=(0, 1))
    found = estimate_poisson(of(frame), "simple")
    treated, later = (frame["cohort"] > 0) * 1.0, (frame["time"] > 0) * 1.0
    theirs = sm.GLM(frame["y"], np.column_stack([np.ones(len(frame)), treated, later, treated * later]), family=sm.families.Poisson()).fit(
        cov_type="cluster", cov_kwds={"groups": frame["unit"]}, tol=1e-14
    )
    assert found.diagnostics["proportional"] == pytest.approx(np.expm1(theirs.params.iloc[3] if hasattr(theirs.params, "iloc") else theirs.params[3]), rel=1e-7)
    assert found.diagnostics["proportional_se"] == pytest.approx((1 + found.diagnostics["proportional"]) * np.asarray(theirs.bse)[3], rel=1e-6)
    assert found.estimator == "etwfe_poisson" and found.n_obs == len(frame)


# Known truth


@pytest.mark.slow
def test_no_bias_and_intervals_that_hold_what_they_promise():
    """Effects that differ by cohort and grow, both controls, 100 samples of 80 units."""
    for control in ("never", "notyet"):
        misses, errors = 0, []
        for seed in range(100):
            frame = panel(seed, units=80, times=6)
            true = frame.loc[frame["treated"] == 1, "effect"].mean()
            found = etwfe(of(frame, control=control), "simple")
            errors.append(found.estimate - true)
            misses += not found.lower <= true <= found.upper
        assert abs(np.mean(errors)) < 3 * np.std(errors) / np.sqrt(100)
        assert abs(misses / 100 - 0.05) < 3 * np.sqrt(0.05 * 0.95 / 100)


@pytest.mark.slow
def test_a_covariate_whose_slope_changes_over_time_is_taken_out():
    """Units with large z are treated and would have grown anyway: without z the estimate is off, with it not."""
    errors = {(): [], ("z",): []}
    for seed in range(60):
        frame = panel(seed, units=80, times=6)
        frame["z"] += frame["cohort"] > 0
        # 0.1 for what z was raised by, and 0.5 more for all of z: 0.6 in all.
        frame["y"] += frame["time"] * (0.1 * (frame["cohort"] > 0) + 0.5 * frame["z"])
        true = frame.loc[frame["treated"] == 1, "effect"].mean()
        for names, found in errors.items():
            found.append(etwfe(of(frame, control="notyet", covariates=names), "simple").estimate - true)
    assert abs(np.mean(errors["z",])) < 3 * np.std(errors["z",]) / np.sqrt(60)
    assert np.mean(errors[()]) > 0.5


@pytest.mark.slow
def test_poisson_finds_effects_on_the_mean_and_as_a_share():
    errors, shares, misses = [], [], 0
    for seed in range(100):
        frame = counts(seed, units=120)
        treated = frame[frame["effect"] > 0]
        found = estimate_poisson(of(frame, control="notyet"), "simple")
        errors.append(found.estimate - treated["effect"].mean())
        shares.append(np.log1p(found.diagnostics["proportional"]) - np.log1p(treated["effect"].sum() / treated["bare"].sum()))
        misses += not found.diagnostics["proportional_lower"] <= treated["effect"].sum() / treated["bare"].sum() <= found.diagnostics["proportional_upper"]
    assert abs(np.mean(errors)) < 3 * np.std(errors) / np.sqrt(150)
    assert abs(np.mean(shares)) < 3 * np.std(shares) / np.sqrt(150)
    assert abs(misses / 150 - 0.05) < 3 * np.sqrt(0.05 * 0.95 / 150)


# What holds of every estimator


def test_the_error_is_that_of_its_influence_values_and_the_shares_add_up():
    for found in (etwfe(county(), "dynamic"), estimate_poisson(county("emp", control="notyet"), "group")):
        assert len(found.influence) == 500 and found.se == pytest.approx(np.sqrt((found.influence**2).sum()) / 500, rel=1e-12)
        assert sum(found.cohorts.values()) == pytest.approx(1) and set(found.cohorts) == {2004, 2006, 2007}
        assert (found.n_obs, found.n_units, found.n_treated_units) == (2500, 500, 191)
    assert etwfe(county(control="notyet"), "simple").cohorts == pytest.approx({2004: 80 / 291, 2006: 80 / 291, 2007: 131 / 291})


def test_the_overall_of_the_event_study_follows_from_its_rows():
    found = etwfe(county(after=2), "dynamic")
    after = (found.event[~found.event["reference"]]["event_time"] >= 0).to_numpy()
    assert found.vcov.shape == (6, 6) and found.event["event_time"].max() == 2
    assert found.estimate == pytest.approx(found.event.loc[found.event["event_time"] >= 0, "estimate"].mean())
    assert found.se == pytest.approx(np.sqrt(after @ found.vcov @ after) / 3)
    assert found.event.loc[~found.event["reference"], "se"].tolist() == pytest.approx(np.sqrt(np.diag(found.vcov)))
    notyet = etwfe(county(control="notyet"), "dynamic")
    assert notyet.event["event_time"].tolist() == [-1, 0, 1, 2, 3] and any("cannot be tested" in told for told, _ in notyet.warnings)


def test_anticipation_moves_the_reference_and_leaves_the_estimate_to_time_0_and_after():
    found = etwfe(of(panel(9), anticipation=1), "dynamic")
    assert found.event.set_index("event_time").at[-2, "reference"]
    shown = etwfe(of(panel(9), anticipation=1, control="notyet"), "dynamic").event
    assert shown["event_time"].min() == -2 and not shown.set_index("event_time").at[-1, "reference"]
    # The same as moving the date, but for what is averaged.
    frame = panel(9)
    early = etwfe(of(frame.assign(cohort=frame["cohort"] - (frame["cohort"] > 0)), control="notyet"), "dynamic").event
    assert shown.loc[shown["event_time"] >= -1, "estimate"].tolist() == pytest.approx(early.loc[early["event_time"] >= 0, "estimate"].tolist())


def test_units_with_two_weights_are_units_written_twice():
    frame = panel(11, units=30)
    frame["twice"] = 1.0 + frame["unit"] % 2
    doubled = pd.concat([frame, frame[frame["unit"] % 2 == 1].assign(unit=lambda rows: rows["unit"] + 1000)])
    for aggregate in ("simple", "group", "dynamic", "calendar"):
        assert etwfe(of(frame, weights="twice"), aggregate).estimate == pytest.approx(etwfe(of(doubled), aggregate).estimate, rel=1e-9)
    counted = counts(11).assign(twice=lambda rows: 1.0 + rows["unit"] % 2)
    doubled = pd.concat([counted, counted[counted["unit"] % 2 == 1].assign(unit=lambda rows: rows["unit"] + 1000)])
    assert estimate_poisson(of(counted, weights="twice"), "group").estimate == pytest.approx(estimate_poisson(of(doubled), "group").estimate, rel=1e-9)


def test_unit_effects_names_and_the_order_of_rows_do_not_matter():
    frame = panel(13, gaps=0.1)
    moved = frame.assign(y=frame["y"] + 7 * (frame["unit"] % 5), unit="n" + (100 - frame["unit"]).astype(str)).sample(frac=1, random_state=1)
    for control in ("never", "notyet"):
        one, other = (etwfe(of(rows, control=control, panel="complete"), "dynamic") for rows in (frame, moved))
        assert one.estimate == pytest.approx(other.estimate, rel=1e-8) and one.se == pytest.approx(other.se, rel=1e-8)
    base = counts(13)
    one, other = (estimate_poisson(of(rows, control="notyet"), "simple") for rows in (base, base.assign(y=base["y"] * 100)))
    assert other.estimate == pytest.approx(100 * one.estimate, rel=1e-8) and other.diagnostics["proportional"] == pytest.approx(one.diagnostics["proportional"], rel=1e-8)


def test_gaps_are_kept_and_what_cannot_be_used_is_told():
    frame = panel(15, gaps=0.15)
    assert estimate(of(frame, panel="keep", control="notyet"), "etwfe").n_obs == len(frame)
    late = frame[(frame["unit"] != frame.loc[frame["cohort"] == 3, "unit"].iloc[0]) | (frame["time"] >= 3)]
    found = etwfe(of(late, panel="complete", control="notyet"), "simple")
    assert found.n_obs < len(late) and any("1 units are not observed before" in told for told, _ in found.warnings)
    assert len(found.influence) == late["unit"].nunique() and (found.influence == 0).sum() == 1
    with pytest.raises(UserError, match="would use"):
        estimate(of(late, panel="keep", control="notyet"), "etwfe")


def test_without_never_treated_units_the_last_cohort_is_the_control_until_it_is_treated():
    frame = panel(17, cohorts=(3, 5))
    found = etwfe(of(frame, control="notyet"), "simple")
    cut = frame[frame["time"] < 5]
    assert found.estimate == pytest.approx(etwfe(of(cut.assign(cohort=cut["cohort"].where(cut["cohort"] == 3, 0)), control="notyet"), "simple").estimate, rel=1e-9)
    assert found.cohorts == {3: 1.0} and found.n_treated_units == 30 and found.n_obs == len(cut)
    assert any("nobody left to compare with in 5, 6, 7" in told for told, _ in found.warnings)


def test_unevenly_spaced_periods():
    """Cohort 4 falls in a gap, so that its reference lies two periods before it: no one event study against never-treated units."""
    frame = panel(19, cohorts=(0, 3, 4))
    frame = frame[frame["time"] != 3]
    assert np.isfinite(etwfe(of(frame), "simple").se)
    with pytest.raises(UserError, match="unevenly spaced"):
        etwfe(of(frame), "dynamic")
    assert np.isfinite(etwfe(of(frame, control="notyet"), "dynamic").se)


def test_a_cohort_of_one_has_no_slope_of_its_own_and_the_reader_is_told():
    frame = panel(21, times=6)
    alone = frame["unit"] == frame.loc[frame["cohort"] == 3, "unit"].iloc[0]
    frame["cohort"] = frame["cohort"].where(alone | (frame["cohort"] != 3), 0)
    frame.loc[alone, "cohort"] = 1
    found = etwfe(of(frame, control="notyet", covariates=("x",)), "simple")
    assert np.isfinite(found.se) and any("slope of its own: x of cohort 1" in told for told, _ in found.warnings)
    assert np.isfinite(etwfe(of(frame, covariates=("z",)), "simple").se)


# Refusals


def test_refusals():
    frame = panel(23)
    with pytest.raises(UserError, match="No treated unit has both a period before"):
        etwfe(of(frame, anticipation=5), "simple")
    with pytest.raises(UserError, match="no period after treatment"):
        etwfe(of(frame, after=-1), "dynamic")
    for values in (frame["time"] * 2.0, pd.Series(1.0, frame.index)):
        with pytest.raises(UserError, match="k is collinear|k in 1 is collinear"):
            etwfe(of(frame.assign(k=values), covariates=("k",)), "simple")
    with pytest.raises(UserError, match="0 or 1 and stays 1"):
        etwfe(design(frame.assign(d=frame["treated"] / 2), "unit", "time", "y", treatment="d"), "simple")
    # Cohort 3 alone is seen before period 3, and in period 0 only, whose effect then takes up all it has to compare with.
    alone = frame[((frame["cohort"] == 3) & ((frame["time"] == 0) | (frame["time"] >= 3))) | ((frame["cohort"] != 3) & (frame["time"] >= 3))]
    with pytest.raises(UserError, match="effect of cohort 3 in . cannot be told"):
        etwfe(of(alone, panel="keep", control="notyet"), "simple")


def test_refusals_of_poisson():
    frame = counts(25)
    with pytest.raises(UserError, match="below 0 in 480 rows"):
        estimate_poisson(of(frame.assign(y=-1 - frame["y"])), "simple")
    with pytest.raises(UserError, match="effects of cohorts, not of units"):
        estimate_poisson(of(frame.iloc[1:], panel="keep"), "simple")
    for rows, said, control in (
        ((frame["cohort"] == 3) & (frame["time"] < 3), "cohort 3 before treatment", "notyet"),
        ((frame["cohort"] == 5) & (frame["time"] == 5), "cohort 5 in 5", "never"),
        (frame["time"] == 0, "untreated units in 0", "notyet"),
    ):
        with pytest.raises(UserError, match=f"0 throughout for {said}"):
            estimate_poisson(of(frame.assign(y=frame["y"].where(~rows, 0)), control=control), "simple")
    with pytest.raises(UserError, match="0 or 1 and stays 1"):
        estimate_poisson(design(frame.assign(d=(frame["effect"] > 0) / 2), "unit", "time", "y", treatment="d"), "simple")
    # No margin is empty; but never-treated units have nothing before period 2, where they alone tell the trend: any growth fits.
    apart = counts(25, times=3, cohorts=(0, 2))
    apart["y"] = apart["y"].where((apart["cohort"] > 0) | (apart["time"] == 2), 0)
    with pytest.raises(UserError, match="no finite solution"):
        estimate_poisson(of(apart, control="notyet"), "simple")


@pytest.mark.filterwarnings("error::RuntimeWarning")
@pytest.mark.parametrize(("each", "covariates"), [(2, ("x",)), (2, ("z",)), (3, ("x", "z"))])
@pytest.mark.parametrize("estimator", ["etwfe", "etwfe_poisson"])
def test_a_regression_that_fits_every_row_is_refused(estimator, each, covariates):
    frame = panel(40, cohorts=(0, 3)).assign(y=lambda rows: np.exp(rows["y"]))
    few = [unit for cohort in (0, 3) for unit in frame.loc[frame["cohort"] == cohort, "unit"].unique()[:each]]
    with pytest.raises(UserError, match="No residual degrees of freedom"):
        estimate(of(frame[frame["unit"].isin(few)], covariates=covariates), estimator)


def test_a_collinear_covariate_goes_by_its_own_name():
    frame = panel(41).assign(x3=lambda rows: 3 * rows["x"] + 1)
    with pytest.raises(UserError, match="^x3 is collinear"):
        etwfe(of(frame, covariates=("x", "x3")), "simple")
    unit = frame.assign(z3=3 * frame["z"])
    with pytest.raises(UserError, match="^z3 is collinear"):
        etwfe(of(unit, covariates=("z", "z3")), "simple")
