"""Synthetic difference-in-differences and synthetic control: treated complexes against a weighted average of never-treated ones.

Arkhangelsky, Athey, Hirshberg, Imbens and Wager (2021), American Economic Review 111, Algorithm 1, for units treated at once;
Clarke, Pailanir, Athey and Imbens (2024), Stata Journal 24, for staggered adoption: one estimate per cohort against the never-treated,
averaged by treated unit-periods; Ciccia (2024), arXiv:2407.09565, for the event study. Synthetic control (Abadie, Diamond and
Hainmueller 2010, JASA 105) is done for each treated unit by itself, then averaged.

Covariates are taken out of the outcome first ("projected", Kranz 2022, "Synthetic difference-in-differences with time-varying
covariates"; Clarke et al. 2024): y is regressed on x with unit and time effects, and the method is run on y - x'slope. The slope comes
from never-treated units alone, all their periods, as in Stata's sdid; Kranz' R package, like Stata's option `_not_yet`, adds treated
units before treatment. Placebos and jackknife estimate it anew each time, from the never-treated units that are left, as Stata does.

The weights solve a quadratic programme. They are found as the authors' R package (synthdid 0.0.9) finds them, by Frank-Wolfe steps
with its start, its sparsification and its stopping rule, because the package often stops before the optimum: on Proposition 99 it
prints -15.6038 and -19.6197 (synthetic control), where the exact optimum gives -15.6054 and -19.5136. What is printed here can be
held against R, Stata and the paper; `not_converged` in the diagnostics says what share of the weights is of that kind.
"""

from dataclasses import dataclass, replace
from itertools import combinations
from math import comb, factorial, prod

import numpy as np
from scipy import stats

from evaluation.errors import UserError
from evaluation.impact.design import NEVER, Design
from evaluation.impact.estimators.within import demean, held_by_others
from evaluation.impact.result import Result, event_frame, result

SDID, SC = "sdid", "sc"
RIDGE = 1e-6  # of time weights, and of unit weights in synthetic control, in standard deviations of the noise (R's eta.lambda)
LEAST_DECREASE = 1e-5  # R's min.decrease, in the same unit
ROUNDS_BEFORE, ROUNDS = 100, 10_000  # R's max.iter.pre.sparsify and max.iter
DRAWS, SEED = 200, 20_050_101
# Reassignments of treatment up to this number are all gone through; with one treated unit always, whatever their number.
ENUMERATED = 500
SOLVED_AT_ONCE = 4_000_000  # numbers in the matrices of problems solved together: 32 MB
SC_PROBLEMS = 2_000  # synthetic control solves one problem per treated unit and draw
FEW_CONTROLS, FEW_BEFORE, FEW_TREATED = 10, 5, 10
SHOWN = 1e-3  # weights below are not listed

ESTIMANDS = {
    SDID: (
        "the average effect over treated complexes and the periods since they were treated: their change beyond that of never-treated "
        "complexes weighted so that they moved in parallel before",
        "참여 단위가 참여 이후 시점에 얻은 평균 효과. 참여 전에 같은 추세로 움직이도록 가중한 미참여 단위의 변화와 견준 차이이다",
    ),
    SC: (
        "the average effect over treated complexes and the periods since they were treated: the gap of each to its own weighted average "
        "of never-treated complexes that had the same level before",
        "참여 단위가 참여 이후 시점에 얻은 평균 효과. 참여 전 수준이 같아지도록 참여 단위마다 따로 만든 미참여 단위의 가중평균과 견준 차이이다",
    ),
}
ADJUSTED = ("; outcomes are less what covariates explain, with slopes from never-treated units", ". 성과는 미참여 단위에서 구한 기울기로 공변량의 몫을 뺀 값이다")
BY_EVENT_TIME = ("; every period since treatment counts alike, whatever the number of units seen in it", ". 참여 후 경과 시점마다 같은 비중을 둔다")


@dataclass(frozen=True)
class Cohort:
    """Units first treated in `first`: `rows` of the outcome matrix; `pre` how many periods come before any effect, `post` the column
    of `first`; `noise` the standard deviation of the controls' first differences before it; `ridge` on unit weights (R's zeta)."""

    first: int
    rows: np.ndarray
    pre: int
    post: int
    noise: float
    ridge: float


@dataclass(frozen=True)
class Covariates:
    """`y`, the outcomes with nothing taken out, shape (units, times); `x`, shape (units, times, k), k 0 where there are none; `names`."""

    y: np.ndarray
    x: np.ndarray
    names: tuple[str, ...]


def synthetic_did(plan: Design, aggregate: str) -> Result:
    """Synthetic difference-in-differences: `estimate` with "sdid"."""
    return estimate(plan, aggregate, "sdid")


def synthetic_control(plan: Design, aggregate: str) -> Result:
    """Synthetic control: `estimate` with "sc"."""
    return estimate(plan, aggregate, "sc")


def estimate(plan: Design, aggregate: str, estimator: str = SDID, ranked: bool = False) -> Result:
    """`simple`: average over treated unit-periods; `dynamic`: mean of the event study from time 0 on.

    Uncertainty: all reassignments of treatment among the never-treated where they can be enumerated (always with one treated unit):
    exact p, interval of the constant effects not rejected, `df` missing. Otherwise drawn reassignments (Algorithm 4) where controls
    are twice as many as treated units; else the jackknife (Algorithm 3), which needs two treated units per cohort.

    Args:
        plan: without gaps and weights (`estimators.refuse` tells of them); estimator: SDID or SC; ranked: p and interval from the
            distribution of drawn reassignments too, in place of the normal one with their spread as standard error.

    Raises:
        UserError: not-yet-treated controls, clusters coarser than units; fewer than two never-treated units; no cohort with two
            periods before an effect may show; a covariate of which unit and time effects leave nothing among never-treated units, or
            among those that placebos or the jackknife keep.
    """
    _refuse(plan, estimator)
    data, told = plan.data, []
    times = np.sort(data["time"].unique())
    outcomes = data["y"].to_numpy(dtype=float).reshape(-1, len(times))
    first = data["cohort"].to_numpy().reshape(-1, len(times))[:, 0]
    controls = np.flatnonzero(first == 0)
    covariates = Covariates(outcomes, data[list(plan.covariates)].to_numpy(dtype=float).reshape(*outcomes.shape, len(plan.covariates)), tuple(name.removeprefix("x_") for name in plan.covariates))
    slopes = _slopes(covariates, controls, np.ones((1, len(controls)), dtype=bool), estimator)[0]
    outcomes = outcomes - covariates.x @ slopes
    cohorts, short = _cohorts(plan, outcomes, first, times, controls, estimator)
    if short:
        listed = ", ".join(map(str, short))
        told.append((f"Cohorts {listed} have fewer than two periods before treatment and are left out.", f"{listed}년 참여 단위는 참여 전 시점이 둘이 되지 않아 제외하였다."))
        data = data[~data["cohort"].isin(short)]
    sizes = np.array([len(cohort.rows) for cohort in cohorts])
    labels, weights = _aggregates(plan, aggregate, cohorts, times, sizes)
    treated = [cohort.rows[None] for cohort in cohorts]
    effects, solved, loose = _effects(outcomes, cohorts, treated, controls[None], estimator)
    found = np.einsum("rct,ct->r", weights, effects[0])

    how, theta, influence = _method(estimator, sizes, len(controls)), None, None
    if how == "jackknife":
        theta, more_loose = _jackknife(plan, aggregate, outcomes, covariates, cohorts, times, controls, solved, estimator)
        loose = np.concatenate([loose, more_loose])
        n = len(theta)
        apart = theta - theta.mean(axis=0)
        vcov = apart.T @ apart * (n - 1) / n
        if n == data["unit"].nunique() == plan.data["unit"].nunique():
            order = np.concatenate([controls, *(cohort.rows for cohort in cohorts)])
            influence = np.empty(n)
            influence[order] = -np.sqrt(n * (n - 1)) * apart[:, 0]
        inference = f"jackknife with {'fixed weights' if estimator == SDID else 'weights made anew'} over {n} units (after Arkhangelsky et al. 2021, Algorithm 3), normal"
    elif how == "none":
        vcov = np.full((len(found), len(found)), np.nan)
        inference = "none: too few never-treated units for placebos, a cohort with one unit for the jackknife"
        told.append((
            f"No standard error: placebos need two more never-treated units ({len(controls)}) than treated ones ({sizes.sum()}), the jackknife two treated units in each cohort.",
            f"표준오차를 계산할 수 없다. 플라시보에는 미참여 단위({len(controls)}개)가 참여 단위({sizes.sum()}개)보다 둘 이상 많아야 하고, 잭나이프에는 참여 시점마다 참여 단위가 둘 이상 있어야 한다.",
        ))  # fmt: skip
    else:
        theta, placebo_fit, placebo_loose = _placebos(outcomes, covariates, cohorts, controls, solved, estimator, weights, how == "exact")
        loose = np.concatenate([loose, placebo_loose])
        vcov = np.atleast_2d(np.cov(theta.T, bias=True))
        inference = (
            f"exact placebo distribution: all {len(theta)} reassignments of treatment to never-treated units; p and interval from it, no degrees of freedom"
            if how == "exact"
            else f"placebo: {len(theta)} seeded draws of treatment among never-treated units (Arkhangelsky et al. 2021, Algorithm 4), {'p and interval from them, no degrees of freedom' if ranked else 'normal'}"
        )
    if len(slopes) and how != "none":
        inference += "; slopes of covariates estimated anew each time"
    errors = np.sqrt(np.diag(vcov))
    if how == "jackknife" and not np.isfinite(errors).all():
        told.append(("No standard error: a synthetic unit rests on one control alone, which the jackknife leaves out.", "표준오차를 계산할 수 없다. 한 미참여 단위만으로 이루어진 합성 단위가 있어 잭나이프로 그 단위를 뺄 수 없다."))
    ranked = how == "exact" or (ranked and how == "drawn")
    half = _half_widths(theta, errors, plan.level, ranked)

    diagnostics = _diagnostics(plan, outcomes, cohorts, controls, times, solved, estimator)
    diagnostics |= {"not_converged": float(loose.mean()), "placebos": float(len(theta)) if how in ("exact", "drawn") else 0.0}
    diagnostics |= {f"slope.{name}": float(slope) for name, slope in zip(covariates.names, slopes, strict=True)}
    if how == "exact" and estimator == SC and sizes.sum() == 1:
        diagnostics["p_rmspe_ratio"] = _ratio_p(effects[0, 0], placebo_fit, cohorts[0])
    told += _warnings(plan, aggregate, estimator, how, cohorts, len(controls), theta if ranked else None, diagnostics)

    event, groups = None, None
    if aggregate == "dynamic":
        event = event_frame(labels, found[1:], errors[1:], plan.level)
        event["lower"], event["upper"] = found[1:] - half[1:], found[1:] + half[1:]
    else:
        groups = event_frame(labels, found[1:], errors[1:], plan.level).rename(columns={"event_time": "cohort"}).drop(columns="reference")
        groups["lower"], groups["upper"] = found[1:] - half[1:], found[1:] + half[1:]
    shares = weights[0].sum(axis=1)
    parts = [ESTIMANDS[estimator], *([BY_EVENT_TIME] if aggregate == "dynamic" else []), *([ADJUSTED] if len(slopes) else [])]
    words = tuple("".join(part) for part in zip(*parts, strict=True))
    more = {"event": event, "vcov": vcov[1:, 1:]} if event is not None else {"groups": groups}
    out = result(
        plan, estimator, aggregate, found[0], errors[0], words, inference=inference, data=data, influence=influence, diagnostics=diagnostics,
        cohorts={cohort.first: float(share) for cohort, share in zip(cohorts, shares, strict=True) if share > 0}, warnings=tuple(told), **more,
    )  # fmt: skip
    if ranked:
        return replace(out, lower=float(found[0] - half[0]), upper=float(found[0] + half[0]), p=_rank_p(found[0], theta[:, 0]), df=np.nan)
    return out


def _refuse(plan: Design, estimator: str) -> None:
    if estimator not in ESTIMANDS:
        raise UserError(f"estimator is {estimator!r}; use one of: {SDID}, {SC}.", f"추정방법 {estimator!r}을(를) 쓸 수 없습니다. 다음 중 하나를 쓰십시오: {SDID}, {SC}.")
    if plan.control != NEVER:
        raise UserError(
            f"{estimator} compares with never-treated units only: a unit treated later has no outcome of its own for the periods after. Use --control never, or cs or bjs with --control notyet.",
            f"{estimator}은(는) 미참여 단위와만 비교합니다. 나중에 참여한 단위는 참여 뒤의 비교값이 없기 때문입니다. --control never를 쓰거나, cs·bjs에 --control notyet을 쓰십시오.",
        )
    if plan.cluster == "cluster":
        pairs = plan.data[["unit", "cluster"]].drop_duplicates()
        if len(pairs) > plan.data["unit"].nunique() or pairs["cluster"].duplicated().any():
            raise UserError(
                f"{estimator} reassigns treatment, or leaves out, one unit at a time; it cannot cluster more coarsely. Leave --cluster out, or use twfe, sa, cs or bjs.",
                f"{estimator}은(는) 단위별로 참여를 재배정하거나 제외하므로 단위보다 넓은 군집을 쓸 수 없습니다. --cluster를 빼거나 twfe, sa, cs, bjs를 쓰십시오.",
            )
    if plan.n_never < 2:
        raise UserError(
            f"{estimator} needs at least two never-treated units; there are {plan.n_never}. Add some, or use cs or bjs with --control notyet.",
            f"{estimator}에는 미참여 단위가 둘 이상 있어야 하는데 {plan.n_never}개뿐입니다. 미참여 단위를 더하거나, cs·bjs에 --control notyet을 쓰십시오.",
        )


def _slopes(covariates: Covariates, controls: np.ndarray, kept: np.ndarray, estimator: str) -> np.ndarray:
    """Slopes of the outcome on covariates with unit and time effects, among several sets of never-treated units at once.

    Args:
        controls: rows; kept: which of them belong to each set, shape (sets, controls).

    Returns:
        shape (sets, k).

    Raises:
        UserError: a covariate of which nothing is left in one of the sets.
    """
    x, k = covariates.x[controls], covariates.x.shape[2]
    if not k:
        return np.empty((len(kept), 0))
    n, times = x.shape[:2]
    columns = np.column_stack([x.reshape(-1, k), covariates.y[controls].ravel()])
    within = demean(columns, np.repeat(np.arange(n), times), np.tile(np.arange(times), n)).reshape(n, times, k + 1)
    # Of fewer units the unit effects stay, as each has its own; only the means of periods move.
    sums = np.tensordot(kept.astype(float), within, axes=1)
    cross = np.tensordot(kept.astype(float), within.transpose(0, 2, 1) @ within, axes=1) - sums.transpose(0, 2, 1) @ sums / kept.sum(axis=1)[:, None, None]
    size = (x**2).sum(axis=(0, 1))
    for gram, some in zip(cross[:, :k, :k], kept, strict=True):
        if (held := held_by_others(gram, size)) is not None:
            raise _no_slope(covariates, held, bool(some.all()), estimator)
    return np.linalg.solve(cross[:, :k, :k], cross[:, :k, k:])[:, :, 0]


def _no_slope(covariates: Covariates, held: int, among_all: bool, estimator: str) -> UserError:
    name = covariates.names[held]
    if np.ptp(covariates.x[:, :, held], axis=1).max() == 0:
        return UserError(
            f"{name} never changes within a unit: unit effects hold all of it, so it can change nothing in {estimator}. Leave it out, or use cs, etwfe or lpdid, which compare units with like values.",
            f"{name}은(는) 단위 안에서 시간에 따라 변하지 않아 단위 고정효과에 모두 흡수되므로 {estimator}의 결과를 바꿀 수 없습니다. 빼거나, 값이 비슷한 단위끼리 비교하는 cs, etwfe, lpdid를 쓰십시오.",
        )
    if among_all:
        return UserError(
            f"{name} is collinear with the unit and time effects or with other covariates among never-treated units, where {estimator} finds its slope. Leave it out, or, where it varies among treated units before treatment, use bjs.",
            f"{name}은(는) {estimator}이(가) 기울기를 구하는 미참여 단위에서 단위·시점 고정효과나 다른 공변량과 완전한 공선성이 있습니다. 빼거나, 참여 단위의 참여 전 관측에서 변한다면 bjs를 쓰십시오.",
        )
    return UserError(
        f"The slope of {name} rests on so few never-treated units that without some of them there is none: {estimator} can give no standard error. Leave it out, or use bjs.",
        f"{name}의 기울기가 몇 안 되는 미참여 단위에만 달려 있어 그 단위를 빼면 구할 수 없습니다. {estimator}의 표준오차를 계산할 수 없으므로, 빼거나 bjs를 쓰십시오.",
    )


def _cohorts(plan: Design, outcomes: np.ndarray, first: np.ndarray, times: np.ndarray, controls: np.ndarray, estimator: str) -> tuple[list[Cohort], list[int]]:
    """The cohorts that can be served, and the first treated periods of those that cannot."""
    served, short = [], []
    for cohort in plan.cohorts:
        # Periods in which an effect may show already belong neither to the weights nor to the effect.
        pre, post = int((times < cohort - plan.anticipation).sum()), int((times < cohort).sum())
        if pre < 2:
            short.append(cohort)
            continue
        rows = np.flatnonzero(first == cohort)
        differences = np.diff(outcomes[controls][:, :pre], axis=1)
        noise = float(differences.std(ddof=1))
        ridge = RIDGE * noise if estimator == SC else (len(rows) * (len(times) - post)) ** 0.25 * noise
        served.append(Cohort(cohort, rows, pre, post, noise, ridge))
    if not served:
        raise UserError(
            f"{estimator} needs two periods before any effect may show; no cohort has them. Add earlier periods, or use twfe or cs.",
            f"{estimator}에는 효과가 나타나기 전 시점이 둘 이상 필요한데 그런 참여 시점이 없습니다. 더 이른 자료를 넣거나 twfe·cs를 쓰십시오.",
        )
    return served, short


def _aggregates(plan: Design, aggregate: str, cohorts: list[Cohort], times: np.ndarray, sizes: np.ndarray) -> tuple[list[int], np.ndarray]:
    """Everything reported, as weights on the effects of cohorts at times.

    Returns:
        labels of rows 1 on: cohorts (`simple`) or event times (`dynamic`); weights, shape (1 + labels, cohorts, times), row 0 the
        overall: by treated unit-periods (Clarke et al. 2024), or the mean of event times from 0 on (each weighted by units,
        Ciccia 2024).
    """
    after = np.array([np.arange(len(times)) >= cohort.post for cohort in cohorts])
    if aggregate == "simple":
        overall = after * sizes[:, None] / (after * sizes[:, None]).sum()
        each = np.eye(len(cohorts))[:, :, None] * (after / after.sum(axis=1, keepdims=True))
        return [cohort.first for cohort in cohorts], np.concatenate([overall[None], each])
    event = times[None] - np.array([cohort.first for cohort in cohorts])[:, None]
    wanted = [int(e) for e in np.unique(event) if (plan.before is None or e >= -plan.before) and (plan.after is None or e <= plan.after)]
    rows = np.array([(event == e) * sizes[:, None] / ((event == e) * sizes[:, None]).sum() for e in wanted])
    return wanted, np.concatenate([rows[[e >= 0 for e in wanted]].mean(axis=0, keepdims=True), rows])


def frank_wolfe(gram: np.ndarray, least: np.ndarray, rounds: int, start: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Minimise x'Gx over the simplex for many G at once, by Frank-Wolfe steps with exact line search (synthdid's sc.weight.fw).

    Args:
        gram: shape (problems, k, k), symmetric; least: stop after a step that lowers x'Gx by no more, shape (problems,), not before
            the second; start: shape (problems, k).

    Returns:
        weights, shape (problems, k); whether the rounds ran out, shape (problems,).
    """
    out, ran_out = start.copy(), np.ones(len(start), dtype=bool)
    live = np.arange(len(start))
    x, gradient = start.copy(), np.einsum("pij,pj->pi", gram, start)
    value = (x * gradient).sum(axis=1)
    diagonal = np.einsum("pii->pi", gram)
    for number in range(1, rounds + 1):
        local = np.arange(len(live))
        corner = gradient.argmin(axis=1)
        slope = gradient[local, corner] - value
        own = diagonal[live, corner]
        curve = own - 2 * gradient[local, corner] + value
        step = np.clip(np.divide(-slope, curve, out=np.zeros_like(slope), where=curve > 0), 0, 1)
        decrease = -2 * step * slope - step**2 * curve
        value = (1 - step) ** 2 * value + 2 * step * (1 - step) * gradient[local, corner] + step**2 * own
        keep = (1 - step)[:, None]
        gradient *= keep
        gradient += step[:, None] * gram[live, corner]
        x *= keep
        x[local, corner] += step
        if number >= 2:
            done = decrease <= least[live]
            if done.any():
                out[live[done]], ran_out[live[done]] = x[done], False
                live, x, gradient, value = live[~done], x[~done], gradient[~done], value[~done]
                if not len(live):
                    break
    out[live] = x
    return out, ran_out


def _solve(series: np.ndarray, target: np.ndarray, ridge: float, noise: float, intercept: bool, start: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Weights on the simplex that bring the weighted `series` to the target: ridge^2 |x|^2 + |A x - b|^2 / n.

    As in synthdid: some steps, what is below a quarter of the largest weight to nil, steps again from there.

    Args:
        series: shape (problems, k, n); target: shape (problems, n); start: shape (problems, k), None for equal weights.

    Returns:
        weights, shape (problems, k); whether the rounds ran out, shape (problems,).
    """
    problems, k, n = series.shape
    start = np.full((problems, k), 1 / k) if start is None else start
    weights, ran_out = np.empty((problems, k)), np.empty(problems, dtype=bool)
    least = n * (LEAST_DECREASE * noise) ** 2
    together = max(1, SOLVED_AT_ONCE // (k * k))
    for begin in range(0, problems, together):
        part = slice(begin, begin + together)
        # Weights add to 1, so that A x - b = (A - b 1') x and the problem is a plain quadratic form.
        gaps = series[part] - target[part, None, :]
        if intercept:
            gaps = gaps - gaps.mean(axis=2, keepdims=True)
        gram = gaps @ gaps.transpose(0, 2, 1) + n * ridge**2 * np.eye(k)
        limits = np.full(len(gram), least)
        x, _ = frank_wolfe(gram, limits, ROUNDS_BEFORE, start[part])
        x = np.where(x <= x.max(axis=1, keepdims=True) / 4, 0, x)
        weights[part], ran_out[part] = frank_wolfe(gram, limits, ROUNDS, x / x.sum(axis=1, keepdims=True))
    return weights, ran_out


def _effects(outcomes: np.ndarray, cohorts: list[Cohort], treated: list[np.ndarray], donors: np.ndarray, estimator: str, start: list | None = None) -> tuple[np.ndarray, list, np.ndarray]:
    """Effects of several assignments of treatment at once.

    Args:
        outcomes: shape (units, times), or (assignments, units, times) where they differ; treated: rows of each cohort's units, shape
            (assignments, units of cohort); donors: rows, shape (assignments, donors); start: unit and time weights to start from, as returned.

    Returns:
        effects, shape (assignments, cohorts, times), also before treatment; unit weights, shape (assignments, synthetic units,
        donors), and time weights, shape (assignments, pre), by cohort: one synthetic unit for a whole cohort, in synthetic
        control one for each treated unit; whether rounds ran out, one for each problem solved.
    """
    assignments, many = donors.shape
    times = outcomes.shape[-1]

    def series(rows: np.ndarray) -> np.ndarray:
        return outcomes[rows] if outcomes.ndim == 2 else np.take_along_axis(outcomes, rows[:, :, None], axis=1)

    pool = series(donors)
    effects, solved, loose = np.empty((assignments, len(cohorts), times)), [], []
    for number, cohort in enumerate(cohorts):
        target = series(treated[number])
        if estimator == SDID:
            target = target.mean(axis=1, keepdims=True)
        each = target.shape[1]
        unit_start, time_start = start[number] if start else (None, None)
        before = np.repeat(pool[:, :, : cohort.pre], each, axis=0)
        omega, out = _solve(
            before, target[:, :, : cohort.pre].reshape(-1, cohort.pre), cohort.ridge, cohort.noise, estimator == SDID,
            None if unit_start is None else unit_start.reshape(-1, many),
        )  # fmt: skip
        loose.append(out)
        omega = omega.reshape(assignments, each, many)
        gap = (target - omega @ pool).mean(axis=1)
        base, weight = 0.0, np.zeros((assignments, cohort.pre))
        if estimator == SDID:
            after = pool[:, :, cohort.post :].mean(axis=2)
            weight, out = _solve(pool[:, :, : cohort.pre].transpose(0, 2, 1), after, RIDGE * cohort.noise, cohort.noise, True, time_start)
            loose.append(out)
            base = (gap[:, : cohort.pre] * weight).sum(axis=1, keepdims=True)
        effects[:, number] = gap - base
        solved.append((omega, weight))
    return effects, solved, np.concatenate(loose)


def _method(estimator: str, sizes: np.ndarray, controls: int) -> str:
    """`exact`, `drawn`, `jackknife` or `none`.

    Placebos keep at least half of the controls as donors: with fewer, theirs is a worse synthetic unit than that of the treated.
    The jackknife is not advised for synthetic control (Arkhangelsky et al. 2021, section 5), so there it comes last.
    """
    treated = int(sizes.sum())
    if controls >= treated + 2:
        if treated == 1:
            return "exact"
        if controls >= 2 * treated or estimator == SC or sizes.min() < 2:
            return "exact" if _assignments(sizes, controls) <= ENUMERATED else "drawn"
    return "jackknife" if sizes.min() >= 2 else "none"


def _assignments(sizes: np.ndarray, controls: int) -> int:
    """In how many ways cohorts of these sizes can be taken from the controls."""
    treated = int(sizes.sum())
    return comb(controls, treated) * factorial(treated) // prod(factorial(int(size)) for size in sizes)


def _reassigned(sizes: np.ndarray, controls: int) -> list[tuple[int, ...]]:
    """All ways, each as places of the units of the first cohort, the second, ..."""
    ways: list[tuple[int, ...]] = [()]
    for size in sizes:
        ways = [way + more for way in ways for more in combinations([place for place in range(controls) if place not in way], int(size))]
    return ways


def _placebos(outcomes: np.ndarray, covariates: Covariates, cohorts: list[Cohort], controls: np.ndarray, solved: list, estimator: str, weights: np.ndarray, exact: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Estimates with treatment given to never-treated units, the treated ones left out (Algorithm 4).

    Ridge and noise stay those of the estimate, and the steps start from its weights, as in synthdid's placebo_se. Slopes of covariates
    come from the units that stay untreated.

    Returns:
        estimates, shape (placebos, rows of weights); effects of the first cohort, shape (placebos, times); whether rounds ran out.
    """
    sizes = np.array([len(cohort.rows) for cohort in cohorts])
    n, treated = len(controls), int(sizes.sum())
    if exact:
        taken = np.array(_reassigned(sizes, n))
    else:
        random = np.random.default_rng(SEED)
        draws = DRAWS if estimator == SDID else int(np.clip(SC_PROBLEMS // treated, 50, DRAWS))
        # Drawn from an order that the data fix and names do not: the same draws whatever units are called.
        order = np.lexsort(np.diff(outcomes[controls], axis=1).T)
        taken = order[[random.permutation(n)[:treated] for _ in range(draws)]]
    left = np.ones((len(taken), n), dtype=bool)
    np.put_along_axis(left, taken, False, axis=1)
    donors = np.nonzero(left)[1].reshape(len(taken), -1)
    parts = np.split(taken, np.cumsum(sizes)[:-1], axis=1)
    start = []
    for omega, weight in solved:
        some = omega[0][:, donors].transpose(1, 0, 2)
        total = some.sum(axis=2, keepdims=True)
        some = np.where(total > 0, some / np.where(total > 0, total, 1), 1 / donors.shape[1])
        start.append((some, np.repeat(weight, len(taken), axis=0)))
    series = outcomes[controls]
    if covariates.names:
        slopes = _slopes(covariates, controls, left, estimator)
        series = covariates.y[controls] - np.tensordot(slopes, covariates.x[controls], axes=(1, 2))
    effects, _, loose = _effects(series, cohorts, parts, donors, estimator, start)
    return np.einsum("rct,dct->dr", weights, effects), effects[:, 0], loose


def _jackknife(plan: Design, aggregate: str, outcomes: np.ndarray, covariates: Covariates, cohorts: list[Cohort], times: np.ndarray, controls: np.ndarray, solved: list, estimator: str) -> tuple[np.ndarray, np.ndarray]:
    """Estimates without each unit in turn, controls first, then cohorts.

    In sdid the other weights are only brought to 1 again (Algorithm 3). In synthetic control, where one control may be nearly all of
    a synthetic unit, those that the control is part of are made anew without it (the usual jackknife, synthdid's weights = NULL).
    Slopes of covariates are estimated without the control, also where the weights stay; a treated unit has no part in them.

    Returns:
        shape (units, rows of weights), nan where a synthetic unit has no other control; whether rounds ran out.
    """
    sizes = np.array([len(cohort.rows) for cohort in cohorts])
    _, weights = _aggregates(plan, aggregate, cohorts, times, sizes)
    slopes = _slopes(covariates, controls, ~np.eye(len(controls), dtype=bool), estimator)
    whole, lacking, fewer, loose = [], [], [], [np.empty(0, dtype=bool)]
    for cohort, (omega, weight) in zip(cohorts, solved, strict=True):
        omega, rest = omega[0], 1 - omega[0, 0]
        gaps = outcomes[cohort.rows] - omega @ outcomes[controls]

        def apart(table: np.ndarray, rows: np.ndarray = cohort.rows, omega: np.ndarray = omega, rest: np.ndarray = rest) -> np.ndarray:
            """What the treated are above their synthetic units without each control, shape (controls, times)."""
            target, pool = table[rows], table[controls]
            if estimator == SC:
                return np.repeat((target - omega @ pool).mean(axis=0, keepdims=True), len(pool), axis=0)
            synthetic = (omega @ pool - omega[0][:, None] * pool) / np.where(rest > 1e-9, rest, np.nan)[:, None]
            return target.mean(axis=0) - synthetic

        # With weights as they are, outcome and covariates go through alike.
        without = apart(covariates.y) - sum(slopes[:, [k]] * apart(covariates.x[:, :, k]) for k in range(slopes.shape[1]))
        if estimator == SC:
            place, gone = np.nonzero(omega)

            def adjusted(rows: np.ndarray, gone: np.ndarray = gone) -> np.ndarray:
                return covariates.y[rows] - np.einsum("prtk,pk->prt", covariates.x[rows], slopes[gone])

            others = np.array([np.delete(controls, control) for control in range(len(controls))])[gone]
            target, pool = adjusted(cohort.rows[place][:, None])[:, 0], adjusted(others)
            anew, out = _solve(pool[:, :, : cohort.pre], target[:, : cohort.pre], cohort.ridge, cohort.noise, False, None)
            loose.append(out)
            before = np.einsum("pk,pkt->pt", omega[place], adjusted(np.repeat(controls[None], len(place), axis=0)))
            np.add.at(without, gone, (before - np.einsum("pk,pkt->pt", anew, pool)) / len(cohort.rows))

        def net(gap: np.ndarray, weight: np.ndarray = weight[0], pre: int = cohort.pre) -> np.ndarray:
            return gap - (gap[..., :pre] @ weight)[..., None]

        whole.append(net(gaps.mean(axis=0)))
        lacking.append(net(without))
        fewer.append(net((gaps.sum(axis=0) - gaps) / (len(gaps) - 1)))
    rows = [np.einsum("rct,dct->dr", weights, np.stack(lacking, axis=1))]
    for number, part in enumerate(fewer):
        _, reduced = _aggregates(plan, aggregate, cohorts, times, sizes - (np.arange(len(sizes)) == number))
        some = np.repeat(np.array(whole)[None], len(part), axis=0)
        some[:, number] = part
        rows.append(np.einsum("rct,dct->dr", reduced, some))
    return np.concatenate(rows), np.concatenate(loose)


def _half_widths(theta: np.ndarray | None, errors: np.ndarray, level: float, ranked: bool) -> np.ndarray:
    """Half the width of each interval: where ranked, from the distribution of placebos the constant effects that it does not reject, else
    normal ones.

    An effect at distance d is not rejected while (1 + how many |placebos| >= d) / (1 + placebos) > 1 - level. With too few placebos
    for that to end anywhere there is no interval: nan.
    """
    if not ranked:
        return stats.norm.ppf((1 + level) / 2) * errors
    n = len(theta)
    # The least number of placebos as far away with which an effect is still not rejected.
    needed = int(np.floor((1 - level) * (n + 1) + 1e-9))
    if needed < 1:
        return np.full(theta.shape[1], np.nan)
    return np.sort(np.abs(theta), axis=0)[n - needed]


def _rank_p(found: float, placebos: np.ndarray) -> float:
    far = np.abs(placebos) >= abs(found) * (1 - 1e-12)
    return float((1 + far.sum()) / (1 + len(placebos)))


def _ratio_p(effect: np.ndarray, placebos: np.ndarray, cohort: Cohort) -> float:
    """Rank of the treated unit's root mean squared gap after treatment over that before (Abadie et al. 2010)."""
    every = np.vstack([effect, placebos]) ** 2
    ratio = every[:, cohort.post :].mean(axis=1) / every[:, : cohort.pre].mean(axis=1)
    return float((ratio >= ratio[0] * (1 - 1e-12)).mean())


def _diagnostics(plan: Design, outcomes: np.ndarray, cohorts: list[Cohort], controls: np.ndarray, times: np.ndarray, solved: list, estimator: str) -> dict[str, float]:
    """By cohort: `pre_rmse` of the gap before treatment (in sdid beyond its mean, which is taken out), `noise`, `controls` with
    weight, and the weights themselves, `unit_weight.COHORT.NAME` and `time_weight.COHORT.PERIOD`; those below SHOWN are not listed."""
    out = {"never_treated": float(len(controls))}
    for cohort, (omega, weight) in zip(cohorts, solved, strict=True):
        gaps = (outcomes[cohort.rows] if estimator == SC else outcomes[cohort.rows].mean(axis=0, keepdims=True)) - omega[0] @ outcomes[controls]
        gaps = gaps[:, : cohort.pre]
        if estimator == SDID:
            gaps = gaps - gaps.mean(axis=1, keepdims=True)
        by_unit = np.sqrt((gaps**2).mean(axis=1))
        average = omega[0].mean(axis=0)
        out |= {
            f"pre_rmse.{cohort.first}": float(np.sqrt((gaps**2).mean())), f"noise.{cohort.first}": cohort.noise,
            f"badly_fitted.{cohort.first}": float((by_unit > cohort.noise).sum()), f"controls.{cohort.first}": float((average >= SHOWN).sum()),
        }  # fmt: skip
        # By weight, largest first.
        out |= {f"unit_weight.{cohort.first}.{plan.names[controls[place]]}": float(average[place]) for place in np.argsort(-average) if average[place] >= SHOWN}
        out |= {f"time_weight.{cohort.first}.{times[place]}": float(value) for place, value in enumerate(weight[0]) if value >= SHOWN}
    return out


def _warnings(plan: Design, aggregate: str, estimator: str, how: str, cohorts: list[Cohort], controls: int, theta: np.ndarray | None, diagnostics: dict[str, float]) -> list[tuple[str, str]]:
    told = []
    for cohort in cohorts:
        bad = int(diagnostics[f"badly_fitted.{cohort.first}"])
        if bad:
            of = len(cohort.rows) if estimator == SC else 1
            told.append((
                f"Cohort {cohort.first}: {bad} of {of} synthetic units miss the treated before treatment by more than a control's usual change from one period to the next ({cohort.noise:.3g}). Do not rely on this effect.",
                f"{cohort.first}년 참여 단위: 합성 단위 {of}개 가운데 {bad}개가 참여 전 추세를 잘 맞추지 못한다(오차가 미참여 단위의 통상적인 변화 폭 {cohort.noise:.3g}보다 크다). 이 효과는 믿기 어렵다.",
            ))  # fmt: skip
        if cohort.pre < FEW_BEFORE:
            told.append((
                f"Cohort {cohort.first} has {cohort.pre} periods before treatment: so few can be matched by chance.",
                f"{cohort.first}년 참여 단위는 참여 전 시점이 {cohort.pre}개뿐이어서 우연히 잘 맞을 수 있다.",
            ))  # fmt: skip
    if controls < FEW_CONTROLS:
        told.append((f"There are {controls} never-treated units only, few to make a synthetic unit of.", f"미참여 단위가 {controls}개뿐이어서 합성 단위를 만들기에 적다."))
    if theta is not None and np.isnan(_half_widths(theta, np.zeros(theta.shape[1]), plan.level, True)).any():
        told.append((
            f"No interval at {100 * plan.level:g}%: with {len(theta)} placebos no p-value is below {1 / (1 + len(theta)):.3f}.",
            f"{100 * plan.level:g}% 신뢰구간을 만들 수 없다. 플라시보가 {len(theta)}개이면 p값이 {1 / (1 + len(theta)):.3f}보다 작을 수 없다.",
        ))  # fmt: skip
    if how == "jackknife" and estimator == SC:
        told.append((
            "Too few never-treated units for placebos: the jackknife is used, which the authors do not advise for synthetic control (it tends to be too wide). Prefer sdid.",
            "플라시보에 쓸 미참여 단위가 모자라 잭나이프를 썼다. 합성통제법에는 권하지 않는 방법이다(신뢰구간이 지나치게 넓어지기 쉽다). sdid를 권한다.",
        ))  # fmt: skip
    treated = sum(len(cohort.rows) for cohort in cohorts)
    if how == "jackknife" and treated < FEW_TREATED:
        told.append((f"The jackknife is for many treated units; there are {treated}.", f"잭나이프는 참여 단위가 많을 때의 방법인데 {treated}개뿐이다."))
    if aggregate == "dynamic":
        told.append((
            "Estimates before treatment are what the weights were chosen to make small: they are no test of parallel trends, and no single period is the reference.",
            "참여 전 추정값은 가중치가 작게 만들도록 정해진 값이므로 평행추세 검정이 아니며, 기준이 되는 한 시점도 없다.",
        ))  # fmt: skip
    return told
