"""From marks to component scores, the weighted total, the rank and each component's contribution.

Source: the 2010 index of the pan-regional headquarters (programme book of November 2010, 3.2(6)).
Every score lies on 0..100; the total is the weighted arithmetic mean of the component scores.
"""

import numpy as np
import pandas as pd

from evaluation.errors import UserError
from evaluation.index.scheme import leaves

HQ = "headquarters"


def committee_mean(marks: pd.DataFrame, leaf: dict) -> pd.Series:
    """Mean mark over evaluators per unit (mini cluster or indicator), then over units.

    Args:
        marks: one row per headquarters, unit and evaluator; `mark` in the leaf's scale, missing where
            an evaluator gave none (a conflict of interest).
        leaf: the scheme's leaf; `unit` names the column of the unit, absent where marks are given to
            the headquarters itself.

    Returns:
        score per headquarters, 0..100.
    """
    _within(marks, "mark", leaf)
    by = [HQ, leaf["unit"]] if "unit" in leaf else [HQ]
    per_unit = marks.groupby(by)["mark"].mean()
    return to_hundred(per_unit.groupby(HQ).mean(), leaf["scale"])


def achievement_ratio(indicators: pd.DataFrame, leaf: dict) -> pd.Series:
    """Mean over indicators of actual / target in per cent, each capped at the leaf's cap."""
    zero = indicators["target"] <= 0
    if zero.any():
        row = indicators[zero].iloc[0]
        raise UserError(
            f"{leaf['table']}: {row[HQ]}, {row['indicator']} has the target {row['target']:g}; an achievement ratio needs a target above 0.",
            f"{leaf['table']}: {row[HQ]}의 {row['indicator']} 목표가 {row['target']:g}입니다. 달성률을 계산하려면 목표가 0보다 커야 합니다.",
        )
    ratio = (100 * indicators["actual"] / indicators["target"]).clip(lower=0, upper=leaf["cap"]["value"])
    return ratio.groupby(indicators[HQ]).mean()


def likert(responses: pd.DataFrame, leaf: dict) -> pd.Series:
    """Answers carried to 0..100, mean over a respondent's items, then over respondents."""
    _within(responses, "response", leaf)
    per_respondent = responses.groupby([HQ, "respondent"])["response"].mean()
    return to_hundred(per_respondent.groupby(HQ).mean(), leaf["scale"])


RULES = {"committee_mean": committee_mean, "achievement_ratio": achievement_ratio, "likert": likert}


def with_headquarters(tables: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """The tables with the headquarters of its mini cluster beside every committee mark."""
    owner = tables["mini_clusters"][["mc_id", HQ]]
    return tables | {"mc_marks": tables["mc_marks"].merge(owner, on="mc_id", validate="many_to_one")}


def select(leaf: dict, tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """The rows of a leaf's table that its `where` keeps."""
    rows = tables[leaf["table"]]
    for column, value in leaf.get("where", {}).items():
        rows = rows[rows[column] == value]
    return rows


def score(scheme: dict, tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Score every headquarters on every component.

    Args:
        scheme: a complete scheme (`evaluation.index.scheme.complete`).
        tables: the tables that the scheme's leaves name, each with a column `headquarters`.

    Returns:
        one row per headquarters and component, in the scheme's order: `headquarters`, `component`,
        `score` (0..100), `weight` (per cent), `contribution` (points of the total, weight * score / 100).

    Raises:
        UserError: a headquarters without data in a leaf; a target that is not above 0.
    """
    scored = [
        (component, [(leaf, share, RULES[leaf["rule"]](select(leaf, tables), leaf)) for leaf, share in leaves(component)])
        for component in scheme["components"]
    ]
    headquarters = sorted({name for _, parts in scored for _, _, scores in parts for name in scores.index})
    rows = []
    for component, parts in scored:
        total = pd.Series(0.0, index=pd.Index(headquarters, name=HQ))
        for leaf, share, scores in parts:
            scores = scores.reindex(headquarters)
            if scores.isna().any():
                raise _no_data(scores, leaf)
            total += share * scores
        rows.append(
            pd.DataFrame(
                {HQ: headquarters, "component": component["id"], "score": total.to_numpy(), "weight": component["weight"]}
            )
        )
    out = pd.concat(rows, ignore_index=True)
    out["contribution"] = out["weight"] * out["score"] / 100
    return out


def rank(totals: pd.Series | np.ndarray, ties: str = "min") -> np.ndarray:
    """Rank 1 for the highest total; equal totals share a rank by the scheme's rule for ties.

    Args:
        totals: shape (headquarters,), or (draws, headquarters) to rank within each draw.
    """
    # Sums of the same numbers in another order differ in the last bits; that is no difference in rank.
    rounded = pd.DataFrame(np.atleast_2d(totals)).round(9)
    ranks = rounded.rank(axis=1, ascending=False, method=ties).to_numpy().astype(int)
    return ranks[0] if np.ndim(totals) == 1 else ranks


def totals(components: pd.DataFrame, scheme: dict) -> pd.DataFrame:
    """`headquarters`, `total` (0..100) and `rank`, best first."""
    out = components.groupby(HQ, as_index=False)["contribution"].sum().rename(columns={"contribution": "total"})
    out["rank"] = rank(out["total"], scheme["ties"]["rule"])
    return out.sort_values(["rank", HQ], ignore_index=True)


def to_hundred(value: pd.Series, scale: dict) -> pd.Series:
    """A value in a leaf's scale carried to 0..100."""
    return 100 * (value - scale["lower"]) / (scale["upper"] - scale["lower"])


def _within(rows: pd.DataFrame, column: str, leaf: dict) -> None:
    """UserError where a mark lies outside the leaf's scale: the score would leave 0..100."""
    scale = leaf["scale"]
    outside = rows[(rows[column] < scale["lower"]) | (rows[column] > scale["upper"])]
    if not outside.empty:
        row = outside.iloc[0]
        told = f"{row[HQ]}, {row[column]:g}"
        bounds = f"{scale['lower']:g}..{scale['upper']:g}"
        raise UserError(
            f"{leaf['table']}: {len(outside)} of {column} lie outside {bounds}, the scale of `{leaf['id']}` in the scheme (first: {told}). "
            "Mend the marks or the scale.",
            f"{leaf['table']}: {column} {len(outside)}건이 평가체계 `{leaf['id']}`의 척도({bounds})를 벗어납니다(첫째: {told}). "
            "점수나 척도를 고치십시오.",
        )


def _no_data(scores: pd.Series, leaf: dict) -> UserError:
    names = ", ".join(scores.index[scores.isna()])
    return UserError(
        f"No score for {names}: {leaf['table']} has no data on {leaf['id']} for it.",
        f"{names}의 점수를 산출할 수 없습니다. {leaf['table']} 표에 {leaf['id']} 자료가 없습니다.",
    )
