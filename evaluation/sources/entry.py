"""Reads the workbooks that evaluators filled in, into the same text that a CSV of the contract holds.

People type into workbooks: what can only mean one thing is put right (full-width digits, a trailing 점, a
label for a code), what could mean two is reported as it stands. A workbook comes from outside, so its zip
directory and its XML are looked at before anything is loaded.
"""

import re
import unicodedata
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, time, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import IO
from xml.etree import ElementTree

import pandas as pd

from evaluation.errors import LANGUAGES, say
from evaluation.paths import RAW, shown
from evaluation.sources.locate import entry_paths
from evaluation.sources.printed import PRINTED
from evaluation.sources.problems import problem
from evaluation.sources.specs import read_report
from evaluation.sources.tables import TABLES, Column, Table
from evaluation.sources.workbooks import Refused, load_sheets, look_inside, save_again

# Every table of marks and indicators has a file per year; those are what evaluators fill in.
ENTRY_TABLES = tuple(table for table in TABLES.values() if table.group == "evaluation")
# What the programme's systems export comes in workbooks of the same form.
SYSTEM_TABLES = tuple(table for table in TABLES.values() if table.group == "programme")
READ_TABLES = (*ENTRY_TABLES, *SYSTEM_TABLES)
# Cells that a blank row of the template holds already: these codes alone make no entry.
PREFILLED = {"conflict_of_interest": "0"}
PREFILLED_ANY = ("year", "mc_id", "headquarters")
# What the template calls the sheets that hold no marks, and the cell before the year.
OWN_SHEETS = {"help": ("안내", "Instructions"), "codes": ("코드", "Codes")}
YEAR_LABELS = ("평가연도", "Evaluation year")

# A year's satisfaction survey, the longest table, fills 2,400 rows and 1.5 MB of XML.
MOST_ROWS = 20_000
MOST_COLUMNS = 64
MOST_CELLS = 500_000
MOST_BYTES = 32_000_000
HEADER_WITHIN = 100  # rows, notes above the header included

_FULL_WIDTH = {0xFF01 + i: 0x21 + i for i in range(94)} | {0x3000: " ", 0x00A0: " ", 0x200B: None, 0xFEFF: None}
_DATE = re.compile(r"(\d{4})(?:\s*[-./년]\s*(\d{1,2})\s*[-./월]\s*(\d{1,2})\s*[.일]?|(\d\d)(\d\d))(?:[ T]\d{1,2}:\d\d(?::\d\d(?:\.\d+)?)?)?")
_NUMBER = re.compile(r"([+-]?)(\d{1,3}(?:,\d{3})+|\d+)((?:\.\d+)?)\s*(점|%|)")


@dataclass(frozen=True)
class Sheet:
    """One filled sheet of a workbook.

    `rows`: the text of the filled rows, columns as the contract orders them, index the sheet's row.
    `letters`: contract column -> letter of the sheet's column.
    """

    path: Path
    title: str
    table: Table
    rows: pd.DataFrame
    letters: dict[str, str]
    problems: list[dict]


@dataclass(frozen=True)
class Entries:
    """The workbooks of a year: files, filled sheets, and what is wrong with files as a whole."""

    paths: list[Path]
    sheets: list[Sheet]
    problems: list[dict]


@dataclass
class _Layout:
    """What openpyxl does not tell when it reads cell by cell: (row, column) counted from 1."""

    hidden_rows: set[int] = field(default_factory=set)
    hidden_columns: set[int] = field(default_factory=set)
    formulas: dict[tuple[int, int], bool] = field(default_factory=dict)  # whether a value is stored
    merged: dict[tuple[int, int], str] = field(default_factory=dict)  # cell that is not the first of its range -> range


def read_entries(year: int, raw: Path = RAW) -> Entries:
    """Read the workbooks of a year; what is wrong in them is listed, never raised."""
    paths = entry_paths(year, raw)
    sheets, problems = [], []
    labels = read_report()["labels"] if paths else {}
    for path in paths:
        place = (shown(path), "", "")
        try:
            look_inside(path, MOST_BYTES, _too_large)
            found, told = _read_workbook(path, year, labels)
        except Refused as refused:
            problems.append(problem(place, "", "", *refused.args))
        except Exception as error:  # a file from outside can break a parser in any way
            rule = say(f"not readable as a workbook ({type(error).__name__})", f"통합 문서로 읽을 수 없음 ({type(error).__name__})")
            problems.append(problem(place, "", "", rule, save_again()))
        else:
            sheets += found
            problems += told
    return Entries(paths, sheets, problems)


def put_together(sheets: tuple[Sheet, ...]) -> tuple[pd.DataFrame, pd.DataFrame, list[dict]]:
    """The rows of several evaluators' sheets of one table as one.

    A key that is filled twice counts once: with equal values it is a warning, with different ones an error
    that names both cells.

    Returns:
        the text; file, sheet and row of each of its rows; and the problems.
    """
    table = sheets[0].table
    names = [column.name for column in table.columns]
    kinds = {column.name: column.kind for column in table.columns}
    problems = [told for sheet in sheets for told in sheet.problems]
    rows, places, first = [], [], {}
    alike: dict[tuple[int, int], list] = {}
    for sheet in sheets:
        for row, cells in zip(sheet.rows.index, sheet.rows.to_dict("records"), strict=True):
            place = (shown(sheet.path), sheet.title, int(row))
            key = tuple(cells[name] for name in table.key)
            # A key with a gap is reported as that; two of them need not be the same.
            if all(key) and key in first:
                there, other, elsewhere = first[key]
                differing = [name for name in names if not _same(cells[name], other[name], kinds[name])]
                if differing:
                    problems += _differ(key, cells, other, place, elsewhere, sheet, there, differing)
                else:
                    alike.setdefault((id(sheet), id(there)), []).append((key, place, elsewhere, there))
                continue
            first[key] = (sheet, cells, place)
            rows.append(cells)
            places.append(place)
    problems += [_alike(table, pairs) for pairs in alike.values()]
    return pd.DataFrame(rows, columns=names, dtype=str), pd.DataFrame(places, columns=["file", "sheet", "row"]), problems


def _at(where: tuple, own: Sheet, name: str) -> str:
    return f"{where[0]}, {where[1]}!{own.letters.get(name, '')}{where[2]}"


def _alike(table: Table, pairs: list[tuple]) -> dict:
    """One warning for all rows that two sheets hold alike: there may be thousands."""
    key, place, elsewhere, there = pairs[0]
    told, n = _at(elsewhere, there, table.key[-1]), len(pairs)
    return problem(
        place, " + ".join(table.key), ", ".join(key),
        say(
            f"{n} row{'s' if n > 1 else ''} also filled in elsewhere, alike; counted once (first at {told})",
            f"{n}개 행이 다른 곳에도 같은 값으로 입력됨. 한 번만 반영함(첫째: {told})",
        ),
        say("keep one of the rows", "한쪽만 남기십시오"), "warning",
    )  # fmt: skip


def _differ(key: tuple, cells: dict, other: dict, place: tuple, elsewhere: tuple, sheet: Sheet, there: Sheet, differing: list[str]) -> list[dict]:
    return [
        problem(
            place, name, cells[name],
            say(
                f"{_at(place, sheet, name)} and {_at(elsewhere, there, name)} differ for {', '.join(key)}: {cells[name]!r} and {other[name]!r}",
                f"{', '.join(key)}의 값이 {_at(place, sheet, name)}와(과) {_at(elsewhere, there, name)}에서 서로 다름: {cells[name]!r}, {other[name]!r}",
            ),
            say("keep the right one", "맞는 값만 남기십시오"),
        )
        for name in differing
    ]  # fmt: skip


def _same(one: str, other: str, kind: str) -> bool:
    if one == other:
        return True
    if kind == "date":
        return iso_date(one) == iso_date(other)
    if kind != "text" and one and other:
        values = pd.to_numeric(pd.Series([one, other]), errors="coerce")
        return bool(values[0] == values[1])
    return False


def _too_large(what: str) -> Refused:
    return Refused(
        say(f"larger than any filled workbook can be ({what})", f"입력용 통합 문서로는 너무 큼 ({what})"),
        say("copy the filled rows into a new template (`iccp template`)", "입력한 행만 새 양식(`iccp template`)에 옮기십시오"),
    )


def _read_workbook(path: Path, year: int, labels: dict) -> tuple[list[Sheet], list[dict]]:
    """The filled sheets of a workbook, and the problems that belong to no table."""
    known = {bare(name): table for table in READ_TABLES for name in (table.name, table.ko, table.en, table.en[:31])}
    sheets, problems = [], []
    workbook = load_sheets(path)
    try:
        with zipfile.ZipFile(path) as archive:
            for worksheet in workbook.worksheets:
                with archive.open(worksheet._worksheet_path) as part:  # openpyxl tells the place nowhere else
                    layout = _layout(part, worksheet.title)
                rows = list(_filled_rows(worksheet))
                # Excel names a copied sheet "… (2)".
                table = known.get(bare(re.sub(r"\s*\(\d+\)$", "", worksheet.title)))
                if table is None:
                    problems += _unknown_sheet(path, worksheet.title, rows)
                elif rows:
                    sheet = _read_sheet(path, worksheet, table, year, rows, layout, labels)
                    if sheet is not None:
                        sheets.append(sheet)
    finally:
        workbook.close()
    return sheets, problems


def _layout(part: IO[bytes], title: str) -> _Layout:
    """One pass over a sheet's XML: hidden rows and columns, merged ranges, formulas; refused beyond the caps."""
    from openpyxl.utils.cell import coordinate_to_tuple, range_boundaries

    layout, sheet_data = _Layout(), None
    row, cells, last = 0, 0, 0
    for event, element in ElementTree.iterparse(part, events=("start", "end")):
        name = element.tag.rpartition("}")[2]
        if event == "start":
            if name == "sheetData":
                sheet_data = element
            elif name == "row":
                row = int(element.get("r", row + 1))
                if row <= last:
                    raise ValueError("rows out of order")
                last = row
                if element.get("hidden") in ("1", "true"):
                    layout.hidden_rows.add(row)
            continue
        if name == "c":
            cells += 1
            if cells > MOST_CELLS:
                raise _too_large(f"{title}: > {MOST_CELLS:,}")
            stored = any(child.tag.rpartition("}")[2] in ("v", "is") for child in element)
            if stored and row > MOST_ROWS:
                raise _too_large(f"{title}: {element.get('r', row)}")
            if any(child.tag.rpartition("}")[2] == "f" for child in element) and element.get("r"):
                layout.formulas[coordinate_to_tuple(element.get("r"))] = stored
        elif name == "row" and sheet_data is not None:
            sheet_data.clear()
        elif name == "col" and element.get("hidden") in ("1", "true"):
            layout.hidden_columns |= set(range(int(element.get("min")), min(int(element.get("max")), MOST_COLUMNS) + 1))
        elif name == "mergeCell":
            left, top, right, bottom = range_boundaries(element.get("ref"))
            inside = {(y, x): element.get("ref") for y in range(top, min(bottom, MOST_ROWS) + 1) for x in range(left, min(right, MOST_COLUMNS) + 1)}
            inside.pop((top, left), None)
            layout.merged |= inside
            if len(layout.merged) > MOST_CELLS:
                raise _too_large(f"{title}: > {MOST_CELLS:,}")
    return layout


def _filled_rows(worksheet: object) -> Iterator[tuple[int, tuple]]:
    for number, cells in enumerate(worksheet.iter_rows(max_col=MOST_COLUMNS), start=1):
        if number > MOST_ROWS:
            return
        if any(cell.value is not None and cell.value != "" for cell in cells):
            yield number, cells


def _unknown_sheet(path: Path, title: str, rows: list[tuple[int, tuple]]) -> list[dict]:
    """A sheet with a name that no table has: of the template, a note, or marks that would be missed."""
    if bare(title) in {bare(name) for name in (*OWN_SHEETS["help"], *OWN_SHEETS["codes"])} or not rows:
        return []
    place = (shown(path), title, "")
    meant = next((table for table in READ_TABLES if _find_header(table, rows)), None)
    names = ", ".join(say(table.name, table.ko) for table in READ_TABLES)
    if meant is not None:
        name = say(meant.name, meant.ko)
        return [
            problem(
                place, "", "",
                say("has the columns of a table, but not its name", "표의 열이 있는데 시트 이름이 다름"),
                say(f"name the sheet after its table: {name}", f"시트 이름을 표 이름으로 바꾸십시오: {name}"),
            )
        ]  # fmt: skip
    return [
        problem(
            place, "", "", say("not a sheet of the template; not read", "양식에 없는 시트라 읽지 않음"),
            say(f"take it out, or name it after its table: {names}", f"시트를 지우거나 표 이름으로 바꾸십시오: {names}"), "warning",
        )
    ]  # fmt: skip


def _read_sheet(
    path: Path, worksheet: object, table: Table, year: int, rows: list[tuple[int, tuple]], layout: _Layout, labels: dict
) -> Sheet | None:
    """The filled rows of a sheet as text; None where nothing was filled in."""
    from openpyxl.utils import get_column_letter

    file, title = shown(path), worksheet.title
    names = [column.name for column in table.columns]
    header = _find_header(table, rows)
    if header is None:
        told = problem(
            (file, title, ""), "", "",
            say("no row with the column headings", "열 제목 행이 없음"),
            say("put the headings of the template back above the marks", "양식의 열 제목을 점수 위에 다시 넣으십시오"),
        )  # fmt: skip
        return Sheet(path, title, table, pd.DataFrame(columns=names, dtype=str), {}, [told])
    header_row, at = header
    problems = _heading_problems((file, title, header_row), table, dict(rows)[header_row], at, rows)
    letters = {name: get_column_letter(columns[0]) for name, columns in at.items()}
    if any(told["severity"] == "error" for told in problems):
        # As with a CSV: under wrong headings nothing more is looked for.
        return Sheet(path, title, table, pd.DataFrame(columns=names, dtype=str), letters, problems)
    codes = {column.name: _codes(column, labels) for column in table.columns}
    filled, warned = {}, []
    for number, cells in rows:
        if number <= header_row:
            continue
        texts, told = {}, []
        for column in table.columns:
            position = at.get(column.name, [0])[0]
            if not position:
                texts[column.name] = ""
                continue
            inside = layout.merged.get((number, position))
            stored = layout.formulas.get((number, position))
            text, wrong = ("", []) if inside else _cell_text(cells[position - 1], column, stored, codes[column.name])
            texts[column.name] = text
            if inside and column.required:
                wrong = [
                    (
                        inside,
                        say(f"inside the merged cells {inside}, whose value counts for their first cell only", f"병합된 셀({inside}) 안에 있음. 값은 첫 칸에만 적용됨"),
                        say("undo the merge and fill in every cell", "병합을 풀고 칸마다 입력하십시오"), "error",
                    )
                ]  # fmt: skip
            elif inside:
                wrong = [
                    (
                        inside,
                        say(f"inside the merged cells {inside}; read as empty", f"병합된 셀({inside}) 안에 있어 빈 칸으로 읽음"),
                        say("undo the merge and fill in every cell", "병합을 풀고 칸마다 입력하십시오"), "warning",
                    )
                ]  # fmt: skip
            told += [(problem((file, title, number), column.name, *item[:3], severity=item[3]), bool(inside)) for item in wrong]
        # Rows as the template left them are no entries; a merged cell that reaches into one changes nothing.
        blank = all(not text or name in PREFILLED_ANY or PREFILLED.get(name) == text for name, text in texts.items())
        if blank and not any(one["severity"] == "error" and not merged for one, merged in told):
            continue
        warned += [one for one, _ in told]
        filled[number] = texts
    if not filled:
        return None
    problems += _year_problems(file, title, year, rows, header_row, at)
    frame = pd.DataFrame.from_dict(filled, orient="index", columns=names, dtype=str)
    # The folder says the year; a year that a row gives itself is checked like that of a CSV.
    frame["year"] = frame["year"].replace("", str(year))
    problems += [*_hidden(file, worksheet, table, frame, at, layout), *warned]
    return Sheet(path, title, table, frame, letters, problems)


def _find_header(table: Table, rows: list[tuple[int, tuple]]) -> tuple[int, dict[str, list[int]]] | None:
    """The row with the most headings of a table and where each column stands, counted from 1; None without one.

    Notes may stand above it; columns may come in another order.
    """
    best = None
    for number, cells in rows:
        if number > HEADER_WITHIN:
            break
        at = {}
        for position, cell in enumerate(cells, start=1):
            name = column_named(cell.value, table) if isinstance(cell.value, str) else None
            if name:
                at.setdefault(name, []).append(position)
        if best is None or len(at) > len(best[1]):
            best = (number, at)
    # Half of the columns, so that a note that happens to be called like one is no header.
    return best if best and 2 * len(set(best[1]) - {"year"}) >= len(table.columns) - 1 else None


def column_named(text: str, table: Table) -> str | None:
    """The column a heading names: by its code, its Korean or English title, or both on two lines."""
    names = _headings(table.name)
    for part in (text, *re.split(r"[\n/·]", text)):
        if bare(part) in names:
            return names[bare(part)]
    return None


@cache
def _headings(table: str) -> dict[str, str]:
    return {
        bare(name): column.name
        for column in (TABLES | PRINTED)[table].columns
        for name in (column.name, column.ko, column.en, column.ko + column.en, column.en + column.ko, *column.also)
    }


def _heading_problems(place: tuple, table: Table, cells: tuple, at: dict[str, list[int]], rows: list[tuple[int, tuple]]) -> list[dict]:
    problems = []
    for column in table.columns:
        if column.name not in at and column.name != "year":
            problems.append(
                problem(
                    place, column.name, "", say("column is not there", "열이 없음"),
                    say(f"add the column {column.en} ({column.name})", f"{column.ko} 열({column.name})을 추가하십시오"),
                )
            )  # fmt: skip
        if len(at.get(column.name, ())) > 1:
            problems.append(problem(place, column.name, column.name, say("column stands twice", "열이 중복됨"), say("keep one of them", "하나만 남기십시오")))
    # Beside a code the template shows what it stands for.
    beside = [TABLES[other] for other, _ in table.references.values()]
    for position, cell in enumerate(cells, start=1):
        own = isinstance(cell.value, str) and (column_named(cell.value, table) or any(column_named(cell.value, other) for other in beside))
        used = any(number > place[2] and row[position - 1].value not in (None, "") for number, row in rows)
        if used and not own:
            heading = "" if cell.value is None else str(cell.value)
            problems.append(
                problem(
                    place, "", heading, say("not a column of this table; not read", "이 표에 없는 열이라 읽지 않음"),
                    say("mend the heading if it is one", "필요한 열이면 열 제목을 고치십시오"), "warning",
                )
            )  # fmt: skip
    return problems


def _year_problems(file: str, title: str, year: int, rows: list[tuple[int, tuple]], header_row: int, at: dict[str, list[int]]) -> list[dict]:
    """Whether the year above the header is the one of the folder."""
    labels = {bare(label) for label in (*YEAR_LABELS, "".join(YEAR_LABELS))}
    for number, cells in rows:
        if number >= header_row:
            break
        values = [cell.value for cell in cells if cell.value not in (None, "")]
        for label, value in zip(values, values[1:], strict=False):
            if isinstance(label, str) and any(bare(part) in labels for part in (label, *re.split(r"[\n/·]", label))):
                if _plain(str(value)).removesuffix("년") == str(year):
                    return []
                return [
                    problem(
                        (file, title, number), "year", str(value), say(f"not {year}", f"{year}년이 아님"),
                        say("put each year's workbooks into its own folder", "통합 문서를 해당 연도 폴더에 넣으십시오"),
                    )
                ]  # fmt: skip
    if "year" in at:
        return []
    return [
        problem(
            (file, title, ""), "year", "", say(f"no year on the sheet; read as {year}, its folder's", f"시트에 연도가 없어 폴더의 {year}년으로 읽음"),
            say(f"look whether it is that of {year}", f"{year}년 자료인지 확인하십시오"), "warning",
        )
    ]  # fmt: skip


def _hidden(file: str, worksheet: object, table: Table, frame: pd.DataFrame, at: dict[str, list[int]], layout: _Layout) -> list[dict]:
    """Marks that are read although nobody sees them on the sheet."""
    mend = say("show them and look whether they should count", "숨기기를 취소하고 반영할 내용인지 확인하십시오")
    problems = []
    if worksheet.sheet_state != "visible":
        problems.append(problem((file, worksheet.title, ""), "", "", say("the sheet is hidden; read all the same", "숨겨진 시트이지만 읽음"), mend, "warning"))
    rows = sorted(layout.hidden_rows & set(frame.index))
    if rows:
        told = ", ".join(map(str, rows[:10])) + (" …" if len(rows) > 10 else "")
        rule = say(f"{len(rows)} hidden row{'s' if len(rows) > 1 else ''}, read all the same", f"숨겨진 행 {len(rows)}개를 읽음")
        problems.append(problem((file, worksheet.title, rows[0]), "", told, rule, mend, "warning"))
    for column in table.columns:
        if at.get(column.name, [0])[0] in layout.hidden_columns:
            rule = say("a hidden column, read all the same", "숨겨진 열이지만 읽음")
            problems.append(problem((file, worksheet.title, ""), column.name, "", rule, mend, "warning"))
    return problems


def _cell_text(cell: object, column: Column, stored: bool | None, codes: dict[str, str]) -> tuple[str, list[tuple[str, str, str, str]]]:
    """The text of a cell as a CSV would hold it, and what is to be said: value, rule, mend, severity.

    Args:
        stored: of a formula, whether the file holds its value; None where the cell has no formula.
        codes: of a column of codes, what each label stands for.
    """
    value = cell.value
    if stored is False:
        return "", [
            (
                "", say("a formula without a stored value", "계산된 값이 저장되지 않은 수식임"),
                say("open it in Excel and save it, or type the value", "Excel에서 열어 저장하거나 값을 직접 입력하십시오"), "error",
            )
        ]  # fmt: skip
    if value is None:
        return "", []
    if cell.data_type == "e":
        return "", [(str(value), say("an error of the spreadsheet", "수식 오류 값임"), say("type the value", "값을 직접 입력하십시오"), "error")]
    if column.kind == "date" and isinstance(value, date):
        return value.strftime("%Y-%m-%d"), []
    if isinstance(value, date | time | timedelta):
        return "", [
            (
                str(value), say("a date or time", "날짜 또는 시각임"),
                say("set the cell to General and type the value again", "셀 서식을 ‘일반’으로 바꾸고 값을 다시 입력하십시오"), "error",
            )
        ]  # fmt: skip
    told = []
    if isinstance(value, int | float) and not isinstance(value, bool):
        text = _number_text(value)
        if column.kind != "text" and "%" in (cell.number_format or ""):
            text = _number_text(float(Decimal(text) * 100))
            told.append((text, *_per_cent(f"{text}%", text)))
    else:
        text = _plain(str(value))
        number = _NUMBER.fullmatch(text) if column.kind != "text" else None
        if number:
            sign, whole, decimals, unit = number.groups()
            plain = f"{sign}{whole.replace(',', '')}{decimals}"
            told += [(text, *_per_cent(text, plain))] if unit == "%" else []
            text = plain
    if codes:
        text = codes.get(bare(text), text)
    if stored and text:
        told.append(
            (
                text, say("a formula; the value it had when saved is used", "수식임. 저장 당시의 값을 사용함"),
                say("look whether the value is right, or type it", "값이 맞는지 확인하거나 직접 입력하십시오"), "warning",
            )
        )  # fmt: skip
    return text, told


def _per_cent(seen: str, read: str) -> tuple[str, str, str]:
    return (
        say(f"a percentage: {seen} is read as {read}", f"백분율 {seen}을(를) {read}(으)로 읽음"),
        say("look whether that is meant", "의도한 값인지 확인하십시오"),
        "warning",
    )


def _number_text(value: float) -> str:
    return str(int(value)) if float(value).is_integer() and abs(value) < 1e15 else repr(value)


def _codes(column: Column, labels: dict) -> dict[str, str]:
    """The code behind each way to name it: the code itself, its Korean or English label, or both together."""
    codes = {}
    for code in column.allowed or (labels.get(column.name, {}) if column.kind == "text" else ()):
        words = labels.get(column.name, {}).get(code, {})
        own = [words[language] for language in LANGUAGES if language in words]
        codes |= {bare(word): str(code) for word in (*own, "".join(own), "".join(reversed(own)), str(code)) if word}
    return codes


def _plain(text: str) -> str:
    """Text as it was meant: composed Hangul, full-width letters and digits as plain ones, no spaces around it."""
    return unicodedata.normalize("NFC", text).translate(_FULL_WIDTH).strip()


def iso_date(text: str) -> str:
    """A date as 2010-12-31, however its parts are separated and whatever time of day follows; other text as it is."""
    found = _DATE.fullmatch(text)
    if not found:
        return text
    year, *parts = (part for part in found.groups() if part)
    return "-".join((year, *(part.zfill(2) for part in parts)))


def bare(text: str) -> str:
    """What is left of a heading or label to compare: no spaces, no brackets and what stands in them, no case."""
    return re.sub(r"\(.*?\)|[\s*]", "", _plain(text)).casefold()
