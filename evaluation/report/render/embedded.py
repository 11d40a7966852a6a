"""The embedded renderer: Pandoc and Typst, both from wheels, in Quarto's stead."""

import os
from importlib.metadata import version
from pathlib import Path

import yaml

from evaluation.errors import UserError

# The words Quarto has for references in each language.
CROSSREF = {"ko": {"fig-title": "그림", "tbl-title": "표"}, "en": {"fig-title": "Figure", "tbl-title": "Table"}}


def versions() -> str:
    """The versions of the wheels that carry Pandoc and Typst, as the report prints them."""
    return ", ".join(f"{name} {version(name)}" for name in ("pypandoc_binary", "typst"))


def render_embedded(work: Path, pdf: Path, meta: dict) -> None:
    """Render the prepared folder's notebook to PDF/UA-1; a missing alternative text is an error."""
    import pypandoc
    import typst

    (work / "words.yml").write_text(yaml.safe_dump({"crossref": CROSSREF[meta["lang"]]}, allow_unicode=True), encoding="utf-8")
    (work / "report.md").write_text(to_markdown(work / "report.ipynb"), encoding="utf-8")
    try:
        pypandoc.convert_file(
            str(work / "report.md"),
            "typst",
            format="markdown",
            outputfile=str(work / "report.typ"),
            extra_args=[
                "--standalone",
                "--wrap=none",
                f"--metadata-file={work / 'words.yml'}",
                f"--template={work / 'typst' / 'embedded.typ'}",
                f"--lua-filter={work / 'filters' / 'iccp.lua'}",
                f"--lua-filter={work / 'filters' / 'crossref.lua'}",
            ],
        )
        typst.compile(
            work / "report.typ",
            output=pdf,
            root=work,
            font_paths=[work / "fonts"],
            ignore_system_fonts=True,
            pdf_standards=["ua-1"],
        )
    except (RuntimeError, typst.TypstError) as error:
        kept = pdf.parent.parent / f"failed-{meta['lang']}.typ"
        if (work / "report.typ").exists():
            os.replace(work / "report.typ", kept)
        raise UserError(
            f"The report could not be typeset: {error}",
            f"보고서를 조판하지 못했습니다: {error}",
        ) from None


def to_markdown(notebook: Path) -> str:
    """A prepared notebook as one Markdown document."""
    import nbformat

    return "\n\n".join(cell.source for cell in nbformat.read(notebook, as_version=4).cells)
