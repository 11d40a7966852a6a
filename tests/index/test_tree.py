"""Any index from a scheme and a long table: published cases, sums by hand, and schemes and data that are wrong."""

import json

import numpy as np
import pandas as pd
import pytest
import yaml

from evaluation.errors import UserError
from evaluation.index import rules, scales
from evaluation.index import scheme as scheme_names
from evaluation.index.agreement import agreement_of, committee_agreement
from evaluation.index.robustness import robustness
from evaluation.index.scales import aggregate, normalise
from evaluation.index.scheme import complete_tree
from evaluation.index.tree import score_tree
from evaluation.index.uncertainty import draw_totals
from evaluation.paths import RAW, ROOT
from evaluation.report.index_entries import agreement_entries
from evaluation.sources.long import read_long
from tests.conftest import iccp


def tree(text):
    return complete_tree(yaml.safe_load(text), "s.yml")


def table(*rows, columns=("unit", "indicator", "value")):
    return pd.DataFrame(rows, columns=columns)


def scores(scheme, data):
    return score_tree(scheme, data).set_index(["unit", "node"])["score"]


def test_what_a_scheme_may_name_there_is():
    assert list(scheme_names.RULES) == list(rules.RULES) and list(scheme_names.NORMALISATIONS) == list(scales.NORMALISATIONS)
    assert list(scheme_names.AGGREGATIONS) == list(scales.AGGREGATIONS)


# Published cases

EXAMPLES = ROOT / "docs" / "examples"
HDI = (EXAMPLES / "human_development_index.yml").read_text(encoding="utf-8")


def test_the_income_index_and_the_human_development_index_of_undp():
    """Technical note 1 of the Human Development Report 2020: a GNI per capita of 3,829 gives 0.5506, and the three
    printed indices 0.6971, 0.3447, 0.5506 an HDI of 0.510. Printed digits."""
    data = table(("x", "life_expectancy", 65.3), ("x", "expected_years", 9.0), ("x", "mean_years", 3.0), ("x", "gni", 3829.0))
    assert round(scores(tree(HDI), data)["x", "income"] / 100, 4) == 0.5506
    plain = tree("{aggregate: geometric, weights: equal, components: [{id: a}, {id: b}, {id: c}]}")
    assert round(scores(plain, table(("x", "a", 0.6971), ("x", "b", 0.3447), ("x", "c", 0.5506)))["x", "total"], 3) == 0.510


def test_the_policy_maturity_of_eccp():
    """6.5 of 8 points for the Republic of Korea (country factsheet 2022); 7 where an interim evaluation counts as its own
    rule says (1 point for it in place of 0.5)."""
    printed = pd.read_csv(RAW / "published/eccp_maturity.csv")
    actual = printed[(printed["item"] == "actual score") & (printed["criterion"] != "TOTAL")]
    data = pd.DataFrame({"unit": "KR", "indicator": actual["criterion"], "value": actual["value"].astype(float)})
    scheme = tree((EXAMPLES / "eccp_maturity.yml").read_text(encoding="utf-8"))
    total = float(printed.loc[printed["criterion"] == "TOTAL", "value"].item())
    assert scores(scheme, data)["KR", "total"] == total == 6.5
    data.loc[data["indicator"] == "Evidence of performance", "value"] = 1.0
    assert scores(scheme, data)["KR", "total"] == 7.0


# By hand

MIXED = """
components:
  - id: a
    weight: 60
    aggregate: geometric
    parts:
      - {id: a1, weight: 50}
      - {id: a2, weight: 50}
  - id: b
    weight: 40
    aggregate: minimum
    parts: [{id: b1}, {id: b2, direction: lower, normalise: min_max}]
grades: [{grade: A, lower: 50}, {grade: B}]
"""


def test_rules_mixed_within_a_level():
    data = table(*((unit, name, value) for unit, values in {"x": (4, 9, 70, 10), "y": (16, 1, 20, 30)}.items() for name, value in zip(("a1", "a2", "b1", "b2"), values, strict=True)))
    out = scores(tree(MIXED), data)
    # x: sqrt(4 * 9) = 6; b2 is the lower of the two, so 100: min(70, 100). y: sqrt(16) = 4; b2 0.
    assert out["x", "a"] == pytest.approx(6) and out["x", "b"] == 70 and out["x", "total"] == pytest.approx(0.6 * 6 + 0.4 * 70)
    assert out["y", "a"] == pytest.approx(4) and out["y", "b"] == 0 and out["y", "total"] == pytest.approx(2.4)
    whole = score_tree(tree(MIXED), data).set_index(["unit", "node"])
    assert whole.loc[("x", "total"), ["rank", "grade"]].tolist() == [1, "B"] and whole["grade"].isna().sum() == len(whole) - 2


@pytest.mark.parametrize(
    ("how", "direction", "wanted"),
    [
        ({"method": "none"}, "higher", [2, 4, 8]), ({"method": "min_max"}, "higher", [0, 100 / 3, 100]), ({"method": "min_max"}, "lower", [100, 200 / 3, 0]),
        ({"method": "goalposts", "lower": 0, "upper": 5}, "higher", [40, 80, 100]), ({"method": "goalposts", "lower": 0, "upper": 5}, "lower", [60, 20, 0]),
        ({"method": "goalposts", "lower": 0, "upper": 5, "cut": False}, "higher", [40, 80, 160]), ({"method": "goalposts", "lower": 1, "upper": 16, "log": True}, "higher", [25, 50, 75]),
        ({"method": "z"}, "higher", [-0.872871561, -0.218217890, 1.091089451]), ({"method": "z", "mean": 50, "sd": 10}, "lower", [58.72871561, 52.18217890, 39.08910549]),
        ({"method": "rank"}, "higher", [1, 2, 3]), ({"method": "rank"}, "lower", [3, 2, 1]), ({"method": "percentile"}, "higher", [0, 50, 100]),
        ({"method": "distance_to_target", "target": 4}, "higher", [50, 100, 200]), ({"method": "distance_to_target", "target": 4, "cap": 100}, "higher", [50, 100, 100]),
        ({"method": "distance_to_target", "target": 4}, "lower", [200, 100, 50]), ({"method": "distance_to_target", "target": 4, "lower": 2}, "higher", [0, 100, 300]),
    ],
)  # fmt: skip
def test_normalisations_by_hand(how, direction, wanted):
    """Of 2, 4 and 8; z: mean 14/3, standard deviation 3.055."""
    values = np.array([2.0, 4.0, 8.0])
    np.testing.assert_allclose(normalise(values, how, direction), wanted, rtol=1e-8)
    # Each draw on its own, and missing units stay missing without a say.
    with_gap = normalise(np.array([[2.0, np.nan, 4.0, 8.0]] * 2), how, direction)
    np.testing.assert_allclose(with_gap[:, [0, 2, 3]], [wanted, wanted], rtol=1e-8)
    assert np.isnan(with_gap[:, 1]).all()


@pytest.mark.parametrize(
    ("rule", "exponent", "wanted"),
    [("arithmetic", 1, 6.5), ("geometric", 1, 2**0.25 * 8**0.75), ("harmonic", 1, 1 / (0.25 / 2 + 0.75 / 8)), ("generalised", 2, 49.0**0.5), ("minimum", 1, 2), ("sum", 1, 10)],
)
def test_aggregations_by_hand(rule, exponent, wanted):
    """Of 2 with weight 1/4 and 8 with weight 3/4."""
    out = aggregate(np.array([[2.0], [8.0]]), np.array([0.25, 0.75]), rule, exponent)
    assert out.item() == pytest.approx(wanted)


@pytest.mark.parametrize(
    ("rule", "extra", "wanted"),
    [
        # Marks A 9 7, B 5 3, C 1 8 of items i and j.
        ("committee_mean", {}, 5.5), ("trimmed_mean", {}, (5 + 7) / 2), ("committee_mean", {"scale": {"lower": 0, "upper": 10}}, 55.0),
    ],
)  # fmt: skip
def test_committee_rules_by_hand(rule, extra, wanted):
    marks = [("x", "m", value, e, item) for item, values in (("i", (9, 5, 1)), ("j", (7, 3, 8))) for e, value in zip("ABC", values, strict=True)]
    data = table(*marks, columns=("unit", "indicator", "value", "evaluator", "item"))
    scheme = complete_tree({"components": [{"id": "m", "weight": 100, "rule": rule, **extra}]}, "s.yml")
    assert scores(scheme, data)["x", "m"] == pytest.approx(wanted)


def test_standardised_marks_take_out_severity_and_spread():
    """B marks 30 lower than A and half as widely; freed of that, both say the same of x and y."""
    rows = [("x", "m", 80, "A"), ("y", "m", 60, "A"), ("x", "m", 40, "B"), ("y", "m", 30, "B"), ("z", "m", 70, "A"), ("z", "m", 35, "B")]
    data = table(*rows, columns=("unit", "indicator", "value", "evaluator")).assign(value=lambda f: f["value"].astype(float))
    scheme = complete_tree({"components": [{"id": "m", "weight": 100, "rule": "standardised_mean"}]}, "s.yml")
    out = scores(scheme, data)
    spread = data["value"].std()
    assert out["z", "m"] == pytest.approx(52.5) and out["x", "m"] - out["z", "m"] == pytest.approx(spread) == pytest.approx(out["z", "m"] - out["y", "m"])
    # Without the mark of who is severe, a plain mean favours the unit; a standardised one does not.
    gone = data[~((data["unit"] == "z") & (data["evaluator"] == "B"))]
    plain = complete_tree({"components": [{"id": "m", "weight": 100, "rule": "committee_mean"}]}, "s.yml")
    assert scores(plain, gone)["z", "m"] == 70 > scores(plain, gone)["x", "m"]
    assert scores(scheme, gone)["z", "m"] < scores(scheme, gone)["x", "m"]


def test_achievement_by_hand():
    rows = [("x", "k", 50, 100, "a"), ("x", "k", 30, 10, "b"), ("y", "k", 90, 100, "a"), ("y", "k", 8, 10, "b")]
    data = table(*rows, columns=("unit", "indicator", "value", "target", "item"))
    capped = tree("components: [{id: k, weight: 100, rule: achievement_ratio, cap: {value: 100}, floor: {value: 60}}]")
    assert scores(capped, data)["x", "k"] == (60 + 100) / 2 and scores(capped, data)["y", "k"] == 85
    less = tree("components: [{id: k, weight: 100, rule: achievement_ratio, direction: lower}]")
    assert scores(less, data)["x", "k"] == pytest.approx((200 + 100 / 3) / 2)


@pytest.mark.parametrize(("missing", "wanted"), [("reweight", 80.0), ("zero", 60.0)])
def test_missing_data_by_the_scheme(missing, wanted):
    data = table(("x", "a", 80.0), ("y", "a", 50.0), ("y", "b", 10.0))
    scheme = complete_tree({"missing": missing, "components": [{"id": "a", "weight": 75}, {"id": "b", "weight": 25}]}, "s.yml")
    assert scores(scheme, data)["x", "total"] == wanted and scores(scheme, data)["y", "total"] == 40.0


# Schemes and data that are wrong


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("components: [{id: a, weight: 60}, {id: b, weight: 50}]", r"components` add to 110, not 100 \(a 60 \+ b 50\): \+10"),
        ("components: [{id: a, weight: 100, parts: [{id: b, weight: 30}, {id: c, weight: 60}]}]", r"components.a` add to 90.*-10"),
        ("components: [{id: a, weight: 100, rule: median}]", "components.a.rule` is 'median'"),
        ("components: [{id: a, weight: 100, normalise: box_cox}]", "normalise.method` is 'box_cox'"),
        ("components: [{id: a, weight: 100, normalise: {method: goalposts, lower: 5}}]", "normalise.upper` is None"),
        ("components: [{id: a, weight: 100, normalise: {method: goalposts, lower: 0, upper: 5, log: true}}]", "above 0 with log"),
        ("{aggregate: median, components: [{id: a, weight: 100}]}", "aggregate.rule` is 'median'"),
        ("{aggregate: generalised, components: [{id: a, weight: 100}]}", "exponent"),
        ("components: [{id: a, weight: 50}, {id: a, weight: 50}]", "an id that no other node has"),
        ("components: [{id: a, weight: 100, wieght: 1}]", "wieght"),
        ("components: [{id: a, weight: 100, direction: lower}]", "turn values round"),
        ("components: [{id: a, weight: 100, trim: 1}]", "keys that the rule value takes"),
        ("{missing: reweight, aggregate: sum, components: [{id: a}]}", "a sum has no weights"),
        ("components: [&x {id: a, weight: 100, parts: [*x]}]", "contains itself"),
        ("{grades: [{grade: B, lower: 10}, {grade: A, lower: 20}], components: [{id: a, weight: 100}]}", "lower bounds that fall"),
        ("components: []", "components` is"), ("{}", "components` is"), ("- a", "a mapping"),
        ("components: [{id: a, weight: 100/0}]", "100/0"),
    ],
)  # fmt: skip
def test_what_a_scheme_may_not_say(text, words):
    with pytest.raises(UserError, match=words):
        tree(text)


def test_thirds_as_fractions_add_up():
    assert tree("components: [{id: a, weight: 100/3}, {id: b, weight: 100/3}, {id: c, weight: 100/3}]")["components"][0]["weight"] == pytest.approx(100 / 3)


@pytest.mark.parametrize(
    ("text", "rows", "words"),
    [
        ("components: [{id: a, weight: 100}]", [("x", "b", 1.0)], "no value of the indicator 'a'"),
        ("components: [{id: a, weight: 100}]", [("x", "a", 1.0), ("x", "a", 2.0)], r"x stands 2 times \(row 2 and others\)"),
        ("components: [{id: a, weight: 100, rule: mean, normalise: min_max}]", [("x", "a", 1.0), ("y", "a", 1.0)], "min_max cannot tell the units apart"),
        ("components: [{id: a, weight: 50}, {id: b, weight: 50}]", [("x", "a", 1.0), ("y", "a", 1.0), ("y", "b", 1.0)], "No score for x: it has no value in `b` of `total`"),
        ("{missing: reweight, components: [{id: a, weight: 100}]}", [("x", "a", 1.0), ("y", "a", None), ("y", "b", 3.0)], "No score for y: it has no value in any part of `total`"),
        ("{aggregate: geometric, components: [{id: a, weight: 50}, {id: b, weight: 50}]}", [("x", "a", 1.0), ("x", "b", 0.0)], "`total` is aggregated by the geometric mean, but x has 0 in `b`"),
        ("components: [{id: a, weight: 100, normalise: {method: goalposts, lower: 1, upper: 9, log: true}}]", [("x", "a", -1.0)], "no logarithm"),
        ("components: [{id: a, weight: 100, rule: committee_mean}]", [("x", "a", 1.0)], "needs the column 'evaluator'"),
    ],
)  # fmt: skip
def test_what_data_may_not_hold(text, rows, words):
    with pytest.raises(UserError, match=words):
        score_tree(tree(text), table(*rows))


def test_an_evaluator_who_marked_twice_and_a_mark_off_the_scale():
    scheme = tree("components: [{id: m, weight: 100, rule: committee_mean, scale: {lower: 0, upper: 100}}]")
    columns = ("unit", "indicator", "value", "evaluator", "item")
    with pytest.raises(UserError, match="x, i, A stands 2 times"):
        score_tree(scheme, table(("x", "m", 70, "A", "i"), ("x", "m", 80, "A", "i"), columns=columns))
    with pytest.raises(UserError, match=r"outside its scale 0..100 \(first: row 2, x, i, A, 700\)"):
        score_tree(scheme, table(("x", "m", 700, "A", "i"), columns=columns))
    few = tree("components: [{id: m, weight: 100, rule: trimmed_mean}]")
    with pytest.raises(UserError, match="x, i has 2 marks"):
        score_tree(few, table(("x", "m", 70, "A", "i"), ("x", "m", 80, "B", "i"), columns=columns))


# Draws


def committee(rule="committee_mean"):
    rng = np.random.default_rng(4)
    rows = [(unit, "m", float(50 + 5 * i + rng.normal(0, 6)), e) for i, unit in enumerate("wxyz") for e in "ABCDEFG"]
    rows += [(unit, "k", float(10 * i), None) for i, unit in enumerate("wxyz")]
    scheme = complete_tree({"components": [{"id": "m", "weight": 60, "rule": rule}, {"id": "k", "weight": 40}], "grades": [{"grade": "A", "lower": 45}, {"grade": "B"}]}, "s.yml")
    return scheme, table(*rows, columns=("unit", "indicator", "value", "evaluator"))


@pytest.mark.parametrize("rule", ["committee_mean", "trimmed_mean", "standardised_mean"])
def test_draws_of_evaluators_against_a_plain_loop(rule):
    """The same draws, scored one by one by hand."""
    scheme, data = committee(rule)
    drawn = draw_totals(scheme, data, 60, seed=2)
    counts = np.random.default_rng(2).multinomial(7, np.full(7, 1 / 7), size=60)
    wide = data[data["indicator"] == "m"].pivot(index="unit", columns="evaluator", values="value")
    if rule == "standardised_mean":
        every = data.loc[data["indicator"] == "m", "value"]
        wide = every.mean() + every.std() * (wide - wide.mean()) / wide.std()
    expected = []
    for times in counts:
        taken = np.sort(np.repeat(wide.to_numpy(), times, axis=1), axis=1)
        taken = taken[:, 1:-1] if rule == "trimmed_mean" else taken
        expected.append(0.6 * taken.mean(axis=1) + 0.4 * np.array([0, 10, 20, 30]))
    np.testing.assert_allclose(drawn.to_numpy(), expected, rtol=1e-10)


def test_robustness_of_a_scheme():
    scheme, data = committee()
    found = robustness(scheme, data, 2000, seed=1, concentration=50)
    units = found["units"].set_index("unit")
    assert units["rank"].tolist() == [1, 2, 3, 4] and (units["total_lower"] <= units["score"]).all() and (units["score"] <= units["total_upper"]).all()
    assert np.allclose(units[["grade_A", "grade_B"]].sum(axis=1), 1) and units["first"].sum() == pytest.approx(1)
    wider = units["total_upper"] - units["total_lower"]
    fixed = robustness(scheme, data, 2000, seed=1)["units"].set_index("unit")
    # Weights that vary make no total surer.
    assert (wider >= 0.9 * (fixed["total_upper"] - fixed["total_lower"])).all() and wider.sum() > (fixed["total_upper"] - fixed["total_lower"]).sum()
    assert {"swaps", "stability", "without"} <= set(found)


def test_agreement_in_a_long_table():
    """Shrout and Fleiss (1979): six targets by four judges."""
    judges = {"A": (9, 6, 8, 7, 10, 6), "B": (2, 1, 4, 1, 5, 2), "C": (5, 3, 6, 2, 6, 4), "D": (8, 2, 8, 6, 9, 7)}
    rows = [(f"t{n}", "x", mark, judge) for judge, marks in judges.items() for n, mark in enumerate(marks)]
    found = agreement_of(table(*rows, columns=("unit", "indicator", "value", "evaluator")), "", 200, 1)
    assert found["icc"]["value"].round(2).tolist() == [0.17, 0.29, 0.71, 0.44, 0.62, 0.91]
    assert found["severity"].set_index("evaluator")["effect"].idxmin() == "B"
    with pytest.raises(UserError, match="no indicator 'y'"):
        agreement_of(table(*rows, columns=("unit", "indicator", "value", "evaluator")), "y", 200, 1)


def test_what_cannot_be_told_of_a_committee_is_left_out():
    files = pd.DataFrame({"table": ["mc_marks"], "origin": ["simulated"]})
    two = table(*((f"m{i}", e, 60.0 + 3 * i + (2 if e == "A" else -1) + (i * j) % 3) for i in range(8) for j, e in enumerate("AB")), columns=("unit", "evaluator", "value"))
    measures, severe, why = committee_agreement(two, 100, 1)
    ledger = agreement_entries(measures, severe, 0.9, files).set_index("id")
    assert why == "" and {"index.agreement.one", "index.agreement.mean", "index.agreement.severity_range"} <= set(ledger.index) and ledger["simulated"].all()
    one = two[two["evaluator"] == "A"]
    apart = pd.concat([one[one["unit"] < "m4"], two[(two["evaluator"] == "B") & (two["unit"] >= "m4")]])
    for marks in (one, apart, one.iloc[:0]):
        measures, severe, why = committee_agreement(marks, 100, 1)
        assert why and "index.agreement.one" not in set(agreement_entries(measures, severe, 0.9, files)["id"])


# Files and the command


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("unit,indicator\nx,a\n", "no column value"), ("unit,indicator,value\nx,a,1\ny,a,much\n", "row 3: value is 'much'"), ("unit,indicator,value\n,a,1\n", "row 2: unit is empty"),
        ("unit,indicator,value\n", "has no rows"), ("unit,indicator,value\nx,a,inf\n", "row 2: value is 'inf'"),
    ],
)
def test_long_tables_that_cannot_be_read(tmp_path, text, words):
    (tmp_path / "d.csv").write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=words):
        read_long(tmp_path / "d.csv")


def test_formats_of_long_tables_give_the_same(tmp_path):
    frame = table(("001", "a", 1.5), ("002", "a", None), ("003", "a", 3.0))
    frame.to_csv(tmp_path / "d.csv", index=False)
    frame.to_parquet(tmp_path / "d.parquet", index=False)
    frame.to_excel(tmp_path / "d.xlsx", index=False)
    read = [read_long(tmp_path / f"d.{suffix}") for suffix in ("csv", "parquet", "xlsx")]
    for other in read[1:]:
        pd.testing.assert_frame_equal(read[0], other)
    with pytest.raises(UserError, match="give a .csv"):
        read_long((tmp_path / "d.csv").rename(tmp_path / "d.json"))


def test_the_command_prints_one_json_object(tmp_path):
    (tmp_path / "s.yml").write_text(HDI, encoding="utf-8")
    rows = [("x", "life_expectancy", 65.3), ("x", "expected_years", 9.0), ("x", "mean_years", 3.0), ("x", "gni", 3829.0)]
    table(*rows, *(("y", name, value * 1.1) for _, name, value in rows)).to_csv(tmp_path / "d.csv", index=False)
    run = iccp(ROOT, "index", "score", "--scheme", str(tmp_path / "s.yml"), "--data", str(tmp_path / "d.csv"), "--json")
    assert run.returncode == 0, run.stderr
    found = {(row["unit"], row["node"]): row for row in json.loads(run.stdout)["scores"]}
    assert set(found["x", "total"]) == {"unit", "node", "score", "rank", "grade"} and found["y", "total"]["rank"] == 1
    assert found["x", "income"]["score"] == pytest.approx(100 * (np.log(3829) - np.log(100)) / (np.log(75000) - np.log(100)), rel=1e-12)
    run = iccp(ROOT, "index", "robustness", "--scheme", str(tmp_path / "s.yml"), "--data", str(tmp_path / "d.csv"), "--draws", "200", "--json")
    assert [row["unit"] for row in json.loads(run.stdout)["units"]] == ["y", "x"]
    run = iccp(ROOT, "index", "score", "--scheme", str(tmp_path / "no.yml"), "--data", str(tmp_path / "d.csv"), "--json")
    assert run.returncode == 1 and run.stdout == "" and "no.yml" in run.stderr
