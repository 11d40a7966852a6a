"""How far an effect holds when trends are not parallel: robust intervals of an event study under bounds on the violation.

`rm`: after treatment, the trend changes from one period to the next by no more than a bound times the largest such change before it
(with `drift`: the change of its slope does). `sd`: the slope of the trend changes by no more than a bound from one period to the next.
Either with the violation's sign after treatment known, or its direction.
Source: Rambachan and Roth (2023), "A more credible approach to parallel trends", Review of Economic Studies 90; the tests of moment
inequalities are those of Andrews, Roth and Pakes (2023), "Inference for linear conditional moment inequalities", same journal 90.
The authors' R package HonestDiD says what is the default where the papers leave it open; tests compare with what it prints.

Own code. The library at hand (moderndid) needs two solvers that are no dependency here and solves linear programs at each value of a
grid. The multipliers of those programs do not depend on the value that is tested: listed once (`extreme`), they leave a maximum of few
normal variables, so that all values are tested at a time, and ends are found between the values of the grid.
"""

from collections.abc import Iterable
from functools import cache

import numpy as np
import pandas as pd
from scipy import linalg, optimize, special, stats

from evaluation.errors import UserError
from evaluation.impact.result import Result

RM, SD = "rm", "sd"
METHODS = (RM, SD)
FLCI, CONDITIONAL, C_F, C_LF = "flci", "conditional", "c-f", "c-lf"
INFERENCE = {RM: (C_LF, CONDITIONAL), SD: (FLCI, CONDITIONAL, C_F, C_LF)}
RESTRICTIONS = ("positive", "negative", "increasing", "decreasing")
# Share of the test's size that the first stage of a hybrid spends (Rambachan and Roth 2023, section 5.3).
FIRST_STAGE = 0.1
# Values tested at first between those that no test accepts, and at each refinement around an end.
GRID, FINER, REFINEMENTS = 1000, 40, 3
# Points of the quasi-random normal sample behind least favourable critical values.
POINTS = 2**15
# More multipliers than this would take minutes.
MOST = 5_000
# Bounds beyond these, in multiples of the largest change before and in standard errors, are lost in rounding.
MOST_TIMES, MOST_ERRORS = 1e6, 10_000
TOLERANCE = 1e-9


def honest(
    betas: Iterable[float], vcov: np.ndarray, pre: int, method: str = RM, bounds: Iterable[float] = (0.5, 1.0, 1.5, 2.0), weights: Iterable[float] | None = None, *,
    restriction: str | None = None, drift: bool = False, inference: str | None = None, level: float = 0.95,
) -> pd.DataFrame:  # fmt: skip
    """Robust intervals of an average effect after treatment, one per bound.

    Args:
        betas: coefficients in the order of event time, the reference left out, shape (pre + post,); periods are consecutive.
        vcov: their covariance.
        pre: how many of them lie before the reference.
        method: one of METHODS; bounds: of `rm`, multiples of the largest change before treatment; of `sd`, in the unit of betas.
        weights: of the effects after treatment, shape (post,); None: the first one.
        restriction: sign of the violation after treatment, or its direction at all times (RESTRICTIONS).
        drift: of `rm`, bound changes of slope instead (Delta^SDRM).
        inference: one of INFERENCE[method]; None: as recommended, `c-lf` for `rm`, `flci` for `sd`, `c-f` for `sd` with a restriction.

    Returns:
        columns `bound`, `lower`, `upper`; missing where every value is rejected, infinite where no end is found.

    Raises:
        UserError: numbers that do not fit together, a covariance that is not symmetric or singular, no coefficient on one side of the
            reference, a bound below 0 or too large to compute with, a restriction with `flci`, `drift` with one coefficient before treatment.
    """
    betas, vcov, weights = checked(betas, vcov, pre, weights)
    inference = settled(pre, method, restriction, drift, inference, level)
    wanted = of_bounds(bounds)
    most = MOST_TIMES if method == RM else MOST_ERRORS * float(np.sqrt(np.diag(vcov).max()))
    if max(wanted) > most:
        raise UserError(
            f"A bound is {max(wanted):g}; beyond {most:.3g} intervals cannot be told from rounding{'' if method == RM else f' (bounds are in the unit of the coefficients; this is {MOST_ERRORS:,} standard errors)'}. Give smaller bounds.",
            f"한계값 {max(wanted):g}이(가) 너무 큽니다. {most:.3g}을(를) 넘으면 구간을 반올림 오차와 구분할 수 없습니다{'' if method == RM else f'(한계값은 계수와 같은 단위이며, 이는 표준오차의 {MOST_ERRORS:,}배입니다)'}. 더 작은 값을 주십시오.",
        )
    rows = [(bound, *_interval(betas, vcov, pre, method, bound, weights, restriction, drift, inference, level)) for bound in wanted]
    return pd.DataFrame(rows, columns=["bound", "lower", "upper"])


def breakdown(
    betas: Iterable[float], vcov: np.ndarray, pre: int, method: str = RM, weights: Iterable[float] | None = None, *,
    restriction: str | None = None, drift: bool = False, inference: str | None = None, level: float = 0.95,
) -> float:  # fmt: skip
    """The largest bound whose robust interval excludes 0, as `honest` counts bounds.

    Returns:
        to four digits; missing where the interval of bound 0 includes 0 already; infinite where no bound up to MOST_TIMES, or MOST_ERRORS
        standard errors of the effect for `sd`, does.
    """
    betas, vcov, weights = checked(betas, vcov, pre, weights)
    weights = weights / np.abs(weights).max()
    inference = settled(pre, method, restriction, drift, inference, level)

    def excluded(bound: float) -> bool:
        """Whether 0 lies outside the interval; it does where no value is accepted."""
        lower, upper = _interval(betas, vcov, pre, method, bound, weights, restriction, drift, inference, level)
        return not lower <= 0 <= upper

    if not excluded(0.0):
        return np.nan
    low, high = 0.0, 1.0 if method == RM else float(np.sqrt(weights @ vcov[pre:, pre:] @ weights))
    limit = high * (MOST_TIMES if method == RM else MOST_ERRORS)
    while excluded(high):
        low, high = high, 2 * high
        if high > limit:
            return np.inf
    while high - low > 1e-4 * high:
        middle = (low + high) / 2
        low, high = (middle, high) if excluded(middle) else (low, middle)
    return low


def honest_of(result: Result, method: str = RM, bounds: Iterable[float] = (0.5, 1.0, 1.5, 2.0), weights: Iterable[float] | None = None, **more) -> pd.DataFrame:
    """`honest` of an estimator's event study; weights are those of event times from 0 on, None: event time 0.

    Raises:
        UserError: see `usable`, `honest`.
    """
    betas, vcov, pre, times, _ = usable(result)
    return honest(betas, vcov, pre, method, bounds, _padded(weights, times), **more)


def breakdown_of(result: Result, method: str = RM, weights: Iterable[float] | None = None, **more) -> float:
    """`breakdown` of an estimator's event study, see `honest_of`."""
    betas, vcov, pre, times, _ = usable(result)
    return breakdown(betas, vcov, pre, method, _padded(weights, times), **more)


def _padded(weights: Iterable[float] | None, after: list[int]) -> np.ndarray:
    """Weights of the periods after the reference: 0 for those of anticipation."""
    early = sum(time < 0 for time in after)
    given = np.eye(len(after) - early)[0] if weights is None else np.asarray(list(weights), dtype=float)
    return np.concatenate([np.zeros(early), given])


# What cannot be read as one line through one reference period: name -> why, (English, Korean).
SEPARATE = (
    "its estimates before and after treatment are made differently and have no common reference period, so that changes before say nothing of changes after (Roth 2024). Use cs, sa, lpdid, stacked or twfe",
    "참여 전후 추정치의 산출 방식이 다르고 공통 기준 시점이 없어, 참여 전의 변화로 참여 후의 변화를 가늠할 수 없습니다(Roth 2024). cs, sa, lpdid, stacked, twfe를 쓰십시오",
)
IN_SAMPLE = (
    "its weights were chosen to make differences before treatment small, so that these say nothing of differences after. Use cs, sa, lpdid, stacked or twfe",
    "참여 전 차이가 작아지도록 가중치를 고른 것이어서, 참여 전 차이로 참여 후의 차이를 가늠할 수 없습니다. cs, sa, lpdid, stacked, twfe를 쓰십시오",
)
OTHER_SCALE = (
    "it takes trends to be parallel as shares but gives effects in levels, so that violations before and after treatment are not on one scale. Use another estimator on the logarithm of the outcome",
    "추세가 비율로 평행하다고 두면서 효과는 원래 단위로 산출하므로 참여 전후의 위반 정도가 같은 척도에 있지 않습니다. 결과변수의 로그에 다른 추정방법을 쓰십시오",
)
REFUSED = {"bjs": SEPARATE, "did2s": SEPARATE, "sdid": IN_SAMPLE, "sc": IN_SAMPLE, "etwfe_poisson": OTHER_SCALE}


def usable(result: Result) -> tuple[np.ndarray, np.ndarray, int, list[int], tuple[tuple[str, str], ...]]:
    """The event study of a result as `honest` and `pretrends` take it.

    Periods after the reference count as after treatment, those of anticipation among them.

    Returns:
        coefficients, covariance, how many lie before the reference, event times after it, warnings.

    Raises:
        UserError: no event study or covariance; an estimator whose coefficients before and after treatment have no reference in
            common; no reference, or several; a gap in event times; nothing before or after the reference.
    """
    name = result.estimator
    if name in REFUSED:
        why = REFUSED[name]
        raise UserError(f"{name} cannot be used for this: {why[0]}.", f"{name}은(는) 이 분석에 쓸 수 없습니다. {why[1]}.")
    if result.event.empty or result.vcov is None:
        raise UserError(f"{name} gives no event study with a covariance here. Ask for the aggregate dynamic.", f"{name} 결과에 공분산을 갖춘 사건연구가 없습니다. dynamic 집계로 추정하십시오.")
    event = result.event.sort_values("event_time")
    zero = [int(time) for time in event.loc[event["reference"], "event_time"]]
    if len(zero) != 1:
        listed = ", ".join(map(str, zero))
        raise UserError(
            f"{name} has {len(zero)} reference periods here ({listed}); bounds need exactly one. Add never-treated units, or show the reference in the window.",
            f"{name} 결과에 기준 시점이 {len(zero)}개입니다({listed}). 하나여야 합니다. 미참여 단위를 더하거나 기준 시점이 창 안에 들도록 하십시오.",
        )
    if name == "twfe" and result.n_units == result.n_treated_units:
        raise UserError(
            "Without never-treated units twfe sets two periods to 0, the reference and the earliest, so that a straight trend cannot show in it. Use cs, sa, lpdid or stacked with --control notyet.",
            "미참여 단위가 없으면 twfe는 기준 시점과 가장 이른 시점을 모두 0으로 두므로 직선 추세가 드러나지 않습니다. --control notyet과 함께 cs, sa, lpdid, stacked를 쓰십시오.",
        )
    times = [int(time) for time in event["event_time"]]
    steps = np.diff(times)
    step = int(steps.min()) if len(steps) else 1
    told = []
    if (steps != step).any():
        missing = sorted(set(range(times[0], times[-1] + 1, step)) - set(times))
        listed = ", ".join(map(str, missing)) or "?"
        raise UserError(
            f"Event times {listed} are missing from the event study, so that changes from one period to the next are not known. Shorten the window with --before and --after.",
            f"사건연구에 경과 시점 {listed}이(가) 없어 이웃한 시점 사이의 변화를 알 수 없습니다. --before와 --after로 창을 줄이십시오.",
        )
    if step > 1:
        told.append((f"Periods are {step} apart: bounds are on changes over {step}.", f"시점 간격이 {step}이므로 한계는 {step} 기간 동안의 변화에 대한 것이다."))
    before, after = [time for time in times if time < zero[0]], [time for time in times if time > zero[0]]
    if not before and name == "etwfe":
        raise UserError(
            "etwfe sets effects before treatment to 0 with the control notyet, and has no coefficient there. Use --control never, or cs, sa, lpdid or stacked.",
            "비교집단이 notyet이면 etwfe는 참여 전 효과를 0으로 두어 참여 전 계수가 없습니다. --control never를 쓰거나 cs, sa, lpdid, stacked를 쓰십시오.",
        )
    if not before:
        raise UserError(*NOTHING_BEFORE)
    if not after or after[-1] < 0:
        raise UserError(*NOTHING_AFTER)
    for side, where in (("first", "처음"), ("last", "마지막")):
        if result.diagnostics.get(f"binned_{side}"):
            told.append((
                f"The {side} coefficient pools all event times beyond the window: it is no single period, and changes to it are not one period's. Widen the window, or use cs, sa, lpdid or stacked.",
                f"{where} 계수는 창 밖의 시점을 모두 묶은 것이어서 한 시점의 값이 아니며 한 기간의 변화로 볼 수 없다. 창을 넓히거나 cs, sa, lpdid, stacked를 쓰는 것이 좋다.",
            ))  # fmt: skip
    told_event = event[~event["reference"]]
    return told_event["estimate"].to_numpy(dtype=float), np.asarray(result.vcov, dtype=float), len(before), after, tuple(told)


NOTHING_BEFORE = (
    "There is no coefficient before the reference period: with a single year before treatment, which is the reference, nothing tells how trends differ, and no bound can be drawn from it. Use a panel with two or more years before treatment.",
    "기준 시점 이전의 계수가 없습니다. 참여 전 자료가 기준 연도 한 해뿐이면 추세의 차이를 알 수 없어 한계를 정할 수 없습니다. 참여 전 자료가 두 해 이상인 패널을 쓰십시오.",
)
NOTHING_AFTER = ("There is no coefficient after treatment.", "참여 후 계수가 없습니다.")


def checked(betas: Iterable[float], vcov: np.ndarray, pre: int, weights: Iterable[float] | None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Coefficients, covariance and weights as arrays that fit together; UserError where they do not."""
    b, v = np.asarray(betas, dtype=float).ravel(), np.asarray(vcov, dtype=float)
    if not len(b) or not np.isfinite(b).all():
        raise UserError("The coefficients must be finite numbers.", "계수는 유한한 숫자여야 합니다.")
    k = len(b)
    if v.shape != (k, k):
        shape = " x ".join(map(str, v.shape))
        raise UserError(f"There are {k} coefficients, but the covariance is {shape}; it must be {k} x {k}, without the reference period.", f"계수는 {k}개인데 공분산은 {shape}입니다. 기준 시점을 뺀 {k} x {k} 행렬이어야 합니다.")
    if not np.isfinite(v).all():
        raise UserError("The covariance must hold finite numbers only.", "공분산에는 유한한 숫자만 있어야 합니다.")
    if np.abs(v - v.T).max() > 1e-6 * np.abs(v).max():
        row, column = np.unravel_index(np.abs(v - v.T).argmax(), v.shape)
        raise UserError(
            f"The covariance is not symmetric: row {row + 1}, column {column + 1} is {v[row, column]:g}, row {column + 1}, column {row + 1} is {v[column, row]:g}.",
            f"공분산이 대칭이 아닙니다. {row + 1}행 {column + 1}열은 {v[row, column]:g}, {column + 1}행 {row + 1}열은 {v[column, row]:g}입니다.",
        )
    v = (v + v.T) / 2
    size = np.sqrt(np.clip(np.diag(v), 0, None))
    if not (size > 0).all() or np.linalg.eigvalsh(v / np.outer(size, size))[0] < 1e-10:
        raise UserError(
            "The covariance is singular or has a negative direction: some combination of the coefficients would be known without error. Leave out the reference period, and see that there are more clusters than coefficients.",
            "공분산이 특이행렬이거나 양의 정부호가 아닙니다. 계수의 어떤 조합이 오차 없이 알려진 셈이 됩니다. 기준 시점을 빼고, 군집 수가 계수보다 많은지 확인하십시오.",
        )
    if isinstance(pre, bool) or int(pre) != pre or pre < 0:
        raise UserError(f"The number of coefficients before treatment is {pre}; give a whole number.", f"참여 전 계수의 수가 {pre}입니다. 정수를 주십시오.")
    if pre == 0:
        raise UserError(*NOTHING_BEFORE)
    if pre >= k:
        raise UserError(f"{pre} coefficients before treatment of {k} in all leave none after it.", f"전체 계수 {k}개 가운데 참여 전 계수가 {pre}개이면 참여 후 계수가 없습니다.")
    post = k - int(pre)
    w = np.eye(post)[0] if weights is None else np.asarray(list(weights), dtype=float)
    if len(w) != post or not np.isfinite(w).all():
        raise UserError(f"There are {len(w)} weights for {post} coefficients after treatment; give one finite number each.", f"참여 후 계수는 {post}개인데 가중치는 {len(w)}개입니다. 계수마다 유한한 숫자 하나씩 주십시오.")
    if not np.abs(w).max() > 0:
        raise UserError("All weights are 0: there is no effect to bound.", "가중치가 모두 0이어서 평가할 효과가 없습니다.")
    return b, v, w


def settled(pre: int, method: str, restriction: str | None, drift: bool, inference: str | None, level: float) -> str:
    """The inference to use; UserError where what is asked for does not go together."""
    for name, value, allowed in (("method", method, METHODS), ("restriction", restriction, (None, *RESTRICTIONS)), ("inference", inference, (None, *INFERENCE.get(method, ())))):
        if value not in allowed:
            listed = ", ".join(filter(None, allowed))
            raise UserError(f"{name} is {value!r}; use one of: {listed}.", f"{name} 값 {value!r}을(를) 쓸 수 없습니다. 다음 중 하나를 쓰십시오: {listed}.")
    if not 0 < level < 1:
        raise UserError(f"level is {level}; give a share between 0 and 1, such as 0.95.", f"level 값이 {level}입니다. 0.95처럼 0과 1 사이의 값을 주십시오.")
    if drift and method == SD:
        raise UserError("drift goes with the method rm: sd bounds changes of slope already.", "drift는 rm 방법과 함께 씁니다. sd는 이미 기울기 변화의 한계를 정합니다.")
    if drift and pre < 2:
        raise UserError(
            "One coefficient before treatment gives one change and no change of slope, so that there is nothing to compare changes of slope after treatment with. Leave out drift, or use more years before treatment.",
            "참여 전 계수가 하나이면 변화가 하나뿐이고 기울기의 변화는 알 수 없어, 참여 후 기울기 변화와 비교할 것이 없습니다. drift를 빼거나 참여 전 자료를 더 쓰십시오.",
        )
    if restriction and inference == FLCI:
        raise UserError("flci makes no use of a restriction. Use c-f, c-lf or conditional with it.", "flci는 제약을 쓰지 않습니다. 제약과 함께 c-f, c-lf, conditional 가운데 하나를 쓰십시오.")
    return inference or (C_LF if method == RM else C_F if restriction else FLCI)


def of_bounds(bounds: Iterable[float]) -> list[float]:
    """Bounds as numbers of 0 or more."""
    wanted = [float(bound) for bound in bounds]
    if not wanted:
        raise UserError("There are no bounds.", "한계값이 없습니다.")
    for bound in wanted:
        if not (np.isfinite(bound) and bound >= 0):
            raise UserError(f"A bound is {bound:g}; give finite numbers of 0 or more.", f"한계값 {bound:g}은(는) 쓸 수 없습니다. 0 이상의 유한한 숫자를 주십시오.")
    return wanted


def _interval(betas: np.ndarray, vcov: np.ndarray, pre: int, method: str, bound: float, weights: np.ndarray, restriction: str | None, drift: bool, inference: str, level: float) -> tuple[float, float]:
    """Ends of the robust interval for one bound."""
    alpha = 1 - level
    scale = np.abs(weights).max()
    weights = weights / scale
    # In standard errors of the effect, so that tolerances mean the same in every unit.
    unit = float(np.sqrt(weights @ vcov[pre:, pre:] @ weights))
    betas, vcov, bound = betas / unit, vcov / unit**2, bound / unit if method == SD else bound
    if inference == FLCI:
        line, half = flci(vcov, pre, bound, weights, alpha)
        return scale * unit * float(line @ betas - half), scale * unit * float(line @ betas + half)
    kappa = 0.0 if inference == CONDITIONAL else FIRST_STAGE * alpha
    fixed = flci(vcov, pre, bound, weights, kappa) if inference == C_F else None
    # One interval per polyhedron: their union covers where each covers under its own.
    found = [_accepted(betas, vcov, matrix, limit, pre, weights, alpha, kappa, inference, fixed) for matrix, limit in _polyhedra(len(betas), pre, method, bound, restriction, drift)]
    ends = np.array([pair for pair in found if pair is not None])
    return (scale * unit * float(ends[:, 0].min()), scale * unit * float(ends[:, 1].max())) if len(ends) else (np.nan, np.nan)


def _differences(k: int, pre: int, order: int) -> np.ndarray:
    """First or second differences of consecutive periods, the reference (0) among them but its column left out, shape (k + 1 - order, k)."""
    return np.delete(np.diff(np.eye(k + 1), order, axis=0), pre, axis=1)


def _polyhedra(k: int, pre: int, method: str, bound: float, restriction: str | None, drift: bool) -> list[tuple[np.ndarray, np.ndarray]]:
    """The set of violations as a union of {delta: A delta <= d}: pairs (A, d).

    Rows on periods before treatment only are left out, as in HonestDiD: they do not move the identified set. That package keeps them
    for `sd` with a single period after treatment; so does this.
    """
    shape = []
    if restriction in ("positive", "negative"):
        shape.append((-1 if restriction == "positive" else 1) * np.eye(k)[pre:])
    elif restriction:
        shape.append((-1 if restriction == "increasing" else 1) * _differences(k, pre, 1))
    order = 2 if method == SD or drift else 1
    steps = _differences(k, pre, order)
    # The first difference that reaches a period after treatment.
    first = pre + 1 - order
    if method == SD:
        parts = [(np.vstack([steps, -steps]), np.full(2 * len(steps), bound))]
    else:
        parts = []
        for largest in np.vstack([steps[:first], -steps[:first]]):
            rows = np.vstack([steps[first:], -steps[first:]]) - bound * largest
            parts.append((rows, np.zeros(len(rows))))
    out = []
    for rows, limit in parts:
        matrix = np.vstack([rows, *shape])
        d = np.concatenate([limit, np.zeros(len(matrix) - len(limit))])
        keep = (matrix[:, pre:] != 0).any(axis=1) if k - pre > 1 or method == RM else np.ones(len(d), bool)
        out.append((matrix[keep], d[keep]))
    return out


def extreme(equalities: np.ndarray) -> np.ndarray:
    """Extreme rays of {y >= 0: equalities' y = 0}, each adding to 1, by the double description method.

    Args:
        equalities: shape (variables, equations).

    Returns:
        shape (rays, variables).

    Raises:
        UserError: more than MOST rays.
    """
    rays = np.eye(len(equalities))
    for done, column in enumerate(equalities.T):
        side = rays @ column
        side[np.abs(side) < TOLERANCE * np.abs(column).max(initial=0)] = 0
        plus, minus = np.flatnonzero(side > 0), np.flatnonzero(side < 0)
        support = rays > 0
        first, second = (part.ravel() for part in np.meshgrid(plus, minus, indexing="ij"))
        # Two rays are neighbours where no third lies on the face they span; such a face has few variables.
        count = support.sum(axis=1).astype(np.int32)
        shared = support[plus].astype(np.float32) @ support[minus].T.astype(np.float32)
        few = count[first] + count[second] - shared.ravel() <= done + 2
        first, second = first[few], second[few]
        made = []
        for part in np.array_split(np.arange(len(first)), max(1, len(first) * len(rays) // 20_000_000)):
            union = support[first[part]] | support[second[part]]
            beyond = (~union).astype(np.float32) @ support.T.astype(np.float32)
            chosen = part[(beyond == 0).sum(axis=1) == 2]
            made.append(rays[first[chosen]] * -side[second[chosen], None] + rays[second[chosen]] * side[first[chosen], None])
        rays = np.vstack([rays[side == 0], *made])
        rays = rays / rays.sum(axis=1, keepdims=True)
        rays[rays < TOLERANCE] = 0
        if len(rays) > MOST:
            raise UserError(
                "There are too many periods after treatment for this restriction. Use fewer of them, or leave the restriction out.",
                "이 제약을 적용하기에는 참여 후 시점이 너무 많습니다. 시점을 줄이거나 제약을 빼십시오.",
            )
    return rays


def _accepted(betas, vcov, matrix, limit, pre, weights, alpha, kappa, inference, fixed) -> tuple[float, float] | None:
    """Least and greatest value that the test of one polyhedron accepts; None where it accepts none.

    The statistic is the largest of gamma'(A (betas - theta) - d) over the multipliers gamma (equation 16 of the paper, as its dual): here
    `lines` @ betas - `offset` - `slope` * theta, each of standard deviation 1 or less.
    """
    size = np.sqrt(np.einsum("ij,jk,ik->i", matrix, vcov, matrix))
    rows = matrix / size[:, None]
    post = rows[:, pre:]
    gamma = extreme(post @ linalg.null_space(weights[None, :]))
    lines, offset = gamma @ rows, gamma @ (limit / size)
    slope = gamma @ post @ weights / (weights @ weights)
    level = lines @ betas - offset
    cross = lines @ vcov @ lines.T
    variance = np.diag(cross)
    cap = least_favourable(lines, vcov, kappa) if inference == C_LF else np.inf
    modified = (alpha - kappa) / (1 - kappa)
    live = variance > TOLERANCE
    share = cross / np.where(live, variance, 1)
    if fixed is not None:
        line, half = fixed
        middle, pull = line @ betas, line @ vcov @ lines.T / np.where(live, variance, 1)
    # HonestDiD does not end the second stage at the first stage's critical value where there is a single period after treatment.
    ceiling = cap if len(weights) > 1 else np.inf

    def accepts(theta: np.ndarray) -> np.ndarray:
        values = level[:, None] - slope[:, None] * theta
        largest = values.argmax(axis=0)
        stat = values[largest, np.arange(len(theta))]
        part = share[:, largest]
        with np.errstate(divide="ignore", invalid="ignore"):
            ends = (values - part * stat) / (1 - part)
        low = np.where(part < 1 - TOLERANCE, ends, -np.inf).max(axis=0)
        high = np.minimum(np.where(part > 1 + TOLERANCE, ends, np.inf).min(axis=0), ceiling)
        out = stat <= cap
        if fixed is not None:
            far, rate = middle - theta, pull[largest]
            out &= np.abs(far) <= half
            with np.errstate(divide="ignore", invalid="ignore"):
                edges = np.sort(stat + (np.array([-half, half])[:, None] - far) / rate, axis=0)
            moves = np.abs(rate) > TOLERANCE * np.abs(pull).max(initial=1)
            low = np.where(moves, np.maximum(low, edges[0]), low)
            high = np.where(moves, np.minimum(high, edges[1]), high)
        low, high = np.minimum(low, stat), np.maximum(high, stat)
        spread = np.sqrt(np.where(live[largest], variance[largest], 1))
        p = _above(stat / spread, low / spread, high / spread)
        return out & ((stat <= 0) | (live[largest] & (p >= modified)))

    if fixed is not None:
        start, stop = middle - half, middle + half
    else:
        start, stop = _reach(level, slope, cap)
        if start is None:
            return None
    grid = np.linspace(start, stop, GRID)
    if np.isinf(cap) and fixed is None:
        # The conditional test alone has no first stage that ends the search: it goes on while the last value is accepted.
        grid = np.linspace(start, stop, 5 * GRID)
        for _ in range(20):
            ok = accepts(grid)
            if not (ok[0] or ok[-1]):
                break
            span = grid[-1] - grid[0]
            grid = np.linspace(grid[0] - span * ok[0], grid[-1] + span * ok[-1], len(grid) + GRID)
    found = np.flatnonzero(accepts(grid))
    if not len(found):
        return None
    return tuple(_end(accepts, grid, index, way) for index, way in ((found[0], -1), (found[-1], 1)))


def _reach(level: np.ndarray, slope: np.ndarray, cap: float) -> tuple[float | None, float | None]:
    """Between which values the statistic is at most `cap`; without one, between which the conditional test may accept.

    That test may accept values anywhere where two multipliers are nearly as good, so that the search covers all places where the best
    one changes (up to 100 standard deviations), and at least 10 standard deviations.
    """
    up, down = slope > TOLERANCE, slope < -TOLERANCE
    flat = level[~up & ~down].max(initial=-np.inf)

    def between(most: float) -> tuple[float, float]:
        return ((level[up] - most) / slope[up]).max(initial=-np.inf), ((level[down] - most) / slope[down]).min(initial=np.inf)

    if np.isfinite(cap):
        start, stop = between(cap)
        return (start, stop) if flat <= cap and start <= stop else (None, None)
    most = 10.0
    while True:
        start, stop = between(most)
        if flat <= most and start <= stop:
            break
        most *= 2
    wide = between(10 * most)
    for way, steepest in ((0, slope.argmax()), (1, slope.argmin())):
        gap = slope[steepest] - slope
        apart = np.abs(gap) > 1e-6 * np.abs(slope[steepest])
        kinks = (level[steepest] - level[apart]) / gap[apart]
        if way == 0:
            start = max(wide[0], min(start, kinks.min(initial=start) - (stop - start) / 10))
        else:
            stop = min(wide[1], max(stop, kinks.max(initial=stop) + (stop - start) / 10))
    return start, stop


def _end(accepts, grid: np.ndarray, index: int, way: int) -> float:
    """The last accepted value next to grid[index], towards `way`, found on finer and finer grids."""
    inside, step = grid[index], grid[1] - grid[0]
    if not 0 <= index + way < len(grid):
        # Accepted up to where the first stage ends.
        return float(inside)
    for _ in range(REFINEMENTS):
        finer = inside + way * step * np.arange(FINER) / FINER
        ok = accepts(finer)
        inside, step = finer[np.flatnonzero(ok)[-1]] if ok.any() else inside, step / FINER
    return float(inside)


def _above(stat: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Chance that a standard normal between low and high exceeds stat."""
    a, b, c = (special.log_ndtr(-value) for value in (stat, low, high))
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = np.exp(a - b) * -np.expm1(c - a) / -np.expm1(c - b)
    return np.where(b - c > 0, ratio, 1.0)


@cache
def _normal_points(k: int) -> np.ndarray:
    """Quasi-random standard normal points, shape (POINTS, k); the same in every run."""
    return special.ndtri(stats.qmc.Sobol(k, rng=0).random(POINTS).clip(1e-12, 1 - 1e-12))


def least_favourable(lines: np.ndarray, vcov: np.ndarray, kappa: float) -> float:
    """The 1 - kappa quantile of the largest of `lines` @ N(0, vcov): critical value where every moment binds."""
    turned = np.linalg.cholesky(vcov).T @ lines.T
    # In blocks: many lines by many points would not fit in memory.
    largest = np.concatenate([(block @ turned).max(axis=1) for block in np.array_split(_normal_points(len(vcov)), 1 + len(lines) // 250)])
    return float(np.quantile(largest, 1 - kappa))


def flci(vcov: np.ndarray, pre: int, bound: float, weights: np.ndarray, alpha: float) -> tuple[np.ndarray, float]:
    """The shortest interval of fixed length around a linear estimator, for slopes that change by at most `bound`.

    An estimator without bias under a straight line is a combination u of second differences, and its largest bias is bound * sum |u|;
    the parts of u that reach after treatment follow from the weights, the others minimise the half length
    sd * (1 - alpha quantile of |N(bias / sd, 1)|) (equation 18 of the paper), which is convex in them.

    Returns:
        the estimator's weights, shape (pre + post,), and the half length.
    """
    steps = _differences(len(vcov), pre, 2)
    fixed = np.linalg.solve(steps[pre - 1 :, pre:].T, weights)
    const = np.abs(fixed).sum()
    scores, base = steps[: pre - 1], fixed @ steps[pre - 1 :]
    root = np.linalg.cholesky(vcov)
    design, target = (scores @ root).T, root.T @ base
    # Least variance: also what is best at bound 0.
    best = np.linalg.lstsq(design, -target, rcond=None)[0] if pre > 1 else np.empty(0)
    scale = float(np.linalg.norm(target + design @ best))

    def half(parts: np.ndarray) -> tuple[float, np.ndarray]:
        """Half length in units of `scale`, and its gradient, in the positive and negative parts of u (in units of `unit`)."""
        plus, minus = parts.reshape(2, -1) * unit
        rest = (target + design @ (plus - minus)) / scale
        sd = np.linalg.norm(rest)
        t = bound * (const + plus.sum() + minus.sum()) / scale / sd
        critical = folded(t, alpha)
        # The derivative of the quantile in t is tanh(quantile * t).
        slant = np.tanh(critical * t)
        by_sd, by_bias = (critical - t * slant) * (design.T @ rest) / scale / sd, slant * bound / scale
        return critical * sd, np.concatenate([by_bias + by_sd, by_bias - by_sd]) * unit

    unit = max(np.abs(best).max(initial=0), const)
    parts = np.concatenate([best.clip(0), (-best).clip(0)]) / unit
    if pre > 1 and bound > 0:
        found = optimize.minimize(half, parts, jac=True, method="SLSQP", bounds=[(0, None)] * len(parts), options={"maxiter": 1000, "ftol": 1e-15})
        parts = found.x if found.fun <= half(parts)[0] else parts
        plus, minus = parts.reshape(2, -1)
        best = (plus - minus) * unit
        parts = np.concatenate([best.clip(0), (-best).clip(0)]) / unit
    return base + best @ scores, float(half(parts)[0] * scale)


def folded(t: float, alpha: float) -> float:
    """The 1 - alpha quantile of |N(t, 1)|."""
    return float(np.sqrt(special.chndtrix(1 - alpha, 1, t * t))) if t < 30 else float(t + special.ndtri(1 - alpha))


def sensitivity_plot(frame: pd.DataFrame, label: str = "bound"):
    """Robust intervals by bound, as a matplotlib figure; frame: what `honest` returns."""
    from matplotlib.figure import Figure

    rows = frame[np.isfinite(frame[["lower", "upper"]]).all(axis=1)]
    figure = Figure(figsize=(6.2, 3.2), layout="constrained")
    axes = figure.subplots()
    axes.axhline(0, color="0.6", linewidth=0.8)
    middle, half = (rows["upper"] + rows["lower"]) / 2, (rows["upper"] - rows["lower"]) / 2
    axes.errorbar(rows["bound"], middle, yerr=half, fmt="none", color="#1f3864", capsize=3)
    axes.set_xlabel(label)
    axes.set_ylabel("effect")
    return figure
