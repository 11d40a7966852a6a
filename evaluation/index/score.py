"""From marks to component scores, the weighted total, the rank and each component's contribution.

Source: the 2010 index of the pan-regional headquarters (programme book of November 2010, 3.2(6)).
Every score lies on 0..100; the total is the weighted mean of the component scores, arithmetic unless the scheme says otherwise.
"""

import numpy as np
import pandas as pd

from evaluation.errors import UserError
from evaluation.index.rules import values_of
from evaluation.index.satisfaction import by_group, weights
from evaluation.index.scheme import POPULATION, TOTAL, leaves
from evaluation.index.tree import combine, leaf_values, rank, units_of

HQ = "headquarters"
DIFFICULTY = "difficulty_marks"
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
    if leaf.get("weighting") == POPULATION:
        rows = rows.assign(weight=weights(_as_units(rows), _as_units(tables["satisfaction_invited"])))
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


def _as_units(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.rename(columns={HQ: "unit", "response": "value"})


def long_table(scheme: dict, tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """`long_rows` of all leaves of a scheme, in its order."""
    return pd.concat([long_rows(leaf, tables) for leaf, _ in leaves(scheme["root"])], ignore_index=True)


def score(scheme: dict, tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Score every headquarters on every component.

    Args:
        scheme: a complete scheme (`evaluation.index.scheme.complete`).
        tables: the tables that the scheme's leaves name, each with a column `headquarters`.

    Returns:
        one row per headquarters and component, in the scheme's order: `headquarters`, `component`, `score` (0..100; missing
        where the scheme lets a component be missing), `weight` (per cent), `contribution` (points; they add to the total). A
        contribution is weight * score / 100 where the total is an arithmetic mean; under another mean it is the total
        divided in proportion to weight * score.

    Raises:
        UserError: a headquarters without data in a leaf; a target that is not above 0.
    """
    data = long_table(scheme, tables)
    units = units_of(data)
    scores = combine(scheme, leaf_values(scheme, data), units)
    weighted = {component["id"]: component["weight"] * scores[component["id"]] for component in scheme["components"]}
    whole = np.nansum(list(weighted.values()), axis=0)
    rows = []
    for component in scheme["components"]:
        own = {"score": scores[component["id"]], "weight": component["weight"]}
        with np.errstate(invalid="ignore"):
            contribution = np.where(whole > 0, scores[TOTAL] * weighted[component["id"]] / whole, 0.0)
        rows.append(pd.DataFrame({HQ: units, "component": component["id"], **own, "contribution": contribution}))
    return pd.concat(rows, ignore_index=True)


def totals(components: pd.DataFrame, scheme: dict) -> pd.DataFrame:
    """`headquarters`, `total` (0..100) and `rank`, best first."""
    out = components.groupby(HQ, as_index=False)["contribution"].sum().rename(columns={"contribution": "total"})
    out["rank"] = rank(out["total"], scheme["ties"]["rule"])
    return out.sort_values(["rank", HQ], ignore_index=True)


def surveys(scheme: dict, tables: dict[str, pd.DataFrame], level: float) -> dict[str, pd.DataFrame]:
    """`evaluation.index.satisfaction.by_group` of every part of the survey: leaf -> frame; none where answers tell no group."""
    out = {}
    for leaf in (leaf for leaf, _ in leaves(scheme["root"]) if leaf["rule"] == "likert"):
        rows = _as_units(select(leaf, tables))
        if "group" in rows:
            asked = _as_units(tables["satisfaction_invited"]) if leaf["table"] == "satisfaction" and "satisfaction_invited" in tables else None
            out[leaf["id"]] = by_group(rows, leaf["scale"], asked, level, int(scheme["smallest_group"]["value"]))
    return out


def quantitative(scheme: dict, tables: dict[str, pd.DataFrame], year: int) -> pd.DataFrame:
    """The indicators with a target: `year`, `unit`, `indicator`, `target`, `actual`, `table` they come from."""
    named = dict.fromkeys(leaf["table"] for leaf, _ in leaves(scheme["root"]) if leaf["rule"] == "achievement_ratio")
    columns = [HQ, "indicator", "target", "actual"]  # the column `unit` of these tables is that of the figures
    rows = [_as_units(tables[name][columns]).assign(year=year, table=name) for name in named]
    return pd.concat(rows, ignore_index=True) if rows else pd.DataFrame(columns=["year", "unit", *columns[1:], "table"])


def difficulty(scheme: dict, tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Each headquarters' mean mark of difficulty, as scored: `unit`, `value`; empty where the scheme has none."""
    leaf = next((leaf for leaf, _ in leaves(scheme["root"]) if leaf.get("table") == DIFFICULTY), None)
    if leaf is None:
        return pd.DataFrame(columns=["unit", "value"])
    data = long_rows(leaf, tables)
    units = units_of(data)
    return pd.DataFrame({"unit": units, "value": values_of(data, leaf, units)})
