"""Reads raw files against the contract: text to typed columns, every problem listed at once."""

import csv
import hashlib
import io
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pandera.pandas as pa

from evaluation.errors import say
from evaluation.paths import shown
from evaluation.sources.entry import column_named, iso_date, put_together
from evaluation.sources.locate import Found
from evaluation.sources.problems import problem, problem_frame
from evaluation.sources.tables import NO_FIGURE, Column, Table

# The row of a CSV, as a spreadsheet counts it, of the first row after the header.
FIRST_ROW = 2
SUMS = ("계", "합계", "소계", "총계", "Total", "total", "Sum", "sum")  # what a pasted row of sums says where a code should stand


@dataclass(frozen=True)
class Read:
    """A table as it was read.

    `frame`: typed; masked columns get a companion `<column>_status`: observed, or a kind of NO_FIGURE.
    `text`: the same rows as the text that stands in the files.
    `places`: file, sheet and row of each of these rows, same index.
    `problems`: what is wrong, with the columns PROBLEM_COLUMNS.
    """

    frame: pd.DataFrame
    text: pd.DataFrame
    places: pd.DataFrame
    problems: pd.DataFrame


def read_table(found: Found) -> Read:
    """Read what serves a table, a CSV or workbooks, against its contract."""
    if found.sheets:
        text, places, problems = put_together(found.sheets)
        problems += _beside_a_csv(found)
    else:
        text, problems = _read_csv(found)
        places = pd.DataFrame({"file": shown(found.paths[0]), "sheet": "", "row": text.index + FIRST_ROW}, index=text.index)
    if problems and text.empty:
        empty = pd.DataFrame(columns=[column.name for column in found.table.columns])
        return Read(empty, empty, places.iloc[:0], problem_frame(problems))
    frame = pd.DataFrame(index=text.index)
    for column in found.table.columns:
        cells = text[column.name].str.strip()
        if column.masked:
            frame[f"{column.name}_status"] = cells.map(NO_FIGURE).fillna("observed")
            cells = cells.where(~cells.isin(list(NO_FIGURE)), "")
        if column.kind == "text":
            frame[column.name] = cells.where(cells != "", pd.NA).astype("string")
            continue
        if column.kind == "date":
            dates = pd.to_datetime(cells.map(iso_date), format="%Y-%m-%d", errors="coerce")
            problems += [_not_a_date(_place(places, row), column, cells[row]) for row in text.index[dates.isna() & (cells != "")]]
            frame[column.name] = dates
            continue
        numbers = pd.to_numeric(cells, errors="coerce")
        wrong = (numbers.isna() & (cells != "")) | np.isinf(numbers)
        if column.kind == "integer":
            wrong |= numbers.notna() & (numbers % 1 != 0)
        for row in text.index[wrong]:
            problems.append(_not_a_number(_place(places, row), column, cells[row]))
        numbers = numbers.mask(wrong)
        frame[column.name] = numbers.astype("Int64" if column.kind == "integer" else "Float64")
    # What is known of a cell already is not told twice; a warning of how it was read does not make it right.
    told = {_cell(item) for item in problems if item["severity"] == "error"}
    problems += [item for item in _check(found.table, frame, text, places) if _cell(item) not in told]
    return Read(_plain_dtypes(frame, found.table), text, places, problem_frame(problems))


def up_to(frame: pd.DataFrame, table: Table, year: int) -> pd.DataFrame:
    """A table as of the evaluation year: a report uses nothing later.

    Rows of later years are left out; of a table that holds on, the latest row of each key stays; and a complex that
    joins later stands in the registry as what it is until then, a non-participant. Works on typed frames and on text alike.
    """
    if table.year_column is not None:
        frame = frame[pd.to_numeric(frame[table.year_column], errors="coerce") <= year]
    if table.holds_on:
        frame = _latest(frame, table)
    if table.name == "complexes":
        frame = _registry_as_of(frame, year)
    return frame.reset_index(drop=True)


def _latest(frame: pd.DataFrame, table: Table) -> pd.DataFrame:
    years = pd.to_numeric(frame[table.year_column], errors="coerce")
    key = [frame[name].str.strip() for name in table.key if name != table.year_column]
    return frame[years == years.groupby(key).transform("max")] if len(frame) else frame


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


def empty(table: Table) -> pd.DataFrame:
    """The frame of an optional table that is not there: its columns, no rows."""
    return pd.DataFrame(columns=[column.name for column in table.columns])


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


def _read_csv(found: Found) -> tuple[pd.DataFrame, list[dict]]:
    """The cells as text, under their headings; the index counts the file's rows after the header, blank ones too."""
    content, problems = found.paths[0].read_bytes(), []
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        try:
            text = content.decode("cp949")
        except UnicodeDecodeError:
            return pd.DataFrame(), [
                problem(
                    (shown(found.paths[0]), "", ""), "", "",
                    say(f"not UTF-8 (byte {error.start})", f"UTF-8이 아님 ({error.start}번째 바이트)"),
                    say("save it as CSV UTF-8", "‘CSV UTF-8’ 형식으로 저장하십시오"),
                )
            ]
        # What Korean Excel writes as CSV; bytes of another encoding can look like it.
        problems.append(
            problem(
                (shown(found.paths[0]), "", ""), "", "",
                say("not UTF-8; read as the Korean encoding CP949", "UTF-8이 아니어서 CP949(완성형)로 읽음"),
                say("look whether Korean text is right, or save it as CSV UTF-8", "한글이 제대로 읽혔는지 확인하거나 ‘CSV UTF-8’ 형식으로 저장하십시오"), "warning",
            )
        )
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except csv.Error as error:
        return pd.DataFrame(), [
            problem(
                (shown(found.paths[0]), "", ""), "", "",
                say(f"not readable as CSV ({error})", f"CSV로 읽을 수 없음 ({error})"),
                say("look for a stray quotation mark", "따옴표가 잘못 들어갔는지 확인하십시오"),
            )
        ]
    header = [name.strip() for name in rows[0]] if rows else []
    while header and not header[-1]:
        header.pop()
    # A title in Korean or English stands for its column; what names none stays as it is.
    codes = {column.name for column in found.table.columns}
    header = [name if name in codes else column_named(name, found.table) or name for name in header]
    warned = problems
    problems = _header_problems(found, header)
    cells = {}
    for index, row in enumerate(rows[1:]):
        # Spreadsheets leave empty cells at the end of rows, and empty rows.
        if not any(cell.strip() for cell in row):
            continue
        filled = row[: len(header)] + [cell for cell in row[len(header) :] if cell.strip()]
        if len(filled) != len(header) and not problems:
            problems.append(
                problem(
                    (shown(found.paths[0]), "", index + FIRST_ROW), "", ",".join(row),
                    say(f"has {len(filled)} cells, the header {len(header)}", f"칸이 {len(filled)}개인데 머리글은 {len(header)}개임"),
                    say("look for a stray or missing comma; put a text with commas in quotation marks", "쉼표가 남거나 모자란지 확인하고, 쉼표가 든 글은 따옴표로 묶으십시오"),
                )
            )
        cells[index] = filled
    if problems:
        return pd.DataFrame(), [*warned, *problems]
    problems = warned
    for index, row in cells.items():
        for name, cell in zip(header, row, strict=True):
            if "\n" in cell or "\r" in cell:
                # A stray quotation mark takes the rows up to the next one into its cell.
                place = (shown(found.paths[0]), "", index + FIRST_ROW)
                rule, mend = say("a cell of several lines", "한 칸에 여러 줄이 들어 있음"), say("look for a stray quotation mark, and rows that it took in", "따옴표가 잘못 들어가 다른 행을 삼키지 않았는지 확인하십시오")
                problems.append(problem(place, name, cell, rule, mend, "warning"))
    if not text.endswith(("\n", "\r")):
        # Every program ends the last row; a file that was cut off ends anywhere.
        place = (shown(found.paths[0]), "", len(rows))
        rule, mend = say("the last row has no line end", "마지막 행이 줄바꿈으로 끝나지 않음"), say("look whether the file was cut off", "파일이 중간에 잘렸는지 확인하십시오")
        problems.append(problem(place, "", ",".join(rows[-1]), rule, mend, "warning"))
    return pd.DataFrame.from_dict(cells, orient="index", columns=header, dtype=str), problems


def _beside_a_csv(found: Found) -> list[dict]:
    """The same table as a CSV and in workbooks: neither is chosen in silence."""
    csvs = [path for path in found.paths if path not in {sheet.path for sheet in found.sheets}]
    books = "; ".join(dict.fromkeys(f"{shown(sheet.path)} ({sheet.title})" for sheet in found.sheets))
    return [
        problem(
            (shown(path), "", ""), "", "",
            say(f"also filled in in a workbook: {books}", f"통합 문서에도 입력되어 있음: {books}"),
            say("keep either the CSV or the sheet", "CSV와 시트 중 하나만 남기십시오"),
        )
        for path in csvs
    ]  # fmt: skip


def _header_problems(found: Found, header: list[str]) -> list[dict]:
    place = (shown(found.paths[0]), "", 1)
    if len(header) == 1 and len(found.table.columns) > 1 and (";" in header[0] or "\t" in header[0]):
        return [
            problem(
                place, "", header[0],
                say("not separated by commas", "쉼표로 구분되지 않음"),
                say("save it as CSV with commas between the cells", "칸을 쉼표로 구분하는 CSV로 저장하십시오"),
            )
        ]
    twice = sorted({name for name in header if name and header.count(name) > 1})
    problems = [
        problem(place, name, name, say("column stands twice", "열이 중복됨"), say("keep one of them", "하나만 남기십시오"))
        for name in twice
    ]
    for column in found.table.columns:
        if column.name not in header:
            problems.append(
                problem(
                    place, column.name, "",
                    say("column is not there", "열이 없음"),
                    say(f"add the column {column.name} ({column.en})", f"{column.name} 열({column.ko})을 추가하십시오"),
                )
            )
    return problems


def _check(table: Table, frame: pd.DataFrame, text: pd.DataFrame, places: pd.DataFrame) -> list[dict]:
    try:
        schema(table).validate(frame, lazy=True)
    except pa.errors.SchemaErrors as errors:
        cases = errors.failure_cases
    else:
        return []
    columns = {column.name: column for column in table.columns}
    problems, seen = [], set()
    for case in cases.itertuples():
        if case.check == "multiple_fields_uniqueness":
            if case.index in seen:
                continue
            seen.add(case.index)
            value = ", ".join(text.loc[case.index, list(table.key)])
            problems.append(
                problem(
                    _place(places, case.index), " + ".join(table.key), value,
                    say("stands twice", "중복된 행"),
                    say("keep one of the rows", "한 행만 남기십시오"),
                )
            )
            continue
        column = columns[case.column]
        value = text.loc[case.index, column.name]
        problems.append(problem(_place(places, case.index), column.name, value, *_rule(column, str(case.check), value)))
    return problems


def _rule(column, check: str, value: str) -> tuple[str, str]:
    if check == "not_nullable":
        return say("empty", "빈 칸"), say(f"fill in {column.en}", f"{column.ko} 값을 입력하십시오")
    if check == "allowed":
        if value.strip() in SUMS:
            return say("a row of a sum", "합계 행임"), say("take it out; sums are made by the program", "지우십시오. 합계는 프로그램이 계산합니다")
        listed = ", ".join(map(str, column.allowed))
        return say(f"not one of: {listed}", f"허용 값({listed})이 아님"), say("use one of them", "허용 값 중 하나를 쓰십시오")
    if check == "above":
        return say(f"not above {column.above:g}", f"{column.above:g}보다 크지 않음"), say("mend the figure", "수치를 고치십시오")
    bounds = f"{'' if column.lower is None else f'{column.lower:g}'}..{'' if column.upper is None else f'{column.upper:g}'}"
    return (
        say(f"outside {bounds}", f"허용 범위({bounds})를 벗어남"),
        say("mend the figure or its unit", "수치나 단위를 고치십시오"),
    )


def _not_a_number(place: tuple[str, str, int], column, value: str) -> dict:
    kind = say("a whole number" if column.kind == "integer" else "a number", "정수" if column.kind == "integer" else "숫자")
    return problem(
        place, column.name, value,
        say(f"not {kind}", f"{kind}가 아님"),
        say("digits only, no separators or units", "구분 기호나 단위 없이 숫자만 입력하십시오"),
    )


def _not_a_date(place: tuple, column: Column, value: str) -> dict:
    return problem(
        place, column.name, value,
        say("not a date", "날짜가 아님"),
        say("write it as 2010-12-31", "2010-12-31과 같이 적으십시오"),
    )  # fmt: skip


def _place(places: pd.DataFrame, index: int) -> tuple[str, str, int]:
    row = places.loc[index]
    return row["file"], row["sheet"], int(row["row"])


def _cell(told: dict) -> tuple:
    return told["file"], told["sheet"], told["row"], told["column"]


def _plain_dtypes(frame: pd.DataFrame, table: Table) -> pd.DataFrame:
    """NumPy floats for what may be missing, so that the models need not know nullable types."""
    for column in table.columns:
        if column.kind == "number" or (column.kind == "integer" and frame[column.name].isna().any()):
            frame[column.name] = frame[column.name].astype("float64")
        elif column.kind == "integer":
            frame[column.name] = frame[column.name].astype("int64")
    return frame
