"""Callaway and Sant'Anna: against R's did in print, against moderndid's att_gt, by hand, and against known truth.

Tolerances. Reference values carry 7 to 10 digits: agreement is to half a unit of the last digit given. Two ways to the same closed
form agree to 1e-10. In simulations (seeded) the bias may be 3 Monte Carlo errors, and coverage lies between bounds that a nominal
95 % interval leaves in about 1 of 1,000 runs. A jackknife error is the analytic one only in large samples: they agree to 7 % with 80 units.
"""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from evaluation.errors import UserError
from evaluation.impact.design import design
from evaluation.impact.estimators import callaway_sant_anna as cs
from evaluation.impact.estimators import estimate

# R did 2.5 on mpdta: (estimate, se) of simple, group, dynamic, calendar.
REFERENCE = {
    "never": ((-0.0399512752, 0.0120340128), (-0.0310182822, 0.0124460593), (-0.0772398, 0.0199650), (-0.0417004, 0.0159719)),
    "notyet": ((-0.0397636, 0.0120524), (-0.0304622, 0.0125751), (-0.0773993, 0.0195602), (-0.0442671, 0.0155709)),
    "reg": ((-0.0419686, 0.0114448), (-0.0329292, 0.0118603), (-0.0807818, 0.0187459), (-0.0445323, 0.0148850)),
}
OPTIONS = {"never": {}, "notyet": {"control": "notyet"}, "reg": {"covariates": ("lpop",), "method": "reg"}}
AGGREGATES = ("simple", "group", "dynamic", "calendar")


@pytest.fixture(scope="module")
def mpdta():
    from moderndid import load_mpdta

    return load_mpdta().to_pandas()


def plan_of(frame, **options):
    return design(frame, "unit", "time", "y", cohort="cohort", **options)


def simulate(seed, cohorts=((2004, 30), (2006, 40), (0, 80)), years=range(2001, 2009), noise=0.5):
    """Unit and year effects, AR(1) noise, an effect of 0.1 (event time + 1), twice that in the cohort of 2006, and a covariate in trend."""
    rng = np.random.default_rng(seed)
    count = sum(size for _, size in cohorts)
    cohort = np.repeat([g for g, _ in cohorts], [size for _, size in cohorts])
    year = np.array(years)
    shock = np.zeros((count, len(year)))
    shock[:, 0] = rng.normal(0, noise, count)
    for t in range(1, len(year)):
        shock[:, t] = 0.5 * shock[:, t - 1] + np.sqrt(0.75) * rng.normal(0, noise, count)
    x = rng.normal(0.3 * (cohort > 0), 1)
    effect = np.where((cohort[:, None] > 0) & (year >= cohort[:, None]), truth(cohort[:, None], year - cohort[:, None]), 0)
    y = rng.normal(10, 3, count)[:, None] + rng.normal(0, 1, len(year)) + shock + effect
    frame = pd.DataFrame({"unit": np.repeat(np.arange(count), len(year)), "time": np.tile(year, count), "y": y.ravel()})
    return frame.assign(
        cohort=np.repeat(cohort, len(year)), x=np.repeat(x, len(year)), w=np.repeat(rng.uniform(0.5, 2, count), len(year)), region=frame["unit"] % 40
    )


def truth(cohort, event):
    return 0.1 * (event + 1) * np.where(cohort == 2006, 2, 1)


def with_gaps(frame, share=0.1, seed=3):
    return frame[np.random.default_rng(seed).uniform(size=len(frame)) > share]


@pytest.mark.parametrize("scenario", REFERENCE)
@pytest.mark.parametrize("number", range(4))
def test_reference_table(mpdta, scenario, number):
    plan = design(mpdta, "countyreal", "year", "lemp", cohort="first.treat", **OPTIONS[scenario])
    found = estimate(plan, "cs", AGGREGATES[number])
    expected = REFERENCE[scenario][number]
    tolerance = 6e-11 if number < 2 and scenario == "never" else 6e-8
    assert (found.estimate, found.se) == pytest.approx(expected, abs=tolerance)
    assert (found.n_obs, found.n_units, found.n_treated_units) == (2500, 500, 191)
    assert sum(found.cohorts.values()) == pytest.approx(1)
    assert np.sum(found.influence**2) / 500**2 == pytest.approx(found.se**2)


def test_reference_pretest_and_event_study(mpdta):
    found = estimate(design(mpdta, "countyreal", "year", "lemp", cohort="first.treat"), "cs", "dynamic")
    assert found.diagnostics["pretest_wald"] == pytest.approx(7.7912366, abs=6e-8)
    assert found.diagnostics["pretest_p"] == pytest.approx(0.16812, abs=6e-6)
    assert found.diagnostics["pretest_df"] == 5
    event = found.event.set_index("event_time")
    assert event.loc[0:3, "estimate"].to_numpy() == pytest.approx([-0.0199, -0.0510, -0.1373, -0.1008], abs=6e-5)
    # R's -0.0245 at -1 and -0.0006 at -2 are steps to the next period; from the period before treatment they add up, reversed.
    assert event.loc[[-2, -3], "estimate"].to_numpy() == pytest.approx([0.0245, 0.0251], abs=1.1e-4)
    assert event.index[event["reference"]].tolist() == [-1]
    told = event[~event["reference"]]
    assert np.sqrt(np.diag(found.vcov)) == pytest.approx(told["se"].to_numpy())
    after = (told.index >= 0) / (told.index >= 0).sum()
    assert after @ found.vcov @ after == pytest.approx(found.se**2)
    assert 1.96 < found.band < stats.norm.ppf(1 - 0.025 / 7)


def test_window_limits_what_is_shown_and_averaged(mpdta):
    found = estimate(design(mpdta, "countyreal", "year", "lemp", cohort="first.treat", before=2, after=1), "cs", "dynamic")
    assert found.event["event_time"].tolist() == [-2, -1, 0, 1]
    assert found.estimate == pytest.approx(found.event["estimate"].iloc[2:].mean())
    assert found.diagnostics["event_pretest_df"] == 1


@pytest.mark.parametrize("aggregate", AGGREGATES)
@pytest.mark.parametrize(
    "options",
    [{}, {"control": "notyet"}, {"anticipation": 1, "control": "notyet"}, {"anticipation": 2}, {"weights": "w"}]
    + [{"covariates": ("x",), "method": method, "control": "notyet", "weights": "w"} for method in ("reg", "ipw", "dr")]
    + [{"cluster": "region"}, {"control": "notyet", "no_never": True}, {"control": "notyet", "no_never": True, "anticipation": 1}],
    ids=str,
)
def test_equals_att_gt_on_balanced_panels(options, aggregate):
    import warnings

    from moderndid import aggte, att_gt

    options = dict(options)
    frame = simulate(1, ((2004, 20), (2006, 25), (2007, 15), (0, 40)))
    if options.pop("no_never", False):
        frame = frame[frame["cohort"] > 0]
    found = estimate(plan_of(frame, **options), "cs", aggregate)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        group_time = att_gt(
            frame, yname="y", tname="time", idname="unit", gname="cohort", control_group={"never": "nevertreated", "notyet": "notyettreated"}[options.get("control", "never")],
            xformla="~ x" if "covariates" in options else None, weightsname=options.get("weights"), est_method=options.get("method", "dr"), base_period="universal",
            anticipation=options.get("anticipation", 0), clustervars=["region"] if "cluster" in options else None,
        )  # fmt: skip
        other = aggte(group_time, type=aggregate, cband=False, boot=False)
    assert (found.estimate, found.se) == pytest.approx((other.overall_att, other.overall_se), abs=1e-10)
    if aggregate == "dynamic":
        assert found.event["estimate"].to_numpy() == pytest.approx(other.att_by_event, abs=1e-10)
        told = ~found.event["reference"].to_numpy()
        assert found.event.loc[told, "se"].to_numpy() == pytest.approx(other.se_by_event[told], abs=1e-10)
    elif aggregate == "simple":
        assert found.groups["estimate"].to_numpy() == pytest.approx(group_time.att_gt, abs=1e-10)
        told = ~found.groups["reference"].to_numpy()
        assert found.groups.loc[told, "se"].to_numpy() == pytest.approx(group_time.se_gt[told], abs=1e-10)
    else:
        assert found.groups["estimate"].to_numpy() == pytest.approx(other.att_by_event, abs=1e-10)
        assert found.groups["se"].to_numpy() == pytest.approx(other.se_by_event, abs=1e-10)
        assert found.groups.columns[0] == {"group": "cohort", "calendar": "time"}[aggregate]


@pytest.mark.parametrize("control", ["never", "notyet"])
def test_gaps_by_hand(control):
    """Each ATT(g,t) is a difference of mean changes over the units observed in both periods."""
    frame = with_gaps(simulate(2))
    found = estimate(plan_of(frame, panel="complete", control=control), "cs", "simple")
    wide = frame.pivot(index="unit", columns="time", values="y")
    cohort = frame.groupby("unit")["cohort"].first()
    for row in found.groups.itertuples():
        base = row.cohort - 1
        compared = cohort == 0
        if control == "notyet":
            compared |= (cohort > max(row.time, base)) & (cohort != row.cohort)
        change = wide[row.time] - wide[base]
        assert row.estimate == pytest.approx(change[cohort == row.cohort].mean() - change[compared].mean(), abs=1e-10)
    effects = found.groups[found.groups["time"] >= found.groups["cohort"]]
    assert found.estimate == pytest.approx(np.average(effects["estimate"], weights=effects["cohort"].map(cohort.value_counts())), abs=1e-10)
    assert found.n_obs < len(frame)


@pytest.mark.parametrize("options", [{}, {"control": "notyet", "weights": "w"}, {"covariates": ("x",), "method": "dr"}], ids=str)
def test_errors_with_gaps_equal_the_jackknife(options):
    frame = with_gaps(simulate(4, ((2004, 20), (2006, 25), (0, 35)), range(2003, 2008)))
    found = estimate(plan_of(frame, panel="complete", **options), "cs", "simple")
    units = frame["unit"].unique()
    left = np.array([estimate(plan_of(frame[frame["unit"] != unit], panel="complete", **options), "cs", "simple").estimate for unit in units])
    assert found.se == pytest.approx(np.sqrt((len(units) - 1) / len(units) * ((left - left.mean()) ** 2).sum()), rel=0.07)


def test_keep_refuses_what_would_lose_rows_and_serves_the_rest():
    frame = simulate(5)
    late = frame[~((frame["cohort"] == 0) & (frame["time"] == 2001) & (frame["unit"] % 3 == 0))]
    assert estimate(plan_of(late, panel="keep"), "cs").n_obs == len(late)
    # Without 2003 a unit treated in 2004 has nothing to be compared with: its rows would silently go.
    lost = frame[~((frame["cohort"] == 2004) & (frame["time"] == 2003) & (frame["unit"] == 0))]
    with pytest.raises(UserError, match="would use 1192 of 1199 rows"):
        estimate(plan_of(lost, panel="keep"), "cs")
    found = estimate(plan_of(lost, panel="complete"), "cs")
    assert found.n_obs == 1192 and any("7 of 1199 rows" in en for en, _ in found.warnings)
    # Elsewhere it is as if the unit were not there, except for the share of its cohort.
    assert found.groups["estimate"].to_numpy() == pytest.approx(estimate(plan_of(lost), "cs").groups["estimate"].to_numpy(), abs=1e-10)


def test_an_effect_without_anybody_to_compare_is_told():
    frame = simulate(6)
    frame = frame[~((frame["cohort"] == 2004) & (frame["time"] == 2005))]
    found = estimate(plan_of(frame, panel="complete"), "cs", "calendar")
    assert any("2004/2005" in en and "2004/2005" in ko for en, ko in found.warnings)
    assert 2005 not in found.groups["time"].tolist()
    assert sum(found.cohorts.values()) == pytest.approx(1)


@pytest.mark.parametrize("options", [{}, {"covariates": ("x",), "method": "dr"}], ids=str)
def test_invariances(options):
    frame = with_gaps(simulate(7))
    rng = np.random.default_rng(0)
    found = estimate(plan_of(frame, panel="complete", **options), "cs", "dynamic")
    names = rng.permutation(frame["unit"].max() + 1)
    others = {
        "unit effects": frame.assign(y=frame["y"] + 100 * names[frame["unit"]]),
        "time effects": frame.assign(y=frame["y"] + 5 * frame["time"]),
        "names and order": frame.assign(unit=names[frame["unit"]]).sample(frac=1, random_state=1),
        "never": frame.assign(cohort=frame["cohort"].astype(float).replace(0, np.inf)),
        "never, later than the panel": frame.assign(cohort=frame["cohort"].replace(0, 2050)),
        "weights": frame.assign(w=3.0),
    }
    for name, other in others.items():
        again = estimate(plan_of(other, panel="complete", **options, **({"weights": "w"} if name == "weights" else {})), "cs", "dynamic")
        assert (again.estimate, again.se) == pytest.approx((found.estimate, found.se), abs=1e-8), name
        assert again.vcov == pytest.approx(found.vcov, abs=1e-8), name
        assert again.n_obs == found.n_obs


def test_influence_follows_the_units_of_the_design():
    frame = simulate(8, ((2002, 10), (2004, 30), (0, 60)))
    found = estimate(plan_of(frame, anticipation=1), "cs")
    assert any("10 units may react" in en for en, _ in found.warnings)
    assert found.influence.shape == (100,) and (found.influence[:10] == 0).all() and (found.influence[10:] != 0).all()
    assert np.sum(found.influence**2) / 100**2 == pytest.approx(found.se**2)
    assert found.n_units == 90 and set(found.cohorts) == {2004}
    assert estimate(plan_of(frame, cluster="region"), "cs").influence is None


def test_anticipation_moves_the_reference():
    found = estimate(plan_of(simulate(9), anticipation=1), "cs", "dynamic")
    assert found.event.loc[found.event["reference"], "event_time"].tolist() == [-2]
    assert found.diagnostics["event_pretest_df"] == (found.event["event_time"] < -2).sum()


def test_shares_rebuild_the_simple_average():
    found = estimate(plan_of(simulate(10)), "cs", "simple")
    after = found.groups[found.groups["time"] >= found.groups["cohort"]]
    assert sum(share * after.loc[after["cohort"] == g, "estimate"].mean() for g, share in found.cohorts.items()) == pytest.approx(found.estimate)


@pytest.mark.slow
def test_bias_coverage_and_band():
    """Panels with an effect that differs between cohorts and grows: no bias, nominal intervals, and a band that holds jointly."""
    cohorts, repeats, errors = ((2003, 30), (2006, 40), (0, 80)), 120, []
    covered = together = 0
    sizes = dict(cohorts[:2])

    def at(event):
        seen = [g for g in sizes if 2001 <= g + event <= 2008]
        return np.average([truth(g, event) if event >= 0 else 0 for g in seen], weights=[sizes[g] for g in seen])

    expected = np.mean([at(event) for event in range(6)])
    for seed in range(repeats):
        found = cs.estimate(plan_of(simulate(1000 + seed, cohorts)), "dynamic")
        told = found.event[~found.event["reference"]]
        errors.append(found.estimate - expected)
        covered += found.lower <= expected <= found.upper
        together += (np.abs(told["estimate"] - [at(event) for event in told["event_time"]]) <= found.band * told["se"]).all()
    assert abs(np.mean(errors)) < 3 * np.std(errors) / np.sqrt(repeats)
    # The band is 1 or 2 points short with 30 units in a cohort.
    assert 0.88 <= covered / repeats <= 1
    assert 0.86 <= together / repeats <= 1


def test_band_of_independent_estimates_is_sidaks():
    influence = np.random.default_rng(1).normal(size=(6000, 10))
    own = np.arange(6000)
    # The 95 % quantile of 999 draws has a Monte Carlo error of about 0.05.
    assert cs.uniform_band(influence, own, 0.95) == pytest.approx(stats.norm.ppf((1 + 0.95**0.1) / 2), abs=0.15)
    assert cs.uniform_band(influence[:, :1], own, 0.95) == pytest.approx(1.96, abs=0.15)
    assert cs.uniform_band(influence, own, 0.95) == pytest.approx(cs.uniform_band(5 * influence, own, 0.95))
    assert cs.uniform_band(influence, own, 0.99) > cs.uniform_band(influence, own, 0.95) > cs.uniform_band(influence, own, 0.9)
    # Units of a cluster share their multiplier: twice each unit is the same band as once.
    assert cs.uniform_band(np.repeat(influence, 2, axis=0), np.repeat(own, 2), 0.95) == pytest.approx(cs.uniform_band(influence, own, 0.95))


def test_small_cohorts_are_told_and_not_tested_jointly():
    found = estimate(plan_of(simulate(11, ((2004, 20), (2008, 5), (0, 60)))), "cs", "dynamic")
    assert any("first treated in 2008" in en for en, _ in found.warnings)
    assert "pretest_wald" not in found.diagnostics and any("no joint pre-test" in en for en, _ in found.warnings)
    assert found.diagnostics["event_pretest_df"] == 6


def test_few_clusters_and_changing_weights_and_a_constant_outcome_are_told():
    frame = simulate(12)
    found = estimate(plan_of(frame.assign(region=frame["unit"] % 12), cluster="region"), "cs")
    assert any("only 12 clusters" in en for en, _ in found.warnings) and found.inference.endswith("by cluster")
    found = estimate(plan_of(frame.assign(w=frame["w"] + frame["time"] - 2000), weights="w"), "cs")
    assert any("Weights change" in en for en, _ in found.warnings)
    found = estimate(plan_of(frame.assign(y=frame["time"] + 2.0 * ((frame["cohort"] > 0) & (frame["time"] >= frame["cohort"])))), "cs")
    assert found.estimate == pytest.approx(2) and any("no standard error" in en for en, _ in found.warnings)


@pytest.mark.parametrize(
    ("options", "change", "message"),
    [
        ({"cluster": "region"}, lambda frame: frame.assign(region=frame["unit"] % 40 + frame["time"]), "move between clusters"),
        ({"anticipation": 9}, lambda frame: frame, "No cohort has both"),
        ({"covariates": ("x",), "method": "reg"}, lambda frame: frame.assign(x=1.0), "No effect of a cohort"),
        ({"covariates": ("x",), "method": "dr"}, lambda frame: frame.assign(x=frame["x"] + 100 * (frame["cohort"] > 0)), "No effect of a cohort"),
        ({"control": "notyet"}, lambda frame: frame[(frame["cohort"] == 2006) | ((frame["cohort"] == 2004) & (frame["time"] > 2003))], "No effect of a cohort"),
        ({"cluster": "region", "anticipation": 3}, lambda frame: frame.assign(region=(frame["cohort"] == 2004).astype(int)), "single cluster"),
    ],
)
def test_what_cannot_be_served_says_why(options, change, message):
    with pytest.raises(UserError, match=message):
        estimate(plan_of(change(simulate(13)), panel="complete", **options), "cs")


def test_a_window_without_treated_periods_is_refused():
    with pytest.raises(UserError, match="No period of treatment"):
        estimate(plan_of(simulate(14), after=-2), "cs", "dynamic")


def test_zeros_of_references_are_in_no_average_of_unevenly_spaced_periods():
    """Without 2003 the cohort of 2004 is compared with 2002, event time -2, where only that of 2006 has an estimate."""
    plan = plan_of(simulate(15).query("time != 2003"))
    found, cells = estimate(plan, "cs", "dynamic"), estimate(plan, "cs").groups
    event = found.event.set_index("event_time")
    alone = cells[(cells["cohort"] == 2006) & (cells["time"] == 2004)].iloc[0]
    # The standard errors differ by nothing: one cohort has the whole weight.
    assert event.loc[-2, ["estimate", "se"]].tolist() == pytest.approx(alone[["estimate", "se"]].tolist(), rel=1e-12)
    assert event.index[event["reference"]].tolist() == [-1]


@pytest.mark.parametrize("method", ["reg", "ipw", "dr"])
def test_a_collinear_covariate_is_named(method):
    frame = simulate(16).assign(double=lambda rows: 2 * rows["x"] + 1, one=1.0)
    for name in ("double", "one"):
        with pytest.raises(UserError, match=f"units to compare with, {name} does not vary or is collinear"):
            estimate(plan_of(frame, covariates=("x", name), method=method), "cs")


def test_a_covariate_collinear_in_some_comparisons_is_named_in_the_warning():
    frame = simulate(17).assign(z=lambda rows: rows["x"] ** 2 * (rows["time"] < 2005))
    found = estimate(plan_of(frame, covariates=("x", "z"), method="reg"), "cs")
    assert any("collinear there (z)" in english for english, _ in found.warnings)
