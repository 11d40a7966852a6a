"""The task graph of one year's report. It reads as a table of contents: what is made from what.

    data/raw -> data -> index, outcomes, impact, audit -> report-ko, report-en -> pdf-ko, pdf-en -> publish

Tasks depend on files only: inputs, notebooks, specifications, the package's own modules, and four small files that
describe the environment, the renderer, which inputs there are and which headquarters the year has. pytask hashes contents, so nothing is done twice.
"""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytask

from evaluation.errors import say
from evaluation.paths import NOTEBOOKS, PROOF, REPORTS, SPECS, processed, published
from evaluation.pipeline.manifest import write_ledger, write_manifest
from evaluation.pipeline.notebooks import run_notebook
from evaluation.pipeline.sources_of import modules, notebook_modules, notebook_tables
from evaluation.pipeline.staging import publish, staged
from evaluation.report.render import render, template_files
from evaluation.sources.earlier import earlier_files, earlier_years
from evaluation.sources.locate import entry_paths, locate_all, release_paths
from evaluation.sources.published import published_files
from evaluation.sources.specs import read_report, scheme_paths
from evaluation.sources.tables import TABLES

ANALYSES = {"index": "2_index.ipynb", "outcomes": "3_outcomes.ipynb", "impact": "4_impact.ipynb", "credibility": "5_credibility.ipynb", "audit": "6_audit.ipynb"}
# What an analysis makes besides its part of the ledger.
MADE = {"index": ["swaps.csv", "drivers.csv", "targets.csv"], "outcomes": ["growth.csv", "press.csv"], "impact": ["results.csv", "estimators.csv"], "credibility": ["checks.csv", "influence.csv", "inference.csv", "curve.csv", "evidence.csv"], "audit": ["audit.csv"]}


def title(name: str) -> str:
    """A task's name as the user reads it."""
    step, _, language = name.partition("-")
    words = {
        "data": say("Check and read the inputs", "입력 자료 점검"),
        "index": say("Evaluation index", "평가지수 산출"),
        "outcomes": say("Outcomes", "사업 성과 계산"),
        "impact": say("Impact estimates", "사업효과 추정"),
        "credibility": say("Credibility of the estimates", "추정 결과의 신뢰성 검토"),
        "audit": say("Audit of printed figures", "공표 수치 점검"),
        "report": say("Write the report", "보고서 작성"),
        "pdf": say("Typeset the PDF", "PDF 조판"),
        "publish": say("Publish", "발간"),
    }
    tongue = {"ko": say("Korean", "국문"), "en": say("English", "영문")}.get(language)
    return f"{words[step]} ({tongue})" if tongue else words[step]


def analysis_tasks(year: int) -> list[Callable]:
    """The tasks that end in the ledger."""
    base = processed(year)
    environment = base / "state" / "environment.json"
    return [_data(year, base, environment), *(_analysis(year, base, environment, name) for name in ANALYSES)]


def tasks(year: int) -> list[Callable]:
    """The tasks of a year, for `pytask.build`."""
    base = processed(year)
    environment, renderer = base / "state" / "environment.json", base / "state" / "renderer.json"
    languages = read_report()["languages"]
    return [
        *analysis_tasks(year),
        *(_report(year, base, environment, renderer, language) for language in languages),
        *(_pdf(year, base, environment, renderer, language) for language in languages),
        _publish(year, base, environment, renderer, languages),
    ]


def _task(name: str, work: Callable[[], None], needs: list[Path], makes: list[Path]) -> Callable:
    # A path may be needed for two reasons; pytask wants it once.
    needs = list(dict.fromkeys(needs))

    @pytask.task(name=name, kwargs={"needs": needs, "produces": makes})
    def task(needs: list[Path], produces: list[Path]) -> None:
        work()

    return task


def _data(year: int, base: Path, environment: Path) -> Callable:
    notebook = NOTEBOOKS / "1_data.ipynb"
    folder = base / "data"

    def work() -> None:
        with staged(folder) as staging:
            run_notebook(notebook, staging, {"year": year}, base / "failed", [path.name for path in makes])

    # A workbook with nothing filled in yet counts too, and with any the labels they are read by.
    books = entry_paths(year)
    releases = [path for paths in release_paths().values() for path in paths]
    raw = [path for found in locate_all(year) for path in found.paths] + books + ([SPECS / "report.yml"] if books else [])
    raw += releases + ([SPECS / "crosswalk.csv"] if releases else []) + earlier_files(year)
    makes = [folder / f"{name}.parquet" for name in TABLES]
    makes += [folder / name for name in ("files.csv", "origins.csv", "problems.csv", "census.csv", "releases.csv", "earlier.csv", "ledger.csv")]
    states = [environment, base / "state" / "inputs.json", base / "state" / "units.json"]
    return _task("data", work, [*states, notebook, *notebook_modules(notebook), *raw], makes)


def _analysis(year: int, base: Path, environment: Path, name: str) -> Callable:
    notebook = NOTEBOOKS / ANALYSES[name]
    folder = base / name
    makes = ["ledger.csv", *MADE.get(name, [])]

    def work() -> None:
        with staged(folder) as staging:
            run_notebook(notebook, staging, {"year": year, "inputs": str(base / "data")}, base / "failed", makes)

    needs = [environment, notebook, *notebook_modules(notebook), base / "data" / "origins.csv"]
    needs += [base / "data" / f"{table}.parquet" for table in notebook_tables(notebook)]
    # A change is told from the earlier years' own schemes.
    schemes = [path for other in (year, *earlier_years(year)) for path in scheme_paths(other)]
    needs += {"index": [*schemes, base / "data" / "earlier.csv"], "impact": [SPECS / "impact.yml"], "credibility": [SPECS / "impact.yml", *sorted(PROOF.glob("*.json"))], "audit": [SPECS / "audit.yml", *published_files()]}.get(name, [])
    task = _task(name, work, needs, [folder / made for made in makes])
    # The longest of the analyses starts first, so that the others fit beside it.
    return pytask.mark.try_first(task) if name == "impact" else task


def _report(year: int, base: Path, environment: Path, renderer: Path, language: str) -> Callable:
    notebook = NOTEBOOKS / "report.ipynb"
    folder = base / "report" / language
    makes = ["report.ipynb", "meta.yml", "assets.json"]

    def work() -> None:
        with staged(folder) as staging:
            run_notebook(notebook, staging, {"year": year, "lang": language, "inputs": str(base)}, base / "failed" / language, makes)

    needs = [environment, renderer, notebook, *notebook_modules(notebook), SPECS / "report.yml", SPECS / "impact.yml", *SPECS.glob("impact.frozen.yml"), *scheme_paths(year)]
    needs += [*sorted((REPORTS / language).glob("*.md")), REPORTS / language / "meta.yml"]
    needs += [base / part / "ledger.csv" for part in ("data", *ANALYSES)]
    needs += [base / "data" / name for name in ("files.csv", "census.csv", "releases.csv", "reconciliation.parquet", "mini_clusters.parquet")]
    needs += [base / part / name for part, names in MADE.items() for name in names]
    # How many figures there are, the texts decide: one that was deleted is missed through its list.
    drawn = folder / "assets.json"
    if drawn.exists() and not all((folder / "figures" / name).exists() for name in json.loads(drawn.read_text(encoding="utf-8"))):
        drawn.unlink()
    return _task(f"report-{language}", work, needs, [folder / name for name in makes])


def _pdf(year: int, base: Path, environment: Path, renderer: Path, language: str) -> Callable:
    source = base / "report" / language
    pdf = base / "pdf" / language / "report.pdf"

    def work() -> None:
        with staged(pdf.parent) as staging:
            render(source, staging / "report.pdf", json.loads(renderer.read_text(encoding="utf-8")))

    needs = [environment, renderer, *modules(["evaluation.report.render"])]
    needs += [source / name for name in ("report.ipynb", "meta.yml", "assets.json")]
    needs += template_files()
    return _task(f"pdf-{language}", work, needs, [pdf])


def _publish(year: int, base: Path, environment: Path, renderer: Path, languages: list[str]) -> Callable:
    place = published(year)
    pdfs = {place / language / "report.pdf": base / "pdf" / language / "report.pdf" for language in languages}

    def work() -> None:
        files = pdfs | {place / "ledger.csv": write_ledger(base)}
        publish(files | {place / "manifest.json": write_manifest(year, base, files)})
        # A language that is no longer published: its report is of another run.
        for stale in set(place.glob("*/report.pdf")) - set(pdfs):
            shutil.rmtree(stale.parent)

    needs = [environment, renderer, SPECS / "report.yml", base / "data" / "files.csv", base / "data" / "releases.csv", *pdfs.values(), *(base / part / "ledger.csv" for part in ("data", *ANALYSES)), *modules(["evaluation.pipeline.manifest"])]
    return _task("publish", work, needs, [*pdfs, place / "ledger.csv", place / "manifest.json"])
