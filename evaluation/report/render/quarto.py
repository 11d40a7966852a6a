"""Rendering with an installed Quarto."""

import os
import subprocess
from datetime import UTC, datetime
from pathlib import Path

from evaluation.errors import UserError

TIMEOUT = 600  # seconds
LAST_LINES = 12


def render_quarto(work: Path, pdf: Path, renderer: dict, meta: dict) -> None:
    """Render the prepared folder, a Quarto project, with the Quarto command."""
    notebook = work / "report.ipynb"
    environment = os.environ | {
        # Quarto has no option for these two; Typst reads them.
        "TYPST_IGNORE_SYSTEM_FONTS": "true",
        "SOURCE_DATE_EPOCH": _epoch(meta["date"]),
    }
    run = subprocess.run(
        [renderer["path"], "render", notebook.name, "--to", "typst"],
        cwd=work, env=environment, capture_output=True, text=True, timeout=TIMEOUT, check=False,
    )  # fmt: skip
    made = notebook.with_suffix(".pdf")
    unresolved = "Unable to resolve crossref" in run.stderr
    if run.returncode or unresolved or not made.exists():
        said = "\n".join((run.stdout + run.stderr).strip().splitlines()[-LAST_LINES:])
        raise UserError(f"Quarto could not render the report:\n{said}", f"Quarto가 보고서를 조판하지 못했습니다:\n{said}")
    os.replace(made, pdf)


def _epoch(date: str) -> str:
    return str(int(datetime.fromisoformat(date).replace(tzinfo=UTC).timestamp()))
