"""The simulated evaluation of the six headquarters, 2010 to 2014, and of the eleven, 2015 and 2016.

Behind the marks stands a latent quality per headquarters and year, on the scale of marks; it persists
and changes a little, so that ranks move. The five components of the index follow it with deviations
of their own. A headquarters of 2015 starts from the quality of the one whose territory it took over.
"""

import numpy as np
import pandas as pd

from evaluation.simulation.registry import (
    PAN_REGIONAL_SINCE,
    REGIONAL,
    REGIONAL_SINCE,
)
from evaluation.simulation.tables import ar1, stream

YEARS = range(PAN_REGIONAL_SINCE, REGIONAL_SINCE)
REGIONAL_YEARS = range(REGIONAL_SINCE, 2017)
EVALUATORS = [f"E{number:02d}" for number in range(1, 10)]

# Mean quality of a headquarters, on the scale of marks.
QUALITY = {
    "seoul_metropolitan": 84.0,
    "chungcheong": 78.0,
    "honam": 80.0,
    "daekyung": 83.5,
    "dongnam": 84.0,
    "gangwon": 74.0,
}
QUALITY_SD, QUALITY_RHO = 1.2, 0.8  # change over the years around the mean
SPLIT_SD = 1.0  # of a new headquarters around the one whose territory it took over, lasting
COMPONENT_SD = 1.0  # deviation of a component from the quality, lasting
SEVERITY_SD, MARK_SD = 2.5, 3.0  # between evaluators, and of a single mark
MC_SD, MC_RHO = 2.5, 0.7  # of a mini cluster around its headquarters
MARK_RANGE = (50.0, 100.0)
DIFFICULTY_LEVEL = -3.0  # marks of difficulty are lower than the quality by this much
CONFLICTS = 0.02  # share of pairs of evaluator and mini cluster with a conflict of interest

QUALITATIVE = ("business_model", "regional_collaboration")
# indicator, kind, range of targets
QUANTITATIVE = (
    ("commercialised_projects", "result", (20, 60)),
    ("patents", "result", (30, 120)),
    ("networking_activities", "performance", (100, 300)),
)
ACHIEVEMENT_SD = 0.12  # of actual over target
PROMOTION_TARGETS = (40, 120)

RESPONDENTS = (40, 81)  # per headquarters and year, upper end excluded
GROUPS = ("company", "expert", "organisation")
GROUP_SHARES = (0.65, 0.20, 0.15)
ITEMS = {f"q{number}": "participant_satisfaction" if number <= 4 else "strategy_effectiveness" for number in range(1, 8)}
ANSWER_LEVEL, ANSWER_PER_QUALITY = 5.3, 0.06  # mean answer at quality 79, and per point above it
ANSWER_CENTRE = 79.0
RESPONDENT_SD, ITEM_SD, ANSWER_SD = 0.6, 0.15, 0.7
NO_ANSWER = 0.02
RESPONSE_RATES = (0.35, 0.75)  # of those asked
ASKED = {"company": (0.2, 0.5), "expert": (0.5, 1.0), "organisation": (0.6, 1.0)}  # share of a group that is asked


def tables(mini_clusters: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The evaluation tables of each year, by file name.

    Args:
        mini_clusters: of `registry.with_regional_owners`.
    """
    quality = latent_quality()
    owned = {since: rows.reset_index(drop=True) for since, rows in mini_clusters.groupby("since")}
    own = _of_mini_clusters(owned[PAN_REGIONAL_SINCE]["mc_id"])
    files = {}
    for since, years, of_headquarters in (
        (PAN_REGIONAL_SINCE, YEARS, quality), (REGIONAL_SINCE, REGIONAL_YEARS, regional_quality(quality)),
    ):  # fmt: skip
        for year in years:
            files |= _of_year(year, owned[since], {component: values[year] for component, values in of_headquarters.items()}, own[year])
    return files


def _of_year(year: int, mini_clusters: pd.DataFrame, of_year: dict[str, pd.Series], own: pd.Series) -> dict[str, pd.DataFrame]:
    mc_quality = of_year["mc"].loc[mini_clusters["headquarters"]].set_axis(mini_clusters["mc_id"]) + own
    answers = _satisfaction(year, of_year["satisfaction"])
    return {
        f"evaluation/{year}/{name}.csv": table
        for name, table in {
            "mc_marks": _mc_marks(year, mini_clusters, mc_quality),
            "difficulty_marks": _difficulty_marks(year, of_year["difficulty"]),
            "common_indicators": _common_indicators(year, of_year["common"]),
            "headquarters_marks": _headquarters_marks(year, of_year["headquarters"]),
            "headquarters_indicators": _headquarters_indicators(year, of_year["headquarters"]),
            "satisfaction": answers,
            "satisfaction_invited": _satisfaction_invited(year, answers),
        }.items()
    }


def latent_quality() -> dict[str, pd.DataFrame]:
    """Quality behind each component: rows headquarters, columns years."""
    mean = np.array(list(QUALITY.values()))[:, None]
    change = QUALITY_SD * ar1(stream("quality").standard_normal((len(QUALITY), len(YEARS))), QUALITY_RHO)
    return {
        component: pd.DataFrame(
            mean + change + COMPONENT_SD * stream(f"quality/{component}").standard_normal((len(QUALITY), 1)),
            index=list(QUALITY),
            columns=YEARS,
        )
        for component in ("mc", "difficulty", "common", "headquarters", "satisfaction")
    }


def regional_quality(before: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Quality behind each component for the regional headquarters, from streams of their own.

    Args:
        before: of `latent_quality`; the last year of each is where its successors start.
    """
    new = np.array([[name != old] for name, old in REGIONAL.items()])
    split = SPLIT_SD * new * stream("quality/regional").standard_normal((len(REGIONAL), 1))
    steps = QUALITY_SD * np.sqrt(1 - QUALITY_RHO**2) * stream("quality/regional/change").standard_normal((len(REGIONAL), len(REGIONAL_YEARS)))
    return {
        component: pd.DataFrame(
            values.loc[list(REGIONAL.values()), [YEARS[-1]]].to_numpy() + split + steps.cumsum(axis=1)
            + COMPONENT_SD * new * stream(f"quality/regional/{component}").standard_normal((len(REGIONAL), 1)),
            index=list(REGIONAL),
            columns=REGIONAL_YEARS,
        )
        for component, values in before.items()
    }  # fmt: skip


def _of_mini_clusters(codes: pd.Series) -> pd.DataFrame:
    """Deviation of a mini cluster from its headquarters: rows mini clusters, columns years; it persists into the new ones."""
    first = ar1(stream("quality/mini clusters").standard_normal((len(codes), len(YEARS))), MC_RHO)
    later = stream("quality/regional/mini clusters").standard_normal((len(codes), len(REGIONAL_YEARS)))
    path = ar1(np.column_stack([first[:, -1], later]), MC_RHO)[:, 1:]
    return pd.DataFrame(MC_SD * np.column_stack([first, path]), index=codes, columns=[*YEARS, *REGIONAL_YEARS])


def _committee(name: str, year: int, quality: np.ndarray) -> np.ndarray:
    """Marks of the nine evaluators, who differ in severity: shape (units, 9)."""
    severity = SEVERITY_SD * stream(f"{year}/severity").standard_normal(len(EVALUATORS))
    noise = MARK_SD * stream(f"{year}/{name}").standard_normal((len(quality), len(EVALUATORS)))
    return np.clip(quality[:, None] + severity + noise, *MARK_RANGE)


def _long(keys: dict[str, list], marks: np.ndarray) -> pd.DataFrame:
    """One row per unit and evaluator; `keys` hold one value per unit."""
    units = {name: np.repeat(np.array(values, dtype=object), len(EVALUATORS)) for name, values in keys.items()}
    return pd.DataFrame({**units, "evaluator": EVALUATORS * len(marks), "mark": marks.ravel()})


def _mc_marks(year: int, mini_clusters: pd.DataFrame, quality: pd.Series) -> pd.DataFrame:
    marks = _committee("mc marks", year, quality.to_numpy())
    conflict = stream(f"{year}/conflicts").random(marks.shape) < CONFLICTS
    keys = {"year": [year] * len(marks), "mc_id": list(mini_clusters["mc_id"])}
    return _long(keys, np.where(conflict, np.nan, marks)).assign(conflict_of_interest=conflict.ravel().astype(int))


def _difficulty_marks(year: int, quality: pd.Series) -> pd.DataFrame:
    marks = _committee("difficulty marks", year, quality.to_numpy() + DIFFICULTY_LEVEL)
    return _long({"year": [year] * len(marks), "headquarters": list(quality.index)}, marks)


def _headquarters_marks(year: int, quality: pd.Series) -> pd.DataFrame:
    units = [(headquarters, indicator) for headquarters in quality.index for indicator in QUALITATIVE]
    marks = _committee("headquarters marks", year, np.repeat(quality.to_numpy(), len(QUALITATIVE)))
    headquarters, indicators = (list(values) for values in zip(*units, strict=True))
    return _long({"year": [year] * len(units), "headquarters": headquarters, "indicator": indicators}, marks)


def _common_indicators(year: int, quality: pd.Series) -> pd.DataFrame:
    generator = stream(f"{year}/common indicators")
    rows = []
    for headquarters, level in (quality - 80).items():
        target = int(generator.integers(*PROMOTION_TARGETS))
        promotion, execution, entry = generator.standard_normal(3)
        rows += [
            ("promotion", "cases", target, round(target * (0.98 + 0.01 * level + 0.06 * promotion))),
            ("budget_execution", "%", 100, np.clip(96 + 0.5 * level + 1.2 * execution, 90, 100)),
            ("system_entry", "%", 95, np.clip(93 + 0.6 * level + 1.5 * entry, 80, 100)),
        ]
    table = pd.DataFrame(rows, columns=["indicator", "unit", "target", "actual"])
    table.insert(0, "year", year)
    table.insert(1, "headquarters", np.repeat(quality.index.to_numpy(), 3))
    return table


def _headquarters_indicators(year: int, quality: pd.Series) -> pd.DataFrame:
    generator = stream(f"{year}/headquarters indicators")
    rows = []
    for headquarters, level in (quality - 80).items():
        for indicator, kind, targets in QUANTITATIVE:
            target = int(generator.integers(*targets))
            ratio = 1.0 + 0.015 * level + ACHIEVEMENT_SD * generator.standard_normal()
            rows.append((year, headquarters, indicator, kind, "cases", target, round(target * ratio)))
    return pd.DataFrame(rows, columns=["year", "headquarters", "indicator", "kind", "unit", "target", "actual"])


def _satisfaction(year: int, quality: pd.Series) -> pd.DataFrame:
    """Answers 1 to 7 of every respondent to every item; blank where there is none."""
    generator = stream(f"{year}/satisfaction")
    counts = generator.integers(*RESPONDENTS, size=len(quality))
    n = counts.sum()
    group = np.searchsorted(np.cumsum(GROUP_SHARES), generator.random(n), side="right")
    level = ANSWER_LEVEL + ANSWER_PER_QUALITY * (np.repeat(quality.to_numpy(), counts) - ANSWER_CENTRE)
    level = level[:, None] + RESPONDENT_SD * generator.standard_normal((n, 1))
    level = level + ITEM_SD * generator.standard_normal(len(ITEMS))
    answers = np.clip(np.rint(level + ANSWER_SD * generator.standard_normal((n, len(ITEMS)))), 1, 7)
    answers = np.where(generator.random(answers.shape) < NO_ANSWER, np.nan, answers)
    per_item = np.repeat(np.arange(n), len(ITEMS))
    return pd.DataFrame(
        {
            "year": year,
            "headquarters": np.repeat(quality.index.to_numpy(), counts)[per_item],
            "respondent": [f"R{number:04d}" for number in per_item + 1],
            "group": np.array(GROUPS)[group][per_item],
            "part": list(ITEMS.values()) * n,
            "item": list(ITEMS) * n,
            "response": pd.array(answers.ravel()).astype("Int64"),
        }
    )


def _satisfaction_invited(year: int, answers: pd.DataFrame) -> pd.DataFrame:
    """How many of each group were asked, and how many it has, fitting those who answered."""
    generator = stream(f"{year}/satisfaction invited")
    people = answers.drop_duplicates(["headquarters", "respondent"]).groupby(["headquarters", "group"], sort=False).size()
    rows = []
    for headquarters in answers["headquarters"].unique():
        for group in GROUPS:
            invited = max(1, round(people.get((headquarters, group), 0) / generator.uniform(*RESPONSE_RATES)))
            rows.append((year, headquarters, group, invited, round(invited / generator.uniform(*ASKED[group]))))
    return pd.DataFrame(rows, columns=["year", "headquarters", "group", "invited", "population"])
