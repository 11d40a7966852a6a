"""`iccp impact` on a file, as a user calls it: one JSON value on standard output, refusals without a number."""

import json

import numpy as np
import pandas as pd
import pytest

from tests.conftest import ROOT, iccp

NAMES = ("--unit", "countyreal", "--time", "year", "--cohort", "first.treat", "--outcome", "lemp")


@pytest.fixture(scope="module")
def county(tmp_path_factory):
    from moderndid import load_mpdta

    path = tmp_path_factory.mktemp("panel") / "county.csv"
    load_mpdta().to_pandas().to_csv(path, index=False)
    return path


def answer(*words):
    run = iccp(ROOT, "impact", *map(str, words), "--json")
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


def test_estimate(county):
    found = answer("estimate", county, *NAMES)
    assert (found["estimate"], found["se"]) == pytest.approx((-0.0399512752, 0.0120340128), abs=5e-11)
    assert {"estimate", "se", "ci", "p", "estimator", "inference", "n_obs", "n_units", "n_treated_units", "warnings"} <= set(found)
    assert found["ci"][0] < found["estimate"] < found["ci"][1] and (found["n_obs"], found["n_units"], found["n_treated_units"]) == (2500, 500, 191)


@pytest.mark.parametrize("aggregate", ["group", "calendar"])
def test_other_averages(county, aggregate):
    printed = {"group": (-0.0310182822, 0.0124460593), "calendar": (-0.0417004, 0.0159719)}[aggregate]
    found = answer("estimate", county, *NAMES, "--aggregate", aggregate)
    assert (found["estimate"], found["se"]) == pytest.approx(printed, abs=5e-8) and len(found["groups"]) > 2


def test_event_study(county):
    found = answer("event-study", county, *NAMES, "--before", "3")
    assert found["event_time"] == [-3, -2, 0, 1, 2, 3]
    assert np.round(found["estimate"][2:], 4).tolist() == [-0.0199, -0.0510, -0.1373, -0.1008]
    assert np.sqrt(np.diag(found["vcov"])) == pytest.approx(found["se"])


def test_decompose_and_compare(county):
    found = answer("decompose", county, *NAMES)
    assert found["twfe"] == pytest.approx(-0.0365489, abs=5e-8)
    assert sum(part["weight"] for part in found["parts"]) == pytest.approx(1)
    assert sum(part["weight"] * part["estimate"] for part in found["parts"]) == pytest.approx(found["twfe"], abs=1e-10)
    several = answer("compare", county, *NAMES, "--estimators", "twfe,cs,bjs")
    assert [one["estimator"] for one in several] == ["twfe", "cs", "bjs"] and several[0]["se"] == pytest.approx(0.0132652, abs=5e-8)


def test_parquet_and_stata_say_the_same(county, tmp_path):
    frame = pd.read_csv(county)
    frame.to_parquet(tmp_path / "p.parquet")
    frame.rename(columns={"first.treat": "first"}).to_stata(tmp_path / "p.dta", write_index=False)
    frame.to_csv(tmp_path / "p.txt", index=False, sep=";")
    known = answer("estimate", county, *NAMES, "--estimator", "twfe")["estimate"]
    assert answer("estimate", tmp_path / "p.parquet", *NAMES, "--estimator", "twfe")["estimate"] == pytest.approx(known, rel=1e-12)
    assert answer("estimate", tmp_path / "p.txt", *NAMES, "--estimator", "twfe")["estimate"] == pytest.approx(known, rel=1e-12)
    renamed = [*NAMES[:5], "first", *NAMES[6:]]
    assert answer("estimate", tmp_path / "p.dta", *renamed, "--estimator", "twfe")["estimate"] == pytest.approx(known, rel=1e-12)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--estimator", "magic"), "use one of: twfe"), (("--control", "other"), "never, notyet"), (("--estimator", "sdid", "--covariates", "lpop"), "never changes within a unit"),
        (("--aggregate", "median"), "no aggregate"), (("--cluster", "nowhere"), "no column 'nowhere'"), (("--covariates", "countyreal", "--estimator", "twfe"), "collinear"),
    ],
)  # fmt: skip
def test_refusals_print_no_number(county, words, told):
    run = iccp(ROOT, "impact", "estimate", str(county), *NAMES, *words, "--json")
    assert run.returncode != 0 and run.stdout == "" and told in run.stderr and "Traceback" not in run.stderr


def test_what_cannot_serve_is_left_out_of_a_comparison_with_the_reason(county):
    run = iccp(ROOT, "impact", "compare", str(county), *NAMES, "--covariates", "lpop", "--estimators", "cs,bjs,sdid", "--json")
    assert run.returncode == 0 and [one["estimator"] for one in json.loads(run.stdout)] == ["cs"]
    assert "sdid: " in run.stderr and "bjs: " in run.stderr


def test_a_person_reads_it_without_json(county):
    run = iccp(ROOT, "impact", "estimate", str(county), *NAMES, "--estimator", "sa")
    assert run.returncode == 0 and "95 % interval" in run.stdout and "2,500 rows, 500 units, 191 of them treated" in run.stdout
