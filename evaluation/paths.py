"""Where things lie in the checkout. The package is used from one, so the root is its parent."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
RAW = ROOT / "data" / "raw"
PROCESSED = ROOT / "data" / "processed"
NOTEBOOKS = ROOT / "notebooks"
REPORTS = ROOT / "reports"
SPECS = ROOT / "evaluation" / "specs"
# Results of long simulations, kept with the command that made them.
PROOF = ROOT / "docs" / "proof"


def processed(year: int) -> Path:
    """The folder of everything made on the way to the report of a year."""
    return PROCESSED / str(year)


def published(year: int) -> Path:
    """The folder of the finished report of a year."""
    return REPORTS / str(year)


def shown(path: Path) -> str:
    """A path as a user reads it: relative to the checkout where it lies inside."""
    path = Path(path)
    return path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else str(path)
