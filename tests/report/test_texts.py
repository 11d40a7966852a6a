"""The texts of the report: no typed numbers, only what both renderers understand, the same in both languages."""

import re

import pytest

from evaluation.paths import REPORTS

TEXTS = sorted(REPORTS.glob("[ek][no]/*.md"))
CHAPTERS = ["annex", "audit", "data", "impact", "index", "methods", "outcomes", "summary"]

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
        if re.search(r"\{#tbl-[\w-]+ \{\{ colwidths\(.*\) \}\}\}$", caption):
            continue
        assert re.search(r"\{#tbl-[\w-]+ tbl-colwidths=\"\[[\d,]+\]\"\}$", caption), caption
        widths = re.search(r"\[([\d,]+)\]\"", caption)[1]
        assert sum(map(int, widths.split(","))) == 100, caption
