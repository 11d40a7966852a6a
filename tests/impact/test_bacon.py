"""Goodman-Bacon's decomposition, against 2x2 regressions by brute force, diff-diff and print.

Tolerances: sums of means, so 1e-10 throughout; TWFE on mpdta is printed with seven digits (fixest and reghdfe).
"""

import numpy as np
import pandas as pd
import pytest

from evaluation.errors import UserError
from evaluation.impact.bacon import (
    EARLIER,
    LATER,
    TYPES,
    VS_ALWAYS,
    VS_NEVER,
    by_type,
    decompose,
    prepare,
)
from evaluation.impact.design import design
from evaluation.impact.estimators import estimate


def panel(seed=0, units=40, cohorts=(0, 0, 2003, 2005, 2007, 1999), years=range(2000, 2009)):
    rng = np.random.default_rng(seed)
    frame = pd.MultiIndex.from_product([[f"u{unit:02}" for unit in range(units)], years], names=["id", "year"]).to_frame(index=False)
    frame["first"] = np.repeat(rng.permutation(np.resize(cohorts, units)), len(years))
    frame["on"] = ((frame["first"] > 0) & (frame["year"] >= frame["first"])).astype(int)
    frame["w"] = np.repeat(rng.uniform(0.5, 2, units), len(years))
    frame["y"] = np.repeat(rng.normal(size=units), len(years)) + frame["on"] * (frame["year"] - frame["first"]) * 0.1 + rng.normal(size=len(frame))
    return frame


def of(frame, **more):
    return prepare(frame, "id", "year", "y", **({} if "treatment" in more else {"cohort": "first"}), **more)[0]


def regression(rows):
    """Coefficient of treatment with every dummy written out, and the (weighted) sum of squares of what they leave of treatment."""
    root = np.sqrt(rows["w"].to_numpy())
    dummies = pd.get_dummies(rows[["id", "year"]].astype(str)).to_numpy(float) * root[:, None]
    on = rows["on"].to_numpy() * root
    left = on - dummies @ np.linalg.lstsq(dummies, on, rcond=None)[0]
    return left @ (rows["y"].to_numpy() * root) / (left @ on), left @ on


@pytest.mark.parametrize("weights", [None, "w"])
def test_every_2x2_by_brute_force(weights):
    """Each part is the regression on its two cohorts and its periods, weighted by (share of weight) x (variance of treatment left)."""
    frame = panel(1).assign(w=lambda rows: rows["w"] if weights else 1.0)
    twfe, parts = decompose(of(frame, weights=weights))
    whole, variance = regression(frame)
    assert twfe == pytest.approx(whole, abs=1e-10)
    assert parts["weight"].sum() == pytest.approx(1, abs=1e-12) and (parts["weight"] > 0).all()
    assert (parts["weight"] * parts["estimate"]).sum() == pytest.approx(twfe, abs=1e-10)
    # 3 against never, 3 against always, 3 pairs both ways.
    assert parts["type"].value_counts().to_dict() == {VS_NEVER: 3, VS_ALWAYS: 3, EARLIER: 3, LATER: 3}
    named = frame["first"].replace(1999, 2000)
    for part in parts.itertuples():
        rows = frame[named.isin([part.treated, part.control])]
        if part.type == EARLIER:
            rows = rows[rows["year"] < part.control]
        if part.type == LATER:
            rows = rows[rows["year"] >= part.control]
        value, left = regression(rows)
        assert part.estimate == pytest.approx(value, abs=1e-10)
        # Theorem 1: (rows' share of all)^2 x variance of treatment among them / that of all, where a variance is a sum over a share.
        assert part.weight == pytest.approx(rows["w"].sum() / frame["w"].sum() * left / variance, abs=1e-10)


def test_the_same_as_diff_diff_without_units_always_treated():
    from diff_diff import BaconDecomposition

    frame = panel(3, cohorts=(0, 0, 2003, 2005, 2007))
    theirs = BaconDecomposition(weights="exact").fit(frame, "y", "id", "year", "first")
    twfe, parts = decompose(of(frame))
    assert twfe == pytest.approx(theirs.twfe_estimate, abs=1e-9) and len(parts) == len(theirs.comparisons)
    ours = parts.set_index(["type", "treated", "control"])
    for part in theirs.comparisons:
        control = 0 if part.comparison_type == VS_NEVER else part.control_group
        row = ours.loc[(part.comparison_type, part.treated_group, control)]
        assert (row["weight"], row["estimate"]) == pytest.approx((part.weight, part.estimate), abs=1e-9)


def test_diff_diff_takes_always_treated_for_never_treated_and_the_sum_of_both_is_the_same():
    """Why it is not used: its parts against "never" mix both kinds of control."""
    import warnings

    from diff_diff import BaconDecomposition

    frame = panel(5)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = BaconDecomposition(weights="exact").fit(frame, "y", "id", "year", "first")
    parts = by_type(decompose(of(frame))[1]).set_index("type")["weight"]
    assert theirs.total_weight_treated_vs_never == pytest.approx(parts[VS_NEVER] + parts[VS_ALWAYS], abs=1e-9)


def test_the_coefficient_is_the_estimators_and_print():
    from moderndid import load_mpdta

    plan = design(load_mpdta().to_pandas(), "countyreal", "year", "lemp", "first.treat")
    twfe, parts = decompose(plan)
    assert twfe == pytest.approx(-0.0365489, abs=5e-8) and twfe == pytest.approx(estimate(plan, "twfe").estimate, abs=1e-12)
    assert (parts["weight"] * parts["estimate"]).sum() == pytest.approx(twfe, abs=1e-12)
    assert set(parts["control"]) == {0, 2004, 2006, 2007} and set(parts["type"]) == {VS_NEVER, EARLIER, LATER}


def test_two_groups_are_one_comparison_by_hand():
    frame = pd.DataFrame({"id": list("aabb"), "year": [1, 2] * 2, "first": [2, 2, 0, 0], "y": [1.0, 4.0, 2.0, 3.0]})
    twfe, parts = decompose(of(frame))
    assert twfe == pytest.approx((4 - 1) - (3 - 2))
    assert parts.to_dict("records") == [{"type": VS_NEVER, "treated": 2, "control": 0, "weight": pytest.approx(1.0), "estimate": pytest.approx(2.0)}]


def test_effects_that_grow_show_in_comparisons_with_units_treated_earlier():
    """No noise, effects of 1 a year more: against never the mean effect, against earlier treated less than nothing."""
    frame = panel(7, cohorts=(0, 2003, 2006))
    frame["y"] = frame["on"] * (frame["year"] - frame["first"] + 1.0)
    _, parts = decompose(of(frame))
    values = parts.set_index(["type", "treated"])["estimate"]
    # Years 2003 to 2008: effects 1 to 6; years 2006 to 2008: 1 to 3.
    assert values[VS_NEVER, 2003] == pytest.approx(3.5) and values[VS_NEVER, 2006] == pytest.approx(2)
    assert values[EARLIER, 2003] == pytest.approx(2)
    # The later cohort gains 2 on average, its control, treated already, 3.
    assert values[LATER, 2006] == pytest.approx(2 - 3)


def test_parts_by_type():
    _, parts = decompose(of(panel(9)))
    told = by_type(parts)
    assert told["type"].tolist() == list(TYPES) and told["weight"].sum() == pytest.approx(1)
    chosen = parts[parts["type"] == LATER]
    assert told.set_index("type").at[LATER, "estimate"] == pytest.approx(np.average(chosen["estimate"], weights=chosen["weight"]))


def test_always_treated_units_are_found_by_cohort_and_by_treatment():
    frame = panel(11)
    by_cohort, by_treatment = of(frame), of(frame.drop(columns="first"), treatment="on")
    pd.testing.assert_frame_equal(by_cohort, by_treatment)
    assert (by_cohort["cohort"] == 2000).sum() == (frame["first"] == 1999).sum() > 0
    # As cohort of the first period they are the same units.
    pd.testing.assert_frame_equal(by_cohort, of(frame.assign(first=frame["first"].replace(1999, 2000))))
    # A first period that nobody has an outcome for is none.
    empty = frame.assign(y=frame["y"].where(frame["year"] > 2000))
    assert (of(empty.assign(first=frame["first"].replace(1999, 2001)))["cohort"] == 2001).sum() > 0


def test_invariances():
    frame = panel(13)
    twfe, parts = decompose(of(frame))
    moved = frame.assign(y=frame["y"] + 5 * (frame["id"] > "u20") + (frame["year"] - 2000) ** 2, id="z" + frame["id"].str[::-1]).sample(frac=1, random_state=1)
    other, theirs = decompose(of(moved))
    assert other == pytest.approx(twfe, abs=1e-10)
    pd.testing.assert_frame_equal(parts, theirs, atol=1e-10)
    doubled = pd.concat([frame, frame.assign(id="d" + frame["id"])])
    pd.testing.assert_frame_equal(parts, decompose(of(doubled))[1], atol=1e-10)


def test_only_always_treated_to_compare_with():
    twfe, parts = decompose(of(panel(15, cohorts=(1999, 2004))))
    assert parts["type"].tolist() == [VS_ALWAYS] and parts.at[0, "estimate"] == pytest.approx(twfe)


def test_what_is_left_out_is_told():
    frame = panel(17)
    data, told = prepare(frame.iloc[1:], "id", "year", "y", "first")
    assert len(data) == len(frame) - 9 and any("1 units (8 rows) are not observed in every period" in text for text, _ in told)


# Refusals


def test_refusals():
    frame = panel(19)
    with pytest.raises(UserError, match="every unit once in every period"):
        decompose(of(frame).iloc[1:])
    with pytest.raises(UserError, match="every unit once in every period"):
        decompose(design(frame.iloc[1:], "id", "year", "y", "first", panel="keep"))
    with pytest.raises(UserError, match="change within units"):
        decompose(of(frame.assign(w=1 + np.arange(len(frame)) % 3), weights="w"))
    with pytest.raises(UserError, match="without covariates"):
        decompose(design(frame, "id", "year", "y", "first", covariates=("w",)))
    for off in (frame["on"] / 2, frame["on"] * (frame["year"] < 2008)):
        with pytest.raises(UserError, match="stay 1 once"):
            of(frame.assign(on=off), treatment="on")
        with pytest.raises(UserError, match="0 or 1 and stays 1"):
            decompose(design(frame.assign(on=off), "id", "year", "y", treatment="on"))
    with pytest.raises(UserError, match="No unit begins treatment"):
        decompose(of(frame).assign(cohort=0))
    with pytest.raises(UserError, match="at once"):
        decompose(of(frame).assign(cohort=2004))
    with pytest.raises(UserError, match="either the cohort"):
        prepare(frame, "id", "year", "y")
    with pytest.raises(UserError, match="either the cohort"):
        prepare(frame, "id", "year", "y", "first", "on")
    with pytest.raises(UserError, match="no column 'z'"):
        prepare(frame, "id", "year", "y", "z")
    with pytest.raises(UserError, match="first is 'x' in row 2"):
        of(frame.assign(first=frame["first"].astype(object).where(frame.index > 0, "x")))
