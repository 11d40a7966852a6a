"""What a published report was made from: inputs, versions, parameters, renderer, and its own hashes."""

import csv
import hashlib
import json
from pathlib import Path

import evaluation
from evaluation.paths import published


def write_manifest(year: int, base: Path, files: dict[Path, Path]) -> Path:
    """Write `manifest.json` in the year's work folder; no times, so that equal reports have equal manifests.

    Args:
        files: final place -> finished file.
    """
    state = base / "state"
    manifest = {
        "year": year,
        "version": evaluation.__version__,
        "files": {place.relative_to(published(year)).as_posix(): _sha256(source) for place, source in files.items()},
        "inputs": _listed(base / "data" / "files.csv"),
        "releases": _listed(base / "data" / "releases.csv"),
        "environment": json.loads((state / "environment.json").read_text(encoding="utf-8")),
        "renderer": json.loads((state / "renderer.json").read_text(encoding="utf-8")),
    }
    path = base / "manifest.json"
    path.write_text(json.dumps(manifest, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return path


def write_ledger(base: Path) -> Path:
    """Write `ledger.csv` in the year's work folder: every number the report may print, in full precision."""
    from evaluation.report.ledger import read_ledger

    path = base / "ledger.csv"
    read_ledger(base).to_csv(path, lineterminator="\n")
    return path


def _listed(path: Path) -> list[dict]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
