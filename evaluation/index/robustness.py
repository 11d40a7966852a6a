"""What the ranking of an index depends on, put together: draws, grades, weights, and components left out."""

import pandas as pd

from evaluation.errors import UserError
from evaluation.index.agreement import (
    LEVELS_OF_MEASUREMENT,
    bootstrap_agreement,
    icc,
    kendall_w,
    krippendorff_alpha,
    severity,
)
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


def committee_agreement(marks: pd.DataFrame, draws: int, seed: int, level: float = 0.90) -> tuple[pd.DataFrame, pd.DataFrame, str]:
    """Agreement and severity of a committee as far as its marks allow.

    One evaluator, or committees without a unit in common, are no fault of the data: what cannot be told is left out.

    Args:
        marks: `unit`, `evaluator`, `value`.

    Returns:
        `bootstrap_agreement` and `severity`, each without rows where it cannot be told; and why, empty where both can.
    """
    found, why = [], []
    for compute in (lambda: bootstrap_agreement(marks, draws, seed, level), lambda: severity(marks)):
        try:
            found.append(compute())
        except UserError as error:
            found.append(pd.DataFrame())
            why.append(str(error))
    return found[0], found[1], " ".join(dict.fromkeys(why))


def agreement_of(data: pd.DataFrame, indicator: str, draws: int, seed: int) -> dict:
    """Agreement of the evaluators in a long table, each unit and item (and indicator) being one thing marked.

    Returns:
        `icc` and `severity` as frames, `measures` (point and bootstrap interval), `kendall_w` and `krippendorff_alpha`
        (by level of measurement) as mappings.

    Raises:
        UserError: no such indicator, or no evaluators.
    """
    if indicator and indicator not in set(data["indicator"]):
        listed = ", ".join(sorted(data["indicator"].unique()))
        raise UserError(f"The data have no indicator {indicator!r}; there are: {listed}.", f"자료에 지표 {indicator!r}이(가) 없습니다. 있는 지표: {listed}.")
    rows = data[data["indicator"] == indicator] if indicator else data
    if "evaluator" not in rows or rows["evaluator"].isna().all():
        raise UserError("Agreement needs the column 'evaluator'. Add it to the data.", "일치도를 계산하려면 'evaluator' 열이 필요합니다. 자료에 추가하십시오.")
    rows = rows.dropna(subset="evaluator")
    keys = [UNIT, *([] if indicator else ["indicator"]), *(["item"] if "item" in rows and rows["item"].notna().any() else [])]
    marks = pd.DataFrame({"unit": rows[keys].fillna("").astype(str).agg("/".join, axis=1), "evaluator": rows["evaluator"].astype(str), "value": rows["value"]})
    alpha = {}
    for level in LEVELS_OF_MEASUREMENT:
        try:
            alpha[level] = krippendorff_alpha(marks, level)
        except UserError:  # a ratio needs a zero below all marks; the other levels stand
            alpha[level] = None
    w = {name: value.item() if hasattr(value, "item") else value for name, value in kendall_w(marks).items()}
    return {
        "measures": bootstrap_agreement(marks, draws, seed).rename_axis("measure").reset_index(),
        "icc": icc(marks).rename_axis("form").reset_index(),
        "kendall_w": {name: None if value != value else value for name, value in w.items()},
        "krippendorff_alpha": {name: None if value is None or value != value else float(value) for name, value in alpha.items()},
        "severity": severity(marks).rename_axis("evaluator").reset_index(),
    }
