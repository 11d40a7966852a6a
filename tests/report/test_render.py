"""Rendering: the embedded renderer, Quarto where it is, and what each says when it cannot."""

import os
import re
import shutil
from pathlib import Path

import pypdfium2
import pytest

from evaluation.errors import UserError
from evaluation.report.render import find_renderer, render


@pytest.fixture
def source(made, tmp_path):
    return shutil.copytree(made / "data/processed/2010/report/en", tmp_path / "source")


def text_of(pdf):
    return [page.get_textpage().get_text_bounded() for page in pypdfium2.PdfDocument(pdf)]


def make(source, tmp_path, renderer):
    folder = tmp_path / renderer["name"]
    folder.mkdir()
    render(source, folder / "report.pdf", renderer)
    assert [path.name for path in folder.iterdir()] == ["report.pdf"]
    return folder / "report.pdf"


def edit(source, old, new):
    path = source / "report.ipynb"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def real_quarto():
    found = os.environ.get("QUARTO_PATH") or shutil.which("quarto")
    if not found:
        pytest.skip("Quarto is not installed")
    return find_renderer()


def test_quarto_gives_the_same_document(source, tmp_path):
    """Same pages, same words; run where Quarto is installed."""
    assert text_of(make(source, tmp_path, real_quarto())) == text_of(make(source, tmp_path, {"name": "embedded"}))


def test_a_figure_without_an_alternative_text_fails(source, tmp_path):
    path = source / "report.ipynb"
    path.write_text(re.sub(r'fig-alt=\\"[^"]*\\"', "", path.read_text(encoding="utf-8"), count=1), encoding="utf-8")
    with pytest.raises(UserError, match="alt"):
        make(source, tmp_path, {"name": "embedded"})


def test_a_reference_to_nothing_fails(source, tmp_path):
    edit(source, "[@fig-contributions]", "[@fig-nowhere]")
    with pytest.raises(UserError, match="fig-nowhere"):
        make(source, tmp_path, {"name": "embedded"})


def test_a_cell_that_shows_something_else_is_named(source, tmp_path):
    edit(source, '"text/markdown"', '"text/html"')
    with pytest.raises(UserError, match="cell [0-9]+ shows text/"):
        make(source, tmp_path, {"name": "embedded"})


def fake_quarto(tmp_path, script):
    path = tmp_path / "bin" / "quarto"
    path.parent.mkdir()
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o755)
    return {"name": "quarto", "version": "0", "path": str(path)}


def test_quarto_is_called_in_a_whole_project(source, tmp_path):
    """The command, its folder and its environment, seen by a stand-in."""
    seen = tmp_path / "seen"
    renderer = fake_quarto(
        tmp_path,
        f'{{ echo "$@"; ls; ls fonts typst filters figures; echo "$TYPST_IGNORE_SYSTEM_FONTS $SOURCE_DATE_EPOCH"; head -c 300 report.ipynb; }} > {seen}; echo pdf > report.pdf',
    )
    make(source, tmp_path, renderer)
    said = seen.read_text(encoding="utf-8")
    assert said.startswith("render report.ipynb --to typst\n")
    assert {"_quarto.yml", "report.ipynb", "NanumGothic.ttf", "typst-template.typ", "iccp.lua", "fig-cohort.svg"} <= set(said.split())
    assert "true 1301529600" in said, "31 March 2011 as seconds since 1970"
    assert "title: Evaluation" in said


@pytest.mark.parametrize("script", ["echo broken >&2; exit 1", "exit 0", "echo 'WARN: Unable to resolve crossref @fig-x' >&2; touch report.pdf"])
def test_what_quarto_says_when_it_fails(source, tmp_path, script):
    with pytest.raises(UserError, match="Quarto could not render"):
        make(source, tmp_path, fake_quarto(tmp_path, script))


def test_which_renderer(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("QUARTO_PATH", raising=False)
    assert find_renderer()["name"] == "embedded"
    path = Path(fake_quarto(tmp_path, "")["path"])
    (tmp_path / "share").mkdir()
    (tmp_path / "share" / "version").write_text("1.9.38\n")
    for named in (path, path.parent):
        monkeypatch.setenv("QUARTO_PATH", str(named))
        assert find_renderer() == {"name": "quarto", "version": "1.9.38", "path": str(path)}
    monkeypatch.delenv("QUARTO_PATH")
    monkeypatch.setenv("PATH", str(path.parent))
    assert find_renderer()["name"] == "quarto"
