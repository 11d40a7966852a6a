"""Satisfaction by group of respondents, weighted to the population, without giving single answers away.

A respondent's answers are averaged and carried to 0..100; respondents are then a sample of their group. Where a group
answered more than its share, the unit's score is weighted back to the groups' shares of the population
(post-stratification). Non-response within a group is taken to be unrelated to satisfaction; no weight can mend that.

Sources: Cochran (1977), Sampling Techniques, chapter 5 (stratified variance and, equation 5.16, its degrees of freedom)
and section 5A.9 (post-stratification); Holt and Smith (1979), "Post stratification", Journal of the Royal Statistical Society A 142 (the
variance given the groups' numbers of respondents); Hundepool et al. (2012), Statistical Disclosure Control, chapter 4
(primary and complementary suppression).
"""

import numpy as np
import pandas as pd
from scipy import stats

from evaluation.errors import UserError
from evaluation.index.columns import named, need, numbers, positive

ALL = "all"
KEYS = ["unit", "group"]
SHOWN = ["score", "lower", "upper"]
WEIGHTED = [f"weighted_{name}" for name in SHOWN]
COLUMNS = [*KEYS, "respondents", "invited", "response_rate", *SHOWN, *WEIGHTED, "suppressed"]


def by_group(answers: pd.DataFrame, scale: dict, invited: pd.DataFrame | None = None, level: float = 0.90, smallest: int = 5) -> pd.DataFrame:
    """Scores with intervals per group and per unit.

    Intervals are t intervals over respondents, cut off at 0 and 100, with variances s^2 / n (1 - n / N), and without the
    factor in brackets where no N is known. The weighted score of a unit is sum(W_g mean_g) with W_g = N_g / N over the
    groups that answered, its variance sum(W_g^2 s_g^2 / n_g (1 - n_g / N_g)) given the n_g, with Satterthwaite's degrees
    of freedom. A group of one respondent borrows the pooled s^2 of the unit's other groups for that; on its own it has no
    interval.

    Suppression: a group of fewer than `smallest` respondents (but not 0) shows neither its number nor a score. Since the
    unit's own row is shown, the next smallest groups go too until at least two are suppressed that have `smallest`
    respondents together: the difference to the whole then tells of no fewer. The weighted scores are a second equation
    over the same groups, so they are shown only where no group or at least three are suppressed. A unit with fewer than
    `smallest` respondents shows nothing.

    Args:
        answers: `unit`, `group`, `respondent` (unique within the unit), `value` (missing: no answer), and `item` where
            several questions were asked. scale: {"lower": …, "upper": …} of the answers.
        invited: `unit`, `group`, `invited` (number asked), and `population` where known (number in the group; those asked
            where it is missing). None or empty: no response rates, weights and corrections.
        level: of the intervals, 0..1; smallest: respondents that a group needs to be shown.

    Returns:
        COLUMNS, units sorted, their groups in the order of `invited` (else of `answers`), then group "all".
        `respondents` have answered at least once (missing where suppressed), `response_rate` is in per cent, scores and
        bounds lie on 0..100. `weighted_…` is only in rows "all", and missing without `invited`.

    Raises:
        UserError: more respondents than invited; a group that `invited` lacks, or has twice; a number invited that is not
            above 0, or above the population; a respondent in two groups, or with two answers to an item; answers outside
            the scale; a group called "all"; a column or key that is missing; a level, scale or smallest that is none.
    """
    _check_settings(scale, level, smallest)
    answers = _checked_answers(answers)
    _check_within(answers, scale)
    means = _respondent_means(answers)
    scores = 100 * (means - scale["lower"]) / (scale["upper"] - scale["lower"])
    groups = _groups(answers, means, invited)
    if groups.empty:
        return pd.DataFrame(columns=COLUMNS)
    whole = groups.groupby(level="unit").sum(min_count=1)
    for frame, by in ((groups, KEYS), (whole, "unit")):
        per = scores.groupby(level=by)
        frame["score"], frame["variance"] = per.mean().reindex(frame.index), per.var().reindex(frame.index)
    hidden = groups.groupby(level="unit")["respondents"].transform(lambda n: _hidden(n.to_numpy(), smallest)).astype(bool)
    groups["suppressed"], whole["suppressed"] = hidden, whole["respondents"].between(1, smallest - 1)
    whole[WEIGHTED] = _stratified(groups[groups["respondents"] > 0], level).reindex(whole.index)
    # Two suppressed groups are two unknowns: the unweighted and the weighted score would be two equations in them.
    whole.loc[hidden.groupby(level="unit").sum().between(1, 2), WEIGHTED] = np.nan
    out = pd.concat([groups.reset_index(), whole.reset_index().assign(group=ALL)], ignore_index=True).sort_values("unit", kind="stable", ignore_index=True)
    factor = 1 - (out["respondents"] / out["population"]).fillna(0)
    out["lower"], out["upper"] = _bounds(out["score"], out["variance"] / out["respondents"] * factor, out["respondents"] - 1, level)
    out["response_rate"] = 100 * out["respondents"] / out["invited"]
    out["respondents"] = out["respondents"].astype("Int64")
    out.loc[out["suppressed"].astype(bool), ["respondents", "response_rate", *SHOWN, *WEIGHTED]] = np.nan
    return out.reindex(columns=COLUMNS).astype({"suppressed": bool})


def weights(answers: pd.DataFrame, invited: pd.DataFrame) -> pd.Series:
    """The post-stratification weight of each row's respondent.

    Args:
        answers, invited: as for `by_group`.

    Returns:
        the group's share of the population / its share of the respondents, both within the unit and over groups that
        answered; its mean over the unit's respondents is 1. Index of `answers`; missing for who never answered.

    Raises:
        UserError: as for `by_group`; no `invited`.
    """
    if invited is None or invited.empty:
        raise UserError("invited: weights need the number invited per unit and group. Give the table.", "invited: 가중치에는 단위·그룹별 초청 인원이 필요합니다. 표를 넣으십시오.")
    index = answers.index
    answers = _checked_answers(answers)
    groups = _groups(answers, _respondent_means(answers), invited)
    answered = groups[groups["respondents"] > 0]
    shares = {name: answered[name] / answered.groupby(level="unit")[name].transform("sum") for name in ("population", "respondents")}
    keys = pd.MultiIndex.from_frame(answers[KEYS])
    found = (shares["population"] / shares["respondents"]).reindex(keys).to_numpy()
    # A group may have answers while one of its members has none.
    gave = answers.groupby(["unit", "respondent"], sort=False)["value"].transform("count").to_numpy() > 0
    return pd.Series(np.where(gave, found, np.nan), index=index, name="weight")


def _stratified(groups: pd.DataFrame, level: float) -> pd.DataFrame:
    """WEIGHTED of each unit from its groups with respondents, of index (unit, group)."""

    def over(values: pd.Series) -> pd.Series:
        return values.groupby(level="unit").transform("sum")

    n, population = groups["respondents"], groups["population"]
    share, free = population / over(population), n - 1
    each = share**2 / n * (1 - n / population)
    # Groups of one take the pooled variance: what they add falls on the other groups' s^2 as these have degrees of freedom.
    lent, pooled = over(each.where(free == 0, 0.0)), over(free)
    terms = ((each + lent * free / pooled.where(pooled > 0)) * groups["variance"]).where(free > 0, 0.0)
    table = pd.DataFrame({"mean": share * groups["score"], "terms": terms.mask((lent > 0) & (pooled == 0)), "squares": terms**2 / free.where(free > 0)})
    sums = table.groupby(level="unit").agg({"mean": lambda one: one.sum(skipna=False), "terms": lambda one: one.sum(skipna=False), "squares": "sum"})
    lower, upper = _bounds(sums["mean"], sums["terms"], sums["terms"] ** 2 / sums["squares"], level)
    return pd.DataFrame(dict(zip(WEIGHTED, (sums["mean"], lower, upper), strict=True)))


def _bounds(score: pd.Series, variance: pd.Series, df: pd.Series, level: float) -> tuple[pd.Series, pd.Series]:
    """The t interval around a score, on 0..100; missing where the variance is."""
    half = (stats.t.ppf((1 + level) / 2, df.where(df > 0, 1)) * np.sqrt(variance)).mask(variance == 0, 0.0)
    return (score - half).clip(0, 100), (score + half).clip(0, 100)


def _hidden(n: np.ndarray, smallest: int) -> np.ndarray:
    """Which groups of one unit are suppressed, of their numbers of respondents."""
    hidden = (n > 0) & (n < smallest)
    if n.sum() < smallest or not hidden.any():
        return hidden
    for group in np.argsort(n, kind="stable"):
        if n[hidden].sum() >= smallest:  # then they are two at least
            break
        hidden[group] |= n[group] > 0
    return hidden


def _respondent_means(answers: pd.DataFrame) -> pd.Series:
    """Mean answer of each respondent with any, in the scale of the answers; index (unit, group, respondent)."""
    return answers.groupby([*KEYS, "respondent"], sort=False)["value"].mean().dropna()


def _groups(answers: pd.DataFrame, means: pd.Series, invited: pd.DataFrame | None) -> pd.DataFrame:
    """`respondents`, `invited`, `population` of every group; index (unit, group), units sorted."""
    asked = None if invited is None or invited.empty else _checked_invited(invited)
    keys = pd.MultiIndex.from_frame(answers[KEYS].drop_duplicates() if asked is None else asked.reset_index()[KEYS]).sortlevel("unit", sort_remaining=False)[0]
    lacking = pd.MultiIndex.from_frame(answers[KEYS].drop_duplicates()).difference(keys)
    if len(lacking):
        unit, group = lacking[0]
        raise UserError(
            f"invited: the group {group!r} of {unit} has answers but is not in the table. Add its row, or mend the name.",
            f"invited: {unit}의 그룹 {group!r}에 응답이 있으나 표에 없습니다. 행을 추가하거나 이름을 고치십시오.",
        )
    out = pd.DataFrame({"respondents": means.groupby(level=KEYS).size().reindex(keys, fill_value=0)}, index=keys)
    for name in ("invited", "population"):
        out[name] = np.nan if asked is None else asked[name].reindex(keys)
    more = out[out["respondents"] > out["invited"]]
    if not more.empty:
        (unit, group), row = more.index[0], more.iloc[0]
        raise UserError(
            f"invited: the group {group!r} of {unit} has {row['respondents']:g} respondents, but {row['invited']:g} were invited. Mend the number, or the answers.",
            f"invited: {unit}의 그룹 {group!r}은(는) 응답자가 {row['respondents']:g}명인데 초청 인원은 {row['invited']:g}명입니다. 인원이나 응답을 고치십시오.",
        )
    return out


def _checked_invited(invited: pd.DataFrame) -> pd.DataFrame:
    """`invited` and `population` as floats, index (unit, group); those asked where no population is given."""
    need(invited, [*KEYS, "invited"], "invited")
    _check_keys(invited, "invited")
    out = invited[KEYS].assign(invited=numbers(invited, "invited", "invited"))
    out["population"] = (numbers(invited, "population", "invited") if "population" in invited else out["invited"]).fillna(out["invited"])
    for number in np.flatnonzero(~(out["invited"] > 0) | (out["population"] < out["invited"])):
        row = out.iloc[number]
        told = named(row)
        if not row["invited"] > 0:
            raise UserError(
                f"invited: {told} has {row['invited']:g} invited; give a number above 0.",
                f"invited: {told}의 초청 인원이 {row['invited']:g}입니다. 0보다 큰 수로 쓰십시오.",
            )
        raise UserError(
            f"invited: {told} has {row['invited']:g} invited but a population of {row['population']:g}. Mend them; leave an unknown population empty.",
            f"invited: {told}의 초청 인원은 {row['invited']:g}명인데 모집단은 {row['population']:g}명입니다. 값을 고치고, 모집단을 모르면 비워 두십시오.",
        )
    for number in np.flatnonzero(out.duplicated(KEYS)):
        told = named(out.iloc[number])
        raise UserError(f"invited: {told} stands more than once. Keep one row.", f"invited: {told} 행이 여러 번 나옵니다. 하나만 남기십시오.")
    return out.set_index(KEYS)


def _checked_answers(answers: pd.DataFrame) -> pd.DataFrame:
    """The answers with values as floats and rows numbered; UserError where respondents or keys will not do."""
    need(answers, [*KEYS, "respondent", "value"], "answers")
    _check_keys(answers, "answers")
    answers = answers.assign(value=numbers(answers, "value", "answers")).reset_index(drop=True)
    who = ["unit", "respondent"]
    for row in answers[answers.groupby(who)["group"].transform("nunique") > 1].itertuples():
        raise UserError(
            f"answers: {row.unit}, {row.respondent} is in more than one group. Give every respondent one group.",
            f"answers: {row.unit}, {row.respondent} 응답자가 여러 그룹에 있습니다. 응답자마다 그룹 하나를 쓰십시오.",
        )
    if "item" in answers:
        for row in answers[answers["item"].notna() & answers.duplicated([*who, "item"])].itertuples():
            raise UserError(
                f"answers: {row.unit}, {row.respondent} answered {row.item} more than once. Keep one row.",
                f"answers: {row.unit}, {row.respondent} 응답자의 {row.item} 응답이 여러 개입니다. 하나만 남기십시오.",
            )
    return answers


def _check_within(answers: pd.DataFrame, scale: dict) -> None:
    for row in answers[(answers["value"] < scale["lower"]) | (answers["value"] > scale["upper"])].itertuples():
        told, bounds = f"{row.unit}, {row.respondent}: {row.value:g}", f"{scale['lower']:g}..{scale['upper']:g}"
        raise UserError(
            f"answers: {told} lies outside the scale {bounds}. Mend the answer or the scale.", f"answers: {told} 응답이 척도({bounds})를 벗어납니다. 응답이나 척도를 고치십시오."
        )


def _check_keys(frame: pd.DataFrame, what: str) -> None:
    keys = [*KEYS, *(["respondent"] if "respondent" in frame else [])]
    for number in np.flatnonzero(frame[keys].isna().any(axis=1)):
        told = named(frame.iloc[number])
        raise UserError(f"{what}: a row lacks one of {', '.join(keys)} ({told}). Fill it in.", f"{what}: {', '.join(keys)} 중 빈 값이 있는 행이 있습니다({told}). 채우십시오.")
    if (frame["group"] == ALL).any():
        raise UserError(
            f"{what}: a group is called {ALL!r}, which stands for the whole unit. Name it otherwise.",
            f"{what}: 그룹 이름 {ALL!r}은(는) 전체를 뜻합니다. 다른 이름을 쓰십시오.",
        )


def _check_settings(scale: dict, level: float, smallest: int) -> None:
    lower, upper = scale.get("lower", np.nan), scale.get("upper", np.nan)
    if not lower < upper:
        raise UserError(f"scale is {scale!r}; give lower and upper, lower first.", f"scale 값이 {scale!r}입니다. lower < upper로 쓰십시오.")
    if not 0 < level < 1:
        raise UserError(f"level is {level!r}; give a number between 0 and 1, such as 0.90.", f"level 값이 {level!r}입니다. 0과 1 사이의 수로 쓰십시오(예: 0.90).")
    positive("smallest", smallest, whole=True)
