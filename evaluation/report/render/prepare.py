"""Lays out what a renderer reads: notebook with front matter, figures, fonts, filters, partials."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import yaml

from evaluation.errors import UserError
from evaluation.paths import REPORTS
from evaluation.report.fonts import font_files

# Quarto wants a kernel named although nothing is executed any more.
KERNEL = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
LEFT_OUT = {"parameters", "injected-parameters", "notebook-only"}


def prepare(source: Path, work: Path, templates: list[Path]) -> dict:
    """Fill `work` from a report's folder: the notebook to render is `work/report.ipynb`; returns its metadata."""
    import nbformat

    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    for path in templates:
        place = work / path.relative_to(REPORTS)
        place.parent.mkdir(exist_ok=True)
        shutil.copyfile(path, place)
    (work / "fonts").mkdir()
    for path in font_files():
        shutil.copyfile(path, work / "fonts" / path.name)
    shutil.copytree(source / "figures", work / "figures")

    meta = metadata(source)
    front = nbformat.v4.new_raw_cell(f"---\n{yaml.safe_dump(meta, allow_unicode=True, sort_keys=False)}---\n")
    texts = [nbformat.v4.new_markdown_cell(text) for text in _texts(nbformat.read(source / "report.ipynb", as_version=4))]
    for number, cell in enumerate([front, *texts]):
        cell["id"] = f"part-{number}"
    nbformat.write(nbformat.v4.new_notebook(cells=[front, *texts], metadata=KERNEL), work / "report.ipynb")
    return meta


def metadata(source: Path) -> dict:
    """The document's metadata: meta.yml, and its date as Typst takes it."""
    meta = yaml.safe_load((source / "meta.yml").read_text(encoding="utf-8"))
    year, month, day = (int(part) for part in meta["date"].split("-"))
    meta["document-date"] = f"year: {year}, month: {month}, day: {day}"
    return meta


def _texts(notebook: object) -> Iterator[str]:
    """The document's Markdown: text cells as they stand, code cells by what they show."""
    for number, cell in enumerate(notebook.cells, start=1):
        if LEFT_OUT & set(cell.metadata.get("tags", [])):
            continue
        if cell.cell_type == "markdown":
            yield cell.source
            continue
        for output in cell.get("outputs", []):
            # Warnings and progress on the console are not part of the document.
            if output.output_type == "stream":
                continue
            if "text/markdown" not in output.data:
                kinds = ", ".join(output.data)
                raise UserError(
                    f"notebooks/report.ipynb, cell {number} shows {kinds}; a cell of the report shows Markdown "
                    "(IPython.display.Markdown), so that every renderer gives the same document.",
                    f"notebooks/report.ipynb {number}번째 셀의 출력이 {kinds}입니다. 어느 조판기에서나 같은 문서가 되도록 "
                    "보고서 셀은 Markdown(IPython.display.Markdown)으로 출력해야 합니다.",
                )
            yield output.data["text/markdown"].strip()
