"""The texts of the report: no typed numbers, only what both renderers understand, the same in both languages."""

import re

import pytest

from evaluation.paths import REPORTS

TEXTS = sorted(REPORTS.glob("[ek][no]/*.md"))
CHAPTERS = ["annex", "audit", "credibility", "data", "impact", "index", "marks", "methods", "outcomes", "summary"]

# Digits that are not results: years, references to pages and volumes, scales, "zero" and "first" in words.
NOT_NUMBERS = re.compile(
    r"""
    (?:19|20)\d\d(?:[~–](?:19|20)\d\d)?          # years
    | 3\.\d(?:\(\d\))?                           # sections of the programme book
    | 예제\ 13\.8 | Example\ 13\.8 | Economics\ 54 | Econometrics\ 225   # literature
    | SHA-256 | 앞\ 16자 | first\ 16             # the hash
    | 0~100점 | 100점\ 만점 | 0\ to\ 100 | out\ of\ 100   # the scale of scores
    | 100\ ?×\ ?\(e\^b\^\ ?−\ ?1\) | 1단계 | 1달러 | [12]위      # the formula; phase one; one dollar; places
    | (?<![\d.])0(?=[은을인과이에으]|\ is\ |\ \|)      # the word zero
    | 2개\ 이하 | 1을\ 뺀 | 1차\ 차분            # the masking rule; clusters less one; first differences
    """,
    re.VERBOSE,
)


def outside_jinja(text):
    text = re.sub(r"\{\{.*?\}\}|\{%.*?%\}", " ", text, flags=re.DOTALL)
    return re.sub(r"\{[#.][^}]*\}|tbl-colwidths=\"[^\"]*\"", " ", text)


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_no_number_is_typed_into_a_text(path):
    left = NOT_NUMBERS.sub(" ", outside_jinja(path.read_text(encoding="utf-8")))
    assert re.findall(r"\S*\d\S*", left) == []


def test_the_check_for_typed_numbers_finds_one():
    assert re.findall(r"\d", NOT_NUMBERS.sub(" ", outside_jinja("생산은 {{ v('x') }}억이고 102.1%이다.")))


def test_both_languages_have_the_same_chapters_tables_and_figures():
    assert sorted(path.stem for path in REPORTS.glob("ko/*.md")) == sorted(path.stem for path in REPORTS.glob("en/*.md")) == CHAPTERS

    def ids(language):
        text = "".join(path.read_text(encoding="utf-8") for path in sorted(REPORTS.glob(f"{language}/*.md")))
        asked = set(re.findall(r'(?:v|value|counted|between|usd|persons)\("([\w.]+)"', text))
        return sorted(re.findall(r'\{#([\w-]+)|figure\("\w+", "([\w-]+)"', text)), asked

    assert ids("ko") == ids("en")


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_only_what_both_renderers_understand(path):
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"<[a-zA-Z/][^>]*>", text), "HTML: Quarto would fetch its own, Typst drops it"
    assert not re.search(r"\$[^$\n]+\$", text), "mathematics: PDF/UA wants an alternative text for each formula"
    assert not re.search(r"(?<![\w{\[])@(?:fig|tbl|sec|eq)-", text), "a Korean particle would become part of a bare reference"
    assert set(re.findall(r"^:{3,}\s*\{\.([\w-]+)", text, re.MULTILINE)) <= {"cards", "card", "note"}
    for caption in re.findall(r"^: .*$", text, re.MULTILINE):
        # Tables whose columns depend on the data compute their widths; the filter refuses a wrong count.
        if re.search(r"\{#tbl-[\w-]+(\{\{ loop.index \}\})? \{\{ (colwidths|fitted)\(.*\) \}\}\}$", caption):
            continue
        assert re.search(r"\{#tbl-[\w-]+ tbl-colwidths=\"\[[\d,]+\]\"\}$", caption), caption
        widths = re.search(r"\[([\d,]+)\]\"", caption)[1]
        assert sum(map(int, widths.split(","))) == 100, caption


@pytest.mark.parametrize("language", ["ko", "en"])
def test_a_table_stays_on_a_page_with_its_note_and_with_nothing_else(language):
    """The template names the tables that no note follows; a chain of tables that stick together would jump to the next page."""
    template = (REPORTS / "typst" / "typst-template.typ").read_text(encoding="utf-8")
    alone = set(re.findall(r"<(tbl-[\w-]+)>", template[template.index("show selector.or(") :].split("): set block", 1)[0]))
    longer_than_a_page = {"tbl-audit"}
    without = set(longer_than_a_page)
    for path in REPORTS.glob(f"{language}/*.md"):
        lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip() and not line.startswith(("{%", "{{ heads"))]
        for line, following in zip(lines, [*lines[1:], ""], strict=True):
            found = re.search(r"\{#(tbl-[\w-]+?)-?[{ ]", line)
            if found and not following.startswith("::: {.note}"):
                without.add(found[1])
    # Of the parts of the survey only the last has the note.
    assert alone - {"tbl-survey-1"} == without
