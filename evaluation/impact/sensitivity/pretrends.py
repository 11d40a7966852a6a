"""What a test of trends before treatment could have found, and what passing it does to the estimates after.

The usual pre-test is passed where no coefficient before treatment is significant by itself. For a violation that grows by a slope each
period: how often the test finds it, how far it would bias each effect, and what the estimates would be on average among those event
studies that pass. Source: Roth (2022), "Pretest with caution: event-study estimates after testing for parallel trends", American
Economic Review: Insights 4(3): propositions 1 to 3; the authors' R package pretrends reports the same.

The chance that all coefficients lie within their limits is an integral over the unit cube (Genz 1992), a dimension lower: by Gauss-Legendre
quadrature up to three coefficients, beyond by a fixed quasi-random sample. Both give the same number in every run, right to about 1e-6
unless coefficients are nearly collinear. Moments of the truncated normal are those of Tallis (1961), from the same integrals.
"""

from collections.abc import Iterable
from functools import cache

import numpy as np
from scipy import optimize, special, stats

from evaluation.errors import UserError
from evaluation.impact.result import Result
from evaluation.impact.sensitivity.honest import checked, usable

# Nodes in each dimension, by the number of dimensions; points where these are too many.
NODES = {1: 200, 2: 200}
POINTS = 2**17
POWERS = (0.5, 0.8)


def pretrends(betas: Iterable[float], vcov: np.ndarray, pre: int, times: Iterable[int] | None = None, level: float = 0.95) -> dict:
    """Power of the pre-test against linear violations of parallel trends, and what they would do.

    Args:
        betas, vcov, pre: as `honest` takes them.
        times: event times of the coefficients, in order; None: -(pre + 1) to -2, then from 0 on. The reference is -1, or the one whole
            number between the last time before and the first after it.
        level: 1 less the size of each test.

    Returns:
        `slope50`, `slope80`: slopes (per period) that the pre-test finds half and four fifths of the time, missing where chance alone does;
        `power50`, `power80`: how often, as computed; `wald_slope50`, `wald_slope80`: slopes that the joint (Wald) test finds as often;
        `bias50`, `bias80`: the violation at each time after the reference, under `slope50`, `slope80`;
        `mean50`, `mean80`: mean of each estimate after the reference, among event studies that pass, were there no effect;
        `bayes_factor50`, ...: chance to pass under that slope over that under parallel trends; `likelihood_ratio50`, ...: the same of the
        coefficients before treatment as they are; `size`: chance that the pre-test rejects parallel trends; `passed`, `significant`
        (how many coefficients), `wald`, `wald_df`, `wald_p`: the pre-tests themselves; `times`: those after the reference.

    Raises:
        UserError: see `honest.checked`; times that do not fit.
    """
    b, v, _ = checked(betas, vcov, pre, None)
    if not 0 < level < 1:
        raise UserError(f"level is {level}; give a share between 0 and 1, such as 0.95.", f"level 값이 {level}입니다. 0.95처럼 0과 1 사이의 값을 주십시오.")
    distance, after = _since_reference(times, pre, len(b))
    critical = float(special.ndtri((1 + level) / 2))
    front = v[:pre, :pre]
    size = power(front, np.zeros(pre), critical)
    t = b[:pre] / np.sqrt(np.diag(front))
    wald = float(b[:pre] @ np.linalg.solve(front, b[:pre]))
    out: dict = {}
    for target in POWERS:
        name = f"{100 * target:.0f}"
        slope = slope_for_power(front, distance[:pre], target, critical)
        violation = slope * distance
        found = np.isfinite(slope)
        out[f"slope{name}"] = slope
        out[f"power{name}"] = power(front, violation[:pre], critical) if found else np.nan
        out[f"wald_slope{name}"] = wald_slope(front, distance[:pre], target, level)
        out[f"bias{name}"] = violation[pre:].tolist()
        out[f"mean{name}"] = mean_if_passed(v, violation, pre, critical)[pre:].tolist() if found else [np.nan] * (len(b) - pre)
        out[f"bayes_factor{name}"] = (1 - out[f"power{name}"]) / (1 - size)
        out[f"likelihood_ratio{name}"] = likelihood_ratio(b[:pre], front, violation[:pre])
    return out | {
        "size": size, "passed": bool((np.abs(t) <= critical).all()), "significant": int((np.abs(t) > critical).sum()),
        "wald": wald, "wald_df": int(pre), "wald_p": float(stats.chi2.sf(wald, pre)), "times": after,
    }  # fmt: skip


def pretrends_of(result: Result, level: float = 0.95) -> dict:
    """`pretrends` of an estimator's event study; UserError for those that `honest.usable` refuses."""
    betas, vcov, pre, after, _ = usable(result)
    before = sorted(int(time) for time in result.event.loc[~result.event["reference"], "event_time"])[:pre]
    reference = int(result.event.loc[result.event["reference"], "event_time"].iloc[0])
    return pretrends(betas, vcov, pre, [time - reference - 1 for time in [*before, *after]], level) | {"times": after}


def _since_reference(times: Iterable[int] | None, pre: int, k: int) -> tuple[np.ndarray, list[int]]:
    """Distance of each coefficient to the reference in periods, shape (k,), and the times after it."""
    if times is None:
        given = np.concatenate([np.arange(-pre - 1, -1), np.arange(k - pre)]).astype(float)
    else:
        given = np.asarray(list(times), dtype=float)
        if len(given) != k or not np.isfinite(given).all() or (given % 1 != 0).any() or (np.diff(given) <= 0).any():
            raise UserError(f"times must be {k} whole numbers in increasing order, one per coefficient.", f"times는 계수마다 하나씩, 커지는 순서의 정수 {k}개여야 합니다.")
    last, first = given[pre - 1], given[pre]
    if last < -1 < first:
        reference = -1.0
    elif first - last == 2:
        reference = last + 1
    else:
        raise UserError(
            f"The reference period is not clear: it must lie between {last:g} and {first:g}, be -1 or the only whole number there, and have no coefficient.",
            f"기준 시점을 알 수 없습니다. {last:g}와(과) {first:g} 사이에 있고, -1이거나 그 사이의 유일한 정수여야 하며, 계수가 없어야 합니다.",
        )
    return given - reference, [int(time) for time in given[pre:]]


def power(vcov: np.ndarray, violation: np.ndarray, critical: float) -> float:
    """Chance that some coefficient is significant by itself, where their means are `violation`; vcov and it of shape (pre, pre), (pre,)."""
    edge = critical * np.sqrt(np.diag(vcov))
    return 1 - within(-edge - violation, edge - violation, vcov)


def slope_for_power(vcov: np.ndarray, distance: np.ndarray, target: float, critical: float) -> float:
    """The slope that the pre-test finds with the power `target`; missing where it rejects parallel trends as often."""

    def short(slope: float) -> float:
        return power(vcov, slope * distance, critical) - target

    if short(0.0) >= 0:
        return np.nan
    high = float((np.sqrt(np.diag(vcov)) / np.abs(distance)).min())
    while short(high) < 0:
        high *= 2
    return float(optimize.brentq(short, 0.0, high, xtol=1e-14 * high, rtol=1e-12))


def wald_slope(vcov: np.ndarray, distance: np.ndarray, target: float, level: float) -> float:
    """The slope that the Wald test of no difference in any period before treatment finds with the power `target`; missing where chance does."""
    pre = len(distance)
    if target <= 1 - level:
        return np.nan
    critical = stats.chi2.ppf(level, pre)
    high = 1.0
    while stats.ncx2.sf(critical, pre, high) < target:
        high *= 2
    noncentral = optimize.brentq(lambda value: stats.ncx2.sf(critical, pre, value) - target, 0.0, high, xtol=1e-12)
    return float(np.sqrt(noncentral / (distance @ np.linalg.solve(vcov, distance))))


def mean_if_passed(vcov: np.ndarray, violation: np.ndarray, pre: int, critical: float) -> np.ndarray:
    """Mean of all coefficients given that none before treatment is significant, where their means are `violation`, shape (k,)."""
    front = vcov[:pre, :pre]
    sd = np.sqrt(np.diag(front))
    passed = 1 - power(front, violation[:pre], critical)
    # Density of each coefficient at its lower less its upper limit, times the chance that the others pass, given it.
    pull = np.zeros(pre)
    for j in range(pre):
        others = np.arange(pre) != j
        along = front[others, j] / front[j, j]
        rest = front[np.ix_(others, others)] - np.outer(along, front[j, others])
        edge = critical * sd[others]
        for sign, limit in ((1, -critical * sd[j]), (-1, critical * sd[j])):
            middle = violation[:pre][others] + along * (limit - violation[j])
            pull[j] += sign * np.exp(-0.5 * ((limit - violation[j]) / sd[j]) ** 2) / (np.sqrt(2 * np.pi) * sd[j]) * within(-edge - middle, edge - middle, rest)
    return violation + vcov[:, :pre] @ pull / passed


def likelihood_ratio(betas: np.ndarray, vcov: np.ndarray, violation: np.ndarray) -> float:
    """Likelihood of the coefficients before treatment under the violation, over that under parallel trends."""
    return float(np.exp(np.linalg.solve(vcov, violation) @ (betas - violation / 2)))


@cache
def _rule(dimensions: int) -> tuple[np.ndarray, np.ndarray]:
    """Points of the unit cube, shape (points, dimensions), and their weights."""
    if dimensions in NODES:
        nodes, weights = np.polynomial.legendre.leggauss(NODES[dimensions])
        grid = np.meshgrid(*[(nodes + 1) / 2] * dimensions, indexing="ij")
        mass = np.meshgrid(*[weights / 2] * dimensions, indexing="ij")
        return np.column_stack([axis.ravel() for axis in grid]), np.prod([axis.ravel() for axis in mass], axis=0)
    return stats.qmc.Sobol(dimensions, rng=0).random(POINTS), np.full(POINTS, 1 / POINTS)


def within(lower: np.ndarray, upper: np.ndarray, vcov: np.ndarray) -> float:
    """Chance that N(0, vcov) lies between `lower` and `upper`, both of shape (k,)."""
    k = len(lower)
    if k == 0:
        return 1.0
    sd = np.sqrt(np.diag(vcov))
    # The most confined coefficient first makes the integrand smoother.
    order = np.argsort(special.ndtr(upper / sd) - special.ndtr(lower / sd))
    root = np.linalg.cholesky(vcov[np.ix_(order, order)])
    low, high = lower[order], upper[order]
    start, stop = special.ndtr(low[0] / root[0, 0]), special.ndtr(high[0] / root[0, 0])
    if k == 1:
        return float(stop - start)
    points, weights = _rule(k - 1)
    product, drawn = np.full(len(points), stop - start), np.zeros((len(points), k - 1))
    for i in range(1, k):
        inner = np.clip(start + points[:, i - 1] * (stop - start), 1e-300, 1 - 1e-16)
        drawn[:, i - 1] = special.ndtri(inner)
        shift = drawn[:, :i] @ root[i, :i]
        start, stop = special.ndtr((low[i] - shift) / root[i, i]), special.ndtr((high[i] - shift) / root[i, i])
        product = product * (stop - start)
    return float(weights @ product)
