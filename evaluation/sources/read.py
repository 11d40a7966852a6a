"""Reads raw files against the contract: text to typed columns, every problem listed at once."""

import csv
import hashlib

import numpy as np
import pandas as pd
import pandera.pandas as pa

from evaluation.errors import say
from evaluation.paths import shown
from evaluation.sources.locate import Found
from evaluation.sources.tables import MASK, Table

# The row of the file, as a spreadsheet counts it, of the first row after the header.
FIRST_ROW = 2
PROBLEM_COLUMNS = ["severity", "file", "row", "column", "value", "rule", "mend"]


def read_table(found: Found) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Read one file against its contract.

    Returns:
        the typed frame (masked columns get a companion `<column>_status`: observed, masked, missing);
        the same rows as the text that stands in the file; and the problems found, with the columns
        PROBLEM_COLUMNS, row 1 being the header.
    """
    text, problems = _read_text(found)
    if problems:
        empty = pd.DataFrame(columns=[column.name for column in found.table.columns])
        return empty, empty, _problem_frame(problems)
    frame = pd.DataFrame(index=text.index)
    for column in found.table.columns:
        cells = text[column.name].str.strip()
        if column.masked:
            frame[f"{column.name}_status"] = cells.map({MASK: "masked", "": "missing"}).fillna("observed")
            cells = cells.where(cells != MASK, "")
        if column.kind == "text":
            frame[column.name] = cells.where(cells != "", pd.NA).astype("string")
            continue
        numbers = pd.to_numeric(cells, errors="coerce")
        wrong = (numbers.isna() & (cells != "")) | np.isinf(numbers)
        if column.kind == "integer":
            wrong |= numbers.notna() & (numbers % 1 != 0)
        for row in text.index[wrong]:
            problems.append(_not_a_number(found, _file_row(row), column, cells[row]))
        numbers = numbers.mask(wrong)
        frame[column.name] = numbers.astype("Int64" if column.kind == "integer" else "Float64")
    told = {(problem["row"], problem["column"]) for problem in problems}
    problems += [problem for problem in _check(found, frame, text) if (problem["row"], problem["column"]) not in told]
    return _plain_dtypes(frame, found.table), text, _problem_frame(problems)


def cell_status(frame: pd.DataFrame, column: str) -> pd.Series:
    """Of each cell of a column: observed, masked or missing."""
    told = frame.get(f"{column}_status")
    return told if told is not None else frame[column].notna().map({True: "observed", False: "missing"})


def up_to(frame: pd.DataFrame, table: Table, year: int) -> pd.DataFrame:
    """A table as of the evaluation year: a report uses nothing later.

    Rows of later years are left out, and a complex that joins later stands in the registry as what it is
    until then, a non-participant. Works on typed frames and on text alike.
    """
    if table.year_column is not None:
        frame = frame[pd.to_numeric(frame[table.year_column], errors="coerce") <= year]
    if table.name == "complexes":
        frame = _registry_as_of(frame, year)
    return frame.reset_index(drop=True)


def _registry_as_of(frame: pd.DataFrame, year: int) -> pd.DataFrame:
    frame = frame.copy()
    is_text = not pd.api.types.is_numeric_dtype(frame["first_treated"])
    for column in ("first_treated", "first_treated_alternative"):
        later = pd.to_numeric(frame[column], errors="coerce") > year
        frame.loc[later, column] = "" if is_text else np.nan
        if column == "first_treated":
            frame.loc[later, "role"] = "non_participant"
            frame.loc[later, "hub"] = "" if is_text else pd.NA
            frame.loc[later, "counted"] = "0" if is_text else 0
    return frame


def rows_hash(text: pd.DataFrame) -> str:
    """SHA-256 of rows written as plain CSV: later rows in the file do not change it."""
    return hashlib.sha256(text.to_csv(index=False, lineterminator="\n").encode()).hexdigest()


def schema(table: Table) -> pa.DataFrameSchema:
    """The pandera schema of a table: required cells, allowed values, ranges, unique keys."""
    columns = {}
    for column in table.columns:
        checks = []
        if column.allowed:
            checks.append(pa.Check.isin(column.allowed, error="allowed"))
        if column.above is not None:
            checks.append(pa.Check.gt(column.above, error="above"))
        if column.lower is not None:
            checks.append(pa.Check.ge(column.lower, error="bounds"))
        if column.upper is not None:
            checks.append(pa.Check.le(column.upper, error="bounds"))
        columns[column.name] = pa.Column(checks=checks, nullable=not column.required)
    return pa.DataFrameSchema(columns, unique=list(table.key), report_duplicates="exclude_first")


def _read_text(found: Found) -> tuple[pd.DataFrame, list[dict]]:
    """The cells as text, under their headings; the index counts the file's rows after the header, blank ones too."""
    try:
        with found.path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.reader(file, strict=True))
    except UnicodeDecodeError as error:
        return pd.DataFrame(), [
            _problem(
                found, "", "", "",
                say(f"not UTF-8 (byte {error.start})", f"UTF-8이 아님 ({error.start}번째 바이트)"),
                say("save it as CSV UTF-8", "‘CSV UTF-8’ 형식으로 저장하십시오"),
            )
        ]
    except csv.Error as error:
        return pd.DataFrame(), [
            _problem(
                found, "", "", "",
                say(f"not readable as CSV ({error})", f"CSV로 읽을 수 없음 ({error})"),
                say("look for a stray quotation mark", "따옴표가 잘못 들어갔는지 확인하십시오"),
            )
        ]
    header = [name.strip() for name in rows[0]] if rows else []
    while header and not header[-1]:
        header.pop()
    problems = _header_problems(found, header)
    cells = {}
    for index, row in enumerate(rows[1:]):
        # Spreadsheets leave empty cells at the end of rows, and empty rows.
        if not any(cell.strip() for cell in row):
            continue
        filled = row[: len(header)] + [cell for cell in row[len(header) :] if cell.strip()]
        if len(filled) != len(header) and not problems:
            problems.append(
                _problem(
                    found, _file_row(index), "", ",".join(row),
                    say(f"has {len(filled)} cells, the header {len(header)}", f"칸이 {len(filled)}개인데 머리글은 {len(header)}개임"),
                    say("look for a stray or missing comma; put a text with commas in quotation marks", "쉼표가 남거나 모자란지 확인하고, 쉼표가 든 글은 따옴표로 묶으십시오"),
                )
            )
        cells[index] = filled
    if problems:
        return pd.DataFrame(), problems
    return pd.DataFrame.from_dict(cells, orient="index", columns=header, dtype=str), []


def _header_problems(found: Found, header: list[str]) -> list[dict]:
    if len(header) == 1 and len(found.table.columns) > 1 and (";" in header[0] or "\t" in header[0]):
        return [
            _problem(
                found, 1, "", header[0],
                say("not separated by commas", "쉼표로 구분되지 않음"),
                say("save it as CSV with commas between the cells", "칸을 쉼표로 구분하는 CSV로 저장하십시오"),
            )
        ]
    twice = sorted({name for name in header if name and header.count(name) > 1})
    problems = [
        _problem(found, 1, name, name, say("column stands twice", "열이 중복됨"), say("keep one of them", "하나만 남기십시오"))
        for name in twice
    ]
    for column in found.table.columns:
        if column.name not in header:
            problems.append(
                _problem(
                    found, 1, column.name, "",
                    say("column is not there", "열이 없음"),
                    say(f"add the column {column.name} ({column.en})", f"{column.name} 열({column.ko})을 추가하십시오"),
                )
            )
    return problems


def _check(found: Found, frame: pd.DataFrame, text: pd.DataFrame) -> list[dict]:
    try:
        schema(found.table).validate(frame, lazy=True)
    except pa.errors.SchemaErrors as errors:
        cases = errors.failure_cases
    else:
        return []
    columns = {column.name: column for column in found.table.columns}
    problems, seen = [], set()
    for case in cases.itertuples():
        if case.check == "multiple_fields_uniqueness":
            if case.index in seen:
                continue
            seen.add(case.index)
            value = ", ".join(text.loc[case.index, list(found.table.key)])
            problems.append(
                _problem(
                    found, _file_row(case.index), " + ".join(found.table.key), value,
                    say("stands twice", "중복된 행"),
                    say("keep one of the rows", "한 행만 남기십시오"),
                )
            )
            continue
        column = columns[case.column]
        value = text.loc[case.index, column.name]
        problems.append(_problem(found, _file_row(case.index), column.name, value, *_rule(column, str(case.check))))
    return problems


def _rule(column, check: str) -> tuple[str, str]:
    if check == "not_nullable":
        return say("empty", "빈 칸"), say(f"fill in {column.en}", f"{column.ko} 값을 입력하십시오")
    if check == "allowed":
        listed = ", ".join(map(str, column.allowed))
        return say(f"not one of: {listed}", f"허용 값({listed})이 아님"), say("use one of them", "허용 값 중 하나를 쓰십시오")
    if check == "above":
        return say(f"not above {column.above:g}", f"{column.above:g}보다 크지 않음"), say("mend the figure", "수치를 고치십시오")
    bounds = f"{'' if column.lower is None else f'{column.lower:g}'}..{'' if column.upper is None else f'{column.upper:g}'}"
    return (
        say(f"outside {bounds}", f"허용 범위({bounds})를 벗어남"),
        say("mend the figure or its unit", "수치나 단위를 고치십시오"),
    )


def _not_a_number(found: Found, row: int, column, value: str) -> dict:
    kind = say("a whole number" if column.kind == "integer" else "a number", "정수" if column.kind == "integer" else "숫자")
    return _problem(
        found, row, column.name, value,
        say(f"not {kind}", f"{kind}가 아님"),
        say("digits only, no separators or units", "구분 기호나 단위 없이 숫자만 입력하십시오"),
    )


def _file_row(index: int) -> int:
    """The row of the file, as a spreadsheet counts it: the header is row 1."""
    return int(index) + FIRST_ROW


def _problem(found: Found, row: int | str, column: str, value: str, rule: str, mend: str, severity: str = "error") -> dict:
    return {
        "severity": severity,
        "file": shown(found.path),
        "row": row,
        "column": column,
        "value": value,
        "rule": rule,
        "mend": mend,
    }


def _problem_frame(problems: list[dict]) -> pd.DataFrame:
    return pd.DataFrame(problems, columns=PROBLEM_COLUMNS)


def _plain_dtypes(frame: pd.DataFrame, table: Table) -> pd.DataFrame:
    """NumPy floats for what may be missing, so that the models need not know nullable types."""
    for column in table.columns:
        if column.kind == "number" or (column.kind == "integer" and frame[column.name].isna().any()):
            frame[column.name] = frame[column.name].astype("float64")
        elif column.kind == "integer":
            frame[column.name] = frame[column.name].astype("int64")
    return frame
