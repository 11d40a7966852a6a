"""The official releases that lie below data/raw/official: censuses and trend tables, each checked on its own.

They are series of their own and no input of a report of the years that can be evaluated so far; what is
wrong in them is said by the check.
"""

from pathlib import Path

import pandas as pd

from evaluation.errors import UserError, say
from evaluation.paths import RAW, shown
from evaluation.sources.census import read_census
from evaluation.sources.crosswalk import read_crosswalk, to_decide
from evaluation.sources.problems import problem, problem_frame
from evaluation.sources.trends import read_trend

FOLDERS = {"census": read_census, "trends": read_trend}
RELEASE_COLUMNS = ["kind", "file", "period", "rows"]


def check_releases(registry: pd.DataFrame, raw: Path = RAW) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read every release.

    Args:
        registry: the table `complexes`, whose names the crosswalk ties to the census.

    Returns:
        RELEASE_COLUMNS, one row per file that could be read, and the problems; a file that cannot be read is an
        error among them.
    """
    releases, problems = [], []
    for kind, read in FOLDERS.items():
        for path in sorted(path for path in (raw / "official" / kind).glob("*") if path.is_file() and not path.name.startswith((".", "~$"))):
            try:
                release = read(path)
            except UserError as error:
                told = str(error).removeprefix(shown(path)).lstrip(":, ")
                problems.append(problem_frame([problem((shown(path), "", ""), "", "", told, say("mend the file or take it out", "파일을 고치거나 빼십시오"))]))
                continue
            problems.append(release.problems)
            if kind == "census":
                problems.append(_undecided(release, registry))
            period = f"{release.year}Q{release.quarter}" if kind == "census" else release.quarter
            releases.append({"kind": kind, "file": shown(path), "period": period, "rows": len(release.rows if kind == "census" else release.values)})
    return pd.DataFrame(releases, columns=RELEASE_COLUMNS), pd.concat([problem_frame([]), *problems], ignore_index=True)


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
