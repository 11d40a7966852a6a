"""Every CSV of the contract, broken in the ways that files break: a clear report, or the same figures; never silence.

A table is read anew from its broken file and checked with the others as they are, so that thousands of changes can
be tried. Which changes a check cannot know of is written down below, by name.
"""

import io
import shutil
import signal
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from evaluation.paths import RAW
from evaluation.sources.check import check_tables
from evaluation.sources.locate import Found, locate_all
from evaluation.sources.printed import PRINTED
from evaluation.sources.problems import problem_frame
from evaluation.sources.read import read_table
from evaluation.sources.tables import TABLES

YEAR = 2010
LONGEST = 20  # seconds for one file
TABLES_READ = locate_all(YEAR)
# Printed figures that only the audit reads are checked by themselves.
AUDITED = [Found(table, (RAW / table.origin / table.path,), table.origin) for name, table in PRINTED.items() if name not in TABLES]
SOURCES = {found.table.name: found for found in (*TABLES_READ, *AUDITED)}
# Lists of what there is, of any length: a row that is gone is missed by nothing else. The published tables are
# checked against each other by the audit.
ANY_LENGTH = {
    "reconciliation", "panel_variants", "firm_turnover", "true_effects", "headquarters_indicators", "cms_committees", "cms_alliances", "cms_experts", "cms_action_plans", "cms_cases",
    *PRINTED,
}  # fmt: skip
# Columns in units that people mix up, and the tables where something can tell.
UNITS = {
    "panel": ("production", "exports", "employment", "capital", "intermediate_inputs", "area"), "price_index": ("value",),
    "mc_marks": ("mark",), "difficulty_marks": ("mark",), "headquarters_marks": ("mark",),
    "common_indicators": ("target", "actual"), "headquarters_indicators": ("target", "actual"),
    "cms_action_plans": ("target", "actual"), "cms_projects": ("support",), "rcms_execution": ("budget", "executed"),
}  # fmt: skip


@pytest.fixture(autouse=True)
def english(monkeypatch):
    monkeypatch.setenv("ICCP_LANG", "en")


@pytest.fixture(scope="module")
def whole():
    """Every table as it ships, read once."""
    return {name: read_table(found) for name, found in SOURCES.items()}


@contextmanager
def in_time():
    def stop(*_):
        raise TimeoutError(f"took more than {LONGEST} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(LONGEST)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def source(name):
    return SOURCES[name].paths[0]


def checked(name, content, whole, folder):
    """A table's frame and the problems of the year, with one file's content replaced."""
    path = folder / source(name).name
    path.write_bytes(content)
    found = SOURCES[name]
    broken = Found(found.table, (path,), found.origin)
    with in_time():
        read = read_table(broken)
        if name not in TABLES:
            return read.frame, read.problems
        pairs = [(broken, read) if other.table.name == name else (other, whole[other.table.name]) for other in TABLES_READ]
        inputs = check_tables(YEAR, pairs, problem_frame([]), Path("/"))
        return inputs.tables[name], inputs.problems


def figures(frame):
    """What a table adds up to: its rows, and each column of numbers."""
    numbers = frame.select_dtypes("number")
    return {"rows": len(frame), **{name: (numbers[name].count(), round(float(numbers[name].sum()), 6)) for name in sorted(numbers)}}


def rows_of(name):
    return pd.read_csv(source(name), dtype=str, keep_default_na=False)


def as_csv(frame):
    return frame.to_csv(index=False, lineterminator="\n").encode()


# One way to break a file each: content, rows, generator -> new content, or None where it does not apply.


def notes_above(content, rows, generator):
    return "\n".join(["원자료 2010", ""][: generator.integers(1, 3)]).encode() + b"\n" + content


def no_header(content, rows, generator):
    return content.split(b"\n", 1)[1]


def header_lower(content, rows, generator):
    head, *lines = content.split(b"\n")
    lines.insert(int(generator.integers(1, 4)), head)
    return b"\n".join(lines)


def dropped_column(content, rows, generator):
    return as_csv(rows.drop(columns=rows.columns[generator.integers(rows.shape[1])]))


def doubled_rows(content, rows, generator):
    return as_csv(pd.concat([rows, rows.iloc[generator.integers(0, len(rows), generator.integers(1, 4))]])) if len(rows) else None


def doubled_file(content, rows, generator):
    return content + content


def text_in_a_number(content, rows, generator, numbers=()):
    column = numbers[generator.integers(len(numbers))] if numbers else None
    if column is None:
        return None
    values = ("많음", "12개", "1,234", "１２", "=1+1", "#REF!", "1e999", "nan", "-", "12.3.4", "0x1F", "1/2")
    rows.loc[generator.integers(len(rows)), column] = values[generator.integers(len(values))]
    return as_csv(rows)


def other_separator(content, rows, generator):
    sign = (";", "\t", "|")[generator.integers(3)]
    return rows.to_csv(index=False, sep=sign, lineterminator="\n").encode()


def cp949(content, rows, generator):
    return content.decode().encode("cp949", errors="replace")


def utf16(content, rows, generator):
    return content.decode().encode("utf-16")


def stray_bytes(content, rows, generator):
    place = int(generator.integers(len(content)))
    return content[:place] + bytes(generator.integers(0, 256, 3).astype("uint8")) + content[place:]


def null_bytes(content, rows, generator):
    place = int(generator.integers(len(content)))
    return content[:place] + b"\0\0" + content[place:]


def stray_quote(content, rows, generator):
    place = int(generator.integers(len(content)))
    return content[:place] + b'"' + content[place:]


def cut_off(content, rows, generator):
    return content[: int(generator.integers(len(content)))]


def nothing(content, rows, generator):
    return b""


def three_hundred_columns(content, rows, generator):
    more = pd.DataFrame({f"x{n}": "1" for n in range(300)}, index=rows.index)
    return as_csv(pd.concat([rows, more], axis=1))


def a_huge_cell(content, rows, generator):
    if not len(rows):
        return None
    rows.iloc[generator.integers(len(rows)), generator.integers(rows.shape[1])] = "9" * 1_000_000
    return as_csv(rows)


BREAKS = (
    notes_above, no_header, header_lower, dropped_column, doubled_rows, doubled_file, text_in_a_number, other_separator, cp949, utf16, stray_bytes,
    null_bytes, stray_quote, cut_off, nothing, three_hundred_columns, a_huge_cell,
)  # fmt: skip


def broken(name, change, generator):
    table = SOURCES[name].table
    content, rows = source(name).read_bytes(), rows_of(name)
    if change is text_in_a_number:
        years = {table.year_column}
        return change(content, rows, generator, [column.name for column in table.columns if column.kind != "text" and column.name not in years])
    return change(content, rows, generator)


# In the short test a table of each kind.
SHORT = ("complexes", "panel", "price_index", "mc_marks", "common_indicators", "satisfaction", "cms_projects", "rcms_execution", "budget_by_programme_year", "expert_pool")


@pytest.mark.parametrize(("name", "count"), [*((name, 1) for name in SHORT), *(pytest.param(name, 6, marks=pytest.mark.slow) for name in SOURCES)])
def test_a_broken_file_is_told_or_changes_nothing(name, count, whole, tmp_path):
    generator = np.random.default_rng(sum(map(ord, name)) + count)
    wanted = figures(checked(name, source(name).read_bytes(), whole, tmp_path)[0])
    # In the short test each table is broken in some ways only, and each way is tried on some tables.
    first = list(SOURCES).index(name)
    for change in BREAKS if count > 1 else [BREAKS[(first + 3 * step) % len(BREAKS)] for step in range(5)]:
        for _ in range(count):
            content = broken(name, change, generator)
            if content is None:
                continue
            frame, problems = checked(name, content, whole, tmp_path)
            if not problems.empty:
                assert problems[["rule", "mend"]].map(bool).all(axis=None)
                continue
            if change is cut_off and name in ANY_LENGTH and content.endswith(b"\n"):
                continue
            assert figures(frame) == wanted, change.__name__


@pytest.mark.parametrize(("name", "column"), [(name, column) for name, columns in UNITS.items() for column in columns])
@pytest.mark.parametrize("factor", [1000, 0.001])
def test_a_column_in_another_unit_is_told(name, column, factor, whole, tmp_path):
    rows = rows_of(name)
    numbers = pd.to_numeric(rows[column], errors="coerce")
    scaled = numbers * factor
    if (numbers.dropna() % 1 == 0).all() and factor < 1:
        scaled = scaled.round()  # as whoever rounds again would
    rows[column] = rows[column].where(numbers.isna(), scaled.map("{:.10g}".format))
    assert not checked(name, as_csv(rows), whole, tmp_path)[1].empty


@pytest.mark.parametrize("column", ["production", "employment", "operating_firms"])
def test_one_year_of_one_complex_in_another_unit_is_told(column, whole, tmp_path):
    rows = rows_of("panel")
    row = rows.index[(rows["complex_id"] == "H03") & (rows["year"] == "2008")][0]
    rows.loc[row, column] = str(int(rows.loc[row, column]) * 1000)
    _, problems = checked("panel", as_csv(rows), whole, tmp_path)
    assert problems["value"].str.contains("H03, 2008").any() and (problems["severity"] == "warning").all()


def test_what_changes_nothing_is_read_without_a_word(whole, tmp_path):
    """Line ends of Windows, a mark of byte order, empty rows and cells at the end, columns in another order."""
    for name in SOURCES:
        content, rows = source(name).read_bytes(), rows_of(name)
        wanted = figures(whole[name].frame)
        for other in (
            content.replace(b"\n", b"\r\n"), b"\xef\xbb\xbf" + content, content + b"\n,,,\n\n", as_csv(rows[rows.columns[::-1]]),
            b"\n".join(line + b",," if line else line for line in content.split(b"\n")) if b'"' not in content else content,
        ):  # fmt: skip
            (tmp_path / "x.csv").write_bytes(other)
            read = read_table(Found(SOURCES[name].table, (tmp_path / "x.csv",), SOURCES[name].origin))
            assert read.problems.empty and figures(read.frame) == wanted, name


def test_nothing_is_ever_written_into_raw(whole, tmp_path):
    """The check of a broken copy leaves every file as it was."""
    raw = shutil.copytree(RAW, tmp_path / "raw")
    (raw / "simulated/panel.csv").write_bytes(b"\xff\xfe")
    before = {path: path.read_bytes() for path in raw.rglob("*") if path.is_file()}
    from evaluation.sources.check import check_inputs

    assert not check_inputs(YEAR, raw).problems.empty
    assert {path: path.read_bytes() for path in raw.rglob("*") if path.is_file()} == before


def test_the_text_of_a_table_is_read_as_it_stands():
    """What the mutations start from: pandas and the reader see the same cells."""
    for found in SOURCES.values():
        frame = pd.read_csv(io.BytesIO(found.paths[0].read_bytes()), dtype=str, keep_default_na=False)
        assert frame.to_numpy().tolist() == read_table(found).text.to_numpy().tolist()
