"""From the names of the census to the complexes of the registry.

The crosswalk (`evaluation/specs/crosswalk.csv`) is made and reviewed by hand: names differ between sources
and years, and one complex may be several rows. Nothing is matched by likeness; what is not in the table is
listed for a person to decide.
"""

from pathlib import Path

import pandas as pd

from evaluation.errors import UserError
from evaluation.paths import SPECS, shown
from evaluation.sources.census import MEASURES, Census

CROSSWALK = SPECS / "crosswalk.csv"
COLUMNS = ("complex_id", "type", "province", "district", "name_key", "level", "decision", "note_ko", "note_en")
# The level tells a complex from a part of the same name.
KEY = ["type", "province", "district", "name_key", "level"]
DECISIONS = ("matched", "undecided")
# Of several rows the weakest decides: a sum with a masked part is no figure.
_WEAKEST = ("masked", "missing", "not_reported", "observed", "zero", "not_applicable")


def read_crosswalk(path: Path = CROSSWALK) -> pd.DataFrame:
    """The crosswalk, COLUMNS as text; UserError where a row is doubled or half filled in."""
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    wrong = [column for column in COLUMNS if column not in table]
    if wrong:
        raise UserError(f"{shown(path)}: no column {', '.join(wrong)}.", f"{shown(path)}: {', '.join(wrong)} 열이 없습니다.")
    matched = table["decision"] == "matched"
    for rows, en, ko in (
        (~table["decision"].isin(DECISIONS), f"decision must be {' or '.join(DECISIONS)}", f"decision은 {', '.join(DECISIONS)} 중 하나여야 합니다"),
        (matched & (table[KEY] == "").any(axis=1), "a matched row needs type, province, district, name and level", "matched 행에는 유형·시도·시군·단지명·단계가 모두 필요합니다"),
        (matched & table.duplicated(KEY, keep=False), "a census row belongs to one complex only", "한 행은 한 단지에만 속할 수 있습니다"),
    ):
        if rows.any():
            listed = ", ".join(str(number + 2) for number in table.index[rows][:5])
            raise UserError(f"{shown(path)}, row {listed}: {en}.", f"{shown(path)} {listed}행: {ko}.")
    return table


def to_complexes(rows: pd.DataFrame, crosswalk: pd.DataFrame) -> pd.DataFrame:
    """The census by complex of the registry.

    Args:
        rows: of `evaluation.sources.census.read_census`; crosswalk: of `read_crosswalk`.

    Returns:
        one row per matched complex: `complex_id`, `census_rows` (how many it adds up), the MEASURES and their
        `_status`; a measure is missing where any of its rows is masked, missing or not reported.

    Raises:
        UserError: a row and the row it is part of belong to different complexes, and would be added twice.
    """
    joined = _joined(rows, crosswalk)
    _refuse_overlaps(joined, rows)
    out = []
    for complex_id, group in joined.groupby("complex_id", sort=True):
        line = {"complex_id": complex_id, "census_rows": len(group)}
        for measure in MEASURES:
            if measure == "sold_rate":
                continue
            status = next(kind for kind in _WEAKEST if (group[f"{measure}_status"] == kind).any())
            line[measure] = group[measure].sum() if status in ("observed", "zero", "not_applicable") else float("nan")
            line[f"{measure}_status"] = status
        out.append(line)
    return pd.DataFrame(out)


def census_of_registry(census: Census | None, registry: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """The figures of the registry's complexes in a census, by the crosswalk as it ships.

    Args:
        registry: complex_id, name_ko, name_en, role, basis.

    Returns:
        `complex_id`, `name_ko`, `name_en`, `role` and the columns of `to_complexes`, in the registry's order; and
        how many other complexes are left for a person to decide. No rows without a census.
    """
    names = registry[["complex_id", "name_ko", "name_en", "role"]]
    if census is None:
        return names.iloc[:0], 0
    crosswalk = read_crosswalk()
    matched = names.merge(to_complexes(census.rows, crosswalk), on="complex_id", how="inner")
    return matched, len(set(to_decide(census.rows, crosswalk, registry)["complex_id"]) - set(matched["complex_id"]))


def _joined(rows: pd.DataFrame, crosswalk: pd.DataFrame) -> pd.DataFrame:
    """The census rows with the complex they belong to; rows whose key stands twice are left for a person."""
    matched = crosswalk[crosswalk["decision"] == "matched"][["complex_id", *KEY]].copy()
    matched["level"] = matched["level"].astype(int)
    return matched.merge(rows.drop_duplicates(KEY, keep=False), on=KEY, validate="one_to_one")


def _refuse_overlaps(joined: pd.DataFrame, rows: pd.DataFrame) -> None:
    parents = rows.set_index("row")["parent"].to_dict()
    owner = joined.set_index("row")["complex_id"].to_dict()
    for row, complex_id in owner.items():
        above = parents[row]
        while above:
            if above in owner:
                name = joined.set_index("row").at[row, "name_key"]
                raise UserError(
                    f"{shown(CROSSWALK)}: {name} ({complex_id}) is part of a row that belongs to {owner[above]} and would be added twice. Match the parts instead.",
                    f"{shown(CROSSWALK)}: {name}({complex_id})은(는) {owner[above]}에 속한 상위단지에 이미 포함되어 두 번 더해집니다. 하위단지끼리 연결하십시오.",
                )
            above = parents[above]


def to_decide(rows: pd.DataFrame, crosswalk: pd.DataFrame, registry: pd.DataFrame) -> pd.DataFrame:
    """What a person has to decide: `complex_id`, `name_ko`, `why` (not_in_census, ambiguous, undecided, not_in_crosswalk), notes.

    Args:
        registry: complex_id, name_ko, role, basis; participants with a printed name are expected in the crosswalk.
    """
    counted = rows.groupby(KEY).size()
    found = []
    for line in crosswalk.to_dict("records"):
        why = "undecided"
        if line["decision"] == "matched":
            same = int(counted.get((*(line[key] for key in KEY[:-1]), int(line["level"])), 0))
            why = {0: "not_in_census", 1: None}.get(same, "ambiguous")
        if why:
            found.append({"complex_id": line["complex_id"], "census_name": line["name_key"], "why": why, "note_ko": line["note_ko"], "note_en": line["note_en"]})
    expected = registry[(registry["role"] != "non_participant") & (registry["basis"] != "inferred")]["complex_id"]
    for complex_id in expected[~expected.isin(crosswalk["complex_id"])]:
        found.append({"complex_id": complex_id, "census_name": "", "why": "not_in_crosswalk", "note_ko": "", "note_en": ""})
    table = pd.DataFrame(found, columns=["complex_id", "census_name", "why", "note_ko", "note_en"])
    names = registry.set_index("complex_id")["name_ko"]
    table.insert(1, "name_ko", table["complex_id"].map(names))
    return table


