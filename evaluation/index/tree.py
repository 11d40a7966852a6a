"""Scores of every node of a scheme for every unit of a long table: the engine behind any index.

    rows -> a value per leaf and unit (`rules`) -> comparable values (`scales.normalise`)
         -> from the leaves up, one score per node (`scales.aggregate`) -> ranks and grades
"""

import numpy as np
import pandas as pd

from evaluation.errors import UserError
from evaluation.index.rules import UNIT, values_of
from evaluation.index.scales import AGGREGATIONS, aggregate, normalise
from evaluation.index.scheme import HIGHER, LOWER, TOTAL, leaves, walk

SCORE_COLUMNS = [UNIT, "node", "score", "rank", "grade"]


def units_of(data: pd.DataFrame) -> pd.Index:
    """The units of a long table, sorted."""
    return pd.Index(sorted(data[UNIT].unique()), name=UNIT)


def leaf_values(scheme: dict, data: pd.DataFrame) -> dict[str, np.ndarray]:
    """The value of each unit in each leaf, before normalisation; missing where a unit has none.

    Args:
        scheme: of `evaluation.index.scheme.complete_tree`.
        data: long table with `unit`, `indicator`, `value` and what the rules need; index as in the file.

    Returns:
        leaf id -> shape (units,), units in the order of `units_of`.

    Raises:
        UserError: an indicator without data, and what the rules refuse.
    """
    units = units_of(data)
    out = {}
    for leaf, _ in leaves(scheme["root"]):
        rows = data[data["indicator"] == leaf["indicator"]]
        if rows["value"].notna().sum() == 0:
            raise UserError(
                f"`{leaf['id']}`: the data have no value of the indicator {leaf['indicator']!r}. Add it, or mend the name in the scheme.",
                f"`{leaf['id']}`: 자료에 지표 {leaf['indicator']!r}의 값이 없습니다. 자료를 추가하거나 평가체계의 이름을 고치십시오.",
            )
        out[leaf["id"]] = values_of(rows, leaf, units)
    return out


def combine(scheme: dict, values: dict[str, np.ndarray], units: pd.Index, weights: dict[str, np.ndarray] | None = None) -> dict[str, np.ndarray]:
    """Scores of all nodes from the values of the leaves.

    Args:
        values: leaf id -> shape (…, units), the same for all; axes before the last are draws.
        weights: node id -> weights of its parts in place of the scheme's, shape (parts,) or (parts, draws, 1), adding to 1.

    Returns:
        node id -> shape (…, units), `total` for the whole.

    Raises:
        UserError: a unit without a value where the scheme refuses that, or without any; a normalisation that cannot tell
            units apart; values that are not above 0 under a geometric, harmonic or generalised mean.
    """
    scores: dict[str, np.ndarray] = {}
    for node in walk(scheme["root"]):
        if "parts" not in node:
            scores[node["id"]] = _leaf_score(node, values[node["id"]], units)
            continue
        parts = np.stack([scores[part["id"]] for part in node["parts"]])
        shares = np.array([part["weight"] / 100 for part in node["parts"]]) if weights is None or node["id"] not in weights else weights[node["id"]]
        scores[node["id"]] = node_score(node, parts, shares, units)
    return scores


def score_tree(scheme: dict, data: pd.DataFrame) -> pd.DataFrame:
    """Score, rank and grade of every unit at every node.

    Args:
        scheme: of `evaluation.index.scheme.complete_tree`; data: as for `leaf_values`.

    Returns:
        SCORE_COLUMNS, nodes from the leaves up, `total` last; rank 1 for the highest score; grade only of the total,
        where the scheme has bands, and missing elsewhere.
    """
    units = units_of(data)
    scores = combine(scheme, leaf_values(scheme, data), units)
    rows = []
    for node in walk(scheme["root"]):
        own = scores[node["id"]]
        scored = ~np.isnan(own)  # a part may lack a unit that the whole makes up for
        ranks = np.full(len(units), np.nan)
        ranks[scored] = rank(own[scored], scheme["ties"]["rule"])
        given = grades(own, scheme) if node["id"] == TOTAL else [None] * len(units)
        rows += [(unit, node["id"], float(score), rank, grade) for unit, score, rank, grade in zip(units, own, ranks, given, strict=True)]
    if not np.isfinite(scores[TOTAL]).all():
        unit = units[~np.isfinite(scores[TOTAL])][0]
        raise UserError(f"The total of {unit} is no finite number; look at its values and at the aggregation.", f"{unit}의 총점이 유한한 수가 아닙니다. 값과 합산 방법을 확인하십시오.")
    return pd.DataFrame(rows, columns=SCORE_COLUMNS).astype({"rank": "Int64"})


def rank(totals: pd.Series | np.ndarray, ties: str = "min") -> np.ndarray:
    """Rank 1 for the highest total; equal totals share a rank by the scheme's rule for ties.

    Args:
        totals: shape (headquarters,), or (draws, headquarters) to rank within each draw.
    """
    # Sums of the same numbers in another order differ in the last bits; that is no difference in rank.
    largest = np.nanmax(np.abs(totals), initial=0.0)
    # Nine decimals of a score to 100; of smaller totals as many digits.
    rounded = pd.DataFrame(np.atleast_2d(totals) / (largest if 0 < largest < 1 else 1.0)).round(9)
    ranks = rounded.rank(axis=1, ascending=False, method=ties).to_numpy().astype(int)
    return ranks[0] if np.ndim(totals) == 1 else ranks


def grades(totals: np.ndarray, scheme: dict) -> list[str | None]:
    """The band of each total; None where the scheme has no bands, or the total lies below the last."""
    rounded = np.round(totals, 9)  # a total that is a bound but for the last bits has reached it
    return [next((band["grade"] for band in scheme["grades"] if value >= band["lower"]), None) for value in rounded]


def _leaf_score(leaf: dict, values: np.ndarray, units: pd.Index) -> np.ndarray:
    given = ~np.isnan(values)
    # A rule that reads the direction itself (target / actual) has turned the value round already.
    direction = HIGHER if leaf["rule"] == "achievement_ratio" else leaf["direction"]
    if leaf["normalise"].get("log") and (values[given] <= 0).any():
        unit = units[np.argwhere(given & (values <= 0))[0][-1]]
        raise UserError(f"`{leaf['id']}`: {unit} has a value of 0 or less, which has no logarithm.", f"`{leaf['id']}`: {unit}의 값이 0 이하여서 로그를 취할 수 없습니다.")
    out = normalise(values, leaf["normalise"], direction)
    if leaf["normalise"]["method"] == "distance_to_target" and direction == LOWER:
        low = leaf["normalise"].get("lower", 0.0)
        if (values[given] <= low).any():
            unit = units[np.argwhere(given & (values <= low))[0][-1]]
            raise UserError(
                f"`{leaf['id']}`: {unit} has a value of {low:g} or less, to which no distance target / value can be told. Use another normalisation.",
                f"`{leaf['id']}`: {unit}의 값이 {low:g} 이하여서 목표/값을 계산할 수 없습니다. 다른 정규화 방법을 쓰십시오.",
            )
    if (np.isnan(out) & given).any():
        method = leaf["normalise"]["method"]
        raise UserError(
            f"`{leaf['id']}`: {method} cannot tell the units apart, since all have the same value. Leave the indicator out, or use another normalisation.",
            f"`{leaf['id']}`: 모든 단위의 값이 같아 {method}(으)로 정규화할 수 없습니다. 지표를 빼거나 다른 정규화 방법을 쓰십시오.",
        )
    return out


def node_score(node: dict, parts: np.ndarray, shares: np.ndarray, units: pd.Index) -> np.ndarray:
    """The score of one node from its parts' scores, by its rules for missing parts and for aggregation.

    Args:
        parts: shape (parts, …, units); shares: as `weights` of `evaluation.index.scales.aggregate`.

    Returns:
        shape (…, units); missing where a unit has no part and the rule leaves that to the parent.
    """
    rule = node["aggregate"]["rule"]
    absent = np.isnan(parts)
    if absent.any():
        empty = absent.all(axis=0)
        if empty.any() and (node["missing"]["rule"] == "refuse" or node["id"] == TOTAL):
            raise _no_value(node, units[np.argwhere(empty)[0][-1]], "")
        if node["missing"]["rule"] == "refuse":
            part, *_, unit = np.argwhere(absent)[0]
            raise _no_value(node, units[unit], node["parts"][part]["id"])
        if node["missing"]["rule"] == "zero":
            parts = np.where(absent, 0.0, parts)
        else:
            shares = shares.reshape((-1,) + (1,) * (parts.ndim - 1)) if shares.ndim == 1 else shares
            left = np.where(absent, 0.0, shares)
            weightless = (left.sum(axis=0) <= 0) & ~empty
            if weightless.any():
                unit = units[np.argwhere(np.broadcast_to(weightless, parts.shape[1:]))[0][-1]]
                raise UserError(
                    f"No score for {unit}: in `{node['id']}` it has values only in parts of weight 0.", f"{unit}의 점수를 산출할 수 없습니다. `{node['id']}`에서 가중치가 0인 항목에만 값이 있습니다."
                )
            # Where nothing is there the node is missing too, and its own parent's rule decides.
            shares = left / np.where(left.sum(axis=0) > 0, left.sum(axis=0), np.nan)
            # Any value does where the weight is 0, as long as it breaks no aggregation.
            parts = np.where(absent, np.nanmax(parts), parts)
    counting = np.broadcast_to(np.reshape(shares, np.shape(shares) + (1,) * (parts.ndim - np.ndim(shares))), parts.shape) != 0
    if AGGREGATIONS[rule][1] and ((parts <= 0) & counting).any():
        part, *_, unit = np.argwhere((parts <= 0) & counting)[0]
        value = parts[(parts <= 0) & counting][0]
        raise UserError(
            f"`{node['id']}` is aggregated by the {rule} mean, but {units[unit]} has {value:g} in `{node['parts'][part]['id']}`; it needs values above 0. "
            "Use another normalisation or aggregation.",
            f"`{node['id']}` 항목은 {rule} 평균으로 합치는데 {units[unit]}의 `{node['parts'][part]['id']}` 값이 {value:g}입니다. 0보다 큰 값이 필요합니다. "
            "정규화나 합산 방법을 바꾸십시오.",
        )
    if AGGREGATIONS[rule][1]:
        parts = np.where(counting, parts, 1.0)  # a part of weight 0 has no say, whatever its value
    return aggregate(parts, shares, rule, node["aggregate"].get("exponent", 1.0))


def _no_value(node: dict, unit: str, part: str) -> UserError:
    if not part:
        return UserError(f"No score for {unit}: it has no value in any part of `{node['id']}`.", f"{unit}의 점수를 산출할 수 없습니다. `{node['id']}`의 모든 항목에 값이 없습니다.")
    return UserError(
        f"No score for {unit}: it has no value in `{part}` of `{node['id']}`. Add it, or say `missing: reweight` (or zero) there in the scheme.",
        f"{unit}의 점수를 산출할 수 없습니다. `{node['id']}`의 `{part}` 값이 없습니다. 값을 추가하거나 평가체계에 `missing: reweight`(또는 zero)를 쓰십시오.",
    )
