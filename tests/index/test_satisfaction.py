"""Satisfaction by group: means and variances by hand, what is withheld, and the coverage of the intervals."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from evaluation.errors import UserError
from evaluation.index.satisfaction import COLUMNS, WEIGHTED, by_group, weights

SCALE = {"lower": 0, "upper": 100}
FIVE = {"lower": 1, "upper": 5}


def answers(units):
    """unit -> group -> a value per respondent, as a long frame."""
    given = [(unit, group, f"{group}{number}", value) for unit, groups in units.items() for group, values in groups.items() for number, value in enumerate(values)]
    return pd.DataFrame(given, columns=["unit", "group", "respondent", "value"]).astype({"value": float})


def asked(*rows):
    return pd.DataFrame(rows, columns=["unit", "group", "invited", "population"][: len(rows[0])])


def scored(units, invited=None, **settings):
    found = by_group(answers(units), SCALE, invited, **settings)
    assert list(found.columns) == COLUMNS
    return found.set_index(["unit", "group"])


def sizes(*numbers):
    """Groups g0, g1, … of so many respondents with different answers, and of one who did not answer."""
    return {f"g{i}": [*np.linspace(40, 60 + i, number), None] for i, number in enumerate(numbers)}


# --- scores and intervals


def test_respondents_are_averaged_first_then_carried_to_100():
    """x answered 1 and 3 (mean 2: 25), y only 5 (100), z nothing: the mean is 62.5, and half of four answered."""
    rows = [("u", "g", "x", "q1", 1), ("u", "g", "x", "q2", 3), ("u", "g", "y", "q1", 5), ("u", "g", "y", "q2", None), ("u", "g", "z", "q1", None)]
    data = pd.DataFrame(rows, columns=["unit", "group", "respondent", "item", "value"])
    found = by_group(data, FIVE, asked(("u", "g", 4)), smallest=1)
    assert found["group"].tolist() == ["g", "all"] and found["respondents"].tolist() == [2, 2]
    assert found["score"].tolist() == [62.5, 62.5] and found["response_rate"].tolist() == [50, 50] and not found["suppressed"].any()


def test_the_interval_by_hand():
    """40, 50, 60: variance 100, standard error 10 / sqrt(3); t(2) at 0.95 is 2.91999. Of 12 the factor is sqrt(1 - 3 / 12)."""
    values = {"u": {"g": [40, 50, 60]}}
    half = 2.919986 * 10 / np.sqrt(3)
    found = scored(values, smallest=1).loc[("u", "g")]
    np.testing.assert_allclose(found[["score", "lower", "upper"]].astype(float), [50, 50 - half, 50 + half], rtol=1e-6)
    assert pd.isna(found["invited"]) and pd.isna(found["response_rate"])
    for invited in (asked(("u", "g", 12)), asked(("u", "g", 6, 12)), asked(("u", "g", 12, None))):
        found = scored(values, invited, smallest=1)
        np.testing.assert_allclose(found["upper"].astype(float), 50 + half * np.sqrt(0.75), rtol=1e-6)
        np.testing.assert_allclose(found.loc[("u", "all"), WEIGHTED].astype(float), found.loc[("u", "g"), ["score", "lower", "upper"]].astype(float))


def test_a_census_has_no_sampling_error_and_bounds_stay_on_the_scale():
    found = scored({"u": {"g": [40, 50, 60]}}, asked(("u", "g", 3)), smallest=1)
    assert (found["lower"] == 50).all() and (found["upper"] == 50).all()
    found = scored({"u": {"g": [0, 100]}}, smallest=1)
    assert (found["lower"] == 0).all() and (found["upper"] == 100).all()


def test_one_respondent_has_a_score_but_no_interval():
    found = scored({"u": {"g": [40]}}, smallest=1)
    assert (found["score"] == 40).all() and found[["lower", "upper"]].isna().all(axis=None)


BY_HAND = {"u": {"a": [40, 50, 60], "b": [70, 90]}}


def test_the_weighted_score_and_its_interval_by_hand():
    """a: mean 50, s^2 100, n 3 of 30; b: mean 80, s^2 200, n 2 of 10. W = .75 and .25, so .75 * 50 + .25 * 80 = 57.5 (unweighted
    62). Variance .75^2 * 100 / 3 * .9 + .25^2 * 200 / 2 * .8 = 16.875 + 5 = 21.875; df 21.875^2 / (16.875^2 / 2 + 5^2 / 1)."""
    found = scored(BY_HAND, asked(("u", "a", 20, 30), ("u", "b", 10, 10)), smallest=1).loc["u"]
    df = 21.875**2 / (16.875**2 / 2 + 25)
    assert df == pytest.approx(2.858, abs=1e-3)
    half = stats.t.ppf(0.95, df) * np.sqrt(21.875)
    np.testing.assert_allclose(found.loc["all", WEIGHTED].astype(float), [57.5, 57.5 - half, 57.5 + half])
    assert found.loc["all", "score"] == pytest.approx(62) and found.loc[["a", "b"], WEIGHTED].isna().all(axis=None)
    assert found["invited"].tolist() == [20, 10, 30] and found["response_rate"].tolist() == pytest.approx([15, 20, 100 / 6])
    # Unweighted: variance of all five 370 by sum of squares 1480 / 4, of 40 in all.
    half = stats.t.ppf(0.95, 4) * np.sqrt(370 / 5 * (1 - 5 / 40))
    np.testing.assert_allclose(found.loc["all", ["lower", "upper"]].astype(float), [62 - half, 62 + half])


def test_a_group_of_one_takes_the_pooled_variance():
    """c, one of 20: its W^2 (1 - 1 / 20) falls on the pooled (2 * 100 + 1 * 200) / 3 of a and b."""
    invited = asked(("u", "a", 30), ("u", "b", 10), ("u", "c", 20))
    found = scored({"u": BY_HAND["u"] | {"c": [20]}}, invited, smallest=1).loc[("u", "all")]
    lent = (1 / 3) ** 2 * 0.95
    a = (0.5**2 / 3 * 0.9 + lent * 2 / 3) * 100
    b = ((1 / 6) ** 2 / 2 * 0.8 + lent / 3) * 200
    half = stats.t.ppf(0.95, (a + b) ** 2 / (a**2 / 2 + b**2)) * np.sqrt(a + b)
    assert a + b == pytest.approx(7.5 + 20 / 9 + lent * 400 / 3)
    score = 50 / 2 + 80 / 6 + 20 / 3
    np.testing.assert_allclose(found[WEIGHTED].astype(float), [score, max(score - half, 0), score + half])
    alone = scored({"u": {"a": [40], "b": [60]}}, asked(("u", "a", 30), ("u", "b", 10)), smallest=1).loc[("u", "all")]
    assert alone["weighted_score"] == 45 and alone[WEIGHTED[1:]].isna().all()
    everybody = scored({"u": {"a": [40], "b": [60]}}, asked(("u", "a", 1), ("u", "b", 1)), smallest=1).loc[("u", "all")]
    assert (everybody[WEIGHTED] == 50).all()


def test_a_group_that_did_not_answer_leaves_its_weight_to_the_others():
    invited = asked(("u", "silent", 60, None), ("u", "a", 20, 30), ("u", "b", 10, 10))
    found = scored(BY_HAND, invited, smallest=1).loc["u"]
    assert list(found.index) == ["silent", "a", "b", "all"]
    assert found.loc["all", "weighted_score"] == 57.5 and found.loc["all", "response_rate"] == pytest.approx(100 * 5 / 90)
    assert found.loc["silent", ["respondents", "response_rate", "suppressed"]].tolist() == [0, 0, False] and pd.isna(found.loc["silent", "score"])


def test_units_and_groups_keep_their_order():
    found = by_group(answers({"v": {"z": [1, 2], "a": [3, 4]}, "u": {"z": [1, 2]}}), SCALE, smallest=1)
    assert list(zip(found["unit"], found["group"], strict=True)) == [("u", "z"), ("u", "all"), ("v", "z"), ("v", "a"), ("v", "all")]


def test_a_unit_that_nobody_answered_for_is_there():
    found = scored({"u": sizes(5)}, asked(("u", "g0", 9), ("w", "g0", 7))).loc["w"]
    assert found["respondents"].tolist() == [0, 0] and found["invited"].tolist() == [7, 7] and not found["suppressed"].any()
    assert found[["score", *WEIGHTED]].isna().all(axis=None)
    nobody = by_group(answers({}), SCALE)
    assert nobody.empty and list(nobody.columns) == COLUMNS
    for none in (answers({}), answers({"u": {"g0": [None]}})):
        found = by_group(none, SCALE, asked(("u", "g0", 9)))
        assert found["respondents"].tolist() == [0, 0] and found["score"].isna().all()
        assert weights(none, asked(("u", "g0", 9))).isna().all()


def test_the_intervals_cover_the_truth_as_often_as_they_say():
    """2,000 units draw from the same three groups (of 60, 40 and 100; 20, 10 and 15 answer); 90 % within three standard errors
    of the simulation. Unweighted over all, the groups' different rates make the score miss the truth more often."""
    rng = np.random.default_rng(7)
    people = [np.clip(rng.normal(centre, spread, size), 0, 100) for centre, spread, size in ((40, 10, 60), (70, 15, 40), (55, 5, 100))]
    drawn, names, draws = (20, 10, 15), ["a", "b", "c"], 2000
    parts = [np.stack([rng.choice(group, n, replace=False) for _ in range(draws)]) for group, n in zip(people, drawn, strict=True)]
    data = pd.DataFrame(
        {
            "unit": np.repeat(np.arange(draws), sum(drawn)),
            "group": np.tile(np.repeat(names, drawn), draws),
            "respondent": np.tile(np.arange(sum(drawn)), draws),
            "value": np.concatenate(parts, axis=1).ravel(),
        }
    )
    invited = pd.DataFrame([(unit, name, len(group)) for unit in range(draws) for name, group in zip(names, people, strict=True)], columns=["unit", "group", "invited"])
    found = by_group(data, SCALE, invited)
    truth = dict(zip(names, (group.mean() for group in people), strict=True)) | {"all": np.concatenate(people).mean()}
    margin = 3 * np.sqrt(0.9 * 0.1 / draws)
    for name in names:
        own = found[found["group"] == name]
        assert ((own["lower"] <= truth[name]) & (truth[name] <= own["upper"])).mean() == pytest.approx(0.9, abs=margin)
    whole = found[found["group"] == "all"]
    assert ((whole["weighted_lower"] <= truth["all"]) & (truth["all"] <= whole["weighted_upper"])).mean() == pytest.approx(0.9, abs=margin)
    assert whole["weighted_score"].mean() == pytest.approx(truth["all"], abs=0.1) and abs(whole["score"].mean() - truth["all"]) > 0.5


# --- what is withheld


@pytest.mark.parametrize(
    ("numbers", "hidden"),
    [
        ((5, 9), ""),
        ((4, 9, 6), "02"),  # the next smallest goes too
        ((4, 9), "01"),  # both, or the difference to the whole is the small one
        ((3, 2, 9), "01"),  # together five
        ((1, 1, 9, 8), "013"),  # together two: one more
        ((4, 0, 9, 6), "03"),  # nobody is nothing to hide, and hides nobody
        ((0, 9), ""),
        ((4, 6, 6), "01"),  # of equals the first
    ],
)
def test_which_groups_are_suppressed(numbers, hidden):
    found = scored({"u": sizes(*numbers)}).loc["u"]
    assert list(found["suppressed"]) == [str(i) in hidden for i in range(len(numbers))] + [False]
    withheld = found[found["suppressed"]]
    assert withheld[["respondents", "response_rate", "score", "lower", "upper"]].isna().all(axis=None)
    assert pd.notna(found.loc["all", "score"]) and found.loc["all", "respondents"] == sum(numbers)
    assert found["respondents"].dropna().tolist() == [number for i, number in enumerate(numbers) if str(i) not in hidden] + [sum(numbers)]
    assert found.loc[~found["suppressed"] & (found["respondents"] > 0), ["score", "lower", "upper"]].notna().all(axis=None)


@pytest.mark.parametrize("numbers", [(4,), (2, 2), (2, 0, 2), (1, 3)])
def test_a_small_unit_shows_nothing(numbers):
    found = scored({"u": sizes(*numbers)}, asked(*(("u", f"g{i}", 10) for i in range(len(numbers))))).loc["u"]
    assert list(found["suppressed"]) == [number > 0 for number in numbers] + [True]
    shown = found.loc[found["suppressed"], ["respondents", "response_rate", "score", "lower", "upper", *WEIGHTED]]
    assert shown.isna().all(axis=None) and found["invited"].tolist() == [10] * len(numbers) + [10 * len(numbers)]


def test_with_two_groups_withheld_the_weighted_score_would_give_them_away():
    """Unweighted and weighted scores are two equations in the two means withheld: solved here, from what would be published."""
    invited = asked(("u", "g0", 30), ("u", "g1", 10), ("u", "g2", 20))
    units = {"u": sizes(4, 6, 9)}
    open_, found = (scored(units, invited, smallest=smallest).loc["u"] for smallest in (1, 5))
    left = [19 * open_.loc["all", "score"] - 9 * open_.loc["g2", "score"], 60 * open_.loc["all", "weighted_score"] - 20 * open_.loc["g2", "score"]]
    np.testing.assert_allclose(np.linalg.solve([[4, 6], [30, 10]], left), open_.loc[["g0", "g1"], "score"])
    assert found["suppressed"].tolist() == [True, True, False, False]
    assert found.loc["all", WEIGHTED].isna().all() and found.loc["all", "score"] == open_.loc["all", "score"]
    three = scored({"u": sizes(4, 3, 4, 9)}, asked(*(("u", f"g{i}", 10) for i in range(4)))).loc["u"]
    assert three["suppressed"].tolist() == [True, True, True, False, False] and three.loc["all", WEIGHTED].notna().all()


def test_an_answerless_respondent_does_not_make_a_group_large_enough():
    data = answers({"u": {"a": [50, 60, 70, 80, None], "b": [1, 2, 3, 4, 5, 6]}})
    assert by_group(data, SCALE)["suppressed"].tolist() == [True, True, False]


# --- weights


def test_weights_by_hand():
    """a is .75 of the population and .6 of the respondents: 1.25; b .25 and .4: .625. Mean (3 * 1.25 + 2 * .625) / 5 = 1."""
    data = answers(BY_HAND)
    data.index = list("vwxyz")
    found = weights(data, asked(("u", "a", 20, 30), ("u", "b", 10, 10), ("u", "silent", 60, None)))
    assert list(found.index) == list("vwxyz")
    np.testing.assert_allclose(found, [1.25] * 3 + [0.625] * 2)
    assert (found * data["value"]).mean() == pytest.approx(57.5)  # the weighted score


def test_weights_are_of_respondents_not_of_answers():
    data = pd.concat([answers(BY_HAND), answers({"u": {"a": [30]}}), answers({"u": {"b": [1, 2, None]}}).tail(1)])
    found = weights(data, asked(("u", "a", 20, 30), ("u", "b", 10, 10)))
    np.testing.assert_allclose(found, [1.25] * 3 + [0.625] * 2 + [1.25, np.nan])
    units = {name: {"a": [1] * number, "b": [2] * 3} for name, number in (("u", 2), ("v", 7))}
    data = answers(units)
    found = weights(data, asked(*((unit, group, 10 + 5 * (group == "a")) for unit in "uv" for group in "ab")))
    np.testing.assert_allclose(found.groupby(data["unit"]).mean(), 1)


# --- what a user is told

GOOD = answers({"u": {"a": [40, 50, 60, 70, 80]}})
INVITED = asked(("u", "a", 10, 20))


def changed(frame, column, value):
    return frame.assign(**{column: [value, *frame[column].iloc[1:]]})


REFUSED = {
    "'a' of u has 5 respondents, but 4 were": lambda: by_group(GOOD, SCALE, asked(("u", "a", 4))),
    "group 'b' of u has answers": lambda: by_group(changed(GOOD, "group", "b"), SCALE, INVITED),
    "u, a has 0 invited": lambda: by_group(GOOD, SCALE, asked(("u", "a", 0))),
    "u, a has nan invited": lambda: by_group(GOOD, SCALE, asked(("u", "a", None))),
    "10 invited but a population of 9": lambda: by_group(GOOD, SCALE, asked(("u", "a", 10, 9))),
    "invited: u, a stands more than once": lambda: by_group(GOOD, SCALE, pd.concat([INVITED, INVITED])),
    "u, a0 is in more than one group": lambda: by_group(pd.concat([GOOD, GOOD.assign(group="b")]), SCALE),
    "a0 answered q1 more than once": lambda: by_group(pd.concat([GOOD, GOOD]).assign(item="q1"), SCALE),
    "u, a0: 101 lies outside the scale 0..100": lambda: by_group(changed(GOOD, "value", 101), SCALE),
    "u, a0: -1 lies outside": lambda: by_group(changed(GOOD, "value", -1), SCALE),
    "value good is no number": lambda: by_group(changed(GOOD.astype(object), "value", "good"), SCALE),
    "answers: a group is called 'all'": lambda: by_group(changed(GOOD, "group", "all"), SCALE),
    "invited: a group is called 'all'": lambda: by_group(GOOD, SCALE, asked(("u", "all", 10))),
    "a row lacks one of": lambda: by_group(changed(GOOD, "respondent", None), SCALE),
    "answers: the column group": lambda: by_group(GOOD.drop(columns="group"), SCALE),
    "invited: the column invited": lambda: by_group(GOOD, SCALE, INVITED.drop(columns="invited")),
    "scale is": lambda: by_group(GOOD, {"lower": 5, "upper": 5}),
    "level is 90": lambda: by_group(GOOD, SCALE, level=90),
    "smallest is 0": lambda: by_group(GOOD, SCALE, smallest=0),
    "smallest is 2.5": lambda: by_group(GOOD, SCALE, smallest=2.5),
    "weights need the number invited": lambda: weights(GOOD, None),
    "group 'a' of u has answers": lambda: weights(GOOD, asked(("u", "b", 10))),
}


@pytest.mark.parametrize("told", REFUSED)
def test_bad_input_is_told(monkeypatch, told):
    monkeypatch.setenv("ICCP_LANG", "en")
    with pytest.raises(UserError, match=told) as caught:
        REFUSED[told]()
    assert caught.value.ko and caught.value.ko != caught.value.en


def test_a_respondent_of_the_same_name_in_two_units_is_two():
    assert by_group(answers({"u": {"a": [1] * 5}, "v": {"b": [1] * 5}}).assign(respondent=[*range(5)] * 2), SCALE)["respondents"].tolist() == [5] * 4
