"""Which file serves a table: an official one where it is there, else the one that ships."""

from dataclasses import dataclass
from pathlib import Path

from evaluation.errors import UserError
from evaluation.paths import RAW, shown
from evaluation.sources.tables import TABLES, Table


@dataclass(frozen=True)
class Found:
    """The file that serves a table for a year, and where it comes from (official, simulated, …)."""

    table: Table
    path: Path
    origin: str


def locate(name: str, year: int, raw: Path = RAW) -> Found:
    """The file of a table: an official one where it is there, else the one that ships."""
    table = TABLES[name]
    relative = table.path.format(year=year)
    official = raw / "official" / relative
    if table.origin == "simulated" and official.exists():
        return Found(table, official, "official")
    return Found(table, raw / table.origin / relative, table.origin)


def locate_all(year: int, raw: Path = RAW) -> list[Found]:
    """The files of all tables for a year; UserError naming every one that is missing."""
    found = [locate(name, year, raw) for name in TABLES]
    missing = [shown(item.path) for item in found if not item.path.is_file()]
    if missing:
        listed = "\n  ".join(missing)
        raise UserError(
            f"Input files are missing for {year}:\n  {listed}\n"
            "Put them back (`git checkout -- data/raw` restores what ships), or add this year's files under data/raw/official/.",
            f"{year}년 입력 파일이 없습니다:\n  {listed}\n"
            "파일을 되돌려 놓거나(`git checkout -- data/raw`는 배포본을 복원합니다) data/raw/official/ 아래에 해당 연도 파일을 넣으십시오.",
        )
    return found
