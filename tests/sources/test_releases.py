"""Official statistics beside a report: which releases a year may show, and how they reach its pages."""

import json
import math
import shutil

import pandas as pd
import pytest

from evaluation.errors import UserError
from evaluation.paths import ROOT
from evaluation.report.entries import release_entries
from evaluation.sources.census import read_census
from evaluation.sources.crosswalk import COLUMNS
from evaluation.sources.releases import (
    check_releases,
    latest_census,
    listed,
    read_releases,
    trend_cells,
)
from tests.conftest import copy_sources, flat, iccp, pages
from tests.sources.census_book import census_book
from tests.sources.test_trends import PRODUCTION, release

YEAR = 2010


@pytest.fixture(autouse=True)
def english(monkeypatch):
    monkeypatch.setenv("ICCP_LANG", "en")


def dated(year, quarter=4):
    """Makes the small census one of another quarter."""

    def change(book):
        for sheet in book.worksheets:
            for row in sheet.iter_rows(max_row=4):
                for cell in row:
                    if isinstance(cell.value, str):
                        cell.value = cell.value.replace("2023년 4분기", f"{year}년 {quarter}분기")

    return change


@pytest.fixture
def raw(tmp_path):
    for kind in ("census", "trends"):
        (tmp_path / "official" / kind).mkdir(parents=True)
    return tmp_path


def test_a_report_shows_nothing_later_than_its_year(raw):
    for year, quarter in ((2009, 4), (2010, 3), (2011, 4)):
        census_book(raw / f"official/census/{year}.xlsx", dated(year, quarter))
    for name in ("생산_20100630.csv", "생산_20110331.csv"):
        release(raw / "official/trends" / name, [[str(cell).replace("2026", name[3:7]) for cell in row] for row in PRODUCTION])
    censuses, trends = read_releases(YEAR, raw)
    assert listed([*censuses, *trends])[["kind", "period"]].to_numpy().tolist() == [["census", "2009Q4"], ["census", "2010Q3"], ["trends", "2010Q2"]]
    # Only a fourth quarter is a year.
    assert (latest_census(censuses).year, latest_census(censuses).quarter) == (2009, 4)
    assert latest_census([]) is None and latest_census(censuses[1:]).quarter == 3


def test_a_release_that_cannot_be_read_or_contradicts_itself_stops_the_report(raw):
    path = raw / "official/census/a.xlsx"
    path.write_bytes(b"no workbook")
    with pytest.raises(UserError, match="a.xlsx"):
        read_releases(YEAR, raw)

    def broken(book):
        dated(YEAR)(book)
        book["전국산업단지현황"]["A7"] = "어디"

    census_book(path, broken)
    with pytest.raises(UserError, match=r"(?s)iccp check 2010.*전국산업단지현황 7\] type"):
        read_releases(YEAR, raw)
    _, problems = check_releases(pd.DataFrame(columns=["complex_id", "name_ko", "role", "basis"]), raw)
    assert ((problems["severity"] == "error") & (problems["row"] == 7)).any()


def test_the_ledger_has_printed_totals_and_withholds_what_would_tell_masked_figures(tmp_path):
    """Two complexes mask their exports: neither their sum nor a visible total may be had from the ledger."""
    census = read_census(census_book(tmp_path / "census.xlsx"))
    files = pd.DataFrame({"table": [], "origin": []})
    registry = pd.DataFrame({"complex_id": ["a", "b", "c"], "role": ["hub", "spoke", "non_participant"]})
    ledger = release_entries(listed([census]), trend_cells([]), census, pd.DataFrame(columns=["complex_id"]), 1, registry, files).set_index("id")["value"]
    assert ledger["data.census.total.all.production"] == 18760 and ledger["data.census.hidden.all.production"] == pytest.approx(100 * 60 / 18760)
    assert math.isnan(ledger["data.census.hidden.general.exports"]) and math.isnan(ledger["data.census.hidden.all.exports"])
    assert (ledger["data.census.matched"], ledger["data.census.undecided"], ledger["data.census.unnamed"]) == (0, 1, 1)
    assert ledger["data.census.complexes"] == 8 and ledger["data.census.rows"] == 9
    counts = {status: ledger[f"data.census.cells.production.{status}"] for status in ("observed", "zero", "masked", "not_reported", "missing", "not_applicable")}
    assert counts == {"observed": 4, "zero": 0, "masked": 3, "not_reported": 1, "missing": 0, "not_applicable": 1}


def test_without_releases_the_ledger_has_nothing_of_them():
    files = pd.DataFrame({"table": [], "origin": []})
    none = pd.DataFrame(columns=["complex_id", "role"])
    assert release_entries(listed([]), trend_cells([]), None, none, 0, none, files).empty


def test_trend_releases_are_counted_by_measure_and_flow(raw):
    path = release(raw / "official/trends/생산_20100630.csv", [[str(cell).replace("2026", "2010") for cell in row] for row in PRODUCTION])
    _, trends = read_releases(YEAR, raw)
    cells = trend_cells(trends).set_index(["flow", "status"])["cells"]
    # 계, 구미, 대불 and an empty row for 진해.
    assert cells.to_dict() == {(flow, status): count for flow in ("quarter", "previous_quarter", "year_to_date") for status, count in (("observed", 3), ("missing", 1))}
    ledger = release_entries(listed(trends), trend_cells(trends), None, pd.DataFrame(), 0, pd.DataFrame(), pd.DataFrame({"table": [], "origin": []}))
    assert ledger.set_index("id").at["data.trends.1.production.year_to_date.missing", "value"] == 1
    assert listed(trends)["vintage"].tolist() == ["2010-06-30"] and path.exists()


def test_what_lies_beside_releases_is_told_or_passed_over(raw):
    census_book(raw / "official/census/a.xlsx", dated(YEAR))
    shutil.copy(raw / "official/census/a.xlsx", raw / "official/census/b.xlsx")
    for name in ("Thumbs.db", "desktop.ini", "~$a.xlsx", ".DS_Store", "설명.pdf"):
        (raw / "official/census" / name).write_bytes(b"x")
    _, problems = check_releases(pd.DataFrame(columns=["complex_id", "name_ko", "role", "basis"]), raw)
    told = problems[~problems["rule"].str.contains("census")]
    assert sorted(told["file"].str.rsplit("/", n=1).str[-1]) == ["b.xlsx", "설명.pdf"] and (told["severity"] == "warning").all()
    assert "the same quarter as a.xlsx" in told["rule"].tolist()
    assert len(read_releases(YEAR, raw)[0]) == 2

@pytest.mark.slow
def test_five_kinds_of_nothing_reach_the_page_and_go_with_the_file(tmp_path):
    checkout = copy_sources(ROOT, tmp_path / "checkout")
    folder = checkout / "data/raw/official/census"
    folder.mkdir(parents=True)
    census_book(folder / "현황_2010.xlsx", dated(YEAR))
    census_book(folder / "현황_2011.xlsx", dated(2011))
    hubs = {"H01": ("국가", "인천", "부평구", "부평", 1), "H02": ("일반", "강원", "춘천시", "가", 0), "H03": ("일반", "강원", "원주시", "라", 0),
            "H04": ("농공", "강원", "원주시", "마", 0), "H05": ("일반", "부산", "사하구", "신평·장림", 0)}  # fmt: skip
    kinds = {"국가": "national", "일반": "general", "농공": "agro_industrial"}
    rows = [(hub, kinds[place[0]], *place[1:], "matched", "", "") for hub, place in hubs.items()]
    pd.DataFrame(rows, columns=COLUMNS).to_csv(checkout / "evaluation/specs/crosswalk.csv", index=False)

    assert iccp(checkout, "report", str(YEAR)).returncode == 0
    for language, words in (("en", ("Not reported", "Not applicable")), ("ko", ("미보고", "해당 없음"))):
        page = flat("".join(pages(checkout / f"reports/{YEAR}/{language}/report.pdf")))
        names = pd.read_csv(checkout / "data/raw/simulated/complexes.csv").set_index("complex_id")[f"name_{language}"]
        unreported, nothing = map(flat, words)
        for hub, cells in {
            "H01": "3,000100300", "H02": "XXX", "H03": f"{unreported}080", "H04": nothing * 3, "H05": "700090",
        }.items():  # fmt: skip
            assert flat(names[hub]) + cells in page, hub
        assert "현황_2010.xlsx" in page and "18,760" in page and "현황_2011.xlsx" not in page
    manifest = json.loads((checkout / f"reports/{YEAR}/manifest.json").read_text(encoding="utf-8"))
    assert [item["period"] for item in manifest["releases"]] == ["2010Q4"]

    shutil.rmtree(folder)
    assert iccp(checkout, "report", str(YEAR)).returncode == 0
    assert not any("18,760" in text for text in pages(checkout / f"reports/{YEAR}/en/report.pdf"))
