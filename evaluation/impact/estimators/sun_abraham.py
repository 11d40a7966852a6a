"""Sun and Abraham: an event study that no other cohort's effects leak into, from one regression.

The outcome is regressed on a dummy for each cohort at each event time, unit and time effects; event-time effects are averages of the
cohorts' coefficients by their shares. Source: Sun and Abraham (2021), Journal of Econometrics 225, section 4.1 and definition 2.
Our own, on `within.fit`; errors are those of fixest's `sunab`: CR1, shares taken as known.
"""

import numpy as np
import pandas as pd

from evaluation.errors import UserError
from evaluation.impact.design import NOT_YET, Design
from evaluation.impact.estimators.callaway_sant_anna import comparable
from evaluation.impact.estimators.within import codes, fit
from evaluation.impact.result import Result, event_frame, result, standard_errors

ESTIMANDS = {
    "simple": (
        "the average effect on treated units over all their observed periods from treatment on, against {0}",
        "참여 단위가 참여 이후 관측된 모든 시점에서 얻은 평균 효과. 비교 대상은 {0}이다",
    ),
    "dynamic": (
        "the mean over the event times shown, from treatment on, of the average effect that long after treatment, cohorts weighted by their size, against {0}",
        "참여 후 경과 시점별 평균 효과(집단 크기로 가중)를 제시된 기간에 걸쳐 단순평균한 효과. 비교 대상은 {0}이다",
    ),
}
NEVER_TREATED, LAST_TREATED = ("units never treated", "한 번도 참여하지 않은 단위"), ("the units treated last, before they are", "마지막에 참여한 단위의 참여 전 시점")


def estimate(plan: Design, aggregate: str) -> Result:
    """`simple`: over treated rows (by weight); `dynamic`: the event study, and the mean of its estimates from time 0 on in the window.

    The reference of each cohort is the last period before an effect may show. Cohorts at all event times are in the regression,
    whatever the window. `influence` is scaled so that it gives the CR1 error; it follows the design's units, 0 for those not used.

    Raises:
        UserError: not-yet-treated controls where there are never-treated units; a cohort whose effects the panel's gaps leave
            unidentified; no period of treatment in the window.
    """
    if plan.control == NOT_YET and plan.n_never > 0:
        raise UserError(
            "sa compares with never-treated units only, where there are any. Use --control never, or an estimator that takes not-yet-treated units: cs, bjs, dcdh.",
            "sa는 미참여 단위가 있으면 그 단위와만 비교합니다. --control never를 쓰거나, 아직 참여하지 않은 단위도 쓰는 cs, bjs, dcdh를 쓰십시오.",
        )
    data, told = comparable(plan)
    data = data.reset_index(drop=True)
    cohort, time = data["cohort"].to_numpy(), data["time"].to_numpy()
    event = time - cohort
    weight = data["weight"].to_numpy(dtype=float) if "weight" in data else None
    cells, columns = interactions(plan, cohort, time)
    regressors = pd.DataFrame(columns, columns=[f"cohort {g}, event time {e}" for g, e in cells]).join(data[list(plan.covariates)])
    cluster = codes(data[plan.cluster])
    try:
        fitted = fit(data["y"].to_numpy(dtype=float), regressors, codes(data["unit"]), codes(data["time"]), cluster, weight)
    except UserError as error:
        if not error.en.startswith("cohort "):
            raise
        name = error.en.split(" is collinear")[0]
        raise UserError(
            f"The effect of {name} cannot be told from unit and time effects: too few of its units are observed in both that period and the last one before treatment. Use --panel balance, or cs, which leaves out what it cannot estimate.",
            f"{name}의 효과를 단위·시점 고정효과와 구분할 수 없습니다. 그 시점과 참여 직전 시점에 함께 관측된 단위가 부족합니다. --panel balance를 쓰거나, 추정할 수 없는 효과를 제외하는 cs를 쓰십시오.",
        ) from error
    k = len(cells)
    coefficients = fitted.coefficients.to_numpy()[:k]
    # Rows of the cohorts at each event time, by weight: their shares (the weights of definition 2).
    size = np.ones(len(data)) if weight is None else weight
    sizes = np.array([size[(cohort == g) & (event == e)].sum() for g, e in cells])
    cohorts, times = np.array(cells).T
    lowest, highest = -np.inf if plan.before is None else -plan.before, np.inf if plan.after is None else plan.after
    shown = sorted({int(e) for e in times if lowest <= e <= highest})
    shares = np.array([np.where(times == e, sizes, 0) / sizes[times == e].sum() for e in shown]).reshape(len(shown), k)
    after = np.array([e >= 0 for e in shown], dtype=bool)
    if aggregate == "simple":
        weights = np.where(times >= 0, sizes, 0) / sizes[times >= 0].sum()
    elif after.any():
        weights = shares[after].mean(axis=0)
    else:
        raise UserError(f"No period of treatment lies in the window up to {plan.after} after it. Widen --after.", f"참여 후 {plan.after}까지의 구간에 참여 이후 시점이 없습니다. --after를 늘리십시오.")
    of_each = fitted.scaled[:, :k] @ weights
    se = float(np.sqrt(of_each @ of_each))
    df = fitted.clusters - 1
    more = {}
    if aggregate == "dynamic":
        scores = fitted.scaled[:, :k] @ shares.T
        covariance = scores.T @ scores
        # What no cohort has an estimate at: one event time, unless periods are unevenly spaced.
        left_out = {(int(g), int(e)) for g in np.unique(cohorts) for e in event[cohort == g]} - set(cells)
        reference = {e for _, e in left_out if lowest <= e <= highest} - set(shown)
        more = {"event": event_frame(shown, shares @ coefficients, standard_errors(covariance), plan.level, df, reference), "vcov": covariance}
    if plan.cluster == "unit":
        influence = np.zeros(plan.data["unit"].nunique())
        influence[np.unique(data["unit"])] = len(influence) * of_each
        more["influence"] = influence
    words = NEVER_TREATED if plan.n_never > 0 else LAST_TREATED
    return result(
        plan, "sa", aggregate, weights @ coefficients, se, tuple(text.format(compared) for text, compared in zip(ESTIMANDS[aggregate], words, strict=True)),
        inference=f"cluster-robust (CR1) by {plan.cluster}, cohort shares taken as known", df=df, data=data, warnings=tuple(told),
        cohorts={int(g): float(weights[cohorts == g].sum()) for g in np.unique(cohorts)}, **more,
    )  # fmt: skip


def interactions(plan: Design, cohort: np.ndarray, time: np.ndarray) -> tuple[list[tuple[int, int]], np.ndarray]:
    """Cohort and event time of each dummy, and the dummies, shape (rows, dummies); the reference of each cohort is left out.

    Raises:
        UserError: a cohort nobody of which is observed in its reference period.
    """
    periods = np.unique(time)
    cells = []
    for g in np.unique(cohort[cohort > 0]):
        base = periods[np.searchsorted(periods, g - plan.anticipation) - 1]
        own = np.unique(time[cohort == g])
        if base not in own:
            raise UserError(
                f"None of the units first treated in {g} is observed in {base}, which their effects are measured against. Use --panel balance, or bjs, which uses all periods before treatment.",
                f"{g}년에 처음 참여한 단위 가운데 기준 시점({base}년)에 관측된 단위가 없습니다. --panel balance를 쓰거나, 참여 전 모든 시점을 쓰는 bjs를 쓰십시오.",
            )
        cells += [(int(g), int(t - g)) for t in own if t != base]
    return cells, np.column_stack([(cohort == g) & (time == g + e) for g, e in cells]).astype(float)
