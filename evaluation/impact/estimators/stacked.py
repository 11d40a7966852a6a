"""Stacked regression ("stacked"): one clean experiment per cohort, stacked, with weights that make them one average.

Each cohort and its clean controls, over the same event times, are one stack (Cengiz et al. 2019); stacked as they are, treated and
control trends of the stacks are weighted unequally. The corrective weights give the controls of a stack the share that its cohort has
among the treated, so that the coefficient of each event time is the average over cohorts by their units. Own code on `within.fit`:
the library has no covariates, no coarser cluster and no weights of this kind.
Source: Cengiz, Dube, Lindner and Zipperer (2019), Quarterly Journal of Economics 134, appendix D; Wing, Freedman and Hollingsworth (2024),
"Stacked difference-in-differences", NBER Working Paper 32054, equation 3 and table 1 (aggregate weights).
"""

from dataclasses import replace

import numpy as np
import pandas as pd

from evaluation.errors import UserError
from evaluation.impact.design import NEVER, Design
from evaluation.impact.estimators.imputation import few_clusters
from evaluation.impact.estimators.within import codes, fit
from evaluation.impact.result import Result, event_frame, result, standard_errors

CONTROLS = {
    NEVER: ("units that are never treated", "미참여 단위"),
    "notyet": ("units untreated throughout its window", "창 기간 내내 참여하지 않은 단위"),
}


def estimate(plan: Design, aggregate: str) -> Result:
    """The mean of the coefficients of event times from 0 on (`simple` and `dynamic` alike: the same units are in each), and them.

    A cohort has a stack where its whole window lies in the panel and it has clean controls; the window is the design's or, without
    one, the widest that keeps every cohort. Units stand in a stack where they are observed in its whole window. Errors are CR1,
    by cluster of the original units, however often they are stacked; t with clusters - 1. Covariates enter the regression as they are, with
    one coefficient for all stacks; weights of rows are those of the unit in the reference period of the stack.

    Raises:
        UserError: a window without a reference period; no cohort with a whole window and clean controls; a covariate that does not
            change over time.
    """
    reference = -1 - plan.anticipation
    before, after, chosen = window(plan, reference)
    stack, left = stack_rows(plan, before, after, reference)
    told = [*few_clusters(plan), *chosen]
    if left:
        listed = ", ".join(map(str, left))
        told.append((
            f"Cohorts without a whole window of {before} periods before and {after} after, or without clean controls, are left out: {listed}.",
            f"참여 전 {before}기, 후 {after}기가 모두 관측되지 않거나 비교할 단위가 없어 제외한 참여 연도: {listed}.",
        ))  # fmt: skip
    times = [time for time in range(-before, after + 1) if time != reference]
    event, treated = stack["event"].to_numpy(), stack["in_treatment"].to_numpy()
    regressors = event_regressors(plan, stack, times)
    # Effects of the unit in its stack and of event time: without covariates what the paper's treatment and event-time effects give.
    fitted = fit(stack["y"].to_numpy(dtype=float), regressors, codes(stack["member"]), codes(stack["event"]), codes(stack[plan.cluster]), stack["mass"].to_numpy())
    scores = fitted.scaled[:, : len(times)]
    estimates, vcov = fitted.coefficients.to_numpy()[: len(times)], scores.T @ scores
    whole = np.array([time >= 0 for time in times], dtype=float)
    whole /= whole.sum()
    of_each = scores @ whole
    se = float(np.sqrt(of_each @ of_each))
    more = {}
    if aggregate == "dynamic":
        more = {"event": event_frame(times, estimates, standard_errors(vcov), plan.level, fitted.clusters - 1, [reference]), "vcov": vcov}
    members = stack[treated & (event == reference)].groupby("stack")["mass"].sum()
    against = CONTROLS[plan.control]
    estimand = (
        f"average effect over event times 0 to {after} on the units of the cohorts stacked, each unit and event time alike; compared with {against[0]}",
        f"참여 연도별로 만든 비교 묶음에 든 참여 단위의 경과 시점 0~{after} 평균 효과(단위와 시점을 같은 비중으로 평균). 비교 대상은 {against[1]}이다",
    )
    influence = None
    if plan.cluster == "unit":
        influence = np.zeros(plan.data["unit"].nunique())
        influence[np.unique(stack["unit"])] = len(influence) * of_each
    return result(
        plan, "stacked", aggregate, whole @ estimates, se, estimand, inference=f"cluster-robust (CR1) by {plan.cluster}", df=fitted.clusters - 1,
        data=plan.data.iloc[np.unique(stack["row"])], n_treated_units=int(stack.loc[treated, "unit"].nunique()), influence=influence,
        cohorts={int(cohort): float(share) for cohort, share in (members / members.sum()).items()},
        diagnostics={"stacks": float(len(members)), "stacked_rows": float(len(stack)), "before": float(before), "after": float(after)},
        warnings=tuple(told), **more,
    )  # fmt: skip


def event_regressors(plan: Design, stack: pd.DataFrame, times: list[int]) -> pd.DataFrame:
    """Dummies `e<time>` of the stacks' treated units at each event time, and the covariates, by the rows of `stack_rows`."""
    event, treated = stack["event"].to_numpy(), stack["in_treatment"].to_numpy()
    dummies = pd.DataFrame({f"e{time}": ((event == time) & treated).astype(float) for time in times}, index=stack.index)
    return dummies.join(stack[list(plan.covariates)]) if plan.covariates else dummies


def window(plan: Design, reference: int) -> tuple[int, int, list[tuple[str, str]]]:
    """Periods before and after of all stacks: the design's, or the widest that keep every cohort that can have a stack at all; and a
    warning that says which."""
    if plan.before is not None and plan.before < -reference:
        raise UserError(
            f"The window starts at event time {-plan.before}, after the reference period {reference}. Set --before to {-reference} or more.",
            f"창이 기준 시점 {reference}보다 늦은 경과 시점 {-plan.before}에서 시작합니다. --before를 {-reference} 이상으로 지정하십시오.",
        )
    start, end = int(plan.data["time"].min()), int(plan.data["time"].max())
    if plan.before is not None and plan.after is not None:
        return plan.before, plan.after, []
    need = -reference if plan.before is None else plan.before
    able = [cohort for cohort in plan.cohorts if cohort - need >= start and _room(plan, cohort, end) >= (plan.after or 0)]
    if not able:
        raise _nobody(plan, need, plan.after or 0, reference)
    before = plan.before if plan.before is not None else min(able) - start
    after = plan.after if plan.after is not None else min(_room(plan, cohort, end) for cohort in able)
    told = (
        f"The window is {before} periods before and {after} after treatment, the widest that keeps every cohort that can be compared; set it to change that.",
        f"창은 비교할 수 있는 모든 참여 연도가 들어가는 가장 넓은 범위인 참여 전 {before}기, 후 {after}기로 하였다. 지정하면 바꿀 수 있다.",
    )
    return before, after, [told]


def _room(plan: Design, cohort: int, end: int) -> int:
    """Last event time of a cohort with clean controls within the panel; negative without any."""
    room = end - cohort
    if plan.n_never:
        return room
    # Clean controls start after the window, and their anticipation too.
    return -1 if plan.control == NEVER else min(room, max(plan.cohorts) - cohort - plan.anticipation - 1)


def stack_rows(plan: Design, before: int, after: int, reference: int) -> tuple[pd.DataFrame, list[int]]:
    """Rows of all stacks with `stack` (cohort), `event`, `in_treatment`, `member` (unit in stack), `mass` (corrective weight, times the
    unit's), `row` (place in the design's data); and cohorts without a stack."""
    data = plan.data.assign(row=np.arange(len(plan.data)))
    stacks, left = [], []
    for cohort in plan.cohorts:
        clean = data["cohort"] == 0
        if plan.control != NEVER:
            clean = clean | (data["cohort"] - plan.anticipation > cohort + after)
        rows = data[((data["cohort"] == cohort) | clean) & data["time"].between(cohort - before, cohort + after)]
        rows = rows[rows.groupby("unit")["time"].transform("size") == before + after + 1]
        mine = rows["cohort"] == cohort
        if not mine.any() or mine.all():
            left.append(cohort)
            continue
        rows = rows.assign(stack=cohort, event=rows["time"] - cohort, in_treatment=mine, member=rows["unit"] + len(stacks) * len(plan.names))
        at_reference = rows[rows["event"] == reference].set_index("unit")
        own = at_reference["weight"] if "weight" in rows else pd.Series(1.0, at_reference.index)
        stacks.append(rows.assign(mass=rows["unit"].map(own)))
    if not stacks:
        raise _nobody(plan, before, after, reference)
    stack = pd.concat(stacks, ignore_index=True)
    once = stack[stack["event"] == reference]
    sums = once.groupby(["stack", "in_treatment"])["mass"].sum().unstack()
    shares = sums / sums.sum()
    # Table 1, aggregate: a control's weight is its stack's share of the treated over its share of the controls.
    correct = stack["stack"].map(shares[True] / shares[False]).where(~stack["in_treatment"], 1.0)
    return stack.assign(mass=stack["mass"] * correct), left


def _nobody(plan: Design, before: int, after: int, reference: int) -> UserError:
    english, korean = "Shorten the window", "창을 줄이거나"
    if plan.before is not None or plan.after is not None:
        try:
            widest = window(replace(plan, before=None, after=None), reference)[:2]
            stack_rows(replace(plan, before=None, after=None), *widest, reference)
            english += f" (--before {widest[0]} --after {widest[1]} is the widest that keeps every cohort that can be compared)"
            korean = f"창을 줄이거나(비교할 수 있는 모든 참여 연도가 들어가는 가장 넓은 창은 --before {widest[0]} --after {widest[1]}입니다)"
        except UserError:
            # No window at all would do.
            pass
    return UserError(
        f"No cohort is observed {before} periods before and {after} after treatment together with clean controls. {english}, lower the anticipation, or use --control notyet or bjs.",
        f"참여 전 {before}기와 후 {after}기가 비교할 단위와 함께 관측되는 참여 연도가 없습니다. {korean} 사전 반응 기간을 줄이거나, --control notyet 또는 bjs를 쓰십시오.",
    )
