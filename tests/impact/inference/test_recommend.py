"""Which inference is recommended, and that it runs."""

import numpy as np
import pytest

from evaluation.impact.design import design
from evaluation.impact.estimators import KNOWN as ESTIMATORS
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
