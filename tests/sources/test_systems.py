"""Exports of the programme's systems: read as CSV and as workbook, added up, and laid beside the marks."""

import shutil

import openpyxl
import pandas as pd
import pytest

from evaluation.paths import RAW, ROOT
from evaluation.report.entries import data_entries
from evaluation.sources.check import check_inputs
from evaluation.sources.entry import SYSTEM_TABLES, iso_date
from evaluation.sources.locate import entry_folder
from evaluation.sources.systems import agreement, by_headquarters
from evaluation.sources.tables import HEADQUARTERS
from tests.conftest import copy_checkout, iccp, pages

YEAR = 2010
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
    clusters = pd.read_csv(RAW / "simulated/mini_clusters.csv").set_index("mc_id")["headquarters"]
    row = by_headquarters(inputs.tables).loc["daekyung"]
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


@pytest.mark.parametrize("year", range(2010, 2015))
def test_simulated_exports_agree_with_the_simulated_marks(year):
    inputs = check_inputs(year)
    compared = agreement(inputs.tables, origins(inputs))
    # Execution, target and actual of three indicators, reviewed and passed: for six headquarters.
    assert len(compared) == 6 * (1 + 2 * 3 + 2) and compared["agrees"].all()


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
    assert told == column and words in rule and value.split(",")[0] in HEADQUARTERS
    inputs = check_inputs(YEAR, raw)
    ledger = data_entries(inputs.tables, inputs.files).set_index("id")
    assert ledger.at["data.systems.agreement.differs", "value"] == 1
    assert ledger.index.str.startswith("data.systems.differs.").sum() == 2


@pytest.mark.parametrize(
    "name, column, old, new, words",
    [
        ("cms_committees", "passed", None, "9999", "more passed than reviewed"),
        ("cms_committees", "held_on", None, "2009-05-01", "not in 2010"),
        ("cms_alliances", "joined", None, "2012", "after 2010"),
        ("cms_projects", "support", "completed", "", "empty for a supported project"),
        ("cms_projects", "support", "rejected", "5", "without support"),
        ("rcms_execution", "executed", None, "99999", "more than the budget"),
    ],
)
def test_what_does_not_fit_inside_an_export_is_a_warning(raw, name, column, old, new, words):
    def change(frame):
        row = frame.index[frame["project_status"] == old][0] if old else 0
        frame.loc[row, column] = new

    edit(raw, name, change)
    assert any(told == column and words in rule for told, _, rule in warned(raw))


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
    assert agreement(inputs.tables, origins(inputs)).empty
    ledger = data_entries(inputs.tables, inputs.files).set_index("id")
    assert "data.systems.all.applications" in ledger.index and "data.systems.all.budget" not in ledger.index


def test_a_year_without_exports_is_evaluated_without_them(raw):
    shutil.rmtree(raw / "simulated" / "programme")
    inputs = check_inputs(YEAR, raw)
    assert inputs.problems.empty
    assert not data_entries(inputs.tables, inputs.files)["id"].str.startswith("data.systems").any()


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
    assert "differ in 1 figure" in whole and "neither side was changed" in whole
    without = copy_checkout(made, tmp_path / "without")
    shutil.rmtree(without / "data/raw/simulated/programme")
    assert iccp(without, "report", str(YEAR)).returncode == 0
    for language, word in (("en", "Cash Management"), ("ko", "사업관리시스템")):
        assert word not in "\n".join(pages(without / f"reports/{YEAR}/{language}/report.pdf"))
