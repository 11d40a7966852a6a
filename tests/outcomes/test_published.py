"""Outcomes against print: the programme book of November 2010, transcribed in data/raw/published."""

import pandas as pd
import pytest

from evaluation.outcomes import press, published
from evaluation.paths import RAW


@pytest.fixture(scope="module")
def goals(inputs):
    tables = inputs.tables
    return published.goal_achievement(tables["goal_achievement"], tables["programme_goals_vision"]).set_index("indicator")


@pytest.mark.parametrize(
    ("indicator", "achieved", "goal", "ratio"),
    [("production", 258.2, 253, 102.1), ("export", 144.9, 137, 105.8), ("employment", 461, 490, 94.1)],
)
def test_goals_as_printed(goals, indicator, achieved, goal, ratio):
    """Achieved of goal, and the printed ratio in per cent to its one decimal (3.4, Goal Achievement)."""
    row = goals.loc[indicator]
    assert (row["achieved"], row["goal"], row["ratio_printed"]) == (achieved, goal, ratio)
    assert row["ratio"] == pytest.approx(100 * achieved / goal) and row["agrees"]


def test_the_ratio_is_computed_and_not_copied(inputs):
    """Another achieved value moves the ratio and breaks the agreement with print."""
    printed = inputs.tables["goal_achievement"].copy()
    printed.loc[(printed["indicator"] == "export") & (printed["item"] == "achieved_2008"), "value"] = 150.0
    row = published.goal_achievement(printed, inputs.tables["programme_goals_vision"]).set_index("indicator").loc["export"]
    assert row["ratio"] == pytest.approx(109.489, abs=1e-3) and not row["agrees"]


def test_the_printed_error_is_shown_as_such(goals):
    assert goals["goal_is_printed_error"].to_dict() == {"production": True, "export": False, "employment": False}
    assert goals.at["production", "goal_printed"] == 190.4 == goals.at["production", "base"]


def test_only_the_pilots_growth_is_certain(inputs):
    table = published.growth(inputs.tables["growth_2004_2009"]).set_index(["indicator", "group"])
    assert table.loc[(slice(None), "7_target_complexes"), "value"].tolist() == [45.8, 33.7, 11.9]
    assert set(table[table["certain"]].index.get_level_values("group")) == {"7_target_complexes"}


def test_budget_adds_up_to_the_printed_sums(inputs):
    """3.2(3): programmes add up to the printed sum of each year, and the years to 248.7."""
    table = published.budget(inputs.tables["budget_by_programme_year"])
    assert table["total"].round(1).tolist() == [25.8, 40.3, 53.2, 69.5, 59.9] and table["agrees"].all()
    assert table["total"].sum() == pytest.approx(248.7)


def test_facts_read_from_their_tables(inputs):
    assert published.target_complexes(inputs.tables["target_complexes_over_time"], "2005") == 7
    assert published.exchange_rate(inputs.tables["budget_by_programme_year"]) == 1150


def test_press_growth_by_hand(inputs):
    """Yeosu 32 to 52.8944, Daedeok 3.31913 to 5.0917, Gumi 47 to 61.2719 trillion KRW."""
    table = press.growth(inputs.tables["press_complex_panel"], "production", 2004, 2009).set_index("slug")
    assert table["growth"].round(1).to_dict() == {"yeosu": 65.3, "daedeok_daejeon_3_4": 53.4, "gumi": 30.4}
    assert table["group"].to_dict() == {"yeosu": "non_participant", "daedeok_daejeon_3_4": "non_participant", "gumi": "pilot"}
    assert table["status"].to_dict() == {"yeosu": "approximate", "daedeok_daejeon_3_4": "reported", "gumi": "estimate"}
    text = pd.read_csv(RAW / "press" / "press_complex_panel.csv")
    quoted = text[(text["complex"] == "Yeosu") & (text["indicator"] == "production")].set_index("year")["value"]
    assert table.at["gumi", "annual"] == pytest.approx(100 * ((61.2719 / 47) ** 0.2 - 1))
    assert table.at["yeosu", "growth"] == pytest.approx(100 * (quoted[2009] / quoted[2004] - 1))


@pytest.mark.parametrize(
    ("first_treated", "group"), [("2005", "pilot"), ("2005/2008", "pilot"), ("2008", "participant"), ("2010", "non_participant"), ("never before 2016", "non_participant")]
)
def test_press_groups_go_by_the_year_of_joining(first_treated, group):
    quoted = pd.DataFrame({"complex": "x", "first_treated": first_treated, "year": [2004, 2009], "indicator": "production", "value": [1.0, 2.0], "unit": "trn KRW", "status": "reported"})
    assert press.growth(quoted, "production", 2004, 2009)["group"].tolist() == [group]
