"""The texts of the report: no typed numbers, only what both renderers understand, the same in both languages."""

import re

import pandas as pd
import pytest

from evaluation.impact.specification import complete_impact
from evaluation.index.scheme import complete
from evaluation.paths import REPORTS
from evaluation.report.credibility_entries import balance_entries, turnover_entries
from evaluation.report.document import Document, _environment
from evaluation.report.ledger import entry, part
from evaluation.sources.specs import read_impact, read_report, read_scheme

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


def composition_section(language, rates):
    """The part of the credibility chapter on firms and what each of them makes, from effects (estimate, lower, upper; shares) on the two rates, or none."""
    impact = complete_impact(read_impact())
    lead = impact["outcomes"][0]["id"]
    files = pd.DataFrame({"table": ["panel", "complexes", "price_index", "firm_turnover"], "origin": ["official"] * 3 + ["simulated"]})
    split = pd.DataFrame([(name, 0.02, 0.01, 0.03) for name in ("total", "firms", "per_firm")], columns=["part", "estimate", "lower", "upper"])
    found = pd.DataFrame([(part, *effect, 0.04, 0.1, 18) for part, effect in zip(("entry_rate", "exit_rate"), rates, strict=False)], columns=["part", "estimate", "lower", "upper", "p", "rate", "n_treated"])
    empty = pd.DataFrame(columns=["trait", "difference"])
    main = part([entry(f"credibility.{lead}.main", 2.0, "percent", 1, lower=1.0, upper=3.0, level=0.95)], ["panel"], "", files)
    ledger = pd.concat([main, balance_entries(empty, {lead: split}, 0.95, files), turnover_entries(lead, found, 0.95, files)]).set_index("id")
    document = Document(2010, language, ledger, read_report(), complete(*read_scheme(2010)), impact, {}, REPORTS, "figures")
    text = (REPORTS / language / "credibility.md").read_text(encoding="utf-8")
    start = text.index('{% if has(lead ~ ".composition.total") %}')
    made = _environment(document).from_string(text[: text.index("# ")] + text[start : text.index("{% set traits_told", start)]).render(year=2010, lang=language)
    return re.sub(r"\n{2,}", "\n\n", made)


UP, NONE = (0.012, 0.004, 0.02), (-0.003, -0.01, 0.004)


@pytest.mark.parametrize(
    ("language", "rates", "said"),
    [
        ("en", [], "not how many entered and how many left."), ("ko", [], "업체가 얼마나 들어오고 나갔는지는 나누어 볼 수 없다."),
        ("en", [UP, NONE], "The effect on the entry rate is +1.20 percentage points a year. An effect on the exit rate could not be established."),
        ("ko", [UP, NONE], "진입률에 대한 효과는 연 +1.20%p이다. 퇴출률에 대한 효과는 확인할 수 없었다."),
        ("en", [NONE, NONE], "An effect could be established neither on the entry rate nor on the exit rate."), ("ko", [NONE, NONE], "진입률과 퇴출률 모두 효과를 확인할 수 없었다."),
    ],
)  # fmt: skip
def test_entry_and_exit_are_told_where_they_are_known(language, rates, said):
    text = composition_section(language, rates)
    assert said in text and "no effect" not in text and "효과가 없" not in text
    table = re.search(r"^\| (?:Entry rate|진입률) .*\n\| (?:Exit rate|퇴출률) .*\n\n: .*\{#tbl-turnover ", text, re.MULTILINE)
    assert bool(table) == bool(rates) == ("[@tbl-turnover]" in text) and (said.startswith(("not", "업체가")) or "not how many" not in text)
    if rates:
        assert ("+1.20" in table[0]) == (rates[0] is UP) and "−0.30" in table[0] and "| 18 |" in table[0] and "| 10.0 |" in table[0]
        # Simulated, though all else is official.
        assert text.count("{.origin}") == 1 and "{.origin} {#tbl-turnover" in text


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
