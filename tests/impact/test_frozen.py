"""A specification frozen by hash: the same whatever the order of keys, no other without a reason, none changed behind its back."""

import pytest

from evaluation.errors import UserError
from evaluation.impact.frozen import checked, differences, fingerprint, freeze
from evaluation.impact.specification import complete_impact
from evaluation.sources import kept
from evaluation.sources.specs import read_impact


def test_the_hash_is_of_what_is_meant_and_not_of_how_it_is_written():
    raw = read_impact()
    left_out = {key: value for key, value in raw.items() if key not in ("anticipation", "cohorts")}
    assert fingerprint(complete_impact(raw)) == fingerprint(complete_impact(dict(reversed(left_out.items()))))
    assert fingerprint(complete_impact(raw)) != fingerprint(complete_impact(raw | {"anticipation": 1}))


def test_a_second_one_needs_a_reason():
    spec = complete_impact(read_impact())
    first = freeze([], spec, "2010-01-31", "")
    assert first["hash"] == fingerprint(spec) and first["specification"] == spec
    with pytest.raises(UserError, match="is frozen since 2010-01-31"):
        freeze([first], spec, "2010-02-28", "")
    other = spec | {"anticipation": 1, "level": 0.9}
    assert differences(other, spec) == ["anticipation", "level"]
    # A window that outcomes take from the whole is one difference, one of their own another.
    raw = read_impact()
    assert differences(complete_impact(raw | {"window": {"before": 3, "after": 5}}), spec) == ["window"]
    own = [raw["outcomes"][0] | {"window": {"before": 2, "after": 5}}, *raw["outcomes"][1:]]
    assert differences(complete_impact(raw | {"outcomes": own}), spec) == ["outcomes"]
    with pytest.raises(UserError, match=r"anticipation, level differ\). Say why"):
        freeze([first], other, "2010-02-28", "")
    assert freeze([first], other, "2010-02-28", "a reviewer asked for it")["hash"] == fingerprint(other)


def test_what_was_frozen_stays_as_it_is_written(tmp_path, monkeypatch):
    monkeypatch.setattr(kept, "FROZEN", tmp_path / "frozen.yml")
    assert kept.read_frozen() == []
    entries = [freeze([], complete_impact(read_impact()), "2010-01-31", "")]
    kept.write_frozen(entries)
    assert checked(kept.read_frozen()) == entries and [path.name for path in tmp_path.iterdir()] == ["frozen.yml"]


def test_an_entry_changed_afterwards_is_refused():
    entry = freeze([], complete_impact(read_impact()), "2010-01-31", "")
    with pytest.raises(UserError, match="was changed after it was frozen"):
        checked([entry | {"specification": entry["specification"] | {"anticipation": 2}}])


def test_the_specification_that_ships_is_the_frozen_one():
    assert checked(kept.read_frozen())[-1]["hash"] == fingerprint(complete_impact(read_impact()))
