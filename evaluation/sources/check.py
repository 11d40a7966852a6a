"""Checks all inputs of a year at once and hands on only tables without errors."""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from evaluation.errors import say
from evaluation.paths import RAW, shown
from evaluation.sources.entry import Entries, read_entries
from evaluation.sources.locate import Found, locate, locate_all, official_files
from evaluation.sources.plausibility import implausible
from evaluation.sources.problems import problem, problem_frame, refuse_errors
from evaluation.sources.read import FIRST_ROW, Read, empty, read_table, rows_hash, up_to
from evaluation.sources.specs import headquarters_of
from evaluation.sources.systems import system_problems
from evaluation.sources.tables import TABLES, Table

SEVERAL = " | "  # between the files of one table; no file name can hold it on Windows


@dataclass(frozen=True)
class Inputs:
    """The tables of a year (rows up to that year), what they were read from, and the problems found.

    `files`: one row per table: table, file (below data/raw), origin (official, simulated, published,
    press), rows_used, rows_sha256 (of the rows used, so later rows do not matter), file_sha256. Where
    several workbooks serve a table, file and file_sha256 name each, with SEVERAL between them.
    """

    tables: dict[str, pd.DataFrame]
    files: pd.DataFrame
    problems: pd.DataFrame


def check_inputs(year: int, raw: Path = RAW) -> Inputs:
    """Read and check every table of a year; what is wrong inside a file is listed, not raised.

    Rows after the year are not used, so what is wrong in them is a warning.
    """
    entries = read_entries(year, raw)
    located = locate_all(year, raw, entries)
    told = [*entries.problems, *_unclaimed(year, raw, located, entries)]
    return check_tables(year, [(found, read_table(found)) for found in located], problem_frame(told), raw)


def _unclaimed(year: int, raw: Path, located: list[Found], entries: Entries) -> list[dict]:
    """Official files that serve no table: a name that is a little off would otherwise leave simulated data in use in silence."""
    claimed = {path for found in located for path in found.paths} | set(entries.paths)
    names = ", ".join(sorted({Path(table.path).name for table in TABLES.values() if table.origin == "simulated"}))
    return [
        problem(
            (shown(path), "", ""), "", path.name,
            say("not the name of any table; not read", "어느 표의 파일 이름도 아니어서 읽지 않음"),
            say(f"name it after its table: {names}, or put a workbook (.xlsx) directly into the year's folder", f"표 이름으로 바꾸거나({names}) 통합 문서(.xlsx)를 연도 폴더 바로 아래에 두십시오"),
            "warning",
        )
        for path in official_files(year, raw) if path not in claimed
    ]  # fmt: skip


def check_tables(year: int, tables_read: list[tuple[Found, Read]], told: pd.DataFrame, raw: Path = RAW) -> Inputs:
    """Check tables that were read: each as of the year, and all against each other.

    Args:
        told: problems that are known already.
    """
    tables, files, problems = {name: empty(table) for name, table in TABLES.items()}, [], [told]
    for found, read in tables_read:
        used = up_to(read.frame, found.table, year)
        tables[found.table.name] = used
        problems += [_later_are_warnings(read, found.table, year), _other_years(read, found.table, year)]
        files.append(
            {
                "table": found.table.name,
                "file": SEVERAL.join(path.relative_to(raw).as_posix() for path in found.paths),
                "origin": found.origin,
                "rows_used": len(used),
                "rows_sha256": rows_hash(up_to(read.text, found.table, year)),
                "file_sha256": SEVERAL.join(hashlib.sha256(path.read_bytes()).hexdigest() for path in found.paths),
            }
        )
    # Cross-checks on tables with errors of their own would only repeat them.
    if not any((wrong["severity"] == "error").any() for wrong in problems):
        problems.append(_cross_check(year, [found for found, _ in tables_read], tables))
    return Inputs(tables, pd.DataFrame(files), pd.concat(problems, ignore_index=True))


def read_inputs(year: int, raw: Path = RAW) -> Inputs:
    """The inputs of a year; UserError with the first problems where any is an error."""
    inputs = check_inputs(year, raw)
    _refuse(inputs.problems, year)
    return inputs


def read_some(year: int, names: tuple[str, ...], raw: Path = RAW) -> Inputs:
    """Only the named tables of a year, the others empty; UserError with the first problems where any is an error."""
    entries = read_entries(year, raw)
    located = [found for found in locate_all(year, raw, entries) if found.table.name in names]
    inputs = check_tables(year, [(found, read_table(found)) for found in located], problem_frame(entries.problems), raw)
    _refuse(inputs.problems, year)
    return Inputs({name: inputs.tables[name] for name in names}, inputs.files, inputs.problems)


def read_input(name: str, year: int, raw: Path = RAW) -> pd.DataFrame:
    """One table that every year shares, as of the year, whatever else is there; UserError where it has errors."""
    read = read_table(locate(name, year, raw, Entries([], [], [])))
    _refuse(_later_are_warnings(read, TABLES[name], year), year)
    return up_to(read.frame, TABLES[name], year)


def _refuse(problems: pd.DataFrame, year: int) -> None:
    refuse_errors(problems, f"The inputs of {year} have errors; `iccp check {year}` shows all", f"{year}년 입력 자료에 오류가 있습니다. 전체 목록은 `iccp check {year}`로 볼 수 있습니다")


def _later_are_warnings(read: Read, table: Table, year: int) -> pd.DataFrame:
    problems = read.problems
    if table.year_column is None or table.yearly or problems.empty or read.frame.empty:
        return problems
    years = pd.to_numeric(read.frame[table.year_column], errors="coerce")
    later = [row != "" and years.get(row - FIRST_ROW, year) > year for row in problems["row"]]
    return problems.assign(severity=problems["severity"].mask(later, "warning"))


def _other_years(read: Read, table: Table, year: int) -> pd.DataFrame:
    """Rows of another year in a file that is one year's own: none is dropped in silence."""
    other = read.frame[read.frame["year"] != year].dropna(subset="year") if table.yearly else read.frame.iloc[:0]
    return problem_frame(
        [
            problem(
                tuple(read.places.loc[index]), "year", f"{value:g}",
                say(f"not {year}", f"{year}년이 아님"),
                say("put each year's rows into its own folder", "연도별 폴더에 나누어 넣으십시오"),
            )
            for index, value in other["year"].items()
        ] if len(other) else []
    )  # fmt: skip


def _cross_check(year: int, located: list[Found], tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    problems = []
    there = {found.table.name for found in located}
    units = headquarters_of(year)

    def add(name: str, column: str, value: object, rule: str, mend: str, severity: str = "error") -> None:
        file = next(SEVERAL.join(map(shown, found.paths)) for found in located if found.table.name == name)
        problems.append(problem((file, "", ""), column, str(value), rule, mend, severity))

    for name, table in TABLES.items():
        frame = tables[name]
        for column, (other, key) in table.references.items():
            for value in sorted(set(frame[column]) - set(tables[other][key])):
                add(
                    name, column, value,
                    say(f"not listed in {other}", f"{other} 표에 없음"),
                    say(f"mend the code or add it to {other}", f"코드를 고치거나 {other} 표에 추가하십시오"),
                )
        if name not in there:
            continue
        if "headquarters" in frame and name != "complexes":  # which lie where the book of 2010 puts them, in any year
            for value in sorted(set(frame["headquarters"]) - set(units)):
                listed = ", ".join(units)
                add(
                    name, "headquarters", value,
                    say(f"not a headquarters of {year}", f"{year}년 평가 대상 본부가 아님"),
                    say(f"use those of {year}: {listed}", f"{year}년 본부 코드를 쓰십시오: {listed}"),
                )
        if frame.empty and not table.may_be_empty:
            add(
                name, table.year_column or "", "",
                say(f"no rows up to {year}", f"{year}년까지의 행이 없음"),
                say("add the rows", "자료를 입력하십시오"),
                severity="warning" if table.optional else "error",
            )
        elif table.yearly and "headquarters" in frame:
            for value in sorted(set(units) - set(frame["headquarters"])):
                add(
                    name, "headquarters", value,
                    say("has no rows", "자료가 없음"),
                    say("add its rows", "해당 본부 자료를 입력하십시오"),
                    severity="warning" if table.optional else "error",
                )
    complexes = tables["complexes"]
    participant = complexes["role"] != "non_participant"
    for row in complexes[participant & complexes["first_treated"].isna()].itertuples():
        add(
            "complexes", "first_treated", row.complex_id,
            say("empty for a participant", "참여 단지인데 비어 있음"),
            say("enter its year of first participation", "최초 참여연도를 입력하십시오"),
        )
    for row in complexes[~participant & complexes["first_treated"].notna()].itertuples():
        add(
            "complexes", "first_treated", f"{row.complex_id}, {row.first_treated:g}",
            say("given for a non-participant", "비참여 단지인데 값이 있음"),
            say("mend the role or leave the year empty", "역할을 고치거나 연도를 비우십시오"),
        )
    common = tables["common_indicators"]
    for headquarters, own in common.groupby("headquarters")["indicator"]:
        for value in sorted(set(common["indicator"]) - set(own)):
            add(
                "common_indicators", "indicator", f"{headquarters}, {value}",
                say("common indicator is not there", "공통지표가 없음"),
                say("add its row; common indicators count for every headquarters", "행을 추가하십시오. 공통지표는 모든 본부에 적용됩니다"),
            )
    invited = tables["satisfaction_invited"]
    if not invited.empty:
        people = tables["satisfaction"].dropna(subset="response").groupby(["headquarters", "group"])["respondent"].nunique()
        asked = invited.set_index(["headquarters", "group"])
        for place, count in people.items():
            told = (
                say("has answers, but no row", "응답이 있는데 행이 없음") if place not in asked.index
                else say(f"{asked.at[place, 'invited']:g} asked, but {count} answered", f"조사 대상 {asked.at[place, 'invited']:g}명인데 응답자가 {count}명임") if asked.at[place, "invited"] < count else ""
            )  # fmt: skip
            if told:
                add("satisfaction_invited", "invited", ", ".join(place), told, say("mend the number of those asked, or the groups of the answers", "조사 대상 수나 응답자 구분을 고치십시오"))
        for row in invited[invited["population"] < invited["invited"]].itertuples():
            add("satisfaction_invited", "population", f"{row.headquarters}, {row.group}, {row.population:g}", say(f"fewer than the {row.invited} asked", f"조사 대상 {row.invited}명보다 적음"), say("mend one of the two", "둘 중 틀린 수를 고치십시오"))
    origins = {found.table.name: found.origin for found in located}
    for name, told in (
        ("panel_variants", say("official, though the panel whose figures it replaces is simulated", "실제 자료인데, 수치를 바꿀 대상인 패널은 모의자료임")),
        ("firm_turnover", say("official, though the panel whose firms it counts is simulated", "실제 자료인데, 업체 수를 견줄 패널은 모의자료임")),
    ):
        if origins.get(name) == "official" and origins.get("panel") == "simulated" and not tables[name].empty:
            add(name, "", "", told, say("put in panel.csv too, or take this file out", "panel.csv도 넣거나 이 파일을 빼십시오"))
    variants = tables["panel_variants"]
    if not variants.empty:
        for value in sorted(name for name in set(variants["variant"]) if not re.fullmatch(r"\w+", name)):
            add(
                "panel_variants", "variant", value,
                say("not a code", "코드가 아님"),
                say("use letters, digits and _ only, as in without_gunjang", "without_gunjang처럼 글자, 숫자, 밑줄(_)만 쓰십시오"),
            )
        rows = tables["panel"].set_index(["complex_id", "year"]).index if len(tables["panel"]) else []
        for row in variants.itertuples() if len(rows) else ():
            if (row.complex_id, row.year) not in rows:
                add(
                    "panel_variants", "year", f"{row.variant}, {row.complex_id}, {row.year}",
                    say("has no row in the panel that it could replace", "바꿀 대상 행이 패널에 없음"),
                    say("mend the year, or add the row to the panel", "연도를 고치거나 패널에 행을 추가하십시오"),
                )
    recused = tables["mc_marks"][(tables["mc_marks"]["conflict_of_interest"] == 1) & tables["mc_marks"]["mark"].notna()]
    for row in recused.itertuples():
        add(
            "mc_marks", "mark", f"{row.mc_id}, {row.evaluator}, {row.mark:g}",
            say("given in spite of a declared conflict of interest", "이해충돌 회피를 신고하였는데 점수가 있음"),
            say("empty the mark or mend the declaration", "점수를 비우거나 회피 여부를 고치십시오"),
        )
    marked = tables["mc_marks"].dropna(subset="mark")["mc_id"]
    for value in sorted(set(tables["mini_clusters"]["mc_id"]) - set(marked)):
        add(
            "mc_marks", "mc_id", value,
            say("has no mark", "평가점수가 없음"),
            say("enter its marks; the mean of its headquarters leaves it out otherwise", "평가점수를 입력하십시오. 입력하지 않으면 본부 평균에서 제외됩니다"),
            severity="warning",
        )
    blank = tables["mc_marks"][tables["mc_marks"]["mark"].isna() & (tables["mc_marks"]["conflict_of_interest"] == 0)]
    for row in blank.itertuples():
        add(
            "mc_marks", "mark", f"{row.mc_id}, {row.evaluator}",
            say("empty without a declared conflict of interest", "이해충돌 회피 신고 없이 비어 있음"),
            say("enter the mark or declare the conflict", "점수를 입력하거나 회피 여부를 표시하십시오"),
            severity="warning",
        )
    for value in sorted(set(complexes["complex_id"]) - set(tables["panel"]["complex_id"])) if len(tables["panel"]) else ():
        add(
            "panel", "complex_id", value,
            say("has no rows", "자료가 없음"),
            say("add its rows; estimates leave it out otherwise", "행을 추가하십시오. 추가하지 않으면 추정에서 제외됩니다"),
            severity="warning",
        )
    last = tables["panel"]["year"].max()  # missing in an empty panel, of which more is said above
    if last < year:
        add(
            "panel", "year", last,
            say(f"is its last year, before {year}", f"마지막 연도가 {year}년보다 앞섬"),
            say("add the later years; complexes that joined after it are left out of the estimates otherwise", "이후 연도를 추가하십시오. 추가하지 않으면 그 뒤에 참여한 단지가 추정에서 제외됩니다"),
            severity="warning",
        )
    for name, column, value, rule, mend in system_problems(tables, {found.table.name: found.origin for found in located}, units):
        add(name, column, value, rule, mend, severity="warning")
    for name, column, value, rule, mend in implausible(tables, there):
        add(name, column, value, rule, mend, severity="warning")
    gaps = tables["panel"].groupby("complex_id")["year"].agg(["min", "max", "count"])
    for value, row in gaps[gaps["max"] - gaps["min"] + 1 != gaps["count"]].iterrows():
        add(
            "panel", "year", value,
            say("has gaps between its years", "연도가 이어지지 않음"),
            say("add a row per year; leave cells empty where nothing is known", "연도별로 한 행씩 넣고, 모르는 값은 빈 칸으로 두십시오"),
            severity="warning",
        )
    return problem_frame(problems)
