"""Runs notebooks with papermill and turns a failed cell into one readable message."""

import json
import re
import shutil
import threading
from collections.abc import Callable, Iterable
from pathlib import Path

from evaluation.errors import UserError, say
from evaluation.paths import NOTEBOOKS, shown

CELL_TIMEOUT = 600  # seconds; papermill's own default is never
KERNEL = "python3"
# Set while a run is being stopped: kernels that die then were meant to.
STOPPED = threading.Event()
LONGEST = 500  # characters of an error message that are shown; the kept notebook has all


class NotebookFailed(UserError):
    """A cell failed; the notebook is kept as it stood, for inspection."""


def run_notebook(notebook: Path, folder: Path, parameters: dict, kept: Path, makes: Iterable[str] = ()) -> Path:
    """Execute a notebook into a folder, which must exist.

    Args:
        notebook: the source; folder: where the executed copy and, by the parameter `output`, its results go.
        parameters: passed on to it, besides `output`.
        kept: folder for the notebook as it stood when a cell failed; an earlier failure's goes on success.
        makes: the files it must have written into the folder.

    Returns:
        the executed notebook.

    Raises:
        UserError: what the notebook itself told the user; NotebookFailed: any other failing cell, named.
    """
    import papermill
    from nbclient.exceptions import CellTimeoutError, DeadKernelError
    from papermill.exceptions import PapermillExecutionError

    executed = folder / notebook.name
    try:
        _started_again_once(
            papermill.execute_notebook,
            str(notebook),
            str(executed),
            parameters=parameters | {"output": str(folder)},
            kernel_name=KERNEL,
            progress_bar=False,
            execution_timeout=CELL_TIMEOUT,
            # The kernel works where JupyterLab would: beside the notebooks. (papermill's own `cwd`
            # changes the directory of the whole process, which other tasks share.)
            resources={"metadata": {"path": str(NOTEBOOKS)}},
            extra_arguments=["--IPKernelApp.log_level=CRITICAL"],
        )
    except PapermillExecutionError as error:
        if error.ename == UserError.__name__:
            raise UserError(error.evalue, error.evalue) from None
        what = f"{error.ename}: {_short(error.evalue)}\n  > {_failing_line(error.source, error.traceback)}"
        raise _failed(notebook, executed, kept, _own_number(executed, error.cell_index), what) from None
    except CellTimeoutError:
        cell = _running_cell(executed)
        raise _failed(
            notebook, executed, kept, cell, say(f"no end after {CELL_TIMEOUT} s", f"{CELL_TIMEOUT}초가 지나도 끝나지 않음")
        ) from None
    except DeadKernelError:
        raise _failed(
            notebook, executed, kept, _running_cell(executed), say("the kernel died", "커널이 종료됨")
        ) from None
    _strip(executed)
    missing = [name for name in makes if not (folder / name).exists()]
    if missing:
        listed = ", ".join(missing)
        raise _failed(notebook, executed, kept, "?", say(f"ended without writing {listed}", f"{listed} 파일을 만들지 않고 끝남"))
    (kept / notebook.name).unlink(missing_ok=True)
    return executed


def _started_again_once(execute: Callable, *arguments: object, **options: object) -> None:
    """Run a notebook; once more where its kernel did not even start, as when another process took its port."""
    try:
        execute(*arguments, **options)
    except RuntimeError as error:
        if "before replying" not in str(error) or STOPPED.is_set():
            raise
        execute(*arguments, **options)


def _failed(notebook: Path, executed: Path, kept: Path, cell: int | str, what: str) -> NotebookFailed:
    kept.mkdir(parents=True, exist_ok=True)
    place = kept / notebook.name
    if executed.exists():
        shutil.copyfile(executed, place)
    return NotebookFailed(
        f"{shown(notebook)}, cell {cell}: {what}\nThe notebook as it stood is kept: {shown(place)}",
        f"{shown(notebook)} {cell}번째 셀: {what}\n실패한 시점의 노트북을 보관하였습니다: {shown(place)}",
    )


def _own_number(executed: Path, index: int) -> int:
    """The number of a cell as its author counts: without the parameters cell that papermill puts in."""
    cells = json.loads(executed.read_text(encoding="utf-8"))["cells"]
    ours = [cell for cell in cells if "papermill-error-cell-tag" not in cell["metadata"].get("tags", [])]
    return sum("injected-parameters" not in cell["metadata"].get("tags", []) for cell in ours[: index + 1])


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def _failing_line(source: str, traceback: list[str]) -> str:
    """The line of the cell that failed, where the traceback points to one; else the cell's first line."""
    lines = source.splitlines()
    numbers = re.findall(r"Cell In\[\d+\], line (\d+)", "\n".join(traceback))
    number = int(numbers[0]) if numbers else 1
    return lines[min(number, len(lines)) - 1].strip() if lines else ""


def _running_cell(executed: Path) -> int | str:
    """The number of the cell that papermill marks as running in the half-executed notebook."""
    if executed.exists():
        for number, cell in enumerate(json.loads(executed.read_text(encoding="utf-8"))["cells"], start=1):
            if cell["metadata"].get("papermill", {}).get("status") == "running":
                return number
    return "?"


def _strip(executed: Path) -> None:
    """Drop times and paths of papermill, so that equal results are equal files."""
    import nbformat

    notebook = nbformat.read(executed, as_version=4)
    notebook.metadata.pop("papermill", None)
    for cell in notebook.cells:
        cell.metadata.pop("papermill", None)
        cell.metadata.pop("execution", None)
    nbformat.write(notebook, executed)
