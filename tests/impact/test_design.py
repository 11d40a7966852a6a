"""What is settled before any estimator runs: rows, cohorts, and refusals that say what to do."""

import numpy as np
import pandas as pd
import pytest

from evaluation.errors import UserError
from evaluation.impact.design import design, is_binary, not_binary


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
        (lambda f: f.assign(first=1), {}, "No rows are left .*Give a panel that begins before treatment"),
        (lambda f: f.assign(first=100 * f["first"]), {}, r"No unit is treated within the panel \(first treated after the panel's end: 3 units\)"),
        (lambda f: f[~f["id"].isin(["a", "b", "c"]) | (f["year"] != 5)], {}, r"No unit is treated within the panel \(not observed in every period: 3 units\)"),
        (lambda f: f.assign(y=1.0), {}, "same value in every row"),
        (lambda f: f.assign(y=np.nan), {}, "no value at all"),
        (lambda f: f.assign(y=f["y"].where(f.index != 3, np.inf)), {}, "infinite in 1 rows"),
        (lambda f: f.assign(area="n"), {"cluster": "area"}, "one value only"),
        (lambda f: f.assign(y=f["y"].where(f.index != 0), w=f["x"]), {"weights": "w"}, r"0 or less \(first: row 9\); weights must be above 0"),
        (lambda f: f, {"covariates": ("z",)}, "no column 'z'; there are"),
        (lambda f: f, {"control": "later"}, "use one of: never, notyet"),
        (lambda f: f, {"level": 95}, "a share between 0 and 1"),
        (lambda f: f.assign(id=f["id"].where(f.index != 2)), {}, r"1 rows have no id \(first: row 4\)"),
        (lambda f: f.assign(w=f["x"].where(f.index != 3, np.inf) + 1.0), {"weights": "w"}, r"w is infinite in 1 rows \(first: row 5"),
        (lambda f: f.assign(x=f["x"].where(f.index != 3, -np.inf)), {"covariates": ("x",)}, r"x is infinite in 1 rows \(first: row 5"),
        (lambda f: f.assign(y=f["y"] * 1e200), {}, r"y is larger than 1e\+100 in 30 rows"),
        (lambda f: f.assign(year=f["year"].map(lambda year: pd.Timestamp(2000 + year, 1, 1))), {}, "year holds dates"),
        (lambda f: f.assign(year=f["year"].map(lambda year: pd.Timestamp(2000 + year, 1, 1).date())), {}, "year holds dates"),
        (lambda f: f.assign(first=f["year"].map(lambda year: pd.Timestamp(2000 + year, 1, 1))), {}, "first holds dates"),
        (lambda f: f.assign(year=f["year"] - 3), {}, "the same number to all of year and first"),
        (lambda f: f.assign(year=f["year"] - 9, first=(f["first"] - 9).where(f["first"] > 0)), {}, "it is -6 in row 2. Number the periods from 1"),
        (lambda f: f.assign(year=f["year"].where(f.index != 3)), {}, "whole number in every row, such as a year; it is empty in row 5"),
        (lambda f: f.assign(year=f["year"].where(f.index != 3, 4.5)), {}, "it is 4.5 in row 5"),
        (lambda f: f.assign(year=f["year"].astype(float).where(f.index != 3, 1e300)), {}, r"it is 1e\+300 in row 5"),
        (lambda f: f.assign(year=20_000_000 + 10_000 * f["year"]), {}, "from 20010000 to 20050000 in 5 periods.*number the periods consecutively"),
        (lambda f: f.assign(year=2000 + f["year"].where(f.index != 3, 18_055)), {}, "the widest gap is from 2005 to 20055. Mend what is mistyped"),
        (lambda f: f.assign(year=f["year"] + 10 * (f["id"] == "d")), {}, "No unit is observed in all 10 periods; year 11 has 1 of 6 units"),
        (lambda f: f.assign(x=np.nan), {"covariates": ("x",)}, r"\(x missing: 6 units\). Fill in what is missing, or leave that column out"),
        (lambda f: f, {"covariates": ("x", "x")}, "The covariate x is given 2 times"),
        (lambda f: f, {"covariates": ("y",)}, "y is given as outcome and as covariate"),
        (lambda f: f, {"weights": "y"}, "y is given as outcome and as weights"),
        (lambda f: f, {"cluster": "year"}, "year is given as period and as clusters"),
        (lambda f: f.set_axis(["id", "year", "first", "y", "y", "area"], axis=1), {}, "2 columns 'y'"),
        (lambda f: f.assign(y=f["y"].round(2).astype(str).str.replace(".", ",")), {}, "not a number. Write numbers with a decimal point"),
        (lambda f: f.assign(year=f["year"].astype(str) + "년"), {}, "not a number. Write the number only: 1"),
        (lambda f: f.assign(x=f["x"].astype(object).where(f.index != 3, "X")), {"covariates": ("x",)}, "'X' in row 5, not a number. Leave the cell empty"),
        (lambda f: f.assign(y=f["y"].where(f.index != 0), w=f["x"].astype(object).where(f.index != 3, "X")), {"weights": "w"}, "w is 'X' in row 5"),
    ],
)
def test_what_is_wrong_is_said_with_how_to_mend_it(frame, change, more, words):
    with pytest.raises(UserError, match=words):
        of(change(frame), **more)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda f, t: (f.assign(year=f["year"] - 5), t), "t is above 0 at year -2, but periods at which treatment starts must be above 0"),
        (lambda f, t: (f, t.where(f.index != 3, 2)), "every row; see row 5"),
        (lambda f, t: (f.assign(y=t), t), None),
    ],
)
def test_what_is_wrong_with_a_treatment_column_is_said(frame, change, words):
    changed, treated = change(frame, ((frame["first"] > 0) & (frame["year"] >= frame["first"])).astype(int))
    given = changed.assign(t=treated)
    with pytest.raises(UserError, match=words or "t is given as outcome and as treatment"):
        design(given, "id", "year", "y" if words else "t", treatment="t")


def test_one_column_may_say_several_things_that_do_not_shut_each_other_out(frame):
    plan = of(frame.assign(w=frame["x"] + 1), weights="w", covariates=("w",), cluster="first")
    assert plan.cluster == "cluster" and {"weight", "x_w"} <= set(plan.data)
    assert of(frame.assign(s=1), strata="area", cluster="area", size="s", covariates=("s",)).data["stratum"].nunique() == 2


@pytest.mark.parametrize("size", [1e-300, 3.0, 1e300])
def test_only_ratios_of_weights_matter(frame, size):
    plain = of(frame.assign(w=1.0), weights="w").data["weight"]
    assert (plain == 1).all() and of(frame.assign(w=size), weights="w").data["weight"].to_numpy() == pytest.approx(plain.to_numpy(), rel=1e-15)
    uneven = of(frame.assign(w=(frame["x"] + 1) * size), weights="w").data["weight"]
    assert uneven.mean() == pytest.approx(1) and (uneven / uneven.iloc[0]).to_numpy() == pytest.approx((frame["x"] + 1).to_numpy())


def said(plan):
    assert all(english and korean for english, korean in plan.warnings)
    return " / ".join(english for english, _ in plan.warnings)


def test_a_cohort_after_the_panel_is_never_treated_and_told(frame):
    plan = of(frame.assign(first=frame["first"].replace(4, 20060)))
    assert plan.cohorts == {3: 2} and plan.n_never == 4 and "1 units first treated after the panel's end (20060) count as never treated" in said(plan)
    # No period is that large: it stands for never, as infinity does, and does not wrap around.
    huge = of(frame.assign(first=frame["first"].astype(float).replace(0, 1e300)))
    assert huge.cohorts == {3: 2, 4: 1} and huge.n_never == 3 and "after the panel's end" not in said(huge)


def test_a_period_0_and_blanks_for_never_go_together(frame):
    plan = of(frame.assign(year=frame["year"] - 2, first=(frame["first"] - 2).where(frame["first"] > 0)))
    assert plan.cohorts == {1: 2, 2: 1} and plan.n_never == 3
    # From period 0 on, 0 alone may stand for never, and that is told; beside blanks it is a period.
    from_0 = frame.assign(year=frame["year"] - 1, first=frame["first"].where(frame["first"] == 0, frame["first"] - 1))
    assert of(from_0).n_never == 3 and "0 in first is taken as never treated" in said(of(from_0)) and "taken as never" not in said(plan) + said(of(frame))
    with pytest.raises(UserError, match="year has a period 0 too. Leave first blank"):
        of(from_0.assign(first=from_0["first"].where(from_0["id"] != "d")))


def test_periods_that_do_not_follow_each_other_are_told(frame):
    assert "spaced" not in said(of(frame)) and "apart" not in said(of(frame))
    assert "4 periods are unevenly spaced (1 → 3)" in said(of(frame[frame["year"] != 2]))
    assert "Periods are 2 apart" in said(of(frame.assign(year=2 * frame["year"], first=2 * frame["first"])))
    gone = said(of(frame.assign(y=frame["y"].where(frame["year"] != 2))))
    assert "No unit has y in 2: left out" in gone and "unevenly spaced (1 → 3)" in gone
    assert "No unit has x in 2: left out" in said(of(frame.assign(x=frame["x"].where(frame["year"] != 2)), covariates=("x",)))
    assert "No unit has" not in said(of(frame.assign(y=frame["y"].where(frame.index != 7)), panel="keep"))


def test_too_few_to_compare_with_or_to_cluster_by_is_told(frame):
    assert "There are only 6 clusters" in said(of(frame)) and "never treated" not in said(of(frame))
    assert "There are only 2 clusters" in said(of(frame, cluster="area"))
    assert "One unit alone is never treated" in said(of(frame[~frame["id"].isin(["d", "e"])]))
    many = pd.concat([frame.assign(id=frame["id"] + str(n)) for n in range(10)])
    assert said(of(many)) == ""
    assert "Fewer than 10 units were first treated in" in said(of(frame))


def test_a_missing_row_before_treatment_is_told(frame):
    treated = frame.assign(t=((frame["first"] > 0) & (frame["year"] >= frame["first"])).astype(int))
    gap = treated[~((treated["id"] == "a") & (treated["year"] == 3))]
    told = said(design(gap, "id", "year", "y", treatment="t", panel="complete"))
    assert "just before t is first above 0: 1 (first: a)" in told
    assert "just before" not in said(design(treated, "id", "year", "y", treatment="t"))
    # Left out for its gap, or gaps elsewhere: no doubt about its cohort.
    assert "just before" not in said(design(gap, "id", "year", "y", treatment="t"))
    elsewhere = treated[~((treated["id"] == "a") & treated["year"].isin([1, 5])) & ~((treated["id"] == "d") & (treated["year"] == 2))]
    assert "just before" not in said(design(elsewhere, "id", "year", "y", treatment="t", panel="complete"))


def test_where_treatment_ends_is_named(frame):
    treated = ((frame["first"] > 0) & (frame["year"] >= frame["first"])).astype(int)
    off = design(frame.assign(t=treated.where(~((frame["id"] == "a") & (frame["year"] == 5)), 0)), "id", "year", "y", treatment="t")
    assert not_binary(off)[0] == "a has 0 in 5"
