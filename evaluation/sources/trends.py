"""Reads the trend tables of national complexes (주요국가산업단지 산업동향): quarterly releases as CSV or workbook.

A release is a vintage: later ones revise earlier quarters. It is another series than the census (other
coverage, other revisions), so figures carry `series` and `vintage`, and nothing here puts two together.
A column says whether it is the quarter's flow (당분기), the quarter before (전분기) or year to date (누계);
where it says nothing, so does the result.
"""

import csv
import io
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from evaluation.errors import UserError, say
from evaluation.paths import shown
from evaluation.sources.names import name_key
from evaluation.sources.problems import problem, problem_frame
from evaluation.sources.tables import MASK
from evaluation.sources.workbooks import open_workbook, sheet_rows

SERIES = "trend"
MOST_ROWS, WIDTH, HEADER_WITHIN = 2_000, 60, 10
# unit as printed -> measure, unit of the project, factor
UNITS = {"억원": ("production", "KRW mn", 100.0), "백만달러": ("exports", "USD thousand", 1_000.0)}
FLOWS = {"당분기": "quarter", "전분기": "previous_quarter", "누계": "year_to_date"}
TOTAL = "계"
VALUE_COLUMNS = ["complex", "name_key", "kind", "series", "vintage", "quarter", "measure", "industry", "flow", "value", "unit", "status"]


@dataclass(frozen=True)
class Trend:
    """One release.

    `vintage`: date of the file's name; `quarter`: the quarter it reports, as 2026Q1.
    `values`: VALUE_COLUMNS; value in `unit`, status observed, masked or missing; industry `all` for totals;
        flow quarter, previous_quarter, year_to_date, or unstated where the heading does not say.
    `problems`: with PROBLEM_COLUMNS.
    """

    path: Path
    vintage: str
    quarter: str
    values: pd.DataFrame
    problems: pd.DataFrame


def read_trend(path: Path) -> Trend:
    """Read a release, a CSV (cp949 or UTF-8) or a workbook.

    Raises:
        UserError: not readable, no date in its name, no column of names or of figures, an unknown unit.
    """
    vintage, quarter = _vintage(path)
    sheet, cells = _cells(path)
    header = next((number for number, row in enumerate(cells[:HEADER_WITHIN]) if _text(row[0]) == "산업단지"), None)
    if header is None:
        raise UserError(
            f"{shown(path)}: no header with the column 산업단지 within the first {HEADER_WITHIN} rows.",
            f"{shown(path)}: 처음 {HEADER_WITHIN}행 안에 ‘산업단지’ 머리글이 없습니다.",
        )
    problems: list[dict] = []
    columns = _columns(cells[header], path, sheet, header + 1, quarter, problems)
    rows = []
    for number, row in enumerate(cells[header + 1 :], start=header + 2):
        name = _text(row[0])
        if not name:
            if any(_text(cell) for cell in row):
                problems.append(_problem(path, sheet, number, "산업단지", "", say("figures without a name", "단지명 없이 수치만 있음"), say("enter the name or take the row out", "단지명을 입력하거나 행을 지우십시오")))
            continue
        for place, column in columns.items():
            value, status = _value(row[place], path, sheet, number, column["heading"], problems)
            rows.append({"complex": name, "row": number, "kind": _text(row[1]), "status": status, "value": value, **column})
    if not rows:
        raise UserError(f"{shown(path)}: no rows below the header.", f"{shown(path)}: 머리글 아래에 자료가 없습니다.")
    values = pd.DataFrame(rows)
    problems += _contradictions(values, quarter, path, sheet)
    values["name_key"] = values["complex"].map(name_key).str.replace("(외국인)", "(외)", regex=False)
    values = values[values["measure"] != "growth"]
    values["value"] = values["value"] * values["factor"]
    values = values.assign(series=SERIES, vintage=vintage, quarter=quarter)[VALUE_COLUMNS].reset_index(drop=True)
    return Trend(path, vintage, quarter, values, problem_frame(problems))


def require_one_series(values: pd.DataFrame) -> None:
    """UserError where figures of different series, vintages or flows are about to be put together."""
    for column in ("series", "vintage", "flow"):
        found = sorted(values[column].unique())
        if len(found) > 1:
            listed = ", ".join(found)
            raise UserError(
                f"Figures of different {column} cannot be put together: {listed}. Choose one.",
                f"{column}이(가) 다른 수치({listed})는 함께 쓸 수 없습니다. 하나를 고르십시오.",
            )


def _vintage(path: Path) -> tuple[str, str]:
    found = re.search(r"(20\d\d)(0[1-9]|1[0-2])([0-3]\d)(?!\d)", path.stem)
    if not found:
        raise UserError(
            f"{shown(path)}: the name must end with the date it reports up to, such as …_20260331.csv, which tells releases apart.",
            f"{shown(path)}: 파일 이름 끝에 기준일(예: …_20260331.csv)이 있어야 자료 시점을 구분할 수 있습니다.",
        )
    return "-".join(found.groups()), f"{found[1]}Q{(int(found[2]) + 2) // 3}"


def _cells(path: Path) -> tuple[str, list[tuple]]:
    if path.suffix.lower() != ".csv":
        book = open_workbook(path)
        title = book.worksheets[0].title
        return title, sheet_rows(book, title, path, MOST_ROWS, WIDTH)
    content = path.read_bytes()
    for encoding in ("utf-8-sig", "cp949"):
        try:
            text = content.decode(encoding)
            break
        except UnicodeDecodeError:
            continue
    else:
        raise UserError(
            f"{shown(path)}: neither UTF-8 nor cp949. Get the file again from its source.",
            f"{shown(path)}: UTF-8도 cp949도 아닙니다. 파일을 다시 받으십시오.",
        )
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except csv.Error as error:
        raise UserError(f"{shown(path)}: not readable as CSV ({error}).", f"{shown(path)}: CSV로 읽을 수 없습니다({error}).") from None
    if len(rows) > MOST_ROWS or any(len(row) > WIDTH for row in rows):
        raise UserError(f"{shown(path)}: too many rows or columns for a trend table.", f"{shown(path)}: 산업동향 표로 보기에는 행이나 열이 너무 많습니다.")
    return "", [tuple(row) + (None,) * (WIDTH - len(row)) for row in rows]


def _text(cell: object) -> str:
    return "" if cell is None else re.sub(r"\s+", "", str(cell))


def _columns(header: tuple, path: Path, sheet: str, row: int, quarter: str, problems: list[dict]) -> dict[int, dict]:
    """Place -> measure, industry, flow, unit, factor and heading of every column of figures."""
    columns = {}
    for place, cell in enumerate(header[2:], start=2):
        heading = _text(cell)
        if not heading:
            continue
        if "증감률" in heading:
            columns[place] = {"heading": heading, "measure": "growth", "industry": "all", "flow": "growth", "unit": "%", "factor": 1.0}
            continue
        unit = re.search(r"\(([^()]*)\)$", heading)
        if not unit or unit[1] not in UNITS:
            raise UserError(
                f"{shown(path)}, row {row}: the heading {heading} names no known unit ({', '.join(UNITS)}). Restore it.",
                f"{shown(path)} {row}행: 머리글 {heading}의 단위를 알 수 없습니다(가능: {', '.join(UNITS)}). 머리글을 되돌려 놓으십시오.",
            )
        measure, ours, factor = UNITS[unit[1]]
        words = heading[: unit.start()]
        flow = next((flow for word, flow in FLOWS.items() if word in words), None)
        industry = "all" if flow or words == TOTAL else words
        columns[place] = {"heading": heading, "measure": measure, "industry": industry, "flow": flow or "unstated", "unit": ours, "factor": factor}
        year = re.search(r"20\d\d", words)
        if year and year[0] != quarter[:4]:
            problems.append(
                _problem(
                    path, sheet, row, heading, year[0],
                    say(f"the heading says {year[0]}, the file's name {quarter}", f"머리글은 {year[0]}년인데 파일 이름은 {quarter}임"),
                    say("the name is followed; ask the file's maker", "파일 이름을 따릅니다. 작성기관에 확인하십시오"), "warning",
                )
            )  # fmt: skip
    told = [(column["industry"], column["flow"]) for column in columns.values()]
    if len(set(told)) < len(told):
        twice = ", ".join(column["heading"] for column in columns.values() if told.count((column["industry"], column["flow"])) > 1)
        raise UserError(
            f"{shown(path)}, row {row}: columns that mean the same: {twice}. Keep one.",
            f"{shown(path)} {row}행: 같은 뜻의 열이 겹칩니다: {twice}. 하나만 남기십시오.",
        )
    if len({column["measure"] for column in columns.values()} - {"growth"}) != 1:
        raise UserError(
            f"{shown(path)}, row {row}: figures of one measure are expected, in one of: {', '.join(UNITS)}.",
            f"{shown(path)} {row}행: 한 가지 지표의 수치(단위: {', '.join(UNITS)})가 있어야 합니다.",
        )
    return columns


def _value(cell: object, path: Path, sheet: str, row: int, heading: str, problems: list[dict]) -> tuple[float, str]:
    text = _text(cell)
    if not text:
        return np.nan, "missing"
    if text.upper() == MASK:
        return np.nan, "masked"
    try:
        value = float(text.replace(",", ""))
    except ValueError:
        value = np.nan
    if not np.isfinite(value):
        problems.append(_problem(path, sheet, row, heading, str(cell), say("not a number", "숫자가 아님"), say("mend the cell", "칸을 고치십시오")))
        return np.nan, "missing"
    if value < 0 and "증감률" not in heading:
        problems.append(_problem(path, sheet, row, heading, str(cell), say("below 0", "0보다 작음"), say("mend the figure", "수치를 고치십시오")))
    return value, "observed"


def _contradictions(values: pd.DataFrame, quarter: str, path: Path, sheet: str) -> list[dict]:
    """What a row says twice must agree: growth with its two quarters, the total with its industries, year to date with the quarter."""
    problems = []

    def wrong(row: int, heading: str, value: float, rule: str) -> None:
        mend = say("look for a changed or shifted figure", "바뀌거나 밀린 수치가 있는지 확인하십시오")
        problems.append(_problem(path, sheet, row, heading, f"{value:g}", rule, mend))

    twice = values.loc[values["complex"] != TOTAL].groupby("complex")["row"].nunique()
    for name in twice[twice > 1].index:
        wrong(int(values.loc[values["complex"] == name, "row"].max()), name, twice[name], say("complex stands twice", "같은 단지가 또 있음"))
    for row, line in values.groupby("row"):
        by_flow = line[line["industry"] == "all"].set_index("flow")["value"]
        if {"quarter", "previous_quarter", "growth"} <= set(by_flow.index) and by_flow["growth"] == by_flow["growth"]:
            growth = 100 * (by_flow["quarter"] / by_flow["previous_quarter"] - 1) if by_flow["previous_quarter"] > 0 else np.nan
            masked = (line.loc[line["flow"].isin(["quarter", "previous_quarter"]), "status"] == "masked").any()
            # Printed with nine digits; the figures it comes from with ten. From nothing, or from an empty cell, nothing grows.
            if not masked and not np.isclose(growth, by_flow["growth"], rtol=1e-6, atol=1e-6, equal_nan=True):
                wrong(row, line.loc[line["flow"] == "growth", "heading"].iloc[0], by_flow["growth"], say(f"the two quarters give {growth:.6g}", f"두 분기로 계산하면 {growth:.6g}"))
        both = {"quarter", "year_to_date"} <= set(by_flow.index)
        if both and by_flow["year_to_date"] < by_flow["quarter"] * (1 - 1e-9):
            wrong(row, line.loc[line["flow"] == "year_to_date", "heading"].iloc[0], by_flow["year_to_date"], say("year to date is below the quarter", "누계가 당분기보다 작음"))
        if both and quarter.endswith("Q1") and not np.isclose(by_flow["year_to_date"], by_flow["quarter"], rtol=1e-9, equal_nan=True):
            wrong(row, line.loc[line["flow"] == "year_to_date", "heading"].iloc[0], by_flow["year_to_date"], say("not the quarter, although it is the year's first", "1분기인데 당분기와 다름"))
        parts, whole = line[line["industry"] != "all"], line[(line["industry"] == "all") & (line["flow"] == "unstated")]
        if len(parts) and len(whole) and parts["value"].notna().all() and whole["value"].notna().all():
            if not np.isclose(parts["value"].sum(), whole["value"].iloc[0], rtol=1e-7, atol=1e-5):
                wrong(row, whole["heading"].iloc[0], whole["value"].iloc[0], say(f"the industries add up to {parts['value'].sum():.10g}", f"업종 합계는 {parts['value'].sum():.10g}"))
    total = values[values["complex"] == TOTAL]
    others = values[values["complex"] != TOTAL]
    for line in total[total["measure"] != "growth"].itertuples():
        column = others[others["heading"] == line.heading]
        if (column["status"] != "masked").all() and not np.isclose(column["value"].sum(), line.value, rtol=1e-7):
            wrong(line.row, line.heading, line.value, say(f"the complexes add up to {column['value'].sum():.10g}", f"단지 합계는 {column['value'].sum():.10g}"))
    return problems


def _problem(path: Path, sheet: str, row: int | str, column: str, value: str, rule: str, mend: str, severity: str = "error") -> dict:
    return problem((shown(path), sheet, row), column, value, rule, mend, severity)
