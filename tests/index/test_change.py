"""Why totals and ranks changed: splits worked by hand, all orders of joining by brute force, and parts that add up."""

from itertools import permutations, product

import numpy as np
import pandas as pd
import pytest
import yaml

from evaluation.errors import UserError
from evaluation.index.change import PART_COLUMNS, UNIT_COLUMNS, decompose, shapley
from evaluation.index.scheme import complete_tree
from evaluation.index.tree import score_tree


def tree(text):
    return complete_tree(yaml.safe_load(text), "s.yml")


def table(marks):
    """unit -> component -> mark as a long table."""
    return pd.DataFrame([(unit, name, mark) for unit, own in marks.items() for name, mark in own.items()], columns=["unit", "indicator", "value"])


def split(before, after):
    """(unit, part) -> total_change, rank_change; after a look that the parts add up to what the engine itself scores."""
    parts, units = decompose(before, after)
    assert list(parts.columns) == PART_COLUMNS and list(units.columns) == UNIT_COLUMNS
    whole = units.set_index("unit")
    for name, (scheme, data) in {"before": before, "after": after}.items():
        scored = score_tree(scheme, data).query("node == 'total'").set_index("unit").loc[whole.index]
        np.testing.assert_allclose(whole[f"total_{name}"], scored["score"])
        np.testing.assert_array_equal(whole[f"rank_{name}"], scored["rank"].astype(int))
    for name in ("total", "rank"):
        np.testing.assert_array_equal(whole[f"{name}_change"], whole[f"{name}_after"] - whole[f"{name}_before"])
        np.testing.assert_allclose(parts.groupby("unit")[f"{name}_change"].sum(), whole[f"{name}_change"], atol=1e-9)
    assert (parts.loc[parts["part"] == "others", "total_change"] == 0).all()
    return parts.set_index(["unit", "part"])


PLAIN = "{components: [{id: a, weight: 50}, {id: b, weight: 30}, {id: c, weight: 20}]}"
BEFORE = {"p": {"a": 80, "b": 60, "c": 50}, "q": {"a": 60, "b": 90, "c": 40}, "r": {"a": 40, "b": 50, "c": 80}}
AFTER = {"p": {"a": 70, "b": 60, "c": 60}, "q": {"a": 80, "b": 80, "c": 40}, "r": {"a": 40, "b": 50, "c": 80}}


def test_the_shapley_value_of_the_glove_game():
    """One right glove and two left ones; only a pair is worth anything: 1/6, 1/6 and 2/3 for the right one (player 2)."""
    worth = np.array([float(coalition & 4 != 0 and coalition & 3 != 0) for coalition in range(8)])
    np.testing.assert_allclose(shapley(worth), [1 / 6, 1 / 6, 2 / 3])


def test_with_equal_schemes_a_component_counts_its_weight_times_its_change():
    found = split((tree(PLAIN), table(BEFORE)), (tree(PLAIN), table(AFTER)))["total_change"]
    np.testing.assert_allclose(found["p"][["a", "b", "c", "scheme"]], [-5, 0, 2, 0], atol=1e-12)
    np.testing.assert_allclose(found["q"][["a", "b", "c", "scheme"]], [10, -3, 0, 0], atol=1e-12)
    assert (found["r"] == 0).all()


def test_two_schemes_and_two_components_by_hand():
    """Of a product w s, marks get the mean weight times their change, the scheme the change of weight times the mean mark:
    a gets .5 * 20 = 10, b .5 * -10 = -5, the scheme .2 * 50 - .2 * 75 = -5. Total 52 to 52."""
    before = tree("{components: [{id: a, weight: 40}, {id: b, weight: 60}]}")
    after = tree("{components: [{id: a, weight: 60}, {id: b, weight: 40}]}")
    found = split((before, table({"u": {"a": 40, "b": 80}})), (after, table({"u": {"a": 60, "b": 70}})))
    assert list(found.loc["u"].index) == ["a", "b", "scheme", "others"]
    np.testing.assert_allclose(found.loc["u", "total_change"], [10, -5, -5, 0])
    assert (found["rank_change"] == 0).all()


def test_ranks_by_hand():
    """u (50) stays below v (60), both with one component. u rises to 70 and v to 65: of the orders, marks first pass v
    (70 > 60), and others first change nothing, so all of the place is the marks'. Had v risen to 80, marks first would have
    passed v and others have taken the place back: -1/2 and +1/2."""
    scheme = tree("{components: [{id: a, weight: 100}]}")
    before = scheme, table({"u": {"a": 50}, "v": {"a": 60}})
    found = split(before, (scheme, table({"u": {"a": 70}, "v": {"a": 65}})))["rank_change"]
    assert list(found["u"]) == [-1, 0, 0] and list(found["v"]) == [0, 0, 1]
    found = split(before, (scheme, table({"u": {"a": 70}, "v": {"a": 80}})))["rank_change"]
    assert list(found["u"]) == [-0.5, 0, 0.5] and list(found["v"]) == [-0.5, 0, 0.5]


def test_who_comes_and_goes_is_of_the_others():
    scheme = tree("{components: [{id: a, weight: 100}]}")
    before = scheme, table({"gone": {"a": 90}, "u": {"a": 50}, "v": {"a": 40}})
    after = scheme, table({"u": {"a": 50}, "v": {"a": 40}, "new": {"a": 45}, "newer": {"a": 30}})
    parts, units = decompose(before, after)
    assert list(units["unit"]) == ["u", "v"] and list(units["rank_before"]) == [2, 3] and list(units["rank_after"]) == [1, 3]
    found = split(before, after)["rank_change"]
    assert list(found["u"]) == [0, 0, -1] and (found["v"] == 0).all()


EQUAL = "components: [{id: a}, {id: b}], weights: equal"
LEFT = {
    "a component that it never had marks in": (
        "{missing: zero, components: [{id: a, weight: 100}]}",
        "{missing: zero, components: [{id: a}, {id: new}], weights: equal}",
        {"a": 60},
    ),
    "a root that refuses its marks": (f"{{{EQUAL}}}", f"{{aggregate: geometric, {EQUAL}}}", {"a": 0, "b": 120}),
    "no component left": (
        "{missing: reweight, components: [{id: a}, {id: old}], weights: equal}",
        "{missing: reweight, components: [{id: a, weight: 100}]}",
        {"old": 60},
    ),
}


@pytest.mark.parametrize("case", LEFT)
def test_who_left_keeps_the_published_total_where_the_scheme_after_has_none(case):
    """u has 50 throughout; g had 60 and left. Under either scheme g is ahead, so u's rise is of the others alone."""
    before, after, marks = LEFT[case]
    same = dict.fromkeys(("a", "b", "old", "new"), 50)
    found = split((tree(before), table({"g": marks, "u": same})), (tree(after), table({"u": same})))["rank_change"]["u"]
    assert found["others"] == -1 and found["scheme"] == 0


def test_who_left_is_scored_by_the_scheme_after_where_that_can():
    """g is ahead of u before (60 to 50), and behind by the scheme after (40): scheme and others each pass it, if first."""
    before, after = tree("{components: [{id: a, weight: 100}, {id: b, weight: 0}]}"), tree("{components: [{id: a, weight: 0}, {id: b, weight: 100}]}")
    u = {"a": 50, "b": 50}
    found = split((before, table({"g": {"a": 60, "b": 40}, "u": u})), (after, table({"u": u})))["rank_change"]["u"]
    np.testing.assert_allclose(found, [0, 0, -0.5, -0.5])


def test_without_a_unit_in_both_years_there_is_nothing_to_split():
    scheme = tree(PLAIN)
    parts, units = decompose((scheme, table({"x": BEFORE["p"]})), (scheme, table({"y": BEFORE["p"]})))
    assert parts.empty and units.empty and list(parts.columns) == PART_COLUMNS and list(units.columns) == UNIT_COLUMNS


@pytest.mark.parametrize(("ties", "ranks"), [("min", (1, 2)), ("max", (3, 3)), ("dense", (1, 2))])
def test_ties_by_the_rule_of_the_scheme(ties, ranks):
    """u, v and w have 50; then v and w have 60 (for max: all three have, so u is third of three in any case)."""
    scheme = tree(f"{{ties: {{rule: {ties}}}, components: [{{id: a, weight: 100}}]}}")
    before = scheme, table({name: {"a": 50} for name in "uvw"})
    after = scheme, table({"u": {"a": 50}, "v": {"a": 60}, "w": {"a": 60}})
    whole = decompose(before, after)[1].set_index("unit").loc["u"]
    assert (whole["rank_before"], whole["rank_after"]) == (ranks if ties != "min" else (1, 3))
    found = split(before, after)["rank_change"]["u"]
    assert found["others"] == whole["rank_change"] and found["a"] == 0


def test_another_rule_for_ties_is_of_the_scheme():
    least, most = (tree(f"{{ties: {{rule: {rule}}}, components: [{{id: a, weight: 100}}]}}") for rule in ("min", "max"))
    data = table({name: {"a": 50} for name in "uvw"})
    assert list(split((least, data), (most, data))["rank_change"]["u"]) == [0, 2, 0]


def test_totals_that_differ_in_the_last_bits_are_tied():
    scheme = tree("{components: [{id: a, weight: 100}]}")
    before, after = table({"u": {"a": 0.3}, "v": {"a": 0.1 + 0.2}}), table({"u": {"a": 0.1 + 0.2}, "v": {"a": 0.3}})
    assert before["value"].nunique() == 2 and (split((scheme, before), (scheme, after))["rank_change"] == 0).all()


def test_a_component_of_one_scheme_only_is_of_the_scheme():
    """Total .5 * 40 + .5 * 80 = 60 becomes .5 * 60 + .5 * 20 = 40. a has weight .5 in both: 10; the scheme the rest, -30."""
    before = tree("{components: [{id: a, weight: 50}, {id: old, weight: 50}]}")
    after = tree("{components: [{id: new, weight: 50}, {id: a, weight: 50}]}")
    found = split((before, table({"u": {"a": 40, "old": 80}})), (after, table({"u": {"a": 60, "new": 20}})))
    assert list(found.loc["u"].index) == ["a", "scheme", "others"]
    np.testing.assert_allclose(found.loc["u", "total_change"], [10, -30, 0])


def test_schemes_without_a_common_component_leave_all_to_scheme_and_others():
    before, after = tree("{components: [{id: a, weight: 100}]}"), tree("{components: [{id: b, weight: 100}]}")
    found = split((before, table({"u": {"a": 40}, "v": {"a": 50}})), (after, table({"u": {"b": 60}, "v": {"b": 30}})))
    assert list(found.loc["u"].index) == ["scheme", "others"] and list(found.loc["u", "total_change"]) == [20, 0]
    # Whoever is in both years has the marks of a scheme's own year wherever that scheme counts, so none of it is the others'.
    assert list(found.loc["u", "rank_change"]) == [-1, 0]


UNCROSSED = {
    "an indicator that the other year lacks": ("{id: a, indicator: x, weight: 50}", "{id: a, indicator: y, weight: 50}", {"x": 40}, {"y": 60}),
    "marks outside the other scale": (
        "{id: a, rule: mean, normalise: {method: none}, weight: 50}",
        "{id: a, rule: committee_mean, scale: {lower: 0, upper: 5}, weight: 50}",
        {"a": 40},
        {"a": 3},
    ),
}


@pytest.mark.parametrize("case", UNCROSSED)
def test_a_component_that_one_scheme_cannot_score_on_the_other_data_is_of_the_scheme(case):
    """Component a goes from 40 to 60 either way, b from 80 to 90 at weight .5: 10 of the scheme and 5 of b."""
    first, second, own, later = UNCROSSED[case]
    schemes = [tree(f"{{components: [{part}, {{id: b, weight: 50}}]}}") for part in (first, second)]
    data = [table({"u": own | {"b": 80}}).assign(evaluator="e"), table({"u": later | {"b": 90}}).assign(evaluator="e")]
    found = split((schemes[0], data[0]), (schemes[1], data[1]))
    assert list(found.loc["u"].index) == ["b", "scheme", "others"]
    np.testing.assert_allclose(found.loc["u", "total_change"], [5, 10, 0])


def test_marks_that_one_root_would_refuse_are_of_the_scheme():
    """The geometric mean after takes no 0 of the year before: sqrt(0 * 90) is no total, so a is no player, but b is one."""
    before = tree("{components: [{id: a, weight: 50}, {id: b, weight: 50}]}")
    after = tree("{aggregate: geometric, components: [{id: a, weight: 50}, {id: b, weight: 50}]}")
    found = split((before, table({"u": {"a": 0, "b": 90}})), (after, table({"u": {"a": 10, "b": 40}})))
    # b: (20 - 45) before joins the scheme, sqrt(10 * 40) - sqrt(10 * 90) = 20 - 30 after.
    assert list(found.loc["u"].index) == ["b", "scheme", "others"]
    np.testing.assert_allclose(found.loc["u", "total_change"], [(-25 - 10) / 2, 20 - 45 + 17.5, 0])
    # Missing before, and refused after:
    lenient, strict = (tree(f"{{missing: {rule}, components: [{{id: a, weight: 50}}, {{id: b, weight: 50}}]}}") for rule in ("reweight", "refuse"))
    found = split((lenient, table({"u": {"b": 90}, "v": {"a": 50, "b": 50}})), (strict, table({"u": {"a": 10, "b": 40}, "v": {"a": 50, "b": 50}})))
    assert list(found.loc["u"].index) == ["b", "scheme", "others"]


def test_a_missing_component_is_reweighted_as_in_its_year():
    """u has no a before: 80 by b alone. After, a is 40 and b 60: 50. Marks of a first: 80 -> .5 * 40 + .5 * 80 = 60 -> 50, of b
    first: 80 -> 60 -> 50. So a has (-20 - 10) / 2 = -15 and b (-10 - 20) / 2 = -15."""
    scheme = tree("{missing: reweight, components: [{id: a, weight: 50}, {id: b, weight: 50}]}")
    v = {"a": 50, "b": 50}
    found = split((scheme, table({"u": {"b": 80}, "v": v})), (scheme, table({"u": {"a": 40, "b": 60}, "v": v})))
    np.testing.assert_allclose(found.loc["u", "total_change"], [-15, -15, 0, 0])
    zero = tree("{missing: zero, components: [{id: a, weight: 50}, {id: b, weight: 50}]}")
    found = split((zero, table({"u": {"b": 80}, "v": v})), (zero, table({"u": {"a": 40, "b": 60}, "v": v})))
    np.testing.assert_allclose(found.loc["u", "total_change"], [20, -10, 0, 0])


def test_relative_scores_are_of_their_own_year():
    """u has 50 in both years, in the middle before (50 of 100) and the lowest after (0): all of it is the component's."""
    scheme = tree("{normalise: {method: min_max}, components: [{id: a, weight: 100}]}")
    before, after = ({"u": {"a": 50}, "v": {"a": 40}, "w": {"a": 60}}, {"u": {"a": 50}, "v": {"a": 70}, "w": {"a": 60}})
    found = split((scheme, table(before)), (scheme, table(after)))
    assert list(found.loc["u", "total_change"]) == [-50, 0, 0]


def test_components_may_be_trees():
    before = tree("{components: [{id: a, weight: 50, parts: [{id: a1, weight: 50}, {id: a2, weight: 50}]}, {id: b, weight: 50}]}")
    after = tree("{components: [{id: a, weight: 50, parts: [{id: a1, weight: 80}, {id: a2, weight: 20}]}, {id: b, weight: 50}]}")
    marks = [{"a1": 20, "a2": 60, "b": 50}, {"a1": 40, "a2": 80, "b": 50}]
    # a: 40 -> 60 by the scheme before and 28 -> 48 by the one after, 10 points either way; the scheme 12 * .5 points less.
    found = split((before, table({"u": marks[0]})), (after, table({"u": marks[1]})))
    np.testing.assert_allclose(found.loc["u", "total_change"], [10, 0, -6, 0])


GEOMETRIC = [
    "{aggregate: geometric, ties: {rule: min}, components: [{id: a, weight: 50}, {id: b, weight: 30}, {id: c, weight: 20}]}",
    "{aggregate: geometric, ties: {rule: dense}, components: [{id: a, weight: 20}, {id: b, weight: 20}, {id: c, weight: 60}]}",
]
SHARES = [{"a": 0.5, "b": 0.3, "c": 0.2}, {"a": 0.2, "b": 0.2, "c": 0.6}]


def worth(unit, joined, data):
    """Total and rank of a unit where the players in `joined` are of the year after: a loop over the others."""
    year, others = int("scheme" in joined), int("others" in joined)

    def total(own):
        return round(float(np.prod([own[name] ** SHARES[year][name] for name in "abc"])), 9)

    mine = total({name: data[int(name in joined)][unit][name] for name in "abc"})
    ahead = [value for value in (total(own) for name, own in data[others].items() if name != unit) if value > mine]
    return mine, 1 + len(set(ahead) if year else ahead)


@pytest.mark.parametrize("seed", range(4))
def test_a_geometric_index_against_all_orders_of_joining(seed):
    """Units come and go, marks are few (so that there are ties), weights and the rule for ties change."""
    rng = np.random.default_rng(seed)
    data = [{f"u{i}": {name: float(rng.integers(2, 5) * 20) for name in "abc"} for i in numbers} for numbers in (range(7), range(2, 10))]
    found = split((tree(GEOMETRIC[0]), table(data[0])), (tree(GEOMETRIC[1]), table(data[1])))
    players = ["a", "b", "c", "scheme", "others"]
    assert list(dict.fromkeys(found.index.get_level_values("unit"))) == [f"u{i}" for i in range(2, 7)]
    for unit in ("u2", "u6"):
        gains = {player: [] for player in players}
        for order in permutations(players):
            for number, player in enumerate(order):
                gains[player].append(np.subtract(worth(unit, order[: number + 1], data), worth(unit, order[:number], data)))
        np.testing.assert_allclose(found.loc[unit].loc[players], [np.mean(gains[player], axis=0) for player in players], atol=1e-8)


@pytest.mark.parametrize(
    ("rule", "missing"),
    # A sum has no weights to share out.
    [pair for pair in product(["arithmetic", "geometric", "harmonic", "minimum", "sum"], ["refuse", "reweight", "zero"]) if pair != ("sum", "reweight")],
)
def test_parts_add_up_whatever_the_rules(rule, missing):
    rng = np.random.default_rng(5)
    holes = missing == "reweight" or (missing == "zero" and rule in ("arithmetic", "minimum", "sum"))
    sides = []
    for names, units in (("abcd", range(8)), ("bcde", range(3, 12))):
        components = ", ".join(f"{{id: {name}, weight: 25}}" for name in names)
        scheme = tree(f"{{aggregate: {rule}, missing: {missing}, ties: {{rule: {'max' if 'e' in names else 'min'}}}, components: [{components}]}}")
        marks = {f"u{i}": {name: float(rng.integers(1, 10) * 10) for name in names if not (holes and name in "bd" and i % 4 == ord(name) % 3)} for i in units}
        sides.append((scheme, table(marks)))
    found = split(*sides)
    assert set(found.index.get_level_values("part")) == {"b", "c", "d", "scheme", "others"} and found["total_change"].abs().max() > 0


def test_many_units_are_split_block_by_block(monkeypatch):
    rng = np.random.default_rng(6)
    sides = [(tree(PLAIN), table({f"u{i:02}": {name: rng.random() for name in "abc"} for i in range(40)})) for _ in range(2)]
    whole = decompose(*sides)[0]
    monkeypatch.setattr("evaluation.index.change.CELLS", 100)
    pd.testing.assert_frame_equal(decompose(*sides)[0], whole)


def test_the_other_way_round_the_parts_change_their_sign():
    sides = (tree(GEOMETRIC[0]), table(BEFORE)), (tree(PLAIN), table(AFTER))
    pd.testing.assert_frame_equal(split(*sides), -split(*sides[::-1]))


def wide(number):
    names = [f"c{i}" for i in range(number)]
    return tree(f"{{weights: equal, components: [{', '.join(f'{{id: {name}}}' for name in names)}]}}"), table({"u": dict.fromkeys(names, 50.0)})


REWEIGHT = tree("{missing: reweight, components: [{id: a, weight: 50}, {id: b, weight: 50}]}")
WEIGHTLESS = tree("{missing: reweight, components: [{id: a, weight: 100}, {id: b, weight: 0}]}")
FULL = {"a": 50, "b": 50}
REFUSED = {
    "13 components": (wide(13), wide(13)),
    "called `others`": ((tree("{components: [{id: others, weight: 100}]}"), table({"u": {"others": 1}})),) * 2,
    "no value of the indicator 'c'": ((tree(PLAIN), table({"u": FULL})), (tree(PLAIN), table(AFTER))),
    "change of u cannot be split": ((REWEIGHT, table({"u": {"a": 5}, "v": FULL})), (REWEIGHT, table({"u": {"b": 5}, "v": FULL}))),
    "only in parts of weight 0": ((WEIGHTLESS, table({"u": {"b": 5}, "v": FULL})), (WEIGHTLESS, table({"u": FULL, "v": FULL}))),
}


@pytest.mark.parametrize("told", REFUSED)
def test_what_cannot_be_split_is_told(monkeypatch, told):
    monkeypatch.setenv("ICCP_LANG", "en")
    with pytest.raises(UserError, match=told) as caught:
        decompose(*REFUSED[told])
    assert caught.value.ko and caught.value.ko != caught.value.en


def test_twelve_components_are_split():
    before, after = wide(12), wide(12)
    after[1]["value"] = np.arange(12.0)
    found = split(before, after)["total_change"]["u"]
    np.testing.assert_allclose(found[:12], (np.arange(12) - 50) / 12)
