"""The data contract: every raw table the evaluation reads, its columns, units and allowed values.

One declaration serves the readers, the checks and `datapackage.json`. A table of origin
`simulated` is replaced by a real one when a file of the same name lies under `data/raw/official/`.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

PAN_REGIONAL = ("seoul_metropolitan", "chungcheong", "honam", "daekyung", "dongnam", "gangwon")  # of 2010 to 2014
# Every code that the units of some year have; which a year has, its scheme says (`evaluation.sources.specs.headquarters_of`).
HEADQUARTERS = (*PAN_REGIONAL, "seoul", "incheon", "gyeonggi", "busan", "ulsan", "gyeongnam", "gwangju_honam", "jeonbuk")
ZONES = (*PAN_REGIONAL, "jeju")
TYPES = ("national", "general", "agro_industrial")
MASK = "X"  # what the official statistics print where two or fewer firms operate
FEW_FIRMS = 2
# What may stand in a cell in place of a figure, in columns that can be masked: four kinds of nothing, and 0 is a figure.
NO_FIGURE = {MASK: "masked", "NR": "not_reported", "NA": "not_applicable", "": "missing"}


@dataclass(frozen=True)
class Column:
    """One column: `kind` is text, integer, number or date; `masked` columns may hold the codes of NO_FIGURE.

    Values lie at or above `lower`, above `above`, at or below `upper`. `also`: other headings that name it.
    """

    name: str
    kind: str
    en: str
    ko: str
    unit: str = ""
    required: bool = True
    allowed: tuple = ()
    lower: float | None = None
    above: float | None = None
    upper: float | None = None
    masked: bool = False
    also: tuple[str, ...] = ()


@dataclass(frozen=True)
class Table:
    """One raw table: `path` below its origin's folder, `{year}` standing for the evaluation year.

    A year may go without a table that is `optional`. One that belongs `beside` another is left out where the other is
    official and it is not. Where a table `holds_on`, a row holds from its year until a later
    row of the same key without the year.
    """

    name: str
    origin: str
    path: str
    en: str
    ko: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    year_column: str | None = None
    references: dict[str, tuple[str, str]] = field(default_factory=dict)
    may_be_empty: bool = False
    optional: bool = False
    holds_on: bool = False
    beside: str = ""

    @property
    def group(self) -> str:
        """The first folder of its path: the tables of one folder are handed over together."""
        return self.path.split("/")[0]

    @property
    def yearly(self) -> bool:
        """Whether each evaluation year has a file of its own."""
        return "{year}" in self.path


def _year(en: str = "Year", ko: str = "연도") -> Column:
    return Column("year", "integer", en, ko, lower=1990, upper=2100)


def _headquarters() -> Column:
    # What the units are called changed with them; a workbook may head the column with either name.
    also = ("Pan-regional headquarters", "광역본부", "Regional headquarters", "지역본부")
    return Column("headquarters", "text", "Headquarters", "본부", allowed=HEADQUARTERS, also=also)


def _evaluator() -> Column:
    return Column("evaluator", "text", "Evaluator (code)", "평가위원(코드)")


def _mark(required: bool = True) -> Column:
    return Column("mark", "number", "Mark", "평가점수", "points", required=required, lower=0, upper=100)


def _text(name: str, en: str, ko: str, required: bool = False) -> Column:
    return Column(name, "text", en, ko, required=required)


READINGS = ("printed", "certain", "likely", "ambiguous", "printed_error", "printed_dash", "missing")
# Every printed figure carries how sure the reading is and where it stands.
PRINTED_TAIL = (
    _text("unit", "Unit", "단위", required=True),
    Column("status", "text", "How sure the reading is", "판독 상태", allowed=READINGS),
    _text("note", "Note", "비고"),
    _text("source_doc", "Source document", "출처 문서", required=True),
    _text("place", "Place in the document", "문서 내 위치"),
)

# What a complex makes and employs: of the panel, and of the same complex counted otherwise.
FIGURES = (
    Column("production", "integer", "Production, nominal", "생산액(경상)", "KRW mn", required=False, lower=0, masked=True),
    Column("exports", "integer", "Exports, nominal", "수출액(경상)", "USD thousand", required=False, lower=0, masked=True),
    Column("employment", "integer", "Employment", "고용인원", "persons", required=False, lower=0, masked=True),
    Column("operating_firms", "integer", "Operating firms", "가동업체 수", "firms", required=False, lower=0),
)

SIMULATED = (
    Table(
        "complexes", "simulated", "complexes.csv", "Registry of industrial complexes", "산업단지 명부", ("complex_id",),
        (
            _text("complex_id", "Complex (code)", "단지 코드", required=True),
            _text("name_ko", "Name in Korean", "국문 단지명", required=True),
            _text("name_en", "Name in English", "영문 단지명", required=True),
            Column("zone", "text", "Economic zone", "광역경제권", allowed=ZONES),
            # Where the programme book of 2010 puts it; the units that a year evaluates own mini clusters, not complexes.
            Column("headquarters", "text", "Pan-regional headquarters of 2010", "광역본부(2010년)", allowed=PAN_REGIONAL, also=("Pan-regional headquarters", "광역본부")),
            _text("hub", "Hub it is connected to", "연계 거점단지"),
            Column("role", "text", "Role", "역할", allowed=("hub", "spoke", "non_participant")),
            Column("type", "text", "Type of complex", "단지 유형", allowed=TYPES),
            Column("first_treated", "integer", "Year of first participation", "최초 참여연도", required=False, lower=2005, upper=2100),
            Column("first_treated_alternative", "integer", "Year of first participation by another source", "최초 참여연도(다른 출처)", required=False, lower=2005, upper=2100),
            Column("counted", "integer", "How many of the printed 193 it stands for", "공표 193개 중 해당 수", lower=0, upper=2),
            _text("specialised_industry", "Specialised industry", "특화산업"),
            Column("basis", "text", "Where the row comes from", "근거", allowed=("printed", "inferred", "invented")),
            _text("status", "How sure the reading is", "판독 상태"),
            _text("note", "Note", "비고"),
            _text("source_doc", "Source document", "출처 문서"),
            _text("place", "Place in the document", "문서 내 위치"),
        ),
    ),
    Table(
        "reconciliation", "simulated", "reconciliation.csv", "Differences between the registry and the printed 193", "명부와 공표 193개의 차이", ("item_en",),
        (
            _text("item_en", "Item in English", "항목(영문)", required=True),
            _text("item_ko", "Item in Korean", "항목(국문)", required=True),
            Column("listed", "integer", "Listed", "목록 수"),
            Column("printed", "integer", "Printed", "공표 수"),
            Column("difference", "integer", "Difference", "차이"),
            _text("explanation_en", "Explanation in English", "설명(영문)", required=True),
            _text("explanation_ko", "Explanation in Korean", "설명(국문)", required=True),
            _text("source_doc", "Source document", "출처 문서"),
            _text("place", "Place in the document", "문서 내 위치"),
        ),
        may_be_empty=True,
    ),
    Table(
        "panel", "simulated", "panel.csv", "Complex-year panel", "단지별 연도 패널", ("complex_id", "year"),
        (
            _text("complex_id", "Complex (code)", "단지 코드", required=True),
            _year(),
            *FIGURES,
            Column("capital", "integer", "Capital stock, nominal", "자본스톡(경상)", "KRW mn", required=False, lower=0),
            Column("intermediate_inputs", "integer", "Intermediate inputs, nominal", "중간투입(경상)", "KRW mn", required=False, lower=0),
            Column("area", "number", "Designated area", "지정면적", "thousand m2", required=False, lower=0),
        ),
        year_column="year",
        references={"complex_id": ("complexes", "complex_id")},
    ),
    Table(
        "panel_variants", "simulated", "panel_variants.csv", "Figures of complexes counted otherwise", "집계 범위를 달리한 단지별 수치", ("variant", "complex_id", "year"),
        (
            _text("variant", "Way of counting (code)", "집계 방식 코드", required=True),
            _text("complex_id", "Complex (code)", "단지 코드", required=True),
            _year(),
            *FIGURES,
        ),
        year_column="year",
        references={"complex_id": ("complexes", "complex_id")},
        may_be_empty=True, optional=True, beside="panel",
    ),
    Table(
        "firm_turnover", "simulated", "firm_turnover.csv", "Firms entering and leaving complexes", "단지별 진입·퇴출 업체 수", ("complex_id", "year"),
        (
            _text("complex_id", "Complex (code)", "단지 코드", required=True),
            _year(),
            # Operating here this year but not the year before, and the year before but not this year. As operating_firms, not masked.
            Column("entering_firms", "integer", "Entering firms", "진입 업체 수", "firms", required=False, lower=0),
            Column("exiting_firms", "integer", "Exiting firms", "퇴출 업체 수", "firms", required=False, lower=0),
        ),
        year_column="year",
        references={"complex_id": ("complexes", "complex_id")},
        may_be_empty=True, optional=True, beside="panel",
    ),
    Table(
        "true_effects", "simulated", "true_effects.csv", "True effect built into the simulated panel", "모의 패널에 심은 참효과", ("complex_id", "year"),
        (
            _text("complex_id", "Complex (code)", "단지 코드", required=True),
            _year(),
            Column("production", "number", "Effect on production", "생산 효과", "log points"),
            Column("exports", "number", "Effect on exports", "수출 효과", "log points"),
            Column("employment", "number", "Effect on employment", "고용 효과", "log points"),
            Column("operating_firms", "number", "Effect on operating firms", "가동업체 효과", "log points"),
        ),
        year_column="year",
        references={"complex_id": ("complexes", "complex_id")},
        may_be_empty=True,
    ),
    Table(
        "price_index", "simulated", "price_index.csv", "Price index", "물가지수", ("index", "year"),
        (
            _text("index", "Index (code)", "지수 코드", required=True),
            _year(),
            Column("value", "number", "Value", "값", "base year = 100", above=0),
            Column("base_year", "integer", "Base year", "기준연도"),
            _text("unit", "Unit", "단위"),
        ),
        year_column="year",
    ),
    Table(
        "mini_clusters", "simulated", "mini_clusters.csv", "Mini clusters", "미니클러스터 명부", ("mc_id", "since"),
        (
            _text("mc_id", "Mini cluster (code)", "미니클러스터 코드", required=True),
            Column("since", "integer", "Holds from this year", "적용 시작연도", lower=2005, upper=2100),
            _headquarters(),
            _text("hub", "Hub", "거점단지", required=True),
            _text("name_en", "Name in English", "영문명", required=True),
            _text("name_ko", "Name in Korean", "국문명", required=True),
            Column("kind", "text", "Kind", "구분", allowed=("industry", "agro_industrial")),
        ),
        year_column="since", holds_on=True,
    ),
    Table(
        "mc_marks", "simulated", "evaluation/{year}/mc_marks.csv", "Committee marks per mini cluster", "미니클러스터 평가점수", ("year", "mc_id", "evaluator"),
        (
            _year(), _text("mc_id", "Mini cluster (code)", "미니클러스터 코드", required=True), _evaluator(), _mark(required=False),
            Column("conflict_of_interest", "integer", "Conflict of interest declared", "이해충돌 회피", allowed=(0, 1)),
        ),
        year_column="year",
        references={"mc_id": ("mini_clusters", "mc_id")},
    ),
    Table(
        "difficulty_marks", "simulated", "evaluation/{year}/difficulty_marks.csv", "Committee marks of index difficulty", "지표 난이도 평가점수", ("year", "headquarters", "evaluator"),
        (_year(), _headquarters(), _evaluator(), _mark()),
        year_column="year",
    ),
    Table(
        "common_indicators", "simulated", "evaluation/{year}/common_indicators.csv", "Common indicators", "공통지표 실적", ("year", "headquarters", "indicator"),
        (
            _year(), _headquarters(), _text("indicator", "Indicator", "지표", required=True), _text("unit", "Unit", "단위"),
            Column("target", "number", "Target", "목표", above=0), Column("actual", "number", "Actual", "실적", lower=0),
        ),
        year_column="year",
    ),
    Table(
        "headquarters_marks", "simulated", "evaluation/{year}/headquarters_marks.csv", "Committee marks of qualitative headquarters indicators", "본부 정성지표 평가점수", ("year", "headquarters", "indicator", "evaluator"),
        (_year(), _headquarters(), _text("indicator", "Indicator", "지표", required=True), _evaluator(), _mark()),
        year_column="year",
    ),
    Table(
        "headquarters_indicators", "simulated", "evaluation/{year}/headquarters_indicators.csv", "Quantitative headquarters indicators", "본부 정량지표 실적", ("year", "headquarters", "indicator"),
        (
            _year(), _headquarters(), _text("indicator", "Indicator", "지표", required=True),
            Column("kind", "text", "Kind", "구분", allowed=("result", "performance")), _text("unit", "Unit", "단위"),
            Column("target", "number", "Target", "목표", above=0), Column("actual", "number", "Actual", "실적", lower=0),
        ),
        year_column="year",
    ),
    Table(
        "satisfaction", "simulated", "evaluation/{year}/satisfaction.csv", "Satisfaction responses", "고객만족도 응답", ("year", "headquarters", "respondent", "part", "item"),
        (
            _year(), _headquarters(), _text("respondent", "Respondent (code)", "응답자 코드", required=True),
            Column("group", "text", "Group", "응답자 구분", allowed=("company", "expert", "organisation")),
            Column("part", "text", "Part of the survey", "조사 부문", allowed=("participant_satisfaction", "strategy_effectiveness")),
            _text("item", "Item", "문항", required=True),
            Column("response", "integer", "Answer", "응답", "7-point scale", required=False, lower=1, upper=7),
        ),
        year_column="year",
    ),
    Table(
        "satisfaction_invited", "simulated", "evaluation/{year}/satisfaction_invited.csv", "Satisfaction survey: who was asked", "고객만족도 조사 대상", ("year", "headquarters", "group"),
        (
            _year(), _headquarters(),
            Column("group", "text", "Group", "응답자 구분", allowed=("company", "expert", "organisation")),
            Column("invited", "integer", "Asked to answer", "조사 대상 수", "persons", lower=1),
            Column("population", "integer", "All of the group", "모집단 수", "persons", required=False, lower=1),
        ),
        year_column="year", optional=True, beside="satisfaction",
    ),
)

# Exports of the Cluster Management System (its seven databases) and of the Real-time Cash Management System.
# No public sample exists. What each holds: programme book (2010), section 3.2(5), "CMS database"; booklet (2016),
# "Execution system". Classes are those of the printed statistics (3.3): sizes of companies, affiliation of experts.
PROGRAMME = (
    Table(
        "cms_mini_clusters", "simulated", "programme/{year}/cms_mini_clusters.csv", "CMS: mini clusters", "CMS 미니클러스터 현황", ("year", "mc_id"),
        (
            _year(), _text("mc_id", "Mini cluster (code)", "미니클러스터 코드", required=True),
            Column("company_members", "integer", "Member companies", "회원사 수", "companies", lower=0),
            Column("university_members", "integer", "Members from universities", "대학 회원 수", "persons", lower=0),
            Column("institute_members", "integer", "Members from research institutes", "연구기관 회원 수", "persons", lower=0),
            Column("organisation_members", "integer", "Members from supporting organisations", "지원기관 회원 수", "persons", lower=0),
            Column("activities", "integer", "Network activities held", "네트워크 활동 건수", "activities", lower=0),
            Column("participants", "integer", "Participants in network activities", "네트워크 활동 참여 연인원", "persons", lower=0),
        ),
        year_column="year", references={"mc_id": ("mini_clusters", "mc_id")}, optional=True,
    ),
    Table(
        "cms_committees", "simulated", "programme/{year}/cms_committees.csv", "CMS: evaluation committees", "CMS 평가위원회", ("year", "committee"),
        (
            _year(), _text("committee", "Committee meeting (code)", "평가위원회 코드", required=True), _headquarters(),
            Column("held_on", "date", "Held on", "개최일"),
            Column("purpose", "text", "Purpose", "평가 구분", allowed=("selection", "interim", "final")),
            Column("evaluators", "integer", "Evaluators present", "참석 위원 수", "persons", lower=1),
            Column("reviewed", "integer", "Projects reviewed", "심의 과제 수", "cases", lower=0),
            Column("passed", "integer", "Projects passed", "통과 과제 수", "cases", lower=0),
        ),
        year_column="year", optional=True,
    ),
    Table(
        "cms_alliances", "simulated", "programme/{year}/cms_alliances.csv", "CMS: supporting-organisation alliances", "CMS 지원기관 협의체", ("year", "headquarters", "organisation"),
        (
            _year(), _headquarters(), _text("organisation", "Organisation (code)", "지원기관 코드", required=True),
            Column("organisation_type", "text", "Type of organisation", "기관 유형", allowed=("local_government", "university", "institute", "techno_park", "association", "other")),
            Column("joined", "integer", "Year of joining", "가입연도", lower=2005, upper=2100),
        ),
        year_column="year", optional=True,
    ),
    Table(
        "cms_experts", "simulated", "programme/{year}/cms_experts.csv", "CMS: pool of experts", "CMS 전문가풀", ("year", "expert"),
        (
            _year(), _text("expert", "Expert (code)", "전문가 코드", required=True), _headquarters(),
            Column("sector", "text", "Sector", "분야", allowed=("business", "technology")),
            Column("affiliation", "text", "Affiliation", "소속", allowed=("university", "institute", "organisation", "other")),
            Column("consultations", "integer", "Consultations given", "자문 건수", "cases", lower=0),
        ),
        year_column="year", optional=True,
    ),
    Table(
        "cms_action_plans", "simulated", "programme/{year}/cms_action_plans.csv", "CMS: action plans and performance", "CMS 추진계획·실적", ("year", "mc_id", "indicator"),
        (
            _year(), _text("mc_id", "Mini cluster (code)", "미니클러스터 코드", required=True),
            _text("indicator", "Indicator", "지표", required=True), _text("unit", "Unit", "단위"),
            Column("target", "number", "Target", "목표", lower=0), Column("actual", "number", "Actual", "실적", required=False, lower=0),
        ),
        year_column="year", references={"mc_id": ("mini_clusters", "mc_id")}, optional=True,
    ),
    Table(
        "cms_projects", "simulated", "programme/{year}/cms_projects.csv", "CMS: projects", "CMS 과제", ("year", "project"),
        (
            _year(), _text("project", "Project (code)", "과제번호", required=True), _text("mc_id", "Mini cluster (code)", "미니클러스터 코드", required=True),
            _text("company", "Company (code)", "기업 코드", required=True),
            Column("company_size", "text", "Size of the company, by employees", "기업 규모(종업원 수)", allowed=("under_50", "50_to_300", "over_300")),
            _text("support_type", "Type of support", "지원 유형", required=True),
            Column("applied_on", "date", "Applied on", "신청일"),
            Column("project_status", "text", "Status", "진행 상태", allowed=("applied", "rejected", "running", "completed", "stopped")),
            Column("support", "number", "Support granted", "지원금", "KRW mn", required=False, lower=0),
            Column("own_funds", "number", "Company's own funds", "기업부담금", "KRW mn", required=False, lower=0),
        ),
        year_column="year", references={"mc_id": ("mini_clusters", "mc_id")}, optional=True,
    ),
    Table(
        "cms_cases", "simulated", "programme/{year}/cms_cases.csv", "CMS: outstanding cases", "CMS 우수사례", ("year", "case"),
        (
            _year(), _text("case", "Case (code)", "사례번호", required=True), _text("mc_id", "Mini cluster (code)", "미니클러스터 코드", required=True),
            _text("project", "Project (code)", "과제번호"), _text("title", "Title", "사례명", required=True),
        ),
        year_column="year", references={"mc_id": ("mini_clusters", "mc_id")}, optional=True,
    ),
    Table(
        "rcms_execution", "simulated", "programme/{year}/rcms_execution.csv", "RCMS: budget execution", "RCMS 예산 집행", ("year", "headquarters", "programme"),
        (
            _year(), _headquarters(), _text("programme", "Programme", "세부사업", required=True),
            Column("as_of", "date", "As of", "기준일"),
            Column("budget", "number", "Budget", "예산액", "KRW mn", above=0),
            Column("executed", "number", "Executed", "집행액", "KRW mn", lower=0),
        ),
        year_column="year", optional=True,
    ),
)

PUBLISHED = (
    Table(
        "goal_achievement", "published", "goal_achievement.csv", "Goal achievement of the seven target complexes", "7개 대상단지 목표 달성", ("indicator", "item"),
        (
            _text("indicator", "Indicator", "지표", required=True), _text("item", "Item", "항목", required=True),
            Column("value", "number", "Value", "값"), *PRINTED_TAIL,
        ),
    ),
    Table(
        "programme_goals_vision", "published", "programme_goals_vision.csv", "Growth goals in the vision diagram", "비전도의 성장 목표", ("indicator", "item"),
        (
            _text("indicator", "Indicator", "지표", required=True), _text("item", "Item", "항목", required=True),
            Column("value", "number", "Value", "값"), *PRINTED_TAIL,
        ),
    ),
    Table(
        "growth_2004_2009", "published", "growth_2004_2009.csv", "Growth 2004 to 2009", "2004~2009년 성장률", ("indicator", "group"),
        (
            _text("indicator", "Indicator", "지표", required=True), _text("group", "Group", "집단", required=True),
            Column("value", "number", "Value", "값", "%"), *PRINTED_TAIL,
        ),
    ),
    Table(
        "budget_by_programme_year", "published", "budget_by_programme_year.csv", "Budget by programme and year", "세부사업·연도별 예산", ("programme", "year"),
        (
            _text("programme", "Programme", "세부사업", required=True),
            # Rows of other years are left out of a report: what is neither a year nor the total must not pass for one.
            Column("year", "text", "Year or Total", "연도 또는 계", allowed=(*map(str, range(2005, 2010)), "Total")),
            Column("value", "number", "Value", "값", "USD mn", required=False), *PRINTED_TAIL,
        ),
        year_column="year",
    ),
    Table(
        "target_complexes_over_time", "published", "target_complexes_over_time.csv", "Number of target complexes", "대상단지 수", ("as_of",),
        (_text("as_of", "As of", "기준 시점", required=True), _text("value", "Value, not always a number", "값(숫자가 아닌 경우 있음)", required=True), *PRINTED_TAIL),
    ),
    Table(
        "press_complex_panel", "press", "press_complex_panel.csv", "Complex-level figures quoted in the press", "언론에 보도된 단지별 수치", ("complex", "year", "indicator", "source"),
        (
            _text("complex", "Complex or group", "단지 또는 집단", required=True), _text("first_treated", "Year of first participation", "최초 참여연도"),
            _year(), _text("indicator", "Indicator", "지표", required=True), Column("value", "number", "Value", "값"),
            _text("unit", "Unit", "단위", required=True), _text("status", "How sure the figure is", "수치 상태"),
            _text("note", "Note", "비고"), _text("source", "Source", "출처", required=True),
        ),
        year_column="year",
    ),
)

TABLES = {table.name: table for table in (*SIMULATED, *PROGRAMME, *PUBLISHED)}


def cell_status(frame: "pd.DataFrame", column: str) -> "pd.Series":
    """Of each cell of a column: observed, or one of the kinds of NO_FIGURE."""
    told = frame.get(f"{column}_status")
    return told if told is not None else frame[column].notna().map({True: "observed", False: "missing"})
