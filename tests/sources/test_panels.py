"""Panels as they come from other programs: what can be read is read as it stands, the rest is refused with the reason."""

import pytest

from evaluation.errors import UserError
from evaluation.sources.panels import read_panel


def written(folder, text, name="panel.csv"):
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_unit_may_be_called_na_and_keeps_its_zeros(tmp_path):
    table = read_panel(written(tmp_path, "id,year,y,place\nNA,1,NA,NA\n007,1,,x\nnull,1,null,x\n,1,2.5,x\n"), ("id",))
    assert table["id"].tolist()[:3] == ["NA", "007", "null"] and table["id"].isna().tolist() == [False, False, False, True]
    assert table["y"].isna().tolist() == [True, True, True, False] and table["place"].isna().tolist() == [True, False, False, False]
    assert table["year"].dtype.kind == "i"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("id,year,y,y\na,1,2,3\n", "column y stands more than once"),
        ('id;"y";y\na;1;2\n', "column y stands more than once"),
        ("id,year,y\na,1,2,\na,2,3,\n", "has 3 column names, but 4 values in its rows"),
        ("id,year,y\na,1,5,44\na,2,5,45\n", "has 3 column names, but 4 values in its rows"),
        ("id,year\na,1,5,44\na,2,5,45\n", "has 2 column names, but 4 values in its rows"),
        ("id,year,y\n", "has no rows"),
        ("", "cannot be read"),
    ],
)
def test_columns_that_would_be_mistaken_are_refused(tmp_path, text, words):
    with pytest.raises(UserError, match=words):
        read_panel(written(tmp_path, text), ("id",))


def test_a_column_of_row_names_and_a_separator_after_every_line_are_read(tmp_path):
    assert read_panel(written(tmp_path, ",id,y\n1,a,2\n2,b,3\n"))["y"].tolist() == [2, 3]
    assert read_panel(written(tmp_path, "id,y,\na,2,\nb,3,\n"))["y"].tolist() == [2, 3]


def test_a_folder_is_no_file_that_is_missing(tmp_path):
    with pytest.raises(UserError, match="is a folder"):
        read_panel(tmp_path)
    with pytest.raises(UserError, match="is not there"):
        read_panel(tmp_path / "panel.csv")
