"""The contract of the printed figures: every table below `published/` and `press/`.

Most are read only by the audit. All have the same tail of columns, which `evaluation.sources.tables` declares; here
stand their keys. A value is text where the document prints something else than one number.
"""

from evaluation.sources.tables import PRINTED_TAIL, PUBLISHED, Column, Table

_COLUMNS = {
    "affiliation": ("Affiliation", "소속"), "as_of": ("As of", "기준 시점"), "batch": ("Batch", "차수"), "block": ("Block", "평가 부문"),
    "case": ("Case", "사례"), "complex": ("Complex", "단지"), "criterion": ("Criterion", "평가 기준"), "detail": ("Detail", "세부"),
    "dimension": ("Dimension", "차원"), "edition": ("Edition of the document", "문서 판"), "evaluator": ("Evaluating body", "평가 주체"),
    "event": ("Event", "사건"), "event_date": ("Date of the event", "사건 시점"), "first_treated": ("Year of first participation", "최초 참여연도"),
    "group": ("Group", "구분"), "hub": ("Hub", "거점단지"), "index": ("Evaluation index", "평가지표"), "indicator": ("Indicator", "지표"), "item": ("Item", "항목"),
    "kicox_name_2023q4": ("Name in the census of 2023 Q4", "2023년 4분기 현황의 단지명"), "kind": ("Kind", "종류"), "level": ("Level", "수준"), "measure": ("Measure", "측정 항목"),
    "name": ("Name", "이름"), "order": ("Order in the document", "문서 내 순서"), "period": ("Period", "기간"), "phase": ("Phase", "단계"),
    "programme": ("Programme", "세부사업"), "programme_year": ("Programme year", "사업연차"), "project": ("Project", "사업"), "region": ("Region", "지역"),
    "scope": ("Scope", "범위"), "sector": ("Sector", "분야"), "size": ("Size of company", "기업 규모"), "source": ("Source", "출처"),
    "specialised_industry": ("Specialised industry", "특화산업"), "stage": ("Stage of the evaluation", "평가 단계"), "text_order": ("Order in the text", "본문 내 순서"),
    "type": ("Type", "유형"), "year": ("Year or period", "연도 또는 기간"), "zone": ("Economic zone", "광역경제권"), "place": ("Place in the document", "문서 내 위치"),
}  # fmt: skip
_OPTIONAL = {"hub", "detail"}  # keys that may be empty
# Tables that print other things than numbers, and those with cells that the document leaves empty.
_TEXT_VALUES = {"evaluation_index_history_2006_2010", "programme_phases", "rd_capability_programme", "success_story_numbers", "support_scheme_rules", "zones_and_specialised_industries"}
_EMPTY_VALUES = {"green_new_deal", "regional_shares_2007", "zones_and_specialised_industries"}

# name: English, Korean, key; the place belongs to the key where documents print a figure more than once.
_TABLES = {
    "budget_other_mentions": ("Other mentions of the budget", "예산에 관한 다른 언급", ("item",)),
    "budget_policy_change_table": ("Budget in the table of policy changes", "정책변화표의 예산", ("year",)),
    "cluster_competitiveness_kiet2006": ("Competitiveness of clusters (KIET 2006)", "클러스터 경쟁력(산업연구원 2006)", ("dimension",)),
    "complex_shares_kiet_2003": ("Shares of complexes in the nation (KIET 2003)", "산업단지의 전국 비중(산업연구원 2003)", ("item",)),
    "complexes_first_treated": ("Complexes and their year of first participation", "단지별 최초 참여연도", ("complex", "zone", "event", "event_date", "specialised_industry", "kicox_name_2023q4")),
    "connected_complexes_2010": ("Complexes connected in 2010", "2010년 연계단지", ("zone", "hub", "complex", "type", "first_treated")),
    "consortium_types": ("Types of R&D consortia", "R&D 컨소시엄 유형", ("type", "item")),
    "customised_specialisation": ("Customised specialisation projects", "맞춤형 특화사업", ("year", "item", "place")),
    "eccp_maturity": ("Maturity of cluster policy (ECCP)", "클러스터 정책 성숙도(ECCP)", ("criterion", "item", "level")),
    "evaluation_index_history_2006_2010": ("History of the evaluation indexes", "평가지표 변천", ("year", "stage", "order", "index")),
    "evaluation_weights_2010": ("Weights of the evaluation, 2010", "2010년 평가 가중치", ("block", "criterion", "kind", "evaluator")),
    "expert_pool": ("Pool of experts", "전문가풀", ("sector", "affiliation")),
    "green_new_deal": ("Green New Deal projects", "녹색뉴딜 사업", ("project", "item")),
    "growth_2004_2009_raw_labels": ("Labels of the growth chart, in the order of the text", "성장률 그래프의 값(본문 순서)", ("text_order",)),
    "kicox_managed_45": ("Complexes managed by KICOX", "산업단지공단 관리단지", ("type",)),
    "large_company_joint_projects": ("Joint projects with large companies", "대기업 공동사업", ("year",)),
    "mini_cluster_counts_over_time": ("Number of mini clusters over time", "미니클러스터 수의 변화", ("as_of", "scope")),
    "mini_cluster_list": ("List of mini clusters", "미니클러스터 목록", ("edition", "region", "hub", "name")),
    "mini_clusters_by_complex_2005_2009": ("Mini clusters by complex, 2005 to 2009", "단지별 미니클러스터(2005~2009년)", ("complex",)),
    "mini_clusters_by_year": ("Mini clusters and members by year", "연도별 미니클러스터와 회원", ("year", "programme_year", "item", "place")),
    "misc_outcomes": ("Other outcomes", "기타 성과", ("item",)),
    "network_activity_types": ("Types of network activities", "네트워크 활동 유형", ("type",)),
    "networking_by_year": ("Network activities by year", "연도별 네트워크 활동", ("year", "item")),
    "other_cluster_programmes_2007_budget": ("Budgets of other cluster programmes, 2007", "2007년 다른 클러스터 사업의 예산", ("programme",)),
    "patents_2012_2014": ("Patents, 2012 to 2014", "특허(2012~2014년)", ("year", "item")),
    "programme_phases": ("Phases of the programme", "사업 단계", ("source", "phase")),
    "project_applications_by_size": ("Project applications by size of company", "기업 규모별 과제 신청", ("size", "measure")),
    "project_applications_by_year_type": ("Project applications by year and type", "연도·유형별 과제 신청", ("year", "type", "measure")),
    "project_type_shares": ("Shares of project types", "과제 유형별 비중", ("type",)),
    "r_and_d_capability_2005_2009": ("R&D capability, 2005 to 2009", "R&D 역량(2005~2009년)", ("indicator", "item")),
    "r_and_d_indicators": ("R&D indicators", "R&D 지표", ("indicator", "item")),
    "rd_capability_programme": ("R&D capability enhancement programme", "R&D 역량강화사업", ("batch", "item")),
    "regional_shares_2007": ("Regional shares, 2007", "2007년 지역별 비중", ("zone", "item", "year")),
    "specialised_share_by_complex": ("Share of the specialised industry by complex", "단지별 특화업종 비중", ("complex", "sector", "item")),
    "spontaneous_communities": ("Spontaneous communities", "자생 커뮤니티", ("scope", "item")),
    "success_story_numbers": ("Figures of success stories", "우수사례의 수치", ("case", "item")),
    "support_results_by_company_size": ("Support by size of company", "기업 규모별 지원 실적", ("size", "item")),
    "support_scheme_rules": ("Rules of the support scheme", "지원 기준", ("programme", "group", "item", "place")),
    "tfp_by_complex": ("Total factor productivity by complex", "단지별 총요소생산성", ("complex",)),
    "zones_and_specialised_industries": ("Zones and their specialised industries", "권역별 특화산업", ("zone", "item", "detail")),
}  # fmt: skip


def _column(name: str) -> Column:
    en, ko = _COLUMNS[name]
    return Column(name, "text", en, ko, required=name not in _OPTIONAL)


def _table(name: str, en: str, ko: str, key: tuple[str, ...]) -> Table:
    value = Column("value", "text" if name in _TEXT_VALUES else "number", "Value", "값", required=name not in _EMPTY_VALUES)
    return Table(name, "published", f"{name}.csv", en, ko, key, (*(_column(column) for column in key if column != "place"), value, *PRINTED_TAIL))


_FACTS = Table(
    "reference_facts", "press", "reference_facts.csv", "Claims and findings of studies", "사업 관련 주장과 연구 결과", ("scope", "item", "value", "note"),
    (
        _column("scope"), _column("item"), Column("value", "text", "Value", "값"), Column("unit", "text", "Unit", "단위"),
        Column("period", "text", "Period", "기간", required=False), _column("kind"), Column("note", "text", "Note", "비고", required=False), _column("source"),
    ),
)  # fmt: skip

PRINTED = {table.name: table for table in (*PUBLISHED, *(_table(name, *rest) for name, rest in _TABLES.items()), _FACTS)}
