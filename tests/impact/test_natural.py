"""An effect as an amount, by hand; and the estimators that a specification may name."""

import copy

import numpy as np
import pandas as pd
import pytest

from evaluation.errors import UserError
from evaluation.impact.estimators import KNOWN
from evaluation.impact.natural import attributable
from evaluation.impact.specification import ESTIMATORS, complete_impact
from evaluation.sources.specs import read_impact


def test_what_would_not_be_there_without_the_effect():
    """Two participants with 110 and 220 in 2010: had the effect of 10 % not been, 300 instead of 330."""
    panel = pd.DataFrame({"complex_id": list("aabbc"), "year": [2009, 2010, 2009, 2010, 2010], "production": [100.0, 110, 190, 220, 500]})
    data = pd.DataFrame({"complex_id": list("aabbc"), "year": [2009, 2010, 2009, 2010, 2010], "treated": [0, 1, 0, 1, 0]})
    found = attributable(panel, data, "production", 2010, np.log(1.1), 0.0, np.log(1.2))
    assert found == pytest.approx({"total": 330, "effect": 30, "lower": 0, "upper": 55})


def test_the_specification_names_estimators_that_there_are():
    assert tuple(KNOWN) == ESTIMATORS
    raw = copy.deepcopy(read_impact())
    assert complete_impact(raw)["estimators"]
    for wrong, words in (([], "different estimators"), (["cs", "cs"], "different estimators"), (["magic"], "use one of: twfe"), (["sc"], "use one of: twfe"), ("cs", "different estimators")):
        with pytest.raises(UserError, match=words):
            complete_impact(raw | {"estimators": wrong})
