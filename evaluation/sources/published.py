"""Reads the printed figures as text: digits count as they were printed, trailing zeros too."""

from pathlib import Path
from typing import TYPE_CHECKING

from evaluation.errors import UserError
from evaluation.paths import RAW, shown

if TYPE_CHECKING:
    import pandas as pd

FOLDERS = ("published", "press")


def published_files(raw: Path = RAW) -> list[Path]:
    """The files that `published_texts` reads."""
    return [path for folder in FOLDERS for path in sorted((raw / folder).glob("*.csv"))]


def published_texts(raw: Path = RAW) -> dict[str, "pd.DataFrame"]:
    """All tables of printed figures, the programme's and the press's, by the name of their file.

    Returns:
        frames of text; an empty cell is "". Two folders with a table of the same name, or a file that cannot
        be read, raise a UserError.
    """
    import pandas as pd  # who only wants the list of files need not wait for it

    tables = {}
    for path in published_files(raw):
        if path.stem in tables:
            raise UserError(
                f"There are two tables {path.stem} under {shown(raw)}. Keep one.",
                f"{shown(raw)} 아래에 {path.stem} 표가 둘 있습니다. 하나만 남기십시오.",
            )
        try:
            tables[path.stem] = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
        except (UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
            raise UserError(
                f"{shown(path)} is not readable as CSV in UTF-8 ({error}).", f"{shown(path)} 파일을 UTF-8 CSV로 읽을 수 없습니다 ({error})."
            ) from None
    return tables
