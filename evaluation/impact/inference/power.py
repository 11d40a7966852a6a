"""The smallest effect that a design is likely to find, before there are data.

    Design + Errors -> `detectable` -> a row for all cohorts together and for each by itself

The minimum detectable effect is (t(1 - alpha/2) + t(power)) standard errors (Bloom 1995, Evaluation Review 19: 547-556). The standard error is
the exact one of the estimator at hand under the given errors: its weights on cohorts and periods are read off it, and with weights w the
variance is w' Omega w. Where treatment starts at once and all periods before and after count alike, that is the serial-correlation-robust
formula of Burlig, Preonas and Woerman (2020), "Panel data and experimental design", Journal of Development Economics 144, equation 1 and 2.
"""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from evaluation.errors import UserError
from evaluation.executor import each
from evaluation.impact.design import Design
from evaluation.impact.estimators import estimate
from evaluation.impact.inference import KNOWN, of_cohort
from evaluation.impact.inference.simulate import Errors, simulate

POWER_COLUMNS = ["cohort", "treated", "controls", "se", "df", "multiplier", "mde", "percent_up", "percent_down", "reason"]
# Methods that learn the spread from all units alike, and not from the treated ones alone: their number does not hang on how few those are.
POOLED = ("randomisation", "mackinnon-webb", "conley-taber", "ferman-pinto", "placebo")
# Share of the variance from which on a cohort of one unit, whose spread nobody knows, makes the whole unknown.
UNKNOWN = 0.05


def detectable(plan: Design, errors: Errors, estimator: str = "cs", inference: str = "cr2", power: float = 0.8, workers: int | None = None) -> pd.DataFrame:
    """Minimum detectable effects at the design's level, two-sided.

    Args:
        plan: without gaps; its outcome does not matter. inference: methods of POOLED take their spread from all units, so that the degrees
            of freedom are those of the units together; all others have it from the units of each cohort, and Satterthwaite's (1946) are taken.

    Returns:
        POWER_COLUMNS: `cohort` ("all", or a first treated period, compared with the never-treated alone), `treated`, `controls` (units),
        `se`, `df`, `multiplier`, `mde` in units of the outcome, `percent_up` and `percent_down` (what that is, up and down, if the outcome is
        a logarithm), `reason` where there is none.

    Raises:
        UserError: gaps in the panel; a power or inference that cannot be; an estimator that is not linear in the outcome, or cannot serve.
    """
    from scipy import stats

    if inference not in KNOWN:
        raise UserError(f"inference is {inference!r}; use one of: {', '.join(KNOWN)}.", f"추론방법 {inference!r}을(를) 쓸 수 없습니다. 다음 중 하나를 쓰십시오: {', '.join(KNOWN)}.")
    if not 1 - plan.level < power < 1:
        raise UserError(f"power is {power}; give a share above {1 - plan.level:g} and below 1, such as 0.8.", f"검정력이 {power}입니다. {1 - plan.level:g}보다 크고 1보다 작은 값(예: 0.8)을 적으십시오.")
    if not plan.balanced:
        raise UserError("Power needs every unit in every period. Leave out units with gaps, or simulate.", "검정력을 계산하려면 모든 단위가 모든 시점에 있어야 합니다. 빠진 시점이 있는 단위를 제외하거나 simulate를 쓰십시오.")
    rows = []
    for cohort in (None, *plan.cohorts):
        part = plan if cohort is None else of_cohort(plan, cohort)
        variance, df, reason = _variance(part, errors, cohort_weights(part, estimator, workers), inference in POOLED)
        factor = float(stats.t.ppf((1 + plan.level) / 2, df) + stats.t.ppf(power, df)) if reason is None else np.nan
        mde = factor * np.sqrt(variance)
        rows.append({
            "cohort": "all" if cohort is None else str(cohort), "treated": sum(part.cohorts.values()), "controls": part.n_never, "se": float(np.sqrt(variance)), "df": df, "multiplier": factor,
            "mde": float(mde), "percent_up": float(100 * np.expm1(mde)), "percent_down": float(100 * np.expm1(-mde)), "reason": "" if reason is None else str(reason),
        })  # fmt: skip
    return pd.DataFrame(rows)[POWER_COLUMNS]


def checked(found: pd.DataFrame, plan: Design, errors: Errors, estimator: str, inference: str, samples: int, seed: int = 1, **how) -> pd.DataFrame:
    """`detectable` with what simulation says of it: `size` and `power` at the effect, each with `_mcse`; `how` as in `simulate`.

    Where the size is above 1 - level the method does not keep its level in this design, and its power is none to go by.
    """
    more = []
    for row in found.itertuples():
        if not np.isfinite(row.mde):
            more.append({})
            continue
        part = plan if row.cohort == "all" else of_cohort(plan, int(row.cohort))
        size, at = simulate(part, errors, [estimator], [inference], [row.mde], samples, seed, **how).to_dict("records")
        more.append({"size": size["rejection"], "size_mcse": size["rejection_mcse"], "power": at["rejection"], "power_mcse": at["rejection_mcse"]})
    return found.join(pd.DataFrame(more, index=found.index, columns=["size", "size_mcse", "power", "power_mcse"]))


def cohort_weights(plan: Design, estimator: str, workers: int | None = None) -> np.ndarray:
    """What the estimate gains from one more of the outcome of one unit, by group (never-treated first, then cohorts in order) and period.

    Read off the estimator: it is linear in the outcome and takes units of a cohort alike (both are checked), so a pulse in the outcome of a
    cohort in a period shows its weight. Shape (groups, periods).

    Raises:
        UserError: an estimator that is not so, such as synthetic control; one that cannot serve the design.
    """
    data = plan.data
    periods, cohorts = np.unique(data["time"]), np.unique(data["cohort"])
    # Estimators may refuse an outcome without any noise, and what two outcomes differ by cancels it.
    noise = np.random.default_rng(0).standard_normal((2, len(data)))
    ask = _Ask(plan, estimator, noise[0])
    first, second, both = (ask(outcome) for outcome in (0 * noise[0], noise[1] - noise[0], noise[1]))
    if abs(both - first - second) > 1e-8:
        raise UserError(
            f"{estimator} is not linear in the outcome: there is no formula for its power. Use simulate with --effect.",
            f"{estimator}은(는) 결과변수에 대해 선형이 아니어서 검정력 공식이 없습니다. simulate에 --effect를 지정하여 쓰십시오.",
        )
    places = [(cohort, period) for cohort in cohorts for period in periods]
    pulse = each(_Pulse(ask), places, workers=workers)
    size = np.array([(data["cohort"] == cohort).sum() / len(periods) for cohort in cohorts])
    weights = (np.array(pulse).reshape(len(cohorts), len(periods)) - first) / size[:, None]
    told = weights[np.searchsorted(cohorts, data["cohort"]), np.searchsorted(periods, data["time"])]
    if abs(told @ (noise[1] - noise[0]) - (second - first)) > 1e-6:
        raise UserError(
            f"{estimator} does not take the units of a cohort alike in this design (covariates or weights?): use simulate with --effect.",
            f"이 설계에서 {estimator}은(는) 같은 참여 시점의 단위를 똑같이 다루지 않습니다(공변량이나 가중치). simulate에 --effect를 지정하여 쓰십시오.",
        )
    return weights


@dataclass(frozen=True)
class _Ask:
    """The estimate as a function of what comes to an outcome."""

    plan: Design
    estimator: str
    base: np.ndarray

    def __call__(self, more: np.ndarray) -> float:
        return estimate(replace(self.plan, data=self.plan.data.assign(y=self.base + more)), self.estimator).estimate


@dataclass(frozen=True)
class _Pulse:
    ask: _Ask

    def __call__(self, place: tuple[int, int]) -> float:
        data = self.ask.plan.data
        return self.ask(((data["cohort"] == place[0]) & (data["time"] == place[1])).to_numpy(dtype=float))


def _variance(plan: Design, errors: Errors, weights: np.ndarray, pooled: bool) -> tuple[float, float, UserError | None]:
    """Variance of the estimate, degrees of freedom with which it will be known, and why it will not be."""
    periods = np.unique(plan.data["time"])
    correlation = errors.ar ** np.abs(periods[:, None] - periods).astype(float) if errors.ar else np.eye(len(periods))
    first = plan.first
    cohorts, group, size = np.unique(first, return_inverse=True, return_counts=True)
    own = np.einsum("gt,ts,gs->g", weights, correlation, weights) * errors.sd**2
    if "cluster" not in plan.data:
        part = own * size
        whole = float(part.sum())
        alone = size == 1
        if pooled:
            return whole, float((size - 1).sum()), None
        if part[alone].sum() > UNKNOWN * whole:
            return whole, np.nan, UserError(
                f"One treated unit tells nothing of its own spread; methods that take it from the others do: {', '.join(POOLED)}.",
                f"참여 단위가 하나이면 그 변동을 알 수 없습니다. 다른 단위의 변동을 쓰는 방법을 쓰십시오: {', '.join(POOLED)}.",
            )
        return whole, float(whole**2 / (part[~alone] ** 2 / (size[~alone] - 1)).sum()), None
    _, cluster = np.unique(plan.data["cluster"].to_numpy()[np.flatnonzero(np.diff(plan.data["unit"].to_numpy(), prepend=-1))], return_inverse=True)
    totals = np.zeros((cluster.max() + 1, len(periods)))
    np.add.at(totals, cluster, weights[group])
    shared = np.einsum("gt,ts,gs->g", totals, correlation, totals) * errors.sd**2
    part = (1 - errors.icc) * np.bincount(cluster, own[group]) + errors.icc * shared
    whole = float(part.sum())
    df = float(len(part) - 1) if pooled else float(whole**2 / (part**2).sum() - 1)
    if df < 1:
        return whole, np.nan, UserError("Too few clusters carry the effect for its spread to be known.", "효과를 담은 군집이 너무 적어 변동을 알 수 없습니다.")
    return whole, df, None
