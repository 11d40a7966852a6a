"""Firm-years added up: by hand, against pandas, and what is refused."""

import numpy as np
import pandas as pd
import pytest

from evaluation.errors import UserError
from evaluation.paths import RAW
from evaluation.sources.firms import MEASURES, aggregate_firms
from tests.conftest import ROOT, iccp

SMALL = pd.DataFrame(
    [("f1", "A", 2010, 10, 1, 5), ("f2", "A", 2010, 20, 2, 5), ("f3", "A", 2010, 30, 0, 5), ("f4", "A", 2010, 0, 0, 0),
     ("f1", "A", 2011, 11, 1, 5), ("f2", "A", 2011, 22, 2, 5), ("f5", "B", 2010, 0, 0, 0)],
    columns=["firm_id", "complex_id", "year", *MEASURES],
)  # fmt: skip


@pytest.mark.parametrize("kind", ["parquet", "csv"])
def test_sums_masks_and_idle_complexes(tmp_path, kind):
    path = tmp_path / f"firms.{kind}"
    SMALL.to_parquet(path) if kind == "parquet" else SMALL.to_csv(path, index=False)
    assert aggregate_firms(path).to_numpy().tolist() == [
        ["A", "2010", "60", "3", "15", "3"], ["A", "2011", "X", "X", "X", "2"], ["B", "2010", "", "", "", "0"],
    ]  # fmt: skip


def test_a_folder_of_parts_and_pandas_agree(tmp_path):
    generator = np.random.default_rng(1)
    n = 20_000
    firms = pd.DataFrame({"firm_id": [f"f{i}" for i in range(n)], "complex_id": generator.integers(0, 40, n).astype(str), "year": generator.integers(2001, 2011, n)})
    for name in MEASURES:
        firms[name] = generator.integers(0, 1000, n)
    for part in range(4):
        firms.iloc[part::4].to_parquet(tmp_path / f"{part}.parquet")
    out = aggregate_firms(tmp_path)
    by_pandas = firms.groupby(["complex_id", "year"])[list(MEASURES)].sum().astype(str).reset_index()
    assert out[list(MEASURES)].to_numpy().tolist() == by_pandas[list(MEASURES)].to_numpy().tolist()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda f: f.drop(columns="exports"), "no column exports"), (lambda f: pd.concat([f, f.iloc[:1]]), "twice"),
        (lambda f: f.assign(production=-1), "below 0"), (lambda f: f.assign(exports=np.inf), "not finite"),
        (lambda f: f.assign(complex_id=None), "empty cells"), (lambda f: f.assign(employment="many"), "holds text"), (lambda f: f.iloc[:0], "no rows|holds text"),
    ],
)  # fmt: skip
def test_what_is_refused(tmp_path, change, words):
    path = tmp_path / "firms.parquet"
    change(SMALL).to_parquet(path)
    with pytest.raises(UserError, match=words):
        aggregate_firms(path)


def test_files_that_are_none(tmp_path):
    for name, content in (("a.parquet", b"PAR1 cut"), ("b.csv", b""), ("c.txt", b"x")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(UserError):
            aggregate_firms(tmp_path / name)
    with pytest.raises(UserError):
        aggregate_firms(tmp_path / "nowhere.csv")


def test_the_command_writes_a_panel_and_never_into_raw(tmp_path):
    SMALL.to_csv(tmp_path / "firms.csv", index=False)
    place = tmp_path / "panel.csv"
    assert iccp(ROOT, "aggregate", str(tmp_path / "firms.csv"), "-o", str(place)).returncode == 0
    assert place.read_text(encoding="utf-8").splitlines()[:2] == ["complex_id,year,production,exports,employment,operating_firms", "A,2010,60,3,15,3"]
    again = iccp(ROOT, "aggregate", str(tmp_path / "firms.csv"), "-o", str(place))
    assert again.returncode == 1 and "--force" in again.stderr
    raw = iccp(ROOT, "aggregate", str(tmp_path / "firms.csv"), "-o", str(RAW / "panel.csv"))
    assert raw.returncode == 1 and "data/raw" in raw.stderr and not (RAW / "panel.csv").exists()
