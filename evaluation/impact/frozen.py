"""The main specification, frozen by hash before results are seen, so that a later one cannot pass for it.

`evaluation/specs/impact.frozen.yml` is a list, the newest last: `on`, `hash`, `reason`, and the `specification` in full, so that what
differs can be named.
"""

import hashlib
import json
from pathlib import Path

import yaml

from evaluation.errors import UserError
from evaluation.paths import shown


def fingerprint(spec: dict) -> str:
    """SHA-256 of a checked specification; the order of its keys and what the file leaves to its defaults make no difference."""
    return hashlib.sha256(json.dumps(spec, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def read_frozen(path: Path) -> list[dict]:
    """What was frozen, the newest last; empty where nothing was.

    Raises:
        UserError: an entry whose hash is not that of its specification.
    """
    if not path.exists():
        return []
    entries = yaml.safe_load(path.read_text(encoding="utf-8"))
    for entry in entries:
        if entry["hash"] != fingerprint(entry["specification"]):
            raise UserError(
                f"{shown(path)}: the entry of {entry['on']} was changed after it was frozen. Take it back from version control.",
                f"{shown(path)}: {entry['on']}에 확정한 내용이 나중에 바뀌었습니다. 버전 관리에서 되돌리십시오.",
            )
    return entries


def freeze(path: Path, spec: dict, on: str, reason: str) -> dict:
    """Add a checked specification to what is frozen; returns the entry.

    Args:
        on: the day, as 2010-12-31; reason: why another one was frozen before; not needed the first time.

    Raises:
        UserError: the same is frozen already; no reason to freeze another.
    """
    entries = read_frozen(path)
    entry = {"on": on, "hash": fingerprint(spec), "reason": reason, "specification": spec}
    if entries and entries[-1]["hash"] == entry["hash"]:
        raise UserError(f"This specification is frozen since {entries[-1]['on']}.", f"이 설계는 {entries[-1]['on']}에 이미 확정되었습니다.")
    if entries and not reason:
        raise UserError(
            f"Another specification was frozen on {entries[-1]['on']} ({', '.join(differences(spec, entries[-1]['specification']))} differ). Say why it changes: --reason \"...\".",
            f"{entries[-1]['on']}에 확정한 설계와 다릅니다(다른 항목: {', '.join(differences(spec, entries[-1]['specification']))}). 바꾸는 이유를 --reason \"...\"으로 적으십시오.",
        )
    text = "# Impact specifications as they were frozen, the newest last. Written by `iccp impact freeze`; not to be edited.\n"
    new = path.with_suffix(".new")
    new.write_text(text + yaml.safe_dump([*entries, entry], allow_unicode=True, sort_keys=False), encoding="utf-8")
    new.replace(path)
    return entry


def differences(spec: dict, other: dict) -> list[str]:
    """Keys in which two checked specifications differ, in the order of the first."""
    return [key for key in [*spec, *(set(other) - set(spec))] if spec.get(key) != other.get(key)]
