"""The problems of a check as a page and as annotated copies; the raw files stay as they are."""

import hashlib

import pandas as pd
from openpyxl import load_workbook

from evaluation.sources.findings import write_findings
from evaluation.sources.problems import problem, problem_frame
from tests.conftest import YEAR, iccp
from tests.sources.census_book import census_book

MARKS = f"data/raw/simulated/evaluation/{YEAR}/mc_marks.csv"


def hashes(folder):
    return {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_the_page_shows_what_stands_there_and_nothing_more(tmp_path):
    problems = problem_frame([problem(("a.csv", "", 3), "mark", "<script>alert(1)</script>", "not a number", "mend it"), problem(("a.csv", "", 4), "mark", "=1", "odd", "look", "warning")])
    [page] = write_findings(problems, "Problems", tmp_path / "check")
    text = page.read_text(encoding="utf-8")
    assert "&lt;script&gt;" in text and "<script>" not in text and "http" not in text
    assert text.count('<tr class="error">') == 1 and text.count('<tr class="warning">') == 1
    assert write_findings(problems.iloc[:0], "Problems", tmp_path / "check") == [] and not (tmp_path / "check").exists()


def test_a_check_leaves_a_page_and_a_copy_with_notes(copy):
    path = copy / MARKS
    path.write_text(path.read_text(encoding="utf-8").replace("2010,MC01,E01,74.8,0", "2010,MC01,E01,748,0"), encoding="utf-8")
    before = hashes(copy / "data/raw")
    check = iccp(copy, "check", str(YEAR))
    assert check.returncode == 1 and "problems.html" in check.stdout
    assert hashes(copy / "data/raw") == before
    book = load_workbook(copy / f"data/processed/{YEAR}/check/{YEAR}-mc_marks.xlsx")
    listed, sheet = book.worksheets
    assert [cell.value for cell in listed[2]][:5] == ["error", MARKS, None, "2", "mark"]
    assert sheet["D2"].value == "748" and "outside 0..100" in sheet["D2"].comment.text and sheet["C2"].comment is None


def test_official_releases_are_checked_where_they_lie(copy):
    folder = copy / "data/raw/official"
    (folder / "census").mkdir(parents=True)
    (folder / "trends").mkdir()

    def change(book):
        book["전국산업단지현황"].cell(17, 18).value = "많음"

    census_book(folder / "census" / "census.xlsx", change)
    (folder / "trends" / "생산.csv").write_text("산업단지,구분\n", encoding="utf-8")
    check = iccp(copy, "check", str(YEAR))
    assert check.returncode == 1 and "census.xlsx: 2023Q4, 16 rows" in check.stdout
    noted = load_workbook(copy / f"data/processed/{YEAR}/check/census-census.xlsx")
    assert noted.sheetnames[0] == "Problems"
    listed = pd.DataFrame(noted["Problems"].values)
    assert listed[6].str.contains("not a number").any() and listed[6].str.contains("no census row decided on").any()
    page = (copy / f"data/processed/{YEAR}/check/problems.html").read_text(encoding="utf-8")
    assert "the name must end with the date" in page
