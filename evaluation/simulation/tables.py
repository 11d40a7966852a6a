"""What the generator's modules share: its random streams, and how tables are read and written."""

from pathlib import Path
from zlib import crc32

import numpy as np
import pandas as pd

SEED = 20101130


def stream(name: str) -> np.random.Generator:
    """The random stream of one thing that is drawn, keyed by its name.

    A new stream leaves the others as they are. Only `standard_normal`, `random` and `integers` are
    used of it: the draws least likely to change between versions of numpy.
    """
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([SEED, crc32(name.encode())])))


def ar1(innovations: np.ndarray, rho: float) -> np.ndarray:
    """Stationary AR(1) of unit variance along the last axis, from standard normal innovations."""
    path = innovations.copy()
    for t in range(1, path.shape[-1]):
        path[..., t] = rho * path[..., t - 1] + np.sqrt(1 - rho**2) * innovations[..., t]
    return path


def read(published_dir: Path, name: str) -> pd.DataFrame:
    """One published table, every cell as printed text, empty cells as empty text."""
    return pd.read_csv(Path(published_dir) / f"{name}.csv", dtype=str, keep_default_na=False)


def write(table: pd.DataFrame, path: Path, decimals: int) -> Path:
    """Write a table as UTF-8 with LF, its fractions rounded to `decimals`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    table.to_csv(path, index=False, lineterminator="\n", encoding="utf-8", float_format=f"%.{decimals}f")
    return path
