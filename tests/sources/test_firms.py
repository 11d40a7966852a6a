"""Firm-years added up: by hand, against pandas, and what is refused."""

import numpy as np
import pandas as pd
import pytest

from evaluation.cli import aggregate
from evaluation.errors import UserError
from evaluation.paths import RAW
from evaluation.sources.firms import MEASURES, TURNOVER, aggregate_firms, firm_tables
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


def operating(*firm_years):
    """Firm-years, each with one person employed; a name ending in ! does not operate."""
    return pd.DataFrame([(firm.rstrip("!"), complex_id, year, 0, 0, 0 if firm.endswith("!") else 1) for firm, complex_id, year in firm_years], columns=["firm_id", "complex_id", "year", *MEASURES])


@pytest.mark.parametrize("kind", ["parquet", "csv"])
def test_entering_leaving_moving_and_coming_back_by_hand(tmp_path, kind):
    firms = operating(
        ("stays", "A", 2005), ("stays", "A", 2006), ("stays", "A", 2007), ("stays", "A", 2009), ("stays", "A", 2010),
        ("moves", "A", 2005), ("moves", "B", 2006), ("moves", "B", 2007),
        ("back", "A", 2005), ("back!", "A", 2006), ("back", "A", 2007),
        ("both", "A", 2006), ("both", "B", 2006),
        ("idle!", "C", 2006), ("late", "C", 2007),
        # Nobody has a row in 2008, so that nothing is known of who entered or left in 2008 or 2009; D comes up in 2010, B is gone for good.
        ("new", "D", 2010), ("late", "C", 2009),
    )  # fmt: skip
    path = tmp_path / f"firms.{kind}"
    firms.to_parquet(path) if kind == "parquet" else firms.to_csv(path, index=False)
    panel, moves = firm_tables(path)
    assert panel.to_numpy().tolist() == aggregate_firms(path).to_numpy().tolist()
    assert [" ".join(row) for row in moves.to_numpy()] == [
        "A 2006 1 2",  # both; moves and back
        "A 2007 1 1",  # back; both
        "A 2010 0 0",
        "B 2006 2 0",  # no row in 2005: no firm then
        "B 2007 0 1",
        "C 2006 0 0",
        "C 2007 1 0",
        "C 2010 0 1",  # no row any more, though others have one
        "D 2010 1 0",
    ]


@pytest.mark.parametrize("codes", [str, int])
def test_turnover_adds_up_and_pandas_agrees(tmp_path, codes):
    generator = np.random.default_rng(2)
    n = 30_000
    firms = pd.DataFrame({"firm_id": generator.integers(0, 2000, n), "complex_id": generator.integers(0, 25, n), "year": generator.integers(2001, 2009, n)}).drop_duplicates()
    firms = firms[(firms["year"] != 2004) & ~((firms["complex_id"] == 3) & (firms["year"] == 2007))].astype({"complex_id": codes})
    for name in MEASURES:
        firms[name] = generator.integers(0, 2, len(firms))
    firms.to_parquet(tmp_path / "firms.parquet")
    panel, moves = firm_tables(tmp_path / "firms.parquet")
    here = firms[(firms["production"] > 0) | (firms["employment"] > 0)].groupby(["complex_id", "year"])["firm_id"].agg(set)
    expected = []
    for complex_id in sorted(set(firms["complex_id"])):
        for year in (2002, 2003, 2006, 2007, 2008):
            now, before = (here.get((complex_id, at), set()) for at in (year, year - 1))
            expected.append([str(complex_id), str(year), str(len(now - before)), str(len(before - now))])
    assert moves.to_numpy().tolist() == expected and list(moves) == list(TURNOVER)
    number = panel.set_index(["complex_id", "year"])["operating_firms"].astype(int).to_dict()
    for complex_id, year, entering, exiting in expected:
        assert number.get((complex_id, year), 0) == number.get((complex_id, str(int(year) - 1)), 0) + int(entering) - int(exiting)
    assert ("3", "2007") not in number and ("3", "2008") in number


def test_turnover_needs_whole_years(tmp_path):
    SMALL.assign(year=SMALL["year"] + 0.5).to_parquet(tmp_path / "firms.parquet")
    with pytest.raises(UserError, match="fractions"):
        firm_tables(tmp_path / "firms.parquet")
    SMALL.assign(year="of " + SMALL["year"].astype(str)).to_parquet(tmp_path / "firms.parquet")
    with pytest.raises(UserError, match="not readable"):
        firm_tables(tmp_path / "firms.parquet")


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


def test_the_command_writes_both_tables_or_neither(tmp_path):
    firms, panel, moves = (tmp_path / name for name in ("firms.csv", "panel.csv", "firm_turnover.csv"))
    pd.concat([SMALL, SMALL.iloc[:1]]).to_csv(firms, index=False)
    with pytest.raises(UserError, match="twice"):
        aggregate(firms, panel, moves, False)
    assert [path.name for path in tmp_path.iterdir()] == ["firms.csv"]
    SMALL.to_csv(firms, index=False)
    done = iccp(ROOT, "aggregate", str(firms), "-o", str(panel), "--turnover", str(moves))
    assert done.returncode == 0 and "0 entering, 1 exiting" in done.stdout
    # f3 leaves; B, whose one firm is idle, has nobody to lose.
    assert moves.read_text(encoding="utf-8").splitlines() == [",".join(TURNOVER), "A,2011,0,1", "B,2011,0,0"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["firm_turnover.csv", "firms.csv", "panel.csv"]
    panel.unlink()
    for wrong, words in ((moves, "firm_turnover.csv is there already"), (panel, "Name two files"), (RAW / "official" / "firm_turnover.csv", "data/raw")):
        with pytest.raises(UserError, match=words):
            aggregate(firms, panel, wrong, False)
    assert not panel.exists() and not (RAW / "official" / "firm_turnover.csv").exists()
