"""The registry of complexes, its reconciliation with the printed 193, and the mini clusters.

Participants come from the printed lists, where a list only counts ("Cheonan agro-industrial 3") its
complexes are numbered, and the never-treated complexes are invented.
"""

import re
from pathlib import Path

import pandas as pd

from evaluation.simulation.tables import read

ZONES = {
    "Seoul": "seoul_metropolitan",
    "Seoul Metropolitan": "seoul_metropolitan",
    "Seoul Metropolitan Area": "seoul_metropolitan",
    "Chungcheong": "chungcheong",
    "Honam": "honam",
    "Daekyung": "daekyung",
    "Daekyoung": "daekyung",
    "Dongnam": "dongnam",
    "Gangwon": "gangwon",
    "Jeju": "jeju",
}
TYPES = {"national": "national", "general": "general", "agro-industrial": "agro_industrial"}
ZONES_EN = {
    "seoul_metropolitan": "Seoul Metropolitan", "chungcheong": "Chungcheong", "honam": "Honam", "daekyung": "Daekyung",
    "dongnam": "Dongnam", "gangwon": "Gangwon", "jeju": "Jeju",
}
ZONES_KO = {
    "seoul_metropolitan": "수도권", "chungcheong": "충청권", "honam": "호남권", "daekyung": "대경권",
    "dongnam": "동남권", "gangwon": "강원권", "jeju": "제주권",
}
TYPES_KO = {None: "전체", "national": "국가", "general": "일반", "agro_industrial": "농공"}

# The list of hubs gives no type. The book prints five of them ("Asan(National)", "Cheonan(General)",
# "Cheongju(General)", "Sacheon general complex", "Wonju(Taejang, Donghwa agro-industrial)"); the
# others follow from the official Korean name.
TYPE_PRINTED = {"Asan", "Cheonan", "Cheongju", "Sacheon", "Wonju"}
GENERAL_HUBS = {
    "Seongseo", "Ochang", "Cheonan", "Cheongju", "Chungju", "Gyeongsan-Jinryang", "Yangsan-Eogok", "Sacheon",
    "Iksan", "Pyeongdong Oetu", "Wanju",
}
AGRO_INDUSTRIAL_HUBS = {"Wonju", "Kumneung"}

# How many of the printed 193 a row stands for, where it is not one.
COUNTED = {"Bupyeong-Juan": 2, "Onsan": 0, "Pyeongdong Oetu": 0}
HUB_ALSO_SPOKE = "Wanju"

# Hubs as the lists of spokes and of mini clusters write them.
HUBS = {
    "Asan,Cheonan": "Asan; Cheonan",
    "Cheonan Asan": "Asan; Cheonan",
    "Cheongju,Ochang": "Cheongju; Ochang",
    "Ochang Cheongju": "Cheongju; Ochang",
    "Gyungsan": "Gyeongsan-Jinryang",
    "Gyungsan Jinryang": "Gyeongsan-Jinryang",
    "Yangsan": "Yangsan-Eogok",
    "Yangsan Egok": "Yangsan-Eogok",
    "Noksan": "Myeongji-Noksan",
    "Bukpyung": "Bukpyeong",
    "Donghae": "Bukpyeong",
    "Seoul": "Seoul Digital",
    "Banwol Sihwa": "Banwol-Sihwa",
    "Bupyung Juan": "Bupyeong-Juan",
}

# The eleven regional headquarters, in the booklet's order, each with the pan-regional one whose territory it took over.
PAN_REGIONAL_SINCE, REGIONAL_SINCE = 2010, 2015
REGIONAL = {
    "seoul": "seoul_metropolitan", "incheon": "seoul_metropolitan", "gyeonggi": "seoul_metropolitan",
    "chungcheong": "chungcheong", "daekyung": "daekyung", "busan": "dongnam", "ulsan": "dongnam", "gyeongnam": "dongnam",
    "gwangju_honam": "honam", "jeonbuk": "honam", "gangwon": "gangwon",
}
# Hubs of mini clusters in the zones that were split. The booklet of 2016 lists Eogok and Yangsan under Ulsan; Jeju's mini
# cluster has its hub in Daebul.
REGIONAL_OF_HUB = {
    "Seoul Digital": "seoul", "Banwol-Sihwa": "gyeonggi", "Namdong": "incheon", "Bupyeong-Juan": "incheon",
    "Changwon": "gyeongnam", "Sacheon": "gyeongnam", "Ulsan": "ulsan", "Yangsan-Eogok": "ulsan", "Myeongji-Noksan": "busan",
    "Gunsan": "jeonbuk", "Iksan": "jeonbuk", "Gwangju": "gwangju_honam", "Daebul": "gwangju_honam",
}

NOTES = {
    "Ulsan": "the printed totals of the seven pilots are only reached with Onsan: in the simulated panel this row "
    "carries Onsan's share",
    "Onsan": "first treated: sources disagree, 2010 by the hub list, 2005 by the press; counted 0: the organisation "
    "chart gives Dongnam five hubs and the status table writes Ulsan and Onsan as one",
    "Bupyeong-Juan": "counted 2: the organisation chart gives the Seoul Metropolitan headquarters five hubs",
    "Pyeongdong Oetu": "counted 0: a hub in the Honam status table only, not on the map, and not needed for the five "
    "hubs of the organisation chart",
    "Wanju": "a hub in the Honam status table and a spoke of Iksan in the same table: one complex, one row, counted "
    "as the spoke",
    "Iksan": "read as the general complexes of Iksan, since the map counts the national one among the spokes (Iksan "
    "national); the Korean name matched to it is that of the national one",
    "Iksan national": "kept apart from the hub Iksan",
    "Pyungdong": "kept apart from Pyeongdong Oetu, the foreign investment zone inside it",
    "Wonju Donghwa": "kept apart from the hub Wonju, which the book describes as Taejang and Donghwa agro-industrial",
    "Chilgok Gisan": "the official register lists Gisan as agro-industrial",
    "Goryung Dasan 1": "the press of April 2010 names Dasan 1 and 2",
}
NOTE_JEJU = (
    "headquarters inferred: the organisation chart has none for Jeju, the mini-cluster list puts Jeju's mini cluster "
    "under Honam, and the press of October 2012 counts Jeju among the hubs of Honam"
)
NOTE_HEADING = "printed under (Chungju,Ochang), read as Cheongju and Ochang"
NOTE_NUMBERED = "the document only counts these complexes; the number is ours"

# Invented never-treated complexes: national, general, agro-industrial by zone.
NON_PARTICIPANTS = {
    "seoul_metropolitan": (1, 6, 0),
    "chungcheong": (1, 5, 9),
    "honam": (1, 4, 8),
    "daekyung": (1, 4, 5),
    "dongnam": (1, 4, 6),
    "gangwon": (1, 1, 2),
}

COLUMNS = [
    "complex_id", "name_ko", "name_en", "zone", "headquarters", "hub", "role", "type", "first_treated",
    "first_treated_alternative", "counted", "specialised_industry", "basis", "status", "note", "source_doc", "place",
]


def names_ko() -> pd.DataFrame:
    """Korean name and note per English name: index name_en, columns name_ko, note."""
    return read(Path(__file__).parent, "names_ko").set_index("name_en")


def headquarters(zone: str) -> str:
    """The headquarters of a zone: its own, except Jeju, which has none and is looked after by Honam."""
    return "honam" if zone == "jeju" else zone


def complexes(published_dir: Path) -> pd.DataFrame:
    """Every complex, one row each: 27 hubs, 167 spokes, 60 invented non-participants."""
    table = pd.concat([_hubs(published_dir), _spokes(published_dir), _non_participants()], ignore_index=True)
    table["headquarters"] = table["zone"].map(headquarters)
    years = ["first_treated", "first_treated_alternative"]
    table[years] = table[years].astype("Int64")
    return table[COLUMNS]


def _hubs(published_dir: Path) -> pd.DataFrame:
    names = names_ko()
    rows = []
    for number, hub in enumerate(read(published_dir, "complexes_first_treated").to_dict("records"), start=1):
        name = hub["complex"]
        rows.append(
            {
                "complex_id": f"H{number:02d}",
                "name_en": name,
                "name_ko": names.loc[name, "name_ko"],
                "zone": ZONES[hub["zone"]],
                "hub": name,
                "role": "hub",
                "type": _hub_type(name),
                **_first_treated(hub),
                "counted": COUNTED.get(name, 1),
                "specialised_industry": hub["specialised_industry"],
                "basis": "printed",
                "status": hub["status"],
                "note": _note(
                    hub["note"],
                    names.loc[name, "note"],
                    NOTES.get(name),
                    name not in TYPE_PRINTED and "type read from the official Korean name",
                    hub["zone"] == "Jeju" and NOTE_JEJU,
                ),
                "source_doc": hub["source_doc"],
                "place": hub["place"],
            }
        )
    return pd.DataFrame(rows)


def _hub_type(name: str) -> str:
    if name in GENERAL_HUBS:
        return "general"
    return "agro_industrial" if name in AGRO_INDUSTRIAL_HUBS else "national"


def _first_treated(hub: dict) -> dict:
    """Year of first participation; where sources disagree, the hub list's first, the other as alternative."""
    year = int(hub["value"])
    if hub["status"] != "ambiguous":
        return {"first_treated": year, "first_treated_alternative": pd.NA}
    return {"first_treated": int(hub["event_date"]), "first_treated_alternative": year}


def _spokes(published_dir: Path) -> pd.DataFrame:
    names = names_ko()
    printed = read(published_dir, "connected_complexes_2010")
    printed = printed[printed["complex"] != HUB_ALSO_SPOKE]
    # Readings and second mentions stand in brackets behind the printed name.
    printed = printed.assign(base=[re.sub(r" \((read|second).*", "", name) for name in printed["complex"]])
    spokes = printed.loc[printed.index.repeat(printed["value"].astype(int))]
    numbered = spokes["base"].duplicated(keep=False)
    suffix = numbered.map({True: "({})", False: ""})
    rows = []
    for number, (spoke, form, k) in enumerate(
        zip(spokes.to_dict("records"), suffix, spokes.groupby("base").cumcount() + 1, strict=True), start=1
    ):
        name = spoke["base"]
        rows.append(
            {
                "complex_id": f"S{number:03d}",
                "name_en": f"{name} {form.format(k)}".strip(),
                "name_ko": names.loc[name, "name_ko"] + form.format(k),
                "zone": ZONES[spoke["zone"]],
                "hub": HUBS.get(spoke["hub"], spoke["hub"]),
                "role": "spoke",
                "type": TYPES[spoke["type"]],
                "first_treated": int(spoke["first_treated"]),
                "first_treated_alternative": pd.NA,
                "counted": 1,
                "specialised_industry": "",
                "basis": "inferred" if form else "printed",
                "status": spoke["status"],
                "note": _note(
                    spoke["note"],
                    names.loc[name, "note"],
                    NOTES.get(name),
                    spoke["hub"] == "Cheongju,Ochang" and NOTE_HEADING,
                    form and NOTE_NUMBERED,
                    "second mention" in spoke["complex"] and "printed a second time in the same list",
                    spoke["zone"] == "Jeju" and NOTE_JEJU,
                ),
                "source_doc": spoke["source_doc"],
                "place": spoke["place"],
            }
        )
    return pd.DataFrame(rows)


def _non_participants() -> pd.DataFrame:
    kinds = [
        (zone, kind)
        for zone, counts in NON_PARTICIPANTS.items()
        for kind, count in zip(TYPES.values(), counts, strict=True)
        for _ in range(count)
    ]
    return pd.DataFrame(
        {
            "complex_id": f"N{number:02d}",
            "name_en": f"Invented complex {number:02d}",
            "name_ko": f"가상단지 {number:02d}",
            "zone": zone,
            "hub": "",
            "role": "non_participant",
            "type": kind,
            "first_treated": pd.NA,
            "first_treated_alternative": pd.NA,
            "counted": 0,
            "specialised_industry": "",
            "basis": "invented",
            "status": "invented",
            "note": "invented: stands for a complex that never took part",
            "source_doc": "",
            "place": "",
        }
        for number, (zone, kind) in enumerate(kinds, start=1)
    )


def _note(*parts: str | bool | None) -> str:
    return "; ".join(part for part in parts if part)


def mini_clusters(published_dir: Path) -> pd.DataFrame:
    """The 81 mini clusters of 2010, in the printed order."""
    names = names_ko()
    printed = read(published_dir, "mini_cluster_list").query("edition == '2010'").reset_index(drop=True)
    return pd.DataFrame(
        {
            "mc_id": [f"MC{number:02d}" for number in range(1, len(printed) + 1)],
            "headquarters": printed["region"].map(ZONES),
            "hub": [HUBS.get(hub, hub) for hub in printed["hub"]],
            "name_en": printed["name"],
            "name_ko": printed["name"].map(names["name_ko"]),
            "kind": printed["note"].map({"agro": "agro_industrial", "": "industry"}),
        }
    )


def with_regional_owners(mini_clusters: pd.DataFrame) -> pd.DataFrame:
    """The list of mini clusters by the year from which a row holds: 2010 as printed, and 2015 with the regional headquarters.

    The same mini clusters in both: the booklet of 2016 lists 78, most under other names, and no document links the two lists.
    """
    regional = mini_clusters.assign(headquarters=mini_clusters["hub"].map(REGIONAL_OF_HUB).fillna(mini_clusters["headquarters"]))
    table = pd.concat([mini_clusters.assign(since=PAN_REGIONAL_SINCE), regional.assign(since=REGIONAL_SINCE)], ignore_index=True)
    return table[["mc_id", "since", *mini_clusters.columns.drop("mc_id")]]


def reconciliation(published_dir: Path, registry: pd.DataFrame, mini_clusters: pd.DataFrame) -> pd.DataFrame:
    """Where the lists and the printed numbers differ, and where they agree although it looks otherwise.

    `listed` and `printed` are computed from the published tables; `difference` is their difference.
    """
    zones = read(published_dir, "zones_and_specialised_industries")
    spokes = read(published_dir, "connected_complexes_2010").assign(
        zone=lambda table: table["zone"].map(ZONES), type=lambda table: table["type"].map(TYPES),
        value=lambda table: table["value"].astype(int),
    )
    targets = read(published_dir, "target_complexes_over_time").set_index("as_of")["value"]
    mcs = read(published_dir, "mini_cluster_counts_over_time").set_index("as_of")["value"].astype(int)
    prose = zones[zones["zone"] == "All"].set_index("item")["value"].astype(int)
    hubs = registry[registry["role"] == "hub"]
    participants = registry[registry["role"] != "non_participant"]
    book = zones.loc[0, "source_doc"]
    rows = []

    def row(item_en: str, item_ko: str, listed: int, printed: int, en: str, ko: str, place: str) -> None:
        rows.append((item_en, item_ko, int(listed), int(printed), int(listed - printed), en, ko, book, place))

    def named(pattern: str) -> pd.DataFrame:
        return spokes[spokes["complex"].str.contains(pattern)]

    prose_place = "2.3(1); 2.3(2) Basic Policy Details"
    map_place = "2.3(2) 5+2 zones map"
    status_place = "5.1(2) to (7) status tables"
    chart_place = "3.2(2) Management System after Restructuring to Pan Regional Clusters"

    row(
        "participants: rows against the printed total", "참여 단지: 행 수와 공표 총수", len(participants), prose["total"],
        "Bupyeong-Juan is one row that stands for two; Onsan and Pyeongdong Oetu are rows that stand for none.",
        "부평·주안은 한 행이지만 2개로 세고, 온산과 평동외국인투자지역은 세지 않는다.",
        prose_place,
    )
    row(
        "participants: counted against the printed total", "참여 단지: 센 수와 공표 총수", participants["counted"].sum(), prose["total"],
        "The column counted adds up to the printed total.", "counted 열의 합이 공표 총수와 같다.", prose_place,
    )
    row(
        "hubs: rows against the printed number", "거점: 행 수와 공표 수", len(hubs), prose["hubs"],
        "Bupyeong-Juan counts two (+1); Onsan, Pyeongdong Oetu and Wanju count none as hubs (−3): 27 + 1 − 3 = 25.",
        "부평·주안을 2개로 세고(+1), 온산·평동외국인투자지역·완주는 거점으로 세지 않는다(−3): 27+1−3=25.",
        status_place,
    )
    hubs_counted = hubs.assign(counted=hubs["counted"].mask(hubs["name_en"] == HUB_ALSO_SPOKE, 0))
    row(
        "hubs: counted against the printed number", "거점: 센 수와 공표 수", hubs_counted["counted"].sum(), prose["hubs"],
        "Wanju counted as a spoke only.", "완주는 연계단지로만 센다.", prose_place,
    )
    on_map = zones[zones["item"] == "hubs"].query("detail == 'named on the map'")["value"].str.split("; ").str.len()
    row(
        "hubs: names on the map", "거점: 지도에 적힌 이름", on_map.sum(), prose["hubs"],
        "Two names on the map stand for two complexes each, Bupyeong-Juan and Cheonan-Asan. For Dongnam the map names "
        "Onsan beside Ulsan and leaves out Changwon, the status table joins Ulsan and Onsan and names Changwon: five "
        "either way.",
        "지도에서 부평·주안과 천안·아산은 이름 하나가 두 단지를 뜻한다. 동남권은 지도에 온산이 따로 있고 창원이 빠져 있으나 현황표에는 "
        "울산·온산이 하나로, 창원이 따로 적혀 있어 어느 쪽이든 5개다.",
        map_place,
    )

    chart = zones[zones["item"] == "hub_complexes"]
    hub_rows = hubs.groupby("headquarters").size()
    for zone, printed in zip(chart["zone"].map(ZONES), chart["value"].astype(int), strict=True):
        row(f"hubs of {ZONES_EN[zone]}: rows against the organisation chart", f"{ZONES_KO[zone]} 거점: 행 수와 조직도", hub_rows[zone], printed,
            *HUBS_EXPLAINED.get(zone, AGREE), chart_place)

    row(
        "Bupyeong-Juan", "부평·주안", len(hubs[hubs["name_en"] == "Bupyeong-Juan"]), COUNTED["Bupyeong-Juan"],
        "Printed as one name. The chart gives the Seoul Metropolitan headquarters five hubs, and the press of early 2010 "
        "names Seoul Digital, Banwol-Sihwa, Namdong, Bupyeong and Juan.",
        "하나의 이름으로 인쇄되어 있으나 조직도의 수도권본부 거점은 5개이고, 2010년 초 언론보도에는 서울디지털·반월시화·남동·부평·주안이 나온다.",
        chart_place,
    )
    row(
        "Onsan", "온산", len(hubs[hubs["name_en"] == "Onsan"]), COUNTED["Onsan"],
        "Counted with Ulsan, as the status table and the press of April 2010 write them. First treated in 2010 by the "
        "hub list, in 2005 by the press of 2005.",
        "현황표와 2010년 4월 보도처럼 울산과 하나로 센다. 최초 참여연도는 거점 목록으로는 2010년, 2005년 보도로는 2005년이다.",
        status_place,
    )
    row(
        "Pyeongdong Oetu", "평동외국인투자지역", len(hubs[hubs["name_en"] == "Pyeongdong Oetu"]), COUNTED["Pyeongdong Oetu"],
        "A hub in the Honam status table only. The press of October 2012 names the five hubs of Honam: Gwangju, "
        "Daebul, Gunsan, Iksan and Jeju.",
        "호남권 현황표에만 거점으로 나온다. 2012년 10월 보도의 호남권 5개 거점은 광주첨단·대불·군산·익산·제주다.",
        status_place,
    )
    row(
        "Wanju: mentions against complexes", "완주: 기재 횟수와 단지 수",
        (hubs["name_en"] == HUB_ALSO_SPOKE).sum() + (spokes["complex"] == HUB_ALSO_SPOKE).sum(), 1,
        "Named as a hub and as a spoke of Iksan in the same table: one complex.",
        "같은 표에 거점으로도, 익산의 연계단지로도 나온다. 하나의 단지다.",
        status_place,
    )
    row(
        "Iksan and Iksan national", "익산과 익산국가", len(named("^Iksan national$")) + (hubs["name_en"] == "Iksan").sum(), 2,
        "Kept as two complexes: the map counts one national complex among the spokes of Honam, which can only be Iksan "
        "national, so the hub is read as the general complexes of Iksan.",
        "두 단지로 둔다. 지도는 호남권 연계단지에 국가산단 1개를 세는데 익산국가산단뿐이므로, 거점 익산은 익산의 일반산단으로 본다.",
        status_place,
    )
    row(
        "Pyungdong and Pyeongdong Oetu", "평동과 평동외국인투자지역",
        len(named("^Pyungdong$")) + (hubs["name_en"] == "Pyeongdong Oetu").sum(), 2,
        "Kept as two rows: the general complex is a spoke, the foreign investment zone inside it is named as a hub.",
        "두 행으로 둔다. 평동일반산단은 연계단지이고, 그 안의 외국인투자지역은 거점으로 적혀 있다.",
        status_place,
    )
    row(
        "Wonju and Wonju Donghwa", "원주와 원주동화", len(named("^Wonju Donghwa$")) + (hubs["name_en"] == "Wonju").sum(), 2,
        "Kept as two complexes: the hub is printed as Taejang and Donghwa agro-industrial, and the map's six general "
        "spokes of Gangwon are only reached with Wonju Donghwa, a general complex of that name.",
        "두 단지로 둔다. 거점은 태장·동화농공으로 인쇄되어 있고, 지도의 강원권 일반 연계단지 6개는 동화일반산단을 넣어야 맞는다.",
        status_place,
    )
    row(
        "Hwasun agro-industrial", "화순농공", named("^Hwasun agro-industrial")["value"].sum(),
        spokes.loc[spokes["complex"] == "Hwasun agro-industrial", "value"].sum(),
        "Printed twice in the same list, first 2, then 1. Without the second mention the total would be 167, so it is "
        "kept; it may be a misprint of another county.",
        "같은 목록에 2개, 1개로 두 번 인쇄되어 있다. 두 번째를 빼면 합계가 167이 되므로 남겼다. 다른 군의 오기일 수 있다.",
        status_place,
    )

    row(
        "spokes: list against the printed number", "연계단지: 현황표와 공표 수", spokes["value"].sum(), prose["spokes"],
        "The lists and the map agree in the total only: Honam lists two more and Daekyung two fewer than the map.",
        "합계만 같다. 현황표는 지도보다 호남권이 2개 많고 대경권이 2개 적다.",
        status_place,
    )
    row(
        "spokes: rows against the printed number", "연계단지: 행 수와 공표 수", (registry["role"] == "spoke").sum(), prose["spokes"],
        "Wanju has its row among the hubs.", "완주는 거점 행에 있다.", prose_place,
    )
    connected = zones[zones["item"] == "connected_complexes"].assign(
        zone=lambda table: table["zone"].map(ZONES), type=lambda table: table["detail"].map(TYPES),
        value=lambda table: table["value"].astype(int),
    )
    for zone in dict.fromkeys(connected["zone"]):
        of_map, of_list = connected[connected["zone"] == zone], spokes[spokes["zone"] == zone]
        for kind in (None, *TYPES.values()):
            selected = [table if kind is None else table[table["type"] == kind] for table in (of_list, of_map)]
            listed, printed = (table["value"].sum() for table in selected)
            row(f"spokes of {ZONES_EN[zone]}, {(kind or 'all').replace('_', '-')}: list against the map",
                f"{ZONES_KO[zone]} 연계단지({TYPES_KO[kind]}): 현황표와 지도", listed, printed,
                *SPOKES_EXPLAINED.get((zone, kind), AGREE), map_place)

    for year in ("2005", "2008"):
        row(
            f"target complexes {year}", f"대상단지({year})", (participants["first_treated"] <= int(year)).sum(), int(targets[year]),
            *AGREE, "2.3(2) Target Complexes of the Industrial Complex Cluster Program",
        )
    row(
        "mini clusters 2010", "미니클러스터(2010)", len(mini_clusters), mcs["2010"], *AGREE, "MINI CLUSTER LIST",
    )
    row(
        "mini clusters, agro-industrial", "농공단지 미니클러스터", (mini_clusters["kind"] == "agro_industrial").sum(),
        mcs["~2009"] - mcs["2010-03"],
        "The list of 2010 names twelve; the text counts thirteen of about 2009.",
        "2010년 목록에는 12개가 있고, 본문에는 2009년경 13개로 적혀 있다.",
        "MINI CLUSTER LIST; 5.1 Changes in Relation to Mini Clusters",
    )
    return pd.DataFrame(
        rows,
        columns=[
            "item_en", "item_ko", "listed", "printed", "difference", "explanation_en", "explanation_ko", "source_doc", "place",
        ],
    )


AGREE = ("They agree.", "일치한다.")
HUBS_EXPLAINED = {
    "seoul_metropolitan": ("Bupyeong-Juan is one row that stands for two.", "부평·주안은 한 행이지만 2개로 센다."),
    "honam": (
        "Seven rows with Kumneung (Jeju). Pyeongdong Oetu is counted as none and Wanju as a spoke.",
        "금능(제주)을 넣어 7행이다. 평동외국인투자지역은 세지 않고 완주는 연계단지로 센다.",
    ),
    "dongnam": ("Onsan is counted with Ulsan.", "온산은 울산과 하나로 센다."),
}
_HONAM = (
    "The list holds two agro-industrial complexes more than the map, one of them perhaps the second mention of Hwasun.",
    "현황표가 지도보다 농공단지 2개가 많다. 그중 하나는 화순의 두 번째 기재일 수 있다.",
)
_DAEKYUNG = (
    "The list names 18. The press of April 2010 gives 20: one national, nine general with Dasan 1 and 2, ten "
    "agro-industrial with Chilgok (Gisan) and Yeongcheon. So the list seems to lack Dasan 2 and Yeongcheon, and Gisan "
    "counts as agro-industrial there.",
    "현황표의 이름은 18개다. 2010년 4월 보도는 국가 1, 일반 9(다산1·2 포함), 농공 10(칠곡·영천 포함)으로 20개를 든다. 현황표에는 "
    "다산2와 영천이 빠진 것으로 보이며 칠곡기산은 농공으로 세었다.",
)
_JEJU = ("No status table; the three names stand on a diagram.", "현황표가 없고 그림에 세 이름이 있다.")
SPOKES_EXPLAINED = {
    ("honam", None): _HONAM,
    ("honam", "agro_industrial"): _HONAM,
    ("daekyung", None): _DAEKYUNG,
    ("daekyung", "general"): _DAEKYUNG,
    ("daekyung", "agro_industrial"): _DAEKYUNG,
    ("jeju", None): _JEJU,
}
