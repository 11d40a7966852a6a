"""Estimates under many other assignments of treatment at once, for estimators that are linear in the outcome.

On a balanced panel without covariates such an estimator looks at the mean outcome of each cohort in each period only:

    estimate = sum over groups g and periods t of form(g, t) * mean(g, t)

where `form` depends on the dates and on how much each group weighs, not on outcomes nor on who is in it. So each unit i has one number,
its contrast x_i = sum over t of form(g_i, t) y_it; the estimate is the sum of the groups' means of it, and what it varies by is its spread
within groups. Thousands of reassignments are then a few matrix products, where anything else estimates thousands of times.

The form is known in closed form for cs, sa, etwfe, bjs and did2s (`simple`, and more) and twfe (`simple`). That of others is found by
giving the estimator outcomes that are 1 for one group in one period and 0 elsewhere, and is then held against the estimate itself.
Everything else (covariates, gaps, weights that change) is estimated anew under each assignment.
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from evaluation.errors import UserError
from evaluation.executor import each
from evaluation.impact.design import NEVER, Design, is_binary
from evaluation.impact.estimators import estimate

# Whose estimates are no sum of outcomes with weights that outcomes have no part in.
NOT_LINEAR = ("sdid", "sc", "etwfe_poisson")
# A group of fewer units has no variance of its own that could be relied on: that of all units takes its place.
FEW = 20
CELLS = 2_000_000  # numbers in one matrix of draws by units: 16 MB
SAME = 1e-8  # of the spread of outcomes: how well a form that was found out must give the estimate itself


@dataclass(frozen=True)
class Blocks:
    """What is assigned to treatment as a whole: units or, where they are coarser, clusters. They are in an order that outcomes fix and
    names do not, so that seeded draws are the same whatever units are called.

    Attributes:
        y: mean outcome, shape (blocks, periods), None where the panel has gaps; weight: shape (blocks,); periods: sorted.
        first: first treated period, 0 never; stratum: codes; size: missing without; all of shape (blocks,).
        of_unit: the block of each unit, shape (units,); name: what a block is, "unit" or "cluster".
    """

    y: np.ndarray | None
    weight: np.ndarray
    periods: np.ndarray
    first: np.ndarray
    stratum: np.ndarray
    size: np.ndarray
    of_unit: np.ndarray
    name: str

    @property
    def equal(self) -> bool:
        """Whether all weigh the same."""
        return bool(np.ptp(self.weight) <= 1e-12 * self.weight.max())


@dataclass(frozen=True)
class Moments:
    """Of each draw and row of estimates, shape (draws, k): `estimate` and `variance` of the outcome; `shift` the same estimate of what a
    unit effect adds to the outcome, `shift_variance`, and `covariance` of the two: under an effect of tau the outcome less tau times
    treatment has the estimate `estimate - tau shift` and the variance `variance - 2 tau covariance + tau^2 shift_variance`."""

    estimate: np.ndarray
    variance: np.ndarray
    shift: np.ndarray
    covariance: np.ndarray
    shift_variance: np.ndarray


def blocks(plan: Design) -> Blocks:
    """The blocks of a design.

    Raises:
        UserError: a treatment that is a dose; clusters that are not treated as a whole, or that units move between; clusters that lie in
            several strata.
    """
    if not is_binary(plan):
        raise UserError("Reassigning treatment needs one that is 0 or 1 and stays 1. For doses use --inference analytic.", "처치를 재배정하려면 0에서 1로 바뀐 뒤 유지되는 처치 변수가 필요합니다. 비율에는 --inference analytic을 쓰십시오.")
    data = plan.data
    start = np.flatnonzero(np.diff(data["unit"].to_numpy(), prepend=-1))
    units = data.iloc[start]
    first, periods = units["cohort"].to_numpy().astype(np.int32), np.unique(data["time"])
    own = units["weight"].to_numpy(dtype=float) if "weight" in data else np.ones(len(units))
    block, name = np.arange(len(units)), "unit"
    if plan.cluster == "cluster":
        if (data.groupby("unit")["cluster"].nunique() > 1).any():
            raise UserError("Units move between clusters, so that clusters cannot be reassigned as a whole. Leave --cluster out.", "군집을 옮긴 단위가 있어 군집을 통째로 재배정할 수 없습니다. --cluster를 빼십시오.")
        block = np.unique(units["cluster"].to_numpy(), return_inverse=True)[1]
        name = "cluster" if block.max() + 1 < len(units) else "unit"
        mixed = np.array([len(np.unique(first[block == one])) > 1 for one in range(block.max() + 1)])
        if mixed.any():
            raise UserError(
                f"{mixed.sum()} of {len(mixed)} clusters hold units that were treated at different times, or never: clusters cannot be reassigned as a whole, and units within one are not independent. Leave --cluster out, or use --inference wild.",
                f"군집 {len(mixed)}개 중 {mixed.sum()}개에 참여 시점이 서로 다른 단위가 있어 군집을 통째로 재배정할 수 없고, 군집 안의 단위는 독립이 아닙니다. --cluster를 빼거나 --inference wild를 쓰십시오.",
            )
    weight = np.bincount(block, own)
    y = None
    if plan.balanced:
        table = data["y"].to_numpy(dtype=float).reshape(-1, len(periods))
        y = np.column_stack([np.bincount(block, own * column) for column in table.T]) / weight[:, None]
    stratum = np.unique(units["stratum"].to_numpy(), return_inverse=True)[1] if "stratum" in data else np.zeros(len(units), dtype=int)
    member = np.unique(block, return_index=True)[1]
    if (stratum != stratum[member][block]).any():
        raise UserError("Some clusters lie in several strata. Clusters are reassigned as a whole: give strata that do not cut them.", "여러 층에 걸친 군집이 있습니다. 군집은 통째로 재배정하므로 군집을 나누지 않는 층을 지정하십시오.")
    size = np.bincount(block, units["size"].to_numpy(dtype=float)) if "size" in data else np.full(len(member), np.nan)
    # By the data and not by names, so that draws do not depend on these; in parts of the outcome's size, nor on its unit.
    order = np.arange(len(member)) if y is None else np.lexsort(np.round(np.diff(y, axis=1) / max(np.abs(np.diff(y, axis=1)).max(initial=0), np.finfo(float).tiny), 9).T)
    rank = np.argsort(order)
    return Blocks(None if y is None else y[order], weight[order], periods, first[member][order], stratum[member][order], size[order], rank[block], name)


def statistics(plan: Design, estimator: str, aggregate: str, first: np.ndarray) -> np.ndarray:
    """The estimates that `estimate` would give if units were first treated as in `first`.

    Args:
        first: first treated period of each unit, 0 never, shape (draws, units), in the order of the design's units.

    Returns:
        shape (draws, k): the estimate and, for `dynamic`, that of each event time that is no reference, in order.

    Raises:
        UserError: an estimator that has no linear form here.
    """
    given = replace(plan, data=plan.data.drop(columns=["cluster", "stratum"], errors="ignore"))
    some = blocks(given)
    shape = linear_form(given, some, estimator, aggregate)
    if shape is None:
        raise UserError(f"{estimator} has no linear form on this design.", f"이 설계에서 {estimator}은(는) 선형식으로 나타낼 수 없습니다.")
    return moments(some, shape[0], first[:, np.argsort(some.of_unit)], np.zeros((len(shape[1]), 1, 1))).estimate


def linear_form(plan: Design, some: Blocks, estimator: str, aggregate: str) -> tuple[Callable, list[int | None]] | None:
    """How an estimator weighs the means of groups.

    Returns:
        a function of cohorts, shape (g,), and masses, shape (sets, 1 + g), never-treated first, that gives the form, shape
        (sets, k, 1 + g, periods), or None for cohorts it does not know; and the labels of its k rows, None for the estimate, then
        event times. None where there is no such form.
    """
    if estimator in NOT_LINEAR or plan.covariates or some.y is None:
        return None
    if "weight" in plan.data and (plan.data.groupby("unit")["weight"].nunique() > 1).any():
        return None
    cohorts = np.array(sorted(plan.cohorts))
    if plan.n_never and _closed(plan, estimator, aggregate, some.periods, cohorts):
        def closed(cohorts: np.ndarray, masses: np.ndarray) -> np.ndarray | None:
            return _form(plan, estimator, aggregate, some.periods, cohorts, masses) if _closed(plan, estimator, aggregate, some.periods, cohorts) else None

        labels = [None, *_event_times(plan, estimator, some.periods, cohorts)] if aggregate == "dynamic" else [None]
        return closed, labels
    # Outcomes that are 1 for a group in a period tell the form where units weigh the same, so that it is that of every draw.
    if "weight" in plan.data or not some.equal:
        return None
    probed = _probe(plan, some, estimator, aggregate)
    if probed is None:
        return None
    weights, labels = probed

    def known(asked: np.ndarray, masses: np.ndarray) -> np.ndarray | None:
        same = len(masses) == 1 and np.array_equal(asked, cohorts) and np.allclose(masses[0] / masses[0].sum(), [np.mean(some.first == g) for g in (0, *cohorts)])
        return weights[None] if same else None

    return known, labels


def required_form(plan: Design, some: Blocks, estimator: str, aggregate: str, how: str) -> tuple[Callable, list[int | None]]:
    """`linear_form`; UserError where there is none, for the method `how` that cannot do without."""
    shape = linear_form(plan, some, estimator, aggregate)
    if shape is None:
        raise UserError(
            f"{how} needs a balanced panel without covariates and an estimator that is linear there; {estimator} is not on this design. Use --inference recommended.",
            f"{how}는 공변량 없는 균형패널에서 선형인 추정방법에 쓸 수 있으며, 이 설계의 {estimator}은(는) 그렇지 않습니다. --inference recommended를 쓰십시오.",
        )
    return shape


def by_event_time(found: Callable[[int], tuple[float, float, float]], labels: list[int | None]) -> pd.DataFrame:
    """`Found.event`: lower, upper and p, found by the number of the row, of the rows that are of an event time; empty without any."""
    rows = [(label, *found(number)) for number, label in enumerate(labels) if label is not None]
    return pd.DataFrame(rows, columns=["event_time", "lower", "upper", "p"]) if rows else pd.DataFrame()


def _closed(plan: Design, estimator: str, aggregate: str, periods: np.ndarray, cohorts: np.ndarray) -> bool:
    """Whether the form is known without estimating."""
    served = {"cs": ("simple", "group", "dynamic", "calendar"), "sa": ("simple", "dynamic"), "etwfe": ("simple", "group", "dynamic", "calendar"), "bjs": ("simple", "group"), "did2s": ("simple",), "twfe": ("simple",)}
    if aggregate not in served.get(estimator, ()) or (estimator == "sa" and plan.control != NEVER):
        return False
    # There it leaves rows out, which the form below does not.
    if estimator == "twfe" and plan.anticipation:
        return False
    base = np.searchsorted(periods, cohorts - plan.anticipation) - 1
    if (base < 0).any():
        return False
    # With uneven periods an event time can be the reference of some cohorts only, which estimators take differently.
    return aggregate != "dynamic" or len(np.unique(periods[base] - cohorts)) == 1 == len(np.unique(np.diff(periods)))


def _event_times(plan: Design, estimator: str, periods: np.ndarray, cohorts: np.ndarray) -> list[int]:
    event = periods[None] - cohorts[:, None]
    low, high = -np.inf if plan.before is None else -plan.before, np.inf if plan.after is None else plan.after
    if estimator == "etwfe" and plan.control != NEVER:
        low = max(low, -plan.anticipation)
    base = periods[np.searchsorted(periods, cohorts - plan.anticipation) - 1] - cohorts
    return [int(e) for e in np.unique(event) if low <= e <= high and e not in base]


def _form(plan: Design, estimator: str, aggregate: str, periods: np.ndarray, cohorts: np.ndarray, masses: np.ndarray) -> np.ndarray:
    """The closed form, shape (sets, k, 1 + cohorts, periods)."""
    treated = np.vstack([np.zeros(len(periods), dtype=bool), periods[None] >= cohorts[:, None]])
    if estimator == "twfe":
        share = masses / masses.sum(axis=1, keepdims=True)
        d = treated.astype(float)
        within = d - d.mean(axis=1, keepdims=True) - (share @ d)[:, None] + (share @ d.mean(axis=1))[:, None, None]
        weighted = share[:, :, None] * within
        return (weighted / (weighted * d).sum(axis=(1, 2), keepdims=True))[:, None]
    imputes = estimator in ("bjs", "did2s") or (estimator == "etwfe" and plan.control != NEVER)
    effects = _imputed(plan, periods, cohorts, masses) if imputes else _compared(plan, periods, cohorts, masses, plan.control if estimator == "cs" else NEVER)
    weights = _averages(plan, estimator, aggregate, periods, cohorts, masses)
    return np.einsum("skgt,sgthp->skhp", weights, np.broadcast_to(effects, (len(masses), *effects.shape[1:])), optimize=True)


def _compared(plan: Design, periods: np.ndarray, cohorts: np.ndarray, masses: np.ndarray, control: str) -> np.ndarray:
    """ATT(g, t) of Callaway and Sant'Anna as forms, shape (sets or 1, cohorts, periods, 1 + cohorts, periods)."""
    n, times = len(cohorts), len(periods)
    out = np.zeros((1 if control == NEVER else len(masses), n, times, n + 1, times))
    every = np.concatenate([[0], cohorts])
    for number, g in enumerate(cohorts):
        base = int(np.searchsorted(periods, g - plan.anticipation)) - 1
        for t in range(times):
            others = every == 0
            if control != NEVER:
                others |= (every > periods[max(t, base)] + plan.anticipation) & (every != g)
            share = np.where(others, masses[: len(out)], 0)
            share = share / share.sum(axis=1, keepdims=True)
            out[:, number, t, :, t] -= share
            out[:, number, t, :, base] += share
            out[:, number, t, number + 1, t] += 1
            out[:, number, t, number + 1, base] -= 1
    return out


def _imputed(plan: Design, periods: np.ndarray, cohorts: np.ndarray, masses: np.ndarray) -> np.ndarray:
    """Effects by imputation as forms: what group and period effects of untreated cells leave, shape as in `_compared`."""
    n, times = len(cohorts) + 1, len(periods)
    untreated = np.vstack([np.ones(times, dtype=bool), periods[None] < cohorts[:, None] - plan.anticipation]).ravel()
    terms = np.column_stack([np.repeat(np.eye(n), times, axis=0), np.tile(np.eye(times), (n, 1))[:, 1:]])
    weight = np.repeat(masses, times, axis=1) * untreated
    normal = np.einsum("ca,sc,cb->sab", terms, weight, terms, optimize=True)
    predicted = np.einsum("ca,sab,db,sd->scd", terms, np.linalg.inv(normal), terms, weight, optimize=True)
    return (np.eye(n * times) - predicted).reshape(len(masses), n, times, n, times)[:, 1:]


def _averages(plan: Design, estimator: str, aggregate: str, periods: np.ndarray, cohorts: np.ndarray, masses: np.ndarray) -> np.ndarray:
    """Weights of effects by cohort and period in the estimate and, for `dynamic`, the event times, shape (sets, k, cohorts, periods)."""
    event = periods[None] - cohorts[:, None]
    after = event >= 0
    mass = masses[:, 1:, None]

    def mean_of(chosen: np.ndarray) -> np.ndarray:
        some = mass * chosen
        return some / some.sum(axis=(1, 2), keepdims=True)

    if aggregate == "simple":
        return mean_of(after)[:, None]
    if aggregate == "group":
        return (mass / mass.sum(axis=1, keepdims=True) * (after / after.sum(axis=1, keepdims=True)))[:, None]
    if aggregate == "calendar":
        return np.mean([mean_of(after & (np.arange(len(periods)) == t)) for t in np.flatnonzero(after.any(axis=0))], axis=0)[:, None]
    times = _event_times(plan, estimator, periods, cohorts)
    parts = np.stack([mean_of(event == e) for e in times], axis=1)
    return np.concatenate([parts[:, [e >= 0 for e in times]].mean(axis=1, keepdims=True), parts], axis=1)


def _probe(plan: Design, some: Blocks, estimator: str, aggregate: str) -> tuple[np.ndarray, list[int | None]] | None:
    """The form and its labels by estimating from outcomes that are 1 for one group in one period; None where that does not give the
    estimate itself, as it would if the estimator were not linear, or looked at more than the means of groups."""
    cohort, time = plan.data["cohort"].to_numpy(), plan.data["time"].to_numpy()
    groups = [*([0] if plan.n_never else []), *sorted(plan.cohorts)]
    with warnings.catch_warnings():
        # Such outcomes have no variance, which is not asked for.
        warnings.simplefilter("ignore")
        try:
            actual, labels = estimates(plan, estimator, aggregate)
            form = np.zeros((len(labels), 1 + len(plan.cohorts), len(some.periods)))
            for place, g in enumerate(groups, start=0 if plan.n_never else 1):
                for t, period in enumerate(some.periods):
                    given = replace(plan, data=plan.data.assign(y=((cohort == g) & (time == period)).astype(float)))
                    found, named = estimates(given, estimator, aggregate)
                    if named != labels:
                        return None
                    form[:, place, t] = found
        except (UserError, ArithmeticError, ValueError, np.linalg.LinAlgError):
            return None
    means = np.array([some.y[some.first == g].mean(axis=0) for g in groups])
    if not plan.n_never:
        means = np.vstack([np.zeros(len(some.periods)), means])
    gap = np.abs((form * means).sum(axis=(1, 2)) - actual).max()
    return (form, labels) if gap <= SAME * np.ptp(some.y) else None


def estimates(plan: Design, estimator: str, aggregate: str) -> tuple[np.ndarray, list[int | None]]:
    """The estimate and, for `dynamic`, that of each event time that is no reference, with their labels."""
    found = estimate(plan, estimator, aggregate)
    if aggregate != "dynamic":
        return np.array([found.estimate]), [None]
    told = found.event[~found.event["reference"].astype(bool)]
    return np.array([found.estimate, *told["estimate"]]), [None, *(int(time) for time in told["event_time"])]


def shifts(plan: Design, some: Blocks, estimator: str, labels: list[int | None]) -> np.ndarray:
    """What an effect of 1 adds to the outcome, shape (k, blocks, periods): from treatment on, or at one event time."""
    event = np.where(some.first[:, None] > 0, some.periods[None] - some.first[:, None], np.nan)
    # Ends are binned by twfe.
    ends = event if estimator != "twfe" else np.clip(event, -np.inf if plan.before is None else -plan.before, np.inf if plan.after is None else plan.after)
    return np.array([event >= 0 if label is None else ends == label for label in labels], dtype=float)


def moments(some: Blocks, form: Callable, first: np.ndarray, shift: np.ndarray, few: int = FEW) -> Moments | None:
    """Estimates under many assignments, and their variances from the spread of contrasts within groups.

    The variance of the mean of a group is that of its own contrasts, with n - 1. In a group of fewer than `few` blocks it is that of all
    blocks about the means of their groups: five numbers tell too little of their variance, and dividing by it costs power. With `few` 0
    each group has its own, with n in place of n - 1, which is the cluster-robust one (CR0).

    Args:
        form: as `linear_form` gives it; first: shape (draws, blocks); shift: shape (k, blocks, periods), or (k, 1, 1) of zeros.

    Returns:
        None where the form does not know a draw's cohorts.
    """
    draws, n = first.shape
    # All draws hold the cohorts of the first, but where dates are drawn too.
    values = np.unique(first[0])
    counts = np.column_stack([(first == g).sum(axis=1) for g in (0, *values[values > 0])])
    if (counts.sum(axis=1) != n).any():
        values = np.unique(first)
        counts = np.column_stack([(first == g).sum(axis=1) for g in (0, *values[values > 0])])
    values = values[values > 0]
    mass = counts * some.weight[0] if some.equal else np.column_stack([(first == g) @ some.weight for g in (0, *values)])
    sets, member = np.unique(counts[:, 1:] > 0, axis=0, return_inverse=True)
    out = None
    for number, present in enumerate(sets):
        rows = np.flatnonzero(member.ravel() == number)
        chosen = np.concatenate([[True], present])
        cohorts = values[present]
        kinds, kind = np.unique(mass[np.ix_(rows, np.flatnonzero(chosen))], axis=0, return_inverse=True)
        kind = kind.ravel()
        # Many kinds of masses (weights that travel): forms and contrasts draw by draw; else once for all draws of a kind.
        alone = some.equal and len(kinds) <= max(1, len(rows) // 4)
        parts = [(rows[kind == j], slice(j, j + 1)) for j in range(len(kinds))] if alone else [(rows, slice(None))]
        for part, these in parts:
            step = max(1, CELLS // n)
            for begin in range(0, len(part), step):
                some_rows = part[begin : begin + step]
                each = kinds[these] if alone else mass[np.ix_(some_rows, np.flatnonzero(chosen))]
                weights = form(cohorts, each)
                if weights is None:
                    return None
                inside = [first[some_rows] == g for g in (0, *cohorts)]
                found = _same_form(some, weights[0], inside, shift, few) if alone else _own_forms(some, weights, inside, shift, few)
                if out is None:
                    out = np.empty((5, draws, weights.shape[1]))
                out[:, some_rows] = found
    return Moments(*out)


def _same_form(some: Blocks, form: np.ndarray, inside: list[np.ndarray], shift: np.ndarray, few: int) -> np.ndarray:
    """The five moments, shape (5, draws, k), where groups weigh the same in all draws: sums over a group's blocks are matrix products."""
    k, groups, _ = form.shape
    n = len(some.y)
    shift = np.broadcast_to(shift, (k, n, some.y.shape[1]))
    # Contrasts of every block as if in each group, shape (groups, blocks, k); centred, so that squares do not cancel.
    x = np.einsum("kgt,nt->gnk", form, some.y - some.y.mean(axis=1, keepdims=True))
    x = x - (centre := x.mean(axis=1, keepdims=True))
    z = np.einsum("kgt,knt->gnk", form, shift)
    sizes = np.array([one[0].sum() for one in inside])
    pooled = [g for g in range(groups) if 0 < sizes[g] < few]
    sums = np.zeros((2, len(inside[0]), k))
    second = np.zeros((3, len(inside[0]), k))
    between = {g: np.zeros((3, len(inside[0]), k)) for g in pooled}
    for g in np.flatnonzero(sizes):
        member = inside[g].astype(float)
        columns = [x[g], z[g], *([] if g in pooled else [x[g] ** 2, x[g] * z[g], z[g] ** 2])]
        columns += [part for h in pooled if h != g for part in (x[h], z[h])]
        totals = (member @ np.concatenate(columns, axis=1)).reshape(len(member), -1, k).transpose(1, 0, 2)
        a, b = totals[:2]
        sums += np.array([a + sizes[g] * centre[g], b]) / sizes[g]
        if g not in pooled:
            own = totals[2:5] - np.array([a * a, a * b, b * b]) / sizes[g]
            second += own / (sizes[g] * (sizes[g] - (few > 0)))
        rest = iter(totals[2 if g in pooled else 5 :])
        for h in pooled:
            a, b = totals[:2] if h == g else (next(rest), next(rest))
            between[h] += np.array([a * a, a * b, b * b]) / sizes[g]
    for g in pooled:
        whole = np.array([(x[g] ** 2).sum(axis=0), (x[g] * z[g]).sum(axis=0), (z[g] ** 2).sum(axis=0)])[:, None]
        second += (whole - between[g]) / (max(n - (sizes > 0).sum(), 1) * sizes[g])
    return np.array([sums[0], second[0], sums[1], second[1], second[2]])


def _own_forms(some: Blocks, forms: np.ndarray, inside: list[np.ndarray], shift: np.ndarray, few: int) -> np.ndarray:
    """The five moments, shape (5, draws, k), where what groups weigh differs by draw.

    Args:
        forms: shape (draws, k, groups, periods), or (1, ...).
    """
    draws, n = inside[0].shape
    k = forms.shape[1]
    out = np.zeros((5, draws, k))
    y = some.y - some.y.mean(axis=1, keepdims=True)
    members = [one.astype(float) for one in inside]
    sizes = [one.sum(axis=1) for one in members]
    masses = [one @ some.weight for one in members]
    present = sum(size > 0 for size in sizes)
    shift = np.broadcast_to(shift, (k, n, y.shape[1]))
    for row in range(k):
        for g, member in enumerate(members):
            pair = [forms[:, row, g] @ y.T, forms[:, row, g] @ shift[row].T]
            means = [(member * one) @ some.weight / masses[g] for one in pair]
            out[0, :, row] += means[0]
            out[2, :, row] += means[1]
            apart = [(one - mean[:, None]) * member * some.weight for one, mean in zip(pair, means, strict=True)]
            small = sizes[g] < few
            factor = np.where(small, 0, 1.0 if few == 0 else sizes[g] / np.maximum(sizes[g] - 1, 1)) / masses[g] ** 2
            spread = [np.einsum("dn,dn->d", apart[i], apart[j]) * factor for i, j in ((0, 0), (0, 1), (1, 1))]
            if small.any():
                within = [np.zeros(np.broadcast_shapes(one.shape, member.shape)) for one in pair]
                for h, other in enumerate(members):
                    for place, one in enumerate(pair):
                        within[place] += (one - ((other * one) @ some.weight / np.where(masses[h] > 0, masses[h], 1))[:, None]) * other
                scale = np.where(small, (member @ some.weight**2) / masses[g] ** 2, 0) / np.maximum(n - present, 1)
                spread = [own + np.einsum("dn,dn->d", within[i], within[j]) * scale for own, (i, j) in zip(spread, ((0, 0), (0, 1), (1, 1)), strict=True)]
            out[[1, 3, 4], :, row] += spread
    return out


def assigned(plan: Design, some: Blocks, first: np.ndarray) -> Design:
    """The design had blocks been first treated as in `first`, shape (blocks,)."""
    cohort = first[some.of_unit][plan.data["unit"].to_numpy()]
    time = plan.data["time"].to_numpy()
    data = plan.data.assign(cohort=cohort, treated=((cohort > 0) & (time >= cohort)).astype(int), event_time=np.where(cohort > 0, (time - cohort).astype(float), np.nan))
    return replace(plan, data=data.drop(columns="dose", errors="ignore"))


def anew(job: tuple) -> np.ndarray | None:
    """One assignment estimated anew: estimate and squared error, shape (outcomes, 2); None where the estimator refuses it."""
    plan, estimator, aggregate, some, first, outcomes = job
    there = assigned(plan, some, first)
    try:
        found = [estimate(there if y is None else replace(there, data=there.data.assign(y=y)), estimator, aggregate) for y in outcomes]
    except UserError:
        return None
    return np.array([(one.estimate, one.se**2) for one in found])


def estimated_anew(plan: Design, estimator: str, aggregate: str, some: Blocks, first: np.ndarray, scheduler: str | None = None) -> tuple[Moments, int]:
    """`Moments` of the estimate alone, k = 1, by estimating anew under each assignment; and how many of them the estimator refuses (missing).

    The moments of the shift come from estimating with an effect added to the outcome, and with one taken off; missing where the estimator is
    not linear.
    """
    y, d = plan.data["y"].to_numpy(dtype=float), plan.data["treated"].to_numpy(dtype=float)
    # Not from treatment itself, which an estimator may refuse as an outcome that is explained wholly.
    d = d * (size := y.std())
    outcomes = [None] if estimator in NOT_LINEAR else [None, y - d, y + d]
    found = each(anew, [(plan, estimator, aggregate, some, row, outcomes) for row in first], scheduler=scheduler)
    table = np.array([np.full((len(outcomes), 2), np.nan) if one is None else one for one in found])
    refused = sum(one is None for one in found)
    if len(outcomes) == 1:
        nothing = np.full((len(first), 1), np.nan)
        return Moments(table[:, 0, :1], table[:, 0, 1:], nothing, nothing, nothing), refused
    (a, v), (less, less_v), (more, more_v) = (table[:, place].T[:, :, None] for place in range(3))
    return Moments(a, v, (more - less) / (2 * size), (more_v - less_v) / (4 * size), ((more_v + less_v) / 2 - v) / size**2), refused
