"""Checks of what a caller hands in: columns, numbers and settings."""

import numpy as np
import pandas as pd

from evaluation.errors import UserError

NAMES = ("year", "unit", "group", "respondent", "indicator", "item")


def need(frame: pd.DataFrame, columns: list[str], what: str) -> None:
    """UserError where a frame lacks a column."""
    lacking = [name for name in columns if name not in frame]
    if lacking:
        raise UserError(f"{what}: the column {', '.join(lacking)} is missing. Add it.", f"{what}: {', '.join(lacking)} 열이 없습니다. 추가하십시오.")


def numbers(frame: pd.DataFrame, name: str, what: str) -> pd.Series:
    """A column as floats; UserError where one is no number."""
    found = pd.to_numeric(frame[name], errors="coerce").astype(float)
    for number in np.flatnonzero((found.isna() & frame[name].notna()) | np.isinf(found)):
        told = f"{named(frame.iloc[number])}: {name} {frame[name].iloc[number]}"
        raise UserError(f"{what}: {told} is no number. Mend it.", f"{what}: {told} 값이 숫자가 아닙니다. 고치십시오.")
    return found


def named(row: pd.Series) -> str:
    """What a row is about, for a message."""
    return ", ".join(str(row[name]) for name in NAMES if name in row)


def positive(name: str, value: float, whole: bool = False) -> None:
    """UserError unless a setting is a number above 0, whole where that is asked for."""
    numbers = (int, np.integer) if whole else (int, float, np.number)
    if isinstance(value, bool) or not isinstance(value, numbers) or not 0 < value < np.inf:
        en, ko = ("whole number", "정수") if whole else ("number", "수")
        raise UserError(f"{name} is {value}; give a {en} above 0.", f"{name} 값이 {value}입니다. 0보다 큰 {ko}로 쓰십시오.")
