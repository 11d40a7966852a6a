"""What is wrong in the inputs, one row per problem: where, what stands there, and how to mend it."""

import pandas as pd

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
