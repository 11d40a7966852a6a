"""Achievement of targets, and the signs of one that was too easy: every figure by hand."""

import numpy as np
import pandas as pd
import pytest

from evaluation.errors import UserError
from evaluation.index.rules import achievement_ratio
from evaluation.index.targets import EASY_COLUMNS, achievement, easy_targets

COLUMNS = ["year", "unit", "indicator", "target", "actual", "direction"]
RULE = {"over": 110, "years": 2, "difficulty": 70}


def rows(*given, columns=COLUMNS):
    return pd.DataFrame(given, columns=columns[: len(given[0])])


def easy(indicators, difficulty=None, rule=RULE):
    return easy_targets(indicators, difficulty, rule).set_index(["unit", "indicator"])


def marks(**of):
    return pd.DataFrame({"unit": list(of), "value": list(of.values())})


# --- achievement


def test_ratios_by_hand():
    found = achievement(
        rows(
            (2014, "u", "jobs", 80, 100, "higher"), (2014, "u", "days", 30, 40, "lower"),
            (2014, "u", "firms", 50, 40, None), (2014, "u", "new", np.nan, 3, "higher"),
        )
    )  # fmt: skip
    np.testing.assert_allclose(found["ratio"], [125, 75, 80, np.nan])
    assert found["indicator"].tolist() == ["jobs", "days", "firms", "new"]


def test_without_directions_more_is_better_and_the_index_stays():
    data = rows((2014, "u", "jobs", 80, 100), (2014, "v", "jobs", 80, 60))
    data.index = [7, 3]
    found = achievement(data)
    assert list(found.index) == [7, 3] and list(found["ratio"]) == [125, 75] and "ratio" not in data


def test_the_ratio_is_the_one_that_schemes_score():
    data = rows((2014, "u", "jobs", 80, 100, "higher"), (2014, "v", "days", 30, 40, "lower"))
    scored = achievement_ratio(data.rename(columns={"actual": "value"}), {"id": "x"})
    np.testing.assert_allclose(achievement(data).set_index("unit")["ratio"], scored)


def test_nothing_lower_is_better_with_a_target_of_0_and_something_achieved():
    assert achievement(rows((2014, "u", "accidents", 0, 2, "lower")))["ratio"].tolist() == [0]


# --- easy targets


def test_years_in_a_row_by_hand():
    found = easy(
        rows(
            (2012, "u", "jobs", 100, 130), (2013, "u", "jobs", 100, 110), (2014, "u", "jobs", 100, 120),
            (2012, "u", "firms", 100, 130), (2013, "u", "firms", 100, 109), (2014, "u", "firms", 100, 120),
            (2012, "u", "gap", 100, 130), (2014, "u", "gap", 100, 120),
            (2012, "u", "hole", 100, 130), (2013, "u", "hole", 100, np.nan), (2014, "u", "hole", 100, 120),
            (2013, "u", "missed", 100, 130), (2014, "u", "missed", 100, 90),
            (2013, "u", "gone", 100, 130),
        )
    ).loc["u"]  # fmt: skip
    assert found["over_years"].to_dict() == {"jobs": 3, "firms": 1, "gap": 1, "hole": 1, "missed": 0}
    assert list(found.index[found["over_achieved"]]) == ["jobs"]
    # A year that nobody has rows of ends the run too.
    assert easy(rows((2012, "u", "jobs", 100, 130), (2014, "u", "jobs", 100, 130)))["over_years"].tolist() == [1]


def test_a_ratio_that_is_over_but_for_the_last_bits_is_over():
    assert 100 * 1.21 / 1.1 < 110  # this is why
    found = easy(rows((2014, "u", "x", 1.1, 1.21), (2014, "u", "y", 0.5, 0.55)), rule=RULE | {"years": 1})
    assert found["over_achieved"].all()


def test_targets_below_what_was_achieved_before():
    found = easy(
        rows(
            (2013, "u", "jobs", 90, 120, "higher"), (2014, "u", "jobs", 110, 115, "higher"),
            (2013, "u", "same", 90, 120, "higher"), (2014, "u", "same", 120, 125, "higher"), (2013, "u", "missed", 90, 120, "higher"), (2014, "u", "missed", 110, 100, "higher"),
            (2013, "u", "days", 30, 20, "lower"), (2014, "u", "days", 25, 20, "lower"),
            (2013, "u", "hours", 30, 20, "lower"), (2014, "u", "hours", 15, 20, "lower"),
            (2012, "u", "long ago", 90, 120, "higher"), (2014, "u", "long ago", 50, 50, "higher"),
            (2013, "u", "no target", 90, 120, "higher"), (2014, "u", "no target", np.nan, 50, "higher"),
        )
    )["below_last_actual"].loc["u"]  # fmt: skip
    assert list(found.index[found]) == ["jobs", "days"]


def test_targets_that_were_met_and_found_easy():
    data = rows((2014, "u", "jobs", 100, 100), (2014, "u", "firms", 100, 99), (2014, "v", "jobs", 100, 100), (2014, "w", "jobs", 100, 100))
    found = easy(data, marks(u=69.9, v=70))
    assert found["low_difficulty"].tolist() == [True, False, False, False]
    np.testing.assert_array_equal(found["difficulty"], [69.9, 69.9, 70, np.nan])
    per_indicator = pd.DataFrame({"unit": ["u", "u"], "indicator": ["jobs", "firms"], "value": [80, 60]})
    assert easy(data, per_indicator)["difficulty"].tolist()[:2] == [80, 60]


@pytest.mark.parametrize("none", [None, pd.DataFrame(), pd.DataFrame(columns=["unit", "value"])])
def test_without_difficulty_marks_nothing_is_found_easy(none):
    found = easy(rows((2014, "u", "jobs", 100, 100)), none)
    assert found["difficulty"].isna().all() and not found["low_difficulty"].any()


def test_all_three_signs_and_nothing_dropped():
    data = rows((2013, "u", "jobs", 80, 120), (2014, "v", "firms", np.nan, np.nan), (2014, "u", "jobs", 100, 150))
    found = easy_targets(data, marks(u=60, z=1), RULE)
    assert list(found.columns) == EASY_COLUMNS and found["unit"].tolist() == ["v", "u"]
    assert found["flags"].tolist() == [0, 3] and found["over_years"].tolist() == [0, 2]
    # A column of the same name in the data is of no consequence.
    pd.testing.assert_frame_equal(easy_targets(data.assign(difficulty=99, last=1, ratio=5), marks(u=60, z=1), RULE), found)


def test_no_rows_give_no_rows():
    found = easy_targets(rows((2014, "u", "jobs", 1, 1)).iloc[:0], None, RULE)
    assert found.empty and list(found.columns) == EASY_COLUMNS


# --- what a user is told

GOOD = rows((2014, "u", "jobs", 100, 100, "higher"))
REFUSED = {
    "2014, u, jobs has the target 0": lambda: achievement(GOOD.assign(target=0)),
    "has the target -1": lambda: achievement(GOOD.assign(target=-1)),
    "2014, u, jobs has the actual value 0": lambda: achievement(GOOD.assign(actual=0, direction="lower")),
    "2013, u, jobs has the target 0": lambda: easy_targets(pd.concat([GOOD, GOOD.assign(year=2013, target=0)]), None, RULE),
    "stands more than once": lambda: achievement(pd.concat([GOOD, GOOD])),
    "direction of 2014, u, jobs is 'up'": lambda: achievement(GOOD.assign(direction="up")),
    "column actual is missing": lambda: achievement(GOOD.drop(columns="actual")),
    "target many is no number": lambda: achievement(GOOD.assign(target="many")),
    "actual inf is no number": lambda: achievement(GOOD.assign(actual=np.inf)),
    "is no whole number": lambda: achievement(GOOD.assign(year=np.nan)),
    "lacks a name": lambda: achievement(GOOD.assign(unit=None)),
    "u has more than one mark": lambda: easy_targets(GOOD, pd.DataFrame({"unit": ["u", "u"], "value": [1, 2]}), RULE),
    "difficulty: the column value": lambda: easy_targets(GOOD, pd.DataFrame({"unit": ["u"]}), RULE),
    "`over` is None": lambda: easy_targets(GOOD, None, {"years": 2, "difficulty": 70}),
    "`years` is 0": lambda: easy_targets(GOOD, None, RULE | {"years": 0}),
    "`years` is 1.5": lambda: easy_targets(GOOD, None, RULE | {"years": 1.5}),
    "`difficulty` is 'low'": lambda: easy_targets(GOOD, None, RULE | {"difficulty": "low"}),
}  # fmt: skip


@pytest.mark.parametrize("told", REFUSED)
def test_bad_input_is_told(monkeypatch, told):
    monkeypatch.setenv("ICCP_LANG", "en")
    with pytest.raises(UserError, match=told) as caught:
        REFUSED[told]()
    assert caught.value.ko and caught.value.ko != caught.value.en
