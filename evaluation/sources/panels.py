"""Reads a panel for the impact commands: a row per unit and period, from CSV, Parquet or Stata."""

import csv
from pathlib import Path

import pandas as pd

from evaluation.errors import UserError
from evaluation.paths import shown

SEPARATORS = (",", ";", "\t")
# What stands for no value where numbers are looked for: pandas' own list, which it takes for all columns or none.
EMPTY = [
    "", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null",
]  # fmt: skip
SUFFIXES = (".csv", ".txt", ".parquet", ".dta")


def read_panel(path: Path, text: tuple[str, ...] = ()) -> pd.DataFrame:
    """A panel as it stands in its file.

    Args:
        text: columns that are names, so that codes keep their zeros, and NA, null and the like may be names.

    Raises:
        UserError: no such file, a folder, another format, one that cannot be read, or no rows; CSV in which a name stands twice,
            or whose rows have more values than there are names.
    """
    if path.is_dir():
        raise UserError(f"{path} is a folder. Give a file: {', '.join(SUFFIXES)}.", f"{path}은(는) 폴더입니다. {', '.join(SUFFIXES)} 파일을 지정하십시오.")
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
        raise UserError(f"{shown(path)} cannot be read ({str(error).strip()}).", f"{shown(path)} 파일을 읽을 수 없습니다({str(error).strip()}).") from None
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
            separator = max(SEPARATORS, key=header.count)
            columns = next(csv.reader([header], delimiter=separator), [])
            _refuse_repeats(columns, path)
            empty = {name: [""] if name in text else EMPTY for name in columns}
            table = pd.read_csv(path, dtype=dict.fromkeys(text, str), encoding=encoding, sep=separator, na_values=empty, keep_default_na=False)
        except UnicodeDecodeError:
            continue
        # Where rows are longer than the header, pandas takes their first values for names of rows, and every column shifts.
        if not isinstance(table.index, pd.RangeIndex):
            names, values = len(columns), len(columns) + table.index.nlevels
            raise UserError(
                f"{shown(path)} has {names} column names, but {values} values in its rows. Name every column, remove separators at the ends of lines, and write decimals with a point.",
                f"{shown(path)}에는 열 이름이 {names}개인데 행마다 값이 {values}개입니다. 모든 열에 이름을 붙이고, 줄 끝의 구분 기호를 지우고, 소수점은 마침표로 적으십시오.",
            )
        return table
    raise UserError(f"{shown(path)} is neither UTF-8 nor cp949. Save it as UTF-8.", f"{shown(path)} 파일이 UTF-8도 cp949도 아닙니다. UTF-8로 저장하십시오.")


def _refuse_repeats(columns: list[str], path: Path) -> None:
    twice = sorted({name for name in columns if name and columns.count(name) > 1})
    if twice:
        raise UserError(f"{shown(path)}: column {', '.join(twice)} stands more than once. Rename or remove all but one.", f"{shown(path)}: {', '.join(twice)} 열이 둘 이상입니다. 하나만 남기거나 이름을 바꾸십시오.")
