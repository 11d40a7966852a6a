"""Writes workbooks of the contract, one sheet per table: the one that evaluators fill in, with the tables of marks that
the year's scheme scores, and the one that takes the exports of the programme's systems.

`evaluation.sources.entry` reads them back; both take headings, codes and ranges from the contract.
"""

import io
from pathlib import Path

import pandas as pd
from openpyxl import Workbook
from openpyxl.styles import Alignment, Border, Font, PatternFill, Protection, Side
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.hyperlink import Hyperlink
from openpyxl.worksheet.worksheet import Worksheet

from evaluation.errors import UserError, language, say
from evaluation.paths import RAW, shown
from evaluation.sources.entry import (
    ENTRY_TABLES,
    MOST_ROWS,
    OWN_SHEETS,
    PREFILLED,
    SYSTEM_TABLES,
    YEAR_LABELS,
)
from evaluation.sources.locate import SUFFIX, entry_folder
from evaluation.sources.tables import TABLES, Column, Table

# Above the marks: title, instruction, year, units, headings.
TITLE, INSTRUCTION, YEAR, UNITS, HEADER = 1, 2, 3, 4, 5
SPARE = 24  # empty rows made ready below those that are known beforehand
FONT = "맑은 고딕"  # every Korean Excel has it; others take their own
HEAD = PatternFill("solid", fgColor="1F3864")
GIVEN = PatternFill("solid", fgColor="EDEDED")
ENTRY = PatternFill("solid", fgColor="FFFBE6")
LINE = Border(*[Side(style="thin", color="BFBFBF")] * 4)
WIDTHS = {"headquarters": 20, "mc_id": 16, "indicator": 30, "evaluator": 16, "part": 42, "group": 16, "kind": 24, "unit": 12, "item": 16, "respondent": 18}

CODES = ("mc_id", "evaluator", "respondent", "committee", "organisation", "expert", "project", "company", "case")

# What stands on the instruction sheet and above the marks, Korean and English.
STEPS = (
    ("노란 칸만 입력합니다. 회색 칸과 열 제목은 잠겨 있습니다.", "Fill in the yellow cells only; grey cells and headings are locked."),
    ("평가위원은 자기 코드(예: E01)를 ‘평가위원’ 열에 적습니다. 이름은 적지 않습니다.", "Evaluators enter their code, such as E01, under ‘Evaluator’, never a name."),
    ("점수는 숫자만 적습니다. 점수를 매기지 않은 행은 그대로 둡니다.", "Enter marks as plain numbers. Leave rows without a mark as they are."),
    ("이해충돌로 회피한 미니클러스터는 점수를 비우고 ‘이해충돌 회피’를 ‘예’로 합니다.", "Where you are recused from a mini cluster, leave the mark empty and set ‘Conflict of interest declared’ to Yes."),
    ("행이 모자라면 그 아래에 이어서 적습니다. 목록이 있는 칸은 목록에서 고릅니다.", "If rows run out, go on below. Where a cell has a list, choose from it."),
    ("수식·병합·숨기기를 쓰지 않습니다. 담당하지 않는 시트는 비워 둡니다.", "No formulas, merged or hidden cells. Leave sheets that are not yours empty."),
)
SYSTEM_STEPS = (
    ("사업관리시스템(CMS)과 RCMS에서 내려받은 자료를 시트마다 열 제목에 맞추어 붙여 넣습니다.", "Paste what was exported from the Cluster Management System (CMS) and from RCMS under the headings of each sheet."),
    ("열 제목과 시트 이름은 그대로 둡니다. 열의 순서는 달라도 되고, 쓰지 않는 열은 읽지 않습니다.", "Keep the headings and the names of sheets. Columns may come in another order; others are not read."),
    ("사람과 기업은 코드로만 적고 이름·연락처는 지웁니다.", "People and companies appear as codes; take out names and contacts."),
    ("금액은 백만원, 날짜는 2010-12-31 형식입니다. 목록이 있는 칸은 목록의 값을 씁니다.", "Amounts are in KRW million, dates as 2010-12-31. Where a cell has a list, use one of its values."),
    ("자료가 없는 시트는 비워 둡니다. 그 표는 보고서에서 빠집니다.", "Leave a sheet empty where there is no export; the report goes without it."),
)
HOW = {
    "cms_mini_clusters": ("미니클러스터마다 한 행: 회원과 네트워크 활동.", "One row per mini cluster: its members and network activities."),
    "cms_committees": ("평가위원회 개최마다 한 행: 심의한 과제와 통과한 과제의 수.", "One row per meeting of a committee: how many projects it reviewed and passed."),
    "cms_alliances": ("지원기관마다 한 행.", "One row per supporting organisation."),
    "cms_experts": ("전문가마다 한 행. 자문 건수는 해당 연도의 것.", "One row per expert; consultations are those of the year."),
    "cms_action_plans": ("미니클러스터·지표마다 한 행: 목표와 실적.", "One row per mini cluster and indicator: target and actual."),
    "cms_projects": ("신청 과제마다 한 행. 지원하지 않은 과제의 지원금은 비워 둡니다.", "One row per project applied for; support stays empty where none was granted."),
    "cms_cases": ("우수사례마다 한 행.", "One row per outstanding case."),
    "rcms_execution": ("본부·세부사업마다 한 행: 기준일까지의 예산과 집행 누계.", "One row per headquarters and programme: budget and what was executed of it up to the date."),
    "mc_marks": ("미니클러스터마다 한 행씩, 평가위원 코드와 점수를 적습니다.", "One row per mini cluster: your code and your mark."),
    "difficulty_marks": ("본부마다 지표의 난이도와 도전성 점수를 적습니다.", "One row per headquarters: your mark of the difficulty of its indicators."),
    "common_indicators": ("본부·지표마다 한 행씩 목표와 실적을 적습니다. 지표는 모든 본부에 같아야 합니다.", "One row per headquarters and indicator: target and actual. Every headquarters has the same indicators."),
    "headquarters_marks": ("본부·정성지표마다 한 행씩, 평가위원 코드와 점수를 적습니다.", "One row per headquarters and qualitative indicator: your code and your mark."),
    "headquarters_indicators": ("본부·정량지표마다 한 행씩 목표와 실적을 적습니다.", "One row per headquarters and quantitative indicator: target and actual."),
    "satisfaction": ("응답자·문항마다 한 행씩 응답을 적습니다. 무응답은 비워 둡니다.", "One row per respondent and item. Leave the answer empty where none was given."),
    "satisfaction_invited": ("광역본부·응답자 구분마다 조사 대상 수와 모집단 수를 적습니다. 모집단 수를 모르면 비워 둡니다.", "One row per headquarters and group: how many were asked, and how many the group has; leave that empty where it is not known."),
}


def template_path(year: int, output: str, force: bool, programme: bool = False) -> Path:
    """Where the workbook of a year goes: `output` (a file, or a folder for the default name), else the current folder.

    Raises:
        UserError: the name is no .xlsx, the place lies in data/raw/, or a file is there and `force` is not set.
    """
    name = say(f"programme_{year}{SUFFIX}", f"사업관리자료_{year}{SUFFIX}") if programme else say(f"marks_{year}{SUFFIX}", f"평가표_{year}{SUFFIX}")
    path = Path(output) if output else Path(name)
    if path.is_dir():
        path /= name
    if path.suffix.lower() != SUFFIX:
        raise UserError(f"{path} does not end in {SUFFIX}; give a name that does.", f"{path}: 파일 이름이 {SUFFIX}로 끝나야 합니다.")
    if path.resolve().is_relative_to(RAW.resolve()):
        raise UserError(
            f"{shown(path.resolve())} lies in data/raw/, which the program never changes. Write it elsewhere; put the filled workbook there yourself.",
            f"{shown(path.resolve())} 경로는 프로그램이 고치지 않는 data/raw/ 안입니다. 다른 곳에 저장하고, 입력을 마친 파일만 직접 넣으십시오.",
        )
    if path.exists() and not force:
        raise UserError(
            f"{path} is there already; it may hold entries. Give another name with --output, or --force to replace it.",
            f"{path} 파일이 이미 있습니다. 입력한 내용이 있을 수 있으니 --output으로 다른 이름을 지정하거나, 바꾸려면 --force를 쓰십시오.",
        )
    return path


def write_template(path: Path, year: int, leaves: list[dict], units: dict, mini_clusters: pd.DataFrame, labels: dict) -> None:
    """Write the workbook of marks of a year.

    Args:
        leaves: the leaves of the year's scheme; of each, `table` and `scale` are used.
        units: of the year's scheme, `label` and `codes` of the headquarters.
        mini_clusters: the registry as the contract types it.
        labels: {kind: {code: {ko, en}}}, the words of the report settings.
    """
    tables = [table for table in ENTRY_TABLES if any(leaf["table"] in (table.name, table.beside) for leaf in leaves)]
    scales = {table.name: [leaf["scale"] for leaf in leaves if leaf["table"] == table.name and "scale" in leaf] for table in tables}
    rows = {table.name: _given(table, units["codes"], mini_clusters, labels) for table in tables}
    title = (f"{year}년 {units['label']['ko']} 평가표", f"Marks of the {units['label']['en']}, {year}")
    _write(path, year, title, STEPS, tables, scales, rows, units["codes"], mini_clusters, labels)


def write_system_workbook(path: Path, year: int, filled: dict[str, pd.DataFrame], units: dict, mini_clusters: pd.DataFrame, labels: dict) -> None:
    """Write the workbook for the exports of the programme's systems.

    Args:
        filled: rows to put in, by table; a table without rows is left blank.
        units: of the year's scheme, `codes` of the headquarters.
        mini_clusters: the registry as the contract types it.
        labels: {kind: {code: {ko, en}}}, the words of the report settings.
    """
    rows = {}
    for table in SYSTEM_TABLES:
        frame = filled.get(table.name, pd.DataFrame())
        columns = [column for column in table.columns if column.name != "year"]
        rows[table.name] = [], [[_shown(getattr(row, column.name), column, labels) for column in columns] for row in frame.itertuples()]
    title = (f"{year}년 사업관리시스템(CMS)·RCMS 자료", f"Exports of the Cluster Management System and of RCMS, {year}")
    _write(path, year, title, SYSTEM_STEPS, list(SYSTEM_TABLES), {}, rows, units["codes"], mini_clusters, labels)


def _shown(value: object, column: Column, labels: dict) -> object:
    """A cell as a person reads it."""
    if pd.isna(value):
        return None
    if column.allowed or (column.kind == "text" and column.name in labels):
        return _label(labels, column.name, value)
    if column.kind == "date":
        return value.date()
    return int(value) if column.kind == "integer" else value


def _write(
    path: Path, year: int, title: tuple[str, str], steps: tuple, tables: list[Table], scales: dict[str, list[dict]],
    rows: dict[str, tuple[list[str], list[list[object]]]], headquarters: list[str], mini_clusters: pd.DataFrame, labels: dict,
) -> None:  # fmt: skip
    """A workbook: instructions, a sheet per table, and the codes.

    Args:
        title, steps: Korean and English.
        scales: of what is scored in a table; rows: of each table the headings beside its columns, and its rows.
        headquarters: the codes of the year.
    """
    workbook = Workbook()
    _instructions(workbook.active, year, title, steps, tables)
    lists = _codes(workbook.create_sheet(say(*OWN_SHEETS["codes"][::-1])), tables, headquarters, mini_clusters, labels)
    for table in tables:
        _rows(workbook.create_sheet(_sheet_title(table)), year, table, scales.get(table.name, []), *rows[table.name], lists)
    # The codes are looked up, not filled in: they come last.
    workbook.move_sheet(say(*OWN_SHEETS["codes"][::-1]), offset=len(tables))
    finished = io.BytesIO()
    workbook.save(finished)
    path.write_bytes(finished.getvalue())


def _sheet_title(table: Table) -> str:
    # English titles are longer than the 31 characters a sheet's name may have.
    return say(table.name, table.ko)


def _both(en: str, ko: str, between: str = "\n") -> str:
    return between.join((ko, en) if language() == "ko" else (en, ko))


def _label(labels: dict, column: str, code: object) -> str:
    return labels.get(column, {}).get(code, {}).get(language(), str(code))


def _instructions(sheet: Worksheet, year: int, title: tuple[str, str], steps: tuple, tables: list[Table]) -> None:
    sheet.title = say(*OWN_SHEETS["help"][::-1])
    sheet.column_dimensions["A"].width, sheet.column_dimensions["B"].width = 30, 96
    folder = shown(entry_folder(year, group=tables[0].group)) + "/"
    lines = [
        title,
        *steps,
        (
            f"입력을 마친 파일을 {folder}에 넣습니다. 평가위원별·본부별로 나누어 여러 개를 넣어도 됩니다. 점검: iccp check {year}",
            f"Put the filled workbook into {folder}; there may be several, one per evaluator or headquarters. To check them: iccp check {year}",
        ),
    ]
    row = 1
    for tongue in ("ko", "en") if language() == "ko" else ("en", "ko"):
        for number, (ko, en) in enumerate(lines):
            cell = sheet.cell(row, 1 if number == 0 else 2, ko if tongue == "ko" else en)
            cell.font = Font(name=FONT, size=15, bold=True) if number == 0 else Font(name=FONT, size=11)
            cell.alignment = Alignment(wrap_text=number > 0, vertical="top")
            if number:
                sheet.cell(row, 1, number).alignment = Alignment(horizontal="right", vertical="top")
            row += 1
        row += 1
    for table in tables:
        name = sheet.cell(row, 1, _sheet_title(table))
        name.hyperlink = Hyperlink(ref=name.coordinate, location=f"'{_sheet_title(table)}'!A1")
        name.font = Font(name=FONT, size=11, underline="single", color="1F3864")
        sheet.cell(row, 2, _both(table.en, table.ko, " · ")).font = Font(name=FONT, size=11)
        row += 1
    _protect(sheet)
    _print(sheet, None)


def _codes(sheet: Worksheet, tables: list[Table], headquarters: list[str], mini_clusters: pd.DataFrame, labels: dict) -> dict[str, str]:
    """What drop-downs offer, a column each; returns the range of each list by the name of its column."""
    wanted = {column.name: column for table in tables for column in table.columns if column.allowed}
    offered = {name: headquarters if name == "headquarters" else column.allowed for name, column in wanted.items()}
    columns = {name: (_both(column.en, column.ko), [_label(labels, name, code) for code in offered[name]]) for name, column in wanted.items()}
    if any("mc_id" in table.references for table in tables):
        registry = TABLES["mini_clusters"]
        titles = {column.name: _both(column.en, column.ko) for column in registry.columns}
        columns["mc_id"] = (titles["mc_id"], mini_clusters["mc_id"].tolist())
        columns["mc_name"] = (titles[say("name_en", "name_ko")], mini_clusters[say("name_en", "name_ko")].tolist())
    lists = {}
    for position, (name, (title, values)) in enumerate(columns.items(), start=1):
        letter = get_column_letter(position)
        _heading(sheet.cell(1, position, title))
        for row, value in enumerate(values, start=2):
            sheet.cell(row, position, value).font = Font(name=FONT)
        sheet.column_dimensions[letter].width = WIDTHS.get(name, 24)
        lists[name] = f"'{sheet.title}'!${letter}$2:${letter}${len(values) + 1}"
    sheet.freeze_panes = "A2"
    _protect(sheet)
    _print(sheet, 1)
    return lists


def _rows(
    sheet: Worksheet, year: int, table: Table, scales: list[dict], beside: list[str], given: list[list[object]], lists: dict[str, str]
) -> None:
    columns = [column for column in table.columns if column.name != "year"]
    last = len(beside) + len(columns)

    sheet.cell(TITLE, 1, _both(f"{table.en}, {year}", f"{year}년 {table.ko}", " · ")).font = Font(name=FONT, size=14, bold=True)
    sheet.cell(INSTRUCTION, 1, _both(HOW[table.name][1], HOW[table.name][0], " / ")).font = Font(name=FONT, size=10, color="595959")
    sheet.cell(YEAR, 1, _both(YEAR_LABELS[1], YEAR_LABELS[0], " · ")).font = Font(name=FONT, size=10, bold=True)
    sheet.cell(YEAR, 2, year).font = Font(name=FONT, size=10, bold=True)
    for position, title in enumerate(beside, start=1):
        _heading(sheet.cell(HEADER, position, title))
        sheet.column_dimensions[get_column_letter(position)].width = 24
    for position, column in enumerate(columns, start=len(beside) + 1):
        letter = get_column_letter(position)
        lower, upper = _range(column, scales)
        units = sheet.cell(UNITS, position, _units(column, lower, upper))
        units.font, units.alignment = Font(name=FONT, size=9, italic=True, color="595959"), Alignment(horizontal="center", wrap_text=True)
        _heading(sheet.cell(HEADER, position, _both(column.en, column.ko)))
        dimension = sheet.column_dimensions[letter]
        dimension.width = WIDTHS.get(column.name, 18)
        # The whole column is open, so that rows below the prepared ones can be filled in; what is locked, is so cell by cell.
        dimension.protection = Protection(locked=False)
        rule = _validation(column, lower, upper, lists)
        if rule is not None:
            rule.add(f"{letter}{HEADER + 1}:{letter}{MOST_ROWS}")
            sheet.add_data_validation(rule)
    for row in range(1, HEADER):
        for position in range(1, last + 1):
            sheet.cell(row, position).protection = Protection(locked=True)
    for row, values in enumerate([*given, *[[None] * last] * SPARE], start=HEADER + 1):
        for position, value in enumerate(values, start=1):
            cell = sheet.cell(row, position, value)
            # A mini cluster's name and, where it is given, its code are the registry's; a headquarters may be chosen anew.
            locked = position <= len(beside) or (bool(beside) and position == len(beside) + 1 and value is not None)
            cell.font, cell.border = Font(name=FONT), LINE
            cell.fill, cell.protection = (GIVEN if locked else ENTRY), Protection(locked=locked)
            if position > len(beside) and columns[position - len(beside) - 1].kind == "date":
                cell.number_format = "yyyy-mm-dd"

    sheet.row_dimensions[UNITS].height, sheet.row_dimensions[HEADER].height = 30, 48
    sheet.freeze_panes = sheet.cell(HEADER + 1, len(beside) + 2 if beside else 2)
    _protect(sheet)
    _print(sheet, HEADER)


def _given(table: Table, headquarters: list[str], mini_clusters: pd.DataFrame, labels: dict) -> tuple[list[str], list[list[object]]]:
    """The headings of columns that only explain a code, and the rows that are known beforehand."""
    columns = [column for column in table.columns if column.name != "year"]

    def row(known: dict[str, object]) -> list[object]:
        ready = {name: _label(labels, name, int(code)) for name, code in PREFILLED.items()} if table.name == "mc_marks" else {}
        return [(known | ready).get(column.name) for column in columns]

    if table.name == "mc_marks":
        registry = {column.name: column for column in TABLES["mini_clusters"].columns}
        name = say("name_en", "name_ko")
        titles = [_both(registry[key].en, registry[key].ko) for key in ("headquarters", name)]
        rows = [[_label(labels, "headquarters", mc["headquarters"]), mc[name], *row({"mc_id": mc["mc_id"]})] for mc in mini_clusters.to_dict("records")]
        return titles, rows
    return [], [row({"headquarters": _label(labels, "headquarters", code)}) for code in headquarters]


def _range(column: Column, scales: list[dict]) -> tuple[float | None, float | None]:
    """The bounds of a number: the contract's, and for what is scored on a scale the scheme's inside them."""
    lower, upper = column.lower, column.upper
    if scales and column.name in ("mark", "response"):
        lower, upper = max(lower, min(scale["lower"] for scale in scales)), min(upper, max(scale["upper"] for scale in scales))
    return lower, upper


def _units(column: Column, lower: float | None, upper: float | None) -> str:
    if column.unit == "KRW mn":
        return say("KRW million", "백만원")
    if lower is not None and upper is not None:
        return f"{lower:g}–{upper:g}" + {"points": say(" points", "점"), "7-point scale": say(" (scale)", " (척도)")}.get(column.unit, "")
    if column.above is not None:
        return say(f"above {column.above:g}", f"{column.above:g} 초과")
    if lower is not None:
        return say(f"{lower:g} or more", f"{lower:g} 이상")
    if column.allowed:
        return say("choose", "선택")
    if column.kind == "date":
        return say("date", "날짜")
    return say("code", "코드") if column.name in CODES else ""


def _validation(column: Column, lower: float | None, upper: float | None, lists: dict[str, str]) -> DataValidation | None:
    """What Excel lets into a column; None where anything goes."""
    if column.name in lists:
        rule = DataValidation(type="list", formula1=lists[column.name], allow_blank=True)
        message = say("Choose from the list.", "목록에서 고르십시오.")
    elif column.kind in ("text", "date"):
        return None
    else:
        kind = "whole" if column.kind == "integer" else "decimal"
        if lower is not None and upper is not None:
            rule = DataValidation(type=kind, operator="between", formula1=f"{lower:g}", formula2=f"{upper:g}", allow_blank=True)
        elif column.above is not None:
            rule = DataValidation(type=kind, operator="greaterThan", formula1=f"{column.above:g}", allow_blank=True)
        else:
            rule = DataValidation(type=kind, operator="greaterThanOrEqual", formula1=f"{lower:g}", allow_blank=True)
        message = say(f"Enter a number: {_units(column, lower, upper)}.", f"숫자를 입력하십시오: {_units(column, lower, upper)}")
    rule.errorTitle, rule.error, rule.showErrorMessage = say(column.en, column.ko)[:32], message, True
    return rule


def _heading(cell: object) -> None:
    cell.font = Font(name=FONT, bold=True, color="FFFFFF")
    cell.fill, cell.border = HEAD, LINE
    cell.alignment = Alignment(horizontal="center", vertical="center", wrap_text=True)
    cell.protection = Protection(locked=True)


def _protect(sheet: Worksheet) -> None:
    """Against slips, not against people: no password; widths and heights stay free."""
    sheet.protection.sheet = True
    sheet.protection.formatColumns = sheet.protection.formatRows = False


def _print(sheet: Worksheet, header: int | None) -> None:
    sheet.page_setup.orientation, sheet.page_setup.paperSize = "landscape", sheet.PAPERSIZE_A4
    sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight = 1, 0
    sheet.sheet_properties.pageSetUpPr.fitToPage = True
    sheet.print_options.horizontalCentered = True
    sheet.oddFooter.center.text = "&A   &P / &N"
    if header is not None:
        sheet.print_title_rows = f"1:{header}" if header == 1 else f"{header}:{header}"
