"""`iccp impact` on a file, as a user calls it: one JSON value on standard output, refusals without a number."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from evaluation import cli
from evaluation.impact import inference
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
        (("--aggregate", "median"), "no aggregate"), (("--cluster", "nowhere"), "no column 'nowhere'"), (("--covariates", "lpop", "--estimator", "bjs"), "lpop"),
        (("--covariates", "countyreal", "--estimator", "twfe"), "countyreal is given as unit and as covariate"),
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


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """Twelve units, five periods, four units treated in 3; the outcome is constant within each unit."""
    rows = [(unit, time, 3 if unit < 4 else 0, float(unit)) for unit in range(12) for time in range(1, 6)]
    path = tmp_path_factory.mktemp("small") / "small.csv"
    pd.DataFrame(rows, columns=["id", "year", "first", "y"]).to_csv(path, index=False)
    return path


SMALL = ("--unit", "id", "--time", "year", "--cohort", "first", "--outcome", "y")


def ended(monkeypatch, capsys, words, lang="ko"):
    """Exit code, standard output and error of the command, run within this process."""
    monkeypatch.setenv("ICCP_LANG", lang)
    monkeypatch.setattr("sys.argv", ["iccp", "impact", *map(str, words)])
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    return stopped.value.code, *capsys.readouterr()


def test_json_has_null_where_there_is_no_number(small, monkeypatch, capsys):
    as_it_is = inference.infer

    def without_errors(*given):
        found = as_it_is(*given)
        vcov = np.eye(len(found.vcov))
        vcov[0] = np.nan, *[np.inf] * (len(vcov) - 1)
        return replace(found, vcov=vcov, event=found.event.assign(se=np.nan))

    def refuse(word):
        raise AssertionError(f"{word} is no JSON")

    monkeypatch.setattr(inference, "infer", without_errors)
    code, out, err = ended(monkeypatch, capsys, ("event-study", small, *SMALL, "--estimator", "twfe", "--json"), "en")
    assert code == 0, err
    found = json.loads(out, parse_constant=refuse)
    assert set(found["se"]) == {None} and set(found["vcov"][0]) == {None} and None not in found["vcov"][1]


def test_what_commands_say_without_loading_the_engine_is_what_it_has():
    """Names and defaults stand twice, since a start loads nothing heavy: they are held together here."""
    from evaluation.commands import impact
    from evaluation.impact import design, specification
    from evaluation.impact.inference import KNOWN, RECOMMENDED, Options, simulate

    assert specification.INFERENCES == (RECOMMENDED, *KNOWN)
    assert set(specification.METHODS) == set(design.METHODS)
    assert (impact.DRAWS, impact.SEED) == (Options().draws, Options().seed)
    assert (impact.SAMPLES, impact.WITHIN) == (simulate.SAMPLES, simulate.DRAWS)


def test_dumps_writes_json_only():
    from evaluation.commands.output import dumps

    given = {"a": [np.float64("nan"), float("inf"), 1.5, True, None, "단지"], "b": np.array([[1.0, -np.inf]]), "c": (np.int64(3), {"d": float("-inf")})}
    assert dumps(given) == '{"a": [null, null, 1.5, true, null, "단지"], "b": [[1.0, null]], "c": [3, {"d": null}]}'


@pytest.mark.parametrize("given", ["", ",", "cs,foo"])
def test_estimators_to_compare_are_known_before_any_runs(county, monkeypatch, capsys, given):
    code, out, err = ended(monkeypatch, capsys, ("compare", county, *NAMES, "--estimators", given, "--json"), "en")
    assert code == 1 and out == "" and f"--estimators is {given!r}; give one or more of: twfe" in err


def test_a_fault_in_one_estimator_takes_nothing_from_the_others(county, monkeypatch, capsys):
    from evaluation.commands import impact
    from evaluation.impact import estimators

    as_it_is = estimators.estimate

    def broken(plan, name, aggregate="simple"):
        if name == "sa":
            raise IndexError("beyond the end")
        return as_it_is(plan, name, aggregate)

    monkeypatch.setenv("ICCP_LANG", "en")
    monkeypatch.setattr(inference, "estimate", broken)
    with pytest.raises(IndexError, match="beyond the end"):
        impact.compare(county, "countyreal", "year", "lemp", cohort="first.treat", estimators="twfe,sa,bjs", as_json=True)
    out, err = capsys.readouterr()
    assert [one["estimator"] for one in json.loads(out)] == ["twfe", "bjs"] and "sa: refused, internal error (IndexError: beyond the end)" in err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--level", "95"), "--level 값을 쓸 수 없습니다. 0.999 이하여야 합니다."), (("--anticipation", "-1"), "--anticipation 값을 쓸 수 없습니다. 0 이상이어야 합니다."),
        (("--draws", "many"), "--draws 값을 쓸 수 없습니다. 정수여야 합니다."), (("--level", "many"), "--level 값을 쓸 수 없습니다. 숫자여야 합니다."),
        (("--fater", "1"), "--fater 옵션이 없습니다. 비슷한 옵션: --after"), (("--before",), "--before 옵션에는 값이 필요합니다."), (("more",), "필요 없는 인수가 있습니다: more."),
    ],
)  # fmt: skip
def test_a_wrong_option_is_refused_in_korean(small, monkeypatch, capsys, words, told):
    code, out, err = ended(monkeypatch, capsys, ("estimate", small, *SMALL, *words))
    assert code == 2 and out == "" and told in err and "Invalid" not in err
    code, out, err = ended(monkeypatch, capsys, ("estimate", small, *SMALL, *words), "en")
    assert code == 2 and out == "" and words[0] in err and not any("가" <= letter <= "힣" for letter in err)


def test_a_command_or_argument_that_is_wanting_is_said_in_korean(small, monkeypatch, capsys):
    code, _, err = ended(monkeypatch, capsys, ("estimate", small, *SMALL[2:]))
    assert code == 2 and "--unit을(를) 지정하십시오." in err
    code, _, err = ended(monkeypatch, capsys, ("decompse",))
    assert code == 2 and "'decompse' 명령이 없습니다. 비슷한 것: 'decompose'" in err
    # Without a command: the help, as before.
    code, out, err = ended(monkeypatch, capsys, ())
    assert code == 2 and "decompose" in out + err


def test_warnings_about_standard_errors_are_no_part_of_a_decomposition(small, tmp_path, monkeypatch, capsys):
    frame = pd.read_csv(small)
    frame.assign(y=frame["y"] + np.sin(np.arange(len(frame)))).to_csv(tmp_path / "p.csv", index=False)
    code, out, _ = ended(monkeypatch, capsys, ("decompose", tmp_path / "p.csv", *SMALL, "--json"), "en")
    assert code == 0 and json.loads(out)["warnings"] == []
    code, out, _ = ended(monkeypatch, capsys, ("estimate", tmp_path / "p.csv", *SMALL, "--estimator", "twfe", "--json"), "en")
    assert code == 0 and any("only 12 clusters" in told for told in json.loads(out)["warnings"])
