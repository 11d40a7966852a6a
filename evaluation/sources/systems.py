"""What the exports of the Cluster Management System (CMS) and of RCMS say, and whether they agree.

The systems are where a headquarters reports its year; the marks rest partly on the same facts. So both are laid
beside each other: what differs is said, and neither is changed.
"""

import pandas as pd

from evaluation.errors import say

SUPPORTED = ("running", "completed", "stopped")  # projects that were granted support, as far as they got
HALF_DIGIT = 0.05  # indicators are entered with one decimal: two figures agree within half of it
COMPARED = (("rcms_execution", "common_indicators"), ("cms_action_plans", "headquarters_indicators"), ("cms_committees", "cms_projects"))
# A year's calls may open in the autumn before, and its final evaluations end in the spring after.
SEASON = {"applied_on": ((-1, 9), (0, 12)), "held_on": ((-1, 9), (1, 3))}  # first and last month: years from the evaluation year, month
AGREEMENT_COLUMNS = ["check", "headquarters", "item", "system", "marks", "agrees"]


def by_headquarters(tables: dict[str, pd.DataFrame], units: tuple[str, ...]) -> pd.DataFrame:
    """The year in figures, per headquarters.

    Args:
        tables: those of the group `programme` and `mini_clusters`; an empty one leaves its columns out.
        units: the headquarters of the year.

    Returns:
        index headquarters; columns, as far as their table is there: mini_clusters, company_members, other_members,
        activities, participants, meetings, reviewed, passed, organisations, experts, consultations, applications,
        supported, support (KRW mn), cases, budget and executed (KRW mn), execution (per cent of the budget); missing
        where a headquarters has no rows in the table.
    """
    home = tables["mini_clusters"].set_index("mc_id")["headquarters"]
    out = pd.DataFrame(index=pd.Index(units, name="headquarters"))

    def add(name: str, **columns) -> None:
        frame = tables[name]
        if frame.empty:
            return
        if "headquarters" not in frame:
            frame = frame.assign(headquarters=frame["mc_id"].map(home))
        for column, of in columns.items():
            # A headquarters without rows has no figure, which is not 0.
            out[column] = of(frame).groupby(frame["headquarters"]).sum().reindex(out.index)

    def one(frame: pd.DataFrame) -> pd.Series:
        return pd.Series(1, index=frame.index)

    add(
        "cms_mini_clusters", mini_clusters=one, company_members=lambda f: f["company_members"],
        other_members=lambda f: f[["university_members", "institute_members", "organisation_members"]].sum(axis=1),
        activities=lambda f: f["activities"], participants=lambda f: f["participants"],
    )  # fmt: skip
    add("cms_committees", meetings=one, reviewed=lambda f: f["reviewed"], passed=lambda f: f["passed"])
    add("cms_alliances", organisations=one)
    add("cms_experts", experts=one, consultations=lambda f: f["consultations"])
    add("cms_projects", applications=one, supported=lambda f: f["project_status"].isin(SUPPORTED), support=lambda f: f["support"].fillna(0))
    add("cms_cases", cases=one)
    add("rcms_execution", budget=lambda f: f["budget"], executed=lambda f: f["executed"])
    if "budget" in out:
        out["execution"] = 100 * out["executed"] / out["budget"]
    return out


def agreement(tables: dict[str, pd.DataFrame], origins: dict[str, str], units: tuple[str, ...]) -> pd.DataFrame:
    """What the systems say beside what the marks rest on, and beside each other.

    Args:
        tables: all input tables of a year; origins: of each table that is there; units: the headquarters of the year.

    Returns:
        AGREEMENT_COLUMNS, a row per figure compared. Checks: `execution` (RCMS against the common indicator, per
        cent), `target` and `actual` (action plans, summed, against the headquarters' quantitative indicators),
        `reviewed` and `passed` (selection committees against the projects). Tables of different origin, such as
        official marks and simulated exports, are not compared.
    """
    rows = []

    def comparable(*names: str) -> bool:
        return _both_there(names, tables, origins) and len({origins[name] for name in names}) == 1

    def compare(check: str, item: str, system: pd.Series, marks: pd.Series, within: float) -> None:
        for headquarters in (name for name in units if name in system.index and name in marks.index):
            pair = float(system[headquarters]), float(marks[headquarters])
            # Half a digit itself is within rounding, whatever the last bits say.
            rows.append((check, headquarters, item, *pair, abs(pair[0] - pair[1]) <= within + 1e-9))

    home = tables["mini_clusters"].set_index("mc_id")["headquarters"]
    if comparable(*COMPARED[0]):
        common = tables["common_indicators"]
        told = common[common["indicator"] == "budget_execution"].set_index("headquarters")["actual"]
        compare("execution", "budget_execution", by_headquarters(tables, units)["execution"].dropna(), told, HALF_DIGIT)
    if comparable(*COMPARED[1]):
        # Shares do not add up over mini clusters, and a sum with a gap is no figure.
        plans = tables["cms_action_plans"][tables["cms_action_plans"]["unit"] != "%"]
        summed = plans.groupby(["indicator", plans["mc_id"].map(home)])[["target", "actual"]].agg(lambda own: own.sum(skipna=False))
        told = tables["headquarters_indicators"].set_index(["indicator", "headquarters"])
        for indicator in sorted(set(plans["indicator"]) & set(told.index.get_level_values("indicator"))):
            for column in ("target", "actual"):
                compare(column, indicator, summed.loc[indicator, column].dropna(), told.loc[indicator, column], HALF_DIGIT)
    if comparable(*COMPARED[2]):
        projects, meetings = tables["cms_projects"], tables["cms_committees"]
        selection = meetings[meetings["purpose"] == "selection"].groupby("headquarters")[["reviewed", "passed"]].sum()
        decided = projects[projects["project_status"] != "applied"]
        at = decided["mc_id"].map(home)
        compare("reviewed", "", selection["reviewed"], decided.groupby(at).size(), 0)
        compare("passed", "", selection["passed"], decided["project_status"].isin(SUPPORTED).groupby(at).sum(), 0)
    return pd.DataFrame(rows, columns=AGREEMENT_COLUMNS)


def of_different_origin(tables: dict[str, pd.DataFrame], origins: dict[str, str]) -> bool:
    """Whether anything is not compared because one side is official and the other simulated."""
    return any(_both_there(names, tables, origins) and len({origins[name] for name in names}) > 1 for names in COMPARED)


def _in_season(frame: pd.DataFrame, column: str) -> pd.Series:
    (before, first), (after, last) = SEASON[column]
    months = 12 * (frame[column].dt.year - frame["year"]) + frame[column].dt.month
    return months.between(12 * before + first, 12 * after + last)


def _both_there(names: tuple[str, ...], tables: dict[str, pd.DataFrame], origins: dict[str, str]) -> bool:
    return all(name in origins and not tables[name].empty for name in names)


def system_problems(tables: dict[str, pd.DataFrame], origins: dict[str, str], units: tuple[str, ...]) -> list[tuple[str, str, str, str, str]]:
    """What does not fit inside the exports, or between them and the marks: table, column, value, rule, how to mend it."""
    found = []

    def add(name: str, column: str, value: str, rule: str, mend: str) -> None:
        found.append((name, column, value, rule, mend))

    def rows(name: str, wrong) -> list:
        frame = tables[name]
        return list(frame[wrong(frame)].itertuples()) if not frame.empty else []

    for row in rows("cms_committees", lambda f: f["passed"] > f["reviewed"]):
        add("cms_committees", "passed", f"{row.committee}: {row.passed} > {row.reviewed}", say("more passed than reviewed", "통과 과제가 심의 과제보다 많음"), say("mend one of the two", "둘 중 틀린 수를 고치십시오"))
    for name, column, id in (("cms_committees", "held_on", "committee"), ("cms_projects", "applied_on", "project")):
        for row in rows(name, lambda f, column=column: ~_in_season(f, column)):
            add(name, column, f"{getattr(row, id)}: {getattr(row, column):%Y-%m-%d}", say(f"far from {row.year}", f"{row.year}년과 동떨어진 날짜임"), say("look whether the date is right, and the row in its year", "날짜와 연도가 맞는지 확인하십시오"))
    for row in rows("rcms_execution", lambda f: f["as_of"].dt.year > f["year"]):
        add("rcms_execution", "as_of", f"{row.headquarters}, {row.programme}: {row.as_of:%Y-%m-%d}", say(f"after {row.year}, which a report of {row.year} uses nothing of", f"{row.year}년 뒤의 기준일임. {row.year}년 보고서에는 그 뒤의 자료를 쓰지 않음"), say("export it as of the end of the year", "연말 기준으로 다시 내려받으십시오"))
    if not tables["rcms_execution"].empty and tables["rcms_execution"]["as_of"].nunique() > 1:
        dates = tables["rcms_execution"]["as_of"]
        add("rcms_execution", "as_of", f"{dates.min():%Y-%m-%d}..{dates.max():%Y-%m-%d}", say("different dates in one table", "기준일이 서로 다름"), say("export all rows as of one date", "같은 기준일로 내려받으십시오"))
    home = tables["mini_clusters"].set_index("mc_id")["headquarters"]
    for name in ("cms_mini_clusters", "cms_action_plans", "cms_projects"):
        for value in [] if tables[name].empty else [one for one in units if one not in set(tables[name]["mc_id"].map(home))]:
            add(name, "mc_id", value, say("no row of any of its mini clusters", "소속 미니클러스터의 행이 하나도 없음"), say("look whether its export is missing", "해당 본부의 자료가 빠졌는지 확인하십시오"))
    if _both_there(COMPARED[1], tables, origins):
        mine, theirs = (set(tables[name]["indicator"]) for name in COMPARED[1])
        for name, left in ((COMPARED[1][0], mine - theirs), (COMPARED[1][1], theirs - mine)):
            for value in sorted(left):
                add(name, "indicator", value, say("stands on one side only, so it is not compared", "한쪽에만 있어 대조하지 못함"), say("look whether the indicator has the same code in both", "두 자료에서 같은 코드를 쓰는지 확인하십시오"))
    if _both_there(("cms_cases", "cms_projects"), tables, origins):
        projects = tables["cms_projects"].set_index("project")
        for row in tables["cms_cases"].dropna(subset="project").itertuples():
            known = projects.loc[row.project] if row.project in projects.index else None
            told = (
                say("not among the year's projects", "해당 연도 과제 목록에 없음") if known is None
                else say(f"a project of {known['mc_id']}, not of {row.mc_id}", f"{row.mc_id}이(가) 아니라 {known['mc_id']}의 과제임") if known["mc_id"] != row.mc_id
                else say("a project that was not supported", "지원하지 않은 과제임") if known["project_status"] not in SUPPORTED else ""
            )  # fmt: skip
            if told:
                add("cms_cases", "project", f"{row.case}: {row.project}", told, say("look up its code; an earlier year's project may stay", "과제번호를 확인하십시오. 이전 연도 과제이면 그대로 둡니다"))
    for row in rows("cms_alliances", lambda f: f["joined"] > f["year"]):
        add("cms_alliances", "joined", f"{row.organisation}: {row.joined}", say(f"after {row.year}", f"{row.year}년보다 뒤임"), say("mend the year", "연도를 고치십시오"))
    for row in rows("cms_projects", lambda f: f["project_status"].isin(SUPPORTED) & f["support"].isna()):
        add("cms_projects", "support", row.project, say("empty for a supported project", "지원 과제인데 지원금이 비어 있음"), say("enter the support granted", "지원금을 입력하십시오"))
    for row in rows("cms_projects", lambda f: ~f["project_status"].isin(SUPPORTED) & (f["support"].fillna(0) > 0)):
        add("cms_projects", "support", f"{row.project}: {row.support:g}", say("given for a project without support", "지원하지 않은 과제인데 지원금이 있음"), say("mend the status or empty the support", "진행 상태를 고치거나 지원금을 비우십시오"))
    for row in rows("rcms_execution", lambda f: f["executed"] > f["budget"]):
        add("rcms_execution", "executed", f"{row.headquarters}, {row.programme}: {row.executed:,.0f} > {row.budget:,.0f}", say("more than the budget", "예산액보다 많음"), say("look whether a carry-over is in it", "이월액이 들어 있는지 확인하십시오"))
    if not tables["cms_mini_clusters"].empty:
        for value in sorted(set(tables["mini_clusters"]["mc_id"]) - set(tables["cms_mini_clusters"]["mc_id"])):
            add("cms_mini_clusters", "mc_id", value, say("has no row", "행이 없음"), say("add its row, if it is still there", "운영 중이면 행을 추가하십시오"))
    names = {
        "execution": ("rcms_execution", "executed", say("the common indicator", "공통지표")),
        "target": ("cms_action_plans", "target", say("the headquarters' indicator", "본부 정량지표")),
        "actual": ("cms_action_plans", "actual", say("the headquarters' indicator", "본부 정량지표")),
        "reviewed": ("cms_committees", "reviewed", say("the projects", "과제 목록")),
        "passed": ("cms_committees", "passed", say("the projects", "과제 목록")),
    }  # fmt: skip
    compared = agreement(tables, origins, units)
    for row in compared[~compared["agrees"]].itertuples():
        name, column, other = names[row.check]
        where = ", ".join(part for part in (row.headquarters, row.item) if part)
        add(
            name, column, where,
            say(f"{row.system:,.1f}, but {row.marks:,.1f} in {other}", f"{row.system:,.1f}인데 {other}에는 {row.marks:,.1f}임"),
            say("find out which is right; nothing is changed by itself", "어느 쪽이 맞는지 확인하십시오. 자동으로 고치지 않습니다"),
        )
    return found
