"""An evaluation scheme: a tree of weighted components whose leaves say which rule scores which marks."""

from collections.abc import Iterator

from evaluation.errors import UserError

RULES = ("committee_mean", "achievement_ratio", "likert")


def complete(raws: list[dict], where: str) -> dict:
    """Merge a scheme with those it extends (nearest first) and check it.

    Args:
        raws: the contents of the scheme files, the year's own first.
        where: what to call the file with the components in a message.

    Returns:
        the scheme: `year`, `source`, `ties`, `components`, and `carried_from`, the year whose
        weights are carried on as an assumption (None where the year has its own).

    Raises:
        UserError: weights that do not add to 100 at a level, an unknown rule, a missing key.
    """
    scheme = {key: value for raw in reversed(raws) for key, value in raw.items() if key != "extends"}
    scheme["carried_from"] = raws[-1]["year"] if len(raws) > 1 else None
    _check_level(scheme.get("components") or [], "components", where)
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


def _check_level(nodes: list[dict], place: str, where: str) -> None:
    for node in nodes:
        missing = {"id", "weight", "label"} - node.keys()
        if missing or not isinstance(node["weight"], int | float):
            raise UserError(
                f"{where}: in `{place}`, {node.get('id', node)} needs {', '.join(sorted(missing)) or 'a number as weight'}.",
                f"{where}: `{place}`의 {node.get('id', node)} 항목에 {', '.join(sorted(missing)) or '숫자로 된 weight'} 값이 필요합니다.",
            )
        if "parts" in node:
            _check_level(node["parts"], f"{place}.{node['id']}", where)
        elif node.get("rule") not in RULES:
            raise UserError(
                f"{where}: `{place}.{node['id']}` has the rule {node.get('rule')!r}; use one of {', '.join(RULES)}.",
                f"{where}: `{place}.{node['id']}`의 규칙 {node.get('rule')!r}을(를) 알 수 없습니다. 다음 중 하나를 쓰십시오: {', '.join(RULES)}.",
            )
    total = sum(node["weight"] for node in nodes)
    if abs(total - 100) > 1e-9:
        listed = " + ".join(f"{node['id']} {node['weight']:g}" for node in nodes) or "—"
        raise UserError(
            f"{where}: the weights in `{place}` add to {total:g}, not 100 ({listed}). Mend the weights so that they add to 100.",
            f"{where}: `{place}`의 가중치 합계가 100이 아니라 {total:g}입니다 ({listed}). 합계가 100이 되도록 가중치를 고치십시오.",
        )
