"""What the ranking of an index depends on, put together: draws, grades, weights, choices, evaluators, and components left out."""

import numpy as np
import pandas as pd

from evaluation.errors import UserError
from evaluation.index.agreement import rank_drivers, without_each_evaluator
from evaluation.index.choices import enumerate_scheme, rank_sobol
from evaluation.index.rules import COMMITTEE, UNIT, unconflicted
from evaluation.index.scheme import TOTAL, leaves
from evaluation.index.score import HQ
from evaluation.index.sensitivity import (
    smallest_swap,
    stability_intervals,
    without_each_component,
)
from evaluation.index.tree import combine, leaf_values, score_tree, units_of
from evaluation.index.uncertainty import draw_totals, grade_shares, intervals

# Below this many evaluators 90 % intervals cover less than about 80 % (300 simulated committees each).
FEW = 7
# Bootstraps that the points of a Sobol' design pick from.
POOL = 512


def robustness(
    scheme: dict, data: pd.DataFrame, draws: int, seed: int, concentration: float | None = None, level: float = 0.90, points: int = 1024
) -> dict:
    """Each unit's total, rank, interval and grade probabilities, and what would change the ranking.

    Args:
        scheme: of `evaluation.index.scheme.complete_tree`; data: long table.
        draws, seed, concentration: of `evaluation.index.uncertainty.draw_totals`; level: of the intervals.
        points: of the Sobol' indices, a power of 2; 0 leaves them out.

    Returns:
        `units`: per unit score, rank, grade, `total_lower`, `total_upper`, `rank_lower`, `rank_upper`, `first` (share of
        draws) and `grade_<band>` (share); `draws`: how many were whole; `choices` and `choices_left_out` (of
        `evaluation.index.choices.enumerate_scheme`); `sobol` (of `rank_sobol` there); `evaluators` and `drivers` (of
        `without_each_evaluator_of`) where the data have evaluators; `warnings`: (English, Korean); and, where the total is an arithmetic mean of more
        than one component, `swaps`, `stability` and `without` (see `evaluation.index.sensitivity`). What cannot be told of
        these data is an empty frame.
    """
    scores = score_tree(scheme, data)
    drawn = draw_totals(scheme, data, draws, seed, concentration)
    if drawn.empty:
        raise UserError("No draw leaves every unit with marks; too few evaluators.", "모든 단위에 점수가 남는 추출이 없습니다. 평가위원이 너무 적습니다.")
    whole = scores[scores["node"] == TOTAL].drop(columns="node")
    units = whole.merge(intervals(drawn, scheme, level).rename(columns={HQ: UNIT}), on=UNIT, validate="one_to_one")
    if scheme["grades"]:
        units = units.merge(grade_shares(drawn, scheme).add_prefix("grade_").rename_axis(UNIT).reset_index(), on=UNIT, validate="one_to_one")
    found = {"units": units.sort_values(["rank", UNIT], ignore_index=True), "draws": len(drawn)}
    found["choices"], found["choices_left_out"] = enumerate_scheme(scheme, data)
    try:
        found["sobol"] = rank_sobol(scheme, data, points, seed, POOL, concentration) if points else pd.DataFrame()
    except UserError as error:  # a draw that an option cannot score, though it can the data themselves
        found["sobol"] = pd.DataFrame()
        found["choices_left_out"] = pd.concat([found["choices_left_out"], pd.DataFrame({"choice": ["sobol"], "option": [""], "reason": [str(error)]})], ignore_index=True)
    found["evaluators"], found["drivers"] = without_each_evaluator_of(scheme, data)
    found |= {"swaps": pd.DataFrame(), "stability": pd.DataFrame(), "without": pd.DataFrame(), "warnings": _warnings(scheme, data)}
    if scheme["root"]["aggregate"]["rule"] == "arithmetic" and sum(part["weight"] > 0 for part in scheme["components"]) > 1:
        index = units_of(data)
        nodes = combine(scheme, leaf_values(scheme, data), index)
        components = pd.DataFrame({part["id"]: nodes[part["id"]] for part in scheme["components"]}, index=index)
        weights = pd.Series({part["id"]: part["weight"] for part in scheme["components"]})
        if components.notna().all(axis=None):
            found["swaps"] = smallest_swap(components, weights)
            found["stability"] = stability_intervals(components, weights)
            found["without"] = without_each_component(components, weights, scheme["ties"]["rule"])
    return found


def _warnings(scheme: dict, data: pd.DataFrame) -> list[tuple[str, str]]:
    """What the reader of intervals must know: (English, Korean)."""
    judged = {leaf["indicator"] for leaf, _ in leaves(scheme["root"]) if leaf["rule"] in COMMITTEE}
    if "evaluator" not in data or not judged:
        return []
    count = unconflicted(data[data["indicator"].isin(judged)]).dropna(subset="value")["evaluator"].nunique()
    if count >= FEW:
        return []
    return [(f"Only {count} evaluators: intervals are too narrow.", f"평가위원이 {count}명뿐이어서 구간이 실제보다 좁다.")]


def without_each_evaluator_of(scheme: dict, data: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Totals and ranks without each evaluator in turn, and the evaluators whose leaving changes a rank.

    Returns:
        of `evaluation.index.agreement.without_each_evaluator` and `rank_drivers`; empty where fewer than two evaluators sit on
        committees. A unit that would be left without any mark has no total; where the scheme refuses that, nobody has.
    """
    judged = {leaf["indicator"] for leaf, _ in leaves(scheme["root"]) if leaf["rule"] in COMMITTEE}
    rows = unconflicted(data)
    of_committee = rows["indicator"].isin(judged) & rows["value"].notna()
    if "evaluator" not in rows or rows.loc[of_committee, "evaluator"].nunique() < 2:
        return pd.DataFrame(), pd.DataFrame()
    marked = rows[of_committee]
    # What is marked, under one name; the row leads back to the mark itself.
    name = marked[[column for column in ("indicator", UNIT, "item") if column in marked]].fillna("").agg("/".join, axis=1)
    marks = pd.DataFrame({"unit": name, "evaluator": marked["evaluator"], "value": marked["value"], "row": marked.index})
    units = units_of(data)

    def total(left: pd.DataFrame) -> pd.Series:
        kept = rows[~of_committee | rows.index.isin(left["row"])]
        try:
            return pd.Series(combine(scheme, leaf_values(scheme, kept), units_of(kept))[TOTAL], index=units_of(kept)).reindex(units)
        except UserError:
            return pd.Series(np.nan, index=units)

    frame = without_each_evaluator(total, marks, scheme["ties"]["rule"])
    return frame, rank_drivers(frame)


def advantages(scheme: dict, data: pd.DataFrame) -> pd.DataFrame:
    """Where each unit is strong and where weak: its leaves against the mean of all units.

    Returns:
        one row per unit and leaf: `unit`, `node`, `score` (as normalised), `mean` (of the units), `share` (per cent of the total
        that the leaf weighs), `points`: share * (score - mean) / 100, which is what it adds to the total against the mean
        where every mean above the leaf is arithmetic. Points of a unit then add to its total less the mean total.
    """
    units = units_of(data)
    scores = combine(scheme, leaf_values(scheme, data), units)
    rows = []
    for leaf, share in leaves(scheme["root"], 100.0):
        own = scores[leaf["id"]]
        mean = float(np.nanmean(own))
        rows += [(unit, leaf["id"], float(score), mean, share, share * (float(score) - mean) / 100) for unit, score in zip(units, own, strict=True)]
    return pd.DataFrame(rows, columns=[UNIT, "node", "score", "mean", "share", "points"])
