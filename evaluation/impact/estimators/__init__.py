"""The estimators, one module each; every one takes a `Design` and returns a `Result`.

A module offers a function of a plan and an aggregate. What a library does right is left to it; the modules say which one, and hold what the
libraries get wrong. Heavy libraries are loaded when an estimator runs.
"""

from collections.abc import Iterable
from importlib import import_module

from evaluation.errors import UserError
from evaluation.impact.design import KEEP, Design, is_binary
from evaluation.impact.result import Result

AGGREGATES = ("simple", "group", "dynamic", "calendar")
# name -> module and function, what it averages to, whether it takes gaps in the panel, covariates, weights, doses in place of a cohort
KNOWN = {
    "twfe": ("twfe", "estimate", ("simple", "dynamic"), True, True, True, True),
    "sa": ("sun_abraham", "estimate", ("simple", "dynamic"), True, True, True, False),
    "cs": ("callaway_sant_anna", "estimate", AGGREGATES, True, True, True, False),
    "bjs": ("imputation", "estimate", ("simple", "group", "dynamic"), True, True, True, False),
    "did2s": ("two_stage", "estimate", ("simple", "dynamic"), True, True, True, False),
    "etwfe": ("etwfe", "estimate", AGGREGATES, True, True, True, False),
    "etwfe_poisson": ("etwfe", "estimate_poisson", AGGREGATES, False, True, True, False),
    "dcdh": ("dcdh", "estimate", ("simple", "dynamic"), True, True, True, True),
    "lpdid": ("lpdid", "estimate", ("simple", "dynamic"), True, True, False, False),
    "stacked": ("stacked", "estimate", ("simple", "dynamic"), True, True, True, False),
    "sdid": ("synthetic", "synthetic_did", ("simple", "dynamic"), False, False, False, False),
    "sc": ("synthetic", "synthetic_control", ("simple", "dynamic"), False, False, False, False),
}


def estimate(plan: Design, estimator: str, aggregate: str = "simple") -> Result:
    """Estimate the effect of a design.

    Raises:
        UserError: an estimator or aggregate that there is not; one that cannot serve this design, and why.
    """
    if estimator not in KNOWN:
        raise UserError(f"estimator is {estimator!r}; use one of: {', '.join(KNOWN)}.", f"추정방법 {estimator!r}을(를) 쓸 수 없습니다. 다음 중 하나를 쓰십시오: {', '.join(KNOWN)}.")
    module, function, aggregates, gaps, covariates, weights, doses = KNOWN[estimator]
    if aggregate not in aggregates:
        raise UserError(f"{estimator} has no aggregate {aggregate!r}; use one of: {', '.join(aggregates)}.", f"{estimator}에는 집계 {aggregate!r}이(가) 없습니다. 다음 중 하나를 쓰십시오: {', '.join(aggregates)}.")
    if not gaps and not plan.balanced:
        raise UserError(f"{estimator} needs every unit in every period. Use --panel balance.", f"{estimator}에는 모든 단위가 모든 시점에 있어야 합니다. --panel balance를 쓰십시오.")
    if plan.covariates and not covariates:
        raise UserError(f"{estimator} takes no covariates here.", f"{estimator}에는 공변량을 쓸 수 없습니다.")
    if "weight" in plan.data and not weights:
        raise UserError(f"{estimator} takes no weights here.", f"{estimator}에는 가중치를 쓸 수 없습니다.")
    if not is_binary(plan) and not doses:
        able = ", ".join(name for name, known in KNOWN.items() if known[-1])
        raise UserError(f"{estimator} needs a treatment that is 0 or 1 and stays 1. For doses use: {able}.", f"{estimator}에는 0에서 1로 바뀐 뒤 유지되는 처치 변수가 필요합니다. 비율에는 다음을 쓰십시오: {able}.")
    found = getattr(import_module(f"evaluation.impact.estimators.{module}"), function)(plan, aggregate)
    if plan.panel == KEEP and found.n_obs < len(plan.data):
        raise UserError(
            f"{estimator} would use {found.n_obs} of {len(plan.data)} rows. Use --panel balance, or --panel complete to let each estimator use what it can.",
            f"{estimator}은(는) {len(plan.data)}행 가운데 {found.n_obs}행만 쓸 수 있습니다. --panel balance를 쓰거나, 추정방법마다 쓸 수 있는 행을 쓰려면 --panel complete를 쓰십시오.",
        )
    return found


def several(plan: Design, estimators: Iterable[str], aggregate: str = "simple") -> tuple[list[Result], list[tuple[str, UserError]]]:
    """`estimate` by each of the named estimators: the results, and those that cannot serve this design with the reason."""
    found, refused = [], []
    for name in estimators:
        try:
            found.append(estimate(plan, name, aggregate))
        except UserError as error:
            refused.append((name, error))
    return found, refused
