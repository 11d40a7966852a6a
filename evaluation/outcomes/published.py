"""Goals, growth and budget, computed from the printed figures and set beside what was printed."""

import re

import pandas as pd

INDICATORS = ("production", "export", "employment")


def goal_achievement(printed: pd.DataFrame, vision: pd.DataFrame) -> pd.DataFrame:
    """Achievement of the first-phase growth goals of the seven target complexes.

    Args:
        printed: table `goal_achievement` (indicator, item, value, unit, status, note).
        vision: table `programme_goals_vision`, where the same goals stand a second time.

    Returns:
        one row per indicator: `base`, `goal`, `achieved` in `unit`; `goal_printed` and
        `goal_is_printed_error`; `ratio` (per cent, computed as achieved / goal), `ratio_printed`, and
        `agrees`: whether the computed ratio, rounded as printed, equals the printed one.
        A goal marked as a printed error is replaced by the vision diagram's.
    """
    rows = []
    for indicator in INDICATORS:
        items = printed[printed["indicator"] == indicator].set_index("item")
        stated = vision[vision["indicator"] == indicator].set_index("item")["value"]
        wrong = items.at["goal_2008", "status"] == "printed_error"
        goal = stated["goal"] if wrong else items.at["goal_2008", "value"]
        ratio = 100 * items.at["achieved_2008", "value"] / goal
        rows.append(
            {
                "indicator": indicator,
                "unit": items.at["base_2005", "unit"],
                "base": items.at["base_2005", "value"],
                "goal": goal,
                "achieved": items.at["achieved_2008", "value"],
                "ratio": ratio,
                "ratio_printed": items.at["achievement_ratio", "value"],
                "agrees": round(ratio, 1) == items.at["achievement_ratio", "value"],
                "goal_printed": items.at["goal_2008", "value"],
                "goal_is_printed_error": bool(wrong),
            }
        )
    return pd.DataFrame(rows)


def growth(printed: pd.DataFrame) -> pd.DataFrame:
    """Growth 2004 to 2009 as printed: `indicator`, `group`, `value` (per cent), `status`, `certain`."""
    out = printed[["indicator", "group", "value", "status"]].copy()
    out["certain"] = out["status"].isin(["certain", "printed"])
    return out.reset_index(drop=True)


def budget(printed: pd.DataFrame) -> pd.DataFrame:
    """Budget per year in USD million: the sum of the programmes, beside the printed sum.

    Returns:
        one row per year: `year`, `total` (added up), `total_printed`, `agrees` (to the printed digit).
    """
    years = printed.assign(year=pd.to_numeric(printed["year"]).astype(int))
    sums = years[years["programme"] == "Sum"].set_index("year")["value"]
    added = years[years["programme"] != "Sum"].groupby("year")["value"].sum()
    out = pd.DataFrame({"total": added, "total_printed": sums}).reset_index()
    out["agrees"] = (out["total"] - out["total_printed"]).abs() < 0.05
    return out


def target_complexes(printed: pd.DataFrame, year: str) -> int:
    """How many complexes the programme targeted as of a year, as printed."""
    return int(printed.set_index("as_of").at[year, "value"])


def exchange_rate(budget_table: pd.DataFrame) -> float:
    """KRW per USD at which the budget was converted, as its unit prints it."""
    return float(re.search(r"1 USD = ([\d,]+) KRW", budget_table["unit"].iloc[0])[1].replace(",", ""))
