"""What is wrong in the inputs, one row per problem: where, what stands there, and how to mend it."""

import pandas as pd

from evaluation.errors import UserError, say

SHOWN_PROBLEMS = 8
PROBLEM_COLUMNS = ["severity", "file", "sheet", "row", "column", "value", "rule", "mend"]


def problem(
    place: tuple[str, str, int | str], column: str, value: str, rule: str, mend: str, severity: str = "error"
) -> dict:
    """One problem.

    Args:
        place: file, sheet (empty for a CSV) and row as a spreadsheet counts it (empty for a file as a whole).
    """
    return dict(zip(PROBLEM_COLUMNS, (severity, *place, column, value, rule, mend), strict=True))


def problem_frame(problems: list[dict]) -> pd.DataFrame:
    """The problems as a table with the columns PROBLEM_COLUMNS."""
    return pd.DataFrame(problems, columns=PROBLEM_COLUMNS)


def refuse_errors(problems: pd.DataFrame, en: str, ko: str) -> None:
    """UserError with the first errors among the problems; nothing where there are only warnings.

    Args:
        en, ko: what has errors and where all of them are shown; the list follows a colon.
    """
    errors = problems[problems["severity"] == "error"]
    if errors.empty:
        return
    lines = [f"  {error.file}{_within(error.sheet, error.row)} {error.column} {error.value!r}: {error.rule}; {error.mend}" for error in errors.head(SHOWN_PROBLEMS).itertuples()]
    more = len(errors) - SHOWN_PROBLEMS
    rest = say(f"  … and {more} more", f"  … 외 {more}건") if more > 0 else ""
    listed = "\n".join([*lines, rest]).rstrip()
    raise UserError(f"{en} ({len(errors)}):\n{listed}", f"{ko}({len(errors)}건):\n{listed}")


def _within(sheet: str, row: int | str) -> str:
    """The place inside a file, as a line names it."""
    place = " ".join(str(part) for part in (sheet, row) if part != "")
    return f" [{place}]" if place else ""
