"""How far an estimate can be relied on: the inference that suits the design, bounds on violations of parallel trends, what could have been found."""

import numpy as np
import pandas as pd

from evaluation.errors import UserError
from evaluation.impact.design import Design
from evaluation.impact.estimators import estimate
from evaluation.impact.inference import RECOMMENDED, Options, infer, of_cohort
from evaluation.impact.inference.power import detectable
from evaluation.impact.inference.recommend import recommend
from evaluation.impact.inference.simulate import Errors, cached, errors_of, setting
from evaluation.impact.sensitivity.honest import RM, SD, breakdown_of, honest_of
from evaluation.impact.sensitivity.pretrends import pretrends_of

ALL = "overall"
# Violations after joining, in multiples of the largest before.
BOUNDS = (0.5, 1.0, 2.0)
SURE_COLUMNS = ["part", "estimate", "usual_lower", "usual_upper", "lower", "upper", "p", "how", "why_en", "why_ko", "n_treated"]
# Of the report's own design: enough panels for a Monte Carlo error of 0.7 percentage points at 5 %.
SAMPLES, SEED, INFERENCES = 1_000, 1, ("analytic", "recommended")


def effects(plan: Design, how: str, options: Options | None = None) -> pd.DataFrame:
    """The effect on all participants and on each cohort, with the interval of a method beside the usual one.

    Args:
        how: by the names of `evaluation.impact.inference.KNOWN`, or RECOMMENDED.

    Returns:
        SURE_COLUMNS: `part` ("overall" or a cohort), estimates and intervals in log points, `how` the method took its interval and why;
        where a method refuses, the interval is the usual one and `how` analytic, with the reason.
    """
    rows = []
    for part in (ALL, *plan.cohorts):
        own = plan if part == ALL else of_cohort(plan, part) if plan.n_never else None
        if own is None:
            continue
        usual = estimate(own, "cs")
        name, why = recommend(own, "cs") if how == RECOMMENDED else (how, None)
        try:
            found = infer(own, "cs", "simple", name, options, usual)
            why = why or (found.inference, found.inference)
        except UserError as error:
            found, name, why = usual, "analytic", (error.en, error.ko)
        rows.append((str(part), usual.estimate, usual.lower, usual.upper, found.lower, found.upper, found.p, name, *why, usual.n_treated_units))
    return pd.DataFrame(rows, columns=SURE_COLUMNS)


def sensitivity(plan: Design, level: float) -> dict[str, object]:
    """What violations of parallel trends of some size would leave of the average effect over the years shown.

    Returns:
        `bounds`: frame of `bound`, `lower`, `upper` (relative magnitudes); `breakdown`: the largest multiple of the worst violation before
        joining at which the interval still excludes 0, 0 where it never does; `straight`: interval if violations are straight lines
        (smoothness 0); `slope50`, `slope80`, `bias80` (at the last year shown) and `passed` of the pre-test; empty where the event study
        cannot carry it, with `why`.
    """
    found = estimate(plan, "cs", "dynamic")
    after = int((~found.event["reference"] & (found.event["event_time"] >= 0)).sum())
    weights = np.full(after, 1 / max(after, 1))
    try:
        bounds = honest_of(found, RM, BOUNDS, weights, level=level)
        worst = breakdown_of(found, RM, weights, level=level)
        straight = honest_of(found, SD, (0.0,), weights, level=level)
        power = pretrends_of(found, level)
    except UserError as error:
        return {"why": (error.en, error.ko)}
    return {
        "bounds": bounds, "breakdown": float(worst), "straight": straight, "slope50": power["slope50"], "slope80": power["slope80"],
        "bias80": power["bias80"][-1], "last": int(power["times"][-1]), "passed": power["passed"],
    }  # fmt: skip


def own_errors(plan: Design) -> Errors:
    """The errors of a panel as simulations for the report take them, rounded so that its last digits decide nothing."""
    found, _, _ = errors_of(plan)
    return Errors(round(found.ar, 2), float(f"{found.sd:.2g}"), round(found.icc, 2))


def own_setting(plan: Design) -> tuple[dict, dict]:
    """What is asked of the simulation of the report's own design, and the settings it is kept under."""
    size = float(f"{abs(estimate(plan, 'cs').se) * 3:.2g}")
    asked = {"estimators": ["cs"], "inferences": list(INFERENCES), "effects": [0.0, size], "samples": SAMPLES, "seed": SEED, "by_cohort": True, "draws": 199}
    return asked, setting(plan, own_errors(plan), **asked)


def own_proof(plan: Design, kept: list[dict]) -> pd.DataFrame | None:
    """The simulation of exactly this design, by code as it is now, among those kept; None where there is none (`iccp impact prove` makes it)."""
    return cached(own_setting(plan)[1], kept)


def least_effects(plan: Design, how: str) -> pd.DataFrame:
    """Minimum detectable effects at 80 % power, of `evaluation.impact.inference.power.detectable`; empty where there is no formula."""
    try:
        return detectable(plan, own_errors(plan), "cs", recommend(plan, "cs")[0] if how == RECOMMENDED else how)
    except UserError:
        return pd.DataFrame(columns=["cohort", "mde", "percent_up", "percent_down"])
