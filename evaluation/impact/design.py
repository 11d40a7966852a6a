"""One design for every estimator: a checked panel, who is compared with whom, and what happens to gaps.

    any frame -> `design` -> `evaluation.impact.estimators.estimate` -> `evaluation.impact.result.Result`

Rows are decided on here, once, so that no two estimators see different ones without saying so.
"""

import re
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
# Each of these is a column of its own; the others (weights, clusters, covariates, ...) may share one.
OWN = ("unit", "time", "y", "cohort", "treatment")
ROLES = {
    "unit": ("unit", "단위"), "time": ("period", "시점"), "y": ("outcome", "결과변수"), "cohort": ("cohort", "참여 시작 시점"), "treatment": ("treatment", "처치 여부"),
    "weight": ("weights", "가중치"), "cluster": ("clusters", "군집"), "stratum": ("strata", "층"), "size": ("size", "단위 규모"), "covariate": ("covariate", "공변량"),
}  # fmt: skip
FEW_CLUSTERS, FEW_UNITS = 30, 10
DATES = ("datetime64", "datetime", "date", "timedelta64", "timedelta", "time", "period", "interval")
LARGEST = 1e100  # of outcomes and covariates: their squares, summed, must still be numbers
# Numbers far beyond any period stand for never, as infinity does, where they are cohorts; where they are periods, they are none.
BEYOND = 1e15
SPARSE = 100  # how much wider than their number the span of periods may be


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
        UserError: a column that is not there, or stands for two things; periods that are no whole numbers, or far apart; a unit
            twice in a period; a cohort that changes within a unit, or means never and a period alike; no outcome, an infinite
            one (or weight, or covariate), or one that never varies; units treated in every period (they are left out with a
            warning, unless all are); no unit to compare with; a single cluster; a covariate that is not there.
    """
    _allowed("control", control, CONTROLS)
    _allowed("method", method, METHODS)
    _allowed("panel", panel, PANELS)
    if not 0 < level < 1:
        raise UserError(f"level is {level}; give a share between 0 and 1, such as 0.95.", f"level 값이 {level}입니다. 0.95처럼 0과 1 사이의 값을 주십시오.")
    if (cohort is None) == (treatment is None):
        raise UserError("Give either the cohort (first treated period) or a treatment column.", "참여 시작 시점(cohort)과 처치 여부(treatment) 가운데 하나만 지정하십시오.")
    wanted = {"unit": unit, "time": time, "y": outcome, "cohort": cohort, "treatment": treatment, "weight": weights, "cluster": cluster, "stratum": strata, "size": size}
    _refuse_columns(frame, wanted, covariates)
    data = pd.DataFrame({name: frame[column].to_numpy() for name, column in wanted.items() if column is not None})
    # Before any row goes, so that a message can say in which row of the file something stands.
    data["y"] = _finite(data["y"], outcome)
    if weights is not None:
        data["weight"] = _finite(data["weight"], weights, np.inf)
    for name in covariates:
        data[f"x_{name}"] = _finite(frame[name], name).to_numpy()
    told: list[tuple[str, str]] = []
    gone: list[tuple[str, int, int]] = []

    def leave(keep: pd.Series, reason: str, empty: str = "") -> None:
        nonlocal data
        lost = data[~keep]
        if len(lost):
            gone.append((reason, lost["unit"].nunique(), len(lost)))
            data = data[keep]
            without = sorted(set(lost["time"].unique()) - set(data["time"].unique())) if empty and len(data) else []
            if without:
                listed = ", ".join(map(str, without))
                told.append((f"No unit has {empty} in {listed}: left out.", f"{time} {listed}에는 {empty} 값이 하나도 없어 제외하였다."))

    if data["unit"].isna().any():
        raise UserError(f"{int(data['unit'].isna().sum())} rows have no {unit} (first: row {_row(data['unit'].isna())}). Fill it in.", f"{unit}이(가) 빈 행이 {int(data['unit'].isna().sum())}개 있습니다(첫 행: {_row(data['unit'].isna())}행). 채우십시오.")
    data["time"] = _periods(data["time"], time)
    _refuse_sparse(data["time"], time)
    # Integer codes once: all that follows counts by unit, and counting codes is fast.
    data["unit"], names = pd.factorize(data["unit"], sort=True)
    names = pd.Index(names, name=unit)
    _refuse_twice(data, names, unit, time)
    if data["y"].isna().all():
        raise UserError(f"{outcome} has no value at all.", f"{outcome}에 값이 하나도 없습니다.")
    data, unsure = _with_cohort(data, names, cohort, treatment, unit, time, told)
    leave(data["y"].notna(), "outcome missing", outcome)
    for name, column in (("weight", weights), *((f"x_{name}", name) for name in covariates)):
        if name in data:
            leave(data[name].notna(), f"{name.removeprefix('x_')} missing", column)
    if "weight" in data and (data["weight"] <= 0).any():
        row = data.index[data["weight"] <= 0][0] + 2
        raise UserError(f"{weights} has values of 0 or less (first: row {row}); weights must be above 0.", f"{weights}에 0 이하의 값이 있습니다(첫 행: {row}행). 가중치는 0보다 커야 합니다.")
    if data.empty:
        raise _nothing_left(gone)
    if panel == BALANCE:
        # A period that only some units have would otherwise cost all the others.
        seen, times = np.bincount(data["unit"], minlength=len(names)), data["time"]
        leave(seen[data["unit"]] == data["time"].nunique(), "not observed in every period")
        if data.empty:
            raise _nobody_throughout(times, np.count_nonzero(seen), time)
    # What goes up and down, or by degrees, is compared within units treated from the start too.
    absorbing = "dose" not in data or bool((data["dose"] == ((data["cohort"] > 0) & (data["time"] >= data["cohort"]))).all())
    always = absorbing & (data["cohort"] > 0) & (data["cohort"] <= data["time"].min())
    if always.any():
        count = data.loc[always, "unit"].nunique()
        leave(~always, "treated from the first period on")
        told.append((f"{count} units are treated from the first period on and have nothing before it: left out.", f"첫 시점부터 참여한 {count}개 단위는 참여 전 자료가 없어 제외하였다."))
    if data.empty:
        raise _nothing_left(gone)
    if "weight" in data:
        # Only their ratios matter; sums and products of very large or small ones would not be exact.
        data["weight"] /= data["weight"].max()
        data["weight"] /= data["weight"].mean()
    if data["y"].max() == data["y"].min():
        raise UserError(f"{outcome} has the same value in every row; there is nothing to explain.", f"{outcome} 값이 모든 행에서 같아 추정할 것이 없습니다.")
    late = data["cohort"] > data["time"].max()
    if late.any():
        listed = ", ".join(map(str, sorted(data.loc[late, "cohort"].unique())))
        count = data.loc[late, "unit"].nunique()
        told.append((f"{count} units first treated after the panel's end ({listed}) count as never treated.", f"패널 기간이 끝난 뒤({listed}) 처음 참여한 {count}개 단위는 미참여로 보았다."))
        data["cohort"] = data["cohort"].where(~late, 0)
    if gone:
        left, data["unit"] = np.unique(data["unit"], return_inverse=True)
        names, unsure = names[left], unsure[left]
    units, periods = data["unit"].to_numpy(), data["time"].to_numpy()
    if ((np.diff(units) < 0) | ((np.diff(units) == 0) & (np.diff(periods) < 0))).any():
        data = data.sort_values(["unit", "time"])
    data = data.reset_index(drop=True)
    first = data["cohort"].to_numpy()[np.flatnonzero(np.diff(data["unit"].to_numpy(), prepend=-1))]
    _somebody_on_both_sides(first, control, [(reason, count) for reason, count, _ in gone] + ([("first treated after the panel's end", int(count))] if late.any() else []))
    if cluster is not None:
        if data["cluster"].isna().any():
            raise UserError(f"{cluster} is empty in {int(data['cluster'].isna().sum())} rows. Fill it in.", f"{cluster}이(가) 빈 행이 {int(data['cluster'].isna().sum())}개 있습니다. 채우십시오.")
        clusters = data["cluster"].nunique()
        if clusters < 2:
            raise UserError(f"{cluster} has one value only: standard errors need at least two clusters.", f"{cluster} 값이 하나뿐입니다. 표준오차를 계산하려면 군집이 둘 이상이어야 합니다.")
    for name, column in (("stratum", strata), ("size", size)):
        if column is not None:
            _same_within_units(data, names, name, column, unit)
    for reason, count, rows in gone:
        if reason == "not observed in every period":
            told.append((f"{count} units ({rows} rows) are not observed in every period: left out.", f"일부 시점이 빠진 {count}개 단위({rows}행)는 제외하였다."))
        elif reason.endswith(" missing"):
            what = {"outcome missing": outcome, "weight missing": weights}.get(reason, reason.removesuffix(" missing"))
            told.append((f"{rows} rows without {what}: left out.", f"{what} 값이 없는 {rows}행은 제외하였다."))
    told += _uneven(data["time"], time)
    if unsure.any():
        one = names[int(np.argmax(unsure))]
        told.append((
            f"Units without a row in the period just before {treatment} is first above 0: {int(unsure.sum())} (first: {one}). They may have been treated before.",
            f"{treatment} 값이 처음 0보다 커지기 바로 전 시점의 행이 없는 단위가 {int(unsure.sum())}개 있다(첫 단위: {one}). 실제로는 더 일찍 참여하였을 수 있다.",
        ))  # fmt: skip
    told += about_errors(first, len(names) if cluster is None else clusters)
    data["treated"] = ((data["cohort"] > 0) & (data["time"] >= data["cohort"])).astype(int)
    data["event_time"] = (data["time"] - data["cohort"]).where(data["cohort"] > 0)
    data = data.drop(columns="treatment", errors="ignore")
    columns = tuple(f"x_{name}" for name in covariates)
    left_out = pd.DataFrame(gone, columns=["reason", "units", "rows"])
    return Design(data, names, control, method, columns, anticipation, before, after, level, panel, left_out, tuple(told))


def about_errors(first: np.ndarray, clusters: int) -> list[tuple[str, str]]:
    """What any estimator's standard errors suffer from in a design, in words (English, Korean).

    Args:
        first: first treated period of each unit, 0 for never; clusters: how many.
    """
    told = []
    cohorts, sizes = np.unique(first[first > 0], return_counts=True)
    for value, count in zip(cohorts, sizes, strict=True):
        if count == 1:
            told.append((f"One unit alone was first treated in {value}: its standard error is not to be relied on.", f"{value}년에 처음 참여한 단위가 하나뿐이어서 그 표준오차는 믿을 수 없다."))
    few = ", ".join(str(cohort) for cohort in cohorts[(sizes > 1) & (sizes < FEW_UNITS)])
    if few:
        told.append((
            f"Fewer than {FEW_UNITS} units were first treated in {few}: analytic intervals of what rests on them are too short.",
            f"{few}년에 처음 참여한 단위는 {FEW_UNITS}개 미만이어서, 이에 근거한 신뢰구간은 실제보다 좁다.",
        ))  # fmt: skip
    if (first == 0).sum() == 1:
        told.append(("One unit alone is never treated: standard errors of what is compared with it only are not to be relied on.", "미참여 단위가 하나뿐이어서, 그 단위하고만 비교한 결과의 표준오차는 믿을 수 없다."))
    if clusters < FEW_CLUSTERS:
        told.append((f"There are only {clusters} clusters: with so few, analytic standard errors are too small and intervals too short.", f"군집이 {clusters}개뿐이다. 군집이 적으면 해석적 표준오차는 실제보다 작고 신뢰구간은 실제보다 좁다."))
    return told


def _refuse_columns(frame: pd.DataFrame, wanted: dict[str, str | None], covariates: tuple[str, ...]) -> None:
    """Columns that are not there, that stand twice in the frame, or that are given for two things of which each needs its own."""
    given = [(role, column) for role, column in wanted.items() if column is not None] + [("covariate", name) for name in covariates]
    there = list(frame.columns)
    for _, name in given:
        if name not in there:
            raise UserError(f"The panel has no column {name!r}; there are: {', '.join(map(str, there))}.", f"패널에 {name!r} 열이 없습니다. 있는 열: {', '.join(map(str, there))}.")
        if there.count(name) > 1:
            raise UserError(f"The panel has {there.count(name)} columns {name!r}. Rename or remove all but one.", f"패널에 {name!r} 열이 {there.count(name)}개 있습니다. 하나만 남기거나 이름을 바꾸십시오.")
        if covariates.count(name) > 1:
            raise UserError(f"The covariate {name} is given {covariates.count(name)} times. Give it once.", f"공변량 {name}이(가) {covariates.count(name)}번 지정되었습니다. 한 번만 지정하십시오.")
    for place, (role, name) in enumerate(given):
        for other, also in given[place + 1 :]:
            # Units and cohorts may be clusters.
            if name == also and role in OWN and (role, other) not in (("unit", "cluster"), ("cohort", "cluster")):
                raise UserError(f"{name} is given as {ROLES[role][0]} and as {ROLES[other][0]}. Each needs a column of its own.", f"{name} 열이 {ROLES[role][1]}와(과) {ROLES[other][1]}에 함께 지정되었습니다. 각각 다른 열을 지정하십시오.")


def _refuse_sparse(periods: pd.Series, name: str) -> None:
    """Periods that lie far apart for their number: one is mistyped, or they are dates written as numbers."""
    first, last = periods.min(), periods.max()
    if last - first < SPARSE:
        return
    times = np.sort(periods.unique())
    if last - first > SPARSE * len(times):
        widest = int(np.argmax(np.diff(times)))
        before, after = times[widest], times[widest + 1]
        raise UserError(
            f"{name} runs from {first} to {last} in {len(times)} periods; the widest gap is from {before} to {after}. Mend what is mistyped, or number the periods consecutively (1, 2, 3, ...).",
            f"{name} 값이 {first}부터 {last}까지인데 시점은 {len(times)}개뿐이고, {before}과(와) {after} 사이가 가장 벌어져 있습니다. 잘못 적은 값을 고치거나 시점에 1, 2, 3처럼 이어지는 번호를 매기십시오.",
        )


def _uneven(periods: pd.Series, name: str) -> list[tuple[str, str]]:
    """A warning where periods are no consecutive numbers, since event times count units of the column."""
    if periods.max() - periods.min() < (n := periods.nunique()):
        return []
    times = np.sort(periods.unique())
    steps = np.diff(times)
    if (steps == steps[0]).all():
        return [(f"Periods are {steps[0]} apart: event times count units of {name}. Numbering the periods consecutively makes them count periods.", f"시점 간격이 {steps[0]}이다. 경과 시점은 {name}의 단위로 센다. 시점에 이어지는 번호를 매기면 시점 수로 센다.")]
    wide = np.flatnonzero(steps > steps.min())
    listed = ", ".join(f"{times[place]} → {times[place + 1]}" for place in wide[:3]) + (", ..." if len(wide) > 3 else "")
    return [(f"The {n} periods are unevenly spaced ({listed}): event times count units of {name}. Numbering the periods consecutively makes them count periods.", f"시점 {n}개의 간격이 고르지 않다({listed}). 경과 시점은 {name}의 단위로 센다. 시점에 이어지는 번호를 매기면 시점 수로 센다.")]


def _nothing_left(gone: list[tuple[str, int, int]]) -> UserError:
    listed = "; ".join(f"{reason}: {units} units" for reason, units, _ in gone)
    mend = (
        ("Give a panel that begins before treatment.", "참여 전 시점이 있는 패널을 쓰십시오.") if gone[-1][0] == "treated from the first period on"
        else ("Fill in what is missing, or leave that column out.", "빠진 값을 채우거나 해당 열을 빼십시오.")
    )  # fmt: skip
    return UserError(f"No rows are left to estimate from ({listed}). {mend[0]}", f"추정에 쓸 행이 남지 않았습니다({listed}). {mend[1]}")


def _nobody_throughout(periods: pd.Series, units: int, name: str) -> UserError:
    times, counts = np.unique(periods, return_counts=True)
    rarest = int(np.argmin(counts))
    when, count = times[rarest], counts[rarest]
    return UserError(
        f"No unit is observed in all {len(times)} periods; {name} {when} has {count} of {units} units. Mend or remove the rows of {when} if they are a slip, or use --panel keep.",
        f"{len(times)}개 시점 모두에서 관측된 단위가 없습니다. {name} {when}에는 단위 {units}개 가운데 {count}개만 있습니다. 잘못 적은 시점이면 그 행을 고치거나 지우고, 아니면 --panel keep을 쓰십시오.",
    )


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


def _with_cohort(data: pd.DataFrame, names: pd.Index, cohort: str | None, treatment: str | None, unit: str, time: str, told: list[tuple[str, str]]) -> tuple[pd.DataFrame, np.ndarray]:
    """The data with `cohort`, and with `dose` where a treatment column gave it; and units whose cohort a missing row may have put off."""
    units, times = data["unit"].to_numpy(), data["time"].to_numpy()
    if cohort is not None:
        given = _numbers(data["cohort"], cohort)
        zero = (given == 0).to_numpy()
        # Where the first period is 0 and nothing else stands for never, 0 is taken at its word: a unit treated from the first period
        # on would count for nothing anyway.
        if zero.any() and times.min() == 0 and np.isfinite(given).all():
            told.append((f"0 in {cohort} is taken as never treated, though {time} has a period 0 too.", f"{time}에도 0이 있으나 {cohort}의 0은 미참여로 보았다."))
        elif zero.any() and times.min() <= 0 <= times.max():
            raise UserError(
                f"0 in {cohort} means never treated, but {time} has a period 0 too. Leave {cohort} blank where a unit is never treated; if units are first treated in period 0 or before, add the same number to all of {time} and {cohort} so that they are above 0.",
                f"{cohort}의 0은 미참여를 뜻하는데 {time}에도 0이 있습니다. 미참여 단위의 {cohort}은(는) 빈칸으로 두고, 0 이하의 시점에 참여한 단위가 있으면 {time}과 {cohort}에 같은 수를 더하여 모두 0보다 크게 하십시오.",
            )
        # Infinite, blank and 0 are the field's ways to write never.
        given = given.where(given.abs() < BEYOND, 0)
        wrong = (given != np.trunc(given)) | (given < 0)
        if wrong.any():
            row = _row(wrong)
            raise UserError(f"{cohort} must be a period as a whole number, or 0 or blank for never; it is {given.iloc[row - 2]:g} in row {row}. Number the periods from 1 where they are negative.", f"{cohort}은(는) 정수 시점이어야 합니다({row}행: {given.iloc[row - 2]:g}). 참여하지 않으면 0이나 빈칸으로 두고, 음수 시점은 1부터 다시 매기십시오.")
        given = given.astype(int)
        of_unit = np.zeros(len(names), int)
        of_unit[units] = given
        differs = of_unit[units] != given
        if differs.any():
            code = data.loc[differs, "unit"].iloc[0]
            values = ", ".join(map(str, sorted(given[units == code].unique())))
            raise UserError(f"{cohort} changes within {unit} {names[code]} ({values}). A unit has one first treated period.", f"{unit} {names[code]}의 {cohort} 값이 바뀝니다({values}). 단위마다 참여 시작 시점은 하나여야 합니다.")
        return data.assign(cohort=given), np.zeros(len(names), bool)
    given = _numbers(data["treatment"], treatment)
    wrong = given.isna() | (given < 0) | (given > 1)
    if wrong.any():
        raise UserError(f"{treatment} must be 0, 1 or a share between them in every row; see row {_row(wrong)}.", f"{treatment}은(는) 모든 행에서 0, 1 또는 그 사이의 비율이어야 합니다({_row(wrong)}행 확인).")
    above, never = (given > 0).to_numpy(), np.iinfo(np.int64).max
    first = np.full(len(names), never)
    np.minimum.at(first, units[above], times[above])
    if (first <= 0).any():
        raise UserError(
            f"{treatment} is above 0 at {time} {first.min()}, but periods at which treatment starts must be above 0. Add the same number to all of {time}.",
            f"{time} {first.min()}에 {treatment} 값이 0보다 큽니다. 참여가 시작되는 시점은 0보다 커야 하므로 {time} 전체에 같은 수를 더하십시오.",
        )
    all_times = np.sort(data["time"].unique())
    place = np.searchsorted(all_times, first)
    begun = (first < never) & (place > 0)
    last_before = np.where(begun, all_times[place - 1], never)
    seen = np.zeros(len(names), bool)
    seen[units[times == last_before[units]]] = True
    return data.assign(dose=given, cohort=np.where(first < never, first, 0)[units]), begun & ~seen


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


def last_before(plan: Design) -> int:
    """The reference of an event study: the last event time before an effect may show that somebody is observed at; -1 on yearly panels."""
    time = plan.data["event_time"]
    before = time[time < -plan.anticipation]
    return -1 - plan.anticipation if before.empty else int(before.max())


def not_binary(plan: Design) -> tuple[str, str]:
    """Where treatment is not the absorbing 0/1 that `is_binary` asks for, in words (English, Korean): the first such row."""
    row = plan.data[plan.data["dose"] != plan.data["treated"]].iloc[0]
    name, when = plan.names[int(row["unit"])], int(row["time"])
    return f"{name} has {row['dose']:g} in {when}", f"{name}의 {when} 값은 {row['dose']:g}"


def _somebody_on_both_sides(first: np.ndarray, control: str, besides: list[tuple[str, int]]) -> None:
    """UserError where nobody is treated or nobody can be compared with; `besides`: who does not count, by reason."""
    left = f" ({'; '.join(f'{reason}: {units} units' for reason, units in besides)})" if besides else ""
    if not (first > 0).any():
        raise UserError(f"No unit is treated within the panel{left}.", f"패널 기간에 참여한 단위가 없습니다{left}.")
    if not (first == 0).any():
        if control == NEVER:
            raise UserError(
                f"There are no never-treated units to compare with{left}. Use --control notyet, which compares with units treated later.",
                f"비교할 미참여 단위가 없습니다{left}. 나중에 참여한 단위와 비교하는 --control notyet을 쓰십시오.",
            )
        if len(np.unique(first)) < 2:
            raise UserError("All units are treated at once: there is nobody to compare with.", "모든 단위가 같은 시점에 참여하여 비교할 단위가 없습니다.")


def _row(wrong: pd.Series) -> int:
    """The first row where something holds, as a spreadsheet counts it: the names stand in row 1."""
    return int(np.flatnonzero(wrong)[0]) + 2


def _numbers(values: pd.Series, name: str) -> pd.Series:
    if values.dtype.kind in "iufb":
        return values.astype(float)
    if values.dtype.kind in "mM" or pd.api.types.infer_dtype(values, skipna=True) in DATES:
        raise UserError(f"{name} holds dates; give a number, such as the year.", f"{name}에 날짜가 들어 있습니다. 연도 같은 숫자로 주십시오.")
    numbers = pd.to_numeric(values.replace("", np.nan) if values.dtype == object or str(values.dtype) in ("str", "string") else values, errors="coerce")
    wrong = numbers.isna() & values.notna() & (values.astype(str).str.strip() != "")
    if wrong.any():
        value, row = values[wrong].iloc[0], _row(wrong)
        english, korean = _how_to_write(str(value).strip())
        raise UserError(f"{name} is {value!r} in row {row}, not a number. {english}", f"{name}의 {row}행 값 {value!r}은(는) 숫자가 아닙니다. {korean}")
    return numbers.astype(float)


def _how_to_write(value: str) -> tuple[str, str]:
    if re.fullmatch(r"[-+]?[\d,. ]+", value):
        return "Write numbers with a decimal point and without thousands separators, such as 1234.5.", "소수점은 마침표로 적고 천 단위 구분 기호는 빼십시오(예: 1234.5)."
    number = re.match(r"[-+]?\d+(\.\d+)?", value)
    if number:
        return f"Write the number only: {number.group()}.", f"숫자만 적으십시오: {number.group()}."
    return "Leave the cell empty where there is no value.", "값이 없으면 빈칸으로 두십시오."


def _finite(values: pd.Series, name: str, largest: float = LARGEST) -> pd.Series:
    """Numbers, none of them infinite or too large to be squared."""
    numbers = _numbers(values, name)
    size = numbers.abs()
    # One pass over the rows where nothing is wrong.
    if size.max() >= largest:
        wrong = np.isinf(size) if np.isinf(size).any() else size >= largest
        count, row = int(wrong.sum()), _row(wrong)
        if np.isinf(size).any():
            raise UserError(f"{name} is infinite in {count} rows (first: row {row}; a logarithm or a division by 0?). Mend or empty them.", f"{name}에 무한대가 {count}개 있습니다(첫 행: {row}행, 0의 로그나 0으로 나눈 값?). 고치거나 비우십시오.")
        raise UserError(f"{name} is larger than {largest:g} in {count} rows (first: row {row}). Mend them, or give another unit.", f"{name}에 {largest:g}보다 큰 값이 {count}개 있습니다(첫 행: {row}행). 값을 고치거나 단위를 바꾸십시오.")
    return numbers


def _periods(values: pd.Series, name: str) -> pd.Series:
    numbers = _numbers(values, name)
    wrong = (numbers != np.trunc(numbers)) | (numbers.abs() >= BEYOND)
    if wrong.any():
        row = _row(wrong)
        found = ("empty", "빈칸") if np.isnan(numbers.iloc[row - 2]) else (f"{numbers.iloc[row - 2]:g}",) * 2
        raise UserError(f"{name} must be a whole number in every row, such as a year; it is {found[0]} in row {row}.", f"{name}은(는) 모든 행에서 연도 같은 정수여야 합니다({row}행: {found[1]}).")
    return numbers.astype(int)


def _allowed(name: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise UserError(f"{name} is {value!r}; use one of: {', '.join(allowed)}.", f"{name} 값 {value!r}을(를) 쓸 수 없습니다. 다음 중 하나를 쓰십시오: {', '.join(allowed)}.")
