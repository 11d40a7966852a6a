"""From the complex-year panel to the rows an estimator sees, with every exclusion counted."""

import numpy as np
import pandas as pd

from evaluation.errors import UserError
from evaluation.sources.read import cell_status

TRANSFORMS = ("log",)
SAMPLES = ("complete",)


def estimation_panel(
    panel: pd.DataFrame, complexes: pd.DataFrame, price_index: pd.DataFrame, outcome: dict, sample: str = "complete"
) -> tuple[pd.DataFrame, dict[str, int]]:
    """The rows on which every estimator of an outcome runs.

    Args:
        panel: complex_id, year, the outcome's column and, where it can be masked, its `_status`.
        complexes: complex_id, first_treated (missing for non-participants).
        price_index: index, year, value (base year = 100).
        outcome: `id` (a column of panel), `transform` (log), `deflate` (an index code, optional).
        sample: `complete` keeps complexes whose outcome is observed and positive in every year, so
            that each estimator sees the same rows; nothing is imputed.

    Returns:
        frame with `complex_id`, `unit` (integer code), `year`, `cohort` (year of first participation, 0 for
        complexes untreated up to the last year), `event_time` (year - cohort, missing where cohort is 0),
        `treated` (0/1) and `y` (log points), sorted by unit and year; and counts: `units`,
        `units_participants`, `units_non_participants`, `rows`, `excluded_masked`, `excluded_missing`,
        `excluded_zero` (complexes, by the first reason that applies).
    """
    name = outcome["id"]
    _known(outcome, panel, price_index, sample)
    data = panel[["complex_id", "year", name]].copy()
    status = cell_status(panel, name)
    by_complex = data["complex_id"]
    masked = (status == "masked").groupby(by_complex).any()
    missing = (status == "missing").groupby(by_complex).any() | (data.groupby("complex_id")["year"].count() < data["year"].nunique())
    zero = (data[name] <= 0).groupby(by_complex).any()
    usable = ~(masked | missing | zero)

    data = data[data["complex_id"].map(usable)]
    data = data.merge(complexes[["complex_id", "first_treated"]], on="complex_id", validate="many_to_one")
    last_year = data["year"].max()
    data["cohort"] = data["first_treated"].where(data["first_treated"] <= last_year).fillna(0).astype(int)
    value = data[name].astype(float)
    if "deflate" in outcome:
        prices = price_index[price_index["index"] == outcome["deflate"]].set_index("year")["value"]
        value = value / (data["year"].map(prices) / 100)
    data["y"] = np.log(value)
    data["event_time"] = (data["year"] - data["cohort"]).where(data["cohort"] > 0)
    data["treated"] = (data["event_time"] >= 0).astype(int)
    data["unit"] = data["complex_id"].astype("category").cat.codes.astype(int)
    data = data.sort_values(["unit", "year"], ignore_index=True)

    participants = data.loc[data["cohort"] > 0, "unit"].nunique()
    counts = {
        "units": data["unit"].nunique(),
        "units_participants": participants,
        "units_non_participants": data["unit"].nunique() - participants,
        "rows": len(data),
        "excluded_masked": int(masked.sum()),
        "excluded_missing": int((missing & ~masked).sum()),
        "excluded_zero": int((zero & ~masked & ~missing).sum()),
    }
    return data[["complex_id", "unit", "year", "cohort", "event_time", "treated", "y"]], counts


def _known(outcome: dict, panel: pd.DataFrame, price_index: pd.DataFrame, sample: str) -> None:
    def refuse(key: str, value: object, allowed: object) -> UserError:
        listed = ", ".join(map(str, allowed))
        return UserError(
            f"evaluation/specs/impact.yml: {key} is {value!r}; use one of: {listed}.",
            f"evaluation/specs/impact.yml: {key} 값 {value!r}을(를) 쓸 수 없습니다. 다음 중 하나를 쓰십시오: {listed}.",
        )

    numeric = [column for column in panel.select_dtypes("number").columns if column != "year"]
    if outcome.get("id") not in numeric:
        raise refuse("outcomes.id", outcome.get("id"), numeric)
    if outcome.get("transform") not in TRANSFORMS:
        raise refuse(f"{outcome['id']}.transform", outcome.get("transform"), TRANSFORMS)
    if "deflate" in outcome and outcome["deflate"] not in set(price_index["index"]):
        raise refuse(f"{outcome['id']}.deflate", outcome["deflate"], sorted(set(price_index["index"])))
    if sample not in SAMPLES:
        raise refuse("sample", sample, SAMPLES)
