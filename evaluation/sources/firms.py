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
TURNOVER = ("complex_id", "year", "entering_firms", "exiting_firms")
FEW_FIRMS = 2
MEMORY, THREADS = "1200MB", 2
SHOWN = 5


def aggregate_firms(path: Path) -> pd.DataFrame:
    """Add up a firm-level table by complex and year: the first of `firm_tables`."""
    return firm_tables(path, turnover=False)[0]


def firm_tables(path: Path, turnover: bool = True) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Add up a firm-level table by complex and year, and count who entered and left.

    A firm enters a complex in a year in which it operates there and did not the year before, and leaves it in a year in which it
    does not and did the year before; who moves leaves one and enters another. A complex without rows in a year had no operating
    firm then, as long as the data have a row of that year for anybody; of a year without any row nothing is known, so that neither
    the first year of the data nor a year after such a one is counted. With 0 for complex-years that have no row, the firms of a
    year are thus exactly those of the year before, plus those entering, less those leaving.

    Args:
        path: Parquet or CSV (also several, as a folder of one kind) with KEYS and MEASURES; a firm operates
            in a year in which it produces or employs.

    Returns:
        `complex_id`, `year`, MEASURES and `operating_firms` as text, as the panel is filed: measures masked where
        FEW_FIRMS or fewer firms operate, empty where none does.
        `complex_id`, `year`, `entering_firms`, `exiting_firms`, of the years counted in which the complex has a row then or the
        year before; without `turnover` empty.

    Raises:
        UserError: not readable; a column that is not there; empty keys, a firm twice in a year, figures that are
            negative or not finite; each with the first rows concerned; years that are no whole numbers, with `turnover`.
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
            moves = _moves(engine, source, path) if turnover else None
    for name in MEASURES:
        # Summing twice in another order moves only the last bits.
        if abs(rows[name].sum() - whole[name]) > 1e-9 * max(abs(whole[name]), 1):
            raise AssertionError(f"{name}: complexes add up to {rows[name].sum()}, firms to {whole[name]}")
    return _as_filed(rows), _turnover(rows, moves) if moves is not None else pd.DataFrame(columns=TURNOVER)


def _moves(engine: duckdb.DuckDBPyConnection, source: str, path: Path) -> pd.DataFrame:
    """Firms that begin to operate in a complex in a year, or no longer do, whatever is known of the year before."""
    # A window sorts what it cannot hold on disk; joining each firm-year with the year before takes twice the memory.
    query = f"""
        WITH years AS (
            SELECT complex_id, year::INTEGER AS year,
                lag(year::INTEGER) OVER firm AS earlier, lead(year::INTEGER) OVER firm AS later
            FROM {source} WHERE production > 0 OR employment > 0
            WINDOW firm AS (PARTITION BY firm_id, complex_id ORDER BY year::INTEGER)
        )
        SELECT complex_id, year, sum(entering)::BIGINT AS entering_firms, sum(exiting)::BIGINT AS exiting_firms
        FROM (
            SELECT complex_id, year, 1 AS entering, 0 AS exiting FROM years WHERE earlier IS DISTINCT FROM year - 1
            UNION ALL SELECT complex_id, year + 1, 0, 1 FROM years WHERE later IS DISTINCT FROM year + 1
        ) GROUP BY ALL
        """
    try:
        if engine.sql(f"SELECT count(*) FROM {source} WHERE year::DOUBLE <> year::INTEGER").fetchall()[0][0]:
            raise UserError(f"{shown(path)}: year holds fractions.", f"{shown(path)}: year 열에 정수가 아닌 값이 있습니다.")
        return engine.sql(query).df()
    except duckdb.Error as error:
        raise _unreadable(path, error) from None


def _turnover(rows: pd.DataFrame, moves: pd.DataFrame) -> pd.DataFrame:
    keys = ["complex_id", "year"]
    here = rows[[*keys, "operating_firms"]].assign(year=pd.to_numeric(rows["year"]).astype(int))
    known = set(here["year"])
    after = here.assign(year=here["year"] + 1).rename(columns={"operating_firms": "before"})
    out = here.merge(after, on=keys, how="outer").merge(moves, on=keys, how="left")
    out = out[out["year"].isin(known) & (out["year"] - 1).isin(known)].fillna(dict.fromkeys(("operating_firms", "before", *TURNOVER[2:]), 0))
    if (wrong := out["operating_firms"] != out["before"] + out["entering_firms"] - out["exiting_firms"]).any():
        raise AssertionError(f"entering and exiting firms do not add up: {out[wrong].head(SHOWN).to_dict('records')}")
    return out.sort_values(keys, ignore_index=True)[list(TURNOVER)].astype({name: "int64" for name in TURNOVER[2:]}).astype(str)


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
