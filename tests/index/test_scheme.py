"""Schemes: weights as printed, checked at every level, carried on as a stated assumption."""

import copy
import re

import pandas as pd
import pytest

from evaluation.errors import UserError
from evaluation.index.scheme import assumptions, complete, complete_tree, leaves
from evaluation.paths import RAW, SPECS
from evaluation.sources.specs import read_scheme, read_yaml, scheme_years


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
    assert scheme_years() == [2010, 2011, 2012, 2013, 2014]
    later = complete(*read_scheme(2013))
    assert later["carried_from"] == 2010 and later["year"] == 2013
    assert later["components"] == complete(*read_scheme(2010))["components"]


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
    assert "2010, 2011, 2012, 2013, 2014" in str(caught.value)


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
