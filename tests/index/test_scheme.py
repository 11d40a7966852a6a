"""Schemes: weights as printed, checked at every level, carried on as a stated assumption."""

import copy
import re

import pandas as pd
import pytest

from evaluation.errors import UserError
from evaluation.index.scheme import assumptions, complete, complete_tree, leaves
from evaluation.paths import RAW, SPECS
from evaluation.sources.specs import (
    headquarters_of,
    read_report,
    read_scheme,
    read_yaml,
    scheme_years,
)
from evaluation.sources.tables import HEADQUARTERS, ZONES


@pytest.fixture
def raws():
    return copy.deepcopy(read_scheme(2010)[0])


def test_weights_are_the_printed_ones():
    """Programme book of November 2010, 3.2(6), as transcribed in data/raw/published."""
    printed = pd.read_csv(RAW / "published" / "evaluation_weights_2010.csv")["value"].tolist()
    assert [component["weight"] for component in complete(*read_scheme(2010))["components"]] == printed == [40, 10, 20, 20, 10]


def test_leaves_share_their_component():
    for component in complete(*read_scheme(2010))["components"]:
        assert sum(share for _, share in leaves(component)) == pytest.approx(1)


def test_later_years_carry_2010_on():
    assert scheme_years() == [2010, 2011, 2012, 2013, 2014, 2015, 2016]
    later = complete(*read_scheme(2013))
    assert later["carried_from"] == 2010 and later["year"] == 2013
    assert later["components"] == complete(*read_scheme(2010))["components"]


def test_units_of_each_year():
    """Organisation chart of the programme book (2010), 3.2(2); zones of the booklet of 2016, "Progress"."""
    for year in range(2010, 2017):
        scheme, codes = complete(*read_scheme(year)), headquarters_of(year)
        assert scheme["units"]["codes"] == list(codes) and scheme["carried_from"] == (None if year == 2010 else 2010)
        assert len(codes) == (6 if year < 2015 else 11) and ("seoul_metropolitan" in codes) == (year < 2015) == ("jeonbuk" not in codes)
        assert scheme["units"]["label"]["ko"] == ("광역본부" if year < 2015 else "지역본부")
    assert {name for year in (2010, 2015) for name in headquarters_of(year)} == set(HEADQUARTERS)
    assert set(ZONES) == {*headquarters_of(2010), "jeju"}
    assert all(set(read_report()["labels"]["headquarters"][code]) == {"ko", "en"} for code in HEADQUARTERS)


@pytest.mark.parametrize(
    ("units", "named"),
    [
        (None, "`units` is None"), ({"codes": ["a"]}, "`units.label` is None"), ({"label": {"ko": "본부", "en": "units"}}, "`units.codes` is None"),
        ({"label": {"ko": "본부", "en": "units"}, "codes": []}, "`units.codes` is []"), ({"label": {"ko": "본부", "en": "units"}, "codes": ["a", "a"]}, "none twice"),
        ({"label": {"ko": "본부", "en": "units"}, "codes": [2010]}, "`units.codes` is [2010]"), ({"label": {"ko": "본부", "en": "units"}, "codes": ["a"], "code": 1}, "units.code"),
    ],
)  # fmt: skip
def test_what_the_units_of_a_scheme_may_not_be(raws, units, named):
    with pytest.raises(UserError, match=re.escape(named)):
        complete([raws[0] | {"units": units}], "2010.yml")


@pytest.mark.parametrize(("units", "named"), [("", "`units` is not there"), ("units: {codes: [seoul, sejong]}\n", "'sejong'"), ("units: [seoul]\n", "`units.codes` is None")])
def test_units_that_cannot_be_read_are_told_by_file(tmp_path, monkeypatch, units, named):
    (tmp_path / "index").mkdir()
    (tmp_path / "index/2020.yml").write_text(f"year: 2020\n{units}", encoding="utf-8")
    monkeypatch.setattr("evaluation.sources.specs.SPECS", tmp_path)
    with pytest.raises(UserError, match=re.escape(named)) as caught:
        headquarters_of(2020)
    assert "2020.yml" in caught.value.ko and "본부" in caught.value.ko or "코드" in caught.value.ko


def test_what_is_not_printed_is_listed_as_assumed():
    found = assumptions(complete(*read_scheme(2010)))
    assert "ties" in found and "common_indicators.cap" in found
    assert not any(path in found for path in ("mc_evaluation", "satisfaction"))


def test_weights_that_do_not_add_up(raws):
    raws[0]["components"][0]["weight"] = 45
    with pytest.raises(UserError, match=r"`components` add to 105, not 100 \(mc_evaluation 45"):
        complete(raws, "2010.yml")


def test_weights_inside_a_component_that_do_not_add_up(raws):
    raws[0]["components"][4]["parts"][0]["weight"] = 60
    with pytest.raises(UserError, match="`components.satisfaction` add to 110"):
        complete(raws, "2010.yml")


def test_an_unknown_rule(raws):
    raws[0]["components"][1]["rule"] = "median"
    with pytest.raises(UserError, match="is 'median'; give value"):
        complete(raws, "2010.yml")


def test_a_weight_that_is_not_a_number(raws):
    raws[0]["components"][1]["weight"] = "ten"
    with pytest.raises(UserError, match="a number, the weight"):
        complete(raws, "2010.yml")


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda c: c[0].update(weight=-40), "mc_evaluation.weight` is -40"), (lambda c: c[0].pop("short"), "short` is None"),
        (lambda c: c[0].update(label="MC"), "label` is 'MC'"), (lambda c: c[1].update(id="mc_evaluation"), "id` is 'mc_evaluation'"),
        (lambda c: c[0].update(scale={"lower": 100, "upper": 0}), "lower below upper"), (lambda c: c[2].pop("cap"), "cap` is None"),
        (lambda c: c[0].update(tabel="mc_marks"), "tabel"), (lambda c: c[0].pop("table"), "table` is None"),
    ],
)  # fmt: skip
def test_what_a_scheme_may_not_say(raws, change, named):
    change(raws[0]["components"])
    with pytest.raises(UserError, match=re.escape(named)):
        complete(raws, "2010.yml")


@pytest.mark.parametrize("change", [{"components": "foo"}, {"ties": {"rule": "best"}}, {"ties": "min"}, {"source": "a book"}, {"extnds": 2010}])
def test_what_a_scheme_file_may_not_say(raws, change):
    with pytest.raises(UserError, match=next(iter(change))):
        complete([raws[0] | change], "2010.yml")


def test_components_of_its_own_are_not_carried_on(raws):
    """A later year that names its own components takes only the rest from the scheme it extends."""
    own = {"year": 2012, "extends": 2010, "components": raws[0]["components"][:1]}
    own["components"][0]["weight"] = 100
    scheme = complete([own, *raws], "2012.yml")
    assert scheme["carried_from"] is None and scheme["source"] is None and scheme["ties"]["rule"] == "min"


@pytest.mark.parametrize(("year", "why"), [(2008, "never published"), (1999, "no evaluation scheme")])
def test_a_year_without_a_scheme_says_why_and_which_years_have_one(year, why):
    with pytest.raises(UserError, match=why) as caught:
        read_scheme(year)
    assert "2010, 2011, 2012, 2013, 2014, 2015, 2016" in str(caught.value)


@pytest.mark.parametrize("year", range(2006, 2010))
def test_years_without_weights_have_their_printed_tree_and_refuse_to_score(year):
    """Programme book of November 2010, 3.2(6), as transcribed in data/raw/published."""
    raw = read_yaml(SPECS / "index" / "unpublished" / f"{year}.yml")
    printed = pd.read_csv(RAW / "published" / "evaluation_index_history_2006_2010.csv", dtype=str)
    printed = printed[printed["year"] == str(year)]
    tree = [(stage["label"]["en"], part["label"]["en"]) for stage in raw["components"] for part in stage["parts"]]
    assert sorted(tree) == sorted(zip(printed["stage"], printed["index"], strict=True))
    with pytest.raises(UserError, match="never published, so it cannot be scored"):
        complete_tree(raw, f"{year}.yml")
    # The tree itself is whole: with weights, even equal ones, it could be scored.
    assert complete_tree(raw | {"weights": "equal", "components": [stage | {"weights": "equal"} for stage in raw["components"]]}, "s.yml")
