"""How far ranks hang on choices that could have been made otherwise: exact enumeration, and shares of what moves them.

The choices are those of the OECD/JRC handbook that a scheme makes for every leaf or for the whole: `normalisation` of
all leaves, `aggregation` of the components to the total, and `marks`, how a committee's marks become one value.
Source: OECD and JRC (2008), Handbook on Constructing Composite Indicators, step 7; Saisana, Saltelli and Tarantola
(2005), Journal of the Royal Statistical Society A 168(2), equation 4 (the average shift in rank).
"""

from itertools import product

import numpy as np
import pandas as pd

from evaluation.errors import UserError
from evaluation.index.rules import COMMITTEE
from evaluation.index.scheme import TOTAL, WITHOUT_WEIGHTS, leaves
from evaluation.index.sensitivity import choice_summary, enumerate_choices, sobol
from evaluation.index.tree import combine, leaf_values, rank, units_of
from evaluation.index.uncertainty import draw_node_weights, draw_values

AS_IS = "scheme"  # the option of every choice that leaves the scheme as it is
# Values above 0, so that no mean refuses them: the lowest unit has 1 and not 0, and z-scores lie around 100.
NORMALISATIONS = {"min_max": {"method": "min_max", "lower": 1, "upper": 100}, "z": {"method": "z", "mean": 100, "sd": 10}, "rank": {"method": "rank"}}
AGGREGATIONS = ("arithmetic", "geometric", "harmonic")
# Up to this many units each one's rank has its own shares; beyond, only the average shift.
MOST_UNITS = 20
CELLS = 2_000_000  # of drawn values held at a time


def alternatives(scheme: dict) -> dict[str, list[str]]:
    """The choices that a scheme makes, each with AS_IS and what could stand in its place; a choice without another option is left out."""
    found = [leaf for leaf, _ in leaves(scheme["root"])]
    committees = {leaf["rule"] for leaf in found if leaf["rule"] in COMMITTEE}
    root = scheme["root"]["aggregate"]["rule"]
    options = {
        "normalisation": [name for name in NORMALISATIONS if {leaf["normalise"]["method"] for leaf in found} != {name}],
        "aggregation": [] if root in WITHOUT_WEIGHTS or len(scheme["components"]) < 2 else [name for name in AGGREGATIONS if name != root],
        "marks": [name for name in COMMITTEE if committees != {name}] if committees else [],
    }
    return {choice: [AS_IS, *names] for choice, names in options.items() if names}


def choose(scheme: dict, normalisation: str = AS_IS, aggregation: str = AS_IS, marks: str = AS_IS) -> dict:
    """The scheme with other options in place of its own."""

    def changed(node: dict) -> dict:
        if "parts" in node:
            return node | {"parts": [changed(part) for part in node["parts"]]}
        own = {} if normalisation == AS_IS else {"normalise": NORMALISATIONS[normalisation]}
        return node | own | ({"rule": marks} if marks != AS_IS and node["rule"] in COMMITTEE else {})

    root = changed(scheme["root"])
    if aggregation != AS_IS:
        root["aggregate"] = {"rule": aggregation}
    return scheme | {"root": root, "components": root["parts"]}


def enumerate_scheme(scheme: dict, data: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Ranks under every combination of choices: exact, nothing is sampled.

    Args:
        scheme: of `evaluation.index.scheme.complete_tree`; data: long table.

    Returns:
        `evaluation.index.sensitivity.choice_summary` of all combinations, with `combinations`, how many there were (empty where the
        scheme leaves no choice); and `choice`, `option`, `reason` of the options that these data do not allow.
    """
    units, choices, dropped = units_of(data), alternatives(scheme), []
    marked = {option: _values_under(scheme, data, option) for option in choices.get("marks", [AS_IS])}

    def total(**chosen: str) -> pd.Series:
        values = marked[chosen.get("marks", AS_IS)]
        if isinstance(values, UserError):
            raise values
        return pd.Series(combine(choose(scheme, **chosen), values, units)[TOTAL], index=units)

    refused = {}
    for options in product(*choices.values()):
        try:
            total(**dict(zip(choices, options, strict=True)))
        except UserError as error:
            refused[options] = str(error)
    # All combinations of the options that are left can be computed, so the one in most of the refused goes first.
    while refused:
        guilty = pd.Series([(choice, option) for options in refused for choice, option in zip(choices, options, strict=True) if option != AS_IS]).value_counts(sort=True)
        choice, option = guilty.index[0]
        why = next(text for options, text in refused.items() if option in options)
        dropped.append((choice, option, why))
        choices[choice].remove(option)
        refused = {options: text for options, text in refused.items() if option not in options}
    choices = {choice: options for choice, options in choices.items() if len(options) > 1}
    left_out = pd.DataFrame(dropped, columns=["choice", "option", "reason"])
    if not choices:
        return pd.DataFrame(), left_out
    found = enumerate_choices(total, choices, scheme["ties"]["rule"])
    return choice_summary(found).assign(combinations=len(found) // len(units)), left_out


def rank_sobol(scheme: dict, data: pd.DataFrame, n: int, seed: int, draws: int, concentration: float | None) -> pd.DataFrame:
    """Which uncertainty moves ranks: Sobol' indices of who evaluated, who answered, the weights, and the choices.

    Each input is drawn on its own: a bootstrap of the evaluators, one of the respondents, a set of weights around the
    scheme's, an option of each choice.

    Args:
        n: points, a power of 2; draws: how many bootstraps and sets of weights there are to draw from;
        concentration: of the weights (`evaluation.index.sensitivity.draw_weights`), None leaves them as they are.

    Returns:
        `output` ("shift": mean absolute change of rank over units against the scheme; or, for up to MOST_UNITS units, a unit:
        its rank) and the columns of `evaluation.index.sensitivity.sobol`; empty where fewer than two inputs vary.

    Raises:
        UserError: where a draw cannot be scored under an option that the data themselves allow.
    """
    units = units_of(data)
    _, dropped = enumerate_scheme(scheme, data)
    choices = {choice: [option for option in options if not ((dropped["choice"] == choice) & (dropped["option"] == option)).any()] for choice, options in alternatives(scheme).items()}
    choices = {choice: options for choice, options in choices.items() if len(options) > 1}
    found = [leaf for leaf, _ in leaves(scheme["root"])]
    source = {leaf["id"]: "evaluators" if leaf["rule"] in COMMITTEE else "respondents" if leaf["rule"] == "likert" else "" for leaf in found}
    drawn, kept = {}, {"evaluators": np.ones(draws, bool), "respondents": np.ones(draws, bool)}
    for option in choices.get("marks", [AS_IS]):
        # The same random numbers, so that an option changes the rule and not who was drawn.
        drawn[option], lost = draw_values(choose(scheme, marks=option), data, draws, np.random.default_rng(seed), relative="normalisation" in choices)
        for leaf, name in source.items():
            if name:
                kept[name] &= ~lost[leaf]
    pools = {name: np.flatnonzero(kept[name]) for name in kept if name in source.values()}
    if any(len(pool) == 0 for pool in pools.values()):
        raise UserError("No draw leaves every unit with marks; too few evaluators.", "모든 단위에 점수가 남는 추출이 없습니다. 평가위원이 너무 적습니다.")
    weights = {} if concentration is None else draw_node_weights(scheme, concentration, draws, np.random.default_rng(seed + 1))
    if weights:
        pools["weights"] = np.arange(draws)
    inputs = [*pools, *choices]
    if len(inputs) < 2:
        return pd.DataFrame()
    now = rank(combine(scheme, leaf_values(scheme, data), units)[TOTAL], scheme["ties"]["rule"])

    def ranks(points: np.ndarray) -> np.ndarray:
        """(inputs, points) to ranks, shape (points, units)."""
        at = dict(zip(inputs, points, strict=True))
        picked = {name: pools[name][np.minimum((at[name] * len(pools[name])).astype(int), len(pools[name]) - 1)] for name in pools}
        options = {choice: np.minimum((at[choice] * len(names)).astype(int), len(names) - 1) for choice, names in choices.items()}
        out = np.empty((points.shape[1], len(units)), dtype=np.int32)
        for combination in product(*(range(len(names)) for names in choices.values())):
            here = np.ones(points.shape[1], bool)
            for choice, number in zip(choices, combination, strict=True):
                here &= options[choice] == number
            chosen = {choice: names[number] for (choice, names), number in zip(choices.items(), combination, strict=True)}
            for part in np.array_split(np.flatnonzero(here), max(1, here.sum() * len(units) * len(found) // CELLS)):
                if len(part):
                    out[part] = _ranks_of(choose(scheme, **chosen), drawn[chosen.get("marks", AS_IS)], source, picked, part, weights, units)
        return out

    each = list(units) if len(units) <= MOST_UNITS else []

    def outputs(points: np.ndarray) -> np.ndarray:
        given = ranks(points)
        return np.vstack([np.abs(given - now).mean(axis=1), *(given.T.astype(float) if each else [])])

    return sobol(outputs, {name: (0.0, 1.0) for name in inputs}, n, seed, outputs=["shift", *each])


def _values_under(scheme: dict, data: pd.DataFrame, marks: str) -> dict[str, np.ndarray] | UserError:
    try:
        return leaf_values(choose(scheme, marks=marks), data)
    except UserError as error:
        return error


def _ranks_of(
    scheme: dict, drawn: dict[str, np.ndarray], source: dict[str, str], picked: dict[str, np.ndarray], part: np.ndarray, weights: dict[str, np.ndarray], units: pd.Index
) -> np.ndarray:
    # What rests on no evaluator and no respondent is the same in every draw.
    values = {leaf: drawn[leaf][picked[name][part]] if name else np.repeat(drawn[leaf][:1], len(part), axis=0) for leaf, name in source.items()}
    own = {node: given[:, picked["weights"][part]] for node, given in weights.items()}
    return rank(combine(scheme, values, units, own or None)[TOTAL], scheme["ties"]["rule"])
