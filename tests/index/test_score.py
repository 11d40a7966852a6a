"""The index, repeated by hand on marks small enough to add up on paper."""

import copy

import numpy as np
import pandas as pd
import pytest

from evaluation.errors import UserError
from evaluation.index.scheme import complete, complete_tree
from evaluation.index.score import long_table, score, totals, with_headquarters
from evaluation.index.tree import leaf_values, rank, units_of
from evaluation.paths import RAW
from evaluation.sources.check import read_inputs
from evaluation.sources.specs import read_scheme

SCALE = {"lower": 0, "upper": 100}


def leaf(**changes):
    return {"label": {}, "weight": 100, **changes}


@pytest.fixture
def small():
    """Two headquarters, two mini clusters each, two evaluators; every rule once."""
    scheme = complete_tree({
        "year": 2010,
        "ties": {"rule": "min"},
        "components": [
            leaf(id="mc", weight=40, rule="committee_mean", table="mc_marks", unit="mc_id", scale=SCALE),
            leaf(id="common", weight=60, parts=[
                leaf(id="ratio", weight=25, rule="achievement_ratio", table="common", cap={"value": 100}),
                leaf(id="asked", weight=75, rule="likert", table="answers", where={"part": "a"}, scale={"lower": 1, "upper": 7}),
            ]),
        ],
    }, "scheme.yml")  # fmt: skip
    marks = pd.DataFrame(
        [("x", "m1", "E1", 80), ("x", "m1", "E2", 90), ("x", "m2", "E1", 60), ("x", "m2", "E2", np.nan),
         ("y", "m3", "E1", 70), ("y", "m3", "E2", 70), ("y", "m4", "E1", 100), ("y", "m4", "E2", 90)],
        columns=["headquarters", "mc_id", "evaluator", "mark"],
    )  # fmt: skip
    common = pd.DataFrame(
        [("x", "a", 100, 50), ("x", "b", 10, 30), ("y", "a", 100, 90), ("y", "b", 10, 8)],
        columns=["headquarters", "indicator", "target", "actual"],
    )
    answers = pd.DataFrame(
        [("x", "r1", "a", 7), ("x", "r1", "a", 1), ("x", "r2", "a", 4), ("y", "r3", "a", 7), ("y", "r3", "b", 1)],
        columns=["headquarters", "respondent", "part", "response"],
    )
    return scheme, {"mc_marks": marks, "common": common, "answers": answers}


def test_by_hand(small):
    scheme, tables = small
    out = score(scheme, tables).set_index(["headquarters", "component"])
    # x: m1 (80 + 90) / 2 = 85, m2 = 60 by its only evaluator; mean 72.5. y: 70 and 95, mean 82.5.
    assert out.at[("x", "mc"), "score"] == 72.5 and out.at[("y", "mc"), "score"] == 82.5
    # x: 50 % and 300 % capped at 100, mean 75; answers r1 (7 + 1) / 2 = 4, r2 = 4: (4 - 1) / 6 = 50.
    # y: 90 % and 80 %, mean 85; one answer of part a, 7: 100. Parts 25 : 75.
    assert out.at[("x", "common"), "score"] == pytest.approx(0.25 * 75 + 0.75 * 50)
    assert out.at[("y", "common"), "score"] == pytest.approx(0.25 * 85 + 0.75 * 100)
    assert out.at[("x", "mc"), "contribution"] == pytest.approx(0.4 * 72.5)
    table = totals(score(scheme, tables), scheme).set_index("headquarters")
    assert table.at["x", "total"] == pytest.approx(0.4 * 72.5 + 0.6 * 56.25)
    assert table["rank"].to_dict() == {"y": 1, "x": 2}


def test_the_2010_index_repeated_with_plain_arithmetic(inputs):
    """The whole index of one headquarters from the raw text, without the package's functions."""
    folder = RAW / "simulated" / "evaluation" / "2010"
    owner = pd.read_csv(RAW / "simulated" / "mini_clusters.csv").query("since == 2010").set_index("mc_id")["headquarters"]
    read = {path.stem: pd.read_csv(path) for path in folder.glob("*.csv")}

    def mean(values):
        values = [value for value in values if value == value]
        return sum(values) / len(values)

    name = "honam"
    mc = read["mc_marks"]
    mc = mc[mc["mc_id"].map(owner) == name]
    by_cluster = mean([mean(mc.loc[mc["mc_id"] == code, "mark"]) for code in dict.fromkeys(mc["mc_id"])])
    own = {key: frame[frame["headquarters"] == name] for key, frame in read.items() if "headquarters" in frame}
    difficulty = mean(own["difficulty_marks"]["mark"])
    ratios = lambda frame: mean([min(100, 100 * actual / target) for actual, target in zip(frame["actual"], frame["target"])])  # noqa: E731
    qualitative = own["headquarters_marks"]
    qualitative = mean([mean(group["mark"]) for _, group in qualitative.groupby("indicator")])
    answers = own["satisfaction"]
    satisfaction = mean([
        mean([mean(group["response"]) for _, group in answers[answers["part"] == part].groupby("respondent")])
        for part in ("participant_satisfaction", "strategy_effectiveness")
    ])  # fmt: skip
    by_hand = (
        0.40 * by_cluster + 0.10 * difficulty + 0.20 * ratios(own["common_indicators"])
        + 0.20 * (qualitative + ratios(own["headquarters_indicators"])) / 2 + 0.10 * 100 * (satisfaction - 1) / 6
    )  # fmt: skip

    scheme = complete(*read_scheme(2010))
    table = totals(score(scheme, with_headquarters(inputs.tables)), scheme).set_index("headquarters")
    assert table.at[name, "total"] == pytest.approx(by_hand, abs=1e-10)


def test_contributions_add_to_the_total(inputs):
    scheme = complete(*read_scheme(2010))
    components = score(scheme, with_headquarters(inputs.tables))
    table = totals(components, scheme).set_index("headquarters")["total"]
    added = components.groupby("headquarters")["contribution"].sum()
    pd.testing.assert_series_equal(added.sort_index(), table.sort_index(), check_names=False)
    assert len(table) == 6 and table.between(0, 100).all()


def test_ties_share_the_better_rank():
    assert rank(np.array([80.0, 90.0, 90.0, 70.0])).tolist() == [3, 1, 1, 4]


def test_a_target_of_zero_gives_no_score(small):
    scheme, tables = small
    tables["common"].loc[0, "target"] = 0
    with pytest.raises(UserError, match="target 0"):
        score(scheme, tables)


def test_a_headquarters_without_data_gives_no_score(small):
    scheme, tables = small
    tables["answers"] = tables["answers"][tables["answers"]["headquarters"] == "x"]
    with pytest.raises(UserError, match="No score for y: it has no value in `asked` of `common`"):
        score(scheme, tables)


def test_totals_that_differ_by_rounding_alone_share_a_rank():
    total = 0.1 + 0.2 + 0.3
    assert total != 0.6
    assert rank(np.array([total, 0.6, 0.1])).tolist() == [1, 1, 3]
    assert rank(np.array([[total, 0.6, 0.1], [0.1, 0.6, total]]), "max").tolist() == [[2, 2, 3], [3, 2, 2]]


@pytest.mark.parametrize("rule", ["geometric", "harmonic", "minimum"])
def test_a_total_that_is_no_arithmetic_mean_is_that_of_the_scheme(rule):
    raws, where = read_scheme(2010)
    scheme = complete([raws[0] | {"aggregate": rule}], where)
    own = with_headquarters(read_inputs(2010).tables)
    components = score(scheme, own)
    found = totals(components, scheme).set_index("headquarters")["total"]
    wide = components.pivot(index="headquarters", columns="component", values="score")
    weights = components.drop_duplicates("component").set_index("component")["weight"] / 100
    by_hand = {"geometric": np.exp(np.log(wide) @ weights), "harmonic": 1 / ((1 / wide) @ weights), "minimum": wide.min(axis=1)}[rule]
    assert found.to_dict() == pytest.approx(by_hand.to_dict())


def test_answers_weighted_to_the_population_of_their_groups():
    """By hand: group means of respondents' means, weighted by the groups' population shares."""
    raws, where = read_scheme(2010)
    raw = copy.deepcopy(raws[0])
    raw["components"][4]["parts"][0]["weighting"] = "population"
    scheme = complete([raw], where)
    own = with_headquarters(read_inputs(2010).tables)
    data = long_table(scheme, own)
    found = dict(zip(units_of(data), leaf_values(scheme, data)["participant_satisfaction"], strict=True))
    answers = own["satisfaction"].query("part == 'participant_satisfaction'").dropna(subset="response")
    people = answers.groupby(["headquarters", "group", "respondent"])["response"].mean()
    means = 100 * (people.groupby(["headquarters", "group"]).mean() - 1) / 6
    population = own["satisfaction_invited"].set_index(["headquarters", "group"])["population"].reindex(means.index)
    by_hand = (means * population).groupby("headquarters").sum() / population.groupby("headquarters").sum()
    assert found == pytest.approx(by_hand.to_dict())
    plain = dict(zip(units_of(data), leaf_values(complete(raws, where), long_table(complete(raws, where), own))["participant_satisfaction"], strict=True))
    assert any(abs(found[name] - plain[name]) > 0.1 for name in found)
    with pytest.raises(UserError, match="invited"):
        long_table(scheme, own | {"satisfaction_invited": own["satisfaction_invited"].iloc[:0]})
