"""Sun and Abraham: against fixest in print, pyfixest, least squares with all dummies, Callaway-Sant'Anna, and known truth.

Tolerances. Reference values to half a unit of their last digit; two ways to the same least squares agree to 1e-8; in simulations
(seeded) the bias may be 3 Monte Carlo errors, and coverage lies in bounds that 95 % intervals leave in about 1 of 1,000 runs.
"""

import numpy as np
import pandas as pd
import pytest

from evaluation.errors import UserError
from evaluation.impact.design import design
from evaluation.impact.estimators import estimate


@pytest.fixture(scope="module")
def mpdta():
    from moderndid import load_mpdta

    return load_mpdta().to_pandas()


def plan_of(frame, **options):
    return design(frame, "unit", "time", "y", cohort="cohort", **options)


def simulate(seed, cohorts=((2004, 30), (2006, 40), (0, 80)), years=range(2001, 2009)):
    """Unit and year effects, and an effect of 0.1 (event time + 1), twice that in the cohort of 2006."""
    rng = np.random.default_rng(seed)
    cohort = np.repeat([g for g, _ in cohorts], [size for _, size in cohorts])[:, None]
    year = np.array(years)
    count = len(cohort)
    effect = np.where((cohort > 0) & (year >= cohort), truth(cohort, year - cohort), 0)
    x = rng.normal(size=(count, len(year)))
    y = rng.normal(10, 3, (count, 1)) + rng.normal(0, 1, len(year)) + rng.normal(0, 0.5, (count, len(year))) + effect + 0.3 * x
    return pd.DataFrame({
        "unit": np.repeat(np.arange(count), len(year)), "time": np.tile(year, count), "cohort": np.repeat(cohort.ravel(), len(year)),
        "y": y.ravel(), "x": x.ravel(), "w": np.repeat(rng.uniform(0.5, 2, count), len(year)), "region": np.repeat(np.arange(count) % 25, len(year)),
    })  # fmt: skip


def truth(cohort, event):
    return 0.1 * (event + 1) * np.where(cohort == 2006, 2, 1)


def test_reference(mpdta):
    found = estimate(design(mpdta, "countyreal", "year", "lemp", cohort="first.treat"), "sa")
    assert (found.estimate, found.se) == pytest.approx((-0.0399513, 0.0117963), abs=6e-8)
    assert (found.n_obs, found.n_units, found.n_treated_units, found.df) == (2500, 500, 191, 499)
    assert np.sum(found.influence**2) / 500**2 == pytest.approx(found.se**2)
    assert sum(found.cohorts.values()) == pytest.approx(1)


@pytest.mark.filterwarnings("ignore")
def test_equals_pyfixest(mpdta):
    import pyfixest as pf

    data = mpdta.rename(columns={"first.treat": "cohort"}).astype({"year": int, "cohort": int})
    saturated = pf.event_study(data, yname="lemp", idname="countyreal", tname="year", gname="cohort", estimator="saturated", att=False)
    other = saturated.aggregate()
    found = estimate(design(mpdta, "countyreal", "year", "lemp", cohort="first.treat"), "sa", "dynamic")
    told = found.event[~found.event["reference"]].set_index("event_time")
    other.index = other.index.astype(float).astype(int)
    assert told["estimate"].to_numpy() == pytest.approx(other.loc[told.index, "Estimate"].to_numpy(dtype=float), abs=1e-8)
    assert told["se"].to_numpy() == pytest.approx(other.loc[told.index, "Std. Error"].to_numpy(dtype=float), abs=1e-8)


@pytest.mark.parametrize("anticipation", [0, 1])
@pytest.mark.parametrize("aggregate", ["simple", "dynamic"])
def test_equals_callaway_sant_anna_without_covariates(aggregate, anticipation):
    plan = plan_of(simulate(1), anticipation=anticipation)
    found, other = (estimate(plan, name, aggregate) for name in ("sa", "cs"))
    assert found.estimate == pytest.approx(other.estimate, abs=1e-10)
    assert found.cohorts == pytest.approx(other.cohorts)
    if aggregate == "dynamic":
        assert found.event[["event_time", "estimate", "reference"]].to_numpy(dtype=float) == pytest.approx(other.event[["event_time", "estimate", "reference"]].to_numpy(dtype=float), abs=1e-10)


@pytest.mark.parametrize("options", [{}, {"covariates": ("x",)}, {"weights": "w", "covariates": ("x",)}, {"cluster": "region", "weights": "w"}], ids=str)
def test_equals_least_squares_with_all_dummies_on_a_panel_with_gaps(options):
    frame = simulate(2, ((2003, 15), (2005, 15), (0, 30)), range(2001, 2007))
    frame = frame[np.random.default_rng(0).uniform(size=len(frame)) > 0.1].reset_index(drop=True)
    found = estimate(plan_of(frame, panel="keep", **options), "sa", "simple")
    event = frame["time"] - frame["cohort"]
    cells = [(g, e) for g in (2003, 2005) for e in range(2001 - g, 2007 - g) if e != -1]
    x = np.column_stack([
        *(((frame["cohort"] == g) & (event == e)).to_numpy(dtype=float) for g, e in cells), *([frame["x"]] if "covariates" in options else []),
        pd.get_dummies(frame["unit"]).to_numpy(dtype=float), pd.get_dummies(frame["time"]).to_numpy(dtype=float)[:, 1:],
    ])  # fmt: skip
    w = frame["w"].to_numpy() if "weights" in options else np.ones(len(frame))
    bread = np.linalg.inv(x.T @ (w[:, None] * x))
    beta = bread @ (x.T @ (w * frame["y"].to_numpy()))
    scores = pd.DataFrame(x * (w * (frame["y"].to_numpy() - x @ beta))[:, None]).groupby(frame["region" if "cluster" in options else "unit"]).sum().to_numpy()
    # CR1 as fixest has it: unit effects lie within clusters and are not counted.
    n, k, groups = len(frame), x.shape[1] - frame["unit"].nunique() + 1, len(scores)
    vcov = bread @ scores.T @ scores @ bread * groups / (groups - 1) * (n - 1) / (n - k)
    share = np.array([w[(frame["cohort"] == g) & (event == e)].sum() if e >= 0 else 0 for g, e in cells])
    weights = np.concatenate([share / share.sum(), np.zeros(x.shape[1] - len(cells))])
    assert (found.estimate, found.se) == pytest.approx((weights @ beta, np.sqrt(weights @ vcov @ weights)), abs=1e-8)
    assert found.n_obs == len(frame)


def test_the_last_cohort_stands_in_for_never_treated_units():
    """By hand: changes from the year before treatment, less those of the units treated last; nothing from their treatment on."""
    frame = simulate(3, ((2003, 20), (2005, 20), (2007, 30)))
    found = estimate(plan_of(frame, control="notyet"), "sa", "dynamic")
    means = frame.pivot_table(index="cohort", columns="time", values="y")
    change = {(g, t): (means.at[g, t] - means.at[g, g - 1]) - (means.at[2007, t] - means.at[2007, g - 1]) for g in (2003, 2005) for t in range(2001, 2007)}
    for row in found.event[~found.event["reference"]].itertuples():
        own = [value for (g, t), value in change.items() if t - g == row.event_time]
        assert row.estimate == pytest.approx(np.mean(own), abs=1e-10)
    assert found.event["event_time"].tolist() == list(range(-4, 4))
    assert found.n_obs == 70 * 6 and set(found.cohorts) == {2003, 2005}
    assert any("first treated in 2007" in en for en, _ in found.warnings)


def test_window_and_covariance(mpdta):
    found = estimate(design(mpdta, "countyreal", "year", "lemp", cohort="first.treat", before=2, after=1), "sa", "dynamic")
    full = estimate(design(mpdta, "countyreal", "year", "lemp", cohort="first.treat"), "sa", "dynamic")
    assert found.event["event_time"].tolist() == [-2, -1, 0, 1]
    assert found.event["estimate"].to_numpy() == pytest.approx(full.event.set_index("event_time").loc[-2:1, "estimate"].to_numpy(), abs=1e-12)
    assert found.estimate == pytest.approx(found.event["estimate"].iloc[2:].mean())
    assert np.array([0, 0.5, 0.5]) @ found.vcov @ np.array([0, 0.5, 0.5]) == pytest.approx(found.se**2)


@pytest.mark.slow
def test_bias_and_coverage():
    repeats, errors, covered = 150, [], 0
    cohorts, years = ((2004, 25), (2006, 30), (0, 50)), range(2002, 2008)
    after = [(g, t, size) for g, size in cohorts[:2] for t in range(g, 2008)]
    expected = np.average([truth(g, t - g) for g, t, _ in after], weights=[size for *_, size in after])
    for seed in range(repeats):
        found = estimate(plan_of(simulate(500 + seed, cohorts, years)), "sa")
        errors.append(found.estimate - expected)
        covered += found.lower <= expected <= found.upper
    assert abs(np.mean(errors)) < 3 * np.std(errors) / np.sqrt(repeats)
    assert 0.885 <= covered / repeats <= 1


def test_invariances():
    frame = simulate(4)
    frame = frame[np.random.default_rng(1).uniform(size=len(frame)) > 0.1]
    names = np.random.default_rng(2).permutation(frame["unit"].max() + 1)
    found = estimate(plan_of(frame, panel="keep"), "sa", "dynamic")
    for other in (
        frame.assign(y=frame["y"] + 100 * names[frame["unit"]]),
        frame.assign(unit=names[frame["unit"]]).sample(frac=1, random_state=1),
        frame.assign(cohort=frame["cohort"].replace(0, 2050)),
    ):
        again = estimate(plan_of(other, panel="keep"), "sa", "dynamic")
        assert (again.estimate, again.se) == pytest.approx((found.estimate, found.se), abs=1e-8)
        assert again.vcov == pytest.approx(found.vcov, abs=1e-8)


def test_influence_follows_the_units_of_the_design():
    found = estimate(plan_of(simulate(5, ((2002, 10), (2004, 30), (0, 60))), anticipation=1), "sa")
    assert found.influence.shape == (100,) and (found.influence[:10] == 0).all()
    assert np.sum(found.influence**2) / 100**2 == pytest.approx(found.se**2)
    assert estimate(plan_of(simulate(5), cluster="region"), "sa").influence is None


def test_an_outcome_without_noise_is_told():
    frame = simulate(6)
    exact = frame.assign(y=frame["time"] + 2.0 * ((frame["cohort"] > 0) & (frame["time"] >= frame["cohort"])))
    found = estimate(plan_of(exact), "sa")
    assert found.estimate == pytest.approx(2) and any("no standard error" in en for en, _ in found.warnings)


@pytest.mark.parametrize(
    ("options", "change", "message"),
    [
        ({"control": "notyet"}, lambda frame: frame, "never-treated units only"),
        ({"anticipation": 9}, lambda frame: frame, "No cohort has both"),
        ({}, lambda frame: frame[~((frame["cohort"] == 2004) & (frame["time"] == 2003))], "None of the units first treated in 2004"),
        ({}, lambda frame: frame[~((frame["cohort"] == 2004) & (((frame["time"] > 2006) & (frame["unit"] < 15)) | ((frame["time"] < 2007) & (frame["unit"] >= 15))))], "cannot be told"),
        ({"covariates": ("x",)}, lambda frame: frame.assign(x=frame["unit"]), "x is collinear"),
        ({"cluster": "region", "anticipation": 3}, lambda frame: frame.assign(region=(frame["cohort"] == 2004).astype(int)), "single cluster"),
    ],
)
def test_what_cannot_be_served_says_why(options, change, message):
    with pytest.raises(UserError, match=message):
        estimate(plan_of(change(simulate(7)), panel="keep", **options), "sa")


def test_a_window_without_treated_periods_is_refused():
    with pytest.raises(UserError, match="No period of treatment"):
        estimate(plan_of(simulate(8), after=-2), "sa", "dynamic")


def test_the_reference_of_unevenly_spaced_periods_is_where_no_cohort_has_an_estimate():
    frame = simulate(9).assign(time=lambda rows: 10 * rows["time"], cohort=lambda rows: 10 * rows["cohort"])
    event = estimate(plan_of(frame), "sa", "dynamic").event
    assert event.loc[event["reference"], "event_time"].tolist() == [-10]
