"""The impact specification, checked as far as it can be without data. Loads nothing heavy: every run starts here."""

from evaluation.errors import UserError

TRANSFORMS = ("log", "asinh")
SAMPLES = ("complete",)
# Of the specification curve: those whose reassignments are quick.
CURVE = ("cs", "bjs", "etwfe", "did2s")
ENTRY_YEARS = ("printed", "alternative")
COMPARISONS = ("never_treated", "not_yet_treated")
# By their names on the command line; `evaluation.impact.estimators` has the code, which is heavy.
ESTIMATORS = ("twfe", "sa", "cs", "bjs", "did2s", "etwfe", "etwfe_poisson", "dcdh", "lpdid", "stacked", "sdid", "sc")
# Those that make no one estimate of a logarithm for many treated units.
NOT_IN_REPORT = ("etwfe_poisson", "sc")
WHERE = "evaluation/specs/impact.yml"
KEYS = ("outcomes", "comparison", "sample", "estimators", "productivity", "window", "main_cohort", "level")
OUTCOME_KEYS = ("id", "transform", "deflate", "of", "per", "window")
TYPES = ("national", "general", "agro_industrial")
MATCHED_ON = ("level", "growth")
METHODS = ("dr", "reg", "ipw")
CLUSTERS = ("complex", "zone")
INFERENCES = ("recommended", "analytic", "cr1", "cr2", "cr3", "wild", "subcluster", "randomisation", "mackinnon-webb", "conley-taber", "ferman-pinto", "placebo")
# What may be left out, and what it is then.
DEFAULTS = {
    "cohorts": "all", "comparison_types": list(TYPES), "exclude_same_zone": False, "matching": None, "covariates": [], "method": "dr", "weights": None,
    "cluster": "complex", "inference": "analytic", "anticipation": 0, "placebo_outcomes": [],
    "defensible": None,
}  # fmt: skip


def complete_impact(raw: dict) -> dict:
    """The impact specification, checked as far as it can be without data.

    Raises:
        UserError: a key that is missing or unknown, or a value that is not allowed.
    """
    _same_keys(raw, KEYS, (*KEYS, *DEFAULTS), WHERE)
    raw = DEFAULTS | {key: None if value == "none" else value for key, value in raw.items()}
    outcomes = raw["outcomes"]
    if not isinstance(outcomes, list) or not outcomes:
        raise refuse("outcomes", outcomes, ["a list such as - {id: production, transform: log}"])
    _outcomes("outcomes", outcomes)
    _outcomes("placebo_outcomes", raw["placebo_outcomes"])
    names = [outcome["id"] for outcome in outcomes]
    if len(set(names)) < len(names):
        raise refuse("outcomes", ", ".join(map(str, names)), ["each outcome once"])
    if raw["comparison"] not in COMPARISONS:
        raise refuse("comparison", raw["comparison"], COMPARISONS)
    _who(raw)
    if type(raw["anticipation"]) is not int or not 0 <= raw["anticipation"] <= 3:
        raise refuse("anticipation", raw["anticipation"], ["years from 0 to 3"])
    if raw["sample"] not in SAMPLES:
        raise refuse("sample", raw["sample"], SAMPLES)
    estimators = raw["estimators"]
    if not isinstance(estimators, list) or not estimators or len(set(map(str, estimators))) < len(estimators):
        raise refuse("estimators", estimators, ["a list of different estimators such as [cs, twfe]"])
    for name in estimators:
        allowed = [known for known in ESTIMATORS if known not in NOT_IN_REPORT]
        if name not in allowed:
            raise refuse("estimators", name, allowed)
    productivity = raw["productivity"]
    share = productivity.get("labour_share") if isinstance(productivity, dict) else None
    if isinstance(share, bool) or not isinstance(share, int | float) or not 0 < share < 1 or not isinstance(productivity.get("deflate"), str) or len(productivity) != 2:
        raise refuse("productivity", productivity, ["{labour_share: a share between 0 and 1, deflate: a price index}"])
    _window("window", raw["window"])
    raw["outcomes"] = [{"window": raw["window"]} | outcome for outcome in outcomes]
    for outcome in raw["outcomes"]:
        _window(f"{outcome['id']}.window", outcome["window"])
    if type(raw["main_cohort"]) is not int:
        raise refuse("main_cohort", raw["main_cohort"], ["a year of first participation, such as 2005"])
    if type(raw["level"]) is not float or not 0 < raw["level"] < 1:
        raise refuse("level", raw["level"], ["a share between 0 and 1, such as 0.95"])
    _defensible(raw)
    return raw


def _outcomes(key: str, outcomes: object) -> None:
    if not isinstance(outcomes, list) or not all(isinstance(outcome, dict) for outcome in outcomes):
        raise refuse(key, outcomes, ["a list such as - {id: production, transform: log}"])
    for outcome in outcomes:
        place = f"{WHERE}: {key}, {outcome.get('id', outcome)}"
        _same_keys(outcome, ("id", "transform"), OUTCOME_KEYS, place)
        if outcome["transform"] == "log1p":
            raise UserError(
                f"{WHERE}: {outcome['id']}.transform is 'log1p': with zeros the effect then depends on the unit that is counted in (Chen and Roth 2024). "
                "Use log, which leaves complexes with zeros out, or asinh with its warning.",
                f"{WHERE}: {outcome['id']}.transform 값이 'log1p'입니다. 0이 있으면 단위를 무엇으로 하느냐에 따라 효과가 달라집니다(Chen and Roth 2024). "
                "0이 있는 단지를 제외하는 log나, 주의 사항이 붙는 asinh를 쓰십시오.",
            )
        if outcome["transform"] not in TRANSFORMS:
            raise refuse(f"{outcome['id']}.transform", outcome["transform"], TRANSFORMS)


def _who(raw: dict) -> None:
    """Who is compared with whom, how rows weigh, and what is taken as independent."""
    cohorts, types, matching, covariates = raw["cohorts"], raw["comparison_types"], raw["matching"], raw["covariates"]
    if cohorts != "all" and not (isinstance(cohorts, list) and cohorts and all(type(cohort) is int for cohort in cohorts)):
        raise refuse("cohorts", cohorts, ["all", "a list of years of first participation such as [2005, 2008]"])
    if not isinstance(types, list) or not types or not set(map(str, types)) <= set(TYPES):
        raise refuse("comparison_types", types, ["a list of: " + ", ".join(TYPES)])
    if type(raw["exclude_same_zone"]) is not bool:
        raise refuse("exclude_same_zone", raw["exclude_same_zone"], ["true", "false"])
    if matching is not None:
        whole = isinstance(matching, dict) and matching.keys() == {"neighbours", "by"} and type(matching["neighbours"]) is int and matching["neighbours"] > 0
        if not whole or not isinstance(matching["by"], list) or not matching["by"] or not set(map(str, matching["by"])) <= set(MATCHED_ON):
            raise refuse("matching", matching, ["none", "{neighbours: 1 or more, by: a list of " + ", ".join(MATCHED_ON) + "}"])
    if not isinstance(covariates, list) or not all(isinstance(name, str) for name in covariates) or len(set(covariates)) < len(covariates):
        raise refuse("covariates", covariates, ["a list of different columns of the panel or the registry, such as [employment, type]"])
    if raw["weights"] is not None and not isinstance(raw["weights"], str):
        raise refuse("weights", raw["weights"], ["none", "a column of the panel such as employment"])
    for key, allowed in (("method", METHODS), ("cluster", CLUSTERS), ("inference", INFERENCES)):
        if raw[key] not in allowed:
            raise refuse(key, raw[key], allowed)


def _defensible(raw: dict) -> None:
    """Choices that could have been made otherwise: lists of which the specification's own is one."""
    given = raw["defensible"]
    if given is None:
        return
    own = {"estimators": "cs", "comparison": raw["comparison"], "comparison_types": raw["comparison_types"], "anticipation": raw["anticipation"], "entry_years": "printed"}
    if not isinstance(given, dict) or not given.keys() <= own.keys():
        raise refuse("defensible", given, ["none", "lists under: " + ", ".join(own)])
    allowed = {"estimators": CURVE, "comparison": COMPARISONS, "entry_years": ENTRY_YEARS}
    for key, value in given.items():
        if not isinstance(value, list) or not value or own[key] not in value:
            raise refuse(f"defensible.{key}", value, [f"a list that holds the specification's own, {own[key]}"])
        for one in value:
            if key == "comparison_types":
                fits = isinstance(one, list) and one and set(map(str, one)) <= set(TYPES)
            elif key == "anticipation":
                fits = type(one) is int and 0 <= one <= 3
            else:
                fits = one in allowed[key]
            if not fits:
                raise refuse(f"defensible.{key}", one, allowed.get(key, ["lists of " + ", ".join(TYPES)] if key == "comparison_types" else ["years from 0 to 3"]))
    raw["defensible"] = {key: [value] for key, value in own.items()} | given


def _window(key: str, window: object) -> None:
    whole = isinstance(window, dict) and {"before", "after"} == window.keys() and all(type(end) is int for end in window.values())
    if not whole or window["before"] < 1 or window["after"] < 0:
        raise refuse(key, window, ["{before: 1 or more, after: 0 or more}, in years"])


def _same_keys(given: dict, needed: tuple, allowed: tuple, place: str) -> None:
    missing, unknown = sorted(set(needed) - given.keys()), sorted(given.keys() - set(allowed), key=str)
    if missing:
        raise UserError(f"{place}: {', '.join(missing)} is missing.", f"{place}: {', '.join(missing)} 항목이 없습니다.")
    if unknown:
        listed = ", ".join(map(str, unknown))
        raise UserError(
            f"{place}: {listed} is not known; what there is: {', '.join(allowed)}.",
            f"{place}: {listed}은(는) 알 수 없는 항목입니다. 쓸 수 있는 항목: {', '.join(allowed)}.",
        )


def refuse(key: str, value: object, allowed: object) -> UserError:
    """The error for a value of the specification that is not among those allowed."""
    listed = ", ".join(map(str, allowed))
    return UserError(
        f"{WHERE}: {key} is {value!r}; use one of: {listed}.",
        f"{WHERE}: {key} 값 {value!r}을(를) 쓸 수 없습니다. 다음 중 하나를 쓰십시오: {listed}.",
    )
