"""The census workbook: the real one against its own totals, a small one by hand, and broken ones.

The real file is not part of the project: ICCP_OFFICIAL_DATA names the folder it lies in.
"""

import os
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest

from evaluation.errors import UserError
from evaluation.sources.census import MASKABLE, hidden, read_census, totals
from evaluation.sources.names import markers, name_key
from tests.sources.census_book import LINES, TOP, census_book

FOLDER = os.environ.get("ICCP_OFFICIAL_DATA")
FIRST = 7  # the first row of complexes


@pytest.fixture(scope="module")
def real():
    if not FOLDER:
        pytest.skip("ICCP_OFFICIAL_DATA names no folder with the official files")
    [path] = Path(FOLDER).rglob("*산업단지현황조사*.xlsx")
    return read_census(path)


def sheet(book):
    return book["전국산업단지현황"]


# The real file


def test_real_rows_and_complexes(real):
    assert (real.year, real.quarter) == (2023, 4)
    ours = totals(real.rows)
    assert (ours.at["all", "rows"], ours.at["all", "complexes"]) == (1310, 1306)
    assert ours["complexes"].to_dict() == real.printed["complexes"].to_dict()


def test_real_totals_are_the_printed_ones_where_nothing_is_masked(real):
    ours = totals(real.rows)
    for measure in ("designated_area", "managed_area", "industrial_area", "area_for_sale", "area_sold", "area_unsold", "tenants", "operating_firms"):
        assert ours[measure].to_dict() == real.printed[measure].to_dict()


def test_real_production_by_type_as_printed(real):
    """The workbook's summary sheet, KRW mn."""
    printed = {"national": 691_929_852, "general": 487_336_112, "urban_high_tech": 4_245_045, "agro_industrial": 65_034_774, "all": 1_248_545_783}
    assert real.printed["production"].to_dict() == printed
    visible, masked = totals(real.rows)["production"], totals(real.rows)["production_masked"]
    assert (visible < real.printed["production"]).all() and (masked > 0).all()


def test_real_masks_hide_as_much_as_is_known(real):
    """7.1 % of production, 9.9 % of exports, 6.0 % of employment; by type it would give single figures away."""
    share = hidden(real)
    assert share.loc["all", ["production", "exports", "employment"]].round(1).to_dict() == {"production": 7.1, "exports": 9.9, "employment": 6.0}
    assert share.drop("all")[["production", "exports"]].isna().all().all()


def test_real_zeros_are_told_apart(real):
    top = real.rows[real.rows["level"] == 0]
    assert (top["production_status"] == "not_reported").sum() == 37
    assert set(top["production_status"]) == {"observed", "masked", "zero", "not_reported", "not_applicable"}


def test_real_contradictions_are_the_known_one(real):
    """One complex of Seosan stands twice under type, province, district and name."""
    assert set(real.problems["severity"]) == {"warning"}
    assert real.problems["value"].tolist() == ["대산3", "대산3"]


# A small one, by hand


@pytest.fixture
def small(tmp_path):
    return read_census(census_book(tmp_path / "census.xlsx"))


def test_levels_parents_and_sums(small):
    rows = small.rows.set_index("name_key")
    assert rows["level"].to_dict() | {"구미4(외국인)": 2} == rows["level"].to_dict() and rows.at["주안", "level"] == 1
    assert rows.loc["구미4(산업)", "parent"] == rows.loc["구미4", "row"]
    ours = totals(small.rows)
    assert ours.at["national", "production"] == 4000 + 5000 + 9000
    assert (ours.at["all", "rows"], ours.at["all", "complexes"]) == (9, 8)


def test_five_kinds_of_nothing(small):
    rows = small.rows.set_index("name_key")
    assert rows.at["가", "production_status"] == "masked" and rows.at["나", "exports_status"] == "zero"
    assert rows.at["라", "production_status"] == "not_reported" and np.isnan(rows.at["라", "production"])
    assert rows.at["마", "production_status"] == "not_applicable" and rows.at["신평·장림", "exports_status"] == "zero"


def test_an_empty_cell_is_missing(tmp_path):
    def change(book):
        sheet(book).cell(FIRST + 10, 18).value = None

    rows = read_census(census_book(tmp_path / "c.xlsx", change)).rows.set_index("name_key")
    assert rows.at["신평·장림", "production_status"] == "missing"


def test_what_the_masks_hide(small):
    assert small.problems.empty
    share = hidden(small)
    assert share.at["all", "production"] == pytest.approx(100 * 60 / 18760)
    assert share.at["general", "production"] == pytest.approx(100 * 60 / 760)
    assert np.isnan(share.at["all", "exports"]) and np.isnan(share.at["general", "exports"])  # two masked cells


def test_names():
    assert name_key("명지·녹산 (① + ②)") == name_key("명지ㆍ녹산") == name_key(" 명지.녹산") == "명지·녹산"
    assert name_key("신평.장림[재생사업지구]") == "신평·장림" and name_key("실크융복합(구:실크전문)") == "실크융복합"
    assert name_key("\xa0\xa0\xa0\xa0 ▷구미4(산업) (②)") == "구미4(산업)"
    assert name_key("탕정 ① + ②") == name_key("탕정 (① + ②)") and name_key("동화#") == "동화"
    assert markers("구미 (① + ②)") == ["①", "②"] and markers("구미4(산업)") == []


# Harmless changes


def swap_columns(book):
    """The last two columns, heading and all, in the place of the first two measures."""
    rows = list(sheet(book).iter_rows(min_row=5))
    for row in rows:
        values = [cell.value for cell in row]
        values = values[:5] + values[17:19] + values[7:17] + values[5:7]
        for cell, value in zip(row, values, strict=True):
            cell.value = value


def another_note(book):
    sheet(book).insert_rows(3, 2)
    sheet(book).cell(3, 1).value = "* 또 하나의 주석"


def other_words(book):
    for cell in sheet(book)[5]:
        cell.value = {"입주업체": "입주계약", "시군": "시군구", "유형": " 유 형 ", "고용현황(명)": "고용"}.get(cell.value, cell.value)


def renamed_suffix(book):
    sheet(book).cell(FIRST + 10, 4).value = "신평ㆍ장림 (구 사하)#"


def a_subtotal(book):
    sheet(book).append(["강원소계", None, None, "소계", None, *[1000] * 14])


def blank_rows(book):
    sheet(book).insert_rows(FIRST + 3, 2)


@pytest.mark.parametrize("change", [swap_columns, another_note, other_words, renamed_suffix, a_subtotal, blank_rows])
def test_harmless_changes_change_no_total(tmp_path, small, change):
    changed = read_census(census_book(tmp_path / "changed.xlsx", change))
    assert changed.problems[changed.problems["severity"] == "error"].empty
    columns = [*MASKABLE, "complexes", "rows", "tenants"]
    assert totals(changed.rows)[columns].equals(totals(small.rows)[columns])


# Harmful ones


@pytest.mark.parametrize(("column", "name"), [(index, name) for index, name in enumerate(TOP, start=1) if name and not name.startswith(("산업시설", "고용"))])
def test_a_column_that_is_gone_is_named(tmp_path, column, name):
    def change(book):
        sheet(book).delete_cols(column)

    # The title stands in the first column and goes with it.
    with pytest.raises(UserError, match=r"분기" if column == 1 else name.split("\n")[0]):
        read_census(census_book(tmp_path / "c.xlsx", change))


@pytest.mark.parametrize(("column", "heading", "wanted"), [(18, "누계생산(억원)", "백만원"), (19, "누계수출(백만달러)", "천달러"), (18, "누계생산(천달러)", "백만원")])
def test_another_unit_is_refused(tmp_path, column, heading, wanted):
    def change(book):
        sheet(book).cell(5, column).value = heading

    with pytest.raises(UserError, match=wanted):
        read_census(census_book(tmp_path / "c.xlsx", change))


@pytest.mark.parametrize(("value", "rule"), [("많음", "not a number"), (-5, "below 0"), (True, "not a number")])
def test_what_is_no_figure_is_named_by_its_row(tmp_path, value, rule):
    def change(book):
        sheet(book).cell(FIRST + 10, 13).value = value

    problems = read_census(census_book(tmp_path / "c.xlsx", change)).problems
    assert ((problems["row"] == FIRST + 10) & (problems["column"] == "tenants") & problems["rule"].str.contains(rule)).any()
    assert (problems["sheet"] == "시도별").any(), "the total no longer agrees"


def test_a_formula_without_a_value_is_refused_by_its_cell(tmp_path):
    """It would be read as an empty cell, and be missed in no total if the type sheets had it too."""

    def change(book):
        sheet(book).cell(FIRST + 10, 13).value = "=1+1"

    with pytest.raises(UserError, match=rf"M{FIRST + 10}: a formula without a stored value"):
        read_census(census_book(tmp_path / "c.xlsx", change))


def test_numbers_stored_as_text_are_read_and_said(tmp_path, small):
    def change(book):
        sheet(book).cell(FIRST, 18).value, sheet(book).cell(FIRST + 1, 18).value = "４,０００", " 4000 "

    census = read_census(census_book(tmp_path / "c.xlsx", change))
    assert totals(census.rows)["production"].equals(totals(small.rows)["production"])
    assert census.problems["severity"].tolist() == ["warning", "warning"]


MUTATED = (None, "", "X", "x", 0, 1, -1, 7, 0.5, 10**9, "12", "1,234", "１２", "없음", "=1/0", "#REF!", "합계", True, "2023년 4분기", "①")


def mutate(book, generator):
    """One to three changes of the kind that happens to files: cells, rows, columns, the header."""
    target = sheet(book)
    for _ in range(generator.integers(1, 4)):
        row, column = int(generator.integers(1, FIRST + len(LINES))), int(generator.integers(1, 20))
        match generator.integers(0, 7):
            case 0 | 1 | 2:
                target.cell(row, column).value = MUTATED[generator.integers(len(MUTATED))]
            case 3:
                target.delete_rows(row)
            case 4:
                target.append([cell.value for cell in target[row]])
            case 5:
                target.delete_cols(column)
            case 6:
                target.insert_rows(row)


@pytest.mark.parametrize("count", [60, pytest.param(3000, marks=pytest.mark.slow)])
def test_no_change_passes_in_silence(tmp_path, small, count):
    """Whatever is done to the sheet: refused, reported as an error, or read to the same totals."""
    generator = np.random.default_rng(count)
    columns = [name for name in totals(small.rows) if not name.endswith("_rate")]
    wanted = totals(small.rows)[columns]
    refused = reported = same = 0
    for _ in range(count):
        try:
            census = read_census(census_book(tmp_path / "c.xlsx", lambda book: mutate(book, generator)))
        except UserError:
            refused += 1
            continue
        if (census.problems["severity"] == "error").any():
            reported += 1
            continue
        same += 1
        assert totals(census.rows)[columns].equals(wanted)
    assert min(refused, reported, same) > 0


def test_a_row_that_is_lost_or_doubled_shows_in_the_totals(tmp_path):
    for number, change in enumerate([lambda book: sheet(book).delete_rows(FIRST + 10), lambda book: sheet(book).append(LINES[10])]):
        problems = read_census(census_book(tmp_path / f"{number}.xlsx", change)).problems
        errors = problems[problems["severity"] == "error"]
        assert errors["column"].str.contains("general complexes").any() and errors["column"].str.contains("general tenants").any()


def test_a_parent_that_is_not_the_sum_of_its_parts(tmp_path):
    def change(book):
        sheet(book).cell(FIRST + 3, 18).value = 3001

    problems = read_census(census_book(tmp_path / "c.xlsx", change)).problems
    warnings = problems[problems["severity"] == "warning"]
    assert warnings[["row", "column"]].to_numpy().tolist() == [[FIRST + 2, "production"]]


# Files that are not what they say


def test_not_a_workbook(tmp_path):
    path = tmp_path / "c.xlsx"
    for content in (b"", b"not a workbook", b"PK\x03\x04 cut short"):
        path.write_bytes(content)
        with pytest.raises(UserError, match="not a workbook"):
            read_census(path)


def test_cut_short_at_any_place(tmp_path):
    whole = census_book(tmp_path / "whole.xlsx").read_bytes()
    path = tmp_path / "cut.xlsx"
    for part in range(1, 20):
        path.write_bytes(whole[: len(whole) * part // 20])
        with pytest.raises(UserError):
            read_census(path)


def test_a_zip_bomb_is_not_unpacked(tmp_path):
    path = tmp_path / "bomb.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<x/>")
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * 400_000_000)
    began = time.monotonic()
    with pytest.raises(UserError, match="unpacks to"):
        read_census(path)
    assert time.monotonic() - began < 5


def rewrite_part(path, name, change):
    """Change one part of a workbook as text."""
    with zipfile.ZipFile(path) as archive:
        parts = {entry: archive.read(entry) for entry in archive.namelist()}
    parts[name] = change(parts[name].decode()).encode()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for entry, content in parts.items():
            archive.writestr(entry, content)
    return path


def test_rows_that_are_only_claimed(tmp_path, small):
    """A sheet that says it goes to the last row and column, and has a stray cell there."""
    path = census_book(tmp_path / "c.xlsx")
    path = rewrite_part(path, "xl/worksheets/sheet3.xml", lambda xml: xml.replace('<dimension ref="A1:S22"', '<dimension ref="A1:XFD1048576"'))
    assert totals(read_census(path).rows).equals(totals(small.rows))
    path = rewrite_part(path, "xl/worksheets/sheet3.xml", lambda xml: xml.replace("</sheetData>", '<row r="1048576"><c r="A1048576"><v>1</v></c></row></sheetData>'))
    with pytest.raises(UserError, match="below row 20,000"):
        read_census(path)


def test_entities_are_not_expanded(tmp_path):
    bomb = '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">]>'
    path = rewrite_part(census_book(tmp_path / "c.xlsx"), "xl/worksheets/sheet3.xml", lambda xml: bomb + xml[xml.index("<worksheet") :].replace("구로구", "&c;"))
    try:
        read_census(path)
    except UserError:
        pass
