"""What may be said: how strong the evidence is, on a scale that readers know, and the reason."""

SCALE = 5
NO_COMPARISON, NOT_TESTED, DIFFERED, PARALLEL = "no_comparison", "not_tested", "differed", "parallel"


def scientific_methods_level(compared: int, pretrend_p: float | None, significant: float = 0.05) -> tuple[int, str]:
    """The level on the Maryland Scientific Methods Scale of a before-and-after comparison with a comparison group.

    A comparison of changes is at most level 3: 4 and 5 need something like chance to have decided who takes part. It is level 3 where paths
    before could be compared and were not found to differ; where they differed, or could not be compared, the groups are not shown to be
    comparable: level 2. Without a comparison group it is level 1.

    Args:
        compared: units in the comparison group; pretrend_p: p-value that paths before treatment were alike, None where it could not be
            tested; significant: below it they differed.

    Returns:
        the level and its reason, one of NO_COMPARISON, NOT_TESTED, DIFFERED, PARALLEL.

    Source: Sherman et al. (1998), "Preventing crime: what works, what doesn't, what's promising", National Institute of Justice; as applied
    to area policies by the What Works Centre for Local Economic Growth (2016), "Guide to scoring evidence using the Maryland Scientific
    Methods Scale".
    """
    if compared == 0:
        return 1, NO_COMPARISON
    if pretrend_p is None or pretrend_p != pretrend_p:
        return 2, NOT_TESTED
    return (2, DIFFERED) if pretrend_p < significant else (3, PARALLEL)
