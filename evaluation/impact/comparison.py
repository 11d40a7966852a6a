"""Whom participants are compared with: non-participants of other zones only, or the most alike."""

import numpy as np
import pandas as pd
from scipy.spatial.distance import cdist

from evaluation.errors import UserError

LEVEL, GROWTH = "level", "growth"


def in_a_zone_of(complexes: pd.DataFrame, participants: pd.Series) -> pd.Series:
    """Non-participants in the same zone as a participant, on which a part of its effect may fall.

    Args:
        complexes: `complex_id`, `zone`, `first_treated`; participants: the `complex_id` of those whose zones count.

    Returns:
        complex_id -> bool.
    """
    zones = set(complexes.loc[complexes["complex_id"].isin(participants), "zone"])
    return pd.Series((complexes["zone"].isin(zones) & complexes["first_treated"].isna()).to_numpy(), index=complexes["complex_id"])


def matched(data: pd.DataFrame, neighbours: int, by: list[str]) -> pd.Series:
    """Weights of the non-participants most alike to participants before these joined.

    Each participant is matched, with replacement, with the non-participants nearest to it by Mahalanobis' distance, on the outcome's
    `level` in the year before it joined and its `growth`, the mean yearly change up to then. Matching on growth makes paths before
    joining alike by construction, so that they are no evidence for parallel trends any more; and where groups differ in the long run,
    what was matched by chance falls back (Daw and Hatfield 2018, Health Services Research 53).

    Args:
        data: the estimation panel, balanced (`evaluation.impact.panel.estimation_panel`); neighbours: per participant; by: LEVEL and/or GROWTH.

    Returns:
        complex_id -> weight: 1 for participants, for a non-participant the number of times it was matched over `neighbours`; those
        never matched are not in it.

    Raises:
        UserError: fewer non-participants than neighbours; a cohort with one year before it and GROWTH to match on.

    Source: Abadie and Imbens (2006), Econometrica 74 (matching with replacement, weights of section 2).
    """
    wide = data.pivot(index="complex_id", columns="year", values="y")
    cohort = data.groupby("complex_id")["cohort"].first()
    never = cohort.index[cohort == 0]
    if len(never) < neighbours:
        raise UserError(
            f"evaluation/specs/impact.yml: matching.neighbours is {neighbours}, but there are {len(never)} non-participants to match with. Lower it.",
            f"evaluation/specs/impact.yml: matching.neighbours 값이 {neighbours}인데 짝지을 비참여 단지가 {len(never)}개뿐입니다. 값을 줄이십시오.",
        )
    weight = pd.Series(0.0, index=cohort.index)
    for joined in sorted(set(cohort) - {0}):
        before = wide.loc[:, wide.columns < joined]
        if GROWTH in by and before.shape[1] < 2:
            raise UserError(
                f"evaluation/specs/impact.yml: matching on growth needs two years before joining; those that joined in {joined} have one. Match on level only, or leave out the cohort.",
                f"evaluation/specs/impact.yml: growth로 짝지으려면 참여 전 연도가 둘 이상이어야 하는데 {joined}년 참여 단지에는 하나뿐입니다. level로만 짝짓거나 그 참여 연도를 제외하십시오.",
            )
        traits = pd.DataFrame({LEVEL: before.iloc[:, -1]} | ({GROWTH: before.diff(axis=1).mean(axis=1)} if GROWTH in by else {}))[by]
        own = cohort.index[cohort == joined]
        # Spread among those that can be matched with, so that the distance does not depend on who joined.
        spread = np.linalg.pinv(np.atleast_2d(np.cov(traits.loc[never].to_numpy(), rowvar=False)))
        distance = cdist(traits.loc[own], traits.loc[never], "mahalanobis", VI=spread)
        nearest = np.argsort(distance, axis=1, kind="stable")[:, :neighbours]
        weight[never] += np.bincount(nearest.ravel(), minlength=len(never)) / neighbours
        weight[own] = 1.0
    return weight[weight > 0]
