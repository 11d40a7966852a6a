"""An evaluation scheme: a tree of weighted components whose leaves say which rule scores which marks."""

import math
from collections.abc import Iterator
from fractions import Fraction

from evaluation.errors import UserError

LANGUAGES = ("ko", "en")
TOP_KEYS = ("year", "name", "extends", "assumed", "source", "units", "ties", "grades", "easy_targets", "smallest_group", "aggregate", "missing", "weights", "normalise", "components")
NODE_KEYS = (
    "id", "label", "short", "weight", "assumed", "evaluator", "parts", "aggregate", "missing", "weights",
    "indicator", "rule", "table", "unit", "where", "scale", "cap", "floor", "trim", "weighting", "direction", "normalise",
)  # fmt: skip
HIGHER, LOWER = "higher", "lower"
# What a scheme may name, with the keys that each needs and those it may have; `rules` and `scales` hold the functions, and
# load what a run with nothing to do has no time for.
RULES = {
    "value": ((), ()), "mean": ((), ()), "committee_mean": ((), ("scale",)), "trimmed_mean": ((), ("scale", "trim")),
    "standardised_mean": ((), ("scale",)), "achievement_ratio": ((), ("cap", "floor")), "likert": (("scale",), ("weighting",)),
}  # fmt: skip
NORMALISATIONS = {
    "none": ((), ()), "min_max": ((), ("lower", "upper")), "goalposts": (("lower", "upper"), ("log", "cut")), "z": ((), ("mean", "sd")),
    "rank": ((), ()), "percentile": ((), ()), "distance_to_target": (("target",), ("lower", "cap")),
}  # fmt: skip
AGGREGATIONS = ("arithmetic", "geometric", "harmonic", "generalised", "minimum", "sum")
TIES = ("min", "max", "dense")
MOST_EXPONENT = 100  # of a generalised mean; beyond, it is the minimum or the maximum but for overflow
MISSING = ("refuse", "reweight", "zero")
WITHOUT_WEIGHTS = ("sum", "minimum")  # aggregations in which weights do not count
TOTAL = "total"  # the root of the tree
POPULATION = "population"  # answers are weighted to each group's share of the population
# A rule that is used in the report says what its marks lie on, since the total lies on 0..100.
BOUNDED = {"committee_mean": "scale", "trimmed_mean": "scale", "standardised_mean": "scale", "likert": "scale", "achievement_ratio": "cap"}


def complete_tree(raw: dict, where: str) -> dict:
    """Check a scheme for a long table, and fill in what it leaves to the defaults.

    A node needs an `id`; a `weight` in per cent (a number, or a fraction such as 100/3) unless its parent says
    `weights: equal` or aggregates by `sum` or `minimum`; and either `parts` or what a leaf is scored by.

    Args:
        raw: content of the scheme file; where: what to call it in a message.

    Returns:
        the scheme with every default in it: `ties`, `grades` (best first), `grades_assumed`, and per node `weight`, `aggregate`,
        `missing`, `indicator`, `rule`, `normalise`, `direction`, `label`.

    Raises:
        UserError: naming the node: weights that do not add to 100, and by how much; an unknown key, rule or method; a
            cycle; an id that stands twice.
    """
    if not isinstance(raw, dict):
        raise _bad(where, "components", raw, "a mapping with the key components", "components가 있는 YAML")
    _known_keys(raw, TOP_KEYS, "", where)
    _refuse_cycles(raw, where)
    if raw.get("weights") == "unpublished":
        raise UserError(
            f"{where}: the weights of this index were never published, so it cannot be scored. Give weights to score it under an assumption.",
            f"{where}: 이 지수의 가중치는 공표된 적이 없어 산출할 수 없습니다. 가정으로 산출하려면 가중치를 넣으십시오.",
        )
    root = {"id": TOTAL, "parts": raw.get("components"), **{key: raw[key] for key in ("aggregate", "missing", "weights") if key in raw}}
    ties = raw.get("ties", {"rule": "min"})
    if not isinstance(ties, dict) or ties.get("rule") not in TIES:
        raise _bad(where, "ties", ties, f"{{rule: {' | '.join(TIES)}}}")
    inherited = {"aggregate": {"rule": "arithmetic"}, "missing": {"rule": "refuse"}, "normalise": raw.get("normalise", {"method": "none"})}
    root = _complete_node(root, "", inherited, where)
    ids = [node["id"] for node in walk(root)]
    for name in ids:
        if ids.count(name) > 1:
            raise _bad(where, "id", name, "an id that no other node has", "다른 항목과 겹치지 않는 id")
    given = raw.get("grades", [])
    bands = given.get("bands") if isinstance(given, dict) else given
    graded = {"grades": _grades(bands, where), "grades_assumed": isinstance(given, dict) and bool(given.get("assumed"))}
    return {**raw, "name": str(raw.get("name", "")), "ties": ties, **graded, "components": root["parts"], "root": root}


def _complete_node(node: dict, place: str, inherited: dict, where: str) -> dict:
    """A node with the defaults that its parents set for aggregation, missing data and normalisation."""
    inside = f"{place}.{node['id']}" if place else "components"
    _known_keys(node, NODE_KEYS, inside, where)
    inherited = inherited | {key: node[key] for key in ("missing", "normalise") if key in node}
    out = {"label": {language: node["id"] for language in LANGUAGES}, **node, "missing": _choice(inherited["missing"], "rule", MISSING, f"{inside}.missing", where)}
    if "parts" not in node:
        return _complete_leaf(out, inside, inherited, where)
    out["aggregate"] = _choice(node.get("aggregate", inherited["aggregate"]), "rule", AGGREGATIONS, f"{inside}.aggregate", where, ("exponent",))
    if out["aggregate"]["rule"] == "generalised" and not (_is_number(out["aggregate"].get("exponent")) and 0 < abs(out["aggregate"]["exponent"]) <= MOST_EXPONENT):
        raise _bad(
            where, f"{inside}.aggregate.exponent", out["aggregate"].get("exponent"),
            f"a number from -{MOST_EXPONENT} to {MOST_EXPONENT} other than 0 (for 0 use geometric)", f"0을 뺀 -{MOST_EXPONENT}~{MOST_EXPONENT}의 수(0이면 geometric)",
        )  # fmt: skip
    if out["aggregate"]["rule"] == "sum" and out["missing"]["rule"] == "reweight":
        raise _bad(where, f"{inside}.missing.rule", "reweight", "refuse | zero; a sum has no weights to share out", "refuse | zero (합에는 나눌 가중치가 없음)")
    parts = node["parts"]
    if not isinstance(parts, list) or not parts or not all(isinstance(part, dict) and isinstance(part.get("id"), str) for part in parts):
        raise _bad(where, inside, parts, "a list of entries, each with an id", "id가 있는 항목의 목록")
    if node.get("weights", "equal") not in ("equal", "unpublished"):
        raise _bad(where, f"{inside}.weights", node["weights"], "equal, or leave it out and give each part a weight", "equal 또는 항목마다 weight")
    equal = node.get("weights") == "equal" or (out["aggregate"]["rule"] in WITHOUT_WEIGHTS and not any("weight" in part for part in parts))
    weights = [Fraction(100, len(parts)) if equal else _weight(part, f"{inside}.{part['id']}", where) for part in parts]
    if abs(float(sum(weights)) - 100) > 1e-9:
        raise _do_not_add(parts, weights, inside, where)
    out["parts"] = [_complete_node(part, inside, inherited, where) | {"weight": float(weight)} for part, weight in zip(parts, weights, strict=True)]
    return out


def _complete_leaf(node: dict, place: str, inherited: dict, where: str) -> dict:
    out = {"indicator": node["id"], "rule": "value", "direction": HIGHER, **node}
    if isinstance(out["indicator"], int | float) and not isinstance(out["indicator"], bool):
        out["indicator"] = str(out["indicator"])  # a code that YAML takes for a number
    if not isinstance(out["indicator"], str):
        raise _bad(where, f"{place}.indicator", out["indicator"], "the name of an indicator in the data", "자료에 있는 지표 이름")
    if not isinstance(out["rule"], str) or out["rule"] not in RULES:
        raise _bad(where, f"{place}.rule", out["rule"], " | ".join(RULES))
    if out["direction"] not in (HIGHER, LOWER):
        raise _bad(where, f"{place}.direction", out["direction"], f"{HIGHER} | {LOWER}")
    for key, needed in (("scale", ("lower", "upper")), ("cap", ("value",)), ("floor", ("value",))):
        given = node.get(key)
        if key in node and (not isinstance(given, dict) or not all(_is_number(given.get(name)) for name in needed)):
            raise _bad(where, f"{place}.{key}", given, f"{{{', '.join(f'{name}: number' for name in needed)}}}")
    if "scale" in node and node["scale"]["lower"] >= node["scale"]["upper"]:
        raise _bad(where, f"{place}.scale", node["scale"], "lower below upper", "lower가 upper보다 작은 척도")
    if "cap" in node and node.get("floor", {"value": 0})["value"] >= node["cap"]["value"]:
        raise _bad(where, f"{place}.cap", node["cap"], "a cap above the floor (0 unless given)", "하한(없으면 0)보다 큰 상한")
    if "trim" in node and (type(node["trim"]) is not int or node["trim"] < 1):
        raise _bad(where, f"{place}.trim", node["trim"], "a whole number, 1 or more: how many of the highest and of the lowest are left out", "1 이상의 정수(최고·최저에서 뺄 개수)")
    needed, may = RULES[out["rule"]]
    for key in needed:
        if key not in node:
            raise _bad(where, f"{place}.{key}", None, f"what the rule {out['rule']} needs", f"{out['rule']} 규칙에 필요한 값")
    if node.get("weighting", POPULATION) != POPULATION:
        raise _bad(where, f"{place}.weighting", node["weighting"], POPULATION)
    for key in ("scale", "cap", "floor", "trim", "weighting"):
        if key in node and key not in (*needed, *may):
            raise _bad(where, f"{place}.{key}", node[key], f"keys that the rule {out['rule']} takes: {', '.join((*needed, *may)) or 'none'}", f"{out['rule']} 규칙에 쓸 수 있는 항목: {', '.join((*needed, *may)) or '없음'}")
    how = inherited["normalise"]
    how = how if isinstance(how, dict) else {"method": how}
    out["normalise"] = _choice(how, "method", tuple(NORMALISATIONS), f"{place}.normalise", where, tuple(how))
    needed, may = NORMALISATIONS[out["normalise"]["method"]]
    for key in out["normalise"]:
        if key not in ("method", "assumed", *needed, *may):
            raise _bad(where, f"{place}.normalise.{key}", out["normalise"][key], f"one of: {', '.join((*needed, *may)) or 'nothing more'}", f"다음 중 하나: {', '.join((*needed, *may)) or '없음'}")
    for key in (*needed, *(key for key in may if key in out["normalise"] and key not in ("log", "cut"))):
        if not _is_number(out["normalise"].get(key)):
            raise _bad(where, f"{place}.normalise.{key}", out["normalise"].get(key), "a number", "숫자")
    if out["normalise"].get("sd", 1) <= 0:
        raise _bad(where, f"{place}.normalise.sd", out["normalise"]["sd"], "a number above 0", "0보다 큰 수")
    if out["normalise"]["method"] == "distance_to_target" and out["normalise"]["target"] <= out["normalise"].get("lower", 0):
        raise _bad(where, f"{place}.normalise.target", out["normalise"]["target"], "a target above lower (0 unless given)", "lower(없으면 0)보다 큰 목표")
    if out["direction"] == LOWER and out["normalise"]["method"] == "none" and out["rule"] != "achievement_ratio":
        raise _bad(where, f"{place}.normalise.method", "none", f"a method that can turn values round, since less is better here: {', '.join(name for name in NORMALISATIONS if name != 'none')}", f"낮을수록 좋은 지표에 쓸 수 있는 방법: {', '.join(name for name in NORMALISATIONS if name != 'none')}")
    if out["normalise"]["method"] in ("goalposts", "min_max"):
        lower, upper = out["normalise"].get("lower", 0), out["normalise"].get("upper", 100)
        if lower >= upper or (out["normalise"].get("log") and lower <= 0):
            raise _bad(where, f"{place}.normalise", out["normalise"], "lower below upper, and above 0 with log", "lower가 upper보다 작고 log이면 0보다 커야 함")
    return out


def _choice(given: object, key: str, known: tuple[str, ...], place: str, where: str, may: tuple[str, ...] = ()) -> dict:
    """`{rule: x}`, or just x, checked; `may`: what may stand beside it."""
    given = given if isinstance(given, dict) else {key: given}
    if not isinstance(given.get(key), str) or given[key] not in known:
        raise _bad(where, f"{place}.{key}", given.get(key), " | ".join(known))
    _known_keys(given, (key, "assumed", *may), place, where)
    return given


def _is_number(value: object) -> bool:
    """A finite number; YAML's true and .nan are none."""
    try:
        return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    except OverflowError:
        return False


def _weight(part: dict, place: str, where: str) -> Fraction | float:
    weight = part.get("weight")
    try:
        weight = Fraction(weight.replace(" ", "")) if isinstance(weight, str) else weight
    except (ValueError, ZeroDivisionError):
        weight = None
    if not (isinstance(weight, Fraction) or _is_number(weight)) or not 0 <= weight <= 1000:
        raise _bad(where, f"{place}.weight", part.get("weight"), "a number, the weight in per cent, or a fraction such as 100/3", "가중치(%)를 숫자나 100/3 같은 분수로")
    return weight


def _grades(grades: object, where: str) -> list[dict]:
    """Bands, best first: each `grade` from its `lower` bound on; the last may have none."""
    if not isinstance(grades, list) or not all(isinstance(band, dict) and "grade" in band for band in grades):
        raise _bad(where, "grades", grades, "a list of {grade: …, lower: number}, best first, or {bands: that list, assumed: true}", "{grade: …, lower: 숫자}의 목록(높은 등급부터) 또는 {bands: 목록, assumed: true}")
    for band in grades:
        _known_keys(band, ("grade", "lower"), "grades", where)
    bounds = [band.get("lower", float("-inf")) for band in grades]
    if any(not _is_number(band.get("lower", 0)) for band in grades) or sorted(bounds, reverse=True) != bounds or len(set(bounds)) < len(bounds):
        raise _bad(where, "grades", bounds, "lower bounds that fall from band to band, best first", "높은 등급부터 차례로 낮아지는 하한")
    return [{"grade": str(band["grade"]), "lower": float(bound)} for band, bound in zip(grades, bounds, strict=True)]


def _refuse_cycles(raw: object, where: str, above: tuple = ()) -> None:
    """UserError where a node is its own part: YAML's anchors allow that, and no walk over the tree would end."""
    if not isinstance(raw, dict | list):
        return
    if id(raw) in above:
        name = raw.get("id", "components") if isinstance(raw, dict) else "components"
        raise UserError(f"{where}: `{name}` contains itself (a cycle). Take the alias out.", f"{where}: `{name}` 항목이 자기 자신을 포함합니다(순환). 별칭 참조를 빼십시오.")
    for item in raw.values() if isinstance(raw, dict) else raw:
        _refuse_cycles(item, where, (*above, id(raw)))


def _do_not_add(nodes: list[dict], weights: list, place: str, where: str) -> UserError:
    total = float(sum(weights))
    listed = " + ".join(f"{node['id']} {float(weight):g}" for node, weight in zip(nodes, weights, strict=True))
    return UserError(
        f"{where}: the weights in `{place}` add to {total:.10g}, not 100 ({listed}): {total - 100:+.10g}. Mend the weights so that they add to 100.",
        f"{where}: `{place}`의 가중치 합계가 100이 아니라 {total:.10g}입니다 ({listed}, 차이 {total - 100:+.10g}). 합계가 100이 되도록 가중치를 고치십시오.",
    )


def complete(raws: list[dict], where: str) -> dict:
    """Merge a scheme with those it extends (nearest first) and check it.

    Args:
        raws: the contents of the scheme files, the year's own first.
        where: what to call the file with the components in a message.

    Returns:
        the scheme: `year`, `units` (`label` and `codes` of the headquarters), `ties`, `components`, `source` (where the components are printed, None where
        nothing is said), and `carried_from`, the year whose components are carried on as an assumption
        (None where the year has its own).

    Raises:
        UserError: weights that do not add to 100 at a level, an unknown rule, a missing key.
    """
    scheme = {key: value for raw in reversed(raws) for key, value in raw.items() if key != "extends"}
    own = next((raw for raw in raws if "components" in raw), raws[-1])
    for raw in raws:
        _known_keys(raw, TOP_KEYS, "", where)
    scheme["carried_from"] = None if own is raws[0] else own["year"]
    scheme["source"] = own.get("source")
    if scheme["source"] is not None:
        _check_words(scheme, "source", "", where)
    if "ties" not in scheme:
        raise _bad(where, "ties", None, f"{{rule: {' | '.join(TIES)}}}")
    _check_units(scheme.get("units"), where)
    _check_numbers(scheme, "easy_targets", ("over", "years", "difficulty"), where)
    _check_numbers(scheme, "smallest_group", ("value",), where)
    tree = complete_tree({key: value for key, value in scheme.items() if key in TOP_KEYS}, where)
    for component in tree["components"]:
        for key in ("short", "evaluator"):
            _check_words(component, key, f"components.{component['id']}.", where)
        for node in walk(component):
            _check_for_report(node, where)
    return scheme | tree


def _check_units(units: object, where: str) -> None:
    """The headquarters that the year evaluates: what they are called, and their codes."""
    if not isinstance(units, dict):
        raise _bad(where, "units", units, "{label: {ko: …, en: …}, codes: [code, …]}")
    _known_keys(units, ("label", "codes", "source"), "units", where)
    for key in ("label", *(key for key in ("source",) if key in units)):
        _check_words(units, key, "units.", where)
    codes = units.get("codes")
    if not isinstance(codes, list) or not codes or not all(isinstance(code, str) for code in codes) or len(set(codes)) < len(codes):
        raise _bad(where, "units.codes", codes, "a list of codes, none twice")


def _check_numbers(scheme: dict, key: str, names: tuple[str, ...], where: str) -> None:
    given = scheme.get(key)
    if not isinstance(given, dict) or any(not _is_number(given.get(name)) or given[name] <= 0 for name in names):
        raise _bad(where, key, given, f"{{{', '.join(f'{name}: number above 0' for name in names)}}}", f"{{{', '.join(f'{name}: 0보다 큰 수' for name in names)}}}")


def _check_for_report(node: dict, where: str) -> None:
    """What the report needs of a node besides what any index needs: words, the table of its marks, and their bounds."""
    _check_words(node, "label", f"{node['id']}.", where)
    if "parts" in node:
        return
    if not isinstance(node.get("table"), str):
        raise _bad(where, f"{node['id']}.table", node.get("table"), "the name of the table of marks", "점수 표의 이름")
    if not isinstance(node.get("where", {}), dict):
        raise _bad(where, f"{node['id']}.where", node["where"], "{column: value}")
    key = BOUNDED.get(node["rule"])
    if key and key not in node:
        raise _bad(where, f"{node['id']}.{key}", None, {"scale": "{lower: number, upper: number}", "cap": "{value: number}"}[key])


def leaves(node: dict, share: float = 1.0) -> Iterator[tuple[dict, float]]:
    """The leaves below a node, each with its share of the node (shares add to 1)."""
    if "parts" not in node:
        yield node, share
    for part in node.get("parts", ()):
        yield from leaves(part, share * part["weight"] / 100)


def walk(node: dict) -> Iterator[dict]:
    """A node and everything below it, parts before their whole."""
    for part in node.get("parts", ()):
        yield from walk(part)
    yield node


def assumptions(scheme: dict) -> list[str]:
    """What the scheme assumes because no document prints it: paths such as `satisfaction.likert.scale`."""
    found = []

    def collect(node: object, path: str) -> None:
        if isinstance(node, dict):
            if node.get("assumed"):
                found.append(path)
            for key, value in node.items():
                collect(value, f"{path}.{key}" if path else key)
        elif isinstance(node, list):
            for item in node:
                collect(item, f"{path}.{item['id']}" if path else item["id"])

    collect({"ties": scheme["ties"], "grades": {"assumed": scheme["grades_assumed"]}, **{key: scheme[key] for key in ("easy_targets", "smallest_group") if key in scheme}}, "")
    collect(scheme["components"], "")
    return found


def _known_keys(node: dict, known: tuple[str, ...], place: str, where: str) -> None:
    for key in node:
        if key not in known:
            raise _bad(where, f"{place}.{key}".lstrip("."), node[key], f"one of the keys {', '.join(known)}", f"다음 항목 가운데 하나: {', '.join(known)}")


def _check_words(node: dict, key: str, place: str, where: str) -> None:
    words = node.get(key)
    if not isinstance(words, dict) or not all(isinstance(words.get(language), str) for language in LANGUAGES):
        raise _bad(where, f"{place}{key}", words, "{ko: …, en: …}")


def _bad(where: str, place: str, value: object, wanted: str, wanted_ko: str = "") -> UserError:
    return UserError(
        f"{where}: `{place}` is {value!r}; give {wanted}.",
        f"{where}: `{place}` 값이 {value!r}입니다. 다음과 같이 쓰십시오: {wanted_ko or wanted}.",
    )
