"""The marks of earlier years: read as they were scored, and left out with the reason where they cannot be."""

import shutil

import pandas as pd
import pytest

from evaluation.paths import RAW
from evaluation.sources.check import check_inputs, read_inputs
from evaluation.sources.earlier import (
    MARKS,
    earlier_files,
    earlier_years,
    open_earlier,
    origins,
    read_earlier,
    save_earlier,
)


@pytest.fixture
def raw(tmp_path):
    return shutil.copytree(RAW, tmp_path / "raw")


def test_the_years_before_that_have_a_scheme():
    assert earlier_years(2010) == [] and earlier_years(2013) == [2012, 2011, 2010]


def test_earlier_marks_are_those_their_own_year_reads(tmp_path):
    inputs, listed = read_earlier(2012)
    assert list(inputs) == [2011, 2010] and (listed["told"] == "").all()
    whole = read_inputs(2011).tables
    for name in MARKS:
        pd.testing.assert_frame_equal(inputs[2011].tables[name], whole[name])
    save_earlier(inputs, listed, tmp_path)
    again = open_earlier(2012, tmp_path)
    assert list(again) == [2011, 2010]
    pd.testing.assert_frame_equal(again[2010].tables["mc_marks"], inputs[2010].tables["mc_marks"])


def test_a_year_that_cannot_be_read_is_left_out_with_the_reason(raw):
    path = raw / "simulated/evaluation/2010/mc_marks.csv"
    path.write_text(path.read_text(encoding="utf-8").replace("2010,MC01,E01,74.8,0", "2010,MC01,E01,748,0"), encoding="utf-8")
    (raw / "simulated/evaluation/2011/difficulty_marks.csv").unlink()
    inputs, listed = read_earlier(2013, raw)
    assert list(inputs) == [2012]
    told = listed.set_index("year")["told"]
    assert "2010 have errors" in told[2010] and "missing for 2011" in told[2011] and told[2012] == ""
    files = earlier_files(2013, raw)
    assert path in files and len(files) == len(set(files)) and not any("2013" in file.parts for file in files)


def test_a_change_is_simulated_where_either_year_is():
    inputs, _ = read_earlier(2011)
    now = read_inputs(2011)
    now.files["origin"] = "official"
    origin = origins(now, inputs).set_index("table")["origin"]
    assert origin["mc_marks"] == "simulated" and origin["panel"] == "official" and origin.index.is_unique


def edit(path, old, new):
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_more_answers_than_people_asked_are_an_error(raw):
    path = raw / "simulated/evaluation/2010/satisfaction_invited.csv"
    edit(path, "2010,seoul_metropolitan,company,57,230", "2010,seoul_metropolitan,company,5,230")
    edit(path, "2010,seoul_metropolitan,expert,24,33", "2010,seoul_metropolitan,expert,24,3")
    problems = check_inputs(2010, raw).problems
    assert problems["value"].tolist() == ["seoul_metropolitan, company", "seoul_metropolitan, expert, 3"] and (problems["severity"] == "error").all()


def test_figures_counted_otherwise_go_with_the_panel_they_replace(raw):
    simulated, official = raw / "simulated/panel_variants.csv", raw / "official/panel_variants.csv"
    assert check_inputs(2010, raw).tables["panel_variants"]["year"].max() == 2010
    official.parent.mkdir(parents=True, exist_ok=True)
    official.write_bytes(simulated.read_bytes())
    problems = check_inputs(2010, raw).problems
    assert problems["rule"].tolist() == ["official, though the panel whose figures it replaces is simulated"] and problems["severity"].tolist() == ["error"]
    (raw / "official/panel.csv").write_bytes((raw / "simulated/panel.csv").read_bytes())
    assert read_inputs(2010, raw).files.set_index("table").at["panel_variants", "origin"] == "official"
    # Simulated ones do not stand beside an official panel, and nobody must have any.
    official.unlink()
    inputs = read_inputs(2010, raw)
    assert "panel_variants" not in set(inputs.files["table"]) and inputs.tables["panel_variants"].empty
    (raw / "official/panel.csv").unlink()
    simulated.unlink()
    assert read_inputs(2010, raw).tables["panel_variants"].empty


def test_figures_counted_otherwise_name_rows_of_the_panel(raw):
    path = raw / "simulated/panel_variants.csv"
    edit(path, "without_gunjang,H07,2001", "without gunjang,H07,2001")
    edit(path, "without_gunjang,H07,2002", "without_gunjang,H07,1999")
    edit(path, "without_gunjang,H07,2015", "without_gunjang,H07,2099")
    problems = check_inputs(2010, raw).problems
    assert problems["value"].tolist() == ["without gunjang", "without_gunjang, H07, 1999"] and (problems["severity"] == "error").all()


def test_firms_entering_and_leaving_add_up_with_the_firms_of_the_panel(raw):
    path = raw / "simulated/firm_turnover.csv"
    whole = path.read_text(encoding="utf-8")
    there = {tuple(row.split(",")[:2]): row for row in whole.splitlines()}
    for place, change in ((("H01", "2002"), lambda e, x: (e + 1, x)), (("H02", "2005"), lambda e, x: (e, x + 2)), (("H03", "2015"), lambda e, x: (e + 9, x)), (("H04", "2006"), lambda e, x: ("", x + 5))):
        entering, exiting = map(int, there[place].split(",")[2:])
        edit(path, there[place], ",".join(map(str, (*place, *change(entering, exiting)))))
    inputs = check_inputs(2010, raw)
    # Not those after the year, nor where one of the four is not given.
    assert inputs.problems["value"].str.split(":").str[0].tolist() == ["H01, 2002", "H02, 2005"] and (inputs.problems["severity"] == "warning").all()
    firms = inputs.tables["panel"].set_index(["complex_id", "year"])["operating_firms"]
    now, before, (entering, exiting) = firms["H01", 2002], firms["H01", 2001], map(int, there["H01", "2002"].split(",")[2:])
    assert inputs.problems["value"].iloc[0] == f"H01, 2002: {now} ≠ {before} + {entering + 1} - {exiting}" and "not the firms of the year" in inputs.problems["rule"].iloc[0]
    path.write_text(whole, encoding="utf-8")
    edit(path, there["H01", "2002"], "H01,2002,-3,5")
    problems = check_inputs(2010, raw).problems
    assert problems["severity"].tolist() == ["error"] and problems["column"].tolist() == ["entering_firms"]


def test_firms_entering_and_leaving_go_with_the_panel_that_counts_them(raw):
    simulated, official = raw / "simulated/firm_turnover.csv", raw / "official/firm_turnover.csv"
    official.parent.mkdir(parents=True, exist_ok=True)
    official.write_bytes(simulated.read_bytes())
    problems = check_inputs(2010, raw).problems
    assert problems["rule"].tolist() == ["official, though the panel whose firms it counts is simulated"] and problems["severity"].tolist() == ["error"]
    official.unlink()
    (raw / "official/panel.csv").write_bytes((raw / "simulated/panel.csv").read_bytes())
    inputs = read_inputs(2010, raw)
    assert "firm_turnover" not in set(inputs.files["table"]) and inputs.tables["firm_turnover"].empty


def test_who_was_asked_is_not_made_up_for_official_answers(raw):
    official = raw / "official/evaluation/2010/satisfaction.csv"
    official.parent.mkdir(parents=True)
    official.write_bytes((raw / "simulated/evaluation/2010/satisfaction.csv").read_bytes())
    inputs = read_inputs(2010, raw)
    assert "satisfaction_invited" not in set(inputs.files["table"]) and inputs.tables["satisfaction_invited"].empty
    (raw / "official/evaluation/2010/satisfaction_invited.csv").write_bytes((raw / "simulated/evaluation/2010/satisfaction_invited.csv").read_bytes())
    assert read_inputs(2010, raw).files.set_index("table").at["satisfaction_invited", "origin"] == "official"
