"""Effects on groups of participants: each estimated as if the others were not there."""

import numpy as np
import pandas as pd
import pytest

from evaluation.impact.design import design
from evaluation.impact.estimators import estimate
from evaluation.impact.specification import complete_impact
from evaluation.impact.subgroups import LARGE, SMALL, by_group, by_size
from evaluation.sources.specs import read_impact


@pytest.fixture
def data():
    """Thirty complexes: ten join in 2004 with effect 0.2, ten in 2006 with 0.4, ten never; no noise but levels."""
    rng = np.random.default_rng(2)
    rows = []
    for number in range(30):
        cohort = {0: 2004, 1: 2006, 2: 0}[number % 3]
        for year in range(2001, 2009):
            effect = {2004: 0.2, 2006: 0.4, 0: 0}[cohort] * (0 < cohort <= year)
            rows.append((f"c{number:02d}", year, cohort, number + 0.1 * year + effect + 0.01 * rng.normal()))
    frame = pd.DataFrame(rows, columns=["complex_id", "year", "cohort", "y"])
    return frame.assign(event_time=(frame["year"] - frame["cohort"]).where(frame["cohort"] > 0))


def test_each_group_is_estimated_as_if_the_others_were_not_there(data):
    groups = pd.Series({name: "early" if int(name[1:]) % 3 == 0 else "late" for name in data["complex_id"].unique()})
    found = by_group(data, groups, complete_impact(read_impact())).set_index("group")
    assert found["n_treated"].to_dict() == {"early": 10, "late": 10}
    assert found["estimate"].to_dict() == pytest.approx({"early": 0.2, "late": 0.4}, abs=0.02)
    alone = estimate(design(data[data["cohort"] != 2006], "complex_id", "year", "y", "cohort"), "cs")
    assert found.at["early", "estimate"] == pytest.approx(alone.estimate, rel=1e-12) and found.at["early", "lower"] == pytest.approx(alone.lower)


def test_size_is_the_level_in_the_year_before_joining(data):
    panel = data.assign(production=np.exp(data["y"]))
    size = by_size(panel, data, "production")
    assert len(size) == 20 and (size == LARGE).sum() == 10
    assert size["c00"] == SMALL and size["c28"] == LARGE and "c02" not in size
