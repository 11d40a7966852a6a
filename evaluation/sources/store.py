"""Validated tables on disk: Parquet and the list of files they were read from."""

from pathlib import Path

import pandas as pd

from evaluation.sources.check import Inputs, read_inputs
from evaluation.sources.problems import PROBLEM_COLUMNS


def save_inputs(inputs: Inputs, folder: Path) -> None:
    """Write every table as Parquet; problems.csv (warnings); files.csv, and its lasting part origins.csv.

    What a table was read from changes seldom; its hash changes with every figure. Kept apart, an
    analysis depends only on the tables it uses.
    """
    for name, frame in inputs.tables.items():
        frame.to_parquet(folder / f"{name}.parquet", index=False)
    inputs.files.to_csv(folder / "files.csv", index=False, lineterminator="\n")
    inputs.problems.to_csv(folder / "problems.csv", index=False, lineterminator="\n")
    inputs.files[["table", "origin"]].to_csv(folder / "origins.csv", index=False, lineterminator="\n")


def open_inputs(year: int, tables: list[str], folder: Path | str | None = None) -> Inputs:
    """The named tables of a year: those a run has saved in a folder, or, without one, the raw files checked anew."""
    if folder is None:
        inputs = read_inputs(year)
        return Inputs({name: inputs.tables[name] for name in tables}, inputs.files, inputs.problems)
    folder = Path(folder)
    frames = {name: pd.read_parquet(folder / f"{name}.parquet") for name in tables}
    return Inputs(frames, pd.read_csv(folder / "origins.csv"), pd.DataFrame(columns=PROBLEM_COLUMNS))


def is_simulated(inputs: Inputs, table: str) -> bool:
    """Whether a table was read from simulated data."""
    return inputs.files.set_index("table").at[table, "origin"] == "simulated"
