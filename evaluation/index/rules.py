"""From the rows of one indicator to one value per unit: what a leaf of a scheme does with its marks.

Rows are a long table: `unit`, `value`, and as far as a rule needs them `item` (what is marked inside a unit, such as
a mini cluster), `evaluator`, `conflict_of_interest` (1 where the evaluator had one: the mark does not count), `respondent`,
`weight` (for how many a respondent stands), `target` and `direction`.
"""

from collections.abc import Callable

import numpy as np
import pandas as pd

from evaluation.errors import UserError
from evaluation.index.scheme import HIGHER, LOWER

UNIT = "unit"
# Columns that tell rows of one indicator and unit apart.
KEYS = ("item", "evaluator", "respondent")
CONFLICT = "conflict_of_interest"


def single_value(rows: pd.DataFrame, leaf: dict) -> pd.Series:
    """The one value of each unit."""
    return rows.set_index(UNIT)["value"]


def item_mean(rows: pd.DataFrame, leaf: dict) -> pd.Series:
    """Mean of a unit's values."""
    return rows.groupby(UNIT)["value"].mean()


def committee_mean(rows: pd.DataFrame, leaf: dict) -> pd.Series:
    """Mean mark over evaluators per item, then over items; missing marks (a conflict of interest) are left out."""
    return _over_items(rows, rows.groupby(marked_by(rows))["value"].mean(), leaf)


def trimmed_mean(rows: pd.DataFrame, leaf: dict) -> pd.Series:
    """As `committee_mean`, without the highest and the lowest mark of each item (`trim` of each, 1 unless given).

    Raises:
        UserError: an item with so few marks that none is left.
    """
    trim = leaf.get("trim", 1)
    given = rows.dropna(subset="value").sort_values("value", kind="stable")
    groups = given.groupby(marked_by(rows))["value"]
    place, size = groups.cumcount(), groups.transform("size")
    few = given[size <= 2 * trim]
    if not few.empty:
        row = few.iloc[0]
        where = ", ".join(str(row[name]) for name in marked_by(rows))
        raise UserError(
            f"`{leaf['id']}`: {where} has {int(size[few.index[0]])} marks; without the {trim} highest and lowest none is left. Add marks, or use committee_mean.",
            f"`{leaf['id']}`: {where}의 점수가 {int(size[few.index[0]])}개뿐이어서 최고·최저 {trim}개씩을 빼면 남지 않습니다. 점수를 추가하거나 committee_mean을 쓰십시오.",
        )
    kept = given[(place >= trim) & (place < size - trim)]
    return _over_items(rows, kept.groupby(marked_by(rows))["value"].mean(), leaf)


def standardised_mean(rows: pd.DataFrame, leaf: dict) -> pd.Series:
    """As `committee_mean`, of marks freed from each evaluator's own level and spread.

    An evaluator's marks are carried to the mean and standard deviation of all marks of the indicator; one who gave
    everybody the same mark says nothing of their order, so these marks become the mean of all.
    """
    return _over_items(rows, marks_for(rows, leaf).groupby(marked_by(rows))["value"].mean(), leaf)


def unconflicted(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows without the marks that evaluators with a declared conflict of interest gave."""
    return rows if CONFLICT not in rows else rows[rows[CONFLICT].fillna(0) == 0]


def marks_for(rows: pd.DataFrame, leaf: dict) -> pd.DataFrame:
    """The marks that a committee's rule takes means of: standardised ones for `standardised_mean`, else as they are."""
    if leaf["rule"] != "standardised_mean":
        return rows
    marks = rows["value"]
    own = rows.groupby("evaluator")["value"]
    spread = own.transform("std")
    z = ((marks - own.transform("mean")) / spread.where(spread > 0)).where(spread > 0, 0.0).where(marks.notna())
    return rows.assign(value=marks.mean() + marks.std() * z)


def achievement_ratio(rows: pd.DataFrame, leaf: dict) -> pd.Series:
    """Mean over items of actual / target in per cent (target / actual where less is better), within floor and cap.

    Raises:
        UserError: a target, or where less is better an actual value, that is not above 0.
    """
    lower = _directions(rows, leaf) == LOWER
    rows = _whole_pairs(rows, leaf)
    lower = lower.reindex(rows.index)
    upper_part, lower_part = rows["value"].mask(lower, rows["target"]), rows["target"].mask(lower, rows["value"])
    wrong = rows[lower_part <= 0]
    if not wrong.empty:
        row = wrong.iloc[0]
        where = ", ".join(str(row[name]) for name in (UNIT, "item") if name in rows)
        what, ko = ("actual value", "실적") if lower[wrong.index[0]] else ("target", "목표")
        raise UserError(
            f"`{leaf['id']}`, row {wrong.index[0] + 2}: {where} has the {what} {lower_part[wrong.index[0]]:g}; an achievement ratio needs one above 0.",
            f"`{leaf['id']}` {wrong.index[0] + 2}행: {where}의 {ko} {lower_part[wrong.index[0]]:g}: 달성률을 계산하려면 0보다 커야 합니다.",
        )
    # A pair without one half is there only where the scheme counts it as 0.
    ratio = (100 * upper_part / lower_part).fillna(0.0).clip(leaf.get("floor", {}).get("value", 0), leaf.get("cap", {}).get("value"))
    return ratio.groupby(rows[UNIT]).mean()


def _directions(rows: pd.DataFrame, leaf: dict) -> pd.Series:
    """higher or lower of each row: its own, and the leaf's where it says nothing."""
    own = rows["direction"].astype(object) if "direction" in rows else pd.Series(None, index=rows.index, dtype=object)
    return own.where(own.notna(), leaf.get("direction", HIGHER))


def _whole_pairs(rows: pd.DataFrame, leaf: dict) -> pd.DataFrame:
    """Rows with target and actual, by the leaf's rule for what is missing: refused, left out, or kept to count as 0.

    Who leaves out the worst of its indicators would gain by it otherwise.
    """
    half = rows["value"].isna() | rows["target"].isna()
    missing = leaf.get("missing", {"rule": "refuse"})["rule"]
    if half.any() and missing == "refuse":
        row = rows[half].iloc[0]
        what, ko = ("target", "목표") if pd.isna(row["target"]) else ("actual value", "실적")
        raise UserError(
            f"`{leaf['id']}`, row {rows.index[half][0] + 2}: {row[UNIT]} has no {what}. Add it, or say `missing: reweight` (or zero) there in the scheme.",
            f"`{leaf['id']}` {rows.index[half][0] + 2}행: {row[UNIT]}의 {ko} 값이 없습니다. 값을 넣거나 평가체계에 `missing: reweight`(또는 zero)를 쓰십시오.",
        )
    return rows if missing == "zero" else rows[~half]


def likert(rows: pd.DataFrame, leaf: dict) -> pd.Series:
    """Mean answer of each respondent, then over respondents, weighted where they have weights, carried from the scale to 0..100."""
    people = respondent_means(rows)
    of_unit = (people["value"] * people["weight"]).groupby(UNIT).sum() / people["weight"].groupby(UNIT).sum()
    return to_hundred(of_unit, leaf)


def respondent_means(rows: pd.DataFrame) -> pd.DataFrame:
    """Each respondent's mean answer `value` and `weight` (1 where there are none): index unit and respondent, those who answered.

    Raises:
        UserError: a weight that is missing or not above 0, or a respondent with several.
    """
    answered = rows.dropna(subset="value")
    people = answered.groupby([UNIT, "respondent"])["value"].mean().to_frame()
    if "weight" not in rows or rows["weight"].isna().all():
        return people.assign(weight=1.0)
    weights = answered.groupby([UNIT, "respondent"])["weight"].agg(["min", "max", "count", "size"])
    wrong = weights[~((weights["min"] > 0) & (weights["min"] == weights["max"]) & (weights["count"] == weights["size"]))]
    if not wrong.empty:
        unit, respondent = wrong.index[0]
        raise UserError(
            f"The weight of respondent {respondent} of {unit} is missing, not above 0, or not the same in every row. Mend it.",
            f"{unit}의 응답자 {respondent}의 가중치가 없거나 0보다 크지 않거나 행마다 다릅니다. 고치십시오.",
        )
    return people.assign(weight=weights["min"])


COMMITTEE = ("committee_mean", "trimmed_mean", "standardised_mean")
# rule -> function, and the columns it needs besides unit and value
RULES: dict[str, tuple[Callable, tuple[str, ...]]] = {
    "value": (single_value, ()),
    "mean": (item_mean, ()),
    "committee_mean": (committee_mean, ("evaluator",)),
    "trimmed_mean": (trimmed_mean, ("evaluator",)),
    "standardised_mean": (standardised_mean, ("evaluator",)),
    "achievement_ratio": (achievement_ratio, ("target",)),
    "likert": (likert, ("respondent",)),
}


def to_hundred(values: pd.Series, leaf: dict) -> pd.Series:
    """A value in the leaf's scale carried to 0..100; as it is where the leaf has no scale."""
    scale = leaf.get("scale")
    return values if scale is None else 100 * (values - scale["lower"]) / (scale["upper"] - scale["lower"])


def apply(rows: pd.DataFrame, leaf: dict) -> pd.Series:
    """The value of each unit in a leaf.

    Args:
        rows: the rows of the leaf's indicator, with `unit`, `value` and what the rule needs.
        leaf: `id`, `rule` and the rule's keys.

    Raises:
        UserError: a column that the rule needs is not there; a row that stands twice; a value outside the leaf's
            scale; what the rule itself refuses.
    """
    function, needed = RULES[leaf["rule"]]
    for column in needed:
        if column not in rows or rows[column].isna().all():
            raise UserError(
                f"`{leaf['id']}` is scored by {leaf['rule']}, which needs the column {column!r}. Add it to the data.",
                f"`{leaf['id']}` 항목의 {leaf['rule']} 규칙에는 {column!r} 열이 필요합니다. 자료에 추가하십시오.",
            )
    rows = unconflicted(rows)
    _check_names(rows, leaf, needed)
    keys = [UNIT] if leaf["rule"] == "value" else [UNIT, *(name for name in KEYS if name in rows and rows[name].notna().any())]
    # Without a name for what was asked, answers and plain values may come several to a respondent or a unit.
    told_apart = leaf["rule"] == "value" or leaf["rule"] in COMMITTEE or "item" in keys
    twice = rows[rows.duplicated(keys, keep=False)] if told_apart else rows.iloc[:0]
    if not twice.empty:
        where = ", ".join(str(twice.iloc[0][name]) for name in keys if pd.notna(twice.iloc[0][name]))
        raise UserError(
            f"`{leaf['id']}`: {where} stands {int((twice[keys] == twice.iloc[0][keys]).all(axis=1).sum())} times (row {twice.index[0] + 2} and others). Keep one.",
            f"`{leaf['id']}`: {where} 행이 {int((twice[keys] == twice.iloc[0][keys]).all(axis=1).sum())}번 나옵니다({twice.index[0] + 2}행 등). 하나만 남기십시오.",
        )
    _within(rows, leaf)
    return function(rows, leaf)


def _check_names(rows: pd.DataFrame, leaf: dict, needed: tuple[str, ...]) -> None:
    """UserError where a row lacks a name that the others have, or names a direction that is none or that the rule does not take.

    A blank would silently merge what is marked, or pass over a mark.
    """
    given = rows[rows["value"].notna()]
    for name, ko in (("item", "항목"), ("evaluator", "평가위원"), ("respondent", "응답자")):
        # Evaluators and respondents matter only to the rules that tell them apart.
        if name not in given or (name != "item" and name not in needed):
            continue
        blank = given[name].isna()
        if blank.any() and not blank.all():
            row = given.index[blank][0] + 2
            raise UserError(
                f"`{leaf['id']}`, row {row}: {given[blank].iloc[0][UNIT]} has no {name}, but other rows have. Fill it in.",
                f"`{leaf['id']}` {row}행: {given[blank].iloc[0][UNIT]}의 {name}({ko})이(가) 비어 있습니다. 다른 행처럼 채우십시오.",
            )
    if "direction" in rows:
        own = rows["direction"].dropna()
        taken = (HIGHER, LOWER) if leaf["rule"] == "achievement_ratio" else (leaf.get("direction", HIGHER),)
        wrong = own[~own.isin(taken)]
        if len(wrong):
            raise UserError(
                f"`{leaf['id']}`, row {wrong.index[0] + 2}: direction is {wrong.iloc[0]!r}; the rule {leaf['rule']} takes {' or '.join(taken)} here. For other rules set it in the scheme.",
                f"`{leaf['id']}` {wrong.index[0] + 2}행: direction 값 {wrong.iloc[0]!r}. {leaf['rule']} 규칙에는 {' 또는 '.join(taken)}만 쓸 수 있습니다. 다른 규칙의 방향은 평가체계에 적으십시오.",
            )


def marked_by(rows: pd.DataFrame) -> list[str]:
    """The columns that say what is marked: the unit, or an item inside it where every row names one."""
    return [UNIT, "item"] if "item" in rows and rows["item"].notna().all() else [UNIT]


def _over_items(rows: pd.DataFrame, per_item: pd.Series, leaf: dict) -> pd.Series:
    return to_hundred(per_item.groupby(UNIT).mean() if per_item.index.nlevels > 1 else per_item, leaf)


def _within(rows: pd.DataFrame, leaf: dict) -> None:
    scale = leaf.get("scale")
    if scale is None:
        return
    outside = rows[(rows["value"] < scale["lower"]) | (rows["value"] > scale["upper"])]
    if outside.empty:
        return
    row = outside.iloc[0]
    told = ", ".join([*(str(row[name]) for name in (UNIT, *KEYS) if name in rows and pd.notna(row[name])), f"{row['value']:g}"])
    bounds = f"{scale['lower']:g}..{scale['upper']:g}"
    raise UserError(
        f"`{leaf['id']}`: {len(outside)} values lie outside its scale {bounds} (first: row {outside.index[0] + 2}, {told}). Mend the marks or the scale.",
        f"`{leaf['id']}`: 값 {len(outside)}건이 척도({bounds})를 벗어납니다(첫째: {outside.index[0] + 2}행, {told}). 점수나 척도를 고치십시오.",
    )


def values_of(rows: pd.DataFrame, leaf: dict, units: pd.Index) -> np.ndarray:
    """`apply` on the units in order; missing where a unit has no value."""
    return apply(rows, leaf).reindex(units).to_numpy(dtype=float)
