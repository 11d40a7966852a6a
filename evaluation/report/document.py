"""Chapters of the report: Jinja texts of each language over the ledger.

A text asks for numbers by ledger id and never holds one itself. What a chapter asked for is kept, so a
chapter that rests on simulated data is marked without anyone having to remember it.
"""

import ast
import hashlib
import json
import re
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import jinja2
import pandas as pd
import yaml

from evaluation.errors import UserError
from evaluation.impact.frozen import checked, differences
from evaluation.impact.sensitivity.evidence import SCALE
from evaluation.impact.specification import complete_impact
from evaluation.index.scheme import complete, leaves, walk
from evaluation.paths import REPORTS, shown
from evaluation.report import figures, words
from evaluation.report.entries import slug, to_percent
from evaluation.report.ledger import read_ledger
from evaluation.sources.kept import read_frozen
from evaluation.sources.specs import read_impact, read_report, read_scheme
from evaluation.sources.tables import TABLES

# Standardised differences beyond which groups are not alike (Imbens and Rubin 2015, ch. 14).
ALIKE = 0.25
# Standardised differences in size beyond which complexes could hardly have changed places.
FAR = 1
# Multiples of the worst violation before joining from which on a finding is said to hold against violations.
HOLDS = 0.1
# Below this many treated complexes, analytic intervals of a cohort are known to be too narrow.
FEW = 20
# A headquarters is called first without reserve where it is so in this share of resamples (per cent).
CERTAIN = 95
# Below this p-value, trends before joining are said to differ.
SIGNIFICANT = 0.05
# Room beside a word in a column's header, in letters.
PADDING = 3
# How many strengths, and how many weaknesses, a headquarters' profile names.
PROFILED = 2
PANEL_TABLES = ["panel", "complexes", "price_index"]


@dataclass
class Document:
    """One report in one language, being written."""

    year: int
    lang: str
    ledger: pd.DataFrame
    settings: dict
    scheme: dict
    impact: dict
    facts: dict  # tables without numbers of their own: files, reconciliation texts, statuses, versions
    folder: Path  # where figures and the document's files go
    place: str  # what the Markdown calls the folder of figures
    used: set[str] = field(default_factory=set)
    simulated: bool = False  # whether any chapter so far rests on simulated data


def open_document(year: int, lang: str, inputs: Path | str, folder: Path | str, place: str = "figures") -> Document:
    """Open the results of a year for writing its report.

    Args:
        inputs: the year's work folder, with `data`, `index`, `outcomes` and `impact` below it.
        folder: where figures and the document's files go.
        place: the folder of figures as seen from the document.
    """
    base = Path(inputs)
    figures.use_style()
    scheme = complete(*read_scheme(year))
    return Document(year, lang, read_ledger(base), read_report(), scheme, complete_impact(read_impact()), _facts(base), Path(folder), place)


def chapter(document: Document, name: str) -> str:
    """A chapter as Markdown, marked where it rests on simulated data; blank lines around it."""
    document.used.clear()
    text = _render(document, f"{name}.md")
    simulated = bool(document.ledger.loc[sorted(document.used), "simulated"].any())
    document.simulated |= simulated
    marked = f":::: {{.simulated}}\n\n{text.strip()}\n\n::::" if simulated else text.strip()
    return f"\n{marked}\n\n"


def finish(document: Document) -> None:
    """Write `meta.yml`, the document's front matter, and `assets.json`, the hashes of its figures."""
    meta = yaml.safe_load(_render(document, "meta.yml"))
    date = document.settings["date"]
    meta |= {
        "lang": document.lang,
        "date": f"{document.year + 1}-{date['month']:02d}-{date['day']:02d}",
        "data-hash": data_hash(document)[:8],
    }
    meta_text = yaml.safe_dump(meta, allow_unicode=True, sort_keys=False)
    (document.folder / "meta.yml").write_text(meta_text, encoding="utf-8")
    drawn = sorted((document.folder / "figures").glob("*.svg"))
    assets = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in drawn}
    (document.folder / "assets.json").write_text(json.dumps(assets, indent=1) + "\n", encoding="utf-8")


def data_hash(document: Document) -> str:
    """One hash for all rows the report rests on."""
    return hashlib.sha256("\n".join(document.facts["files"]["rows_sha256"]).encode()).hexdigest()


def _facts(base: Path) -> dict:
    state = base / "state"
    return {
        "files": pd.read_csv(base / "data" / "files.csv"),
        "reconciliation": pd.read_parquet(base / "data" / "reconciliation.parquet"),
        "mini_clusters": pd.read_parquet(base / "data" / "mini_clusters.parquet"),
        "census": pd.read_csv(base / "data" / "census.csv"),
        "releases": pd.read_csv(base / "data" / "releases.csv"),
        "swaps": pd.read_csv(base / "index" / "swaps.csv", keep_default_na=False),
        "drivers": pd.read_csv(base / "index" / "drivers.csv", dtype=str),
        "targets": pd.read_csv(base / "index" / "targets.csv"),
        "estimators": pd.read_csv(base / "impact" / "estimators.csv"),
        "checks": pd.read_csv(base / "credibility" / "checks.csv", keep_default_na=False, na_values=[""], dtype={"case": "string", "why": "string"}),
        "inference": pd.read_csv(base / "credibility" / "inference.csv", dtype={"part": "string"}),
        "evidence": pd.read_csv(base / "credibility" / "evidence.csv"),
        "curve": _rows_of(base / "credibility" / "curve.csv"),
        "growth": pd.read_csv(base / "outcomes" / "growth.csv"),
        "press": pd.read_csv(base / "outcomes" / "press.csv"),
        "audit": pd.read_csv(base / "audit" / "audit.csv", keep_default_na=False),
        "environment": json.loads((state / "environment.json").read_text(encoding="utf-8")),
        "renderer": json.loads((state / "renderer.json").read_text(encoding="utf-8")),
    }


def _rows_of(path: Path) -> pd.DataFrame:
    """A table that may have nothing in it, not even columns."""
    try:
        return pd.read_csv(path)
    except pd.errors.EmptyDataError:
        return pd.DataFrame()


def _render(document: Document, name: str) -> str:
    """A text with its numbers; UserError naming file and line where it cannot be made."""
    try:
        template = _environment(document).get_template(name)
        return template.render(year=document.year, lang=document.lang, any_simulated=document.simulated)
    except jinja2.TemplateSyntaxError as error:
        line, what = error.lineno, error.message
    except Exception as error:
        # Jinja puts the text's own file and line into the traceback.
        frames = traceback.extract_tb(error.__traceback__)
        line = next((frame.lineno for frame in reversed(frames) if frame.filename.endswith(name)), "?")
        what = str(error) if isinstance(error, UserError) else f"{type(error).__name__}: {error}"
    file = shown(REPORTS / document.lang / name)
    raise UserError(f"{file}, line {line}: {what}", f"{file} {line}행: {what}")


def _environment(document: Document) -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(REPORTS / document.lang),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,
        # Pandoc's identifiers {#fig-x} look like Jinja's comments, so those get another form.
        comment_start_string="{//",
        comment_end_string="//}",
    )
    environment.globals |= _asked_by_texts(document)
    return environment


def _mark_tables(scheme: dict) -> set[str]:
    """The tables that the scheme scores."""
    named = {leaf["table"] for component in scheme["components"] for leaf, _ in leaves(component)}
    return named | ({"mini_clusters"} if "mc_marks" in named else set())


def _label(document: Document, kind: str, code: str) -> str:
    return document.settings["labels"].get(kind, {}).get(code, {}).get(document.lang, code)


def _asked_by_texts(document: Document) -> dict:
    """What a text may call."""
    ledger, lang = document.ledger, document.lang

    def row(id: str) -> pd.Series:
        if id not in ledger.index:
            raise UserError(
                f"the ledger has no {id!r}; look for its id with `iccp explain`",
                f"수치대장에 {id!r} 항목이 없습니다. `iccp explain`으로 항목을 찾아보십시오",
            )
        document.used.add(id)
        return ledger.loc[id]

    def has(id: str) -> bool:
        return id in ledger.index

    def value(id: str) -> float:
        return float(row(id)["value"])

    def v(id: str, signed: bool = False) -> str:
        entry = row(id)
        return words.number(entry["value"], int(entry["decimals"]), signed)

    def size(id: str) -> str:
        """A number without its sign, where the words carry it."""
        entry = row(id)
        return words.number(abs(entry["value"]), int(entry["decimals"]))

    def between(id: str, signed: bool = False) -> str:
        entry = row(id)
        return words.interval(entry["lower"], entry["upper"], int(entry["decimals"]), lang, signed)

    def level(id: str) -> str:
        """The level of an interval in per cent: a setting, whatever the interval rests on."""
        return words.number(100 * float(ledger.at[id, "level"]), 0)

    def includes_zero(id: str) -> bool:
        entry = row(id)
        return bool(entry["lower"] <= 0 <= entry["upper"])

    def label(kind: str, code: str) -> str:
        return _label(document, kind, code)

    def node_label(id: str, short: bool = True) -> str:
        """What the scheme calls a component, or a part of one."""
        for component in document.scheme["components"]:
            for node in walk(component):
                if node["id"] == id:
                    return node["short" if short and node is component else "label"][lang]
        return label("change_part", id)

    def node_labels(ids: str) -> str:
        """Several of them, given as a list separated by commas."""
        return words.listed([node_label(id) for id in ids.split(", ")], lang)

    def grade(name: str) -> str:
        """A headquarters' grade; a dash below the last band."""
        place = value(f"index.grade.{name}")
        return document.scheme["grades"][int(place) - 1]["grade"] if place == place else words.NONE

    def strengths(name: str, sign: int) -> list[str]:
        """The parts in which a headquarters stands out most against the mean (sign 1), or lags most (-1), up to two."""
        prefix = f"index.advantage.{name}."
        points = ledger.loc[ledger.index.str.startswith(prefix), "value"] * sign
        top = points[points.round(1) > 0].sort_values(ascending=False, kind="stable").head(PROFILED)
        return [id[len(prefix) :] for id in top.index]

    def strengths_in_words(name: str, sign: int) -> str:
        """Those, each with the points it adds to the total or takes from it."""
        space = "" if lang == "ko" else " "
        return words.listed([f"{node_label(id)}{space}({v(f'index.advantage.{name}.{id}', signed=True)})" for id in strengths(name, sign)], lang)

    def swap_weights(number: int) -> str:
        """The component weights that make two neighbours level, in the scheme's order."""
        return "/".join(v(f"index.swap.{number}.weight.{component['id']}") for component in document.scheme["components"])

    def additive() -> bool:
        """Whether the total is the weighted sum of the component scores."""
        return document.scheme["root"]["aggregate"]["rule"] == "arithmetic"

    def changed_by() -> list[str]:
        """What totals and ranks changed by: the scheme is left out where it did not change."""
        names = codes("index.change_part")
        parts = codes(f"index.change_part.{names[0]}") if names else []
        same = all(value(f"index.change_part.{name}.scheme.{what}") == 0 for name in names for what in ("total", "rank"))
        return [part for part in parts if not (part == "scheme" and same)]

    def swap_with(name: str, side: str) -> dict | None:
        """The neighbour that a headquarters lies before (side "ahead") or behind ("behind"), and its number in the ledger."""
        swaps = document.facts["swaps"]
        own = swaps[swaps[side] == name]
        return None if own.empty else own.iloc[0].to_dict() | {"number": int(own.index[0]) + 1}

    def flagged_targets() -> list[dict]:
        """The targets with a sign of having been too easy, by rank: unit, indicator, signs in words."""
        targets = document.facts["targets"]
        order = {name: place for place, name in enumerate(ranked())}
        rows = targets[targets["flags"] > 0].sort_values(["unit"], key=lambda unit: unit.map(order), kind="stable")
        signs = [name for name in document.settings["labels"]["target_sign"] if name in rows]
        return [{"unit": row["unit"], "indicator": row["indicator"], "signs": words.listed([label("target_sign", sign) for sign in signs if row[sign]], lang)} for row in rows.to_dict("records")]

    def moved_most() -> str:
        """What ranks hang on most: the source with the largest total index."""
        sources = codes("index.sobol")
        return max(sources, key=lambda name: value(f"index.sobol.{name}.total"))

    def gained_most() -> str | None:
        """Who gained most since the year before; None where nobody gained."""
        changes = {name: value(f"index.change.{name}.total_change") for name in ranked() if has(f"index.change.{name}.total_change")}
        best = max(changes, key=changes.get) if changes else None
        return best if best is not None and round(changes[best], 1) > 0 else None

    def leaders() -> list[str]:
        """Who comes first: more than one where totals tie."""
        ranks = {name: value(f"index.rank.{name}") for name in ranked()}
        return [name for name, rank in ranks.items() if rank == min(ranks.values())]

    def leader_names() -> str:
        return words.listed([label("headquarters", name) for name in leaders()], lang)

    def counted(id: str, one: str, many: str) -> str:
        """A count with its noun: 1 complex, 5 complexes."""
        return f"{v(id)} {one if value(id) == 1 else many}"

    def certain_first() -> bool:
        """Whether one headquarters is first whoever of several evaluators evaluates."""
        first = leaders()
        several = value("data.marks.evaluators") > 1
        return len(first) == 1 and several and value(f"index.first.{first[0]}") >= CERTAIN

    def colwidths(*widths: float) -> str:
        """Column widths of a table, scaled to 100; a width of 0 is a column that is not there."""
        there = [width for width in widths if width]
        # Whole numbers: Quarto reads 12.5 as two columns' widths. What rounding down leaves goes to those it cut most.
        exact = [100 * width / sum(there) for width in there]
        shares = [int(share) for share in exact]
        for column in sorted(range(len(exact)), key=lambda column: shares[column] - exact[column])[: 100 - sum(shares)]:
            shares[column] += 1
        return f'tbl-colwidths="[{",".join(f"{share:g}" for share in shares)}]"'

    def fitted(*headers: str, first: float = 0) -> str:
        """Column widths that hold the longest word of each header; `first`: at least, for the names in the first column."""
        # A line of Korean breaks between any two signs, so a header stays whole but at its dots.
        breaks = r"[\s·]" if lang == "en" else "·"
        widths = [max(words.width(word) for word in re.split(breaks, header)) + PADDING for header in headers]
        return colwidths(max(first, widths[0]), *widths[1:])

    def ranked() -> list[str]:
        totals = ledger[ledger.index.str.startswith("index.rank.")]["value"].sort_values(kind="stable")
        return [id.rsplit(".", 1)[-1] for id in totals.index]

    def codes(prefix: str) -> list[str]:
        """The next part of every ledger id below a prefix, in the ledger's order."""
        below = ledger.index[ledger.index.str.startswith(prefix + ".")]
        return list(dict.fromkeys(id[len(prefix) + 1 :].split(".")[0] for id in below))

    def origin(prefix: str) -> str:
        """The quiet mark for a caption where the numbers below a prefix are simulated."""
        if not ledger.loc[ledger.index.str.startswith(prefix), "simulated"].any():
            return ""
        return f"[{label('origin', 'simulated')}]{{.origin}}"

    def few() -> list[str]:
        """Years of joining with too few complexes for the usual intervals."""
        lead = f"impact.{document.impact['outcomes'][0]['id']}"
        treated = {cohort: ledger.at[f"{lead}.treated.cohort.{cohort}", "value"] for cohort in codes(f"{lead}.cs.cohort")}
        return [cohort for cohort, count in treated.items() if count < FEW]

    def failed() -> list[dict]:
        """The relations between printed figures that do not hold: slug, label and note, the largest gap first."""
        audit = document.facts["audit"]
        rows = audit[audit["verdict"] == "fails"]
        rows = rows.assign(size=pd.to_numeric(rows["gap_relative"]).abs()).sort_values(["size", "id"], ascending=[False, True])
        return [{"slug": slug(row["id"]), "label": row[f"label_{lang}"][:1].upper() + row[f"label_{lang}"][1:], "note": row[f"note_{lang}"]} for row in rows.to_dict("records")]

    def outcome_names() -> str:
        return words.listed([label("outcome", outcome["id"]) for outcome in document.impact["outcomes"]], lang)

    def scheme_assumptions() -> list[str]:
        """What the scheme assumes, a line each, numbers from the ledger."""
        scheme, lines = document.scheme, []
        for component in scheme["components"]:
            for leaf, _ in leaves(component):
                said = _assumed(leaf, leaf is not component, v, lang)
                if said:
                    name = component["label" if lang == "ko" or leaf is component else "short"][lang]
                    if leaf is not component:
                        inner = leaf["label"][lang]
                        name = f"{name} 중 {inner}" if lang == "ko" else f"{name}, {inner[0].lower()}{inner[1:]}"
                    lines.append(f"{name}: {', '.join(said)}")
        if scheme["ties"].get("assumed"):
            lines.append(label("ties", scheme["ties"]["rule"]))
        if scheme["grades_assumed"]:
            bands = [(band["grade"], f"index.grade_bound.{band['grade']}") for band in scheme["grades"]]
            told = [(f"{grade} {v(id)}점 이상" if lang == "ko" else f"{grade} from {v(id)} points") if has(id) else (f"{grade} 그 미만" if lang == "ko" else f"{grade} below") for grade, id in bands]
            lines.append(("등급: " if lang == "ko" else "Grades: ") + ", ".join(told))
        if scheme["easy_targets"].get("assumed"):
            over, years, mark = (v(f"index.easy_targets.{key}") for key in ("over", "years", "difficulty"))
            lines.append(f"쉬운 목표의 표시: {years}년 이상 연속 달성률 {over}% 이상, 또는 난이도 {mark}점 미만에서 달성" if lang == "ko" else f"Signs of an easy target: achieved at {over}% or more in {years} years running, or met with a difficulty mark below {mark}")
        if scheme["smallest_group"].get("assumed"):
            least = v("index.smallest_group")
            lines.append(f"만족도: 응답자 {least}명 미만인 구분은 싣지 않음" if lang == "ko" else f"Satisfaction: groups of fewer than {least} respondents are not shown")
        return lines

    def day(id: str) -> str:
        """A date, held as 20101231: 2010년 12월 31일, 31 December 2010."""
        return words.day(int(value(id)), lang)

    def census_cell(row: object, measure: str) -> str:
        """A figure of a complex in the census, or in words why there is none."""
        status = getattr(row, f"{measure}_status")
        return v(f"data.census.complex.{row.complex_id}.{measure}") if status in ("observed", "zero") else "X" if status == "masked" else label("status", status)

    def left_out() -> list[str]:
        """Why complexes are left out of the estimates: the usual reasons, and others where they occur."""
        prefix = ".sample.excluded_"
        counts = ledger.loc[ledger.index.str.contains(prefix, regex=False), "value"]
        reasons = list(dict.fromkeys(id.split(prefix)[1] for id in counts.index))
        occurs = {reason: counts[counts.index.str.endswith(prefix + reason)].sum() > 0 for reason in reasons}
        return [reason for reason in reasons if reason in ("masked", "missing", "zero") or occurs[reason]]

    def traits(names: list[str]) -> str:
        """What complexes are matched or adjusted by, in words."""
        return words.listed([label("trait", name) if name in document.settings["labels"]["trait"] else label("outcome", name).lower() for name in names], lang)

    def sure_id(outcome: str, part: object) -> str:
        """The effect on all participants ("overall") or a cohort with the inference that suits the design, or, where there is none, the usual."""
        id = f"credibility.{outcome}.effect.{part}"
        return id if has(id) else f"impact.{outcome}.cs." + ("overall" if part == "overall" else f"cohort.{part}")

    def sure_rows() -> list[dict]:
        """Effects with the inference that suits the design: `id`, outcome (once) and part in words, `mark` of a usual interval: a where it suits
        groups this large, b where the method gives none."""
        rows, seen = [], None
        for row in document.facts["inference"].itertuples():
            part = label("participants", "overall") if row.part == "overall" else label("participants", "cohort").format(row.part)
            mark = "b" if row.refused else "a" if row.how == "analytic" and document.impact["inference"] != "analytic" else ""
            rows.append({"id": f"credibility.{row.outcome}.effect.{row.part}", "outcome": label("outcome", row.outcome) if row.outcome != seen else "", "part": part, "mark": mark})
            seen = row.outcome
        return rows

    def unlike_in_size() -> list[str]:
        """Small cohorts whose interval rests on reassigning, and whose complexes are far larger or smaller than non-participants, so that they
        could hardly have changed places."""
        first = document.impact["outcomes"][0]
        told = document.facts["inference"]
        reassigned = set(told.loc[(told["outcome"] == first["id"]) & told["how"].isin(["randomisation", "mackinnon-webb"]), "part"])
        trait = first.get("of", first["id"])
        ids = {cohort: f"credibility.balance.{cohort}.{trait}" for cohort in few()}
        return [cohort for cohort, id in ids.items() if cohort in reassigned and has(id) and abs(value(id)) > FAR]

    def why_inference() -> str:
        """Which inference was taken for the effect on all participants, and why, for the reader."""
        told = document.facts["inference"]
        how = told.loc[told["part"] == "overall", "how"].iloc[0]
        return label("inference", how)

    def evidence_reason() -> str:
        told = document.facts["evidence"]
        return label("evidence", told["reason"].iloc[0])

    def other_levels() -> dict[str, list[str]]:
        """Levels of evidence of the other outcomes that differ from the first one's: level -> outcomes in words."""
        told = document.facts["evidence"].set_index("outcome")["level"]
        return {str(level): [label("outcome", name) for name in told.index[told == level]] for level in sorted(set(told) - {told.iloc[0]})}

    def proof_parts() -> list[dict]:
        """Of whom simulated rejections are told: `part` in the ledger's ids, `name` in words."""
        stem = f"credibility.{document.impact['outcomes'][0]['id']}.proof"
        parts = [part for part in codes(stem) if has(f"{stem}.{part}.recommended.size")]
        return [{"part": part, "name": label("participants", "overall") if part == "all" else label("participants", "cohort").format(part)} for part in parts]

    def check_rows() -> list[dict]:
        """Checks of the impact that stand one by one in the table: `id` below `credibility.OUTCOME.`, `check` (once per kind) and `case` in words."""
        rows, checks, seen = [], document.facts["checks"], None
        names = checks.drop_duplicates("case").set_index("case")[f"name_{lang}"]
        for row in checks.drop_duplicates(["check", "case"]).itertuples():
            if row.check.startswith("without_") or row.check == "placebo_outcome":
                continue
            case = "" if row.case is pd.NA else row.case
            said = {
                "placebo_date": label("years_earlier", case), "comparison": label("comparison_case", case), "figures": label("variant", case),
                "entry_year": label("comparison_case", case) if case == "all" else names.get(case, case),
            }.get(row.check, "")
            rows.append({"id": f"{row.check}.{case}" if case else row.check, "check": label("check", row.check) if row.check != seen else "", "case": said})
            seen = row.check
        return rows

    def single(check: str) -> pd.DataFrame:
        """The checks of a kind on the first outcome that gave an estimate, the lowest first."""
        checks = document.facts["checks"]
        own = checks[(checks["outcome"] == document.impact["outcomes"][0]["id"]) & (checks["check"] == check)]
        return own.dropna(subset="estimate").sort_values("estimate", kind="stable")

    def extreme(check: str, end: str) -> str:
        """Whose leaving out gives the lowest or highest estimate of the first outcome, in words."""
        row = single(check).iloc[0 if end == "lowest" else -1]
        return label("by_zone", row["case"]) if check == "without_zone" else row[f"name_{lang}"]

    def check_reasons() -> list[str]:
        """Why checks could not be estimated, each reason once, as short as it can be said."""
        told = document.facts["checks"].dropna(subset="why")
        return [f"{label('variant' if row.check == 'figures' else 'comparison_case', row.case)}: {label('check_reason', row.check)}" for row in told.drop_duplicates(["check", "case"]).itertuples()]

    def verdicts() -> dict[str, int]:
        """Of the first outcome's checks, placebos aside: how many there are, how many have another `sign` than the main estimate, and how many
        differ from it in whether the usual interval excludes zero (`zero`)."""
        checks = document.facts["checks"]
        own = checks[(checks["outcome"] == document.impact["outcomes"][0]["id"])].dropna(subset="estimate")
        main = own[own["check"] == "main"].iloc[0]
        own = own[~own["check"].isin(["main", "placebo_date", "placebo_outcome"])]
        excludes = (own["lower"] > 0) | (own["upper"] < 0)
        return {"count": len(own), "sign": int(((own["estimate"] > 0) != (main["estimate"] > 0)).sum()), "zero": int((excludes != (main["lower"] > 0 or main["upper"] < 0)).sum())}

    def unbalanced() -> list[str]:
        """Participants ("overall" or cohorts) whose growth before joining differed by more than regression mends reliably."""
        ids = [id for id in ledger.index if id.startswith("credibility.balance.") and id.endswith("_growth") and abs(value(id)) > ALIKE]
        return list(dict.fromkeys(id.split(".")[2] for id in ids))

    def frozen() -> dict:
        """What was frozen last: `on`, as a date in words, `hash`, `reason`, how this report's specification `differs` (keys), how often it had been
        changed since it was frozen `first`; empty where nothing was."""
        entries = checked(read_frozen())
        if not entries:
            return {}
        last = entries[-1]
        return {"on": words.day(int(last["on"].replace("-", "")), lang), "first": words.day(int(entries[0]["on"].replace("-", "")), lang), "reason": last["reason"], "hash": last["hash"], "differs": [label("design_key", key) for key in differences(document.impact, last["specification"])], "changes": len(entries) - 1}

    def outcomes_with_truth() -> list[str]:
        """Outcomes whose true effect is known, as only a simulated panel's is."""
        return [outcome["id"] for outcome in document.impact["outcomes"] if has(f"impact.{outcome['id']}.truth.overall")]

    def lowest_pretest() -> float | None:
        """The smallest p-value of the pre-trend tests; None where no outcome has a period to test."""
        tested = [value(f"impact.{outcome['id']}.pretest") for outcome in document.impact["outcomes"]]
        return min((p for p in tested if p == p), default=None)

    def certain(indicator: str, group: str) -> bool:
        """Whether it is certain which bar of the growth chart a printed label belongs to."""
        growth = document.facts["growth"].set_index(["indicator", "group"])
        return bool(growth.at[(indicator, group), "certain"])

    def simulated(tables: str) -> str:
        """How much of the `panel`, of the `marks`, of the `systems` or of one input table is simulated: "all", "part" or "" for none."""
        origins = document.facts["files"].set_index("table")["origin"]
        systems = [name for name in origins.index if name in TABLES and TABLES[name].group == "programme"]
        groups = {"panel": PANEL_TABLES, "marks": sorted(_mark_tables(document.scheme)), "systems": systems}
        flags = origins.loc[groups.get(tables, [tables])] == "simulated"
        return "" if not flags.any() else "all" if flags.all() else "part"

    def simulated_data() -> str:
        """What simulated data stand in for, in words; empty where they stand in for nothing."""
        names = [label("data", f"{kind}_{simulated(kind)}") for kind in ("panel", "marks", "systems") if simulated(kind)]
        if lang == "ko" and len(names) > 1:
            return f"{words.josa(names[0], '과/와')} {names[1]}" if len(names) == 2 else ", ".join(names)
        return words.listed(names, lang)

    def figure(name: str, id: str, caption: str, alt: str, **texts: str) -> str:
        if name not in FIGURES:
            raise UserError(
                f"there is no figure {name!r}; use one of: {', '.join(FIGURES)}",
                f"{name!r}(이)라는 그림이 없습니다. 다음 중 하나를 쓰십시오: {', '.join(FIGURES)}",
            )
        drawn = FIGURES[name](document, texts, row)
        folder = document.folder / "figures"
        folder.mkdir(parents=True, exist_ok=True)
        path = figures.save(drawn, folder / f"{id}.svg")
        quoted = alt.replace('"', "'")
        return f'![{caption}]({document.place}/{path.name}){{#{id} fig-alt="{quoted}" width=100%}}'

    return {
        "v": v,
        "value": value,
        "size": size,
        "between": between,
        "level": level,
        "includes_zero": includes_zero,
        "has": has,
        "label": label,
        "ranked": ranked,
        "codes": codes,
        "origin": origin,
        "few": few,
        "leaders": leaders,
        "leader_names": leader_names,
        "counted": counted,
        "grade": grade,
        "node_label": node_label,
        "node_labels": node_labels,
        "strengths": strengths,
        "strengths_in_words": strengths_in_words,
        "swap_with": swap_with,
        "swap_weights": swap_weights,
        "additive": additive,
        "changed_by": changed_by,
        "flagged_targets": flagged_targets,
        "moved_most": moved_most,
        "gained_most": gained_most,
        "certain_first": certain_first,
        "colwidths": colwidths,
        "fitted": fitted,
        "leaves": leaves,
        "SIGNIFICANT": SIGNIFICANT,
        "ALIKE": ALIKE,
        "HOLDS": HOLDS,
        "failed": failed,
        "outcome_names": outcome_names,
        "traits": traits,
        "sure_id": sure_id,
        "sure_rows": sure_rows,
        "why_inference": why_inference,
        "evidence_reason": evidence_reason,
        "other_levels": other_levels,
        "proof_parts": proof_parts,
        "unlike_in_size": unlike_in_size,
        "each_of": lambda count: words.number((1 - document.impact["level"]) / count, 3),
        "significant_percent": lambda: words.number(100 * (1 - document.impact["level"]), 0),
        "SCALE": SCALE,
        "check_rows": check_rows,
        "single": single,
        "extreme": extreme,
        "check_reasons": check_reasons,
        "verdicts": verdicts,
        "unbalanced": unbalanced,
        "frozen": frozen(),
        "scheme_assumptions": scheme_assumptions,
        "census_cell": census_cell,
        "day": day,
        "left_out": left_out,
        "outcomes_with_truth": outcomes_with_truth,
        "lowest_pretest": lowest_pretest,
        "josa": words.josa,
        "certain": certain,
        "simulated": simulated,
        "simulated_data": simulated_data,
        "figure": figure,
        "usd": lambda id: words.usd(value(id), lang),
        "usd_mn": lambda id: words.usd_mn(value(id), lang),
        "persons": lambda id: words.persons(value(id), lang),
        "listed": lambda items: words.listed(list(items), lang),
        "scheme": document.scheme,
        "unit_name": document.scheme["units"]["label"][lang],
        "impact": document.impact,
        "facts": document.facts,
        "data_hash": lambda: data_hash(document),
    }


def _assumed(leaf: dict, inside: bool, v: Callable[[str], str], lang: str) -> list[str]:
    """What a leaf of the scheme assumes, in words."""
    stem = f"index.part.{leaf['id']}"
    said = []
    if inside and leaf.get("assumed"):
        weight = v(f"{stem}.weight")
        said.append(f"항목 내 비중 {weight}%" if lang == "ko" else f"{weight}% of the component")
    if leaf.get("scale", {}).get("assumed"):
        lower, upper = v(f"{stem}.lower"), v(f"{stem}.upper")
        said.append(f"척도 {lower}~{upper}점" if lang == "ko" else f"scale {lower} to {upper}")
    if leaf.get("cap", {}).get("assumed"):
        cap = v(f"{stem}.cap")
        said.append(f"달성률 상한 {cap}%, 지표별 동일 비중" if lang == "ko" else f"achievement up to {cap}%, equal weights")
    return said


def _ranking(document: Document, texts: dict, row) -> object:
    rows = []
    for id in document.ledger.index[document.ledger.index.str.startswith("index.total.")]:
        name = id.rsplit(".", 1)[-1]
        total, rank = row(id), row(f"index.rank.{name}")
        rows.append(
            {
                "name": _label(document, "headquarters", name),
                "total": total["value"], "lower": total["lower"], "upper": total["upper"],
                "rank": rank["value"], "rank_lower": rank["lower"], "rank_upper": rank["upper"],
            }
        )  # fmt: skip
    return figures.ranking(pd.DataFrame(rows).sort_values("rank", kind="stable"), texts)


def _contributions(document: Document, texts: dict, row) -> object:
    ranks = {id.rsplit(".", 1)[-1]: row(id)["value"] for id in document.ledger.index if id.startswith("index.rank.")}
    order = sorted(ranks, key=ranks.get)
    columns = {
        component["short"][document.lang]: [row(f"index.contribution.{name}.{component['id']}")["value"] for name in order]
        for component in document.scheme["components"]
    }
    totals = pd.Series([row(f"index.total.{name}")["value"] for name in order])
    return figures.contributions(pd.DataFrame(columns, index=[_label(document, "headquarters", name) for name in order]), totals)


def _paths(document: Document, texts: dict, row, term: str, other: str | None) -> object:
    panels = {}
    for outcome in document.impact["outcomes"]:
        stem = f"impact.{outcome['id']}"
        prefix = f"{stem}.cs.{term}."
        times = sorted(int(id[len(prefix) :]) for id in document.ledger.index if id.startswith(prefix))
        rows = []
        for time in times:
            effect, truth = row(f"{prefix}{time}"), f"{stem}.truth.{term}.{time}"
            beside = f"{stem}.{other}.{term}.{time}"
            rows.append(
                {
                    "event_time": time, "value": effect["value"], "lower": effect["lower"], "upper": effect["upper"],
                    "truth": row(truth)["value"] if truth in document.ledger.index else float("nan"),
                    "other": row(beside)["value"] if beside in document.ledger.index and time != -1 else float("nan"),
                }
            )  # fmt: skip
        panels[_label(document, "outcome", outcome["id"])] = pd.DataFrame(rows)
    return figures.paths(panels, texts)


def _curve(document: Document, texts: dict, row) -> object:
    rows = document.facts["curve"].dropna(subset="estimate")
    shown = pd.DataFrame({"value": rows["estimate"].map(to_percent), "lower": rows["lower"].map(to_percent), "upper": rows["upper"].map(to_percent), "main": rows["main"]})
    choices = {}
    for choice in document.impact["defensible"]:
        for option in rows[choice].drop_duplicates():
            choices[_option(document, choice, option)] = (rows[choice] == option).to_numpy()
    # What all have in common tells nothing.
    return figures.curve(shown, {name: chosen for name, chosen in choices.items() if not chosen.all()}, texts)


def _option(document: Document, choice: str, option: object) -> str:
    """A choice of the specification curve in words."""
    kinds = {"estimators": "estimator", "comparison": "option_comparison", "entry_years": "option_entry_years", "anticipation": "option_anticipation"}
    if choice == "comparison_types":
        return words.listed([_label(document, "by_type", kind) for kind in ast.literal_eval(option)], document.lang)
    return _label(document, kinds[choice], str(option))


FIGURES = {
    "curve": _curve,
    "ranking": _ranking,
    "contributions": _contributions,
    "cohort": lambda document, texts, row: _paths(document, texts, row, f"cohort_event.{document.impact['main_cohort']}", None),
    "event": lambda document, texts, row: _paths(document, texts, row, "event", "twfe"),
}
