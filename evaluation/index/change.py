"""Why a unit's total and rank changed between two years: an exact split into marks, scheme and other units.

A coalition of players says what is taken from the year after, everything else from the year before; the index is scored
anew for every coalition, and each player gets the mean of what it adds over all orders of joining (its Shapley value).
The parts add up to the whole change, and no player's part depends on the order in which players are listed.

Sources: Shapley (1953), "A value for n-person games", Contributions to the Theory of Games II; Shorrocks (2013),
"Decomposition procedures for distributional analysis: a unified framework based on the Shapley value", Journal of
Economic Inequality 11.
"""

from math import factorial

import numpy as np
import pandas as pd

from evaluation.errors import UserError
from evaluation.index.rules import UNIT
from evaluation.index.scales import AGGREGATIONS
from evaluation.index.tree import combine, leaf_values, node_score, rank, units_of

SCHEME, OTHERS = "scheme", "others"
PART_COLUMNS = [UNIT, "part", "total_change", "rank_change"]
UNIT_COLUMNS = [UNIT, "total_before", "total_after", "total_change", "rank_before", "rank_after", "rank_change"]
MOST_PLAYERS = 14  # 16,384 coalitions
CELLS = 1_000_000  # marks scored at a time


def decompose(before: tuple[dict, pd.DataFrame], after: tuple[dict, pd.DataFrame]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Split the change of total and rank of every unit that is in both years.

    Players are the unit's marks in each component (part of the root) that both schemes have by the same id; `scheme`:
    all that differs between the schemes (weights, rules, components of one scheme only, rule for ties), for all units
    alike; and, for ranks, `others`: the other units' marks, and which units there are.

    Marks are component scores, normalised within their own year's data. A component is no player of its own, and its
    change counts under `scheme`, where one year's scheme cannot score the other year's data (an indicator that is not
    there, marks outside the scale, marks missing or too low for the root). A unit of one year only keeps its
    published total under the other year's scheme where that cannot score it in full.

    Args:
        before, after: (scheme of `evaluation.index.scheme.complete` or `complete_tree`, long table as for
            `evaluation.index.tree.leaf_values`).

    Returns:
        parts: a row per unit and player: `unit`, `part` (component id in the order of the scheme after, then `scheme`,
            `others`), `total_change` (points; 0 for `others`), `rank_change` (places, below 0: it rises; fractions are
            means over orders). They add to the changes in `units`.
        units: a row per unit of both years: `unit`, `total_before`, `total_after`, `total_change` (points),
            `rank_before`, `rank_after` (among all units of that year, by its scheme's rule for ties), `rank_change`.
        With components c, arithmetic roots and equal schemes, c's part of the total is w_c (after_c - before_c) / 100.

    Raises:
        UserError: a year that its own scheme cannot score; more than MOST_PLAYERS players; a component called as another
            player; a unit that has marks in each year but none in some mixture of the two.
    """
    schemes, tables = zip(before, after, strict=True)
    units = [units_of(table) for table in tables]
    both = units[0].intersection(units[1]).sort_values()
    # marks[s, d]: component -> score of the units of year d under scheme s.
    marks = {(year, year): {part["id"]: _marks(part, tables[year]) for part in schemes[year]["root"]["parts"]} for year in (0, 1)}
    players = _add_crossed(marks, schemes, tables, units, both)
    printed = [_root_score(schemes[year], marks[year, year], units[year]) for year in (0, 1)]
    pools = {(year, data): _pool(year, data, schemes, marks, players, units, printed) for year in (0, 1) for data in (0, 1)}
    blocks = max(1, len(both) * 2 ** len(players) * (len(players) + 1) // CELLS)
    split = [_split(block, schemes, marks, players, units, pools) for block in np.array_split(both, blocks) if len(block)]
    total, place = (np.concatenate([part[number] for part in split], axis=1) if split else np.zeros((len(players) + 2, 0)) for number in (0, 1))
    parts = pd.DataFrame(
        {UNIT: np.repeat(both, len(players) + 2), "part": [*players, SCHEME, OTHERS] * len(both), "total_change": total.T.ravel(), "rank_change": place.T.ravel()}
    )
    whole = {UNIT: both}
    for name, year in (("before", 0), ("after", 1)):
        at = units[year].get_indexer(both)
        whole[f"total_{name}"], whole[f"rank_{name}"] = printed[year][at], rank(printed[year], schemes[year]["ties"]["rule"])[at]
    changes = {f"{name}_change": whole[f"{name}_after"] - whole[f"{name}_before"] for name in ("total", "rank")}
    return parts[PART_COLUMNS], pd.DataFrame(whole | changes)[UNIT_COLUMNS]


def shapley(values: np.ndarray) -> np.ndarray:
    """The Shapley value of every player of a game.

    Args:
        values: shape (2**players, …): the worth of each coalition; bit i of a row's number says whether player i is in it.

    Returns:
        shape (players, …), adding over players to values[-1] - values[0].

    Source: Shapley (1953).
    """
    players = len(values).bit_length() - 1
    coalitions = np.arange(len(values))
    sizes = sum((coalitions >> player) & 1 for player in range(players)) if players else coalitions
    shares = np.array([factorial(size) * factorial(players - size - 1) / factorial(players) for size in range(players)])
    out = np.zeros((players, *values.shape[1:]))
    for player in range(players):
        without = coalitions[(coalitions >> player) & 1 == 0]
        out[player] = np.tensordot(shares[sizes[without]], values[without | 1 << player] - values[without], axes=1)
    return out


def _marks(part: dict, data: pd.DataFrame) -> np.ndarray:
    """Scores of one component, shape (units of the data,)."""
    alone = {"root": part}
    return combine(alone, leaf_values(alone, data), units_of(data))[part["id"]]


def _add_crossed(marks: dict, schemes: tuple, tables: tuple, units: list[pd.Index], both: pd.Index) -> list[str]:
    """The components that are players, after adding to `marks` what each scheme makes of the other year's data."""
    marks[0, 1], marks[1, 0] = {}, {}
    players = []
    by_id = [{part["id"]: part for part in scheme["root"]["parts"]} for scheme in schemes]
    for name in (name for name in by_id[1] if name in by_id[0]):
        if name in (SCHEME, OTHERS):
            raise UserError(
                f"A component is called `{name}`, which is the name of another part of the change. Give it another id in both schemes.",
                f"구성요소 `{name}`의 이름이 변동 요인의 이름과 같습니다. 두 평가체계에서 다른 id를 쓰십시오.",
            )
        try:
            crossed = {(year, 1 - year): _marks(by_id[year][name], tables[1 - year]) for year in (0, 1)}
        except UserError:
            continue
        if all(_takes(schemes[year], crossed[year, data][None, units[data].get_indexer(both)], alone=True).all() for year, data in crossed):
            players.append(name)
            for key, scores in crossed.items():
                marks[key][name] = scores
    if len(players) + 2 > MOST_PLAYERS:
        raise UserError(
            f"The change has {len(players)} components to be split into; up to {MOST_PLAYERS - 2} can be. Group components under a common part in the schemes.",
            f"변동을 나눌 구성요소가 {len(players)}개입니다. {MOST_PLAYERS - 2}개까지 나눌 수 있습니다. 평가체계에서 구성요소를 상위 항목으로 묶으십시오.",
        )
    return players


def _takes(scheme: dict, parts: np.ndarray, alone: bool = False) -> np.ndarray:
    """Which units the root can score from parts of shape (parts, units); `alone`: there will be other parts beside these."""
    root, absent = scheme["root"], np.isnan(parts)
    refused = absent if root["missing"]["rule"] == "refuse" else np.zeros_like(absent)
    if AGGREGATIONS[root["aggregate"]["rule"]][1]:
        refused = refused | (np.where(absent & (root["missing"]["rule"] == "reweight"), 1.0, np.nan_to_num(parts)) <= 0)
    return ~refused.any(axis=0) & (alone | ~absent.all(axis=0))


def _root_score(scheme: dict, parts: dict[str, np.ndarray], units: pd.Index) -> np.ndarray:
    """Totals from component -> shape (…, units)."""
    root = scheme["root"]
    stacked = np.stack(np.broadcast_arrays(*(parts[part["id"]] for part in root["parts"])))
    with np.errstate(invalid="ignore", divide="ignore"):
        totals = node_score(root, stacked, np.array([part["weight"] / 100 for part in root["parts"]]), units)
    without = np.isnan(totals).reshape(-1, len(units)).any(axis=0)
    if without.any():
        unit = units[without][0]
        raise UserError(
            f"{unit} has no total: the components it has marks in have no weight. Add marks, or give the components weight.",
            f"{unit}의 종합점수를 산출할 수 없습니다. 점수가 있는 구성요소의 가중치가 0입니다. 점수를 추가하거나 가중치를 주십시오.",
        )
    return totals


def _pool(year: int, data: int, schemes: tuple, marks: dict, players: list[str], units: list[pd.Index], printed: list[np.ndarray]) -> np.ndarray:
    """Totals of the units of year `data`, all marks of that year, under the scheme of `year`: whom a unit is ranked against."""
    if year == data:
        return printed[year]
    at = units[year].get_indexer(units[data])
    parts = {part["id"]: marks[year, data].get(part["id"], np.where(at < 0, np.nan, marks[year, year][part["id"]][at])) for part in schemes[year]["root"]["parts"]}
    known = (at >= 0) | (len(parts) == len(players))
    scored = known & _takes(schemes[year], np.stack(list(parts.values())))
    out = printed[data].copy()
    if scored.any():
        out[scored] = _root_score(schemes[year], {name: scores[scored] for name, scores in parts.items()}, units[data][scored])
    return out


def _split(block: pd.Index, schemes: tuple, marks: dict, players: list[str], units: list[pd.Index], pools: dict) -> tuple[np.ndarray, np.ndarray]:
    """Shapley values of total and rank, each of shape (players + 2, units of the block); players, then scheme, then others."""
    at = [units[year].get_indexer(block) for year in (0, 1)]
    later = (np.arange(2 ** len(players))[:, None] >> np.arange(len(players))) & 1 == 1  # (coalitions, players)
    totals = []
    for year in (0, 1):
        parts = {part["id"]: marks[year, year][part["id"]][at[year]][None] for part in schemes[year]["root"]["parts"]}
        for number, name in enumerate(players):
            parts[name] = np.where(later[:, [number]], marks[year, 1][name][at[1]], marks[year, 0][name][at[0]])
        _refuse_empty(parts, block)
        # Without a player there is one coalition of marks; parts may all be of shape (1, units).
        totals.append(np.broadcast_to(_root_score(schemes[year], parts, block), (len(later), len(block))))
    own = np.concatenate(totals)  # the scheme is the bit after the players'
    ranks = np.empty((2, *own.shape))  # and the others the bit after that
    for number in range(len(block)):
        for others in (0, 1):
            left = [np.delete(pools[year, others], at[others][number]) for year in (0, 1)]
            ranks[others, :, number] = np.concatenate([_place(totals[year][:, number], left[year], schemes[year]["ties"]["rule"]) for year in (0, 1)])
    of_total = shapley(own)
    return np.vstack([of_total, np.zeros((1, len(block)))]), shapley(ranks.reshape(-1, len(block)))


def _refuse_empty(parts: dict[str, np.ndarray], block: pd.Index) -> None:
    empty = np.logical_and.reduce([np.isnan(scores) for scores in np.broadcast_arrays(*parts.values())]).any(axis=0)
    if empty.any():
        unit = block[empty][0]
        raise UserError(
            f"The change of {unit} cannot be split: it has no component with marks in both years. Add marks, or leave the unit out of one of the years.",
            f"{unit}의 변동을 나눌 수 없습니다. 두 해 모두 점수가 있는 구성요소가 없습니다. 점수를 추가하거나 한 해의 자료에서 이 단위를 빼십시오.",
        )


def _place(totals: np.ndarray, others: np.ndarray, ties: str) -> np.ndarray:
    """The rank that each total would have among the others; as `evaluation.index.tree.rank` of them all together."""
    totals, others = np.round(totals, 9), np.round(others, 9)
    ahead = np.unique(others) if ties == "dense" else np.sort(others)
    return 1 + len(ahead) - np.searchsorted(ahead, totals, side="left" if ties == "max" else "right")
