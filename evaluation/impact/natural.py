"""An effect in logs as an amount: KRW, USD, persons."""

import math

import pandas as pd


def attributable(panel: pd.DataFrame, data: pd.DataFrame, outcome: str, year: int, estimate: float, lower: float, upper: float) -> dict[str, float]:
    """What of the participants' total in a year would not be there without the effect: total * (1 - exp(-effect)).

    The effect is a mean over participants in logs; taken to their total it is right where it is the same share in large and small ones.

    Args:
        panel: `complex_id`, `year` and the outcome as observed; data: the estimation panel, whose participants are added up.
        estimate, lower, upper: effect of the year in log points.

    Returns:
        `total` of the participants in the year, `effect`, `lower`, `upper`, in the unit of the outcome.
    """
    treated = data.loc[(data["treated"] == 1) & (data["year"] == year), "complex_id"]
    total = float(panel.loc[(panel["year"] == year) & panel["complex_id"].isin(treated), outcome].astype(float).sum())
    return {"total": total} | {name: -total * math.expm1(-value) for name, value in (("effect", estimate), ("lower", lower), ("upper", upper))}
