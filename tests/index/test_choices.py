"""Choices enumerated and checked by hand, and shares of rank shifts where only one thing can move ranks."""

import numpy as np
import pandas as pd
import pytest

from evaluation.errors import UserError
from evaluation.index.choices import (
    AS_IS,
    alternatives,
    choose,
    enumerate_scheme,
    rank_sobol,
)
from evaluation.index.robustness import (
    advantages,
    robustness,
    without_each_evaluator_of,
)
from evaluation.index.scheme import complete_tree
from evaluation.index.sensitivity import sobol
from evaluation.index.tree import score_tree
from evaluation.index.uncertainty import draw_totals


def scheme(*components, **top):
    return complete_tree({"components": list(components)} | top, "s.yml")


def table(*rows, columns=("unit", "indicator", "value")):
    return pd.DataFrame(rows, columns=columns)


TWO = scheme({"id": "a", "weight": 50}, {"id": "b", "weight": 50})
# Arithmetic: x 55, y 50, z 40.5. Geometric: x sqrt(1000) = 31.6, y 50, z sqrt(80) = 8.9.
VALUES = table(("x", "a", 100), ("x", "b", 10), ("y", "a", 50), ("y", "b", 50), ("z", "a", 1), ("z", "b", 80))


def committee(marks):
    """Marks as {evaluator: {unit: mark}} for one indicator m."""
    return pd.DataFrame([(unit, "m", value, evaluator) for evaluator, own in marks.items() for unit, value in own.items()], columns=["unit", "indicator", "value", "evaluator"])


def test_the_choices_are_those_that_the_scheme_could_have_made_otherwise():
    assert alternatives(TWO) == {"normalisation": [AS_IS, "min_max", "z", "rank"], "aggregation": [AS_IS, "geometric", "harmonic"]}
    judged = scheme({"id": "m", "weight": 100, "rule": "trimmed_mean"}, normalise="z")
    assert alternatives(judged) == {"normalisation": [AS_IS, "min_max", "rank"], "marks": [AS_IS, "committee_mean", "standardised_mean"]}
    assert "aggregation" not in alternatives(scheme({"id": "a"}, {"id": "b"}, aggregate="sum"))


def test_every_combination_by_hand():
    found, dropped = enumerate_scheme(TWO, VALUES)
    assert dropped.empty and (found["combinations"] == 4 * 3).all()
    ranks = {}
    for how in (AS_IS, "min_max", "z", "rank"):
        a, b = ([100, 50, 1], [10, 50, 80])
        if how == "min_max":
            a, b = ([1 + 99 * (value - min(own)) / (max(own) - min(own)) for value in own] for own in (a, b))
        elif how == "z":
            a, b = ([100 + 10 * (value - np.mean(own)) / np.std(own, ddof=1) for value in own] for own in (a, b))
        elif how == "rank":
            a, b = ([3, 2, 1], [1, 2, 3])
        for rule in ("arithmetic", "geometric", "harmonic"):
            total = {"arithmetic": lambda p, q: (p + q) / 2, "geometric": lambda p, q: (p * q) ** 0.5, "harmonic": lambda p, q: 2 / (1 / p + 1 / q)}[rule]
            values = [round(total(p, q), 9) for p, q in zip(a, b, strict=True)]
            ranks[how, rule] = [1 + sum(other > value for other in values) for value in values]
    by_hand = np.array(list(ranks.values()))
    assert found["unit"].tolist() == ["x", "y", "z"]
    assert found["best"].tolist() == by_hand.min(axis=0).tolist() and found["worst"].tolist() == by_hand.max(axis=0).tolist()
    assert found["rank_1"].to_numpy() == pytest.approx((by_hand == 1).mean(axis=0))
    one = score_tree(choose(TWO, aggregation="geometric"), VALUES).query("node == 'total'").set_index("unit")["score"]
    assert one["x"] == pytest.approx(1000**0.5) and one["y"] == pytest.approx(50)


def test_options_that_the_data_do_not_allow_are_left_out_with_the_reason():
    values = VALUES.assign(value=VALUES["value"].where((VALUES["unit"] != "z") | (VALUES["indicator"] != "a"), 0))
    found, dropped = enumerate_scheme(TWO, values)
    assert dropped["option"].tolist() == ["geometric", "harmonic"] and dropped["reason"].str.contains("z has 0 in `a`").all()
    assert (found["combinations"] == 4).all()
    same = values.assign(value=values["value"].where(values["indicator"] != "b", 5))
    _, dropped = enumerate_scheme(TWO, same)
    assert {"min_max", "z"} <= set(dropped["option"])
    few = committee({"E1": {"x": 1, "y": 2}, "E2": {"x": 2, "y": 3}})
    _, dropped = enumerate_scheme(scheme({"id": "m", "weight": 100, "rule": "committee_mean"}), few)
    assert "trimmed_mean" in dropped["option"].tolist()


def test_what_cannot_move_a_rank_has_no_share():
    """Evaluators who all agree move nothing; weights alone decide, so all of the variance is theirs."""
    marks = committee({name: {"x": 60, "y": 50} for name in ("E1", "E2", "E3")})
    data = pd.concat([marks, table(("x", "b", 50), ("y", "b", 60))], ignore_index=True)
    close = scheme({"id": "m", "weight": 50, "rule": "committee_mean", "normalise": {"method": "goalposts", "lower": 0, "upper": 100}}, {"id": "b", "weight": 50}, aggregate="arithmetic")
    shares = rank_sobol(close, data, 256, 1, 64, 10.0)
    x = shares[shares["output"] == "x"].set_index("input")
    assert x.loc["evaluators", ["first", "total"]].abs().max() < 0.05
    assert x.loc["weights", "total"] > 0.5 and x.loc["weights", "total"] > x.drop("weights")["total"].max()
    assert rank_sobol(scheme({"id": "a", "weight": 100}, aggregate="sum"), table(("x", "a", 1), ("y", "a", 2)), 64, 1, 8, None).empty


def test_shares_of_several_outputs_are_those_of_each_alone():
    inputs = {"a": (0, 1), "b": (0, 1)}
    both = sobol(lambda p: np.vstack([p[0] + p[1], p[0]]), inputs, 64, 3, draws=20, outputs=["sum", "a"])
    for name, function in {"sum": lambda p: p[0] + p[1], "a": lambda p: p[0]}.items():
        alone = sobol(function, inputs, 64, 3, draws=20)
        pd.testing.assert_frame_equal(both[both["output"] == name].drop(columns="output").reset_index(drop=True), alone)


def test_marks_under_a_conflict_of_interest_do_not_count():
    judged = scheme({"id": "m", "weight": 100, "rule": "committee_mean"})
    data = committee({"E1": {"x": 90, "y": 50}, "E2": {"x": 50, "y": 60}}).assign(conflict_of_interest=[1, 0, 0, 0])
    scores = score_tree(judged, data).query("node == 'm'").set_index("unit")["score"]
    assert scores.to_dict() == {"x": 50, "y": 55}
    assert set(draw_totals(judged, data, 200, 1)["x"]) == {50}
    frame, _ = without_each_evaluator_of(judged, data)
    # Without E2 nobody is left who marked x.
    without = frame[frame["evaluator"] == "E2"].set_index("unit")["total"]
    assert np.isnan(without["x"]) and without["y"] == 50


def test_weights_of_respondents():
    survey = scheme({"id": "s", "weight": 100, "rule": "likert", "scale": {"lower": 1, "upper": 5}})
    data = table(("x", "s", 1, "R1", 3), ("x", "s", 5, "R2", 1), ("y", "s", 3, "R3", 1), columns=("unit", "indicator", "value", "respondent", "weight"))
    scores = score_tree(survey, data).query("node == 's'").set_index("unit")["score"]
    assert scores.to_dict() == {"x": 25, "y": 50}  # (3 * 1 + 1 * 5) / 4 = 2 on 1..5
    # Both drawn: 25; only one of them: 0 or 100.
    assert set(draw_totals(survey, data, 100, 1)["x"].round(9)) == {0, 25, 100}
    with pytest.raises(UserError, match="weight of respondent R1 of x"):
        score_tree(survey, data.assign(weight=[0, 1, 1]))


def test_an_evaluator_who_drives_a_rank():
    judged = scheme({"id": "m", "weight": 100, "rule": "committee_mean"})
    data = committee({"E1": {"x": 90, "y": 50}, "E2": {"x": 60, "y": 65}, "E3": {"x": 60, "y": 65}})
    frame, drivers = without_each_evaluator_of(judged, data)
    assert drivers[["evaluator", "units", "largest_change"]].to_numpy().tolist() == [["E1", ("x", "y"), 1]]
    assert frame.set_index(["evaluator", "unit"]).loc[("E2", "x"), "total"] == 75


def test_advantages_add_up_to_the_distance_from_the_mean_total():
    found = advantages(TWO, VALUES)
    assert found.groupby("unit")["points"].sum().to_dict() == pytest.approx({"x": 55 - 48.5, "y": 50 - 48.5, "z": 40.5 - 48.5})
    assert found.set_index(["unit", "node"]).loc[("x", "a"), "points"] == pytest.approx(0.5 * (100 - 151 / 3))


def test_robustness_holds_all_parts():
    found = robustness(TWO, VALUES, 100, 1, 50.0, points=64)
    assert set(found) == {"units", "draws", "choices", "choices_left_out", "sobol", "evaluators", "drivers", "swaps", "stability", "without", "warnings"}
    assert found["evaluators"].empty and set(found["sobol"]["input"]) == {"weights", "normalisation", "aggregation"}
