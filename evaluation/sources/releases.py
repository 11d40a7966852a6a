"""The official releases that lie below data/raw/official: censuses and trend tables, each checked on its own.

They are series of their own: a report shows those that end in its year or before, and estimates nothing from them.
"""

import hashlib
from pathlib import Path

import pandas as pd

from evaluation.errors import UserError, say
from evaluation.paths import RAW, shown
from evaluation.sources.census import Census, read_census
from evaluation.sources.crosswalk import read_crosswalk, to_decide
from evaluation.sources.locate import RELEASES, other_files, release_paths
from evaluation.sources.problems import problem, problem_frame, refuse_errors
from evaluation.sources.trends import Trend, read_trend

READERS = dict(zip(RELEASES, (read_census, read_trend), strict=True))
RELEASE_COLUMNS = ["kind", "file", "period", "vintage", "rows", "file_sha256"]
TREND_COLUMNS = ["release", "measure", "flow", "status", "cells"]


def read_releases(year: int, raw: Path = RAW) -> tuple[list[Census], list[Trend]]:
    """The releases that end in a year or before, the latest last.

    Raises:
        UserError: a file that cannot be read (of what year it is, nobody knows), or has errors.
    """
    found: dict[str, list] = {kind: [] for kind in RELEASES}
    for kind, paths in release_paths(raw).items():
        for path in paths:
            release = READERS[kind](path)
            if int(_period(release)[:4]) > year:
                continue
            refuse_errors(release.problems, f"{shown(path)} has errors; `iccp check {year}` shows all", f"{shown(path)}에 오류가 있습니다. 전체 목록은 `iccp check {year}`로 볼 수 있습니다")
            found[kind].append(release)
    return tuple(sorted(releases, key=_period) for releases in found.values())


def latest_census(censuses: list[Census]) -> Census | None:
    """The census whose figures are a year's: the last of a fourth quarter, or without one the last; None without any."""
    return next((census for census in reversed(censuses) if census.quarter == 4), censuses[-1] if censuses else None)


def check_releases(registry: pd.DataFrame, raw: Path = RAW) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read every release.

    Args:
        registry: the table `complexes`, whose names the crosswalk ties to the census.

    Returns:
        RELEASE_COLUMNS, one row per file that could be read, and the problems; a file that cannot be read is an
        error among them.
    """
    releases, problems, seen = [], [], {}
    for kind, paths in release_paths(raw).items():
        for path in paths:
            try:
                release = READERS[kind](path)
            except UserError as error:
                told = str(error).removeprefix(shown(path)).lstrip(":, ")
                problems.append(problem_frame([problem((shown(path), "", ""), "", "", told, say("mend the file or take it out", "파일을 고치거나 빼십시오"))]))
                continue
            problems.append(release.problems)
            if kind == "census":
                problems.append(_undecided(release, registry))
            releases.append(listed([release]))
            what = (kind, _period(release), "" if kind == "census" else tuple(sorted(set(release.values["measure"]))))
            if what in seen:
                rule, mend = say(f"the same quarter as {seen[what]}", f"{seen[what]}와(과) 같은 분기임"), say("keep one of the two", "하나만 남기십시오")
                problems.append(problem_frame([problem((shown(path), "", ""), "", what[1], rule, mend, "warning")]))
            seen.setdefault(what, path.name)
    for path in other_files(raw):
        rule, mend = say(f"a {path.suffix or 'nameless'} file; not read", f"{path.suffix or '확장자 없는'} 파일이라 읽지 않음"), say("nothing to do if it is no release", "통계 파일이 아니면 그대로 두어도 됩니다")
        problems.append(problem_frame([problem((shown(path), "", ""), "", path.name, rule, mend, "warning")]))
    return pd.concat([listed([]), *releases], ignore_index=True), pd.concat([problem_frame([]), *problems], ignore_index=True)


def listed(releases: list[Census | Trend]) -> pd.DataFrame:
    """RELEASE_COLUMNS of releases."""
    rows = []
    for release in releases:
        kind, vintage, count = ("census", "", len(release.rows)) if isinstance(release, Census) else ("trends", release.vintage, len(release.values))
        rows.append((kind, shown(release.path), _period(release), vintage, count, hashlib.sha256(release.path.read_bytes()).hexdigest()))
    return pd.DataFrame(rows, columns=RELEASE_COLUMNS)


def trend_cells(releases: list[Census | Trend]) -> pd.DataFrame:
    """How many cells of each trend release are observed, masked or missing, by measure and flow.

    Returns:
        TREND_COLUMNS; `release` is the place of the release in the list, from 1.
    """
    frames = [
        release.values.assign(release=number).groupby(["release", "measure", "flow", "status"], sort=False).size().rename("cells").reset_index()
        for number, release in enumerate(releases, start=1) if isinstance(release, Trend)
    ]  # fmt: skip
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=TREND_COLUMNS)


def _period(release: Census | Trend) -> str:
    return f"{release.year}Q{release.quarter}" if isinstance(release, Census) else release.quarter


def _undecided(census, registry: pd.DataFrame) -> pd.DataFrame:
    words = {
        "undecided": say("no census row decided on", "연결할 단지가 정해지지 않음"), "ambiguous": say("several rows of that name", "같은 이름의 행이 여럿"),
        "not_in_census": say("no such row in the census", "해당 행이 없음"), "not_in_crosswalk": say("not in the crosswalk", "연결표에 없음"),
    }  # fmt: skip
    mend = say("decide in evaluation/specs/crosswalk.csv", "evaluation/specs/crosswalk.csv에서 정하십시오")
    rows = to_decide(census.rows, read_crosswalk(), registry)
    note = say("note_en", "note_ko")
    return problem_frame(
        [
            problem((shown(census.path), "", ""), "", f"{row['complex_id']} {row['name_ko']}", f"{words[row['why']]}. {row[note]}".strip(), mend, "warning")
            for row in rows.to_dict("records")
        ]
    )
