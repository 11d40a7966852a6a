"""Results to ledger entries: one function per analysis notebook."""

import math
import re

import pandas as pd

from evaluation.audit.verdicts import VERDICTS
from evaluation.report.ledger import entry, part
from evaluation.sources.census import Census, hidden
from evaluation.sources.systems import agreement, by_headquarters, of_different_origin
from evaluation.sources.tables import NO_FIGURE, TABLES, cell_status

# What the report shows of a census: a year's figures, in KRW mn, USD thousand and persons.
CENSUS_MEASURES = ("production", "exports", "employment")


def data_entries(tables: dict[str, pd.DataFrame], files: pd.DataFrame, units: tuple[str, ...]) -> pd.DataFrame:
    """What the inputs hold: complexes, panel cells by status, marks and answers.

    Args:
        tables, files: of the year's `evaluation.sources.check.Inputs`; units: the headquarters of the year.
    """
    complexes, panel, marks, answers = (tables[name] for name in ("complexes", "panel", "mc_marks", "satisfaction"))
    participants = complexes["role"] != "non_participant"
    registry = [
        entry("data.complexes.participants", int(participants.sum()), "count", 0),
        entry("data.complexes.non_participants", int((~participants).sum()), "count", 0),
        entry("data.complexes.counted", int(complexes["counted"].sum()), "count", 0),
        entry("data.complexes.hubs", int((complexes["role"] == "hub").sum()), "count", 0),
        entry("data.complexes.spokes", int((complexes["role"] == "spoke").sum()), "count", 0),
        entry("data.complexes.inferred", int((complexes["basis"] == "inferred").sum()), "count", 0),
    ]
    registry += [
        entry(f"data.complexes.cohort.{int(cohort)}", count, "count", 0)
        for cohort, count in complexes["first_treated"].dropna().value_counts().sort_index().items()
    ]
    cells = [
        entry("data.panel.complexes", panel["complex_id"].nunique(), "count", 0),
        entry("data.panel.rows", len(panel), "count", 0),
        entry("data.panel.first_year", int(panel["year"].min()), "year", 0),
        entry("data.panel.last_year", int(panel["year"].max()), "year", 0),
    ]
    for name in panel.select_dtypes("number").columns.drop("year"):
        status = cell_status(panel, name)
        zero = (status == "observed") & (panel[name] == 0)
        for state, count in {
            "observed": ((status == "observed") & ~zero).sum(),
            "zero": zero.sum(),
            **{kind: (status == kind).sum() for kind in NO_FIGURE.values()},
        }.items():
            cells.append(entry(f"data.panel.{name}.{state}", int(count), "count", 0))
    evaluation = [
        entry("data.marks.mini_clusters", marks["mc_id"].nunique(), "count", 0),
        entry("data.marks.evaluators", marks["evaluator"].nunique(), "count", 0),
        entry("data.marks.given", int(marks["mark"].notna().sum()), "count", 0),
        entry("data.marks.conflicts", int(marks["conflict_of_interest"].sum()), "count", 0),
        entry("data.marks.unmarked", len(set(tables["mini_clusters"]["mc_id"]) - set(marks.dropna(subset="mark")["mc_id"])), "count", 0),
        entry("data.answers.respondents", answers[["headquarters", "respondent"]].drop_duplicates().shape[0], "count", 0),
        entry("data.answers.given", int(answers["response"].notna().sum()), "count", 0),
        entry("data.answers.blank", int(answers["response"].isna().sum()), "count", 0),
    ]
    differences = []
    for number, row in enumerate(tables["reconciliation"].itertuples(), start=1):
        for column in ("listed", "printed", "difference"):
            differences.append(entry(f"data.reconciliation.{number}.{column}", getattr(row, column), "count", 0))
    # How many rows a file has is a fact about the file, simulated or not; its origin stands beside it.
    rows = [entry(f"data.files.{row.table}.rows", row.rows_used, "count", 0) for row in files.itertuples()]
    code = "evaluation.report.entries.data_entries"
    return pd.concat(
        [
            *_system_entries(tables, files, units),
            part(rows, [], "evaluation.sources.check.check_inputs", files),
            part(registry, ["complexes"], code, files),
            part(cells, ["panel"], code, files),
            part(evaluation, ["mc_marks", "mini_clusters", "satisfaction"], code, files),
            part(differences, ["reconciliation"], code, files),
        ],
        ignore_index=True,
    )


def _system_entries(tables: dict[str, pd.DataFrame], files: pd.DataFrame, units: tuple[str, ...]) -> list[pd.DataFrame]:
    """What the exports of the programme's systems add up to, and how far they agree with the marks; nothing without exports."""
    origins = files.set_index("table")["origin"].to_dict()
    there = [name for name, table in TABLES.items() if table.group == "programme" and name in origins]
    parts = []
    for name in there:
        # Each figure rests on its own export, and on the registry where that says whose mini cluster it is.
        own = [name] if "headquarters" in tables[name] else [name, "mini_clusters"]
        known = by_headquarters({other: frame if other in own else frame.iloc[:0] for other, frame in tables.items()} | {"mini_clusters": tables["mini_clusters"]}, units)
        sums = [
            entry(f"data.systems.{headquarters}.{column}", row[column], *_system_unit(column))
            for headquarters, row in known.iterrows() for column in known.columns
        ]  # fmt: skip
        sums += [entry(f"data.systems.all.{column}", known[column].sum(), *_system_unit(column)) for column in known.columns.drop("execution", errors="ignore")]
        if "budget" in known:
            sums.append(entry("data.systems.all.execution", 100 * known["executed"].sum() / known["budget"].sum(), *_system_unit("execution")))
            sums.append(entry("data.systems.as_of", int(f"{tables[name]['as_of'].max():%Y%m%d}"), "date", 0))
        if name == "cms_experts":
            sums += [entry(f"data.systems.experts.{sector}", int(count), "count", 0) for sector, count in tables[name]["sector"].value_counts().sort_index().items()]
        if len(known.columns):
            sums.append(entry(f"data.systems.without.{name}", int(known.isna().all(axis=1).sum()), "count", 0))
        if sums:
            parts.append(part(sums, own, "evaluation.sources.systems.by_headquarters", files))
    if not there:
        return []
    compared = agreement(tables, origins, units)
    checks = [
        entry("data.systems.agreement.compared", len(compared), "count", 0),
        entry("data.systems.agreement.differs", int((~compared["agrees"]).sum()), "count", 0),
        entry("data.systems.agreement.of_different_origin", int(of_different_origin(tables, origins)), "count", 0),
    ]
    for row in compared[~compared["agrees"]].itertuples():
        stem = f"data.systems.differs.{row.check}.{row.headquarters}.{row.item or 'projects'}"
        digits = int(row.system % 1 != 0 or row.marks % 1 != 0)
        checks += [entry(f"{stem}.system", row.system, "as_entered", digits), entry(f"{stem}.marks", row.marks, "as_entered", digits)]
    beside = [name for name in ("mini_clusters", "common_indicators", "headquarters_indicators") if name in origins]
    return [*parts, part(checks, [*there, *beside], "evaluation.sources.systems.agreement", files)]


def release_entries(
    releases: pd.DataFrame, cells: pd.DataFrame, census: Census | None, matched: pd.DataFrame, undecided: int, complexes: pd.DataFrame, files: pd.DataFrame
) -> pd.DataFrame:
    """How many rows each release has, and what the latest census says: its own totals, what the masks hide of them, cells by status, and the registry's complexes.

    Visible sums are left out: beside a printed total they would tell what is masked.

    Args:
        releases: of `evaluation.sources.releases.listed`; cells: of `trend_cells` there.
        census: of `evaluation.sources.releases.latest_census`; matched: of `evaluation.sources.crosswalk.to_complexes`;
            undecided: complexes for a person to decide; complexes: the registry.

    Returns:
        a ledger part, empty without releases.
    """
    rows = [entry(f"data.releases.{number}.rows", count, "count", 0) for number, count in enumerate(releases["rows"], start=1)]
    counted = cells.set_index(["release", "measure", "flow", "status"])["cells"]
    for release, measure, flow in dict.fromkeys(key[:3] for key in counted.index):
        for status in ("observed", "masked", "missing"):
            rows.append(entry(f"data.trends.{release}.{measure}.{flow}.{status}", int(counted.get((release, measure, flow, status), 0)), "count", 0))
    if census is None:
        return part(rows, [], "evaluation.sources.releases.listed", files)
    top = census.rows[census.rows["level"] == 0]
    entries = [
        *rows,
        entry("data.census.year", census.year, "year", 0),
        entry("data.census.quarter", census.quarter, "count", 0),
        entry("data.census.rows", len(top), "count", 0),
        entry("data.census.complexes", top["complex"].nunique(), "count", 0),
        entry("data.census.matched", len(matched), "count", 0),
        entry("data.census.undecided", undecided, "count", 0),
        entry("data.census.unnamed", int((complexes["role"] != "non_participant").sum()) - len(matched) - undecided, "count", 0),
    ]
    share = hidden(census)
    for kind in census.printed.index:
        entries.append(entry(f"data.census.total.{kind}.complexes", census.printed.at[kind, "complexes"], "count", 0))
        for measure in CENSUS_MEASURES:
            entries.append(entry(f"data.census.total.{kind}.{measure}", census.printed.at[kind, measure], "count", 0))
            entries.append(entry(f"data.census.hidden.{kind}.{measure}", share.at[kind, measure] if kind in share.index else math.nan, "percent", 1))
    for measure in CENSUS_MEASURES:
        counts = top[f"{measure}_status"].value_counts()
        for status in ("observed", "zero", *NO_FIGURE.values()):
            entries.append(entry(f"data.census.cells.{measure}.{status}", int(counts.get(status, 0)), "count", 0))
        entries += [entry(f"data.census.complex.{row.complex_id}.{measure}", getattr(row, measure), "count", 0) for row in matched.itertuples()]
    return part(entries, [], "evaluation.sources.census; evaluation/specs/crosswalk.csv", files)


def _system_unit(column: str) -> tuple[str, int]:
    """Unit and decimals of a column of `by_headquarters`."""
    return {"support": ("krw_mn", 0), "budget": ("krw_mn", 0), "executed": ("krw_mn", 0), "execution": ("percent", 1)}.get(column, ("count", 0))


def outcome_entries(
    goals: pd.DataFrame, growth: pd.DataFrame, budget: pd.DataFrame, press: pd.DataFrame, press_before: pd.DataFrame,
    targets: dict[str, int], exchange_rate: float, files: pd.DataFrame,
) -> pd.DataFrame:  # fmt: skip
    """Goals and their achievement, growth, budget and the press figures.

    Args:
        press, press_before: growth while the pilots took part, and before.
        targets: number of target complexes as printed, by year; exchange_rate: KRW per USD of the budget.
    """
    goal_entries = []
    for row in goals.itertuples():
        unit, decimals = ("usd_bn", 1) if row.unit == "USD bn" else ("persons_thousand", 0)
        for column in ("base", "goal", "achieved", "goal_printed"):
            goal_entries.append(entry(f"outcomes.goal.{row.indicator}.{column}", getattr(row, column), unit, decimals))
        for column in ("ratio", "ratio_printed"):
            goal_entries.append(entry(f"outcomes.goal.{row.indicator}.{column}", getattr(row, column), "percent", 1))
    growth_entries = [entry(f"outcomes.growth.{row.indicator}.{row.group}", row.value, "percent", 1) for row in growth.itertuples()]
    budget_entries = [entry(f"outcomes.budget.{row.year}", row.total, "usd_mn", 1) for row in budget.itertuples()]
    budget_entries.append(entry("outcomes.budget.total", budget["total"].sum(), "usd_mn", 1))
    budget_entries.append(entry("outcomes.exchange_rate", exchange_rate, "krw_per_usd", 0))
    budget_entries.append(entry("outcomes.budget_differs", int((~budget["agrees"]).sum()), "count", 0))
    target_entries = [entry(f"outcomes.targets.{year}", count, "count", 0) for year, count in targets.items()]
    press_entries = []
    for row in press.itertuples():
        name = row.slug
        press_entries.append(entry(f"outcomes.press.{name}.start", row.start, "trn_krw", 1))
        press_entries.append(entry(f"outcomes.press.{name}.end", row.end, "trn_krw", 1))
        press_entries.append(entry(f"outcomes.press.{name}.growth", row.growth, "percent", 1))
        press_entries.append(entry(f"outcomes.press.{name}.annual", row.annual, "percent", 1))
    press_entries += [entry(f"outcomes.press_before.{row.slug}.annual", row.annual, "percent", 1) for row in press_before.itertuples()]
    module = "evaluation.outcomes.published"
    return pd.concat(
        [
            part(goal_entries, ["goal_achievement", "programme_goals_vision"], f"{module}.goal_achievement", files),
            part(target_entries, ["target_complexes_over_time"], f"{module}.target_complexes", files),
            part(growth_entries, ["growth_2004_2009"], f"{module}.growth", files),
            part(budget_entries, ["budget_by_programme_year"], f"{module}.budget", files),
            part(press_entries, ["press_complex_panel"], "evaluation.outcomes.press.growth", files),
        ],
        ignore_index=True,
    )


def impact_entries(
    results: pd.DataFrame, samples: pd.DataFrame, pretests: pd.DataFrame, answers: pd.DataFrame, level: float, files: pd.DataFrame
) -> pd.DataFrame:
    """Effects in per cent with their intervals and the true effect; samples; pre-trend tests; known answers.

    Args:
        results: rows with RESULT_COLUMNS, `outcome` and `truth` (log points).
        samples: one row per outcome with the counts of `estimation_panel`.
        pretests: one row per outcome: `wald`, `df`, `p_value`.
        answers: of `known_answers`.
    """
    effects, truths = [], {}
    for row in results.itertuples():
        name = _effect_id(row)
        effects.append(
            entry(
                f"impact.{row.outcome}.{row.estimator}.{name}", to_percent(row.estimate), "percent", 1,
                lower=to_percent(row.lower), upper=to_percent(row.upper), level=None if row.reference else level,
            )
        )  # fmt: skip
        if row.estimator == "cs":
            if not math.isnan(row.truth):
                truths[f"impact.{row.outcome}.truth.{name}"] = to_percent(row.truth)
            effects.append(entry(f"impact.{row.outcome}.treated.{name}", row.n_treated, "count", 0))
    counts = [
        entry(f"impact.{row['outcome']}.sample.{column}", row[column], "count", 0)
        for row in samples.to_dict("records")
        for column in samples.columns.drop("outcome")
    ]
    tests = [entry(f"impact.{row.outcome}.pretest", row.p_value, "p_value", 2) for row in pretests.itertuples()]
    known = []
    for row in answers.itertuples():
        for column in ("printed", "ours"):
            known.append(entry(f"impact.known.{row.case}.{row.quantity}.{column}", getattr(row, column), "coefficient", row.digits))
    truth = [entry(name, value, "percent", 1) for name, value in truths.items()]
    inputs = ["panel", "complexes", "price_index"]
    return pd.concat(
        [
            part(effects, inputs, "evaluation.impact.estimators.baseline", files),
            part(truth, ["true_effects"], "evaluation.impact.truth.true_effects", files),
            part(counts, inputs, "evaluation.impact.panel.estimation_panel", files),
            part(tests, inputs, "evaluation.impact.estimators.baseline.callaway_sant_anna", files),
            part(known, [], "evaluation.impact.known_answers.known_answers", files),
        ],
        ignore_index=True,
    )


# Amounts of an outcome as a reader takes them in: divisor, unit of the ledger, decimals.
AMOUNTS = {"production": (1e6, "trn_krw", 2), "exports": (1e6, "usd_bn", 2), "employment": (1e3, "persons_thousand", 1)}


def estimator_entries(
    estimates: dict[str, list], parts: dict[str, pd.DataFrame], amounts: dict[str, dict[str, float]], year: int, level: float,
    files: pd.DataFrame,
) -> pd.DataFrame:  # fmt: skip
    """Several estimators on the same rows, what two-way fixed effects are made of, and the effect of a year as an amount.

    Args:
        estimates: outcome -> results of `evaluation.impact.estimators.estimate`, in log points.
        parts: outcome -> `evaluation.impact.bacon.by_type`; amounts: outcome -> `evaluation.impact.natural.attributable` of `year`.
    """
    entries = [entry("impact.amount_year", year, "year", 0)]
    for outcome, results in estimates.items():
        for found in results:
            lower, upper = to_percent(found.lower), to_percent(found.upper)
            entries.append(entry(f"impact.{outcome}.agreement.{found.estimator}", to_percent(found.estimate), "percent", 1, lower=lower, upper=upper, level=found.level))
        shown = [to_percent(found.estimate) for found in results]
        if not shown:
            continue
        entries += [entry(f"impact.{outcome}.agree.{name}", value, "percent", 1) for name, value in (("lowest", min(shown)), ("highest", max(shown)))]
        entries.append(entry(f"impact.{outcome}.agree.count", len(shown), "count", 0))
    for outcome, found in parts.items():
        for row in found.itertuples():
            entries.append(entry(f"impact.{outcome}.bacon.{row.type}.weight", 100 * row.weight, "percent", 1))
            entries.append(entry(f"impact.{outcome}.bacon.{row.type}.estimate", to_percent(row.estimate), "percent", 1))
    for outcome, found in amounts.items():
        divisor, unit, decimals = AMOUNTS.get(outcome, (1, "count", 0))
        total, effect, lower, upper = (found[name] / divisor for name in ("total", "effect", "lower", "upper"))
        entries.append(entry(f"impact.{outcome}.amount.total", total, unit, 1))
        entries.append(entry(f"impact.{outcome}.amount.effect", effect, unit, decimals, lower=lower, upper=upper, level=level))
    return part(entries, ["panel", "complexes", "price_index"], "evaluation.impact.estimators; evaluation.impact.bacon; evaluation.impact.natural", files)


def subgroup_entries(found: dict[tuple[str, str], pd.DataFrame], level: float, files: pd.DataFrame) -> pd.DataFrame:
    """Effects on groups of participants.

    Args:
        found: (outcome, kind of group such as `type`) -> `evaluation.impact.subgroups.by_group`.
    """
    entries = []
    for (outcome, kind), groups in found.items():
        for row in groups.itertuples():
            stem = f"impact.{outcome}.by_{kind}.{row.group}"
            entries.append(entry(f"{stem}.effect", to_percent(row.estimate), "percent", 1, lower=to_percent(row.lower), upper=to_percent(row.upper), level=level))
            entries.append(entry(f"{stem}.n_treated", row.n_treated, "count", 0))
    return part(entries, ["panel", "complexes", "price_index"], "evaluation.impact.subgroups.by_group", files)


def beyond_entries(productivity: object, neighbours: dict[str, object], spec: dict, files: pd.DataFrame) -> pd.DataFrame:
    """The effect on participants' productivity, and on neighbours that take no part.

    Args:
        productivity: result of `evaluation.impact.estimators.estimate`, or None; neighbours: outcome -> result; spec: the specification.
    """
    entries = [entry("impact.productivity.labour_share", 100 * spec["productivity"]["labour_share"], "percent", 0), entry("impact.anticipation", spec["anticipation"], "count", 0)]
    named = {"impact.productivity": productivity} | {f"impact.{outcome}.neighbours": found for outcome, found in neighbours.items()}
    for stem, found in named.items():
        if found is not None:
            entries.append(entry(f"{stem}.effect", to_percent(found.estimate), "percent", 1, lower=to_percent(found.lower), upper=to_percent(found.upper), level=found.level))
            entries.append(entry(f"{stem}.n_treated", found.n_treated_units, "count", 0))
    return part(entries, ["panel", "complexes", "price_index"], "evaluation.impact.productivity; evaluation.impact.spillovers", files)


def audit_entries(results: pd.DataFrame) -> pd.DataFrame:
    """Counts by verdict, and for each relation that does not hold the printed and the computed figure.

    Args:
        results: of `evaluation.audit.verdicts.audit`.
    """
    counts = results["verdict"].value_counts()
    entries = [entry(f"audit.count.{verdict}", int(counts.get(verdict, 0)), "count", 0) for verdict in VERDICTS]
    entries.append(entry("audit.count.all", len(results), "count", 0))
    for row in results[results["verdict"] == "fails"].itertuples():
        digits = len(row.printed.split(".")[1]) if re.fullmatch(r"-?[\d,]+\.\d+", row.printed) else 0
        printed = (row.printed_lower + row.printed_upper) / 2
        entries.append(entry(f"audit.fails.{slug(row.id)}.printed", printed, "printed", digits))
        # One digit more than printed, where rounding would hide the difference.
        more = digits + (round(row.computed, digits) == round(printed, digits))
        entries.append(entry(f"audit.fails.{slug(row.id)}.computed", row.computed, "printed", more))
    files = pd.DataFrame({"table": [], "origin": []})
    return part(entries, [], "evaluation.audit.verdicts.audit; evaluation/specs/audit.yml", files)


def slug(id: str) -> str:
    """A relation's id as one part of a ledger id."""
    return id.replace(".", "-")


def to_percent(log_points: float) -> float:
    """A difference in logs as a per cent change: 100 (exp(b) - 1)."""
    return 100 * math.expm1(log_points)


def _effect_id(row: object) -> str:
    """`overall`, `cohort.2005`, `event.-3`, `cohort_event.2005.2`."""
    parts = [row.term]
    if not math.isnan(row.cohort):
        parts.append(str(int(row.cohort)))
    if not math.isnan(row.event_time):
        parts.append(str(int(row.event_time)))
    return ".".join(parts)
