"""Results of the index notebook to ledger entries."""

import math

import pandas as pd

from evaluation.index.robustness import advantages
from evaluation.index.scheme import leaves, walk
from evaluation.report.ledger import entry, part

MC_TABLES = ["mc_marks", "mini_clusters"]


def index_entries(
    scheme: dict, components: pd.DataFrame, totals: pd.DataFrame, intervals: pd.DataFrame, bootstrap: dict, files: pd.DataFrame
) -> pd.DataFrame:
    """Total, rank, their intervals, and each component's score, weight and contribution.

    `bootstrap`: `level` of the intervals, `draws` and `seed`.
    """
    level = bootstrap["level"]
    entries = []
    for row in totals.merge(intervals, on="headquarters", validate="one_to_one").itertuples():
        name = row.headquarters
        entries.append(
            entry(f"index.total.{name}", row.total, "points", 1, lower=row.total_lower, upper=row.total_upper, level=level)
        )
        entries.append(entry(f"index.rank.{name}", row.rank, "rank", 0, lower=row.rank_lower, upper=row.rank_upper, level=level))
        entries.append(entry(f"index.first.{name}", 100 * row.first, "percent", 0))
    for row in components.itertuples():
        entries.append(entry(f"index.score.{row.headquarters}.{row.component}", row.score, "points", 1))
        entries.append(entry(f"index.contribution.{row.headquarters}.{row.component}", row.contribution, "points", 1))
    ordered = totals.sort_values("total", ascending=False)["total"].to_numpy()
    entries.append(entry("index.gap", ordered[0] - ordered[1], "points", 1))
    entries.append(entry("index.spread", ordered[0] - ordered[-1], "points", 1))
    entries.append(entry("index.count", len(totals), "count", 0))
    settings = [entry(f"index.{name}", bootstrap[name], "count", 0) for name in ("draws", "seed")]
    weights = [entry(f"index.weight.{component['id']}", component["weight"], "weight", _decimals(component["weight"])) for component in scheme["components"]]
    for component in scheme["components"]:
        for leaf, share in leaves(component, 100):
            weights.append(entry(f"index.part.{leaf['id']}.weight", share, "weight", _decimals(share)))
            for end in ("lower", "upper") if "scale" in leaf else ():
                limit = leaf["scale"][end]
                weights.append(entry(f"index.part.{leaf['id']}.{end}", limit, "points", _decimals(limit)))
            if "cap" in leaf:
                weights.append(entry(f"index.part.{leaf['id']}.cap", leaf["cap"]["value"], "percent", _decimals(leaf["cap"]["value"])))
    return pd.concat(
        [
            part(entries, [*_used(scheme), "mini_clusters"], "evaluation.index.score.score; evaluation.index.uncertainty.intervals", files),
            part(settings, [], "notebooks/2_index.ipynb", files),
            part(weights, [], _scheme_file(scheme), files),
        ],
        ignore_index=True,
    )


def agreement_entries(measures: pd.DataFrame, severe: pd.DataFrame, level: float, files: pd.DataFrame) -> pd.DataFrame:
    """How far the evaluators of mini clusters agree, and how far the most lenient lies from the most severe.

    Args:
        measures, severe: of `evaluation.index.agreement.committee_agreement`; level: of the intervals.

    Returns:
        a ledger part; empty where nothing can be told.
    """
    names = {"ICC(2,1)": "one", "ICC(2,k)": "mean", "kendall_w": "kendall_w"}
    entries = [
        entry(f"index.agreement.{name}", measures.at[measure, "value"], "coefficient", 2, lower=measures.at[measure, "lower"], upper=measures.at[measure, "upper"], level=level)
        for measure, name in names.items() if measure in measures.index and measures.at[measure, "value"] == measures.at[measure, "value"]
    ]  # fmt: skip
    if len(severe) > 1:
        entries.append(entry("index.agreement.severity_range", severe["effect"].max() - severe["effect"].min(), "points", 1))
    return part(entries, ["mc_marks"] if entries else [], "evaluation.index.agreement", files)


def grade_entries(scheme: dict, totals: pd.Series, grades: pd.Series, shares: pd.DataFrame, files: pd.DataFrame) -> pd.DataFrame:
    """Each headquarters' grade, as its place among the bands (1 the best), how often draws reach each, and what it lacks to the next.

    Args:
        totals: headquarters -> total.
        grades: headquarters -> grade, missing where the total lies below the last band.
        shares: of `evaluation.index.uncertainty.grade_shares`.

    Returns:
        a ledger part; empty where the scheme has no bands.
    """
    bands = [band["grade"] for band in scheme["grades"]]
    entries = [entry(f"index.grade.{name}", bands.index(grade) + 1 if grade in bands else math.nan, "grade", 0) for name, grade in grades.items()] if bands else []
    for name, total in totals.items():
        above = [band["lower"] for band in scheme["grades"] if band["lower"] > total]
        if above:
            entries.append(entry(f"index.next_grade.{name}", min(above) - total, "points", 1))
    entries += [entry(f"index.grade_share.{name}.{band}", 100 * shares.at[name, band], "percent", 0) for name in shares.index for band in bands]
    bounds = [entry(f"index.grade_bound.{band['grade']}", band["lower"], "points", _decimals(band["lower"])) for band in scheme["grades"] if band["lower"] > -math.inf]
    for key in ("over", "years", "difficulty"):
        bounds.append(entry(f"index.easy_targets.{key}", scheme["easy_targets"][key], {"over": "percent", "years": "count", "difficulty": "points"}[key], _decimals(scheme["easy_targets"][key])))
    bounds.append(entry("index.smallest_group", scheme["smallest_group"]["value"], "count", 0))
    return pd.concat(
        [
            part(entries, [*_used(scheme), "mini_clusters"], "evaluation.index.tree.grades; evaluation.index.uncertainty.grade_shares", files),
            part(bounds, [], _scheme_file(scheme), files),
        ],
        ignore_index=True,
    )


def robustness_entries(scheme: dict, found: dict, data: pd.DataFrame, settings: dict, files: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, pd.DataFrame]]:
    """What the ranking hangs on: weights, choices, who evaluated and answered, components, single evaluators; and strengths.

    Args:
        found: of `evaluation.index.robustness.robustness`, its draws over weights too; data: the long table it was found on.
        settings: `level`, `concentration`, `points`.

    Returns:
        a ledger part; and tables of what has no number: `swaps` (ahead, behind, from, to, reason) and `drivers` (evaluator, units).
    """
    entries = []
    for row in found["units"].itertuples():
        entries.append(entry(f"index.rank_weights.{row.unit}", row.rank, "rank", 0, lower=row.rank_lower, upper=row.rank_upper, level=settings["level"]))
    additive = all(node["aggregate"]["rule"] == "arithmetic" for node in walk(scheme["root"]) if "parts" in node)
    for row in advantages(scheme, data).itertuples() if additive else ():
        entries.append(entry(f"index.advantage.{row.unit}.{row.node}", row.points, "points", 1))
    for row in found["choices"].itertuples():
        entries += [entry(f"index.choices.{name}.{row.unit}", getattr(row, name), "rank", 0) for name in ("best", "worst")]
    if not found["choices"].empty:
        entries.append(entry("index.choices.moved", int((found["choices"]["best"] != found["choices"]["worst"]).sum()), "count", 0))
    entries.append(entry("index.choices.count", 0 if found["choices"].empty else int(found["choices"]["combinations"].iloc[0]), "count", 0))
    sobol = found["sobol"]
    for row in (sobol[sobol["output"] == "shift"] if not sobol.empty else sobol).itertuples():
        for name in ("first", "total"):
            share, lower, upper = (100 * getattr(row, f"{name}{end}") for end in ("", "_lower", "_upper"))
            entries.append(entry(f"index.sobol.{row.input}.{name}", share, "percent", 0, lower=lower, upper=upper, level=settings["level"]))
    swaps = pd.DataFrame(columns=["ahead", "behind", "from", "to", "reason"])
    if not found["swaps"].empty:
        swaps = found["swaps"][found["swaps"]["version"] == "any"].reset_index(drop=True)
        for number, row in enumerate(swaps.itertuples(), start=1):
            entries += [entry(f"index.swap.{number}.gap", row.gap, "points", 1), entry(f"index.swap.{number}.moved", row.moved, "weight", 1)]
            entries += [entry(f"index.swap.{number}.weight.{part['id']}", getattr(row, f"weight_{part['id']}"), "weight", 1) for part in scheme["components"]]
        for row in found["stability"].itertuples():
            entries += [entry(f"index.stable.{row.component}.{end}", getattr(row, end), "weight", 1) for end in ("lower", "upper")]
        for row in found["without"].itertuples():
            entries.append(entry(f"index.without.{getattr(row, 'without')}.{row.unit}", row.rank_change, "rank", 0))
    drivers = found["drivers"] if not found["drivers"].empty else pd.DataFrame(columns=["evaluator", "units", "largest_change"])
    if not found["evaluators"].empty:
        entries.append(entry("index.drivers.evaluators", found["evaluators"]["evaluator"].nunique(), "count", 0))
        entries.append(entry("index.drivers.count", len(drivers), "count", 0))
    of_run = [entry("index.concentration", settings["concentration"], "count", 0), entry("index.points", settings["points"], "count", 0)]
    ledger = pd.concat(
        [
            part(entries, [*_used(scheme), "mini_clusters"], "evaluation.index.robustness.robustness", files),
            part(of_run, [], "notebooks/2_index.ipynb", files),
        ],
        ignore_index=True,
    )
    tables = {"swaps": swaps[["ahead", "behind", "from", "to", "reason"]], "drivers": drivers[["evaluator", "units"]].assign(units=[" ".join(names) for names in drivers["units"]])}
    return ledger, tables


def mini_cluster_entries(marks: pd.DataFrame, files: pd.DataFrame) -> pd.DataFrame:
    """Each mini cluster's mean mark, how many marks it has, the lowest and the highest.

    Args:
        marks: the table mc_marks.
    """
    given = marks.dropna(subset="mark").groupby("mc_id")["mark"].agg(["mean", "size", "min", "max"])
    units = {"mean": ("points", 1), "size": ("count", 0), "min": ("points", 1), "max": ("points", 1)}
    entries = [entry(f"index.mc.{row.Index}.{name}", getattr(row, name), *units[name]) for row in given.itertuples() for name in units]
    return part(entries, MC_TABLES, "evaluation.report.index_entries.mini_cluster_entries", files)


def target_entries(targets: pd.DataFrame, files: pd.DataFrame) -> pd.DataFrame:
    """Target, result and achievement of every quantitative indicator, and how many years running it was over-achieved.

    Args:
        targets: of `evaluation.index.targets.easy_targets`, with the column `table` the indicator comes from; files: of
            this and the earlier years.
    """
    entries = []
    for row in targets.itertuples():
        stem = f"index.target.{row.unit}.{row.indicator}"
        digits = int(any(value % 1 != 0 for value in (row.target, row.actual) if value == value))
        entries += [
            entry(f"{stem}.target", row.target, "as_entered", digits), entry(f"{stem}.actual", row.actual, "as_entered", digits),
            entry(f"{stem}.ratio", row.ratio, "percent", 1), entry(f"{stem}.over_years", row.over_years, "count", 0),
        ]  # fmt: skip
    for name in ("over_achieved", "low_difficulty", "below_last_actual"):
        entries.append(entry(f"index.targets.{name}", int(targets[name].sum()), "count", 0))
    entries.append(entry("index.targets.flagged", int((targets["flags"] > 0).sum()), "count", 0))
    entries.append(entry("index.targets.count", len(targets), "count", 0))
    return part(entries, [*sorted(targets["table"].unique()), "difficulty_marks"], "evaluation.index.targets.easy_targets", files)


def survey_entries(surveys: dict[str, pd.DataFrame], level: float, files: pd.DataFrame) -> pd.DataFrame:
    """Satisfaction by group of respondents, with intervals, response rates and, where known, weights; small groups left out.

    Args:
        surveys: leaf of the scheme -> `evaluation.index.satisfaction.by_group`.
    """
    entries = []
    for leaf, found in surveys.items():
        # No more digits than are printed, and no interval of the whole where groups are hidden: from a mean, a spread and the
        # number of answers to the last digit the answers of a small group could be worked out.
        found = found.round({name: 1 for name in found.columns if found[name].dtype.kind == "f"})
        hidden = found.groupby("unit")["suppressed"].transform("any")
        found.loc[hidden, [name for name in found if name.endswith(("lower", "upper"))]] = math.nan
        for row in found.itertuples():
            stem = f"index.survey.{leaf}.{row.unit}.{row.group}"
            entries.append(entry(f"{stem}.score", row.score, "points", 1, lower=row.lower, upper=row.upper, level=level))
            entries.append(entry(f"{stem}.respondents", float(row.respondents) if pd.notna(row.respondents) else math.nan, "count", 0))
            if pd.notna(row.response_rate):
                entries.append(entry(f"{stem}.response_rate", row.response_rate, "percent", 0))
            if row.group == "all" and pd.notna(row.weighted_score):
                entries.append(entry(f"{stem}.weighted", row.weighted_score, "points", 1, lower=row.weighted_lower, upper=row.weighted_upper, level=level))
        entries.append(entry(f"index.survey.{leaf}.suppressed", int(found["suppressed"].sum()), "count", 0))
    there = [name for name in ("satisfaction", "satisfaction_invited") if name in set(files["table"])]
    return part(entries, there, "evaluation.index.satisfaction.by_group", files)


def change_entries(parts: pd.DataFrame, units: pd.DataFrame, before: int, scheme: dict, files: pd.DataFrame) -> pd.DataFrame:
    """How each headquarters' total and rank changed since the year before, and what made them change.

    Args:
        parts, units: of `evaluation.index.change.decompose`; before: the earlier year; files: of both years.
    """
    entries = [entry("index.change.since", before, "year", 0), entry("index.change.units", len(units), "count", 0)]
    for row in units.itertuples():
        stem = f"index.change.{row.unit}"
        entries += [entry(f"{stem}.total_{name}", getattr(row, f"total_{name}"), "points", 1) for name in ("before", "after", "change")]
        entries += [entry(f"{stem}.rank_{name}", getattr(row, f"rank_{name}"), "rank", 0) for name in ("before", "after", "change")]
    for row in parts.itertuples():
        stem = f"index.change_part.{row.unit}.{row.part}"
        entries += [entry(f"{stem}.total", row.total_change, "points", 1), entry(f"{stem}.rank", row.rank_change, "rank", 1)]
    return part(entries, [*_used(scheme), "mini_clusters"], "evaluation.index.change.decompose", files)


def _used(scheme: dict) -> list[str]:
    """The tables that the scheme scores."""
    return sorted({leaf["table"] for component in scheme["components"] for leaf, _ in leaves(component)})


def _scheme_file(scheme: dict) -> str:
    return f"evaluation/specs/index/{scheme['carried_from'] or scheme['year']}.yml"


def _decimals(value: float) -> int:
    """As many decimals as a figure of the scheme has, up to two."""
    return next((digits for digits in (0, 1) if round(value, digits) == round(value, 6)), 2)
