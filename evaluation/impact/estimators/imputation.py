"""Imputation ("bjs"): what untreated observations say would have happened, taken off what did; and the first stage it shares.

Unit effects, time effects and covariates are fitted on untreated observations only, and the effect on a treated observation is what
is left of its outcome. Own code, exact (no iterations), since the libraries iterate or drop rows in ways of their own.
Source: Borusyak, Jaravel and Spiess (2024), "Revisiting event-study designs: robust and efficient estimation", Review of Economic
Studies 91: Theorem 1 (estimator), Theorem 3 and equation 8 (conservative variance), Test 1 (pre-trends), appendix A.9 (leave-out).
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats
from scipy.linalg import block_diag

from evaluation.errors import UserError
from evaluation.impact.design import Design
from evaluation.impact.estimators.within import (
    codes,
    fit,
    held_by_others,
    refuse_single,
    size_beyond_rounding,
)
from evaluation.impact.result import (
    Result,
    event_frame,
    interval,
    least_error,
    result,
    standard_errors,
)

AGAINST = (
    "compared with what all untreated observations predict: those of never-treated units and of treated units before they start, whatever the choice of controls",
    "비교 대상은 참여하지 않았을 때의 예측값이며, 비교집단 설정과 관계없이 미참여 단위와 참여 단위의 참여 전 관측을 모두 써서 예측한다",
)
AVERAGES = {
    "simple": ("average effect on treated units over all their treated periods", "참여 단위의 참여 이후 모든 시점에 대한 평균 효과"),
    "group": ("average over cohorts, by their number of units, of the average effect on each over its treated periods", "참여 연도별 평균 효과를 단위 수로 가중평균한 효과"),
    "dynamic": ("mean over event times from 0 on of the average effect at each", "참여 후 경과 시점별 평균 효과를 단순평균한 효과"),
}


@dataclass(frozen=True)
class Untreated:
    """The model of untreated outcomes.

    Attributes:
        gap: outcome less prediction: residuals of untreated rows, effects on others, missing where there is no prediction; (rows,).
        untreated, imputed: which rows the model is fitted on; which of the others it predicts; (rows,).
        weight: of rows, 1 without; unit: codes; centred: time dummies less their unit's mean over untreated rows, and covariates less
            their unit and time effects there, shape (rows, periods + covariates); inverse: generalised inverse of their weighted cross
            product over untreated rows.
        mass: weight of each unit's untreated rows, shape (units,).
    """

    gap: np.ndarray
    untreated: np.ndarray
    imputed: np.ndarray
    weight: np.ndarray
    unit: np.ndarray
    centred: np.ndarray
    inverse: np.ndarray
    mass: np.ndarray

    @property
    def used(self) -> np.ndarray:
        """Rows that the model is fitted on or predicts; those of the anticipation window are predicted and count as used."""
        return self.untreated | self.imputed

    def reach(self, weights: np.ndarray) -> np.ndarray:
        """How a sum of gaps with `weights`, shape (rows, k), moves with each untreated outcome through the prediction, (rows, k).

        0 on other rows: -W A0 (A0' W A0)^-1 A' weights, A the effects and covariates of all rows, A0 of untreated ones.
        """
        own = np.column_stack([np.bincount(self.unit, column, len(self.mass)) for column in weights.T])
        per_unit = own / np.where(self.mass > 0, self.mass, 1)[:, None]
        common = self.centred @ (self.inverse @ (self.centred.T @ weights))
        return np.where(self.untreated[:, None], -self.weight[:, None] * (per_unit[self.unit] + common), 0)


def untreated_model(plan: Design) -> Untreated:
    """Fit unit effects, time effects and covariates on untreated rows: before treatment, less the periods of anticipation.

    A row has a prediction where its unit has an untreated row, and its period and covariates are within what untreated rows tell
    (connected to its unit through them). Units with one untreated row are no trouble: their effect is that row.

    Raises:
        UserError: a covariate that unit and time effects hold among untreated rows; no treated row with a prediction; rows of a single
            cluster.
    """
    data = plan.data
    unit, time = codes(data["unit"]), codes(data["time"])
    y = data["y"].to_numpy(dtype=float)
    weight = data["weight"].to_numpy(dtype=float) if "weight" in data else np.ones(len(data))
    cohort = data["cohort"].to_numpy()
    untreated = (cohort == 0) | (data["time"].to_numpy() < cohort - plan.anticipation)
    mass = np.bincount(unit, weight * untreated)

    def centre(columns: np.ndarray) -> np.ndarray:
        mean = np.column_stack([np.bincount(unit, weight * untreated * column) for column in columns.T]) / np.where(mass > 0, mass, 1)[:, None]
        return columns - mean[unit]

    centred, change = centre((time[:, None] == np.arange(time.max() + 1)).astype(float)), centre(y[:, None])[:, 0]
    base = centred[untreated]
    normal = base.T @ (base * weight[untreated, None])
    inverse = np.linalg.pinv(normal, rcond=1e-11, hermitian=True)
    # A prediction is unique where the row lies in the space of the untreated ones (connectedness and periods in one check).
    outside = np.abs(centred - centred @ inverse @ normal).max(axis=1) > 1e-6
    if plan.covariates:
        # Less their time effects they are orthogonal to the dummies, so that neither their level nor a trend in common hides their changes.
        given = data[list(plan.covariates)].to_numpy(dtype=float)
        own = centre(given)
        x = own - centred @ (inverse @ (base.T @ (own * weight[:, None])[untreated]))
        x, of_covariates = _covariates(plan, x, size_beyond_rounding(given[untreated], own[untreated], weight[untreated]), untreated, weight)
        centred, inverse = np.column_stack([centred, x]), block_diag(inverse, of_covariates)
    gap = change - centred @ (inverse @ (centred[untreated].T @ (weight * change)[untreated]))
    imputed = ~untreated & ~outside & (mass[unit] > 0)
    if not (imputed & (data["treated"].to_numpy() == 1)).any():
        raise UserError(
            "No treated observation has a prediction: its unit has nothing before treatment (less anticipation), or no unit is untreated in its period. Lower the anticipation or add units.",
            "참여하지 않았을 때의 값을 예측할 수 있는 참여 관측이 없습니다. 참여 전 자료가 없거나 같은 시점에 미참여 단위가 없습니다. 사전 반응 기간을 줄이거나 비교할 단위를 더하십시오.",
        )
    refuse_single(codes(data[plan.cluster])[untreated | imputed])
    return Untreated(np.where(untreated | imputed, gap, np.nan), untreated, imputed, weight, unit, centred, inverse, mass)


def _covariates(plan: Design, x: np.ndarray, size: np.ndarray, untreated: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Covariates `x`, shape (rows, covariates), less unit and time effects, scaled to be of one size; and the inverse of their weighted
    cross product over untreated rows. `size` is what a covariate is held against to see whether anything is left of it."""
    gram = x[untreated].T @ (x * weight[:, None])[untreated]
    if (held := held_by_others(gram, size)) is not None:
        name = plan.covariates[held].removeprefix("x_")
        raise UserError(
            f"{name} tells nothing beyond unit and time effects and the other covariates before treatment (it may not change over time). Leave it out, or use cs, etwfe or lpdid, which compare units with like values.",
            f"{name}은(는) 참여 전 관측에서 단위·시점 고정효과나 다른 공변량으로 이미 설명됩니다(시간에 따라 변하지 않을 수 있습니다). 빼거나, 값이 비슷한 단위끼리 비교하는 cs, etwfe, lpdid를 쓰십시오.",
        )
    scale = np.sqrt(np.diag(gram) / weight[untreated].sum())
    return x / scale, np.linalg.inv(gram / np.outer(scale, scale))


def averages(keys: pd.Series, weight: np.ndarray) -> tuple[list[int], np.ndarray]:
    """Weights that average rows by key: the keys in order, and weights of shape (rows, keys), each column adding to 1.

    Args:
        keys: whole numbers, missing where a row is in no average.
    """
    names = sorted(int(key) for key in keys.dropna().unique())
    chosen = (keys.to_numpy()[:, None] == np.array(names)) * weight[:, None]
    return names, chosen / chosen.sum(axis=0)


def estimate(plan: Design, aggregate: str) -> Result:
    """Effects by imputation, with the conservative variance of Theorem 3, groups being cohort by event time.

    `dynamic` holds, after treatment, averages of imputed effects and, before it, the coefficients of the paper's separate regression
    on untreated observations (see `pre_trends`); their joint test is in `diagnostics`. Neither errors nor intervals carry a
    small-sample factor (normal quantiles, as in the paper); `se_leave_one_out` in `diagnostics` is the paper's refinement, the better
    one where cohorts are small.

    Raises:
        UserError: see `untreated_model`; no event time from 0 on within the window.
    """
    model, data = untreated_model(plan), plan.data
    treated = model.imputed & (data["treated"].to_numpy() == 1)
    told = [*not_imputed(model), *few_clusters(plan)]
    if aggregate == "simple":
        keys = pd.Series(np.where(treated, 0.0, np.nan))
    elif aggregate == "group":
        keys = data["cohort"].where(treated)
    else:
        keys = data["event_time"].where(model.imputed & (data["event_time"] <= (np.inf if plan.after is None else plan.after)))
    names, weights = averages(keys, model.weight)
    whole = overall(plan, model, aggregate, names)
    estimates = weights.T @ np.where(model.imputed, model.gap, 0)
    scores, leave_out, alone = _scores(plan, model, weights)
    if alone:
        told.append((
            f"In {alone} combinations of cohort and period the average rests on one treated cluster: how much its effect varies is not in the standard error, which is too small.",
            f"참여 연도·시점 조합 {alone}개에서 처치 군집이 하나뿐이어서 그 효과의 변동이 표준오차에 반영되지 않는다. 표준오차는 실제보다 작다.",
        ))  # fmt: skip
    more, diagnostics = {}, {}
    if leave_out is not None:
        left = float(np.sqrt(((leave_out @ whole) ** 2).sum()))
        diagnostics["se_leave_one_out"] = left if left > least_error(data["y"]) else np.nan
    if aggregate == "group":
        rows = [(name, value, se, *interval(value, se, plan.level)[:2]) for name, value, se in zip(names, estimates, np.sqrt((scores**2).sum(axis=0)), strict=True)]
        more["groups"] = pd.DataFrame(rows, columns=["cohort", "estimate", "se", "lower", "upper"])
    if aggregate == "dynamic":
        leads, found, lead_scores, reference, tested, notes = pre_trends(plan, model)
        joint = np.column_stack([lead_scores, scores])
        more["vcov"] = joint.T @ joint
        more["event"] = event_frame([*leads, *names], [*found, *estimates], standard_errors(more["vcov"]), plan.level, reference=reference)
        diagnostics |= tested
        told += notes
    shares = (weights @ whole)[treated]
    cohort = data["cohort"].to_numpy()[treated]
    of_each = scores @ whole
    se = float(np.sqrt(of_each @ of_each))
    return result(
        plan, "bjs", aggregate, whole @ estimates, se, estimand(aggregate), data=data[model.used],
        inference=f"conservative cluster-robust (BJS Theorem 3) by {plan.cluster}", n_treated_units=int(data.loc[treated, "unit"].nunique()),
        cohorts={int(name): float(shares[cohort == name].sum()) for name in np.unique(cohort)},
        influence=len(of_each) * of_each if plan.cluster == "unit" else None, diagnostics=diagnostics, warnings=tuple(told), **more,
    )  # fmt: skip


def overall(plan: Design, model: Untreated, aggregate: str, names: list[int]) -> np.ndarray:
    """Weights of the averages `names` in the one effect: 1; of cohorts by units; of event times from 0 on alike.

    Raises:
        UserError: no event time from 0 on.
    """
    if aggregate == "simple":
        return np.ones(1)
    if aggregate == "group":
        size = pd.Series(model.weight).groupby(model.unit).mean()
        cohort = plan.data.groupby("unit")["cohort"].first()
        share = np.array([size[cohort == name].sum() for name in names])
        return share / share.sum()
    after = np.array([name >= 0 for name in names], dtype=float)
    if not after.any():
        raise UserError("No event time from 0 on lies within the window.", "창 안에 참여 이후(0 이상) 시점이 없습니다.")
    return after / after.sum()


def pre_trends(plan: Design, model: Untreated):
    """Test 1 of the paper: leads of treatment in a regression on untreated observations only, with unit and time effects.

    Leads run to the last period before treatment (less anticipation); the reference is the first event time of the window with all
    before it, together, and with as many after it as are not told apart from unit and time effects (without never-treated units, one or
    more: a line in event time is then one in time). Errors are CR1, by cluster.

    Returns:
        leads (event times), coefficients, scores by cluster, shape (clusters, leads), whose cross product is their covariance;
        reference event times; `pretrend_f`, `pretrend_df`, `pretrend_p`: joint test, F(leads, clusters - 1); warnings.
    """
    data = plan.data[model.untreated]
    time = data["event_time"]
    cluster = codes(plan.data[plan.cluster])
    times = sorted(int(value) for value in time.dropna().unique())
    rows = codes(data[plan.cluster])
    if rows.max() == 0:
        why = ("No coefficients before treatment: the untreated rows lie in a single cluster.", "참여 전 계수를 제시하지 않는다. 미참여 관측이 하나의 군집에만 있다.")
        return [], np.empty(0), np.empty((cluster.max() + 1, 0)), [], {}, [why]
    weight = model.weight[model.untreated] if "weight" in data else None
    fitted = None
    for first in times:
        if plan.before is not None and first < -plan.before:
            continue
        leads = [value for value in times if value > first]
        regressors = pd.DataFrame({f"e{value}": (time == value).astype(float) for value in leads}).join(data[list(plan.covariates)])
        if leads:
            try:
                fitted = fit(data["y"].to_numpy(dtype=float), regressors, codes(data["unit"]), codes(data["time"]), rows, weight)
                break
            except UserError:
                # Not told from unit and time effects: one more event time goes to the reference.
                continue
    if fitted is None:
        why = ("No coefficients before treatment: the window has too few periods before it, or unit and time effects leave nothing to tell them from.", "참여 전 계수를 제시하지 않는다. 창 안에 참여 전 시점이 부족하거나 단위·시점 고정효과와 구분되지 않는다.")
        return [], np.empty(0), np.empty((cluster.max() + 1, 0)), [], {}, [why]
    kept = fitted.scaled[:, : len(leads)]
    scores = np.zeros((cluster.max() + 1, len(leads)))
    # Both code clusters in the order of their values.
    scores[np.unique(cluster[model.untreated])] = kept
    found, vcov = fitted.coefficients.to_numpy()[: len(leads)], kept.T @ kept
    notes = [(
        f"Estimates before treatment come from a separate regression on untreated observations, against event time {first} and before; those after are against all untreated periods: do not read them as one line (Roth 2024), nor use them for bounds that need a common base period.",
        f"참여 전 추정치는 참여 전 관측만으로 따로 추정하여 경과 시점 {first} 및 그 이전을 기준으로 하고, 참여 후 추정치는 참여 전 전체를 기준으로 한다. 하나의 추세선으로 읽거나 공통 기준 시점이 필요한 민감도 분석에 써서는 안 된다(Roth 2024).",
    )]  # fmt: skip
    if len(leads) >= fitted.clusters or np.linalg.matrix_rank(vcov) < len(leads) or standard_errors(vcov).min() <= least_error(plan.data["y"]):
        notes.append(("Too few clusters for a joint test of the estimates before treatment.", "군집이 적어 참여 전 추정치의 결합검정을 할 수 없다."))
        return leads, found, scores, [first], {}, notes
    f = float(found @ np.linalg.solve(vcov, found)) / len(leads)
    tested = {"pretrend_f": f, "pretrend_df": float(len(leads)), "pretrend_p": float(stats.f(len(leads), fitted.clusters - 1).sf(f))}
    return leads, found, scores, [first], tested, notes


def few_clusters(plan: Design) -> list[tuple[str, str]]:
    """A warning where a single cluster is treated: clustered errors know nothing of its variation."""
    if plan.data.loc[plan.data["cohort"] > 0, plan.cluster].nunique() > 1:
        return []
    return [("A single cluster is treated: clustered standard errors are too small. Use randomisation inference.", "참여 군집이 하나뿐이어서 군집 표준오차가 실제보다 작다. 임의화 추론이 필요하다.")]


def _scores(plan: Design, model: Untreated, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray | None, int]:
    """What each cluster adds to the error of each average, shape (clusters, averages); the same leaving it out of what it is compared
    with, None where it is alone; and in how many groups (cohort by event time) a cluster is alone."""
    cluster = codes(plan.data[plan.cluster])
    n = cluster.max() + 1
    through = model.reach(weights) * np.where(model.untreated, model.gap, 0)[:, None]
    base = np.column_stack([np.bincount(cluster, column, n) for column in through.T])
    rows = np.flatnonzero(model.imputed)
    _, group = np.unique(plan.data[["cohort", "event_time"]].to_numpy()[rows], axis=0, return_inverse=True)
    pairs, pair = np.unique(group.ravel() * n + cluster[rows], return_inverse=True)
    of_pair, whose = pairs // n, pairs % n
    scores, left_out, singles = base.copy(), base.copy(), set()
    for column, w in enumerate(weights[rows].T):
        mass, sums = np.bincount(pair, w), np.bincount(pair, w * model.gap[rows])
        squares = np.bincount(of_pair, mass**2)
        # Equation 8: the constant effect of a group that minimises the excess variance.
        common = np.bincount(of_pair, mass * sums) / np.where(squares > 0, squares, 1)
        own = sums - common[of_pair] * mass
        share = mass**2 / np.where(squares > 0, squares, 1)[of_pair]
        alone = share > 1 - 1e-12
        singles |= set(of_pair[alone])
        scores[:, column] += np.bincount(whose, own, n)
        left_out[:, column] += np.bincount(whose, own / np.where(alone, 1, 1 - share), n)
    return scores, None if singles else left_out, len(singles)


def not_imputed(model: Untreated) -> list[tuple[str, str]]:
    """A warning where rows have no prediction."""
    lost = int((~model.used).sum())
    if not lost:
        return []
    return [(
        f"{lost} treated rows have no prediction (nothing before treatment, or no unit untreated in their period) and are in no average.",
        f"참여 관측 {lost}행은 참여 전 자료나 같은 시점의 미참여 단위가 없어 예측할 수 없으므로 평균에서 뺐다.",
    )]  # fmt: skip


def estimand(aggregate: str) -> tuple[str, str]:
    """What is estimated, and against what, in words: (English, Korean)."""
    return tuple(f"{what}{join}{against}" for what, join, against in zip(AVERAGES[aggregate], ("; ", ". "), AGAINST, strict=True))
