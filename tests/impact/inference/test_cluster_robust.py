"""CR1, CR2 and CR3 against printed values, R, dense matrices and other libraries.

Tolerances. Printed values: half a unit of the last digit printed. Values of R's clubSandwich 0.5.8 (on data made of sines, in `waves`): 1e-9,
twelve digits held. clubSandwich's CR3 has no (G - 1) / G, and its CR2 with weights solves the defining equation in another way than on
scaled rows, so that weighted values were made from rows scaled by hand. Dense matrices written out, statsmodels and pyfixest: 1e-9.
Coverage by simulation: three Monte Carlo standard errors.
"""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from evaluation.errors import UserError
from evaluation.impact.design import design
from evaluation.impact.estimators import estimate
from evaluation.impact.inference import Options, infer
from evaluation.impact.inference.cluster_robust import (
    CR1,
    CR2,
    CR3,
    IMBENS_KOLESAR,
    cr2,
    errors,
)
from evaluation.impact.inference.regression import Regression, regression, solve
from tests.impact.inference.plain import least_squares


def waves():
    """12 units in 6 periods, treated from 3 or 4 on or never; regions of two units, groups that cut across units, weights."""
    unit, time = np.repeat(np.arange(1, 13), 6), np.tile(np.arange(1, 7), 12)
    first = np.where(unit <= 4, 3, np.where(unit <= 6, 4, 0))
    treated = ((first > 0) & (time >= first)).astype(float)
    y = np.sin(7 * unit + 3 * time) + np.cos(unit * time) + 0.5 * treated
    return pd.DataFrame({
        "unit": unit, "time": time, "cohort": first, "D": treated, "y": y, "x": np.cos(5 * unit + time**2.0), "w": 1 + 0.5 * np.sin(unit + time) ** 2,
        "region": (unit + 1) // 2, "across": (unit + time) % 5,
    })  # fmt: skip


def with_effects(frame, regressors, cluster, weight=None, absorb=True):
    """Regression of y on regressors and effects of time and, absorbed, of the unit; contrasts are the coefficients."""
    number = {name: np.unique(frame[name], return_inverse=True)[1] for name in ("unit", "time", cluster)}
    each = np.eye(len(regressors))
    return Regression(
        frame["y"].to_numpy(), frame[regressors], number["time"], number["unit"] if absorb else None, number[cluster], number["unit"], np.arange(len(frame)),
        None if weight is None else frame[weight].to_numpy(), each[0], np.arange(len(regressors) - 1), each[1:],
    )  # fmt: skip


def both(given, kind=CR2, **more):
    solved = solve(given)
    return solved.estimates[0], errors(given, solved, kind, **more)


# dfadjust's own tests (github.com/kolesarm/Robust-Small-Sample-Standard-Errors, tests/testthat/test_clustervar.R), checked there against Stata.
def test_imbens_kolesar_three_clusters():
    x, cluster = np.concatenate([np.sin(np.arange(1, 11)), np.sin(np.arange(2, 12))]), [2, 1, 3, 2, 2, 3, 3, 1, 1, 2] * 2
    given = least_squares(np.concatenate([np.cos(np.arange(10)), np.tan(np.arange(1, 11))]), x[:, None], cluster)
    value, found = both(given, correlated=True)
    assert value == pytest.approx(0.3241183110, abs=5e-11)
    assert both(given, CR1)[1].se[0] == pytest.approx(0.1814501834, abs=5e-11)
    assert found.df_imbens_kolesar == pytest.approx(1.783242385, abs=5e-10)
    adjusted = found.se[0] * stats.t.ppf(0.975, found.df_imbens_kolesar) / stats.norm.ppf(0.975)
    assert adjusted == pytest.approx(0.533126248, abs=1e-9)


def test_imbens_kolesar_five_clusters_of_unlike_size():
    x, cluster = np.sin(np.arange(1, 101)), np.repeat([1, 5, 2, 3, 4], [40, 20, 20, 10, 10])
    for columns, place, printed in (
        ([x, x**2], 0, (-1.955355241, 2.344474843, 2.460094992, 3.294011681)),
        ([x, x**2, np.sin(x)], 2, (-13.36138026, 17.85272942, 18.62369808, 2.879574761)),
    ):
        given = least_squares(np.arange(1, 101), np.column_stack(columns), cluster, np.eye(len(columns))[[place]])
        value, found = both(given, correlated=True)
        assert (value, both(given, CR1)[1].se[0], found.se[0], found.df_imbens_kolesar) == pytest.approx(printed, rel=5e-10)


def test_bell_mccaffrey_is_hc2_where_rows_are_clusters():
    """dfadjust's tests again: 20 rows, each its own cluster; degrees of freedom 12.10389102 of the slope."""
    x = np.concatenate([np.sin(np.arange(1, 11)), np.sin(np.arange(2, 12))])
    given = least_squares(np.concatenate([np.cos(np.arange(10)), np.tan(np.arange(1, 11))]), x[:, None], np.arange(20))
    value, found = both(given, correlated=True)
    assert found.se[0] == pytest.approx(0.4421048122, abs=5e-11)
    assert found.df[0] == pytest.approx(12.10389102, abs=5e-9)
    assert found.df_imbens_kolesar == pytest.approx(12.10389102, abs=5e-9)


UNBALANCED = waves()[lambda frame: frame["unit"] * frame["time"] % 7 != 0]
CLUB = {
    "unit": (with_effects(waves(), ["D"], "unit"), 0.768109996918, 0.492749311464, 9.41634844127, None),
    "region": (with_effects(waves(), ["D", "x"], "region"), 0.758997444246, 0.252352998298, 3.99879085326, None),
    "unbalanced": (with_effects(UNBALANCED, ["D"], "region"), 0.571295103911, 0.229465040386, 4.00355252159, None),
    "weighted": (with_effects(UNBALANCED, ["D", "x"], "region", "w"), 0.578811555553, 0.177942893097, 3.98110824166, None),
    "across units": (with_effects(waves(), ["D"], "across"), 0.768109996918, 0.54083840302, 3.82651027747, 0.676663481592),
    "no unit effects": (with_effects(waves(), ["D", "x"], "region", absorb=False), 0.861717017967, 0.142558990664, 4.03950030463, 0.182443445507),
    "no unit effects, weighted": (with_effects(waves(), ["D", "x"], "region", "w", absorb=False), 0.891148046481, 0.172575331504, 4.04059697491, 0.225657076304),
}  # fmt: skip


@pytest.mark.parametrize("case", CLUB)
def test_clubsandwich(case):
    """lm with all dummies in R: vcovCR and coef_test with Satterthwaite degrees of freedom."""
    given, value, se, df, jackknife = CLUB[case]
    found, of = both(given)
    assert (found, of.se[0], of.df[0]) == pytest.approx((value, se, df), abs=1e-9)
    assert of.hidden == pytest.approx(0, abs=1e-12)
    if jackknife is not None:
        # R solves with unit dummies there only where nobody's are lost with a cluster.
        assert both(given, CR3)[1].se[0] * np.sqrt(given.clusters / (given.clusters - 1)) == pytest.approx(jackknife, abs=1e-9)


def test_single_treated_unit_by_generalised_inverse():
    """clubSandwich 0.5.8 with its Moore-Penrose inverse prints 0.33 with 5.0 degrees of freedom; six sevenths of the variance are not in it."""
    frame = waves()[lambda frame: (frame["unit"] == 1) | (frame["unit"] > 6)]
    value, found = both(with_effects(frame, ["D"], "unit"))
    assert value == pytest.approx(0.561, abs=5e-4)
    assert found.se[0] == pytest.approx(0.33, abs=5e-3)
    assert found.df[0] == pytest.approx(5, abs=1e-9)
    assert found.hidden[0] == pytest.approx(6 / 7, abs=1e-9)


def dense(given):
    """Every column written out, rows scaled by the root of weights; y; the first contrast."""
    parts = [given.regressors.to_numpy(dtype=float), np.eye(given.time.max() + 1)[given.time]]
    if given.absorbed is not None:
        parts.append(np.eye(given.absorbed.max() + 1)[given.absorbed][:, 1:])
    root = np.ones(len(given.y)) if given.weight is None else np.sqrt(given.weight)
    x = np.column_stack(parts) * root[:, None]
    return x, given.y * root, np.pad(given.contrast, (0, x.shape[1] - len(given.contrast)))


@pytest.mark.parametrize("case", ["region", "unbalanced", "weighted", "across units"])
def test_bias_reduction_and_degrees_of_freedom_by_dense_matrices(case):
    """(I - H_gg)^(-1/2) with all dummies in H, its generalised inverse; the covariance of the clusters' sums under the working model."""
    given = CLUB[case][0]
    x, y, c = dense(given)
    inverse = np.linalg.pinv(x.T @ x)
    maker = np.eye(len(y)) - x @ inverse @ x.T
    sums = []
    for cluster in range(given.clusters):
        mine = given.cluster == cluster
        values, vectors = np.linalg.eigh(maker[np.ix_(mine, mine)])
        root = vectors @ np.diag([value**-0.5 if value > 1e-9 else 0 for value in values]) @ vectors.T
        sums.append(maker[:, mine] @ root @ (x[mine] @ inverse @ c))
    sums = np.array(sums)
    products = sums @ sums.T
    found = both(given)[1]
    assert found.se[0] == pytest.approx(np.sqrt(((sums @ y) ** 2).sum()), abs=1e-9)
    assert found.df[0] == pytest.approx(np.trace(products) ** 2 / (products**2).sum(), abs=1e-7)
    # Unbiased under the working model.
    assert np.trace(products) == pytest.approx(c @ inverse @ c, abs=1e-12)


@pytest.mark.parametrize("case", CLUB)
def test_jackknife_leaves_one_cluster_out(case):
    given = CLUB[case][0]
    x, y, c = dense(given)
    value = c @ np.linalg.pinv(x) @ y
    changes = [c @ np.linalg.pinv(x[given.cluster != cluster]) @ y[given.cluster != cluster] - value for cluster in range(given.clusters)]
    expected = np.sqrt((given.clusters - 1) / given.clusters * np.sum(np.square(changes)))
    assert both(given, CR3)[1].se[0] == pytest.approx(expected, abs=1e-9)


@pytest.mark.filterwarnings("ignore:The inplace keyword")
def test_cr1_and_cr3_of_other_libraries():
    """CR1 of statsmodels and pyfixest, CR3 of pyfixest."""
    import pyfixest
    import statsmodels.formula.api as sm

    frame = waves()
    plain = with_effects(frame, ["D", "x"], "region", absorb=False)
    theirs = sm.ols("y ~ D + x + C(time)", frame).fit(cov_type="cluster", cov_kwds={"groups": frame["region"]})
    assert both(plain, CR1)[1].se[0] == pytest.approx(theirs.bse["D"], abs=1e-9)
    fixed = with_effects(frame, ["D", "x"], "region")
    fit = pyfixest.feols("y ~ D + x | unit + time", frame, vcov={"CRV1": "region"}, ssc=pyfixest.ssc(k_fixef="nonnested"))
    assert both(fixed, CR1)[1].se[0] == pytest.approx(fit.se()["D"], abs=1e-9)
    # Without its factors its CRV3 has no (G - 1) / G.
    fit = pyfixest.feols("y ~ D + x | unit + time", frame, vcov={"CRV3": "region"}, ssc=pyfixest.ssc(k_adj=False, G_adj=False))
    assert both(fixed, CR3)[1].se[0] * np.sqrt(6 / 5) == pytest.approx(fit.se()["D"], abs=1e-9)


def plan(frame, **more):
    return design(frame, "unit", "time", "y", "cohort", panel="complete", **more)


@pytest.mark.parametrize("estimator", ["twfe", "sa", "etwfe", "stacked", "lpdid"])
def test_cr1_is_the_estimators_own(estimator):
    given = plan(waves(), cluster="region")
    told, found = (infer(given, estimator, "simple", how) for how in ("analytic", "cr1"))
    assert (found.estimate, found.se, found.lower, found.upper, found.p) == pytest.approx((told.estimate, told.se, told.lower, told.upper, told.p), abs=1e-9)


def test_found_goes_into_the_result():
    given = plan(waves(), cluster="region")
    told, found = estimate(given, "twfe", "dynamic"), infer(given, "twfe", "dynamic", "cr2")
    made = regression(given, "twfe", "dynamic")
    of = errors(made, solve(made), CR2)
    assert found.estimate == told.estimate
    assert found.se == pytest.approx(of.se[0])
    assert found.df == pytest.approx(of.df[0])
    half = stats.t(of.df[0]).ppf(0.975) * of.se[0]
    assert (found.lower, found.upper) == pytest.approx((told.estimate - half, told.estimate + half))
    assert found.p == pytest.approx(2 * stats.t(of.df[0]).sf(abs(told.estimate) / of.se[0]))
    event = found.event[~found.event["reference"]].reset_index()
    for place, row in event.iterrows():
        if of.hidden[place + 1] > 0.5:
            # Three periods before is seen of one region alone.
            assert row["event_time"] == -3
            assert np.isnan([row["lower"], row["upper"]]).all()
            continue
        half = stats.t(of.df[place + 1]).ppf(0.975) * of.se[place + 1]
        assert (row["lower"], row["upper"]) == pytest.approx((row["estimate"] - half, row["estimate"] + half))
    assert found.diagnostics["df_bell_mccaffrey"] == found.df
    assert "CR2" in found.inference


def test_degrees_of_freedom_may_be_those_of_imbens_and_kolesar():
    given = plan(waves(), cluster="region")
    usual, other = cr2(given, "lpdid", "simple", Options()), cr2(given, "lpdid", "simple", Options(), IMBENS_KOLESAR)
    assert other.df == other.diagnostics["df_imbens_kolesar"] == usual.diagnostics["df_imbens_kolesar"]
    assert other.df != pytest.approx(usual.df)
    assert other.upper - other.lower == pytest.approx(2 * stats.t(other.df).ppf(0.975) * other.se)


def test_working_model_with_weights_is_named():
    weighted, plain = (infer(plan(waves(), cluster="region", **more), "twfe", "simple", "cr2").inference for more in ({"weights": "w"}, {}))
    assert "inverse to the weight" in weighted
    assert "weight" not in plain


@pytest.mark.parametrize("how", ["cr1", "cr2", "cr3"])
def test_a_single_treated_cluster_is_refused(how):
    frame = waves()[lambda frame: (frame["unit"] == 1) | (frame["unit"] > 6)]
    with pytest.raises(UserError, match="86 % of the variance.*--inference recommended"):
        infer(plan(frame), "twfe", "simple", how)


def test_a_cohort_of_one_cluster_is_told():
    """Its part of the variance is missing, which the saturated regression cannot know; event times of it alone have no interval."""
    frame = waves()[lambda frame: frame["unit"] != 6].assign(cohort=lambda frame: frame["cohort"].where(frame["unit"] != 5, 5))
    found = infer(plan(frame), "sa", "dynamic", "cr2")
    share = errors(made := regression(plan(frame), "sa", "dynamic"), solve(made)).hidden
    assert 0.01 < share[0] < 0.5
    assert any(f"{100 * share[0]:.1f} %" in english for english, _ in found.warnings)
    event = found.event.set_index("event_time")
    alone = [time for time, of in zip(made.event_time, share[1:], strict=True) if of > 0.5]
    assert alone == [-4, -3]
    assert event.loc[alone, "lower"].isna().all()
    assert event.drop([*alone, -1])["lower"].notna().all()


def test_few_degrees_of_freedom_are_told():
    found = infer(plan(waves(), cluster="region"), "twfe", "simple", "cr2")
    assert found.df == pytest.approx(4.0, abs=0.01)
    few = infer(plan(waves()[lambda frame: frame["unit"].isin([1, 2, 7, 8, 9, 10])]), "twfe", "simple", "cr2")
    assert few.df < 4
    assert any("degrees of freedom" in english for english, _ in few.warnings)


def simulated(seed, clusters=12, treated=4, units=2, periods=6):
    """Shocks of clusters that grow apart over time; no effect."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame([(unit, time) for unit in range(clusters * units) for time in range(periods)], columns=["unit", "time"])
    frame["cluster"] = frame["unit"] // units
    frame["cohort"] = np.where(frame["cluster"] < treated, periods // 2, 0)
    shocks = rng.normal(size=(clusters, periods)).cumsum(axis=1)
    frame["y"] = shocks[frame["cluster"], frame["time"]] + rng.normal(size=len(frame))
    return frame


@pytest.mark.slow
def test_coverage_with_twelve_clusters():
    """CR2 holds what it says where CR1 does not, four clusters of twelve being treated."""
    runs, inside = 1_500, {CR1: 0, CR2: 0, CR3: 0}
    for seed in range(runs):
        given = regression(design(simulated(seed), "unit", "time", "y", "cohort", cluster="cluster"), "twfe")
        solved = solve(given)
        for kind in inside:
            found = errors(given, solved, kind)
            inside[kind] += abs(solved.estimates[0]) <= stats.t(found.df[0]).ppf(0.975) * found.se[0]
    error = 3 * np.sqrt(0.95 * 0.05 / runs)
    assert inside[CR2] / runs == pytest.approx(0.95, abs=error)
    assert inside[CR1] / runs < 0.95 - error
    assert inside[CR3] / runs > 0.95 - error
