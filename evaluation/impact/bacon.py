"""Which comparisons the coefficient of two-way fixed effects averages, with what weight: Goodman-Bacon's decomposition.

    rows -> `prepare` -> `decompose` -> coefficient, one row per comparison of two cohorts

With staggered adoption some comparisons use units treated earlier, or always, as controls; where effects grow with time those pull the
coefficient the wrong way. The decomposition holds for balanced panels and a treatment that stays once begun.

Source: Goodman-Bacon (2021), "Difference-in-differences with variation in treatment timing", Journal of Econometrics 225, theorem 1
(equation 10). Units always treated are controls there as those never treated are; here they are told apart.
"""

import numpy as np
import pandas as pd

from evaluation.errors import UserError
from evaluation.impact.design import (
    NOT_YET,
    Design,
    about_errors,
    design,
    is_binary,
    not_binary,
)

VS_NEVER, VS_ALWAYS, EARLIER, LATER = "treated_vs_never", "treated_vs_always", "earlier_vs_later", "later_vs_earlier"
TYPES = (VS_NEVER, VS_ALWAYS, EARLIER, LATER)


def prepare(frame: pd.DataFrame, unit: str, time: str, outcome: str, cohort: str | None = None, treatment: str | None = None, weights: str | None = None) -> tuple[pd.DataFrame, tuple[tuple[str, str], ...]]:
    """Rows for `decompose`, with units always treated, which a Design leaves out.

    Args:
        frame: a row per unit and period; the other arguments as in `evaluation.impact.design.design`.

    Returns:
        `unit` (integer code), `time`, `y`, `cohort` (0 never; the first period: always treated) and, where given, `weight`, sorted by
        unit and time, of units observed in every period; and warnings (English, Korean) of what was left out.

    Raises:
        UserError: as `design`; treatment that is not 0 or 1, or ends.
    """
    name = cohort if treatment is None else treatment
    if name in frame and unit in frame and time in frame and outcome in frame:
        # As if never treated for the checks of a design, and put back after them. What is no number is refused there.
        seen = pd.to_numeric(frame[outcome], errors="coerce").notna()
        start = pd.to_numeric(frame[time], errors="coerce")[seen].min()
        given = pd.to_numeric(frame[name], errors="coerce")
        always = (given > 0) & (given <= start) if treatment is None else given.where(seen).groupby(frame[unit]).transform("min") == 1
        frame = frame.assign(**{name: frame[name].where(~always, 0)})
    plan = design(frame, unit, time, outcome, cohort, treatment, weights=weights, control=NOT_YET)
    if not is_binary(plan):
        english, korean = not_binary(plan)
        raise UserError(f"{treatment} must be 0 or 1, and stay 1 once it is; {english}.", f"{treatment}은(는) 0이나 1이어야 하고, 1이 된 뒤에는 유지되어야 합니다({korean}).")
    data = plan.data[["unit", "time", "y", "cohort", *(["weight"] if weights else [])]].copy()
    data.loc[plan.names.isin(frame.loc[always, unit])[data["unit"]], "cohort"] = data["time"].min()
    # A decomposition has no standard errors.
    errors = about_errors(plan.first, plan.data[plan.cluster].nunique())
    return data, tuple(told for told in plan.warnings if told not in errors)


def decompose(plan: Design | pd.DataFrame) -> tuple[float, pd.DataFrame]:
    """The coefficient of treatment in a regression with unit and time effects, and what it averages.

    Args:
        plan: a Design (which has lost its always treated units), or a frame as `prepare` makes it.

    Returns:
        the coefficient; and one row per comparison of two cohorts, in the order of TYPES: `type`, `treated` and `control` (cohorts:
        first treated periods, 0 for never, the first period of the panel for always), `weight`, `estimate`. Weights are positive and
        add to 1; weighted by them the estimates add to the coefficient.

    Raises:
        UserError: a panel with gaps; doses; weights that change within a unit; covariates; nobody who begins treatment within the
            panel, or nobody to compare with.
    """
    if isinstance(plan, Design):
        if plan.covariates:
            raise UserError("The decomposition is of a regression without covariates. Leave them out.", "이 분해는 공변량이 없는 회귀에만 쓸 수 있습니다. 공변량을 빼십시오.")
        if not is_binary(plan):
            english, korean = not_binary(plan)
            raise UserError(f"The decomposition needs a treatment that is 0 or 1 and stays 1; {english}.", f"분해에는 0에서 1로 바뀐 뒤 유지되는 처치 변수가 필요합니다({korean}).")
    data = (plan.data if isinstance(plan, Design) else plan).sort_values(["unit", "time"], ignore_index=True)
    times = np.sort(data["time"].unique())
    n_times = len(times)
    if len(data) != data["unit"].nunique() * n_times or data.duplicated(["unit", "time"]).any():
        raise UserError("The decomposition needs every unit once in every period. Use --panel balance.", "분해에는 모든 단위가 모든 시점에 한 번씩 있어야 합니다. --panel balance를 쓰십시오.")
    weight = data["weight"].to_numpy(dtype=float).reshape(-1, n_times) if "weight" in data else np.ones((len(data) // n_times, n_times))
    if not np.allclose(weight, weight[:, :1], rtol=1e-12):
        raise UserError("Weights change within units; the decomposition needs one weight for each unit.", "단위 안에서 가중치가 바뀝니다. 분해에는 단위마다 하나의 가중치가 필요합니다.")
    weight = weight[:, 0] / weight[:, 0].sum()
    # Cohorts by the first treated period: its rank, 0 for always, n_times for never.
    begun = data["cohort"].to_numpy().reshape(-1, n_times)[:, 0]
    rank = np.where(begun > 0, np.searchsorted(times, begun), n_times)
    named = {0: int(times[0]), n_times: 0} | {int(place): int(cohort) for place, cohort in zip(rank, begun, strict=True) if 0 < place < n_times}
    cohorts = sorted({int(place) for place in rank})
    timed = [place for place in cohorts if 0 < place < n_times]
    if not timed:
        raise UserError("No unit begins treatment within the panel.", "패널 기간에 참여를 시작한 단위가 없습니다.")
    if len(cohorts) < 2:
        raise UserError("All units begin treatment at once: there is nobody to compare with.", "모든 단위가 같은 시점에 참여하여 비교할 단위가 없습니다.")
    y = data["y"].to_numpy(dtype=float).reshape(-1, n_times)
    share = {place: weight[rank == place].sum() for place in cohorts}
    mean = {place: weight[rank == place] @ y[rank == place] / share[place] for place in cohorts}
    # Share of its time that a cohort is treated.
    treated = {place: 1 - place / n_times for place in cohorts}

    def jump(place: int, after: slice, before: slice) -> float:
        return mean[place][after].mean() - mean[place][before].mean()

    rows = []
    for one in timed:
        for other, kind in ((n_times, VS_NEVER), (0, VS_ALWAYS)):
            if other in cohorts:
                before, after = slice(0, one), slice(one, n_times)
                size = share[one] * share[other] * treated[one] * (1 - treated[one])
                rows.append((kind, one, other, size, jump(one, after, before) - jump(other, after, before)))
    for number, early in enumerate(timed):
        for late in timed[number + 1 :]:
            pair = share[early] * share[late] * (treated[early] - treated[late])
            before, middle, after = slice(0, early), slice(early, late), slice(late, n_times)
            rows.append((EARLIER, early, late, pair * (1 - treated[early]), jump(early, middle, before) - jump(late, middle, before)))
            rows.append((LATER, late, early, pair * treated[late], jump(late, after, middle) - jump(early, after, middle)))
    parts = pd.DataFrame(rows, columns=["type", "treated", "control", "weight", "estimate"])
    # Their sum is the variance of treatment that unit and time effects leave.
    parts["weight"] /= parts["weight"].sum()
    parts["type"] = pd.Categorical(parts["type"], TYPES)
    parts = parts.sort_values(["type", "treated", "control"], ignore_index=True).assign(type=lambda frame: frame["type"].astype(str))
    for column in ("treated", "control"):
        parts[column] = parts[column].map(named)

    # The coefficient from its own regression, so that the sum of the parts is a check, not a definition.
    on = (np.arange(n_times) >= rank[:, None]).astype(float)
    left = on - on.mean(axis=1, keepdims=True)
    left = weight[:, None] * (left - weight @ left)
    return float((left * y).sum() / (left * on).sum()), parts


def by_type(parts: pd.DataFrame) -> pd.DataFrame:
    """`type`, `weight` and the weighted mean `estimate` of each kind of comparison."""
    total = parts.assign(part=parts["weight"] * parts["estimate"]).groupby("type", sort=False)[["weight", "part"]].sum()
    return total.assign(estimate=total["part"] / total["weight"]).drop(columns="part").reset_index()
