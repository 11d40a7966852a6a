"""Reads the printed figures as text: digits count as they were printed, trailing zeros too."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from evaluation.errors import say
from evaluation.paths import RAW, shown
from evaluation.sources.locate import Found

if TYPE_CHECKING:
    import pandas as pd

FOLDERS = ("published", "press")


def published_files(raw: Path = RAW) -> list[Path]:
    """The files that `published_texts` reads."""
    return [path for folder in FOLDERS for path in sorted((raw / folder).glob("*.csv"))]


def published_texts(raw: Path = RAW) -> dict[str, "pd.DataFrame"]:
    """All tables of printed figures, the programme's and the press's, by the name of their file.

    Returns:
        frames of text; an empty cell is "".

    Raises:
        UserError: two folders with a table of the same name, a file without a contract, or one with errors.
    """
    from evaluation.sources.problems import refuse_errors

    texts, problems = _read(raw)
    refuse_errors(problems, "The printed figures have errors; `iccp check` shows all", "공표 수치에 오류가 있습니다. 전체 목록은 `iccp check`로 볼 수 있습니다")
    return texts


def check_published(raw: Path = RAW, besides: Iterable[str] = ()) -> "pd.DataFrame":
    """What is wrong in the tables of printed figures, with PROBLEM_COLUMNS.

    Args:
        besides: names of tables that are checked elsewhere.
    """
    return _read(raw, set(besides))[1]


def _read(raw: Path, besides: Iterable[str] = ()) -> tuple[dict[str, "pd.DataFrame"], "pd.DataFrame"]:
    # Who only wants the list of files need not wait for these.
    import pandas as pd

    from evaluation.sources.printed import PRINTED
    from evaluation.sources.problems import problem, problem_frame
    from evaluation.sources.read import read_table

    texts, problems = {}, [problem_frame([])]
    for path in published_files(raw):
        table = PRINTED.get(path.stem)
        if path.stem in texts or table is None or table.origin != path.parent.name:
            rule = say("not a table of the contract", "자료 규격에 없는 표")
            mend = say("declare it in evaluation/sources/printed.py, or take it out", "evaluation/sources/printed.py에 정의하거나 빼십시오")
            problems.append(problem_frame([problem((shown(path), "", ""), "", path.stem, rule, mend)]))
            continue
        read = read_table(Found(table, (path,), table.origin))
        texts[path.stem] = read.text
        if path.stem not in besides:
            problems.append(read.problems)
    return texts, pd.concat(problems, ignore_index=True)
