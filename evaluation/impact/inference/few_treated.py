"""Few treated units, many controls: what the treated units' error may be is read off the controls.

An estimate that is linear in the outcome is the treated units' contrasts less what controls had in the same periods (`linear`). With few
treated units their own errors do not average out, and no variance can be estimated from them; but controls show how such contrasts are
distributed. Conley and Taber take that distribution as that of the treated; Ferman and Pinto let its variance depend on how large a unit is.

Sources: Conley and Taber (2011), Review of Economics and Statistics 93, "Inference with difference in differences with a small number of
policy changes", proposition 2 and section III; Ferman and Pinto (2019), Review of Economics and Statistics 101, "Inference in
differences-in-differences with few treated groups and heteroskedasticity", section III.
"""

from collections.abc import Callable
from math import comb

import numpy as np

from evaluation.errors import UserError
from evaluation.impact.design import Design
from evaluation.impact.inference import Found, Options
from evaluation.impact.inference.linear import Blocks, blocks, by_event_time, required_form, shifts
from evaluation.impact.inference.randomisation import enough_draws

FEW_CONTROLS = 20
EVENT_DRAWS = 1_999
# Points up to FURTHER times the distance of an interval's end at which effects are looked at again, with ROUGH draws and, where these come
# within NEARLY of keeping one, with all.
LOOKS, FURTHER, ROUGH, NEARLY = 60, 3, 999, 0.97
# Share of the estimate's variance that is the controls' own, from which on it cannot be left out.
LEFT_OUT = 0.05
LEAST = 0.02  # of the mean variance: the least that a fitted one is taken to be


def conley_taber(plan: Design, estimator: str, aggregate: str, options: Options) -> Found:
    """Conley and Taber: treated units' contrasts are drawn from those of never-treated units in the same periods.

    Each treated unit, with its own timing and weight, draws a never-treated unit; with one treated unit all are gone through. The interval
    holds the effects between the tails (equal ones) of that distribution; the actual estimate counts among the draws. It takes the mean of
    controls as known, so that it needs many of them for each treated unit.

    Diagnostics:
        left_out: the share of the estimate's variance that is the controls' mean, and that the method leaves out; controls, treated.

    Raises:
        UserError: an estimator or design without a linear form; fewer never-treated units than the level needs.
    """
    some, weights, labels, groups = _linear(plan, estimator, aggregate, "conley-taber")
    pool, treated = np.flatnonzero(some.first == 0), np.flatnonzero(some.first > 0)
    rng = np.random.default_rng(options.seed)
    # Treated units are alike in who they draw, so that orders do not make draws different. Equal tails: each needs one.
    _enough_controls(len(pool), comb(len(pool) + len(treated) - 1, len(treated)), plan.level, some.name)
    if len(treated) > 1:
        enough_draws(options.draws + 1, False, plan.level, some.name, tails=2)
    drawn = np.arange(len(pool))[:, None] if len(treated) == 1 else rng.integers(0, len(pool), size=(options.draws, len(treated)))
    contrasts = _contrasts(some.y, weights)
    centred = contrasts[:, pool] - np.average(contrasts[:, pool], axis=1, weights=some.weight[pool])[:, None]
    share = _shares(some, groups)
    noise = np.zeros((len(drawn), len(labels)))
    for place, unit in enumerate(treated):
        noise += share[unit] * centred[groups[unit]][drawn[:, place]]
    estimates = _estimates(contrasts, share, groups)
    found = [_tails(value, column, plan.level) for value, column in zip(estimates, noise.T, strict=True)]
    # Of contrasts that are all spread alike, as the method has it.
    own = (share[treated] ** 2 * centred[groups[treated], :, 0].var(axis=1)).sum()
    theirs = (some.weight[pool] ** 2).sum() / some.weight[pool].sum() ** 2 * contrasts[0, pool, 0].var()
    left_out = float(theirs / (own + theirs)) if own + theirs > 0 else np.nan
    told = []
    if left_out > LEFT_OUT:
        told.append((
            f"Conley and Taber take the mean of controls as known; here it is {left_out:.0%} of the estimate's variance, so that p is too small and the interval too short. Use --inference randomisation.",
            f"Conley-Taber 방법은 비교집단 평균을 알려진 값으로 본다. 이 설계에서는 그것이 추정치 분산의 {left_out:.0%}를 차지하므로 p값과 신뢰구간이 실제보다 작다. --inference randomisation을 쓰는 것이 좋다.",
        ))  # fmt: skip
    if len(pool) < FEW_CONTROLS:
        told.append((f"The distribution of errors is read off {len(pool)} never-treated {some.name}s only.", f"오차의 분포를 미참여 단위 {len(pool)}개에서만 얻었다."))
    how = f"all {len(drawn)} of them" if len(treated) == 1 else f"{len(drawn):,} seeded draws"
    return Found(
        *found[0], f"Conley and Taber (2011): contrasts of {len(pool)} never-treated {some.name}s, {how}; interval by inversion, no degrees of freedom",
        event=by_event_time(found.__getitem__, labels), diagnostics={"left_out": left_out, "controls": float(len(pool)), "treated": float(len(treated))}, warnings=tuple(told),
    )  # fmt: skip


def ferman_pinto(plan: Design, estimator: str, aggregate: str, options: Options) -> Found:
    """Ferman and Pinto: the variance of a unit's contrast is A + B / size; residuals are put on one scale, drawn, and scaled back.

    Residuals are those of the model with the effect under test, of all units; A and B are fitted by least squares on their squares, by
    cohort, since contrasts of different periods have different variances. Where a fitted variance is not above 0, the negative one of A and
    B is left out, as in the authors' code. Treated and controls are both drawn, with replacement, so that the mean of controls is not taken
    as known. The interval holds the effects that are not rejected, the same draws throughout (the first EVENT_DRAWS for event times).

    Diagnostics:
        slope_share: the share of B / size in the variance of treated units' contrasts; 0 where their size plays no part.

    Raises:
        UserError: no size in the design; an estimator or design without a linear form; fewer than two never-treated units.
    """
    if "size" not in plan.data:
        raise UserError(
            "ferman-pinto needs how large each unit is, on which the variance of its outcome may depend (such as its number of firms or workers). Name a column by --size, or use --inference randomisation.",
            "ferman-pinto에는 결과변수의 분산을 좌우할 수 있는 단위의 규모(예: 업체 수, 종사자 수)가 필요합니다. --size로 열을 지정하거나 --inference randomisation을 쓰십시오.",
        )
    some, weights, labels, groups = _linear(plan, estimator, aggregate, "ferman-pinto")
    shift = shifts(plan, some, estimator, labels)
    share = _shares(some, groups)
    mean = some.weight / some.weight.sum()
    y, d = (_contrasts(table, weights) for table in (some.y, shift))
    estimates = _estimates(y, share, groups)
    y, d = (part - np.einsum("n,gnk->gk", mean, part)[:, None] for part in (y, d))
    inverse = 1 / some.size
    rng = np.random.default_rng(options.seed)
    enough_draws(options.draws + 1, False, plan.level, some.name)
    drawn = rng.integers(0, len(mean), size=(options.draws, len(mean)), dtype=np.int32)
    members = [np.flatnonzero(groups == g) for g in range(len(weights[0]))]

    def noise(row: int, tau: float, rough: bool = False) -> np.ndarray:
        """Sizes of drawn errors under an effect of `tau`; fewer for event times, of which there are many."""
        some_draws = drawn[:ROUGH] if rough else drawn if row == 0 else drawn[:EVENT_DRAWS]
        total = np.zeros(len(some_draws))
        for g, inside in enumerate(members):
            if len(inside):
                residual = y[g, :, row] - tau * d[g, :, row]
                scale = np.sqrt(_variance(residual**2, inverse)[0])
                total += (residual / scale)[some_draws[:, inside]] @ (share * scale)[inside]
        return np.sort(np.abs(total))

    found, whole = [], True
    for row, value in enumerate(estimates):
        null = noise(row, 0.0)
        p = (1 + len(null) - np.searchsorted(null, abs(value) * (1 - 1e-12))) / (1 + len(null))
        ends = [_end(lambda tau, rough=False, row=row: noise(row, tau, rough), value, side, plan.level, LOOKS if row == 0 else 0) for side in (-1, 1)]
        whole &= all(one for _, one in ends)
        found.append((ends[0][0], ends[1][0], float(p)))
    parts = [_variance((y[g, :, 0] - estimates[0] * d[g, :, 0]) ** 2, inverse) for g in range(len(members))]
    treated = np.flatnonzero(groups > 0)
    variance = sum(share[unit] ** 2 * parts[groups[unit]][0][unit] for unit in treated)
    sloped = sum(share[unit] ** 2 * parts[groups[unit]][1] * inverse[unit] for unit in treated)
    told = []
    if (some.first == 0).sum() < FEW_CONTROLS:
        told.append((f"How variance depends on size is fitted on {len(mean)} {some.name}s only.", f"분산과 규모의 관계를 단위 {len(mean)}개에서만 추정하였다."))
    if not whole:
        told.append((
            "The effects that are not rejected fall into parts, since the variances fitted depend on the effect under test; the interval covers all of them.",
            "검정하는 효과에 따라 추정되는 분산이 달라져 기각되지 않는 효과가 여러 구간으로 나뉘므로, 전체를 덮는 구간을 제시한다.",
        ))  # fmt: skip
    return Found(
        *found[0], f"Ferman and Pinto (2019): variance by size, {len(drawn):,} seeded draws of rescaled residuals; interval by inversion, no degrees of freedom",
        event=by_event_time(found.__getitem__, labels), diagnostics={"slope_share": float(sloped / variance) if variance > 0 else np.nan}, warnings=tuple(told),
    )  # fmt: skip


def _linear(plan: Design, estimator: str, aggregate: str, how: str) -> tuple[Blocks, np.ndarray, list[int | None], np.ndarray]:
    """The blocks, the form, shape (k, 1 + cohorts, periods), its labels, and the number of each block's group, 0 never treated."""
    some = blocks(plan)
    if (some.first == 0).sum() < 2:
        raise UserError(f"{how} needs at least two never-treated {some.name}s to read errors off. Use --inference recommended.", f"{how}에는 오차를 살필 미참여 단위가 둘 이상 필요합니다. --inference recommended를 쓰십시오.")
    form, labels = required_form(plan, some, estimator, aggregate, how)
    groups = np.searchsorted(np.array([0, *sorted(plan.cohorts)]), some.first)
    masses = np.bincount(groups, some.weight)
    return some, form(np.array(sorted(plan.cohorts)), masses[None])[0], labels, groups


def _enough_controls(controls: int, ways: int, level: float, name: str) -> None:
    """UserError where so many different errors can be drawn that no tail can be below (1 - level) / 2."""
    if (1 + ways) * (1 - level) / 2 < 1 - 1e-9:
        raise UserError(
            f"conley-taber: with {controls} never-treated {name}s there are {ways} different errors to draw, so that no p-value is below {2 / (1 + ways):.3f}; {100 * level:g} % needs {round((1 - level) / 2, 6):g} in each tail. Add never-treated {name}s, or use --inference recommended.",
            f"conley-taber: 미참여 단위 {controls}개에서 얻을 수 있는 서로 다른 오차가 {ways}가지뿐이어서 p값이 {2 / (1 + ways):.3f}보다 작을 수 없습니다. {100 * level:g}% 수준에는 양쪽 꼬리에 {round((1 - level) / 2, 6):g}씩 필요합니다. 미참여 단위를 더하거나 --inference recommended를 쓰십시오.",
        )


def _contrasts(table: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Contrast of every block as if in each group, shape (groups, blocks, k); table: shape (blocks, periods) or (k, blocks, periods)."""
    return np.einsum("kgt,knt->gnk", weights, np.broadcast_to(table, (len(weights), *table.shape[-2:])))


def _shares(some: Blocks, groups: np.ndarray) -> np.ndarray:
    """Share of each block in the mean of its group."""
    return some.weight / np.bincount(groups, some.weight)[groups]


def _estimates(contrasts: np.ndarray, share: np.ndarray, groups: np.ndarray) -> np.ndarray:
    return share @ contrasts[groups, np.arange(len(groups))]


def _tails(estimate: float, noise: np.ndarray, level: float) -> tuple[float, float, float]:
    """Interval and p-value with equal tails; the actual value counts as one of the draws."""
    noise, n = np.sort(noise), 1 + len(noise)
    slack = 1e-9 * np.abs(noise).max()
    p = 2 * min(1 + np.searchsorted(noise, estimate + slack, side="right"), 1 + len(noise) - np.searchsorted(noise, estimate - slack)) / n
    # The least number of draws further out with which an effect is still kept.
    needed = int(np.floor((1 - level) / 2 * n + 1e-9))
    if needed < 1:
        return -np.inf, np.inf, min(1.0, float(p))
    return float(estimate - noise[-needed]), float(estimate - noise[needed - 1]), min(1.0, float(p))


def _variance(squares: np.ndarray, inverse: np.ndarray) -> tuple[np.ndarray, float]:
    """Fitted variances A + B / size, shape (blocks,), and B."""
    if np.ptp(inverse) <= 1e-12 * inverse.max():
        return np.full(len(squares), max(squares.mean(), np.finfo(float).tiny)), 0.0
    b, a = np.polyfit(inverse, squares, 1)
    fitted = a + b * inverse
    # One barely above 0 would blow its residual up as much as one below.
    if fitted.min() <= LEAST * squares.mean():
        if b < 0:
            a, b = squares.mean(), 0.0
        else:
            a, b = 0.0, (squares @ inverse) / (inverse @ inverse)
        fitted = a + b * inverse
    return np.maximum(fitted, np.finfo(float).tiny), float(b)


def _end(noise: Callable, estimate: float, side: int, level: float, looks: int) -> tuple[float, bool]:
    """The end of the effects kept on one side, to 1e-7 of its distance from the estimate, infinite where none is rejected; and whether all
    effects up to it are kept, as far as `looks` at places between tell.

    An effect is kept while errors drawn under it reach from it to the estimate. They hardly depend on it, so that going to and fro between
    distance and reach finds the end. Where variances change their form on the way, effects further out may be kept again: with `looks` the
    outermost of so many counts, and as many between it and the estimate are looked at.
    """

    def reach(distance: float, rough: bool = False) -> float:
        drawn = noise(estimate + side * distance, rough)
        needed = int(np.floor((1 - level) * (1 + len(drawn)) + 1e-9))
        return float(drawn[-needed]) if needed else np.inf

    def whole(end: float) -> bool:
        return all(reach(place, True) >= place / NEARLY or reach(place) >= place for place in np.linspace(0, end, looks + 2)[1:-1])

    distance, settled = reach(0.0), False
    for _ in range(50):
        before, distance = distance, reach(distance)
        settled = abs(distance - before) <= 1e-7 * distance
        if settled or not np.isfinite(distance):
            break
    if not np.isfinite(distance):
        return side * np.inf, True
    further = np.linspace(distance, FURTHER * distance, looks + 1)[1:]
    kept = [place for place, far in enumerate(further) if reach(far, True) >= NEARLY * far and reach(far) >= far]
    if settled and not kept:
        return float(estimate + side * distance), whole(distance)
    low, high = (further[kept[-1]], further[kept[-1]] + (further[1] - further[0])) if kept else (0.0, distance)
    while reach(high) >= high:
        low, high = high, 2 * high
        if high > 1e9 * distance:
            return side * np.inf, whole(low)
    while high - low > 1e-7 * high:
        middle = (low + high) / 2
        low, high = (middle, high) if reach(middle) >= middle else (low, middle)
    return float(estimate + side * low), whole(low)
