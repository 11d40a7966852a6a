"""Two-way fixed effects: y on treatment, unit and time effects; and its event study.

With staggered adoption the coefficient is an average of comparisons some of which use treated units as controls, with weights
that can be negative (Goodman-Bacon 2021, Journal of Econometrics 225): `evaluation.impact.bacon` shows them. It is a cross-check.
"""

import numpy as np
import pandas as pd

from evaluation.errors import UserError
from evaluation.impact.design import Design, is_binary
from evaluation.impact.estimators.within import codes, fit
from evaluation.impact.result import Result, event_frame, result

ESTIMAND = (
    "a weighted average of effects over treated units and periods, with weights that depend on when units are treated and that can be negative",
    "참여 단위·시점별 효과의 가중평균. 가중치는 참여 시점에 따라 정해지며 음수일 수 있다",
)


def estimate(plan: Design, aggregate: str) -> Result:
    """`simple`: the coefficient of treatment; `dynamic`: the mean of the event study's coefficients from time 0 on."""
    data = plan.data
    if aggregate == "dynamic" and not is_binary(plan):
        raise UserError("An event study needs a treatment that is 0 or 1 and stays 1.", "사건연구에는 0에서 1로 바뀐 뒤 유지되는 처치 변수가 필요합니다.")
    treatment = data["dose"] if "dose" in data else data["treated"].astype(float)
    if aggregate == "simple":
        fitted = _fit(plan, pd.DataFrame({"treated": treatment}))
        se = float(np.sqrt(fitted.vcov.at["treated", "treated"]))
        return result(
            plan, "twfe", aggregate, fitted.coefficients["treated"], se, ESTIMAND, inference=_inference(plan), df=fitted.clusters - 1,
            influence=_influence(plan, fitted, np.eye(len(fitted.coefficients))[0]),
        )  # fmt: skip
    dummies, reference = event_dummies(plan)
    fitted = _fit(plan, dummies)
    times = [int(name[1:]) for name in dummies]
    vcov = fitted.vcov.iloc[: len(times), : len(times)].to_numpy()
    event = event_frame(times, fitted.coefficients.iloc[: len(times)], np.sqrt(np.diag(vcov)), plan.level, fitted.clusters - 1, [reference])
    after = np.array([time >= 0 for time in times]) / max(1, sum(time >= 0 for time in times))
    weights = np.concatenate([after, np.zeros(len(fitted.coefficients) - len(times))])
    # Ends that pool several event times are no single periods, which those who bound changes between periods must know.
    seen = plan.data["event_time"]
    binned = {"binned_first": plan.before is not None and seen.min() < -plan.before, "binned_last": plan.after is not None and seen.max() > plan.after}
    return result(
        plan, "twfe", aggregate, after @ fitted.coefficients.iloc[: len(times)], float(np.sqrt(after @ vcov @ after)), ESTIMAND,
        inference=_inference(plan), df=fitted.clusters - 1, event=event, vcov=vcov, influence=_influence(plan, fitted, weights),
        diagnostics={name: 1.0 for name, is_so in binned.items() if is_so},
    )  # fmt: skip


def event_dummies(plan: Design) -> tuple[pd.DataFrame, int]:
    """Event-time dummies `e<time>` in order, ends binned at the window, the reference period left out; and that period.

    The reference is the last period before an effect may show: -1, or earlier by the anticipation. Without never-treated units
    the effects of event time are only told from those of time by a second reference, the earliest event time.
    """
    reference = -1 - plan.anticipation
    time = plan.data["event_time"]
    binned = time.clip(-plan.before if plan.before is not None else None, plan.after)
    times = sorted(int(value) for value in binned.dropna().unique() if value != reference)
    if plan.n_never == 0 and times:
        times = times[1:]
    return pd.DataFrame({f"e{value}": (binned == value).astype(float) for value in times}, index=plan.data.index), reference


def _fit(plan: Design, regressors: pd.DataFrame):
    data = plan.data
    weight = data["weight"].to_numpy(dtype=float) if "weight" in data else None
    columns = regressors.join(data[list(plan.covariates)]) if plan.covariates else regressors
    unit = data["unit"].to_numpy()
    cluster = unit if plan.cluster == "unit" else codes(data["cluster"])
    return fit(data["y"].to_numpy(dtype=float), columns, unit, codes(data["time"]), cluster, weight)


def _influence(plan: Design, fitted, weights: np.ndarray) -> np.ndarray | None:
    """Influence values where units are the clusters: n times the score of each through the bread, with CR1's factor in it."""
    return None if plan.cluster != "unit" else np.sqrt(fitted.factor) * len(fitted.scores) * fitted.scores @ fitted.bread @ weights


def _inference(plan: Design) -> str:
    return f"cluster-robust (CR1) by {plan.cluster}"
