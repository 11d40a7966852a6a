"""Notebooks: stored bare, parameterised for papermill, and runnable by hand with their defaults."""

import json
import subprocess
import sys

import pytest

from evaluation.pipeline.sources_of import (
    notebook_code,
    notebook_modules,
    notebook_tables,
)
from evaluation.sources.tables import TABLES
from tests.conftest import ROOT, clean_environment, copy_sources

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
NAMES = ["1_data.ipynb", "2_index.ipynb", "3_outcomes.ipynb", "4_impact.ipynb", "5_credibility.ipynb", "6_audit.ipynb", "report.ipynb"]


def cells(path):
    return json.loads(path.read_text(encoding="utf-8"))["cells"]


def test_they_are_all_there():
    assert [path.name for path in NOTEBOOKS] == NAMES


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_stored_without_outputs(path):
    assert not any(cell.get("outputs") or cell.get("execution_count") for cell in cells(path)), "run `make strip` before a commit"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_one_parameters_cell_with_the_year(path):
    tagged = [cell for cell in cells(path) if "parameters" in cell["metadata"].get("tags", [])]
    assert len(tagged) == 1 and "year = 2010" in "".join(tagged[0]["source"])
    assert ("lang =" in "".join(tagged[0]["source"])) == (path.stem == "report")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_thin(path):
    """No function, class or loop over rows that a test could not reach."""
    code = notebook_code(path)
    assert "def " not in code and "class " not in code and "iterrows" not in code
    assert len(code.splitlines()) < 120


@pytest.mark.parametrize("path", NOTEBOOKS[1:4], ids=lambda path: path.stem)
def test_tables_used_are_listed_and_exist(path):
    named = notebook_tables(path)
    assert named and set(named) <= set(TABLES)


def test_dependencies_are_read_from_the_imports():
    found = {file.relative_to(ROOT).as_posix() for file in notebook_modules(ROOT / "notebooks" / "4_impact.ipynb")}
    assert {"evaluation/impact/estimators/baseline.py", "evaluation/sources/read.py", "evaluation/errors.py", "evaluation/__init__.py"} <= found
    assert "evaluation/index/score.py" not in found and "evaluation/report/figures.py" not in found


# Each of them also runs in every report; by hand, the two that economists edit most.
LONG = ("1_data", "3_outcomes", "5_credibility", "6_audit")


@pytest.mark.parametrize("path", [pytest.param(path, marks=pytest.mark.slow) if path.stem in LONG else path for path in NOTEBOOKS], ids=lambda path: path.stem)
def test_by_hand_with_defaults(path, tmp_path):
    """As JupyterLab runs it: in the notebooks' folder, default parameters, nothing made before."""
    checkout = copy_sources(ROOT, tmp_path / "checkout")
    run = subprocess.run(
        [sys.executable, "-m", "nbconvert", "--to", "notebook", "--execute", "--output-dir", str(tmp_path), path.name],
        cwd=checkout / "notebooks", env=clean_environment(PYTHONPATH=str(checkout)), capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr[-3000:]
    executed = cells(tmp_path / path.name)
    assert any(cell.get("outputs") for cell in executed)
    assert not list((checkout / "reports").glob("[0-9]*"))
    if path.stem == "report":
        shown = "".join("".join(output["data"]["text/markdown"]) for cell in executed for output in cell.get("outputs", []) if "text/markdown" in output.get("data", {}))
        assert "](../data/processed/2010/by_hand/ko/figures/fig-cohort.svg)" in shown
        assert (checkout / "data/processed/2010/by_hand/ko/figures/fig-cohort.svg").exists()
    else:
        assert not (checkout / "data" / "processed").exists()
