"""One run of a year's report: lock, environment and renderer on record, the graph, the summary."""

import csv
import json
import os
import platform
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

import evaluation
from evaluation.errors import UserError, not_usable, say
from evaluation.paths import NOTEBOOKS, PROCESSED, ROOT, processed, published, shown
from evaluation.pipeline.notebooks import STOPPED
from evaluation.pipeline.staging import write_if_changed
from evaluation.pipeline.watch import Done, Watch
from evaluation.report.render import find_renderer
from evaluation.sources.earlier import earlier_files
from evaluation.sources.locate import locate_all, release_paths
from evaluation.sources.specs import (
    headquarters_of,
    read_impact,
    read_report,
    read_scheme,
)
from evaluation.sources.tables import TABLES

if TYPE_CHECKING:
    import pandas as pd

WORKERS = 2
MOST_MOVED = 8  # of the numbers that moved, how many a refusal lists
MAIN_PACKAGES = ("pandas", "statsmodels", "linearmodels", "moderndid", "papermill", "matplotlib")


@dataclass(frozen=True)
class Run:
    """What a run did, the finished reports, and how many warnings the inputs gave."""

    done: list[Done]
    reports: list[Path]
    warnings: int


class Interrupted(UserError):
    """The user stopped the run."""


def make_report(year: int, console: Console, hold: float | None = None) -> Run:
    """Make or bring up to date the report of a year.

    Args:
        hold: publish nothing where a number of the report published last moved by more than this share of it.

    Raises:
        UserError: anything the user can mend; the report published last is then as it was.
    """
    if hold is not None and (published(year) / "ledger.csv").exists():
        _make(year, console, whole=False)
        moved = changes_since_published(year, hold)
        moved = moved[moved["moved"]]
        if not moved.empty:
            raise _held(year, moved)
    return _make(year, console, whole=True)


def changes_since_published(year: int, tolerance: float = 0.0) -> "pd.DataFrame":
    """How the present results of a year differ from those published last (`evaluation.report.changes.compare_ledgers`)."""
    # Heavy, and only some runs ask.
    import pandas as pd

    from evaluation.report.changes import compare_ledgers
    from evaluation.report.ledger import read_ledger

    path = published(year) / "ledger.csv"
    if not path.exists():
        raise UserError(
            f"{shown(path)} is not there: nothing was published for {year} yet.", f"{shown(path)} 파일이 없습니다. {year}년 보고서를 아직 발간하지 않았습니다."
        )
    return compare_ledgers(pd.read_csv(path).set_index("id"), read_ledger(processed(year)), tolerance)


def make_results(year: int, console: Console) -> Run:
    """Bring up to date what the report is written from, but not the report itself."""
    return _make(year, console, whole=False)


def _make(year: int, console: Console, whole: bool) -> Run:
    # What can be known before anything starts is said before anything starts.
    check_specs(year)
    found = locate_all(year)
    base = processed(year)
    with _locked(base, year), _isolated():
        releases = [path for paths in release_paths().values() for path in paths]
        _record(base, [shown(path) for path in [*(path for item in found for path in item.paths), *releases, *earlier_files(year)]], headquarters_of(year))
        return _build(year, base, console, whole)


def check_specs(year: int) -> None:
    """UserError where the year has no scheme, or where a scheme, the impact specification or the settings are wrong."""
    from evaluation.impact.specification import complete_impact
    from evaluation.index.scheme import complete

    read_report()
    raws, where = read_scheme(year)
    _check_tables(complete(raws, where), where)
    complete_impact(read_impact())


def _check_tables(scheme: dict, where: str) -> None:
    """UserError where the scheme names a table, or a column of it, that there is not, or that the notebook does not open."""
    from evaluation.index.scheme import leaves
    from evaluation.pipeline.graph import ANALYSES
    from evaluation.pipeline.sources_of import notebook_tables

    notebook = NOTEBOOKS / ANALYSES["index"]
    opened = notebook_tables(notebook)
    for leaf in (leaf for component in scheme["components"] for leaf, _ in leaves(component)):
        needed = [leaf["table"], *(["satisfaction_invited"] if "weighting" in leaf else [])]
        if absent := [name for name in needed if name not in opened]:
            listed = ", ".join(opened)
            raise UserError(
                f"{where}: `{leaf['id']}` scores the table {absent[0]!r}; {shown(notebook)} opens: {listed}. "
                "Mend the name, or add the table to `tables` there.",
                f"{where}: `{leaf['id']}` 항목의 표 {absent[0]!r}을(를) 쓸 수 없습니다. {shown(notebook)}에서 여는 표: {listed}. "
                "이름을 고치거나 그 노트북의 `tables`에 추가하십시오.",
            )
        columns = [column.name for column in TABLES[leaf["table"]].columns]
        for name in [*leaf.get("where", {}), *([leaf["unit"]] if "unit" in leaf else [])]:
            if name not in columns:
                raise UserError(
                    f"{where}: `{leaf['id']}` names the column {name!r}, which {leaf['table']} does not have; it has: {', '.join(columns)}.",
                    f"{where}: `{leaf['id']}` 항목의 열 {name!r}이(가) {leaf['table']} 표에 없습니다. 있는 열: {', '.join(columns)}.",
                )


def _build(year: int, base: Path, console: Console, whole: bool) -> Run:
    import pytask

    from evaluation.pipeline.graph import analysis_tasks, tasks
    from evaluation.pipeline.parallel import Parallel

    watch = Watch(console)
    state = base / "state"
    # pytask caches hashes by time stamp; files that arrive with an old one must be seen too.
    (state / ".pytask" / "file_hashes.json").unlink(missing_ok=True)
    pytask.console.quiet = True
    with _stoppable() as stopped:
        try:
            session = pytask.build(
                tasks=tasks(year) if whole else analysis_tasks(year),
                config=state / "pyproject.toml",
                # States are kept in pytask.lock; the database of older versions beside it would be written at every node, to disk.
                database_url="sqlite://",
                capture="no",
                verbose=0,
                stop_after_first_failure=True,
                iccp_plugins=[watch, Parallel(WORKERS)],
            )
        finally:
            watch.close()
    if stopped.is_set():
        raise Interrupted(
            "Stopped. The report published last is as it was; run again to go on.",
            "중단하였습니다. 지난번에 발간한 보고서는 그대로이며, 다시 실행하면 이어서 진행합니다.",
        )
    failed = [done for done in watch.done if done.error is not None]
    if failed:
        raise _told(failed[0])
    if session.exit_code != pytask.ExitCode.OK:
        raise UserError(
            f"The task graph could not be run (pytask: {session.exit_code.name}).",
            f"작업 그래프를 실행하지 못했습니다 (pytask: {session.exit_code.name}).",
        )
    reports = [published(year) / language / "report.pdf" for language in read_report()["languages"]] if whole else []
    return Run(watch.done, reports, _warnings(base))


def _held(year: int, moved: "pd.DataFrame") -> UserError:
    first = moved.head(MOST_MOVED)
    lines = "\n".join(f"  {row.id}: {row.printed_before} -> {row.printed_after}" for row in first.itertuples())
    more = len(moved) - len(first)
    return UserError(
        f"Held back: {len(moved)} published numbers moved. The report published last is as it was.\n{lines}"
        + (f"\n  … and {more} more" if more else "")
        + f"\nLook at them with `iccp diff {year}`; run without --hold to publish.",
        f"발간을 보류하였습니다. 발간된 수치 {len(moved)}개가 달라졌습니다. 지난번에 발간한 보고서는 그대로입니다.\n{lines}"
        + (f"\n  … 외 {more}개" if more else "")
        + f"\n`iccp diff {year}`로 확인하고, 발간하려면 --hold 없이 실행하십시오.",
    )


def _warnings(base: Path) -> int:
    with (base / "data" / "problems.csv").open(encoding="utf-8", newline="") as file:
        return sum(1 for _ in csv.DictReader(file))


def _told(failed: Done) -> UserError:
    error = failed.error
    if isinstance(error, UserError):
        return error
    if isinstance(error, OSError):
        return not_usable(error)
    return UserError(f"{failed.name}: {type(error).__name__}: {error}", f"{failed.name}: {type(error).__name__}: {error}")


def _record(base: Path, inputs: list[str], units: tuple[str, ...]) -> None:
    """Write what results depend on besides contents of files: the environment, the renderer, and which inputs there are.

    A file that is taken away is missed by nobody else: what is no longer needed is not compared. Of the scheme, the check
    of the inputs needs the headquarters alone: kept apart, other edits of the scheme do not redo it.
    """
    state = base / "state"
    found = {path.name.removesuffix(".dist-info") for entry in sys.path for path in Path(entry or ".").glob("*.dist-info")}
    packages = {name.lower(): version for name, _, version in (item.partition("-") for item in sorted(found))}
    environment = {
        "iccp": evaluation.__version__,
        "python": platform.python_version(),
        "main": [f"{name} {packages[name]}" for name in MAIN_PACKAGES],
        "packages": packages,
    }
    write_if_changed(state / "environment.json", json.dumps(environment, indent=1) + "\n")
    write_if_changed(state / "inputs.json", json.dumps(inputs, ensure_ascii=False, indent=1) + "\n")
    write_if_changed(state / "units.json", json.dumps(units) + "\n")
    write_if_changed(state / "renderer.json", json.dumps(find_renderer(), indent=1) + "\n")
    # pytask keeps its records beside its configuration.
    write_if_changed(state / "pyproject.toml", "[tool.pytask.ini_options]\n")


@contextmanager
def _isolated() -> Iterator[None]:
    """Kernels run this checkout's package and nothing of the user's own settings, so that reports repeat."""
    cache = PROCESSED / ".cache"
    cache.mkdir(parents=True, exist_ok=True)
    before = dict(os.environ)
    for name in before:
        if name.startswith(("JUPYTER", "IPYTHON", "MPL", "MATPLOTLIB")) or name in ("PYTHONSTARTUP", "PYTHONPATH"):
            del os.environ[name]
    os.environ |= {
        "PYTHONPATH": str(ROOT),
        "PYTHONNOUSERSITE": "1",
        "MPLBACKEND": "agg",
        "MPLCONFIGDIR": str(cache / "matplotlib"),
        "IPYTHONDIR": str(cache / "ipython"),
        "JUPYTER_CONFIG_DIR": str(cache / "jupyter"),
        "JUPYTER_DATA_DIR": str(cache / "jupyter"),
        "JUPYTER_RUNTIME_DIR": str(cache / "jupyter" / "runtime"),
        "JUPYTER_PREFER_ENV_PATH": "1",
    }
    try:
        yield
    finally:
        os.environ.clear()
        os.environ |= before


@contextmanager
def _locked(base: Path, year: int) -> Iterator[None]:
    """Hold the year's lock; the system lets go of it however the process ends."""
    from filelock import FileLock, Timeout

    base.mkdir(parents=True, exist_ok=True)
    lock, holder = FileLock(base / ".lock"), base / ".holder"
    try:
        lock.acquire(timeout=0)
    except Timeout:
        who = holder.read_text(encoding="utf-8") if holder.exists() else "?"
        raise UserError(
            f"Another run of {year} is going on (process {who}). Wait for it to end, or stop it.",
            f"{year}년 보고서를 다른 곳에서 만들고 있습니다(프로세스 {who}). 끝날 때까지 기다리거나 그 실행을 중단하십시오.",
        ) from None
    try:
        holder.write_text(str(os.getpid()), encoding="utf-8")
        yield
    finally:
        holder.unlink(missing_ok=True)
        lock.release()


@contextmanager
def _stoppable() -> Iterator[threading.Event]:
    """Ctrl-C and SIGTERM end the kernels at once, and the run in order."""
    stopped = STOPPED
    stopped.clear()

    def stop(signum: int, frame: object) -> None:
        import psutil

        stopped.set()
        for child in psutil.Process().children(recursive=True):
            child.kill()
        raise KeyboardInterrupt

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stopped
    except KeyboardInterrupt:
        pass
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def summary(run: Run) -> list[tuple[str, str, str]]:
    """One row per task for the end of a run: task, what happened, why."""
    from evaluation.pipeline.graph import title

    rows = []
    for done in run.done:
        rebuilt = bool(done.reasons)
        what = say(f"rebuilt, {done.seconds:.1f} s", f"다시 만듦, {done.seconds:.1f}초") if rebuilt else say("unchanged", "변동 없음")
        rows.append((title(done.name), what, "; ".join(done.reasons)))
    return rows


def report_paths(run: Run) -> list[str]:
    """Where the finished reports are, as a user reads it."""
    return [shown(path) for path in run.reports]
