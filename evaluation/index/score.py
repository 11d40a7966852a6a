"""From marks to component scores, the weighted total, the rank and each component's contribution.

Source: the 2010 index of the pan-regional headquarters (programme book of November 2010, 3.2(6)).
Every score lies on 0..100; the total is the weighted arithmetic mean of the component scores.
"""

import pandas as pd

from evaluation.errors import UserError
from evaluation.index.scheme import leaves
from evaluation.index.tree import combine, leaf_values, rank, units_of

HQ = "headquarters"
VALUES = ("mark", "response", "actual")  # what a table of marks, of answers or of indicators calls its figure


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


def long_rows(leaf: dict, tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """The rows of a leaf as the engine reads them (`evaluation.index.rules`): the domain's columns under general names.

    Returns:
        `unit` (headquarters), `indicator` (the leaf), `value`, and as far as the table has them `item`, `evaluator`,
        `conflict_of_interest`, `respondent`, `weight`, `target`.
    """
    rows = select(leaf, tables)
    value = next((column for column in VALUES if column in rows), None)
    if value is None:
        raise UserError(
            f"{leaf['table']} has no column of marks for `{leaf['id']}`; one of: {', '.join(VALUES)}.",
            f"{leaf['table']} 표에 `{leaf['id']}`의 점수 열({', '.join(VALUES)})이 없습니다.",
        )
    item = leaf.get("unit", next((column for column in ("item", "indicator") if column in rows), None))
    names = {HQ: "unit", value: "value", **({item: "item"} if item else {})}
    kept = [column for column in ("evaluator", "conflict_of_interest", "respondent", "weight", "target") if column in rows]
    return rows[[*names, *kept]].rename(columns=names).assign(indicator=leaf["indicator"])


def long_table(scheme: dict, tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """`long_rows` of all leaves of a scheme, in its order."""
    return pd.concat([long_rows(leaf, tables) for leaf, _ in leaves(scheme["root"])], ignore_index=True)


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
    data = long_table(scheme, tables)
    units = units_of(data)
    scores = combine(scheme, leaf_values(scheme, data), units)
    rows = [
        pd.DataFrame({HQ: units, "component": component["id"], "score": scores[component["id"]], "weight": component["weight"]})
        for component in scheme["components"]
    ]
    out = pd.concat(rows, ignore_index=True)
    out["contribution"] = out["weight"] * out["score"] / 100
    return out


def totals(components: pd.DataFrame, scheme: dict) -> pd.DataFrame:
    """`headquarters`, `total` (0..100) and `rank`, best first."""
    out = components.groupby(HQ, as_index=False)["contribution"].sum().rename(columns={"contribution": "total"})
    out["rank"] = rank(out["total"], scheme["ties"]["rule"])
    return out.sort_values(["rank", HQ], ignore_index=True)
