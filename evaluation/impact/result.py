"""What every estimator returns: one effect with its uncertainty, its event study, and what it rests on."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from scipy import stats

from evaluation.impact.design import Design

FRAME_COLUMNS = [
    "estimator", "aggregate", "estimate", "se", "lower", "upper", "p", "df", "inference", "n_obs", "n_units", "n_treated_units",
]  # fmt: skip
ROUNDING = 1e-10  # of the range of the outcome: no standard error that means anything is as small
LEDGER_COLUMNS = ["id", "value", "lower", "upper", "level", "unit", "decimals"]


@dataclass(frozen=True)
class Result:
    """An effect in the unit of the outcome (log points where that is a logarithm).

    Attributes:
        estimator, aggregate: what was computed, by the names of the command line.
        estimate, se, lower, upper, p: `df` are the degrees of freedom of the t distribution behind interval and p, infinite
            for the normal one, missing where the interval is no such one; `inference` names how the uncertainty was found. What has no
            standard error but rounding, here and in `event`, `groups` and `vcov`, has none: missing, with its interval and p.
        estimand: what is estimated, in words: (English, Korean).
        n_obs, n_units, n_treated_units: rows and units that the estimate rests on.
        cohorts: first treated period -> its share in the estimate, adding to 1; empty where the estimator has none.
        event: `event_time`, `estimate`, `se`, `lower`, `upper`, `reference` (0 by construction); empty without an event study.
        vcov: covariance of the rows of `event` that are no reference, shape (k, k); None without.
        band: critical value of the uniform confidence band of the event study; missing without.
        groups: estimates by part, such as `cohort`, `time` and `estimate`, `se`, `lower`, `upper`; empty without.
        influence: influence value of each unit on the estimate, shape (units,), so that se^2 = sum(influence^2) / units^2; None
            where the estimator has none.
        diagnostics: named numbers that belong to the estimator; warnings: (English, Korean).
    """

    estimator: str
    aggregate: str
    estimate: float
    se: float
    lower: float
    upper: float
    p: float
    df: float
    inference: str
    level: float
    estimand: tuple[str, str]
    n_obs: int
    n_units: int
    n_treated_units: int
    cohorts: dict[int, float] = field(default_factory=dict)
    event: pd.DataFrame = field(default_factory=pd.DataFrame)
    vcov: np.ndarray | None = None
    band: float = np.nan
    groups: pd.DataFrame = field(default_factory=pd.DataFrame)
    influence: np.ndarray | None = None
    diagnostics: dict[str, float] = field(default_factory=dict)
    warnings: tuple[tuple[str, str], ...] = ()

    def to_frame(self) -> pd.DataFrame:
        """One row with FRAME_COLUMNS."""
        return pd.DataFrame([{name: getattr(self, name) for name in FRAME_COLUMNS}])

    def to_ledger(self, stem: str, unit: str, decimals: int) -> pd.DataFrame:
        """Rows with LEDGER_COLUMNS: `stem`.estimate, .event.T, .cohort.G (its share), .n_obs, .n_units, .n_treated_units, as they are."""
        rows = [(f"{stem}.estimate", self.estimate, self.lower, self.upper, self.level, unit, decimals)]
        for row in self.event.itertuples():
            level = None if row.reference else self.level
            rows.append((f"{stem}.event.{int(row.event_time)}", row.estimate, row.lower, row.upper, level, unit, decimals))
        rows += [(f"{stem}.cohort.{cohort}", 100 * share, None, None, None, "percent", 1) for cohort, share in self.cohorts.items()]
        rows += [(f"{stem}.{name}", getattr(self, name), None, None, None, "count", 0) for name in ("n_obs", "n_units", "n_treated_units")]
        return pd.DataFrame(rows, columns=LEDGER_COLUMNS)

    def plot(self):
        """The event study as a matplotlib figure: estimates, pointwise intervals and, where there is one, the uniform band."""
        from matplotlib.figure import Figure

        figure = Figure(figsize=(6.2, 3.2), layout="constrained")
        axes = figure.subplots()
        axes.axhline(0, color="0.6", linewidth=0.8)
        axes.axvline(-0.5, color="0.8", linewidth=0.8)
        told = self.event[~self.event["reference"]]
        axes.errorbar(told["event_time"], told["estimate"], yerr=[told["estimate"] - told["lower"], told["upper"] - told["estimate"]], fmt="o", color="#1f3864", markersize=4)
        if self.band == self.band:
            axes.fill_between(told["event_time"], told["estimate"] - self.band * told["se"], told["estimate"] + self.band * told["se"], alpha=0.15, color="#1f3864")
        zero = self.event[self.event["reference"]]
        axes.plot(zero["event_time"], zero["estimate"], marker="D", linestyle="none", color="0.5", markersize=4)
        axes.set_xlabel("event time")
        axes.set_ylabel("effect")
        return figure


def compare(results: Iterable[Result]) -> pd.DataFrame:
    """One row per result with FRAME_COLUMNS."""
    return pd.DataFrame([{name: getattr(result, name) for name in FRAME_COLUMNS} for result in results], columns=FRAME_COLUMNS)


def forest(results: Iterable[Result]):
    """Estimates of several estimators one below another, with their intervals, as a matplotlib figure."""
    from matplotlib.figure import Figure

    rows = compare(results)
    figure = Figure(figsize=(6.2, 0.6 + 0.32 * len(rows)), layout="constrained")
    axes = figure.subplots()
    place = np.arange(len(rows))[::-1]
    axes.axvline(0, color="0.6", linewidth=0.8)
    axes.errorbar(rows["estimate"], place, xerr=[rows["estimate"] - rows["lower"], rows["upper"] - rows["estimate"]], fmt="o", color="#1f3864", markersize=4)
    axes.set_yticks(place, rows["estimator"])
    axes.set_xlabel("effect")
    return figure


def interval(estimate: float, se: float, level: float, df: float = np.inf) -> tuple[float, float, float]:
    """Lower and upper bound, and the two-sided p-value of no effect: t with `df` degrees of freedom, normal where infinite."""
    distribution = stats.norm if np.isinf(df) else stats.t(df)
    half = distribution.ppf((1 + level) / 2) * se
    p = 2 * distribution.sf(abs(estimate / se)) if se > 0 else np.nan
    return float(estimate - half), float(estimate + half), float(p)


def standard_errors(vcov: np.ndarray) -> np.ndarray:
    """Square roots of the diagonal, 0 where rounding has left it below."""
    return np.sqrt(np.maximum(np.diag(vcov), 0))


def least_error(y: np.ndarray | pd.Series) -> float:
    """The largest standard error that rounding leaves where there is none, by the range and the size of the outcome."""
    y = np.asarray(y, dtype=float)
    return float(max(ROUNDING * np.ptp(y), 1e-15 * np.abs(y).max()))


def event_frame(times: Iterable[int], estimates: Iterable[float], errors: Iterable[float], level: float, df: float = np.inf, reference: Iterable[int] = ()) -> pd.DataFrame:
    """The frame of `Result.event`, sorted by event time; `reference`: event times that are 0 by construction."""
    rows = [(int(time), float(estimate), float(se), *interval(estimate, se, level, df)[:2], False) for time, estimate, se in zip(times, estimates, errors, strict=True)]
    rows += [(int(time), 0.0, np.nan, np.nan, np.nan, True) for time in reference]
    return pd.DataFrame(sorted(rows), columns=["event_time", "estimate", "se", "lower", "upper", "reference"])


def result(plan: Design, estimator: str, aggregate: str, estimate: float, se: float, estimand: tuple[str, str], *, inference: str, df: float = np.inf, data: pd.DataFrame | None = None, **more) -> Result:
    """A Result with interval and p from a standard error, and counts from the rows used.

    Standard errors of no more than rounding become missing, with a warning; those that are missing already are the estimator's to explain.

    Args:
        data: the rows that the estimate rests on, where they are fewer than the design's; more: other attributes of Result. A
            warning tells where they are fewer.
    """
    used = plan.data if data is None else data
    se, more = _without_rounding(float(se), least_error(used["y"]), more)
    lower, upper, p = interval(estimate, se, plan.level, df)
    told = (*plan.warnings, *more.pop("warnings", ()))
    if len(used) < len(plan.data):
        lost = len(plan.data) - len(used)
        told = (*told, (f"{lost} of {len(plan.data)} rows are not used by this estimator.", f"이 추정방법은 {len(plan.data)}행 가운데 {lost}행을 쓰지 않는다."))
    if data is None:
        counts = {"n_obs": len(used), "n_units": len(plan.names), "n_treated_units": len(plan.names) - plan.n_never}
    else:
        counts = {"n_obs": len(used), "n_units": used["unit"].nunique(), "n_treated_units": used.loc[used["cohort"] > 0, "unit"].nunique()}
    given = counts | more
    return Result(
        estimator=estimator, aggregate=aggregate, estimate=float(estimate), se=float(se), lower=lower, upper=upper, p=p, df=float(df), inference=inference,
        level=plan.level, estimand=estimand, warnings=told, **given,
    )  # fmt: skip


def _without_rounding(se: float, least: float, more: dict) -> tuple[float, dict]:
    """The standard error, and the other attributes of a Result, with what is at most `least` made missing and told of."""
    more, parts = dict(more), []
    if se <= least:
        parts.append(("the effect", "효과 추정치"))
        se, more["influence"] = np.nan, None
    for name, keys, words in (("event", ["event_time"], ("event time", "경과 시점")), ("groups", ["cohort", "time"], ("groups", "집단"))):
        frame = more.get(name)
        if frame is None or frame.empty:
            continue
        none = (frame["se"] <= least).to_numpy()
        if not none.any():
            continue
        more[name] = frame.assign(**{column: frame[column].mask(none) for column in ("se", "lower", "upper")})
        labels = ["/".join(map(str, row)) for row in frame.loc[none, [key for key in keys if key in frame]].astype(int).itertuples(index=False)]
        listed = ", ".join(labels[:5]) + (" ..." if len(labels) > 5 else "")
        parts.append((f"{words[0]} {listed}", f"{words[1]} {listed}"))
        if name == "event" and more.get("vcov") is not None:
            gone = none[~frame["reference"].to_numpy(dtype=bool)]
            more["vcov"] = np.where(gone[:, None] | gone, np.nan, more["vcov"])
    if parts:
        english, korean = ("; ".join(words) for words in zip(*parts, strict=True))
        told = (
            f"There is no standard error ({english}): nothing varies between clusters, or there are too few of them.",
            f"표준오차를 계산할 수 없다({korean}). 군집 간 변동이 없거나 군집이 너무 적다.",
        )
        more["warnings"] = (*more.get("warnings", ()), told)
    return se, more
