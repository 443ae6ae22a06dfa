"""The guide's examples are programs."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from services.loyalty.programs.domain import TemplateKey, document_json, document_schema, parse_document

GUIDE = (Path(__file__).parents[4] / "docs" / "guides" / "programs.md").read_text(encoding="utf-8")
EXAMPLES: list[dict[str, Any]] = [
    json.loads(block) for block in re.findall(r"^```json\n(.*?)^```$", GUIDE, re.DOTALL | re.MULTILINE)
]


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_every_example_is_a_program_in_its_canonical_form(number: int) -> None:
    data = EXAMPLES[0] | EXAMPLES[number]

    document = parse_document(data)

    assert parse_document(document_json(document)) == document
    Draft202012Validator(document_schema()).validate(data)


def test_the_guide_has_examples_of_every_part() -> None:
    assert len(EXAMPLES) == 6
    assert {key for example in EXAMPLES for key in example} == set(document_schema()["properties"])  # type: ignore[call-overload]  # an object


def test_the_formulas_of_the_table_are_formulas() -> None:
    rows = re.findall(r"^\| `(\{.*?\})` \|", GUIDE, re.MULTILINE)

    assert len(rows) == 5
    for row in rows:
        tiers = {"metric": "spend", "levels": [{**EXAMPLES[0]["tiers"]["levels"][0], "code": "gold"}]}
        rule = EXAMPLES[0]["rules"][0] | {"formula": json.loads(row)}
        parse_document(EXAMPLES[0] | {"rules": [rule], "tiers": tiers})


def test_the_guide_names_every_template() -> None:
    told = re.search(r"makes a template the draft: (.*?) \|", GUIDE)

    assert told is not None
    assert [word.strip().replace("é", "e").replace(" ", "-") for word in told[1].split(",")] == list(TemplateKey)
