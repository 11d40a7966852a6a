"""Opens workbooks that come from elsewhere: only after a look at what the file claims to be."""

import re
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from evaluation.errors import UserError, say
from evaluation.paths import shown
from evaluation.sources.locate import SUFFIX

if TYPE_CHECKING:
    from openpyxl.workbook.workbook import Workbook

MOST_BYTES = 300_000_000  # unpacked; the largest census is a hundredth of it
MOST_PARTS = 1_000
MOST_RATIO = 200  # unpacked over packed; sheets of figures pack to about a tenth
LEAST_FOR_RATIO = 4_000_000
# A cell whose formula is followed by an empty value or by none.
_NO_VALUE = re.compile(rb"""<(?:\w+:)?c\s[^>]*?\br=["'](\w+)["'][^>]*>\s*<(?:\w+:)?f\b(?:[^>]*/>|[^>]*>[^<]*</(?:\w+:)?f>)\s*(?:<(?:\w+:)?v\s*/>|<(?:\w+:)?v>\s*</(?:\w+:)?v>)?\s*</(?:\w+:)?c>""")
_OLE = bytes.fromhex("d0cf11e0a1b11ae1")


class Refused(Exception):
    """A file that is not read: why, and how to mend it."""


def open_workbook(path: Path) -> "Workbook":
    """Open an .xlsx for reading: values, not formulas; rows are read as they are asked for.

    Raises:
        UserError: not a workbook, damaged, protected by a password, or larger than any real one.
    """
    try:
        look_inside(path, MOST_BYTES, _too_large)
        return load_sheets(path)
    except Refused as error:
        rule, mend = error.args
        raise UserError(f"{shown(path)}: {rule}; {mend}.", f"{shown(path)}: {rule}. {mend}.") from None
    except Exception as error:  # openpyxl raises whatever the broken part of the file leads to
        raise _unreadable(path, error) from None


def load_sheets(path: Path) -> "Workbook":
    """What `look_inside` has let through, opened: values, not formulas, and no more rows than there are.

    Raises:
        Refused: without any sheet, or with fewer than it lists; and whatever openpyxl raises on a damaged part.
    """
    from openpyxl import (
        load_workbook,  # only who has workbooks needs it, and a run without any starts faster
    )

    with warnings.catch_warnings(action="ignore"):  # its remarks on print areas and styles
        book = load_workbook(path, read_only=True, data_only=True, keep_links=False)
    if not book.worksheets:
        raise Refused(say("has no sheet that can be read", "읽을 수 있는 시트가 없음"), save_again())
    _refuse_lost_sheets(path, book.sheetnames)
    for sheet in book.worksheets:
        # What a file says of its own size is not believed: it may name rows that are not there.
        sheet.reset_dimensions()
    return book


def sheet_rows(book: "Workbook", title: str, path: Path, most: int, width: int) -> list[tuple]:
    """The rows of a sheet as tuples of `width` cells (None where empty), row 1 first, blank rows kept.

    Raises:
        UserError: more than `most` rows, a formula without a value, or a damaged sheet.
    """
    rows, filled = [], 0
    cell = _uncomputed(book, title, path)
    if cell:
        raise UserError(
            f"{shown(path)}, sheet {title}, {cell}: a formula without a stored value. Open the file in Excel and save it, so that values are stored.",
            f"{shown(path)} {title} 시트 {cell}: 계산된 값이 저장되지 않은 수식입니다. Excel에서 열어 저장하면 값이 함께 저장됩니다.",
        )
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


def _refuse_lost_sheets(path: Path, titles: list[str]) -> None:
    """Refuse a workbook whose directory lists sheets that were not found in it: openpyxl passes over them in silence.

    Args:
        titles: of the sheets that were opened.
    """
    with zipfile.ZipFile(path) as archive:
        book = next((archive.read(name) for name in archive.namelist() if name.lower() == "xl/workbook.xml"), b"")
    listed = len(re.findall(rb"<(?:\w+:)?sheet\s", book))
    if listed != len(titles):
        raise Refused(say(f"lists {listed} sheets, but has {len(titles)} (damaged)", f"시트 {listed}개가 있어야 하는데 {len(titles)}개만 있음(손상)"), save_again())


def _uncomputed(book: "Workbook", title: str, path: Path) -> str | None:
    """The first cell with a formula and no value beside it, which openpyxl would read as an empty one."""
    try:
        with zipfile.ZipFile(path) as archive:
            found = _NO_VALUE.search(archive.read(book[title]._worksheet_path))  # openpyxl tells the place nowhere else
    except Exception as error:
        raise _unreadable(path, error) from None
    return found[1].decode("ascii", "replace") if found else None


def save_again() -> str:
    """The way out that mends most files."""
    return say("open it in Excel and save it as an Excel workbook (.xlsx)", "Excel에서 열어 ‘Excel 통합 문서(.xlsx)’로 다시 저장하십시오")


def look_inside(path: Path, most_bytes: int, too_large: Callable[[str], Refused]) -> None:
    """Refuse what is no plain workbook or would not fit, by its first bytes and its zip directory alone.

    Args:
        most_bytes: unpacked; too_large: makes the refusal of a file that is larger or packed too well.
    """
    if path.suffix.lower() != SUFFIX:
        raise Refused(say(f"a {path.suffix} file is not read", f"{path.suffix} 파일은 읽지 않음"), save_again())
    size = path.stat().st_size
    with path.open("rb") as file:
        start = file.read(len(_OLE))
        if start == _OLE:
            # Both an encrypted workbook and an old .xls are OLE files; only the former has this stream.
            encrypted = size <= most_bytes and "EncryptedPackage".encode("utf-16-le") in file.read()
            if encrypted:
                raise Refused(
                    say("protected by a password for opening", "열기 암호가 걸려 있음"),
                    say("open it in Excel, remove the password and save it", "Excel에서 열어 암호를 해제하고 저장하십시오"),
                )
            raise Refused(say("an old .xls file under another name", "이름만 바꾼 구형 .xls 파일임"), save_again())
    if not zipfile.is_zipfile(path):
        raise Refused(say("not a workbook, or cut short", "통합 문서가 아니거나 잘린 파일임"), save_again())
    try:
        with zipfile.ZipFile(path) as archive:
            parts = archive.infolist()
    except Exception:  # one wrong byte in the directory can lead anywhere, as to "zip file version 9.5"
        raise Refused(say("not a workbook, or cut short", "통합 문서가 아니거나 잘린 파일임"), save_again()) from None
    names = {part.filename for part in parts}
    unpacked = sum(part.file_size for part in parts)
    packed = max(1, sum(part.compress_size for part in parts))
    if len(parts) > MOST_PARTS or unpacked > most_bytes or (unpacked > LEAST_FOR_RATIO and unpacked > MOST_RATIO * packed):
        raise too_large(f"{unpacked / 1e6:,.0f} MB, {len(parts)}")
    if len(names) != len(parts) or any(part.flag_bits & 0x1 for part in parts):
        raise Refused(say("not a plain workbook (zip with encrypted or double parts)", "정상적인 통합 문서가 아님(암호화되거나 중복된 zip 항목)"), save_again())
    if "[Content_Types].xml" not in names:
        raise Refused(say("a zip file, but not a workbook", "zip 파일이지만 통합 문서가 아님"), save_again())
    if any(name.rsplit("/", 1)[-1].lower() == "vbaproject.bin" for name in names):
        raise Refused(say("has macros", "매크로가 들어 있음"), say("save it without macros, as an Excel workbook (.xlsx)", "매크로 없이 ‘Excel 통합 문서(.xlsx)’로 저장하십시오"))


def _too_large(what: str) -> Refused:
    return Refused(
        say(f"unpacks to more than any real workbook ({what})", f"압축을 풀면 정상적인 통합 문서보다 큼 ({what})"),
        say("get the file again from its source", "파일을 다시 받으십시오"),
    )


def _unreadable(path: Path, why: object) -> UserError:
    return UserError(
        f"{shown(path)}: not readable as an .xlsx workbook ({why}). Open it in Excel and save it as .xlsx without a password.",
        f"{shown(path)}: .xlsx 통합 문서로 읽을 수 없습니다({why}). Excel에서 열어 암호 없이 .xlsx로 다시 저장하십시오.",
    )
