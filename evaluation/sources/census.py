"""Reads the census of industrial complexes (전국산업단지현황), the quarterly workbook of KICOX.

Its quirks, and what is made of them:

* the header has two rows and may stand lower or in another order: columns are found by their words;
* a complex may have sub-complexes, indented below it, whose sum it is: only the top level is added up;
* a complex in two provinces has a row in each: rows and complexes are counted apart;
* production and exports are year to date (누계): only a fourth quarter is a year;
* production, exports and employment are masked (X) where two or fewer firms operate, and production 0
  where more firms operate is not a zero but a figure that was not reported.
"""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from evaluation.errors import UserError, say
from evaluation.paths import shown
from evaluation.sources.names import name_key
from evaluation.sources.problems import problem, problem_frame
from evaluation.sources.tables import FEW_FIRMS, MASK
from evaluation.sources.workbooks import open_workbook, sheet_rows

TYPES = {"국가": "national", "일반": "general", "도시첨단": "urban_high_tech", "농공": "agro_industrial"}
STATES = ("완료", "조성중", "미개발")
MOST_ROWS, WIDTH, HEADER_WITHIN = 20_000, 60, 40
SHOWN_DIFFERENCES = 10

# name, words of the header (upper row / lower row), whether figures can be masked, unit
_MEASURES = (
    ("designated_area", r"지정면적", False, "thousand m2"),
    ("managed_area", r"관리면적", False, "thousand m2"),
    ("industrial_area", r"산업시설구역/전체(면적)?", False, "thousand m2"),
    ("area_for_sale", r"산업시설구역/분양대상", False, "thousand m2"),
    ("area_sold", r"산업시설구역/분양", False, "thousand m2"),
    ("area_unsold", r"산업시설구역/미분양", False, "thousand m2"),
    ("sold_rate", r"산업시설구역/분양률", False, "%"),
    ("tenants", r"입주(업체|계약|계약업체)", False, "firms"),
    ("operating_firms", r"가동업체", False, "firms"),
    ("employment_male", r"고용(현황)?/남", True, "persons"),
    ("employment_female", r"고용(현황)?/(여|녀)", True, "persons"),
    ("employment", r"고용(현황)?/(계|합계)", True, "persons"),
    ("production", r"누계생산", True, "KRW mn"),
    ("exports", r"누계수출", True, "USD thousand"),
)  # fmt: skip
_KEYS = (("type", r"유형"), ("province", r"시도"), ("district", r"시군구?"), ("name", r"단지명"), ("state", r"조성상태"))
MEASURES = tuple(name for name, *_ in _MEASURES)
MASKABLE = tuple(name for name, _, maskable, _ in _MEASURES if maskable)
_UNITS = {"production": "백만원", "exports": "천달러", "designated_area": "천㎡"}
KOREAN = dict(
    zip(
        (*MEASURES, *(name for name, _ in _KEYS)),
        ("지정면적", "관리면적", "전체면적", "분양대상", "분양", "미분양", "분양률", "입주업체", "가동업체", "고용 남", "고용 여", "고용 계", "누계생산", "누계수출",
         "유형", "시도", "시군", "단지명", "조성상태"),
        strict=True,
    )
)  # fmt: skip


@dataclass(frozen=True)
class Census:
    """One census workbook.

    `year`, `quarter`: what its title says.
    `rows`: one row per printed row: `row` (of the sheet), type, province, district, name (as printed),
        name_key, level (0 top, 1, 2), parent (row of the row it is part of, 0 for none), complex (a number
        shared by the rows of a complex that lies in two provinces), state, the MEASURES, and for each a
        `_status`: observed, zero, masked, not_reported, missing or not_applicable (nothing operates there).
    `printed`: the workbook's own totals, type (and `all`) by `complexes` and MEASURES.
    `problems`: with PROBLEM_COLUMNS.
    """

    path: Path
    year: int
    quarter: int
    rows: pd.DataFrame
    printed: pd.DataFrame
    problems: pd.DataFrame


def read_census(path: Path) -> Census:
    """Read a census workbook; figures that contradict each other are listed, not raised.

    Raises:
        UserError: the file cannot be read as a workbook, has no sheet of complexes, or lacks a column.
    """
    book = open_workbook(path)
    sheet, cells, header = _find_sheet(book, path)
    year, quarter = _period(cells[:header], path, sheet)
    columns, depth = _columns(cells, header, path, sheet)
    _check_units(cells, header, depth, columns, path, sheet)
    problems: list[dict] = []
    rows = _rows(cells, header + depth, columns, path, sheet, problems)
    if rows.empty:
        raise UserError(f"{shown(path)}, sheet {sheet}: no complexes below the header.", f"{shown(path)} {sheet} 시트: 머리글 아래에 단지가 없습니다.")
    rows["complex"] = _complexes(rows, book, path)
    printed = _printed(book, path)
    problems += _contradictions(rows, path, sheet)
    problems += _against_type_sheets(rows, book, path, sheet)
    problems += _against_printed(rows, printed, path)
    book.close()
    return Census(path, year, quarter, rows, printed, problem_frame(problems))


def totals(rows: pd.DataFrame) -> pd.DataFrame:
    """What can be added up: top-level rows by type, and `all`.

    Returns:
        index type; `rows`, `complexes`, and for each measure its visible sum, `<measure>_masked` (cells).
    """
    top = rows[rows["level"] == 0]
    out = []
    for name, group in [*top.groupby("type", sort=False), ("all", top)]:
        line = {"type": name, "rows": len(group), "complexes": group["complex"].nunique()}
        for measure in MEASURES:
            if measure != "sold_rate":
                line[measure] = group[measure].sum()
                line[f"{measure}_masked"] = int((group[f"{measure}_status"] == "masked").sum())
        out.append(line)
    return pd.DataFrame(out).set_index("type")


def hidden(census: Census, fewest: int = 3) -> pd.DataFrame:
    """How much the masks hide, in per cent of the printed totals, by type and measure.

    A total less its visible rows gives masked figures away where few are masked. Where any type has fewer
    than `fewest` masked cells, the types are withheld together (missing), since `all` less the others would
    tell; `all` is withheld where it has fewer itself.
    """
    visible = totals(census.rows)
    out = pd.DataFrame(index=visible.index, columns=list(MASKABLE), dtype="float64")
    for measure in MASKABLE:
        if measure not in census.printed:
            continue
        masked = visible[f"{measure}_masked"]
        few = (masked > 0) & (masked < fewest)
        share = 100 * (1 - visible[measure] / census.printed[measure].reindex(visible.index))
        out[measure] = share if not few.any() else share.where((share.index == "all") & ~few)
    return out


def _find_sheet(book, path: Path) -> tuple[str, list[tuple], int]:
    """The sheet with all complexes: the one named so, or else, of those with a header of complexes, the longest."""
    best: tuple[str, list[tuple], int] | None = None
    titles = [sheet.title for sheet in book.worksheets]
    for title in [title for title in titles if "전국" in title] or [title for title in titles if not re.search(r"부록|요약|시도별", title)]:
        cells = sheet_rows(book, title, path, MOST_ROWS, WIDTH)
        header = next((number for number, row in enumerate(cells[:HEADER_WITHIN]) if any(_words(cell) == "단지명" for cell in row)), None)
        if header is not None and (best is None or len(cells) > len(best[1])):
            best = (title, cells, header)
    if best is None:
        raise UserError(
            f"{shown(path)}: no sheet has a header with the column 단지명. Is it a census of industrial complexes?",
            f"{shown(path)}: ‘단지명’ 열이 있는 시트가 없습니다. 전국산업단지현황 파일인지 확인하십시오.",
        )
    return best


def _period(above: list[tuple], path: Path, sheet: str) -> tuple[int, int]:
    for row in above:
        for cell in row:
            found = re.search(r"(20\d\d)\s*년\s*([1-4])\s*/?\s*4?\s*분기", str(cell or ""))
            if found:
                return int(found[1]), int(found[2])
    raise UserError(
        f"{shown(path)}, sheet {sheet}: the title does not say which quarter it is (such as 2023년 4분기). Restore the title.",
        f"{shown(path)} {sheet} 시트: 제목에 분기(예: 2023년 4분기)가 없습니다. 제목을 되돌려 놓으십시오.",
    )


def _words(cell: object) -> str:
    """A heading without spaces and what stands in brackets."""
    return re.sub(r"\([^)]*\)|\s+", "", str(cell)) if cell is not None else ""


def _headings(cells: list[tuple], header: int) -> tuple[list[str], int]:
    """The heading of every column, `upper/lower` where it has two, and the header's depth in rows."""
    upper, lower = cells[header], cells[header + 1] if header + 1 < len(cells) else ()
    name = next(number for number, cell in enumerate(upper) if _words(cell) == "단지명")
    depth = 2 if lower and lower[name] is None and any(cell is not None for cell in lower) else 1
    headings, above = [], ""
    for number, cell in enumerate(upper):
        above = _words(cell) or above
        below = _words(lower[number]) if depth == 2 else ""
        headings.append(f"{above}/{below}" if below else _words(cell))
    return headings, depth


def _columns(cells: list[tuple], header: int, path: Path, sheet: str) -> tuple[dict[str, int], int]:
    headings, depth = _headings(cells, header)
    columns, missing = {}, []
    for name, words in [*_KEYS, *((name, words) for name, words, *_ in _MEASURES)]:
        found = [number for number, heading in enumerate(headings) if re.fullmatch(words, heading)]
        if len(found) > 1:
            raise UserError(
                f"{shown(path)}, sheet {sheet}: the column {KOREAN[name]} ({name}) stands {len(found)} times. Keep one.",
                f"{shown(path)} {sheet} 시트: {KOREAN[name]} 열이 {len(found)}번 나옵니다. 하나만 남기십시오.",
            )
        if found:
            columns[name] = found[0]
        else:
            missing.append(name)
    if missing:
        english = ", ".join(f"{KOREAN[name]} ({name})" for name in missing)
        korean = ", ".join(KOREAN[name] for name in missing)
        raise UserError(
            f"{shown(path)}, sheet {sheet}, row {header + 1}: no column {english}. Restore its heading.",
            f"{shown(path)} {sheet} 시트 {header + 1}행: {korean} 열이 없습니다. 머리글을 되돌려 놓으십시오.",
        )
    return columns, depth


def _check_units(cells: list[tuple], header: int, depth: int, columns: dict[str, int], path: Path, sheet: str) -> None:
    """Units stand in brackets in a heading, or in the note above the header."""
    note = " ".join(str(cell) for row in cells[:header] for cell in row if cell is not None and "단위" in str(cell)).replace(" ", "")
    for name, wanted in _UNITS.items():
        own = " ".join(str(cells[header + down][columns[name]] or "") for down in range(depth))
        said = re.findall(r"\(([^)]*)\)", own)
        if (said and wanted not in said[-1]) or (not said and wanted not in note):
            told = said[-1] if said else note or "–"
            raise UserError(
                f"{shown(path)}, sheet {sheet}: the unit of {KOREAN[name]} ({name}) is {told}, not {wanted}. Convert the figures or mend the heading.",
                f"{shown(path)} {sheet} 시트: {KOREAN[name]}의 단위가 {wanted}이 아니라 {told}입니다. 수치를 환산하거나 머리글을 고치십시오.",
            )


def _rows(cells: list[tuple], start: int, columns: dict[str, int], path: Path, sheet: str, problems: list[dict]) -> pd.DataFrame:
    found, stack = [], []
    for number, row in enumerate(cells[start:], start=start + 1):
        name = row[columns["name"]]
        keys = {key: str(row[columns[key]] or "").strip() for key in ("type", "province", "district", "state")}
        if name is None or not str(name).strip():
            if any(row[columns[measure]] not in (None, "") for measure in MEASURES):
                problems.append(_problem(path, sheet, number, "name", "", say("figures without a name", "단지명 없이 수치만 있음"), say("enter the name or take the row out", "단지명을 입력하거나 행을 지우십시오")))
            continue
        text = str(name)
        if re.search(r"(소계|합계|총합|총계)\s*[:：]?", f"{keys['type']}{text}"):
            continue  # a subtotal is not a complex
        indent = len(text) - len(text.lstrip("\xa0\u3000 ")) + (1 if "▷" in text else 0)
        while stack and stack[-1][0] >= indent:
            stack.pop()
        parent = stack[-1][1] if stack else 0
        line = {"row": number, **keys, "name": text, "name_key": name_key(text), "level": len(stack), "parent": parent}
        stack.append((indent, number))
        if keys["type"] not in TYPES:
            problems.append(_problem(path, sheet, number, "type", keys["type"], say(f"not one of: {', '.join(TYPES)}", f"허용 값({', '.join(TYPES)})이 아님"), say("use one of them", "허용 값 중 하나를 쓰십시오")))
        if not keys["province"]:
            problems.append(_problem(path, sheet, number, "province", "", say("empty", "빈 칸"), say("fill it in", "값을 입력하십시오")))
        for measure in MEASURES:
            value, status = _cell(row[columns[measure]], measure, path, sheet, number, problems)
            line[measure], line[f"{measure}_status"] = value, status
        found.append(line)
    rows = pd.DataFrame(found)
    if not rows.empty:
        rows["type"] = rows["type"].map(TYPES).fillna(rows["type"])
        _tell_zeros_apart(rows)
    return rows


def _cell(cell: object, measure: str, path: Path, sheet: str, row: int, problems: list[dict]) -> tuple[float, str]:
    if cell is None or (isinstance(cell, str) and not cell.strip()):
        return np.nan, "missing"
    if isinstance(cell, str):
        text = cell.strip().translate(_HALF_WIDTH)
        if text.upper() == MASK and measure in MASKABLE:
            return np.nan, "masked"
        plain = text.replace(",", "")
        if re.fullmatch(r"-?\d+(\.\d+)?", plain):
            problems.append(_problem(path, sheet, row, measure, cell, say("a number stored as text", "텍스트로 저장된 숫자"), say("store it as a number", "숫자로 저장하십시오"), "warning"))
            cell = float(plain)
    if isinstance(cell, bool) or not isinstance(cell, int | float) or not np.isfinite(cell):
        problems.append(_problem(path, sheet, row, measure, str(cell), say("not a number", "숫자가 아님"), say("mend the cell", "칸을 고치십시오")))
        return np.nan, "missing"
    if cell < 0:
        problems.append(_problem(path, sheet, row, measure, str(cell), say("below 0", "0보다 작음"), say("mend the figure", "수치를 고치십시오")))
    return float(cell), "observed"


_HALF_WIDTH = {0xFF10 + digit: str(digit) for digit in range(10)} | {ord("Ｘ"): "X", ord("，"): ",", ord("．"): ".", ord("－"): "-"}


def _tell_zeros_apart(rows: pd.DataFrame) -> None:
    firms = rows["operating_firms"]
    for measure in MASKABLE:
        zero = rows[measure] == 0
        status = f"{measure}_status"
        rows.loc[zero, status] = "zero"
        rows.loc[zero & (firms == 0), status] = "not_applicable"
        if measure in ("production", "employment"):
            # Firms that operate produce and employ: a 0 beside them was not reported.
            unreported = zero & (firms > FEW_FIRMS)
            rows.loc[unreported, status] = "not_reported"
            rows.loc[unreported, measure] = np.nan


def _complexes(rows: pd.DataFrame, book, path: Path) -> pd.Series:
    """A number per complex; the rows of one that lies in two provinces share theirs."""
    own = pd.Series(range(len(rows)), index=rows.index)
    groups: dict[str, set[str]] = {}
    for title in [sheet.title for sheet in book.worksheets if re.search(r"2개\s*시도|걸친", sheet.title)]:
        upper = ""
        for row in sheet_rows(book, title, path, MOST_ROWS, WIDTH):
            upper = name_key(str(row[0])) if row[0] is not None else upper
            if row[1] is not None:
                groups.setdefault(upper, set()).add(str(row[1]).strip())
    top = rows[rows["level"] == 0]
    for upper, provinces in groups.items():
        shared = top[(top["name_key"] == upper) & top["province"].isin(provinces)]
        if shared["province"].nunique() > 1:
            own[shared.index] = own[shared.index[0]]
    return own


def _printed(book, path: Path) -> pd.DataFrame:
    """The workbook's own totals by type, from its sheet of provinces, which has them all in one table."""
    title = next((sheet.title for sheet in book.worksheets if "시도별" in sheet.title), None)
    if title is None:
        return pd.DataFrame(columns=["complexes", *MEASURES])
    cells = sheet_rows(book, title, path, MOST_ROWS, WIDTH)
    header = next((number for number, row in enumerate(cells[:HEADER_WITHIN]) if any(_words(cell) == "구분" for cell in row)), None)
    if header is None:
        return pd.DataFrame(columns=["complexes", *MEASURES])
    headings, above = [], ""
    for upper, lower in zip(cells[header], cells[header + 1], strict=True):
        above = _words(upper) or above
        headings.append(f"{above}/{_words(lower)}" if _words(lower) else _words(upper))
    columns = {}
    for name, words, *_ in _MEASURES:
        pattern = "고용(현황)?" if name == "employment" else words
        place = [number for number, heading in enumerate(headings) if re.fullmatch(pattern, heading)]
        if place:
            columns[name] = place[0]
    label, count = headings.index("구분"), next((n for n, heading in enumerate(headings) if heading == "단지수"), None)
    lines = {}
    for row in cells[header + 2 :]:
        kind = {**TYPES, "총합": "all"}.get(_words(row[label]))
        if kind and kind not in lines:
            line = {name: float(row[place]) if isinstance(row[place], int | float) else np.nan for name, place in columns.items()}
            digits = re.search(r"[\d,]+", str(row[count])) if count is not None else None
            lines[kind] = {"complexes": float(digits[0].replace(",", "")) if digits else np.nan} | line
    return pd.DataFrame.from_dict(lines, orient="index").reindex(columns=["complexes", *columns])


def _contradictions(rows: pd.DataFrame, path: Path, sheet: str) -> list[dict]:
    """Figures of the file that do not agree with each other: warnings, since the file is as its maker made it."""
    problems = []

    def warn(row: int, column: str, value: object, rule: str) -> None:
        mend = say("ask the file's maker; the figure is used as it stands", "자료 작성기관에 확인하십시오. 수치는 그대로 씁니다")
        problems.append(_problem(path, sheet, row, column, str(value), rule, mend, "warning"))

    both = rows["employment_male"] + rows["employment_female"]
    for line in rows[both.notna() & rows["employment"].notna() & (both != rows["employment"])].itertuples():
        warn(line.row, "employment", f"{line.employment:g}", say("not the sum of men and women", "남녀 합계와 다름"))
    children = {parent: group for parent, group in rows[rows["parent"] > 0].groupby("parent")}
    for line in rows[rows["row"].isin(children)].to_dict("records"):
        group = children[line["row"]]
        for measure in MEASURES:
            if measure == "sold_rate" or np.isnan(line[measure]) or group[measure].isna().any():
                continue
            if group[measure].sum() != line[measure]:
                warn(line["row"], measure, f"{line[measure]:g}", say(f"not the sum of its parts ({group[measure].sum():g})", f"하위단지 합계({group[measure].sum():g})와 다름"))
    for line in rows.to_dict("records"):
        if line["level"] == 0 and line["operating_firms"] > FEW_FIRMS and line["production_status"] == "masked" and line["row"] not in children:
            warn(line["row"], "production", MASK, say(f"masked although {line['operating_firms']:g} firms operate", f"가동업체가 {line['operating_firms']:g}개인데 비공개임"))
    keys = rows.groupby(["type", "province", "district", "name"])["row"].transform("size")
    for line in rows[keys > 1].itertuples():
        warn(line.row, "name", line.name if hasattr(line, "name") else "", say("type, province, district and name stand twice", "유형·시도·시군·단지명이 같은 행이 또 있음"))
    return problems


def _against_type_sheets(rows: pd.DataFrame, book, path: Path, sheet: str) -> list[dict]:
    """The workbook prints each type a second time in a sheet of its own: the rows must be the same."""
    problems = []
    for title, kind in TYPES.items():
        if title not in [other.title for other in book.worksheets] or title == sheet:
            continue
        cells = sheet_rows(book, title, path, MOST_ROWS, WIDTH)
        header = next((number for number, row in enumerate(cells[:HEADER_WITHIN]) if any(_words(cell) == "단지명" for cell in row)), None)
        if header is None:
            continue
        columns, depth = _columns(cells, header, path, title)
        again = _rows(cells, header + depth, columns, path, title, [])
        here = rows[rows["type"] == kind]
        compared = ["province", "district", "name_key", *MEASURES, *(f"{measure}_status" for measure in MEASURES)]
        first, second = (_as_counted_text(frame, compared) for frame in (here, again))
        for missed, at, other in ((here[~first.isin(set(second))], sheet, title), (again[~second.isin(set(first))], title, sheet)):
            for line in missed.head(SHOWN_DIFFERENCES).itertuples():
                rule = say(f"not the same in sheet {other}", f"{other} 시트의 값과 다름")
                problems.append(_problem(path, at, line.row, "", line.name, rule, say("find out which sheet is right", "어느 시트가 옳은지 확인하십시오")))
    return problems


def _as_counted_text(frame: pd.DataFrame, columns: list[str]) -> pd.Series:
    """Each row as one text, the second of two equal rows told from the first."""
    if frame.empty:
        return pd.Series(dtype="object")
    text = frame[columns].astype("string").fillna("-").agg("|".join, axis=1)
    return text + "|" + text.groupby(text).cumcount().astype("string")


def _against_printed(rows: pd.DataFrame, printed: pd.DataFrame, path: Path) -> list[dict]:
    """Sums of the rows against the workbook's own totals: equal, or short by what is masked."""
    if printed.empty:
        return []
    ours, problems = totals(rows), []
    for kind in printed.index.intersection(ours.index):
        for measure in [name for name in printed.columns if name in ours]:
            there, here = printed.at[kind, measure], ours.at[kind, measure]
            masked = ours.at[kind, f"{measure}_masked"] if measure != "complexes" else 0
            if np.isnan(there) or (masked and here <= there) or here == there:
                continue
            problems.append(
                _problem(
                    path, "시도별", "", f"{kind} {measure}", f"{there:,.0f}",
                    say(f"the rows add up to {here:,.0f}", f"단지별 합계는 {here:,.0f}"),
                    say("look for rows that are missing, doubled or changed", "빠지거나 겹치거나 바뀐 행이 있는지 확인하십시오"),
                )
            )
    return problems


def _problem(path: Path, sheet: str, row: int | str, column: str, value: str, rule: str, mend: str, severity: str = "error") -> dict:
    return problem((shown(path), sheet, row), column, value, rule, mend, severity)
