"""Effects on neighbours: complexes that take no part, in a zone where others do."""

import pandas as pd

from evaluation.impact.design import NOT_YET, Design
from evaluation.impact.panel import panel_design

# What the specification says of the comparison group does not hold for neighbours, who are a part of it.
EVERYBODY = {"cohorts": "all", "exclude_same_zone": False, "matching": None}


def neighbours(data: pd.DataFrame, complexes: pd.DataFrame, spec: dict) -> Design:
    """Non-participants only, `treated` from the year in which the first complex of their zone joined.

    They are compared with non-participants of zones in which nobody has joined yet (or ever), so that the effect on neighbours is an
    estimate of its own and no contamination of the comparison group. It rests on zones, of which there are few: errors are clustered
    by zone and even so too small.

    Args:
        data: the estimation panel with all non-participants (`EVERYBODY` in the specification); complexes: `complex_id`, `zone`,
            `first_treated`; spec: the specification, whose weights and covariates stand here too.

    Raises:
        UserError: nobody to compare with, as where every zone was joined at once.
    """
    joined = complexes.dropna(subset="first_treated").groupby("zone")["first_treated"].min()
    zones = complexes.set_index("complex_id")["zone"]
    own = data[data["cohort"] == 0].assign(zone=lambda rows: rows["complex_id"].map(zones))
    own["cohort"] = own["zone"].map(joined).fillna(0).astype(int)
    return panel_design(own, spec, cluster="zone", control=NOT_YET, anticipation=0)
