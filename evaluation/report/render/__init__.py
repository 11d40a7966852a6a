"""From the executed report notebook to PDF: Quarto where it is installed, else Pandoc and Typst from wheels.

Both read the same prepared folder: the notebook with its front matter, figures, fonts, filters and
Typst partials.
"""

import os
import shutil
import subprocess
from pathlib import Path

from evaluation.errors import UserError
from evaluation.paths import REPORTS
from evaluation.report.render.prepare import prepare


def template_files() -> list[Path]:
    """The project files that rendering reads."""
    return [REPORTS / "_quarto.yml", *sorted(REPORTS.glob("typst/*.typ")), *sorted(REPORTS.glob("filters/*.lua"))]


def find_renderer() -> dict:
    """Which renderer a report is made with: `name`, `version`, and for Quarto its `path`.

    QUARTO_PATH (the command, or the folder it lies in) comes before PATH.
    """
    named = os.environ.get("QUARTO_PATH")
    if named:
        path = Path(named) / "quarto" if Path(named).is_dir() else Path(named)
        if not os.access(path, os.X_OK):
            raise UserError(
                f"QUARTO_PATH is {named}, but there is no Quarto command. Correct it, or unset it to use the embedded renderer.",
                f"QUARTO_PATH가 {named}(으)로 지정되어 있으나 Quarto 명령이 없습니다. 고치거나, 내장 조판기를 쓰려면 지정을 해제하십시오.",
            )
        return _quarto(path)
    found = shutil.which("quarto")
    if found:
        return _quarto(Path(found))
    from evaluation.report.render.embedded import versions

    return {"name": "embedded", "version": versions()}


def render(source: Path, pdf: Path, renderer: dict) -> None:
    """Render a report to PDF.

    Args:
        source: folder with report.ipynb, meta.yml and figures/.
        pdf: the file to write; its folder must exist and is used for what is needed on the way.
        renderer: of `find_renderer`.

    Raises:
        UserError: the renderer failed, with its own words.
    """
    work = pdf.parent / "work"
    meta = prepare(source, work, template_files())
    if renderer["name"] == "quarto":
        from evaluation.report.render.quarto import render_quarto

        render_quarto(work, pdf, renderer, meta)
    else:
        from evaluation.report.render.embedded import render_embedded

        render_embedded(work, pdf, meta)
    shutil.rmtree(work)


def _quarto(path: Path) -> dict:
    path = path.resolve()
    # Asking Quarto for its version takes a second; an installed one has it in a file.
    written = path.parent.parent / "share" / "version"
    if written.exists():
        version = written.read_text(encoding="utf-8").strip()
    else:
        version = subprocess.run([path, "--version"], capture_output=True, text=True, check=False).stdout.strip()
    return {"name": "quarto", "version": version, "path": str(path)}
