"""From the complex-year panel to the rows an estimator sees, with every exclusion counted."""

import numpy as np
import pandas as pd

from evaluation.errors import UserError
from evaluation.impact.specification import refuse
from evaluation.sources.tables import cell_status


def estimation_panel(
    panel: pd.DataFrame, complexes: pd.DataFrame, price_index: pd.DataFrame, outcome: dict, sample: str = "complete", comparison_types: list[str] | None = None
) -> tuple[pd.DataFrame, dict[str, int]]:
    """The rows on which every estimator of an outcome runs.

    Args:
        panel: complex_id, year, the outcome's column and, where it can be masked, its `_status`.
        complexes: complex_id, first_treated (missing for non-participants).
        price_index: index, year, value (base year = 100).
        outcome: `id` (a column of panel, unless `of` names another), `transform` (log; asinh, which keeps zeros, but whose effects
            are no per cent and depend on the unit of the outcome: Chen and Roth 2024, Quarterly Journal of Economics 139);
            optionally `deflate` (an index code) and `per`, a column to divide by, such as operating_firms: totals and values per
            firm are different outcomes and never compared with each other.
        comparison_types: types (column `type` of complexes) of which non-participants are compared with; None for all.
        sample: `complete` keeps complexes whose outcome is observed and positive in every year, so
            that each estimator sees the same rows; nothing is imputed. Complexes that took part from the
            panel's first year on have no year before it, those that join after its last year none after:
            both are left out too.

    Returns:
        frame with `complex_id`, `unit` (integer code), `year`, `cohort` (year of first participation, 0 for
        non-participants), `event_time` (year - cohort, missing where cohort is 0),
        `treated` (0/1) and `y` (log points), sorted by unit and year; and counts: `units`,
        `units_participants`, `units_non_participants`, `rows`, `excluded_masked`, `excluded_not_reported`,
        `excluded_not_applicable`, `excluded_missing`, `excluded_zero`, `excluded_always_treated`, `excluded_later`,
        `excluded_not_compared`, `excluded_absent` (complexes of the registry, by the first reason that applies; they and `units` add up to it).

    Raises:
        UserError: an outcome, price index or cohort that the data do not have; a year without rows or prices;
            no participant or no non-participant left.
    """
    name, column = outcome["id"], outcome.get("of", outcome["id"])
    _known(outcome, panel, price_index)
    data = panel[["complex_id", "year"]].assign(**{name: panel[column]})
    if "per" in outcome:
        # A complex without firms has no value per firm.
        data[name] = data[name] / panel[outcome["per"]].where(panel[outcome["per"]] > 0)
    status = cell_status(panel, column)
    by_complex = data["complex_id"]
    kinds = {kind: (status == kind).groupby(by_complex).any() for kind in ("masked", "not_reported", "not_applicable", "missing")}
    kinds["missing"] |= data.groupby("complex_id")["year"].count() < data["year"].nunique()
    kinds["missing"] |= (data[name].isna() & (status == "observed")).groupby(by_complex).any()
    kinds["zero"] = ((data[name] <= 0) if outcome["transform"] == "log" else (data[name] < 0)).groupby(by_complex).any()
    joined = complexes.set_index("complex_id")["first_treated"].reindex(kinds["masked"].index)
    kinds["always_treated"] = joined <= data["year"].min()
    kinds["later"] = joined > data["year"].max()
    if comparison_types is not None:
        other = ~complexes.set_index("complex_id")["type"].reindex(joined.index).isin(comparison_types)
        kinds = {"not_compared": joined.isna() & other} | kinds
    excluded, usable = {}, pd.Series(True, index=joined.index)
    for reason, here in kinds.items():
        excluded[f"excluded_{reason}"] = int((usable & here).sum())
        usable &= ~here

    data = data[data["complex_id"].map(usable)]
    data = data.merge(complexes[["complex_id", "first_treated"]], on="complex_id", validate="many_to_one")
    data["cohort"] = data["first_treated"].fillna(0).astype(int)
    value = data[name].astype(float)
    if "deflate" in outcome:
        prices = price_index[price_index["index"] == outcome["deflate"]].set_index("year")["value"]
        value = value / (data["year"].map(prices) / 100)
    data["y"] = np.log(value) if outcome["transform"] == "log" else np.arcsinh(value)
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
        **excluded,
        "excluded_absent": len(set(complexes["complex_id"]) - set(panel["complex_id"])),
    }
    for group in ("participants", "non_participants"):
        if not counts[f"units_{group}"]:
            raise _nobody_left(name, group, counts)
    return data[["complex_id", "unit", "year", "cohort", "event_time", "treated", "y"]], counts


def require_cohort(panels: dict[str, pd.DataFrame], cohort: int) -> None:
    """UserError where an estimation panel lacks the cohort that the report's main figure shows."""
    for name, data in panels.items():
        cohorts = sorted(set(data["cohort"]) - {0})
        if cohort not in cohorts:
            raise refuse(f"main_cohort ({name})", cohort, cohorts)


def _known(outcome: dict, panel: pd.DataFrame, price_index: pd.DataFrame) -> None:
    numeric = [column for column in panel.select_dtypes("number").columns if column != "year"]
    for key in ("of" if "of" in outcome else "id", *(["per"] if "per" in outcome else [])):
        if outcome[key] not in numeric:
            raise refuse(f"outcomes.{key}", outcome[key], numeric)
    years = set(panel["year"])
    gaps = sorted(set(range(min(years), max(years) + 1)) - years)
    if gaps:
        listed = ", ".join(map(str, gaps))
        raise UserError(
            f"panel: no rows for {listed}; difference-in-differences needs every year from {min(years)} to {max(years)}. Add the rows.",
            f"panel: {listed}년 자료가 없습니다. 이중차분에는 {min(years)}년부터 {max(years)}년까지 모든 연도가 필요합니다. 해당 연도 행을 추가하십시오.",
        )
    if "deflate" not in outcome:
        return
    prices = price_index[price_index["index"] == outcome["deflate"]]
    if prices.empty:
        raise refuse(f"{outcome['id']}.deflate", outcome["deflate"], sorted(set(price_index["index"])))
    unpriced = sorted(years - set(prices["year"]))
    if unpriced:
        listed = ", ".join(map(str, unpriced))
        raise UserError(
            f"price_index: {outcome['deflate']} has no value for {listed}, which {outcome['id']} is deflated with. Add it.",
            f"price_index: {outcome['id']}의 실질화에 쓰는 {outcome['deflate']}의 {listed}년 값이 없습니다. 값을 추가하십시오.",
        )


def _nobody_left(name: str, group: str, counts: dict[str, int]) -> UserError:
    left_out = ", ".join(f"{key.removeprefix('excluded_')} {count}" for key, count in counts.items() if key.startswith("excluded_") and count)
    words = {"participants": "참여 단지", "non_participants": "비참여 단지"}
    return UserError(
        f"{name}: no {group.replace('_', '-')} are left to estimate from (left out: {left_out or 'none'}). Complete their figures in the panel or the registry.",
        f"{name}: 추정에 쓸 {words[group]}가 남지 않았습니다(제외: {left_out or '없음'}). 패널이나 명부의 값을 채우십시오.",
    )
