"""Raw tables against each other: of two years, or a file in use against a corrected one."""

from pathlib import Path

import numpy as np
import pandas as pd

from evaluation.errors import UserError, say
from evaluation.paths import RAW, shown
from evaluation.sources.check import check_inputs
from evaluation.sources.entry import read_entries
from evaluation.sources.locate import Found, locate
from evaluation.sources.problems import refuse_errors
from evaluation.sources.read import read_table
from evaluation.sources.tables import TABLES


def compare_file(year: int, path: Path) -> tuple[str, pd.DataFrame]:
    """The table a file's name stands for, and its cells in use against those of the file (`compare_tables`).

    Raises:
        UserError: no table of that name, or a file with errors.
    """
    table = TABLES.get(path.stem)
    if table is None:
        raise UserError(
            f"{path.name} is not named after a table. There are: {', '.join(TABLES)}.",
            f"{path.name}: 표 이름이 아닙니다. 쓸 수 있는 이름: {', '.join(TABLES)}.",
        )
    if not path.is_file():
        raise UserError(f"{path} is not there.", f"{path} 파일이 없습니다.")
    sides = []
    for found in (locate(table.name, year, RAW, read_entries(year)), Found(table, (path.resolve(),), "corrected")):
        read = read_table(found)
        refuse_errors(read.problems, f"{shown(found.paths[0])} has errors", f"{shown(found.paths[0])}에 오류가 있습니다")
        sides.append(read.text[[column.name for column in table.columns]])
    return table.name, compare_tables(*sides, list(table.key))


def compare_years(first: int, second: int) -> dict[str, pd.DataFrame]:
    """Every input table that differs between two years, by cell; a year's own tables are matched without their year.

    Where no key of a table is in both years, its numbers of rows are compared.
    """
    before, after = check_inputs(first).tables, check_inputs(second).tables
    out = {}
    for name, table in TABLES.items():
        # The year a row is of, or holds from, is no difference between two years.
        left_out = table.year_column if table.yearly or table.holds_on else None
        key = [column for column in table.key if column != left_out]
        columns = [column.name for column in table.columns if column.name != left_out]
        pair = [tables[name][columns] for tables in (before, after)]
        if table.yearly and all(map(len, pair)) and pair[0].set_index(key).index.intersection(pair[1].set_index(key).index).empty:
            # Codes of one year's own, as those of projects: only their number can be compared.
            counts = [pd.DataFrame({"key": [say("all", "전체")], say("rows", "행 수"): [len(frame)]}) for frame in pair]
            changed = compare_tables(*counts, ["key"])
        else:
            changed = compare_tables(*pair, key)
        if not changed.empty:
            out[name] = changed
    return out


def compare_tables(before: pd.DataFrame, after: pd.DataFrame, key: list[str]) -> pd.DataFrame:
    """Cells of a table, before and after, matched by key.

    Args:
        before, after: as text, with the columns of key; key must be unique in each.

    Returns:
        `key` (its parts joined), `column`, `before`, `after`, `relative` (of numbers), `what`: changed, added or
        removed (then column is empty); the largest relative change first.
    """
    left, right = (_as_text(frame.set_index(key)) for frame in (before, after))
    rows = [(_joined(index), "", "", "", np.nan, "removed") for index in left.index.difference(right.index)]
    rows += [(_joined(index), "", "", "", np.nan, "added") for index in right.index.difference(left.index)]
    shared = left.index.intersection(right.index)
    for column in left.columns.intersection(right.columns):
        pairs = pd.DataFrame({"was": left.loc[shared, column], "now": right.loc[shared, column]})
        for index, was, now in pairs[pairs["was"] != pairs["now"]].itertuples():
            first, second = _number(was), _number(now)
            if first != second or np.isnan(first):
                relative = (second - first) / abs(first) if first else np.inf
                rows.append((_joined(index), column, was, now, relative, "changed"))
    out = pd.DataFrame(rows, columns=["key", "column", "before", "after", "relative", "what"])
    order = out.assign(size=out["relative"].abs()).sort_values(["size", "key"], ascending=[False, True], na_position="first", kind="stable")
    return order.drop(columns="size").reset_index(drop=True)


def _as_text(frame: pd.DataFrame) -> pd.DataFrame:
    dates = frame.select_dtypes("datetime").columns
    frame = frame.assign(**{name: frame[name].dt.strftime("%Y-%m-%d") for name in dates})
    return frame.astype("object").where(frame.notna(), "").astype(str)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return np.nan


def _joined(index: object) -> str:
    return "/".join(map(str, index)) if isinstance(index, tuple) else str(index)
