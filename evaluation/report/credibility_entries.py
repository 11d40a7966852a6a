"""Checks of the impact estimates to ledger entries."""

import pandas as pd

from evaluation.report.entries import to_percent
from evaluation.report.ledger import entry, part

INPUTS = ["panel", "complexes", "price_index"]


def check_entries(checks: dict[str, pd.DataFrame], level: float, files: pd.DataFrame) -> pd.DataFrame:
    """The main estimate with one thing changed: `credibility.OUTCOME.CHECK.CASE`, in per cent; of checks by complex and zone the range.

    Args:
        checks: outcome -> `evaluation.impact.falsification.checks`.
    """
    entries = []
    for outcome, rows in checks.items():
        found = rows.dropna(subset="estimate")
        for row in found.itertuples():
            if row.check in ("without_complex", "without_zone"):
                continue
            stem = f"credibility.{outcome}.{row.check}" + (f".{row.case}" if row.case else "")
            entries.append(_effect(stem, row, level))
            entries.append(entry(f"{stem}.n_treated", row.n_treated, "count", 0))
        for check in ("without_complex", "without_zone"):
            own = found[found["check"] == check].sort_values("estimate", kind="stable")
            if len(own):
                entries.append(entry(f"credibility.{outcome}.{check}.count", len(own), "count", 0))
                entries += [_effect(f"credibility.{outcome}.{check}.{end}", next(own.iloc[[place]].itertuples()), level) for end, place in (("lowest", 0), ("highest", -1))]
    return part(entries, INPUTS, "evaluation.impact.falsification.checks", files)


def balance_entries(balance: pd.DataFrame, composition: dict[str, pd.DataFrame], level: float, files: pd.DataFrame) -> pd.DataFrame:
    """Standardised differences in the first year and in growth, and effects on the number of firms and per firm.

    Args:
        balance: of `evaluation.impact.falsification.balance`; composition: outcome -> of `composition` there.
    """
    entries = [entry(f"credibility.balance.{row.trait}", row.difference, "standard_deviations", 2) for row in balance.itertuples()]
    for outcome, parts in composition.items():
        entries += [_effect(f"credibility.{outcome}.composition.{row.part}", row, level) for row in parts.itertuples()]
    return part(entries, INPUTS, "evaluation.impact.falsification.balance; evaluation.impact.falsification.composition", files)


def _effect(id: str, row: object, level: float) -> dict:
    return entry(id, to_percent(row.estimate), "percent", 1, lower=to_percent(row.lower), upper=to_percent(row.upper), level=level)
