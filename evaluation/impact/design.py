"""One design for every estimator: a checked panel, who is compared with whom, and what happens to gaps.

    any frame -> `design` -> `evaluation.impact.estimators.estimate` -> `evaluation.impact.result.Result`

Rows are decided on here, once, so that no two estimators see different ones without saying so.
"""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from evaluation.errors import UserError

NEVER, NOT_YET = "never", "notyet"
CONTROLS = (NEVER, NOT_YET)
METHODS = ("reg", "ipw", "dr")
# What happens to units that are not observed in every period: they go; they stay, and an estimator that cannot take them
# refuses; or each estimator uses what it can, and says so.
BALANCE, KEEP, COMPLETE = "balance", "keep", "complete"
PANELS = (BALANCE, KEEP, COMPLETE)
COLUMNS = ("unit", "time", "y", "cohort")


@dataclass(frozen=True)
class Design:
    """A panel and how it is to be compared.

    Attributes:
        data: sorted by unit and time; `unit` (integer code from 0), `time` (int), `y` (float), `cohort` (first treated period, 0
            for never), `treated` (0/1), `event_time` (time - cohort, missing for never), `weight`, `cluster`, `stratum` and `size` where given, the
            covariates, and `dose`, where a treatment column took the place of the cohort.
        names: what the units are called in the file, in the order of their codes.
        control: NEVER or NOT_YET; method: of estimators that use covariates; covariates: column names.
        anticipation: periods before treatment in which an effect may show already.
        before, after: event times shown, None for all.
        level: of intervals; panel: one of PANELS.
        left_out: `reason`, `units`, `rows` of what the panel lost; warnings: what the reader must know of it.
    """

    data: pd.DataFrame
    names: pd.Index
    control: str = NEVER
    method: str = "dr"
    covariates: tuple[str, ...] = ()
    anticipation: int = 0
    before: int | None = None
    after: int | None = None
    level: float = 0.95
    panel: str = BALANCE
    left_out: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=["reason", "units", "rows"]))
    warnings: tuple[tuple[str, str], ...] = ()

    @property
    def balanced(self) -> bool:
        """Whether every unit is observed in every period."""
        return len(self.data) == len(self.names) * self.data["time"].nunique()

    @property
    def first(self) -> np.ndarray:
        """First treated period of each unit, 0 for never, shape (units,)."""
        return self.data["cohort"].to_numpy()[np.flatnonzero(np.diff(self.data["unit"].to_numpy(), prepend=-1))]

    @property
    def cohorts(self) -> dict[int, int]:
        """First treated period -> how many units."""
        values, counts = np.unique(self.first, return_counts=True)
        return {int(value): int(count) for value, count in zip(values, counts, strict=True) if value > 0}

    @property
    def n_never(self) -> int:
        """How many units are never treated."""
        return int((self.first == 0).sum())

    @property
    def cluster(self) -> str:
        """The column whose values are taken as independent of each other."""
        return "cluster" if "cluster" in self.data else "unit"


def design(
    frame: pd.DataFrame, unit: str, time: str, outcome: str, cohort: str | None = None, treatment: str | None = None, *,
    covariates: tuple[str, ...] = (), weights: str | None = None, cluster: str | None = None, strata: str | None = None,
    size: str | None = None, control: str = NEVER, method: str = "dr",
    panel: str = BALANCE, anticipation: int = 0, before: int | None = None, after: int | None = None, level: float = 0.95,
) -> Design:  # fmt: skip
    """Check a panel and settle which of its rows count.

    Args:
        frame: a row per unit and period; the names are its columns.
        cohort: first treated period; 0, blank, infinite or later than the panel is never treated.
        treatment: in place of cohort: 0/1, staying 1 once it is; or a share from 0 to 1 (then only estimators for doses serve).
        strata: within which units could have changed places, for randomisation; size: how large a unit is, on which the variance of
            its outcome may depend. Both do not change within a unit.
        panel: one of PANELS.

    Raises:
        UserError: a column that is not there; periods that are no whole numbers; a unit twice in a period; a cohort that changes
            within a unit; no outcome, an infinite one, or one that never varies; units treated in every period (they are left
            out with a warning, unless all are); no unit to compare with; a single cluster; a covariate that is not there.
    """
    _allowed("control", control, CONTROLS)
    _allowed("method", method, METHODS)
    _allowed("panel", panel, PANELS)
    if not 0 < level < 1:
        raise UserError(f"level is {level}; give a share between 0 and 1, such as 0.95.", f"level 값이 {level}입니다. 0.95처럼 0과 1 사이의 값을 주십시오.")
    if (cohort is None) == (treatment is None):
        raise UserError("Give either the cohort (first treated period) or a treatment column.", "참여 시작 시점(cohort)과 처치 여부(treatment) 가운데 하나만 지정하십시오.")
    wanted = {"unit": unit, "time": time, "y": outcome, "cohort": cohort, "treatment": treatment, "weight": weights, "cluster": cluster, "stratum": strata, "size": size}
    for name in [*filter(None, wanted.values()), *covariates]:
        if name not in frame:
            raise UserError(f"The panel has no column {name!r}; there are: {', '.join(map(str, frame.columns))}.", f"패널에 {name!r} 열이 없습니다. 있는 열: {', '.join(map(str, frame.columns))}.")
    data = pd.DataFrame({name: frame[column].to_numpy() for name, column in wanted.items() if column is not None})
    for name in covariates:
        data[f"x_{name}"] = _numbers(frame[name], name).to_numpy()
    told: list[tuple[str, str]] = []
    gone: list[tuple[str, int, int]] = []

    def leave(keep: pd.Series, reason: str) -> None:
        nonlocal data
        lost = data[~keep]
        if len(lost):
            gone.append((reason, lost["unit"].nunique(), len(lost)))
            data = data[keep]

    if data["unit"].isna().any():
        raise UserError(f"{int(data['unit'].isna().sum())} rows have no {unit}. Fill it in.", f"{unit}이(가) 빈 행이 {int(data['unit'].isna().sum())}개 있습니다. 채우십시오.")
    data["time"] = _periods(data["time"], time)
    # Integer codes once: all that follows counts by unit, and counting codes is fast.
    data["unit"], names = pd.factorize(data["unit"], sort=True)
    names = pd.Index(names, name=unit)
    _refuse_twice(data, names, unit, time)
    data["y"] = _numbers(data["y"], outcome)
    if np.isinf(data["y"]).any():
        raise UserError(f"{outcome} is infinite in {int(np.isinf(data['y']).sum())} rows (a logarithm of 0?). Mend or empty them.", f"{outcome}에 무한대가 {int(np.isinf(data['y']).sum())}개 있습니다(0의 로그?). 고치거나 비우십시오.")
    if data["y"].isna().all():
        raise UserError(f"{outcome} has no value at all.", f"{outcome}에 값이 하나도 없습니다.")
    data = _with_cohort(data, names, cohort, treatment, unit)
    leave(data["y"].notna(), "outcome missing")
    for name in ("weight", *(f"x_{name}" for name in covariates)):
        if name in data:
            if name == "weight":
                data["weight"] = _numbers(data["weight"], weights)
            leave(data[name].notna(), f"{name.removeprefix('x_')} missing")
    if "weight" in data and (data["weight"] <= 0).any():
        raise UserError(f"{weights} has values of 0 or less; weights must be above 0.", f"{weights}에 0 이하의 값이 있습니다. 가중치는 0보다 커야 합니다.")
    if panel == BALANCE:
        # A period that only some units have would otherwise cost all the others.
        seen = np.bincount(data["unit"], minlength=len(names))
        leave(seen[data["unit"]] == data["time"].nunique(), "not observed in every period")
    always = (data["cohort"] > 0) & (data["cohort"] <= data["time"].min())
    if always.any():
        count = data.loc[always, "unit"].nunique()
        leave(~always, "treated from the first period on")
        told.append((f"{count} units are treated from the first period on and have nothing before it: left out.", f"첫 시점부터 참여한 {count}개 단위는 참여 전 자료가 없어 제외하였다."))
    if data.empty:
        listed = "; ".join(f"{reason}: {units} units" for reason, units, _ in gone)
        raise UserError(f"No rows are left to estimate from ({listed}). Use --panel keep, or mend the panel.", f"추정에 쓸 행이 남지 않았습니다({listed}). --panel keep을 쓰거나 패널을 고치십시오.")
    if data["y"].max() == data["y"].min():
        raise UserError(f"{outcome} has the same value in every row; there is nothing to explain.", f"{outcome} 값이 모든 행에서 같아 추정할 것이 없습니다.")
    data["cohort"] = data["cohort"].where(data["cohort"] <= data["time"].max(), 0)
    if gone:
        left, data["unit"] = np.unique(data["unit"], return_inverse=True)
        names = names[left]
    units, periods = data["unit"].to_numpy(), data["time"].to_numpy()
    if ((np.diff(units) < 0) | ((np.diff(units) == 0) & (np.diff(periods) < 0))).any():
        data = data.sort_values(["unit", "time"])
    data = data.reset_index(drop=True)
    first = data["cohort"].to_numpy()[np.flatnonzero(np.diff(data["unit"].to_numpy(), prepend=-1))]
    _somebody_on_both_sides(first, control)
    if cluster is not None:
        if data["cluster"].isna().any():
            raise UserError(f"{cluster} is empty in {int(data['cluster'].isna().sum())} rows. Fill it in.", f"{cluster}이(가) 빈 행이 {int(data['cluster'].isna().sum())}개 있습니다. 채우십시오.")
        if data["cluster"].nunique() < 2:
            raise UserError(f"{cluster} has one value only: standard errors need at least two clusters.", f"{cluster} 값이 하나뿐입니다. 표준오차를 계산하려면 군집이 둘 이상이어야 합니다.")
    for name, column in (("stratum", strata), ("size", size)):
        if column is not None:
            _same_within_units(data, names, name, column, unit)
    for reason, count, rows in gone:
        if reason == "not observed in every period":
            told.append((f"{count} units ({rows} rows) are not observed in every period: left out.", f"일부 시점이 빠진 {count}개 단위({rows}행)는 제외하였다."))
    for value, count in zip(*np.unique(first[first > 0], return_counts=True), strict=True):
        if count == 1:
            told.append((f"One unit alone was first treated in {value}: its standard error is not to be relied on.", f"{value}년에 처음 참여한 단위가 하나뿐이어서 그 표준오차는 믿을 수 없다."))
    data["treated"] = ((data["cohort"] > 0) & (data["time"] >= data["cohort"])).astype(int)
    data["event_time"] = (data["time"] - data["cohort"]).where(data["cohort"] > 0)
    data = data.drop(columns="treatment", errors="ignore")
    columns = tuple(f"x_{name}" for name in covariates)
    left_out = pd.DataFrame(gone, columns=["reason", "units", "rows"])
    return Design(data, names, control, method, columns, anticipation, before, after, level, panel, left_out, tuple(told))


def _refuse_twice(data: pd.DataFrame, names: pd.Index, unit: str, time: str) -> None:
    start = data["time"].min()
    span = int(data["time"].max() - start) + 1
    place = data["unit"].to_numpy(dtype=np.int64) * span + (data["time"].to_numpy() - start)
    # Counting is faster than sorting as long as the table of units by periods is not mostly empty.
    twice = np.bincount(place).max() > 1 if len(names) * span <= 20 * len(data) else pd.Series(place).duplicated().any()
    if twice:
        row = data[pd.Series(place).duplicated(keep=False).to_numpy()].iloc[0]
        times = int(((data["unit"] == row["unit"]) & (data["time"] == row["time"])).sum())
        name, when = names[int(row["unit"])], int(row["time"])
        raise UserError(f"{unit} {name} stands {times} times in {time} {when}. Keep one row.", f"{unit} {name}의 {time} {when} 행이 {times}개입니다. 하나만 남기십시오.")


def _with_cohort(data: pd.DataFrame, names: pd.Index, cohort: str | None, treatment: str | None, unit: str) -> pd.DataFrame:
    if cohort is not None:
        # Infinite, blank and 0 are the field's ways to write never.
        given = _numbers(data["cohort"], cohort).replace([np.inf, -np.inf], np.nan).fillna(0)
        if (given % 1 != 0).any() or (given < 0).any():
            raise UserError(f"{cohort} must be a period as a whole number, or 0 or blank for never.", f"{cohort}은(는) 정수 시점이어야 합니다. 참여하지 않으면 0이나 빈칸으로 두십시오.")
        given = given.astype(int)
        of_unit = np.zeros(len(names), int)
        of_unit[data["unit"]] = given
        differs = of_unit[data["unit"]] != given
        if differs.any():
            code = data.loc[differs, "unit"].iloc[0]
            values = ", ".join(map(str, sorted(given[data["unit"] == code].unique())))
            raise UserError(f"{cohort} changes within {unit} {names[code]} ({values}). A unit has one first treated period.", f"{unit} {names[code]}의 {cohort} 값이 바뀝니다({values}). 단위마다 참여 시작 시점은 하나여야 합니다.")
        return data.assign(cohort=given)
    given = _numbers(data["treatment"], treatment)
    if given.isna().any() or (given < 0).any() or (given > 1).any():
        raise UserError(f"{treatment} must be 0, 1 or a share between them in every row.", f"{treatment}은(는) 모든 행에서 0, 1 또는 그 사이의 비율이어야 합니다.")
    started = data["time"].where(given > 0)
    return data.assign(dose=given, cohort=started.groupby(data["unit"]).transform("min").fillna(0).astype(int))


def _same_within_units(data: pd.DataFrame, names: pd.Index, name: str, column: str, unit: str) -> None:
    if name == "size":
        data[name] = _numbers(data[name], column)
        if not ((data[name] > 0) & np.isfinite(data[name])).all():
            raise UserError(f"{column} must be a number above 0 in every row.", f"{column}은(는) 모든 행에서 0보다 큰 수여야 합니다.")
    if data[name].isna().any():
        raise UserError(f"{column} is empty in {int(data[name].isna().sum())} rows. Fill it in.", f"{column}이(가) 빈 행이 {int(data[name].isna().sum())}개 있습니다. 채우십시오.")
    changes = data.groupby("unit")[name].nunique() > 1
    if changes.any():
        first = names[int(changes.idxmax())]
        raise UserError(f"{column} changes within {unit} {first}. Give one value for each unit.", f"{unit} {first}의 {column} 값이 바뀝니다. 단위마다 값이 하나여야 합니다.")


def is_binary(plan: Design) -> bool:
    """Whether treatment is absorbing 0/1, as a cohort says; a column of doses, or one that goes back to 0, is not."""
    return "dose" not in plan.data or bool((plan.data["dose"] == plan.data["treated"]).all())


def _somebody_on_both_sides(first: np.ndarray, control: str) -> None:
    if not (first > 0).any():
        raise UserError("No unit is treated within the panel.", "패널 기간에 참여한 단위가 없습니다.")
    if not (first == 0).any():
        if control == NEVER:
            raise UserError(
                "There are no never-treated units to compare with. Use --control notyet, which compares with units treated later.",
                "비교할 미참여 단위가 없습니다. 나중에 참여한 단위와 비교하는 --control notyet을 쓰십시오.",
            )
        if len(np.unique(first)) < 2:
            raise UserError("All units are treated at once: there is nobody to compare with.", "모든 단위가 같은 시점에 참여하여 비교할 단위가 없습니다.")


def _numbers(values: pd.Series, name: str) -> pd.Series:
    if values.dtype.kind in "iufb":
        return values.astype(float)
    numbers = pd.to_numeric(values.replace("", np.nan) if values.dtype == object or str(values.dtype) in ("str", "string") else values, errors="coerce")
    wrong = numbers.isna() & values.notna() & (values.astype(str).str.strip() != "")
    if wrong.any():
        raise UserError(f"{name} is {values[wrong].iloc[0]!r} in row {int(np.flatnonzero(wrong)[0]) + 2}, not a number.", f"{name}의 {int(np.flatnonzero(wrong)[0]) + 2}행 값 {values[wrong].iloc[0]!r}은(는) 숫자가 아닙니다.")
    return numbers.astype(float)


def _periods(values: pd.Series, name: str) -> pd.Series:
    numbers = _numbers(values, name)
    if numbers.isna().any() or (numbers % 1 != 0).any():
        raise UserError(f"{name} must be a whole number in every row, such as a year.", f"{name}은(는) 모든 행에서 연도 같은 정수여야 합니다.")
    return numbers.astype(int)


def _allowed(name: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise UserError(f"{name} is {value!r}; use one of: {', '.join(allowed)}.", f"{name} 값 {value!r}을(를) 쓸 수 없습니다. 다음 중 하나를 쓰십시오: {', '.join(allowed)}.")
