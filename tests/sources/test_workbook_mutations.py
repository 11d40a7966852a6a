"""Every kind of workbook that is read, broken from outside: refused or told in time, or read to the same figures.

The kinds: a census, a trend table, the example of the programme's systems, a marked template, and, where ICCP_OFFICIAL_DATA names
the folder, the real census (with the long tests).
"""

import io
import os
import re
import shutil
import zipfile
from pathlib import Path

import numpy as np
import openpyxl
import pytest

from evaluation.errors import UserError
from evaluation.index.scheme import complete, leaves
from evaluation.sources.census import read_census, totals
from evaluation.sources.check import read_input
from evaluation.sources.entry import read_entries
from evaluation.sources.locate import entry_folder, locate
from evaluation.sources.read import read_table
from evaluation.sources.specs import read_report, read_scheme
from evaluation.sources.template import HEADER, write_template
from evaluation.sources.trends import read_trend
from tests.sources.census_book import census_book
from tests.sources.test_mutations import figures, in_time
from tests.sources.test_systems import EXAMPLE
from tests.sources.test_trends import PRODUCTION

YEAR = 2010
FOLDER = os.environ.get("ICCP_OFFICIAL_DATA")


@pytest.fixture(autouse=True)
def english(monkeypatch):
    monkeypatch.setenv("ICCP_LANG", "en")


def read_as_census(path):
    census = read_census(path)
    return figures(totals(census.rows)), list(census.problems["severity"])


def read_as_trend(path):
    trend = read_trend(path)
    return figures(trend.values), list(trend.problems["severity"])


def read_as_entry(path):
    raw = path.parent / "raw"
    folder = entry_folder(YEAR, raw)
    shutil.rmtree(raw, ignore_errors=True)
    folder.mkdir(parents=True)
    shutil.copy(path, folder)
    entries = read_entries(YEAR, raw)
    told = [item["severity"] for item in entries.problems]
    found = {}
    for sheet in entries.sheets:
        read = read_table(locate(sheet.table.name, YEAR, raw, entries))
        told += list(read.problems["severity"])
        found[sheet.table.name] = figures(read.frame)
    return found, told


def trend_book(path):
    book = openpyxl.Workbook()
    for row in PRODUCTION:
        book.active.append(row)
    book.save(path)
    return path


def short_export(path):
    """The example with few rows, as an evaluator's would be; the long one is as well read, but slower."""
    book = openpyxl.load_workbook(EXAMPLE)
    for sheet in book.worksheets:
        sheet.delete_rows(40, sheet.max_row)
    book.save(path)
    return path


def marks_book(path):
    """A template with the marks of one evaluator."""
    scheme = complete(*read_scheme(YEAR))
    named = [leaf for component in scheme["components"] for leaf, _ in leaves(component)]
    write_template(path, YEAR, named, scheme["units"], read_input("mini_clusters", YEAR), read_report()["labels"])
    book = openpyxl.load_workbook(path)
    for sheet, mark in (("difficulty_marks", "C"), ("mc_marks", "E")):
        evaluator = chr(ord(mark) - 1)
        for row in range(HEADER + 1, HEADER + 7):
            book[sheet][f"{evaluator}{row}"], book[sheet][f"{mark}{row}"] = "E01", 60 + row
    book.save(path)
    return path


def real_census(path):
    if not FOLDER:
        pytest.skip("ICCP_OFFICIAL_DATA names no folder with the official files")
    [source] = Path(FOLDER).rglob("*산업단지현황조사*.xlsx")
    return shutil.copy(source, path)


KINDS = {
    "census": (census_book, read_as_census, "census.xlsx"),
    "trend": (trend_book, read_as_trend, "trend_20260630.xlsx"),
    "export": (short_export, read_as_entry, "export.xlsx"),
    "marks": (marks_book, read_as_entry, "marks.xlsx"),
    "real": (real_census, read_as_census, "census.xlsx"),
}


@pytest.fixture(scope="module")
def books(tmp_path_factory):
    """Content, and the figures and problems it is read to, of each kind, made when asked for."""
    made = {}

    def book(kind):
        if kind not in made:
            write, read, name = KINDS[kind]
            path = tmp_path_factory.mktemp(kind) / name
            write(path)
            made[kind] = (path.read_bytes(), *read(path))
        return made[kind]

    return book


def rezip(content, change, more=None):
    """Change the parts of a workbook; `more` is added."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as archive, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as other:
        for name in archive.namelist():
            changed = change(name, archive.read(name))
            if changed is not None:
                other.writestr(name, changed)
        for name, part in (more or {}).items():
            other.writestr(name, part)
    return out.getvalue()


def in_sheets(content, change, more=None):
    """Change the XML of every sheet as text."""
    return rezip(content, lambda name, part: change(part.decode()).encode() if name.startswith("xl/worksheets/sheet") else part, more)


def keep(name, part):
    return part


def external_links(content):
    """A link to a file elsewhere, and a figure that comes from it, with the value it had."""
    link = '<?xml version="1.0"?><externalLink xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"/>'
    return in_sheets(content, lambda xml: re.sub(r"<v>(\d+)</v>", r"<f>[1]Sheet1!A1</f><v>\1</v>", xml, count=1), {"xl/externalLinks/externalLink1.xml": link})


def formulas(content):
    return in_sheets(content, lambda xml: re.sub(r"(<c r=\"[A-Z]+\d+\"(?: s=\"\d+\")?(?: t=\"n\")?>)<v>(\d+)</v>", r"\1<f>\2+0</f><v>\2</v>", xml))


def formulas_never_computed(content):
    return in_sheets(content, lambda xml: re.sub(r"(<c r=\"[A-Z]+\d+\"(?: s=\"\d+\")?(?: t=\"n\")?>)<v>(\d+)</v>", r"\1<f>\2+0</f>", xml))


def macros(content):
    return rezip(content, keep, {"xl/vbaProject.bin": b"\xd0\xcf\x11\xe0"})


def entities(content):
    names = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10 if n else "9" * 100}">' for n in range(9))
    return in_sheets(content, lambda xml: re.sub(r"(<\?xml[^>]*\?>)?", "", xml, count=1).join((f"<!DOCTYPE w [{names}]>", "")).replace("<sheetData>", '<sheetData><row r="1"><c r="A1" t="str"><v>&e8;</v></c></row>', 1))


def a_file_of_the_machine(content):
    doctype = '<!DOCTYPE w [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
    return in_sheets(content, lambda xml: doctype + xml[xml.index("<worksheet") :].replace("<sheetData>", '<sheetData><row r="1"><c r="A1" t="str"><v>&x;</v></c></row>', 1))


def zip_bomb(content):
    return rezip(content, lambda name, part: bytes(400_000_000) if name.startswith("xl/worksheets/sheet1.") else part)


def small_parts_without_end(content):
    return rezip(content, keep, {f"xl/media/{number}": b"" for number in range(1_500)})


def three_hundred_columns(content):
    book = openpyxl.load_workbook(io.BytesIO(content))
    for sheet in book.worksheets:
        wide = sheet.max_column
        for row in range(1, sheet.max_row + 1):
            for column in range(wide + 1, 301):
                sheet.cell(row, column, column)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def ten_million_rows_claimed(content):
    return in_sheets(content, lambda xml: re.sub(r'<dimension ref="[^"]*"', '<dimension ref="A1:XFD10000000"', xml))


def a_figure_in_the_last_row(content):
    return in_sheets(content, lambda xml: xml.replace("</sheetData>", '<row r="1048576"><c r="A1048576"><v>1</v></c></row></sheetData>'))


def parts_outside(content):
    return rezip(content, keep, {"../../outside.xml": "<x/>", "/etc/outside": "x"})


def no_sheets(content):
    return rezip(content, lambda name, part: None if name.startswith("xl/worksheets/") else part)


def no_styles(content):
    return rezip(content, lambda name, part: b"<x" if name == "xl/styles.xml" else part)


def no_strings(content):
    return rezip(content, lambda name, part: None if name == "xl/sharedStrings.xml" else part)


def no_workbook(content):
    return rezip(content, lambda name, part: b"" if name == "xl/workbook.xml" else part)


def negative_rows(content):
    return in_sheets(content, lambda xml: re.sub(r'<row r="(\d+)"', r'<row r="-\1"', xml, count=3))


ATTACKS = (
    external_links, formulas, formulas_never_computed, macros, entities, a_file_of_the_machine, zip_bomb, small_parts_without_end, three_hundred_columns,
    ten_million_rows_claimed, a_figure_in_the_last_row, parts_outside, no_sheets, no_styles, no_strings, no_workbook, negative_rows,
)  # fmt: skip
# Those that no reader may let pass as if nothing were there.
NEVER_CLEAN = (macros, entities, a_file_of_the_machine, zip_bomb, small_parts_without_end, a_figure_in_the_last_row, no_sheets, no_workbook)


def outcome(kind, content, folder):
    """What reading makes of a content: `refused`, or the figures and the severities that were told."""
    _, read, name = KINDS[kind]
    path = folder / name
    path.write_bytes(content)
    with in_time():
        try:
            return read(path)
        except UserError as error:
            assert name in error.en and error.ko
            return "refused"


def judge(kind, content, books, folder):
    _, wanted, told_before = books(kind)
    result = outcome(kind, content, folder)
    if result != "refused" and result[0] != wanted:
        assert len(result[1]) > len(told_before), "other figures, and nothing said"
    return result


@pytest.mark.parametrize("kind", ["census", "trend", "export", "marks", pytest.param("real", marks=pytest.mark.slow)])
@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.__name__)
def test_attacks(kind, attack, books, tmp_path):
    result = judge(kind, attack(books(kind)[0]), books, tmp_path)
    if attack in NEVER_CLEAN:
        assert result == "refused" or len(result[1]) > len(books(kind)[2])
    if result != "refused":
        assert "root:" not in str(result)
    assert not (tmp_path.parent / "outside.xml").exists()


@pytest.mark.parametrize("kind", ["census", "trend", "export", "marks"])
@pytest.mark.parametrize("count", [15, pytest.param(1500, marks=pytest.mark.slow)])
def test_bytes_that_are_lost_or_changed(kind, count, books, tmp_path):
    """Cut short, or with wrong bytes anywhere: zip checks its parts, so such a file is refused or whole."""
    generator = np.random.default_rng(count)
    content = books(kind)[0]
    for _ in range(count):
        broken = bytearray(content)
        if generator.random() < 0.3:
            broken = broken[: generator.integers(len(broken))]
        else:
            for place in generator.integers(len(broken), size=generator.integers(1, 4)):
                broken[place] = generator.integers(256)
        judge(kind, bytes(broken), books, tmp_path)


@pytest.mark.parametrize("kind", ["census", "trend", "export", "marks"])
@pytest.mark.parametrize("count", [15, pytest.param(1000, marks=pytest.mark.slow)])
def test_xml_that_is_lost_or_doubled(kind, count, books, tmp_path):
    """Pieces of a sheet's XML taken out or repeated, as broken programs write them."""
    generator = np.random.default_rng(count)

    def change(xml):
        tags = [match.start() for match in re.finditer("<", xml)]
        one, other = sorted(generator.integers(len(tags), size=2))
        other = min(other, one + 3)
        piece = xml[tags[one] : tags[other]]
        return xml[: tags[one]] + piece * int(generator.choice([0, 2])) + xml[tags[other] :]

    for _ in range(count):
        judge(kind, in_sheets(books(kind)[0], change), books, tmp_path)


@pytest.mark.slow
def test_pieces_of_the_real_census(books, tmp_path):
    test_xml_that_is_lost_or_doubled("real", 60, books, tmp_path)
