"""How severe each evaluator is, how far evaluators agree, and whether one of them decides a rank.

Every function takes marks as a long frame: `unit` (what is marked), `evaluator`, `value` (float). A mark
that is missing, or whose row is absent, was not given (a conflict of interest). An evaluator without any
mark is no part of the committee and is passed over.
Measures without a value (marks that do not vary) are missing (NaN), never 0 or 1.
"""

from collections.abc import Callable

import numpy as np
import pandas as pd
from scipy import stats
from scipy.sparse.csgraph import connected_components

from evaluation.errors import UserError
from evaluation.index.rules import unconflicted
from evaluation.index.tree import rank

COLUMNS = ["unit", "evaluator", "value"]
LEVELS_OF_MEASUREMENT = ("nominal", "ordinal", "interval", "ratio")
# Sums of squares are differences of larger sums; what is left below this share of those is rounding.
ROUNDING = 1e-13
# Different marks up to which alpha is bootstrapped at levels that compare every two of them.
MOST_VALUES = 1_000


def icc(marks: pd.DataFrame, level: float = 0.95) -> pd.DataFrame:
    """The six intraclass correlations, each with its F test against 0 and its interval.

    Form 1: every unit has other evaluators; 2: evaluators are a sample, their severity counts as
    disagreement; 3: these evaluators only, severity does not count. "1": of one evaluator's mark,
    "k": of the mean mark of all.

    Args:
        marks: units with any mark missing are left out.
        level: of the intervals, 0..1.

    Returns:
        index "ICC(1,1)", "ICC(2,1)", "ICC(3,1)", "ICC(1,k)", "ICC(2,k)", "ICC(3,k)"; columns `value`,
        `lower`, `upper` (at most 1; they may lie below 0), `df1`, `df2`, `F`, `p`, and the same in every
        row: `units` and `evaluators` used, units `left_out`. Missing in a form "k": the unit means vary less
        than chance allows for, so that they have no reliability, or this has no lower bound.

    Raises:
        UserError: fewer than two units or evaluators remain; marks that are no such frame.

    Source: Shrout and Fleiss (1979), "Intraclass correlations: uses in assessing rater reliability",
    Psychological Bulletin 86; McGraw and Wong (1996), "Forming inferences about some intraclass correlation
    coefficients", Psychological Methods 1.
    """
    table = _table(marks)
    full = _complete(table)
    values = table[full].to_numpy()
    n, k = values.shape
    between, within, evaluators, residual = (float(square[0]) for square in _mean_squares(values, np.ones((1, n))))
    one_way, two_way = n * (k - 1), (n - 1) * (k - 1)
    # Per form: mean square and its degrees of freedom, mean square of evaluators, degrees of freedom of the interval.
    forms = {
        1: (within, one_way, within, one_way),
        2: (residual, two_way, evaluators, _satterthwaite(between, residual, evaluators, n, k)),
        3: (residual, two_way, residual, two_way),
    }
    rows = {}
    for form, (noise, df2, severity_noise, df) in forms.items():
        f = np.inf if noise == 0 < between else float(_ratio(between, noise))
        # Each bound is the estimate with the noise taken as large, or as small, as the F distribution allows.
        times = np.array([1.0, stats.f.ppf((1 + level) / 2, n - 1, df), 1 / stats.f.ppf((1 + level) / 2, df, n - 1)])
        single = _single(between, noise * times, severity_noise * times, n, k)
        tested = [n - 1, df2, f, stats.f.sf(f, n - 1, df2)]
        rows[f"ICC({form},1)"] = [*single, *tested]
        rows[f"ICC({form},k)"] = [*_of_the_mean(single, k), *tested]
    out = pd.DataFrame.from_dict(rows, orient="index", columns=["value", "lower", "upper", "df1", "df2", "F", "p"])
    out = out.astype({"df1": int, "df2": int}).loc[[f"ICC({form},{of})" for of in "1k" for form in forms]]
    return out.assign(units=n, evaluators=k, left_out=int((~full).sum()))


def kendall_w(marks: pd.DataFrame) -> dict[str, float]:
    """Kendall's coefficient of concordance W of the rankings that evaluators give, corrected for ties.

    Args:
        marks: units with any mark missing are left out, as a ranking of part of the units is no ranking of all.

    Returns:
        `W` (0..1), `chi2` with `df` and `p` (chi-square approximation, rough for fewer than eight units),
        `units` and `evaluators` used, units `left_out`. W, chi2 and p are missing where no evaluator ranks.

    Raises:
        UserError: fewer than two units or evaluators remain; marks that are no such frame.

    Source: Kendall and Babington Smith (1939), "The problem of m rankings", Annals of Mathematical
    Statistics 10; ties and the approximation: Kendall and Gibbons (1990), Rank Correlation Methods, chapter 6.
    """
    table = _table(marks)
    full = _complete(table)
    values = table[full].to_numpy()
    n, k = values.shape
    w = float(_concordance(values, np.ones((1, n)))[0])
    chi2 = k * (n - 1) * w
    p = float(stats.chi2.sf(chi2, n - 1))
    return {"W": w, "chi2": chi2, "df": n - 1, "p": p, "units": n, "evaluators": k, "left_out": int((~full).sum())}


def krippendorff_alpha(marks: pd.DataFrame, level_of_measurement: str) -> float:
    """Krippendorff's alpha: 1 for perfect agreement, 0 for what chance gives; missing where all marks are the same.

    Args:
        marks: missing marks are allowed; a unit with fewer than two marks has no pair to compare.
        level_of_measurement: "nominal", "ordinal", "interval" or "ratio" (marks of 0 or more).

    Raises:
        UserError: another level; no unit with two marks; a negative mark at the level "ratio"; marks that are no such frame.

    Memory grows with the square of the number of different marks (8 MB per matrix at a thousand).

    Source: Krippendorff (2011), "Computing Krippendorff's alpha-reliability", University of Pennsylvania (the
    coincidence matrix, and the differences of each level).
    """
    table = _table(marks)
    paired = table[_paired(table)].to_numpy()
    values, code = np.unique(paired[~np.isnan(paired)], return_inverse=True)
    counts = np.zeros((len(paired), len(values)))
    np.add.at(counts, (np.nonzero(~np.isnan(paired))[0], code), 1)
    # A unit with m marks has m (m - 1) pairs; divided by m - 1, every mark counts once.
    shared = counts / (counts.sum(axis=1, keepdims=True) - 1)
    coincidences = shared.T @ counts - np.diag(shared.sum(axis=0))
    totals = counts.sum(axis=0)
    apart = _difference(values, totals, level_of_measurement)
    observed, expected = (coincidences * apart).sum(), totals @ apart @ totals / (totals.sum() - 1)
    return 1 - float(_ratio(observed, expected))


def bootstrap_agreement(marks: pd.DataFrame, draws: int, seed: int, level: float = 0.9) -> pd.DataFrame:
    """How far agreement depends on which units were marked: percentile intervals, units drawn with replacement.

    All measures see the same draws. A draw in which a measure has no value (units that are all alike) is
    thrown away for that measure.

    Args:
        marks: as for `icc` and `krippendorff_alpha`: units with a mark missing count for alpha only.
        draws: how many; seed: of the random numbers, so that a report can be repeated.
        level: of the intervals, 0..1.

    Returns:
        index the six "ICC(…)" of `icc`, "kendall_w", "alpha_nominal", "alpha_ordinal", "alpha_interval", "alpha_ratio"; columns
        `value`, `lower`, `upper`, `draws` kept, `units` used, units `left_out`. Alpha of other levels than interval is
        missing where there are more than MOST_VALUES different marks, and of the level ratio where a mark is below 0.

    Raises:
        UserError: fewer than two units or evaluators have all marks; marks that are no such frame.

    Source: Efron (1979), "Bootstrap methods: another look at the jackknife", Annals of Statistics 7.
    """
    table = _table(marks)
    full, paired = _complete(table), _paired(table)
    n = len(table)
    drawn = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=draws)
    counts = np.vstack([np.ones(n), drawn])  # the first row is the marks as they are
    values, k = table[full].to_numpy(), table.shape[1]
    between, within, evaluators, residual = _mean_squares(values, counts[:, full])
    units = counts[:, full].sum(axis=1)
    single = {form: _single(between, noise, severity_noise, units, k) for form, noise, severity_noise in ((1, within, within), (2, residual, evaluators), (3, residual, residual))}
    measures = {f"ICC({form},{of})": single[form] for of in "1k" for form in single} | {"kendall_w": _concordance(values, counts[:, full])}
    measures |= {f"alpha_{level_}": of_draws for level_, of_draws in _alphas(table[paired].to_numpy(), counts[:, paired]).items()}
    measures = pd.DataFrame(measures)
    point, sample = measures.iloc[0], measures.iloc[1:]
    lower, upper = sample.quantile((1 - level) / 2), sample.quantile((1 + level) / 2)
    out = pd.DataFrame({"value": point, "lower": lower, "upper": upper})
    # A form k rises with its form 1, so its percentiles are those of form 1 carried over.
    for form in single:
        out.loc[f"ICC({form},k)"] = _of_the_mean(out.loc[f"ICC({form},1)"].to_numpy(), k)
    used = np.where(out.index.str.startswith("alpha"), paired.sum(), full.sum())
    return out.assign(draws=sample.notna().sum(), units=used, left_out=n - used)


def severity(marks: pd.DataFrame) -> pd.DataFrame:
    """How far each evaluator marks below or above the others on the same units.

    Least squares of value = unit + evaluator, so that an evaluator who was absent from good units is not
    called severe for it. Units with fewer than two marks compare nobody; they count in `marks` and `mean` only.

    Returns:
        index evaluator, sorted; `marks` (number given), `mean`, `effect` (in marks; below 0 is severe, above 0
        lenient; the effects sum to 0), its `standard_error` (residuals of equal variance), `residual_sd` (how
        far single marks lie from unit + evaluator; divided by the degrees of freedom that the fit leaves, so
        that few marks do not make it small), `correlation` (over units, with the mean of the others' marks,
        these freed of their effects). Missing: no degree of freedom is left; fewer than three units or no
        variation to correlate.

    Raises:
        UserError: fewer than two evaluators; evaluators whom no chain of common units joins; marks that are no such frame.

    Source: Searle (1971), Linear Models, chapter 7.1 (two-way classification without interaction, unequal numbers).
    """
    table = _several(_table(marks))
    compared = table[table.notna().sum(axis=1) >= 2]
    _joined(compared)
    values = compared.to_numpy()
    effects, covariance, residuals, free = _additive(values)
    variance = _ratio((residuals**2).sum(), free.sum())
    out = pd.DataFrame({"marks": table.notna().sum(), "mean": table.mean(), "effect": effects})
    out["standard_error"] = np.sqrt(variance * np.diag(covariance))
    out["residual_sd"] = np.sqrt(_ratio((residuals**2).sum(axis=0), free))
    out["correlation"] = _with_others(values - effects)
    return out


def without_each_evaluator(score: Callable[[pd.DataFrame], pd.Series], marks: pd.DataFrame, ties: str = "min") -> pd.DataFrame:
    """Totals and ranks as they would be had one evaluator not taken part, for each evaluator in turn.

    Args:
        score: from a frame like `marks` to the total of each ranked unit (higher is better).
        marks: as for the other functions; further columns are handed on to `score`.

    Returns:
        one row per evaluator left out (sorted) and ranked unit: `evaluator`, `unit`, `total`, `rank` (1 for
        the highest; equal totals share a rank by the rule for ties), `change_of_total` and `change_of_rank` (without the
        evaluator minus with all; a positive change of rank is a worse place). A unit for which nobody else
        gave a mark has no total, no rank and no change; the others are then ranked, before and after, among themselves.

    Raises:
        UserError: fewer than two evaluators; a unit without a total from all marks; marks that are no such frame.
    """
    evaluators = _several(_table(marks)).columns
    everyone = score(marks)
    if everyone.isna().any():
        names = ", ".join(map(str, everyone.index[everyone.isna()]))
        raise UserError(
            f"No total for {names} from the marks of all evaluators, so nothing can be compared with it. Add its marks or leave it out.",
            f"전체 평가위원의 점수로도 총점이 나오지 않아 비교할 수 없습니다: {names}. 해당 점수를 추가하거나 비교에서 제외하십시오.",
        )
    rows = [_without(name, score(marks[marks["evaluator"] != name]), everyone, ties) for name in evaluators]
    return pd.concat(rows, ignore_index=True)


def rank_drivers(frame: pd.DataFrame) -> pd.DataFrame:
    """The evaluators whose leaving changes any rank, from the frame of `without_each_evaluator`.

    Returns:
        one row per such evaluator: `evaluator`, `units` (tuple of those that change rank or lose theirs),
        `largest_change` (places, without sign; missing where ranks are only lost). Empty where the ranking hangs on nobody.
    """
    changed = frame[frame["change_of_rank"].ne(0).fillna(True).astype(bool)]
    groups = changed.groupby("evaluator", sort=False)
    rows = [(name, tuple(group["unit"]), group["change_of_rank"].abs().max()) for name, group in groups]
    return pd.DataFrame(rows, columns=["evaluator", "units", "largest_change"]).astype({"largest_change": "Int64"})


def committee_agreement(marks: pd.DataFrame, draws: int, seed: int, level: float = 0.90) -> tuple[pd.DataFrame, pd.DataFrame, str]:
    """Agreement and severity of a committee as far as its marks allow.

    One evaluator, or committees without a unit in common, are no fault of the data: what cannot be told is left out.

    Args:
        marks: `unit`, `evaluator`, `value`.

    Returns:
        `bootstrap_agreement` and `severity`, each without rows where it cannot be told; and why, empty where both can.
    """
    found, why = [], []
    for compute in (lambda: bootstrap_agreement(marks, draws, seed, level), lambda: severity(marks)):
        try:
            found.append(compute())
        except UserError as error:
            found.append(pd.DataFrame())
            why.append(str(error))
    return found[0], found[1], " ".join(dict.fromkeys(why))


def agreement_of(data: pd.DataFrame, indicator: str, draws: int, seed: int) -> dict:
    """Agreement of the evaluators in a long table, each unit and item (and indicator) being one thing marked.

    Returns:
        `icc` and `severity` as frames, `measures` (point and bootstrap interval), `kendall_w` and `krippendorff_alpha`
        (by level of measurement) as mappings; `left_out`: what these marks do not allow, and why.

    Raises:
        UserError: no such indicator, or no evaluators.
    """
    if indicator and indicator not in set(data["indicator"]):
        listed = ", ".join(sorted(data["indicator"].unique()))
        raise UserError(f"The data have no indicator {indicator!r}; there are: {listed}.", f"자료에 지표 {indicator!r}이(가) 없습니다. 있는 지표: {listed}.")
    rows = data[data["indicator"] == indicator] if indicator else data
    if "evaluator" not in rows or rows["evaluator"].isna().all():
        raise UserError("Agreement needs the column 'evaluator'. Add it to the data.", "일치도를 계산하려면 'evaluator' 열이 필요합니다. 자료에 추가하십시오.")
    rows = unconflicted(rows).dropna(subset="evaluator")
    keys = ["unit", *([] if indicator else ["indicator"]), *(["item"] if "item" in rows and rows["item"].notna().any() else [])]
    marks = pd.DataFrame({"unit": rows[keys].fillna("").astype(str).agg("/".join, axis=1), "evaluator": rows["evaluator"].astype(str), "value": rows["value"]})
    told: dict[str, str] = {}

    def tried(name: str, compute: Callable, instead: object) -> object:
        """What these marks allow; the others stand without it."""
        try:
            return compute()
        except UserError as error:
            told[name] = str(error)
            return instead

    def plain(value: float) -> float | None:
        return None if value is None or value != value else float(value)

    measures = tried("measures", lambda: bootstrap_agreement(marks, draws, seed), pd.DataFrame())
    found = {
        "measures": measures.rename_axis("measure").reset_index() if len(measures) else measures,
        "icc": tried("icc", lambda: icc(marks).rename_axis("form").reset_index(), pd.DataFrame()),
        "kendall_w": {name: plain(value) for name, value in tried("kendall_w", lambda: kendall_w(marks), {"W": None}).items()},
        "krippendorff_alpha": {level: plain(tried(f"krippendorff_alpha_{level}", lambda level=level: krippendorff_alpha(marks, level), None)) for level in LEVELS_OF_MEASUREMENT},
        "severity": tried("severity", lambda: severity(marks).rename_axis("evaluator").reset_index(), pd.DataFrame()),
        "left_out": told,
    }
    if found["icc"].empty and found["severity"].empty and all(value is None for value in found["krippendorff_alpha"].values()):
        raise UserError(next(iter(told.values())), next(iter(told.values())))
    return found


def _table(marks: pd.DataFrame) -> pd.DataFrame:
    """Marks as units by evaluators, both sorted, missing where no mark was given; evaluators without any mark dropped."""
    values = _checked(marks)
    table = marks.assign(value=values).pivot(index="unit", columns="evaluator", values="value").dropna(axis=1, how="all")
    largest = table.abs().max().max()
    if not largest > 0:
        return table
    # Marks that are means differ in the last bits where they are equal; that is no difference.
    return table.round(12 - int(np.ceil(np.log10(largest))))


def _checked(marks: pd.DataFrame) -> pd.Series:
    """The values as numbers; UserError where the frame is not what the module's head says."""
    lacking = [column for column in COLUMNS if column not in marks.columns]
    if lacking:
        raise UserError(
            f"marks: no column {', '.join(lacking)}; it needs {', '.join(COLUMNS)}. Add or rename columns.",
            f"marks: 필요한 열({', '.join(COLUMNS)}) 가운데 없는 열이 있습니다: {', '.join(lacking)}. 열을 추가하거나 이름을 바꾸십시오.",
        )
    nameless = marks["unit"].isna() | marks["evaluator"].isna()
    if nameless.any():
        row = f"{marks.index[nameless][0]}"
        raise UserError(
            f"marks: {nameless.sum()} rows have no unit or no evaluator (first: row {row}). Fill in both or delete the row.",
            f"marks: 평가대상이나 평가위원이 빈 행이 {nameless.sum()}건 있습니다(첫째: {row}행). 두 칸을 채우거나 그 행을 지우십시오.",
        )
    pairs = marks.groupby(["unit", "evaluator"], observed=True).size()
    if (pairs > 1).any():
        (unit, evaluator), times = pairs.idxmax(), pairs.max()
        raise UserError(
            f"marks: {unit}, {evaluator} stands {times} times; an evaluator gives a unit one mark. Keep one row of each pair.",
            f"marks: {unit}, {evaluator} 점수가 {times}번 나옵니다. 한 평가위원이 한 대상에 주는 점수는 하나입니다. 한 행만 남기십시오.",
        )
    values = pd.to_numeric(marks["value"], errors="coerce").astype(float)
    wrong = (values.isna() & marks["value"].notna()) | np.isinf(values)
    if wrong.any():
        row = marks[wrong].iloc[0].astype(str)
        raise UserError(
            f"marks: {row['unit']}, {row['evaluator']}: {row['value']} is not a finite number. Mend the mark, or leave it empty if none was given.",
            f"marks: {row['unit']}, {row['evaluator']}: {row['value']}, 유한한 수가 아닙니다. 점수를 고치거나, 주지 않은 점수라면 비워 두십시오.",
        )
    return values


def _several(table: pd.DataFrame) -> pd.DataFrame:
    """The table itself; UserError where there are fewer than two evaluators to compare."""
    count = table.shape[1]
    if count < 2:
        raise UserError(
            f"marks: evaluators who gave marks: {count}; to compare them takes at least 2. Add the marks of the others.",
            f"marks: 점수를 준 평가위원이 {count}명입니다. 서로 비교하려면 2명 이상이어야 합니다. 다른 평가위원의 점수를 추가하십시오.",
        )
    return table


def _complete(table: pd.DataFrame) -> np.ndarray:
    """Which units have all marks, shape (units,); UserError where they or the evaluators are fewer than two."""
    full = table.notna().all(axis=1).to_numpy()
    if full.sum() >= 2 and table.shape[1] >= 2:
        return full
    counted = f"{full.sum()} of {len(table)} units have a mark from each evaluator ({table.shape[1]})"
    counted_ko = f"평가위원 {table.shape[1]}명이 모두 점수를 준 대상이 {len(table)}개 가운데 {full.sum()}개입니다"
    mend, mend_ko = "Add marks.", "점수를 추가하십시오."
    missing = table.isna().sum()
    if missing.max() > 0:
        mend = f"Add the missing marks, or leave out who gave few (most are missing from {missing.idxmax()}: {missing.max()})."
        mend_ko = f"빠진 점수를 채우거나, 점수를 적게 준 평가위원을 제외하십시오(가장 많이 빠진 평가위원: {missing.idxmax()}, {missing.max()}건)."
    raise UserError(
        f"marks: {counted}; agreement needs at least 2 such units and 2 evaluators. {mend}",
        f"marks: {counted_ko}. 일치도를 계산하려면 그런 대상과 평가위원이 각각 2 이상이어야 합니다. {mend_ko}",
    )


def _paired(table: pd.DataFrame) -> np.ndarray:
    """Which units have at least two marks, shape (units,); UserError where none has."""
    paired = (table.notna().sum(axis=1) >= 2).to_numpy()
    if not paired.any():
        raise UserError(
            f"marks: none of {len(table)} units has marks of two evaluators, so no agreement can be told. Add the marks of a second evaluator.",
            f"marks: 대상 {len(table)}개 가운데 평가위원 두 명 이상이 점수를 준 대상이 없어 일치도를 계산할 수 없습니다. 두 번째 평가위원의 점수를 추가하십시오.",
        )
    return paired


def _joined(table: pd.DataFrame) -> None:
    """UserError where evaluators fall into groups without a common unit: one group's severity cannot be told from its units."""
    given = table.notna().to_numpy().astype(int)
    groups, group = connected_components(given.T @ given, directed=False)
    if groups == 1:
        return
    names = "; ".join(", ".join(map(str, table.columns[group == number])) for number in range(groups))
    raise UserError(
        f"marks: evaluators without a unit in common cannot be compared (groups: {names}). Take one group at a time, or add marks "
        "on common units.",
        f"marks: 함께 평가한 대상이 없는 평가위원끼리는 비교할 수 없습니다(집단: {names}). 집단별로 따로 계산하거나 공통 대상의 점수를 추가하십시오.",
    )


def _ratio(above, below) -> np.ndarray:
    """Quotient; missing where the denominator, a variance or a number of marks, is not above 0."""
    above, below = np.broadcast_arrays(np.asarray(above, float), np.asarray(below, float))
    return np.divide(above, below, out=np.full(above.shape, np.nan), where=below > 0)


def _mean_squares(values: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, ...]:
    """Mean squares between units, within units, between evaluators, and residual (Shrout and Fleiss, table 1).

    Args:
        values: complete, shape (units, evaluators); counts: how often each unit counts, shape (draws, units).

    Returns:
        four arrays of shape (draws,); missing where a draw has fewer than two units.
    """
    n, k = counts.sum(axis=1), values.shape[1]
    x = values - values[0, 0]  # near 0, so that squares lose no digits; exactly 0 where all marks are the same
    per_unit, per_evaluator = x.mean(axis=1), _ratio(counts @ x, n[:, None])
    mean = per_evaluator.mean(axis=1)
    between = k * (counts @ per_unit**2 - n * mean**2)
    evaluators = n * ((per_evaluator - mean[:, None]) ** 2).sum(axis=1)
    total = counts @ (x**2).sum(axis=1) - n * k * mean**2
    least = ROUNDING * n * k * (x**2).max()
    between, evaluators, within, residual = (
        np.where(square > least, square, 0.0) for square in (between, evaluators, total - between, total - between - evaluators)
    )
    return tuple(
        _ratio(square, df)
        for square, df in ((between, n - 1), (within, n * (k - 1)), (evaluators, np.full(n.shape, k - 1)), (residual, (n - 1) * (k - 1)))
    )


def _single(between, residual, evaluators, n, k) -> np.ndarray:
    """ICC(2,1) from mean squares (Shrout and Fleiss). Without an own noise of evaluators it is ICC(3,1), and ICC(1,1)."""
    return _ratio(n * (between - residual), n * between + k * evaluators + (k * n - k - n) * residual)


def _of_the_mean(single: np.ndarray, k: int) -> np.ndarray:
    """Reliability of the mean of k marks from that of one: Spearman (1910) and Brown (1910), British Journal of Psychology 3."""
    below = 1 + (k - 1) * single
    return _ratio(k * single, np.where(below > ROUNDING, below, 0.0))


def _satterthwaite(between: float, residual: float, evaluators: float, n: int, k: int) -> float:
    """Degrees of freedom of ICC(2,.)'s noise, which mixes two mean squares (Shrout and Fleiss)."""
    # A negative estimate is one of no common variance: with a negative weight the formula runs to no degrees of freedom.
    rho = np.maximum(_single(between, residual, evaluators, n, k), 0)
    severity_noise, error = k * rho * evaluators, (n * (1 + (k - 1) * rho) - k * rho) * residual
    df = _ratio((severity_noise + error) ** 2, severity_noise**2 / (k - 1) + error**2 / ((n - 1) * (k - 1)))
    # Where there is no noise its degrees of freedom do not matter.
    return float(df) if np.isfinite(df) else float((n - 1) * (k - 1))


def _concordance(values: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Kendall's W corrected for ties, shape (draws,); a unit drawn twice is two tied units.

    Args:
        values: complete, shape (units, evaluators); counts: how often each unit counts, shape (draws, units).
    """
    n, k = counts.sum(axis=1), values.shape[1]
    rank_sums, ties = np.zeros(counts.shape), np.zeros(len(counts))
    for column in values.T:
        levels, code = np.unique(column, return_inverse=True)
        tied = counts @ (code[:, None] == np.arange(len(levels)))
        # Units with the same mark share the mean of the ranks that they take up.
        rank_sums += (tied.cumsum(axis=1) - (tied - 1) / 2)[:, code]
        ties += (tied**3 - tied).sum(axis=1)
    spread = (counts * (rank_sums - k * (n[:, None] + 1) / 2) ** 2).sum(axis=1)
    return _ratio(12 * spread, k**2 * (n**3 - n) - k * ties)


def _difference(values: np.ndarray, totals: np.ndarray, level_of_measurement: str) -> np.ndarray:
    """Squared difference of every two values, shape (values, values); `totals` counts each value (Krippendorff 2011)."""
    if level_of_measurement == "nominal":
        return 1.0 - np.eye(len(values))
    if level_of_measurement == "ordinal":
        place = totals.cumsum() - totals / 2  # marks below, and half of those equal
        return np.subtract.outer(place, place) ** 2
    if level_of_measurement == "interval":
        return np.subtract.outer(values, values) ** 2
    if level_of_measurement == "ratio":
        if values[0] < 0:
            raise UserError(
                f"marks: {values[0]:g} is below 0; a ratio scale begins at 0. Mend the mark or take the level interval.",
                f"marks: {values[0]:g}, 0보다 작은 점수가 있습니다. 비율척도는 0에서 시작합니다. 점수를 고치거나 등간척도(interval)로 계산하십시오.",
            )
        sums = np.add.outer(values, values)
        return np.divide(np.subtract.outer(values, values), sums, out=np.zeros(sums.shape), where=sums > 0) ** 2
    raise UserError(
        f"Unknown level of measurement {level_of_measurement!r}. Choose one of {', '.join(LEVELS_OF_MEASUREMENT)}.",
        f"알 수 없는 측정 수준입니다: {level_of_measurement!r}. {', '.join(LEVELS_OF_MEASUREMENT)} 가운데 하나를 고르십시오.",
    )


def _interval_alpha(values: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Krippendorff's alpha of the level interval, shape (draws,), from sums of squares: pairs need not be formed.

    The squared differences of all pairs among m marks sum to 2 m times the sum of squares about their mean.

    Args:
        values: shape (units, evaluators), two marks or more in every unit; counts: how often each unit counts, (draws, units).
    """
    x = values - values[~np.isnan(values)][0]
    m = (~np.isnan(x)).sum(axis=1)
    within = np.nansum((x - np.nanmean(x, axis=1, keepdims=True)) ** 2, axis=1) * m / (m - 1)
    total = counts @ m
    spread = counts @ np.nansum(x**2, axis=1) - (counts @ np.nansum(x, axis=1)) ** 2 / np.maximum(total, 1)
    spread = np.where(spread > ROUNDING * total * np.nanmax(x**2), spread, 0.0)
    return 1 - _ratio((total - 1) * (counts @ within), total * spread)


def _alphas(values: np.ndarray, counts: np.ndarray) -> dict[str, np.ndarray]:
    """Krippendorff's alpha at every level of measurement, each of shape (draws,).

    Args:
        values: shape (units, evaluators), two marks or more in every unit; counts: how often each unit counts, (draws, units).
    """
    out = dict.fromkeys(LEVELS_OF_MEASUREMENT, np.full(len(counts), np.nan)) | {"interval": _interval_alpha(values, counts)}
    given = ~np.isnan(values)
    levels, code = np.unique(values[given], return_inverse=True)
    if len(levels) > MOST_VALUES:
        return out
    each = np.zeros((len(values), len(levels)))
    np.add.at(each, (np.nonzero(given)[0], code), 1)
    m = each.sum(axis=1)
    totals = counts @ each
    n = totals.sum(axis=1)
    # Squared differences of ranks: as at the level interval, with each mark's place among those drawn for its value.
    place = totals.cumsum(axis=1) - totals / 2
    within = (m / (m - 1))[:, None] * (each @ place.T**2 - (each @ place.T) ** 2 / m[:, None])
    spread = (totals * place**2).sum(axis=1) - (totals * place).sum(axis=1) ** 2 / np.maximum(n, 1)
    out["ordinal"] = 1 - _ratio((n - 1) * (counts * within.T).sum(axis=1), n * np.where(spread > ROUNDING * (totals * place**2).sum(axis=1), spread, 0.0))
    for level in ("nominal", "ratio") if levels[0] >= 0 else ("nominal",):
        apart = _difference(levels, totals[0], level)
        observed = counts @ (((each @ apart) * each).sum(axis=1) / (m - 1))
        out[level] = 1 - _ratio((n - 1) * observed, ((totals @ apart) * totals).sum(axis=1))
    return out


def _additive(values: np.ndarray) -> tuple[np.ndarray, ...]:
    """Least squares of value = unit + evaluator, the units eliminated first (Searle 1971, 7.1).

    Args:
        values: shape (units, evaluators), missing where no mark was given, two marks or more in every unit.

    Returns:
        effects of evaluators, sum 0, shape (evaluators,); their covariance for residuals of variance 1, shape
        (evaluators, evaluators); residuals, shape (units, evaluators), 0 where no mark was given; degrees of
        freedom left in each evaluator's residuals, shape (evaluators,).
    """
    given = ~np.isnan(values)
    share = given / given.sum(axis=1, keepdims=True)
    deviations = np.where(given, values - np.nanmean(values, axis=1, keepdims=True), 0.0)
    # Marks tell only differences between evaluators. Adding what the mean effect lacks, and taking it off again, gives the
    # solution that sums to 0: the pseudo-inverse, but without its guess at which eigenvalue is the one of 0.
    information = np.diag(given.sum(axis=0)) - given.T @ share
    mean = np.full(information.shape, 1 / len(information))
    size = np.trace(information)
    covariance = np.linalg.inv(information + size * mean) - mean / size
    effects = covariance @ deviations.sum(axis=0)
    residuals = np.where(given, deviations - effects + (share @ effects)[:, None], 0.0)
    # How far each fitted mark follows the mark itself: the diagonal of the projection on units and evaluators.
    spread = share @ covariance
    leverage = 1 / given.sum(axis=1, keepdims=True) + np.diag(covariance) - 2 * spread + (spread * share).sum(axis=1, keepdims=True)
    free = np.where(given, 1 - leverage, 0.0).sum(axis=0)
    return effects, covariance, residuals, np.where(free > 1e-9, free, 0.0)


def _with_others(values: np.ndarray) -> np.ndarray:
    """Correlation over units of each evaluator's marks with the mean of the others', shape (evaluators,)."""
    given = ~np.isnan(values)
    own = np.where(given, values, 0.0)
    others = (own.sum(axis=1, keepdims=True) - own) / (given.sum(axis=1, keepdims=True) - 1).clip(1)
    return np.array([_correlation(own[marked, j], others[marked, j]) for j, marked in enumerate(given.T)])


def _correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Pearson's correlation; missing for fewer than three pairs, which always lie on a line, and where one side does not vary."""
    if len(a) < 3 or any(np.ptp(x) <= 1e-9 * np.abs(x).max() for x in (a, b)):
        return np.nan
    return float(np.corrcoef(a, b)[0, 1])


def _without(name, left: pd.Series, everyone: pd.Series, ties: str) -> pd.DataFrame:
    """The rows of `without_each_evaluator` of one evaluator; `left`, `everyone`: totals per unit without and with the evaluator."""
    left = left.reindex(everyone.index).astype(float)
    ranked = left.notna()
    before, after = (
        pd.Series(rank(totals[ranked], ties), index=left.index[ranked]).reindex(left.index).astype("Int64") for totals in (everyone, left)
    )
    columns = {"evaluator": name, "unit": left.index, "total": left, "rank": after}
    return pd.DataFrame(columns | {"change_of_total": left - everyone, "change_of_rank": after - before}).reset_index(drop=True)
