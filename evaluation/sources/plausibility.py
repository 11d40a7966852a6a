"""What is possible in a table and yet unlikely: another unit, another scale, a zero that is none.

Each is a warning with the figure that gave it away; the ranges are wide enough that real complexes stay inside
(census of 2023 Q4: nine in ten complexes produce KRW 31 to 1,195 mn per person, and the median is 288), and narrow
enough that a column in thousands, or in tens of thousands, falls out.
"""

from collections.abc import Iterator

import pandas as pd

from evaluation.errors import say
from evaluation.sources.tables import FEW_FIRMS, TABLES

# of the panel: column, column it is held against, factor to its unit (KRW 1,150 per USD), least and most of the year's
# median ratio, unit in English and Korean
PER_YEAR = (
    ("production", "employment", 1.0, 20, 4_000, "KRW mn", "백만원"),
    ("exports", "production", 1 / 1.15, 0.003, 3, "USD thousand", "천달러"),
    ("employment", "operating_firms", 1.0, 2, 400, "persons", "명"),
    ("capital", "production", 1.0, 0.02, 50, "KRW mn", "백만원"),
    ("intermediate_inputs", "production", 1.0, 0.02, 3, "KRW mn", "백만원"),
    ("area", "operating_firms", 1.0, 0.3, 300, "thousand m2", "천㎡"),
)
MARKED = {"mc_marks": ["mc_id"], "difficulty_marks": ["headquarters"], "headquarters_marks": ["headquarters", "indicator"]}  # what each evaluator marks
JUMP = 20  # a complex's figure grows or falls by less from one year to the next
# The larger of the two figures is at least this: where three firms operate, one of them may change everything.
FLOORS = {"production": 20_000, "exports": 20_000, "employment": 500, "capital": 20_000, "intermediate_inputs": 20_000, "area": 500, "operating_firms": 100}
BUDGET, PROJECT = (50, 500_000), (0.05, 5_000)  # KRW mn: a headquarters' budget of a year, the median support of a project
RATIO = 10  # actual over target, either way
TEN_POINTS = 10  # who gives no mark above it on a scale to 100 marks on another
BASE, BASE_WITHIN = 100, 0.5
MEMBERS_PER_ACTIVITY = 1_000

Told = tuple[str, str, str, str, str]  # table, column, value, rule, how to mend it


def implausible(tables: dict[str, pd.DataFrame], there: set[str]) -> Iterator[Told]:
    """What looks wrong in the tables of a year, each on its own.

    Args:
        tables: typed, without errors; there: the names of those that have a file.
    """
    if "panel" in there:
        yield from _panel_units(tables["panel"])
        yield from _panel_jumps(tables["panel"])
        yield from _masks_and_zeros(tables["panel"])
        yield from _turnover(tables["panel"], tables["firm_turnover"])
    if "price_index" in there:
        yield from _prices(tables["price_index"])
    for name, units in MARKED.items():
        yield from _scale(name, tables[name])
        yield from _committee(name, units, tables[name])
    for name in ("common_indicators", "headquarters_indicators"):
        yield from _targets(name, tables[name])
    yield from _answers(tables["satisfaction"])
    if "rcms_execution" in there:
        yield from _budget(tables["rcms_execution"])
    if "cms_projects" in there:
        yield from _grants(tables["cms_projects"])
    if {"cms_projects", "rcms_execution"} <= there:
        yield from _support(tables["cms_projects"], tables["rcms_execution"])
    if "cms_mini_clusters" in there:
        yield from _activities(tables["cms_mini_clusters"])


def _panel_units(panel: pd.DataFrame) -> Iterator[Told]:
    for column, other, factor, least, most, unit, unit_ko in PER_YEAR:
        usable = panel[(panel[column] > 0) & (panel[other] > 0)]
        ratio = (usable[column] / factor / usable[other]).groupby(usable["year"]).median()
        for year, value in ratio[(ratio < least) | (ratio > most)].items():
            by_ko = next(item.ko for item in TABLES["panel"].columns if item.name == other)
            yield (
                "panel", column, f"{year}",
                say(f"median per {other} is {value:,.3g}, outside {least:g}..{most:,g}", f"{by_ko} 대비 중앙값이 {value:,.3g}로 통상 범위({least:g}~{most:,g})를 벗어남"),
                say(f"look whether {column} is in {unit}, and {other} in its unit", f"{column}의 단위가 {unit_ko}인지, {other}의 단위도 맞는지 확인하십시오"),
            )  # fmt: skip


def _panel_jumps(panel: pd.DataFrame) -> Iterator[Told]:
    ordered = panel.sort_values(["complex_id", "year"])
    for column in (*(column for column, *_ in PER_YEAR), "operating_firms"):
        seen = ordered[ordered[column] > 0]
        ratio = seen[column] / seen.groupby("complex_id")[column].shift()
        larger = seen[column] * (1 / ratio).clip(lower=1)
        for row in seen[((ratio > JUMP) | (ratio < 1 / JUMP)) & (larger >= FLOORS[column])].itertuples():
            yield (
                "panel", column, f"{row.complex_id}, {row.year}",
                say(f"{ratio[row.Index]:,.3g} times the year before", f"전년의 {ratio[row.Index]:,.3g}배"),
                say("look whether one of the two is in another unit, or a large plant opened or closed", "둘 중 하나의 단위가 다른지, 대형 사업장이 새로 생기거나 문을 닫았는지 확인하십시오"),
            )  # fmt: skip


def _masks_and_zeros(panel: pd.DataFrame) -> Iterator[Told]:
    firms = panel["operating_firms"]
    for column in (column.name for column in TABLES["panel"].columns if column.masked):
        for row in panel[(panel[f"{column}_status"] == "masked") & (firms > FEW_FIRMS)].itertuples():
            yield (
                "panel", column, f"{row.complex_id}, {row.year}",
                say(f"masked although {row.operating_firms:g} firms operate", f"가동업체가 {row.operating_firms:g}개인데 X로 가려짐"),
                say(f"the statistics mask {FEW_FIRMS} or fewer; look up which of the two is right", f"통계는 {FEW_FIRMS}개 이하만 가립니다. 어느 쪽이 맞는지 확인하십시오"),
            )  # fmt: skip
        # A complex may export nothing; one where firms operate makes something, with somebody.
        for row in panel[(panel[column] == 0) & (firms > FEW_FIRMS)].itertuples() if column != "exports" else ():
            yield (
                "panel", column, f"{row.complex_id}, {row.year}",
                say(f"0 although {row.operating_firms:g} firms operate", f"가동업체가 {row.operating_firms:g}개인데 0임"),
                say("write NR if it was not reported", "보고되지 않은 값이면 NR로 적으십시오"),
            )  # fmt: skip


def _turnover(panel: pd.DataFrame, turnover: pd.DataFrame) -> Iterator[Told]:
    """Firms of a year that are not those of the year before with those that entered and without those that left, where all four are given."""
    firms = panel.set_index(["complex_id", "year"])["operating_firms"].astype(float)
    given = turnover[["complex_id", "year", "entering_firms", "exiting_firms"]].astype({"entering_firms": float, "exiting_firms": float})
    given["now"] = firms.reindex(pd.MultiIndex.from_frame(given[["complex_id", "year"]])).to_numpy()
    given["before"] = firms.reindex(pd.MultiIndex.from_arrays([given["complex_id"], given["year"] - 1])).to_numpy()
    given = given.dropna()
    for row in given[given["now"] != given["before"] + given["entering_firms"] - given["exiting_firms"]].itertuples():
        yield (
            "firm_turnover", "entering_firms", f"{row.complex_id}, {row.year}: {row.now:.0f} ≠ {row.before:.0f} + {row.entering_firms:.0f} - {row.exiting_firms:.0f}",
            say("the firms of the year before, plus those entering, less those exiting, are not the firms of the year", "전년 업체 수에 진입 업체 수를 더하고 퇴출 업체 수를 빼도 그해 업체 수가 되지 않음"),
            say("mend the count that is wrong, in this table or in the panel", "이 표나 패널에서 틀린 수를 고치십시오"),
        )


def _prices(prices: pd.DataFrame) -> Iterator[Told]:
    for row in prices[(prices["year"] == prices["base_year"]) & ((prices["value"] - BASE).abs() > BASE_WITHIN)].to_dict("records"):
        yield (
            "price_index", "value", f"{row['index']}, {row['year']}: {row['value']:g}",
            say(f"not {BASE} in its base year", f"기준연도의 값이 {BASE}이 아님"),
            say("mend the base year or the values", "기준연도나 값을 고치십시오"),
        )  # fmt: skip


def _scale(name: str, marks: pd.DataFrame) -> Iterator[Told]:
    highest = marks.groupby("evaluator")["mark"].max()
    for evaluator, mark in highest[highest <= TEN_POINTS].items():
        yield (
            name, "mark", evaluator,
            say(f"no mark above {mark:g}", f"{mark:g}점을 넘는 점수가 없음"),
            say("look whether these marks are on another scale than 0 to 100", "100점 척도가 아닌 다른 척도로 매긴 점수인지 확인하십시오"),
        )  # fmt: skip


def _committee(name: str, units: list[str], marks: pd.DataFrame) -> Iterator[Told]:
    """Evaluators that lack a row which others have; who is recused has one without a mark."""
    marked = marks.drop_duplicates(["evaluator", *units]).groupby("evaluator").size()
    every = len(marks.drop_duplicates(units))
    for evaluator, count in marked[marked < every].items():
        yield (
            name, "evaluator", evaluator,
            say(f"has rows for {count} of the {every} that the committee marks", f"평가 대상 {every}개 중 {count}개만 행이 있음"),
            say("add the missing rows; leave the mark empty and declare the conflict where one is recused", "빠진 행을 추가하십시오. 회피한 경우 점수를 비우고 회피를 표시하십시오"),
        )  # fmt: skip


def _targets(name: str, indicators: pd.DataFrame) -> Iterator[Told]:
    ratio = indicators["actual"] / indicators["target"]
    for row in indicators[(ratio > RATIO) | ((ratio > 0) & (ratio < 1 / RATIO))].itertuples():
        yield (
            name, "actual", f"{row.headquarters}, {row.indicator}: {row.actual:g} / {row.target:g}",
            say(f"{ratio[row.Index]:,.3g} times the target", f"목표의 {ratio[row.Index]:,.3g}배"),
            say("look whether target and actual are in one unit", "목표와 실적의 단위가 같은지 확인하십시오"),
        )  # fmt: skip


def _answers(answers: pd.DataFrame) -> Iterator[Told]:
    """Respondents that lack a row for a question that others of their headquarters have; no answer is an empty cell."""
    rows = answers.groupby(["headquarters", "respondent"]).size()
    asked = answers.groupby("headquarters")[["part", "item"]].apply(lambda own: len(own.drop_duplicates()))
    for (headquarters, respondent), count in rows[rows < rows.index.get_level_values("headquarters").map(asked)].items():
        yield (
            "satisfaction", "item", f"{headquarters}, {respondent}",
            say(f"has {count} of {asked[headquarters]} items", f"문항 {asked[headquarters]}개 중 {count}개만 있음"),
            say("add a row per item; leave the answer empty where there is none", "문항마다 한 행씩 넣고, 무응답은 빈 칸으로 두십시오"),
        )  # fmt: skip


def _budget(execution: pd.DataFrame) -> Iterator[Told]:
    budgets = execution.groupby("headquarters")["budget"].sum()
    for headquarters, value in budgets[~budgets.between(*BUDGET)].items():
        yield (
            "rcms_execution", "budget", headquarters,
            say(f"adds up to KRW {value:,.4g} mn, outside {BUDGET[0]:,}..{BUDGET[1]:,}", f"합계가 {value:,.0f}백만원으로 통상 범위({BUDGET[0]:,}~{BUDGET[1]:,}백만원)를 벗어남"),
            say("look whether the amounts are in KRW mn", "금액이 백만원 단위인지 확인하십시오"),
        )  # fmt: skip


def _grants(projects: pd.DataFrame) -> Iterator[Told]:
    median = projects.loc[projects["support"] > 0, "support"].median()
    if median == median and not PROJECT[0] <= median <= PROJECT[1]:
        yield (
            "cms_projects", "support", f"{median:,.6g}",
            say(f"the median support is KRW {median:,.4g} mn, outside {PROJECT[0]:g}..{PROJECT[1]:,}", f"지원금 중앙값이 {median:,.6g}백만원으로 통상 범위({PROJECT[0]:g}~{PROJECT[1]:,}백만원)를 벗어남"),
            say("look whether the amounts are in KRW mn", "금액이 백만원 단위인지 확인하십시오"),
        )  # fmt: skip


def _support(projects: pd.DataFrame, execution: pd.DataFrame) -> Iterator[Told]:
    granted, executed = projects["support"].sum(), execution["executed"].sum()
    if executed and not 1 / 100 < granted / executed <= 1:
        yield (
            "cms_projects", "support", f"{granted:,.0f}",
            say(f"all support is {100 * granted / executed:,.3g} % of what RCMS says was executed", f"지원금 합계가 RCMS 집행액의 {100 * granted / executed:,.3g}%임"),
            say("look whether both are in KRW mn, and all projects and programmes are there", "둘 다 백만원 단위인지, 빠진 과제나 세부사업이 없는지 확인하십시오"),
        )  # fmt: skip


def _activities(clusters: pd.DataFrame) -> Iterator[Told]:
    per = clusters["participants"] / clusters["activities"]
    for row in clusters[(clusters["participants"] > 0) & ~per.between(1, MEMBERS_PER_ACTIVITY)].itertuples():
        yield (
            "cms_mini_clusters", "participants", f"{row.mc_id}: {row.participants:g} / {row.activities:g}",
            say("does not fit the number of activities", "활동 건수에 비해 지나치게 많거나 적음"),
            say("look up both", "두 값을 확인하십시오"),
        )  # fmt: skip
