"""The published schema says what the parser does. The reader of schemas below knows just the words that ours uses."""

import json
import re
from importlib import resources
from typing import Any

import pytest

from services.loyalty.programs.domain import SCHEMA_FILE, TemplateKey, document_json, document_schema, template_document
from tests.unit.loyalty.documents import document_data
from tests.unit.loyalty.programs.test_document import BAD

SCHEMA = document_schema()
KEYWORDS = {
    "$schema", "$id", "title", "description", "default", "type", "const", "enum", "pattern", "required", "properties",
    "additionalProperties", "items", "minItems", "maxItems", "minimum", "maximum", "minLength", "maxLength",
}  # fmt: skip
BEYOND_A_SCHEMA = {
    "UNKNOWN_TIMEZONE", "UNKNOWN_CURRENCY", "DUPLICATE", "NOT_ZERO", "NOT_ASCENDING", "FORBIDDEN_CHARACTER",
}  # fmt: skip
TYPES: dict[str, type | tuple[type, ...]] = {"object": dict, "array": list, "string": str, "integer": int}


def accepts(schema: Any, value: Any) -> bool:
    assert schema.keys() <= KEYWORDS
    if "const" in schema:
        return type(value) is type(schema["const"]) and bool(value == schema["const"])
    if not isinstance(value, TYPES[schema["type"]]) or isinstance(value, bool):
        return False
    if isinstance(value, dict):
        inside = schema["properties"]
        return (
            set(schema["required"]) <= value.keys() <= inside.keys()
            and schema["additionalProperties"] is False
            and all(accepts(inside[key], item) for key, item in value.items())
        )
    if isinstance(value, list):
        in_bounds = schema["minItems"] <= len(value) <= schema["maxItems"]
        return in_bounds and all(accepts(schema["items"], item) for item in value)
    if isinstance(value, int):
        return bool(schema["minimum"] <= value <= schema["maximum"])
    assert isinstance(value, str)
    long_enough = schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", len(value))
    # JSON Schema's "$" is the very end of the text.
    matches = re.search(re.sub(r"\$$", r"\\Z", schema.get("pattern", "")), value) is not None
    return long_enough and matches and value in schema.get("enum", [value])


def test_the_published_file_is_the_schema() -> None:
    published = (resources.files("services.loyalty.programs") / SCHEMA_FILE).read_text(encoding="utf-8")

    assert published == json.dumps(document_schema(), ensure_ascii=False, indent=2) + "\n"


@pytest.mark.parametrize("key", TemplateKey)
def test_templates_meet_the_schema(key: TemplateKey) -> None:
    data = document_json(template_document(key, currency="CNY", timezone="Asia/Shanghai"))

    assert accepts(SCHEMA, data)


@pytest.mark.parametrize(("place", "value", "code"), [(place, value, code) for place, value, _, code, _ in BAD])
def test_the_schema_refuses_what_the_parser_refuses(place: str, value: object, code: str) -> None:
    data = document_data({place: value})

    schema_alone_is_enough = code not in BEYOND_A_SCHEMA and not (
        place.endswith("multiplier") and code in {"TOO_SMALL", "TOO_LARGE"}
    )

    assert accepts(SCHEMA, document_data())
    assert accepts(SCHEMA, data) is not schema_alone_is_enough or value == "cny"
