"""The `iccp` command. Heavy libraries are loaded when a command needs them, so that help is instant."""

import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from evaluation.commands.impact import impact_app
from evaluation.commands.index import index_app
from evaluation.errors import LANGUAGES, UserError, language, not_usable, say
from evaluation.paths import NOTEBOOKS

if TYPE_CHECKING:
    pass

app = typer.Typer(
    name="iccp",
    no_args_is_help=True,
    rich_markup_mode="rich",
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help=say(
        "Yearly evaluation of Korea's Industrial Complex Cluster Program: raw tables in, finished report out.\n\n"
        "Messages are in Korean on a Korean system, else in English; --lang chooses.",
        "산업집적지 경쟁력 강화사업 연차평가 도구: 원자료를 넣으면 완성된 보고서가 나옵니다.\n\n"
        "한국어 시스템에서는 한국어로, 그 밖에는 영어로 안내하며 --lang으로 고를 수 있습니다.",
    ),
    epilog=say(
        "Examples:\n\niccp report 2010\n\niccp check 2011\n\niccp template 2011\n\niccp years\n\niccp explain 2010 index.total.dongnam",
        "예:\n\niccp report 2010\n\niccp check 2011\n\niccp template 2011\n\niccp years\n\niccp explain 2010 index.total.dongnam",
    ),
)

# Typer's reasons, as regular expressions -> in Korean.
KOREAN_REASONS = {
    r"greater than or equal to (\S+)": "{} 이상이어야 합니다.", r"less than or equal to (\S+)": "{} 이하여야 합니다.", r"x>=(\S+?)\.?$": "{} 이상이어야 합니다.",
    r"range (\S+)<=x<=(\S+?)\.?$": "{} 이상 {} 이하여야 합니다.", r"valid integer": "정수여야 합니다.", r"valid (?:number|float)": "숫자여야 합니다.",
}  # fmt: skip
KOREAN_USAGE = {
    r"No such command '(.*?)'": "{!r} 명령이 없습니다.", r"Missing command": "명령을 지정하십시오.", r"unexpected extra arguments?(?:\(s\))? \((.*)\)": "필요 없는 인수가 있습니다: {}.",
    r"Option '(.*?)' requires an argument": "{} 옵션에는 값이 필요합니다.", r"Option '(.*?)' does not take a value": "{} 옵션에는 값을 붙이지 않습니다.",
}  # fmt: skip
ALIKE = 10  # problems of one kind that `check` shows

Year = Annotated[str, typer.Argument(help=say("evaluation year, such as 2010", "평가연도(예: 2010)"), show_default=False)]



def _year(text: str) -> int:
    if not text.isdecimal():
        raise UserError(f"{text!r} is not a year; give one such as 2010.", f"{text!r}은(는) 연도가 아닙니다. 2010처럼 입력하십시오.")
    return int(text)


@app.callback()
def options(
    lang: Annotated[str, typer.Option(help=say("language of messages: ko or en", "안내 언어: ko 또는 en"), show_default=False)] = "",
) -> None:
    if lang and lang not in LANGUAGES:
        raise UserError(f"--lang is {lang!r}; use ko or en.", f"--lang 값 {lang!r}을(를) 쓸 수 없습니다. ko 또는 en을 쓰십시오.")
    if lang:
        os.environ["ICCP_LANG"] = lang


@app.command(help=say("Make or bring up to date the report of a year, in Korean and English.", "한 해의 보고서를 국문과 영문으로 만들거나 최신 상태로 갱신합니다."))
def report(year: Annotated[str, typer.Argument(help=say("evaluation year; the default year where left out", "평가연도(생략하면 기본 연도)"), show_default=False)] = "",
    hold: Annotated[float | None, typer.Option(help=say("publish nothing where a published number moved by more than this share (0.01: 1 %)", "발간된 수치가 이 비율(0.01은 1%)보다 크게 달라지면 발간하지 않음"), show_default=False)] = None,
) -> None:
    from rich.console import Console
    from rich.table import Table

    from evaluation.pipeline.run import make_report, report_paths, summary
    from evaluation.sources.specs import read_report

    console = Console(highlight=False)
    wanted = _year(year) if year else read_report()["default_year"]
    run = make_report(wanted, console, hold)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in (say("Step", "단계"), say("Result", "결과"), say("Why", "이유")):
        table.add_column(heading, overflow="fold")
    for row in summary(run):
        table.add_row(*row)
    console.print()
    console.print(table)
    console.print()
    if run.warnings:
        plural = "" if run.warnings == 1 else "s"
        console.print(say(f"The inputs gave {run.warnings} warning{plural}; `iccp check {wanted}` shows them.\n", f"입력 자료에 주의 {run.warnings}건이 있습니다. `iccp check {wanted}`로 볼 수 있습니다.\n"))
    for path in report_paths(run):
        console.print(path, soft_wrap=True)


@app.command(help=say("Check all inputs of a year and list every problem at once.", "한 해의 입력 자료를 점검하여 모든 문제를 한 번에 보여 줍니다."))
def check(year: Annotated[str, typer.Argument(help=say("evaluation year; the default year where left out", "평가연도(생략하면 기본 연도)"), show_default=False)] = "") -> None:
    import pandas as pd
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from evaluation.paths import processed, shown
    from evaluation.pipeline.run import check_specs
    from evaluation.sources.check import check_inputs
    from evaluation.sources.findings import headings, kind, write_findings
    from evaluation.sources.printed import PRINTED
    from evaluation.sources.published import check_published
    from evaluation.sources.releases import check_releases
    from evaluation.sources.specs import read_report
    from evaluation.sources.tables import TABLES

    wanted = _year(year) if year else read_report()["default_year"]
    check_specs(wanted)
    console = Console(highlight=False)
    inputs = check_inputs(wanted)
    releases, wrong = check_releases(inputs.tables["complexes"])
    problems = pd.concat([inputs.problems, check_published(besides=inputs.tables), wrong], ignore_index=True)
    if not problems.empty:
        table = Table(box=None, pad_edge=False, header_style="bold")
        # Only workbooks have sheets.
        columns = [n for n, name in enumerate(problems) if name != "sheet" or problems["sheet"].any()]
        for n in columns:
            table.add_column(headings()[n], overflow="fold")
        # Errors last, beside the prompt; what repeats itself is cut short, so that nothing else is buried.
        ordered = problems.sort_values("severity", ascending=False, kind="stable")
        for _, alike in ordered.groupby(["severity", "file", "sheet", "column", "rule"], sort=False):
            for problem in alike.head(ALIKE).itertuples(index=False):
                cells = [kind(problem.severity), *(escape(str(cell)) for cell in problem[1:])]
                table.add_row(*(cells[n] for n in columns))
            if len(alike) > ALIKE:
                more = say(f"… {len(alike) - ALIKE} more like these", f"… 같은 문제 {len(alike) - ALIKE}건 더 있음")
                table.add_row(*([""] * (len(columns) - 2)), more, "")
        console.print(table)
        console.print()
    written = write_findings(problems, say(f"Problems of the inputs of {wanted}", f"{wanted}년 입력 자료 점검 결과"), processed(wanted) / "check")
    for path in written:
        console.print(shown(path), soft_wrap=True)
    for release in releases.itertuples():
        console.print(f"{release.file}: {release.period}, {say(f'{release.rows:,} rows', f'{release.rows:,}행')}", soft_wrap=True)
    errors = int((problems["severity"] == "error").sum())
    warnings = len(problems) - errors
    names = read_report()["labels"]["origin"]
    # The tables of a report, and those that only the audit reads.
    origins = pd.Series([*inputs.files["origin"], *(table.origin for name, table in PRINTED.items() if name not in TABLES)]).value_counts()
    counted = ", ".join(f"{names[origin][language()]} {count}" for origin, count in origins.items())
    console.print(
        say(
            f"{wanted}: {origins.sum()} tables ({counted}), {errors} errors, {warnings} warnings",
            f"{wanted}년: 표 {origins.sum()}개({counted}), 오류 {errors}건, 주의 {warnings}건",
        )
    )
    if errors:
        raise typer.Exit(1)


@app.command(
    help=say(
        "Show what changed, largest first: between the results of two years; with one year, since its report was published; "
        "with --file, between a raw file in use and a corrected one.",
        "달라진 것을 큰 순서로 보여 줍니다. 두 연도의 결과, 한 연도만 주면 발간 이후의 변화, --file을 주면 사용 중인 원자료와 수정본을 비교합니다.",
    )
)
def diff(
    year: Year,
    other: Annotated[str, typer.Argument(help=say("the year to compare with", "비교할 연도"), show_default=False)] = "",
    file: Annotated[Path | None, typer.Option(help=say("a corrected raw file; its name says which table it is", "수정한 원자료 파일. 파일 이름으로 표를 알아봅니다"), show_default=False)] = None,
    tolerance: Annotated[float, typer.Option(help=say("relative change that is let pass", "무시할 상대 변화"))] = 0.0,
    fail: Annotated[bool, typer.Option("--fail", help=say("exit code 1 where a printed number moved", "인쇄 수치가 달라지면 종료 코드 1"))] = False,
    rows: Annotated[int, typer.Option(help=say("how many changes are shown", "보여 줄 개수"), min=1)] = 20,
) -> None:
    import pandas as pd
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from evaluation.paths import processed
    from evaluation.pipeline.run import changes_since_published
    from evaluation.report.changes import compare_ledgers
    from evaluation.report.ledger import read_ledger
    from evaluation.sources.compare import compare_file, compare_years
    from evaluation.sources.specs import scheme_paths

    console = Console(highlight=False)

    def show(changes: pd.DataFrame, title: str, columns: dict[str, str]) -> None:
        console.print(f"[bold]{title}[/]: {len(changes)}")
        if changes.empty:
            return
        table = Table(box=None, pad_edge=False, header_style="bold")
        for heading in columns:
            table.add_column(heading, overflow="fold")
        for row in changes.head(rows).to_dict("records"):
            table.add_row(*(escape(_change(row[name])) for name in columns.values()))
        console.print(table)
        if len(changes) > rows:
            console.print(say(f"… {len(changes) - rows} more (--rows shows more)", f"… {len(changes) - rows}건 더 있음(--rows로 늘릴 수 있음)"))
        console.print()

    first = _year(year)
    scheme_paths(first)
    cells = {say("Row", "행"): "key", say("Column", "열"): "column", say("Before", "이전"): "before", say("After", "이후"): "after", say("Change", "변화"): "relative", "": "what"}
    if file is not None:
        table, changed = compare_file(first, file)
        show(changed[~(changed["relative"] <= tolerance)], say(f"Changed cells of {table}", f"{table}에서 달라진 칸"), cells)
        moved = not changed.empty
    else:
        if other:
            second = _year(other)
            scheme_paths(second)
            for table, changed in compare_years(first, second).items():
                show(changed[~(changed["relative"] <= tolerance)], say(f"Input {table}, {first} to {second}", f"입력 {table}, {first}년에서 {second}년"), cells)
            results = compare_ledgers(read_ledger(processed(first)), read_ledger(processed(second)), tolerance)
            title = say(f"Results, {first} to {second}", f"결과, {first}년에서 {second}년")
        else:
            results = changes_since_published(first, tolerance)
            title = say(f"Results of {first} since they were published", f"{first}년 결과의 발간 이후 변화")
        shown = results[results["moved"]]
        show(shown, title, {"id": "id", say("Before", "이전"): "printed_before", say("After", "이후"): "printed_after", say("Change", "변화"): "relative"})
        moved = not shown.empty
    if fail and moved:
        raise typer.Exit(1)


def _change(value: object) -> str:
    """A cell of a list of changes: relative changes in per cent."""
    if isinstance(value, float):
        return "" if value != value else f"{100 * value:+,.1f} %" if abs(value) != float("inf") else "∞"
    return {"changed": "", "added": say("added", "추가"), "removed": say("removed", "삭제")}.get(value, str(value))


@app.command(help=say("Write the workbook that evaluators fill in for a year, or the one for the exports of the programme's systems.", "한 해의 평가위원 입력용 통합 문서(평가표)나 사업관리시스템 자료용 통합 문서를 만듭니다."))
def template(
    year: Year,
    output: Annotated[str, typer.Option("--output", "-o", help=say("file or folder; marks_YEAR.xlsx (with --programme programme_YEAR.xlsx) here where left out", "파일 또는 폴더(생략하면 현재 폴더의 평가표_연도.xlsx, --programme이면 사업관리자료_연도.xlsx)"), show_default=False)] = "",
    programme: Annotated[bool, typer.Option("--programme", help=say("the workbook for exports of CMS and RCMS", "CMS·RCMS 자료용 통합 문서"))] = False,
    filled: Annotated[bool, typer.Option("--filled", help=say("with --programme: with the rows in use now, as an example or to correct", "--programme과 함께: 현재 쓰는 자료를 채움(예시 또는 수정용)"))] = False,
    force: Annotated[bool, typer.Option("--force", help=say("replace a file that is there", "이미 있는 파일을 바꿈"))] = False,
) -> None:
    from evaluation.index.scheme import complete, leaves
    from evaluation.pipeline.run import check_specs
    from evaluation.sources.check import read_input, read_inputs
    from evaluation.sources.specs import read_report, read_scheme
    from evaluation.sources.template import (
        template_path,
        write_system_workbook,
        write_template,
    )

    wanted = _year(year)
    check_specs(wanted)
    path = template_path(wanted, output, force, programme)
    scheme = complete(*read_scheme(wanted))
    if programme:
        rows = read_inputs(wanted).tables if filled else {}
        write_system_workbook(path, wanted, rows, scheme["units"], read_input("mini_clusters", wanted), read_report()["labels"])
        typer.echo(path)
        return
    if filled:
        raise UserError("--filled goes with --programme: marks are entered anew.", "--filled는 --programme과 함께 씁니다. 점수는 새로 입력합니다.")
    named = [leaf for component in scheme["components"] for leaf, _ in leaves(component)]
    write_template(path, wanted, named, scheme["units"], read_input("mini_clusters", wanted), read_report()["labels"])
    typer.echo(path)


@app.command(help=say("Add up a firm-level table (Parquet or CSV, of any size) to complex-years, masked where two or fewer firms operate.", "기업별 연도 자료(Parquet, CSV)를 단지별 연도 자료로 합산합니다. 가동업체가 2개 이하이면 X로 가립니다."))
def aggregate(
    firms: Annotated[Path, typer.Argument(help=say("file or folder with firm_id, complex_id, year, production, exports, employment", "firm_id, complex_id, year, production, exports, employment 열이 있는 파일 또는 폴더"), show_default=False)],
    output: Annotated[Path, typer.Option("--output", "-o", help=say("CSV to write, with the panel's columns", "저장할 CSV(패널과 같은 열)"))] = Path("panel.csv"),
    turnover: Annotated[Path | None, typer.Option("--turnover", help=say("CSV to write, with the firms entering and leaving each complex each year", "저장할 CSV(단지별·연도별 진입·퇴출 업체 수)"), show_default=False)] = None,
    force: Annotated[bool, typer.Option("--force", help=say("replace a file that is there", "이미 있는 파일을 바꿈"))] = False,
) -> None:
    import tempfile

    from evaluation.paths import RAW
    from evaluation.pipeline.staging import publish
    from evaluation.sources.firms import firm_tables

    places = [output, *([turnover] if turnover else [])]
    if len({place.resolve() for place in places}) < len(places):
        raise UserError(f"-o and --turnover are both {output}. Name two files.", f"-o와 --turnover가 모두 {output}입니다. 서로 다른 파일을 지정하십시오.")
    if any(place.resolve().is_relative_to(RAW) for place in places):
        raise UserError(
            "Nothing is written into data/raw by the program. Write elsewhere, look at it, and put it there yourself.",
            "프로그램은 data/raw에 쓰지 않습니다. 다른 곳에 저장하여 확인한 뒤 직접 옮기십시오.",
        )
    for place in places if not force else ():
        if place.exists():
            raise UserError(f"{place} is there already; --force replaces it.", f"{place} 파일이 이미 있습니다. 바꾸려면 --force를 쓰십시오.")
    rows, moved = firm_tables(firms, turnover=turnover is not None)
    with tempfile.TemporaryDirectory() as folder:
        made = [Path(folder) / name for name in ("panel.csv", "turnover.csv")]
        for table, file in zip((rows, moved), made, strict=True):
            table.to_csv(file, index=False, lineterminator="\n", encoding="utf-8")
        # Both or neither.
        publish(dict(zip(places, made, strict=False)))
    masked = int((rows["production"] == "X").sum())
    typer.echo(say(f"{output}: {len(rows):,} complex-years, {masked:,} masked", f"{output}: 단지·연도 {len(rows):,}건, 비공개(X) {masked:,}건"))
    if turnover:
        entering, exiting = (int(moved[name].astype(int).sum()) for name in ("entering_firms", "exiting_firms"))
        typer.echo(
            say(f"{turnover}: {len(moved):,} complex-years, {entering:,} entering, {exiting:,} exiting", f"{turnover}: 단지·연도 {len(moved):,}건, 진입 {entering:,}건, 퇴출 {exiting:,}건")
            if len(moved) else
            say(f"{turnover}: no rows: no two years in a row", f"{turnover}: 이어지는 두 해가 없어 행이 없음")
        )  # fmt: skip


@app.command(help=say("List the years that can be evaluated, their inputs and their reports.", "평가할 수 있는 연도와 입력 자료, 보고서를 보여 줍니다."))
def years() -> None:
    from rich.console import Console
    from rich.table import Table

    from evaluation.paths import RAW, published, shown
    from evaluation.sources.entry import read_entries
    from evaluation.sources.locate import locate
    from evaluation.sources.specs import read_yaml, scheme_path, scheme_years
    from evaluation.sources.tables import TABLES

    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in (say("Year", "연도"), say("Scheme", "평가체계"), say("Inputs", "입력 자료"), say("Report", "보고서")):
        table.add_column(heading)
    for year in scheme_years():
        raw = read_yaml(scheme_path(year))
        scheme = say(f"as {raw['extends']} (assumed)", f"{raw['extends']}년 적용(가정)") if "extends" in raw else say("published", "공표")
        entries = read_entries(year)
        found = [locate(name, year, RAW, entries) for name in TABLES]
        missing = sum(not path.is_file() for item in found for path in item.paths if not item.table.optional)
        official = sum(item.origin == "official" for item in found)
        inputs = say(f"{missing} missing", f"{missing}개 없음") if missing else say("complete", "완비")
        if official:
            inputs += say(f", {official} official", f", 공식자료 {official}개")
        done = published(year) / "manifest.json"
        table.add_row(str(year), scheme, inputs, shown(done.parent) if done.exists() else "–")
    Console(highlight=False).print(table)


@app.command(help=say("Show where a printed number comes from: its value, tables, files and code.", "인쇄된 수치의 출처(값, 표, 파일, 코드)를 보여 줍니다."))
def explain(
    year: Year,
    id: Annotated[str, typer.Argument(help=say("ledger id or its beginning, such as index.total", "수치대장 항목 또는 그 앞부분(예: index.total)"), show_default=False)],
) -> None:
    import pandas as pd
    from rich.console import Console
    from rich.table import Table

    from evaluation.paths import processed
    from evaluation.report.ledger import read_ledger
    from evaluation.report.words import interval, number
    from evaluation.sources.check import SEVERAL
    from evaluation.sources.specs import scheme_paths

    scheme_paths(_year(year))
    base = processed(_year(year))
    ledger = read_ledger(base)
    rows = ledger[(ledger.index == id) | ledger.index.str.startswith(id + ".")]
    if rows.empty:
        beginnings = ", ".join(dict.fromkeys(name.split(".")[0] for name in ledger.index))
        raise UserError(
            f"The ledger of {year} has no {id!r}. Its ids begin with: {beginnings}.",
            f"{year}년 수치대장에 {id!r} 항목이 없습니다. 항목은 다음으로 시작합니다: {beginnings}.",
        )
    console = Console(highlight=False)
    shown = [
        (name, number(row["value"], int(row["decimals"])), interval(row["lower"], row["upper"], int(row["decimals"]), language()), row["unit"])
        for name, row in rows.iterrows()
    ]
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("id", say("value", "값"), say("interval", "구간"), say("unit", "단위")):
        table.add_column(heading, no_wrap=True, justify="left" if heading == "id" else "right")
    for row in shown:
        table.add_row(*row)
    console.print(table)
    if len(shown) == 1:
        files = pd.read_csv(base / "data" / "files.csv").set_index("table")["file"]
        entry = rows.iloc[0]
        origin = say("simulated data", "모의자료") if entry["simulated"] else say("no simulated data", "모의자료 아님")
        tables = entry["tables"].split() if isinstance(entry["tables"], str) else []
        console.print(f"\n{say('code', '코드')}: {entry['code']}\n{say('rests on', '근거')}: {origin}")
        for name in tables:
            for file in files[name].split(SEVERAL):
                console.print(f"  data/raw/{file}", soft_wrap=True)


app.add_typer(index_app, name="index")
app.add_typer(impact_app, name="impact")


def _hand_over() -> None:
    """Run the checkout that the user stands in, with its own code: an installed copy has none of its files."""
    for folder in (Path.cwd(), *Path.cwd().parents):
        if (folder / "evaluation" / "cli.py").is_file() and (folder / "notebooks").is_dir():
            os.chdir(folder)
            os.execve(sys.executable, [sys.executable, "-m", "evaluation", *sys.argv[1:]], os.environ | {"PYTHONPATH": str(folder)})
    raise UserError(
        "iccp works in a checkout of the project, where notebooks/ and data/raw/ are: change into one.",
        "iccp는 notebooks/와 data/raw/가 있는 프로젝트 폴더 안에서 실행합니다. 그 폴더로 이동하십시오.",
    )


def _say_usage(error: Exception) -> None:
    """An option or argument that Typer refuses: in its own words, or in Korean."""
    from typer import rich_utils

    if language() != "ko" or type(error).__name__ == "NoArgsIsHelpError":
        rich_utils.rich_format_error(error)
        return
    context = getattr(error, "ctx", None)
    more = f"\n사용법: {context.command_path} -h" if context is not None else ""
    typer.secho(_in_korean(error) + more, err=True, fg="red" if sys.stderr.isatty() else None)


def _in_korean(error: Exception) -> str:
    """What is wrong with an option or argument; what is not foreseen here stays in Typer's words."""
    said, kind, param = error.format_message(), type(error).__name__, getattr(error, "param", None)
    name = (param.opts[0] if param.param_type_name == "option" else param.name) if param is not None else getattr(error, "option_name", "")
    if kind == "NoSuchOption":
        near = f" 비슷한 옵션: {', '.join(sorted(error.possibilities))}." if error.possibilities else ""
        return f"{name} 옵션이 없습니다.{near}"
    if kind == "MissingParameter":
        return f"{name}을(를) 지정하십시오."
    if kind == "BadParameter":
        for pattern, words in KOREAN_REASONS.items():
            if found := re.search(pattern, said):
                return f"{name} 값을 쓸 수 없습니다. {words.format(*found.groups())}"
        return f"{name} 값을 쓸 수 없습니다({said})."
    for pattern, words in KOREAN_USAGE.items():
        if found := re.search(pattern, said):
            near = said.partition("Did you mean ")[2].rstrip("?")
            return words.format(*found.groups()) + (f" 비슷한 것: {near}." if near else "")
    return f"명령을 이해할 수 없습니다({said})."


def _write_fault() -> str:
    """Keep the traceback of the error being handled; where, as a user reads it."""
    import traceback

    from evaluation.paths import PROCESSED, shown

    place = PROCESSED / "fault.txt"
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(traceback.format_exc(), encoding="utf-8")
    except OSError:
        return "–"
    return shown(place)


def main() -> None:
    """Run the command; what the user can mend is said in a few lines, never as a traceback."""
    try:
        if not NOTEBOOKS.is_dir():
            _hand_over()
        # Typer's own handling of a wrong option speaks English only.
        code = app(standalone_mode=False)
        sys.exit(code if isinstance(code, int) else 0)
    except UserError as error:
        typer.secho(str(error), err=True, fg="red" if sys.stderr.isatty() else None)
        sys.exit(130 if type(error).__name__ == "Interrupted" else 1)
    except KeyboardInterrupt:
        sys.exit(130)
    except typer.Abort:
        sys.exit(1)
    except OSError as error:
        typer.secho(str(not_usable(error)), err=True, fg="red" if sys.stderr.isatty() else None)
        sys.exit(1)
    except Exception as error:  # what nobody foresaw: short for the user, whole for who mends it
        if hasattr(error, "format_message"):
            _say_usage(error)
            sys.exit(error.exit_code)
        place = _write_fault()
        typer.secho(
            say(
                f"Unexpected: {type(error).__name__}: {error}\nThis is a fault of the program, not of your input. Details for its developers: {place}",
                f"예상하지 못한 오류: {type(error).__name__}: {error}\n입력이 아니라 프로그램의 결함입니다. 개발자에게 전할 상세 내용: {place}",
            ),
            err=True, fg="red" if sys.stderr.isatty() else None,
        )  # fmt: skip
        sys.exit(70)
