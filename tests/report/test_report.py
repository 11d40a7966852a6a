"""The finished report of the default year: what a reader opens."""

import hashlib
import json
import re
import shutil

import numpy as np
import pandas as pd
import pypdfium2
import pytest

from evaluation.report.ledger import PARTS, read_ledger
from evaluation.report.words import number
from tests.conftest import flat, pages

LANGUAGES = ("ko", "en")
MARK = {"ko": "모의자료 포함", "en": "Contains simulated data"}


@pytest.fixture(scope="module", params=LANGUAGES)
def language(request):
    return request.param


@pytest.fixture(scope="module")
def pdf(made, language):
    return made / "reports" / "2010" / language / "report.pdf"


def test_chapters_are_there(pdf, language):
    text = flat("".join(pages(pdf)))
    chapters = {
        "ko": ("요약", "평가지수", "사업 성과", "사업효과", "자료 현황", "공표 수치 점검", "평가 방법", "부록. 재현 정보"),
        "en": ("Summary", "Evaluation index", "Outcomes", "Impact", "Data status", "Audit of printed figures", "Methods", "Annex. Reproducibility"),
    }[language]
    assert all(flat(chapter) in text for chapter in chapters)


def test_the_summary_is_one_page(pdf, language):
    summary = [number for number, text in enumerate(pages(pdf), start=1) if {"ko": "\n요약", "en": "\nSummary"}[language] in text]
    assert summary == [2]


def test_every_page_that_rests_on_simulated_data_says_so(pdf, language):
    """Summary, index, impact, credibility, data status and marks rest on it; outcomes, methods and the other annex do not."""
    marked = [MARK[language] in text for text in pages(pdf)]
    headings = {
        "ko": {"요약": True, "Ⅰ.": True, "Ⅱ.": False, "Ⅲ.": True, "Ⅳ.": True, "Ⅴ.": True, "Ⅵ.": False, "Ⅶ.": False, "부록.미니": True, "부록.재현": False},
        "en": {"Summary": True, "1Eval": True, "2Outc": False, "3Impa": True, "4Cred": True, "5Data": True, "6Audi": False, "7Meth": False, "Annex.Marks": True, "Annex.Repro": False},
    }[language]
    state, seen = None, []
    for text, is_marked in list(zip(pages(pdf), marked, strict=True))[1:]:
        body = flat(re.sub(rf"^.*?\n({MARK[language]}\n)?", "", text, count=1))
        for heading, simulated in headings.items():
            if body.startswith(heading):
                state = simulated
                seen.append(heading)
        assert is_marked == state, body[:40]
    assert seen == list(headings)


def test_nothing_runs_over_the_page(pdf):
    """Ink stays inside the margins: nothing in the outer 15 mm left and right, on any page."""
    for page in pypdfium2.PdfDocument(pdf):
        image = np.asarray(page.render(scale=1, grayscale=True).to_numpy()).squeeze()
        edge = int(15 / 25.4 * 72)
        assert image[:, :edge].min() > 250 and image[:, -edge:].min() > 250


def test_no_glyph_is_missing(pdf):
    """A glyph that no font has comes out as U+FFFD or as no text at all; every font is embedded."""
    document = pypdfium2.PdfDocument(pdf)
    assert not any("\ufffd" in text or "\x00" in text for text in pages(pdf))
    text = flat("".join(pages(pdf)))
    assert "†" in text and "‡" in text and "−" in text
    assert document.get_metadata_value("Title")


def test_no_heading_is_left_alone_at_the_foot(pdf, made, language):
    """The last line of a page's body is never a heading of the texts."""
    headings = set()
    for path in (made / "data/processed/2010/report" / language).glob("report.ipynb"):
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            for output in cell.get("outputs", []):
                text = "".join(output.get("data", {}).get("text/markdown", ""))
                headings |= {flat(re.sub(r"\{.*?\}", "", line.lstrip("# "))) for line in text.splitlines() if re.match(r"#{1,3} ", line)}
    assert len(headings) > 15
    for text in pages(pdf)[1:]:
        lines = [flat(line) for line in text.strip().split("\n")]
        # Footer: date with data hash, and page number.
        body = [line for line in lines if not re.fullmatch(r"\d+", line) and "해시" not in line and "Datahash" not in line]
        assert not any(body[-1].endswith(heading) for heading in headings if heading), body[-1]


def test_figures_survive_a_photocopier(made, language):
    """Every colour of the figures keeps apart from its neighbours in grey, and text stays text."""
    figures = sorted((made / "data/processed/2010/report" / language / "figures").glob("*.svg"))
    assert len(figures) == 5
    for path in figures:
        svg = path.read_text(encoding="utf-8")
        assert "<text" in svg
        colours = {code.lower() for code in re.findall(r"#[0-9a-fA-F]{6}", svg)}
        # Navy, inks and greys only: no hue that a grey copy would need to tell apart.
        for code in colours:
            red, green, blue = (int(code[index : index + 2], 16) for index in (1, 3, 5))
            assert max(red, green, blue) - min(red, green, blue) <= 70, code


def test_figures_of_neighbouring_shades_differ_in_grey():
    from evaluation.report.figures import SHADES

    def lightness(code):
        if code == "white":
            return 255
        red, green, blue = (int(code[index : index + 2], 16) for index in (1, 3, 5))
        return 0.299 * red + 0.587 * green + 0.114 * blue

    for (one, _, hatch_one), (other, _, hatch_other) in zip(SHADES, SHADES[1:], strict=False):
        assert abs(lightness(one) - lightness(other)) > 25 or bool(hatch_one) != bool(hatch_other)


def test_the_manifest_names_what_the_report_was_made_from(made):
    place = made / "reports" / "2010"
    manifest = json.loads((place / "manifest.json").read_text(encoding="utf-8"))
    for name, digest in manifest["files"].items():
        assert hashlib.sha256((place / name).read_bytes()).hexdigest() == digest
    inputs = {item["table"]: item for item in manifest["inputs"]}
    path = made / "data" / "raw" / inputs["panel"]["file"]
    assert hashlib.sha256(path.read_bytes()).hexdigest() == inputs["panel"]["file_sha256"]
    assert manifest["renderer"]["name"] == "embedded" and "pandas" in manifest["environment"]["packages"]


def test_the_document_is_dated_and_tagged(pdf):
    """PDF/UA-1 with the report's own date, so that the same report is the same file."""
    content = pdf.read_bytes()
    assert b"pdfuaid" in content and pypdfium2.PdfDocument(pdf).get_metadata_value("CreationDate").startswith("D:20110331")


@pytest.mark.parametrize(
    ("id", "value"),
    [("index.total.chungcheong", 71.3), *(pytest.param(*more, marks=pytest.mark.slow) for more in (("outcomes.goal.export.achieved", 153.7), ("impact.employment.cs.cohort.2005", 77.7)))],
)
def test_a_changed_ledger_value_is_the_one_that_is_printed(made, tmp_path, language, id, value):
    """The new number stands in the text of the PDF and the old one nowhere."""
    from evaluation.paths import NOTEBOOKS
    from evaluation.pipeline.notebooks import run_notebook
    from evaluation.report.render import render

    base = shutil.copytree(made / "data" / "processed" / "2010", tmp_path / "base")
    part = id.split(".")[0]
    path = base / part / "ledger.csv"
    ledger = pd.read_csv(path, dtype={"tables": "string", "code": "string"})
    old = ledger.loc[ledger["id"] == id, "value"].item()
    ledger.loc[ledger["id"] == id, "value"] = value
    ledger.to_csv(path, index=False)

    folder = tmp_path / "report"
    folder.mkdir()
    run_notebook(NOTEBOOKS / "report.ipynb", folder, {"year": 2010, "lang": language, "inputs": str(base)}, tmp_path / "failed")
    (tmp_path / "pdf").mkdir()
    render(folder, tmp_path / "pdf" / "report.pdf", {"name": "embedded"})

    before = "\n".join(pages(made / "reports" / "2010" / language / "report.pdf"))
    after = "\n".join(pages(tmp_path / "pdf" / "report.pdf"))
    decimals = int(read_ledger(base, PARTS).at[id, "decimals"])
    shown = re.compile(r"(?<![\d.])" + re.escape(number(old, decimals)) + r"(?!\d|\.\d)")
    assert shown.search(before), "the old number was never printed: choose another id"
    new = re.compile(r"(?<![\d.])" + re.escape(number(value, decimals)) + r"(?!\d|\.\d)")
    # Other entries may print alike; those of this one have changed, wherever it stands.
    moved = len(shown.findall(before)) - len(shown.findall(after))
    assert moved > 0 and len(new.findall(after)) - len(new.findall(before)) == moved


def test_widths_of_columns_are_whole_per_cents(made, language):
    """Quarto takes a decimal point for the end of a width: the table would run off the page."""
    text = (made / f"data/processed/2010/report/{language}/report.ipynb").read_text(encoding="utf-8")
    widths = re.findall(r'tbl-colwidths=\\"\[([^\]]*)\]', text)
    assert len(widths) > 10
    for listed in widths:
        assert re.fullmatch(r"\d+(,\d+)*", listed) and sum(map(int, listed.split(","))) == 100, listed


def test_no_mark_of_the_source_is_left_on_a_page(pdf):
    """A heading that follows a paragraph without an empty line stays a row of signs."""
    assert not re.search(r"(^|\s)#{1,4} \S|\{[#.%{]|:::", "\n".join(pages(pdf)))
