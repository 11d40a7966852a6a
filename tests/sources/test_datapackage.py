"""The Frictionless description is what the contract says, and every shipped file is valid against it."""

import json

import frictionless

from evaluation.paths import RAW
from evaluation.sources.datapackage import describe
from evaluation.sources.tables import TABLES


def test_the_committed_descriptor_is_the_generated_one():
    assert json.loads((RAW / "datapackage.json").read_text(encoding="utf-8")) == describe()


def test_every_file_is_described_and_valid():
    described = {resource["path"] for resource in describe()["resources"]}
    shipped = {path.relative_to(RAW).as_posix() for origin in ("published", "press", "simulated") for path in (RAW / origin).rglob("*.csv")}
    assert described == shipped
    report = frictionless.validate(RAW / "datapackage.json")
    assert report.valid, report.flatten(["rowNumber", "fieldName", "type", "note"])


def test_a_wrong_cell_makes_it_invalid(tmp_path):
    resource = next(item for item in describe()["resources"] if item["path"].endswith("2010/difficulty_marks.csv"))
    text = (RAW / resource["path"]).read_text(encoding="utf-8").splitlines()
    text[1] = text[1].rsplit(",", 1)[0] + ",174.7"
    (tmp_path / "difficulty_marks.csv").write_text("\n".join(text) + "\n", encoding="utf-8")
    package = {"name": "broken", "resources": [resource | {"path": "difficulty_marks.csv"}]}
    (tmp_path / "datapackage.json").write_text(json.dumps(package), encoding="utf-8")
    assert not frictionless.validate(tmp_path / "datapackage.json").valid


def test_fields_carry_both_languages_and_units():
    fields = {(resource["name"], field["name"]): field for resource in describe()["resources"] for field in resource["schema"]["fields"]}
    production = fields[("simulated-panel", "production")]
    assert production["title_ko"] == "생산액(경상)" and production["unit"] == "KRW mn"
    assert all(column.en and column.ko for table in TABLES.values() for column in table.columns)


def test_published_tables_keep_status_place_and_source():
    for resource in describe()["resources"]:
        if resource["path"].startswith("published/"):
            assert {"status", "place", "source_doc"} <= {field["name"] for field in resource["schema"]["fields"]}, resource["path"]
