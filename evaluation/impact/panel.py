"""From the complex-year panel to the rows an estimator sees, with every exclusion counted."""

import numpy as np
import pandas as pd

from evaluation.errors import UserError
from evaluation.impact.comparison import in_a_zone_of, matched
from evaluation.impact.design import NEVER, NOT_YET, Design, design
from evaluation.impact.specification import DEFAULTS, TYPES, WHERE, refuse
from evaluation.sources.tables import cell_status

COVARIATE = "covariate_"
# `identity` is for rates; outcomes of the specification are in log points, which the report's words rest on.
TRANSFORM = {"log": np.log, "asinh": np.arcsinh, "identity": np.asarray}
# The words of the specification for those of the design.
CONTROL_OF = {"never_treated": NEVER, "not_yet_treated": NOT_YET}


def estimation_panel(
    panel: pd.DataFrame, complexes: pd.DataFrame, price_index: pd.DataFrame, outcome: dict, spec: dict | None = None
) -> tuple[pd.DataFrame, dict[str, int]]:
    """The rows on which every estimator of an outcome runs.

    Args:
        panel: complex_id, year, the outcome's column and, where it can be masked, its `_status`.
        complexes: complex_id, first_treated (missing for non-participants); type, zone and categories to adjust for, where used.
        price_index: index, year, value (base year = 100).
        outcome: `id` (a column of panel, unless `of` names another), `transform` (log; asinh, which keeps zeros, but whose effects
            are no per cent and depend on the unit of the outcome: Chen and Roth 2024, Quarterly Journal of Economics 139; identity);
            optionally `deflate` (an index code) and `per`, a column to divide by, such as operating_firms: totals and values per
            firm are different outcomes and never compared with each other.
        spec: who is compared and how, by the keys of `evaluation.impact.specification.DEFAULTS`, which stand where it says nothing.
            Only complexes whose outcome is observed (and positive) in every year stay, so that each estimator sees the same rows;
            nothing is imputed. Complexes that took part from the panel's first year on have no year before it, those that join
            after its last year none after: both are left out too.

    Returns:
        frame with `complex_id`, `unit` (integer code), `year`, `cohort` (year of first participation, 0 for
        non-participants), `event_time` (year - cohort, missing where cohort is 0), `treated` (0/1) and `y` (as transformed), sorted by
        unit and year; where the specification asks for them `weight` (a column's value in the panel's first year, times that of
        matching), `cluster`, and `covariate_*` (in the panel's first year: logs of the panel's columns, dummies of the registry's);
        and counts: `units`, `units_participants`, `units_non_participants`, `rows` and `excluded_*`: not_compared, cohort,
        same_zone, masked, not_reported, not_applicable, missing, zero, always_treated, later, baseline (no weight or covariate),
        unmatched, absent (complexes of the registry, by the first reason that applies; they and `units` add up to it).

    Raises:
        UserError: an outcome, price index, cohort, covariate or weight that the data do not have; a year without rows or prices;
            no participant or no non-participant left.
    """
    spec = DEFAULTS | (spec or {})
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
    registry = complexes.set_index("complex_id").reindex(kinds["masked"].index)
    joined = registry["first_treated"]
    kinds["always_treated"] = joined <= data["year"].min()
    kinds["later"] = joined > data["year"].max()
    kinds = _not_asked_for(complexes, registry, data["year"], spec) | kinds
    at_first = _at_first(panel, registry, spec)
    kinds["baseline"] = at_first.isna().any(axis=1)
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
    data["y"] = TRANSFORM[outcome["transform"]](value)
    data["event_time"] = (data["year"] - data["cohort"]).where(data["cohort"] > 0)
    data["treated"] = (data["event_time"] >= 0).astype(int)
    data = data.join(at_first, on="complex_id")
    excluded["excluded_unmatched"] = 0
    if spec["matching"] and (data["cohort"] > 0).any():
        weight = matched(data, spec["matching"]["neighbours"], spec["matching"]["by"])
        excluded["excluded_unmatched"] = data["complex_id"].nunique() - len(weight)
        data = data[data["complex_id"].isin(weight.index)]
        data["weight"] = data.get("weight", 1.0) * data["complex_id"].map(weight)
    if spec["cluster"] == "zone":
        data["cluster"] = data["complex_id"].map(registry["zone"])
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
    more = [column for column in data if column in ("weight", "cluster") or str(column).startswith(COVARIATE)]
    return data[["complex_id", "unit", "year", "cohort", "event_time", "treated", "y", *more]], counts


def panel_design(data: pd.DataFrame, spec: dict, window: dict | None = None, **changes) -> Design:
    """The design of an estimation panel as the specification has it; `changes`: of the arguments of `design`.

    Args:
        data: of `estimation_panel`; window: `before`, `after`, or None for all event times.
    """
    options = {
        "covariates": tuple(str(column) for column in data if str(column).startswith(COVARIATE)), "weights": "weight" if "weight" in data else None,
        "cluster": "cluster" if "cluster" in data else None, "method": spec["method"], "control": CONTROL_OF[spec["comparison"]],
        "level": spec["level"], "anticipation": spec["anticipation"], **(window or {}),
    }  # fmt: skip
    return design(data, "complex_id", "year", "y", "cohort", **options | changes)


def _not_asked_for(complexes: pd.DataFrame, registry: pd.DataFrame, years: pd.Series, spec: dict) -> dict[str, pd.Series]:
    """Who is left out because the specification says so, by reason; only reasons that it names."""
    joined, left = registry["first_treated"], {}
    if list(spec["comparison_types"]) != list(TYPES):
        left["not_compared"] = joined.isna() & ~registry["type"].isin(spec["comparison_types"])
    if spec["cohorts"] != "all":
        there = sorted(int(cohort) for cohort in joined.dropna().unique() if years.min() < cohort <= years.max())
        unknown = [cohort for cohort in spec["cohorts"] if cohort not in there]
        if unknown:
            raise refuse("cohorts", unknown[0], there)
        left["cohort"] = joined.notna() & ~joined.isin(spec["cohorts"])
    if spec["exclude_same_zone"]:
        studied = joined <= years.max() if spec["cohorts"] == "all" else joined.isin(spec["cohorts"])
        participants = registry.index[studied]
        left["same_zone"] = in_a_zone_of(complexes, pd.Series(participants)).reindex(registry.index, fill_value=False)
    return left


def _at_first(panel: pd.DataFrame, registry: pd.DataFrame, spec: dict) -> pd.DataFrame:
    """`weight` and `covariate_*` of each complex in the panel's first year, missing where not observed or not above 0."""
    first = panel[panel["year"] == panel["year"].min()].set_index("complex_id").reindex(registry.index)
    numeric = [str(column) for column in first.select_dtypes("number").columns if column != "year"]
    categories = [str(column) for column in registry.columns if column in ("type", "zone", "specialised_industry")]
    found = {}
    if spec["weights"] is not None:
        if spec["weights"] not in numeric:
            raise refuse("weights", spec["weights"], ["none", *numeric])
        found["weight"] = first[spec["weights"]].astype(float).where(lambda value: value > 0)
    for name in spec["covariates"]:
        if name in numeric:
            found[f"{COVARIATE}{name}"] = np.log(first[name].astype(float).where(lambda value: value > 0))
        elif name in categories:
            for value in sorted(registry[name].dropna().unique())[1:]:
                found[f"{COVARIATE}{name}_{value}"] = (registry[name] == value).astype(float).where(registry[name].notna())
        else:
            raise refuse("covariates", name, [*numeric, *categories])
    return pd.DataFrame(found, index=registry.index)


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
        f"{name}: no {group.replace('_', '-')} are left to estimate from (left out: {left_out or 'none'}). Complete their figures in the panel or the registry, or ask for less in {WHERE}.",
        f"{name}: 추정에 쓸 {words[group]}가 남지 않았습니다(제외: {left_out or '없음'}). 패널이나 명부의 값을 채우거나 {WHERE}의 조건을 줄이십시오.",
    )
