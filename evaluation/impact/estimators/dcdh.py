"""De Chaisemartin and D'Haultfoeuille's event-study effects of a treatment that may change in size and be switched off.

Each unit whose treatment starts is compared, from the last period before, with units not treated yet (control "never": with units
never treated), by how long ago it started, whatever happened to its treatment since. `simple` adds these effects up and divides them
by the treatment received, which for a treatment of 0 or 1 that stays is the average effect over treated units and periods.

By moderndid's `did_multiplegt`, the port of the authors' `did_multiplegt_dyn`. Horizon 1 there is event time 0 here, placebo 1 is -2;
the reference is -1. Placebos exist for as many periods back as the same units are followed afterwards. Errors are the authors', from
influence values with a correction for the size of each cohort, which makes them larger than needed where effects differ within cohorts.

Source: de Chaisemartin and D'Haultfoeuille (2024), "Difference-in-differences estimators of intertemporal treatment effects", Review
of Economics and Statistics 106(6), 1723-1736: DID_l, and the average total effect per unit of treatment.
"""

import io
import warnings
from contextlib import redirect_stdout

import numpy as np
import pandas as pd

from evaluation.errors import UserError
from evaluation.impact.design import NEVER, Design, is_binary
from evaluation.impact.estimators.within import cluster_of_units, codes
from evaluation.impact.result import Result, event_frame, result, standard_errors

MEANING = {
    ("simple", True): ("the effect averaged over all treated units and periods that have somebody to compare with", "비교할 단위가 있는 모든 참여 단위·시점에 걸친 평균 효과"),
    ("simple", False): (
        "the effect of one unit of treatment: all effects since treatment first began, divided by all treatment received since",
        "처치 한 단위의 효과: 처음 참여한 뒤 나타난 효과의 합을 그동안 받은 처치량의 합으로 나눈 값",
    ),
    ("dynamic", True): (
        "the effect at each time since treatment began, averaged with every such time counting the same",
        "참여 후 경과 기간별 효과를 경과 기간마다 같은 비중으로 평균한 값",
    ),
    ("dynamic", False): (
        "the effect of the treatment actually received since it first began, at each time since then (not per unit of treatment), averaged with every such time counting the same",
        "처음 참여한 뒤 실제로 받은 처치 전체의 효과(처치 한 단위당 효과가 아님)를 경과 기간별로 구해 같은 비중으로 평균한 값",
    ),
}
AGAINST = {True: ("compared with units never treated", "미참여 단위와 비교"), False: ("compared with units not treated by then", "그때까지 참여하지 않은 단위와 비교")}


def estimate(plan: Design, aggregate: str) -> Result:
    """`simple`: the average total effect per unit of treatment; `dynamic`: the mean of the event study's effects from time 0 on.

    A treated row counts as used where its unit is observed in the last period before treatment and somebody untreated in both
    periods; untreated rows do, and units never seen untreated do not.

    Raises:
        UserError: anticipation; covariates that never change; units that change cluster; nobody to compare with; an event study of
            unevenly spaced periods.
    """
    if plan.anticipation:
        raise UserError(
            "dcdh allows for no anticipation. Use cs, bjs or etwfe, or bring the first treated period forward in the panel.",
            "dcdh에서는 예상효과 기간(anticipation)을 둘 수 없습니다. cs, bjs, etwfe를 쓰거나 패널의 참여 시작 시점을 앞당기십시오.",
        )
    binary = is_binary(plan)
    rows = _rows(plan)
    units = np.unique(rows["unit"])
    spread = _spacing(rows, plan) if aggregate == "dynamic" else 1
    periods = rows["period"].max() + 1
    found, horizons, influence, estimates = _library(plan, rows, binary, periods - 1, periods - 1 if aggregate == "dynamic" else 0)

    treated = rows[rows["used"] & (rows["horizon"] > 0)]
    weight = treated["weight"] if "weight" in treated else pd.Series(1.0, treated.index)
    dose = (weight * treated["dose"]) if not binary else weight
    size = weight.groupby(treated["horizon"]).sum().reindex(horizons, fill_value=0.0).to_numpy()
    more = {}
    if aggregate == "simple":
        if found.ate is None or not np.isfinite(found.ate.estimate):
            raise UserError("The treatment received adds up to 0: there is no effect per unit of it. Use dynamic.", "받은 처치량의 합이 0이어서 처치 한 단위당 효과를 구할 수 없습니다. dynamic을 쓰십시오.")
        estimate_, overall = float(found.ate.estimate), np.where(horizons > 0, size, 0.0) / dose.sum()
        share = dose.groupby(treated["cohort"]).sum() / dose.sum()
    else:
        event = (horizons - (horizons > 0)) * spread - (horizons < 0) * spread
        shown = (event >= (-np.inf if plan.before is None else -plan.before)) & (event <= (np.inf if plan.after is None else plan.after))
        if not (shown & (event >= 0)).any():
            raise UserError("The window of the event study has no period after treatment. Raise --after.", "사건연구 구간에 참여 후 시점이 없습니다. --after를 늘리십시오.")
        overall = (shown & (event >= 0)) / (shown & (event >= 0)).sum()
        estimate_ = float(overall @ estimates)
        by_horizon = weight.groupby([treated["horizon"], treated["cohort"]]).sum().unstack(fill_value=0.0)
        by_horizon = by_horizon.div(by_horizon.sum(axis=1), axis=0).reindex(horizons[overall > 0])
        share = by_horizon.mean()

    cluster = cluster_of_units(rows, plan.cluster)
    sums = np.column_stack([np.bincount(cluster, column) for column in influence.T]) / len(units)
    covariance = sums.T @ sums
    se = float(np.linalg.norm(sums @ overall))
    if aggregate == "dynamic":
        order = np.flatnonzero(shown)[np.argsort(event[shown])]
        vcov = covariance[np.ix_(order, order)]
        more = {"event": event_frame(event[order], estimates[order], standard_errors(vcov), plan.level, reference=[-spread]), "vcov": vcov}
    if plan.cluster == "unit":
        # Zero for units that are not used.
        values = np.zeros(len(plan.names))
        values[units] = influence @ overall * len(plan.names) / len(units)
        more["influence"] = values
    kept = rows[rows["used"]]
    english, korean = MEANING[aggregate, binary]
    against = AGAINST[plan.control == NEVER]
    return result(
        plan, "dcdh", aggregate, estimate_, se, (f"{english}, {against[0]}", f"{korean}({against[1]})"), inference=f"analytic, by influence values, clustered by {plan.cluster}",
        data=kept, n_treated_units=int(treated["unit"].nunique()), cohorts={int(cohort): float(value) for cohort, value in share.items() if value > 0},
        diagnostics={"mean_dose": float(dose.sum() / weight.sum())}, **more,
    )  # fmt: skip


def _rows(plan: Design) -> pd.DataFrame:
    """The rows of units seen untreated, with `period` (rank of time from 0), `start` (rank of the first treated period, beyond the last
    for never), `horizon` (1 in the first treated period, 0 or less before) and `used`."""
    data = plan.data
    untreated = (data["cohort"] == 0) | (data["time"] < data["cohort"])
    data = data[untreated.groupby(data["unit"]).transform("any")].copy()
    cluster_of_units(data, plan.cluster)
    times = np.sort(data["time"].unique())
    data["period"] = np.searchsorted(times, data["time"])
    # A cohort between two periods is first seen treated in the next.
    data["start"] = np.where(data["cohort"] > 0, np.searchsorted(times, data["cohort"]), len(times))
    data["horizon"] = data["period"] - data["start"] + 1
    present = np.zeros((int(data["unit"].max()) + 1, len(times)), dtype=bool)
    present[data["unit"], data["period"]] = True
    start = np.full(len(present), -1)
    start[data["unit"]] = data["start"]
    # Whether there is a control for a start (rows) at a later period (columns): seen in both, untreated by then.
    able = start == len(times) if plan.control == NEVER else start > 0
    control = np.zeros((len(times) + 1, len(times)), dtype=bool)
    for first in range(1, len(times)):
        for period in range(first, len(times)):
            control[first, period] = (able & (start > period) & present[:, first - 1] & present[:, period]).any()
    after = data["horizon"] > 0
    based = present[data["unit"], data["start"] - 1]
    data["used"] = ~after | (based & control[data["start"], data["period"]])
    if not (data["used"] & after).any():
        raise UserError(
            "No treated unit is observed in the last period before treatment together with a unit to compare with. Use --panel balance, or bjs or etwfe.",
            "참여 직전 시점이 관측되고 비교할 단위도 있는 참여 단위가 없습니다. --panel balance를 쓰거나 bjs, etwfe를 쓰십시오.",
        )
    return data


def _spacing(rows: pd.DataFrame, plan: Design) -> int:
    """Time between two periods, where that is one number and cohorts start on a period."""
    times = np.sort(rows["time"].unique())
    steps = np.unique(np.diff(times))
    if len(steps) > 1 or not set(plan.cohorts) <= set(times):
        raise UserError(
            "Periods are unevenly spaced, or cohorts start between two of them; dcdh counts periods, and cannot place them in an event study. Use simple.",
            "시점 간격이 일정하지 않거나 두 시점 사이에 참여한 집단이 있습니다. dcdh는 시점 수로 경과를 세므로 사건연구를 할 수 없습니다. simple을 쓰십시오.",
        )
    return int(steps[0])


def _library(plan: Design, rows: pd.DataFrame, binary: bool, effects: int, placebo: int):
    """moderndid's result; and of the horizons that have one (placebos negative): horizons, influence values, shape (units, horizons),
    and estimates."""
    from moderndid import did_multiplegt

    given = pd.DataFrame({"group": rows["unit"], "period": rows["period"], "outcome": rows["y"], "dose": (rows["treated"] if binary else rows["dose"]).astype(float)})
    names = {name: f"control{number}" for number, name in enumerate(plan.covariates)}
    for name, short in names.items():
        if (rows.groupby("unit")[name].nunique() <= 1).all():
            raise UserError(
                f"{name.removeprefix('x_')} never changes within a unit; dcdh adjusts for changes of covariates only. Use cs or etwfe.",
                f"{name.removeprefix('x_')}은(는) 단위 안에서 변하지 않습니다. dcdh는 공변량의 변화만 통제합니다. cs나 etwfe를 쓰십시오.",
            )
        given[short] = rows[name]
    for name in ("weight", "cluster"):
        if name in rows:
            given[name] = rows[name] if name == "weight" else codes(rows[name])
    if binary and len(given) < rows["unit"].nunique() * rows["period"].nunique():
        given = _filled(given, rows)
    with warnings.catch_warnings(record=True) as caught, redirect_stdout(io.StringIO()):
        warnings.simplefilter("always")
        found = did_multiplegt(
            given, "outcome", "period", "group", "dose", cluster="cluster" if "cluster" in given else None, weightsname="weight" if "weight" in given else None,
            xformla=f"~ {' + '.join(names.values())}" if names else "~1", effects=int(effects), placebo=int(placebo), only_never_switchers=plan.control == NEVER,
            alpha=1 - plan.level,
        )  # fmt: skip
    if any("not taken into account" in str(warning.message) or "control difference" in str(warning.message) for warning in caught):
        listed = ", ".join(name.removeprefix("x_") for name in plan.covariates)
        raise UserError(
            f"The changes of {listed} are collinear among untreated units, or never observed. Leave one out.",
            f"참여 전 단위에서 {listed}의 변화가 완전한 공선성을 보이거나 관측되지 않습니다. 하나를 빼십시오.",
        )
    parts = [(found.effects, found.influence_effects, 1)] + ([(found.placebos, found.influence_placebos, -1)] if found.placebos is not None else [])
    horizons, influence, estimates = [], [], []
    for part, values, sign in parts:
        # A horizon that nobody reaches has no estimate, and no column of influence values.
        there = np.isfinite(part.estimates)
        horizons.append(sign * np.abs(part.horizons[there]).astype(int))
        estimates.append(part.estimates[there])
        influence.append(values)
    return found, np.concatenate(horizons), np.column_stack(influence), np.concatenate(estimates)


def _filled(given: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    """A row for each unit and period, those not observed without outcome: the library dates treatment by the rows it sees, and would
    take a unit missing in its first treated period for one treated later."""
    every = pd.MultiIndex.from_product([sorted(given["group"].unique()), range(given["period"].max() + 1)], names=["group", "period"])
    wide = given.set_index(["group", "period"]).reindex(every).reset_index()
    start = rows.drop_duplicates("unit").set_index("unit")["start"]
    wide["dose"] = (wide["period"] >= wide["group"].map(start)).astype(float)
    others = [name for name in wide if name not in ("group", "period", "outcome", "dose")]
    wide[others] = wide[others].fillna(wide.groupby("group")[others].transform("first"))
    return wide
