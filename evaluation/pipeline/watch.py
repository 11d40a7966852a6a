"""Shows a run as it goes and keeps what was rebuilt and why. A plugin of pytask."""

import time
from dataclasses import dataclass, field
from pathlib import Path

import pytask
from pytask import TaskOutcome, hookimpl
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from evaluation.errors import say
from evaluation.paths import PROCESSED, shown
from evaluation.pipeline.graph import title

MOST_REASONS = 2


@dataclass
class Done:
    """One task of a run: whether it was rebuilt, why, in how many seconds, and the error if it failed."""

    name: str
    outcome: TaskOutcome
    reasons: list[str]
    seconds: float
    error: BaseException | None = None


@dataclass
class Watch:
    """Collects `done` while pytask runs, and shows running tasks on a terminal."""

    console: Console
    done: list[Done] = field(default_factory=list)
    _reasons: dict[str, list[str]] = field(default_factory=dict)
    _started: dict[str, float] = field(default_factory=dict)
    _shown: dict[str, int] = field(default_factory=dict)
    _progress: Progress | None = None

    @hookimpl
    def pytask_execute_log_start(self) -> None:
        if self.console.is_terminal:
            self._progress = Progress(
                SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn(), console=self.console, transient=True
            )
            self._progress.start()

    def close(self) -> None:
        """Take the running tasks off the terminal; also after an interrupt, when pytask says no more."""
        if self._progress:
            self._progress.stop()

    @hookimpl(tryfirst=True)
    def pytask_execute_task_setup(self, session: pytask.Session, task: pytask.PTask) -> None:
        name = _name(task)
        self._started[name] = time.monotonic()
        self._reasons[name] = reasons = _reasons(session, task)
        if reasons and self._progress:
            self._shown[name] = self._progress.add_task(title(name))
        elif reasons:
            self.console.print(f"… {title(name)}")

    @hookimpl
    def pytask_execute_task_log_end(self, report: pytask.ExecutionReport) -> None:
        name = _name(report.task)
        seconds = time.monotonic() - self._started.get(name, time.monotonic())
        error = report.exc_info[1] if report.outcome == TaskOutcome.FAIL else None
        self.done.append(Done(name, report.outcome, self._reasons.get(name, []), seconds, error))
        if name in self._shown:
            self._progress.remove_task(self._shown.pop(name))
        if report.outcome == TaskOutcome.SUCCESS:
            self.console.print(f"[green]✓[/] {title(name)}  [dim]{seconds:.1f} s[/]")


def _name(task: pytask.PTask) -> str:
    return task.name.rsplit("::", 1)[-1]


def _short(path: Path) -> str:
    """A path as a reader of the summary needs it: work files without the year's folder before them."""
    parts = path.parts
    inside = path.is_relative_to(PROCESSED) and len(path.relative_to(PROCESSED).parts) > 1
    return "/".join(parts[len(PROCESSED.parts) + 1 :]) if inside else shown(path)


def _reasons(session: pytask.Session, task: pytask.PTask) -> list[str]:
    """Why pytask will run a task, in words; empty where it will not."""
    from _pytask.dag_utils import node_and_neighbors
    from _pytask.state import get_node_change_info

    changed, missing = [], []
    first = False
    for signature in node_and_neighbors(session.dag, task.signature):
        node = session.dag.nodes[signature]
        differs, why, _ = get_node_change_info(session=session, task=task, node=node, state=node.state())
        if not differs:
            continue
        path = _short(Path(node.path)) if hasattr(node, "path") else node.name
        if why == "missing":
            missing.append(path)
        elif why == "not_in_db":
            # A task that never ran has no record of anything; one that ran has a new dependency.
            first |= signature == task.signature
            changed.append(path)
        else:
            changed.append(path)
    if first:
        return [say("first run", "첫 실행")]
    told = [say(f"{path} was missing", f"{path} 없음") for path in missing]
    told += [say(f"{path} changed", f"{path} 변경") for path in changed]
    more = len(told) - MOST_REASONS
    return told[:MOST_REASONS] + ([say(f"and {more} more", f"외 {more}건")] if more > 0 else [])
