"""What complex-level figures in the press say: nominal, sparse, definitions differ. Not an estimate."""

import re

import pandas as pd

PILOT_YEAR = 2005


def growth(press: pd.DataFrame, indicator: str, start: int, end: int) -> pd.DataFrame:
    """Growth of every complex for which the press quotes both years.

    Args:
        press: table `press_complex_panel` (complex, first_treated, year, indicator, value, unit, status, note).
        indicator: e.g. `production`; start, end: years.

    Returns:
        one row per complex: `complex`, `slug` (the name as a part of a ledger id), `first_treated` (text, as in the
        table), `group` (pilot: from 2005; participant: from a later year up to `end`; non_participant), `start`, `end`, `unit`, `growth` (per cent, nominal), `annual` (the same as
        a mean rate per year), `status` of the less sure of the two figures, fastest first. Groups of complexes and national totals are left out.
    """
    rows = press[(press["indicator"] == indicator) & press["year"].isin([start, end])]
    rows = rows[~rows["complex"].str.startswith("ALL ")]
    out = []
    for name, pair in rows.groupby("complex"):
        by_year = pair.drop_duplicates("year").set_index("year")
        if not {start, end} <= set(by_year.index):
            continue
        first, last = by_year.at[start, "value"], by_year.at[end, "value"]
        sure = by_year["status"].isin(["reported"])
        out.append(
            {
                "complex": name,
                "slug": re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_"),
                "first_treated": by_year.at[start, "first_treated"],
                "group": _group(str(by_year.at[start, "first_treated"]), end),
                "start": first,
                "end": last,
                "unit": by_year.at[start, "unit"],
                "growth": 100 * (last / first - 1),
                "annual": 100 * ((last / first) ** (1 / (end - start)) - 1),
                "status": "reported" if sure.all() else by_year.loc[~sure, "status"].iloc[0],
            }
        )
    return pd.DataFrame(out).sort_values("growth", ascending=False, ignore_index=True)


def _group(first_treated: str, end: int) -> str:
    joined = re.match(r"\d{4}", first_treated)
    if joined is None or int(joined[0]) > end:
        return "non_participant"
    return "pilot" if int(joined[0]) == PILOT_YEAR else "participant"
