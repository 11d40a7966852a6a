"""The problems of a check as others can use them: a page for the browser, and copies of the files with notes.

Everything goes into a folder of the check's own; the raw files are only read.
"""

import csv
import html
import shutil
from pathlib import Path

import pandas as pd
from openpyxl import Workbook, load_workbook
from openpyxl.comments import Comment
from openpyxl.styles import Font, PatternFill
from openpyxl.worksheet.worksheet import Worksheet

from evaluation.errors import language, say
from evaluation.paths import ROOT
from evaluation.sources.census import KOREAN
from evaluation.sources.entry import HEADER_WITHIN, bare
from evaluation.sources.printed import PRINTED
from evaluation.sources.tables import TABLES

FILLS = {"error": "F4C7C3", "warning": "FCE8B2"}
WIDEST = 60  # characters of a column in the list


def headings() -> list[str]:
    """The columns of a list of problems as the user reads them, in the order of `severity, file, sheet, row, …`."""
    return [
        say("Kind", "구분"), say("File", "파일"), say("Sheet", "시트"), say("Row", "행"), say("Column", "열"),
        say("Value", "값"), say("What is wrong", "문제"), say("How to mend it", "고치는 방법"),
    ]  # fmt: skip


def kind(severity: str) -> str:
    """The word for a severity."""
    return {"error": say("error", "오류"), "warning": say("warning", "주의")}[severity]


def write_findings(problems: pd.DataFrame, title: str, folder: Path) -> list[Path]:
    """Write `problems.html` and an annotated copy of every file with problems; what stood in the folder goes.

    Args:
        problems: with PROBLEM_COLUMNS; title: the page's.

    Returns:
        the files written, the page first; none where there are no problems.
    """
    shutil.rmtree(folder, ignore_errors=True)
    if problems.empty:
        return []
    folder.mkdir(parents=True)
    page = folder / "problems.html"
    page.write_text(_page(problems, title), encoding="utf-8")
    written = [page]
    for name, own in problems.groupby("file", sort=True):
        source = ROOT / name
        if source.is_file():
            written.append(_annotate(source, own, folder / f"{source.parent.name}-{source.stem}.xlsx"))
    return written


def _page(problems: pd.DataFrame, title: str) -> str:
    rows = "\n".join(
        f'<tr class="{html.escape(line[0])}">' + "".join(f"<td>{html.escape(str(cell))}</td>" for cell in (kind(line[0]), *line[1:])) + "</tr>"
        for line in problems.itertuples(index=False)
    )
    head = "".join(f"<th>{html.escape(word)}</th>" for word in headings())
    counts = problems["severity"].value_counts()
    counted = ", ".join(f"{kind(name)} {counts.get(name, 0)}" for name in FILLS)
    return f"""<!doctype html>
<html lang="{language()}">
<head>
<meta charset="utf-8">
<title>{html.escape(title)}</title>
<style>
body {{ font: 15px/1.5 "NanumGothic", "Malgun Gothic", sans-serif; color: #222; margin: 2rem; }}
h1 {{ font-size: 1.3rem; color: #1F3A5F; margin-bottom: .2rem; }}
table {{ border-collapse: collapse; border-top: 2px solid #1F3A5F; border-bottom: 2px solid #1F3A5F; }}
th, td {{ text-align: left; vertical-align: top; padding: .3rem .6rem; border-bottom: 1px solid #C9CFD8; }}
td:nth-child(4) {{ text-align: right; }}
tr.error td:first-child {{ background: #{FILLS["error"]}; }}
tr.warning td:first-child {{ background: #{FILLS["warning"]}; }}
</style>
</head>
<body>
<h1>{html.escape(title)}</h1>
<p>{html.escape(counted)}</p>
<table>
<thead><tr>{head}</tr></thead>
<tbody>
{rows}
</tbody>
</table>
</body>
</html>
"""


def _annotate(source: Path, problems: pd.DataFrame, place: Path) -> Path:
    """A copy of a file as a workbook: cells with problems coloured and noted, and a list of them in front."""
    book = _copy(source)
    headers: dict[str, dict[str, list[tuple[int, int]]]] = {}
    for problem in problems.itertuples():
        sheet = book[problem.sheet] if problem.sheet in book.sheetnames else book.worksheets[0]
        if problem.row == "" or pd.isna(problem.row):
            continue
        row = int(problem.row)
        if sheet.title not in headers:
            headers[sheet.title] = _headers(sheet)
        cell = sheet.cell(row, _column(headers[sheet.title], row, problem.column))
        cell.fill = PatternFill("solid", fgColor=FILLS[problem.severity])
        told = f"{kind(problem.severity)}: {problem.rule}\n{problem.mend}"
        cell.comment = Comment(f"{cell.comment.text}\n{told}" if cell.comment else told, "iccp", width=320, height=120)
    listed = book.create_sheet(say("Problems", "점검 결과"), 0)
    listed.append(headings())
    for problem in problems.itertuples(index=False):
        # As text: a value that begins with = is no formula here.
        listed.append([kind(problem.severity), *(str(cell) for cell in problem[1:])])
    for row in listed.iter_rows():
        for cell in row:
            cell.data_type = "s"
            if cell.row == 1:
                cell.font = Font(bold=True)
    for column in listed.columns:
        listed.column_dimensions[column[0].column_letter].width = min(WIDEST, 2 + max(len(str(cell.value or "")) for cell in column))
    listed.freeze_panes = "A2"
    book.active = 0
    book.save(place)
    return place


def _copy(source: Path) -> Workbook:
    if source.suffix.lower() in (".xlsx", ".xlsm"):
        try:
            return load_workbook(source, keep_links=False)
        except Exception:  # a file that cannot be opened has its problems in the list alone
            return Workbook()
    book = Workbook()
    sheet = book.active
    sheet.title = source.stem[:31]
    for encoding in ("utf-8-sig", "cp949", "latin-1"):
        try:
            text = source.read_text(encoding=encoding)
            break
        except UnicodeDecodeError:
            continue
    for number, row in enumerate(csv.reader(text.splitlines()), start=1):
        for place, value in enumerate(row, start=1):
            cell = sheet.cell(number, place, "".join(sign for sign in value if sign.isprintable()))
            cell.data_type = "s"
    return book


def _headers(sheet: Worksheet) -> dict[str, list[tuple[int, int]]]:
    """Where each heading stands, by row and column: the whole text and each of its lines, as a template has two."""
    found: dict[str, list[tuple[int, int]]] = {}
    for row in sheet.iter_rows(max_row=HEADER_WITHIN):
        for cell in row:
            if isinstance(cell.value, str):
                for text in {cell.value, *cell.value.split("\n")}:
                    found.setdefault(bare(text), []).append((cell.row, cell.column))
    return found


def _column(headers: dict[str, list[tuple[int, int]]], row: int, name: str) -> int:
    """The column a problem speaks of, by the nearest heading above, a code or its title; the first where none says so."""
    titles = {name, *(text for table in (TABLES | PRINTED).values() for column in table.columns if column.name == name for text in (column.en, column.ko)), KOREAN.get(name, name)}
    places = [place for text in titles for place in headers.get(bare(text), ()) if place[0] <= row]
    return max(places)[1] if places else 1
