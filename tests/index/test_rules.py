"""What a leaf does with its rows: blanks, conflicts and directions change no score in silence."""

import numpy as np
import pandas as pd
import pytest

from evaluation.errors import UserError
from evaluation.index.agreement import agreement_of
from evaluation.index.robustness import robustness
from evaluation.index.scheme import complete_tree
from evaluation.index.tree import score_tree
from evaluation.index.uncertainty import draw_totals, grade_shares
from evaluation.sources.long import read_long


def scheme(*components, **top):
    return complete_tree({"components": list(components)} | top, "s.yml")


def totals(tree, data):
    return score_tree(tree, data).query("node == 'total'").set_index("unit")["score"].to_dict()


def long(*rows, columns=("unit", "indicator", "value")):
    return pd.DataFrame(rows, columns=columns)


RATIO = scheme({"id": "r", "weight": 100, "rule": "achievement_ratio"})
PAIRS = long(("A", "r", 10, 5, "i"), ("A", "r", 4, 8, "j"), ("B", "r", 6, 5, "i"), ("B", "r", 9, 8, "j"), columns=("unit", "indicator", "value", "target", "item"))


@pytest.mark.parametrize("blank", [None, np.nan, pd.NA])
def test_a_blank_direction_is_the_leaf_s(blank):
    assert totals(RATIO, PAIRS) == pytest.approx({"A": 125, "B": 116.25})
    assert totals(RATIO, PAIRS.assign(direction=blank)) == pytest.approx({"A": 125, "B": 116.25})
    # Item j is better the lower: A 8/4, B 8/9.
    own = PAIRS.assign(direction=[blank, "lower", blank, "lower"])
    assert totals(RATIO, own) == pytest.approx({"A": (200 + 200) / 2, "B": (120 + 800 / 9) / 2})


def test_a_direction_that_is_none_or_that_the_rule_does_not_take_is_refused():
    with pytest.raises(UserError, match="`r`, row 3: direction is 'Lower'"):
        totals(RATIO, PAIRS.assign(direction=["higher", "Lower", None, None]))
    with pytest.raises(UserError, match="`a`, row 2: direction is 'lower'; the rule value takes higher here"):
        totals(scheme({"id": "a", "weight": 100}), long(("A", "a", 1, "lower"), columns=("unit", "indicator", "value", "direction")))


@pytest.mark.parametrize("column", ["value", "target"])
def test_half_a_pair_is_refused_left_out_or_zero(column):
    """A's weaker item must not vanish because its target or its result was not handed in."""
    half = PAIRS.astype({column: float})
    half.loc[1, column] = np.nan
    with pytest.raises(UserError, match="`r`, row 3: A has no (target|actual value)"):
        totals(RATIO, half)
    leaf = {"id": "r", "weight": 100, "rule": "achievement_ratio"}
    assert totals(scheme(leaf | {"missing": "reweight"}), half)["A"] == pytest.approx(200)
    assert totals(scheme(leaf | {"missing": "zero"}), half)["A"] == pytest.approx(100)


def test_a_blank_item_or_evaluator_is_refused_by_row():
    judged = scheme({"id": "m", "weight": 100, "rule": "committee_mean"})
    marks = long(*(("A", "m", 90, "x", e) for e in "abc"), ("A", "m", 50, "y", "a"), ("B", "m", 75, "z", "a"), columns=("unit", "indicator", "value", "item", "evaluator"))
    assert totals(judged, marks) == {"A": 70, "B": 75}
    for column in ("item", "evaluator"):
        blank = marks.copy()
        blank.loc[4, column] = None
        with pytest.raises(UserError, match=f"`m`, row 6: B has no {column}"):
            totals(judged, blank)


@pytest.mark.parametrize("rule", ["mean", "committee_mean"])
def test_a_conflict_of_interest_counts_under_no_rule(rule):
    tree = scheme({"id": "m", "weight": 100, "rule": rule})
    data = long(("A", "m", 60, "e", 0), ("A", "m", 100, "f", 1), ("B", "m", 70, "e", 0), ("B", "m", 70, "f", 0), columns=("unit", "indicator", "value", "evaluator", "conflict_of_interest"))
    assert totals(tree, data) == {"A": 60, "B": 70}
    assert set(draw_totals(tree, data, 50, 1)["A"]) == {60}


def test_draws_below_the_last_band_reach_no_grade():
    tree = scheme({"id": "a", "weight": 100}, grades=[{"grade": "A", "lower": 80}, {"grade": "B", "lower": 60}])
    shares = grade_shares(pd.DataFrame({"x": [85.0, 70, 50, 40]}), tree)
    assert shares.loc["x"].to_dict() == {"A": 0.25, "B": 0.25}


@pytest.mark.parametrize(
    ("node", "words"),
    [
        ({"weight": float("nan")}, "a number, the weight"), ({"weight": 10**400}, "a number, the weight"),
        ({"normalise": {"method": "distance_to_target", "target": 0}}, "a target above lower"),
        ({"normalise": {"method": "z", "mean": "x"}}, "give a number"), ({"normalise": {"method": "z", "sd": -1}}, "above 0"),
        ({"normalise": {"method": "min_max", "lower": "x"}}, "give a number"), ({"normalise": {"method": "goalposts", "lower": 0, "upper": float("inf")}}, "give a number"),
        ({"rule": "trimmed_mean", "trim": True}, "a whole number"), ({"rule": "trimmed_mean", "trim": -1}, "a whole number"),
        ({"rule": "achievement_ratio", "cap": {"value": 50}, "floor": {"value": 60}}, "a cap above the floor"),
        ({"rule": ["mean"]}, "value \\| mean"), ({"indicator": [1]}, "the name of an indicator"),
        ({"parts": [{"id": "b", "weight": 100}], "weights": "eqaul"}, "equal, or leave it out"),
        ({"parts": [{"id": "b", "weight": 100}], "aggregate": {"rule": "geometric", "exponnt": 3}}, "exponnt"),
        ({"parts": [{"id": "b", "weight": 100}], "aggregate": {"rule": "generalised", "exponent": True}}, "other than 0"),
        ({"parts": [{"id": "b", "weight": 100}], "aggregate": {"rule": "generalised", "exponent": 200}}, "from -100 to 100"),
    ],
)  # fmt: skip
def test_a_slip_in_a_scheme_is_refused(node, words):
    with pytest.raises(UserError, match=words) as caught:
        scheme({"id": "a", "weight": 100} | node)
    assert "다음과 같이 쓰십시오" in caught.value.ko


@pytest.mark.parametrize("grades", [[{"grade": "A", "from_": 80}], [{"grade": "A", "lower": float("nan")}]])
def test_a_slip_in_the_grades_is_refused(grades):
    with pytest.raises(UserError, match="grades"):
        scheme({"id": "a", "weight": 100}, grades=grades)


def test_large_exponents_do_not_overflow():
    tree = scheme({"id": "a", "weight": 50}, {"id": "b", "weight": 50}, aggregate={"rule": "generalised", "exponent": 100})
    assert totals(tree, long(("x", "a", 1e6), ("x", "b", 1.0)))["x"] == pytest.approx(1e6 * 0.5 ** (1 / 100))


def test_a_distance_below_the_lower_end_is_refused():
    tree = scheme({"id": "a", "weight": 100, "direction": "lower", "normalise": {"method": "distance_to_target", "target": 5}})
    with pytest.raises(UserError, match="`a`: x has a value of 0 or less"):
        totals(tree, long(("x", "a", 0), ("y", "a", 4)))


def test_a_node_without_any_value_is_missing_for_its_parent():
    parts = [{"id": "b", "weight": 50}, {"id": "c", "weight": 50}]
    tree = scheme({"id": "a", "weight": 50}, {"id": "n", "weight": 50, "parts": parts}, missing="reweight")
    data = long(("x", "a", 80), ("y", "a", 60), ("y", "b", 10), ("y", "c", 30))
    assert totals(tree, data) == {"x": 80, "y": 40}
    with pytest.raises(UserError, match="only in parts of weight 0"):
        totals(scheme({"id": "a", "weight": 0}, {"id": "n", "weight": 100, "parts": parts}, missing="reweight"), data)


def test_a_zero_without_weight_does_not_stop_a_geometric_mean():
    tree = scheme({"id": "a", "weight": 100}, {"id": "b", "weight": 0}, aggregate="geometric")
    assert totals(tree, long(("x", "a", 4), ("x", "b", 0)))["x"] == pytest.approx(4)


def test_robustness_goes_on_where_a_draw_or_a_part_cannot_be_told():
    """Two units that some draws make equal, and a component with all the weight."""
    tree = scheme({"id": "m", "weight": 100, "rule": "committee_mean", "normalise": "min_max"}, {"id": "b", "weight": 0})
    rng = np.random.default_rng(1)
    marks = [(unit, "m", float(rng.integers(3, 5)), f"E{number}") for unit in "xyz" for number in range(4)]
    data = long(*marks, *(("x", "b", 1.0, None), ("y", "b", 2.0, None), ("z", "b", 3.0, None)), columns=("unit", "indicator", "value", "evaluator"))
    found = robustness(tree, data, 200, 1, 50.0, points=64)
    assert found["draws"] < 200 and found["stability"].empty and not found["units"].empty
    assert found["warnings"][0][0].startswith("Only 4 evaluators")


def test_agreement_tells_what_it_can():
    marks = long(("a", "m", 1, "E"), ("b", "m", 2, "E"), ("b", "m", 2, "F"), ("c", "m", 3, "F"), ("c", "m", 4, "G"), columns=("unit", "indicator", "value", "evaluator"))
    found = agreement_of(marks, "m", 100, 1)
    assert found["icc"].empty and "icc" in found["left_out"] and found["kendall_w"]["W"] is None
    assert found["krippendorff_alpha"]["interval"] is not None and len(found["severity"]) == 3


def test_rows_keep_their_numbers_over_blank_lines_and_columns_stand_once(tmp_path):
    path = tmp_path / "d.csv"
    path.write_text("unit,indicator,value,\nA,a,1,\n\nB,a,x,\n", encoding="utf-8")
    with pytest.raises(UserError, match="row 4: value is 'x'"):
        read_long(path)
    path.write_text("unit,indicator,value,value\nA,a,1,2\n", encoding="utf-8")
    with pytest.raises(UserError, match="column value more than once"):
        read_long(path)


def test_nullable_columns_of_a_parquet_file(tmp_path):
    path = tmp_path / "d.parquet"
    frame = long(("A", "m", 1, "E"), ("A", "m", None, "F"), ("B", "m", 3, "E"), columns=("unit", "indicator", "value", "evaluator"))
    frame.astype({"value": "Int64", "evaluator": "string", "unit": "string", "indicator": "string"}).to_parquet(path)
    assert totals(scheme({"id": "m", "weight": 100, "rule": "committee_mean"}), read_long(path)) == {"A": 1, "B": 3}


def test_small_totals_are_no_ties():
    tree = scheme({"id": "a", "weight": 100})
    ranks = score_tree(tree, long(("x", "a", 1e-10), ("y", "a", 4e-10))).query("node == 'total'").set_index("unit")["rank"]
    assert ranks.to_dict() == {"x": 2, "y": 1}
