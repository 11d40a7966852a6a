"""The main specification, frozen by hash before results are seen, so that a later one cannot pass for it.

What was frozen is a list of entries, the newest last: `on`, `hash`, `reason`, and the `specification` in full, so that what differs can be
named. `evaluation.sources.kept` reads and writes it.
"""

import hashlib
import json

from evaluation.errors import UserError

WHERE = "evaluation/specs/impact.frozen.yml"


def fingerprint(spec: dict) -> str:
    """SHA-256 of a checked specification; the order of its keys and what the file leaves to its defaults make no difference."""
    return hashlib.sha256(json.dumps(spec, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def checked(entries: list[dict]) -> list[dict]:
    """The entries; UserError for one whose hash is not that of its specification."""
    for entry in entries:
        if entry["hash"] != fingerprint(entry["specification"]):
            raise UserError(
                f"{WHERE}: the entry of {entry['on']} was changed after it was frozen. Take it back from version control.",
                f"{WHERE}: {entry['on']}에 확정한 내용이 나중에 바뀌었습니다. 버전 관리에서 되돌리십시오.",
            )
    return entries


def freeze(entries: list[dict], spec: dict, on: str, reason: str) -> dict:
    """The entry of a checked specification.

    Args:
        entries: those before, checked; on: the day, as 2010-12-31; reason: why another one was frozen before; not needed the first time.

    Raises:
        UserError: the same is frozen already; no reason to freeze another.
    """
    entry = {"on": on, "hash": fingerprint(spec), "reason": reason, "specification": spec}
    if entries and entries[-1]["hash"] == entry["hash"]:
        raise UserError(f"This specification is frozen since {entries[-1]['on']}.", f"이 설계는 {entries[-1]['on']}에 이미 확정되었습니다.")
    if entries and not reason:
        differing = ", ".join(differences(spec, entries[-1]["specification"]))
        raise UserError(
            f"Another specification was frozen on {entries[-1]['on']} ({differing} differ). Say why it changes: --reason \"...\".",
            f"{entries[-1]['on']}에 확정한 설계와 다릅니다(다른 항목: {differing}). 바꾸는 이유를 --reason \"...\"으로 적으십시오.",
        )
    return entry


def differences(spec: dict, other: dict) -> list[str]:
    """Keys in which two checked specifications differ, in the order of the first; a window that outcomes take from the whole is one of the whole."""
    first, second = _apart(spec), _apart(other)
    return [key for key in [*first, *sorted(set(second) - set(first))] if first.get(key) != second.get(key)]


def _apart(spec: dict) -> dict:
    """A specification with only those windows in its outcomes that are their own."""
    if "outcomes" not in spec:
        return spec
    return spec | {"outcomes": [{key: value for key, value in outcome.items() if key != "window" or value != spec.get("window")} for outcome in spec["outcomes"]]}
