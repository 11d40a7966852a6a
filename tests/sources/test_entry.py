"""Entry workbooks: what the template holds, what is read back from it, and what bad workbooks get."""

import io
import re
import shutil
import subprocess
import time
import zipfile
from datetime import date

import openpyxl
import pandas as pd
import pytest
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation

from evaluation.errors import UserError
from evaluation.index.scheme import complete, leaves
from evaluation.paths import RAW
from evaluation.sources import entry
from evaluation.sources.check import check_inputs, read_input
from evaluation.sources.entry import ENTRY_TABLES, read_entries
from evaluation.sources.locate import entry_folder, locate
from evaluation.sources.problems import PROBLEM_COLUMNS
from evaluation.sources.read import read_table
from evaluation.sources.specs import read_report, read_scheme
from evaluation.sources.tables import TABLES
from evaluation.sources.template import HEADER, template_path, write_template
from tests.conftest import copy_checkout, iccp

YEAR = 2011
MARKS = [70.5, 71.5, 72.5, 73.5, 74.5, 75.5]  # one per headquarters, of evaluator E01
LABELS = read_report()["labels"]
UNITS = complete(*read_scheme(YEAR))["units"]


@pytest.fixture(autouse=True)
def english(monkeypatch):
    monkeypatch.setenv("ICCP_LANG", "en")


def write(path, year=YEAR):
    scheme = complete(*read_scheme(year))
    named = [leaf for component in scheme["components"] for leaf, _ in leaves(component)]
    write_template(path, year, named, scheme["units"], read_input("mini_clusters", year), LABELS)
    return path


@pytest.fixture(scope="module")
def blank(tmp_path_factory):
    """The template of the year in each language."""
    made = {}
    with pytest.MonkeyPatch.context() as patch:
        for language in ("ko", "en"):
            patch.setenv("ICCP_LANG", language)
            made[language] = write(tmp_path_factory.mktemp("template") / f"{language}.xlsx")
    return made


@pytest.fixture
def raw(tmp_path):
    """A data/raw with nothing but the year's folder for workbooks."""
    entry_folder(YEAR, tmp_path).mkdir(parents=True)
    return tmp_path


@pytest.fixture
def book(blank):
    """An open template with the marks of one evaluator in difficulty_marks: rows 6 to 11, columns A to C."""
    workbook = openpyxl.load_workbook(blank["en"])
    for row, mark in enumerate(MARKS, start=HEADER + 1):
        workbook["difficulty_marks"][f"B{row}"], workbook["difficulty_marks"][f"C{row}"] = "E01", mark
    return workbook


def csv(name):
    return pd.read_csv(RAW / "simulated" / TABLES[name].path.format(year=YEAR), dtype=str, keep_default_na=False)


def fill(workbook, name, frame, title=None):
    """Type rows into a sheet from the first row below its headings, numbers as numbers."""
    sheet = workbook[title or name]
    headings = [str(cell.value).split("\n") for cell in sheet[HEADER]]
    for column in TABLES[name].columns:
        if column.name == "year":
            continue
        position = next(n for n, parts in enumerate(headings, start=1) if {column.en, column.ko} & set(parts))
        for row, text in enumerate(frame[column.name], start=HEADER + 1):
            sheet.cell(row, position).value = None if text == "" else text if column.kind == "text" else float(text)
    return workbook


def save(workbook, raw, name="marks.xlsx"):
    path = entry_folder(YEAR, raw) / name
    workbook.save(path)
    return path


def read(raw, name="difficulty_marks"):
    entries = read_entries(YEAR, raw)
    assert entries.problems == []
    return read_table(locate(name, YEAR, raw, entries))


def told(raw, name="difficulty_marks"):
    """The problems of a table as (severity, row, column, value)."""
    return [tuple(row) for row in read(raw, name).problems[["severity", "row", "column", "value"]].to_numpy()]


def refused(raw):
    """What is said of the one workbook that cannot be read."""
    started = time.monotonic()
    entries = read_entries(YEAR, raw)
    assert time.monotonic() - started < 20
    assert entries.sheets == []
    [problem] = entries.problems
    assert problem["severity"] == "error" and problem["file"] and problem["mend"]
    return problem["rule"]


def in_sheet(path, name, change):
    """Change the XML of a sheet, as no library would write it."""
    workbook = openpyxl.load_workbook(path)
    part = f"xl/worksheets/sheet{workbook.sheetnames.index(name) + 1}.xml"
    parts = zipfile.ZipFile(io.BytesIO(path.read_bytes()))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for item in parts.infolist():
            content = parts.read(item)
            if item.filename == part:
                changed = change(content.decode())
                assert changed != content.decode()
                content = changed.encode()
            archive.writestr(item.filename, content)


def same_frames(workbook_read, name):
    """The frames of a workbook are those of the CSV; only `69.0` is written 69 in a sheet."""
    from_csv = read_table(locate(name, YEAR, RAW, entry.Entries([], [], [])))
    pd.testing.assert_frame_equal(workbook_read.frame, from_csv.frame)
    plain = from_csv.text.replace(r"^(\d+)\.0$", r"\1", regex=True)
    pd.testing.assert_frame_equal(workbook_read.text, plain, check_dtype=False)


# The template


def test_it_has_a_sheet_per_table_that_the_scheme_scores(blank):
    ko, en = (openpyxl.load_workbook(blank[language]) for language in ("ko", "en"))
    assert en.sheetnames == ["Instructions", *(table.name for table in ENTRY_TABLES), "Codes"]
    assert ko.sheetnames == ["안내", *(table.ko for table in ENTRY_TABLES), "코드"]
    for book in (ko, en):
        text = " ".join(str(cell.value) for row in book.worksheets[0].iter_rows() for cell in row)
        assert "노란 칸만 입력합니다" in text and "Fill in the yellow cells only" in text


def test_a_table_that_the_scheme_does_not_name_gets_no_sheet(tmp_path):
    leaf = {"table": "difficulty_marks", "scale": {"lower": 0, "upper": 100}}
    write_template(tmp_path / "one.xlsx", YEAR, [leaf], UNITS, read_input("mini_clusters", YEAR), LABELS)
    assert openpyxl.load_workbook(tmp_path / "one.xlsx").sheetnames == ["Instructions", "difficulty_marks", "Codes"]


def test_known_rows_stand_ready(blank):
    workbook = openpyxl.load_workbook(blank["ko"])
    clusters = read_input("mini_clusters", YEAR)
    sheet = workbook["미니클러스터 평가점수"]
    rows = list(sheet.iter_rows(min_row=HEADER + 1, max_row=HEADER + len(clusters), values_only=True))
    assert [row[2] for row in rows] == clusters["mc_id"].tolist()
    assert rows[0] == ("동남권", "메카트로닉스", "MC01", None, None, "아니오")
    for name in ("difficulty_marks", "common_indicators", "headquarters_marks", "headquarters_indicators", "satisfaction"):
        column = [cell.value for cell in workbook[TABLES[name].ko]["A"][HEADER : HEADER + len(UNITS["codes"])]]
        assert column == [LABELS["headquarters"][code]["ko"] for code in UNITS["codes"]]


def test_cells_are_checked_as_they_are_typed(blank):
    workbook = openpyxl.load_workbook(blank["ko"])

    def rule(name, letter) -> DataValidation:
        [found] = [item for item in workbook[TABLES[name].ko].data_validations.dataValidation if f"{letter}{HEADER + 1}" in item.sqref]
        return found

    def listed(name, letter):
        title, cells = rule(name, letter).formula1.replace("$", "").replace("'", "").split("!")
        return [row[0].value for row in workbook[title][cells]]

    assert listed("difficulty_marks", "A") == ["수도권", "충청권", "호남권", "대경권", "동남권", "강원권"]
    assert len(listed("mc_marks", "C")) == len(read_input("mini_clusters", YEAR))
    assert listed("satisfaction", "D") == ["참여자 만족도", "추진전략·성과지표 유효성"]
    assert listed("headquarters_indicators", "C") == ["성과지표", "실적지표"]
    mark, response, target = rule("mc_marks", "E"), rule("satisfaction", "F"), rule("common_indicators", "D")
    assert (mark.type, mark.operator, mark.formula1, mark.formula2) == ("decimal", "between", "0", "100")
    assert (response.type, response.formula1, response.formula2) == ("whole", "1", "7")
    assert (target.operator, target.formula1) == ("greaterThan", "0")
    assert all(item.showErrorMessage and item.error for sheet in workbook for item in sheet.data_validations.dataValidation)


def test_the_headquarters_are_those_of_the_year(tmp_path, monkeypatch):
    monkeypatch.setenv("ICCP_LANG", "ko")
    workbook = openpyxl.load_workbook(write(tmp_path / "2015.xlsx", 2015))
    eleven = ["서울", "인천", "경기", "충청권", "대경권", "부산", "울산", "경남", "광주·호남", "전북", "강원권"]
    [offered] = [column for column in workbook["코드"].iter_cols(values_only=True) if "서울" in column]
    assert [value for value in offered[1:] if value] == eleven
    assert [cell.value for cell in workbook["지표 난이도 평가점수"]["A"][HEADER : HEADER + 12]] == [*eleven, None]
    assert "2015년 지역본부 평가표" in str(workbook["안내"]["A1"].value)
    owners = dict.fromkeys(row[0] for row in workbook["미니클러스터 평가점수"].iter_rows(min_row=HEADER + 1, values_only=True) if row[0])
    assert set(owners) == set(eleven)


def test_a_workbook_may_head_the_column_with_what_the_units_were_called(book, raw):
    sheet = book["difficulty_marks"]
    assert sheet.cell(HEADER, 1).value == "Headquarters\n본부"
    for heading in ("광역본부", "Pan-regional headquarters\n광역본부", "지역본부"):
        sheet.cell(HEADER, 1).value = heading
        save(book, raw)
        assert told(raw) == []


def test_the_scheme_narrows_the_range_of_a_mark(tmp_path):
    leaf = {"table": "difficulty_marks", "scale": {"lower": 1, "upper": 5}}
    write_template(tmp_path / "five.xlsx", YEAR, [leaf], UNITS, read_input("mini_clusters", YEAR), LABELS)
    sheet = openpyxl.load_workbook(tmp_path / "five.xlsx")["difficulty_marks"]
    assert [(item.formula1, item.formula2) for item in sheet.data_validations.dataValidation if item.type == "decimal"] == [("1", "5")]
    assert sheet["C4"].value == "1–5 points"


def test_headings_are_locked_and_marks_are_open(blank):
    workbook = openpyxl.load_workbook(blank["en"])
    assert all(sheet.protection.sheet for sheet in workbook)
    for table in ENTRY_TABLES:
        sheet = workbook[table.name]
        assert all(cell.protection.locked for row in sheet.iter_rows(max_row=HEADER) for cell in row)
        letters = [get_column_letter(n) for n in range(sheet.max_column - len(table.columns) + 2, sheet.max_column + 1)]
        assert not any(sheet.column_dimensions[letter].protection.locked for letter in letters)
        assert not sheet.cell(HEADER + 1, sheet.max_column).protection.locked
    assert [cell.protection.locked for cell in workbook["mc_marks"][HEADER + 1]] == [True, True, True, False, False, False]


def test_it_prints_on_a4_with_its_headings_on_every_page(blank):
    sheet = openpyxl.load_workbook(blank["en"])["mc_marks"]
    assert (sheet.page_setup.orientation, int(sheet.page_setup.paperSize), sheet.page_setup.fitToHeight) == ("landscape", 9, 0)
    assert sheet.sheet_properties.pageSetUpPr.fitToPage and sheet.print_title_rows == f"${HEADER}:${HEADER}"
    assert sheet.freeze_panes == f"D{HEADER + 1}"
    assert all(sheet.column_dimensions[letter].width >= 12 for letter in "ABCDEF")


@pytest.mark.skipif(not (shutil.which("soffice") or shutil.which("libreoffice")), reason="LibreOffice is not installed")
@pytest.mark.parametrize("language", ["ko", "en"])
def test_libreoffice_opens_it_and_saves_it_unharmed(blank, raw, tmp_path, language):
    program = shutil.which("soffice") or shutil.which("libreoffice")
    out = tmp_path / "saved"
    home = f"-env:UserInstallation=file://{tmp_path / 'profile'}"
    subprocess.run(
        [program, home, "--headless", "--convert-to", "xlsx", "--outdir", str(out), str(blank[language])], check=True, capture_output=True, timeout=120
    )
    shutil.copy(out / f"{language}.xlsx", entry_folder(YEAR, raw) / "saved.xlsx")
    entries = read_entries(YEAR, raw)
    assert (entries.sheets, entries.problems) == ([], [])


@pytest.mark.parametrize("language", ["ko", "en"])
def test_untouched_it_is_no_entry(blank, raw, language):
    shutil.copy(blank[language], entry_folder(YEAR, raw) / "blank.xlsx")
    entries = read_entries(YEAR, raw)
    assert (entries.sheets, entries.problems) == ([], [])


# The command


def test_it_is_named_by_language_and_never_replaces_marks(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert template_path(YEAR, "", False).name == "marks_2011.xlsx"
    monkeypatch.setenv("ICCP_LANG", "ko")
    path = template_path(YEAR, "", False)
    assert path.name == "평가표_2011.xlsx"
    path.touch()
    with pytest.raises(UserError, match="--force"):
        template_path(YEAR, "", False)
    assert template_path(YEAR, "", True) == path


@pytest.mark.parametrize("output", [RAW / "x.xlsx", entry_folder(YEAR) / "x.xlsx", RAW])
def test_nothing_is_written_into_the_inputs(output):
    with pytest.raises(UserError, match="data/raw"):
        template_path(YEAR, str(output), True)


def test_another_kind_of_file_is_refused():
    with pytest.raises(UserError, match=".xlsx"):
        template_path(YEAR, "marks.csv", False)


def test_the_command_writes_it_and_refuses_in_a_line(fresh, tmp_path):
    output = tmp_path / "out.xlsx"
    assert iccp(fresh, "template", str(YEAR), "--output", str(output)).returncode == 0
    assert openpyxl.load_workbook(output)["mc_marks"]["B3"].value == YEAR
    for arguments in ((str(YEAR), "--output", str(output)), ("1999",), ("2006",), (str(YEAR), "-o", str(tmp_path / "none" / "x.xlsx"))):
        run = iccp(fresh, "template", *arguments)
        assert run.returncode == 1 and "Traceback" not in run.stderr and len(run.stderr.strip().splitlines()) <= 3
    assert iccp(fresh, "template", str(YEAR), "--output", str(output), "--force").returncode == 0


# Reading back


@pytest.fixture(scope="module")
def filled(blank, tmp_path_factory):
    """The template with the simulated marks of the year typed in, by language."""
    made = {}
    for language in ("ko", "en"):
        workbook = openpyxl.load_workbook(blank[language])
        for table in ENTRY_TABLES:
            frame = csv(table.name)
            for column in ("headquarters", "part", "group", "kind"):
                if column in frame:
                    frame[column] = frame[column].map(lambda code, column=column, language=language: LABELS[column][code][language])
            fill(workbook, table.name, frame, table.ko if language == "ko" else None)
        made[language] = tmp_path_factory.mktemp("filled") / "marks.xlsx"
        workbook.save(made[language])
    return made


@pytest.mark.parametrize("language", ["ko", "en"])
def test_a_filled_template_gives_the_frames_of_the_csvs(filled, raw, language):
    shutil.copy(filled[language], entry_folder(YEAR, raw))
    for table in ENTRY_TABLES:
        result = read(raw, table.name)
        assert result.problems.empty
        same_frames(result, table.name)


def test_several_evaluators_copies_are_put_together(blank, raw):
    frame = csv("mc_marks")
    for evaluator, own in frame.groupby("evaluator"):
        workbook = fill(openpyxl.load_workbook(blank["en"]), "mc_marks", own)
        save(workbook, raw, f"평가표 {evaluator}.xlsx")
    result = read(raw, "mc_marks")
    assert result.problems.empty
    assert result.places["file"].nunique() == frame["evaluator"].nunique() == 9
    text = result.text.sort_values(["mc_id", "evaluator"], ignore_index=True)
    plain = frame.replace(r"^(\d+)\.0$", r"\1", regex=True)
    pd.testing.assert_frame_equal(text, plain, check_dtype=False)


def test_only_filled_sheets_take_the_place_of_what_ships(book, tmp_path):
    raw = shutil.copytree(RAW, tmp_path / "raw")
    entry_folder(YEAR, raw).mkdir(parents=True)
    path = save(book, raw)
    inputs = check_inputs(YEAR, raw)
    assert inputs.problems.empty and list(inputs.problems) == PROBLEM_COLUMNS
    files = inputs.files.set_index("table")
    assert files.at["difficulty_marks", "origin"] == "official" and files.at["difficulty_marks", "file"] == path.relative_to(raw).as_posix()
    assert (files.drop("difficulty_marks")["origin"] != "official").all()
    assert inputs.tables["difficulty_marks"]["mark"].tolist() == MARKS


def test_files_name_every_workbook_of_a_table(book, tmp_path):
    raw = shutil.copytree(RAW, tmp_path / "raw")
    entry_folder(YEAR, raw).mkdir(parents=True)
    save(book, raw, "a.xlsx")
    for row in range(6, 12):
        book["difficulty_marks"][f"B{row}"] = "E02"
    save(book, raw, "b.xlsx")
    row = check_inputs(YEAR, raw).files.set_index("table").loc["difficulty_marks"]
    assert [file.rsplit("/", 1)[-1] for file in row["file"].split(" | ")] == ["a.xlsx", "b.xlsx"]
    assert [len(part) for part in row["file_sha256"].split(" | ")] == [64, 64] and row["rows_used"] == 12


def test_a_csv_and_a_workbook_for_one_table(book, raw):
    place = entry_folder(YEAR, raw) / "difficulty_marks.csv"
    shutil.copy(RAW / "simulated" / TABLES["difficulty_marks"].path.format(year=YEAR), place)
    save(book, raw)
    [problem] = read(raw).problems.itertuples()
    assert problem.severity == "error" and problem.file.endswith("difficulty_marks.csv") and "marks.xlsx (difficulty_marks)" in problem.rule


def test_one_key_with_two_marks_is_an_error_that_names_both_cells(book, raw):
    save(book, raw, "a.xlsx")
    book["difficulty_marks"]["C8"] = 99
    for row in (6, 7, 9, 10, 11):
        book["difficulty_marks"][f"B{row}"] = "E02"
    save(book, raw, "b.xlsx")
    [problem] = read(raw).problems.itertuples()
    assert (problem.severity, problem.sheet, problem.row, problem.column, problem.value) == ("error", "difficulty_marks", 8, "mark", "99")
    assert "b.xlsx, difficulty_marks!C8" in problem.rule and "a.xlsx, difficulty_marks!C8" in problem.rule and "'72.5'" in problem.rule


def test_one_key_with_equal_marks_is_a_warning_and_counts_once(book, raw):
    save(book, raw, "a.xlsx")
    book["difficulty_marks"]["C6"] = "70.50"
    save(book, raw, "b.xlsx")
    result = read(raw)
    assert result.problems["severity"].tolist() == ["warning"] and result.problems.iloc[0]["rule"].startswith("6 rows") and len(result.frame) == 6
    assert "a.xlsx, difficulty_marks!B6" in result.problems.iloc[0]["rule"]


def test_a_workbook_in_another_year_s_folder(book, raw):
    book["difficulty_marks"]["B3"] = 2010
    save(book, raw)
    assert told(raw) == [("error", 3, "year", "2010")]


@pytest.mark.slow
def test_problems_name_sheet_and_row_in_the_check(fresh, tmp_path, book):
    checkout = copy_checkout(fresh, tmp_path / "checkout")
    entry_folder(YEAR, checkout / "data" / "raw").mkdir(parents=True)
    book["difficulty_marks"]["C7"] = "85~90"
    save(book, checkout / "data" / "raw")
    run = iccp(checkout, "check", str(YEAR))
    assert run.returncode == 1 and "85~90" in run.stdout and "Sheet" in run.stdout
    run = iccp(checkout, "report", str(YEAR))
    assert run.returncode == 1 and "marks.xlsx [difficulty_marks 7] mark '85~90'" in run.stderr


# What is tolerated


@pytest.mark.parametrize("typed", ["８５", "85점", " 85 ", "85 점", "85", "８５．０점", "\u00a085", 85, 85.0, "085"])
def test_a_mark_that_can_only_mean_one_thing(book, raw, typed):
    book["difficulty_marks"]["C6"] = typed
    save(book, raw)
    result = read(raw)
    assert result.frame["mark"][0] == 85 and result.problems.empty


def test_thousands_separators(book, raw):
    rows = [["수도권", "promotion", "건", "1,234", "１，２３４．５"]]
    for row, values in enumerate(rows, start=HEADER + 1):
        for position, value in enumerate(values, start=1):
            book["common_indicators"].cell(row, position, value)
    save(book, raw)
    result = read(raw, "common_indicators")
    assert result.frame.loc[0, ["target", "actual"]].tolist() == [1234, 1234.5] and result.problems.empty


@pytest.mark.parametrize("typed", ["97.8%", "９７．８％", 0.978])
def test_a_percentage_is_read_as_it_is_seen_with_a_warning(book, raw, typed):
    cell = book["difficulty_marks"]["C6"]
    cell.value = typed
    if typed == 0.978:
        cell.number_format = "0.0%"  # what Excel makes of a typed 97.8%
    save(book, raw)
    assert read(raw).frame["mark"][0] == 97.8
    [(severity, row, column, _)] = told(raw)
    assert (severity, row, column) == ("warning", 6, "mark")


@pytest.mark.parametrize("label", ["수도권", "Seoul Metropolitan", "seoul metropolitan", " 수도권 ", "수도권 Seoul Metropolitan", "seoul_metropolitan", "수도권".encode().decode()])
def test_a_label_stands_for_its_code(book, raw, label):
    book["difficulty_marks"]["A6"] = label
    save(book, raw)
    assert read(raw).frame["headquarters"][0] == "seoul_metropolitan" and told(raw) == []


def test_hangul_in_parts_as_a_mac_writes_it(book, raw):
    import unicodedata

    book["difficulty_marks"]["A6"] = unicodedata.normalize("NFD", "수도권")
    save(book, raw)
    assert read(raw).frame["headquarters"][0] == "seoul_metropolitan"


def test_blank_rows_and_notes_above_the_headings(book, raw):
    sheet = book["difficulty_marks"]
    sheet.insert_rows(1, 3)
    sheet["A1"], sheet["C2"] = "평가점수 제출본", "Mark"
    sheet.insert_rows(11, 2)
    save(book, raw)
    result = read(raw)
    assert result.problems.empty and result.frame["mark"].tolist() == MARKS
    assert result.places["row"].tolist() == [9, 10, 13, 14, 15, 16]


def test_columns_in_another_order(book, raw):
    sheet = book["difficulty_marks"]
    for row in range(HEADER, HEADER + 7):
        a, b, c = (sheet.cell(row, n).value for n in (1, 2, 3))
        sheet.cell(row, 1).value, sheet.cell(row, 2).value, sheet.cell(row, 3).value = c, a, b
    save(book, raw)
    result = read(raw)
    assert result.frame["mark"].tolist() == MARKS and result.problems.empty


@pytest.mark.parametrize("heading", ["mark", "평가점수", "Mark", "평가점수(점)", " 평가 점수 ", "평가점수 / Mark", "Mark\n평가점수*"])
def test_headings_by_code_or_title(book, raw, heading):
    book["difficulty_marks"][f"C{HEADER}"] = heading
    save(book, raw)
    assert told(raw) == []


def test_hidden_rows_columns_and_sheets_are_read_with_a_warning(book, raw):
    sheet = book["difficulty_marks"]
    sheet.row_dimensions[7].hidden = sheet.row_dimensions[9].hidden = True
    sheet.column_dimensions["C"].hidden = True
    sheet.sheet_state = "hidden"
    save(book, raw)
    assert read(raw).frame["mark"].tolist() == MARKS
    assert told(raw) == [("warning", "", "", ""), ("warning", 7, "", "7, 9"), ("warning", "", "mark", "")]


def test_a_merged_cell_counts_for_its_first_cell(book, raw):
    book["difficulty_marks"].merge_cells("B6:B8")
    save(book, raw)
    assert told(raw) == [("error", 7, "evaluator", "B6:B8"), ("error", 8, "evaluator", "B6:B8")]
    assert read(raw).frame["evaluator"].tolist()[0] == "E01"


def test_merged_cells_that_are_not_required_are_empty_with_a_warning(book, raw):
    sheet = book["mc_marks"]
    for row in (6, 7):
        sheet[f"D{row}"], sheet[f"E{row}"] = "E01", 80
    sheet.merge_cells("E6:E7")
    save(book, raw)
    result = read(raw, "mc_marks")
    assert result.frame["mark"].isna().tolist() == [False, True]
    assert told(raw, "mc_marks") == [("warning", 7, "mark", "E6:E7")]


def test_a_formula_counts_with_the_value_it_was_saved_with(book, raw):
    book["difficulty_marks"]["C6"] = "=80+5"
    path = save(book, raw)
    in_sheet(path, "difficulty_marks", lambda xml: re.sub(r"<f>80\+5</f><v ?/?>(</v>)?", "<f>80+5</f><v>85</v>", xml))
    assert read(raw).frame["mark"][0] == 85
    assert told(raw) == [("warning", 6, "mark", "85")]


def test_a_formula_without_a_value_is_an_error(book, raw):
    book["difficulty_marks"]["C6"] = "=80+5"
    path = save(book, raw)
    in_sheet(path, "difficulty_marks", lambda xml: re.sub(r"(<f>80\+5</f>)<v ?/?>(</v>)?", r"\1", xml))
    assert told(raw) == [("error", 6, "mark", "")]


@pytest.mark.parametrize("typed", [date(2011, 3, 4), "#DIV/0!"])
def test_dates_and_errors_of_the_spreadsheet(book, raw, typed):
    book["difficulty_marks"]["C6"] = typed
    save(book, raw)
    [(severity, row, column, _)] = told(raw)
    assert (severity, row, column) == ("error", 6, "mark")


@pytest.mark.parametrize("typed", ["8,5", "85~90", "85/100", "85-90", "팔십오", "85점?", "85 90", "1,23", "−5", "85점%", True])
def test_what_could_mean_two_things_is_reported_and_not_resolved(book, raw, typed):
    book["difficulty_marks"]["C6"] = typed
    save(book, raw)
    assert [item[:3] for item in told(raw)] == [("error", 6, "mark")]
    assert pd.isna(read(raw).frame["mark"][0])


def test_marks_outside_the_contract_are_found_as_in_a_csv(book, raw):
    book["difficulty_marks"]["C6"], book["difficulty_marks"]["B7"], book["difficulty_marks"]["A8"] = 185, None, "제주"
    save(book, raw)
    assert sorted(told(raw)) == [("error", 6, "mark", "185"), ("error", 7, "evaluator", ""), ("error", 8, "headquarters", "제주")]


def test_a_missing_heading_is_one_problem(book, raw):
    book["difficulty_marks"][f"C{HEADER}"] = "등급"
    save(book, raw)
    assert told(raw)[0] == ("error", HEADER, "mark", "")
    assert [item[0] for item in told(raw)].count("error") == 1


def test_no_headings_at_all(book, raw):
    for letter in "ABC":
        book["difficulty_marks"][f"{letter}{HEADER}"] = None
    save(book, raw)
    [problem] = read(raw).problems.itertuples()
    assert problem.severity == "error" and "headings" in problem.rule


def test_columns_and_sheets_nobody_asked_for_are_named(book, raw):
    book["difficulty_marks"][f"D{HEADER}"], book["difficulty_marks"]["D6"] = "비고", "재검토"
    book.create_sheet("메모")["A1"] = "통화 내용"
    save(book, raw)
    entries = read_entries(YEAR, raw)
    assert [(item["severity"], item["sheet"]) for item in entries.problems] == [("warning", "메모")]
    problems = read_table(locate("difficulty_marks", YEAR, raw, entries)).problems
    assert problems[["severity", "value"]].to_numpy().tolist() == [["warning", "비고"]]


def test_marks_on_a_renamed_sheet_are_not_missed(book, raw):
    book["difficulty_marks"].title = "E01"
    save(book, raw)
    [problem] = read_entries(YEAR, raw).problems
    assert (problem["severity"], problem["sheet"]) == ("error", "E01")


def test_a_copied_sheet_counts_too(book, raw):
    copied = book.copy_worksheet(book["difficulty_marks"])
    copied.title = "difficulty_marks (2)"
    save(book, raw)
    result = read(raw)
    assert result.problems["severity"].tolist() == ["warning"] and result.problems.iloc[0]["rule"].startswith("6 rows") and result.problems["sheet"].unique().tolist() == ["difficulty_marks (2)"]


# What is refused


def test_a_truncated_workbook(book, raw):
    path = save(book, raw)
    path.write_bytes(path.read_bytes()[:-3000])
    assert "cut short" in refused(raw)


def test_a_damaged_workbook(book, raw):
    path = save(book, raw)
    content = bytearray(path.read_bytes())
    content[2000:6000] = bytes(4000)
    path.write_bytes(content)
    assert "not readable" in refused(raw)


@pytest.mark.parametrize("content", [b"", b"year,mc_id\n2011,MC01\n", bytes(5000)])
def test_not_a_workbook(raw, content):
    (entry_folder(YEAR, raw) / "marks.xlsx").write_bytes(content)
    assert "not a workbook" in refused(raw)


def test_a_zip_of_something_else(raw):
    with zipfile.ZipFile(entry_folder(YEAR, raw) / "marks.xlsx", "w") as archive:
        archive.writestr("marks.csv", "year\n")
    assert "not a workbook" in refused(raw)


@pytest.mark.parametrize(("stream", "word"), [("EncryptedPackage", "password"), ("Workbook", "xls")])
def test_encrypted_and_old_files(raw, stream, word):
    content = bytes.fromhex("d0cf11e0a1b11ae1") + bytes(600) + stream.encode("utf-16-le") + bytes(600)
    (entry_folder(YEAR, raw) / "marks.xlsx").write_bytes(content)
    assert word in refused(raw)


@pytest.mark.parametrize("suffix", [".xls", ".xlsm", ".ods", ".XLSB"])
def test_other_formats_are_named_and_not_passed_over(book, raw, suffix):
    save(book, raw).rename(entry_folder(YEAR, raw) / f"marks{suffix}")
    assert suffix in refused(raw)


def test_macros_under_a_plain_name(book, raw):
    with zipfile.ZipFile(save(book, raw), "a") as archive:
        archive.writestr("xl/vbaProject.bin", b"x")
    assert "macros" in refused(raw)


def test_what_excel_keeps_beside_an_open_file_is_passed_over(book, raw):
    save(book, raw)
    (entry_folder(YEAR, raw) / "~$marks.xlsx").write_bytes(b"user")
    assert told(raw) == []


def test_a_zip_bomb_is_not_unpacked(book, raw):
    with zipfile.ZipFile(save(book, raw), "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/media/image1.png", bytes(200_000_000))
    assert "larger" in refused(raw)


def test_a_small_bomb_by_its_ratio(book, raw):
    with zipfile.ZipFile(save(book, raw), "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/media/image1.png", bytes(20_000_000))
    assert "larger" in refused(raw)


def test_too_many_parts(book, raw):
    with zipfile.ZipFile(save(book, raw), "a") as archive:
        for number in range(1_200):
            archive.writestr(f"xl/media/{number}", b"")
    assert "larger" in refused(raw)


def test_a_claim_of_a_million_rows_is_not_believed(book, raw):
    path = save(book, raw)
    in_sheet(path, "difficulty_marks", lambda xml: re.sub(r'<dimension ref="[^"]*"', '<dimension ref="A1:XFD1048576"', xml))
    started = time.monotonic()
    assert read(raw).frame["mark"].tolist() == MARKS and time.monotonic() - started < 20


def test_a_claim_of_too_few_rows_neither(book, raw):
    path = save(book, raw)
    in_sheet(path, "difficulty_marks", lambda xml: re.sub(r'<dimension ref="[^"]*"', '<dimension ref="A1"', xml))
    assert read(raw).frame["mark"].tolist() == MARKS


def test_a_mark_in_the_last_row_of_all(book, raw):
    book["difficulty_marks"]["C1048576"] = 80
    save(book, raw)
    assert "larger" in refused(raw)


def test_a_merge_over_the_whole_sheet(book, raw):
    path = save(book, raw)
    merge = '<mergeCells count="1"><mergeCell ref="A1:XFD1048576"/></mergeCells>'
    in_sheet(path, "difficulty_marks", lambda xml: xml.replace("<dataValidations", f"{merge}<dataValidations", 1))
    assert "larger" in refused(raw)


def test_entities_that_grow_are_not_expanded(book, raw):
    path = save(book, raw)
    names = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10 if n else "x" * 100}">' for n in range(9))
    in_sheet(path, "difficulty_marks", lambda xml: f"<!DOCTYPE w [{names}]>" + xml.replace("<sheetData>", "<sheetData><row r='1'><c r='A1' t='str'><v>&e8;</v></c></row>"))
    assert "not readable" in refused(raw)


def test_rows_out_of_order_are_not_dropped_in_silence(book, raw):
    path = save(book, raw)
    in_sheet(path, "difficulty_marks", lambda xml: xml.replace('<row r="7"', '<row r="700"', 1))
    assert "not readable" in refused(raw)


def test_a_broken_workbook_is_told_where_files_are_missing(raw, tmp_path):
    whole = shutil.copytree(RAW, tmp_path / "whole")
    shutil.rmtree(whole / "simulated" / "evaluation" / str(YEAR))
    entry_folder(YEAR, whole).mkdir(parents=True)
    (entry_folder(YEAR, whole) / "marks.xlsx").write_bytes(b"no")
    with pytest.raises(UserError) as caught:
        check_inputs(YEAR, whole)
    assert "marks.xlsx: not a workbook" in caught.value.en


def test_a_broken_workbook_does_not_hide_the_others(book, raw):
    save(book, raw, "a.xlsx")
    (entry_folder(YEAR, raw) / "b.xlsx").write_bytes(b"no")
    entries = read_entries(YEAR, raw)
    assert len(entries.sheets) == 1 and len(entries.problems) == 1


# The run


@pytest.mark.slow
def test_workbooks_give_the_ledger_of_the_csvs(fresh, tmp_path, filled):
    """The report of the year from a workbook: the same numbers, not simulated marks; an edited mark is noticed."""
    ledgers = {}
    for name in ("csv", "workbook"):
        checkout = copy_checkout(fresh, tmp_path / name)
        raw = checkout / "data" / "raw"
        entry_folder(YEAR, raw).mkdir(parents=True)
        if name == "csv":
            for table in ENTRY_TABLES:
                shutil.copy(raw / "simulated" / table.path.format(year=YEAR), raw / "official" / table.path.format(year=YEAR))
        else:
            shutil.copy(filled["ko"], entry_folder(YEAR, raw) / "평가표_2011.xlsx")
        run = iccp(checkout, "report", str(YEAR))
        assert run.returncode == 0, run.stdout + run.stderr
        base = checkout / "data" / "processed" / str(YEAR)
        ledgers[name] = pd.concat([pd.read_csv(base / part / "ledger.csv") for part in ("data", "index", "outcomes", "impact")])
    pd.testing.assert_frame_equal(ledgers["csv"], ledgers["workbook"])
    manifest = (checkout / "reports" / str(YEAR) / "manifest.json").read_text(encoding="utf-8")
    assert "평가표_2011.xlsx" in manifest
    run = iccp(checkout, "explain", str(YEAR), "index.total.dongnam")
    assert "평가표_2011.xlsx" in run.stdout
    path = entry_folder(YEAR, raw) / "평가표_2011.xlsx"
    workbook = openpyxl.load_workbook(path)
    workbook["지표 난이도 평가점수"]["C6"] = 12.5
    workbook.save(path)
    run = iccp(checkout, "report", str(YEAR))
    assert run.returncode == 0 and "평가표_2011.xlsx changed" in run.stdout.replace("\n", "")
