"""Would the result stand if something were otherwise? Placebos, leaving out, entry years, figures, comparison groups, composition, turnover.

Every row is the main estimate (Callaway and Sant'Anna, average over participants' years) with one thing changed, on the estimation
panel of the specification. What cannot be estimated is a row without a number and with the reason.
"""

from collections.abc import Callable, Iterable

import numpy as np
import pandas as pd

from evaluation.errors import UserError
from evaluation.impact.estimators import estimate
from evaluation.impact.panel import COVARIATE, estimation_panel, panel_design
from evaluation.impact.specification import DEFAULTS
from evaluation.sources.tables import FIGURES, cell_status

COLUMNS = ["check", "case", "estimate", "se", "lower", "upper", "p", "n_treated", "n_units", "why"]
# Cohorts of fewer complexes than this are gone through one by one, and so many of all complexes that move the estimate most each way.
FEW, MOST = 30, 5


def checks(tables: dict[str, pd.DataFrame], outcome: dict, spec: dict) -> pd.DataFrame:
    """All checks of an outcome, COLUMNS; `estimate` in log points.

    Args:
        tables: `panel`, `complexes`, `price_index` and, where there is one, `panel_variants`; outcome, spec: of the specification.
    """
    data, _ = _sample(tables, outcome, spec)
    rows = [_row("main", "", lambda: data, spec)]
    rows += placebo_dates(data, spec)
    rows += placebo_outcomes(tables, outcome, spec)
    rows += leave_one_complex_out(data, spec)
    rows += leave_one_zone_out(data, tables["complexes"], spec)
    rows += entry_years(tables, outcome, spec)
    rows += figures_otherwise(tables, outcome, spec)
    rows += comparison_groups(tables, outcome, spec)
    return pd.DataFrame(rows, columns=COLUMNS)


def placebo_dates(data: pd.DataFrame, spec: dict, earlier: Iterable[int] = (1, 2)) -> list[dict]:
    """As if participants had joined so many years earlier, on the years before they did: there is nothing yet to be found."""
    rows = []
    for years in earlier:
        untouched = data[(data["cohort"] == 0) | (data["year"] < data["cohort"] - spec["anticipation"])].copy()
        untouched["cohort"] = untouched["cohort"].where(untouched["cohort"] == 0, untouched["cohort"] - years - spec["anticipation"])
        # A cohort with no year before its pretended date would be left out as treated from the start.
        untouched = untouched[(untouched["cohort"] == 0) | (untouched["cohort"] > untouched["year"].min())]
        rows.append(_row("placebo_date", str(years), lambda rows=untouched: rows, spec | {"anticipation": 0}, panel="complete"))
    return rows


def placebo_outcomes(tables: dict[str, pd.DataFrame], outcome: dict, spec: dict) -> list[dict]:
    """Outcomes that the programme cannot move, as the specification lists them (`placebo_outcomes`)."""
    return [_row("placebo_outcome", other["id"], lambda other=other: _sample(tables, other, spec)[0], spec) for other in spec["placebo_outcomes"]]


def leave_one_complex_out(data: pd.DataFrame, spec: dict) -> list[dict]:
    """Without each complex of the small cohorts, one at a time, and without each of those that move the estimate most, participants or not.

    The estimate is the mean of so many complexes that without any other one it lies between these.
    """
    sizes = data[data["cohort"] > 0].groupby("cohort")["complex_id"].nunique()
    few = list(data[data["cohort"].isin(sizes.index[sizes < FEW])]["complex_id"].unique())
    moved = influence(data, spec, most=len(data)).sort_values("change", kind="stable")["complex_id"]
    names = list(dict.fromkeys([*few, *moved.head(MOST), *moved.tail(MOST)]))
    return [_row("without_complex", name, lambda name=name: data[data["complex_id"] != name], spec) for name in names]


def leave_one_zone_out(data: pd.DataFrame, complexes: pd.DataFrame, spec: dict) -> list[dict]:
    """Without all complexes of each zone, participants or not."""
    zone = data["complex_id"].map(complexes.set_index("complex_id")["zone"])
    return [_row("without_zone", str(name), lambda name=name: data[zone != name], spec) for name in sorted(zone.dropna().unique())]


def entry_years(tables: dict[str, pd.DataFrame], outcome: dict, spec: dict) -> list[dict]:
    """With the other year of joining that a source gives (`first_treated_alternative` of the registry), each by itself and all at once."""
    complexes = tables["complexes"]
    if "first_treated_alternative" not in complexes:
        return []
    other = complexes.loc[complexes["first_treated_alternative"].notna(), "complex_id"]
    cases = {name: [name] for name in other} | ({"all": list(other)} if len(other) > 1 else {})

    def changed(names: list[str]) -> pd.DataFrame:
        first = complexes["first_treated"].where(~complexes["complex_id"].isin(names), complexes["first_treated_alternative"])
        return _sample(tables | {"complexes": complexes.assign(first_treated=first)}, outcome, spec)[0]

    return [_row("entry_year", case, lambda names=names: changed(names), spec) for case, names in cases.items()]


def figures_otherwise(tables: dict[str, pd.DataFrame], outcome: dict, spec: dict) -> list[dict]:
    """With the figures of complexes counted otherwise, as `panel_variants` gives them, one variant at a time; none without the table.

    A variant's rows take the place of the panel's, empty cells included: what is not known of a complex counted otherwise is not what
    is known of it as the panel counts it. Years without a row stay. Where that would drop a complex from the estimate, or where the
    variant has no such figures at all, the row has no number: it would show something else.
    """
    variants = tables.get("panel_variants")
    if variants is None or variants.empty:
        return []
    columns = [column.name for column in FIGURES]

    def changed(rows: pd.DataFrame) -> pd.DataFrame:
        for name in (outcome.get("of", outcome["id"]), *([outcome["per"]] if "per" in outcome else [])):
            if name not in columns:
                raise UserError(f"panel_variants has no column {name}.", f"panel_variants 표에 {name} 열이 없습니다.")
        data = _sample(tables | {"panel": _with_figures(tables["panel"], rows, columns)}, outcome, spec)[0]
        main = _sample(tables, outcome, spec)[0]["complex_id"]
        if lost := set(rows["complex_id"]) & set(main) - set(data["complex_id"]):
            listed = ", ".join(sorted(lost))
            raise UserError(f"panel_variants: without usable figures of {listed} for {outcome['id']}.", f"panel_variants: {listed}의 {outcome['id']} 수치를 쓸 수 없습니다.")
        return data

    return [_row("figures", str(name), lambda rows=rows: changed(rows), spec) for name, rows in variants.groupby("variant", sort=False)]


def _with_figures(panel: pd.DataFrame, rows: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """The panel with cells of `columns` replaced in the complexes and years of the rows."""
    out, rows = panel.set_index(["complex_id", "year"]), rows.set_index(["complex_id", "year"])
    rows = rows[rows.index.isin(out.index)]
    for name in columns:
        if name in out:
            out[name] = out[name].astype(float)
            out.loc[rows.index, name] = rows[name].astype(float)
        if f"{name}_status" in out:
            out.loc[rows.index, f"{name}_status"] = cell_status(rows, name)
    return out.reset_index()


def comparison_groups(tables: dict[str, pd.DataFrame], outcome: dict, spec: dict) -> list[dict]:
    """Against other comparison groups than the specification's."""
    cases = {
        "not_yet_treated": {"comparison": "not_yet_treated"}, "never_treated": {"comparison": "never_treated"},
        "national": {"comparison_types": ["national"]}, "other_zones": {"exclude_same_zone": True},
        "matched": {"matching": {"neighbours": 3, "by": ["level", "growth"]}},
    }  # fmt: skip
    used = {name: change for name, change in cases.items() if any(spec[key] != value for key, value in change.items())}
    return [_row("comparison", name, lambda change=change: _sample(tables, outcome, spec | change)[0], spec | change) for name, change in used.items()]


def balance(data: pd.DataFrame, panel: pd.DataFrame, columns: Iterable[str]) -> pd.DataFrame:
    """How alike participants and their comparison group were in the panel's first year, and in growth before they joined.

        d = (mean of participants - mean of non-participants) / sqrt((variance of one + variance of the other) / 2)

    Values beyond 0.25 are beyond what regression mends reliably (Imbens and Rubin 2015, Causal Inference, ch. 14); those of a few complexes stray
    that far by chance.

    Args:
        data: the estimation panel, whose `weight` counts where it has one; panel: `complex_id`, `year` and the columns.

    Returns:
        `part` ("overall" or a cohort), `trait` (`<column>` for the log in the first year, `<column>_growth` for its mean yearly change in logs
        until the last year before the part, or the first of all cohorts, joined), `participants`, `non_participants` (means), `difference`
        (standardised).
    """
    first = int(data["year"].min())
    units = data.groupby("complex_id").agg(cohort=("cohort", "first"))
    units["weight"] = data.groupby("complex_id")["weight"].first() if "weight" in data else 1.0
    cohorts = sorted(units.loc[units["cohort"] > 0, "cohort"].unique())
    wide = {column: np.log(panel.pivot(index="complex_id", columns="year", values=column).astype(float).where(lambda value: value > 0)).reindex(units.index) for column in columns}
    rows = []
    for part, joined in (("overall", cohorts), *((str(cohort), [cohort]) for cohort in cohorts)):
        groups = [units.index[units["cohort"].isin(joined)], units.index[units["cohort"] == 0]]
        last = int(min(joined)) - 1
        for column, logs in wide.items():
            traits = {column: logs[first]} | ({f"{column}_growth": (logs[last] - logs[first]) / (last - first)} if last > first else {})
            rows += [(part, name, *_standardised(value, units["weight"], groups)) for name, value in traits.items()]
    return pd.DataFrame(rows, columns=["part", "trait", "participants", "non_participants", "difference"])


def _standardised(value: pd.Series, weight: pd.Series, groups: list[pd.Index]) -> tuple[float, float, float]:
    """Means of the two groups, and their difference in standard deviations."""
    means, variances = [], []
    for group in groups:
        own = value[group].dropna()
        mean = np.average(own, weights=weight[own.index]) if len(own) else np.nan
        means.append(mean)
        variances.append(np.average((own - mean) ** 2, weights=weight[own.index]) * len(own) / max(1, len(own) - 1) if len(own) else np.nan)
    spread = np.sqrt(sum(variances) / 2)
    return means[0], means[1], (means[0] - means[1]) / spread if spread > 0 else np.nan


def composition(tables: dict[str, pd.DataFrame], outcome: dict, spec: dict, firms: str = "operating_firms") -> pd.DataFrame:
    """How far the effect on a total is one on how many firms there are, by entry and exit, and how far one on each of them.

    On the same complexes the log of a total is that of the number of firms plus that of the value per firm, so that the two effects
    add up to the first exactly.

    Returns:
        `part` (`total`, `firms`, `per_firm`), `estimate`, `lower`, `upper`, in log points.

    Raises:
        UserError: an outcome that is no logarithm of a total.
    """
    if outcome["transform"] != "log" or "per" in outcome:
        raise UserError(f"{outcome['id']} is no logarithm of a total; its effect cannot be split.", f"{outcome['id']}은(는) 총량의 로그가 아니어서 효과를 나눌 수 없습니다.")
    column = outcome.get("of", outcome["id"])
    per_firm = outcome | {"id": f"{column}_per_firm", "of": column, "per": firms}
    number = {"id": firms, "transform": "log"}
    samples = {"total": _sample(tables, outcome, spec)[0], "firms": _sample(tables, number, spec)[0], "per_firm": _sample(tables, per_firm, spec)[0]}
    shared = set.intersection(*(set(data["complex_id"]) for data in samples.values()))
    rows = []
    for part, data in samples.items():
        found = estimate(panel_design(data[data["complex_id"].isin(shared)], spec), "cs")
        rows.append((part, found.estimate, found.lower, found.upper))
    return pd.DataFrame(rows, columns=["part", "estimate", "lower", "upper"])


def turnover(tables: dict[str, pd.DataFrame], outcome: dict, spec: dict) -> pd.DataFrame:
    """Whether a change in the number of firms is one in how many enter, or in how many leave.

        entry rate = firms entering in a year / firms operating the year before, exit rate likewise

    The complexes are those of the main estimate whose two rates are known in every year in which any is, with their weights and
    covariates there. Those years begin after the panel's first, so that a cohort that joined in the first of them has no year before and
    is left out. The difference of the two rates is the growth of the number of firms.

    Args:
        tables: `panel`, `complexes`, `price_index` and `firm_turnover`; outcome: whose estimate is the main one.

    Returns:
        `part` (`entry_rate`, `exit_rate`), `estimate`, `lower`, `upper` (shares: 0.01 is a point of per cent), `p`, `rate` (mean among
        non-participants, all years, weighted as they are), `n_treated`, `n_units`, `first`, `last` (years).

    Raises:
        UserError: no such table, or one without rates of two years, or of participants and non-participants in every year.
    """
    moves = tables.get("firm_turnover")
    if moves is None or moves.empty:
        raise UserError("firm_turnover is not given; how many firms entered and left is not known.", "firm_turnover 표가 없어 진입·퇴출 업체 수를 알 수 없습니다.")
    main = _sample(tables, outcome, spec)[0]
    panel = _with_rates(tables["panel"], moves)
    panel = panel[panel["complex_id"].isin(main["complex_id"])]
    years = sorted(set(panel.loc[panel[["entry_rate", "exit_rate"]].notna().all(axis=1), "year"]))
    panel = panel[panel["year"].isin(years)]
    if len(years) < 2 or years[-1] - years[0] >= len(years):
        listed = ", ".join(map(str, years)) or "–"
        raise UserError(
            f"firm_turnover: gives entry and exit rates of these years only: {listed}; two or more without a gap are needed. Add the rows.",
            f"firm_turnover: 진입률과 퇴출률을 알 수 있는 해가 {listed}뿐입니다. 빠진 해 없이 두 해 이상이 필요합니다. 행을 추가하십시오.",
        )
    # Who is compared with whom, and with what weight, is settled by the main estimate.
    own = spec | {key: DEFAULTS[key] for key in ("cohorts", "comparison_types", "exclude_same_zone", "matching", "covariates", "weights")}
    settled = main.groupby("complex_id").first()
    settled = settled[[name for name in settled if name == "weight" or str(name).startswith(COVARIATE)]]
    samples = {part: _sample(tables | {"panel": panel}, {"id": part, "transform": "identity"}, own)[0] for part in ("entry_rate", "exit_rate")}
    shared = set.intersection(*(set(data["complex_id"]) for data in samples.values()))
    rows = []
    for part, data in samples.items():
        data = data[data["complex_id"].isin(shared)].join(settled, on="complex_id")
        found = estimate(panel_design(data, spec), "cs")
        others = data[data["cohort"] == 0]
        rate = np.average(others["y"], weights=others.get("weight"))
        rows.append((part, found.estimate, found.lower, found.upper, found.p, rate, found.n_treated_units, found.n_units, years[0], years[-1]))
    return pd.DataFrame(rows, columns=["part", "estimate", "lower", "upper", "p", "rate", "n_treated", "n_units", "first", "last"])


def _with_rates(panel: pd.DataFrame, moves: pd.DataFrame) -> pd.DataFrame:
    """The panel with `entry_rate` and `exit_rate`, missing where they are not known or no firm operated the year before."""
    keys = ["complex_id", "year"]
    before = panel[[*keys, "operating_firms"]].assign(year=panel["year"] + 1).rename(columns={"operating_firms": "before"})
    out = panel.merge(before, on=keys, how="left").merge(moves[[*keys, "entering_firms", "exiting_firms"]], on=keys, how="left")
    firms = out["before"].astype(float).where(out["before"] > 0)
    return out.assign(**{part: out[name].astype(float) / firms for part, name in (("entry_rate", "entering_firms"), ("exit_rate", "exiting_firms"))})


def influence(data: pd.DataFrame, spec: dict, most: int = 10) -> pd.DataFrame:
    """The complexes that move the estimate most: by how much it would change, to first order, without each.

    Returns:
        `complex_id`, `cohort`, `change` (log points; leaving the complex out changes the estimate by about this), the largest first.
    """
    # Of each complex, whatever is taken as independent.
    plan = panel_design(data, spec | {"cluster": "complex"})
    found = estimate(plan, "cs")
    if found.influence is None:
        return pd.DataFrame(columns=["complex_id", "cohort", "change"])
    rows = pd.DataFrame({"complex_id": plan.names, "cohort": plan.first, "change": -found.influence / len(found.influence)})
    return rows.reindex(rows["change"].abs().sort_values(ascending=False, kind="stable").index).head(most).reset_index(drop=True)


def _sample(tables: dict[str, pd.DataFrame], outcome: dict, spec: dict) -> tuple[pd.DataFrame, dict[str, int]]:
    return estimation_panel(tables["panel"], tables["complexes"], tables["price_index"], outcome, spec)


def _row(check: str, case: str, sample: Callable[[], pd.DataFrame], spec: dict, **changes) -> dict:
    try:
        data = sample()
        found = estimate(panel_design(data, spec, **changes), "cs")
    except UserError as error:
        return {"check": check, "case": case, "why": str(error)}
    return {
        "check": check, "case": case, "estimate": found.estimate, "se": found.se, "lower": found.lower, "upper": found.upper, "p": found.p,
        "n_treated": found.n_treated_units, "n_units": found.n_units, "why": "",
    }  # fmt: skip
