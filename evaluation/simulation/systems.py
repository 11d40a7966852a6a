"""Simulated exports of the Cluster Management System (CMS) and of RCMS, 2010 to 2016.

They tell the same year as the simulated marks: action plans add up to the headquarters' indicators, the budget is
executed to the share that the common indicator gives, selection committees decide on the projects that are listed.
The pool of experts has the printed numbers of 2010. Everything else is drawn. In 2015 the experts and the supporting
organisations of a headquarters that was split go to one of its successors each.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from evaluation.simulation.registry import (
    PAN_REGIONAL_SINCE,
    REGIONAL,
    REGIONAL_SINCE,
)
from evaluation.simulation.tables import read, stream

COMMITTEES = {"selection": 4, "interim": 2, "final": 2}  # meetings per headquarters and year
COMMITTEE_SIZE = (5, 10)
MEMBERS = {"company_members": (35, 105), "university_members": (4, 16), "institute_members": (1, 9), "organisation_members": (4, 16)}
PARTICIPANTS = (6, 13)  # per network activity
ORGANISATIONS = (14, 29)  # per headquarters
JOINING = (1, 4)  # per regional headquarters, in its first years
ORGANISATION_TYPES = {"local_government": 0.2, "university": 0.3, "institute": 0.15, "techno_park": 0.1, "association": 0.2, "other": 0.05}
APPLICATIONS = (16, 41)  # per mini cluster
# The five kinds of support of the company growth project, 2010: share of the applications, least and most support (KRW mn),
# and the company's own funds over the support.
SUPPORT = {
    "commercialisation": (0.12, 30, 200, 1 / 3),
    "product_manufacturing": (0.25, 10, 50, 2 / 3),
    "marketing": (0.33, 3, 10, 3 / 7),
    "training": (0.10, 5, 50, 1 / 4),
    "comprehensive_support": (0.20, 1, 3, 3 / 7),
}
SUPPORT_KO = {"commercialisation": "사업화", "product_manufacturing": "제품 제작", "marketing": "마케팅", "training": "교육훈련", "comprehensive_support": "종합지원"}
SIZES = {"under_50": 0.753, "50_to_300": 0.218, "over_300": 0.029}  # of 8,234 applications, 2005 to 2009, as printed
STATUS = {"rejected": 0.25, "completed": 0.62, "running": 0.11, "stopped": 0.02}
GROWTH_SHARE = 0.6  # of the budget that goes to company growth
OTHER_PROGRAMMES = {"alliance_operation": 0.5, "inter_regional_alliance": 0.15, "knowledge_agglomeration": 0.2, "global_competitiveness": 0.15}
CASES = (2, 6)  # per headquarters
SECTORS = {"Business administration": "business", "Technology": "technology"}
AFFILIATIONS = {"University": "university", "Institute": "institute", "Supporting organization": "organisation", "Others": "other"}


def tables(published_dir: Path, mini_clusters: pd.DataFrame, evaluation: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """The eight tables of each year, by file name.

    Args:
        mini_clusters: of `evaluation.simulation.registry.with_regional_owners`.
        evaluation: of `evaluation.simulation.marks.tables`, whose indicators they agree with.
    """
    years = sorted({int(name.split("/")[1]) for name in evaluation})
    owned = {since: rows.reset_index(drop=True) for since, rows in mini_clusters.groupby("since")}
    headquarters = list(dict.fromkeys(evaluation[f"evaluation/{years[0]}/common_indicators.csv"]["headquarters"]))
    pool = _pool(published_dir, headquarters)
    before, since = ([year for year in years if (year >= REGIONAL_SINCE) == later] for later in (False, True))
    organisations = _organisations(headquarters, before)
    files = _of_years(before, headquarters, owned[PAN_REGIONAL_SINCE], pool, organisations, evaluation)
    pool, organisations = _handed_on("experts/2015", pool), _handed_on("organisations/2015", organisations)
    return files | _of_years(since, list(REGIONAL), owned[REGIONAL_SINCE], pool, _joined_by(organisations, since), evaluation)


def _of_years(
    years: list[int], headquarters: list[str], mini_clusters: pd.DataFrame, pool: pd.DataFrame, organisations: pd.DataFrame, evaluation: dict[str, pd.DataFrame]
) -> dict[str, pd.DataFrame]:
    files = {}
    for year in years:
        common, own = (evaluation[f"evaluation/{year}/{name}.csv"] for name in ("common_indicators", "headquarters_indicators"))
        projects = _projects(year, mini_clusters)
        plans = _action_plans(year, mini_clusters, own)
        for name, table in {
            "cms_mini_clusters": _mini_clusters(year, mini_clusters, plans),
            "cms_committees": _committees(year, headquarters, mini_clusters, projects),
            "cms_alliances": organisations[organisations["joined"] <= year].assign(year=year)[["year", *organisations.columns]],
            "cms_experts": _experts(year, pool),
            "cms_action_plans": plans,
            "cms_projects": projects,
            "cms_cases": _cases(year, headquarters, mini_clusters, projects),
            "rcms_execution": _execution(year, headquarters, mini_clusters, projects, common),
        }.items():
            files[f"programme/{year}/{name}.csv"] = table
    return files


def _among(generator: np.random.Generator, shares: dict[str, float], n: int) -> np.ndarray:
    place = np.searchsorted(np.cumsum(list(shares.values())), generator.random(n), side="right")
    return np.array(list(shares), dtype=object)[np.minimum(place, len(shares) - 1)]


def _parts(generator: np.random.Generator, total: int, n: int) -> np.ndarray:
    """A whole number in n whole parts of about the same size, none negative."""
    weights = 0.5 + generator.random(n)
    exact = total * weights / weights.sum()
    parts = np.floor(exact).astype(int)
    parts[np.argsort(parts - exact, kind="stable")[: total - parts.sum()]] += 1
    return parts


def _pool(published_dir: Path, headquarters: list[str]) -> pd.DataFrame:
    printed = read(published_dir, "expert_pool")
    printed = printed[printed["sector"].isin(SECTORS) & printed["affiliation"].isin(AFFILIATIONS)]
    counts = printed["value"].astype(int)
    pool = pd.DataFrame(
        {
            "sector": np.repeat(printed["sector"].map(SECTORS).to_numpy(), counts),
            "affiliation": np.repeat(printed["affiliation"].map(AFFILIATIONS).to_numpy(), counts),
        }
    )
    pool.insert(0, "expert", [f"X{number:04d}" for number in range(1, len(pool) + 1)])
    pool.insert(1, "headquarters", np.array(headquarters, dtype=object)[stream("experts").integers(0, len(headquarters), len(pool))])
    return pool


def _experts(year: int, pool: pd.DataFrame) -> pd.DataFrame:
    generator = stream(f"{year}/consultations")
    asked = generator.random(len(pool)) < 0.4
    table = pool.assign(consultations=np.where(asked, generator.integers(1, 7, len(pool)), 0))
    table.insert(0, "year", year)
    return table


def _organisations(headquarters: list[str], years: list[int]) -> pd.DataFrame:
    generator = stream("organisations")
    rows = []
    for name in headquarters:
        n = int(generator.integers(*ORGANISATIONS))
        types = _among(generator, ORGANISATION_TYPES, n)
        joined = np.where(generator.random(n) < 0.8, years[0], years[0] + generator.integers(0, len(years), n))
        rows += [(name, f"S{len(rows) + i + 1:03d}", types[i], int(joined[i])) for i in range(n)]
    return pd.DataFrame(rows, columns=["headquarters", "organisation", "organisation_type", "joined"])


def _handed_on(name: str, table: pd.DataFrame) -> pd.DataFrame:
    """What a headquarters had, with its successors: where there are several, each row goes to one of them."""
    successors = {old: [new for new, other in REGIONAL.items() if other == old] for old in dict.fromkeys(REGIONAL.values())}
    draws = stream(name).random(len(table))
    return table.assign(headquarters=[successors[old][int(draw * len(successors[old]))] for old, draw in zip(table["headquarters"], draws, strict=True)])


def _joined_by(organisations: pd.DataFrame, years: list[int]) -> pd.DataFrame:
    """The alliances with those that join their regional headquarters, codes counted on."""
    generator = stream("organisations/joining")
    rows = []
    for name in REGIONAL:
        n = int(generator.integers(*JOINING))
        types, joined = _among(generator, ORGANISATION_TYPES, n), years[0] + generator.integers(0, len(years), n)
        rows += [(name, f"S{len(organisations) + len(rows) + i + 1:03d}", types[i], int(joined[i])) for i in range(n)]
    table = pd.concat([organisations, pd.DataFrame(rows, columns=organisations.columns)], ignore_index=True)
    order = table["headquarters"].map(list(REGIONAL).index)
    return table.loc[order.sort_values(kind="stable").index]


def _action_plans(year: int, mini_clusters: pd.DataFrame, own: pd.DataFrame) -> pd.DataFrame:
    generator = stream(f"{year}/action plans")
    rows = []
    for line in own.itertuples():
        codes = mini_clusters.loc[mini_clusters["headquarters"] == line.headquarters, "mc_id"]
        for code, target, actual in zip(codes, _parts(generator, line.target, len(codes)), _parts(generator, line.actual, len(codes)), strict=True):
            rows.append((year, code, line.indicator, line.unit, target, actual))
    table = pd.DataFrame(rows, columns=["year", "mc_id", "indicator", "unit", "target", "actual"])
    return table.sort_values(["mc_id", "indicator"], kind="stable")


def _mini_clusters(year: int, mini_clusters: pd.DataFrame, plans: pd.DataFrame) -> pd.DataFrame:
    generator = stream(f"{year}/members")
    table = pd.DataFrame({"year": year, "mc_id": mini_clusters["mc_id"]})
    for column, span in MEMBERS.items():
        table[column] = generator.integers(*span, len(table))
    held = plans[plans["indicator"] == "networking_activities"].set_index("mc_id")["actual"]
    table["activities"] = table["mc_id"].map(held)
    table["participants"] = table["activities"] * generator.integers(*PARTICIPANTS, len(table))
    return table


def _projects(year: int, mini_clusters: pd.DataFrame) -> pd.DataFrame:
    generator = stream(f"{year}/projects")
    counts = generator.integers(*APPLICATIONS, len(mini_clusters))
    n = counts.sum()
    table = pd.DataFrame({"year": year, "project": [f"P{year}-{number:04d}" for number in range(1, n + 1)], "mc_id": np.repeat(mini_clusters["mc_id"].to_numpy(), counts)})
    number = generator.integers(1, 25, n)
    table["company"] = "C" + table["mc_id"].str[2:] + [f"{i:03d}" for i in number]
    # A company has one size, whichever of its projects it is asked of.
    sizes = dict(zip(sorted(set(table["company"])), _among(stream(f"{year}/sizes"), SIZES, table["company"].nunique()), strict=True))
    table["company_size"] = table["company"].map(sizes)
    table["support_type"] = _among(generator, {name: share for name, (share, *_) in SUPPORT.items()}, n)
    day = generator.integers(0, 300, n)
    table["applied_on"] = (np.datetime64(f"{year}-01-11") + day.astype("timedelta64[D]")).astype(str)
    table["project_status"] = _among(generator, STATUS, n)
    least, most, own = (table["support_type"].map({name: spec[i] for name, spec in SUPPORT.items()}) for i in (1, 2, 3))
    support = (least + (most - least) * generator.random(n)).round(1)
    rejected = table["project_status"] == "rejected"
    table["support"] = support.mask(rejected)
    table["own_funds"] = (support * own).round(1).mask(rejected)
    return table


def _committees(year: int, headquarters: list[str], mini_clusters: pd.DataFrame, projects: pd.DataFrame) -> pd.DataFrame:
    generator = stream(f"{year}/committees")
    home = projects["mc_id"].map(mini_clusters.set_index("mc_id")["headquarters"])
    rows = []
    for name in headquarters:
        status = projects.loc[home == name, "project_status"]
        passed = {
            "selection": (status != "rejected").sum(), "interim": status.isin(["running", "completed"]).sum(), "final": (status == "completed").sum(),
        }  # fmt: skip
        failed = {"selection": (status == "rejected").sum(), "interim": (status == "stopped").sum(), "final": 0}
        for purpose, meetings in COMMITTEES.items():
            good, bad = _parts(generator, int(passed[purpose]), meetings), _parts(generator, int(failed[purpose]), meetings)
            months = {"selection": (2, 10), "interim": (6, 12), "final": (12, 13)}[purpose]
            for i in range(meetings):
                held = f"{year}-{int(generator.integers(*months)):02d}-{int(generator.integers(1, 29)):02d}"
                rows.append((year, f"V{year}-{len(rows) + 1:03d}", name, held, purpose, int(generator.integers(*COMMITTEE_SIZE)), good[i] + bad[i], good[i]))
    return pd.DataFrame(rows, columns=["year", "committee", "headquarters", "held_on", "purpose", "evaluators", "reviewed", "passed"])


def _cases(year: int, headquarters: list[str], mini_clusters: pd.DataFrame, projects: pd.DataFrame) -> pd.DataFrame:
    generator = stream(f"{year}/cases")
    registry = mini_clusters.set_index("mc_id")
    done = projects[projects["project_status"] == "completed"]
    rows = []
    for name in headquarters:
        own = done[done["mc_id"].map(registry["headquarters"]) == name]
        for place in sorted(set(generator.integers(0, len(own), int(generator.integers(*CASES))))):
            project = own.iloc[place]
            title = f"{registry.at[project['mc_id'], 'name_ko']} 미니클러스터 {SUPPORT_KO[project['support_type']]} 지원사례(모의)"
            rows.append((year, f"K{year}-{len(rows) + 1:02d}", project["mc_id"], project["project"], title))
    return pd.DataFrame(rows, columns=["year", "case", "mc_id", "project", "title"])


def _execution(year: int, headquarters: list[str], mini_clusters: pd.DataFrame, projects: pd.DataFrame, common: pd.DataFrame) -> pd.DataFrame:
    """The support granted is the executed part of the growth project; the whole is executed to the common indicator's rate."""
    home = projects["mc_id"].map(mini_clusters.set_index("mc_id")["headquarters"])
    granted = projects["support"].fillna(0).groupby(home).sum()
    rates = common[common["indicator"] == "budget_execution"].set_index("headquarters")["actual"]
    rows = []
    for name in headquarters:
        rate = float(f"{rates[name]:.1f}") / 100  # as it stands in the file
        growth = round(granted[name] / rate)
        if growth < granted[name]:  # all of the budget is executed: what is granted is the budget
            growth = round(granted[name], 1)
        others = {programme: round(growth * (1 - GROWTH_SHARE) / GROWTH_SHARE * share) for programme, share in OTHER_PROGRAMMES.items()}
        left = round((growth + sum(others.values())) * rate - granted[name], 1)
        rows.append((year, name, "company_growth", f"{year}-12-31", growth, round(granted[name], 1)))
        for i, (programme, budget) in enumerate(others.items()):
            executed = round(budget * rate, 1) if i < len(others) - 1 else left
            left = round(left - executed, 1)
            rows.append((year, name, programme, f"{year}-12-31", budget, executed))
    return pd.DataFrame(rows, columns=["year", "headquarters", "programme", "as_of", "budget", "executed"])
