"""Productivity as an index number, by hand, and effects on neighbours with a known truth."""

import numpy as np
import pandas as pd
import pytest

from evaluation.errors import UserError
from evaluation.impact.estimators import estimate
from evaluation.impact.productivity import total_factor_productivity
from evaluation.impact.specification import complete_impact
from evaluation.impact.spillovers import neighbours
from evaluation.sources.specs import read_impact

SPEC = complete_impact(read_impact())
PRICES = pd.Series({2009: 100.0, 2010: 100.0})


def rows(*values):
    return pd.DataFrame(values, columns=["year", "production", "intermediate_inputs", "employment", "capital"])


def test_the_same_inputs_and_a_tenth_more_output():
    found = total_factor_productivity(rows((2009, 100, 50, 10, 200), (2010, 110, 55, 10, 200)), PRICES, 0.6)
    # Shares are the same (0.5, 0.3, 0.2): ln 1.1 of output less half of ln 1.1 of intermediates.
    assert np.log(found[1] / found[0]) == pytest.approx(0.5 * np.log(1.1))
    assert np.log(found).sum() == pytest.approx(0)


def test_all_inputs_and_output_doubled_is_no_productivity():
    found = total_factor_productivity(rows((2009, 100, 50, 10, 200), (2010, 200, 100, 20, 400)), PRICES, 0.6)
    assert found.to_list() == pytest.approx([1, 1])


def test_shares_that_differ_are_averaged_with_those_of_all():
    """By hand: materials' shares 0.5 and 0.6; labour 0.6 of the rest."""
    data = rows((2009, 100, 50, 10, 200), (2010, 150, 90, 12, 210))
    share = np.array([[0.5, 0.3, 0.2], [0.6, 0.24, 0.16]])
    x = np.log(data[["intermediate_inputs", "employment", "capital"]].to_numpy(float))
    y = np.log(data["production"].to_numpy(float))
    by_hand = (y - y.mean()) - ((share + share.mean(axis=0)) / 2 * (x - x.mean(axis=0))).sum(axis=1)
    assert np.log(total_factor_productivity(data, PRICES, 0.6)).to_numpy() == pytest.approx(by_hand)


def test_prices_are_taken_out_of_money_and_not_of_persons():
    dearer = rows((2009, 100, 50, 10, 200), (2010, 120, 60, 10, 240))
    assert total_factor_productivity(dearer, pd.Series({2009: 100.0, 2010: 120.0}), 0.6).to_list() == pytest.approx([1, 1])


def test_what_cannot_be_told_is_missing():
    found = total_factor_productivity(rows((2009, 100, 50, 10, 200), (2010, 100, 100, 10, 200), (2010, 100, 50, 0, 200), (2009, np.nan, 50, 10, 200)), PRICES, 0.6)
    assert found.isna().tolist() == [False, True, True, True]


def zoned(effect):
    """Zones a and b are joined in 2005, c in 2008; ten non-participants in each gain `effect` once others of their zone have joined."""
    rng = np.random.default_rng(4)
    complexes, data = [], []
    for zone, joined in (("a", 2005), ("b", 2005), ("c", 2008), ("d", 2008)):
        complexes.append((f"{zone}-hub", zone, joined))
        for number in range(10):
            name = f"{zone}{number}"
            complexes.append((name, zone, np.nan))
            level = rng.normal()
            data += [(name, year, 0, level + 0.02 * year + effect * (year >= joined) + 0.01 * rng.normal()) for year in range(2001, 2011)]
    return pd.DataFrame(data, columns=["complex_id", "year", "cohort", "y"]), pd.DataFrame(complexes, columns=["complex_id", "zone", "first_treated"])


@pytest.mark.parametrize("effect", [0.0, 0.15])
def test_the_effect_on_neighbours_is_found(effect):
    plan = neighbours(*zoned(effect), SPEC)
    assert plan.cohorts == {2005: 20, 2008: 20} and plan.n_never == 0
    assert estimate(plan, "cs").estimate == pytest.approx(effect, abs=0.01)


def test_zones_that_were_all_joined_at_once_leave_nobody_to_compare_with():
    data, complexes = zoned(0.1)
    with pytest.raises(UserError, match="nobody to compare with"):
        neighbours(data, complexes.assign(first_treated=complexes["first_treated"].replace(2008, 2005)), SPEC)
