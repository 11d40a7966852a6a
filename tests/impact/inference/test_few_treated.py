"""Conley-Taber and Ferman-Pinto: by enumeration, by hand, and by simulation where the variance hangs on size.

Tolerances: counts are equal; draws against full enumeration within four Monte Carlo errors. No golden values: the authors' merit-aid data are
not to be had, so that conventions are those of the papers' text (and, for negative variances, of published code after the authors').
"""

import numpy as np
import pandas as pd
import pytest

from evaluation.errors import UserError
from evaluation.impact.design import design
from evaluation.impact.inference import Options, few_treated, infer, linear
from tests.impact.inference.test_randomisation import less, two_periods, wave
from tests.impact.test_twfe import panel


def contrasts(plan, estimator):
    """Contrasts of blocks with the weights of the one cohort, treated first."""
    some = linear.blocks(plan)
    form, _ = linear.linear_form(plan, some, estimator, "simple")
    masses = np.array([[some.weight[some.first == 0].sum(), some.weight[some.first > 0].sum()]])
    x = some.y @ form(np.array(sorted(plan.cohorts)), masses)[0, 0, 1]
    return x[some.first > 0], x[some.first == 0], some


@pytest.mark.parametrize("estimator", ["cs", "twfe", "bjs"])
def test_one_treated_unit_takes_the_place_of_each_control(estimator):
    plan = design(wave(1, {8: 1, 0: 59}), "unit", "time", "y", "cohort")
    found = infer(plan, estimator, "simple", "conley-taber")
    own, others, _ = contrasts(plan, estimator)
    noise = np.sort(others - others.mean())
    estimate = own[0] - others.mean()
    assert found.estimate == pytest.approx(estimate)
    assert found.p == pytest.approx(2 * min(1 + (noise <= estimate).sum(), 1 + (noise >= estimate).sum()) / 60)
    # 2.5 % of 60 is one and a half: one draw may be further out.
    assert (found.lower, found.upper) == pytest.approx((estimate - noise[-1], estimate - noise[0]))
    assert "all 59 of them" in found.inference


def test_two_treated_units_draw_two_controls():
    plan = design(wave(3, {8: 2, 0: 30}).assign(w=lambda rows: 1 + (rows["unit"] == 0)), "unit", "time", "y", "cohort", weights="w")
    found = infer(plan, "cs", "simple", "conley-taber", Options(draws=9_999))
    own, others, some = contrasts(plan, "cs")
    share = some.weight[some.first > 0] / some.weight[some.first > 0].sum()
    every = (share[0] * (others - others.mean())[:, None] + share[1] * (others - others.mean())).ravel()
    estimate = share @ own - others.mean()
    exact = 2 * min((every <= estimate).mean(), (every >= estimate).mean())
    assert found.estimate == pytest.approx(estimate)
    assert found.p == pytest.approx(exact, abs=4 * 2 * np.sqrt(exact / 2 * (1 - exact / 2) / 9_999) + 2e-4)
    assert found.diagnostics["left_out"] == pytest.approx((1 / 30) / (1 / 30 + (share**2).sum()))


def test_cohorts_are_drawn_with_their_own_dates():
    plan = design(wave(4, {5: 1, 9: 1, 0: 40}), "unit", "time", "y", "cohort")
    found = infer(plan, "cs", "simple", "conley-taber", Options(draws=9_999))
    some = linear.blocks(plan)
    form, _ = linear.linear_form(plan, some, "cs", "simple")
    weights = form(np.array([5, 9]), np.array([[40.0, 1, 1]]))[0, 0]
    first, second = (some.y[some.first == 0] @ weights[place] for place in (1, 2))
    every = ((first - first.mean())[:, None] + (second - second.mean())).ravel()
    exact = 2 * min((every <= found.estimate).mean(), (every >= found.estimate).mean())
    assert found.p == pytest.approx(exact, abs=4 * 2 * np.sqrt(exact / 2 * (1 - exact / 2) / 9_999) + 2e-4)


@pytest.mark.parametrize(("treated", "never", "ways"), [(1, 9, 9), (2, 2, 3), (2, 3, 6), (3, 4, 20), (2, 7, 28)])
def test_too_few_controls_for_the_level_are_refused(treated, never, ways):
    """However many draws: with two treated units and two controls there are three different errors."""
    plan = two_periods(np.arange(float(treated + never)), treated=treated, level=0.95)
    with pytest.raises(UserError, match=rf"there are {ways} different errors.*95 % needs 0.025 in each tail.*--inference recommended"):
        infer(plan, "cs", "simple", "conley-taber", Options(draws=9_999))


def test_enough_controls_for_the_level_are_served():
    assert np.isfinite(infer(two_periods(np.arange(40.0), treated=1, level=0.95), "cs", "simple", "conley-taber").lower)
    with pytest.raises(UserError, match="38 different"):
        infer(two_periods(np.arange(39.0), treated=1, level=0.95), "cs", "simple", "conley-taber")


def test_many_treated_units_are_warned_of():
    found = infer(design(wave(4, {8: 20, 0: 20}), "unit", "time", "y", "cohort"), "cs", "simple", "conley-taber", Options(draws=99))
    assert found.diagnostics["left_out"] == pytest.approx(0.5)
    assert any("50% of the estimate's variance" in english for english, _ in found.warnings)


def test_event_times_are_drawn_too():
    plan = design(wave(4, {8: 3, 0: 40}), "unit", "time", "y", "cohort", before=2, after=2)
    for how in ("conley-taber", "ferman-pinto"):
        given = plan if how == "conley-taber" else design(wave(4, {8: 3, 0: 40}).assign(m=lambda rows: 1 + rows["unit"]), "unit", "time", "y", "cohort", before=2, after=2, size="m")
        found = infer(given, "cs", "dynamic", how, Options(draws=299))
        told = found.event[~found.event["reference"]]
        assert (told["lower"] < told["estimate"]).all() and (told["estimate"] < told["upper"]).all()


@pytest.mark.parametrize(("squares", "expected"), [
    (lambda inverse: 2 + 3 * inverse, (2, 3)),
    # A fitted line that falls below 0 leaves its negative part out.
    (lambda inverse: np.where(inverse > 0.5, 0, 1.0), "flat"),
    (lambda inverse: np.where(inverse > 0.5, 4.0, 0), "through 0"),
])  # fmt: skip
def test_variance_by_size(squares, expected):
    inverse = np.linspace(0.01, 1, 100)
    given = squares(inverse)
    fitted, slope = few_treated._variance(given, inverse)
    if expected == "flat":
        assert slope == 0 and fitted == pytest.approx(given.mean())
    elif expected == "through 0":
        assert fitted == pytest.approx(inverse * (given @ inverse) / (inverse @ inverse))
    else:
        assert fitted == pytest.approx(expected[0] + expected[1] * inverse) and slope == pytest.approx(expected[1])
    assert (fitted > 0).all()


def test_by_hand_with_one_size():
    # With one size the variance is one, and errors are residuals of the model without an effect, drawn with replacement.
    plan = two_periods(np.array([9.0, 4, 3, 1, 0, 2, 5, 2]), treated=1, level=0.8, m=np.full(8, 3.0))
    found = infer(plan, "cs", "simple", "ferman-pinto", Options(draws=9_999))
    changes = np.array([9.0, 4, 3, 1, 0, 2, 5, 2])
    residual = changes - changes.mean()
    rng = np.random.default_rng(1)
    noise = np.abs(rng.choice(residual, 200_000) - rng.choice(residual, (200_000, 7)).mean(axis=1))
    exact = (noise >= abs(found.estimate)).mean()
    assert found.estimate == pytest.approx(9 - 17 / 7)
    assert found.p == pytest.approx(exact, abs=4 * np.sqrt(exact * (1 - exact) * (1 / 9_999 + 1 / 200_000)))
    assert found.diagnostics["slope_share"] == 0


def test_the_ends_are_where_the_test_turns():
    frame = wave(6, {8: 3, 0: 40})
    frame["m"] = np.random.default_rng(2).uniform(1, 30, 43)[frame["unit"]]
    plan, options = design(frame, "unit", "time", "y", "cohort", size="m"), Options(draws=999)
    found = infer(plan, "cs", "simple", "ferman-pinto", options)
    some = linear.blocks(plan)
    treated = ((some.first[:, None] > 0) & (some.periods >= some.first[:, None])).astype(float)
    form, labels = linear.linear_form(plan, some, "cs", "simple")
    for end, outwards in ((found.lower, -1), (found.upper, 1)):
        p = []
        for tau in (end - outwards * 1e-4, end + outwards * 1e-4):
            # What `ferman_pinto` does for no effect, on the outcome less this one: the draws are the same.
            y = some.y - tau * treated
            weights = form(np.array([8]), np.array([[40.0, 3]]))[0, 0]
            group = (some.first > 0).astype(int)
            x = np.array([y @ weights[g] for g in (0, 1)])
            estimate = x[1, group == 1].mean() + x[0, group == 0].mean()
            x = x - x.mean(axis=1, keepdims=True)
            scale = np.array([np.sqrt(few_treated._variance(one**2, 1 / some.size)[0]) for one in x])
            drawn = np.random.default_rng(options.seed).integers(0, 43, size=(999, 43), dtype=np.int32)
            noise = sum(((x[g] / scale[g])[drawn] * scale[g])[:, group == g].mean(axis=1) for g in (0, 1))
            p.append((1 + (np.abs(noise) >= abs(estimate)).sum()) / 1_000)
        assert p[0] > 0.05 >= p[1]


@pytest.mark.parametrize(("seed", "controls", "in_parts"), [(29, 10, True), (2, 60, False)])
def test_effects_kept_that_fall_into_parts_are_told(seed, controls, in_parts):
    """With few controls of very different sizes the variances fitted change with the effect: some effects within the interval are rejected."""
    rng = np.random.default_rng(seed)
    size = np.exp(rng.uniform(0, 5, controls + 1))
    y = rng.normal(size=controls + 1) * np.sqrt(0.05 + 5 / size)
    options = Options(draws=199)
    plan = two_periods(y, treated=1, level=0.9, m=size)
    found = infer(plan, "cs", "simple", "ferman-pinto", options)
    within = np.linspace(found.lower, found.upper, 40)[1:-1]
    tested = [infer(less(plan, tau), "cs", "simple", "ferman-pinto", options).p for tau in within]
    assert any("fall into parts" in english for english, _ in found.warnings) == in_parts == (min(tested) <= 0.1)


@pytest.mark.parametrize("seed", range(12))
def test_a_lower_level_gives_an_interval_within(seed):
    rng = np.random.default_rng(seed)
    size = np.exp(rng.uniform(0, 5, 21))
    y = rng.normal(size=21) * np.sqrt(0.05 + 5 / size)
    ends = [infer(two_periods(y, treated=1, level=level, m=size), "cs", "simple", "ferman-pinto", Options(draws=199)) for level in (0.95, 0.9)]
    assert ends[0].lower <= ends[1].lower + 1e-6 and ends[1].upper <= ends[0].upper + 1e-6


def test_draws_do_not_hang_on_the_unit_of_the_outcome():
    size = np.random.default_rng(1).uniform(1, 30, 43)
    for how in ("randomisation", "conley-taber", "ferman-pinto"):
        values = []
        for unit in (1.0, 1e-12, 1e9):
            frame = wave(6, {8: 3, 0: 40}).assign(m=lambda rows: size[rows["unit"]])
            values.append(infer(design(frame.assign(y=frame["y"] * unit), "unit", "time", "y", "cohort", size="m"), "cs", "simple", how, Options(draws=99)).p)
        assert values[0] == values[1] == values[2]


def test_size_is_needed():
    with pytest.raises(UserError, match="needs how large each unit is"):
        infer(design(panel(1), "unit", "time", "y", "cohort"), "cs", "simple", "ferman-pinto")


@pytest.mark.parametrize("how", ["conley-taber", "ferman-pinto"])
def test_what_they_cannot_serve(how):
    frame = panel(1).assign(m=1.0)
    with pytest.raises(UserError, match="balanced panel without covariates"):
        infer(design(frame, "unit", "time", "y", "cohort", covariates=("x",), size="m"), "cs", "simple", how)
    frame["cohort"] = np.where(frame["cohort"] == 0, 4, frame["cohort"])
    with pytest.raises(UserError, match="two never-treated"):
        infer(design(frame, "unit", "time", "y", "cohort", control="notyet", size="m"), "cs", "simple", how)


@pytest.mark.slow
def test_ferman_pinto_keeps_the_level_where_variance_hangs_on_size_and_conley_taber_does_not(monkeypatch):
    """1,000 samples of 4 small treated units and 80 controls of all sizes: Monte Carlo error 0.7 points at 5 %."""
    monkeypatch.setattr(few_treated, "LOOKS", 0)  # of intervals, which are not asked for here
    rng = np.random.default_rng(5)
    rejected = {"ferman-pinto": 0, "conley-taber": 0, "randomisation": 0}
    size = np.concatenate([np.full(4, 2.0), np.exp(rng.uniform(np.log(2), np.log(100), 80))])
    options = Options(draws=399, statistic="coefficient")
    for _ in range(1_000):
        plan = two_periods(rng.normal(size=84) * np.sqrt(0.2 + 10 / size), treated=4, level=0.95, m=size)
        for how in rejected:
            rejected[how] += infer(plan, "cs", "simple", how, options).p <= 0.05
    share = pd.Series(rejected) / 1_000
    assert 0.03 <= share["ferman-pinto"] <= 0.075
    assert share["conley-taber"] > 0.2 and share["randomisation"] > 0.15



@pytest.mark.parametrize(("how", "options"), [("conley-taber", Options(draws=38)), ("ferman-pinto", Options(draws=5)), ("wild", Options(draws=5))])
def test_too_few_draws_for_the_level_are_refused(how, options):
    frame = wave(5, {8: 6, 0: 30}).assign(size=lambda rows: 1.0 + rows["unit"] % 4)
    with pytest.raises(UserError, match=f"{options.draws} draws are too few"):
        infer(design(frame, "unit", "time", "y", "cohort", size="size"), "cs", "simple", how, options)


def test_a_fitted_variance_barely_above_nothing_is_not_divided_by():
    size = np.repeat([1.0, 50.0], 20)
    squares = np.where(size == 1, 1.0, 0.021) * np.linspace(0.5, 1.5, 40)
    fitted, _ = few_treated._variance(squares, 1 / size)
    assert fitted.min() > few_treated.LEAST * 0.02 and np.isfinite(squares / fitted).all()
    low, _ = few_treated._variance(np.where(size == 1, 1.0, 1e-4), 1 / size)
    assert low.min() > 1e-2
