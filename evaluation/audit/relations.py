"""The relations of the audit's specification: checked, families written out, one mapping per relation."""

import itertools
import re
from fractions import Fraction

from evaluation.errors import UserError

WHERE = "evaluation/specs/audit.yml"
LANGUAGES = ("ko", "en")
SPEC_KEYS = ("counted", "names", "relations", "explanations")
RELATION_KEYS = ("id", "kind", "label", "each", "in", "at", "of", "times", "equals", "direction", "strict", "reading", "ambiguous", "note")
OPERAND_KEYS = ("in", "at", "column", "find", "times", "reading", "decimals", "over", "rows", "except", "split", "number", "kind", "of")
CAUSES = ("misprint", "truncated", "other_scope", "other_edition", "unknown")
READINGS = ("rounded", "truncated", "exact", "about", "over", "under")
# What each kind computes of its operands, in their order. `order` compares them and has nothing it equals.
KINDS = {
    "sum": "a + b + …",
    "mean": "(a + b + …) / n",
    "difference": "a - b - …",
    "product": "a * b * …",
    "ratio": "a / b",
    "per_unit": "a / b",
    "share": "100 a / b",
    "achievement": "100 a / b",
    "growth": "100 (b / a - 1)",
    "equality": "a",
    "count": "rows of a",
    "order": "a, b, …",
}
TWO = ("ratio", "per_unit", "share", "achievement", "growth")


def complete(spec: dict) -> dict:
    """The specification of the audit, checked as far as it can be without tables, with every family written out.

    A relation with `each` stands for a family: `each` maps names to lists of values (every combination is a
    member), or is a list of such mappings (every one is a member). `{name}` is replaced everywhere in the
    relation: by the value, in a label by what `names` calls it, in the id by the value in small letters.

    Returns:
        `relations`: mappings with id, kind, label {ko, en}, of (a list of operands), and the other keys of
        RELATION_KEYS where given; `counted`: units whose whole numbers are counts and exact; `explanations`:
        {id: {cause, ko, en}}.

    Raises:
        UserError: naming the relation, where a key is missing or unknown, or a value is not allowed.
    """
    _known(spec, SPEC_KEYS, WHERE)
    for key, kind, means in (
        ("relations", list, "a list of relations"), ("counted", list, "a list of units"),
        ("names", dict, "{printed name: name}"), ("explanations", dict, "{id: {cause, ko, en}}"),
    ):  # fmt: skip
        if not isinstance(spec.get(key), kind):
            raise _refuse(WHERE, key, spec.get(key), means)
    relations = [member for relation in spec["relations"] for member in _family(relation, spec["names"])]
    ids = [relation["id"] for relation in relations]
    for name in ids:
        if ids.count(name) > 1:
            raise _refuse(WHERE, "id", name, "an id that no other relation has")
    for relation in relations:
        _check_relation(relation)
    for name, explanation in spec["explanations"].items():
        if name not in ids:
            raise _refuse(f"{WHERE}: explanations", "id", name, "the id of a relation")
        _check_words(explanation, f"{WHERE}: explanations, {name}")
        if explanation.get("cause") not in CAUSES:
            raise _refuse(f"{WHERE}: explanations, {name}", "cause", explanation.get("cause"), " | ".join(CAUSES))
    return {"relations": relations, "counted": [str(unit) for unit in spec["counted"]], "explanations": spec["explanations"]}


def _family(relation: object, names: dict) -> list[dict]:
    if not isinstance(relation, dict) or not isinstance(relation.get("id"), str):
        raise _refuse(WHERE, "relations", relation, "relations, each with an id, a kind and a label")
    place = f"{WHERE}: {relation['id']}"
    _known(relation, RELATION_KEYS, place)
    _check_words(relation.get("label"), f"{place}, label")
    if "each" not in relation:
        return [relation]
    each = relation["each"]
    if isinstance(each, dict) and each and all(isinstance(values, list) and values for values in each.values()):
        members = [dict(zip(each, values, strict=True)) for values in itertools.product(*each.values())]
    elif isinstance(each, list) and each and all(isinstance(member, dict) for member in each):
        members = each
    else:
        raise _refuse(place, "each", each, "{name: [values]}, or a list of {name: value}")
    rest = {key: value for key, value in relation.items() if key != "each"}
    return [_member(rest, {name: str(value) for name, value in member.items()}, names, place) for member in members]


def _member(relation: dict, values: dict[str, str], names: dict, place: str) -> dict:
    out = {key: _fill(value, values) for key, value in relation.items() if key not in ("id", "label")}
    out["id"] = _fill(relation["id"], {name: slug(value) for name, value in values.items()})
    if out["id"] == relation["id"]:
        raise _refuse(place, "id", relation["id"], f"an id with {' or '.join(f'{{{name}}}' for name in values)}, so that each member has its own")
    for language in LANGUAGES:
        called = {name: _called(value, names, language) for name, value in values.items()}
        out.setdefault("label", {})[language] = _fill(relation["label"][language], called)
    return out


def _called(value: str, names: dict, language: str) -> str:
    name = names.get(value, value)
    return str(name.get(language, value) if isinstance(name, dict) else name if language == "ko" else value)


def slug(value: str) -> str:
    """A value as a part of an id: `<50` is under_50, `R&D` is r_d."""
    return re.sub(r"[^a-z0-9]+", "_", value.lower().replace("<", "under ").replace(">", "over ")).strip("_")


def _fill(value: object, values: dict[str, str]) -> object:
    if isinstance(value, str):
        for name, text in values.items():
            value = value.replace(f"{{{name}}}", text)
        return value
    if isinstance(value, dict):
        return {_fill(key, values): _fill(item, values) for key, item in value.items()}
    if isinstance(value, list):
        return [_fill(item, values) for item in value]
    return value


def _check_relation(relation: dict) -> None:
    place = f"{WHERE}: {relation['id']}"
    if relation.get("kind") not in KINDS:
        raise _refuse(place, "kind", relation.get("kind"), " | ".join(KINDS))
    _check_operands(relation, place)
    _check_scale(relation, place)
    if relation["kind"] == "order":
        if relation.get("direction") not in ("rising", "falling"):
            raise _refuse(place, "direction", relation.get("direction"), "rising | falling")
        if "equals" in relation or "times" in relation:
            raise _refuse(place, "kind", "order", "a relation without `equals` and `times`; an order only compares")
    else:
        if "direction" in relation or "strict" in relation:
            raise _refuse(place, "kind", relation["kind"], "order, where there is a `direction` or `strict`")
        if not isinstance(relation.get("equals"), dict):
            raise _refuse(place, "equals", relation.get("equals"), "the operand that prints the result")
        _check_operand(relation["equals"], f"{place}, equals", relation)
        if "kind" in relation["equals"] or any(key in relation["equals"] for key in ("over", "rows", "split")):
            raise _refuse(place, "equals", relation["equals"], "one cell, or a number")
    for key in ("strict", "ambiguous"):
        allowed = (True, False) if key == "strict" else ("fine",)
        if key in relation and relation[key] not in allowed:
            raise _refuse(place, key, relation[key], " | ".join(map(str, allowed)))
    if "note" in relation:
        _check_words(relation["note"], f"{place}, note")


def _check_operands(node: dict, place: str, relation: dict | None = None) -> None:
    relation = node if relation is None else relation
    operands = node.get("of")
    if not isinstance(operands, list) or not operands or not all(isinstance(operand, dict) for operand in operands):
        raise _refuse(place, "of", operands, "a list of operands")
    several = any("over" in operand or ("rows" in operand and node["kind"] != "count") for operand in operands)
    if node["kind"] in TWO and (len(operands) != 2 or several):
        raise _refuse(place, "of", f"{len(operands)} operands", f"two for {node['kind']} ({KINDS[node['kind']]})")
    if node["kind"] in ("equality", "count") and (len(operands) != 1 or "over" in operands[0]):
        raise _refuse(place, "of", f"{len(operands)} operands", f"one for {node['kind']}")
    if node["kind"] == "count" and not {"rows", "split"} & operands[0].keys():
        raise _refuse(place, "of", operands[0], "`rows` or `split`, what is to be counted")
    if node["kind"] != "count" and any("split" in operand for operand in operands):
        raise _refuse(place, "split", node["kind"], "count, the only kind that splits a cell")
    for index, operand in enumerate(operands):
        _check_operand(operand, f"{place}, of {index + 1}", relation)


def _check_operand(operand: dict, place: str, relation: dict) -> None:
    _known(operand, OPERAND_KEYS, place)
    _check_scale(operand, place)
    if "kind" in operand:
        if operand["kind"] not in KINDS or operand["kind"] == "order":
            raise _refuse(place, "kind", operand["kind"], " | ".join(kind for kind in KINDS if kind != "order"))
        _check_operands(operand, place, relation)
        return
    if "number" in operand:
        if isinstance(operand["number"], bool) or not isinstance(operand["number"], int | float):
            raise _refuse(place, "number", operand["number"], "a number")
        return
    if not isinstance(operand.get("in", relation.get("in")), str):
        raise _refuse(place, "in", operand.get("in"), "the name of a table")
    for key in ("at", "rows", "except", "over"):
        if key in operand and not isinstance(operand[key], dict):
            raise _refuse(place, key, operand[key], "{column: value}")
    if "decimals" in operand and (type(operand["decimals"]) is not int or operand["decimals"] < 0):
        raise _refuse(place, "decimals", operand["decimals"], "how many decimals print has: 0, 1, 2, …")
    if "find" in operand:
        try:
            groups = re.compile(operand["find"]).groups
        except (re.error, TypeError):
            groups = None
        if groups != 1:
            raise _refuse(place, "find", operand["find"], "a regular expression with one pair of brackets, around the figure")


def _check_scale(owner: dict, place: str) -> None:
    if "times" in owner and not _factor(owner["times"]):
        raise _refuse(place, "times", owner["times"], "a number, or a quotient such as 1/1000")
    if "reading" in owner and owner["reading"] not in READINGS:
        raise _refuse(place, "reading", owner["reading"], " | ".join(READINGS))


def _factor(value: object) -> Fraction | None:
    """A number of the specification, exactly as written: 0.1 is one tenth."""
    try:
        return Fraction(str(value))
    except (ValueError, ZeroDivisionError):
        return None


def factor(node: dict) -> Fraction:
    """What a relation or operand is multiplied by, 1 where nothing is said."""
    return Fraction(str(node.get("times", 1)))


def _known(given: object, allowed: tuple[str, ...], place: str) -> None:
    if not isinstance(given, dict):
        raise _refuse(place, "entry", given, "{key: value}")
    for key in given:
        if key not in allowed:
            raise UserError(
                f"{place}: there is no key `{key}`. Keys: {', '.join(allowed)}.",
                f"{place}: `{key}`라는 항목이 없습니다. 쓸 수 있는 항목: {', '.join(allowed)}.",
            )


def _check_words(given: object, place: str) -> None:
    if not isinstance(given, dict) or not all(isinstance(given.get(language), str) and given[language].strip() for language in LANGUAGES):
        raise _refuse(place, "text", given, "{ko: …, en: …}")


def _refuse(place: str, key: str, given: object, wanted: str) -> UserError:
    return UserError(f"{place}: `{key}` is {given!r}; give {wanted}.", f"{place}: `{key}` 값이 {given!r}입니다. 다음 중에서 쓰십시오: {wanted}.")
