"""From firm-years to complex-years: a table of any size, added up out of core.

The result has the columns of the panel, with the mask of the official statistics where two or fewer firms
operate, so that no figure of a single firm leaves this step.
"""

import tempfile
from pathlib import Path

import duckdb
import pandas as pd

from evaluation.errors import UserError
from evaluation.paths import shown
from evaluation.sources.tables import MASK

KEYS = ("firm_id", "complex_id", "year")
MEASURES = ("production", "exports", "employment")  # KRW mn, USD thousand, persons
FEW_FIRMS = 2
MEMORY, THREADS = "1200MB", 2
SHOWN = 5


def aggregate_firms(path: Path) -> pd.DataFrame:
    """Add up a firm-level table by complex and year.

    Args:
        path: Parquet or CSV (also several, as a folder of one kind) with KEYS and MEASURES; a firm operates
            in a year in which it produces or employs.

    Returns:
        `complex_id`, `year`, MEASURES and `operating_firms` as text, as the panel is filed: measures masked where
        FEW_FIRMS or fewer firms operate, empty where none does.

    Raises:
        UserError: not readable; a column that is not there; empty keys, a firm twice in a year, figures that are
            negative or not finite; each with the first rows concerned.
    """
    with tempfile.TemporaryDirectory() as spill:
        settings = {"memory_limit": MEMORY, "threads": THREADS, "temp_directory": spill, "preserve_insertion_order": False}
        with duckdb.connect(config=settings) as engine:
            source = _source(engine, path)
            _check(engine, source, path)
            sums = ", ".join(f"sum({name}) AS {name}" for name in MEASURES)
            rows = engine.sql(
                f"""
                SELECT complex_id, year, {sums}, count(*) FILTER (WHERE production > 0 OR employment > 0) AS operating_firms
                FROM {source} GROUP BY complex_id, year ORDER BY complex_id, year
                """
            ).df()
            whole = engine.sql(f"SELECT {sums} FROM {source}").df().iloc[0]
    for name in MEASURES:
        # Summing twice in another order moves only the last bits.
        if abs(rows[name].sum() - whole[name]) > 1e-9 * max(abs(whole[name]), 1):
            raise AssertionError(f"{name}: complexes add up to {rows[name].sum()}, firms to {whole[name]}")
    return _as_filed(rows)


def _as_filed(rows: pd.DataFrame) -> pd.DataFrame:
    out = rows[["complex_id", "year"]].astype(str)
    few = rows["operating_firms"] <= FEW_FIRMS
    none = rows["operating_firms"] == 0
    for name in MEASURES:
        out[name] = rows[name].round().astype("int64").astype(str).mask(few, MASK).mask(none, "")
    out["operating_firms"] = rows["operating_firms"].astype(str)
    return out


def _source(engine: duckdb.DuckDBPyConnection, path: Path) -> str:
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    files = [file for file in files if file.suffix.lower() in (".parquet", ".csv")]
    kinds = {file.suffix.lower() for file in files}
    if len(kinds) != 1 or not all(file.is_file() for file in files):
        raise UserError(
            f"{shown(path)}: give a .parquet or .csv file, or a folder with files of one of the two kinds.",
            f"{shown(path)}: .parquet 또는 .csv 파일이나, 그중 한 종류만 든 폴더를 지정하십시오.",
        )
    listed = ", ".join("'" + str(file).replace("'", "''") + "'" for file in files)
    reader = "read_parquet" if kinds == {".parquet"} else "read_csv"
    types = "" if reader == "read_parquet" else ", header = true, types = {'firm_id': 'VARCHAR', 'complex_id': 'VARCHAR', 'year': 'INTEGER'}"
    try:
        engine.sql(f"CREATE VIEW firm_years AS SELECT * FROM {reader}([{listed}]{types})")
        columns = dict(engine.sql("SELECT column_name, column_type FROM (DESCRIBE firm_years)").fetchall())
    except duckdb.Error as error:
        raise _unreadable(path, error) from None
    missing = [name for name in (*KEYS, *MEASURES) if name not in columns]
    if missing:
        listed = ", ".join(missing)
        raise UserError(f"{shown(path)}: no column {listed}.", f"{shown(path)}: {listed} 열이 없습니다.")
    text = [name for name in MEASURES if columns[name] == "VARCHAR"]
    if text:
        listed = ", ".join(text)
        raise UserError(f"{shown(path)}: {listed} holds text where numbers belong.", f"{shown(path)}: 숫자여야 할 {listed} 열에 글자가 있습니다.")
    return "firm_years"


def _check(engine: duckdb.DuckDBPyConnection, source: str, path: Path) -> None:
    empty = " OR ".join(f"{name} IS NULL" for name in (*KEYS, *MEASURES))
    wrong = " OR ".join(f"{name} < 0 OR NOT isfinite({name}::DOUBLE)" for name in MEASURES)
    keys = ", ".join(KEYS)
    try:
        rules = (
            ("empty cells", "빈 칸", f"SELECT {keys}, count(*) OVER () FROM {source} WHERE {empty} LIMIT {SHOWN}"),
            ("figures below 0 or not finite", "0보다 작거나 유한하지 않은 수치", f"SELECT {keys}, count(*) OVER () FROM {source} WHERE {wrong} LIMIT {SHOWN}"),
            (
                "a firm twice in a complex and year", "같은 단지·연도에 두 번 나오는 기업",
                f"SELECT {keys}, count(*) OVER () FROM {source} GROUP BY {keys} HAVING count(*) > 1 LIMIT {SHOWN}",
            ),
        )  # fmt: skip
        for en, ko, query in rules:
            found = engine.sql(query).fetchall()
            if found:
                listed = "; ".join(" ".join(map(str, row[:-1])) for row in found)
                raise UserError(
                    f"{shown(path)}: {en} ({found[0][-1]:,} cases), first: {listed}. Mend them at the source.",
                    f"{shown(path)}: {ko} {found[0][-1]:,}건. 처음 몇 건: {listed}. 원자료에서 고치십시오.",
                )
        if engine.sql(f"SELECT count(*) FROM {source}").fetchall()[0][0] == 0:
            raise UserError(f"{shown(path)}: no rows.", f"{shown(path)}: 자료가 없습니다.")
    except duckdb.Error as error:
        raise _unreadable(path, error) from None


def _unreadable(path: Path, error: Exception) -> UserError:
    first = str(error).splitlines()[0]
    return UserError(f"{shown(path)}: not readable ({first}).", f"{shown(path)}: 읽을 수 없습니다({first}).")
