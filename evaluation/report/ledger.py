"""The ledger: every number the report may print, with its interval, unit and where it comes from.

A ledger is a frame with LEDGER_COLUMNS. Each analysis notebook writes its part; the report reads all
parts and prints nothing that is not in them, so that a figure in the PDF leads back to its rows.
"""

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from evaluation.errors import UserError
from evaluation.paths import shown

LEDGER_COLUMNS = ["id", "value", "lower", "upper", "level", "unit", "decimals", "simulated", "tables", "code"]
PARTS = ("data", "index", "outcomes", "impact", "credibility", "audit")


def entry(
    id: str, value: float, unit: str, decimals: int, *,
    lower: float | None = None, upper: float | None = None, level: float | None = None,
) -> dict:  # fmt: skip
    """One number: `id` is a dotted path; `unit` a key of the report's formats; `level` of the interval."""
    return {"id": id, "value": value, "lower": lower, "upper": upper, "level": level, "unit": unit, "decimals": decimals}


def part(entries: Iterable[dict], tables: Iterable[str], code: str, files: pd.DataFrame) -> pd.DataFrame:
    """A ledger part from entries that rest on the same tables and code.

    Args:
        entries: of `entry`.
        tables: names of the input tables they rest on.
        code: the module and function that computed them.
        files: what the inputs were read from (`evaluation.sources.check.Inputs.files`); an entry is marked
            simulated where any of its tables came from a simulated file.
    """
    tables = list(tables)
    origins = files.set_index("table")["origin"]
    frame = pd.DataFrame(entries)
    frame["simulated"] = bool((origins.loc[tables] == "simulated").any()) if tables else False
    frame["tables"] = " ".join(tables)
    frame["code"] = code
    return frame.reindex(columns=LEDGER_COLUMNS)


def write_part(ledger: pd.DataFrame, folder: Path) -> Path:
    """Write one part as `ledger.csv`, numbers in full precision; ids must be unique."""
    twice = ledger.loc[ledger["id"].duplicated(), "id"]
    if not twice.empty:
        raise ValueError(f"ledger ids stand twice: {', '.join(twice)}")
    path = folder / "ledger.csv"
    ledger.to_csv(path, index=False, lineterminator="\n")
    return path


def read_ledger(folder: Path, parts: Iterable[str] = PARTS) -> pd.DataFrame:
    """All parts below a year's folder in one frame, indexed by id."""
    frames = []
    for name in parts:
        path = folder / name / "ledger.csv"
        if not path.exists():
            raise UserError(
                f"{shown(path)} is not there: run `iccp report {Path(folder).name}` first, which makes it.",
                f"{shown(path)} 파일이 없습니다. 먼저 `iccp report {Path(folder).name}`을 실행하십시오.",
            )
        frames.append(pd.read_csv(path, keep_default_na=False, na_values=[""], dtype={"tables": "string", "code": "string"}))
    ledger = pd.concat(frames, ignore_index=True).set_index("id")
    if not ledger.index.is_unique:
        raise ValueError(f"ledger ids stand twice: {', '.join(ledger.index[ledger.index.duplicated()])}")
    return ledger
