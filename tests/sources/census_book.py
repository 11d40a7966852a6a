"""A small census workbook with every quirk of the real one, to read and to break."""

from pathlib import Path

from openpyxl import Workbook

TOP = ["유형", "시도", "시군", "단지명", "조성상태", "지정면적", "관리면적", "산업시설구역", None, None, None, None, "입주업체", "가동업체", "고용현황(명)", None, None, "누계생산\n(백만원)", "누계수출\n(천달러)"]
LOW = [None] * 7 + ["전체면적", "분양대상", "분양", "미분양", "분양률", None, None, "남", "여", "계", None, None]
NOTES = ["2023년 4분기 전국산업단지 현황", "* 가동업체 개수가 2개 이하인 단지는 X로 표기함", "* 들여쓰기 된 단지는 하위단지"]
UNITS = "(단위 : 개, 천㎡, 명,백만원, 천달러, %)"


def line(kind, province, district, name, firms, people, production, exports, state="완료", parts=1):
    """A row; its area goes with the number of its parts, so that parents are the sums of their children."""
    men, women = ("X", "X") if people == "X" else (people * 3 // 5, people - people * 3 // 5)
    areas = [parts * area for area in (100, 90, 80, 60, 50, 10)]
    return [kind, province, district, name, state, *areas, 83.33, firms, firms, men, women, people, production, exports]


# Two parents (one with a level below), a complex in two provinces, masks, a figure not reported, an idle one.
LINES = [
    line("국가", "서울", "구로구", "한국수출산업 (①)", 40, 400, 4000, 300),
    line("국가", "서울", "구로구", "\xa0\xa0 서울디지털 (①)", 40, 400, 4000, 300),
    line("국가", "인천", "부평구", "한국수출산업 (① + ②)", 50, 500, 5000, 200, parts=2),
    line("국가", "인천", "부평구", "\xa0\xa0 부평 (①)", 30, 300, 3000, 100),
    line("국가", "인천", "서구", "\xa0\xa0 주안 (②)", 20, 200, 2000, 100),
    line("국가", "경북", "구미시", "구미 (① + ②)", 30, 300, 9000, 900, parts=3),
    line("국가", "경북", "구미시", "\xa0\xa0 구미1 (①)", 10, 100, 1000, 100),
    line("국가", "경북", "구미시", "\xa0\xa0 구미4 (②)", 20, 200, 8000, 800, parts=2),
    line("국가", "경북", "구미시", "\xa0\xa0\xa0\xa0 ▷구미4(산업)", 15, 150, 6000, 600),
    line("국가", "경북", "구미시", "\xa0\xa0\xa0\xa0 ▷구미4(외국인)", 5, 50, 2000, 200),
    line("일반", "부산", "사하구", "신평.장림[재생사업지구]", 9, 90, 700, 0),
    line("일반", "강원", "춘천시", "가", 2, "X", "X", "X"),
    line("일반", "강원", "춘천시", "나", 1, "X", "X", 0),
    line("일반", "강원", "춘천시", "다", 2, "X", "X", "X"),
    line("일반", "강원", "원주시", "라", 8, 80, 0, 0),
    line("농공", "강원", "원주시", "마", 0, 0, 0, 0, "미개발"),
]
# What the rows of a type add up to once the masked figures are put in (production 10, 20 and 30; exports 1 and 2; 3 people each).
PRINTED = {
    "국가": ("국가 총2개", 120, 1200, 18000, 1400),
    "일반": ("일반 총5개", 22, 179, 760, 3),
    "농공": ("농공 총1개", 0, 0, 0, 0),
    "총합": ("총8개", 142, 1379, 18760, 1403),
}


def tops(kind):
    return [row for row in LINES if (kind == "총합" or row[0] == kind) and not row[3].startswith("\xa0")]


def census_book(path: Path, change=None) -> Path:
    """Write the workbook; `change` may alter it before it is saved."""
    book = Workbook()
    book.active.title = "요약"
    provinces = book.create_sheet("시도별")
    provinces.append(["2023년 4분기 전국산업단지 시도별 현황"])
    provinces.append([None, UNITS])
    provinces.append(["구분", "단지수", "지정면적", "관리면적", "산업시설구역", None, None, None, None, "입주업체", "가동업체", "고용", "누계생산(백만원)", "누계수출(천달러)"])
    provinces.append([None] * 4 + ["전체면적", "분양대상", "분양", "미분양", "분양률"])
    for kind, (label, firms, people, production, exports) in PRINTED.items():
        rows = tops(kind)
        areas = [sum(row[column] for row in rows) for column in range(5, 11)]
        provinces.append([kind, label, *areas, 83.33, firms, firms, people, production, exports])
    sheet = book.create_sheet("전국산업단지현황")
    for note in NOTES:
        sheet.append([note])
    sheet.append([None] * 17 + [UNITS])
    sheet.append(TOP)
    sheet.append(LOW)
    for row in LINES:
        sheet.append(row)
    for kind in ("국가", "일반", "농공"):
        again = book.create_sheet(kind)
        again.append([NOTES[0].replace("전국", kind)])
        again.append([None] * 17 + [UNITS])
        again.append(TOP)
        again.append(LOW)
        for row in LINES:
            if row[0] == kind:
                again.append(row)
    across = book.create_sheet("부록3)2개시도에 걸친 산단")
    across.append(["상위단지", "시도", "시군", "단지명"])
    across.append(["한국수출산업", "서울", "구로구", "서울디지털"])
    across.append([None, "인천", "부평구", "부평"])
    if change is not None:
        change(book)
    book.save(path)
    return path
