"""Writes `data/raw/datapackage.json`, the Frictionless description of what lies in `data/raw/`."""

import json
from pathlib import Path

from evaluation.paths import RAW, shown
from evaluation.sources.printed import PRINTED
from evaluation.sources.tables import NO_FIGURE, TABLES, Table

ORIGINS = {
    "published": ("Figures printed in the programme's own documents", "사업 문서에 공표된 수치"),
    "press": ("Figures quoted in the press", "언론에 보도된 수치"),
    "simulated": ("Simulated data with a known true effect", "참효과를 아는 모의자료"),
}


def describe(raw: Path = RAW) -> dict:
    """The descriptor: one resource per shipped file, with the contract's fields."""
    resources = []
    for origin, (en, ko) in ORIGINS.items():
        for path in sorted((raw / origin).rglob("*.csv")):
            relative = path.relative_to(raw)
            resources.append(
                {
                    "name": "-".join(relative.with_suffix("").parts).lower().replace("_", "-"),
                    "path": relative.as_posix(),
                    "profile": "tabular-data-resource",
                    "encoding": "utf-8",
                    "origin": origin,
                    "description": en,
                    "description_ko": ko,
                    "schema": _schema(_contract(relative)),
                }
            )
    return {
        "name": "iccp-evaluation-inputs",
        "title": "Inputs to the yearly evaluation of Korea's Industrial Complex Cluster Program",
        "title_ko": "산업집적지 경쟁력 강화사업 연차평가 입력 자료",
        "profile": "data-package",
        "resources": resources,
    }


def write(raw: Path = RAW) -> Path:
    """Write the descriptor beside the data; returns its path."""
    path = raw / "datapackage.json"
    path.write_text(json.dumps(describe(raw), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return path


def _contract(relative: Path) -> Table:
    for table in (TABLES | PRINTED).values():
        year = next((part for part in relative.parts if part.isdigit()), "")
        if (Path(table.origin) / table.path.format(year=year)) == relative:
            return table
    raise ValueError(f"no contract for {relative}")


def _schema(table: Table) -> dict:
    fields = []
    for column in table.columns:
        constraints = {"required": True} if column.required else {}
        if column.allowed:
            constraints["enum"] = list(column.allowed)
        if column.lower is not None:
            constraints["minimum"] = int(column.lower) if column.kind == "integer" else column.lower
        if column.upper is not None:
            constraints["maximum"] = int(column.upper) if column.kind == "integer" else column.upper
        kind = {"text": "string"}.get(column.kind, column.kind)
        described = {"name": column.name, "type": kind, "title": column.en, "title_ko": column.ko}
        if column.unit:
            described["unit"] = column.unit
        if constraints:
            described["constraints"] = constraints
        fields.append(described)
    # The mask of the official statistics, and the other kinds of nothing, are missing values to any other reader.
    missing = sorted(NO_FIGURE) if any(column.masked for column in table.columns) else [""]
    return {"fields": fields, "primaryKey": list(table.key), "missingValues": missing}


if __name__ == "__main__":
    print(shown(write()))
