"""How methods of inference do on data like those at hand: panels drawn anew from the design, with an effect that is known.

    Design + Errors -> `simulate` -> a row per estimator, inference, cohort and effect: bias, coverage, size, power

The errors of a panel are a stationary first-order autoregression in each unit and, where clusters are given, one that the units of a cluster
share; their parameters are estimated from the panel (`errors_of`) or given (`designed`). Source of the bias correction: Hansen (2007),
"Generalized least squares inference in panel and multilevel models with serial correlation and fixed effects", Journal of Econometrics 140,
section 3, who inverts the limit of the within autocorrelation (Nickell 1981, Econometrica 49); here the expectation is that of lag-one and
lag-zero products of residuals, exact for a balanced panel. Simulations of this kind: Bertrand, Duflo and Mullainathan (2004), Quarterly Journal
of Economics 119; Monte Carlo standard errors: Morris, White and Crowther (2019), Statistics in Medicine 38, table 6.
"""

import json
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from hashlib import sha256

import numpy as np
import pandas as pd

from evaluation.errors import UserError
from evaluation.executor import Chunk, chunks, code_version, each
from evaluation.impact.design import Design, design
from evaluation.impact.estimators import KNOWN as ESTIMATORS
from evaluation.impact.estimators import estimate
from evaluation.impact.inference import KNOWN, RECOMMENDED, Options, infer, of_cohort

# Reassignments and bootstrap draws within a simulated panel: (199 + 1) x 0.05 is whole, so that tests by them can have their exact level.
DRAWS = 199
SAMPLES = 500
CHUNK = 10  # samples in a job; a constant, so that workers do not decide on what is drawn
RESULT_COLUMNS = [
    "estimator", "inference", "cohort", "effect", "samples", "refused", "untested", "unbounded", "bias", "bias_mcse", "sd", "sd_mcse", "se", "se_mcse",
    "coverage", "coverage_mcse", "rejection", "rejection_mcse", "width", "reason",
]  # fmt: skip
# Within residuals of two periods mirror each other whatever the errors.
FEWEST_PERIODS = 3
HIGHEST = 0.99  # of autocorrelation: at 1 errors have no variance to speak of
DESIGN_KEYS = ("name", "cohorts", "never", "years", "ar", "sd", "icc", "zones")
# Code on which a simulated result rests.
RESTS_ON = ("impact/inference", "impact/estimators")


@dataclass(frozen=True)
class Errors:
    """Errors of the outcome after unit and time effects.

    Attributes:
        ar: autocorrelation from one period to the next; sd: stationary standard deviation, root of the mean over units of the variance.
        icc: share of the variance that units of a cluster have in common in a period.
        fixed, by_size: variance of a unit of size s in parts of the mean variance, fixed + by_size / s (Ferman and Pinto 2019, Review of
            Economics and Statistics 101, equation 7); 1 and 0 where all are alike.
    """

    ar: float
    sd: float
    icc: float = 0.0
    fixed: float = 1.0
    by_size: float = 0.0


def errors_of(plan: Design, ar: float | None = None, sd: float | None = None, icc: float | None = None) -> tuple[Errors, dict[str, float], list[tuple[str, str]]]:
    """Estimate the errors of a panel.

    Residuals are those of the outcome on unit effects and period effects of each cohort, so that effects of treatment of any shape are out.
    The autocorrelation is the one at which the expected ratio of lag-one to lag-zero products of residuals is the one found; the variance and
    the part shared within clusters solve the two equations for the expected sums of squares within units and within clusters.

    Args:
        ar, sd, icc: taken as given in place of an estimate.

    Returns:
        the errors; `ar_raw`, the ratio as it stands, without the correction; warnings.

    Raises:
        UserError: fewer than three periods, or cohorts of one unit each, with nothing given in place; residuals that are all 0; a value given
            that cannot be.
    """
    _possible(ar, sd, icc)
    data, told, more = plan.data, [], {}
    seen, residual, cohort = _residuals(plan)
    squares = float((residual**2).sum())
    if ar is None:
        if seen.shape[1] < FEWEST_PERIODS:
            raise UserError("Autocorrelation cannot be estimated from fewer than three periods; give it with --ar.", "시점이 셋보다 적으면 자기상관을 추정할 수 없습니다. --ar로 지정하십시오.")
        if squares <= 1e-20 * float((data["y"] ** 2).sum()):
            raise UserError("The outcome has nothing left after unit effects and period effects of each cohort: give --ar and --sd.", "단위 효과와 참여 시점별 시점 효과를 빼면 결과변수에 남는 변동이 없습니다. --ar와 --sd를 지정하십시오.")
        more["ar_raw"] = float((residual[:, 1:] * residual[:, :-1]).sum()) / squares
        ar, edge = _unbiased(more["ar_raw"], seen)
        if edge:
            told.append((f"The panel's autocorrelation is beyond what a stationary process can give; {ar:g} is taken.", f"패널의 자기상관이 정상 과정의 범위를 벗어나 {ar:g}(으)로 두었다."))
    free = _products(ar, seen)[0]  # expected sum of squares of a unit's residuals, in variances
    first = np.array([1 - 1 / (cohort == value).sum() for value in cohort])
    scale, fixed, by_size = free * first, 1.0, 0.0
    if sd is None or icc is None:
        variance, shared = _components(plan, residual, cohort, scale, float(free.mean())) if "cluster" in data and icc is None else (squares / scale.sum(), 0.0 if icc is None else icc)
        icc = shared if icc is None else icc
        sd = float(np.sqrt(variance)) if sd is None else sd
    if "size" in data:
        from scipy.optimize import nnls

        size = _of_units(plan, "size")
        here = scale > 0
        ratio = (residual**2).sum(axis=1)[here] / scale[here]
        (fixed, by_size), _ = nnls(np.column_stack([np.ones(here.sum()), 1 / size[here]]), ratio)
        mean = float((fixed + by_size / size).mean())
        fixed, by_size = float(fixed / mean), float(by_size / mean)
    return Errors(float(ar), float(sd), float(icc), fixed, by_size), more, told


def draw(plan: Design, errors: Errors, generator: np.random.Generator) -> np.ndarray:
    """Errors of the rows of a design, shape (rows,): normal, stationary from the first period on."""
    return _draw(_Frame.of(plan, errors), errors, generator)


def simulate(
    plan: Design, errors: Errors, estimators: Iterable[str] = ("cs",), inferences: Iterable[str] = ("analytic",), effects: Iterable[float] = (0.0,), samples: int = SAMPLES,
    seed: int = 1, by_cohort: bool = False, draws: int = DRAWS, scheduler: str | None = None, workers: int | None = None, progress: Callable[[int, int], None] | None = None,
) -> pd.DataFrame:  # fmt: skip
    """Draw panels like a design and see what each estimator with each inference makes of them.

    Unit and period effects are those of the design's outcome; to them come errors and the effect, which is the same in all treated rows. The
    effects share their errors, so that size and power differ by the effect alone. 0 is always among them. What is drawn depends on design, errors,
    samples and seed, and not on what is estimated or where.

    Args:
        plan: rows, cohorts, clusters, sizes, weights and level; its outcome gives the levels.
        by_cohort: each cohort by itself with the never-treated too (`of_cohort`).
        draws: of a bootstrap or of reassignments within each sample.

    Returns:
        RESULT_COLUMNS, one row for each estimator, inference, cohort ("all", or a first treated period) and effect. `samples`: how many;
        `refused`: in how many of them the method gave a reason in place of a result (the first is `reason`, else empty); `untested`, `unbounded`: how
        many without a p-value or with an interval that is missing or infinite; `bias`, `sd` of estimates, `se`: mean of reported standard
        errors; `coverage` of the effect by the interval; `rejection` of no effect at 1 - level: size where the effect is 0, else power;
        `width`: median width of intervals; `*_mcse`: Monte Carlo standard errors.

    Raises:
        UserError: an estimator or inference that there is not, a repeated one, fewer than two samples, an effect that is no number.
    """
    estimators, inferences = list(estimators), list(inferences)
    effects = _with_none(effects)
    _known(estimators, inferences, effects, samples)
    parts = [("all", None), *(((str(cohort), cohort) for cohort in plan.cohorts) if by_cohort else ())]
    job = _Job(plan, errors, tuple(estimators), tuple(inferences), tuple(effects), tuple(cohort for _, cohort in parts), draws)
    told = None if progress is None else lambda done, of: progress(min(done * CHUNK, samples), samples)
    results = each(_Work(job), chunks(samples, CHUNK, seed), scheduler, workers, told)
    found = np.concatenate([one for one, _ in results])
    reasons: dict[int, UserError] = {}
    for _, some in results:
        reasons = some | reasons
    rows, cell = [], 0
    for name, _ in parts:
        for estimator in estimators:
            for how in inferences:
                for number, effect in enumerate(effects):
                    of = found[:, cell, number]
                    rows.append({"estimator": estimator, "inference": how, "cohort": name, "effect": effect, **_summary(of, effect, 1 - plan.level), "reason": str(reasons.get(cell, ""))})
                cell += 1
    return pd.DataFrame(rows)[RESULT_COLUMNS]


def designed(raw: dict, level: float = 0.95, where: str = "design") -> tuple[Design, Errors]:
    """A design that has no data yet, and its errors.

    Args:
        raw: what a file holds, with DESIGN_KEYS (docs/examples/few_treated.yml tells what each is); where: the file, for messages.

    Raises:
        UserError: a key that is missing or unknown, or a value that cannot be.
    """

    def refuse(key: str, allowed: str, korean: str) -> UserError:
        return UserError(f"{where}: {key} is {raw.get(key)!r}; give {allowed}.", f"{where}: {key} 값 {raw.get(key)!r}을(를) 쓸 수 없습니다. {korean}")

    missing, unknown = [key for key in ("cohorts", "never", "years", "ar", "sd") if key not in raw], sorted(map(str, raw.keys() - set(DESIGN_KEYS)))
    if missing:
        raise UserError(f"{where}: {', '.join(missing)} is missing.", f"{where}: {', '.join(missing)} 항목이 없습니다.")
    if unknown:
        raise UserError(f"{where}: {', '.join(unknown)} is not known; what there is: {', '.join(DESIGN_KEYS)}.", f"{where}: {', '.join(unknown)}은(는) 알 수 없는 항목입니다. 쓸 수 있는 항목: {', '.join(DESIGN_KEYS)}.")
    years, cohorts = raw["years"], raw["cohorts"]
    if not (isinstance(years, list) and len(years) == 2 and all(type(year) is int for year in years) and years[0] < years[1]):
        raise refuse("years", "the first and the last, such as [2001, 2015]", "[2001, 2015]처럼 첫 해와 마지막 해를 적으십시오.")
    whole = isinstance(cohorts, dict) and cohorts and all(type(key) is int and type(count) is int and count > 0 and years[0] < key <= years[1] for key, count in cohorts.items())
    if not whole:
        raise refuse("cohorts", f"{{first treated year: units}}, of years from {years[0] + 1} to {years[1]}", f"{{처음 참여한 해: 단위 수}} 형식으로 {years[0] + 1}년부터 {years[1]}년 사이의 해를 적으십시오.")
    zones = raw.get("zones")
    for key, least in (("never", 1), ("zones", 2)):
        if not (key == "zones" and zones is None) and (type(raw[key]) is not int or raw[key] < least):
            raise refuse(key, f"a whole number, {least} or more", f"{least} 이상의 정수를 적으십시오.")
    total = sum(cohorts.values()) + raw["never"]
    if zones is not None and zones > total:
        raise refuse("zones", f"no more than there are units ({total})", f"단위 수({total})보다 클 수 없습니다.")
    if raw.get("icc", 0) and zones is None:
        raise refuse("zones", "how many zones share the part icc of the variance", "분산의 icc만큼을 공유하는 구역 수를 적으십시오.")
    numbers = {key: raw[key] for key in ("ar", "sd", "icc") if key in raw}
    for key, value in numbers.items():
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise refuse(key, "a number", "숫자를 적으십시오.")
    _possible(**numbers)
    first = np.repeat([*cohorts, 0], [*cohorts.values(), raw["never"]])
    periods = np.arange(years[0], years[1] + 1)
    frame = pd.DataFrame({"unit": np.repeat(np.arange(total), len(periods)), "time": np.tile(periods, total), "first": np.repeat(first, len(periods))})
    # Any outcome that varies: its place is taken by what is drawn.
    frame["y"] = (frame["time"] - years[0]).astype(float)
    if zones is not None:
        # Dealt in turn, so that each zone has units of each cohort as far as they go.
        frame["zone"] = np.repeat(np.arange(total) % zones, len(periods))
    plan = design(frame, "unit", "time", "y", "first", cluster=None if zones is None else "zone", level=level)
    return plan, Errors(float(raw["ar"]), float(raw["sd"]), float(raw.get("icc", 0)))


def setting(plan: Design, errors: Errors, **asked) -> dict:
    """What a simulated result hangs on, as plain values: the design in numbers, errors, what was asked (estimators, inferences, effects,
    samples, seed, by_cohort, draws) and the code. Errors to six digits: more do not matter and differ between machines. `rows` is None
    where units are alike but for their cohort and seen in every period, since the counts then say all there is."""
    more = [name for name in ("cluster", "size", "weight", *plan.covariates) if name in plan.data]
    rows = None if plan.balanced and not more else sha256(plan.data[["unit", "time", "cohort", *more]].to_csv(index=False).encode()).hexdigest()[:16]
    periods = [int(plan.data["time"].min()), int(plan.data["time"].max())]
    if "effects" in asked:
        asked["effects"] = _with_none(asked["effects"])
    return {
        "cohorts": {str(cohort): count for cohort, count in plan.cohorts.items()}, "never": plan.n_never, "years": periods,
        "errors": {name: float(f"{value:.6g}") for name, value in asdict(errors).items()},
        "level": plan.level, "control": plan.control, "method": plan.method, "anticipation": plan.anticipation,
        "rows": rows, **asked, "code": code_version(*RESTS_ON),
    }  # fmt: skip


def hash_of(settings: dict) -> str:
    """The key of a stored result."""
    return sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:16]


def cached(settings: dict, kept: Iterable[dict]) -> pd.DataFrame | None:
    """The result of exactly these settings among those kept (of `record`), or None: one of other data, settings or code is none."""
    wanted = hash_of(settings)
    for one in kept:
        if one.get("hash") == wanted:
            return pd.DataFrame(one["results"]).reindex(columns=RESULT_COLUMNS)
    return None


def record(results: pd.DataFrame, settings: dict, command: str, seconds: float) -> dict:
    """A result as it is stored: `hash`, `settings`, `command` that made it, `versions`, `seconds`, `results`."""
    import platform
    from importlib.metadata import version

    rows = [{name: None if isinstance(value, float) and not np.isfinite(value) else value for name, value in row.items()} for row in results.to_dict("records")]
    versions = {"python": platform.python_version(), **{name: version(name) for name in ("numpy", "pandas", "scipy", "statsmodels", "moderndid")}}
    return {"hash": hash_of(settings), "settings": settings, "command": command, "versions": versions, "seconds": round(seconds, 1), "results": rows}


@dataclass(frozen=True)
class _Job:
    """What is the same for all samples."""

    plan: Design
    errors: Errors
    estimators: tuple[str, ...]
    inferences: tuple[str, ...]
    effects: tuple[float, ...]
    cohorts: tuple[int | None, ...]
    draws: int


@dataclass(frozen=True)
class _Work:
    """The samples of a chunk: (sample, estimator x inference by cohort, effect, 5: estimate, se, lower, upper, p), refusals by cell."""

    job: _Job

    def __call__(self, chunk: Chunk) -> tuple[np.ndarray, dict[int, UserError]]:
        job, reasons = self.job, {}
        frame = _Frame.of(job.plan, job.errors)
        parts = [(job.plan if cohort is None else of_cohort(job.plan, cohort)) for cohort in job.cohorts]
        chosen = [np.ones(len(job.plan.data), dtype=bool) if cohort is None else job.plan.data["cohort"].isin([0, cohort]).to_numpy() for cohort in job.cohorts]
        treated = job.plan.data["treated"].to_numpy()
        found = np.full((chunk.size, len(parts) * len(job.estimators) * len(job.inferences), len(job.effects), 5), np.nan)
        for sample in range(chunk.size):
            seed = np.random.SeedSequence(chunk.seed.entropy, spawn_key=(*chunk.seed.spawn_key, sample))
            drawn = frame.level + _draw(frame, job.errors, np.random.default_rng(seed))
            options = Options(draws=job.draws, seed=int(seed.generate_state(1)[0]))
            cell = 0
            for part, rows in zip(parts, chosen, strict=True):
                plans = [replace(part, data=part.data.assign(y=(drawn + effect * treated)[rows])) for effect in job.effects]
                for estimator in job.estimators:
                    # Once for all methods of inference.
                    estimates = [_or_refusal(estimate, plan, estimator) for plan in plans]
                    for how in job.inferences:
                        for number, (plan, plain) in enumerate(zip(plans, estimates, strict=True)):
                            told = plain if isinstance(plain, UserError) else _or_refusal(infer, plan, estimator, "simple", how, options, plain)
                            if isinstance(told, UserError):
                                reasons.setdefault(cell, told)
                            else:
                                found[sample, cell, number] = told.estimate, told.se, told.lower, told.upper, told.p
                        cell += 1
        return found, reasons


def _or_refusal(function: Callable, *given: object) -> object:
    """What a function returns, or the reason why it does not."""
    try:
        return function(*given)
    except UserError as error:
        return error


@dataclass(frozen=True)
class _Frame:
    """Where the rows of a design lie: codes of unit, period (from 0, gaps counted) and cluster; `scale`, standard deviation of each unit;
    `level`, unit and period effects of rows."""

    unit: np.ndarray
    period: np.ndarray
    cluster: np.ndarray | None
    scale: np.ndarray
    level: np.ndarray

    @classmethod
    def of(cls, plan: Design, errors: Errors) -> "_Frame":
        data = plan.data
        unit, period = data["unit"].to_numpy(), (data["time"] - data["time"].min()).to_numpy()
        cluster = None if "cluster" not in data else np.unique(_of_units(plan, "cluster"), return_inverse=True)[1]
        relative = np.ones(len(plan.names)) if "size" not in data else errors.fixed + errors.by_size / _of_units(plan, "size")
        y, never = data["y"].to_numpy(), (data["cohort"] == 0).to_numpy()
        mean = np.bincount(unit, y) / np.bincount(unit)
        # Period effects as untreated units have them; where there are none all the time, as all have them.
        base = never if len(np.unique(period[never])) == len(np.unique(period)) else np.ones(len(data), dtype=bool)
        effect = np.bincount(period[base], (y - mean[unit])[base], period.max() + 1) / np.maximum(np.bincount(period[base], minlength=period.max() + 1), 1)
        return cls(unit, period, cluster, errors.sd * np.sqrt(relative), mean[unit] + effect[period])


def _draw(frame: _Frame, errors: Errors, generator: np.random.Generator) -> np.ndarray:
    units, periods = len(frame.scale), frame.period.max() + 1
    own = _autoregression(generator.standard_normal((units, periods)), errors.ar)
    if frame.cluster is not None and errors.icc > 0:
        shared = _autoregression(generator.standard_normal((frame.cluster.max() + 1, periods)), errors.ar)
        own = np.sqrt(1 - errors.icc) * own + np.sqrt(errors.icc) * shared[frame.cluster]
    return (frame.scale[:, None] * own)[frame.unit, frame.period]


def _autoregression(noise: np.ndarray, ar: float) -> np.ndarray:
    """Stationary series of variance 1 from white noise, along the second axis."""
    out = noise.copy()
    for period in range(1, out.shape[1]):
        out[:, period] = ar * out[:, period - 1] + np.sqrt(1 - ar**2) * noise[:, period]
    return out


def _summary(found: np.ndarray, effect: float, alpha: float) -> dict[str, float]:
    """Of estimates, errors, bounds and p-values of samples, shape (samples, 5); a refused sample is missing throughout."""
    there = found[~np.isnan(found[:, 0])]
    estimate, se, lower, upper, p = there.T
    n = len(there)
    bounded = np.isfinite(lower) & np.isfinite(upper)
    # An interval without an end on one side still tells whether it holds the effect; a missing one does not.
    told = ~(np.isnan(lower) | np.isnan(upper))
    tested = ~np.isnan(p)

    def share(yes: np.ndarray) -> tuple[float, float]:
        part = float(yes.mean()) if len(yes) else np.nan
        return part, float(np.sqrt(part * (1 - part) / len(yes))) if len(yes) else np.nan

    sd = float(estimate.std(ddof=1)) if n > 1 else np.nan
    known = se[~np.isnan(se)]
    coverage, rejection = share((lower <= effect)[told] & (upper >= effect)[told]), share(p[tested] <= alpha + 1e-12)
    return {
        "samples": len(found), "refused": len(found) - n, "untested": int((~tested).sum()), "unbounded": int((~bounded).sum()),
        "bias": float(estimate.mean() - effect) if n else np.nan, "bias_mcse": sd / np.sqrt(n) if n else np.nan, "sd": sd, "sd_mcse": sd / np.sqrt(2 * (n - 1)) if n > 1 else np.nan,
        "se": float(known.mean()) if len(known) else np.nan, "se_mcse": float(known.std(ddof=1) / np.sqrt(len(known))) if len(known) > 1 else np.nan,
        "coverage": coverage[0], "coverage_mcse": coverage[1], "rejection": rejection[0], "rejection_mcse": rejection[1],
        "width": float(np.median((upper - lower)[bounded])) if bounded.any() else np.nan,
    }  # fmt: skip


def _with_none(effects: Iterable[float]) -> list[float]:
    """Effects in order, after none at all."""
    return [0.0, *sorted({float(effect) for effect in effects} - {0.0})]


def _known(estimators: list[str], inferences: list[str], effects: list[float], samples: int) -> None:
    for what, korean, given, known in (("estimators", "추정방법", estimators, ESTIMATORS), ("inferences", "추론방법", inferences, (RECOMMENDED, *KNOWN))):
        wrong = [name for name in given if name not in known]
        if wrong or not given:
            raise UserError(f"{what}: {wrong[0] if wrong else ''!r} is none; use some of: {', '.join(known)}.", f"{korean} {wrong[0] if wrong else ''!r}을(를) 쓸 수 없습니다. 다음 중에서 고르십시오: {', '.join(known)}.")
        if len(set(given)) < len(given):
            raise UserError(f"{what}: name each once.", f"{korean}을(를) 한 번씩만 적으십시오.")
    if not np.isfinite(effects).all():
        raise UserError("--effect must be numbers, joined by commas.", "--effect에는 숫자를 쉼표로 이어 적으십시오.")
    if samples < 2:
        raise UserError("--samples must be 2 or more.", "--samples는 2 이상이어야 합니다.")


def _possible(ar: float | None = None, sd: float | None = None, icc: float | None = None) -> None:
    if ar is not None and not -1 < ar < 1:
        raise UserError(f"ar is {ar}; give an autocorrelation above -1 and below 1.", f"ar 값이 {ar}입니다. -1보다 크고 1보다 작은 자기상관을 적으십시오.")
    if sd is not None and not (sd > 0 and np.isfinite(sd)):
        raise UserError(f"sd is {sd}; give a standard deviation above 0.", f"sd 값이 {sd}입니다. 0보다 큰 표준편차를 적으십시오.")
    if icc is not None and not 0 <= icc < 1:
        raise UserError(f"icc is {icc}; give a share from 0 to below 1.", f"icc 값이 {icc}입니다. 0 이상 1 미만의 비율을 적으십시오.")


def _of_units(plan: Design, column: str) -> np.ndarray:
    return plan.data[column].to_numpy()[np.flatnonzero(np.diff(plan.data["unit"].to_numpy(), prepend=-1))]


def _residuals(plan: Design) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Which periods each unit is seen in; residuals on unit effects and period effects of each cohort, 0 where not seen; cohort of units."""
    from evaluation.impact.estimators.within import codes, demean

    data = plan.data
    unit, period, cohort = data["unit"].to_numpy(), (data["time"] - data["time"].min()).to_numpy(), data["cohort"].to_numpy()
    seen = np.zeros((len(plan.names), period.max() + 1), dtype=bool)
    seen[unit, period] = True
    residual = np.zeros(seen.shape)
    for value in np.unique(cohort):
        rows = cohort == value
        own = demean(data["y"].to_numpy(dtype=float)[rows, None], codes(data["unit"][rows]), codes(data["time"][rows]))
        residual[unit[rows], period[rows]] = own[:, 0]
    return seen, residual, plan.first


def _products(ar: float, seen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Expected lag-zero and lag-one sums of products of a unit's errors less their mean over the periods seen, in variances, shape (units,)."""
    patterns, which = np.unique(seen, axis=0, return_inverse=True)
    periods = np.arange(seen.shape[1])
    correlation = ar ** np.abs(periods[:, None] - periods).astype(float) if ar else np.eye(len(periods))
    zero, one = [], []
    for pattern in patterns:
        centre = np.diag(pattern.astype(float)) - np.outer(pattern, pattern) / pattern.sum()
        within = centre @ correlation @ centre
        zero.append(np.trace(within))
        one.append(np.trace(within, offset=1))
    return np.array(zero)[which.ravel()], np.array(one)[which.ravel()]


def _unbiased(raw: float, seen: np.ndarray) -> tuple[float, bool]:
    """The autocorrelation at which the expected ratio of products is the one found, and whether it lies beyond the ends."""
    from scipy.optimize import brentq

    patterns, counts = np.unique(seen, axis=0, return_counts=True)

    def gap(ar: float) -> float:
        zero, one = _products(ar, patterns)
        return float(counts @ one / (counts @ zero)) - raw

    if gap(HIGHEST) <= 0:
        return HIGHEST, True
    if gap(-HIGHEST) >= 0:
        return -HIGHEST, True
    return float(brentq(gap, -HIGHEST, HIGHEST, xtol=1e-10)), False


def _components(plan: Design, residual: np.ndarray, cohort: np.ndarray, scale: np.ndarray, free: float) -> tuple[float, float]:
    """Variance and the share of it that units of a cluster have in common, from sums of squares within units and within clusters.

    With D the projection that takes out the means of cohorts and Z the units of clusters, E sum of squares = v ((1 - icc) tr D + icc tr Z'DZ) and
    E sum of squares of cluster totals = v ((1 - icc) tr Z'DZ + icc tr Z'DZZ'DZ), each times `free`.
    """
    _, cluster = np.unique(_of_units(plan, "cluster"), return_inverse=True)
    _, group = np.unique(cohort, return_inverse=True)
    members = np.zeros((cluster.max() + 1, group.max() + 1))
    np.add.at(members, (cluster, group), 1)
    between = np.diag(members.sum(axis=1)) - members @ (members / members.sum(axis=0)).T
    totals = np.zeros((len(between), residual.shape[1]))
    np.add.at(totals, cluster, residual)
    system = free * np.array([[scale.sum() / free, np.trace(between)], [np.trace(between), (between**2).sum()]])
    if abs(np.linalg.det(system)) < 1e-10 * np.prod(np.diag(system)):
        raise UserError("The part that clusters share cannot be told from the rest (each unit is a cluster, or all are one); give it with --icc.", "군집이 공유하는 부분을 나머지와 구분할 수 없습니다(군집이 단위와 같거나 하나뿐). --icc로 지정하십시오.")
    own, shared = np.linalg.solve(system, [(residual**2).sum(), (totals**2).sum()])
    # Estimates of variances may come out below 0; nothing is shared then.
    if shared <= 0:
        return float((residual**2).sum() / scale.sum()), 0.0
    own = max(own, 0.02 * shared)
    return float(own + shared), float(shared / (own + shared))
