"""Estimators against print, against each other and against known truth.

Tolerances. Golden values carry the digits their source gives; ours are deterministic, so they must
agree to half a unit of the last digit. Where a closed form exists, agreement is to 1e-9, the accuracy of
the solvers. In simulations the tolerance is four Monte Carlo standard errors of the mean (a false alarm
in about 1 of 16,000 runs; the seed is fixed).
"""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from evaluation.impact.design import design
from evaluation.impact.estimators.baseline import (
    RESULT_COLUMNS,
    callaway_sant_anna,
    first_difference,
    twfe,
    twfe_event_study,
)
from evaluation.impact.panel import CONTROL_OF


def simulate(rng, cohorts=((2005, 20), (2008, 20), (0, 60)), years=range(2001, 2011), effect=lambda cohort, event: 0.1, noise=0.05):
    """A panel with complex and year effects, AR(1) noise and a known effect, in log points."""
    rows, unit = [], 0
    common = rng.normal(0, 0.1, len(years))
    for cohort, count in cohorts:
        for _ in range(count):
            level, shock = rng.normal(5, 1), rng.normal(0, noise)
            for index, year in enumerate(years):
                shock = 0.7 * shock + np.sqrt(1 - 0.7**2) * rng.normal(0, noise)
                event = year - cohort if cohort else np.nan
                treated = int(cohort > 0 and event >= 0)
                y = level + common[index] + shock + (effect(cohort, event) if treated else 0)
                rows.append((f"c{unit}", unit, year, cohort, event, treated, y))
            unit += 1
    return pd.DataFrame(rows, columns=["complex_id", "unit", "year", "cohort", "event_time", "treated", "y"])


@pytest.fixture(scope="module")
def mpdta():
    from moderndid import load_mpdta

    county = load_mpdta().to_pandas()
    data = pd.DataFrame(
        {"unit": county["countyreal"].astype(int), "year": county["year"].astype(int), "cohort": county["first.treat"].astype(int), "y": county["lemp"]}
    )
    data["event_time"] = (data["year"] - data["cohort"]).where(data["cohort"] > 0)
    data["treated"] = (data["event_time"] >= 0).astype(int)
    return data


def plan_of(data, before, after, comparison="never_treated"):
    return design(data, "unit", "year", "y", "cohort", control=CONTROL_OF[comparison], before=before, after=after)


def pick(results, term, **wanted):
    rows = results[results["term"] == term]
    for column, value in wanted.items():
        rows = rows[rows[column] == value]
    [row] = rows.to_dict("records")
    return row


# Golden values: county teen employment, R package did 2.5 (agrees with its README and vignette).


@pytest.mark.parametrize(
    ("comparison", "estimate", "se"),
    [("never_treated", -0.0399512752, 0.0120340128), ("not_yet_treated", -0.0397636, 0.0120524)],
)
def test_callaway_sant_anna_overall(mpdta, comparison, estimate, se):
    results, _ = callaway_sant_anna(plan_of(mpdta, 3, 3, comparison))
    row = pick(results, "overall")
    assert row["estimate"] == pytest.approx(estimate, abs=5e-8)
    assert row["se"] == pytest.approx(se, abs=5e-8)


def test_callaway_sant_anna_event_study(mpdta):
    """Event times 0 to 3, to the four decimals of the source."""
    results, _ = callaway_sant_anna(plan_of(mpdta, 3, 3))
    for event, printed in {0: -0.0199, 1: -0.0510, 2: -0.1373, 3: -0.1008}.items():
        assert round(pick(results, "event", event_time=event)["estimate"], 4) == printed
    assert pick(results, "event", event_time=-1)["reference"]


def test_twfe_on_county_data(mpdta):
    """-0.0365489 (0.0132652) by fixest and reghdfe, on N = 2,500 rows, G = 500 counties, 5 years.

    The estimate is theirs. The standard error differs by convention: linearmodels scales by N / (N - 505),
    counting the 500 + 5 - 1 absorbed effects although counties nest in clusters; they scale by
    G / (G - 1) * (N - 1) / (N - 6). The report states ours; the exact ratio is held here.
    """
    row = pick(twfe(mpdta), "overall")
    assert row["estimate"] == pytest.approx(-0.0365489, abs=5e-8)
    assert row["se"] == pytest.approx(0.0132652 * np.sqrt(2500 / 1995 / (500 / 499 * 2499 / 2494)), rel=5e-6)


# Closed forms


def two_by_two(seed=0):
    return simulate(np.random.default_rng(seed), cohorts=((2005, 8), (0, 12)), years=(2004, 2005))


def test_two_groups_two_years_by_hand():
    data = two_by_two()
    change = data.pivot(index="unit", columns="year", values="y").diff(axis=1)[2005]
    treated = data.groupby("unit")["cohort"].first() > 0
    by_hand = change[treated].mean() - change[~treated].mean()
    results, _ = callaway_sant_anna(plan_of(data, 1, 1))
    assert pick(results, "overall")["estimate"] == pytest.approx(by_hand, abs=1e-9)
    assert pick(twfe(data), "overall")["estimate"] == pytest.approx(by_hand, abs=1e-9)
    # Analytic variance of a difference of means of independent groups, each with its own n.
    variance = change[treated].var(ddof=0) / treated.sum() + change[~treated].var(ddof=0) / (~treated).sum()
    assert pick(results, "overall")["se"] == pytest.approx(np.sqrt(variance), abs=1e-9)


def test_event_study_equals_least_squares_with_dummies():
    """The same regression with statsmodels and every dummy written out."""
    data = simulate(np.random.default_rng(1), cohorts=((2004, 6), (2006, 6), (0, 12)), years=range(2001, 2009))
    results = twfe_event_study(data, before=2, after=3).set_index("event_time")
    binned = data["event_time"].clip(-2, 3)
    design = pd.DataFrame({f"e{time}": (binned == time) * 1.0 for time in (-2, 0, 1, 2, 3)})
    design = pd.concat([design, pd.get_dummies(data["unit"], prefix="u", dtype=float), pd.get_dummies(data["year"], prefix="t", drop_first=True, dtype=float)], axis=1)
    fit = sm.OLS(data["y"].to_numpy(), design).fit()
    for time in (-2, 0, 1, 2, 3):
        assert results.at[time, "estimate"] == pytest.approx(fit.params[f"e{time}"], abs=1e-9)
    assert results.at[-1, "estimate"] == 0 and results.at[-1, "reference"]


def test_first_difference_equals_least_squares():
    """On differences with a dummy per year, homoskedastic errors: the textbook regression by statsmodels."""
    data = simulate(np.random.default_rng(2), years=range(2001, 2006), cohorts=((2003, 10), (0, 10)))
    ours = first_difference(data, "y", "treated", "unit", "year")
    ordered = data.sort_values(["unit", "year"])
    change = ordered.groupby("unit")[["y", "treated"]].diff().assign(year=ordered["year"]).dropna()
    design = pd.concat([change[["treated"]], pd.get_dummies(change["year"], dtype=float)], axis=1)
    fit = sm.OLS(change["y"], design).fit()
    assert ours["estimate"] == pytest.approx(fit.params["treated"], abs=1e-9)
    assert ours["se"] == pytest.approx(fit.bse["treated"], abs=1e-9)
    assert ours["n_obs"] == len(change) == 80


def test_pre_trend_test_is_the_squared_t_for_one_period():
    results, test = callaway_sant_anna(plan_of(simulate(np.random.default_rng(3)), 2, 2))
    one = results[(results["term"] == "event") & (results["event_time"] == -2)].iloc[0]
    assert test["wald"] == pytest.approx((one["estimate"] / one["se"]) ** 2) and test["df"] == 1


def test_no_pre_period_no_test():
    _, test = callaway_sant_anna(plan_of(simulate(np.random.default_rng(3)), 1, 2))
    assert np.isnan(test["p_value"]) and test["df"] == 0


# Known truth


@pytest.mark.slow
def test_callaway_sant_anna_recovers_a_dynamic_and_heterogeneous_effect():
    truth = {2005: lambda event: 0.05 + 0.02 * event, 2008: lambda event: 0.15}
    estimates, covered = [], []
    for seed in range(60):
        data = simulate(np.random.default_rng(seed), effect=lambda cohort, event: truth[cohort](event))
        results, _ = callaway_sant_anna(plan_of(data, 3, 5))
        true = data.loc[data["treated"] == 1].apply(lambda row: truth[row["cohort"]](row["event_time"]), axis=1).mean()
        row = pick(results, "overall")
        estimates.append(row["estimate"] - true)
        covered.append(row["lower"] <= true <= row["upper"])
    assert abs(np.mean(estimates)) < 4 * np.std(estimates) / np.sqrt(len(estimates))
    # Twenty complexes a cohort: analytic 95 % intervals should hold the truth about 95 times in 100.
    assert np.mean(covered) > 0.95 - 4 * np.sqrt(0.95 * 0.05 / len(covered))


def test_twfe_is_biased_where_effects_grow():
    """Why it is not the main estimator: with growing effects it misses the average effect, CS does not."""
    data = simulate(np.random.default_rng(5), effect=lambda cohort, event: 0.05 * (event + 1), noise=0.001)
    true = (0.05 * (data.loc[data["treated"] == 1, "event_time"] + 1)).mean()
    results, _ = callaway_sant_anna(plan_of(data, 3, 5))
    assert pick(results, "overall")["estimate"] == pytest.approx(true, abs=0.003)
    assert pick(twfe(data), "overall")["estimate"] < true - 0.01


def test_results_have_one_shape(mpdta):
    cs, _ = callaway_sant_anna(plan_of(mpdta, 3, 3))
    for results in (cs, twfe(mpdta), twfe_event_study(mpdta, 3, 3)):
        assert list(results.columns) == RESULT_COLUMNS
        estimated = results[~results["reference"]]
        assert (estimated["lower"] < estimated["estimate"]).all() and (estimated["estimate"] < estimated["upper"]).all()
        assert estimated["p_value"].between(0, 1).all()
