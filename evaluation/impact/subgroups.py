"""Effects on groups of participants, each against all of the comparison units."""

import numpy as np
import pandas as pd

from evaluation.errors import UserError
from evaluation.impact.estimators import estimate
from evaluation.impact.panel import panel_design

LARGE, SMALL = "large", "small"


def by_size(panel: pd.DataFrame, data: pd.DataFrame, outcome: str) -> pd.Series:
    """Each participant large or small: its outcome in the year before it joined, against the median of all participants'.

    Args:
        panel: `complex_id`, `year` and the outcome; data: the estimation panel.

    Returns:
        complex_id -> LARGE or SMALL.
    """
    before = data[(data["event_time"] == -1)][["complex_id", "year"]].merge(panel[["complex_id", "year", outcome]], on=["complex_id", "year"])
    level = before.set_index("complex_id")[outcome].astype(float)
    return pd.Series(np.where(level >= level.median(), LARGE, SMALL), index=level.index)


def by_group(data: pd.DataFrame, groups: pd.Series, spec: dict) -> pd.DataFrame:
    """The overall effect (Callaway and Sant'Anna) on each group of participants, against the same comparison units.

    Differences between groups are no effects of what tells them apart: groups differ in when they joined and in much else.

    Args:
        data: the estimation panel (`evaluation.impact.panel.estimation_panel`); groups: complex_id -> group, of participants; spec: the specification.

    Returns:
        `group`, `estimate`, `se`, `lower`, `upper` (log points), `n_treated`; missing where a group has too few to estimate.
    """
    rows = []
    of_row = data["complex_id"].map(groups).where(data["cohort"] > 0)
    for group in sorted(of_row.dropna().unique()):
        own = data[(data["cohort"] == 0) | (of_row == group)]
        treated = own.loc[own["cohort"] > 0, "complex_id"].nunique()
        try:
            found = estimate(panel_design(own, spec), "cs")
            rows.append((group, found.estimate, found.se, found.lower, found.upper, treated))
        except UserError:
            rows.append((group, np.nan, np.nan, np.nan, np.nan, treated))
    return pd.DataFrame(rows, columns=["group", "estimate", "se", "lower", "upper", "n_treated"])
