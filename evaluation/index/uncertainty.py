"""How far the ranking depends on who happened to evaluate and to answer: a bootstrap.

Evaluators are drawn with replacement, the same draw for every mark they gave, because a severe
evaluator is severe throughout; they are drawn within the committees they sit on, so that no committee
is left empty. Respondents are drawn with replacement within each headquarters, the same draw for every
part of the survey.
Mini clusters and indicators are not drawn: they are all there is, not a sample.
Source: Efron (1979), "Bootstrap methods: another look at the jackknife", Annals of Statistics 7.
"""

import numpy as np
import pandas as pd

from evaluation.index.rules import (
    COMMITTEE,
    UNIT,
    marked_by,
    marks_for,
    respondent_means,
    to_hundred,
    unconflicted,
    values_of,
)
from evaluation.index.scheme import TOTAL, WITHOUT_WEIGHTS, leaves, walk
from evaluation.index.score import HQ, long_table
from evaluation.index.sensitivity import draw_weights
from evaluation.index.tree import combine, grades, rank, units_of

# Normalisations that tell nothing where all units are equal.
RELATIVE = ("min_max", "z")


def bootstrap_totals(scheme: dict, tables: dict[str, pd.DataFrame], draws: int, seed: int) -> pd.DataFrame:
    """Draws of the total of every headquarters: `draw_totals` on the tables that the scheme names.

    Args:
        scheme, tables: as for `evaluation.index.score.score`.
    """
    return draw_totals(scheme, long_table(scheme, tables), draws, seed)


def draw_totals(scheme: dict, data: pd.DataFrame, draws: int, seed: int, concentration: float | None = None) -> pd.DataFrame:
    """Draws of the total of every unit, over evaluators and respondents, and with a concentration over weights too.

    A draw in which a unit is left without any mark (all evaluators without a conflict of interest happen not to be
    drawn) is thrown away.

    Args:
        scheme: of `evaluation.index.scheme.complete_tree`; data: long table, as for `evaluation.index.tree.leaf_values`.
        draws: how many; seed: of the random numbers, so that a report can be repeated.
        concentration: of the Dirichlet distribution around the scheme's weights at every node whose weights count
            (`evaluation.index.sensitivity.draw_weights`); None leaves weights as they are.

    Returns:
        frame of shape (up to draws, units), columns sorted by name.
    """
    rng = np.random.default_rng(seed)
    units = units_of(data)
    drawn, lost = draw_values(scheme, data, draws, rng)
    whole = ~np.any(list(lost.values()), axis=0)
    weights = None if concentration is None else draw_node_weights(scheme, concentration, draws, rng)
    if weights is not None:
        weights = {node: values[:, whole] for node, values in weights.items()}
    totals = combine(scheme, {name: values[whole] for name, values in drawn.items()}, units, weights)[TOTAL]
    return pd.DataFrame(totals, columns=units)


def draw_values(scheme: dict, data: pd.DataFrame, draws: int, rng: np.random.Generator, relative: bool = False) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Draws of the value of each unit in each leaf; leaves that rest on no evaluator and no respondent stay as they are.

    Args:
        relative: whether every leaf may come to be normalised against the other units.

    Returns:
        leaf id -> values, shape (draws, units), units in the order of `evaluation.index.tree.units_of`; and leaf id -> the
        draws that cannot be scored there (a unit lost all its marks; all units are equal where they are normalised against each
        other), shape (draws,).
    """
    units = units_of(data)
    scored = [leaf for leaf, _ in leaves(scheme["root"])]
    rows = {leaf["id"]: unconflicted(data[data["indicator"] == leaf["indicator"]]) for leaf in scored}
    evaluators = _evaluators(scored, rows, rng, draws)
    respondents = _respondents(scored, rows, rng, draws)
    drawn, lost = {}, {}
    for leaf in scored:
        fixed = values_of(rows[leaf["id"]], leaf, units)
        if leaf["rule"] in COMMITTEE:
            values = _committee(rows[leaf["id"]], leaf, evaluators)
        elif leaf["rule"] == "likert":
            values = _survey(rows[leaf["id"]], leaf, respondents)
        else:
            values = pd.DataFrame(np.tile(fixed, (draws, 1)), columns=units)
        drawn[leaf["id"]] = values.reindex(columns=units).to_numpy()
        # A unit that has no value at all is the scheme's business; one that lost its marks in a draw spoils the draw.
        lost[leaf["id"]] = np.isnan(drawn[leaf["id"]][:, ~np.isnan(fixed)]).any(axis=1)
        if leaf["normalise"]["method"] in RELATIVE or relative:
            # So does one in which all units happen to be equal: nothing is left to tell them apart by.
            lost[leaf["id"]] |= np.ptp(drawn[leaf["id"]][:, ~np.isnan(fixed)], axis=1) == 0
    return drawn, lost


def draw_node_weights(scheme: dict, concentration: float, draws: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Weights of the parts of every node with more than one whose weights count: node id -> shape (parts, draws, 1), adding to 1."""
    out = {}
    for node in walk(scheme["root"]):
        if len(node.get("parts", ())) > 1 and node["aggregate"]["rule"] not in WITHOUT_WEIGHTS:
            own = pd.Series({part["id"]: part["weight"] for part in node["parts"]})
            out[node["id"]] = draw_weights(own, concentration, draws, int(rng.integers(2**32))).T[:, :, None] / 100
    return out


def grade_shares(drawn: pd.DataFrame, scheme: dict) -> pd.DataFrame:
    """The share of draws in which each unit reaches each grade: index units, columns grades, best first; the rest reaches none."""
    bands = [band["grade"] for band in scheme["grades"]]
    # Draws below the last band reach no grade; they are draws all the same.
    given = {unit: pd.Series(grades(drawn[unit].to_numpy(), scheme)).value_counts() / len(drawn) for unit in drawn}
    return pd.DataFrame(given).T.reindex(columns=bands).fillna(0.0)


def intervals(drawn: pd.DataFrame, scheme: dict, level: float = 0.90) -> pd.DataFrame:
    """Percentile intervals of total and rank, and the share of draws in which each is first.

    Returns:
        one row per headquarters: `total_lower`, `total_upper`, `rank_lower`, `rank_upper`, `first`.
    """
    tail = [(1 - level) / 2, (1 + level) / 2]
    ranks = pd.DataFrame(rank(drawn, scheme["ties"]["rule"]), columns=drawn.columns)
    total_lower, total_upper = drawn.quantile(tail).to_numpy()
    # A rank is a whole number: take draws that occurred, not a point between two of them.
    rank_lower = ranks.quantile(tail[0], interpolation="lower").to_numpy().astype(int)
    rank_upper = ranks.quantile(tail[1], interpolation="higher").to_numpy().astype(int)
    return pd.DataFrame(
        {
            HQ: drawn.columns,
            "total_lower": total_lower,
            "total_upper": total_upper,
            "rank_lower": rank_lower,
            "rank_upper": rank_upper,
            "first": (ranks == 1).mean().to_numpy(),
        }
    )


def _evaluators(scored: list[dict], rows: dict[str, pd.DataFrame], rng: np.random.Generator, draws: int) -> pd.DataFrame:
    """How often each evaluator is in each draw, shape (evaluators, draws); drawn among those with the same committees."""
    committees = {}
    for number, leaf in enumerate(scored):
        if leaf["rule"] in COMMITTEE:
            for name in rows[leaf["id"]].dropna(subset="value")["evaluator"].unique():
                committees.setdefault(name, []).append(number)
    strata = pd.Series({name: str(seats) for name, seats in committees.items()}, dtype="object").sort_index()
    return _draw_within(strata, rng, draws)


def _respondents(scored: list[dict], rows: dict[str, pd.DataFrame], rng: np.random.Generator, draws: int) -> pd.DataFrame:
    """How often each respondent is in each draw, shape (respondents, draws), index unit and respondent."""
    answered = [rows[leaf["id"]].dropna(subset="value")[[UNIT, "respondent"]] for leaf in scored if leaf["rule"] == "likert"]
    if not answered:
        return pd.DataFrame()
    people = pd.MultiIndex.from_frame(pd.concat(answered).drop_duplicates().sort_values([UNIT, "respondent"]))
    return _draw_within(pd.Series(people.get_level_values(UNIT), index=people), rng, draws)


def _draw_within(strata: pd.Series, rng: np.random.Generator, draws: int) -> pd.DataFrame:
    drawn = []
    for _, members in strata.groupby(strata, sort=True):
        n = len(members)
        drawn.append(pd.DataFrame(rng.multinomial(n, np.full(n, 1 / n), size=draws).T, index=members.index))
    return pd.concat(drawn) if drawn else pd.DataFrame()


def _committee(rows: pd.DataFrame, leaf: dict, drawn: pd.DataFrame) -> pd.DataFrame:
    wide = marks_for(rows, leaf).pivot_table(index=marked_by(rows), columns="evaluator", values="value")
    counts = drawn.loc[wide.columns]
    means = _trimmed(wide, counts, leaf.get("trim", 1)) if leaf["rule"] == "trimmed_mean" else _weighted_means(wide, counts)
    # An item none of whose evaluators was drawn is left out of that draw's mean over items.
    return to_hundred(means.groupby(UNIT).mean().T, leaf)


def _survey(rows: pd.DataFrame, leaf: dict, drawn: pd.DataFrame) -> pd.DataFrame:
    columns = {}
    for name, group in respondent_means(rows).groupby(UNIT):
        people = group.droplevel(UNIT)
        # A respondent who stands for more counts for more, as often as drawn.
        times = drawn.loc[name].loc[people.index].mul(people["weight"], axis=0)
        columns[name] = _weighted_means(people[["value"]].T, times).iloc[0]
    return to_hundred(pd.DataFrame(columns), leaf)


def _trimmed(values: pd.DataFrame, counts: pd.DataFrame, trim: int) -> pd.DataFrame:
    """As `_weighted_means`, without the `trim` highest and lowest marks drawn; missing where none is left."""
    order = np.argsort(values.fillna(np.inf).to_numpy(), axis=1)
    marks = np.take_along_axis(values.to_numpy(), order, axis=1)
    out = np.empty((len(values), counts.shape[1]))
    for row, (places, own) in enumerate(zip(order, marks, strict=True)):
        times = counts.to_numpy()[places] * ~np.isnan(own)[:, None]
        upto = times.cumsum(axis=0)
        # Of each mark, how many of its copies lie between the lowest and the highest that are left out.
        kept = np.clip(np.minimum(upto, upto[-1] - trim) - np.maximum(upto - times, trim), 0, None)
        with np.errstate(invalid="ignore"):
            out[row] = (kept * np.nan_to_num(own)[:, None]).sum(axis=0) / np.where(kept.sum(axis=0) > 0, kept.sum(axis=0), np.nan)
    return pd.DataFrame(out, index=values.index)


def _weighted_means(values: pd.DataFrame, counts: pd.DataFrame) -> pd.DataFrame:
    """Means over the drawn columns of each row: (rows, columns) by (columns, draws) to (rows, draws); missing where none is drawn."""
    given = values.notna().to_numpy().astype(float)
    times = given @ counts.to_numpy()
    with np.errstate(invalid="ignore"):
        means = np.where(times > 0, (values.fillna(0.0).to_numpy() @ counts.to_numpy()) / times, np.nan)
    return pd.DataFrame(means, index=values.index)
