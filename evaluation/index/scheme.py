"""An evaluation scheme: a tree of weighted components whose leaves say which rule scores which marks."""

from collections.abc import Iterator

from evaluation.errors import UserError

LANGUAGES = ("ko", "en")
TOP_KEYS = ("year", "extends", "assumed", "source", "ties", "components")
NODE_KEYS = ("id", "label", "short", "weight", "assumed", "evaluator", "parts", "rule", "table", "unit", "where", "scale", "cap")
TIES = ("min", "max", "dense")
# What each rule needs besides id, label and weight: the table of marks, and a mapping with these keys.
RULES = {"committee_mean": ("scale", ("lower", "upper")), "achievement_ratio": ("cap", ("value",)), "likert": ("scale", ("lower", "upper"))}


def complete(raws: list[dict], where: str) -> dict:
    """Merge a scheme with those it extends (nearest first) and check it.

    Args:
        raws: the contents of the scheme files, the year's own first.
        where: what to call the file with the components in a message.

    Returns:
        the scheme: `year`, `ties`, `components`, `source` (where the components are printed, None where
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
    ties = scheme.get("ties")
    if not isinstance(ties, dict) or ties.get("rule") not in TIES:
        raise _bad(where, "ties", ties, f"{{rule: {' | '.join(TIES)}}}")
    _check_level(scheme.get("components"), "components", where)
    for component in scheme["components"]:
        for key in ("short", "evaluator"):
            _check_words(component, key, f"components.{component['id']}.", where)
    ids = [node["id"] for component in scheme["components"] for node in _nodes(component)]
    for name in ids:
        if ids.count(name) > 1:
            raise _bad(where, "id", name, "an id that no other component or part has")
    return scheme


def leaves(node: dict, share: float = 1.0) -> Iterator[tuple[dict, float]]:
    """The leaves below a node, each with its share of the node (shares add to 1)."""
    if "parts" not in node:
        yield node, share
    for part in node.get("parts", ()):
        yield from leaves(part, share * part["weight"] / 100)


def assumptions(scheme: dict) -> list[str]:
    """What the scheme assumes because no document prints it: paths such as `satisfaction.likert.scale`."""
    found = []

    def walk(node: object, path: str) -> None:
        if isinstance(node, dict):
            if node.get("assumed"):
                found.append(path)
            for key, value in node.items():
                walk(value, f"{path}.{key}" if path else key)
        elif isinstance(node, list):
            for item in node:
                walk(item, f"{path}.{item['id']}" if path else item["id"])

    walk({"ties": scheme["ties"]}, "")
    walk(scheme["components"], "")
    return found


def _nodes(node: dict) -> Iterator[dict]:
    yield node
    for part in node.get("parts", ()):
        yield from _nodes(part)


def _check_level(nodes: object, place: str, where: str) -> None:
    if not isinstance(nodes, list) or not nodes or not all(isinstance(node, dict) and isinstance(node.get("id"), str) for node in nodes):
        raise _bad(where, place, nodes, "a list of entries, each with an id, a label and a weight")
    for node in nodes:
        inside = f"{place}.{node['id']}"
        _known_keys(node, NODE_KEYS, inside, where)
        if not isinstance(node.get("weight"), int | float) or node["weight"] < 0:
            raise _bad(where, f"{inside}.weight", node.get("weight"), "a number, the weight in per cent")
        _check_words(node, "label", f"{inside}.", where)
        if "parts" in node:
            _check_level(node["parts"], inside, where)
        else:
            _check_leaf(node, inside, where)
    total = sum(node["weight"] for node in nodes)
    if abs(total - 100) > 1e-9:
        listed = " + ".join(f"{node['id']} {node['weight']:g}" for node in nodes)
        raise UserError(
            f"{where}: the weights in `{place}` add to {total:g}, not 100 ({listed}). Mend the weights so that they add to 100.",
            f"{where}: `{place}`의 가중치 합계가 100이 아니라 {total:g}입니다 ({listed}). 합계가 100이 되도록 가중치를 고치십시오.",
        )


def _check_leaf(node: dict, place: str, where: str) -> None:
    if node.get("rule") not in RULES:
        raise _bad(where, f"{place}.rule", node.get("rule"), " | ".join(RULES))
    if not isinstance(node.get("table"), str):
        raise _bad(where, f"{place}.table", node.get("table"), "the name of the table of marks")
    if not isinstance(node.get("where", {}), dict):
        raise _bad(where, f"{place}.where", node["where"], "{column: value}")
    key, needed = RULES[node["rule"]]
    given = node.get(key)
    if not isinstance(given, dict) or not all(isinstance(given.get(name), int | float) for name in needed):
        raise _bad(where, f"{place}.{key}", given, f"{{{', '.join(f'{name}: number' for name in needed)}}}")
    if key == "scale" and given["lower"] >= given["upper"]:
        raise _bad(where, f"{place}.scale", given, "lower below upper")


def _known_keys(node: dict, known: tuple[str, ...], place: str, where: str) -> None:
    for key in node:
        if key not in known:
            raise _bad(where, f"{place}.{key}".lstrip("."), node[key], f"one of the keys {', '.join(known)}")


def _check_words(node: dict, key: str, place: str, where: str) -> None:
    words = node.get(key)
    if not isinstance(words, dict) or not all(isinstance(words.get(language), str) for language in LANGUAGES):
        raise _bad(where, f"{place}{key}", words, "{ko: …, en: …}")


def _bad(where: str, place: str, value: object, wanted: str) -> UserError:
    return UserError(
        f"{where}: `{place}` is {value!r}; give {wanted}.",
        f"{where}: `{place}` 값이 {value!r}입니다. 다음과 같이 쓰십시오: {wanted}.",
    )
