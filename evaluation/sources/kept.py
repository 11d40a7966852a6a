"""What the program itself keeps in the checkout: specifications as they were frozen, and results of long simulations."""

import json

import yaml

from evaluation.paths import PROOF, SPECS

FROZEN = SPECS / "impact.frozen.yml"


def read_frozen() -> list[dict]:
    """Specifications as they were frozen, the newest last; empty where none was. `evaluation.impact.frozen.checked` checks them."""
    return yaml.safe_load(FROZEN.read_text(encoding="utf-8")) if FROZEN.exists() else []


def write_frozen(entries: list[dict]) -> None:
    """Write them all, or nothing."""
    text = "# Impact specifications as they were frozen, the newest last. Written by `iccp impact freeze`; not to be edited.\n"
    new = FROZEN.with_suffix(".new")
    new.write_text(text + yaml.safe_dump(entries, allow_unicode=True, sort_keys=False), encoding="utf-8")
    new.replace(FROZEN)


def read_proofs() -> list[dict]:
    """Kept simulations (`evaluation.impact.inference.simulate.record`); files that are none are passed over."""
    found = []
    for path in sorted(PROOF.glob("*.json")):
        try:
            kept = json.loads(path.read_text(encoding="utf-8"))
        except (json.JSONDecodeError, UnicodeDecodeError):
            continue
        found += [kept] if isinstance(kept, dict) else []
    return found
