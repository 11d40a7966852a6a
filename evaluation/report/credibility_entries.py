"""Checks of the impact estimates to ledger entries."""

import pandas as pd

from evaluation.report.entries import to_percent
from evaluation.report.ledger import entry, part

INPUTS = ["panel", "complexes", "price_index"]


def check_entries(checks: dict[str, pd.DataFrame], level: float, files: pd.DataFrame) -> pd.DataFrame:
    """The main estimate with one thing changed: `credibility.OUTCOME.CHECK.CASE`, in per cent; of checks by complex and zone the range.

    Args:
        checks: outcome -> `evaluation.impact.sensitivity.falsification.checks`.
    """
    entries, otherwise = [], []
    for outcome, rows in checks.items():
        found = rows.dropna(subset="estimate")
        for row in found.itertuples():
            if row.check in ("without_complex", "without_zone"):
                continue
            stem = f"credibility.{outcome}.{row.check}" + (f".{row.case}" if row.case else "")
            own = otherwise if row.check == "figures" else entries
            own += [_effect(stem, row, level), entry(f"{stem}.n_treated", row.n_treated, "count", 0)]
        for check in ("without_complex", "without_zone"):
            own = found[found["check"] == check].sort_values("estimate", kind="stable")
            if len(own):
                entries.append(entry(f"credibility.{outcome}.{check}.count", len(own), "count", 0))
                entries += [_effect(f"credibility.{outcome}.{check}.{end}", next(own.iloc[[place]].itertuples()), level) for end, place in (("lowest", 0), ("highest", -1))]
    code = "evaluation.impact.sensitivity.falsification.checks"
    parts = [part(entries, INPUTS, code, files)]
    # Only these rest on the table of figures counted otherwise, which may not be there.
    parts += [part(otherwise, [*INPUTS, "panel_variants"], code, files)] if otherwise else []
    return pd.concat(parts, ignore_index=True)


def effect_entries(effects: dict[str, pd.DataFrame], level: float, files: pd.DataFrame) -> pd.DataFrame:
    """`credibility.OUTCOME.effect.PART` with the interval of the inference that suits the design, and its p-value; `.usual`: with the usual one.

    Args:
        effects: outcome -> `evaluation.impact.credibility.effects`.
    """
    entries = []
    for outcome, rows in effects.items():
        for row in rows.itertuples():
            stem = f"credibility.{outcome}.effect.{row.part}"
            usual = row._replace(lower=row.usual_lower, upper=row.usual_upper)
            entries += [_effect(stem, row, level), _effect(f"{stem}.usual", usual, level), entry(f"{stem}.p", row.p, "p_value", 3), entry(f"{stem}.n_treated", row.n_treated, "count", 0)]
    return part(entries, INPUTS, "evaluation.impact.credibility.effects", files)


def before_entries(before: dict[str, pd.DataFrame], level: float, files: pd.DataFrame) -> pd.DataFrame:
    """`credibility.OUTCOME.before.COHORT`: difference in growth a year before the cohort joined, with its p-value.

    Args:
        before: outcome -> `evaluation.impact.credibility.before_joining`.
    """
    entries = []
    for outcome, rows in before.items():
        for row in rows.itertuples():
            stem = f"credibility.{outcome}.before.{row.part}"
            entries += [_effect(stem, row, level), entry(f"{stem}.p", row.p, "p_value", 3)]
    return part(entries, INPUTS, "evaluation.impact.credibility.before_joining", files)


def sensitivity_entries(sensitivity: dict[str, dict], levels: dict[str, tuple[int, str]], level: float, files: pd.DataFrame) -> pd.DataFrame:
    """What violations of parallel trends would leave: `credibility.OUTCOME.honest.PERCENT` (of the worst violation before joining) and more.

    Args:
        sensitivity: outcome -> `evaluation.impact.credibility.sensitivity`; levels: outcome -> level of evidence and its reason.
    """
    entries = []
    for outcome, found in sensitivity.items():
        stem = f"credibility.{outcome}"
        entries.append(entry(f"{stem}.level", levels[outcome][0], "count", 0))
        if "bounds" not in found:
            continue
        for row in found["bounds"].itertuples():
            entries.append(_interval(f"{stem}.honest.{100 * row.bound:.0f}", row, level))
        entries.append(_interval(f"{stem}.straight", next(found["straight"].itertuples()), level))
        entries.append(entry(f"{stem}.breakdown", found["breakdown"], "ratio", 2))
        entries.append(entry(f"{stem}.widened", found["widened"], "ratio", 2))
        entries += [entry(f"{stem}.{name}", to_percent(found[name]), "percent", 1) for name in ("slope50", "slope80", "bias50", "bias80")]
    return part(entries, INPUTS, "evaluation.impact.sensitivity.honest; evaluation.impact.sensitivity.pretrends; evaluation.impact.sensitivity.evidence", files)


def design_entries(outcome: str, curve: dict[str, float], least: pd.DataFrame, proof: pd.DataFrame | None, files: pd.DataFrame) -> pd.DataFrame:
    """The specification curve as a whole, effects that could have been found, and how inference does on panels like this one.

    Args:
        curve: of `evaluation.impact.sensitivity.curve.joint`; least: of `evaluation.impact.credibility.least_effects`; proof: of `own_proof` there.
    """
    stem, entries = f"credibility.{outcome}", []
    for name, value in curve.items():
        if name in ("median", "lowest", "highest"):
            entries.append(entry(f"{stem}.curve.{name}", to_percent(value), "percent", 1))
        elif name in ("positive", "significant"):
            entries.append(entry(f"{stem}.curve.{name}", 100 * value, "percent", 0))
        elif value == value:
            entries.append(entry(f"{stem}.curve.{name}", value, "count" if name == "count" else "p_value", 0 if name == "count" else 3))
    entries += [entry(f"{stem}.least.{row.cohort}", row.percent_up, "percent", 1) for row in least.itertuples() if row.mde == row.mde]
    if proof is not None:
        entries.append(entry(f"{stem}.proof.samples", int(proof["samples"].iloc[0]), "count", 0))
        for row in proof.itertuples():
            name = f"{stem}.proof.{row.cohort}.{row.inference}." + ("size" if row.effect == 0 else "power")
            entries += [entry(name, 100 * row.rejection, "percent", 1), entry(f"{name}.error", 100 * row.rejection_mcse, "percent", 1)]
        effect = proof.loc[proof["effect"] != 0, "effect"]
        entries += [entry(f"{stem}.proof.effect", to_percent(effect.iloc[0]), "percent", 1)] if len(effect) else []
    return part(entries, INPUTS, "evaluation.impact.sensitivity.curve; evaluation.impact.inference.power; evaluation.impact.inference.simulate", files)


def _interval(id: str, row: object, level: float) -> dict:
    middle = (row.lower + row.upper) / 2
    return entry(id, to_percent(middle), "percent", 1, lower=to_percent(row.lower), upper=to_percent(row.upper), level=level)


def balance_entries(balance: pd.DataFrame, composition: dict[str, pd.DataFrame], level: float, files: pd.DataFrame) -> pd.DataFrame:
    """Standardised differences in the first year and in growth, `credibility.balance.PART.TRAIT`, and effects on the number of firms and per firm.

    Args:
        balance: of `evaluation.impact.sensitivity.falsification.balance`; composition: outcome -> of `composition` there.
    """
    entries = [entry(f"credibility.balance.{row.part}.{row.trait}", row.difference, "standard_deviations", 2) for row in balance.itertuples()]
    for outcome, parts in composition.items():
        entries += [_effect(f"credibility.{outcome}.composition.{row.part}", row, level) for row in parts.itertuples()]
    return part(entries, INPUTS, "evaluation.impact.sensitivity.falsification.balance; evaluation.impact.sensitivity.falsification.composition", files)


def turnover_entries(outcome: str, found: pd.DataFrame, level: float, files: pd.DataFrame) -> pd.DataFrame:
    """`credibility.OUTCOME.turnover.PART`: effects on the entry and exit rate in points of per cent, with the rate of non-participants; none where not known.

    Args:
        found: of `evaluation.impact.sensitivity.falsification.turnover`, or empty.
    """
    stem, entries = f"credibility.{outcome}.turnover", []
    for row in found.itertuples():
        entries.append(entry(f"{stem}.{row.part}", 100 * row.estimate, "percent", 2, lower=100 * row.lower, upper=100 * row.upper, level=level))
        entries += [entry(f"{stem}.{row.part}.p", row.p, "p_value", 3), entry(f"{stem}.{row.part}.rate", 100 * row.rate, "percent", 1)]
        entries.append(entry(f"{stem}.{row.part}.n_treated", row.n_treated, "count", 0))
    # Only these rest on the table of entry and exit, which may not be there.
    return part(entries, [*INPUTS, "firm_turnover"] if entries else INPUTS, "evaluation.impact.sensitivity.falsification.turnover", files)


def _effect(id: str, row: object, level: float) -> dict:
    return entry(id, to_percent(row.estimate), "percent", 1, lower=to_percent(row.lower), upper=to_percent(row.upper), level=level)
