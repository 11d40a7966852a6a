"""The table of published results that every report carries, and that stops a run."""

import pytest

from evaluation.errors import UserError
from evaluation.impact import known_answers as module
from evaluation.impact.known_answers import PRINTED, known_answers, require_reproduced


def test_published_results_are_reproduced():
    """Papke (1994) in Wooldridge, Example 13.8: -0.182 (0.078); Callaway and Sant'Anna: -0.0400 (0.0120)."""
    table = require_reproduced(known_answers()).set_index(["case", "quantity"])
    assert table["printed"].tolist()[:4] == [-0.182, 0.078, -0.0400, 0.0120] and table["reproduced"].all() and len(table) == 20
    # More digits of the same results, from R (did 2.5) and from the textbook's own data.
    assert table.at[("papke_1994", "estimate"), "ours"] == pytest.approx(-0.1818775, abs=5e-8)
    assert table.at[("papke_1994", "se"), "ours"] == pytest.approx(0.0781862, abs=5e-8)
    assert table.at[("callaway_sant_anna_2021", "estimate"), "ours"] == pytest.approx(-0.0399512752, abs=5e-11)
    assert table.at[("callaway_sant_anna_2021", "se"), "ours"] == pytest.approx(0.0120340128, abs=5e-11)


def test_a_result_that_is_not_reproduced_stops_the_run(monkeypatch):
    wrong = ({**PRINTED[0], "printed": -0.183}, *PRINTED[1:])
    monkeypatch.setattr(module, "PRINTED", wrong)
    with pytest.raises(UserError, match="papke_1994 estimate: -0.182, -0.183"):
        require_reproduced(known_answers())
