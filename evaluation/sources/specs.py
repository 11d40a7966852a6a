"""Reads what people edit: index schemes by year, the impact specification, report settings."""

from pathlib import Path

import yaml

from evaluation.errors import LANGUAGES, UserError
from evaluation.paths import SPECS, shown
from evaluation.sources.tables import HEADQUARTERS

# The same safe loader, in C where PyYAML was built with it.
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
REPORT_SETTINGS = {
    "languages": "[ko, en]",
    "default_year": "2010",
    "date": "{month: 3, day: 31}",
    "labels": "{kind: {code: {ko: …, en: …}}}",
}


def read_yaml(path: Path) -> dict:
    """The content of a YAML file; UserError with line and column where it cannot be read."""
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=LOADER)
    except UnicodeDecodeError:
        raise UserError(
            f"{shown(path)} is not UTF-8. Save it as UTF-8.", f"{shown(path)} 파일이 UTF-8이 아닙니다. UTF-8로 저장하십시오."
        ) from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else "?"
        raise UserError(
            f"{shown(path)}, line {line}: not readable as YAML ({getattr(error, 'problem', error)}).",
            f"{shown(path)} {line}행: YAML로 읽을 수 없습니다 ({getattr(error, 'problem', error)}).",
        ) from None
    if not isinstance(content, dict):
        raise UserError(
            f"{shown(path)} is empty, or not a mapping (`key: value`).", f"{shown(path)} 파일이 비어 있거나 ‘항목: 값’ 형식이 아닙니다."
        )
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
        if path in paths:
            raise UserError(f"{shown(path)} extends itself.", f"{shown(path)} 파일의 extends가 자기 자신을 가리킵니다.")
        if not path.exists():
            raise _no_scheme(year)
        paths.append(path)
        raw = read_yaml(path)
        if raw.get("year") != year:
            raise UserError(
                f"{shown(path)}: `year` is {raw.get('year')!r}, but the file is that of {year}. Make them agree.",
                f"{shown(path)}: `year` 값이 {raw.get('year')!r}인데 파일 이름은 {year}년입니다. 서로 맞추십시오.",
            )
        if "extends" not in raw:
            return paths
        year = raw["extends"]


def read_scheme(year: int) -> tuple[list[dict], str]:
    """The scheme file of a year and those it extends, nearest first, and the name of the one with the components.

    `evaluation.index.scheme.complete` makes the scheme of it.
    """
    paths = scheme_paths(year)
    raws = [read_yaml(path) for path in paths]
    return raws, shown(next((path for path, raw in zip(paths, raws, strict=True) if "components" in raw), paths[-1]))


def headquarters_of(year: int) -> tuple[str, ...]:
    """The codes of the units that a year evaluates, as its scheme or the nearest that it extends gives them."""
    for path in scheme_paths(year):
        units = read_yaml(path).get("units")
        if units is None:
            continue
        codes = units.get("codes") if isinstance(units, dict) else None
        if not isinstance(codes, list) or not codes or not set(map(str, codes)) <= set(HEADQUARTERS) or len(set(codes)) < len(codes):
            listed = ", ".join(HEADQUARTERS)
            raise UserError(
                f"{shown(path)}: `units.codes` is {codes!r}; give a list of different codes out of: {listed}.",
                f"{shown(path)}: `units.codes` 값이 {codes!r}입니다. 다음 코드 중에서 서로 다른 것을 나열하십시오: {listed}.",
            )
        return tuple(codes)
    raise UserError(
        f"{shown(scheme_path(year))}: `units` is not there; give the headquarters that {year} evaluates: {{label: {{ko: …, en: …}}, codes: [code, …]}}.",
        f"{shown(scheme_path(year))}: `units` 항목이 없습니다. {year}년 평가 대상 본부를 다음과 같이 쓰십시오: {{label: {{ko: …, en: …}}, codes: [코드, …]}}.",
    )


def _no_scheme(year: int) -> UserError:
    have = ", ".join(map(str, scheme_years()))
    if (SPECS / "index" / "unpublished" / f"{year}.yml").exists():
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
    """The content of the impact specification; `evaluation.impact.specification.complete_impact` checks it."""
    return read_yaml(SPECS / "impact.yml")


def read_audit() -> dict:
    """The content of the specification of the audit; `evaluation.audit.relations.complete` checks it."""
    return read_yaml(SPECS / "audit.yml")


def read_report() -> dict:
    """The report settings: languages, default_year, date, labels; UserError where one is missing or wrong."""
    path = SPECS / "report.yml"
    settings = read_yaml(path)
    date = settings.get("date")
    right = {
        "languages": isinstance(settings.get("languages"), list) and settings["languages"] and set(settings["languages"]) <= set(LANGUAGES),
        "default_year": type(settings.get("default_year")) is int,
        "date": isinstance(date, dict) and date.get("month") in range(1, 13) and date.get("day") in range(1, 32),
        "labels": isinstance(settings.get("labels"), dict),
    }
    for key, fine in right.items():
        if not fine:
            raise UserError(
                f"{shown(path)}: `{key}` is {settings.get(key)!r}; give {REPORT_SETTINGS[key]}.",
                f"{shown(path)}: `{key}` 값이 {settings.get(key)!r}입니다. 다음과 같이 쓰십시오: {REPORT_SETTINGS[key]}.",
            )
    return settings
