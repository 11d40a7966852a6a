"""How far targets were achieved, and which of them were too easy.

The index pays for achievement and, with the difficulty marks, for targets that are hard to achieve. Who sets a target
that will be met anyway scores on the first without the second, and who beats a target by far may be given a higher one
next year, so that it pays to hold back (the ratchet effect). Three signs are looked for: a target beaten by far year
after year, one met that the committee found easy, and one below what had been achieved before. They are signs, not
proof: good work beats targets too, and a result may have been a windfall. Nothing is dropped or scored differently.

Sources: Weitzman (1980), "The 'ratchet principle' and performance incentives", Bell Journal of Economics 11; Bevan and
Hood (2006), "What's measured is what matters: targets and gaming in the English public health care system", Public
Administration 84.
"""

import numpy as np
import pandas as pd

from evaluation.errors import UserError
from evaluation.index.columns import named, need, numbers
from evaluation.index.scheme import HIGHER, LOWER

KEYS = ["unit", "indicator"]
COLUMNS = ["year", *KEYS, "target", "actual"]
FLAGS = ["over_achieved", "low_difficulty", "below_last_actual"]
EASY_COLUMNS = [*KEYS, "target", "actual", "ratio", "over_years", "difficulty", *FLAGS, "flags"]
RULE = ("over", "years", "difficulty")
DIGITS = 9  # figures that agree so far are equal: 100 * 0.55 / 0.5 is above 110 in the last bits


def achievement(indicators: pd.DataFrame) -> pd.DataFrame:
    """The achievement ratio of every target.

    Args:
        indicators: `year`, `unit`, `indicator`, `target`, `actual` (in the indicator's unit; either may be missing), and
            optionally `direction`: higher (also where it is missing) or lower, where less is better.

    Returns:
        the same rows with `ratio`: 100 actual / target, and 100 target / actual where less is better (per cent, as the
        rule `achievement_ratio` of a scheme, without its cap); missing where one of the two is.

    Raises:
        UserError: a target that is not above 0, or where less is better an actual value that is not; a row that
            stands twice; another direction; a column that is missing; a year or figure that is no number.
    """
    data = _checked(indicators)
    lower = _lower(data)
    over, under = data["actual"].mask(lower, data["target"]), data["target"].mask(lower, data["actual"])
    wrong = np.flatnonzero(under <= 0)
    if wrong.size:
        row, value = data.iloc[wrong[0]], under.iloc[wrong[0]]
        what, ko = ("actual value", "실적") if lower.iloc[wrong[0]] else ("target", "목표")
        raise UserError(
            f"indicators: {named(row)} has the {what} {value:g}; an achievement ratio needs one above 0. Mend it, or leave it empty.",
            f"지표: {named(row)}의 {ko}가 {value:g}입니다. 달성률을 계산하려면 0보다 커야 합니다. 값을 고치거나 비워 두십시오.",
        )
    return data.assign(ratio=100 * over / under)


def easy_targets(indicators: pd.DataFrame, difficulty: pd.DataFrame | None, rule: dict) -> pd.DataFrame:
    """Signs that a target of the latest year was too easy.

    Args:
        indicators: as for `achievement`, of the evaluated year (the latest in it) and as many earlier ones as there are.
        difficulty: `unit`, `value` (the evaluated year's mean difficulty mark), with `indicator` too where marks are
            given per indicator; None or empty where there are none.
        rule: `over` (per cent, what counts as beaten by far), `years` (how many in a row), `difficulty` (mark below
            which a target counts as easy), such as {"over": 110, "years": 2, "difficulty": 70}.

    Returns:
        a row per unit and indicator of the latest year, in the order of `indicators`: `unit`, `indicator`, `target`,
        `actual`, `ratio` (per cent), `over_years` (years in a row, up to the latest, with a ratio of `over` or more; a
        year that is missing ends the run), `difficulty`, and
        `over_achieved`: over_years is `years` or more;
        `low_difficulty`: difficulty below the rule's, and the target met (ratio 100 or more);
        `below_last_actual`: the target asks for less than was achieved the year before (more, where less is better), and was met;
        `flags`: how many of the three. A comparison with a missing value is False.

    Raises:
        UserError: as for `achievement`, for any year; a unit (and indicator) with two difficulty marks; a rule that
            lacks a number.
    """
    _check_rule(rule)
    data = achievement(indicators)
    if data.empty:
        return pd.DataFrame(columns=EASY_COLUMNS)
    latest = int(data["year"].max())
    now = data[data["year"] == latest].reset_index(drop=True)
    ratios = data.pivot(index=KEYS, columns="year", values="ratio").reindex(columns=range(latest, int(data["year"].min()) - 1, -1))
    run = (ratios.round(DIGITS) >= rule["over"]).astype(int).cumprod(axis=1).sum(axis=1).rename("over_years")
    last = data.loc[data["year"] == latest - 1, [*KEYS, "actual"]].rename(columns={"actual": "last"})
    out = now.drop(columns=["difficulty", "over_years", "last"], errors="ignore").merge(last, on=KEYS, how="left").merge(run.reset_index(), on=KEYS, how="left")
    out["difficulty"] = _difficulty(out, difficulty)
    gap = (out["target"] - out["last"]).round(DIGITS)
    out["over_achieved"] = out["over_years"] >= rule["years"]
    out["low_difficulty"] = (out["difficulty"].round(DIGITS) < rule["difficulty"]) & (out["ratio"].round(DIGITS) >= 100)
    # Only of targets that were met: a target is often lower after an exceptional year, and missing even that is no sign of ease.
    out["below_last_actual"] = (gap.mask(_lower(out), -gap) < 0) & (out["ratio"].round(DIGITS) >= 100)
    out["flags"] = out[FLAGS].sum(axis=1)
    return out[EASY_COLUMNS]


def _difficulty(rows: pd.DataFrame, difficulty: pd.DataFrame | None) -> np.ndarray:
    """The difficulty mark of each row; missing where there is none."""
    if difficulty is None or difficulty.empty:
        return np.full(len(rows), np.nan)
    need(difficulty, ["unit", "value"], "difficulty")
    keys = [name for name in KEYS if name in difficulty]
    marks = difficulty.assign(value=numbers(difficulty, "value", "difficulty"))
    twice = marks[marks.duplicated(keys)]
    if not twice.empty:
        told = ", ".join(str(twice.iloc[0][name]) for name in keys)
        raise UserError(f"difficulty: {told} has more than one mark. Give the mean over evaluators.", f"난이도: {told}의 점수가 여러 개입니다. 평가위원 평균을 넣으십시오.")
    return rows[keys].merge(marks[[*keys, "value"]], on=keys, how="left")["value"].to_numpy()


def _lower(data: pd.DataFrame) -> pd.Series:
    return data["direction"].eq(LOWER) if "direction" in data else pd.Series(False, index=data.index)


def _checked(indicators: pd.DataFrame) -> pd.DataFrame:
    """The rows with years as whole numbers and figures as floats; UserError where they will not do."""
    need(indicators, COLUMNS, "indicators")
    data = indicators.assign(**{name: numbers(indicators, name, "indicators") for name in ("target", "actual", "year")})
    for number in np.flatnonzero(~np.isfinite(data["year"]) | (data["year"] % 1 != 0)):
        raise UserError(
            f"indicators: the year of {named(indicators.iloc[number])} is no whole number. Mend the year.",
            f"지표: {named(indicators.iloc[number])}의 연도가 정수가 아닙니다. 연도를 고치십시오.",
        )
    data["year"] = data["year"].astype(int)
    for number in np.flatnonzero(data[KEYS].isna().any(axis=1)):
        raise UserError(
            f"indicators: {named(data.iloc[number])} lacks a name. Fill in unit and indicator.",
            f"지표: {named(data.iloc[number])}에 이름이 없습니다. 단위와 지표명을 채우십시오.",
        )
    for number in np.flatnonzero(data.duplicated(["year", *KEYS])):
        raise UserError(
            f"indicators: {named(data.iloc[number])} stands more than once. Keep one row.",
            f"지표: {named(data.iloc[number])} 행이 여러 번 나옵니다. 하나만 남기십시오.",
        )
    if "direction" in data:
        for number in np.flatnonzero(data["direction"].notna() & ~data["direction"].isin([HIGHER, LOWER])):
            row = data.iloc[number]
            raise UserError(
                f"indicators: the direction of {named(row)} is {row['direction']!r}; give {HIGHER} | {LOWER}.",
                f"지표: {named(row)}의 방향이 {row['direction']!r}입니다. {HIGHER} | {LOWER} 중 하나를 쓰십시오.",
            )
    return data


def _check_rule(rule: dict) -> None:
    for key in RULE:
        value = rule.get(key)
        number = isinstance(value, int | float | np.number) and not isinstance(value, bool) and np.isfinite(value)
        if not number or value < 0 or (key == "years" and (value < 1 or value % 1)):
            en, ko = ("a whole number of 1 or more", "1 이상의 정수") if key == "years" else ("a number of 0 or above", "0 이상의 수")
            raise UserError(f"rule: `{key}` is {value!r}; give {en}.", f"rule: `{key}` 값이 {value!r}입니다. {ko}로 쓰십시오.")
