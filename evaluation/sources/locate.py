"""Which files serve a table: official ones where they are there, else the one that ships."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from evaluation.errors import UserError
from evaluation.paths import RAW, shown
from evaluation.sources.tables import TABLES, Table

if TYPE_CHECKING:
    from evaluation.sources.entry import Entries, Sheet

SUFFIX = ".xlsx"
# What a spreadsheet program may save in its place; lying there unread, it would be missed in silence.
OTHER_SUFFIXES = (".xls", ".xlsm", ".xlsb", ".xltx", ".xltm", ".ods", ".cell", ".numbers")
RELEASES = ("census", "trends")  # folders of official statistics, each file a release of its own
TEMPORARY = ("~$", ".~lock")  # what Excel and LibreOffice keep beside an open file


@dataclass(frozen=True)
class Found:
    """The files that serve a table for a year, and where they come from (official, simulated, …).

    One CSV, or one or more workbooks, whose filled sheets are then in `sheets`. A CSV beside workbooks is a
    conflict: it stands first in `paths`, and `evaluation.sources.read.read_table` reports it.
    """

    table: Table
    paths: tuple[Path, ...]
    origin: str
    sheets: "tuple[Sheet, ...]" = ()


def entry_folder(year: int, raw: Path = RAW, group: str = "evaluation") -> Path:
    """Where the filled workbooks of a year lie: of the `evaluation`, or exports of the `programme`'s systems."""
    return raw / "official" / group / str(year)


def entry_paths(year: int, raw: Path = RAW) -> list[Path]:
    """The workbooks of a year, those in a format that is refused included."""
    groups = dict.fromkeys(table.group for table in TABLES.values() if table.yearly)
    folders = [folder for group in groups if (folder := entry_folder(year, raw, group)).is_dir()]
    found = (path for folder in folders for path in sorted(folder.iterdir()))
    return [path for path in found if path.suffix.lower() in (SUFFIX, *OTHER_SUFFIXES) and not path.name.startswith(TEMPORARY)]


def release_paths(raw: Path = RAW) -> dict[str, list[Path]]:
    """The official releases, by the kind that names their folder: tables, those in a format that is refused included."""
    return {kind: [path for path in _release_files(kind, raw) if path.suffix.lower() in (SUFFIX, ".csv", *OTHER_SUFFIXES)] for kind in RELEASES}


def other_files(raw: Path = RAW) -> list[Path]:
    """What lies beside the releases and is no table, as a notice in PDF."""
    tables = {path for paths in release_paths(raw).values() for path in paths}
    return [path for kind in RELEASES for path in _release_files(kind, raw) if path not in tables]


def _release_files(kind: str, raw: Path) -> list[Path]:
    return sorted(path for path in (raw / "official" / kind).glob("*") if path.is_file() and not _beside(path))


def official_files(year: int, raw: Path = RAW) -> list[Path]:
    """Every official file that a year's report could mean: of all years, and of its own; releases apart."""
    files = (path for path in sorted((raw / "official").rglob("*")) if path.is_file() and not _beside(path))
    parts = ((path, path.relative_to(raw / "official").parts) for path in files)
    return [path for path, inside in parts if inside[0] not in RELEASES and (len(inside) < 3 or inside[1] == str(year))]


def _beside(path: Path) -> bool:
    """What systems and programs keep beside files."""
    return path.name.startswith((".", *TEMPORARY)) or path.name.lower() in ("thumbs.db", "desktop.ini")


def locate(name: str, year: int, raw: Path, entries: "Entries | None" = None) -> Found:
    """The files of a table: official ones where they are there, else the one that ships."""
    table = TABLES[name]
    relative = table.path.format(year=year)
    official = raw / "official" / relative
    sheets = tuple(sheet for sheet in entries.sheets if sheet.table.name == name) if entries else ()
    paths = dict.fromkeys(sheet.path for sheet in sheets)
    if table.origin == "simulated" and official.exists():
        paths = {official: None} | paths
    if paths:
        return Found(table, tuple(paths), "official", sheets)
    return Found(table, (raw / table.origin / relative,), table.origin)


def locate_all(year: int, raw: Path = RAW, entries: "Entries | None" = None) -> list[Found]:
    """The files of all tables for a year, optional ones that are not there left out; UserError naming every one that is missing.

    Where some optional tables of a group are official, the others of the group are not made up from simulated ones:
    codes of projects in one would not be those of the other. Neither is one that belongs beside an official table.

    Args:
        entries: the year's workbooks where they were read already.
    """
    if entries is None and entry_paths(year, raw):
        from evaluation.sources.entry import (
            read_entries,  # heavy, and most years have none
        )

        entries = read_entries(year, raw)
    found = [locate(name, year, raw, entries) for name in TABLES]
    official = {item.table.group for item in found if item.table.optional and item.origin == "official"}
    official |= {item.table.name for item in found if item.origin == "official"}
    found = [
        item for item in found
        if not item.table.optional or item.origin == "official"
        or (item.paths[0].is_file() and (item.table.beside or item.table.group) not in official)
    ]  # fmt: skip
    missing = [shown(path) for item in found for path in item.paths if not path.is_file()]
    if missing:
        # A workbook that cannot be read may be the very one that holds them.
        broken = [f"{item['file']}: {item['rule']}; {item['mend']}" for item in (entries.problems if entries else ()) if item["severity"] == "error"]
        listed = "\n  ".join([*missing, *broken])
        raise UserError(
            f"Input files are missing for {year}:\n  {listed}\n"
            "Put them back (`git checkout -- data/raw` restores what ships), or add this year's files under data/raw/official/.",
            f"{year}년 입력 파일이 없습니다:\n  {listed}\n"
            "파일을 되돌려 놓거나(`git checkout -- data/raw`는 배포본을 복원합니다) data/raw/official/ 아래에 해당 연도 파일을 넣으십시오.",
        )
    return found
