"""The estimators, one module each; every one takes a `Design` and returns a `Result`.

A module offers a function of a plan and an aggregate. What a library does right is left to it; the modules say which one, and hold what the
libraries get wrong. Heavy libraries are loaded when an estimator runs.
"""

from collections.abc import Iterable
from importlib import import_module

from evaluation.errors import UserError
from evaluation.impact.design import KEEP, Design, is_binary, not_binary
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
    "sdid": ("synthetic", "synthetic_did", ("simple", "dynamic"), False, True, False, False),
    "sc": ("synthetic", "synthetic_control", ("simple", "dynamic"), False, True, False, False),
}
TAKES = ("gaps", "covariates", "weights", "doses")
# Why an estimator cannot take something, where that lies in the method.
WHOLE = ("it weights whole series", "시계열 전체에 가중치를 주기 때문입니다")
OWN = ("it finds the weights of units itself", "단위의 가중치를 스스로 찾는 방법이기 때문입니다")
WHY = {("sdid", "gaps"): WHOLE, ("sc", "gaps"): WHOLE, ("sdid", "weights"): OWN, ("sc", "weights"): OWN}


def _cannot(estimator: str, what: str, english: str, korean: str, instead: tuple[str, str] = ("", "")) -> UserError:
    """A refusal that says why, where the method has a reason, and names the estimators that can, after what else would do."""
    why = WHY.get((estimator, what))
    able = ", ".join(name for name, known in KNOWN.items() if known[3 + TAKES.index(what)])
    return UserError(
        f"{estimator} {english}{f': {why[0]}' if why else ''}. Use {instead[0]}one that does: {able}.",
        f"{estimator}{korean}.{f' {why[1]}.' if why else ''} {instead[1]}다음 중 하나를 쓰십시오: {able}.",
    )


def estimate(plan: Design, estimator: str, aggregate: str = "simple") -> Result:
    """Estimate the effect of a design.

    Raises:
        UserError: an estimator or aggregate that there is not; one that cannot serve this design, and why.
    """
    refuse(plan, estimator, aggregate)
    module, function = KNOWN[estimator][:2]
    found = getattr(import_module(f"evaluation.impact.estimators.{module}"), function)(plan, aggregate)
    if plan.panel == KEEP and found.n_obs < len(plan.data):
        raise UserError(
            f"{estimator} would use {found.n_obs} of {len(plan.data)} rows. Use --panel balance, or --panel complete to let each estimator use what it can.",
            f"{estimator}은(는) {len(plan.data)}행 가운데 {found.n_obs}행만 쓸 수 있습니다. --panel balance를 쓰거나, 추정방법마다 쓸 수 있는 행을 쓰려면 --panel complete를 쓰십시오.",
        )
    return found


def refuse(plan: Design, estimator: str, aggregate: str) -> None:
    """UserError where an estimator or aggregate is none that there is, or cannot serve this design, with the reason."""
    if estimator not in KNOWN:
        raise UserError(f"estimator is {estimator!r}; use one of: {', '.join(KNOWN)}.", f"추정방법 {estimator!r}을(를) 쓸 수 없습니다. 다음 중 하나를 쓰십시오: {', '.join(KNOWN)}.")
    _, _, aggregates, gaps, covariates, weights, doses = KNOWN[estimator]
    if aggregate not in aggregates:
        able = ", ".join(name for name, known in KNOWN.items() if aggregate in known[2])
        english, korean = (f" For {aggregate} use: {able}.", f" {aggregate}에는 다음을 쓰십시오: {able}.") if able else ("", "")
        raise UserError(
            f"{estimator} has no aggregate {aggregate!r}; use one of: {', '.join(aggregates)}.{english}",
            f"{estimator}에는 집계 {aggregate!r}이(가) 없습니다. 다음 중 하나를 쓰십시오: {', '.join(aggregates)}.{korean}",
        )
    if not gaps and not plan.balanced:
        raise _cannot(estimator, "gaps", "takes no gaps in the panel", "에는 모든 단위가 모든 시점에 있어야 합니다", ("--panel balance, or ", "--panel balance를 쓰거나 "))
    if plan.covariates and not covariates:
        raise _cannot(estimator, "covariates", "takes no covariates", "에는 공변량을 쓸 수 없습니다")
    if "weight" in plan.data and not weights:
        raise _cannot(estimator, "weights", "takes no weights", "에는 가중치를 쓸 수 없습니다")
    if not is_binary(plan) and not doses:
        able = ", ".join(name for name, known in KNOWN.items() if known[-1])
        english, korean = not_binary(plan)
        raise UserError(f"{estimator} needs a treatment that is 0 or 1 and stays 1; {english}. For doses use: {able}.", f"{estimator}에는 0에서 1로 바뀐 뒤 유지되는 처치 변수가 필요합니다({korean}). 비율에는 다음을 쓰십시오: {able}.")


def several(plan: Design, estimators: Iterable[str], aggregate: str = "simple") -> tuple[list[Result], list[tuple[str, UserError]]]:
    """`estimate` by each of the named estimators: the results, and those that cannot serve this design with the reason."""
    found, refused = [], []
    for name in estimators:
        try:
            found.append(estimate(plan, name, aggregate))
        except UserError as error:
            refused.append((name, error))
    return found, refused
