"""The published schema says what the parser does."""

import json
from importlib import resources

import pytest
from jsonschema import Draft202012Validator

from services.loyalty.programs.domain import SCHEMA_FILE, TemplateKey, document_json, document_schema, template_document
from tests.unit.loyalty.programs.bad_documents import BAD, Case, label
from tests.unit.loyalty.programs.plain import plain_data

SCHEMA = Draft202012Validator(document_schema())
BEYOND_A_SCHEMA = {
    "UNKNOWN_TIMEZONE", "UNKNOWN_CURRENCY", "DUPLICATE", "NOT_ZERO", "NOT_ASCENDING", "FORBIDDEN_CHARACTER",
    "NO_SUCH_DATE", "YEAR_OUT_OF_RANGE", "NOT_AFTER", "NOT_APPLICABLE", "UNKNOWN_UNIT", "UNKNOWN_TIER",
    "UNKNOWN_EVENT", "EXPIRES_BEFORE_ACTIVATION", "RATE_MISSING", "NOT_MULTIPLE", "UNKNOWN_FIELD",
}  # fmt: skip
"""Names that exist elsewhere, and what two places must agree about."""
BEYOND_BY_PLACE = {
    ("/units/0/activation", "EXACTLY_ONE"), ("/tiers/levels/0/access", "NOT_ALLOWED"),
    ("/tiers/span/unit", "NOT_ALLOWED"),
    ("/tiers/span", "MISSING"), ("/rules/1/event", "MISSING"), ("/policies/owedPointsMax", "MISSING"),
    ("/policies/transfers/pointsMax", "TOO_SMALL"), ("/units/0/caps/0/measure", "NOT_ALLOWED"),
    ("/units/0/expiry/yearly/0/day", "TOO_LARGE"), ("/units/0/expiry/rolling/span/count", "TOO_LARGE"),
}  # fmt: skip


def is_beyond_the_schema(case: Case) -> bool:
    _, value, path, code, _ = case
    is_size_of_a_decimal = (
        isinstance(value, str | dict)
        and code in {"TOO_SMALL", "TOO_LARGE"}
        and (path.endswith(("multiplier", "multiply")))
    )
    is_inside_an_event = path.startswith("/events/0/schema/")
    is_whole_tree = path.endswith("/not") or path == "/rules/0/when/any/199"
    is_count_of_a_tree = code in {"TOO_DEEP", "TOO_MANY"} and is_whole_tree
    return (
        (code in BEYOND_A_SCHEMA and value != "cny")
        or (path, code) in BEYOND_BY_PLACE
        or is_size_of_a_decimal
        or (is_inside_an_event and path != "/events/0/schema/type")
        or is_count_of_a_tree
        # In Python, which this validator uses, "$" also matches before a last line break; in JSON Schema it does not.
        or (isinstance(value, str) and value.endswith("\n"))
        # JSON Schema knows no difference between 2 and 2.0.
        or (isinstance(value, float) and value.is_integer())
    )


def test_the_published_file_is_the_schema() -> None:
    published = (resources.files("services.loyalty.programs") / SCHEMA_FILE).read_text(encoding="utf-8")

    assert published == json.dumps(document_schema(), ensure_ascii=False, indent=2) + "\n"


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(document_schema())


@pytest.mark.parametrize("key", TemplateKey)
def test_templates_meet_the_schema(key: TemplateKey) -> None:
    SCHEMA.validate(document_json(template_document(key, currency="CNY", timezone="Asia/Shanghai")))


@pytest.mark.parametrize("case", BAD, ids=label)
def test_the_schema_refuses_what_the_parser_refuses(case: Case) -> None:
    place, value, *_ = case

    assert SCHEMA.is_valid(plain_data())
    assert SCHEMA.is_valid(plain_data({place: value})) is is_beyond_the_schema(case)
