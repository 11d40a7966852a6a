"""Local projections ("lpdid"): at each horizon, the change since before entry of units that enter, against clean controls.

For every period t, the change of the outcome from t - 1 to t + h of units that enter treatment in t is set against that of units
untreated until t + h (or never treated), in one regression per horizon with period effects. Own code, since the library has neither the
covariance across horizons nor anticipation, and needs the row of the entry period itself.
Source: Dube, Girardi, Jorda and Taylor (2025), "A local projections approach to difference-in-differences", Journal of Applied
Econometrics: clean controls, variance weights and their removal, pooled effect; Stata's `lpdid`.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from evaluation.errors import UserError
from evaluation.impact.design import NEVER, Design
from evaluation.impact.estimators.imputation import few_clusters
from evaluation.impact.estimators.within import (
    COLLINEAR,
    cluster_of_units,
    codes,
    no_freedom,
    refuse_single,
)
from evaluation.impact.result import Result, event_frame, result

VARIANCE, EQUAL = "variance", "equal"
CONTROLS = {
    NEVER: ("units that are never treated", "미참여 단위"),
    "notyet": ("units untreated throughout that span", "그 기간 내내 참여하지 않은 단위"),
}
WEIGHTS = {
    VARIANCE: (
        "a variance-weighted average over cohorts (weights are larger for larger cohorts with shares nearer one half, and positive where there are no covariates; not the average over treated units)",
        "참여 연도별 효과를 분산 가중으로 평균한 것이며(가중치는 규모가 크고 참여·비교 단위 수가 비슷한 연도일수록 크며, 공변량이 없으면 모두 양수이다) 참여 단위 전체의 단순평균은 아니다",
    ),
    EQUAL: ("an average with equal weights for all units that enter", "새로 참여한 모든 단위를 같은 비중으로 평균한 것이다"),
}


@dataclass(frozen=True)
class Wide:
    """The panel as tables of units by periods that anybody is observed in, missing where unobserved: `y`, shape (units, periods), `x`,
    shape (covariates, units, periods); `cohort` and `cluster` (codes) of each unit; `times`, the periods, in order."""

    y: np.ndarray
    x: np.ndarray
    cohort: np.ndarray
    cluster: np.ndarray
    times: list[int]


@dataclass(frozen=True)
class Projection:
    """One regression: `estimate`; `scores`, what each cluster adds to it, whose squares add to its variance, shape (clusters,); `df`;
    `shares` of cohorts; `used`, observations it rests on, shape (units, periods); `entered`, shape (units,)."""

    estimate: float
    scores: np.ndarray
    df: int
    shares: dict[int, float]
    used: np.ndarray
    entered: np.ndarray


def estimate(plan: Design, aggregate: str, weighting: str = VARIANCE) -> Result:
    """`simple`: the pooled effect, of the mean outcome over event times 0 to H; `dynamic`: one regression per event time.

    H is the window's end or, without one, the last event time at which every cohort is still observed and has clean controls. The
    base period is the last before treatment, less anticipation; covariates enter with their values there, so that they cannot be
    effects of treatment. CR1 errors by cluster with the period effects counted (as `lpdid` for Stata), t with clusters - 1.

    Args:
        weighting: VARIANCE, what least squares gives, or EQUAL, reweighted so that each unit that enters counts alike.

    Raises:
        UserError: no unit that enters with its base period and a clean control observed; a covariate collinear with the others; units
            that move between clusters, or a single cluster; too few rows.
    """
    wide = wide_tables(plan)
    last = wide.times[-1] - wide.times[0]
    after = plan.after if plan.after is not None else last
    told = few_clusters(plan)
    reference = -1 - plan.anticipation
    entering = sorted(plan.cohorts)
    if aggregate == "simple":
        found = _pooled(plan, wide, plan.after, weighting)
        if isinstance(found, UserError):
            raise found
        fits, end = {0: found[0]}, found[1]
        if plan.after is None and end < last:
            told.append((
                f"Pooled over event times 0 to {end}, the longest span in which every cohort is observed with clean controls; set the window to change it.",
                f"모든 참여 연도에서 비교할 단위와 함께 관측되는 가장 긴 기간인 경과 시점 0~{end}의 평균이다. 창을 지정하면 바꿀 수 있다.",
            ))  # fmt: skip
        what = (f"effect on the mean outcome over event times 0 to {end}", f"경과 시점 0~{end} 평균 결과에 대한 효과")
    else:
        low = -(last if plan.before is None else plan.before)
        # Only these can be observed, however far apart the numbers of periods are.
        apart = sorted({later - earlier + reference for later in wide.times for earlier in wide.times} - {reference})
        tried = {time: _project(plan, wide, [time], weighting) for time in apart if low <= time <= after}
        fits = {time: fitted for time, fitted in tried.items() if isinstance(fitted, Projection)}
        asked = [*(range(low, reference) if plan.before is not None else ()), *(range(max(low, reference + 1), after + 1) if plan.after is not None else ())]
        absent = [time for time in asked if time not in fits]
        if absent:
            listed = ", ".join(map(str, absent))
            told.append((f"No clean comparison (of two clusters or more) at event time {listed}: not shown.", f"경과 시점 {listed}에는 비교할 단위가 없거나 군집이 하나뿐이어서 제시하지 않는다."))
        if not any(time >= 0 for time in fits):
            raise next((why for time, why in tried.items() if time >= 0), _nobody(plan))
        what = ("mean over event times from 0 on of the effect at each, each over the cohorts observed then", "참여 후 경과 시점별 효과(시점마다 관측되는 참여 연도 기준)의 단순평균")
    times = list(fits)
    scores = np.column_stack([fitted.scores for fitted in fits.values()])
    whole = np.array([time >= 0 for time in times], dtype=float)
    whole /= whole.sum()
    shares = {cohort: float(sum(part * fitted.shares.get(cohort, 0) for part, fitted in zip(whole, fits.values(), strict=True))) for cohort in entering}
    left = [str(cohort) for cohort, share in shares.items() if share == 0]
    if left:
        told.append((f"Cohorts without a clean comparison are in no average: {', '.join(left)}.", f"비교할 수 없어 평균에서 빠진 참여 연도: {', '.join(left)}."))
    more = {}
    if aggregate == "dynamic":
        more["vcov"] = scores.T @ scores
        rows = [event_frame([time], [fitted.estimate], [np.sqrt(fitted.scores @ fitted.scores)], plan.level, fitted.df) for time, fitted in fits.items()]
        if plan.before is None or reference >= -plan.before:
            rows.append(event_frame([], [], [], plan.level, reference=[reference]))
        more["event"] = pd.concat(rows).sort_values("event_time", ignore_index=True).astype({"reference": bool})
    of_each = scores @ whole
    se = float(np.sqrt(of_each @ of_each))
    used = np.any([fitted.used for fitted in fits.values()], axis=0)
    place = plan.data["unit"].to_numpy(), codes(plan.data["time"])
    against = CONTROLS[plan.control]
    estimand = (f"{what[0]}, {WEIGHTS[weighting][0]}; compared with {against[0]}", f"{what[1]}. {WEIGHTS[weighting][1]}. 비교 대상은 {against[1]}이다")
    return result(
        plan, "lpdid", aggregate, float(whole @ [fitted.estimate for fitted in fits.values()]), se, estimand, inference=f"cluster-robust (CR1) by {plan.cluster}",
        df=min(fitted.df for time, fitted in fits.items() if time >= 0), data=plan.data[used[place]],
        n_treated_units=int(np.any([fitted.entered for time, fitted in fits.items() if time >= 0], axis=0).sum()),
        cohorts={cohort: share for cohort, share in shares.items() if share != 0},
        influence=len(of_each) * of_each if plan.cluster == "unit" else None,
        diagnostics={"pooled_to": float(end)} if aggregate == "simple" else {}, warnings=tuple(told), **more,
    )  # fmt: skip


def _pooled(plan: Design, wide: Wide, after: int | None, weighting: str) -> tuple[Projection, int] | UserError:
    """The pooled regression and the last event time in it, looked for where `after` is None; or why there is none."""
    if after is not None:
        fitted = _project(plan, wide, range(after + 1), weighting)
        if isinstance(fitted, Projection):
            return fitted, after
        able = [end for end in range(min(after, len(wide.times))) if isinstance(_project(plan, wide, range(end + 1), weighting), Projection)]
        return _nobody(plan, max(able)) if able else fitted
    best = None
    for end in range(len(wide.times)):
        fitted = _project(plan, wide, range(end + 1), weighting)
        if not isinstance(fitted, Projection):
            return best or fitted
        if best is not None and len(fitted.shares) < len(best[0].shares):
            break
        best = fitted, end
    return best


def changes(plan: Design, wide: Wide, horizons, weighting: str = VARIANCE) -> tuple[np.ndarray, ...] | UserError:
    """Rows of the regression of the change from the base period to the mean over `horizons`; or why there is none: no entry that has a
    clean control in its period. Periods in which nobody enters stay in, as in the paper: they tell of covariates.

    Returns:
        period, unit, entry (0/1) and change, shape (rows,); covariates, shape (rows, covariates); observations that they rest on,
        shape (units, periods).
    """
    base = -1 - plan.anticipation
    far = max(max(horizons), 0) + plan.anticipation
    used = np.zeros(wide.y.shape, dtype=bool)
    column = {time: number for number, time in enumerate(wide.times)}
    parts = []
    for before in wide.times:
        now = before - base
        # Nobody need be observed in the period of entry itself, but it lies within the panel.
        if now > wide.times[-1] or not all(now + h in column for h in horizons):
            continue
        targets, start = [column[now + h] for h in horizons], column[before]
        change = wide.y[:, targets].mean(axis=1) - wide.y[:, start]
        enters = wide.cohort == now
        clean = wide.cohort == 0
        if plan.control != NEVER:
            clean = clean | (wide.cohort > now + far)
        rows = np.flatnonzero((enters | clean) & ~np.isnan(change))
        # Without a clean control a period's effect takes in that of entry; without an entry there is nothing to weight alike.
        if not clean[rows].any() or (weighting == EQUAL and not enters[rows].any()):
            continue
        used[np.ix_(rows, [*targets, start])] = True
        parts.append((np.full(len(rows), now), rows, enters[rows].astype(float), change[rows], wide.x[:, rows, start].T))
    if not parts or not any(part[2].any() for part in parts):
        return _nobody(plan)
    return (*(np.concatenate(part) for part in zip(*parts, strict=True)), used)


def _project(plan: Design, wide: Wide, horizons, weighting: str) -> Projection | UserError:
    """Regress the `changes` on entry, covariates and period effects; or why it cannot be: no such rows, a single cluster, too few rows."""
    found = changes(plan, wide, horizons, weighting)
    if isinstance(found, UserError):
        return found
    t, unit, enters, change, x, used = found
    period = codes(pd.Series(t))
    size = np.bincount(period)
    weight = np.ones(len(t)) if weighting == VARIANCE else (size / (size - np.bincount(period, enters)))[period]
    cluster = wide.cluster[unit]
    groups, rows, counted = len(np.unique(cluster)), len(t), 1 + x.shape[1] + len(size)
    try:
        refuse_single(cluster)
    except UserError as error:
        return error
    if rows <= counted:
        return no_freedom(rows, counted)
    columns = np.column_stack([change, enters, x])
    mean = np.column_stack([np.bincount(period, weight * column) for column in columns.T]) / np.bincount(period, weight)[:, None]
    within = columns - mean[period]
    y, d = within[:, 0], within[:, 1:]
    length = np.sqrt((columns[:, 1:] ** 2).sum(axis=0))
    rank = np.abs(np.diag(np.linalg.qr(d / np.where(length > 0, length, 1), mode="r")))
    if (rank < COLLINEAR).any():
        names = ["entry", *(name.removeprefix("x_") for name in plan.covariates)]
        name = names[int(np.argmax(rank < COLLINEAR))]
        raise UserError(f"{name} is collinear with period effects or other regressors. Leave a covariate out.", f"{name}은(는) 시점 고정효과나 다른 변수와 완전한 공선성이 있습니다. 공변량을 줄이십시오.")
    bread = np.linalg.inv(d.T @ (d * weight[:, None]))
    coefficients = bread @ (d.T @ (weight * y))
    # What is left of entry after covariates: the weights of changes in the estimate.
    own = weight * (d @ bread[0])
    factor = groups / (groups - 1) * (rows - 1) / (rows - counted)
    scores = np.sqrt(factor) * np.bincount(cluster, own * (y - d @ coefficients), wide.cluster.max() + 1)
    inside = enters == 1
    cohort = wide.cohort[unit]
    shares = {int(name): float(own[inside & (cohort == name)].sum()) for name in np.unique(cohort[inside])}
    entered = np.zeros(len(wide.y), dtype=bool)
    entered[unit[inside]] = True
    return Projection(float(coefficients[0]), scores, groups - 1, shares, used, entered)


def wide_tables(plan: Design) -> Wide:
    data = plan.data
    unit, place = data["unit"].to_numpy(), codes(data["time"])
    shape = unit.max() + 1, place.max() + 1

    def table(column: str) -> np.ndarray:
        out = np.full(shape, np.nan)
        out[unit, place] = data[column]
        return out

    first = ~data.duplicated("unit").to_numpy()
    x = np.array([table(name) for name in plan.covariates]).reshape(len(plan.covariates), *shape)
    return Wide(table("y"), x, data["cohort"].to_numpy()[first], cluster_of_units(data, plan.cluster), sorted(int(time) for time in data["time"].unique()))


def _nobody(plan: Design, able: int | None = None) -> UserError:
    """The refusal of a window; `able` is the longest that would do, where it is known."""
    base = 1 + plan.anticipation
    english, korean = ("", "") if able is None else (f" to --after {able} or less", f"--after {able} 이하로 ")
    gaps = (np.diff(np.unique(plan.data["time"])) > 1).any()
    return UserError(
        f"No unit enters treatment with its outcome {base} period(s) before, all outcomes of the window and a clean control observed. Shorten the window{english}, lower the anticipation, or use --control notyet or bjs.{' Periods that follow each other must have numbers that do.' if gaps else ''}",
        f"참여 {base}기 전과 창 안의 결과, 비교할 단위가 모두 관측되는 참여 단위가 없습니다. 창을 {korean}줄이거나 사전 반응 기간을 줄이거나 --control notyet 또는 bjs를 쓰십시오.{' 잇따른 시점에는 연속된 번호를 붙여야 합니다.' if gaps else ''}",
    )
