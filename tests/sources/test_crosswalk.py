"""The crosswalk: against the registry, against the real census, and by hand on a small one."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from evaluation.errors import UserError
from evaluation.sources.census import read_census
from evaluation.sources.crosswalk import (
    COLUMNS,
    read_crosswalk,
    to_complexes,
    to_decide,
)
from tests.sources.census_book import census_book

FOLDER = os.environ.get("ICCP_OFFICIAL_DATA")


@pytest.fixture
def small(tmp_path):
    return read_census(census_book(tmp_path / "census.xlsx")).rows


def table(*rows):
    return pd.DataFrame([(*row, "", "") for row in rows], columns=COLUMNS)


def test_every_printed_participant_is_in_it(inputs):
    registry = inputs.tables["complexes"]
    printed = registry[(registry["role"] != "non_participant") & (registry["basis"] != "inferred")]["complex_id"]
    assert set(read_crosswalk()["complex_id"]) == set(printed)


def test_the_real_census_has_every_matched_row(inputs):
    if not FOLDER:
        pytest.skip("ICCP_OFFICIAL_DATA names no folder with the official files")
    [path] = Path(FOLDER).rglob("*산업단지현황조사*.xlsx")
    rows, crosswalk = read_census(path).rows, read_crosswalk()
    assert set(to_decide(rows, crosswalk, inputs.tables["complexes"])["why"]) == {"undecided"}
    matched = to_complexes(rows, crosswalk).set_index("complex_id")
    # Gumi two rows, Wonju three, Seongseo five; Changwon's production of 2023, KRW mn.
    assert matched.loc[["H01", "H06", "H10"], "census_rows"].tolist() == [2, 3, 5]
    assert matched.at["H02", "production"] == 60_059_679


def test_rows_are_added_up_and_the_weakest_decides(small):
    crosswalk = table(
        ("A", "national", "인천", "부평구", "부평", "1", "matched"), ("A", "national", "인천", "서구", "주안", "1", "matched"),
        ("B", "general", "강원", "춘천시", "가", "0", "matched"), ("B", "general", "부산", "사하구", "신평·장림", "0", "matched"),
        ("C", "", "", "", "", "", "undecided"),
    )  # fmt: skip
    out = to_complexes(small, crosswalk).set_index("complex_id")
    assert out.at["A", "production"] == 5000 and out.at["A", "production_status"] == "observed" and list(out.index) == ["A", "B"]
    assert np.isnan(out.at["B", "production"]) and out.at["B", "production_status"] == "masked" and out.at["B", "tenants"] == 11


def test_a_part_and_its_whole_are_never_both_added(small):
    crosswalk = table(("A", "national", "경북", "구미시", "구미", "0", "matched"), ("B", "national", "경북", "구미시", "구미4(산업)", "2", "matched"))
    with pytest.raises(UserError, match="added twice"):
        to_complexes(small, crosswalk)


def test_what_a_person_has_to_decide(small):
    registry = pd.DataFrame({"complex_id": list("ABCDE"), "name_ko": list("가나다라마"), "role": ["spoke"] * 4 + ["non_participant"], "basis": ["printed"] * 5})
    twice = pd.concat([small, small[small["name_key"] == "라"].assign(row=99)], ignore_index=True)
    crosswalk = table(
        ("A", "general", "강원", "춘천시", "없는곳", "0", "matched"), ("B", "", "", "", "", "", "undecided"), ("C", "general", "강원", "원주시", "라", "0", "matched")
    )
    assert to_decide(twice, crosswalk, registry).set_index("complex_id")["why"].to_dict() == {
        "A": "not_in_census", "B": "undecided", "C": "ambiguous", "D": "not_in_crosswalk",
    }  # fmt: skip
    assert to_complexes(twice, crosswalk).empty


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"decision": "maybe"}, "decision must be"), ({"name_key": ""}, "needs type"),
        ({"province": "부산", "district": "사하구", "name_key": "신평·장림", "type": "general", "level": "0"}, "one complex only"),
    ],
)  # fmt: skip
def test_a_table_that_cannot_be_followed_is_refused(tmp_path, change, words):
    rows = read_crosswalk().copy()
    first = rows.index[rows["decision"] == "matched"][0]
    for column, value in change.items():
        rows.loc[first, column] = value
    rows.to_csv(tmp_path / "c.csv", index=False)
    with pytest.raises(UserError, match=words):
        read_crosswalk(tmp_path / "c.csv")
