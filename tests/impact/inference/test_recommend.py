"""Which inference is recommended, and that it runs."""

import numpy as np
import pytest

from evaluation.errors import UserError
from evaluation.impact.design import design
from evaluation.impact.estimators import KNOWN as ESTIMATORS
from evaluation.impact.estimators import estimate
from evaluation.impact.inference import KNOWN, Options, infer
from evaluation.impact.inference.recommend import recommend
from tests.impact.inference.test_randomisation import two_periods, wave

WAVES = {4: 7, 7: 5, 9: 190, 0: 60}


def of(sizes, **more):
    return design(wave(1, sizes), "unit", "time", "y", "cohort", **more)


@pytest.mark.parametrize("estimator", list(ESTIMATORS))
def test_the_waves_of_the_programme(estimator):
    how, why = recommend(of(WAVES), estimator)
    assert how == {"sdid": "analytic", "sc": "analytic"}.get(estimator, "randomisation") and how in KNOWN
    assert all(len(text) > 20 for text in why)
    if how == "randomisation":
        assert "5 treated units" in why[0] and "60 never treated" in why[0] and "5개" in why[1] and "60개" in why[1]


def with_size(plain):
    frame = wave(1, {8: 5, 0: 60})
    size = np.random.default_rng(1).uniform(1, 50, 65)
    frame["y"] = frame["y"] * (1 if plain else 5 / np.sqrt(size)[frame["unit"]])
    return design(frame.assign(m=size[frame["unit"]]), "unit", "time", "y", "cohort", size="m")


@pytest.mark.parametrize(("plan", "estimator", "expected"), [
    (lambda: of({8: 50, 0: 60}), "cs", "analytic"),
    (lambda: of({8: 50, 0: 30}), "cs", "randomisation"),
    (lambda: of({8: 1, 0: 30}), "sdid", "placebo"),
    (lambda: of({8: 10, 0: 30}), "sc", "placebo"),
    (lambda: of({8: 1, 0: 10}), "twfe", "mackinnon-webb"),
    (lambda: with_size(False), "cs", "ferman-pinto"),
    (lambda: with_size(True), "cs", "randomisation"),
    (lambda: two_periods(treated=2, area=list("aabbb")), "cs", "cr2"),
    (lambda: two_periods(treated=3, town=[0, 0, 1, 1, 2]), "cs", "wild"),
])  # fmt: skip
def test_designs(plan, estimator, expected):
    given = plan()
    how, _ = recommend(given, estimator)
    assert how == expected
    if how in ("randomisation", "mackinnon-webb", "ferman-pinto"):
        assert 0 < infer(given, estimator, "simple", how, Options(draws=199)).p <= 1


def mixed(units=12):
    """Two units of each zone, one treated and one not."""
    frame = wave(3, {8: units // 2, 0: units // 2})
    return design(frame.assign(zone=frame["unit"] % (units // 2)), "unit", "time", "y", "cohort", cluster="zone")


def one_of_ten():
    frame = wave(4, {8: 1, 0: 9})
    return design(frame.assign(x=np.random.default_rng(1).normal(size=len(frame))), "unit", "time", "y", "cohort", covariates=("x",))


@pytest.mark.parametrize(("plan", "estimator", "instead"), [
    (mixed, "bjs", "wild"), (mixed, "dcdh", "wild"), (mixed, "did2s", "wild"), (one_of_ten, "twfe", "wild"), (one_of_ten, "bjs", "wild"), (lambda: of({8: 1, 0: 6}), "sdid", "placebo"),
])  # fmt: skip
def test_what_cannot_be_had_leaves_the_estimators_own_errors_with_the_reason(plan, estimator, instead):
    given = plan()
    with pytest.raises(UserError):
        infer(given, estimator, "simple", instead)
    found = infer(given, estimator, "simple", "recommended")
    english, korean = found.warnings[0]
    assert english.startswith(f"Inference by analytic: {instead} would suit this design, but cannot serve:") and instead in korean and found.p == estimate(given, estimator).p


@pytest.mark.parametrize("sizes", [{8: 1, 0: 1}, {8: 3, 0: 1}, {8: 2, 0: 2}, {8: 1, 0: 3}, {5: 1, 8: 1, 0: 2}])
@pytest.mark.parametrize("estimator", ["twfe", "cs", "bjs", "sdid", "stacked"])
def test_the_recommended_inference_never_refuses_what_the_estimator_can_serve(sizes, estimator):
    given = of(sizes)
    try:
        estimate(given, estimator)
    except UserError:
        pytest.skip(f"{estimator} has no estimate here")
    found = infer(given, estimator, "simple", "recommended", Options(draws=199))
    assert found.warnings[0][0].startswith("Inference by ")
    if np.isinf([found.lower, found.upper]).any():
        assert any("no end" in english or "no bound" in english for english, _ in found.warnings)
