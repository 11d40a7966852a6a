"""Extended two-way fixed effects: a dummy for every cohort in every treated period, by least squares or by Poisson.

    y = unit + time + sum over (g, t) of tau(g, t) 1[cohort = g, time = t] + error

tau(g, t) estimates ATT(g, t). With control "notyet" the dummies run from treatment on (less the anticipation), so that every untreated
row is used, of never-treated and of not yet treated units; without covariates, on a balanced panel, the estimates are those of
imputation. With "never" they run over all periods but the last untreated one, so that only never-treated units tell the trend; then,
without covariates, on a balanced panel, they are Callaway and Sant'Anna's against never-treated units.

Covariates x enter with slopes that differ by period and by cohort, and each effect varies with x less the mean of x in its cell, so
that tau(g, t) stays the average effect of its cell.

Aggregates are weighted averages of the tau(g, t); their covariance is the delta method's: that of the regression, with the weights
and the means of covariates taken as given (as R's `etwfe` and Stata's `jwdid` do by default).

Sources: Wooldridge (2021/2025), "Two-way fixed effects, the two-way Mundlak regression, and difference-in-differences estimators",
Empirical Economics 69, the section on staggered interventions; Wooldridge (2023), "Simple approaches to nonlinear
difference-in-differences with panel data", Econometrics Journal 26(3), C31-C66, for Poisson.
"""

import numpy as np
import pandas as pd

from evaluation.errors import UserError
from evaluation.impact.design import NEVER, Design, is_binary
from evaluation.impact.estimators.within import (
    COLLINEAR,
    codes,
    demean,
    fit,
    no_freedom,
    refuse_single,
)
from evaluation.impact.result import (
    Result,
    event_frame,
    interval,
    least_error,
    result,
)

MEANING = {
    "simple": ("the effect averaged over all treated units and periods", "모든 참여 단위의 참여 이후 전 시점에 걸친 평균 효과"),
    "group": (
        "the effect averaged over the treated periods of each cohort, then over cohorts by their number of units",
        "참여 시작 시점이 같은 단위끼리 참여 이후 효과를 평균한 다음, 단위 수로 가중하여 평균한 효과",
    ),
    "dynamic": (
        "the effect at each time since treatment began, averaged with every such time counting the same",
        "참여 후 경과 기간별 효과를 경과 기간마다 같은 비중으로 평균한 값",
    ),
    "calendar": (
        "the effect on treated units in each period, averaged with every period counting the same",
        "시점별로 구한 참여 단위의 평균 효과를 시점마다 같은 비중으로 다시 평균한 값",
    ),
}
AGAINST = {
    True: ("compared with units never treated", "미참여 단위와 비교"),
    False: ("compared with units never treated or not treated yet", "미참여 단위 및 아직 참여하지 않은 단위와 비교"),
}
STEPS, CONVERGED = 100, 1e-12
# A fitted mean this small beside the average is on its way to 0: the deviance settles, the coefficients never do.
VANISHED = 1e-9


def estimate(plan: Design, aggregate: str) -> Result:
    """Linear: effects in the unit of the outcome.

    Returns:
        `aggregate` simple, group, calendar (the last two with `groups`) or dynamic (with `event`, `vcov`). With control "notyet" there
        are no effects before treatment to estimate, so that the event study has the reference and times from treatment on only.

    Raises:
        UserError: nobody to compare with; an effect, or a covariate, that the unit and time effects already hold.
    """
    data, cells, columns, told = linear_regressors(plan)
    weight = data["weight"].to_numpy(dtype=float) if "weight" in data else None
    fitted = fit(data["y"].to_numpy(dtype=float), columns, codes(data["unit"]), codes(data["time"]), codes(data[plan.cluster]), weight)
    jacobian = np.eye(columns.shape[1])[: len(cells)]
    estimates = fitted.coefficients.to_numpy()[: len(cells)]
    return _summarise(plan, "etwfe", aggregate, data, cells, estimates, jacobian, fitted.scaled, told)


def linear_regressors(plan: Design) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, tuple[tuple[str, str], ...]]:
    """The rows that can be used, the cells that have an effect of their own, the regressors of the linear model beside unit and time
    effects (those of the cells first, in their order), and what the reader must know."""
    data, cells, cell, told = _cells(plan)
    weight = data["weight"].to_numpy(dtype=float) if "weight" in data else None
    columns, kinds = _regressors(plan, data, cells, cell, ["cell"])
    columns, _, more = _without_redundant(columns, kinds, demean(columns.to_numpy(), codes(data["unit"]), codes(data["time"]), weight), plan.covariates)
    return data, cells, columns, (*told, *more)


def estimate_poisson(plan: Design, aggregate: str) -> Result:
    """Poisson quasi-maximum likelihood with cohort and time effects, for counts and values that may be 0.

    Parallel trends hold for the ratio of means, not their difference: without treatment the mean of each cohort would have grown by
    the same factor. y need not be Poisson, nor a whole number. Cohort effects take the place of unit effects, as in Wooldridge (2023),
    so that units with nothing but zeros count; without covariates both give the same estimates on a balanced panel.

    Returns:
        effects on the mean, in the unit of y. `diagnostics`: `proportional` is the effect as a share of the mean without treatment
        (for one cell of cohort and period exp(b) - 1), with `proportional_se`, `proportional_lower` and `proportional_upper` (by the
        delta method on its logarithm, log(1 + share)), and `proportional_PART`, for each cohort, period or event time.

    Raises:
        UserError: y below 0; gaps in the panel; nothing but zeros in a cohort, period or cell; and what `estimate` raises.
    """
    if (plan.data["y"] < 0).any():
        raise UserError(
            f"The outcome is below 0 in {int((plan.data['y'] < 0).sum())} rows; a Poisson model needs 0 or more. Use etwfe.",
            f"성과 변수가 음수인 행이 {int((plan.data['y'] < 0).sum())}개 있습니다. 포아송 모형에는 0 이상의 값이 필요합니다. etwfe를 쓰십시오.",
        )
    if not plan.balanced:
        raise UserError(
            "etwfe by Poisson has effects of cohorts, not of units, and would take a change in who is observed for an effect. Use --panel balance.",
            "포아송 etwfe는 단위가 아니라 참여 집단의 효과를 통제하므로, 관측되는 단위가 바뀌면 효과로 잘못 잡힙니다. --panel balance를 쓰십시오.",
        )
    data, cells, cell, told = _cells(plan)
    _no_bare_zeros(data, cells, cell)
    y = data["y"].to_numpy(dtype=float)
    weight = data["weight"].to_numpy(dtype=float) if "weight" in data else np.ones(len(data))
    columns, kinds = _regressors(plan, data, cells, cell, ["constant", "cohort", "time", "cell"])
    columns, kinds, more = _without_redundant(columns, kinds, columns.to_numpy(), plan.covariates)
    x = columns.to_numpy()
    cluster = codes(data[plan.cluster])
    refuse_single(cluster)
    groups, (n, k) = cluster.max() + 1, x.shape
    if n <= k:
        raise no_freedom(n, k)
    coefficients, mean, bread = _poisson(y, x, weight)
    each = weight * (y - mean)
    scores = np.column_stack([np.bincount(cluster, each * column, groups) for column in x.T]) @ bread
    scores *= np.sqrt(groups / (groups - 1) * (n - 1) / (n - k))

    # Each row once with and once without the effect of its cell.
    own = np.array([kind in ("cell", "effect slope") for kind in kinds])
    bare = np.where(own, 0.0, x)
    without = np.exp(bare @ coefficients)
    share = weight / cells["mass"].to_numpy()[cell]
    inside = cell >= 0

    def means(values: np.ndarray) -> np.ndarray:
        """Sums by cell of the rows' values, shape (cells, k)."""
        return np.column_stack([np.bincount(cell[inside], (share * column)[inside], len(cells)) for column in values.T])

    with_treatment, none = means(mean[:, None])[:, 0], means(without[:, None])[:, 0]
    slope_with, slope_without = means(mean[:, None] * x), means(without[:, None] * bare)

    def proportional(row: np.ndarray) -> tuple[float, float, float, float]:
        """Share, its error and its interval, for weights of the cells."""
        top, bottom = row @ with_treatment, row @ none
        gradient = row @ slope_with / top - row @ slope_without / bottom
        # In the unit of y it is about the mean times as large.
        log, se = np.log(top / bottom), float(np.linalg.norm(scores @ gradient))
        se = se if se * top > least_error(y) else np.nan
        lower, upper, _ = interval(log, se, plan.level, groups - 1)
        return float(np.expm1(log)), se * float(np.exp(log)), float(np.expm1(lower)), float(np.expm1(upper))

    overall, parts, keys, _ = averages(plan, aggregate, data, cells)
    diagnostics = dict(zip(("proportional", "proportional_se", "proportional_lower", "proportional_upper"), proportional(overall), strict=True))
    diagnostics |= {f"proportional_{key}": proportional(row)[0] for key, row in zip(keys, parts, strict=True)}
    return _summarise(
        plan, "etwfe_poisson", aggregate, data, cells, with_treatment - none, slope_with - slope_without, scores, (*told, *more), diagnostics,
    )  # fmt: skip


def _cells(plan: Design) -> tuple[pd.DataFrame, pd.DataFrame, np.ndarray, list[tuple[str, str]]]:
    """The rows that can be used; `cohort`, `time`, `event_time`, `mass` (rows, or their weight) of each cell that has an effect of its
    own; the number of each row's cell, -1 for none; and what the reader must know.

    A unit never seen untreated has no effect of its own to start from, and a period in which nobody is untreated has no trend: both go.
    """
    if not is_binary(plan):
        raise UserError("etwfe needs a treatment that is 0 or 1 and stays 1. For doses use dcdh or twfe.", "etwfe에는 0에서 1로 바뀐 뒤 유지되는 처치 변수가 필요합니다. 비율에는 dcdh나 twfe를 쓰십시오.")
    data, told = plan.data, []
    untreated = (data["cohort"] == 0) | (data["time"] < data["cohort"] - plan.anticipation)
    compared = ((data["cohort"] == 0) if plan.control == NEVER else untreated).groupby(data["time"]).transform("any")
    if not compared.all():
        periods = ", ".join(str(time) for time in sorted(data.loc[~compared, "time"].unique()))
        told.append((f"There is nobody left to compare with in {periods}: no effects there.", f"{periods}에는 비교할 단위가 없어 효과를 추정하지 않았다."))
    data, untreated = data[compared], untreated[compared]
    seen = untreated.groupby(data["unit"]).transform("any")
    if not seen.all():
        count = data.loc[~seen, "unit"].nunique()
        told.append((f"{count} units are not observed before treatment shows and are not used.", f"참여 효과가 나타나기 전 자료가 없는 {count}개 단위는 쓰지 않았다."))
    data, untreated = data[seen], untreated[seen]
    if plan.control == NEVER:
        # The last untreated period of each cohort is what its other periods are compared with.
        reference = data["time"].where(untreated).groupby(data["cohort"]).transform("max")
        inside = (data["cohort"] > 0) & (data["time"] != reference)
    else:
        inside = ~untreated
    cell = np.where(inside, data.groupby(["cohort", "time"]).ngroup(), -1)
    kept, cell = np.unique(cell, return_inverse=True)
    cell = cell - int(kept[0] == -1)
    weight = data["weight"].to_numpy(dtype=float) if "weight" in data else np.ones(len(data))
    first = data.assign(cell=cell, mass=weight)[cell >= 0].groupby("cell")
    cells = first.agg(cohort=("cohort", "first"), time=("time", "first"), mass=("mass", "sum"))
    cells["event_time"] = cells["time"] - cells["cohort"]
    if not (cells["event_time"] >= 0).any():
        raise UserError(
            "No treated unit has both a period before treatment shows and somebody to compare with. Shorten the anticipation, or use a longer panel.",
            "참여 전 자료와 비교할 단위를 함께 갖춘 참여 단위가 없습니다. 예상효과 기간(anticipation)을 줄이거나 더 긴 패널을 쓰십시오.",
        )
    return data, cells, cell, told


def _regressors(plan: Design, data: pd.DataFrame, cells: pd.DataFrame, cell: np.ndarray, blocks: list[str]) -> tuple[pd.DataFrame, list[str]]:
    """Regressors, those of `blocks` first and then those of the covariates; and the kind of each."""
    columns: dict[str, np.ndarray] = {}
    kinds: list[str] = []

    def add(name: str, kind: str, values) -> None:
        columns[name] = np.asarray(values, dtype=float)
        kinds.append(kind)

    times, cohorts = sorted(data["time"].unique())[1:], sorted(data["cohort"].unique())
    for block in blocks:
        if block == "constant":
            add("constant", block, np.ones(len(data)))
        elif block == "cohort":
            for cohort in cohorts[1:]:
                add(f"cohort {cohort}", block, data["cohort"] == cohort)
        elif block == "time":
            for time in times:
                add(f"time {time}", block, data["time"] == time)
        else:
            for number, row in enumerate(cells.itertuples()):
                add(f"cohort {row.cohort} in {row.time}", block, cell == number)
    weight = data["weight"].to_numpy(dtype=float) if "weight" in data else np.ones(len(data))
    by_unit = data.groupby("unit")
    linear = "constant" not in blocks
    for name in plan.covariates:
        x = data[name].to_numpy(dtype=float)
        # The effects of cohorts (or units) and periods hold what this takes off; slopes are told apart better beside a small level.
        x = x - x.mean()
        # Unit effects hold the slopes, by cohort, of what does not change within units.
        fixed = linear and bool((by_unit[name].transform("max") == by_unit[name].transform("min")).all())
        if not fixed:
            add(name, "covariate", x)
        for time in times:
            add(f"{name} in {time}", "covariate", x * (data["time"] == time))
        if not fixed:
            for cohort in cohorts[1:]:
                add(f"{name} of cohort {cohort}", "cohort slope", x * (data["cohort"] == cohort))
        inside = cell >= 0
        centre = np.bincount(cell[inside], (weight * x)[inside], len(cells)) / cells["mass"].to_numpy()
        for number, row in enumerate(cells.itertuples()):
            add(f"{name} of cohort {row.cohort} in {row.time}", "effect slope", np.where(cell == number, x - centre[number], 0.0))
    return pd.DataFrame(columns, index=data.index), kinds


def _without_redundant(columns: pd.DataFrame, kinds: list[str], bare: np.ndarray, covariates: tuple[str, ...]) -> tuple[pd.DataFrame, list[str], list[tuple[str, str]]]:
    """The regressors without the slopes that too small a cohort cannot have; `bare` without the effects that are taken out."""
    # Effects and covariates first, so that it is a slope that is found redundant.
    rank = {"cohort slope": 1, "effect slope": 2}
    order = np.argsort([rank.get(kind, 0) for kind in kinds], kind="stable")
    columns, kinds, bare = columns.iloc[:, order], [kinds[place] for place in order], bare[:, order]
    scale = np.sqrt((columns.to_numpy() ** 2).sum(axis=0))
    left = np.abs(np.diag(np.linalg.qr(bare / np.where(scale > 0, scale, 1), mode="r")))
    redundant = np.ones(len(kinds), dtype=bool)
    # `fit` takes the same share of what there was, as squares.
    redundant[: len(left)] = (left <= np.sqrt(COLLINEAR)) | (scale[: len(left)] == 0)
    told = []
    for name, kind in [(name, kind) for name, kind, gone in zip(columns, kinds, redundant, strict=True) if gone]:
        if kind == "covariate":
            short = max((given for given in covariates if name == given or name.startswith(f"{given} in ")), key=len).removeprefix("x_")
            raise UserError(
                f"{short} is collinear with the unit and time effects or with other covariates. Leave it out.",
                f"{short}은(는) 단위·시점 고정효과나 다른 공변량과 완전한 공선성이 있습니다. 빼십시오.",
            )
        if kind not in rank:
            raise UserError(
                f"The effect of {name} cannot be told from unit and time effects: too few units are observed before and after. Use --panel balance or bjs.",
                f"{name}의 효과를 단위·시점 고정효과와 구분할 수 없습니다. 전후로 관측된 단위가 너무 적습니다. --panel balance나 bjs를 쓰십시오.",
            )
        if kind == "cohort slope":
            short = name.removeprefix("x_")
            told.append((f"There are too few rows for a slope of its own: {short}. That of the other units is used.", f"자료가 적어 집단별 기울기({short})를 따로 추정하지 못하고 다른 단위의 기울기를 썼다."))
    return columns.loc[:, ~redundant], [kind for kind, gone in zip(kinds, redundant, strict=True) if not gone], told


def _no_bare_zeros(data: pd.DataFrame, cells: pd.DataFrame, cell: np.ndarray) -> None:
    """Where all are 0 the logarithm of the mean, and with it the effect, is minus infinity."""
    outside = data[cell < 0]
    parts = [(f"cohort {cohort} before treatment", f"{cohort} 집단의 참여 전", rows) for cohort, rows in outside.groupby("cohort")]
    parts += [(f"untreated units in {time}", f"{time} 시점의 미참여 단위", rows) for time, rows in outside.groupby("time")]
    parts += [(f"cohort {row.cohort} in {row.time}", f"{row.cohort} 집단의 {row.time} 시점", data[cell == number]) for number, row in enumerate(cells.itertuples())]
    for english, korean, rows in parts:
        if not rows["y"].any():
            raise UserError(
                f"The outcome is 0 throughout for {english}: a ratio of means has no value there. Use etwfe, or put periods or cohorts together.",
                f"{korean} 성과가 모두 0이어서 평균의 비율을 구할 수 없습니다. etwfe를 쓰거나 시점·집단을 합치십시오.",
            )


def _poisson(y: np.ndarray, x: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Coefficients, fitted means and the inverse of X'WX of a Poisson regression, by iteratively reweighted least squares.

    Args:
        x: its first column is the constant.
    """
    # In units of the average, so that the last digits of a deviance of large values do not pass for a fit that moves on.
    centre = np.average(y, weights=weight)
    y = y / centre
    index = np.log((y + 1) / 2)
    before = np.inf
    for _ in range(STEPS):
        mean = np.exp(index)
        pull = weight * mean
        normal = (x * pull[:, None]).T @ x
        try:
            coefficients = np.linalg.solve(normal, x.T @ (pull * (index + (y - mean) / mean)))
        except np.linalg.LinAlgError:
            break
        # A step too far is cut short, and shows as no convergence.
        index = np.clip(x @ coefficients, -50, 50)
        mean = np.exp(index)
        deviance = float(2 * (weight * (np.where(y > 0, y * (np.log(np.where(y > 0, y, 1)) - index), 0) - (y - mean))).sum())
        if abs(before - deviance) <= CONVERGED * (abs(deviance) + 1):
            if mean.min() < VANISHED or np.abs(index).max() >= 50:
                break
            coefficients[0] += np.log(centre)
            return coefficients, mean * centre, np.linalg.inv((x * (weight * mean)[:, None]).T @ x) / centre
        before = deviance
    raise UserError(
        "The Poisson regression has no finite solution: some effects can only be fitted by a mean of 0. Use etwfe, or put periods or cohorts together.",
        "포아송 회귀의 해가 유한하지 않습니다. 일부 집단·시점의 평균이 0이 되어야만 맞기 때문입니다. etwfe를 쓰거나 시점·집단을 합치십시오.",
    )


def averages(plan: Design, aggregate: str, data: pd.DataFrame, cells: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, list[int], dict[int, float]]:
    """Weights of the cells in the overall effect, shape (cells,); in its parts, shape (parts, cells); what the parts are called
    (cohorts, times, event times); and the share of each cohort in the overall effect."""
    mass, event = cells["mass"].to_numpy(), cells["event_time"].to_numpy()
    after = event >= 0

    def mean_of(chosen: np.ndarray) -> np.ndarray:
        return np.where(chosen, mass, 0.0) / mass[chosen].sum()

    if aggregate == "simple":
        overall, parts, keys = mean_of(after), np.empty((0, len(cells))), []
    elif aggregate == "dynamic":
        low, high = -np.inf if plan.before is None else -plan.before, np.inf if plan.after is None else plan.after
        keys = sorted({int(value) for value in event if low <= value <= high})
        parts = np.array([mean_of(event == key) for key in keys]).reshape(len(keys), len(cells))
        chosen = np.array(keys) >= 0
        if not chosen.any():
            raise UserError("The window of the event study has no period after treatment. Raise --after.", "사건연구 구간에 참여 후 시점이 없습니다. --after를 늘리십시오.")
        overall = parts[chosen].mean(axis=0)
    else:
        by = cells["cohort" if aggregate == "group" else "time"].to_numpy()
        keys = sorted({int(value) for value in by[after]})
        parts = np.array([mean_of(after & (by == key)) for key in keys])
        size = np.ones(len(keys))
        if aggregate == "group":
            weight = data["weight"] if "weight" in data else pd.Series(1.0, data.index)
            units = weight.groupby([data["cohort"], data["unit"]]).mean().groupby("cohort").sum()
            size = units[keys].to_numpy()
        overall = size @ parts / size.sum()
    shares = pd.Series(overall).groupby(cells["cohort"].to_numpy()).sum()
    return overall, parts, keys, {int(cohort): float(share) for cohort, share in shares.items() if share > 0}


def _summarise(
    plan: Design, estimator: str, aggregate: str, data: pd.DataFrame, cells: pd.DataFrame, estimates: np.ndarray, jacobian: np.ndarray, scores: np.ndarray,
    told: tuple, diagnostics: dict | None = None,
) -> Result:  # fmt: skip
    """The Result of effects by cell.

    Args:
        estimates: shape (cells,); jacobian: their derivatives by the coefficients, shape (cells, k); scores: what each
            cluster adds to each coefficient, shape (clusters, k), whose cross product is their covariance.
    """
    overall, parts, keys, shares = averages(plan, aggregate, data, cells)
    df = len(scores) - 1
    of_each = scores @ jacobian.T @ overall
    se = float(np.linalg.norm(of_each))
    of_parts = scores @ jacobian.T @ parts.T
    errors = np.linalg.norm(of_parts, axis=0)
    told, more = list(told), {"diagnostics": diagnostics or {}, "cohorts": shares}
    if aggregate == "dynamic":
        starts = {int(row.cohort): data.loc[(data["cohort"] == row.cohort) & (data["time"] < row.cohort - plan.anticipation), "time"].max() for row in cells.itertuples()}
        references = {int(time) - cohort for cohort, time in starts.items()}
        if len(references) > 1 and plan.control == NEVER:
            raise UserError(
                f"Periods are unevenly spaced, so that cohorts have different reference periods ({', '.join(map(str, sorted(references)))}). Use simple, group or calendar.",
                f"시점 간격이 일정하지 않아 집단마다 기준 시점이 다릅니다({', '.join(map(str, sorted(references)))}). simple, group, calendar 가운데 하나를 쓰십시오.",
            )
        more |= {"event": event_frame(keys, parts @ estimates, errors, plan.level, df, [max(references)]), "vcov": of_parts.T @ of_parts}
        if plan.control != NEVER:
            told.append((
                "Effects before treatment are set to 0 by this model and cannot be tested with it; control never shows them.",
                "이 모형은 참여 전 효과를 0으로 두므로 사전 추세를 검정할 수 없다. 사전 추세를 보려면 비교집단을 never로 지정한다.",
            ))  # fmt: skip
    elif aggregate != "simple":
        rows = [(key, value, error, *interval(value, error, plan.level, df)[:2]) for key, value, error in zip(keys, parts @ estimates, errors, strict=True)]
        more["groups"] = pd.DataFrame(rows, columns=["cohort" if aggregate == "group" else "time", "estimate", "se", "lower", "upper"])
    by_unit = data.groupby("unit")
    moving = [name.removeprefix("x_") for name in plan.covariates if (by_unit[name].nunique() > 1).any()]
    if moving:
        names = ", ".join(moving)
        told.append((f"{names} changes over time: if treatment moves it, the part of the effect that runs through it is left out.", f"{names}은(는) 시간에 따라 변한다. 참여가 이 변수를 바꾼다면 그 경로의 효과는 빠진다."))
    influence = None
    if plan.cluster == "unit":
        # Zero for units that are not used; the CR1 factor is in them.
        influence = np.zeros(len(plan.names))
        influence[np.unique(data["unit"])] = len(plan.names) * of_each
    english, korean = MEANING[aggregate]
    against = AGAINST[plan.control == NEVER]
    treated = cells.loc[overall != 0, "cohort"].unique()
    return result(
        plan, estimator, aggregate, overall @ estimates, se, (f"{english}, {against[0]}", f"{korean}({against[1]})"),
        inference=f"cluster-robust (CR1) by {plan.cluster}, delta method", df=df, data=data, influence=influence, warnings=tuple(told),
        n_treated_units=int(data.loc[data["cohort"].isin(treated), "unit"].nunique()), **more,
    )  # fmt: skip
