"""Reads a panel for the impact commands: a row per unit and period, from CSV, Parquet or Stata."""

from pathlib import Path

import pandas as pd

from evaluation.errors import UserError
from evaluation.paths import shown

SEPARATORS = (",", ";", "\t")
SUFFIXES = (".csv", ".txt", ".parquet", ".dta")


def read_panel(path: Path, text: tuple[str, ...] = ()) -> pd.DataFrame:
    """A panel as it stands in its file.

    Args:
        text: columns that are names, so that codes keep their zeros.

    Raises:
        UserError: no such file, another format, one that cannot be read, or no rows.
    """
    if not path.is_file():
        raise UserError(f"{path} is not there.", f"{path} 파일이 없습니다.")
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise UserError(f"{shown(path)}: give a {', '.join(SUFFIXES)} file.", f"{shown(path)}: {', '.join(SUFFIXES)} 파일을 지정하십시오.")
    try:
        table = _read(path, suffix, text)
    except UserError:
        raise
    except Exception as error:  # a file from outside can break a parser in any way
        raise UserError(f"{shown(path)} cannot be read ({error}).", f"{shown(path)} 파일을 읽을 수 없습니다 ({error}).") from None
    if table.empty:
        raise UserError(f"{shown(path)} has no rows.", f"{shown(path)}에 행이 없습니다.")
    return table


def _read(path: Path, suffix: str, text: tuple[str, ...]) -> pd.DataFrame:
    if suffix == ".parquet":
        return pd.read_parquet(path)
    if suffix == ".dta":
        # Labels instead of codes would turn a year into words.
        return pd.read_stata(path, convert_categoricals=False)
    for encoding in ("utf-8-sig", "cp949"):  # the second is what Excel saves in Korea
        try:
            with path.open(encoding=encoding) as file:
                header = file.readline()
            # Tables of other countries' programs come with semicolons or tabs.
            return pd.read_csv(path, dtype=dict.fromkeys(text, str), encoding=encoding, sep=max(SEPARATORS, key=header.count))
        except UnicodeDecodeError:
            continue
    raise UserError(f"{shown(path)} is neither UTF-8 nor cp949. Save it as UTF-8.", f"{shown(path)} 파일이 UTF-8도 cp949도 아닙니다. UTF-8로 저장하십시오.")
