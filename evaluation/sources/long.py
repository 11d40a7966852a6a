"""Reads long tables for any index: a row per unit and indicator, and per evaluator, item or respondent where there are some."""

from pathlib import Path

import pandas as pd

from evaluation.errors import UserError
from evaluation.paths import shown
from evaluation.sources.locate import SUFFIX
from evaluation.sources.workbooks import open_workbook, sheet_rows

MOST_ROWS, WIDTH = 1_000_000, 40  # of a workbook
REQUIRED = ("unit", "indicator", "value")
NUMBERS = ("value", "target", "weight", "conflict_of_interest")
NAMES = ("unit", "indicator", "evaluator", "item", "respondent", "direction")


def read_long(path: Path) -> pd.DataFrame:
    """A long table from CSV, Parquet or the first sheet of an .xlsx workbook.

    Returns:
        `unit`, `indicator`, `value` and, where they are there, evaluator, item, respondent, direction, target, weight,
        conflict_of_interest; names as
        text, numbers as floats; the index counts rows from 0, the first below the header.

    Raises:
        UserError: no such file, another format, a column that is not there, an empty name, or a cell that is no number;
            the message names the row.
    """
    if not path.is_file():
        raise UserError(f"{path} is not there.", f"{path} 파일이 없습니다.")
    table = _read(path)
    missing = [name for name in REQUIRED if name not in table]
    if missing:
        raise UserError(
            f"{shown(path)}: no column {', '.join(missing)}; there are: {', '.join(map(str, table.columns))}.",
            f"{shown(path)}: {', '.join(missing)} 열이 없습니다. 있는 열: {', '.join(map(str, table.columns))}.",
        )
    twice = [name for name in (*REQUIRED, *NAMES, *NUMBERS) if list(table.columns).count(name) > 1]
    if twice:
        raise UserError(f"{shown(path)} has the column {twice[0]} more than once. Keep one.", f"{shown(path)}에 {twice[0]} 열이 여러 개입니다. 하나만 남기십시오.")
    table = table[[name for name in dict.fromkeys((*REQUIRED, *NAMES, *NUMBERS)) if name in table]]
    if table.empty:
        raise UserError(f"{shown(path)} has no rows.", f"{shown(path)}에 행이 없습니다.")
    for name in (name for name in NAMES if name in table):
        table[name] = table[name].map(lambda cell: pd.NA if pd.isna(cell) or str(cell).strip() == "" else str(cell).strip()).astype("string")
        if name in REQUIRED and table[name].isna().any():
            row = table.index[table[name].isna()][0] + 2
            raise UserError(f"{shown(path)}, row {row}: {name} is empty. Fill it in or take the row out.", f"{shown(path)} {row}행: {name}이(가) 비어 있습니다. 입력하거나 행을 지우십시오.")
    for name in (name for name in NUMBERS if name in table):
        numbers = pd.to_numeric(table[name].map(lambda cell: str(cell).strip() if isinstance(cell, str) else cell).replace("", None), errors="coerce").astype(float)
        told = table[name].map(lambda cell: not (pd.isna(cell) or str(cell).strip() == ""))
        wrong = (numbers.isna() & told) | numbers.isin([float("inf"), float("-inf")])
        if wrong.any():
            row = table.index[wrong][0]
            raise UserError(
                f"{shown(path)}, row {row + 2}: {name} is {table[name][row]!r}, not a number. Write digits only, or leave it empty.",
                f"{shown(path)} {row + 2}행: {name} 값 {table[name][row]!r}은(는) 숫자가 아닙니다. 숫자만 적거나 비워 두십시오.",
            )
        table[name] = numbers
    odd = table.index[~table["conflict_of_interest"].isin([0, 1]) & table["conflict_of_interest"].notna()] if "conflict_of_interest" in table else []
    if len(odd):
        given = f"{table.at[odd[0], 'conflict_of_interest']:g}"
        raise UserError(
            f"{shown(path)}, row {odd[0] + 2}: conflict_of_interest is {given}; write 1 where the evaluator had one, else 0.",
            f"{shown(path)} {odd[0] + 2}행: conflict_of_interest 값이 {given}입니다. 이해충돌이 있으면 1, 없으면 0을 적으십시오.",
        )
    return table


def _sheet(path: Path) -> pd.DataFrame:
    """The first sheet of a workbook, its first row the header, blank rows left out."""
    book = open_workbook(path)
    rows = sheet_rows(book, book.sheetnames[0], path, MOST_ROWS, WIDTH)
    book.close()
    header = [str(cell).strip() if cell is not None else "" for cell in rows[0]] if rows else []
    frame = pd.DataFrame(rows[1:], columns=header, dtype=object)
    return frame.loc[:, [name != "" for name in header]].dropna(how="all")


def _text(path: Path, encoding: str) -> pd.DataFrame:
    """A CSV as text, so that a cell is read as it stands and codes keep their zeros; the index counts lines below the header."""
    # Without a header, so that a name that stands twice is seen, and with blank lines, so that rows keep their numbers.
    lines = pd.read_csv(path, dtype=str, keep_default_na=False, encoding=encoding, header=None, skip_blank_lines=False, index_col=False)
    frame = lines.iloc[1:].reset_index(drop=True).set_axis([str(name).strip() for name in lines.iloc[0]], axis=1)
    return frame[(frame != "").any(axis=1)].loc[:, [name != "" for name in frame.columns]]


def _read(path: Path) -> pd.DataFrame:
    try:
        if path.suffix.lower() == ".parquet":
            return pd.read_parquet(path)
        if path.suffix.lower() == SUFFIX:
            return _sheet(path)
        if path.suffix.lower() in (".csv", ".txt"):
            for encoding in ("utf-8-sig", "cp949"):  # the second is what Excel saves in Korea
                try:
                    return _text(path, encoding)
                except UnicodeDecodeError:
                    continue
    except UserError:
        raise
    except Exception as error:  # a file from outside can break a parser in any way
        raise UserError(f"{shown(path)} cannot be read ({error}).", f"{shown(path)} 파일을 읽을 수 없습니다 ({error}).") from None
    raise UserError(f"{shown(path)}: give a .csv, .parquet or .xlsx file.", f"{shown(path)}: .csv, .parquet, .xlsx 파일을 지정하십시오.")
