"""A specification frozen by hash: the same whatever the order of keys, no other without a reason, none changed behind its back."""

import pytest
import yaml

from evaluation.errors import UserError
from evaluation.impact.frozen import differences, fingerprint, freeze, read_frozen
from evaluation.impact.specification import complete_impact
from evaluation.paths import SPECS
from evaluation.sources.specs import read_impact


def test_the_hash_is_of_what_is_meant_and_not_of_how_it_is_written():
    raw = read_impact()
    left_out = {key: value for key, value in raw.items() if key not in ("anticipation", "cohorts")}
    assert fingerprint(complete_impact(raw)) == fingerprint(complete_impact(dict(reversed(left_out.items()))))
    assert fingerprint(complete_impact(raw)) != fingerprint(complete_impact(raw | {"anticipation": 1}))


def test_a_second_one_needs_a_reason_and_the_first_stays(tmp_path):
    path, spec = tmp_path / "frozen.yml", complete_impact(read_impact())
    assert read_frozen(path) == []
    freeze(path, spec, "2010-01-31", "")
    with pytest.raises(UserError, match="is frozen since 2010-01-31"):
        freeze(path, spec, "2010-02-28", "")
    other = spec | {"anticipation": 1, "level": 0.9}
    assert differences(other, spec) == ["anticipation", "level"]
    with pytest.raises(UserError, match=r"anticipation, level differ\). Say why"):
        freeze(path, other, "2010-02-28", "")
    freeze(path, other, "2010-02-28", "a reviewer asked for it")
    assert [entry["hash"] for entry in read_frozen(path)] == [fingerprint(spec), fingerprint(other)]


def test_an_entry_changed_afterwards_is_refused(tmp_path):
    path = tmp_path / "frozen.yml"
    freeze(path, complete_impact(read_impact()), "2010-01-31", "")
    entries = yaml.safe_load(path.read_text(encoding="utf-8"))
    entries[0]["specification"]["anticipation"] = 2
    path.write_text(yaml.safe_dump(entries), encoding="utf-8")
    with pytest.raises(UserError, match="was changed after it was frozen"):
        read_frozen(path)


def test_the_specification_that_ships_is_the_frozen_one():
    assert read_frozen(SPECS / "impact.frozen.yml")[-1]["hash"] == fingerprint(complete_impact(read_impact()))
