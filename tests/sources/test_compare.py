"""Raw tables against each other, by hand and through a corrected file."""

import pandas as pd
import pytest

from evaluation.errors import UserError
from evaluation.paths import RAW
from evaluation.sources.compare import compare_file, compare_tables, compare_years


def test_tables_by_cell():
    before = pd.DataFrame({"k": ["a", "b", "c"], "v": ["1", "2.0", ""], "t": ["x", "y", "z"]})
    after = pd.DataFrame({"k": ["a", "b", "d"], "v": ["4", "2", "9"], "t": ["x", "w", "z"]})
    out = compare_tables(before, after, ["k"])
    found = out[["what", "key", "column", "before", "after"]].to_numpy().tolist()
    assert sorted(found) == [["added", "d", "", "", ""], ["changed", "a", "v", "1", "4"], ["changed", "b", "t", "y", "w"], ["removed", "c", "", "", ""]]
    assert out.iloc[-1]["relative"] == 3.0


def test_a_corrected_file(tmp_path):
    text = (RAW / "simulated/evaluation/2010/mc_marks.csv").read_text(encoding="utf-8")
    path = tmp_path / "mc_marks.csv"
    path.write_text(text.replace("2010,MC01,E01,74.8,0", "2010,MC01,E01,47.8,0"), encoding="utf-8")
    name, changed = compare_file(2010, path)
    assert name == "mc_marks" and changed[["key", "column", "before", "after"]].to_numpy().tolist() == [["2010/MC01/E01", "mark", "74.8", "47.8"]]
    assert changed["relative"].iloc[0] == pytest.approx(47.8 / 74.8 - 1)
    path.write_text(text.replace("2010,MC01,E01,74.8,0", "2010,MC01,E01,478,0"), encoding="utf-8")
    with pytest.raises(UserError, match=r"has errors \(1\)"):
        compare_file(2010, path)
    with pytest.raises(UserError, match="not named after a table"):
        compare_file(2010, tmp_path / "marks.csv")


def test_years_are_matched_without_their_year():
    changes = compare_years(2010, 2011)
    assert {"mc_marks", "panel"} <= set(changes) and "complexes" not in changes and "goal_achievement" not in changes
    assert set(changes["panel"]["what"]) == {"added"} and changes["panel"]["key"].str.endswith("/2011").all()
    assert (changes["difficulty_marks"]["what"] == "changed").all()


def test_records_with_codes_of_their_year_are_compared_by_number():
    changed = compare_years(2010, 2011)["cms_projects"]
    counts = [len((RAW / f"simulated/programme/{year}/cms_projects.csv").read_text(encoding="utf-8").splitlines()) - 1 for year in (2010, 2011)]
    assert changed[["column", "before", "after"]].to_numpy().tolist() == [["rows", *map(str, counts)]]
