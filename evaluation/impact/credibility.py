"""How far an estimate can be relied on: the inference that suits the design, bounds on violations of parallel trends, what could have been found."""

from dataclasses import replace

import numpy as np
import pandas as pd

from evaluation.errors import UserError
from evaluation.impact.design import Design
from evaluation.impact.estimators import estimate
from evaluation.impact.inference import RECOMMENDED, Options, infer, of_cohort
from evaluation.impact.inference.power import detectable
from evaluation.impact.inference.recommend import recommend
from evaluation.impact.inference.simulate import Errors, cached, errors_of, setting
from evaluation.impact.result import Result
from evaluation.impact.sensitivity.evidence import scientific_methods_level
from evaluation.impact.sensitivity.honest import RM, SD, breakdown_of, honest_of
from evaluation.impact.sensitivity.pretrends import pretrends_of

ALL = "overall"
# Violations after joining, in multiples of the largest before.
BOUNDS = (0.5, 1.0, 2.0)
SURE_COLUMNS = ["part", "estimate", "usual_lower", "usual_upper", "lower", "upper", "p", "how", "why_en", "why_ko", "refused", "n_treated"]
BEFORE_COLUMNS = ["part", "years", "estimate", "lower", "upper", "p", "how"]
# Of the report's own design: enough panels for a Monte Carlo error of 0.7 percentage points at 5 %.
SAMPLES, SEED, INFERENCES = 1_000, 1, ("analytic", "recommended")


def effects(plan: Design, how: str, options: Options | None = None) -> pd.DataFrame:
    """The effect on all participants and on each cohort, with the interval of a method beside the usual one.

    Args:
        how: by the names of `evaluation.impact.inference.KNOWN`, or RECOMMENDED.

    Returns:
        SURE_COLUMNS: `part` ("overall" or a cohort, by itself with the never-treated), estimates and intervals in log points, `how` the method
        took its interval and why; where a method is `refused`, the interval is the usual one and `how` analytic, with the reason.
    """
    rows = []
    for part in (ALL, *plan.cohorts):
        own = plan if part == ALL else of_cohort(plan, part) if plan.n_never else None
        if own is None:
            continue
        usual = estimate(own, "cs")
        found, name, why, refused = _inferred(own, how, options, usual)
        rows.append((str(part), usual.estimate, usual.lower, usual.upper, found.lower, found.upper, found.p, name, *why, refused, usual.n_treated_units))
    return pd.DataFrame(rows, columns=SURE_COLUMNS)


def _inferred(plan: Design, how: str, options: Options | None, usual: Result) -> tuple[Result, str, tuple[str, str], bool]:
    """The effect by a method or the recommended one, which one it is and why, and whether it refused, so that the usual estimate stands."""
    name, why = recommend(plan, "cs") if how == RECOMMENDED else (how, None)
    try:
        found = infer(plan, "cs", "simple", name, options, usual)
    except UserError as error:
        return usual, "analytic", (error.en, error.ko), True
    return found, name, why or (found.inference, found.inference), False


def before_joining(plan: Design, how: str, options: Options | None = None) -> pd.DataFrame:
    """How each cohort moved against the never-treated from the first period to the last before an effect may show.

    A test of the two pooled over cohorts says little of a small one, so each is taken by itself, with the inference that suits so few.

    Returns:
        BEFORE_COLUMNS: `part` (a cohort), `years` between the two periods, `estimate`, `lower`, `upper` of the difference per year (log
        points), `p`, `how`; none for a cohort with fewer than two such periods, or where nobody is never treated.
    """
    rows, start = [], plan.data["time"].min()
    for cohort in plan.cohorts if plan.n_never else ():
        own = of_cohort(plan, cohort)
        last = own.data.loc[own.data["time"] < cohort - plan.anticipation, "time"].max()
        if not last > start:
            continue
        # As if joined in that last period: all that is found was there before.
        data = own.data[own.data["time"].isin([start, last])]
        data = data.assign(cohort=data["cohort"].where(data["cohort"] == 0, last), treated=((data["cohort"] > 0) & (data["time"] == last)).astype(data["treated"].dtype))
        pretended = replace(own, data=data.reset_index(drop=True), anticipation=0, before=None, after=None)
        found, name, _, _ = _inferred(pretended, how, options, estimate(pretended, "cs"))
        years = int(last - start)
        rows.append((str(cohort), years, found.estimate / years, found.lower / years, found.upper / years, found.p, name))
    return pd.DataFrame(rows, columns=BEFORE_COLUMNS)


def differed(pooled: float | None, before: pd.DataFrame) -> float | None:
    """The p-value that no path before joining differed: the smaller of that of all cohorts pooled and that of the cohorts by themselves
    (the smallest, times their number: Bonferroni). None where neither could be tested."""
    told = [] if pooled is None or np.isnan(pooled) else [float(pooled)]
    own = before["p"].dropna()
    told += [min(1.0, float(own.min()) * len(own))] if len(own) else []
    return min(told, default=None)


def evidence(plan: Design, pooled: float | None, before: pd.DataFrame) -> tuple[int, str]:
    """The level on the Maryland scale and its reason (`scientific_methods_level`).

    Args:
        pooled: p-value of the pre-test over all cohorts; before: of `before_joining`.
    """
    # Without never-treated units those that join later are compared with, the last cohort throughout.
    others = plan.n_never or (int((plan.first == max(plan.cohorts)).sum()) if len(plan.cohorts) > 1 else 0)
    return scientific_methods_level(others, differed(pooled, before), 1 - plan.level)


def sensitivity(plan: Design, level: float, sure: pd.DataFrame) -> dict[str, object]:
    """What violations of parallel trends of some size would leave of the effect on all participants.

    Event times have the weights with which they make up that effect. Errors are enlarged by as much as the interval that suits the design
    is wider than the usual one, so that bounds do not exclude what the effect's own interval includes.

    Args:
        sure: of `effects`.

    Returns:
        `estimate`: the effect; `bounds`: frame of `bound`, `lower`, `upper` (relative magnitudes); `breakdown`: the largest multiple of the worst
        violation before joining at which the interval still excludes 0, missing where it does not exclude it without any, infinite where
        it always does; `straight`: interval if violations are straight lines (smoothness 0); `slope50`, `slope80`: slopes that the
        pre-test of all periods before joining finds half and four fifths of the time, `bias50`, `bias80`: what they would add to the
        effect; `widened`: by what errors were multiplied. Only `why` where the event study cannot carry it.
    """
    found = estimate(replace(plan, after=None), "cs", "dynamic")
    times = found.event.loc[~found.event["reference"] & (found.event["event_time"] >= 0), "event_time"].to_numpy()
    weights = _masses(plan, times)
    whole = sure.set_index("part").loc[ALL]
    widened = max(1.0, (whole["upper"] - whole["lower"]) / (whole["usual_upper"] - whole["usual_lower"]))
    try:
        power = pretrends_of(found, level)
        if not np.isfinite(widened):
            raise UserError("the effect's own interval has no end", "효과의 신뢰구간에 끝이 없습니다")
        wider = replace(found, vcov=found.vcov * widened**2)
        bounds = honest_of(wider, RM, BOUNDS, weights, level=level)
        worst = breakdown_of(wider, RM, weights, level=level)
        straight = honest_of(wider, SD, (0.0,), weights, level=level)
    except UserError as error:
        return {"why": (error.en, error.ko)}
    # Periods after the reference, those of anticipation among them; a straight line is one further off each.
    since = np.array([time - power["times"][0] + 1 for time in power["times"] if time >= 0])
    slopes = {f"slope{name}": power[f"wald_slope{name}"] for name in ("50", "80")}
    return {
        "estimate": float(weights @ found.event.set_index("event_time").loc[times, "estimate"]), "bounds": bounds, "breakdown": float(worst), "straight": straight, "widened": float(widened),
        **slopes, **{name.replace("slope", "bias"): float(slope * (weights @ since)) for name, slope in slopes.items()},
    }  # fmt: skip


def _masses(plan: Design, times: np.ndarray) -> np.ndarray:
    """Shares of event times in the average over treated units' periods: by weights in the first period, as cohorts count in it."""
    first = plan.data.drop_duplicates("unit")
    mass = first.groupby("cohort")["weight"].sum() if "weight" in plan.data else first.groupby("cohort").size()
    periods = plan.data["time"].unique()
    total = np.array([sum(mass[cohort] for cohort in plan.cohorts if cohort + time in periods) for time in times], dtype=float)
    return total / total.sum()


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
