"""Shared by all tests: the checkout, and copies of it to run and to break."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pypdfium2
import pytest

ROOT = Path(__file__).resolve().parents[1]
YEAR = 2010
PARTS = ("evaluation", "notebooks", "reports", "data")


def copy_checkout(source: Path, place: Path) -> Path:
    """A copy of a checkout's working files, with whatever reports and results lie in it."""
    ignored = shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints")
    for name in PARTS:
        shutil.copytree(source / name, place / name, ignore=ignored)
    return place


def copy_sources(source: Path, place: Path) -> Path:
    """A copy of a checkout's own files, without anything made from them."""
    ignored = shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints", "processed")
    made = shutil.ignore_patterns("[0-9][0-9][0-9][0-9]")
    for name in ("evaluation", "notebooks", "data"):
        shutil.copytree(source / name, place / name, ignore=ignored)
    shutil.copytree(source / "reports", place / "reports", ignore=made)
    return place


def iccp(checkout: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess:
    """Run the command in a checkout as a user would; messages in English unless told otherwise."""
    return subprocess.run(
        [sys.executable, "-m", "evaluation", *arguments],
        cwd=checkout, env=clean_environment(**environment), capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip


def clean_environment(**changes: str) -> dict[str, str]:
    """The environment without Quarto and without what a user's shell may have set for the program."""
    folders = os.environ["PATH"].split(os.pathsep)
    path = os.pathsep.join(folder for folder in folders if not (Path(folder) / "quarto").exists())
    kept = {name: value for name, value in os.environ.items() if name not in ("QUARTO_PATH", "PYTHONPATH")}
    return kept | {"PATH": path, "ICCP_LANG": "en", "COLUMNS": "200"} | changes


def flat(text: str) -> str:
    """Text without the line breaks and spaces of the typesetting."""
    return re.sub(r"\s+", "", text)


def pages(path: Path) -> list[str]:
    """The text of every page of a PDF."""
    document = pypdfium2.PdfDocument(path)
    return [page.get_textpage().get_text_bounded().replace("\r\n", "\n") for page in document]


@pytest.fixture(scope="session")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout in which nothing was made yet."""
    return copy_sources(ROOT, tmp_path_factory.mktemp("fresh"))


@pytest.fixture(scope="session")
def made(fresh: Path) -> Path:
    """A checkout with the report of the default year made. Tests read it and copy it, but never change it."""
    run = iccp(fresh, "report", str(YEAR))
    assert run.returncode == 0, run.stdout + run.stderr
    return fresh


@pytest.fixture
def copy(made: Path, tmp_path: Path) -> Path:
    """A copy of the finished checkout, to change freely."""
    return copy_checkout(made, tmp_path / "checkout")


@pytest.fixture(scope="session")
def inputs():
    """The checked inputs of the default year, read from the raw files."""
    from evaluation.sources.check import read_inputs

    return read_inputs(YEAR)


_READS: dict[tuple, object] = {}


@pytest.fixture
def quick_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files without problems are read once in all tests, by their content: a test that breaks one file reads that one only."""
    from evaluation.sources import check

    read_table = check.read_table

    def quick(found):
        if found.sheets:
            return read_table(found)
        key = (found.table.name, *(path.read_bytes() for path in found.paths))
        if key not in _READS:
            read = read_table(found)
            if not read.problems.empty:
                return read
            _READS[key] = read
        return _READS[key]

    monkeypatch.setattr(check, "read_table", quick)
