"""The true effect of a simulated panel, averaged just as an estimator averages."""

import numpy as np
import pandas as pd


def true_effects(results: pd.DataFrame, data: pd.DataFrame, effects: pd.DataFrame, outcome: str) -> pd.Series:
    """The truth behind each row of an estimator's results.

    Args:
        results: rows with RESULT_COLUMNS of `evaluation.impact.estimators.baseline`.
        data: the estimation panel the results come from, so that both average over the same complexes.
        effects: complex_id, year and the outcome's true effect in log points, for treated complex-years.
        outcome: column of effects; without it the truth is not known.

    Returns:
        a series aligned with results: the mean true effect over the treated complex-years that the row's
        estimand averages; 0 before participation. Complexes count by their `weight` in data, else equally, as in ATT(g,t).
    """
    if outcome not in effects:
        return pd.Series(float("nan"), index=results.index)
    known = data.merge(effects[["complex_id", "year", outcome]], on=["complex_id", "year"], how="left")
    known["effect"] = known[outcome].fillna(0.0)
    known = known[known["cohort"] > 0]

    def truth(row: pd.Series) -> float:
        rows = known
        if pd.notna(row["cohort"]):
            rows = rows[rows["cohort"] == row["cohort"]]
        if pd.notna(row["event_time"]):
            rows = rows[rows["event_time"] == row["event_time"]]
        else:
            rows = rows[rows["treated"] == 1]
        return np.average(rows["effect"], weights=rows["weight"] if "weight" in rows else None) if len(rows) else float("nan")

    return results.apply(truth, axis=1)
