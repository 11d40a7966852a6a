"""What is settled before any estimator runs: rows, cohorts, and refusals that say what to do."""

import numpy as np
import pandas as pd
import pytest

from evaluation.errors import UserError
from evaluation.impact.design import design, is_binary


@pytest.fixture
def frame():
    """Six units, five periods; two treated in 3, one in 4, three never."""
    cohorts = {"a": 3, "b": 3, "c": 4, "d": 0, "e": 0, "f": 0}
    rows = [(unit, time, cohort) for unit, cohort in cohorts.items() for time in range(1, 6)]
    data = pd.DataFrame(rows, columns=["id", "year", "first"])
    return data.assign(y=np.random.default_rng(1).normal(size=len(data)), x=np.arange(len(data)) % 7, area=data["id"].map(dict.fromkeys("ab", "n") | dict.fromkeys("cdef", "s")))


def of(frame, **more):
    return design(frame, "id", "year", "y", "first", **more)


def test_the_design_of_a_plain_panel(frame):
    plan = of(frame)
    assert plan.cohorts == {3: 2, 4: 1} and plan.n_never == 3 and plan.balanced
    assert plan.data.loc[plan.data["unit"] == 0, "treated"].tolist() == [0, 0, 1, 1, 1]
    assert plan.data.loc[plan.data["unit"] == 2, "event_time"].tolist() == [-3, -2, -1, 0, 1]
    assert list(plan.names) == list("abcdef") and plan.left_out.empty
    assert any("One unit alone was first treated in 4" in told for told, _ in plan.warnings)


@pytest.mark.parametrize("never", [0, np.nan, np.inf, "", 99])
def test_never_treated_may_be_written_in_five_ways(frame, never):
    frame["first"] = frame["first"].astype(object).where(frame["first"] > 0, never)
    assert of(frame).n_never == 3 and of(frame).cohorts == {3: 2, 4: 1}


def test_a_treatment_column_in_place_of_the_cohort(frame):
    treated = ((frame["first"] > 0) & (frame["year"] >= frame["first"])).astype(int)
    plan = design(frame.assign(t=treated), "id", "year", "y", treatment="t")
    pd.testing.assert_frame_equal(plan.data.drop(columns="dose"), of(frame).data)
    assert is_binary(plan)
    assert not is_binary(design(frame.assign(t=treated / 2), "id", "year", "y", treatment="t"))
    off = treated.where(~((frame["id"] == "a") & (frame["year"] == 5)), 0)
    assert not is_binary(design(frame.assign(t=off), "id", "year", "y", treatment="t"))


def test_gaps_go_or_stay_and_are_told(frame):
    gap = frame.drop(index=frame.index[7])
    plan = of(gap)
    assert plan.left_out[["reason", "units", "rows"]].to_numpy().tolist() == [["not observed in every period", 1, 4]]
    assert len(of(gap, panel="keep").data) == 29 and not of(gap, panel="keep").balanced
    blank = frame.assign(y=frame["y"].where(frame.index != 7))
    assert of(blank, panel="keep").left_out["reason"].tolist() == ["outcome missing"]


def test_units_treated_from_the_first_period_on_are_left_out(frame):
    plan = of(frame.assign(first=frame["first"].where(frame["id"] != "a", 1)))
    assert plan.cohorts == {3: 1, 4: 1} and plan.left_out["reason"].tolist() == ["treated from the first period on"]


@pytest.mark.parametrize(
    ("change", "more", "words"),
    [
        (lambda f: pd.concat([f, f.iloc[[3]]]), {}, "a stands 2 times in year 4"),
        (lambda f: f.assign(first=f["first"].where(f.index != 3, 5)), {}, "first changes within id a \\(3, 5\\)"),
        (lambda f: f.assign(year=f["year"].astype(str) + "y"), {}, "year is '1y' in row 2, not a number"),
        (lambda f: f.assign(year=f["year"] + 0.5), {}, "whole number"),
        (lambda f: f.assign(first=f["first"].replace(0, 4)), {}, "--control notyet"),
        (lambda f: f.assign(first=3), {"control": "notyet"}, "nobody to compare with"),
        (lambda f: f.assign(first=0), {}, "No unit is treated"),
        (lambda f: f.assign(first=1), {}, "No rows are left"),
        (lambda f: f.assign(y=1.0), {}, "same value in every row"),
        (lambda f: f.assign(y=np.nan), {}, "no value at all"),
        (lambda f: f.assign(y=f["y"].where(f.index != 3, np.inf)), {}, "infinite in 1 rows"),
        (lambda f: f.assign(area="n"), {"cluster": "area"}, "one value only"),
        (lambda f: f.assign(w=0), {"weights": "w"}, "above 0"),
        (lambda f: f, {"covariates": ("z",)}, "no column 'z'; there are"),
        (lambda f: f, {"control": "later"}, "use one of: never, notyet"),
        (lambda f: f, {"level": 95}, "a share between 0 and 1"),
        (lambda f: f.assign(id=f["id"].where(f.index != 2)), {}, "1 rows have no id"),
    ],
)
def test_what_is_wrong_is_said_with_how_to_mend_it(frame, change, more, words):
    with pytest.raises(UserError, match=words):
        of(change(frame), **more)
