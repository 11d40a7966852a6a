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

from evaluation.index.scheme import leaves
from evaluation.index.score import HQ, RULES, rank, select, to_hundred


def bootstrap_totals(scheme: dict, tables: dict[str, pd.DataFrame], draws: int, seed: int) -> pd.DataFrame:
    """Draws of the total of every headquarters.

    A draw in which a headquarters is left without any mark (all evaluators without a conflict of interest
    happen not to be drawn) is thrown away.

    Args:
        scheme, tables: as for `evaluation.index.score.score`.
        draws: how many; seed: of the random numbers, so that a report can be repeated.

    Returns:
        frame of shape (up to draws, headquarters), columns sorted by name; totals on 0..100.
    """
    rng = np.random.default_rng(seed)
    weighted = [pair for component in scheme["components"] for pair in leaves(component, component["weight"] / 100)]
    evaluators = _evaluators([leaf for leaf, _ in weighted], tables, rng, draws)
    respondents = _respondents([leaf for leaf, _ in weighted], tables, rng, draws)
    out = 0.0
    for leaf, share in weighted:
        rows = select(leaf, tables)
        if leaf["rule"] == "committee_mean":
            drawn = _committee(rows, leaf, evaluators)
        elif leaf["rule"] == "likert":
            drawn = _survey(rows, leaf, respondents)
        else:
            fixed = RULES[leaf["rule"]](rows, leaf)
            drawn = pd.DataFrame(np.tile(fixed, (draws, 1)), columns=fixed.index)
        out = out + share * drawn
    return out.dropna(ignore_index=True)


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


def _evaluators(leaves: list[dict], tables: dict[str, pd.DataFrame], rng: np.random.Generator, draws: int) -> pd.DataFrame:
    """How often each evaluator is in each draw, shape (evaluators, draws); drawn among those with the same committees."""
    committees = {}
    for number, leaf in enumerate(leaves):
        if leaf["rule"] == "committee_mean":
            for name in select(leaf, tables).dropna(subset="mark")["evaluator"].unique():
                committees.setdefault(name, []).append(number)
    strata = pd.Series({name: str(seats) for name, seats in committees.items()}, dtype="object").sort_index()
    return _draw_within(strata, rng, draws)


def _respondents(leaves: list[dict], tables: dict[str, pd.DataFrame], rng: np.random.Generator, draws: int) -> pd.DataFrame:
    """How often each respondent is in each draw, shape (respondents, draws), index headquarters and respondent."""
    answered = [select(leaf, tables).dropna(subset="response")[[HQ, "respondent"]] for leaf in leaves if leaf["rule"] == "likert"]
    if not answered:
        return pd.DataFrame()
    people = pd.MultiIndex.from_frame(pd.concat(answered).drop_duplicates().sort_values([HQ, "respondent"]))
    return _draw_within(pd.Series(people.get_level_values(HQ), index=people), rng, draws)


def _draw_within(strata: pd.Series, rng: np.random.Generator, draws: int) -> pd.DataFrame:
    drawn = []
    for _, members in strata.groupby(strata, sort=True):
        n = len(members)
        drawn.append(pd.DataFrame(rng.multinomial(n, np.full(n, 1 / n), size=draws).T, index=members.index))
    return pd.concat(drawn) if drawn else pd.DataFrame()


def _committee(marks: pd.DataFrame, leaf: dict, drawn: pd.DataFrame) -> pd.DataFrame:
    by = [HQ, leaf["unit"]] if "unit" in leaf else [HQ]
    wide = marks.pivot_table(index=by, columns="evaluator", values="mark")
    means = _weighted_means(wide, drawn.loc[wide.columns])
    # A unit none of whose evaluators was drawn is left out of that draw's mean over units.
    return to_hundred(means.groupby(HQ).mean().T, leaf["scale"])


def _survey(responses: pd.DataFrame, leaf: dict, drawn: pd.DataFrame) -> pd.DataFrame:
    columns = {}
    for name, group in responses.groupby(HQ):
        means = group.groupby("respondent")["response"].mean().dropna().to_frame().T
        columns[name] = _weighted_means(means, drawn.loc[name].loc[means.columns]).iloc[0]
    return to_hundred(pd.DataFrame(columns), leaf["scale"])


def _weighted_means(values: pd.DataFrame, counts: pd.DataFrame) -> pd.DataFrame:
    """Means over the drawn columns of each row: (rows, columns) by (columns, draws) to (rows, draws); missing where none is drawn."""
    given = values.notna().to_numpy().astype(float)
    times = given @ counts.to_numpy()
    with np.errstate(invalid="ignore"):
        means = np.where(times > 0, (values.fillna(0.0).to_numpy() @ counts.to_numpy()) / times, np.nan)
    return pd.DataFrame(means, index=values.index)
