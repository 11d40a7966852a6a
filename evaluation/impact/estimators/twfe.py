"""Two-way fixed effects: y on treatment, unit and time effects; and its event study.

With staggered adoption the coefficient is an average of comparisons some of which use treated units as controls, with weights
that can be negative (Goodman-Bacon 2021, Journal of Econometrics 225): `evaluation.impact.bacon` shows them. It is a cross-check.
"""

import numpy as np
import pandas as pd

from evaluation.errors import UserError
from evaluation.impact.design import Design, is_binary, last_before
from evaluation.impact.estimators.within import codes, fit
from evaluation.impact.result import Result, event_frame, result, standard_errors

ESTIMAND = (
    "a weighted average of effects over treated units and periods, with weights that depend on when units are treated and that can be negative",
    "참여 단위·시점별 효과의 가중평균. 가중치는 참여 시점에 따라 정해지며 음수일 수 있다",
)


def estimate(plan: Design, aggregate: str) -> Result:
    """`simple`: the coefficient of treatment; `dynamic`: the mean of the event study's coefficients from time 0 on.

    Where effects are anticipated, `simple` leaves out the periods before treatment in which they may show already; the event study has
    coefficients for them. Its ends hold all event times beyond the window, with a warning.

    Raises:
        UserError: an event study of doses, or with its reference outside the window or the panel; effects that unit and time effects
            hold; a covariate that they hold.
    """
    data = plan.data
    if aggregate == "dynamic" and not is_binary(plan):
        raise UserError("An event study needs a treatment that is 0 or 1 and stays 1. Use --aggregate simple, or dcdh, which takes doses.", "사건연구에는 0에서 1로 바뀐 뒤 유지되는 처치 변수가 필요합니다. --aggregate simple을 쓰거나, 비율을 다루는 dcdh를 쓰십시오.")
    if aggregate == "simple":
        told = []
        left_out = reacting(plan)
        if left_out.any():
            data = data[~left_out]
            told.append((
                f"Event times from {-plan.anticipation} to -1, in which an effect may show already, are left out.",
                f"사전 반응이 나타날 수 있는 경과 시점 {-plan.anticipation}~-1은 제외하였다.",
            ))  # fmt: skip
        treatment = data["dose"] if "dose" in data else data["treated"].astype(float)
        fitted = _fit(plan, data, pd.DataFrame({"treated": treatment}))
        se = float(standard_errors(fitted.vcov)[0])
        return result(
            plan, "twfe", aggregate, fitted.coefficients["treated"], se, ESTIMAND, inference=_inference(plan), df=fitted.clusters - 1, data=data if told else None,
            influence=_influence(plan, data, fitted, np.eye(len(fitted.coefficients))[0]), warnings=tuple(told),
        )  # fmt: skip
    dummies, reference = event_dummies(plan)
    fitted = _fit(plan, data, dummies)
    times = [int(name[1:]) for name in dummies]
    scores = fitted.scaled[:, : len(times)]
    vcov = scores.T @ scores
    event = event_frame(times, fitted.coefficients.iloc[: len(times)], standard_errors(vcov), plan.level, fitted.clusters - 1, [reference])
    after = np.array([time >= 0 for time in times]) / max(1, sum(time >= 0 for time in times))
    weights = np.concatenate([after, np.zeros(len(fitted.coefficients) - len(times))])
    # Ends that pool several event times are no single periods, which those who bound changes between periods must know.
    seen = plan.data["event_time"]
    binned = {"binned_first": plan.before is not None and seen.min() < -plan.before, "binned_last": plan.after is not None and seen.max() > plan.after}
    return result(
        plan, "twfe", aggregate, after @ fitted.coefficients.iloc[: len(times)], float(np.linalg.norm(scores @ after)), ESTIMAND,
        inference=_inference(plan), df=fitted.clusters - 1, event=event, vcov=vcov, influence=_influence(plan, data, fitted, weights), warnings=_binned(plan),
        diagnostics={name: 1.0 for name, is_so in binned.items() if is_so},
    )  # fmt: skip


def reacting(plan: Design) -> pd.Series:
    """Rows before treatment in which an effect may show already, boolean: `simple` leaves them out."""
    time = plan.data["event_time"]
    return (time < 0) & (time >= -plan.anticipation)


def event_dummies(plan: Design) -> tuple[pd.DataFrame, int]:
    """Event-time dummies `e<time>` in order, ends binned at the window, the reference period left out; and that period.

    The reference is the last period before an effect may show: -1, or earlier by the anticipation. Without never-treated units
    the effects of event time are only told from those of time by a second reference, the earliest event time.

    Raises:
        UserError: a reference before the window, or that no unit is observed at.
    """
    reference = last_before(plan)
    time = plan.data["event_time"]
    if plan.before is not None and plan.before < -reference:
        raise UserError(
            f"The window starts at event time {-plan.before}, after the reference period {reference}. Set --before to {-reference} or more, or lower --anticipation.",
            f"창이 기준 시점 {reference}보다 늦은 경과 시점 {-plan.before}에서 시작합니다. --before를 {-reference} 이상으로 지정하거나 --anticipation을 줄이십시오.",
        )
    binned = time.clip(-plan.before if plan.before is not None else None, plan.after)
    if not (binned == reference).any():
        raise UserError(
            f"No unit is observed at event time {reference}, the reference period: the panel starts at {int(time.min())}. Lower --anticipation, or use bjs, which compares with all periods before treatment."
            if time.min() > reference
            else f"No unit is observed at event time {reference}, the reference period. Number the periods consecutively, or use bjs, which compares with all periods before treatment.",
            f"기준 시점(경과 시점 {reference})에 관측된 단위가 없습니다. --anticipation을 줄이거나 시점에 연속된 번호를 붙이십시오. 참여 전 모든 시점과 비교하는 bjs를 쓸 수도 있습니다.",
        )
    times = sorted(int(value) for value in binned.dropna().unique() if value != reference)
    if plan.n_never == 0 and times:
        times = times[1:]
    return pd.DataFrame({f"e{value}": (binned == value).astype(float) for value in times}, index=plan.data.index), reference


def _binned(plan: Design) -> tuple[tuple[str, str], ...]:
    """A warning where event times beyond the window are counted with its ends."""
    time = plan.data["event_time"]
    ends = [str(-plan.before)] if plan.before is not None and (time < -plan.before).any() else []
    ends += [str(plan.after)] if plan.after is not None and (time > plan.after).any() else []
    if not ends:
        return ()
    listed = ", ".join(ends)
    return ((
        f"Event times beyond the window are counted with its ends: the coefficients at {listed} are averages over them too.",
        f"창 밖의 경과 시점은 창의 양 끝에 합쳤다. 경과 시점 {listed}의 계수는 그 바깥 시점까지 평균한 값이다.",
    ),)  # fmt: skip


def _fit(plan: Design, data: pd.DataFrame, regressors: pd.DataFrame):
    weight = data["weight"].to_numpy(dtype=float) if "weight" in data else None
    columns = regressors.join(data[list(plan.covariates)]) if plan.covariates else regressors
    unit = codes(data["unit"])
    cluster = unit if plan.cluster == "unit" else codes(data["cluster"])
    try:
        return fit(data["y"].to_numpy(dtype=float), columns, unit, codes(data["time"]), cluster, weight)
    except UserError as error:
        held = error.en.split(" is collinear")[0]
        if held not in regressors:
            raise
        raise _not_told_apart(plan, held) from error


def _not_told_apart(plan: Design, held: str) -> UserError:
    """Why unit and time effects hold the regressor `held` of treatment."""
    if held == "treated":
        return UserError(
            "Treatment cannot be told from unit and time effects: no treated unit is observed both before it (less anticipation) and after, or nobody is untreated by then. Lower --anticipation, or use a longer panel.",
            "처치를 단위·시점 고정효과와 구분할 수 없습니다. 참여 전(사전 반응 기간 제외)과 후가 모두 관측된 참여 단위나 그때까지 참여하지 않은 단위가 없습니다. --anticipation을 줄이거나 더 긴 패널을 쓰십시오.",
        )
    apart = int(np.gcd.reduce(np.diff(sorted(plan.cohorts)))) if len(plan.cohorts) > 1 else 0
    if plan.n_never == 0 and apart > 1:
        return UserError(
            f"The effect at event time {held[1:]} cannot be told from unit and time effects: no unit is never treated, and all cohorts start {apart} periods, or a multiple of that, apart. Use sa or cs.",
            f"경과 시점 {held[1:]}의 효과를 단위·시점 고정효과와 구분할 수 없습니다. 미참여 단위가 없고 참여 시점이 모두 {apart}기의 배수만큼 떨어져 있습니다. sa나 cs를 쓰십시오.",
        )
    return UserError(
        f"The effect at event time {held[1:]} cannot be told from unit and time effects: too few units to compare with are observed then. Change --before or --after, lower --anticipation, or use sa or cs.",
        f"경과 시점 {held[1:]}의 효과를 단위·시점 고정효과와 구분할 수 없습니다. 그 시점에 비교할 단위가 부족합니다. --before나 --after를 바꾸거나 --anticipation을 줄이거나, sa나 cs를 쓰십시오.",
    )


def _influence(plan: Design, data: pd.DataFrame, fitted, weights: np.ndarray) -> np.ndarray | None:
    """Influence values where units are the clusters: n times the score of each through the bread, with CR1's factor in it; 0 for units
    that are not used."""
    if plan.cluster != "unit":
        return None
    influence = np.zeros(len(plan.names))
    influence[np.unique(data["unit"])] = len(plan.names) * fitted.scaled @ weights
    return influence


def _inference(plan: Design) -> str:
    return f"cluster-robust (CR1) by {plan.cluster}"
