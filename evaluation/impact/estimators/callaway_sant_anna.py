"""Callaway and Sant'Anna: an effect for each cohort and period, each from one clean comparison, and averages of them.

Source: Callaway and Sant'Anna (2021), Journal of Econometrics 225: ATT(g,t) by outcome regression (equation 2.3), weighting (2.2)
and doubly robust (2.4); averages in section 3; the influence functions behind the errors in theorem 2; the uniform band in
algorithm 1. The 2x2 comparisons with covariates (Sant'Anna and Zhao 2020, Journal of Econometrics 219) and the averages with their
influence functions (`aggte`) are moderndid's. The loop over cohorts and periods is ours, and equals moderndid's `att_gt` on
balanced panels: `att_gt` turns to repeated cross-sections where a unit misses a period, so that differences between units in level,
which are far larger than any effect, enter the estimate. Here each comparison uses the units that are observed in both of its
periods. Every period is compared with the last one before an effect may show (universal base period).
"""

import gc
import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from evaluation.errors import UserError
from evaluation.impact.design import NEVER, Design
from evaluation.impact.estimators.within import (
    cluster_of_units,
    codes,
    held_by_others,
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

DRAWS, SEED = 999, 20210225
# Units whose draws are in memory at once: 999 draws of 4,096 units are 33 MB.
CHUNK = 4096
# A fitted probability of treatment from which on there is nobody like the treated to compare with (att_gt's own bound).
OVERLAP = 0.999

COMPARED = {
    True: ("units never treated", "한 번도 참여하지 않은 단위"),
    False: ("units never or not yet treated", "한 번도 참여하지 않았거나 아직 참여하지 않은 단위"),
}
ESTIMANDS = {
    "simple": (
        "the average effect on treated units over all periods from their treatment on: effects of each cohort in each period, weighted by cohort size, against {0}",
        "참여 단위가 참여 이후 모든 시점에서 얻은 평균 효과. 참여 시작 시점이 같은 집단의 시점별 효과를 집단 크기로 가중평균하였으며, 비교 대상은 {0}이다",
    ),
    "group": (
        "the average effect on treated units, each cohort first averaged over its own periods from treatment on, then over cohorts by size, against {0}",
        "참여 시작 시점이 같은 집단마다 참여 이후 평균 효과를 구한 뒤 집단 크기로 가중평균한 효과. 비교 대상은 {0}이다",
    ),
    "dynamic": (
        "the mean over the event times shown, from treatment on, of the average effect that long after treatment, against {0}",
        "참여 후 경과 시점별 평균 효과를 제시된 기간에 걸쳐 단순평균한 효과. 비교 대상은 {0}이다",
    ),
    "calendar": (
        "the mean over calendar periods of the average effect on the units treated by then, against {0}",
        "각 연도(시점)에 이미 참여한 단위의 평균 효과를 연도에 걸쳐 단순평균한 효과. 비교 대상은 {0}이다",
    ),
}


@dataclass(frozen=True)
class GroupTime:
    """ATT(g,t): `cells` with `cohort`, `time`, `estimate`, `reference` (0 by construction); `influence`, shape (units, cells), so that
    the covariance is influence' influence / units^2; `used`, shape (units, periods), whether a row enters any comparison; `failed`,
    cohort and time of the cells that could not be estimated, which the others leave out; `held`, covariates that are constant or
    collinear among the units compared with in such cells."""

    cells: pd.DataFrame
    influence: np.ndarray
    used: np.ndarray
    failed: list[tuple[int, int]]
    held: list[str]


def estimate(plan: Design, aggregate: str) -> Result:
    """`simple`, `group`, `dynamic` and `calendar` averages; `groups` holds the cohorts of `group`, the periods of `calendar`, else ATT(g,t).

    Standard errors are analytic, from influence values, summed within clusters where these are coarser than units; intervals are
    normal, as in R's did. `influence` follows the design's units, with 0 for those not used.

    Diagnostics:
        pretest_wald, pretest_df, pretest_p: that ATT(g,t) are 0 in all periods before an effect may show (R's did). Left out where
            units are clustered and where a cohort has no more units than such periods: its covariance is then close to singular,
            and the test rejects whatever the data say.
        event_pretest_wald, ...: the same of the event study's rows (`dynamic`).

    Raises:
        UserError: no cohort with a period before effects may show and somebody to compare with; clusters that units move between;
            covariates that no comparison can hold; a window without a period of treatment.
    """
    data, told = comparable(plan)
    told = list(told)
    unit, time = codes(data["unit"]), codes(data["time"])
    periods = np.unique(data["time"])
    first = data.drop_duplicates("unit")
    cohort = first["cohort"].to_numpy()
    weight = first["weight"].to_numpy(dtype=float) if "weight" in data else np.ones(len(first))
    if "weight" in data and (data.groupby("unit")["weight"].nunique() > 1).any():
        told.append((
            "Weights change within units: each comparison takes those of its earlier period, the averages those of a unit's first period.",
            "같은 단위 안에서 가중치가 바뀐다. 각 비교에는 앞선 시점의 가중치를, 평균에는 단위의 첫 시점 가중치를 썼다.",
        ))  # fmt: skip
    cluster = cluster_of_units(data, plan.cluster)
    found = group_time(plan, data, unit, time, periods, cohort)
    cells = found.cells
    if not (cells["time"] >= cells["cohort"]).any():
        if found.held:
            listed = ", ".join(found.held)
            raise UserError(
                f"No effect of a cohort in a period could be estimated: among the units to compare with, {listed} does not vary or is collinear with other covariates. Leave it out.",
                f"추정할 수 있는 집단·시점별 효과가 없습니다. 비교 단위에서 {listed} 값이 변하지 않거나 다른 공변량과 완전한 공선성이 있습니다. 빼십시오.",
            )
        raise UserError(
            "No effect of a cohort in a period could be estimated: too few units observed in both periods, or covariates that they do not share. Leave out covariates, or use --panel balance or --control notyet.",
            "추정할 수 있는 집단·시점별 효과가 없습니다. 두 시점 모두 관측된 단위가 너무 적거나 공변량이 겹치지 않습니다. 공변량을 빼거나 --panel balance 또는 --control notyet을 쓰십시오.",
        )
    if found.failed:
        listed = ", ".join(f"{g}/{t}" for g, t in found.failed[:5]) + (" ..." if len(found.failed) > 5 else "")
        held = ", ".join(found.held)
        told.append((
            f"{len(found.failed)} effects (cohort/period {listed}) could not be estimated and are left out of the averages: nobody observed in both periods to compare with, or covariates that do not overlap{f' or are collinear there ({held})' if held else ''}.",
            f"집단/시점별 효과 {len(found.failed)}개({listed})는 두 시점 모두 관측된 비교 단위가 없거나 공변량이 겹치지 않아{f' 또는 공선성 때문에({held})' if held else ''} 추정하지 못했으며 평균에서 제외하였다.",
        ))  # fmt: skip
    averages = _average(plan, found, cohort, weight, aggregate)
    n, total = len(first), plan.data["unit"].nunique()
    overall = averages.influence_func_overall
    se = float(np.sqrt(_covariance(overall[:, None], cluster)[0, 0]))
    more: dict = {"diagnostics": {}}
    least = least_error(data["y"])
    if aggregate == "dynamic":
        more |= _event_study(plan, averages, cells, cluster, more["diagnostics"], least)
    if aggregate in ("group", "calendar"):
        errors = standard_errors(_covariance(averages.influence_func, cluster))
        more["groups"] = _rows({"cohort" if aggregate == "group" else "time": averages.event_times.astype(int)}, averages.att_by_event, errors, plan.level)
    else:
        errors = standard_errors(_covariance(found.influence, cluster))
        errors[cells["reference"]] = np.nan
        more["groups"] = _rows({"cohort": cells["cohort"], "time": cells["time"], "reference": cells["reference"]}, cells["estimate"], errors, plan.level)
    more["diagnostics"] |= _pretest(plan, found, cohort, cluster, told, least)
    if plan.cluster == "unit":
        influence = np.zeros(total)
        influence[first["unit"].to_numpy()] = overall * (total / n)
        more["influence"] = influence
    words = COMPARED[plan.control == NEVER and plan.n_never > 0]
    return result(
        plan, "cs", aggregate, averages.overall_att, se, tuple(text.format(compared) for text, compared in zip(ESTIMANDS[aggregate], words, strict=True)),
        inference=f"influence function, analytic, by {plan.cluster}", data=data[found.used[unit, time]], warnings=tuple(told),
        cohorts=_shares(plan, cells, cohort, weight, aggregate), **more,
    )  # fmt: skip


def comparable(plan: Design) -> tuple[pd.DataFrame, list[tuple[str, str]]]:
    """Rows of a design in which cohorts have a period before effects may show, and somebody to compare with; and what to tell of it.

    Without never-treated units the last cohort takes their place, and periods go from when it may react (Sun and Abraham 2021).

    Raises:
        UserError: no cohort is left.
    """
    data, told = plan.data, []
    if plan.n_never == 0:
        last = data["cohort"].max()
        data = data[data["time"] < last - plan.anticipation]
        data = data.assign(cohort=data["cohort"].where(data["cohort"] < last, 0))
        told.append((
            f"No unit is never treated: those first treated in {last}, the last, stand in for them, and periods from {last - plan.anticipation} on are left out.",
            f"한 번도 참여하지 않은 단위가 없어 마지막({last}년) 참여 단위를 비교 대상으로 삼고 {last - plan.anticipation}년부터의 자료는 제외하였다.",
        ))  # fmt: skip
    early = (data["cohort"] > 0) & (data["cohort"] - plan.anticipation <= data["time"].min())
    if early.any():
        count = data.loc[early, "unit"].nunique()
        data = data[~early]
        told.append((
            f"{count} units may react to treatment in the first period already, given the anticipation: left out.",
            f"{count}개 단위는 사전 반응 기간을 고려하면 첫 시점부터 이미 반응할 수 있어 제외하였다.",
        ))  # fmt: skip
    if not ((data["cohort"] > 0) & (data["time"] >= data["cohort"])).any() or not (data["cohort"] == 0).any():
        raise UserError(
            "No cohort has both a period before effects may show and somebody to compare with after it. Lower --anticipation, or add earlier periods or never-treated units.",
            "효과가 나타나기 전 시점과 그 뒤의 비교 대상을 모두 갖춘 집단이 없습니다. --anticipation을 줄이거나, 더 이른 시점 또는 미참여 단위를 추가하십시오.",
        )
    return data, told


def group_time(plan: Design, data: pd.DataFrame, unit: np.ndarray, time: np.ndarray, periods: np.ndarray, cohort: np.ndarray) -> GroupTime:
    """ATT(g,t) of every cohort in every period.

    Covariates and weights are those of the earlier of the two periods compared.

    Args:
        data: rows of the plan that count; unit, time: their codes from 0, shape (rows,); periods: sorted, as numbers; cohort: of
            each unit, 0 never, shape (units,).
    """

    def wide(column: str) -> np.ndarray:
        out = np.full((len(cohort), len(periods)), np.nan)
        out[unit, time] = data[column]
        return out

    y = wide("y")
    seen = ~np.isnan(y)
    weights = wide("weight") if "weight" in data else None
    covariates = [wide(name) for name in plan.covariates]
    cells, influence, failed, held, used = [], [], [], {}, np.zeros_like(seen)
    for g in np.unique(cohort[cohort > 0]):
        base = int(np.searchsorted(periods, g - plan.anticipation)) - 1
        for t in range(len(periods)):
            if t == base:
                cells.append((int(g), int(periods[t]), 0.0, True))
                influence.append(np.zeros(len(cohort)))
                continue
            control = cohort == 0
            if plan.control != NEVER:
                control |= (cohort > periods[max(t, base)] + plan.anticipation) & (cohort != g)
            rows = np.flatnonzero(((cohort == g) | control) & seen[:, t] & seen[:, base])
            earlier = min(t, base)
            x = np.column_stack([np.ones(len(rows)), *(values[rows, earlier] for values in covariates)]) if covariates else None
            w = np.ones(len(rows)) if weights is None else weights[rows, earlier]
            if covariates and t % 8 == 0 and len(cohort) > CHUNK:
                # statsmodels' fits refer to themselves, so that Python frees them late: 20 MB each with 50,000 units.
                gc.collect()
            # The outcome is regressed on covariates among untreated units, treatment among all.
            place = None if x is None else _held(x if plan.method == "ipw" else x[cohort[rows] != g])
            if place is not None:
                held[plan.covariates[place].removeprefix("x_")] = True
            compared = None if place is not None else compare_changes(y[rows, t] - y[rows, base], cohort[rows] == g, x, w, plan.method)
            if compared is None:
                failed.append((int(g), int(periods[t])))
                continue
            used[rows, t] = used[rows, base] = True
            values = np.zeros(len(cohort))
            values[rows] = compared[1] * (len(cohort) / len(rows))
            cells.append((int(g), int(periods[t]), compared[0], False))
            influence.append(values)
    frame = pd.DataFrame(cells, columns=["cohort", "time", "estimate", "reference"])
    return GroupTime(frame, np.column_stack(influence) if influence else np.zeros((len(cohort), 0)), used, failed, list(held))


def _held(x: np.ndarray) -> int | None:
    """The first covariate, after the constant in the first column of `x`, that the constant and those before it hold; None without."""
    x = x[:, 1:]
    if not len(x):
        return None
    own = x - x.mean(axis=0)
    return held_by_others(own.T @ own, size_beyond_rounding(x, own, np.ones(len(x))))


def compare_changes(change: np.ndarray, treated: np.ndarray, x: np.ndarray | None, weight: np.ndarray, method: str) -> tuple[float, np.ndarray] | None:
    """One 2x2 comparison: the effect and its influence values, shape (rows,), so that se^2 = sum(influence^2) / rows^2.

    Args:
        change: of the outcome, shape (rows,); treated: boolean; x: covariates with a constant, shape (rows, k), or None, where the
            three methods are the same difference of mean changes; method: reg, ipw or dr.

    Returns:
        None where there is nobody to compare with, or covariates do not overlap or are collinear among the untreated.
    """
    if not treated.any() or treated.all():
        return None
    if x is None:
        values, effect = np.zeros(len(change)), 0.0
        for side, sign in ((treated, 1.0), (~treated, -1.0)):
            total = weight[side].sum()
            mean = weight[side] @ change[side] / total
            values[side] = sign * weight[side] * (change[side] - mean) * (len(change) / total)
            effect += sign * mean
        return float(effect), values
    import statsmodels.api as sm
    from moderndid.drdid.estimators.drdid_panel import drdid_panel
    from moderndid.drdid.estimators.reg_did_panel import reg_did_panel
    from moderndid.drdid.estimators.std_ipw_did_panel import std_ipw_did_panel

    compare = {"reg": reg_did_panel, "ipw": std_ipw_did_panel, "dr": drdid_panel}[method]
    weight = weight / weight.mean()
    # A level that is large beside what varies costs the library's normal equations their digits; the constant holds it.
    spread = x[:, 1:].std(axis=0)
    x = np.column_stack([x[:, :1], (x[:, 1:] - x[:, 1:].mean(axis=0)) / np.where(spread > 0, spread, 1)])
    with warnings.catch_warnings():
        # What fails is named in the Result.
        warnings.simplefilter("ignore")
        try:
            if method != "reg" and sm.GLM(treated.astype(float), x, family=sm.families.Binomial(), freq_weights=weight).fit().fittedvalues.max() >= OVERLAP:
                return None
            found = compare(change, np.zeros(len(change)), treated.astype(float), x, weight.copy(), influence_func=True)
        except (ValueError, RuntimeError, np.linalg.LinAlgError):
            return None
    return None if found.att_inf_func is None or not np.isfinite(found.att) or not np.isfinite(found.att_inf_func).all() else (float(found.att), found.att_inf_func)


def uniform_band(influence: np.ndarray, cluster: np.ndarray, level: float) -> float:
    """Critical value of the band that holds all estimates at once with probability `level`: Callaway and Sant'Anna (2021), algorithm 1.

    The multipliers are Rademacher's, one per cluster, seeded; the draws are divided by the analytic errors. Never below the
    pointwise normal value.

    Args:
        influence: shape (units, k); cluster: codes from 0, shape (units,).
    """
    sums = _cluster_sums(influence, cluster)
    scale = np.sqrt((sums**2).sum(axis=0))
    pointwise = float(stats.norm.ppf((1 + level) / 2))
    sums = sums[:, scale > 0] / scale[scale > 0]
    if sums.shape[1] == 0:
        return np.nan
    rng = np.random.default_rng(SEED)
    draws = np.zeros((DRAWS, sums.shape[1]))
    for start in range(0, len(sums), CHUNK):
        part = sums[start : start + CHUNK]
        draws += (2.0 * rng.integers(0, 2, size=(DRAWS, len(part)), dtype=np.int8) - 1.0) @ part
    return max(pointwise, float(np.quantile(np.abs(draws).max(axis=1), level)))


def _average(plan: Design, found: GroupTime, cohort: np.ndarray, weight: np.ndarray, aggregate: str):
    from moderndid import aggte
    from moderndid.did.container import mp

    cells, influence, window = found.cells, found.influence, {}
    if aggregate == "dynamic":
        # Where periods are unevenly spaced, an event time may be the reference of some cohorts only: their zeros are no estimates.
        told = ~cells["reference"].to_numpy(dtype=bool)
        cells, influence = cells[told], influence[:, told]
        event = cells["time"] - cells["cohort"]
        window = {"min_e": -np.inf if plan.before is None else -plan.before, "max_e": np.inf if plan.after is None else plan.after}
        if not ((event >= 0) & (event <= window["max_e"])).any():
            raise UserError(f"No period of treatment lies in the window up to {plan.after} after it. Widen --after.", f"참여 후 {plan.after}까지의 구간에 참여 이후 시점이 없습니다. --after를 늘리십시오.")
    given = mp(
        groups=cells["cohort"].to_numpy(dtype=float), times=cells["time"].to_numpy(dtype=float), att_gt=cells["estimate"].to_numpy(), vcov_analytical=np.empty((0, 0)),
        se_gt=np.full(len(cells), np.nan), critical_value=np.nan, influence_func=influence, n_units=len(cohort), alpha=1 - plan.level,
        estimation_params={"clustervars": None, "bootstrap": False, "uniform_bands": False}, G=np.where(cohort > 0, cohort, np.inf), weights_ind=weight,
    )  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return aggte(given, type=aggregate, boot=False, cband=False, **window)


def _event_study(plan: Design, averages, cells: pd.DataFrame, cluster: np.ndarray, diagnostics: dict[str, float], least: float) -> dict:
    times = averages.event_times.astype(int)
    low, high = -np.inf if plan.before is None else -plan.before, np.inf if plan.after is None else plan.after
    references = {int(event) for event in (cells["time"] - cells["cohort"])[cells["reference"]] if low <= event <= high} - set(times)
    vcov = _covariance(averages.influence_func, cluster)
    event = event_frame(times, averages.att_by_event, standard_errors(vcov), plan.level, reference=references)
    before = times < -plan.anticipation
    diagnostics |= _wald("event_pretest", averages.att_by_event[before], vcov[np.ix_(before, before)], least)
    return {"event": event, "vcov": vcov, "band": uniform_band(averages.influence_func[:, standard_errors(vcov) > least], cluster, plan.level)}


def _pretest(plan: Design, found: GroupTime, cohort: np.ndarray, cluster: np.ndarray, told: list[tuple[str, str]], least: float) -> dict[str, float]:
    cells = found.cells
    before = ((cells["time"] < cells["cohort"] - plan.anticipation) & ~cells["reference"]).to_numpy()
    if not before.any():
        return {}
    sizes = pd.Series(cohort).value_counts()
    if plan.cluster == "unit" and all(sizes[g] > count for g, count in cells[before].groupby("cohort").size().items()):
        tested = _wald("pretest", cells["estimate"].to_numpy()[before], _covariance(found.influence[:, before], cluster), least)
        if tested:
            return tested
    told.append((
        "There is no joint pre-test of all cohorts and periods: too few independent units for its covariance.",
        "집단·시점별 사전 추세의 결합검정은 독립적인 단위가 부족하여 공분산을 구할 수 없으므로 제시하지 않는다.",
    ))  # fmt: skip
    return {}


def _wald(name: str, estimates: np.ndarray, vcov: np.ndarray, least: float) -> dict[str, float]:
    """Wald test that all estimates are 0; empty where there are none, their covariance is singular, or an error is at most `least`."""
    if len(estimates) == 0 or standard_errors(vcov).min() <= least or np.linalg.matrix_rank(vcov) < len(estimates):
        return {}
    wald = float(estimates @ np.linalg.solve(vcov, estimates))
    return {f"{name}_wald": wald, f"{name}_df": float(len(estimates)), f"{name}_p": float(stats.chi2(len(estimates)).sf(wald))}


def _cluster_sums(influence: np.ndarray, cluster: np.ndarray) -> np.ndarray:
    if cluster.max() + 1 == len(cluster):
        return influence
    return np.column_stack([np.bincount(cluster, column) for column in influence.T]) if influence.shape[1] else np.zeros((cluster.max() + 1, 0))


def _covariance(influence: np.ndarray, cluster: np.ndarray) -> np.ndarray:
    sums = _cluster_sums(influence, cluster)
    return sums.T @ sums / len(influence) ** 2


def _shares(plan: Design, cells: pd.DataFrame, cohort: np.ndarray, weight: np.ndarray, aggregate: str) -> dict[int, float]:
    """Share of each cohort in the overall average."""
    size = pd.Series(weight).groupby(cohort).sum()
    event = cells["time"] - cells["cohort"]
    kept = cells[(event >= 0) & ((event <= plan.after) if aggregate == "dynamic" and plan.after is not None else True)]
    sizes = kept["cohort"].map(size)
    part = {"dynamic": kept["time"] - kept["cohort"], "calendar": kept["time"]}.get(aggregate)
    if aggregate == "group":
        sizes = sizes / kept.groupby("cohort")["time"].transform("size")
    if part is not None:
        sizes = sizes / sizes.groupby(part).transform("sum")
    shares = sizes.groupby(kept["cohort"]).sum()
    return {int(g): float(share) for g, share in (shares / shares.sum()).items()}


def _rows(labels: dict, estimates, errors: np.ndarray, level: float) -> pd.DataFrame:
    """The frame of `Result.groups`."""
    bounds = [interval(value, se, level)[:2] for value, se in zip(estimates, errors, strict=True)]
    lower, upper = np.array(bounds).T if bounds else ([], [])
    return pd.DataFrame({**{name: np.asarray(values) for name, values in labels.items()}, "estimate": np.asarray(estimates), "se": errors, "lower": lower, "upper": upper})
