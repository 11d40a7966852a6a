"""The bootstrap of totals and ranks: against a plain loop, and against what must hold."""

import numpy as np
import pandas as pd
import pytest

from evaluation.index.scheme import complete, complete_tree
from evaluation.index.score import score, totals, with_headquarters
from evaluation.index.uncertainty import bootstrap_totals, intervals
from evaluation.sources.specs import read_scheme


@pytest.fixture(scope="module")
def case(inputs):
    scheme = complete(*read_scheme(2010))
    tables = with_headquarters(inputs.tables)
    return scheme, tables, bootstrap_totals(scheme, tables, draws=2000, seed=1)


def test_it_centres_on_the_index_itself(case):
    scheme, tables, drawn = case
    point = totals(score(scheme, tables), scheme).set_index("headquarters")["total"].sort_index()
    # The mean of 2,000 draws lies within four of its own standard errors of the index.
    assert (abs(drawn.mean() - point) < 4 * drawn.std() / np.sqrt(len(drawn))).all()


def test_the_same_seed_gives_the_same_draws(case):
    scheme, tables, drawn = case
    pd.testing.assert_frame_equal(bootstrap_totals(scheme, tables, draws=2000, seed=1), drawn)
    assert not bootstrap_totals(scheme, tables, draws=2000, seed=2).equals(drawn)


def test_one_committee_component_against_a_plain_loop():
    """Three evaluators, all marks given: a draw's score is the mean of the drawn evaluators' means."""
    scheme = {
        "ties": {"rule": "min"},
        "components": [
            {"id": "m", "weight": 100, "rule": "committee_mean", "table": "t", "unit": "u", "scale": {"lower": 0, "upper": 100}}
        ],
    }
    rng = np.random.default_rng(0)
    rows = [(hq, unit, f"E{e}", 100 * rng.random()) for hq in "xy" for unit in f"{hq}1 {hq}2".split() for e in range(3)]
    marks = pd.DataFrame(rows, columns=["headquarters", "u", "evaluator", "mark"])
    drawn = bootstrap_totals(complete_tree(scheme, "scheme.yml"), {"t": marks}, draws=50, seed=7)
    counts = np.random.default_rng(7).multinomial(3, np.full(3, 1 / 3), size=50)
    for draw, times in enumerate(counts):
        for hq in "xy":
            per_evaluator = marks[marks["headquarters"] == hq].groupby("evaluator")["mark"].mean().to_numpy()
            assert drawn.loc[draw, hq] == pytest.approx(times @ per_evaluator / 3)


def test_intervals_hold_the_index_and_ranks_are_whole(case):
    scheme, tables, drawn = case
    table = intervals(drawn, scheme, level=0.90).set_index("headquarters")
    point = totals(score(scheme, tables), scheme).set_index("headquarters").sort_index()
    assert (table["total_lower"] < point["total"]).all() and (point["total"] < table["total_upper"]).all()
    assert (table["rank_lower"] <= point["rank"]).all() and (point["rank"] <= table["rank_upper"]).all()
    assert table["first"].sum() == pytest.approx(1, abs=0.01)
    inside = ((drawn >= table["total_lower"]) & (drawn <= table["total_upper"])).mean()
    assert inside.between(0.89, 0.91).all()


def test_identical_evaluators_leave_no_uncertainty():
    scheme = {
        "ties": {"rule": "min"},
        "components": [{"id": "m", "weight": 100, "rule": "committee_mean", "table": "t", "scale": {"lower": 0, "upper": 100}}],
    }
    marks = pd.DataFrame([("x", f"E{e}", 80.0) for e in range(5)], columns=["headquarters", "evaluator", "mark"])
    assert (bootstrap_totals(complete_tree(scheme, "scheme.yml"), {"t": marks}, draws=20, seed=0)["x"] == 80).all()


def survey_scheme(*parts):
    return complete_tree({
        "ties": {"rule": "min"},
        "components": [
            {"id": part, "weight": 100 / len(parts), "rule": "likert", "table": "s", "where": {"part": part}, "scale": {"lower": 1, "upper": 7}}
            for part in parts
        ],
    }, "scheme.yml")  # fmt: skip


def test_a_respondent_is_drawn_for_all_parts_of_the_survey_at_once():
    """Two parts answered alike: their mean varies as one part does, not less."""
    rng = np.random.default_rng(3)
    rows = [("x", f"R{i:02d}", part, answer) for i, answer in enumerate(rng.integers(1, 8, 30)) for part in ("a", "b")]
    answers = pd.DataFrame(rows, columns=["headquarters", "respondent", "part", "response"])
    one = bootstrap_totals(survey_scheme("a"), {"s": answers}, draws=500, seed=4)
    both = bootstrap_totals(survey_scheme("a", "b"), {"s": answers}, draws=500, seed=4)
    np.testing.assert_allclose(both["x"], one["x"], rtol=1e-12)


def test_committees_of_their_own_are_never_left_empty():
    """Three evaluators mark one table, two others another: each committee is drawn within itself."""
    scheme = {
        "ties": {"rule": "min"},
        "components": [
            {"id": name, "weight": 50, "rule": "committee_mean", "table": name, "scale": {"lower": 0, "upper": 100}} for name in ("s", "t")
        ],
    }  # fmt: skip
    columns = ["headquarters", "evaluator", "mark"]
    tables = {
        "s": pd.DataFrame([(hq, f"E{i}", 60.0 + i) for hq in "xy" for i in range(3)], columns=columns),
        "t": pd.DataFrame([(hq, f"F{i}", 70.0 + i) for hq in "xy" for i in range(2)], columns=columns),
    }
    drawn = bootstrap_totals(complete_tree(scheme, "scheme.yml"), tables, draws=400, seed=5)
    assert len(drawn) == 400 and drawn.notna().all().all()
    assert drawn["x"].between(65, 66.5).all() and drawn["x"].nunique() > 5


def test_a_draw_that_leaves_a_headquarters_unmarked_is_thrown_away():
    """Of two evaluators one is recused for y: where the draw is that one twice, y has no mark."""
    scheme = {
        "ties": {"rule": "min"},
        "components": [{"id": "m", "weight": 100, "rule": "committee_mean", "table": "t", "scale": {"lower": 0, "upper": 100}}],
    }
    rows = [("x", "A", 80.0), ("x", "B", 60.0), ("y", "A", 50.0), ("y", "B", np.nan)]
    drawn = bootstrap_totals(complete_tree(scheme, "scheme.yml"), {"t": pd.DataFrame(rows, columns=["headquarters", "evaluator", "mark"])}, draws=4000, seed=6)
    # P(B twice) = 1/4; four standard errors of a share of 4,000 draws.
    assert len(drawn) / 4000 == pytest.approx(0.75, abs=4 * np.sqrt(0.75 * 0.25 / 4000))
    assert (drawn["y"] == 50).all() and set(drawn["x"]) == {80.0, 70.0}
    assert intervals(drawn, scheme)["first"].sum() == pytest.approx(1)
