"""The true effect behind an estimate averages the same complex-years."""

import pandas as pd
import pytest

from evaluation.impact.truth import true_effects


@pytest.fixture
def case():
    rows = [("a", 2008, 2008, 0, 1), ("a", 2009, 2008, 1, 1), ("b", 2008, 2009, -1, 0), ("b", 2009, 2009, 0, 1), ("n", 2008, 0, None, 0), ("n", 2009, 0, None, 0)]
    data = pd.DataFrame(rows, columns=["complex_id", "year", "cohort", "event_time", "treated"])
    effects = pd.DataFrame([("a", 2008, 0.1), ("a", 2009, 0.3), ("b", 2009, 0.2)], columns=["complex_id", "year", "production"])
    return data, effects


@pytest.mark.parametrize(
    ("cohort", "event_time", "truth"),
    [(None, None, 0.2), (2008, None, 0.2), (2009, None, 0.2), (None, 0, 0.15), (None, 1, 0.3), (None, -1, 0.0), (2008, 1, 0.3)],
)
def test_by_hand(case, cohort, event_time, truth):
    results = pd.DataFrame({"cohort": [cohort], "event_time": [event_time]}, dtype=float)
    assert true_effects(results, *case, "production").tolist() == pytest.approx([truth])
