"""Estimates under many assignments at once, against estimating anew under each.

Tolerances: the same least-squares problems in another order of sums, so 1e-10.
"""

from dataclasses import replace

import numpy as np
import pytest

from evaluation.errors import UserError
from evaluation.impact.design import design
from evaluation.impact.estimators import estimate
from evaluation.impact.inference import linear
from tests.impact.test_twfe import panel

CLOSED = [
    *(("cs", aggregate) for aggregate in ("simple", "group", "calendar", "dynamic")), *(("etwfe", aggregate) for aggregate in ("simple", "group", "calendar", "dynamic")),
    ("sa", "simple"), ("sa", "dynamic"), ("bjs", "simple"), ("bjs", "group"), ("did2s", "simple"), ("twfe", "simple"),
]  # fmt: skip
PROBED = [("twfe", "dynamic"), ("bjs", "dynamic"), ("did2s", "dynamic"), ("stacked", "simple"), ("stacked", "dynamic"), ("lpdid", "simple"), ("lpdid", "dynamic")]


def plan_of(weights=None, units=40, times=7, **more):
    frame = panel(3, units=units, times=times)
    frame["w"] = frame.groupby("unit")["w"].transform("first")
    return design(frame, "unit", "time", "y", "cohort", weights=weights, **more)


def others(plan, draws=3):
    rng = np.random.default_rng(1)
    return np.array([plan.first, *(rng.permutation(plan.first) for _ in range(draws))])


def one_by_one(plan, estimator, aggregate, first):
    some = replace(linear.blocks(plan), of_unit=np.arange(len(plan.names)))
    return np.array([linear.estimates(linear.assigned(plan, some, row), estimator, aggregate)[0] for row in first])


def equal(plan, estimator, aggregate, draws=3):
    first = others(plan, draws)
    assert linear.statistics(plan, estimator, aggregate, first) == pytest.approx(one_by_one(plan, estimator, aggregate, first), abs=1e-10)


@pytest.mark.parametrize(("estimator", "aggregate"), CLOSED)
def test_the_same_as_estimating_under_each_assignment(estimator, aggregate):
    equal(plan_of(), estimator, aggregate)


@pytest.mark.parametrize(("estimator", "aggregate"), [one for one in CLOSED if one[0] not in ("sa", "twfe")])
def test_the_same_with_weights_anticipation_and_not_yet_treated_controls(estimator, aggregate):
    equal(plan_of("w", control="notyet", anticipation=1, before=2, after=2), estimator, aggregate, draws=2)


@pytest.mark.parametrize("anticipation", [1, 2])
def test_two_way_fixed_effects_with_anticipation_are_of_the_rows_they_keep(anticipation):
    equal(plan_of(units=24, times=6, anticipation=anticipation), "twfe", "simple", draws=2)


@pytest.mark.parametrize("more", [{"control": "notyet"}, {"anticipation": 1}, {"before": 2, "after": 1}], ids=str)
@pytest.mark.parametrize("weights", [None, "w"])
@pytest.mark.parametrize(("estimator", "aggregate"), CLOSED)
@pytest.mark.slow
def test_the_same_whatever_is_asked_for(estimator, aggregate, weights, more):
    if (estimator == "sa" and "control" in more) or (estimator == "twfe" and weights and "anticipation" in more):
        with pytest.raises(UserError, match="no linear form"):
            linear.statistics(plan_of(weights, **more), estimator, aggregate, others(plan_of()))
    else:
        equal(plan_of(weights, **more), estimator, aggregate)


@pytest.mark.parametrize(("estimator", "aggregate"), [*PROBED[3:4], *PROBED[5:6]])
def test_a_form_that_is_found_out(estimator, aggregate):
    equal(plan_of(units=24, times=6), estimator, aggregate, draws=2)


@pytest.mark.parametrize(("estimator", "aggregate"), [*PROBED, ("dcdh", "simple"), ("dcdh", "dynamic")])
@pytest.mark.slow
def test_forms_that_are_found_out(estimator, aggregate):
    equal(plan_of(before=2, after=2), estimator, aggregate)


def test_without_never_treated_units():
    frame = panel(3, units=30, times=7)
    frame["cohort"] = np.where(frame["cohort"] == 0, 4, frame["cohort"])
    equal(design(frame, "unit", "time", "y", "cohort", control="notyet"), "cs", "simple", draws=2)


def test_uneven_periods():
    frame = panel(3, units=30, times=9)
    frame = frame[~frame["time"].isin([2, 6])]
    for estimator in ("cs", "bjs", "twfe"):
        equal(design(frame, "unit", "time", "y", "cohort"), estimator, "simple")


def test_where_dates_differ_between_draws():
    plan = plan_of()
    first = np.array([plan.first, np.where(plan.first == 3, 6, np.where(plan.first == 5, 2, 0)), np.where(plan.first == 3, 5, np.where(plan.first == 5, 3, 0))])
    for estimator in ("cs", "bjs", "twfe"):
        assert linear.statistics(plan, estimator, "simple", first) == pytest.approx(one_by_one(plan, estimator, "simple", first), abs=1e-10)


@pytest.mark.parametrize("estimator", ["sdid", "sc", "etwfe_poisson"])
def test_no_form_for_what_is_not_linear(estimator):
    with pytest.raises(UserError, match="no linear form"):
        linear.statistics(plan_of(), estimator, "simple", others(plan_of()))


@pytest.mark.parametrize("more", [{"covariates": ("x",)}, {"weights": "w"}], ids=str)
def test_no_form_with_covariates_or_with_weights_that_change(more):
    plan = design(panel(3), "unit", "time", "y", "cohort", **more)
    assert linear.linear_form(plan, linear.blocks(plan), "cs", "simple") is None


def by_hand(some, form, first, shift, few):
    """The five moments of one draw and row, written out."""
    groups = [g for g in np.unique(first)]
    masses = np.array([some.weight[first == g].sum() for g in groups])
    weights = form(np.array(groups[1:]), masses[None])[0, 0]
    out = np.zeros(5)
    for place, g in enumerate(groups):
        member, share = first == g, some.weight / masses[place]
        pair = [some.y @ weights[place], shift @ weights[place]]
        within = [one - np.array([np.average(one[first == h], weights=some.weight[first == h]) for h in first]) for one in pair]
        out[[0, 2]] += [(share * one)[member].sum() for one in pair]
        n = member.sum()
        for number, (i, j) in ((1, (0, 0)), (3, (0, 1)), (4, (1, 1))):
            if n < few:
                out[number] += (within[i] * within[j]).sum() / (len(first) - len(groups)) * (share[member] ** 2).sum()
            else:
                out[number] += (share**2 * within[i] * within[j])[member].sum() * (n / (n - 1) if few else 1)
    return out


@pytest.mark.parametrize("few", [0, 12, 100])
@pytest.mark.parametrize("weights", [None, "w"])
def test_variances_and_what_an_effect_does_to_them(weights, few):
    plan = plan_of(weights)
    some = linear.blocks(plan)
    form, labels = linear.linear_form(plan, some, "bjs", "simple")
    shift = linear.shifts(plan, some, "bjs", labels)
    first = np.array([some.first, np.random.default_rng(2).permutation(some.first)])
    assert sorted(np.unique(some.first, return_counts=True)[1])[0] < 12 < sorted(np.unique(some.first, return_counts=True)[1])[-1]
    found = linear.moments(some, form, first, shift, few)
    for row, one in enumerate(first):
        ours = [part[row, 0] for part in (found.estimate, found.variance, found.shift, found.covariance, found.shift_variance)]
        assert ours == pytest.approx(by_hand(some, form, one, shift[0], few), abs=1e-10)
    # Treatment itself is the same for all of a cohort.
    assert [found.shift[0, 0], found.covariance[0, 0], found.shift_variance[0, 0]] == pytest.approx([1, 0, 0], abs=1e-10)


def test_the_variance_is_the_clustered_one_where_two_groups_are_compared():
    frame = panel(4, units=30)
    frame["cohort"] = np.where(frame["unit"] < 9, 4, 0)
    plan = design(frame, "unit", "time", "y", "cohort")
    some = linear.blocks(plan)
    form, labels = linear.linear_form(plan, some, "twfe", "simple")
    ours = linear.moments(some, form, some.first[None], linear.shifts(plan, some, "twfe", labels), few=0).variance[0, 0]
    units, n, times = 30, len(frame), frame["time"].nunique()
    assert estimate(plan, "twfe").se ** 2 == pytest.approx(ours * units / (units - 1) * (n - 1) / (n - 1 - times), rel=1e-10)
    assert estimate(plan, "cs").se ** 2 == pytest.approx(linear.moments(some, linear.linear_form(plan, some, "cs", "simple")[0], some.first[None], np.zeros((1, 1, 1)), few=0).variance[0, 0], rel=1e-10)


def test_clusters_are_blocks_with_the_weight_of_their_units():
    frame = panel(5, units=40)
    frame["town"] = frame["unit"] // 3
    frame["cohort"] = frame.groupby("town")["cohort"].transform("first")
    plan = design(frame, "unit", "time", "y", "cohort", cluster="town")
    some = linear.blocks(plan)
    assert some.name == "cluster" and len(some.y) == 14 and sorted(some.weight) == [1, *[3] * 13]
    first = np.array([some.first, np.random.default_rng(3).permutation(some.first)])
    for estimator in ("cs", "bjs", "twfe"):
        form, _ = linear.linear_form(plan, some, estimator, "simple")
        ours = linear.moments(some, form, first, np.zeros((1, 1, 1))).estimate[:, 0]
        assert ours == pytest.approx([estimate(linear.assigned(plan, some, row), estimator).estimate for row in first], abs=1e-10)


def test_estimating_anew_gives_the_same_moments_as_the_form():
    plan = plan_of()
    some = linear.blocks(plan)
    form, labels = linear.linear_form(plan, some, "cs", "simple")
    first = np.array([some.first, np.random.default_rng(2).permutation(some.first)])
    ours, (theirs, refused) = linear.moments(some, form, first, linear.shifts(plan, some, "cs", labels), few=0), linear.estimated_anew(plan, "cs", "simple", some, first)
    assert refused == 0
    for name in ("estimate", "shift"):
        assert getattr(ours, name) == pytest.approx(getattr(theirs, name), abs=1e-10)


def test_names_and_the_order_of_rows_do_not_change_the_order_of_blocks():
    frame = panel(6, units=30)
    other = frame.assign(unit="u" + ((frame["unit"] * 7) % 30).astype(str)).sample(frac=1, random_state=1)
    first, second = (linear.blocks(design(rows, "unit", "time", "y", "cohort")) for rows in (frame, other))
    assert np.array_equal(first.y, second.y) and np.array_equal(first.first, second.first)
