"""Effects on neighbours: complexes that take no part, in a zone where others do."""

import pandas as pd

from evaluation.impact.design import NOT_YET, Design, design


def neighbours(data: pd.DataFrame, complexes: pd.DataFrame, level: float) -> Design:
    """Non-participants only, `treated` from the year in which the first complex of their zone joined.

    They are compared with non-participants of zones in which nobody has joined yet (or ever), so that the effect on neighbours is an
    estimate of its own and no contamination of the comparison group. It rests on zones, of which there are few: errors are clustered
    by zone and even so too small.

    Args:
        data: the estimation panel; complexes: `complex_id`, `zone`, `first_treated`.

    Raises:
        UserError: nobody to compare with, as where every zone was joined at once.
    """
    joined = complexes.dropna(subset="first_treated").groupby("zone")["first_treated"].min()
    zones = complexes.set_index("complex_id")["zone"]
    own = data[data["cohort"] == 0].assign(zone=lambda rows: rows["complex_id"].map(zones))
    own["cohort"] = own["zone"].map(joined).fillna(0).astype(int)
    return design(own, "complex_id", "year", "y", "cohort", cluster="zone", control=NOT_YET, level=level)
