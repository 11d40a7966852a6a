"""Reads what people edit: index schemes by year, the impact specification, report settings."""

from pathlib import Path

import yaml

from evaluation.errors import UserError
from evaluation.paths import SPECS, shown


def read_yaml(path: Path) -> dict:
    """The content of a YAML file; UserError with line and column where it cannot be read."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else "?"
        raise UserError(
            f"{shown(path)}, line {line}: not readable as YAML ({getattr(error, 'problem', error)}).",
            f"{shown(path)} {line}행: YAML로 읽을 수 없습니다 ({getattr(error, 'problem', error)}).",
        ) from None
    if not isinstance(content, dict):
        raise UserError(f"{shown(path)} is empty.", f"{shown(path)} 파일이 비어 있습니다.")
    return content


def scheme_path(year: int) -> Path:
    """Where the scheme of a year is kept."""
    return SPECS / "index" / f"{year}.yml"


def scheme_years() -> list[int]:
    """The years that can be evaluated: those with a scheme."""
    return sorted(int(path.stem) for path in (SPECS / "index").glob("[0-9]*.yml"))


def scheme_paths(year: int) -> list[Path]:
    """The scheme file of a year and those it extends, nearest first."""
    paths = []
    while True:
        path = scheme_path(year)
        if not path.exists() or path in paths:
            raise _no_scheme(year)
        paths.append(path)
        raw = read_yaml(path)
        if "extends" not in raw:
            return paths
        year = raw["extends"]


def read_scheme(year: int) -> tuple[list[dict], str]:
    """The scheme file of a year and those it extends, nearest first, and the name of the last one.

    `evaluation.index.scheme.complete` makes the scheme of it.
    """
    paths = scheme_paths(year)
    return [read_yaml(path) for path in paths], shown(paths[-1])


def _no_scheme(year: int) -> UserError:
    unpublished = read_yaml(SPECS / "index" / "unpublished.yml")["years"]
    have = ", ".join(map(str, scheme_years()))
    if year in unpublished:
        return UserError(
            f"{year} cannot be scored: the weights of its index were never published. Years with a scheme: {have}.",
            f"{year}년은 평가지수를 산출할 수 없습니다. 해당 연도의 가중치가 공표된 적이 없습니다. 평가체계가 있는 연도: {have}.",
        )
    return UserError(
        f"There is no evaluation scheme for {year}. Years with a scheme: {have}. "
        f"To add one, write {shown(scheme_path(year))}.",
        f"{year}년 평가체계가 없습니다. 평가체계가 있는 연도: {have}. "
        f"새 연도를 추가하려면 {shown(scheme_path(year))} 파일을 작성하십시오.",
    )


def read_impact() -> dict:
    """The impact specification."""
    return read_yaml(SPECS / "impact.yml")


def read_report() -> dict:
    """The report settings: languages, date, labels."""
    return read_yaml(SPECS / "report.yml")
