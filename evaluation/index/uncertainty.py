"""How far the ranking depends on who happened to evaluate and to answer: a bootstrap.

Evaluators are drawn with replacement, the same draw for every mark they gave, because a severe
evaluator is severe throughout; respondents are drawn with replacement within each headquarters.
Mini clusters and indicators are not drawn: they are all there is, not a sample.
Source: Efron (1979), "Bootstrap methods: another look at the jackknife", Annals of Statistics 7.
"""

import numpy as np
import pandas as pd

from evaluation.index.scheme import leaves
from evaluation.index.score import HQ, RULES, rank, select


def bootstrap_totals(scheme: dict, tables: dict[str, pd.DataFrame], draws: int, seed: int) -> pd.DataFrame:
    """Draws of the total of every headquarters.

    Args:
        scheme, tables: as for `evaluation.index.score.score`.
        draws: how many; seed: of the random numbers, so that a report can be repeated.

    Returns:
        frame of shape (draws, headquarters), columns sorted by name; totals on 0..100.
    """
    rng = np.random.default_rng(seed)
    evaluators = _evaluators(scheme, tables)
    counts = rng.multinomial(len(evaluators), np.full(len(evaluators), 1 / len(evaluators)), size=draws)
    out = 0.0
    for component in scheme["components"]:
        for leaf, share in leaves(component, component["weight"] / 100):
            rows = select(leaf, tables)
            if leaf["rule"] == "committee_mean":
                drawn = _committee(rows, leaf, evaluators, counts)
            elif leaf["rule"] == "likert":
                drawn = _respondents(rows, leaf, rng, draws)
            else:
                fixed = RULES[leaf["rule"]](rows, leaf)
                drawn = pd.DataFrame(np.tile(fixed, (draws, 1)), columns=fixed.index)
            out = out + share * drawn
    return out


def intervals(drawn: pd.DataFrame, scheme: dict, level: float = 0.90) -> pd.DataFrame:
    """Percentile intervals of total and rank, and the share of draws in which each is first.

    Returns:
        one row per headquarters: `total_lower`, `total_upper`, `rank_lower`, `rank_upper`, `first`.
    """
    tail = [(1 - level) / 2, (1 + level) / 2]
    ranks = (-drawn).rank(axis=1, method=scheme["ties"]["rule"])
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


def _evaluators(scheme: dict, tables: dict[str, pd.DataFrame]) -> list[str]:
    names = set()
    for component in scheme["components"]:
        for leaf, _ in leaves(component):
            if leaf["rule"] == "committee_mean":
                names |= set(select(leaf, tables)["evaluator"])
    return sorted(names)


def _committee(marks: pd.DataFrame, leaf: dict, evaluators: list[str], counts: np.ndarray) -> pd.DataFrame:
    by = [HQ, leaf["unit"]] if "unit" in leaf else [HQ]
    wide = marks.pivot_table(index=by, columns="evaluator", values="mark").reindex(columns=evaluators)
    values = wide.fillna(0.0).to_numpy()
    given = wide.notna().to_numpy().astype(float)
    times = given @ counts.T
    with np.errstate(invalid="ignore"):
        drawn = np.where(times > 0, (values @ counts.T) / times, np.nan)
    # A unit none of whose evaluators was drawn is left out of that draw's mean over units.
    per_headquarters = pd.DataFrame(drawn, index=wide.index).groupby(HQ).mean().T
    return 100 * (per_headquarters - leaf["scale"]["lower"]) / (leaf["scale"]["upper"] - leaf["scale"]["lower"])


def _respondents(responses: pd.DataFrame, leaf: dict, rng: np.random.Generator, draws: int) -> pd.DataFrame:
    scale = leaf["scale"]
    columns = {}
    for name, group in responses.groupby(HQ):
        means = group.groupby("respondent")["response"].mean().dropna().to_numpy()
        counts = rng.multinomial(len(means), np.full(len(means), 1 / len(means)), size=draws)
        columns[name] = 100 * (counts @ means / len(means) - scale["lower"]) / (scale["upper"] - scale["lower"])
    return pd.DataFrame(columns)
