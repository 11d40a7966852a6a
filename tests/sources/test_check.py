"""What the checks say about broken files: every problem at once, by file, row, column and value."""

import shutil

import pandas as pd
import pytest

from evaluation.errors import UserError
from evaluation.paths import RAW
from evaluation.sources.check import check_inputs, read_inputs
from evaluation.sources.locate import Found
from evaluation.sources.read import read_table, up_to
from evaluation.sources.tables import TABLES

pytestmark = pytest.mark.usefixtures("quick_reads")
YEAR = 2010
PANEL = "simulated/panel.csv"
MARKS = f"simulated/evaluation/{YEAR}/mc_marks.csv"


@pytest.fixture
def raw(tmp_path):
    return shutil.copytree(RAW, tmp_path / "raw")


def edit(path, old, new, count=1):
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, count), encoding="utf-8")


def found(raw, **wanted):
    problems = check_inputs(YEAR, raw).problems
    for column, value in wanted.items():
        problems = problems[problems[column].astype(str).str.contains(str(value), regex=False)]
    return problems


def test_what_ships_has_no_problems():
    assert check_inputs(YEAR).problems.empty


@pytest.mark.parametrize("year", [2011, 2012, 2013, 2014, 2015, 2016])
def test_other_years_have_no_problems(year):
    assert check_inputs(year).problems.empty


def test_a_mark_outside_its_scale_is_named_by_row_and_value(raw):
    edit(raw / MARKS, "2010,MC01,E01,74.8,0", "2010,MC01,E01,748,0")
    [problem] = found(raw).itertuples()
    assert (problem.severity, problem.row, problem.column, problem.value) == ("error", 2, "mark", "748")
    assert problem.file.endswith("mc_marks.csv")


def test_text_in_a_number_is_one_problem_and_not_two(raw):
    edit(raw / MARKS, "2010,MC01,E01,74.8,0", "2010,MC01,E01,74.8점,0")
    assert len(found(raw, column="mark", value="74.8점")) == 1


def test_all_problems_are_listed_at_once(raw):
    edit(raw / MARKS, "2010,MC01,E01,74.8,0", "2010,MC01,E01,,2")
    edit(raw / MARKS, "2010,MC02", "2010,MC99")
    edit(raw / PANEL, "H01,2001,34780444", "H01,2001,-5")
    problems = found(raw)
    assert {"conflict_of_interest", "production"} <= set(problems["column"])
    assert problems.loc[problems["column"] == "production", "row"].tolist() == [2]


def test_a_row_that_stands_twice(raw):
    lines = (raw / PANEL).read_text(encoding="utf-8").splitlines(keepends=True)
    (raw / PANEL).write_text("".join([*lines, lines[1]]), encoding="utf-8")
    [problem] = found(raw, column="complex_id + year").itertuples()
    assert problem.value == "H01, 2001" and problem.row == len(lines) + 1


def test_a_missing_column_is_named(raw):
    edit(raw / PANEL, "exports", "export_value")
    [problem] = found(raw, column="exports").itertuples()
    assert problem.row == 1


def test_a_code_that_its_registry_lacks(raw):
    edit(raw / MARKS, "2010,MC01,E01", "2010,MC99,E01")
    assert found(raw, column="mc_id", value="MC99", severity="error").shape[0] == 1


def test_a_file_in_another_encoding_is_said_to_be_so(raw):
    path = raw / "simulated/complexes.csv"
    path.write_bytes(path.read_text(encoding="utf-8").encode("cp949", errors="replace"))
    assert len(found(raw, rule="UTF-8")) == 1


def test_excel_s_byte_order_mark_is_harmless(raw):
    path = raw / MARKS
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert found(raw).empty


def test_a_headquarters_without_rows(raw):
    path = raw / f"simulated/evaluation/{YEAR}/difficulty_marks.csv"
    frame = pd.read_csv(path)
    frame[frame["headquarters"] != "honam"].to_csv(path, index=False)
    assert found(raw, column="headquarters", value="honam", severity="error").shape[0] == 1


DIFFICULTY_2015 = "simulated/evaluation/2015/difficulty_marks.csv"


def test_a_headquarters_of_another_year_is_refused(raw):
    """A file of 2015 that still names the headquarters of 2014, and one of 2014 that names one of 2015 already."""
    edit(raw / DIFFICULTY_2015, ",seoul,", ",seoul_metropolitan,", count=-1)
    [wrong, gone] = check_inputs(2015, raw).problems.query("severity == 'error'").itertuples()
    assert (wrong.value, wrong.rule) == ("seoul_metropolitan", "not a headquarters of 2015") and wrong.file.endswith("2015/difficulty_marks.csv")
    assert wrong.mend.startswith("use those of 2015: seoul, incheon, gyeonggi,")
    assert (gone.value, gone.rule) == ("seoul", "has no rows")
    edit(raw / "simulated/evaluation/2014/common_indicators.csv", ",honam,", ",jeonbuk,", count=-1)
    told = check_inputs(2014, raw).problems
    assert told["rule"].tolist() == ["not a headquarters of 2014", "has no rows"]


def test_a_headquarters_of_2015_without_rows(raw):
    frame = pd.read_csv(raw / DIFFICULTY_2015)
    frame[frame["headquarters"] != "jeonbuk"].to_csv(raw / DIFFICULTY_2015, index=False)
    [problem] = check_inputs(2015, raw).problems.itertuples()
    assert (problem.severity, problem.value, problem.rule) == ("error", "jeonbuk", "has no rows")


def test_mini_clusters_that_nobody_handed_on_are_refused(raw):
    """A list without the rows of 2015 leaves each with the headquarters of 2014."""
    path = raw / "simulated/mini_clusters.csv"
    pd.read_csv(path).query("since == 2010").to_csv(path, index=False)
    assert check_inputs(2014, raw).problems.empty
    told = check_inputs(2015, raw).problems.query("rule == 'not a headquarters of 2015'")
    assert set(told["value"]) == {"seoul_metropolitan", "honam", "dongnam"} and told["file"].str.endswith("mini_clusters.csv").all()


def test_each_mini_cluster_has_the_owner_of_the_year():
    found = Found(TABLES["mini_clusters"], (RAW / "simulated/mini_clusters.csv",), "simulated")
    for frame in (read_table(found).frame, read_table(found).text):
        for year, owner in ((2010, "dongnam"), (2014, "dongnam"), (2015, "gyeongnam"), (2016, "gyeongnam")):
            rows = up_to(frame, found.table, year)
            assert rows["mc_id"].tolist() == [f"MC{number:02d}" for number in range(1, 82)]
            assert rows.set_index("mc_id").at["MC01", "headquarters"] == owner
        assert up_to(frame, found.table, 2009).empty
        # One that starts later is not there before, and keeps its row afterwards.
        later = frame.assign(since=frame["since"].where(frame["mc_id"] != "MC01", frame["since"].map(lambda since: type(since)(int(since) + 3))))
        assert [len(up_to(later, found.table, year)) for year in (2012, 2013)] == [80, 81]
        assert [up_to(later, found.table, year).set_index("mc_id").at["MC01", "headquarters"] for year in (2017, 2018)] == ["dongnam", "gyeongnam"]


def test_a_mini_cluster_twice_from_one_year_stands_twice(raw):
    edit(raw / "simulated/mini_clusters.csv", "MC02,2010", "MC01,2010")
    assert found(raw, column="mc_id + since", value="MC01, 2010", severity="error").shape[0] == 1


def test_a_mark_left_blank_without_a_reason_is_a_warning(raw):
    edit(raw / MARKS, "2010,MC01,E01,74.8,0", "2010,MC01,E01,,0")
    [problem] = found(raw).itertuples()
    assert problem.severity == "warning" and "MC01, E01" in problem.value


def test_read_inputs_refuses_errors_in_both_languages(raw):
    edit(raw / MARKS, "2010,MC01,E01,74.8,0", "2010,MC01,E01,748,0")
    with pytest.raises(UserError) as caught:
        read_inputs(YEAR, raw)
    assert "748" in caught.value.en and "(1건)" in caught.value.ko


def test_masks_and_gaps_stay_apart():
    panel = check_inputs(YEAR).tables["panel"]
    text = pd.read_csv(RAW / PANEL, dtype=str, keep_default_na=False)
    text = text[text["year"].astype(int) <= YEAR]
    assert (panel["production_status"] == "masked").sum() == (text["production"] == "X").sum() > 0
    assert (panel["production_status"] == "missing").sum() == (text["production"] == "").sum() > 0
    assert panel.loc[panel["production_status"] != "observed", "production"].isna().all()


def test_nothing_after_the_year_is_used():
    tables = check_inputs(YEAR).tables
    for name in ("panel", "true_effects", "price_index", "press_complex_panel"):
        assert tables[name]["year"].max() == YEAR
    assert set(tables["budget_by_programme_year"]["year"].astype(int)) == set(range(2005, 2010))


def test_an_official_file_takes_the_place_of_the_simulated_one(raw):
    place = raw / "official" / f"evaluation/{YEAR}/mc_marks.csv"
    place.parent.mkdir(parents=True)
    shutil.copy(raw / MARKS, place)
    files = check_inputs(YEAR, raw).files.set_index("table")
    assert files.at["mc_marks", "origin"] == "official"
    assert files.at["mc_marks", "file"].startswith("official/")
    assert files.at["panel", "origin"] == "simulated"


def test_missing_files_are_all_named(raw):
    (raw / MARKS).unlink()
    (raw / PANEL).unlink()
    with pytest.raises(UserError) as caught:
        check_inputs(YEAR, raw)
    assert "mc_marks.csv" in caught.value.en and "panel.csv" in caught.value.en


def rewrite(path, change):
    lines = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join(change(lines)) + "\n", encoding="utf-8")


def test_a_stray_comma_is_named_by_its_row(raw):
    edit(raw / MARKS, "2010,MC01,E01,74.8,0", "2010,MC01,E01,74,8,0")
    [problem] = found(raw).itertuples()
    assert problem.row == 2 and "6 cells" in problem.rule


def test_empty_cells_and_rows_that_spreadsheets_leave_are_harmless(raw):
    rewrite(raw / MARKS, lambda lines: [f"{line},," for line in lines] + [",,,,,,"])
    assert found(raw).empty


def test_a_blank_row_does_not_shift_the_row_that_is_named(raw):
    edit(raw / MARKS, "2010,MC01,E01,74.8,0", ",,,,\n2010,MC01,E01,748,0")
    [problem] = found(raw).itertuples()
    assert problem.row == 3


def test_other_separators_and_line_ends(raw):
    path = raw / MARKS
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("\n", "\r\n"), encoding="utf-8", newline="")
    assert found(raw).empty
    path.write_text(text.replace(",", ";"), encoding="utf-8")
    [problem] = found(raw).itertuples()
    assert "commas" in problem.rule and problem.row == 1


def test_a_file_with_nothing_but_a_header(raw):
    rewrite(raw / PANEL, lambda lines: lines[:1])
    assert found(raw, file="panel.csv", severity="error", rule="no rows").shape[0] == 1


def test_rows_of_another_year_in_a_year_s_own_file(raw):
    edit(raw / MARKS, "2010,MC01,E02", "2011,MC01,E02")
    [problem] = found(raw, severity="error").itertuples()
    assert (problem.row, problem.column, problem.value) == (3, "year", "2011")


def test_what_is_wrong_after_the_year_is_a_warning(raw):
    edit(raw / PANEL, "H01,2016,", "H01,2016,-")
    [problem] = found(raw).itertuples()
    assert problem.severity == "warning" and problem.column == "production"


def test_a_participant_needs_its_year_and_a_non_participant_has_none(raw):
    frame = pd.read_csv(raw / "simulated/complexes.csv", dtype=str, keep_default_na=False)
    joined, never = frame.index[frame["role"] == "hub"][0], frame.index[frame["role"] == "non_participant"][0]
    frame.loc[joined, "first_treated"], frame.loc[never, "first_treated"] = "", "2005"
    frame.to_csv(raw / "simulated/complexes.csv", index=False)
    values = found(raw, column="first_treated", severity="error")["value"].tolist()
    assert values == [frame.loc[joined, "complex_id"], f"{frame.loc[never, 'complex_id']}, 2005"]


def test_the_registry_knows_nothing_of_later_years(raw):
    frame = pd.read_csv(raw / "simulated/complexes.csv", dtype=str, keep_default_na=False)
    never = frame.index[frame["role"] == "non_participant"][:20]
    frame.loc[never, ["role", "first_treated", "counted"]] = ["spoke", "2012", "1"]
    before = check_inputs(YEAR, raw)
    frame.to_csv(raw / "simulated/complexes.csv", index=False, lineterminator="\n")
    after = check_inputs(YEAR, raw)
    pd.testing.assert_frame_equal(after.tables["complexes"], before.tables["complexes"])
    hashes = [inputs.files.set_index("table").at["complexes", "rows_sha256"] for inputs in (before, after)]
    assert hashes[0] == hashes[1]
    assert check_inputs(2012, raw).tables["complexes"]["first_treated"].eq(2012).sum() == 20


def test_a_mark_despite_a_conflict_of_interest(raw):
    edit(raw / MARKS, "2010,MC01,E01,74.8,0", "2010,MC01,E01,74.8,1")
    [problem] = found(raw).itertuples()
    assert problem.severity == "error" and "conflict" in problem.rule


def test_targets_are_above_zero_and_figures_finite(raw):
    path = raw / f"simulated/evaluation/{YEAR}/common_indicators.csv"
    frame = pd.read_csv(path, dtype=str)
    frame.loc[0, "target"], frame.loc[1, "actual"] = "0", "inf"
    frame.to_csv(path, index=False)
    assert found(raw)[["row", "column"]].to_numpy().tolist() == [[3, "actual"], [2, "target"]]


def test_a_common_indicator_that_one_headquarters_lacks(raw):
    rewrite(raw / f"simulated/evaluation/{YEAR}/common_indicators.csv", lambda lines: lines[:1] + lines[2:])
    [problem] = found(raw).itertuples()
    assert problem.severity == "error" and "promotion" in problem.value


def test_a_complex_without_panel_rows_is_a_warning(raw):
    rewrite(raw / PANEL, lambda lines: [line for line in lines if not line.startswith("H01,")])
    assert found(raw, severity="warning", column="complex_id", value="H01").shape[0] == 1


def panel_cell(raw, change):
    """Change one row of the panel, of the small complex S093 in 2005, where three firms operate, as text."""
    path = raw / PANEL
    frame = pd.read_csv(path, dtype=str, keep_default_na=False)
    row = frame.index[(frame["complex_id"] == "S093") & (frame["year"] == "2005")][0]
    for column, value in change.items():
        frame.loc[row, column] = value
    frame.to_csv(path, index=False, lineterminator="\n")


def test_four_kinds_of_nothing_are_read_as_four(raw):
    for value, kind in {"X": "masked", "NR": "not_reported", "NA": "not_applicable", "": "missing"}.items():
        panel_cell(raw, {"production": value, "operating_firms": "2"})
        panel = check_inputs(YEAR, raw).tables["panel"].set_index(["complex_id", "year"])
        assert panel.at[("S093", 2005), "production_status"] == kind and pd.isna(panel.at[("S093", 2005), "production"])


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [("production", "X", "masked although 3 firms operate"), ("employment", "0", "0 although 3 firms operate"), ("production", "0", "NR"), ("exports", "0", None)],
)
def test_a_mask_or_a_zero_that_the_firms_speak_against_is_a_warning(raw, column, value, words):
    panel_cell(raw, {column: value, "operating_firms": "3"})
    problems = found(raw)
    told = [f"{row.severity} {row.column} {row.value}: {row.rule}; {row.mend}" for row in problems.itertuples()]
    if words is None:
        assert told == []
    else:
        [line] = told
        assert line.startswith(f"warning {column} S093, 2005") and words in line


def test_codes_are_not_read_where_nothing_is_masked(raw):
    panel_cell(raw, {"capital": "NR"})
    [problem] = found(raw).itertuples()
    assert (problem.severity, problem.column, problem.value) == ("error", "capital", "NR")
