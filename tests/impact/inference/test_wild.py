"""The wild cluster bootstrap against Stata's and Julia's boottest, re-estimation draw by draw, and cases counted by hand.

Tolerances. Statistics of re-estimated draws: 1e-10, the same weights. Values of boottest are printed with four digits; where it goes
through all draws its p-value leaves out the two draws that are the data and their mirror image (here `p_without_ties`), and the ends of its
interval are found until p is within one draw of the level, so that p at its printed ends is held, not the ends. p-values of random draws:
three Monte Carlo standard errors of both. Rejection rates by simulation: three Monte Carlo standard errors.
"""

import itertools
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from evaluation.errors import UserError
from evaluation.impact.design import design
from evaluation.impact.estimators import estimate
from evaluation.impact.inference import Options, infer, of_cohort
from evaluation.impact.inference import wild as module
from evaluation.impact.inference.regression import Regression, regression, solve
from evaluation.impact.inference.wild import (
    POINTS,
    RADEMACHER,
    WEBB,
    Draws,
    bootstrap,
    confidence_set,
    subcluster,
    wild,
)
from tests.impact.inference.plain import least_squares

FOLDER = Path(os.environ.get("ICCP_REFERENCE_DATA", "/nowhere"))


def needs(name):
    return pytest.mark.skipif(not (FOLDER / name).exists(), reason=f"{name} is not in ICCP_REFERENCE_DATA")


# Share with health insurance by year, 1983 to 1990, of employees and of the self-employed, who could deduct its cost from 1988 on:
# the example of Roodman, MacKinnon, Nielsen and Webb (2019), from boottest's test data (collapsed.dta).
EMPLOYED = [0.875507832, 0.879503250, 0.871785104, 0.870948255, 0.872399449, 0.858654201, 0.854378104, 0.847078145]
SELF_EMPLOYED = [0.710442603, 0.737829745, 0.707013249, 0.712002337, 0.719017386, 0.766577542, 0.742061257, 0.745741785]


def insurance():
    """Contrasts: the effect on the self-employed, and the change of all after 1987."""
    later, own = np.tile(np.arange(8) >= 5, 2).astype(float), np.repeat([0.0, 1.0], 8)
    return least_squares(EMPLOYED + SELF_EMPLOYED, np.column_stack([later * own, own, later]), np.tile(np.arange(8), 2), [[1, 0, 0], [0, 0, 1]])


def of(given, draws=9_999, weights=RADEMACHER, group=None, seed=1):
    solved = solve(given)
    se, found = bootstrap(given, solved, given.cluster if group is None else group, draws, seed, weights)
    return solved.estimates, se, found


def test_stata_and_julia_boottest_on_health_insurance():
    """`boottest post_self=.04`: t(7) = 2.0194; Prob > |t| = 0.0703 in Julia's log and .0742 in Stata's, which counts one of the two ties,
    of 256 draws; Julia's [.03815, .07148]. `boottest post`: t = -5.5821, p = 0.0000; Julia's [-.02955, -.0129]."""
    values, se, draws = of(insurance(), 999)
    for number, null, t, p, ends in (
        (0, 0.04, 2.0194, 0.0703, (0.03815, 0.07148)),
        (1, 0.0, -5.5821, 0.0, (-0.02955, -0.0129)),
    ):
        z = (values[number] - null) / se[number]
        assert z == pytest.approx(t, abs=5e-5)
        assert draws[number].count == 256
        assert draws[number].p_without_ties(z) == pytest.approx(p, abs=5e-5)
        assert draws[number].p(z) == pytest.approx(draws[number].p_without_ties(z) + 2 / 256, abs=1e-12)
        for end in ends:
            assert draws[number].p_without_ties((values[number] - end) / se[number]) == pytest.approx(0.05, abs=1 / 256)


def test_stata_boottest_with_webbs_weights():
    """`weight(webb)`, 9,999,999 draws: Prob > |t| = 0.0757."""
    values, se, draws = of(insurance(), 99_999, WEBB)
    assert draws[0].p((values[0] - 0.04) / se[0]) == pytest.approx(0.0757, abs=3 * np.sqrt(0.0757 * 0.9243 / 99_999))


@needs("nlsw88.dta")
def test_stata_boottest_on_wages():
    """`boottest tenure` after regress wage tenure ttl_exp collgrad, 12 industries, 999 draws: t(11) = 1.0772, p = 0.2843 and 0.3113."""
    frame = pd.read_stata(FOLDER / "nlsw88.dta", convert_categoricals=False).dropna(subset=["wage", "tenure", "ttl_exp", "collgrad", "industry"])
    values, se, draws = of(least_squares(frame["wage"], frame[["tenure", "ttl_exp", "collgrad"]].to_numpy(dtype=float), frame["industry"]))
    assert values[0] / se[0] == pytest.approx(1.0772, abs=5e-5)
    assert draws[0].count == 2**12
    for printed in (0.2843, 0.3113):
        assert draws[0].p(values[0] / se[0]) == pytest.approx(printed, abs=3 * np.sqrt(0.3 * 0.7 / 999))


@needs("regm.raw")
@pytest.mark.slow
def test_stata_boottest_with_subclusters():
    """Merit scholarships, the example of MacKinnon and Webb (2018), states without those of later programmes, one state treated: p = 0.5195
    by state, [-2.851, 1.264]; 0.2963 by state and year; 0.3794 by individual, [-.1039, .2402]; 999 draws each."""
    names = ["coll", "merit", "male", "black", "asian", "year", "state", "chst"]
    frame = pd.read_csv(FOLDER / "regm.raw", sep=r"\s+", header=None, names=names)
    frame = frame[~frame["state"].isin([34, 57, 59, 61, 64, 71, 72, 85, 88])]
    code = {name: np.unique(frame[name], return_inverse=True)[1] for name in ("year", "state")}
    rows = np.arange(len(frame))
    columns = frame[["merit", "male", "black", "asian"]]
    given = Regression(frame["coll"].to_numpy(float), columns, code["year"], code["state"], code["state"], rows, rows, None, np.eye(4)[0], rows[:0], np.zeros((0, 4)))
    for group, draws, printed in ((code["state"], 9_999, 0.5195), (np.unique(code["state"] * 100 + code["year"], return_inverse=True)[1], 9_999, 0.2963), (rows, 1_999, 0.3794)):
        values, se, found = of(given, draws, group=group)
        # regress counts the dummies of states.
        factor = np.sqrt((len(frame) - solve(given).counted) / (len(frame) - solve(given).counted - code["state"].max()))
        assert values[0] / se[0] / factor == pytest.approx(6.7127, abs=2e-4)
        assert found[0].p(values[0] / se[0]) == pytest.approx(printed, abs=3 * np.sqrt(0.25 * (1 / 999 + 1 / draws)))


def panel(seed=1, clusters=7, units=3, periods=6, treated=3, effect=0.5):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame([(unit, time) for unit in range(clusters * units) for time in range(periods)], columns=["unit", "time"])
    frame["cluster"] = frame["unit"] // units
    frame["cohort"] = np.where(frame["cluster"] < treated, np.where(frame["cluster"] % 2, 3, 4), 0)
    frame["x"], frame["w"] = rng.normal(size=len(frame)), rng.uniform(0.5, 2, len(frame))
    shocks = rng.normal(size=(clusters, periods))
    on = (frame["cohort"] > 0) & (frame["time"] >= frame["cohort"])
    frame["y"] = shocks[frame["cluster"], frame["time"]] + rng.normal(size=clusters * units)[frame["unit"]] + effect * on + 0.3 * frame["x"] + rng.normal(size=len(frame))
    return frame


def plan(frame, **more):
    return design(frame, "unit", "time", "y", "cohort", cluster="cluster", panel="complete", **more)


def again(given, group, v, contrast, null):
    """The statistics of draws, each regression run again on y made of restricted residuals, all dummies written out; v (groups, draws)."""
    parts = [given.regressors.to_numpy(dtype=float), np.eye(given.time.max() + 1)[given.time]]
    if given.absorbed is not None:
        parts.append(np.eye(given.absorbed.max() + 1)[given.absorbed][:, 1:])
    root = np.ones(len(given.y)) if given.weight is None else np.sqrt(given.weight)
    x, y = np.column_stack(parts) * root[:, None], given.y * root
    c = np.pad(contrast, (0, x.shape[1] - len(contrast)))
    inverse = np.linalg.inv(x.T @ x)
    clusters, n, k = given.clusters, len(y), solve(given).counted
    factor = clusters / (clusters - 1) * (n - 1) / (n - k)

    def t(outcome):
        b = inverse @ (x.T @ outcome)
        scores = (outcome - x @ b) * (x @ inverse @ c)
        return (c @ b - null) / np.sqrt(factor * (np.bincount(given.cluster, scores) ** 2).sum())

    b = inverse @ (x.T @ y)
    restricted = b - inverse @ c * (c @ b - null) / (c @ inverse @ c)
    residuals = y - x @ restricted
    return np.array([t(x @ restricted + residuals * column[group]) for column in v.T]), t(y)


@pytest.mark.parametrize(("estimator", "more", "weights"), [
    ("twfe", {}, RADEMACHER), ("twfe", {"weights": "w", "covariates": ("x",)}, WEBB), ("sa", {}, RADEMACHER), ("etwfe", {"covariates": ("x",)}, WEBB),
    ("stacked", {}, RADEMACHER), ("lpdid", {}, RADEMACHER), ("cs", {}, WEBB),
])  # fmt: skip
@pytest.mark.parametrize("drawn", ["cluster", "unit", "row"])
def test_closed_form_is_the_regression_run_again(estimator, more, weights, drawn):
    """The same weights, several nulls, the estimate and event times."""
    given = regression(plan(panel(), **more), estimator, "dynamic")
    group = np.unique({"cluster": given.cluster, "unit": given.unit, "row": given.row}[drawn], return_inverse=True)[1]
    values, se, draws = of(given, 25, weights, group, seed=3)
    v = POINTS[weights][np.random.default_rng(3).integers(0, len(POINTS[weights]), size=(group.max() + 1, 25), dtype=np.int8)]
    for number in (0, 1, len(given.event_time)):
        if not se[number] > 1e-8:
            continue
        for null in (0.0, 0.7, -2.0):
            z = (values[number] - null) / se[number]
            expected, t = again(given, group, v, given.contrasts[number], null)
            assert z == pytest.approx(t, abs=1e-10)
            np.testing.assert_allclose(draws[number].t(z), expected, rtol=1e-8, atol=1e-10)
            assert draws[number].p(z) == (1 + (np.abs(expected) >= abs(t) * (1 - 1e-9)).sum()) / 26


def test_units_that_move_between_clusters():
    frame = panel().assign(cluster=lambda frame: (frame["unit"] + frame["time"]) % 7)
    given = regression(plan(frame), "twfe")
    _, se, draws = of(given, 20, WEBB, seed=3)
    v = POINTS[WEBB][np.random.default_rng(3).integers(0, 6, size=(7, 20), dtype=np.int8)]
    expected, t = again(given, given.cluster, v, given.contrast, 0.2)
    assert (solve(given).estimates[0] - 0.2) / se[0] == pytest.approx(t, abs=1e-10)
    np.testing.assert_allclose(draws[0].t(t), expected, rtol=1e-8)


@pytest.mark.parametrize(("clusters", "weights"), [(3, RADEMACHER), (4, RADEMACHER), (3, WEBB), (4, WEBB)])
def test_all_draws_are_gone_through(clusters, weights):
    """Each of the 2^G or 6^G draws once: the share of all statistics, computed by running each regression again."""
    given = regression(plan(panel(clusters=clusters, treated=2)), "twfe")
    values, se, draws = of(given, 9_999, weights)
    every = np.array(list(itertools.product(POINTS[weights], repeat=clusters))).T
    assert draws[0].whole
    assert draws[0].count == every.shape[1]
    for null in (0.0, 1.0):
        expected, t = again(given, given.cluster, every, given.contrast, null)
        assert draws[0].p((values[0] - null) / se[0]) == (np.abs(expected) >= abs(t) * (1 - 1e-9)).mean()
        ours = draws[0].t((values[0] - null) / se[0])
        assert sorted(np.abs(ours)) == pytest.approx(sorted(np.abs(expected))[::2], rel=1e-7)


def test_three_clusters_counted_by_hand():
    """Three clusters of two rows, before and after, that change by 1, 2 and 6. Squares of signed residuals add to the same in all eight
    draws, so that t is as large as the data's where their sum is."""
    changes = replace(least_squares([0, 1, 0, 2, 0, 6], np.tile([0.0, 1.0], 3)[:, None], np.repeat([0, 1, 2], 2)), absorbed=np.repeat([0, 1, 2], 2))
    values, se, draws = of(changes)
    assert values[0] == pytest.approx(3)
    assert draws[0].count == 8
    # Of +-1 +-2 +-6 two sums are as large as 9: all plus and all minus.
    assert draws[0].p(values[0] / se[0]) == 2 / 8
    # With the null 1.5, of +-.5 +-.5 +-4.5 six are as large as 4.5 = -.5 + .5 + 4.5: all but two of 3.5.
    assert draws[0].p((values[0] - 1.5) / se[0]) == 6 / 8


def test_more_draws_than_there_are_or_not():
    given = regression(plan(panel(clusters=5, treated=2)), "twfe")
    assert of(given, 32)[2][0].whole
    some = of(given, 31)[2][0]
    assert not some.whole
    assert some.count == 31


def test_a_seed_gives_the_same_draws_however_they_are_put_in_memory(monkeypatch):
    given = regression(plan(panel(clusters=15, treated=6)), "twfe", "dynamic")
    first, other = (of(given, 500, seed=seed)[2] for seed in (1, 2))
    assert (first[0].n0 == of(given, 500, seed=1)[2][0].n0).all()
    assert not (first[0].n0 == other[0].n0).all()
    given_plan = plan(panel(clusters=15, treated=6))
    one, same, another = (infer(given_plan, "twfe", "simple", "wild", Options(draws=499, seed=seed)) for seed in (5, 5, 6))
    assert (one.p, one.lower, one.upper) == (same.p, same.lower, same.upper)
    assert one.lower != another.lower


def test_interval_inverts_the_test():
    """p at the ends is at the level, on either side of it just inside and outside."""
    for seed in range(4):
        frame = panel(seed, clusters=14, treated=6)
        found = wild(plan(frame), "twfe", "simple", Options(draws=999))
        given = regression(plan(frame), "twfe")
        values, se, draws = of(given, 999, seed=Options().seed)
        for end, outward in ((found.lower, -1), (found.upper, 1)):
            assert draws[0].p((values[0] - end) / se[0] + 1e-7 * outward) > 0.05
            assert draws[0].p((values[0] - end) / se[0] - 1e-7 * outward) <= 0.05
        assert found.lower < values[0] < found.upper
        assert (found.p > 0.05) == (found.lower < 0 < found.upper)


def test_polynomial_is_the_comparison_of_statistics():
    values, se, draws = of(regression(plan(panel(clusters=14, treated=6)), "twfe"), 999)
    for z in np.concatenate([np.linspace(-8, 8, 50), [-1e4, 1e4]]):
        assert draws[0].p(z) == (1 + (np.abs(draws[0].t(z)) >= abs(z) * (1 - 1e-9)).sum()) / 1_000


def test_confidence_set_in_parts():
    """Draws alike, t* = (z - 2.8) / .2: as large as z below 2.8 / 1.2 and above 2.8 / .8, but not between."""
    count = 1_000
    draws = Draws(np.full(count, -2.8), np.ones(count), np.zeros(count), np.zeros(count), np.zeros(count), True, False, RADEMACHER)
    draws = replace(draws, q00=np.full(count, 0.04))
    parts = confidence_set(draws, 0.95)
    assert len(parts) == 2
    assert parts[0] == pytest.approx((-np.inf, 2.8 / 1.2))
    assert parts[1] == pytest.approx((2.8 / 0.8, np.inf))
    told = module._shape([(-1.0, 0.5), (0.75, 2.0)], count)
    assert "[-1, 0.5], [0.75, 2]" in told[0][0]


def test_too_few_clusters_bound_nothing():
    """Four clusters have 16 draws, of which the data are two: no null is rejected at 5 %, and the interval says so."""
    found = wild(plan(panel(clusters=4, treated=2)), "twfe", "simple", Options(), RADEMACHER)
    assert (found.lower, found.upper) == (-np.inf, np.inf)
    assert found.diagnostics["draws"] == 16
    assert found.p >= 2 / 16
    assert any("no bound: too few of the 16 draws" in english for english, _ in found.warnings)


def test_weights_by_number_of_clusters():
    few, many = (wild(plan(panel(clusters=clusters, treated=4)), "twfe", "simple", Options(draws=199)) for clusters in (10, 11))
    assert "Webb" in few.inference
    assert "Rademacher" in many.inference
    all_of_them = wild(plan(panel(clusters=11, treated=4)), "twfe", "simple", Options(draws=2_048))
    assert "all 2,048 Rademacher draws" in all_of_them.inference
    assert "Rademacher" in wild(plan(panel(treated=4)), "twfe", "simple", Options(draws=199), RADEMACHER).inference
    assert POINTS[WEBB].mean() == pytest.approx(0)
    assert (POINTS[WEBB] ** 2).mean() == pytest.approx(1)


def test_event_study():
    given = plan(panel(clusters=14, treated=6))
    made = regression(given, "sa", "dynamic")
    found = wild(given, "sa", "dynamic", Options(draws=999))
    values, se, draws = of(made, 999, seed=Options().seed)
    assert list(found.event["event_time"]) == list(made.event_time)
    for number, row in enumerate(found.event.itertuples(), start=1):
        assert row.p == draws[number].p(values[number] / se[number])
        assert row.lower < values[number] < row.upper
    result = infer(given, "sa", "dynamic", "wild", Options(draws=999))
    shown = result.event[~result.event["reference"]]
    np.testing.assert_array_equal(shown[["lower", "upper"]], found.event[["lower", "upper"]])
    assert result.estimate == estimate(given, "sa", "dynamic").estimate


def test_event_times_of_one_cluster_have_no_interval():
    given = plan(panel(clusters=12, treated=3).assign(cohort=lambda frame: frame["cohort"].mask(frame["cluster"] == 1, 2)))
    found = wild(given, "sa", "dynamic", Options(draws=199))
    event = found.event.set_index("event_time")
    # Cohort 2 is one cluster; cohort 4, two, is seen from 4 before to 1 after.
    assert event.loc[[2, 3], ["lower", "upper", "p"]].isna().all(axis=None)
    assert event.loc[[0, 1], "lower"].notna().all()
    assert any("event time 2, 3 a single cluster" in english for english, _ in found.warnings)
    assert any("event time -4, -3 only two clusters" in english for english, _ in found.warnings)


def test_few_treated_clusters():
    with pytest.raises(UserError, match="single cluster is treated.*--inference recommended"):
        wild(plan(panel(clusters=12, treated=1)), "twfe", "simple", Options(draws=199))
    two = wild(plan(panel(clusters=12, treated=2)), "twfe", "simple", Options(draws=199))
    assert any("Only 2 clusters are treated" in english for english, _ in two.warnings)
    ten = wild(plan(panel(clusters=12, treated=10)), "twfe", "simple", Options(draws=199))
    assert any("Only 2 clusters have units to compare" in english for english, _ in ten.warnings)
    assert not wild(plan(panel(clusters=12, treated=6)), "twfe", "simple", Options(draws=199)).warnings


def test_subclusters_are_units_or_rows():
    frame = panel(clusters=12, treated=1)
    by_unit = subcluster(plan(frame), "twfe", "simple", Options(draws=199))
    assert "drawn by unit" in by_unit.inference
    assert by_unit.diagnostics["drawn_groups"] == frame["unit"].nunique()
    assert any("A single cluster is treated" in english for english, _ in by_unit.warnings)
    by_row = subcluster(design(frame, "unit", "time", "y", "cohort"), "twfe", "simple", Options(draws=199))
    assert "drawn by row" in by_row.inference
    assert by_row.diagnostics["drawn_groups"] == len(frame)
    alone = frame[(frame["unit"] == 0) | (frame["cohort"] == 0)]
    with pytest.raises(UserError, match="single unit or row"):
        subcluster(plan(alone), "twfe", "simple", Options(draws=199))


def test_stacked_rows_of_one_row_are_drawn_together():
    frame = panel(clusters=12, treated=4)
    made = regression(design(frame, "unit", "time", "y", "cohort"), "stacked")
    found = subcluster(design(frame, "unit", "time", "y", "cohort", panel="complete"), "stacked", "simple", Options(draws=99))
    assert found.diagnostics["drawn_groups"] == len(np.unique(made.row)) < len(made.row)


def test_cohorts_are_taken_by_themselves():
    given = plan(panel(clusters=14, treated=6))
    found = infer(given, "cs", "group", "wild", Options(draws=199))
    for row in found.groups.itertuples():
        alone = infer(of_cohort(given, int(row.cohort)), "cs", "simple", "wild", Options(draws=199))
        assert (row.lower, row.upper, row.p) == (alone.lower, alone.upper, alone.p)
        assert row.estimate == pytest.approx(alone.estimate, abs=1e-12)


def test_no_draws_are_refused():
    with pytest.raises(UserError, match="0 draws"):
        wild(plan(panel()), "twfe", "simple", Options(draws=0))


def test_nothing_to_draw():
    frame = panel().assign(y=lambda frame: frame["time"] + ((frame["cohort"] > 0) & (frame["time"] >= frame["cohort"])) * 1.0)
    with pytest.raises(UserError, match="no standard error"):
        wild(plan(frame), "twfe", "simple", Options(draws=99))


@pytest.mark.slow
def test_rejection_of_a_true_null():
    """Fourteen clusters, five treated: the bootstrap rejects a true null in 5 % of panels, CR1 in more; one treated, by subclusters of
    clusters of like size, not in more; two treated, by clusters, hardly ever."""
    runs, counted = 600, {"wild": 0, "cr1": 0, "two": 0, "sub": 0}
    for seed in range(runs):
        for name, treated, how in (("wild", 5, "wild"), ("cr1", 5, "cr1"), ("two", 2, "wild"), ("sub", 2, "sub")):
            frame = panel(seed, clusters=14, treated=treated, effect=0.0).assign(cohort=lambda frame: np.where(frame["cohort"] > 0, 3, 0))
            if name in ("two", "sub"):
                frame["y"] = np.random.default_rng(seed).normal(size=len(frame))
            given = regression(plan(frame), "twfe")
            if how == "cr1":
                counted[name] += infer(plan(frame), "twfe", "simple", "cr1").p <= 0.05
                continue
            values, se, draws = of(given, 399, group=given.unit if how == "sub" else None)
            counted[name] += draws[0].p(values[0] / se[0]) <= 0.05
    error = 3 * np.sqrt(0.05 * 0.95 / runs)
    assert counted["wild"] / runs == pytest.approx(0.05, abs=error)
    assert counted["cr1"] / runs > counted["wild"] / runs
    assert counted["two"] / runs < 0.05 - error / 2
    assert counted["sub"] / runs == pytest.approx(0.05, abs=error)
