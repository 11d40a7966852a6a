"""Placebos of synthetic estimators by name: Proposition 99, and refusals.

Golden values: the estimates are those that R's synthdid 0.0.9 prints; the exact error is the spread of the estimates for each of 38 control states
in turn, computed here anew from designs without California, with a ridge of their own: within 2 % and one rank.
"""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from evaluation.errors import UserError
from evaluation.impact.design import design
from evaluation.impact.estimators import estimate
from evaluation.impact.inference import infer
from tests.impact.test_twfe import panel

FOLDER = Path(os.environ.get("ICCP_REFERENCE_DATA", "/nowhere"))


@pytest.mark.skipif(not (FOLDER / "prop99.csv").exists(), reason="prop99.csv is not in ICCP_REFERENCE_DATA")
@pytest.mark.parametrize(("estimator", "printed"), [("sdid", -15.60383), ("sc", -19.61966)])
@pytest.mark.slow
def test_proposition_99_by_every_control_state(estimator, printed):
    frame = pd.read_csv(FOLDER / "prop99.csv")
    frame["first"] = np.where(frame["State"] == "California", 1989, 0)
    found = infer(design(frame, "State", "Year", "PacksPerCapita", "first"), estimator, "simple", "placebo")
    assert found.estimate == pytest.approx(printed, abs=5e-5)
    assert found.diagnostics["placebos"] == 38 and "all 38 reassignments" in found.inference
    if estimator == "sdid":
        controls = frame[frame["State"] != "California"]
        values = []
        for state in sorted(controls["State"].unique()):
            given = controls.assign(first=np.where(controls["State"] == state, 1989, 0))
            values.append(estimate(design(given, "State", "Year", "PacksPerCapita", "first"), estimator).estimate)
        # The ridge of each placebo is its own here, that of California there: 1 % of the error.
        assert found.se == pytest.approx(np.std(values), rel=0.02)
        assert found.p == pytest.approx((1 + (np.abs(values) >= abs(found.estimate)).sum()) / 39, abs=1.01 / 39)


def small(treated, never):
    frame = panel(1, units=treated + never, times=8)
    frame["cohort"] = np.where(frame["unit"] < treated, 5, 0)
    return design(frame, "unit", "time", "y", "cohort")


def test_the_same_as_the_estimator_by_itself():
    plan = small(1, 25)
    found, plain = infer(plan, "sdid", "simple", "placebo"), estimate(plan, "sdid")
    assert (found.p, found.se, found.lower) == pytest.approx((plain.p, plain.se, plain.lower), nan_ok=True)
    event = infer(plan, "sdid", "dynamic", "placebo").event
    assert event["lower"].to_numpy() == pytest.approx(estimate(plan, "sdid", "dynamic").event["lower"].to_numpy(), nan_ok=True)


def test_drawn_placebos_are_ranked_too(monkeypatch):
    """Seven treated of 27: too many ways to go through, so that 200 are drawn; p and interval are ranks among them, by hand here."""
    from evaluation.impact.estimators import synthetic

    drawn, kept = synthetic._placebos, []
    monkeypatch.setattr(synthetic, "_placebos", lambda *given: kept.append(drawn(*given)) or kept[-1])
    plan = small(7, 20)
    found, plain = infer(plan, "sdid", "simple", "placebo"), estimate(plan, "sdid")
    far = np.sort(np.abs(kept[0][0][:, 0]))
    assert len(far) == 200 and found.p == (1 + (far >= abs(found.estimate)).sum()) / 201 and np.isnan(found.df)
    # Kept while, itself among them, more than 10 of 201 are as far away: up to the tenth furthest draw.
    assert (found.estimate - found.lower, found.upper - found.estimate) == pytest.approx((far[-10], far[-10]))
    assert (found.estimate, found.se) == (plain.estimate, plain.se) and "normal" in plain.inference and "normal" not in found.inference
    assert plain.lower == pytest.approx(plain.estimate - 1.959964 * plain.se)


def test_refusals():
    with pytest.raises(UserError, match="randomisation"):
        infer(small(1, 12), "cs", "simple", "placebo")
    with pytest.raises(UserError, match="only 13 ways to assign"):
        infer(small(1, 12), "sdid", "simple", "placebo")
    with pytest.raises(UserError, match="too few for placebos"):
        infer(small(8, 9), "sdid", "simple", "placebo")
