"""Randomisation inference: how large an estimate would chance alone have made, had other units been the ones that adopted?

Who was treated when is reassigned among units (within strata, by whole clusters where treatment is by cluster), outcomes staying as they
are, and the statistic is found under each such assignment. If units could as well have changed places, the test has its level whatever the
distribution of outcomes, however few are treated. Intervals hold the constant effects that the test does not reject.

Sources: Fisher (1935), The Design of Experiments; Rosenbaum (2002), Observational Studies, section 2.6 (intervals by inversion); Chung and
Romano (2013), Annals of Statistics 41 (t statistics keep the level in large samples where units differ in variance); MacKinnon and Webb
(2020), Journal of Econometrics 218, "Randomization inference for difference-in-differences with few treated clusters" (RI-t, RI-beta, the
interval of p-values); MacKinnon and Webb (2019), Advances in Econometrics 39, "Wild bootstrap randomization inference for few treated
clusters".
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations, permutations
from math import ceil, factorial, perm, prod

import numpy as np

from evaluation.errors import UserError
from evaluation.impact.design import Design
from evaluation.impact.inference import Found, Options
from evaluation.impact.inference.linear import (
    FEW,
    Blocks,
    Moments,
    blocks,
    by_event_time,
    estimated_anew,
    linear_form,
    moments,
    required_form,
    shifts,
)

STATISTICS = ("t", "coefficient")
ANEW = 499  # draws where each one is an estimation of its own
TIE = 1e-9  # relative: statistics this close are taken as equal
SMALL = 500  # fewer other assignments than that: each is bootstrapped as well (MacKinnon and Webb 2019)
UNLIKE = 0.05  # p-value of equal spread
LABELS = 10_000_000  # first treated periods of draws in memory at once: 40 MB
STEPS = 100  # points between estimate and a rejected effect at which the test is looked at, before the end is halved in on
UNITS = {"unit": "단위", "cluster": "군집"}


def randomisation(plan: Design, estimator: str, aggregate: str, options: Options) -> Found:
    """Randomisation over which units adopt and, with `options.dates`, when cohorts do.

    The t statistic divides the estimate by the spread of units' contrasts within cohorts (see `linear.moments`), or by the estimator's own
    error where it has no linear form. All assignments are gone through where they are no more than `options.draws`; otherwise seeded draws,
    and p counts the actual assignment among them: (1 + as extreme) / (1 + draws). Where every assignment is an estimation of its own, draws
    are no more than ANEW.

    Raises:
        UserError: synthetic estimators; doses; clusters or strata that leave nobody to change places with; fewer assignments than the level
            needs; a statistic that there is not.
    """
    if options.statistic not in STATISTICS:
        raise UserError(f"statistic is {options.statistic!r}; use one of: {', '.join(STATISTICS)}.", f"검정통계량 {options.statistic!r}을(를) 쓸 수 없습니다. 다음 중 하나를 쓰십시오: {', '.join(STATISTICS)}.")
    _refuse_synthetic(estimator, "randomisation")
    some = blocks(plan)
    told = list(_fixed(some))
    shape = linear_form(plan, some, estimator, aggregate)
    sure = shape is not None
    if sure and options.dates:
        shape = _first_row(shape)
        sure = shape[0](np.array(sorted(plan.cohorts))[:1], np.ones((1, 2))) is not None
    most = options.draws if sure else min(options.draws, ANEW)
    _movable(plan, some, options.dates)
    exact = _all_of(plan, some, most, options.dates)
    number = _ways(plan, some, options.dates) - 1 if exact else most
    enough_draws(number + 1, exact, plan.level, some.name)
    if sure:
        form, labels = shape
        found = _in_parts(plan, some, form, shifts(plan, some, estimator, labels), most, exact, options)
        told += _unlike(some, form)
    else:
        labels = [None]
        first, _ = reassigned(plan, some, most, options.seed, options.dates)
        found, refused = estimated_anew(plan, estimator, aggregate, some, np.vstack([some.first, first]), options.scheduler)
        told.append((
            f"{estimator} is estimated anew under each assignment on this design, so that there are {number} of them.",
            f"이 설계에서는 재배정할 때마다 {estimator}을(를) 다시 추정하므로 재배정 횟수를 {number}회로 하였다.",
        ))  # fmt: skip
        if refused:
            told.append((f"{refused} assignments cannot be estimated; they count as if they were as extreme as the actual one.", f"추정할 수 없는 재배정 {refused}개는 실제 배정만큼 극단적인 것으로 세었다."))
    tests = [compared(found, row, options.statistic) for row in range(len(labels))]
    main = tests[0]
    lower, upper = interval(main, plan.level)
    if not main.invertible:
        told.append(("No interval: an effect cannot be taken out of the outcome and the test repeated with this estimator.", "이 추정방법으로는 효과를 뺀 결과변수로 검정을 되풀이할 수 없어 신뢰구간을 제시하지 않는다."))
    how = f"all {number + 1} assignments" if exact else f"{number:,} seeded draws"
    what = f"which {some.name}s adopt{' and when' if options.dates else ''}{', within strata' if len(np.unique(some.stratum)) > 1 else ''}"
    name = "t statistic" if options.statistic == "t" else "coefficient"
    return Found(
        lower, upper, p_value(main), f"randomisation over {what}: {name}, {how}; interval by inversion, no degrees of freedom", event=by_event_time(lambda row: (*interval(tests[row], plan.level), p_value(tests[row])), labels),
        diagnostics={"assignments": float(number + exact), "exact": float(exact)}, warnings=tuple(told),
    )  # fmt: skip


def mackinnon_webb(plan: Design, estimator: str, aggregate: str, options: Options) -> Found:
    """MacKinnon and Webb's randomisation inference: RI-t, with cluster-robust errors, and RI-beta beside it.

    p is that of RI-t, the larger of the two ends p1 = as extreme / others and p2 = (1 + as extreme) / (1 + others) between which a p-value of
    so many assignments lies. With fewer than SMALL other assignments that interval is wide, and each assignment is bootstrapped too (wild
    bootstrap with Rademacher signs by cluster, no effect imposed): their p-value and interval then take the place. Of the two remedies that
    the authors offer (the other is to smooth p-values by a kernel) this is the one that the later paper is about, and it inverts.

    Diagnostics:
        ri_t_p1, ri_t_p2, ri_beta_p1, ri_beta_p2, assignments (others), wild_p where there are few.

    Raises:
        UserError: as `randomisation`; an estimator or design without a linear form.
    """
    _refuse_synthetic(estimator, "mackinnon-webb")
    some = blocks(plan)
    told = list(_fixed(some))
    form, labels = required_form(plan, some, estimator, aggregate, "mackinnon-webb")
    shift = shifts(plan, some, estimator, labels)
    first, exact = reassigned(plan, some, options.draws, options.seed, False)
    every = np.vstack([some.first, first])
    found = moments(some, form, every, shift, few=0)
    tests = [compared(found, row, "t") for row in range(len(labels))]
    beta = compared(found, 0, "coefficient")
    diagnostics = {"assignments": float(len(first))}
    for name, test in (("t", tests[0]), ("beta", beta)):
        diagnostics |= {f"ri_{name}_p1": extreme(test) / len(test.gap), f"ri_{name}_p2": p_value(test)}
    if (some.first > 0).sum() == 1:
        told.append((
            f"One {some.name} is treated: its errors have no variance of their own, and RI-t is then no better than RI-beta.",
            f"처치된 {UNITS[some.name]} 수가 하나뿐이어서 그 오차의 분산을 알 수 없으므로 RI-t가 RI-beta보다 낫지 않다.",
        ))  # fmt: skip
    words = f"MacKinnon-Webb RI-t over which {some.name}s adopt, {'all' if exact else 'drawn'} {len(first):,} other assignments"
    if exact and len(first) < SMALL:
        times = ceil(max(options.draws, 1) / len(every))
        wild = _wild(some, form, every, shift, times, options.seed)
        actual = Moments(*(part[:1] for part in parts_of(found)))
        tests = [compared(wild, row, "t", actual) for row in range(len(labels))]
        diagnostics["wild_p"] = p_value(tests[0])
        words += f", each with {times:,} wild bootstraps (MacKinnon and Webb 2019)"
    else:
        enough_draws(len(first) + 1, exact, plan.level, some.name)
    lower, upper = interval(tests[0], plan.level)
    if not np.isfinite([lower, upper]).all():
        told.append((
            f"The interval has no end: with {len(first)} other assignments effects are not rejected however large.",
            f"다른 배정이 {len(first)}가지뿐이어서 아무리 큰 효과도 기각할 수 없으므로 신뢰구간에 끝이 없다.",
        ))  # fmt: skip
    return Found(lower, upper, p_value(tests[0]), f"{words}; interval by inversion, no degrees of freedom", event=by_event_time(lambda row: (*interval(tests[row], plan.level), p_value(tests[row])), labels), diagnostics=diagnostics, warnings=tuple(told))


@dataclass(frozen=True)
class Comparison:
    """An estimate and its variance beside those of draws; of each draw `moments`' five numbers, shape (draws,). `itself`: 1 where the actual
    assignment counts among the draws and is not one of them, else 0; `invertible`: whether an effect can be taken out."""

    estimate: float
    variance: float
    gap: np.ndarray
    spread: np.ndarray
    shift: np.ndarray
    covariance: np.ndarray
    shift_variance: np.ndarray
    itself: int
    invertible: bool


def compared(found: Moments, row: int, statistic: str, actual: Moments | None = None) -> Comparison:
    """The comparison for one row of estimates; the actual assignment is the first draw, or `actual`, and then among the draws already."""
    start = found if actual is None else actual
    a, v, b, c, w = (part[0 if actual is not None else 1 :, row] for part in parts_of(found))
    v0 = float(max(start.variance[0, row], 0))
    if statistic == "coefficient":
        v, c, w, v0 = np.ones_like(v), np.zeros_like(v), np.zeros_like(v), 1.0
    # Rounding may leave less than nothing of a variance.
    return Comparison(float(start.estimate[0, row]), v0, a, np.maximum(v, 0), b, c, w, int(actual is None), bool(abs(start.shift[0, row] - 1) < 1e-6))


def extreme(test: Comparison, tau: float = 0.0) -> int:
    """How many draws are as extreme as the actual assignment when the effect is `tau`; those that cannot be estimated are.

    Squares are compared across, without dividing, so that a draw without variance counts as the most extreme there is.
    """
    gap, spread = test.gap, test.spread
    if tau:
        gap, spread = gap - tau * test.shift, np.maximum(spread - 2 * tau * test.covariance + tau**2 * test.shift_variance, 0)
    less = gap**2 * test.variance < (test.estimate - tau) ** 2 * spread * (1 - TIE)
    return int(len(less) - less.sum())


def p_value(test: Comparison, tau: float = 0.0) -> float:
    """Two-sided p-value of the effect `tau`."""
    return (test.itself + extreme(test, tau)) / (test.itself + len(test.gap))


def interval(test: Comparison, level: float) -> tuple[float, float]:
    """The ends of the effects that are not rejected: from the estimate outwards, to 1e-10 of the distance; infinite where none is."""
    return (_end(test, level, -1), _end(test, level, 1)) if test.invertible else (-np.inf, np.inf)


def _end(test: Comparison, level: float, side: int) -> float:
    def kept(distance: float) -> bool:
        return p_value(test, test.estimate + side * distance) > 1 - level + 1e-12

    scale = np.sqrt(test.variance) if test.variance not in (0.0, 1.0) else float(np.nanstd(test.gap)) or 1.0
    far, out = scale, 0
    # Rejected twice in a row, at twice the distance: nothing further out is kept.
    while out < 2:
        out = 0 if kept(far) else out + 1
        far *= 2
        if far > 1e12 * scale:
            return side * np.inf
    steps = np.linspace(0, far / 2, STEPS)
    last = max((place for place in range(STEPS) if kept(steps[place])), default=0)
    low, high = steps[last], steps[last + 1]
    while high - low > 1e-10 * high:
        middle = (low + high) / 2
        low, high = (middle, high) if kept(middle) else (low, middle)
    return float(test.estimate + side * low)


def possible(some: Blocks) -> int:
    """In how many ways treatment can be assigned to blocks, within strata, the actual one included."""
    ways = 1
    for stratum in np.unique(some.stratum):
        counts = np.unique(some.first[some.stratum == stratum], return_counts=True)[1]
        ways *= factorial(int(counts.sum())) // prod(factorial(int(count)) for count in counts)
    return ways


def reassigned(plan: Design, some: Blocks, draws: int, seed: int, dates: bool) -> tuple[np.ndarray, bool]:
    """First treated periods under other assignments, shape (assignments, blocks), and whether these are all there are.

    All, the actual one left out once, where they are no more than `draws`; else seeded draws, which may hold it.

    Raises:
        UserError: nobody can change places; dates to draw, of which there are fewer than cohorts.
    """
    _movable(plan, some, dates)
    cohorts, open_ = np.array(sorted(plan.cohorts)), _open(plan, some)
    exact = _all_of(plan, some, draws, dates)
    rng = np.random.default_rng(seed)
    if exact:
        labels = _all(some)
    else:
        labels = np.repeat(some.first[None], draws, axis=0)
        for stratum in np.unique(some.stratum):
            place = np.flatnonzero(some.stratum == stratum)
            labels[:, place] = rng.permuted(labels[:, place], axis=1)
    if dates:
        if exact:
            every = np.array(list(permutations(open_, len(cohorts))))
            chosen, labels = np.repeat(every, len(labels), axis=0), np.tile(labels, (len(every), 1))
        else:
            chosen = rng.permuted(np.repeat(open_[None], len(labels), axis=0), axis=1)[:, : len(cohorts)]
        padded = np.column_stack([np.zeros(len(chosen), dtype=chosen.dtype), chosen])
        labels = np.take_along_axis(padded, np.searchsorted(np.concatenate([[0], cohorts]), labels), axis=1)
    if exact:
        same = np.flatnonzero((labels == some.first).all(axis=1))
        labels = np.delete(labels, same[0], axis=0)
    return labels, exact


def _movable(plan: Design, some: Blocks, dates: bool) -> None:
    if dates and len(_open(plan, some)) < len(plan.cohorts):
        raise UserError(
            f"{len(plan.cohorts)} cohorts cannot start in {len(_open(plan, some))} periods that have others before them.",
            f"앞선 시점이 있는 {len(_open(plan, some))}개 시점에 {len(plan.cohorts)}개 참여 집단을 배정할 수 없습니다.",
        )
    if possible(some) == 1 and not dates:
        raise UserError(
            "No two units can change places: every stratum holds units of one kind only. Use wider strata, or --inference recommended.",
            "층마다 참여 시점이 같은 단위만 있어 자리를 바꿀 수 있는 단위가 없습니다. 층을 넓히거나 --inference recommended를 쓰십시오.",
        )


def _open(plan: Design, some: Blocks) -> np.ndarray:
    """Periods with another before effects may show."""
    return some.periods[np.searchsorted(some.periods, some.periods - plan.anticipation) > 0]


def _ways(plan: Design, some: Blocks, dates: bool) -> int:
    return possible(some) * (perm(len(_open(plan, some)), len(plan.cohorts)) if dates else 1)


def _all_of(plan: Design, some: Blocks, draws: int, dates: bool) -> bool:
    return 0 < _ways(plan, some, dates) <= draws


def _in_parts(plan: Design, some: Blocks, form: Callable, shift: np.ndarray, draws: int, exact: bool, options: Options) -> Moments:
    """Moments of the actual assignment and of all draws; of many blocks only as many draws at once as fit in LABELS, each part with the next seed."""
    step = draws if exact else max(1, min(draws, LABELS // len(some.first)))
    found = []
    for part, begin in enumerate(range(0, draws, step)):
        first, _ = reassigned(plan, some, min(step, draws - begin), options.seed + part, options.dates)
        found.append(moments(some, form, np.vstack([some.first, first]) if part == 0 else first, shift))
    return Moments(*(np.concatenate(parts) for parts in zip(*(parts_of(one) for one in found), strict=True)))


def _all(some: Blocks) -> np.ndarray:
    out = some.first[None].copy()
    for stratum in np.unique(some.stratum):
        place = np.flatnonzero(some.stratum == stratum)
        values, counts = np.unique(some.first[place], return_counts=True)
        order = np.argsort(-counts, kind="stable")
        # The largest group fills what the others leave.
        ways = [np.full(len(place), values[order[0]])]
        for which in order[1:]:
            more = []
            for way in ways:
                for taken in combinations(np.flatnonzero(way == values[order[0]]), int(counts[which])):
                    new = way.copy()
                    new[list(taken)] = values[which]
                    more.append(new)
            ways = more
        wide = np.repeat(out, len(ways), axis=0)
        wide[:, place] = np.tile(np.array(ways), (len(out), 1))
        out = wide
    return out


def _fixed(some: Blocks) -> list[tuple[str, str]]:
    """A warning where strata hold units that cannot change places with anybody."""
    useless = [stratum for stratum in np.unique(some.stratum) if len(np.unique(some.first[some.stratum == stratum])) == 1]
    if not useless or len(useless) == len(np.unique(some.stratum)):
        return []
    stay = int(np.isin(some.stratum, useless).sum())
    return [(
        f"{len(useless)} of {len(np.unique(some.stratum))} strata hold {some.name}s of one kind only; their {stay} {some.name}s keep their treatment in every assignment.",
        f"층 {len(np.unique(some.stratum))}개 중 {len(useless)}개에는 참여 시점이 같은 {UNITS[some.name]}만 있어, 모든 재배정에서 그 {UNITS[some.name]} {stay}개의 처치는 바뀌지 않는다.",
    )]  # fmt: skip


def _unlike(some: Blocks, form: Callable) -> list[tuple[str, str]]:
    """A warning for each small cohort whose contrasts spread more, or less, than those of never-treated blocks: they are not exchangeable, and
    so few have no variance of their own in the statistic. Brown and Forsythe (1974), JASA 69."""
    from scipy import stats

    cohorts = np.unique(some.first[some.first > 0])
    masses = np.array([some.weight[some.first == g].sum() for g in (0, *cohorts)])
    weights = form(cohorts, masses[None])[0, 0]
    told = []
    for place, g in enumerate(cohorts, start=1):
        contrast = some.y @ weights[place]
        own, other = contrast[some.first == g], contrast[some.first == 0]
        if 2 < len(own) < FEW and len(other) > 2 and stats.levene(own, other, center="median").pvalue < UNLIKE:
            times = own.std(ddof=1) / other.std(ddof=1)
            told.append((
                f"The {len(own)} {some.name}s first treated in {g} spread {times:.1f} times as much as never-treated ones: they could hardly have changed places. Compare --inference mackinnon-webb, or ferman-pinto with --size.",
                f"{g}년에 처음 참여한 {UNITS[some.name]} {len(own)}개의 변동이 미참여 {UNITS[some.name]}의 {times:.1f}배이므로 서로 자리를 바꿀 수 있었다고 보기 어렵다. --inference mackinnon-webb나, --size를 지정한 ferman-pinto와 견주어 보아야 한다.",
            ))  # fmt: skip
    return told


def enough_draws(number: int, exact: bool, level: float, name: str, tails: int = 1) -> None:
    """UserError where so many assignments (draws, and the actual one) cannot reject at the level; with two `tails` each needs one."""
    if number * (1 - level) < tails * (1 - 1e-9):
        least = ceil(tails / (1 - level) - 1e-9) - (not exact)
        english = f"There are only {number} ways to assign treatment among {name}s" if exact else f"{number - 1} draws are too few"
        korean = f"{UNITS[name]}에 처치를 배정하는 방법이 {number}가지뿐이어서" if exact else f"재배정 횟수 {number - 1}회로는"
        raise UserError(
            f"{english}: no p-value can be below {tails / number:.3f}, and {100 * level:g} % needs {least}. {'Use wider strata, add never-treated units, or --inference recommended' if exact else 'Use more draws'}.",
            f"{korean} p값이 {tails / number:.3f}보다 작을 수 없으며, {100 * level:g}% 수준에는 {least}{'가지' if exact else '회'}가 필요합니다. {'층을 넓히거나 미참여 단위를 더하거나 --inference recommended를 쓰십시오' if exact else '횟수를 늘리십시오'}.",
        )


def _refuse_synthetic(estimator: str, how: str) -> None:
    if estimator in ("sdid", "sc"):
        raise UserError(
            f"{estimator} has a placebo distribution of its own, which keeps the treated units out of the donors. Use --inference placebo in place of {how}.",
            f"{estimator}에는 참여 단위를 비교단위에서 제외하는 고유한 플라시보 분포가 있습니다. {how} 대신 --inference placebo를 쓰십시오.",
        )


def _first_row(shape: tuple[Callable, list]) -> tuple[Callable, list]:
    """Dates drawn change which event times there are, so that the estimate alone is tested."""
    form = shape[0]

    def one(cohorts: np.ndarray, masses: np.ndarray) -> np.ndarray | None:
        found = form(cohorts, masses)
        return None if found is None else found[:, :1]

    return one, [None]


def parts_of(found: Moments) -> tuple[np.ndarray, ...]:
    return found.estimate, found.variance, found.shift, found.covariance, found.shift_variance


def _wild(some: Blocks, form: Callable, first: np.ndarray, shift: np.ndarray, times: int, seed: int) -> Moments:
    """Moments of wild bootstraps under each assignment, shape (assignments * times, k): residuals of the model without an effect, their sign
    turned by block; as the outcome less tau times treatment has residuals that are linear in tau, so are these."""
    rng = np.random.default_rng(seed)
    signs = 2.0 * rng.integers(0, 2, size=(len(first), times, len(some.y))) - 1
    share = some.weight / some.weight.sum()

    def residuals(table: np.ndarray) -> np.ndarray:
        within = table - table.mean(axis=-1, keepdims=True)
        return within - np.einsum("n,...nt->...t", share, within)[..., None, :]

    y, d = residuals(some.y), residuals(np.broadcast_to(shift, (len(shift), *some.y.shape)))
    cohorts = np.unique(first)
    cohorts = cohorts[cohorts > 0]
    out = np.zeros((5, len(first), times, len(shift)))
    for row, one in enumerate(first):
        inside = [one == g for g in (0, *cohorts)]
        masses = np.array([some.weight[member].sum() for member in inside])
        weights = form(cohorts, masses[None])[0]
        for g, member in enumerate(inside):
            w, s = some.weight[member] / masses[g], signs[row][:, member]
            pair = [w[:, None] * (y[member] @ weights[:, g].T), w[:, None] * np.einsum("knt,kt->nk", d[:, member], weights[:, g])]
            means = [s @ part for part in pair]
            out[0, row] += means[0]
            out[2, row] += means[1]
            cross = [s @ (w[:, None] * part) for part in pair]
            for place, (i, j) in ((1, (0, 0)), (3, (0, 1)), (4, (1, 1))):
                out[place, row] += (pair[i] * pair[j]).sum(axis=0) - means[i] * cross[j] - means[j] * cross[i] + means[i] * means[j] * (w @ w)
    return Moments(*out.reshape(5, -1, len(shift)))
