"""What holds for every estimator alike: one matrix over all of them."""

import numpy as np
import pytest

from evaluation.errors import UserError
from evaluation.impact.design import design
from evaluation.impact.estimators import KNOWN, TAKES, estimate
from evaluation.impact.specification import ESTIMATORS
from tests.impact.test_twfe import panel

# Counts have no unit effects to add; the two synthetic ones break ties by the order of names and are held in test_synthetic.py.
ADDITIVE = [name for name in ESTIMATORS if name not in ("etwfe_poisson", "sdid", "sc")]


def of(frame):
    return design(frame, "unit", "time", "y", "cohort")


@pytest.mark.parametrize("aggregate", ["simple", "dynamic"])
@pytest.mark.parametrize("estimator", ADDITIVE)
def test_unit_and_time_effects_names_and_the_order_of_rows_change_nothing(estimator, aggregate):
    frame = panel(8, units=40)
    moved = frame.assign(y=frame["y"] + 100 * np.sin(frame["unit"]) + 3 * frame["time"], unit="u" + ((frame["unit"] * 7) % 40).astype(str)).sample(frac=1, random_state=1)
    first, second = (estimate(of(rows), estimator, aggregate) for rows in (frame, moved))
    assert (second.estimate, second.se) == pytest.approx((first.estimate, first.se), abs=1e-8)
    if aggregate == "dynamic":
        assert second.event["estimate"].to_numpy() == pytest.approx(first.event["estimate"].to_numpy(), abs=1e-8, nan_ok=True)


@pytest.mark.parametrize("estimator", ADDITIVE)
def test_twice_the_outcome_is_twice_the_effect_and_its_error(estimator):
    frame = panel(9, units=40)
    first, second = (estimate(of(frame.assign(y=factor * frame["y"])), estimator) for factor in (1, 2))
    assert (second.estimate, second.se, second.p) == pytest.approx((2 * first.estimate, 2 * first.se, first.p), rel=1e-6)


@pytest.mark.parametrize("estimator", ADDITIVE)
def test_the_covariance_of_the_event_study_is_that_of_its_errors(estimator):
    found = estimate(of(panel(10, units=40)), estimator, "dynamic")
    told = found.event[~found.event["reference"]]
    assert found.vcov.shape == (len(told), len(told)) and np.sqrt(np.diag(found.vcov)) == pytest.approx(told["se"].to_numpy())
    assert found.vcov == pytest.approx(found.vcov.T) and np.linalg.eigvalsh(found.vcov).min() > -1e-10


def test_every_name_has_its_code():
    assert tuple(KNOWN) == ESTIMATORS


@pytest.mark.parametrize(("what", "more"), [("gaps", {"panel": "keep"}), ("covariates", {"covariates": ("x",)}), ("weights", {"weights": "w"}), ("doses", {})])
def test_what_an_estimator_cannot_take_names_those_that_can(monkeypatch, what, more):
    frame = panel(11, units=40).assign(w=1.0, x=0.0)
    if what == "gaps":
        frame = frame.drop(index=frame.index[3])
    treatment = {"treatment": "dose"} if what == "doses" else {"cohort": "cohort"}
    frame["dose"] = 0.5 * ((frame["cohort"] > 0) & (frame["time"] >= frame["cohort"]))
    place = 3 + TAKES.index(what)
    # Every estimator takes covariates today: one that does not is made up.
    monkeypatch.setitem(KNOWN, "bjs", (*KNOWN["bjs"][:place], False, *KNOWN["bjs"][place + 1 :]))
    able = ", ".join(name for name, known in KNOWN.items() if known[place])
    for name in [name for name, known in KNOWN.items() if not known[place]]:
        with pytest.raises(UserError) as raised:
            estimate(design(frame, "unit", "time", "y", **treatment, **more), name)
        assert raised.value.en.endswith(f": {able}.") and raised.value.ko.endswith(f": {able}.") and raised.value.en.startswith(name)


def test_an_aggregate_that_an_estimator_lacks_names_those_that_have_it():
    with pytest.raises(UserError, match=r"use one of: simple, dynamic\. For calendar use: cs, etwfe, etwfe_poisson\.$"):
        estimate(of(panel(11, units=40)), "sdid", "calendar")


@pytest.mark.filterwarnings("error::RuntimeWarning")
@pytest.mark.parametrize("level", [0, 1e9])
@pytest.mark.parametrize("aggregate", ["simple", "dynamic"])
@pytest.mark.parametrize("estimator", [name for name in ESTIMATORS if name not in ("sdid", "sc")])
def test_what_rounding_leaves_is_no_standard_error(estimator, aggregate, level):
    """The outcome never changes within a unit: no effect, and nothing that could be its error."""
    frame = panel(12, units=40)
    found = estimate(of(frame.assign(y=level + 100 + 10 * np.sin(frame["unit"]))), estimator, aggregate)
    assert found.estimate == pytest.approx(0, abs=1e-9 * (level + 1))
    assert np.isnan([found.se, found.lower, found.upper, found.p]).all() and found.influence is None
    assert len([english for english, _ in found.warnings if "no standard error" in english]) == 1
    if aggregate == "dynamic":
        assert found.event[["se", "lower", "upper"]].isna().all(axis=None) and np.isnan(found.vcov).all()
    assert not [name for name in found.diagnostics if name.endswith(("_p", "_wald", "_f"))]
    assert np.isnan([value for name, value in found.diagnostics.items() if "_se" in name or name.startswith("se_")]).all()


def test_parts_without_a_standard_error_are_named_and_the_others_keep_theirs():
    frame = panel(12, units=40).query("cohort != 5")
    # Before treatment nothing varies; after it everything does.
    found = estimate(of(frame.assign(y=frame["y"].where(frame["time"] >= 3, 1.0))), "cs", "dynamic")
    event = found.event.set_index("event_time")
    assert found.se > 0 and event.loc[[-3, -2], "se"].isna().all() and (event.loc[0:, "se"] > 0).all()
    assert any("no standard error (event time -3, -2; groups" in english for english, _ in found.warnings)
    assert np.isnan(found.vcov[:2]).all() and np.isfinite(found.vcov[-3:, -3:]).all() and np.isfinite(found.band)


@pytest.mark.parametrize("estimator", ["sa", "cs", "bjs", "did2s", "etwfe", "etwfe_poisson", "lpdid", "stacked"])
def test_a_single_cluster_among_the_rows_that_count_is_refused(estimator):
    """The cohort of 3, a cluster by itself, has no period before its anticipated treatment and goes."""
    frame = panel(13, units=40).assign(region=lambda rows: (rows["cohort"] == 3).astype(int), y=lambda rows: np.exp(rows["y"]))
    with pytest.raises(UserError, match="single cluster"):
        estimate(design(frame, "unit", "time", "y", "cohort", cluster="region", anticipation=3), estimator)


@pytest.mark.parametrize("estimator", ["cs", "dcdh", "lpdid"])
def test_units_that_move_between_clusters_are_refused(estimator):
    frame = panel(14, units=40)
    with pytest.raises(UserError, match="move between clusters"):
        estimate(design(frame.assign(region=(frame["unit"] + frame["time"]) % 6), "unit", "time", "y", "cohort", cluster="region"), estimator)


@pytest.mark.parametrize("estimator", ADDITIVE)
def test_a_covariate_counts_from_any_zero(estimator):
    """A level ten million times what varies (a date, a price index) costs digits, not the covariate. Doubles have sixteen digits, of
    which the level takes seven and squares as many again: what is left is held to 1e-6."""
    frame = panel(15, units=40).assign(far=lambda rows: rows["x"] + 1e7)
    first, second = (estimate(design(frame, "unit", "time", "y", "cohort", covariates=(name,)), estimator) for name in ("x", "far"))
    assert (second.estimate, second.se, second.n_obs) == pytest.approx((first.estimate, first.se, first.n_obs), rel=1e-6)
