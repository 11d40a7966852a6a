"""Least squares with unit and time effects, in closed form, with clustered errors: what several estimators stand on.

On a balanced panel the within transformation is x - unit mean - time mean + mean. On any other, unit effects are taken out by
means and the time effects by the normal equations of what is left of their dummies, one small system: exact, with no iterations.
Source: Wooldridge (2021), "Two-way fixed effects, the two-way Mundlak regression, and difference-in-differences estimators",
section 2; Frisch and Waugh (1933), Econometrica 1.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.linalg import solve_triangular
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from evaluation.errors import UserError

COLLINEAR = 1e-13  # of a sum of squares


@dataclass(frozen=True)
class Fit:
    """`coefficients` and `vcov` of the regressors, by name; `residuals`, shape (rows,); `scores` of each cluster, shape
    (clusters, regressors); `bread`, the inverse of X'WX; `clusters` how many; `factor` that CR1 multiplies the variance by."""

    coefficients: pd.Series
    vcov: pd.DataFrame
    residuals: np.ndarray
    scores: np.ndarray
    bread: np.ndarray
    clusters: int
    factor: float

    @property
    def scaled(self) -> np.ndarray:
        """What each cluster adds to each coefficient, with the small-sample factor, shape (clusters, regressors): vcov = scaled' scaled.

        The error of a sum of coefficients is best had from these: rounding in the covariance is that of squares, and its root far larger.
        """
        return np.sqrt(self.factor) * self.scores @ self.bread


def demean(columns: np.ndarray, unit: np.ndarray, time: np.ndarray, weight: np.ndarray | None = None) -> np.ndarray:
    """Columns without their unit and time effects.

    Args:
        columns: shape (rows, k); unit, time: integer codes from 0, shape (rows,); weight: shape (rows,), or None.

    Returns:
        residuals of the (weighted) regression of each column on unit and time dummies, shape (rows, k).
    """
    n_units, n_times = unit.max() + 1, time.max() + 1
    if weight is None and len(unit) == n_units * n_times and _is_sorted(unit, time, n_times):
        # Rows by unit, then by time: means are means over the sides of a table, one column at a time to stay in the cache.
        out = np.empty(columns.shape)
        for number, column in enumerate(columns.T):
            table = column.reshape(n_units, n_times)
            of_unit = table.mean(axis=1)
            out[:, number] = (table - of_unit[:, None] - (table.mean(axis=0) - of_unit.mean())).ravel()
        return out
    first, second = (unit, time) if n_units >= n_times else (time, unit)
    w = np.ones(len(unit)) if weight is None else weight
    n_first, n_second = first.max() + 1, second.max() + 1
    total = np.bincount(first, w, n_first)
    out = np.empty_like(columns, dtype=float)
    # Weight of each pair, small enough for a dense table: units by periods.
    pairs = np.bincount(first * n_second + second, w, n_first * n_second).reshape(n_first, n_second)
    shares = pairs / total[:, None]
    normal = np.diag(np.bincount(second, w, n_second)) - pairs.T @ shares
    # One period too many by construction; what rounding leaves of it must not be inverted.
    inverse = np.linalg.pinv(normal, rcond=1e-10, hermitian=True)
    for number, column in enumerate(columns.T):
        weighted = w * column
        mean = np.bincount(first, weighted, n_first) / total
        effect = inverse @ (np.bincount(second, weighted, n_second) - pairs.T @ mean)
        own = mean - shares @ effect
        out[:, number] = column - own[first] - effect[second]
    return out


def _is_sorted(unit: np.ndarray, time: np.ndarray, n_times: int) -> bool:
    return bool((unit == np.repeat(np.arange(len(unit) // n_times), n_times)).all() and (time.reshape(-1, n_times) == np.arange(n_times)).all())


def fit(y: np.ndarray, regressors: pd.DataFrame, unit: np.ndarray, time: np.ndarray, cluster: np.ndarray, weight: np.ndarray | None = None) -> Fit:
    """Weighted least squares with unit and time effects; CR1 errors by cluster.

    The factor is G / (G - 1) (N - 1) / (N - K), K the regressors and the time effects; unit effects are not counted where units
    lie within clusters (fixest's and reghdfe's convention). linearmodels counts them too, so that its errors are larger.

    Args:
        regressors: shape (rows, k); cluster: integer codes from 0.

    Raises:
        UserError: a regressor that unit and time effects and the others already hold; a single cluster; as many coefficients, unit and
            time effects among them, as rows.
    """
    refuse_single(cluster)
    columns = np.column_stack([y, regressors.to_numpy(dtype=float)])
    size = (columns[:, 1:] ** 2).sum(axis=0)
    columns = demean(columns, unit, time, weight)
    y, x = columns[:, 0], columns[:, 1:]
    weighted = x if weight is None else x * weight[:, None]
    gram = weighted.T @ x
    held = held_by_others(gram, size if weight is None else size * weight.mean())
    if held is not None:
        # A level that is large beside its changes (a price index, a date) must not hide them.
        held = held_by_others(gram, _size_within(regressors.to_numpy(dtype=float), unit, np.ones(len(unit)) if weight is None else weight))
    if held is not None:
        name = str(regressors.columns[held]).removeprefix("x_")
        raise UserError(
            f"{name} is collinear with the unit and time effects or with other regressors. Leave it out.",
            f"{name}은(는) 단위·시점 고정효과나 다른 변수와 완전한 공선성이 있습니다. 빼십시오.",
        )
    _refuse_saturated(unit, time, x.shape[1])
    bread = np.linalg.inv(gram)
    coefficients = bread @ (weighted.T @ y)
    residuals = y - x @ coefficients
    groups = cluster.max() + 1
    scores = np.column_stack([np.bincount(cluster, weighted[:, column] * residuals, groups) for column in range(x.shape[1])])
    n, k = len(y), x.shape[1] + time.max() + 1
    nested = cluster is unit or len(np.unique(unit.astype(np.int64) * (groups + 1) + cluster)) == unit.max() + 1
    k += 0 if nested else unit.max()
    factor = groups / (groups - 1) * (n - 1) / (n - k)
    own = scores @ bread
    names = list(regressors.columns)
    return Fit(pd.Series(coefficients, names), pd.DataFrame(own.T @ own * factor, names, names), residuals, scores, bread, groups, factor)


def _size_within(x: np.ndarray, unit: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Sums of squares of the columns less their units' means, and no less than what rounding leaves of what never changes."""
    mean = np.column_stack([np.bincount(unit, weight * column) for column in x.T]) / np.bincount(unit, weight)[:, None]
    return size_beyond_rounding(x, x - mean[unit], weight)


def size_beyond_rounding(columns: np.ndarray, centred: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Weighted sums of squares of `centred` for `held_by_others`, at least so large that what rounding leaves of `columns` is held."""
    return np.maximum(weight @ centred**2, COLLINEAR * (weight @ columns**2))


def _refuse_saturated(unit: np.ndarray, time: np.ndarray, regressors: int) -> None:
    n = len(unit)
    # No more effects than codes: where that is few enough, there is nothing to count.
    if n > regressors + int(unit.max()) + int(time.max()) + 1:
        return
    units, times = len(np.unique(unit)), len(np.unique(time))
    effects = units + times - 1
    if n <= regressors + effects:
        # Parts of the panel that share no period have one coefficient fewer each.
        pairs = coo_array((np.ones(n), (unit, time + unit.max() + 1)), shape=(unit.max() + time.max() + 2,) * 2)
        parts = connected_components(pairs, directed=False, return_labels=True)[1]
        effects = units + times - len(np.unique(parts[unit]))
    if n <= regressors + effects:
        raise no_freedom(n, regressors + effects)


def no_freedom(rows: int, coefficients: int) -> UserError:
    """The refusal of a regression that fits every row."""
    return UserError(
        f"No residual degrees of freedom: {rows} rows, {coefficients} coefficients with all effects of units (or cohorts) and periods. Leave out covariates, or use cs or bjs.",
        f"잔차 자유도가 없습니다. 자료는 {rows}행인데 계수는 단위(또는 집단)·시점 효과를 포함하여 {coefficients}개입니다. 공변량을 줄이거나 cs 또는 bjs를 쓰십시오.",
    )


def refuse_single(cluster: np.ndarray) -> None:
    """Refuse rows that lie in one cluster, of which nothing is independent.

    Args:
        cluster: of the rows (or units) that count, codes.

    Raises:
        UserError: one value only.
    """
    if cluster.min() == cluster.max():
        raise UserError("The rows that count lie in a single cluster: standard errors need at least two.", "추정에 쓰는 행이 하나의 군집에만 있습니다. 표준오차를 계산하려면 군집이 둘 이상이어야 합니다.")


def cluster_of_units(data: pd.DataFrame, column: str) -> np.ndarray:
    """Cluster code of each unit, from 0, shape (units,), by unit.

    Raises:
        UserError: a unit in more than one cluster; a single cluster.
    """
    if column != "unit" and (data.groupby("unit")[column].nunique() > 1).any():
        raise UserError(
            "Units move between clusters. Here a unit must stay in one; twfe, sa and etwfe can cluster across units.",
            "군집을 옮긴 단위가 있습니다. 이 추정방법에서는 단위가 하나의 군집에 속해야 합니다. twfe, sa, etwfe는 이런 군집도 쓸 수 있습니다.",
        )
    cluster = codes(data.loc[~data["unit"].duplicated(), column])
    refuse_single(cluster)
    return cluster


def held_by_others(gram: np.ndarray, size: np.ndarray) -> int | None:
    """The first regressor of which nothing is left once those before it are taken out, by Cholesky's steps; None where all count."""
    lower = np.zeros_like(gram)
    for j in range(len(gram)):
        lower[j, :j] = solve_triangular(lower[:j, :j], gram[:j, j], lower=True) if j else 0.0
        rest = gram[j, j] - lower[j, :j] @ lower[j, :j]
        if not rest > COLLINEAR * size[j]:
            return j
        lower[j, j] = np.sqrt(rest)
    return None


def codes(values: pd.Series) -> np.ndarray:
    """Integer codes from 0 in sorted order."""
    given = values.to_numpy()
    if given.dtype.kind == "i" and len(given):
        low, high = int(given.min()), int(given.max())
        if high - low <= len(given):
            # Whole numbers close together are counted, not sorted.
            there = np.bincount(given - low) > 0
            return (np.cumsum(there) - 1)[given - low]
    return np.unique(given, return_inverse=True)[1]
