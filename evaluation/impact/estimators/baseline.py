"""Difference-in-differences estimators behind one table of results.

Every estimator takes the frame of `evaluation.impact.panel.estimation_panel` and returns rows with
RESULT_COLUMNS, in log points:

* `estimator`: twfe | cs;  `term`: overall | cohort | event | cohort_event
* `cohort`, `event_time`: which effect, missing where it does not apply
* `estimate`, `se`, `lower`, `upper`, `p_value`; `reference`: whether it is the base period, 0 by construction
* `n_units`, `n_treated` (participants that the effect is estimated from), `n_obs`
"""

import numpy as np
import pandas as pd
from scipy import stats

from evaluation.impact.design import Design
from evaluation.impact.estimators import estimate

RESULT_COLUMNS = [
    "estimator", "term", "cohort", "event_time", "estimate", "se", "lower", "upper", "p_value", "reference", "n_units", "n_treated", "n_obs",
]  # fmt: skip


def twfe(data: pd.DataFrame, level: float = 0.95) -> pd.DataFrame:
    """Two-way fixed effects: y on the treatment dummy, complex and year effects.

    `weight` and `cluster` of the data are used where there. Standard errors are clustered by complex otherwise, as linearmodels'
    PanelOLS computes them: scaled by
    N / (N - K) with the absorbed effects counted in K, so larger than reghdfe's or fixest's, by about
    5 % on ten years. Intervals use t with clusters - 1 degrees of freedom.
    With staggered adoption this is a weighted average whose weights can be negative
    (Goodman-Bacon 2021, J. Econometrics 225); it stands beside the main estimator, not for it.
    """
    fit, clusters = _panel_ols(data, data[["treated"]].astype(float))
    row = _row("twfe", "overall", fit.params["treated"], fit.std_errors["treated"], data, level, clusters)
    row["n_treated"] = data.loc[data["treated"] == 1, "unit"].nunique()
    return pd.DataFrame([row], columns=RESULT_COLUMNS)


def twfe_event_study(data: pd.DataFrame, before: int, after: int, level: float = 0.95) -> pd.DataFrame:
    """Two-way fixed effects with event-time dummies, ends binned at -before and +after, base period -1.

    The dummies of all cohorts are pooled, so an effect that differs between cohorts leaks between
    event times (Sun and Abraham 2021, J. Econometrics 225).
    """
    binned = data["event_time"].clip(-before, after)
    times = [time for time in sorted(binned.dropna().unique().astype(int)) if time != -1]
    dummies = pd.DataFrame({f"e{time}": (binned == time).astype(float) for time in times}, index=data.index)
    fit, clusters = _panel_ols(data, dummies)
    rows = []
    for time in sorted([*times, -1]):
        if time == -1:
            row = _reference("twfe", "event", data) | {"event_time": time}
        else:
            row = _row("twfe", "event", fit.params[f"e{time}"], fit.std_errors[f"e{time}"], data, level, clusters)
        rows.append(row | {"event_time": time, "n_treated": data.loc[binned == time, "unit"].nunique()})
    return pd.DataFrame(rows, columns=RESULT_COLUMNS)


def callaway_sant_anna(plan: Design) -> tuple[pd.DataFrame, dict]:
    """Group-time effects ATT(g,t) and their averages (Callaway and Sant'Anna 2021, J. Econometrics 225), as rows of the report.

    The base period is g - 1 (less the anticipation) throughout, so that pre-period estimates are deviations from it. Standard errors
    are analytic, pointwise. With few treated complexes in a cohort such intervals are too short; the report says so.

    Returns:
        rows for `overall` (average over all treated complex-years: "simple"), each `cohort` (average over its years: "group"), each
        `event` time from -before to +after ("dynamic") and each `cohort_event` (the ATT(g,t) themselves); and the pre-trend test of the
        event times from -before to -2: `wald`, `df` and `p_value`, missing where there is none to test. On event times, which pool the
        cohorts, and not on every ATT(g,t): with five to seven complexes in a cohort the covariance of that cohort's own pre-period
        effects is close to singular, and the joint test rejects whatever the data say.
    """
    data, level = plan.data, plan.level
    simple, group, dynamic = (estimate(plan, "cs", aggregate) for aggregate in ("simple", "group", "dynamic"))
    treated_units = data[data["cohort"] > 0].groupby("cohort")["unit"].nunique()
    observed = data[data["event_time"].notna()]
    rows = [_row("cs", "overall", simple.estimate, simple.se, data, level) | {"n_treated": int(treated_units.sum())}]
    for one in group.groups.itertuples():
        rows.append(_row("cs", "cohort", one.estimate, one.se, data, level) | {"cohort": int(one.cohort), "n_treated": int(treated_units[int(one.cohort)])})
    for one in dynamic.event.itertuples():
        row = _reference("cs", "event", data) if one.reference else _row("cs", "event", one.estimate, one.se, data, level)
        at_time = observed.loc[observed["event_time"] == one.event_time, "unit"].nunique()
        rows.append(row | {"event_time": int(one.event_time), "n_treated": at_time})
    for one in simple.groups.itertuples():
        row = _reference("cs", "cohort_event", data) if one.reference else _row("cs", "cohort_event", one.estimate, one.se, data, level)
        rows.append(row | {"cohort": int(one.cohort), "event_time": int(one.time - one.cohort), "n_treated": int(treated_units[int(one.cohort)])})
    told = {name: dynamic.diagnostics.get(f"event_pretest_{short}", np.nan) for name, short in (("wald", "wald"), ("df", "df"), ("p_value", "p"))}
    return pd.DataFrame(rows, columns=RESULT_COLUMNS), told | {"df": 0 if np.isnan(told["df"]) else int(told["df"])}


def first_difference(data: pd.DataFrame, outcome: str, treatment: str, unit: str, time: str) -> pd.Series:
    """First differences with year effects: the change of the outcome on the change of the treatment.

    Homoskedastic standard errors, as in textbook tables (Wooldridge, Introductory Econometrics, ch. 13).

    Args:
        data: long panel; the four names are its columns.

    Returns:
        `estimate`, `se`, `n_obs`.
    """
    from linearmodels.panel import PanelOLS

    ordered = data.sort_values([unit, time]).set_index([unit, time])
    changes = ordered[[outcome, treatment]].groupby(level=0).diff().dropna()
    fit = PanelOLS(changes[outcome], changes[[treatment]], time_effects=True).fit(cov_type="unadjusted", count_effects=True)
    return pd.Series({"estimate": fit.params[treatment], "se": fit.std_errors[treatment], "n_obs": int(fit.nobs)})


def _panel_ols(data: pd.DataFrame, regressors: pd.DataFrame):
    """The fit and how many clusters it has. Covariates of the first year are absorbed by the complexes' own effects."""
    from linearmodels.panel import PanelOLS

    index = pd.MultiIndex.from_frame(data[["unit", "year"]])
    weights = data["weight"].set_axis(index) if "weight" in data else None
    model = PanelOLS(data["y"].set_axis(index), regressors.set_axis(index), entity_effects=True, time_effects=True, weights=weights)
    if "cluster" not in data:
        return model.fit(cov_type="clustered", cluster_entity=True), data["unit"].nunique()
    clusters = pd.Series(data["cluster"].astype("category").cat.codes.to_numpy(), index)
    return model.fit(cov_type="clustered", clusters=clusters), data["cluster"].nunique()


def _row(
    estimator: str, term: str, estimate: float, se: float, data: pd.DataFrame, level: float, clusters: int | None = None
) -> dict:
    """One effect; normal quantiles, or t with clusters - 1 degrees of freedom where clusters are given."""
    distribution = stats.norm if clusters is None else stats.t(clusters - 1)
    half = distribution.ppf((1 + level) / 2) * se
    return {
        "estimator": estimator,
        "term": term,
        "estimate": float(estimate),
        "se": float(se),
        "lower": float(estimate - half),
        "upper": float(estimate + half),
        "p_value": float(2 * distribution.sf(abs(estimate / se))),
        "reference": False,
        "n_units": data["unit"].nunique(),
        "n_obs": len(data),
    }


def _reference(estimator: str, term: str, data: pd.DataFrame) -> dict:
    return {
        "estimator": estimator, "term": term, "estimate": 0.0, "reference": True,
        "n_units": data["unit"].nunique(), "n_obs": len(data),
    }  # fmt: skip
