"""What the ranking depends on: against figures worked by hand, published indices, brute force and linear programmes."""

import tracemalloc

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.optimize import linprog

from evaluation.errors import UserError
from evaluation.index import sensitivity
from evaluation.index.sensitivity import (
    choice_summary,
    draw_weights,
    enumerate_choices,
    smallest_swap,
    sobol,
    sobol_linear,
    stability_intervals,
    weight_uncertainty,
    without_each_component,
)
from evaluation.index.tree import rank

WEIGHTS = pd.Series({"a": 50.0, "b": 30.0, "c": 20.0})
# Totals: p 50*.8 + 30*.6 + 20*.5 = 68, q 30 + 27 + 8 = 65, r 20 + 15 + 16 = 51.
SCORES = pd.DataFrame({"a": [80.0, 60.0, 40.0], "b": [60.0, 90.0, 50.0], "c": [50.0, 40.0, 80.0]}, index=["p", "q", "r"])


def random_case(rng, units, components, whole=False):
    names = [f"c{i}" for i in range(components)]
    marks = rng.integers(0, 11, (units, components)) * 10.0 if whole else 100 * rng.random((units, components))
    weights = pd.Series(100 * rng.dirichlet(np.ones(components)), index=names)
    return pd.DataFrame(marks, columns=names, index=[f"u{i}" for i in range(units)]), weights


def total(scores, weights):
    return scores[weights.index] @ weights / 100


# --- drawn weights


def test_drawn_weights_have_the_mean_and_the_spread_of_the_docstring():
    weights = pd.Series({"a": 20.0, "b": 0.0, "c": 80.0})
    drawn = draw_weights(weights, 99, 20_000, seed=1)
    assert drawn.shape == (20_000, 3) and (drawn[:, 1] == 0).all() and (drawn >= 0).all()
    np.testing.assert_allclose(drawn.sum(axis=1), 100, rtol=1e-12)
    # Standard deviation 4 points by sqrt(20 * 80 / 100); four standard errors of the mean and about as much of the deviation.
    assert drawn[:, 0].mean() == pytest.approx(20, abs=4 * 4 / np.sqrt(20_000))
    assert drawn[:, 0].std() == pytest.approx(4, abs=4 * 4 / np.sqrt(2 * 20_000))
    np.testing.assert_array_equal(draw_weights(weights, 99, 20_000, seed=1), drawn)


def test_all_weight_on_one_component_stays_there():
    drawn = draw_weights(pd.Series({"a": 0.0, "b": 100.0}), 5, 10, seed=0)
    np.testing.assert_allclose(drawn, [[0, 100]] * 10, rtol=1e-14)


# --- rank probabilities


def test_two_units_and_two_components_against_the_beta_distribution():
    """x is ahead where the weight of a exceeds 40: the weight is 100 * Beta(30 * .5, 30 * .5)."""
    scores = pd.DataFrame({"a": [80.0, 50.0], "b": [40.0, 60.0]}, index=["x", "y"])
    table = weight_uncertainty(scores, pd.Series({"b": 50.0, "a": 50.0}), 30, 20_000, seed=2)
    chance = stats.beta(15, 15).sf(0.4)
    # Four standard errors of a share of 20,000 draws.
    assert table.loc["x", 1] == pytest.approx(chance, abs=4 * np.sqrt(chance * (1 - chance) / 20_000))
    np.testing.assert_allclose(table.sum(axis=1), 1)
    np.testing.assert_allclose(table.sum(axis=0), 1)


@pytest.mark.parametrize("ties", ["min", "max", "dense"])
def test_rank_probabilities_against_a_loop_and_whatever_the_chunks(monkeypatch, ties):
    scores, weights = random_case(np.random.default_rng(3), 7, 4)
    scores.iloc[5] = scores.iloc[2]
    table = weight_uncertainty(scores, weights, 10, 300, seed=4, ties=ties)
    expected = pd.DataFrame(0.0, index=scores.index, columns=table.columns)
    for drawn in draw_weights(weights, 10, 300, seed=4):
        for unit, place in zip(scores.index, rank(scores @ drawn / 100, ties), strict=True):
            expected.loc[unit, place] += 1 / 300
    np.testing.assert_allclose(table, expected, atol=1e-12)
    for cells in (1, 50):
        monkeypatch.setattr(sensitivity, "CELLS", cells)
        pd.testing.assert_frame_equal(weight_uncertainty(scores, weights, 10, 300, seed=4, ties=ties), table)


def test_a_unit_better_throughout_is_first_in_every_draw():
    scores = pd.DataFrame({"a": [90.0, 10.0, 50.0], "b": [80.0, 20.0, 50.0]}, index=["x", "y", "z"])
    table = weight_uncertainty(scores, pd.Series({"a": 50.0, "b": 50.0}), 2, 500, seed=5)
    assert table.loc["x", 1] == table.loc["z", 2] == table.loc["y", 3] == 1


@pytest.mark.slow
def test_a_large_case_needs_less_than_a_gigabyte():
    scores, weights = random_case(np.random.default_rng(6), 1000, 50)
    tracemalloc.start()
    weight_uncertainty(scores, weights, 100, 10_000, seed=6)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1e9


# --- Sobol' indices


def ishigami(x, a=7.0, b=0.1):
    return np.sin(x[0]) + a * np.sin(x[1]) ** 2 + b * x[2] ** 4 * np.sin(x[0])


FIRST = [0.31390519114781146, 0.4424111447900409, 0]
TOTAL = [0.5575888552099592, 0.4424111447900409, 0.24368366406214773]
PI_BOUNDS = {name: (-np.pi, np.pi) for name in ("x1", "x2", "x3")}


def test_the_golden_figures_are_ishigamis_own():
    """Its variance in parts: V1 = (1 + b pi^4 / 5)^2 / 2, V2 = a^2 / 8, V13 = 8 b^2 pi^8 / 225."""
    parts = np.array([(1 + 0.1 * np.pi**4 / 5) ** 2 / 2, 49 / 8, 0.01 * np.pi**8 * 8 / 225])
    share = parts / parts.sum()
    np.testing.assert_allclose([*share[:2], 0], FIRST, rtol=1e-14)
    np.testing.assert_allclose([share[0] + share[2], share[1], share[2]], TOTAL, rtol=1e-14)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_sobol_indices_of_the_ishigami_function(seed):
    n = 2**14
    table = sobol(ishigami, PI_BOUNDS, n, seed, draws=200)
    assert list(table["input"]) == ["x1", "x2", "x3"]
    # Independent points would err by about 1 / sqrt(n) = 0.008; Sobol' points keep within it.
    np.testing.assert_allclose(table["first"], FIRST, atol=1 / np.sqrt(n))
    np.testing.assert_allclose(table["total"], TOTAL, atol=1 / np.sqrt(n))
    for name, truth in (("first", FIRST), ("total", TOTAL)):
        assert (table[f"{name}_lower"] < truth).all() and (truth < table[f"{name}_upper"]).all()


def test_sobol_is_what_scipy_estimates_and_repeats_itself():
    table = sobol(ishigami, PI_BOUNDS, 256, seed=4, draws=50)
    reference = stats.sobol_indices(func=ishigami, n=256, dists=[stats.uniform(-np.pi, 2 * np.pi)] * 3, rng=4)
    np.testing.assert_allclose(table["first"], reference.first_order, rtol=1e-10)
    np.testing.assert_allclose(table["total"], reference.total_order, rtol=1e-10)
    pd.testing.assert_frame_equal(sobol(ishigami, PI_BOUNDS, 256, seed=4, draws=50), table)


def test_the_bootstrap_against_a_plain_loop():
    """Resampled points put into scipy's estimators as they stand, and percentiles of them."""
    table = sobol(ishigami, PI_BOUNDS, 128, seed=5, draws=60, level=0.8)
    reference = stats.sobol_indices(func=ishigami, n=128, dists=[stats.uniform(-np.pi, 2 * np.pi)] * 3, rng=5)
    f_a, f_b, f_ab = reference._f_A[0], reference._f_B[0], reference._f_AB[:, 0]
    rng, firsts, totals = np.random.default_rng(5), [], []
    for _ in range(60):
        at = rng.integers(128, size=128)
        variance = np.var([f_a[at], f_b[at]])
        firsts.append((f_b[at] * (f_ab[:, at] - f_a[at])).mean(axis=1) / variance)
        totals.append(((f_a[at] - f_ab[:, at]) ** 2).mean(axis=1) / 2 / variance)
    for name, drawn in (("first", firsts), ("total", totals)):
        lower, upper = np.quantile(drawn, [0.1, 0.9], axis=0)
        np.testing.assert_allclose(table[f"{name}_lower"], lower, rtol=1e-9)
        np.testing.assert_allclose(table[f"{name}_upper"], upper, rtol=1e-9)


LINEAR = pd.Series({"a": 0.4, "b": 0.1, "c": 0.2, "d": 0.2, "e": 0.1})
LINEAR_SHARES = [0.6153846153846153, 0.03846153846153846, 0.15384615384615383, 0.15384615384615383, 0.03846153846153846]


def test_sobol_of_a_linear_index_is_its_closed_form():
    exact = sobol_linear(LINEAR, pd.Series(1 / 12, index=list("edcba")))
    np.testing.assert_allclose(exact, LINEAR_SHARES, rtol=1e-14)
    assert list(exact.index) == list("abcde") and exact.sum() == pytest.approx(1, rel=1e-14)
    n = 2**12
    table = sobol(lambda x: LINEAR.to_numpy() @ x, {name: (0, 1) for name in LINEAR.index}, n, seed=6, draws=100)
    # 1 / sqrt(n) = 0.016 by independent points; a smooth sum is far nearer by Sobol' points.
    np.testing.assert_allclose(table["first"], exact, atol=0.002)
    np.testing.assert_allclose(table["total"], exact, atol=0.002)


def test_inputs_of_other_distributions_count_by_their_variance():
    weights, deviations = pd.Series({"x": 60.0, "y": 40.0}), pd.Series({"x": 1.0, "y": 3.0})
    exact = sobol_linear(weights, deviations**2)
    np.testing.assert_allclose(exact, [36 / 180, 144 / 180], rtol=1e-14)
    inputs = {name: stats.norm(50, deviation) for name, deviation in deviations.items()}
    table = sobol(lambda x: weights.to_numpy() @ x, inputs, 2**12, seed=7, draws=10)
    np.testing.assert_allclose(table["first"], exact, atol=0.005)


@pytest.mark.parametrize("value", [0.0, 0.1, 63.69616873214543, 26.97867137638703])
def test_a_function_that_does_not_vary_has_no_shares(value):
    """Nor where the mean of equal values is not quite that value."""
    table = sobol(lambda x: np.full(x.shape[1], value), {"x": (0, 1), "y": (0, 1)}, 64, seed=8, draws=5)
    assert table.drop(columns="input").isna().all().all()


# --- the smallest change of weights


def new_weights(row, weights):
    return row[[f"weight_{name}" for name in weights.index]].astype(float).set_axis(weights.index)


def by_linear_programme(better, now):
    """Half the least L1 change that makes better @ w = 0: variables are the additions and the takings."""
    k = len(now)
    solved = linprog(
        np.full(2 * k, 0.5),
        A_eq=[np.r_[better, -better], np.r_[np.ones(k), -np.ones(k)]], b_eq=[-better @ now, 0],
        bounds=[(0, 100)] * k + [(0, weight) for weight in now],
    )  # fmt: skip
    return solved.fun if solved.success else np.nan


def test_the_smallest_swap_by_hand():
    """p less q is 20, -30, 10: from a to b a point closes .5, so that the gap of 3 takes 6 points."""
    table = smallest_swap(SCORES, WEIGHTS)
    assert list(table["ahead"]) == ["p", "p", "q", "q"] and list(table["version"]) == ["any", "two"] * 2
    for number in (0, 1):
        row = table.iloc[number]
        assert row["gap"] == pytest.approx(3) and row["moved"] == pytest.approx(6) and pd.isna(row["reason"])
        assert (row["behind"], row["from"], row["to"]) == ("q", "a", "b")
        np.testing.assert_allclose(new_weights(row, WEIGHTS), [44, 36, 20])
    # q less r is 20, 40, -40: from b to c a point closes .8, so that the gap of 14 takes 17.5 points.
    np.testing.assert_allclose(new_weights(table.iloc[2], WEIGHTS), [50, 12.5, 37.5])


def test_two_components_cost_more_than_any_or_cannot_do_it():
    """x less y is 50, 40, -50: a has 10 points only, and the rest has to come from b."""
    scores = pd.DataFrame({"a": [90.0, 40.0], "b": [80.0, 40.0], "c": [20.0, 70.0]}, index=["x", "y"])
    weights = pd.Series({"a": 10.0, "b": 60.0, "c": 30.0})
    both, two = smallest_swap(scores, weights).to_dict("records")
    # Gap 14 points: all of a closes 10, and b the other 4 at .9 a point; b alone takes 14 / .9.
    assert both["from"] == "a, b" and both["moved"] == pytest.approx(10 + 4 / 0.9)
    assert two["from"] == "b" and two["moved"] == pytest.approx(14 / 0.9)
    weights = pd.Series({"a": 33.0, "b": 34.0, "c": 33.0})
    scores["c"] = [40.0, 45.0]
    both, two = smallest_swap(scores, weights).to_dict("records")
    assert both["from"] == "a, b" and both["moved"] > 33
    assert two["reason"] == "too_light" and np.isnan(two["moved"]) and pd.isna(two["from"]) and np.isnan(two["weight_a"])


@pytest.mark.parametrize("seed", range(30))
def test_the_smallest_swap_against_linear_programmes_and_all_pairs(seed):
    rng = np.random.default_rng(seed)
    scores, weights = random_case(rng, 6, int(rng.integers(2, 6)), whole=seed % 2 == 0)
    table = smallest_swap(scores, weights)
    assert len(table) == 2 * (len(scores) - 1)
    for _, row in table.iterrows():
        better = (scores.loc[row["ahead"]] - scores.loc[row["behind"]]).to_numpy()
        now = weights.to_numpy()
        if row["reason"] == "dominated":
            assert (better >= 0).all() and np.isnan(row["moved"])
            continue
        if row["version"] == "any":
            expected = by_linear_programme(better, now)
        else:
            pairs = [(i, j) for i in range(len(now)) for j in range(len(now)) if better[i] > better[j]]
            needed = {(i, j): 100 * row["gap"] / (better[i] - better[j]) for i, j in pairs}
            expected = min((points for (i, _), points in needed.items() if points <= now[i] + 1e-9), default=np.nan)
        np.testing.assert_allclose(row["moved"], expected, atol=1e-6)
        if np.isnan(expected):
            assert row["reason"] == "too_light"
            continue
        new = new_weights(row, weights)
        assert new.sum() == pytest.approx(100) and (new >= -1e-9).all()
        assert abs(new - weights).sum() / 2 == pytest.approx(row["moved"])
        applied = total(scores, new)
        assert applied[row["ahead"]] == pytest.approx(applied[row["behind"]], abs=1e-9)
        # A little beyond, the two have swapped; a little before, not.
        for step, sign in ((1.001, -1), (0.999, 1)):
            near = total(scores, weights + step * (new - weights))
            assert sign * (near[row["ahead"]] - near[row["behind"]]) > 0 or row["moved"] < 1e-6


def test_no_weights_on_a_grid_swap_with_less():
    grid = np.array([(i, j, 50 - i - j) for i in range(51) for j in range(51 - i)]) * 2.0
    for seed in range(5):
        scores, weights = random_case(np.random.default_rng(100 + seed), 4, 3)
        for _, row in smallest_swap(scores, weights).iloc[::2].iterrows():
            better = (scores.loc[row["ahead"]] - scores.loc[row["behind"]]).to_numpy()
            moved = abs(grid[grid @ better < 0] - weights.to_numpy()).sum(axis=1) / 2
            if row["reason"] == "dominated":
                assert not moved.size
            elif moved.size:
                # A grid of 2 points has a point within 4 of any other weights that swap the two.
                assert row["moved"] - 1e-9 <= moved.min() <= row["moved"] + 4


def test_pairs_that_are_tied_or_dominated_say_so():
    scores = pd.DataFrame({"a": [50.0, 90.0, 90.0, 10.0], "b": [50.0, 10.0, 90.0, 90.0]}, index=list("wxyz"))
    weights = pd.Series({"a": 50.0, "b": 50.0})
    table = smallest_swap(scores, weights)
    assert list(table["ahead"][::2]) == ["y", "w", "x"] and list(table["behind"][::2]) == ["w", "x", "z"]
    assert list(table["reason"][::2]) == ["dominated", "tied", "tied"]
    assert (table["moved"].iloc[2:] == 0).all() and (table["weight_a"].iloc[2:] == 50).all() and table["from"].isna().all()
    assert set(table["reason"]) <= set(sensitivity.REASONS)
    # Equal in b: weight on b alone would make them level, but nothing swaps them.
    equal = pd.DataFrame({"a": [60.0, 50.0], "b": [50.0, 50.0]}, index=["x", "y"])
    assert (smallest_swap(equal, weights)["reason"] == "dominated").all()


def test_a_component_without_weight_may_be_given_some():
    scores = pd.DataFrame({"a": [60.0, 50.0], "b": [50.0, 80.0]}, index=["x", "y"])
    row = smallest_swap(scores, pd.Series({"a": 100.0, "b": 0.0})).iloc[0]
    assert row["to"] == "b" and row["moved"] == pytest.approx(25)


def test_one_unit_has_no_neighbour():
    table = smallest_swap(SCORES.iloc[:1], WEIGHTS)
    assert table.empty and "weight_c" in table


# --- a component left out


def test_without_each_component_by_hand():
    table = without_each_component(SCORES, WEIGHTS).set_index(["without", "unit"])
    assert len(table) == 9
    # Without a: b and c weigh 60 and 40.
    np.testing.assert_allclose(table.loc["a", "total"], [56, 70, 62])
    assert list(table.loc["a", "rank"]) == [3, 1, 2] and list(table.loc["a", "rank_change"]) == [2, -1, -1]
    np.testing.assert_allclose(table.loc["a", "total_change"], [-12, 5, 11])


def test_without_each_component_against_a_loop():
    scores, weights = random_case(np.random.default_rng(9), 8, 5, whole=True)
    table = without_each_component(scores, weights, ties="dense")
    for name in scores:
        others = weights.drop(name)
        part = table[table["without"] == name]
        expected = total(scores, 100 * others / others.sum())
        np.testing.assert_allclose(part["total"], expected)
        np.testing.assert_array_equal(part["rank"], rank(expected, "dense"))
        np.testing.assert_array_equal(part["rank_change"], rank(expected, "dense") - rank(total(scores, weights), "dense"))


# --- choices


def chosen(weighting, mean):
    weights = {"scheme": WEIGHTS, "equal": WEIGHTS * 0 + 100 / 3}[weighting]
    return np.exp(np.log(SCORES) @ weights / 100) if mean == "geometric" else SCORES @ weights / 100


CHOICES = {"weighting": ["scheme", "equal"], "mean": ["arithmetic", "geometric"]}


def test_every_combination_of_choices_is_there():
    table = enumerate_choices(chosen, CHOICES)
    assert list(table.columns) == ["weighting", "mean", "unit", "total", "rank"] and len(table) == 12
    for (weighting, mean), part in table.groupby(["weighting", "mean"]):
        np.testing.assert_allclose(part["total"], chosen(weighting, mean))
        np.testing.assert_array_equal(part["rank"], rank(chosen(weighting, mean)))
    by_hand = table[(table["weighting"] == "equal") & (table["mean"] == "arithmetic")]
    np.testing.assert_allclose(by_hand["total"], [190 / 3, 190 / 3, 170 / 3])
    assert list(by_hand["rank"]) == [1, 1, 3]


def switch(first, second):
    """y overtakes x by the first choice; z, far ahead, is moved by nothing."""
    return pd.Series({"x": 50.0, "y": 40.0 + 20 * first + 1 * second, "z": 90.0})


def test_the_summary_of_choices_by_hand():
    summary = choice_summary(enumerate_choices(switch, {"first": [0, 1], "second": [0, 5]}))
    table = summary.set_index("unit")
    assert list(table["best"]) == [2, 2, 1] and list(table["worst"]) == [3, 3, 1] and list(table["median"]) == [2.5, 2.5, 1]
    assert list(table["moves_first"]) == [1, 1, 0] and list(table["moves_second"]) == [0, 0, 0]
    assert list(table["most"][:2]) == ["first", "first"] and pd.isna(table["most"]["z"])
    np.testing.assert_allclose(table[["rank_1", "rank_2", "rank_3"]], [[0, 0.5, 0.5], [0, 0.5, 0.5], [1, 0, 0]])


def test_the_summary_of_choices_against_a_loop_in_any_order_of_rows():
    rng = np.random.default_rng(10)
    options = {"k": [0, 1, 2], "l": ["a", None], "m": [(1, 2)], "n": [True, False, "maybe"]}
    drawn = {}

    def score(**combination):
        return drawn.setdefault(tuple(combination.values()), pd.Series(rng.random(5), index=list("vwxyz")))

    table = enumerate_choices(lambda **combination: score(**combination).sample(frac=1, random_state=len(drawn)), options)
    for number, found in enumerate(drawn.values()):
        part = table.iloc[5 * number : 5 * number + 5]
        pd.testing.assert_series_equal(part.set_index("unit")["total"].sort_index(), found, check_names=False)
    summary = choice_summary(table).set_index("unit")
    shuffled = choice_summary(table.sample(frac=1, random_state=1)).set_index("unit")
    pd.testing.assert_frame_equal(shuffled.loc[summary.index], summary)
    ranks = {key: dict(zip(values.index, rank(values), strict=True)) for key, values in drawn.items()}
    for unit in "vwxyz":
        means = {}
        for axis, name in enumerate(options):
            alike = [(one, two) for one in ranks for two in ranks if [i for i in range(4) if one[i] is not two[i]] == [axis]]
            moved = [abs(ranks[one][unit] - ranks[two][unit]) for one, two in alike]
            means[name] = np.mean(moved) if moved else np.nan
            assert summary.loc[unit, f"moves_{name}"] == pytest.approx(means[name], nan_ok=True)
        assert summary.loc[unit, "most"] == pd.Series(means).idxmax()
        own = [places[unit] for places in ranks.values()]
        assert (summary.loc[unit, "best"], summary.loc[unit, "worst"]) == (min(own), max(own))
        assert summary.loc[unit, "rank_2"] == pytest.approx(own.count(2) / len(own))


def test_a_part_of_an_enumeration_is_no_enumeration():
    table = enumerate_choices(chosen, CHOICES)
    for broken in (table.iloc[1:], pd.concat([table.iloc[1:], table.iloc[1:2]])):
        with pytest.raises(UserError, match="whole result"):
            choice_summary(broken)


# --- stability intervals


def test_stability_intervals_by_hand():
    """With a at x the totals are p 56 + .24 x, q 70 - .1 x and r 62 - .22 x; now x = 50 and p, q, r is the order."""
    row = stability_intervals(SCORES, WEIGHTS).iloc[0]
    assert row["lower"] == pytest.approx(14 / 0.34) and (row["lower_ahead"], row["lower_behind"]) == ("p", "q")
    assert row["upper"] == 100 and pd.isna(row["upper_ahead"]) and row["weight"] == 50


@pytest.mark.parametrize("seed", range(20))
def test_no_rank_changes_inside_and_the_named_pair_swaps_at_the_ends(seed):
    scores, weights = random_case(np.random.default_rng(200 + seed), 6, 4)
    now = rank(total(scores, weights))

    def moved(name, to):
        new = weights * (100 - to) / (100 - weights[name])
        new[name] = to
        return total(scores, new)

    for row in stability_intervals(scores, weights).itertuples():
        width = row.upper - row.lower
        assert 0 <= row.lower <= row.weight <= row.upper <= 100
        for to in np.linspace(row.lower + 1e-6 * width, row.upper - 1e-6 * width, 50):
            np.testing.assert_array_equal(rank(moved(row.component, to)), now)
        for end, ahead, behind, sign in (
            (row.lower, row.lower_ahead, row.lower_behind, -1),
            (row.upper, row.upper_ahead, row.upper_behind, 1),
        ):
            if pd.isna(ahead):
                assert end == (0 if sign < 0 else 100)
                continue
            level, beyond = moved(row.component, end), moved(row.component, end + sign * 1e-4)
            assert level[ahead] == pytest.approx(level[behind], abs=1e-9) and beyond[ahead] < beyond[behind]
            assert total(scores, weights)[ahead] > total(scores, weights)[behind]


def test_tied_units_leave_no_room_unless_they_are_alike():
    weights = pd.Series({"a": 50.0, "b": 50.0})
    scores = pd.DataFrame({"a": [60.0, 40.0, 10.0], "b": [40.0, 60.0, 10.0]}, index=["x", "y", "z"])
    table = stability_intervals(scores, weights)
    assert (table["lower"] == 50).all() and (table["upper"] == 50).all()
    assert (table["lower_ahead"] == "x").all() and (table["upper_behind"] == "y").all()
    scores.loc["y"] = scores.loc["x"]
    for noise in (0, 1e-13, -1e-13):
        scores.loc["y", "a"] = 60 + noise
        table = stability_intervals(scores, weights)
        assert (table["lower"] == 0).all() and (table["upper"] == 100).all() and table["lower_ahead"].isna().all()
    # Last bits of opposite sign, as sums in another order leave them: no meeting at half way.
    scores.loc["x"], scores.loc["y"] = [60 + 2e-13, 40 - 1e-13], [60.0, 40.0]
    assert (stability_intervals(scores, weights)["upper"] == 100).all() and (stability_intervals(scores, weights)["lower"] == 0).all()


def test_units_that_meet_at_weight_0_meet_there():
    scores = pd.DataFrame({"a": [60.0, 40.0], "b": [50.0, 50.0]}, index=["x", "y"])
    table = stability_intervals(scores, pd.Series({"a": 30.0, "b": 70.0})).set_index("component")
    assert (table.loc["a", "lower"], table.loc["a", "lower_ahead"]) == (0, "x") and table.loc["a", "upper"] == 100
    assert (table.loc["b", "upper"], table.loc["b", "upper_behind"]) == (100, "y") and pd.isna(table.loc["b", "lower_ahead"])


# --- what a user is told

OVER_SCORES = {
    "weight_uncertainty": lambda scores, weights: weight_uncertainty(scores, weights, 10, 10, 0),
    "smallest_swap": smallest_swap,
    "without_each_component": without_each_component,
    "stability_intervals": stability_intervals,
}
BAD = {
    "add to 99": (SCORES, WEIGHTS.replace(20, 19)),
    "`c` is -20": (SCORES, pd.Series({"a": 90.0, "b": 30.0, "c": -20.0})),
    "`c` is nan": (SCORES, WEIGHTS.replace(20, np.nan)),
    "first: q, b": (SCORES.replace(90, np.nan), WEIGHTS),
    "first: p, c": (SCORES.astype(object).replace(50.0, "fifty"), WEIGHTS),
    "d, c is in one": (SCORES.rename(columns={"c": "d"}), WEIGHTS),
    "`p` is there twice": (SCORES.rename(index={"q": "p"}), WEIGHTS),
    "`a` is there twice": (SCORES.rename(columns={"b": "a"}), WEIGHTS),
    "no unit": (SCORES.iloc[:0], WEIGHTS),
}


@pytest.mark.parametrize("told", BAD)
@pytest.mark.parametrize("name", OVER_SCORES)
def test_bad_scores_and_weights_are_told(monkeypatch, name, told):
    monkeypatch.setenv("ICCP_LANG", "en")
    with pytest.raises(UserError, match=told) as caught:
        OVER_SCORES[name](*BAD[told])
    assert caught.value.ko and caught.value.ko != caught.value.en


@pytest.mark.parametrize("name", ["smallest_swap", "without_each_component", "stability_intervals"])
def test_the_order_of_the_weights_is_of_no_consequence(name):
    pd.testing.assert_frame_equal(OVER_SCORES[name](SCORES, WEIGHTS[["c", "a", "b"]]), OVER_SCORES[name](SCORES, WEIGHTS))


X_Y = {"x": (0, 1), "y": (0, 1)}
REFUSED = {
    "add to 90": lambda: draw_weights(pd.Series({"a": 90.0}), 10, 10, 0),
    "concentration is 0": lambda: draw_weights(WEIGHTS, 0, 10, 0),
    "draws is 1.5": lambda: draw_weights(WEIGHTS, 10, 1.5, 0),
    "ties is 'average'": lambda: weight_uncertainty(SCORES, WEIGHTS, 10, 10, 0, ties="average"),
    "`a` has all the weight": lambda: stability_intervals(SCORES, pd.Series({"a": 100.0, "b": 0.0, "c": 0.0})),
    "`b` has all the weight": lambda: without_each_component(SCORES, pd.Series({"a": 0.0, "b": 100.0, "c": 0.0})),
    "n is 100": lambda: sobol(lambda x: x[0], X_Y, 100, 0),
    "at least two inputs": lambda: sobol(lambda x: x[0], {"x": (0, 1)}, 64, 0),
    "`y` is": lambda: sobol(lambda x: x[0], X_Y | {"y": (1, 1)}, 64, 0),
    "shape": lambda: sobol(lambda x: x, X_Y, 64, 0),
    "missing or infinite": lambda: sobol(lambda x: x[0] * np.nan, X_Y, 64, 0),
    "is in one of them": lambda: sobol_linear(LINEAR, pd.Series({"a": 1.0})),
    "variance below 0": lambda: sobol_linear(pd.Series({"a": 1.0, "b": 1.0}), pd.Series({"a": 1.0, "b": -1.0})),
    "none are given": lambda: enumerate_choices(chosen, {}),
    "each once": lambda: enumerate_choices(chosen, {"mean": ["geometric", "geometric"]}),
    "name of a column": lambda: enumerate_choices(chosen, {"rank": [1]}),
    "a total is missing": lambda: enumerate_choices(lambda k: pd.Series({"x": k, "y": 1.0}), {"k": [0, np.inf]}),
    "the units are others": lambda: enumerate_choices(lambda k: pd.Series({k: 1.0}), {"k": ["x", "y"]}),
    "returned list": lambda: enumerate_choices(lambda k: [k], {"k": [1.0]}),
}  # fmt: skip


@pytest.mark.parametrize("told", REFUSED)
def test_what_cannot_be_done_is_told(monkeypatch, told):
    monkeypatch.setenv("ICCP_LANG", "en")
    with pytest.raises(UserError, match=told):
        REFUSED[told]()
