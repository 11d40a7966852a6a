"""Exports of the programme's systems: read as CSV and as workbook, added up, and laid beside the marks."""

import math
import shutil

import openpyxl
import pandas as pd
import pytest

from evaluation.paths import RAW, ROOT
from evaluation.report.entries import data_entries
from evaluation.sources.check import check_inputs
from evaluation.sources.entry import SYSTEM_TABLES, iso_date
from evaluation.sources.locate import entry_folder
from evaluation.sources.specs import headquarters_of
from evaluation.sources.systems import agreement, by_headquarters
from tests.conftest import copy_checkout, iccp, pages

pytestmark = pytest.mark.usefixtures("quick_reads")
YEAR = 2010
UNITS = headquarters_of(YEAR)
EXAMPLE = ROOT / "docs" / "examples" / f"programme_{YEAR}.xlsx"
SIMULATED = f"simulated/programme/{YEAR}"


@pytest.fixture(autouse=True)
def english(monkeypatch):
    monkeypatch.setenv("ICCP_LANG", "en")


@pytest.fixture
def raw(tmp_path):
    return shutil.copytree(RAW, tmp_path / "raw")


def text(name, raw=RAW):
    return pd.read_csv(raw / SIMULATED / f"{name}.csv", dtype=str, keep_default_na=False)


def edit(raw, name, change):
    """Change the rows of an export, in place or by returning others."""
    frame = text(name, raw)
    changed = change(frame)
    frame = frame if changed is None else changed
    frame.to_csv(raw / SIMULATED / f"{name}.csv", index=False, lineterminator="\n")


def warned(raw):
    problems = check_inputs(YEAR, raw).problems
    assert (problems["severity"] == "warning").all(), problems.to_string()
    return problems[["column", "value", "rule"]].to_numpy().tolist()


def origins(inputs):
    return inputs.files.set_index("table")["origin"].to_dict()


def test_there_is_a_table_for_each_of_the_seven_databases_and_for_rcms():
    assert [table.name for table in SYSTEM_TABLES] == [
        "cms_mini_clusters", "cms_committees", "cms_alliances", "cms_experts", "cms_action_plans", "cms_projects", "cms_cases", "rcms_execution",
    ]  # fmt: skip


def test_sums_by_hand(inputs):
    """Daekyung from the text of the files alone."""
    clusters = pd.read_csv(RAW / "simulated/mini_clusters.csv").query("since <= @YEAR").set_index("mc_id")["headquarters"]
    row = by_headquarters(inputs.tables, UNITS).loc["daekyung"]
    projects = [line for line in text("cms_projects").to_dict("records") if clusters[line["mc_id"]] == "daekyung"]
    supported = [line for line in projects if line["project_status"] in ("completed", "running", "stopped")]
    assert row["applications"] == len(projects) and row["supported"] == len(supported)
    assert row["support"] == pytest.approx(sum(float(line["support"]) for line in supported))
    own = text("rcms_execution").query("headquarters == 'daekyung'")
    budget, executed = (sum(map(float, own[column])) for column in ("budget", "executed"))
    assert (row["budget"], row["executed"]) == (pytest.approx(budget), pytest.approx(executed))
    assert row["execution"] == pytest.approx(100 * executed / budget)
    members = text("cms_mini_clusters")
    members = members[members["mc_id"].map(clusters) == "daekyung"]
    assert row["company_members"] == members["company_members"].astype(int).sum()
    assert row["other_members"] == members[["university_members", "institute_members", "organisation_members"]].astype(int).to_numpy().sum()


def test_the_pool_of_experts_has_the_printed_numbers():
    """Programme book (2010), 3.3, Pool of Experts."""
    printed = pd.read_csv(RAW / "published/expert_pool.csv").set_index(["sector", "affiliation"])["value"]
    counts = text("cms_experts").groupby(["sector", "affiliation"]).size()
    for sector, code in (("Business administration", "business"), ("Technology", "technology")):
        for affiliation, other in (("University", "university"), ("Institute", "institute"), ("Supporting organization", "organisation"), ("Others", "other")):
            assert counts[code, other] == printed[sector, affiliation]
    assert counts.sum() == printed["Total", "Subtotal"] == 3357


@pytest.mark.parametrize("year", range(2010, 2017))
def test_simulated_exports_agree_with_the_simulated_marks(year):
    inputs, units = check_inputs(year), headquarters_of(year)
    compared = agreement(inputs.tables, origins(inputs), units)
    # Execution, target and actual of three indicators, reviewed and passed: for six headquarters, eleven from 2015.
    assert len(units) == (6 if year < 2015 else 11) and len(compared) == len(units) * (1 + 2 * 3 + 2) and compared["agrees"].all()


@pytest.mark.parametrize(
    "name, change, column, words",
    [
        ("rcms_execution", lambda f: f.__setitem__("executed", f["executed"].where(f.index > 0, "9000")), "executed", "in the common indicator"),
        ("cms_action_plans", lambda f: f.__setitem__("actual", f["actual"].where(f.index != 1, "99")), "actual", "in the headquarters' indicator"),
        ("cms_projects", lambda f: f.drop(index=f.index[f["project_status"] == "rejected"][0]), "reviewed", "in the projects"),
    ],
)
def test_a_figure_that_differs_from_the_marks_is_said_and_kept(raw, name, change, column, words):
    edit(raw, name, change)
    [(told, value, rule)] = warned(raw)
    assert told == column and words in rule and value.split(",")[0] in UNITS
    inputs = check_inputs(YEAR, raw)
    ledger = data_entries(inputs.tables, inputs.files, UNITS).set_index("id")
    assert ledger.at["data.systems.agreement.differs", "value"] == 1
    assert ledger.index.str.startswith("data.systems.differs.").sum() == 2


@pytest.mark.parametrize(
    "name, column, old, new, words",
    [
        ("cms_committees", "passed", None, "9999", "more passed than reviewed"),
        ("cms_committees", "held_on", None, "2009-05-01", "far from 2010"),
        ("cms_alliances", "joined", None, "2012", "after 2010"),
        ("cms_projects", "support", "completed", "", "empty for a supported project"),
        ("cms_projects", "support", "rejected", "5", "without support"),
        ("rcms_execution", "executed", None, "99999", "more than the budget"),
        ("rcms_execution", "as_of", None, "2011-03-31", "after 2010"),
        ("rcms_execution", "as_of", None, "2010-06-30", "different dates"),
        ("cms_cases", "project", None, "P2009-0001", "not among the year's projects"),
        ("cms_cases", "mc_id", None, "MC01", "a project of MC"),
        ("cms_action_plans", "indicator", None, "특허", "on one side only"),
    ],
)
def test_what_does_not_fit_inside_an_export_is_a_warning(raw, name, column, old, new, words):
    def change(frame):
        row = frame.index[frame["project_status"] == old][0] if old else 0
        frame.loc[row, column] = new

    edit(raw, name, change)
    assert any(told in (column, "project") and words in rule for told, _, rule in warned(raw))


@pytest.mark.parametrize(("column", "date"), [("applied_on", "2009-11-20"), ("held_on", "2011-02-15")])
def test_a_season_that_begins_before_the_year_or_ends_after_it_is_no_problem(raw, column, date):
    name = {"applied_on": "cms_projects", "held_on": "cms_committees"}[column]
    edit(raw, name, lambda frame: frame.loc.__setitem__((0, column), date))
    assert warned(raw) == []


def test_a_headquarters_without_rows_has_no_figure(raw):
    clusters = pd.read_csv(RAW / "simulated/mini_clusters.csv").query("since <= @YEAR").set_index("mc_id")["headquarters"]
    for name in ("cms_projects", "cms_mini_clusters", "cms_action_plans"):
        edit(raw, name, lambda frame: frame[frame["mc_id"].map(clusters) != "honam"])
    edit(raw, "rcms_execution", lambda frame: frame[frame["headquarters"] != "honam"])
    edit(raw, "cms_cases", lambda frame: frame[frame["mc_id"].map(clusters) != "honam"])
    told = warned(raw)
    assert [value for _, value, rule in told if rule == "no row of any of its mini clusters"] == ["honam"] * 3
    inputs = check_inputs(YEAR, raw)
    ledger = data_entries(inputs.tables, inputs.files, UNITS).set_index("id")["value"]
    assert math.isnan(ledger["data.systems.honam.applications"]) and math.isnan(ledger["data.systems.honam.execution"])
    assert ledger["data.systems.all.applications"] == len(text("cms_projects", raw)) and ledger["data.systems.without.cms_projects"] == 1


def test_results_that_are_not_there_yet_are_not_compared(raw):
    edit(raw, "cms_action_plans", lambda frame: frame.assign(actual=""))
    assert warned(raw) == []
    inputs = check_inputs(YEAR, raw)
    compared = agreement(inputs.tables, origins(inputs), UNITS)
    assert "actual" not in set(compared["check"]) and compared["agrees"].all()


def test_shares_are_not_added_up(raw):
    edit(raw, "cms_action_plans", lambda frame: frame.assign(unit=frame["unit"].mask(frame["indicator"] == "patents", "%")))
    inputs = check_inputs(YEAR, raw)
    assert "patents" not in set(agreement(inputs.tables, origins(inputs), UNITS)["item"])


def test_amounts_in_won_on_both_sides_are_told(raw):
    million = lambda column: column.map(lambda cell: f"{float(cell) * 1e6:.0f}" if cell else "")  # noqa: E731
    edit(raw, "cms_projects", lambda frame: frame.assign(support=million(frame["support"]), own_funds=million(frame["own_funds"])))
    edit(raw, "rcms_execution", lambda frame: frame.assign(budget=million(frame["budget"]), executed=million(frame["executed"])))
    told = warned(raw)
    assert {column for column, _, rule in told if "outside" in rule} == {"support", "budget"}


def official(raw, name, content, year=YEAR):
    path = raw / "official/programme" / str(year) / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp949"])
def test_exports_with_korean_headings_and_encodings(raw, inputs, encoding):
    [table] = [table for table in SYSTEM_TABLES if table.name == "cms_cases"]
    frame = text("cms_cases").rename(columns={column.name: column.ko for column in table.columns})
    official(raw, "cms_cases.csv", frame.to_csv(index=False, lineterminator="\r\n").encode(encoding))
    read = check_inputs(YEAR, raw)
    pd.testing.assert_frame_equal(read.tables["cms_cases"], inputs.tables["cms_cases"])
    assert read.problems["rule"].tolist() == (["not UTF-8; read as the Korean encoding CP949"] if encoding == "cp949" else [])


@pytest.mark.parametrize("name", ["RCMS 예산 집행.csv", "CMS_Projects.CSV", "1차/a.xlsx"])
def test_official_files_that_serve_no_table_are_told(raw, name):
    path = official(raw, "x", b"x")
    (path.parent / name).parent.mkdir(exist_ok=True)
    path.rename(path.parent / name)
    [[_, value, rule]] = warned(raw)
    assert value == name.rsplit("/", 1)[-1] and "not the name of any table" in rule


def test_what_lies_in_another_year_or_beside_files_is_not_told(raw):
    for year, name in ((2011, "x.csv"), (YEAR, "Thumbs.db"), (YEAR, "~$a.xlsx"), (YEAR, ".DS_Store")):
        official(raw, name, b"x", year)
    assert warned(raw) == []


def test_a_table_without_a_row_is_a_warning(raw):
    edit(raw, "cms_cases", lambda frame: frame.iloc[:0])
    [[_, _, rule]] = warned(raw)
    assert "no rows up to 2010" in rule


def test_a_row_of_sums_is_recognised(raw):
    edit(raw, "rcms_execution", lambda frame: frame.loc.__setitem__((3, "headquarters"), "계"))
    problems = check_inputs(YEAR, raw).problems
    assert "a row of a sum" in problems["rule"].tolist()


@pytest.mark.slow
def test_two_workbooks_that_overlap_are_told_once_and_the_error_is_marked_in_its_cell(tmp_path, made):
    checkout = copy_checkout(made, tmp_path / "checkout")
    folder = entry_folder(YEAR, checkout / "data/raw", "programme")
    folder.mkdir(parents=True)
    for name in ("a.xlsx", "b.xlsx"):
        shutil.copy(EXAMPLE, folder / name)
    book = openpyxl.load_workbook(EXAMPLE)
    sheet = book["RCMS 예산 집행"]
    sheet["E7"] = 1
    book.save(folder / "b.xlsx")
    run = iccp(checkout, "check", str(YEAR))
    assert run.returncode == 1 and "1 errors, 8 warnings" in run.stdout, run.stdout[-3000:]
    marked = openpyxl.load_workbook(checkout / f"data/processed/{YEAR}/check/{YEAR}-b.xlsx")
    assert "differ" in marked["RCMS 예산 집행"]["E7"].comment.text and marked["RCMS 예산 집행"]["A7"].comment is None


def test_a_mini_cluster_without_a_row_is_named(raw):
    edit(raw, "cms_mini_clusters", lambda frame: frame.drop(index=0))
    assert ["mc_id", "MC01", "has no row"] in warned(raw)


def test_what_is_wrong_in_a_cell_is_an_error_by_row(raw):
    edit(raw, "cms_projects", lambda frame: frame.loc.__setitem__((3, ["applied_on", "support", "company_size", "mc_id"]), ["2010-02-30", "-1", "huge", ""]))
    problems = check_inputs(YEAR, raw).problems
    assert set(problems.loc[problems["row"] == 5, "column"]) == {"applied_on", "support", "company_size", "mc_id"}
    assert (problems["severity"] == "error").all()


@pytest.mark.parametrize(
    "written, read",
    [
        ("2010-12-31", "2010-12-31"), ("2010.12.31", "2010-12-31"), ("2010. 1. 5.", "2010-01-05"), ("2010/1/5", "2010-01-05"),
        ("20101231", "2010-12-31"), ("2010년 3월 7일", "2010-03-07"), ("31.12.2010", "31.12.2010"), ("12/31", "12/31"),
    ],
)  # fmt: skip
def test_dates_however_they_are_written(written, read):
    assert iso_date(written) == read


def test_the_example_workbook_holds_what_the_csv_files_hold(raw, inputs):
    folder = entry_folder(YEAR, raw, "programme")
    folder.mkdir(parents=True)
    shutil.copy(EXAMPLE, folder)
    read = check_inputs(YEAR, raw)
    assert read.problems.empty
    assert {origins(read)[table.name] for table in SYSTEM_TABLES} == {"official"}
    for table in SYSTEM_TABLES:
        pd.testing.assert_frame_equal(read.tables[table.name], inputs.tables[table.name])


def test_official_exports_are_not_mixed_with_simulated_ones(raw):
    place = entry_folder(YEAR, raw, "programme") / "cms_projects.csv"
    place.parent.mkdir(parents=True)
    shutil.copy(raw / SIMULATED / "cms_projects.csv", place)
    inputs = check_inputs(YEAR, raw)
    assert {name for name in origins(inputs) if name.startswith(("cms_", "rcms_"))} == {"cms_projects"}
    assert inputs.tables["cms_experts"].empty and len(inputs.tables["cms_projects"]) > 2000
    # Official exports beside simulated marks: they are of different worlds.
    assert agreement(inputs.tables, origins(inputs), UNITS).empty
    ledger = data_entries(inputs.tables, inputs.files, UNITS).set_index("id")
    assert "data.systems.all.applications" in ledger.index and "data.systems.all.budget" not in ledger.index


def test_a_year_without_exports_is_evaluated_without_them(raw):
    shutil.rmtree(raw / "simulated" / "programme")
    inputs = check_inputs(YEAR, raw)
    assert inputs.problems.empty
    assert not data_entries(inputs.tables, inputs.files, UNITS)["id"].str.startswith("data.systems").any()


def test_the_blank_workbook_is_read_as_nothing_filled_in(tmp_path, raw):
    run = iccp(ROOT, "template", str(YEAR), "--programme", "--output", str(tmp_path / "blank.xlsx"))
    assert run.returncode == 0, run.stderr
    book = openpyxl.load_workbook(tmp_path / "blank.xlsx")
    assert book.sheetnames == ["Instructions", *(table.name for table in SYSTEM_TABLES), "Codes"]
    folder = entry_folder(YEAR, raw, "programme")
    folder.mkdir(parents=True)
    shutil.copy(tmp_path / "blank.xlsx", folder)
    inputs = check_inputs(YEAR, raw)
    assert inputs.problems.empty and origins(inputs)["cms_projects"] == "simulated"


def test_filled_goes_with_programme_only(tmp_path):
    run = iccp(ROOT, "template", str(YEAR), "--filled", "--output", str(tmp_path / "marks.xlsx"))
    assert run.returncode == 1 and "--programme" in run.stderr and not (tmp_path / "marks.xlsx").exists()


@pytest.mark.slow
def test_the_report_shows_exports_that_differ_and_goes_without_any(made, tmp_path):
    differing = copy_checkout(made, tmp_path / "differing")
    edit(differing / "data/raw", "rcms_execution", lambda f: f.__setitem__("executed", f["executed"].where(f.index > 0, "9000")))
    assert iccp(differing, "report", str(YEAR)).returncode == 0
    whole = "\n".join(pages(differing / f"reports/{YEAR}/en/report.pdf"))
    assert "differ in 1 figure" in whole.replace("\n", " ") and "neither side was changed" in whole
    without = copy_checkout(made, tmp_path / "without")
    shutil.rmtree(without / "data/raw/simulated/programme")
    assert iccp(without, "report", str(YEAR)).returncode == 0
    for language, word in (("en", "Cash Management"), ("ko", "사업관리시스템")):
        assert word not in "\n".join(pages(without / f"reports/{YEAR}/{language}/report.pdf"))
