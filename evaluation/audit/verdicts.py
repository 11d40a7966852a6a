"""Every relation that printed figures should keep, computed from their digits and set beside what is printed."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import pandas as pd

from evaluation.audit.intervals import Interval, Printed, parse, point, stands_for
from evaluation.audit.relations import WHERE, complete, factor
from evaluation.errors import UserError

VERDICTS = ("holds", "holds_truncated", "fails", "not_checkable")
# Of the readings of a relation the least sure is told: the first of these, a status not listed here being sure enough.
LEAST_SURE = ("missing", "ambiguous", "printed_error", "likely", "estimate", "approximate", "derived", "certain", "printed")
APPROXIMATE = ("approximate", "estimate")
COLUMNS = [
    "id", "kind", "tables", "places", "label_ko", "label_en", "computation", "printed",
    "computed", "computed_lower", "computed_upper", "printed_lower", "printed_upper", "gap", "gap_relative", "gap_least",
    "verdict", "status", "cause", "note_ko", "note_en",
]  # fmt: skip
# Beyond this many figures a computation shows the first two and the last.
SHOWN_FIGURES = 12
SHARES = ("share", "achievement")


@dataclass(frozen=True)
class Reading:
    """One printed figure: where it stands, its text, and how it is to be read (None: by its digits). `number` is None where nothing is printed."""

    table: str
    text: str
    number: Printed | None
    reading: str | None
    status: str
    place: str
    times: Fraction


@dataclass(frozen=True)
class Counted:
    """The number of rows, or of entries of a cell."""

    table: str
    number: int
    statuses: tuple[str, ...]
    places: tuple[str, ...]


@dataclass(frozen=True)
class Combined:
    """A kind of computation on its parts."""

    kind: str
    parts: tuple["Node", ...]
    times: Fraction


Node = Reading | Counted | Combined


def known_by(results: pd.DataFrame, year: int) -> pd.DataFrame:
    """The relations that documents of a year and before make: those with a later, or an undated, document are left out.

    Args:
        results: of `audit`; a document tells its year in brackets after its name, an address on the web does not.
    """

    def latest(places: str) -> int | None:
        years = []
        for place in places.split("; "):
            dated = re.search(r"\([^()]*?((?:19|20)\d\d)\)", place)
            if dated:
                years.append(int(dated[1]))
            elif place.startswith("http") or not years:
                return None  # a later part of a document's own place follows it and has no date of its own
        return max(years)

    kept = results["places"].map(lambda places: (latest(places) or year + 1) <= year)
    return results[kept].reset_index(drop=True)


def audit(tables: dict[str, pd.DataFrame], spec: dict) -> pd.DataFrame:
    """Check every relation of the specification.

    A relation `holds` where the numbers that its digits stand for allow it: the interval computed from the
    inputs' intervals meets that of the printed result. It `holds_truncated` where it does so only if digits were
    cut off instead of rounded, in the result or in all of it. Else it `fails`. Whole numbers of a counted unit are
    exact, words such as `about`, and statuses that say so, widen a figure. A printed dash is nought.
    `not_checkable`: an input is missing, or ambiguous where it matters which one it is.

    Args:
        tables: frames of text by name, as `evaluation.sources.published.published_texts` reads them; columns
            used besides those the specification names: unit, status, source_doc or source, place.
        spec: the content of the specification, as `evaluation.sources.specs.read_audit` reads it.

    Returns:
        one row per relation, in the order of the specification, with COLUMNS: `computation` in digits;
        `printed` the digits of the result (of an order: none); `computed` from the digits as they stand and its
        interval; `gap`: printed minus computed, in the printed figure's unit, `gap_relative` in per cent of
        computed, `gap_least`: what rounding leaves unexplained (of an order: by how much it is broken);
        `status` of the least sure reading; `cause` and the note: the specification's explanation where the
        relation does not hold, else its remark, or what is missing.

    Raises:
        UserError: naming the relation, where a selector does not match exactly one row, a table or column is not
            there, or a cell prints no number; and whatever `complete` refuses.
    """
    spec = complete(spec)
    rows = {name: frame.to_dict("records") for name, frame in tables.items()}
    out = [_result(relation, spec, rows) for relation in spec["relations"]]
    return pd.DataFrame(out, columns=COLUMNS)


def _result(relation: dict, spec: dict, tables: dict[str, list[dict]]) -> dict:
    node = Combined(relation["kind"], tuple(_nodes(relation, relation, spec, tables)), factor(relation))
    is_order = relation["kind"] == "order"
    equals = None if is_order else _operand(relation["equals"], relation, spec, tables)[0]
    leaves = [*_leaves(node), *([] if is_order else [equals])]
    statuses = [status for leaf in leaves for status in ([leaf.status] if isinstance(leaf, Reading) else leaf.statuses)]
    row = {
        "id": relation["id"],
        "kind": relation["kind"],
        "tables": ", ".join(_once(leaf.table for leaf in leaves)),
        "places": "; ".join(_once(place for leaf in leaves for place in ([leaf.place] if isinstance(leaf, Reading) else leaf.places))),
        "label_ko": relation["label"]["ko"],
        "label_en": relation["label"]["en"],
        "computation": _computation(node, relation, equals),
        "printed": "" if is_order else equals.text,
        "status": next((status for status in LEAST_SURE if status in statuses), statuses[0] if statuses else "printed"),
    }
    note = relation.get("note", {"ko": "", "en": ""})
    ambiguous = "ambiguous" in statuses and relation.get("ambiguous") != "fine"
    if any(isinstance(leaf, Reading) and leaf.number is None for leaf in leaves):
        why = {"ko": "인쇄되지 않은 수치가 있음", "en": "a figure is not printed"}
    elif ambiguous:
        why = {"ko": "어느 수치인지 원문에서 확정할 수 없음", "en": "print leaves open which figure belongs here"}
    else:
        try:
            row |= _order(node, relation) if is_order else _comparison(node, equals)
            why = None
        except ZeroDivisionError:
            why = {"ko": "0으로 나누게 됨", "en": "the divisor may be zero"}
    if why is not None:
        row["verdict"], note = "not_checkable", {key: "; ".join(filter(None, (why[key], note[key]))) for key in why}
    elif row["verdict"] != "holds" and relation["id"] in spec["explanations"]:
        note = spec["explanations"][relation["id"]]
    return row | {"cause": note.get("cause", ""), "note_ko": note["ko"], "note_en": note["en"]}


def _comparison(node: Combined, equals: Reading) -> dict:
    computed, printed = _interval(node, "rounded"), _interval(equals, "rounded")
    at, stated = _interval(node, "exact").lower, _interval(equals, "exact").lower
    # A result is cut off from exact or rounded inputs, or everything is. Where two figures state the same, either may be the one cut off.
    cut = [("rounded", "truncated"), ("truncated", "truncated"), *([("truncated", "rounded")] if node.kind == "equality" else [])]
    if computed.meets(printed):
        verdict = "holds"
    elif any(_interval(node, inputs).meets(_interval(equals, result)) for inputs, result in cut):
        verdict = "holds_truncated"
    else:
        verdict = "fails"
    return {
        "verdict": verdict,
        "computed": float(at),
        "computed_lower": float(computed.lower),
        "computed_upper": float(computed.upper),
        "printed_lower": float(printed.lower),
        "printed_upper": float(printed.upper),
        "gap": float(stated - at),
        "gap_relative": float(100 * (stated - at) / abs(at)) if at else None,
        "gap_least": float(computed.apart(printed)),
    }


def _order(node: Combined, relation: dict) -> dict:
    """An order is kept where numbers can be chosen, one from each interval, that keep it."""
    sign = point(1 if relation["direction"] == "rising" else -1)
    strict = relation.get("strict", False)

    def broken(digits: str) -> tuple[bool, Fraction | float, Fraction | float]:
        steps = [_interval(part, digits) * sign for part in node.parts]
        reached, attained, kept, gap, base = steps[0].lower, steps[0].lower_closed, True, Fraction(0), steps[0].lower
        for step in steps[1:]:
            kept &= step.upper > reached or (not strict and step.upper == reached and step.upper_closed and attained)
            if reached - step.upper > gap:
                gap, base = reached - step.upper, reached
            if step.lower > reached:
                reached, attained = step.lower, step.lower_closed
            else:
                attained = attained and not strict and (step.lower < reached or step.lower_closed)
        return kept, gap, base

    kept, least, _ = broken("rounded")
    _, gap, base = broken("exact")
    verdict = "holds" if kept else "holds_truncated" if broken("truncated")[0] else "fails"
    return {"verdict": verdict, "gap": float(gap), "gap_relative": float(100 * gap / abs(base)) if base else None, "gap_least": float(least)}


def _interval(node: Node, digits: str) -> Interval:
    """What a computation can come to where figures are read by their digits as rounded, truncated, or exact (as they stand)."""
    if isinstance(node, Counted):
        return point(node.number)
    if isinstance(node, Reading):
        return stands_for(node.number, "exact" if digits == "exact" else node.reading or digits) * point(node.times)
    parts = [_interval(part, digits) for part in node.parts]
    out = parts[0]
    if node.kind in ("sum", "mean"):
        out = sum(parts[1:], start=out)
        out = out * point(Fraction(1, len(parts))) if node.kind == "mean" else out
    elif node.kind == "difference":
        for part in parts[1:]:
            out = out - part
    elif node.kind == "product":
        for part in parts[1:]:
            out = out * part
    elif node.kind in ("ratio", "per_unit", *SHARES):
        out = parts[0] / parts[1] * point(100 if node.kind in SHARES else 1)
    elif node.kind == "growth":
        out = (parts[1] / parts[0] - point(1)) * point(100)
    return out * point(node.times)


def _nodes(owner: dict, relation: dict, spec: dict, tables: dict[str, list[dict]]) -> Iterator[Node]:
    for operand in owner["of"]:
        if owner["kind"] == "count":
            yield _counted(operand, relation, tables)
        elif "kind" in operand:
            yield Combined(operand["kind"], tuple(_nodes(operand, relation, spec, tables)), factor(operand))
        else:
            yield from _operand(operand, relation, spec, tables)


def _operand(operand: dict, relation: dict, spec: dict, tables: dict[str, list[dict]]) -> list[Reading]:
    if "number" in operand:
        return [Reading("", str(operand["number"]), parse(str(operand["number"])), "exact", "printed", "", factor(operand))]
    column = operand.get("column", "value")
    name, rows = _table(operand, relation, tables)
    if "rows" in operand:
        found = _matching(operand, relation, name, rows)
    elif "over" in operand:
        (over, values), *others = operand["over"].items()
        if others or not isinstance(values, list):
            raise _refuse(
                relation,
                f"`over` is {operand['over']!r}; give one column and its values",
                f"`over` 값이 {operand['over']!r}입니다. 열 하나와 그 값들을 쓰십시오",
            )
        found = [_only(_selector(operand, relation) | {over: value}, relation, name, rows) for value in values]
    else:
        found = [_only(_selector(operand, relation), relation, name, rows)]
    return [_reading(row, column, operand, relation, spec, name) for row in found]


def _counted(operand: dict, relation: dict, tables: dict[str, list[dict]]) -> Counted:
    name, rows = _table(operand, relation, tables)
    if "rows" in operand:
        found = _matching(operand, relation, name, rows)
        number = len(found)
    else:
        found = [_only(_selector(operand, relation), relation, name, rows)]
        entries = _cell(found[0], operand.get("column", "value"), relation, name).split(operand["split"])
        number = len([entry for entry in entries if entry.strip()])
    return Counted(name, number, tuple(row.get("status", "printed") for row in found), tuple(_place(row, name) for row in found))


def _table(operand: dict, relation: dict, tables: dict[str, list[dict]]) -> tuple[str, list[dict]]:
    name = operand.get("in", relation.get("in"))
    if name not in tables:
        raise _refuse(
            relation,
            f"there is no table {name}; tables: {', '.join(sorted(tables))}",
            f"{name} 표가 없습니다. 있는 표: {', '.join(sorted(tables))}",
        )
    return name, tables[name]


def _selector(operand: dict, relation: dict) -> dict:
    """What a row must say: the operand's own `at`, on top of the relation's where both speak of the same table."""
    shared = relation.get("at", {}) if operand.get("in", relation.get("in")) == relation.get("in") else {}
    return shared | operand.get("at", {})


def _only(selector: dict, relation: dict, name: str, rows: list[dict]) -> dict:
    found = [row for row in rows if _says(row, selector, relation, name)]
    if not found:
        raise _no_row(relation, name, selector)
    if len(found) > 1:
        raise _refuse(
            relation,
            f"{name} has {len(found)} rows with {_listed(selector)}, not one; name the columns that tell them apart",
            f"{name} 표에 {_listed(selector)} 행이 하나가 아니라 {len(found)}개 있습니다. 구별할 열을 더 쓰십시오",
        )
    return found[0]


def _matching(operand: dict, relation: dict, name: str, rows: list[dict]) -> list[dict]:
    left_out = operand.get("except", {})
    found = [
        row for row in rows if _says(row, operand["rows"], relation, name) and not (left_out and _says(row, left_out, relation, name))
    ]  # fmt: skip
    if not found:
        raise _no_row(relation, name, operand["rows"])
    return found


def _says(row: dict, selector: dict, relation: dict, name: str) -> bool:
    return all(
        _cell(row, column, relation, name) in [str(value) for value in wanted] if isinstance(wanted, list) else _cell(row, column, relation, name) == str(wanted)
        for column, wanted in selector.items()
    )  # fmt: skip


def _cell(row: dict, column: str, relation: dict, name: str) -> str:
    if column not in row:
        raise _refuse(
            relation,
            f"{name} has no column {column}; columns: {', '.join(row)}",
            f"{name} 표에 {column} 열이 없습니다. 있는 열: {', '.join(row)}",
        )
    return row[column].strip()


def _reading(row: dict, column: str, operand: dict, relation: dict, spec: dict, name: str) -> Reading:
    text, status = _cell(row, column, relation, name), row.get("status", "printed")
    if "find" in operand and text:
        match = re.search(operand["find"], text)
        if match is None:
            raise _refuse(
                relation,
                f"`find: {operand['find']}` finds no figure in {text!r} of {name}",
                f"`find: {operand['find']}`로 {name} 표의 {text!r}에서 수치를 찾을 수 없습니다",
            )
        text = match[1]
    if status == "printed_dash" and not text:
        return Reading(name, "-", parse("0"), "exact", "printed", _place(row, name), factor(operand))
    number = parse(text, operand.get("decimals"))
    if number is None and text:
        raise _refuse(
            relation,
            f"{text!r} in {name}, column {column}, is not a number; `find` takes one out of a text",
            f"{name} 표 {column} 열의 {text!r}은(는) 숫자가 아닙니다. 글 안의 숫자는 `find`로 지정하십시오",
        )
    if "decimals" in operand and number is not None and number.value % number.unit == 0:
        text = f"{float(number.value):.{operand['decimals']}f}"
    reading = operand.get("reading", relation.get("reading"))
    if reading is None and number is not None:
        counted = row.get("unit", "") in spec["counted"] and number.unit == 1 and column == "value"
        reading = number.word or ("about" if status in APPROXIMATE else "exact" if counted else None)
    return Reading(name, text, number, reading, status if number is not None else "missing", _place(row, name), factor(operand))


def _place(row: dict, name: str) -> str:
    return ", ".join(filter(None, (row.get("source_doc") or row.get("source") or name, row.get("place", ""))))


def _leaves(node: Node) -> Iterator[Reading | Counted]:
    if isinstance(node, Combined):
        for part in node.parts:
            yield from _leaves(part)
    else:
        yield node


def _once(values: Iterator[str]) -> list[str]:
    return [value for value in dict.fromkeys(values) if value]


def _computation(node: Combined, relation: dict, equals: Reading | None) -> str:
    if equals is None:
        sign = {"rising": "≤", "falling": "≥"}[relation["direction"]] if not relation.get("strict") else {"rising": "<", "falling": ">"}[relation["direction"]]
        return f" {sign} ".join(_digits(part) for part in node.parts)
    return f"{_digits(node, outer=True)} = {_digits(equals)}"


def _digits(node: Node, outer: bool = False) -> str:
    if isinstance(node, Counted):
        return str(node.number)
    if isinstance(node, Reading):
        text = node.text or "?"
        return text if node.times == 1 else f"{text} × {_plain(node.times)}"
    parts = [_digits(part) for part in node.parts]
    if len(parts) > SHOWN_FIGURES:
        parts = [*parts[:2], "…", parts[-1]]
    joined = {
        "sum": " + ", "mean": " + ", "difference": " - ", "product": " × ", "ratio": " / ", "per_unit": " / ", "share": " / ", "achievement": " / ",
    }.get(node.kind)  # fmt: skip
    text = f"{parts[1]} / {parts[0]} - 1" if node.kind == "growth" else joined.join(parts) if joined else parts[0]
    text = f"({text}) / {len(node.parts)}" if node.kind == "mean" else text
    times = node.times * (100 if node.kind in (*SHARES, "growth") else 1)
    several = len(node.parts) > 1 and node.kind not in ("mean", "product")
    if times != 1:
        return f"{_plain(times)} × ({text})" if several else f"{_plain(times)} × {text}"
    return f"({text})" if several and not outer else text


def _plain(number: Fraction) -> str:
    """A factor as a person writes it: 0.001, 1,150, or a quotient where decimals do not end."""
    return f"{float(number):,.10g}" if Fraction(f"{float(number):.10g}") == number else str(number)


def _no_row(relation: dict, name: str, selector: dict) -> UserError:
    return _refuse(
        relation,
        f"{name} has no row with {_listed(selector)}; look at the spelling",
        f"{name} 표에 {_listed(selector)} 행이 없습니다. 철자를 확인하십시오",
    )


def _listed(selector: dict) -> str:
    return ", ".join(f"{column}={value}" for column, value in selector.items())


def _refuse(relation: dict, en: str, ko: str) -> UserError:
    return UserError(f"{WHERE}: {relation['id']}: {en}.", f"{WHERE}: {relation['id']}: {ko}.")
