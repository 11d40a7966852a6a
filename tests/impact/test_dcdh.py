"""De Chaisemartin and D'Haultfoeuille's effects, against print, brute force and known truth.

Tolerances. Printed values (did_multiplegt_dyn on mpdta) have seven digits. Brute force repeats the differences one unit at a time:
1e-9. In simulations: three Monte Carlo errors, fixed seeds.
"""

import warnings

import numpy as np
import pandas as pd
import pytest

from evaluation.errors import UserError
from evaluation.impact.design import design
from evaluation.impact.estimators import estimate
from evaluation.impact.estimators.dcdh import estimate as dcdh


def county(**more):
    from moderndid import load_mpdta

    return design(load_mpdta().to_pandas(), "countyreal", "year", "lemp", "first.treat", **more)


def panel(seed=0, units=60, times=7, gaps=0.0, cohorts=(0, 0, 3, 4), noise=1.0):
    """Effects that differ by cohort and grow; `share` is a dose that differs by unit and is switched off in the last period for some."""
    rng = np.random.default_rng(seed)
    frame = pd.MultiIndex.from_product([range(units), range(times)], names=["unit", "time"]).to_frame(index=False)
    frame["cohort"] = np.repeat(rng.permutation(np.resize(cohorts, units)), times)
    frame["x"], frame["w"] = rng.normal(size=len(frame)), rng.uniform(0.5, 2, len(frame))
    frame["treated"] = ((frame["cohort"] > 0) & (frame["time"] >= frame["cohort"])).astype(int)
    frame["share"] = frame["treated"] * np.where(frame["unit"] % 2, 1, 0.5) * ((frame["time"] < times - 1) | (frame["unit"] % 3 > 0))
    frame["effect"] = frame["treated"] * (0.2 * frame["cohort"] + 0.1 * (frame["time"] - frame["cohort"]))
    frame["y"] = rng.normal(size=units)[frame["unit"]] + rng.normal(size=times)[frame["time"]] + frame["effect"] + noise * rng.normal(size=len(frame))
    return frame[rng.random(len(frame)) >= gaps].reset_index(drop=True)


def of(frame, **more):
    return design(frame, "unit", "time", "y", **({} if "treatment" in more else {"cohort": "cohort"}), **more)


def by_hand(frame, never, weight=None, dose="treated"):
    """Each treated unit and period less its base, less the same of its controls: horizon, effect, weight, dose."""
    wide = frame.pivot(index="unit", columns="time", values="y")
    w = frame.assign(w=1.0 if weight is None else frame[weight]).pivot(index="unit", columns="time", values="w")
    doses = frame.pivot(index="unit", columns="time", values=dose)
    first = frame.groupby("unit")["cohort"].first()
    rows = []
    for unit, start in first[first > 0].items():
        for time in range(start, wide.columns.max() + 1):
            others = (first == 0) if never else ((first == 0) | (first > time))
            change = wide[time] - wide[start - 1]
            controls = others & change.notna()
            if np.isfinite(change[unit]) and controls.any():
                rows.append((time - start, change[unit] - np.average(change[controls], weights=w.loc[controls, time]), w.at[unit, time], doses.at[unit, time]))
    return pd.DataFrame(rows, columns=["event", "effect", "w", "dose"])


# Print


def test_printed_effects_by_horizon():
    found = dcdh(county(control="notyet"), "dynamic")
    after = found.event[found.event["event_time"] >= 0]
    assert after["estimate"].tolist() == pytest.approx([-0.0189222, -0.0535893, -0.1362743, -0.1008114], abs=6e-8)
    assert after["se"].tolist() == pytest.approx([0.0120677, 0.0170398, 0.0362264, 0.0351004], abs=6e-8)
    assert found.event["event_time"].tolist() == [-3, -2, -1, 0, 1, 2, 3] and found.event.set_index("event_time").at[-1, "reference"]


def test_overall_effects_are_those_of_callaway_and_sant_anna():
    """R `did` 2.5: for a treatment that stays, the two are one estimator, and only the errors differ."""
    assert dcdh(county(), "simple").estimate == pytest.approx(-0.0399512752, abs=5e-11)
    assert dcdh(county(control="notyet"), "simple").estimate == pytest.approx(-0.0397636, abs=5e-8)
    assert dcdh(county(), "dynamic").estimate == pytest.approx(-0.0772398, abs=5e-8)
    assert dcdh(county(control="notyet"), "dynamic").estimate == pytest.approx(-0.0773993, abs=5e-8)


def test_errors_are_the_librarys():
    from moderndid import did_multiplegt, load_mpdta

    data = load_mpdta().to_pandas()
    data["d"] = ((data["first.treat"] > 0) & (data["year"] >= data["first.treat"])).astype(float)
    theirs = did_multiplegt(data, "lemp", "year", "countyreal", "d", effects=4)
    ours = dcdh(county(control="notyet"), "simple")
    assert (ours.estimate, ours.se) == pytest.approx((theirs.ate.estimate, theirs.ate.std_error), rel=1e-10)
    assert (ours.lower, ours.upper) == pytest.approx((theirs.ate.ci_lower, theirs.ate.ci_upper), rel=1e-10) and np.isinf(ours.df)


# Brute force


@pytest.mark.parametrize("control", ["never", "notyet"])
@pytest.mark.parametrize("gaps", [0.0, 0.15])
@pytest.mark.parametrize("weights", [None, "w"])
def test_effects_by_hand(control, gaps, weights):
    frame = panel(3, gaps=gaps)
    plan = of(frame, control=control, weights=weights, panel="complete")
    rows = by_hand(frame, control == "never", weights)
    event = rows.groupby("event").apply(lambda part: np.average(part["effect"], weights=part["w"]))
    found = dcdh(plan, "dynamic")
    assert found.event.loc[found.event["event_time"] >= 0, "estimate"].tolist() == pytest.approx(event.tolist(), abs=1e-9)
    assert found.estimate == pytest.approx(event.mean(), abs=1e-9)
    simple = dcdh(plan, "simple")
    assert simple.estimate == pytest.approx(np.average(rows["effect"], weights=rows["w"]), abs=1e-9)
    # All untreated rows of units seen untreated, and the treated rows that have an effect of their own.
    bare = frame[(frame["treated"] == 0)]
    assert simple.n_obs == len(bare) + len(rows)


@pytest.mark.parametrize("gaps", [0.0, 0.1])
def test_doses_and_treatment_that_ends_by_hand(gaps):
    """Effects of whatever was received, by time since it began; and all of them over all that was received."""
    frame = panel(5, gaps=gaps)
    # The first period seen treated is when treatment begins, where nothing but the dose tells it.
    began = frame["time"].where(frame["share"] > 0).groupby(frame["unit"]).transform("min").fillna(0).astype(int)
    rows = by_hand(frame.assign(cohort=began), False, dose="share")
    plan = of(frame, treatment="share", control="notyet", panel="complete")
    found = dcdh(plan, "simple")
    assert found.estimate == pytest.approx(rows["effect"].sum() / rows["dose"].sum(), abs=1e-9)
    assert found.diagnostics["mean_dose"] == pytest.approx(rows["dose"].mean()) and "one unit of treatment" in found.estimand[0]
    event = dcdh(plan, "dynamic")
    assert event.event.loc[event.event["event_time"] >= 0, "estimate"].tolist() == pytest.approx(rows.groupby("event")["effect"].mean().tolist(), abs=1e-9)
    assert "not per unit of treatment" in event.estimand[0]
    assert sum(found.cohorts.values()) == pytest.approx(1) and found.se > 0
    if not gaps:
        assert estimate(of(frame, treatment="share"), "dcdh").n_obs == len(frame)


def test_a_treatment_column_that_stays_is_a_cohort():
    frame = panel(7)
    for aggregate in ("simple", "dynamic"):
        one, other = dcdh(of(frame), aggregate), dcdh(of(frame, treatment="treated"), aggregate)
        assert one.estimate == pytest.approx(other.estimate)
        assert one.se == pytest.approx(other.se) and one.estimand == other.estimand


def test_a_covariate_is_taken_out_by_its_changes_among_untreated_units():
    """Its slope by least squares on first differences with period effects, untreated rows; then the effects of y less slope times x."""
    frame = panel(9).assign(y=lambda data: data["y"] + 2 * data["x"])
    change = frame.groupby("unit")[["y", "x"]].diff().assign(time=frame["time"])[frame["treated"] == 0].dropna()
    centred = change[["y", "x"]] - change.groupby("time")[["y", "x"]].transform("mean")
    slope = (centred["x"] * centred["y"]).sum() / (centred["x"] ** 2).sum()
    found = dcdh(of(frame, covariates=("x",), control="notyet"), "dynamic")
    bare = dcdh(of(frame.assign(y=frame["y"] - slope * frame["x"]), control="notyet"), "dynamic")
    assert found.event["estimate"].tolist() == pytest.approx(bare.event["estimate"].tolist(), abs=1e-9)
    assert dcdh(of(panel(9, gaps=0.1), covariates=("x",), panel="complete"), "simple").se > 0


# Known truth


@pytest.mark.slow
def test_no_bias_and_intervals_that_hold_what_they_promise():
    """Effects that differ by cohort and grow; the interval is conservative, so that it may cover more than 95 %, not less."""
    errors, misses = [], 0
    for seed in range(80):
        frame = panel(seed, units=80, times=6)
        true = frame.loc[frame["treated"] == 1, "effect"].mean()
        found = dcdh(of(frame, control="notyet"), "simple")
        errors.append(found.estimate - true)
        misses += not found.lower <= true <= found.upper
    assert abs(np.mean(errors)) < 3 * np.std(errors) / np.sqrt(80)
    assert misses / 80 - 0.05 < 3 * np.sqrt(0.05 * 0.95 / 80)


# What holds of every estimator


@pytest.mark.slow
def test_the_error_is_that_of_its_influence_values_and_the_overall_follows_from_its_rows():
    for aggregate in ("simple", "dynamic"):
        found = dcdh(county(), aggregate)
        assert len(found.influence) == 500 and found.se == pytest.approx(np.sqrt((found.influence**2).sum()) / 500, rel=1e-12)
        assert (found.n_obs, found.n_units, found.n_treated_units) == (2500, 500, 191)
    assert dcdh(county(), "simple").cohorts == pytest.approx({2004: 80 / 291, 2006: 80 / 291, 2007: 131 / 291})
    short = dcdh(county(before=2, after=1), "dynamic")
    assert short.event["event_time"].tolist() == [-2, -1, 0, 1] and short.vcov.shape == (3, 3)
    told = short.event[~short.event["reference"]]
    assert short.estimate == pytest.approx(told["estimate"][1:].mean()) and told["se"].tolist() == pytest.approx(np.sqrt(np.diag(short.vcov)))
    assert short.se == pytest.approx(np.sqrt(short.vcov[1:, 1:].sum()) / 2)


def test_clusters_of_units():
    from moderndid import did_multiplegt

    frame = panel(11).assign(area=lambda data: data["unit"] % 15)
    plan = of(frame, cluster="area", control="notyet")
    theirs = did_multiplegt(frame.assign(d=frame["treated"].astype(float)), "y", "time", "unit", "d", cluster="area", effects=4)
    found = dcdh(plan, "dynamic")
    assert found.event.loc[found.event["event_time"] >= 0, "se"].tolist() == pytest.approx(theirs.effects.std_errors.tolist(), rel=1e-9)
    assert dcdh(plan, "simple").se == pytest.approx(theirs.ate.std_error, rel=1e-9)
    assert found.influence is None and "clustered by cluster" in found.inference
    assert dcdh(of(panel(11, gaps=0.1).assign(area=lambda data: data["unit"] % 15), cluster="area", panel="complete"), "simple").se > 0


def test_unit_effects_names_and_the_order_of_rows_do_not_matter():
    frame = panel(13, gaps=0.1)
    moved = frame.assign(y=frame["y"] + 7 * (frame["unit"] % 5), unit="n" + (100 - frame["unit"]).astype(str)).sample(frac=1, random_state=1)
    one, other = (dcdh(of(rows, panel="complete"), "dynamic") for rows in (frame, moved))
    assert one.estimate == pytest.approx(other.estimate, rel=1e-9) and one.se == pytest.approx(other.se, rel=1e-9)


def test_a_unit_missing_when_treatment_begins_is_dated_by_its_cohort():
    """By its rows alone it would begin a period late, from a base that is already treated."""
    frame = panel(15)
    unit = frame.loc[frame["cohort"] == 3, "unit"].iloc[0]
    cut = frame[(frame["unit"] != unit) | (frame["time"] != 3)]
    found = dcdh(of(cut, panel="complete", control="notyet"), "simple")
    rows = by_hand(cut, False)
    assert found.estimate == pytest.approx(rows["effect"].mean(), abs=1e-9) and found.n_obs == len(cut)
    assert estimate(of(cut, panel="keep", control="notyet"), "dcdh").n_obs == len(cut)


def test_what_gaps_cost_is_told():
    frame = panel(17)
    unit = frame.loc[frame["cohort"] == 3, "unit"].iloc[0]
    baseless = frame[(frame["unit"] != unit) | (frame["time"] != 2)]
    found = dcdh(of(baseless, panel="complete"), "simple")
    assert found.n_obs == len(baseless) - 4 and found.n_treated_units == 29 and any("4 of 419 rows" in told for told, _ in found.warnings)
    with pytest.raises(UserError, match="would use 415 of 419"):
        estimate(of(baseless, panel="keep"), "dcdh")
    unseen = frame[(frame["unit"] != unit) | (frame["time"] > 2)]
    found = dcdh(of(unseen, panel="complete"), "simple")
    assert found.n_units == 59 and len(found.influence) == 60 and found.influence[unit] == 0
    assert found.se == pytest.approx(np.sqrt((found.influence**2).sum()) / 60)


def test_without_never_treated_units_effects_end_where_the_last_cohort_begins():
    found = dcdh(of(panel(19, cohorts=(3, 5)), control="notyet"), "dynamic")
    assert found.event["event_time"].max() == 1 and found.cohorts == {3: 1.0} and found.n_treated_units == 30
    assert any("rows are not used" in told for told, _ in found.warnings)


def test_every_second_year_and_uneven_years():
    frame = panel(21, cohorts=(0, 3, 4))
    double = frame.assign(time=frame["time"] * 2, cohort=frame["cohort"] * 2)
    found = dcdh(of(double), "dynamic")
    assert found.event["event_time"].tolist() == sorted(2 * dcdh(of(frame), "dynamic").event["event_time"])
    uneven = frame[frame["time"] != 3]
    assert dcdh(of(uneven), "simple").se > 0
    with pytest.raises(UserError, match="unevenly spaced"):
        dcdh(of(uneven), "dynamic")


def test_the_librarys_warnings_do_not_reach_the_user(capsys):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        dcdh(of(panel(23)), "dynamic")
    assert capsys.readouterr().out == ""


# Refusals


def test_refusals():
    frame = panel(25)
    with pytest.raises(UserError, match="no anticipation"):
        dcdh(of(frame, anticipation=1), "simple")
    with pytest.raises(UserError, match="k never changes within a unit"):
        dcdh(of(frame.assign(k=frame["unit"]), covariates=("k",)), "simple")
    with pytest.raises(UserError, match="x, k are collinear"):
        dcdh(of(frame.assign(k=2 * frame["x"]), covariates=("x", "k")), "simple")
    with pytest.raises(UserError, match="move between clusters"):
        dcdh(of(frame.assign(g=frame["time"] % 2), cluster="g"), "simple")
    with pytest.raises(UserError, match="no period after treatment"):
        dcdh(of(frame, after=-1), "dynamic")
    with pytest.raises(UserError, match="last period before treatment together"):
        dcdh(of(frame[(frame["cohort"] == 0) | (frame["time"] != frame["cohort"] - 1)], panel="complete"), "simple")
