"""The ledger: unique ids, full precision, and simulated wherever a table it rests on is."""

import pandas as pd
import pytest

from evaluation.errors import UserError
from evaluation.report.ledger import entry, part, read_ledger, write_part

FILES = pd.DataFrame({"table": ["real", "made_up"], "origin": ["published", "simulated"]})


def test_simulated_follows_the_tables():
    entries = [entry("a.b", 1.0, "points", 1)]
    assert not part(entries, ["real"], "code", FILES)["simulated"].any()
    assert part(entries, ["real", "made_up"], "code", FILES)["simulated"].all()
    assert not part(entries, [], "code", FILES)["simulated"].any()


def test_numbers_come_back_to_the_last_bit(tmp_path):
    value = 1 / 3
    (tmp_path / "data").mkdir()
    write_part(part([entry("a", value, "points", 1, lower=value / 7, upper=2.0, level=0.9)], ["real"], "code", FILES), tmp_path / "data")
    ledger = read_ledger(tmp_path, ["data"])
    assert ledger.at["a", "value"] == value and ledger.at["a", "lower"] == value / 7


def test_an_id_stands_once(tmp_path):
    ledger = part([entry("a", 1, "points", 1), entry("a", 2, "points", 1)], [], "code", FILES)
    with pytest.raises(ValueError, match="twice: a"):
        write_part(ledger, tmp_path)


def test_a_missing_part_says_what_to_do(tmp_path):
    with pytest.raises(UserError, match="run `iccp report 2010` first"):
        read_ledger(tmp_path / "2010")
