"""From raw indicator values to comparable ones (normalisation), and from parts to a whole (aggregation).

Everything works on arrays whose last axis are the units; any axes before it are draws, each treated on its own.
Sources: OECD and JRC (2008), Handbook on Constructing Composite Indicators, step 5 (normalisation) and step 6
(weighting and aggregation); UNDP, Human Development Report, technical note 1 (goalposts, geometric mean).
"""

from collections.abc import Callable

import numpy as np
from scipy.stats import rankdata

from evaluation.index.scheme import HIGHER


def min_max(values: np.ndarray, how: dict) -> np.ndarray:
    """`lower` (0) for the lowest unit, `upper` (100) for the highest; missing where all units are equal."""
    low, high = np.nanmin(values, axis=-1, keepdims=True), np.nanmax(values, axis=-1, keepdims=True)
    bottom, top = how.get("lower", 0), how.get("upper", 100)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(high > low, bottom + (top - bottom) * (values - low) / (high - low), np.nan)


def goalposts(values: np.ndarray, how: dict) -> np.ndarray:
    """0 at the lower goalpost, 100 at the upper one, cut off there; with `log`, of logarithms."""
    low, high = float(how["lower"]), float(how["upper"])
    if how.get("log"):
        with np.errstate(invalid="ignore", divide="ignore"):
            values, low, high = np.log(values), np.log(low), np.log(high)
    shares = (values - low) / (high - low)
    return 100 * np.clip(shares, 0, 1) if how.get("cut", True) else 100 * shares


def z_score(values: np.ndarray, how: dict) -> np.ndarray:
    """Standard deviations from the mean of the units (n - 1 in the denominator), carried to `mean` and `sd` (0 and 1)."""
    centre = np.nanmean(values, axis=-1, keepdims=True)
    n = np.sum(~np.isnan(values), axis=-1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        spread = np.sqrt(np.nansum((values - centre) ** 2, axis=-1, keepdims=True) / (n - 1))
        return how.get("mean", 0.0) + how.get("sd", 1.0) * np.where(spread > 0, (values - centre) / spread, np.nan)


def rank_score(values: np.ndarray, how: dict) -> np.ndarray:
    """1 for the lowest unit, n for the highest; equal units share the mean of their ranks."""
    return rankdata(values, axis=-1, nan_policy="omit")


def percentile(values: np.ndarray, how: dict) -> np.ndarray:
    """100 (rank - 1) / (n - 1): 0 for the lowest unit, 100 for the highest."""
    n = np.sum(~np.isnan(values), axis=-1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        return 100 * (rank_score(values, how) - 1) / (n - 1)


def distance_to_target(values: np.ndarray, how: dict) -> np.ndarray:
    """100 at the target, 0 at `lower` (0 where it is not given), beyond it more than 100 unless `cap` says otherwise."""
    low = float(how.get("lower", 0.0))
    share = 100 * (values - low) / (float(how["target"]) - low)
    return np.minimum(share, how["cap"]) if "cap" in how else share


def none(values: np.ndarray, how: dict) -> np.ndarray:
    """As they are."""
    return values


NORMALISATIONS: dict[str, Callable] = {
    "none": none, "min_max": min_max, "goalposts": goalposts, "z": z_score, "rank": rank_score, "percentile": percentile,
    "distance_to_target": distance_to_target,
}  # fmt: skip


def normalise(values: np.ndarray, how: dict, direction: str = HIGHER) -> np.ndarray:
    """Carry values to the scale of a method.

    Args:
        values: shape (…, units); missing values stay missing and count for nothing.
        how: `method`, one of NORMALISATIONS, and what it needs.
        direction: `lower` where less is better. Goalposts are turned round (0 at the upper one); the distance to a
            target is target / value; other methods take the negative value.
    """
    method = how["method"]
    function = NORMALISATIONS[method]
    if direction == HIGHER:
        return function(values, how)
    if method == "goalposts":
        return 100 - function(values, how)
    if method == "distance_to_target":
        low = float(how.get("lower", 0.0))
        with np.errstate(divide="ignore", invalid="ignore"):
            share = 100 * (float(how["target"]) - low) / (values - low)
        return np.minimum(share, how["cap"]) if "cap" in how else share
    return function(-values, how)


def arithmetic(parts: np.ndarray, weights: np.ndarray, exponent: float) -> np.ndarray:
    """Weighted arithmetic mean: a weak part can be made up for by any other."""
    return (parts * weights).sum(axis=0)


def geometric(parts: np.ndarray, weights: np.ndarray, exponent: float) -> np.ndarray:
    """Weighted geometric mean, for parts above 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.exp((np.log(parts) * weights).sum(axis=0))


def harmonic(parts: np.ndarray, weights: np.ndarray, exponent: float) -> np.ndarray:
    """Weighted harmonic mean, for parts above 0."""
    return generalised(parts, weights, -1.0)


def generalised(parts: np.ndarray, weights: np.ndarray, exponent: float) -> np.ndarray:
    """Weighted generalised (power) mean with an exponent other than 0, for parts above 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        # Of parts as shares of the largest, or of the smallest for negative exponents: powers of large numbers overflow.
        unit = parts.max(axis=0) if exponent > 0 else parts.min(axis=0)
        return unit * ((parts / unit) ** exponent * weights).sum(axis=0) ** (1 / exponent)


def minimum(parts: np.ndarray, weights: np.ndarray, exponent: float) -> np.ndarray:
    """The weakest part decides; parts without weight do not count."""
    return np.where(weights > 0, parts, np.inf).min(axis=0)


def total(parts: np.ndarray, weights: np.ndarray, exponent: float) -> np.ndarray:
    """The plain sum of the parts, as where points are added up; weights do not count."""
    return parts.sum(axis=0)


# rule -> function, and whether it takes only parts above 0
AGGREGATIONS: dict[str, tuple[Callable, bool]] = {
    "arithmetic": (arithmetic, False),
    "geometric": (geometric, True),
    "harmonic": (harmonic, True),
    "generalised": (generalised, True),
    "minimum": (minimum, False),
    "sum": (total, False),
}


def aggregate(parts: np.ndarray, weights: np.ndarray, rule: str, exponent: float = 1.0) -> np.ndarray:
    """Parts to a whole.

    Args:
        parts: shape (parts, …, units); a missing part leaves its unit missing.
        weights: shape (parts,), or one that broadcasts to `parts`, such as (parts, draws, 1); they add to 1 over parts.
        rule: one of AGGREGATIONS; exponent: of the generalised mean.

    Returns:
        shape (…, units).
    """
    if weights.ndim == 1:
        weights = weights.reshape((-1,) + (1,) * (parts.ndim - 1))
    return AGGREGATIONS[rule][0](parts, weights, exponent)
