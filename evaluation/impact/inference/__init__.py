"""How sure an estimate is: intervals and p-values by the method asked for, over any estimator that can carry it.

    Design + estimator -> `infer` -> Result with the same estimate, and the interval, p-value and words of the method

One module each; a module offers a function of a plan, an estimator, an aggregate and `Options`, that returns a `Found`.
"""

from dataclasses import dataclass, field, replace
from importlib import import_module

import numpy as np
import pandas as pd

from evaluation.errors import UserError
from evaluation.impact.design import Design, about_errors
from evaluation.impact.estimators import estimate
from evaluation.impact.result import Result

SEED = 20_050_101
# In place of a name: the method that suits the design, with the reason among the warnings.
RECOMMENDED = "recommended"
# name -> module and function; `analytic` is what an estimator gives by itself
KNOWN = {
    "analytic": None,
    "cr1": ("cluster_robust", "cr1"), "cr2": ("cluster_robust", "cr2"), "cr3": ("cluster_robust", "cr3"),
    "wild": ("wild", "wild"), "subcluster": ("wild", "subcluster"),
    "randomisation": ("randomisation", "randomisation"), "mackinnon-webb": ("randomisation", "mackinnon_webb"),
    "conley-taber": ("few_treated", "conley_taber"), "ferman-pinto": ("few_treated", "ferman_pinto"),
    "placebo": ("placebo", "placebo"),
}  # fmt: skip


@dataclass(frozen=True)
class Options:
    """What a method may be told: `draws` of a bootstrap or of reassignments (all are gone through where there are fewer); `seed`;
    `statistic`, t or coefficient, of randomisation; `dates`, whether adoption dates are drawn too; `scheduler`, address of a Dask
    scheduler, or None for local processes."""

    draws: int = 9_999
    seed: int = SEED
    statistic: str = "t"
    dates: bool = False
    scheduler: str | None = None


@dataclass(frozen=True)
class Found:
    """What a method finds for one estimate: `lower` and `upper` at the design's level (infinite where the method cannot bound them),
    `p` of no effect, `se` and `df` where it has them; `inference` in words; `event` the interval of each event time, by
    `event_time`, `lower`, `upper`, `p`, where it gives them; `vcov` the covariance of `event`, where the method has one; `diagnostics` and `warnings` as in Result."""

    lower: float
    upper: float
    p: float
    inference: str
    se: float = np.nan
    df: float = np.nan
    event: pd.DataFrame = field(default_factory=pd.DataFrame)
    diagnostics: dict[str, float] = field(default_factory=dict)
    warnings: tuple[tuple[str, str], ...] = ()
    vcov: np.ndarray | None = None


def infer(plan: Design, estimator: str, aggregate: str = "simple", how: str = "analytic", options: Options | None = None, plain: Result | None = None) -> Result:
    """Estimate, with the uncertainty found by a method; `plain`: the estimate, where it was made already.

    With `group` each cohort is taken by itself, with the never-treated units only, so that its interval says something of it alone; of other
    parts (`calendar`, and the cells of `simple`) methods other than `analytic` give no intervals.

    Raises:
        UserError: a method that there is not; one that cannot serve this estimator or design, and why.
    """
    if how == RECOMMENDED:
        from evaluation.impact.inference.recommend import recommend

        how, why = recommend(plan, estimator)
        plain = estimate(plan, estimator, aggregate) if plain is None else plain
        try:
            chosen = infer(plan, estimator, aggregate, how, options, plain)
        except UserError as error:
            # What would suit cannot be had: the estimator's own errors, with what they suffer from, are all there is.
            why = (f"{how} would suit this design, but cannot serve: {error.en} The estimator's own errors stand in its place.", f"이 설계에는 {how}이(가) 알맞으나 쓸 수 없다({error.ko}). 그래서 추정방법 고유의 오차를 제시한다.")
            how, chosen = "analytic", plain
        return replace(chosen, warnings=((f"Inference by {how}: {why[0]}", f"추론방법 {how}: {why[1]}"), *chosen.warnings))
    if how not in KNOWN:
        raise UserError(f"inference is {how!r}; use one of: {', '.join((RECOMMENDED, *KNOWN))}.", f"추론방법 {how!r}을(를) 쓸 수 없습니다. 다음 중 하나를 쓰십시오: {', '.join((RECOMMENDED, *KNOWN))}.")
    plain = estimate(plan, estimator, aggregate) if plain is None else plain
    if KNOWN[how] is None:
        return plain
    module, function = KNOWN[how]
    method = getattr(import_module(f"evaluation.impact.inference.{module}"), function)
    # Those that rest on the regression behind an estimate hold it against that estimate.
    more = {"told": plain} if module in ("cluster_robust", "wild") else {}
    found: Found = method(plan, estimator, aggregate, options or Options(), **more)
    event, groups, told = plain.event, plain.groups, list(found.warnings)
    if not event.empty and not found.event.empty:
        given = found.event.set_index("event_time")
        # Errors that are not this method's would not go with its intervals.
        event = event.assign(**{side: event["event_time"].map(given[side]) if side in given else np.nan for side in ("lower", "upper", "se", "p")})
    if not groups.empty:
        groups = groups.assign(lower=np.nan, upper=np.nan)
    if aggregate == "group":
        groups = groups.assign(p=np.nan)
        for place, cohort in groups["cohort"].astype(int).items():
            try:
                alone = infer(of_cohort(plan, cohort), estimator, "simple", how, options)
                apart = abs(alone.estimate - groups.at[place, "estimate"]) > 1e-9 * max(1.0, abs(alone.estimate))
                groups.loc[place, ["estimate", "se", "lower", "upper", "p"]] = alone.estimate, alone.se, alone.lower, alone.upper, alone.p
                told += [(f"{cohort}: {english}", f"{cohort}: {korean}") for english, korean in alone.warnings if (english, korean) not in plain.warnings]
                if apart:
                    told.append((f"{cohort}: the estimate is that of the cohort by itself, against the never-treated only.", f"{cohort}: 이 집단만 미참여 단위와 비교하여 추정한 값이다."))
            except UserError as error:
                told.append((f"{cohort}: {error.en}", f"{cohort}: {error.ko}"))
    # What is said of analytic errors and intervals is not said of this method.
    analytic = about_errors(plan.first, plan.data[plan.cluster].nunique())
    told = [*(one for one in plain.warnings if one not in analytic), *(one for one in told if one not in plain.warnings)]
    return replace(
        plain, lower=found.lower, upper=found.upper, p=found.p, se=found.se, df=found.df, inference=found.inference, event=event, groups=groups, vcov=found.vcov,
        diagnostics=plain.diagnostics | found.diagnostics, warnings=tuple(told),
    )  # fmt: skip


def of_cohort(plan: Design, cohort: int) -> Design:
    """The design with one cohort and the never-treated units only.

    Raises:
        UserError: no such cohort, or nobody never treated.
    """
    if cohort not in plan.cohorts or not plan.n_never:
        raise UserError(f"There is no cohort {cohort} with never-treated units to compare with.", f"참여 시점 {cohort}인 단위나 비교할 미참여 단위가 없습니다.")
    data = plan.data[plan.data["cohort"].isin([0, cohort])].copy()
    left, data["unit"] = np.unique(data["unit"], return_inverse=True)
    return replace(plan, data=data.reset_index(drop=True), names=plan.names[left])
