"""Wild cluster bootstrap-t with the null imposed, and its subcluster form: p-values, and intervals by inverting the test.

Residuals of the regression under the null keep their place and change their sign (Rademacher) or their sign and size (Webb's six points)
by cluster, together; the t statistic with the usual cluster-robust error is found anew for each draw. With the null r of c'b in
d = c'b - r, restricted residuals are u + d q, so that a draw's numerator is n0 + d n1 and the square of its error q00 + 2 d q01 + d^2 q11:
five numbers for each draw give the statistic for every null, and no regression is run again.

Sources: Cameron, Gelbach and Miller (2008), Review of Economics and Statistics 90, 414-427; Roodman, MacKinnon, Nielsen and Webb (2019),
Stata Journal 19, 4-60 (closed form, inversion of the test); Webb (2023), Canadian Journal of Economics 56, 839-858 (six-point
weights); MacKinnon and Webb (2017), Journal of Applied Econometrics 32, 233-254 (few treated clusters); MacKinnon and Webb (2018),
Econometrics Journal 21, 114-135 (subclusters).
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from evaluation.errors import UserError
from evaluation.impact.design import Design
from evaluation.impact.inference import Found, Options
from evaluation.impact.inference.randomisation import enough_draws
from evaluation.impact.inference.regression import Regression, Solved, regression, solve
from evaluation.impact.result import Result

RADEMACHER, WEBB = "rademacher", "webb"
POINTS = {RADEMACHER: np.array([1.0, -1.0]), WEBB: np.sqrt([1.5, 1.0, 0.5, 1.5, 1.0, 0.5]) * [1, 1, 1, -1, -1, -1]}
# With fewer clusters than this two points give too few different draws.
FEW_CLUSTERS = 11
FEW_TREATED = 3
# Statistics this close, relatively, are the same one: the data's own draw and its mirror image among them.
TIE = 1e-9
# Numbers of draws by groups in memory at once: 16 MB.
CHUNK = 2_000_000
# Nulls looked at, in standard errors from the estimate, before the ends of the confidence set are found by bisection.
NULLS = np.concatenate([np.linspace(0, 12, 241), np.geomspace(12.5, 1e5, 60)])
STEPS = 48


@dataclass(frozen=True)
class Draws:
    """The statistics of each draw at every null, in units of the error: with z = (c'b - r) / se the draw's t is (n0 + z n1) /
    sqrt(q00 + 2 z q01 + z^2 q11). Shape (draws,) each; `whole` whether these are all draws that there are, `mirrored` whether each
    also stands for the one with all signs turned, whose t is of the same size; `weights` by name."""

    n0: np.ndarray
    n1: np.ndarray
    q00: np.ndarray
    q01: np.ndarray
    q11: np.ndarray
    whole: bool
    mirrored: bool
    weights: str

    @cached_property
    def _terms(self) -> np.ndarray:
        # A draw's t is at least as large as z where this polynomial of degree four in z is no less than 0.
        same = 1 - TIE
        return np.array([self.n0**2, 2 * self.n0 * self.n1, self.n1**2 - same * self.q00, -2 * same * self.q01, -same * self.q11])

    @property
    def count(self) -> int:
        """How many draws the p-value counts."""
        return len(self.n0) * (2 if self.mirrored else 1)

    def t(self, z: float) -> np.ndarray:
        """The statistics under a null z errors below the estimate, shape (draws,); infinite where a draw leaves no error."""
        with np.errstate(invalid="ignore", divide="ignore"):
            # Where neither is anything the draw says nothing against the null: it counts as large.
            return np.nan_to_num((self.n0 + z * self.n1) / np.sqrt(self.q00 + 2 * z * self.q01 + z * z * self.q11), nan=np.inf, posinf=np.inf, neginf=-np.inf)

    def p(self, z: float) -> float:
        """p-value of that null: the share of statistics at least as large as z. The data count as one of the draws, which they are
        where all are gone through."""
        return float(self.ps(np.array([z]))[0])

    def ps(self, z: np.ndarray) -> np.ndarray:
        """`p` of several nulls, shape of `z`."""
        powers = z[:, None] ** np.arange(5)
        size = max(1, CHUNK // 8 // len(self.n0))
        large = np.concatenate([(powers[begin : begin + size] @ self._terms >= 0).sum(axis=1) for begin in range(0, len(z), size)])
        return large / len(self.n0) if self.whole else (1 + large) / (1 + len(self.n0))

    def p_limit(self) -> float:
        """The p-value of nulls infinitely far away: of draws whose error does not grow with the null, only those count that grow as the
        statistic does."""
        large = np.count_nonzero((self.q11 == 0) & (self.n1**2 >= (1 - TIE) * self.q00))
        return large / len(self.n0) if self.whole else (1 + large) / (1 + len(self.n0))

    def p_without_ties(self, z: float) -> float:
        """The share of statistics larger than z, without those equal to it, as Stata's and R's boottest count."""
        return float((np.abs(self.t(z)) > abs(z) * (1 + TIE)).mean())


def bootstrap(given: Regression, solved: Solved, group: np.ndarray, draws: int, seed: int, weights: str) -> tuple[np.ndarray, list[Draws]]:
    """Cluster-robust (CR1) errors of the contrasts, and the draws of each, all with the same weights.

    Args:
        group: codes from 0 of what is drawn together, within clusters, by the regression's rows; draws: how many, or all there are
            where these are no more; weights: RADEMACHER or WEBB.
    """
    group = group[solved.order]
    cluster = np.repeat(np.arange(len(solved.start)), np.diff(np.append(solved.start, len(solved.order))))
    # Sums of rows by group; a group lies in one cluster.
    place = np.argsort(group, kind="stable")
    starts = np.flatnonzero(np.diff(group[place], prepend=-1))
    of_cluster = cluster[place][starts]
    q = solved.q[place]
    null = np.add.reduceat(q * solved.residuals[place][:, None], starts)
    each = []
    for direction in solved.direction:
        a = q @ direction
        shift = np.add.reduceat(q * (a / (direction @ direction))[:, None], starts)
        # Q_g'a_g by cluster, through which a draw's own estimate takes from its residuals.
        pull = np.zeros((len(solved.start), q.shape[1]))
        np.add.at(pull, of_cluster, shift * (direction @ direction))
        each.append((null @ direction, shift, shift @ direction, pull))
    scores = np.array([np.bincount(of_cluster, first, len(solved.start)) for first, *_ in each])
    root = np.sqrt(solved.factor)
    se = root * np.sqrt((scores**2).sum(axis=1))

    points, groups = POINTS[weights], len(starts)
    whole = groups * np.log(len(points)) <= np.log(max(draws, 1)) + 1e-12
    total = len(points) ** (groups - 1) * len(points) // 2 if whole else draws
    rng = np.random.default_rng(seed)
    found = [np.empty((5, total)) for _ in each]
    size = max(1, CHUNK // groups)
    alone = groups == len(solved.start)
    for begin in range(0, total, size):
        end = min(begin + size, total)
        if whole:
            # The first half of all draws; the rest turn all their signs.
            number = np.arange(begin, end)
            v = points[np.array([number // len(points) ** power % len(points) for power in range(groups - 1, -1, -1)])]
        else:
            v = points[rng.integers(0, len(points), size=(groups, end - begin), dtype=np.int8)]
        common = null.T @ v
        for (first, shift, second, pull), out, error in zip(each, found, se, strict=True):
            own, moved = (first[:, None] * v, second[:, None] * v) if alone else (_by_cluster(first, of_cluster, v), _by_cluster(second, of_cluster, v))
            out[0, begin:end], out[1, begin:end] = own.sum(axis=0), moved.sum(axis=0)
            left, right = own - pull @ common, moved - pull @ (shift.T @ v)
            out[2, begin:end] = np.einsum("gd,gd->d", left, left)
            out[3, begin:end] = np.einsum("gd,gd->d", left, right)
            # What rounding leaves of an error that is 0 must not grow with the null.
            grows = np.einsum("gd,gd->d", right, right)
            zero = grows <= 1e-20 * np.einsum("gd,gd->d", moved, moved) + 1e-24
            out[3, begin:end][zero], grows[zero] = 0.0, 0.0
            out[4, begin:end] = grows
            out[:, begin:end] *= np.array([1 / error, 1, (root / error) ** 2, root**2 / error, root**2])[:, None]
    return se, [Draws(*out, whole, whole, weights) for out in found]


def _by_cluster(values: np.ndarray, of_cluster: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Sums by cluster of each group's value times its weight, shape (clusters, draws)."""
    from scipy.sparse import csr_array

    return csr_array((values, (of_cluster, np.arange(len(values)))), shape=(of_cluster.max() + 1, len(values))) @ v


def confidence_set(draws: Draws, level: float) -> list[tuple[float, float]]:
    """Nulls whose p-value is above 1 - level, in errors from the estimate, as intervals of z from below: infinite ends where the
    test rejects no null however far."""
    alpha = 1 - level + 1e-12
    beyond = draws.p_limit() > alpha

    def inside(z: float) -> bool:
        return draws.p(z) > alpha

    def edge(within: float, without: float) -> float:
        for _ in range(STEPS):
            middle = (within + without) / 2
            within, without = (middle, without) if inside(middle) else (within, middle)
        return within

    nulls = np.concatenate([-NULLS[:0:-1], NULLS])
    held = draws.ps(nulls) > alpha
    parts, start = [], -np.inf if beyond else None
    for number, (z, there) in enumerate(zip(nulls, held, strict=True)):
        if there and start is None:
            start = edge(z, nulls[number - 1]) if number else z
        if not there and start is not None:
            parts.append((start, edge(nulls[number - 1], z) if number else z))
            start = None
    if start is not None or beyond:
        parts.append((nulls[-1] if start is None else start, np.inf if beyond else nulls[-1]))
    return parts


def wild(plan: Design, estimator: str, aggregate: str, options: Options, weights: str | None = None, told: Result | None = None) -> Found:
    """The wild cluster bootstrap: weights are drawn by cluster.

    The p-value of no effect is symmetric, the share of draws whose t is at least as large as the data's. All draws are gone through where
    they are no more than `options.draws`; else the data count as one more draw, so that p is never 0. Webb's weights with
    fewer than 11 clusters, Rademacher's with more.

    Args:
        weights: RADEMACHER or WEBB, to have one of them whatever the number of clusters; told: what the estimator found, where it is at hand.

    Raises:
        UserError: an estimator that is no single regression; a single treated cluster, of which the test says nothing.
    """
    given = regression(plan, estimator, aggregate, told)
    return _found(plan, given, given.cluster, f"wild cluster bootstrap, null imposed, by {plan.cluster}", options, weights)


def subcluster(plan: Design, estimator: str, aggregate: str, options: Options, weights: str | None = None, told: Result | None = None) -> Found:
    """The wild subcluster bootstrap: weights are drawn by unit where clusters are coarser, else by row, while errors stay clustered.

    It is for few treated clusters, of which `wild` says little. It takes units (rows) of a cluster as independent of each other when
    it draws, and holds well only where clusters are of like size.

    Args, raises: as `wild`; a single treated unit (row).
    """
    given = regression(plan, estimator, aggregate, told)
    coarser = given.clusters < len(np.unique(given.unit))
    drawn, name = (given.unit, "unit") if coarser else (given.row, "row")
    # A unit that moves is drawn apart in each of its clusters.
    group = np.unique(drawn.astype(np.int64) * given.clusters + given.cluster, return_inverse=True)[1].ravel()
    return _found(plan, given, group, f"wild subcluster bootstrap, null imposed, drawn by {name}, errors by {plan.cluster}", options, weights)


def _found(plan: Design, given: Regression, group: np.ndarray, words: str, options: Options, weights: str | None) -> Found:
    if options.draws < 1:
        raise UserError(f"{options.draws} draws cannot be made. Give 99 or more, such as 9999.", f"추출 횟수가 {options.draws}입니다. 9999처럼 99 이상을 지정하십시오.")
    enough_draws(options.draws + 1, False, plan.level, "cluster")
    treated = np.array([len(np.unique(group[given.treated(contrast)])) for contrast in given.contrasts])
    by_cluster = group is given.cluster
    if treated[0] < 2:
        raise UserError(
            "A single cluster is treated: the wild cluster bootstrap says nothing of it. Use --inference recommended."
            if by_cluster else "A single unit or row is treated: the wild subcluster bootstrap says nothing of it. Use --inference recommended.",
            "참여 군집이 하나뿐이어서 와일드 군집 부트스트랩을 쓸 수 없습니다. --inference recommended를 쓰십시오."
            if by_cluster else "참여 단위(행)가 하나뿐이어서 와일드 하위군집 부트스트랩을 쓸 수 없습니다. --inference recommended를 쓰십시오.",
        )  # fmt: skip
    groups = int(group.max()) + 1
    chosen = weights or (WEBB if groups < FEW_CLUSTERS else RADEMACHER)
    solved = solve(given)
    se, draws = bootstrap(given, solved, group, options.draws, options.seed, chosen)
    if not se[0] > solved.nothing:
        raise UserError("There is no standard error: nothing varies between clusters, so that there is nothing to draw.", "군집 간 변동이 없어 표준오차를 계산할 수 없으므로 부트스트랩을 할 수 없습니다.")
    told = _few(given, group, by_cluster)
    first = draws[0]
    lower, upper, parts = _interval(solved.estimates[0], se[0], first, plan.level)
    z = solved.estimates[0] / se[0]
    told += _shape(parts, first.count)
    rows, none, open_ended, split = [], [], [], []
    for number, time in enumerate(given.event_time, start=1):
        if treated[number] < 2 or not se[number] > solved.nothing:
            none.append(str(time))
            rows.append((int(time), np.nan, np.nan, np.nan))
            continue
        low, high, pieces = _interval(solved.estimates[number], se[number], draws[number], plan.level)
        rows.append((int(time), low, high, draws[number].p(solved.estimates[number] / se[number])))
        open_ended += [str(time)] if np.isinf([low, high]).any() else []
        split += [str(time)] if len(pieces) > 1 else []
    few = [str(time) for time, count in zip(given.event_time, treated[1:], strict=True) if 2 <= count < FEW_TREATED and treated[0] >= FEW_TREATED]
    for times, english, korean in (
        (none, "a single cluster is treated: no interval", "참여 군집이 하나뿐이어서 신뢰구간을 제시하지 않는다"),
        (few, "only two clusters are treated: the test hardly ever rejects", "참여 군집이 둘뿐이어서 귀무가설이 거의 기각되지 않는다"),
        (open_ended, "the confidence set has no bound on one side or both", "신뢰집합의 한쪽 또는 양쪽에 경계가 없다"),
        (split, "the confidence set falls into parts; the interval shown covers all of them", "신뢰집합이 나뉘어 있어 전체를 덮는 구간을 제시한다"),
    ):
        if times:
            listed = ", ".join(times)
            told.append((f"At event time {listed} {english}.", f"경과 시점 {listed}: {korean}."))
    drawn = f"all {first.count:,} {chosen.capitalize()} draws" if first.whole else f"{first.count:,} {chosen.capitalize()} draws, seed {options.seed}"
    diagnostics = {"draws": float(first.count), "all_draws": float(first.whole), "clusters": float(given.clusters), "drawn_groups": float(groups), "t": float(z), "p_without_ties": first.p_without_ties(z)}
    return Found(
        lower, upper, first.p(z), f"{words}; {drawn}", se=float(se[0]), event=pd.DataFrame(rows, columns=["event_time", "lower", "upper", "p"]),
        diagnostics=diagnostics, warnings=tuple(told),
    )  # fmt: skip


def _interval(estimate: float, se: float, draws: Draws, level: float) -> tuple[float, float, list[tuple[float, float]]]:
    """The hull of the confidence set, and its parts."""
    parts = [(float(estimate - high * se), float(estimate - low * se)) for low, high in confidence_set(draws, level)]
    return min(low for low, _ in parts), max(high for _, high in parts), sorted(parts)


def _shape(parts: list[tuple[float, float]], count: int) -> list[tuple[str, str]]:
    """Warnings of a confidence set that is no bounded interval."""
    told = []
    if len(parts) > 1:
        listed = ", ".join(f"[{low:.4g}, {high:.4g}]" for low, high in parts)
        told.append((f"The confidence set falls into parts, {listed}; the interval covers all of them.", f"신뢰집합이 {listed}(으)로 나뉘어 있어 전체를 덮는 구간을 제시한다."))
    if np.isinf([parts[0][0], parts[-1][1]]).any():
        told.append((
            f"The confidence set has no bound: too few of the {count:,} draws differ from the data to reject effects however large.",
            f"추출 {count:,}개 가운데 자료와 다른 것이 너무 적어 아무리 큰 효과도 기각할 수 없으므로 신뢰집합에 경계가 없다.",
        ))  # fmt: skip
    return told


def _few(given: Regression, group: np.ndarray, by_cluster: bool) -> list[tuple[str, str]]:
    """Warnings of few clusters on one side, where the test hardly ever rejects (MacKinnon and Webb 2017)."""
    rows = given.treated(given.contrast)
    count = len(np.unique(given.cluster[rows]))
    treated_units = np.unique(given.unit[rows])
    against = len(np.unique(given.cluster[~np.isin(given.unit, treated_units)]))
    told = []
    if by_cluster and count < FEW_TREATED:
        told.append((
            f"Only {count} clusters are treated: the wild cluster bootstrap hardly ever rejects then, and its interval is too wide. Compare with randomisation, ferman-pinto or subcluster.",
            f"참여 군집이 {count}개뿐이면 와일드 군집 부트스트랩은 귀무가설을 거의 기각하지 않고 신뢰구간이 지나치게 넓다. randomisation, ferman-pinto 또는 subcluster와 비교하여야 한다.",
        ))  # fmt: skip
    elif by_cluster and 0 < against < FEW_TREATED:
        told.append((
            f"Only {against} clusters have units to compare with: the wild cluster bootstrap is unreliable then. Compare with randomisation.",
            f"비교할 단위가 있는 군집이 {against}개뿐이면 와일드 군집 부트스트랩을 믿기 어렵다. randomisation과 비교하여야 한다.",
        ))  # fmt: skip
    elif not by_cluster:
        few = "" if count >= FEW_TREATED else "A single cluster is treated. " if count == 1 else f"Only {count} clusters are treated. "
        little = f"참여 군집이 {count}개뿐이다. " if count < FEW_TREATED else ""
        told.append((
            f"{few}The subcluster bootstrap takes what it draws as independent within clusters, and holds well only where clusters are of like size and variance.",
            f"{little}하위군집 부트스트랩은 군집 안에서 추출 단위가 서로 독립이라고 보며, 군집의 크기와 분산이 비슷할 때에만 잘 맞는다.",
        ))  # fmt: skip
    return told
