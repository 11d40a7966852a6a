"""The marks of earlier years, which a year's change and its long-standing targets are told from.

Which files there are is asked at every start, so what is heavy is loaded only to read them.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from evaluation.errors import UserError
from evaluation.paths import RAW
from evaluation.sources.locate import entry_paths, locate
from evaluation.sources.specs import scheme_years
from evaluation.sources.tables import TABLES

if TYPE_CHECKING:
    import pandas as pd

    from evaluation.sources.check import Inputs

FOLDER, LIST = "earlier", "earlier.csv"
MARKS = ("mini_clusters", *(name for name, table in TABLES.items() if table.group == "evaluation"))


def earlier_years(year: int) -> list[int]:
    """The years before a year that have a scheme, the last first."""
    return [other for other in reversed(scheme_years()) if other < year]


def earlier_files(year: int, raw: Path = RAW) -> list[Path]:
    """The files that `read_earlier` may read: those of all its tables that are there, and the years' workbooks."""
    found = [path for other in earlier_years(year) for path in entry_paths(other, raw)]
    found += [path for other in earlier_years(year) for name in MARKS for path in locate(name, other, raw).paths if path.is_file()]
    return list(dict.fromkeys(found))


def read_earlier(year: int, raw: Path = RAW) -> "tuple[dict[int, Inputs], pd.DataFrame]":
    """The tables MARKS of each earlier year that can be read, and what became of every earlier year.

    Returns:
        year -> its inputs, the last year first; and one row per earlier year: `year`, `rows_sha256` (of all its tables; missing
        where it could not be read), `told` (why it could not).
    """
    import pandas as pd

    from evaluation.sources.check import read_some

    inputs, rows = {}, []
    for other in earlier_years(year):
        try:
            inputs[other] = read_some(other, MARKS, raw)
            rows.append((other, " ".join(inputs[other].files["rows_sha256"]), ""))
        except UserError as error:
            rows.append((other, "", str(error).splitlines()[0]))
    return inputs, pd.DataFrame(rows, columns=["year", "rows_sha256", "told"])


def save_earlier(inputs: "dict[int, Inputs]", listed: "pd.DataFrame", folder: Path) -> None:
    """Write what `read_earlier` returned: LIST, and a folder per year as `evaluation.sources.store.save_inputs` writes it."""
    from evaluation.sources.store import save_inputs

    listed.to_csv(folder / LIST, index=False, lineterminator="\n")
    for year, own in inputs.items():
        place = folder / FOLDER / str(year)
        place.mkdir(parents=True)
        save_inputs(own, place)


def open_earlier(year: int, folder: Path | str | None = None) -> "dict[int, Inputs]":
    """The marks of earlier years, the last first: those a run has saved in a folder, or, without one, the raw files read anew."""
    import pandas as pd

    from evaluation.sources.store import open_inputs

    if folder is None:
        return read_earlier(year)[0]
    listed = pd.read_csv(Path(folder) / LIST).dropna(subset="rows_sha256")
    return {int(other): open_inputs(int(other), list(MARKS), Path(folder) / FOLDER / str(other)) for other in listed["year"]}


def origins(now: "Inputs", earlier: "dict[int, Inputs]") -> "pd.DataFrame":
    """`table`, `origin` over several years: simulated where it is so in any of them."""
    import pandas as pd

    files = pd.concat([now.files, *(own.files for own in earlier.values())])[["table", "origin"]]
    return files.sort_values("origin", key=lambda origin: origin != "simulated", kind="stable").drop_duplicates("table")
