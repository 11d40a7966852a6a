"""Reads plain tables of numbers without a header, such as coefficients and their covariance."""

from pathlib import Path

import numpy as np

from evaluation.errors import UserError
from evaluation.paths import shown


def read_numbers(path: Path) -> np.ndarray:
    """The numbers of a text file, separated by commas, semicolons, tabs or spaces, shape (rows, columns).

    Raises:
        UserError: no such file, nothing in it, rows of different lengths, or a cell that is no finite number (a header is one).
    """
    if not path.is_file():
        raise UserError(f"{path} is not there.", f"{path} 파일이 없습니다.")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (UnicodeDecodeError, ValueError):
        raise UserError(f"{shown(path)} is no plain text. Save it as CSV.", f"{shown(path)} 파일이 텍스트가 아닙니다. CSV로 저장하십시오.") from None
    separator = next((mark for mark in (",", ";", "\t") if mark in text), None)
    rows = [[cell.strip() for cell in line.strip().split(separator)] for line in text.splitlines() if line.strip()]
    if not rows:
        raise UserError(f"{shown(path)} is empty.", f"{shown(path)} 파일이 비어 있습니다.")
    for place, row in enumerate(rows, start=1):
        if len(row) != len(rows[0]):
            raise UserError(f"{shown(path)}: row {place} has {len(row)} cells, the first one {len(rows[0])}.", f"{shown(path)}: {place}행은 {len(row)}칸, 첫 행은 {len(rows[0])}칸입니다.")
        for column, cell in enumerate(row, start=1):
            if not _number(cell):
                raise UserError(
                    f"{shown(path)}: row {place}, column {column} is {cell!r}, not a number. The file must hold numbers only, without a header.",
                    f"{shown(path)}: {place}행 {column}열 값 {cell!r}은(는) 숫자가 아닙니다. 머리글 없이 숫자만 있어야 합니다.",
                )
    return np.array(rows, dtype=float)


def _number(cell: str) -> bool:
    try:
        return "_" not in cell and bool(np.isfinite(float(cell)))
    except ValueError:
        return False
