"""Two-stage difference-in-differences ("did2s"): outcomes less unit and time effects of untreated rows, on treatment.

The estimate of `simple`, and of each event time from 0 on, equals that of "bjs", which has the same first stage; the errors differ: here a
treated row's residual is what the second stage leaves, not its distance to its own cohort and event time. Own code on the exact first
stage of `imputation`: pyfixest's fails where a unit has one untreated period, and others iterate.
Source: Gardner (2022), "Two-stage differences in differences", arXiv:2207.05943 (errors as in GMM);
Butts and Gardner (2022), The R Journal 14(3).
"""

import numpy as np
import pandas as pd

from evaluation.impact.design import Design
from evaluation.impact.estimators.imputation import (
    averages,
    estimand,
    few_clusters,
    not_imputed,
    overall,
    untreated_model,
)
from evaluation.impact.estimators.within import codes
from evaluation.impact.result import Result, event_frame, result, standard_errors


def estimate(plan: Design, aggregate: str) -> Result:
    """`simple`: the mean of adjusted outcomes over treated rows; `dynamic`: over the rows of each event time.

    Errors take the first stage in (Gardner's GMM), by cluster, with no small-sample factor and normal quantiles, as in did2s for R.
    Estimates before treatment are means of first-stage residuals, so of rows that the first stage was fitted on; the last period before
    treatment (less anticipation) is left out as the reference, as in that package, for over all rows they would add to 0.

    Raises:
        UserError: see `imputation.untreated_model`; no event time from 0 on within the window.
    """
    model, data = untreated_model(plan), plan.data
    treated = model.imputed & (data["treated"].to_numpy() == 1)
    told = [*not_imputed(model), *few_clusters(plan)]
    reference = -1 - plan.anticipation
    if aggregate == "simple":
        keys = pd.Series(np.where(treated, 0.0, np.nan))
    else:
        time = data["event_time"]
        low, high = -np.inf if plan.before is None else -plan.before, np.inf if plan.after is None else plan.after
        keys = time.where(model.used & (time >= low) & (time <= high) & (time != reference))
    names, weights = averages(keys, model.weight)
    whole = overall(plan, model, aggregate, names)
    gap = np.where(model.used, model.gap, 0)
    estimates = weights.T @ gap
    # Second-stage residuals of the rows of each average, and what first-stage residuals do through the prediction.
    each = weights * (gap[:, None] - estimates) + model.reach(weights) * np.where(model.untreated, gap, 0)[:, None]
    cluster = codes(data[plan.cluster])
    scores = np.column_stack([np.bincount(cluster, column) for column in each.T])
    more = {}
    if aggregate == "dynamic":
        more["vcov"] = scores.T @ scores
        shown = [reference] if plan.before is None or reference >= -plan.before else []
        more["event"] = event_frame(names, estimates, standard_errors(more["vcov"]), plan.level, reference=shown)
        if min(names) < reference:
            told.append((
                "Estimates before treatment are averages of residuals that the first stage has fitted, so that they lie closer to 0 than those of other estimators; those after are against all untreated periods: do not read them as one line (Roth 2024), nor use them for bounds that need a common base period.",
                "참여 전 추정치는 1단계에서 이미 적합한 잔차의 평균이어서 다른 추정방법보다 0에 가깝고, 참여 후 추정치는 참여 전 전체를 기준으로 한다. 하나의 추세선으로 읽거나 공통 기준 시점이 필요한 민감도 분석에 써서는 안 된다(Roth 2024).",
            ))  # fmt: skip
    shares, cohort = (weights @ whole)[treated], data["cohort"].to_numpy()[treated]
    of_each = scores @ whole
    se = float(np.sqrt(of_each @ of_each))
    return result(
        plan, "did2s", aggregate, whole @ estimates, se, estimand(aggregate),
        data=data[model.used], inference=f"cluster-robust (two-stage GMM) by {plan.cluster}", n_treated_units=int(data.loc[treated, "unit"].nunique()),
        cohorts={int(name): float(shares[cohort == name].sum()) for name in np.unique(cohort)},
        influence=len(of_each) * of_each if plan.cluster == "unit" else None, warnings=tuple(told), **more,
    )  # fmt: skip
