"""Writes environment.yml, the conda environment, from pyproject.toml and requirements.lock.

Quarto and Python come from conda-forge; everything else at the locked version, as wheels.
"""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
HEAD = """\
# For conda users: conda env create -f environment.yml, then conda activate iccp and iccp report 2010.
# Written by `make lock` from pyproject.toml and requirements.lock; a test keeps the three equal.
name: iccp
channels:
  - conda-forge
dependencies:
  - python >=3.12
  - quarto >=1.6
  - pip
  - pip:
"""


def normal(name: str) -> str:
    """A package name as PyPI compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def main() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    direct = project["dependencies"] + project["optional-dependencies"]["test"]
    locked = dict(re.findall(r"^([\w.-]+)==([^\s;]+)", (ROOT / "requirements.lock").read_text(encoding="utf-8"), re.MULTILINE))
    names = [normal(re.match(r"[\w.-]+", item)[0]) for item in direct]
    lines = "".join(f"      - {name}=={locked[name]}\n" for name in names)
    (ROOT / "environment.yml").write_text(f"{HEAD}{lines}      - --editable .\n", encoding="utf-8")


if __name__ == "__main__":
    main()
