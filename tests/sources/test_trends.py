"""Trend tables: the two real releases, a small one by hand, and broken ones.

The real files are not part of the project: ICCP_OFFICIAL_DATA names the folder they lie in.
"""

import os
from pathlib import Path

import numpy as np
import pytest
from openpyxl import Workbook

from evaluation.errors import UserError
from evaluation.sources.trends import VALUE_COLUMNS, read_trend, require_one_series

FOLDER = os.environ.get("ICCP_OFFICIAL_DATA")
PRODUCTION = [
    ["산업단지", "구분", "당분기(억원)", "전분기(억원)", "2026누계(억원)", "증감률(전분기대비)(퍼센트)"],
    ["계", "국가", 330, 300, 630, 10],
    ["구미", "국가", 220, 200, 420, 10],
    ["대불(외국인)", "국가", 110, 100, 210, 10],
    ["진해", "국가", "", "", "", ""],
]
EXPORTS = [
    ["산업단지", "구분", "섬유의복(백만달러)", "기계(백만달러)", "계(백만달러)"],
    ["구미", "국가", 1.5, 2.25, 3.75],
    ["대불(외)", "국가", 0, "x", "X"],
]


def release(path, rows, encoding="cp949"):
    path.write_text("".join(",".join(map(str, row)) + "\n" for row in rows), encoding=encoding)
    return path


def real(words):
    if not FOLDER:
        pytest.skip("ICCP_OFFICIAL_DATA names no folder with the official files")
    [path] = Path(FOLDER).rglob(f"*산업동향정보*{words}*.csv")
    return read_trend(path)


def test_the_real_release_of_production():
    """Forty rows, cp949; its heading says 2025 although it is the first quarter of 2026."""
    trend = real("생산실적")
    assert (trend.vintage, trend.quarter) == ("2026-03-31", "2026Q1")
    assert trend.problems[["severity", "value"]].to_numpy().tolist() == [["warning", "2025"]]
    gumi = trend.values[trend.values["complex"] == "구미"].set_index("flow")
    assert gumi["value"].round(1).to_dict() == {"quarter": 11524782.3, "previous_quarter": 11586160.4, "year_to_date": 11524782.3}
    assert set(gumi["unit"]) == {"KRW mn"} and set(gumi["series"]) == {"trend"}
    assert (trend.values["status"] == "missing").sum() == 3 * 6


def test_the_real_release_of_exports():
    """By industry; the headings do not say whether it is the quarter or the year to date."""
    trend = real("수출실적")
    assert trend.problems.empty and set(trend.values["flow"]) == {"unstated"}
    ulsan = trend.values[trend.values["name_key"] == "울산·미포"].set_index("industry")["value"]
    assert ulsan["all"] == pytest.approx(16858719.58) and ulsan.drop("all").sum() == pytest.approx(ulsan["all"])


@pytest.fixture
def production(tmp_path):
    return read_trend(release(tmp_path / "생산_20260630.csv", PRODUCTION))


def test_units_flows_and_names(production):
    assert list(production.values.columns) == VALUE_COLUMNS and production.problems.empty
    values = production.values.set_index(["name_key", "flow"])["value"]
    assert values["대불(외)", "quarter"] == 11_000 and values["구미", "year_to_date"] == 42_000 and np.isnan(values["진해", "quarter"])


@pytest.mark.parametrize("encoding", ["cp949", "utf-8", "utf-8-sig"])
def test_encodings(tmp_path, production, encoding):
    again = read_trend(release(tmp_path / "b_20260630.csv", PRODUCTION, encoding))
    assert again.values.equals(production.values)


def test_a_workbook_reads_as_the_csv_does(tmp_path, production):
    book = Workbook()
    book.active.append(["국가산업단지 산업동향"])
    for row in PRODUCTION:
        book.active.append([None if cell == "" else cell for cell in row])
    book.save(tmp_path / "생산_20260630.xlsx")
    assert read_trend(tmp_path / "생산_20260630.xlsx").values.equals(production.values)


def test_masks_small_and_large(tmp_path):
    values = read_trend(release(tmp_path / "수출_20260630.csv", EXPORTS)).values
    assert values.loc[values["name_key"] == "대불(외)", "status"].tolist() == ["observed", "masked", "masked"]


def test_series_vintages_and_flows_are_not_put_together(production):
    quarter = production.values[production.values["flow"] == "quarter"]
    require_one_series(quarter)
    with pytest.raises(UserError, match="different flow"):
        require_one_series(production.values)
    for column, other in (("series", "census"), ("vintage", "2026-09-30")):
        mixed = quarter.copy()
        mixed.loc[mixed.index[0], column] = other
        with pytest.raises(UserError, match=f"different {column}"):
            require_one_series(mixed)


@pytest.mark.parametrize(
    ("row", "column", "value", "words"),
    [
        (0, 2, "당분기(조원)", "no known unit"), (0, 0, "단지", "산업단지"), (0, 3, "전분기(백만달러)", "one measure"),
    ],
)  # fmt: skip
def test_a_header_that_cannot_be_followed_is_refused(tmp_path, row, column, value, words):
    rows = [list(line) for line in PRODUCTION]
    rows[row][column] = value
    with pytest.raises(UserError, match=words):
        read_trend(release(tmp_path / "a_20260630.csv", rows))


@pytest.mark.parametrize(
    ("row", "column", "value", "rule"),
    [
        (2, 2, "많음", "not a number"), (2, 2, -220, "below 0"), (2, 2, 221, "two quarters give"), (2, 4, 100, "below the quarter"),
        (1, 4, 631, "complexes add up"), (3, 0, "구미", "stands twice"), (3, 0, "", "without a name"),
    ],
)  # fmt: skip
def test_figures_that_do_not_agree_are_named(tmp_path, row, column, value, rule):
    rows = [list(line) for line in PRODUCTION]
    rows[row][column] = value
    problems = read_trend(release(tmp_path / "a_20260630.csv", rows)).problems
    assert ((problems["severity"] == "error") & problems["rule"].str.contains(rule) & (problems["row"] == row + 1)).any(), problems


def test_a_wrong_year_in_a_heading_is_a_warning(tmp_path):
    rows = [[cell.replace("2026", "2025") if isinstance(cell, str) else cell for cell in row] for row in PRODUCTION]
    [problem] = read_trend(release(tmp_path / "a_20260630.csv", rows)).problems.itertuples()
    assert problem.severity == "warning" and problem.value == "2025"


def test_the_first_quarter_is_the_year_to_date(tmp_path):
    problems = read_trend(release(tmp_path / "a_20260331.csv", PRODUCTION)).problems
    assert problems["rule"].str.contains("first").sum() == 3


@pytest.mark.parametrize("column", [2, 4])
def test_a_first_quarter_without_one_of_its_columns_is_read(tmp_path, column):
    trend = read_trend(release(tmp_path / "a_20260331.csv", [[*line[:column], *line[column + 1 :]] for line in PRODUCTION]))
    assert len(trend.values["flow"].unique()) == 2


def test_industries_that_do_not_add_up(tmp_path):
    rows = [list(line) for line in EXPORTS]
    rows[1][2] = 1.6
    [problem] = read_trend(release(tmp_path / "a_20260630.csv", rows)).problems.itertuples()
    assert problem.row == 2 and "industries add up" in problem.rule


def test_a_name_without_a_date_is_refused(tmp_path):
    with pytest.raises(UserError, match="date"):
        read_trend(release(tmp_path / "생산.csv", PRODUCTION))


def test_broken_files(tmp_path):
    path = tmp_path / "a_20260630.csv"
    for content in (b"", b"\xff\xfe\x00", b'"open', "산업단지,구분\n".encode(), b"x," * 500):
        path.write_bytes(content)
        with pytest.raises(UserError):
            read_trend(path)


@pytest.mark.parametrize("count", [200, pytest.param(5000, marks=pytest.mark.slow)])
def test_no_change_passes_in_silence(tmp_path, production, count):
    """Cells, rows and columns changed at random: refused, an error, or the same figures."""
    generator = np.random.default_rng(count)
    values = ["", "x", "0", "1", "-1", "999", "구미", "2025누계(억원)", "당분기(억원)", '"', "220", "1e400", "계"]
    same = 0
    for _ in range(count):
        rows = [list(map(str, line)) for line in PRODUCTION]
        row, column = generator.integers(len(rows)), generator.integers(6)
        match generator.integers(5):
            case 0 | 1:
                rows[row][column] = values[generator.integers(len(values))]
            case 2:
                del rows[row]
            case 3:
                rows.append(rows[row])
            case 4:
                rows = [line[:column] + line[column + 1 :] for line in rows]
        try:
            trend = read_trend(release(tmp_path / "a_20260630.csv", rows))
        except UserError:
            continue
        if trend.problems.empty:
            here, there = (frame.dropna(subset="value").drop(columns="complex").reset_index(drop=True) for frame in (trend.values, production.values))
            # A renamed complex is another complex here. A column or an optional row may be gone as a whole; what is there must be what was printed.
            merged = here.merge(there, on=["name_key", "flow"], suffixes=("", "_printed"))
            assert (merged["value"] == merged["value_printed"]).all(), rows
            same += 1
    assert same > 0


@pytest.mark.slow
@pytest.mark.parametrize("words", ["생산실적", "수출실적"])
def test_no_change_of_a_real_release_passes_in_silence(tmp_path, words):
    """As above, on the files as they are published."""
    whole = real(words)
    lines = whole.path.read_bytes().decode("cp949").splitlines()
    told = len(whole.problems)
    generator = np.random.default_rng(7)
    values = ["", "x", "0", "1", "-1", "999", "구미", "당분기(억원)", "220", "1e400", "계", "12.5억"]
    for _ in range(800):
        rows = [line.split(",") for line in lines]
        row, column = generator.integers(len(rows)), generator.integers(len(rows[0]))
        match generator.integers(4):
            case 0 | 1:
                rows[row][column] = values[generator.integers(len(values))]
            case 2:
                rows.append(rows[row])
            case 3:
                rows = [line[:column] + line[column + 1 :] for line in rows]
        try:
            trend = read_trend(release(tmp_path / whole.path.name, rows))
        except UserError:
            continue
        if len(trend.problems) > told:
            continue
        keys = ["name_key", "measure", "industry", "flow"]
        merged = trend.values.dropna(subset="value").merge(whole.values.dropna(subset="value"), on=keys, suffixes=("", "_printed"))
        assert (merged["value"] == merged["value_printed"]).all(), (row, column, rows[min(row, len(rows) - 1)])
