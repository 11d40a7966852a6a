"""The least-squares regression behind an estimator that is one: what inference for few clusters works on.

An estimate is a combination c'b of the coefficients of one regression with time effects and, mostly, unit effects, shares of cohorts taken
as known. Two-way fixed effects, Sun and Abraham's, the extended and the stacked regression are of that kind as they stand. So is Callaway
and Sant'Anna's estimate without covariates, against never-treated units, on a balanced panel: it is Sun and Abraham's saturated regression
(Sun and Abraham 2021, Journal of Econometrics 225; Wooldridge 2021, "Two-way fixed effects, the two-way Mundlak regression, and
difference-in-differences estimators"). Local projections are one regression per event time; side by side, with period effects of
each, they are one regression of more rows.
"""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.linalg import solve_triangular

from evaluation.errors import UserError
from evaluation.impact.design import NEVER, Design
from evaluation.impact.estimators import estimate
from evaluation.impact.estimators.within import codes
from evaluation.impact.result import Result

EQUAL = 1e-10  # how far c'b may be from the estimator's own value, relative to the outcome's range
RANK = 1e-11  # of a column's length
NOTHING = 1e-12  # of the outcome's range
LARGEST = 400_000_000  # numbers in a matrix of regressors: 3 GB
ABLE = ("twfe", "sa", "etwfe", "stacked", "lpdid", "cs")
# Why an estimator is no single regression.
WHY = {
    "bjs": ("its effects are averages of what a regression on untreated rows leaves of treated ones", "미처치 관측치로 적합한 회귀의 예측 오차를 평균한 것이므로"),
    "did2s": ("its second stage regresses what a first stage leaves", "1단계 회귀의 잔차를 2단계에서 다시 회귀하므로"),
    "dcdh": ("it averages many comparisons, each with its own controls", "비교 대상이 서로 다른 여러 비교를 평균하므로"),
    "sdid": ("its weights of units and periods are chosen from the outcomes", "단위와 시점의 가중치를 결과변수에서 구하므로"),
    "sc": ("its weights of units are chosen from the outcomes", "단위의 가중치를 결과변수에서 구하므로"),
    "etwfe_poisson": ("it is a Poisson model", "포아송 모형이므로"),
}


@dataclass(frozen=True)
class Regression:
    """Least squares of `y` on `regressors`, effects of `time` and effects of `absorbed`.

    Attributes:
        y: shape (rows,); regressors: shape (rows, k).
        time: codes from 0 of the effects that cross clusters, shape (rows,).
        absorbed: codes from 0 of the effects that are taken out, shape (rows,), or None; where they do not lie within clusters they
            are no longer absorbed but among the columns that `solve` makes.
        cluster: codes from 0; unit: codes of the design's units; row: place in the design's data that a row comes from (of local
            projections the base period), shape (rows,).
        weight: shape (rows,), or None.
        contrast: c of the estimate, shape (k,).
        event_time: event times with an estimate of their own; event: their c, shape (event times, k).
    """

    y: np.ndarray
    regressors: pd.DataFrame
    time: np.ndarray
    absorbed: np.ndarray | None
    cluster: np.ndarray
    unit: np.ndarray
    row: np.ndarray
    weight: np.ndarray | None
    contrast: np.ndarray
    event_time: np.ndarray
    event: np.ndarray

    @property
    def contrasts(self) -> np.ndarray:
        """The estimate's c, then those of event times, shape (1 + event times, k)."""
        return np.vstack([self.contrast[None, :], self.event])

    @property
    def clusters(self) -> int:
        """How many clusters there are."""
        return int(self.cluster.max()) + 1

    @property
    def nested(self) -> bool:
        """Whether each absorbed effect lies within one cluster."""
        return self.absorbed is None or len(np.unique(self.absorbed.astype(np.int64) * self.clusters + self.cluster)) == self.absorbed.max() + 1

    def treated(self, contrast: np.ndarray) -> np.ndarray:
        """Rows that have the treatment whose effect a contrast takes, shape (rows,), boolean."""
        return (self.regressors.to_numpy()[:, np.flatnonzero(contrast)] != 0).any(axis=1)


@dataclass(frozen=True)
class Solved:
    """A regression, rows sorted by cluster and scaled by the root of their weight, on orthonormal columns.

    Attributes:
        order: the regression's rows as they are sorted, shape (rows,); start: first row of each cluster; root: of the weight.
        q: orthonormal columns that span what effects leave of the regressors and time effects, shape (rows, m).
        residuals: shape (rows,), scaled; coefficients: of the regressors, shape (k,).
        direction: c in the columns of q, so that c'b = direction' q'y and its variance, errors alike, is |direction|^2;
            shape (contrasts, m).
        estimates: c'b, shape (contrasts,); counted: coefficients that the small-sample factor counts.
        nothing: a standard error no larger than this is what rounding leaves of none.
    """

    order: np.ndarray
    start: np.ndarray
    root: np.ndarray
    q: np.ndarray
    residuals: np.ndarray
    coefficients: np.ndarray
    direction: np.ndarray
    estimates: np.ndarray
    counted: int
    nothing: float

    @property
    def factor(self) -> float:
        """G / (G - 1) (N - 1) / (N - K), as `within.fit`."""
        groups, n = len(self.start), len(self.order)
        return groups / (groups - 1) * (n - 1) / (n - self.counted)


def solve(given: Regression) -> Solved:
    """Solve a regression.

    Raises:
        UserError: columns that others hold, or too many of them.
    """
    order = np.argsort(given.cluster, kind="stable")
    cluster, time = given.cluster[order], given.time[order]
    periods, nested = int(time.max()) + 1, given.nested
    absorbed = given.absorbed[order] if given.absorbed is not None else None
    kept = nested or absorbed is None
    wide = given.regressors.shape[1] + periods + (0 if kept else int(absorbed.max()))
    if wide * len(order) > LARGEST:
        raise UserError(
            f"The regression has {len(order):,} rows by {wide:,} columns, too large for this inference. Use --inference analytic, or fewer cohorts or periods.",
            f"회귀식이 {len(order):,}행 {wide:,}열로 너무 커서 이 추론방법을 쓸 수 없습니다. --inference analytic을 쓰거나 집단·시점 수를 줄이십시오.",
        )
    parts = [given.regressors.to_numpy(dtype=float)[order], _dummies(time)[:, 0 if absorbed is None else 1 :]]
    if not kept:
        parts.append(_dummies(absorbed))
    columns = np.column_stack([given.y[order], *parts])
    weight = np.ones(len(order)) if given.weight is None else given.weight[order]
    size = np.sqrt(weight @ columns**2)
    if kept and absorbed is not None:
        columns = _without(columns, absorbed, weight)
    root = np.sqrt(weight)
    columns *= root[:, None]
    q, r = np.linalg.qr(columns[:, 1:])
    held = np.abs(np.diag(r)) <= RANK * size[1:]
    if len(r) < columns.shape[1] - 1 or held.any():
        name = str([*given.regressors, *["a period's effect"] * columns.shape[1]][int(np.argmax(held))]).removeprefix("x_")
        raise UserError(
            f"{name} is collinear with unit and time effects or with other regressors: this inference needs them told apart. Leave covariates out, or use --inference analytic.",
            f"{name}이(가) 단위·시점 고정효과나 다른 변수와 완전한 공선성이 있어 이 추론방법을 쓸 수 없습니다. 공변량을 줄이거나 --inference analytic을 쓰십시오.",
        )
    y = columns[:, 0]
    inner = q.T @ y
    k = given.regressors.shape[1]
    coefficients = solve_triangular(r, inner)[:k]
    padded = np.zeros((len(given.contrasts), q.shape[1]))
    padded[:, :k] = given.contrasts
    direction = solve_triangular(r, padded.T, trans="T").T
    # Once more, so that what rounding leaves in the residuals along q is gone.
    residuals = y - q @ inner
    residuals -= q @ (q.T @ residuals)
    counted = k + periods + (0 if kept else int(absorbed.max()))
    return Solved(order, np.flatnonzero(np.diff(cluster, prepend=-1)), root, q, residuals, coefficients, direction, given.contrasts @ coefficients, counted, NOTHING * np.ptp(given.y))


def _dummies(values: np.ndarray) -> np.ndarray:
    out = np.zeros((len(values), int(values.max()) + 1))
    out[np.arange(len(values)), values] = 1
    return out


def _without(columns: np.ndarray, group: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Columns less their weighted means within groups."""
    total = np.bincount(group, weight)
    return np.column_stack([column - (np.bincount(group, weight * column) / total)[group] for column in columns.T])


def regression(plan: Design, estimator: str, aggregate: str = "simple", told: Result | None = None) -> Regression:
    """The regression whose combination of coefficients is the estimate.

    Args:
        told: what the estimator found, where it is at hand.

    Raises:
        UserError: an estimator that is no single regression, and why; what the estimator itself raises.
    """
    if estimator in WHY or estimator not in ABLE:
        english, korean = WHY.get(estimator, ("it is no regression", "회귀가 아니므로"))
        raise _refuse(estimator, english, korean)
    if estimator == "cs":
        if plan.covariates:
            raise _refuse("cs", "with covariates each comparison has models of its own", "공변량이 있으면 비교마다 모형이 따로 있으므로")
        if plan.control != NEVER and plan.n_never:
            raise _refuse("cs", "with not-yet-treated controls each comparison has its own controls", "아직 참여하지 않은 단위를 쓰면 비교마다 비교 대상이 다르므로", "--control never, or ", "--control never를 쓰거나 ")
        if not plan.balanced:
            raise _refuse("cs", "where units miss periods each comparison uses other units", "빠진 시점이 있으면 비교마다 쓰는 단위가 다르므로", "--panel balance, or ", "--panel balance를 쓰거나 ")
    told = told or estimate(plan, estimator, aggregate)
    if estimator == "lpdid":
        made = _projections(plan, aggregate, told)
    else:
        made = {"twfe": _twfe, "sa": _saturated, "cs": _saturated, "etwfe": _extended, "stacked": _stacked}[estimator](plan, aggregate)
    return _checked(made, told, estimator, plan)


def _refuse(estimator: str, english: str, korean: str, or_en: str = "", or_ko: str = "") -> UserError:
    able = ", ".join(name for name in ABLE if name != estimator)
    return UserError(
        f"{estimator} is no single regression, which this inference needs: {english}. Use {or_en}--inference recommended, or one of: {able}.",
        f"{estimator}은(는) {korean} 하나의 회귀식이 아니어서 이 추론방법을 쓸 수 없습니다. {or_ko}--inference recommended를 쓰거나, 다음 추정방법을 쓰십시오: {able}.",
    )


def _checked(made: Regression, told: Result, estimator: str, plan: Design) -> Regression:
    """The regression, if its combinations are what the estimator gave."""
    if made.clusters < 2:
        raise UserError("The rows that count lie in a single cluster: standard errors need at least two.", "추정에 쓰는 행이 하나의 군집에만 있습니다. 표준오차를 계산하려면 군집이 둘 이상이어야 합니다.")
    found = solve(made).estimates
    wanted = np.array([told.estimate])
    if len(made.event_time):
        shown = told.event[~told.event["reference"].astype(bool)].set_index("event_time")["estimate"]
        if sorted(shown.index) != sorted(made.event_time):
            raise _differs(estimator)
        wanted = np.concatenate([wanted, shown[made.event_time].to_numpy()])
    if not np.abs(found - wanted).max() <= EQUAL * np.ptp(plan.data["y"].to_numpy()):
        raise _differs(estimator)
    return made


def _differs(estimator: str) -> UserError:
    return UserError(
        f"The estimate of {estimator} on these data is not that of the regression behind it, so that this inference would be of something else. Use --inference recommended.",
        f"이 자료에서 {estimator} 추정값이 해당 회귀식의 값과 달라 이 추론방법을 쓸 수 없습니다. --inference recommended를 쓰십시오.",
    )


def _of_rows(plan: Design, data: pd.DataFrame, regressors: pd.DataFrame, row: np.ndarray, contrast: np.ndarray, event_time, event: np.ndarray) -> Regression:
    """Rows of the design with unit and time effects; contrasts are filled up with zeros for covariates."""
    k = regressors.shape[1]

    def filled(rows: np.ndarray) -> np.ndarray:
        return np.pad(np.atleast_2d(rows), ((0, 0), (0, k - np.shape(rows)[-1])))

    weight = data["weight"].to_numpy(dtype=float) if "weight" in data else None
    times = np.array(event_time, dtype=int)
    return Regression(
        data["y"].to_numpy(dtype=float), regressors, codes(data["time"]), codes(data["unit"]), codes(data[plan.cluster]), data["unit"].to_numpy(), row, weight,
        filled(contrast)[0], times, filled(event) if len(times) else np.zeros((0, k)),
    )  # fmt: skip


def _twfe(plan: Design, aggregate: str) -> Regression:
    from evaluation.impact.estimators.twfe import event_dummies, reacting

    data = plan.data
    if aggregate == "simple":
        data = data[~reacting(plan)]
        regressors, times = pd.DataFrame({"treated": data["dose"] if "dose" in data else data["treated"].astype(float)}), []
        contrast = np.ones(1)
    else:
        regressors, _ = event_dummies(plan)
        times = [int(name[1:]) for name in regressors]
        contrast = np.array([time >= 0 for time in times]) / max(1, sum(time >= 0 for time in times))
    event = np.eye(len(times))
    if plan.covariates:
        regressors = regressors.join(data[list(plan.covariates)])
    return _of_rows(plan, data, regressors, data.index.to_numpy(), contrast, times, event)


def _by_cells(plan: Design, aggregate: str, data: pd.DataFrame, cells: pd.DataFrame, regressors: pd.DataFrame) -> Regression:
    from evaluation.impact.estimators.etwfe import averages

    overall, parts, keys, _ = averages(plan, aggregate, data, cells)
    times, event = (keys, parts) if aggregate == "dynamic" else ([], parts[:0])
    return _of_rows(plan, data, regressors, data.index.to_numpy(), overall, times, event)


def _saturated(plan: Design, aggregate: str) -> Regression:
    from evaluation.impact.estimators.callaway_sant_anna import comparable
    from evaluation.impact.estimators.sun_abraham import interactions

    data, _ = comparable(plan)
    cohort, time = data["cohort"].to_numpy(), data["time"].to_numpy()
    cells, columns = interactions(plan, cohort, time)
    regressors = pd.DataFrame(columns, columns=[f"cohort {g}, event time {e}" for g, e in cells], index=data.index)
    mass = columns.T @ (data["weight"].to_numpy(dtype=float) if "weight" in data else np.ones(len(data)))
    frame = pd.DataFrame([(g, g + e, e) for g, e in cells], columns=["cohort", "time", "event_time"]).assign(mass=mass)
    return _by_cells(plan, aggregate, data, frame, regressors.join(data[list(plan.covariates)]))


def _extended(plan: Design, aggregate: str) -> Regression:
    from evaluation.impact.estimators.etwfe import linear_regressors

    data, cells, columns, _ = linear_regressors(plan)
    return _by_cells(plan, aggregate, data, cells, columns)


def _stacked(plan: Design, aggregate: str) -> Regression:
    from evaluation.impact.estimators.stacked import (
        event_regressors,
        stack_rows,
        window,
    )

    reference = -1 - plan.anticipation
    before, after, _ = window(plan, reference)
    stack, _ = stack_rows(plan, before, after, reference)
    times = [time for time in range(-before, after + 1) if time != reference]
    contrast = np.array([time >= 0 for time in times], dtype=float)
    shown = times if aggregate == "dynamic" else []
    made = _of_rows(plan, stack, event_regressors(plan, stack, times), stack["row"].to_numpy(), contrast / contrast.sum(), shown, np.eye(len(times)))
    return replace(made, time=codes(stack["event"]), absorbed=codes(stack["member"]), weight=stack["mass"].to_numpy(dtype=float))


def _projections(plan: Design, aggregate: str, told: Result) -> Regression:
    from evaluation.impact.estimators.lpdid import changes, wide_tables

    wide = wide_tables(plan)
    if aggregate == "simple":
        spans = {0: range(int(told.diagnostics["pooled_to"]) + 1)}
    else:
        spans = {int(time): [int(time)] for time in told.event.loc[~told.event["reference"], "event_time"]}
    parts, width = [], 1 + len(plan.covariates)
    place = pd.Series(np.arange(len(plan.data)), index=pd.MultiIndex.from_frame(plan.data[["unit", "time"]]))
    for number, horizons in enumerate(spans.values()):
        t, unit, enters, change, x, _ = changes(plan, wide, horizons)
        columns = np.zeros((len(t), width * len(spans)))
        columns[:, number * width : (number + 1) * width] = np.column_stack([enters, x])
        at_base = pd.MultiIndex.from_arrays([unit, t - 1 - plan.anticipation])
        parts.append((change, columns, np.full(len(t), number), t, unit, place[at_base].to_numpy()))
    y, columns, span, t, unit, row = (np.concatenate(column) for column in zip(*parts, strict=True))
    time = np.unique(np.column_stack([span, t]), axis=0, return_inverse=True)[1].ravel()
    names = [f"{name} at {at}" for at in spans for name in ("entry", *plan.covariates)]
    event = np.eye(width * len(spans))[::width]
    times = np.array(list(spans))
    contrast = event[times >= 0].mean(axis=0)
    shown = times if aggregate == "dynamic" else times[:0]
    cluster = codes(pd.Series(wide.cluster[unit]))
    return Regression(y, pd.DataFrame(columns, columns=names), time, None, cluster, unit, row, None, contrast, shown, event[: len(shown)])
