"""What the ranking of an index depends on, put together: draws, grades, weights, and components left out."""

import pandas as pd

from evaluation.errors import UserError
from evaluation.index.rules import UNIT
from evaluation.index.scheme import TOTAL
from evaluation.index.score import HQ
from evaluation.index.sensitivity import (
    smallest_swap,
    stability_intervals,
    without_each_component,
)
from evaluation.index.tree import combine, leaf_values, score_tree, units_of
from evaluation.index.uncertainty import draw_totals, grade_shares, intervals


def robustness(scheme: dict, data: pd.DataFrame, draws: int, seed: int, concentration: float | None = None, level: float = 0.90) -> dict:
    """Each unit's total, rank, interval and grade probabilities, and what would change the ranking.

    Args:
        scheme: of `evaluation.index.scheme.complete_tree`; data: long table.
        draws, seed, concentration: of `evaluation.index.uncertainty.draw_totals`; level: of the intervals.

    Returns:
        `units`: per unit score, rank, grade, `total_lower`, `total_upper`, `rank_lower`, `rank_upper`, `first` (share of
        draws) and `grade_<band>` (share); `draws`: how many were whole; and, where the total is an arithmetic mean of more
        than one component, `swaps`, `stability` and `without` (see `evaluation.index.sensitivity`).
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
    if scheme["root"]["aggregate"]["rule"] == "arithmetic" and len(scheme["components"]) > 1:
        index = units_of(data)
        nodes = combine(scheme, leaf_values(scheme, data), index)
        components = pd.DataFrame({part["id"]: nodes[part["id"]] for part in scheme["components"]}, index=index)
        weights = pd.Series({part["id"]: part["weight"] for part in scheme["components"]})
        if components.notna().all(axis=None):
            found["swaps"] = smallest_swap(components, weights)
            found["stability"] = stability_intervals(components, weights)
            found["without"] = without_each_component(components, weights, scheme["ties"]["rule"])
    return found
