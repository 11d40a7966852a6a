"""Opens workbooks that come from elsewhere: only after a look at what the file claims to be."""

import zipfile
from pathlib import Path

from openpyxl import load_workbook
from openpyxl.workbook.workbook import Workbook

from evaluation.errors import UserError
from evaluation.paths import shown

MOST_ENTRIES = 2_000
MOST_BYTES = 300_000_000  # unpacked; the largest census is a hundredth of it
MOST_RATIO = 200  # unpacked over packed; sheets of figures pack to about a tenth


def open_workbook(path: Path) -> Workbook:
    """Open an .xlsx for reading: values, not formulas; rows are read as they are asked for.

    Raises:
        UserError: not a workbook, damaged, protected by a password, or larger than any real one.
    """
    _look_inside(path)
    try:
        book = load_workbook(path, read_only=True, data_only=True, keep_links=False)
    except Exception as error:  # openpyxl raises whatever the broken part of the file leads to
        raise _unreadable(path, error) from None
    if not book.worksheets:
        raise _unreadable(path, "no sheets")
    for sheet in book.worksheets:
        # What a file says of its own size is not believed: it may name rows that are not there.
        sheet.reset_dimensions()
    return book


def sheet_rows(book: Workbook, title: str, path: Path, most: int, width: int) -> list[tuple]:
    """The rows of a sheet as tuples of `width` cells (None where empty), row 1 first, blank rows kept.

    Raises:
        UserError: more than `most` rows, or a damaged sheet.
    """
    rows, filled = [], 0
    try:
        for number, row in enumerate(book[title].iter_rows(max_col=width, values_only=True), start=1):
            if any(cell is not None for cell in row):
                filled = number
            if filled > most:
                break
            if number <= most:
                rows.append(tuple(row) + (None,) * (width - len(row)))
    except Exception as error:
        raise _unreadable(path, error) from None
    if filled > most:
        raise UserError(
            f"{shown(path)}, sheet {title}: figures below row {most:,}; there cannot be so many rows. Is it the right file?",
            f"{shown(path)} {title} 시트: {most:,}행 아래에도 값이 있습니다. 올바른 파일인지 확인하십시오.",
        )
    return rows[:filled]


def _look_inside(path: Path) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        raise _unreadable(path, error) from None
    unpacked, packed = sum(entry.file_size for entry in entries), sum(entry.compress_size for entry in entries)
    if any(entry.flag_bits & 1 for entry in entries):
        raise _unreadable(path, "encrypted")
    if len(entries) > MOST_ENTRIES or unpacked > MOST_BYTES or unpacked > MOST_RATIO * max(packed, 1):
        raise UserError(
            f"{shown(path)}: unpacks to {unpacked / 1e6:,.0f} MB from {packed / 1e6:,.1f} MB in {len(entries):,} parts; no real workbook does. "
            "Get the file again from its source.",
            f"{shown(path)}: 압축을 풀면 {packed / 1e6:,.1f}MB가 {unpacked / 1e6:,.0f}MB({len(entries):,}개)가 되어 정상적인 통합 문서가 아닙니다. "
            "파일을 다시 받으십시오.",
        )
    if "[Content_Types].xml" not in {entry.filename for entry in entries}:
        raise _unreadable(path, "no [Content_Types].xml")


def _unreadable(path: Path, why: object) -> UserError:
    return UserError(
        f"{shown(path)}: not readable as an .xlsx workbook ({why}). Open it in Excel and save it as .xlsx without a password.",
        f"{shown(path)}: .xlsx 통합 문서로 읽을 수 없습니다({why}). Excel에서 열어 암호 없이 .xlsx로 다시 저장하십시오.",
    )
