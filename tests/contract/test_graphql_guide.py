"""The guide for front ends says what the code does."""

import re
from pathlib import Path

from services.gateway.graphql import cost, documents, limits, requests
from services.gateway.graphql.trusted import OWN_MANIFEST, document_hash
from services.gateway.middleware.limits import BODY_BYTES_MAX

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs" / "guides" / "graphql.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| (?P<of>[^|]+) \| (?P<limit>[\d,]+)(?: bytes)? \| .*`(?P<code>\w+)` \|$", re.MULTILINE)

LIMITS = {
    "BODY_TOO_LARGE": {BODY_BYTES_MAX},
    "REQUEST_MALFORMED": {requests.CONTAINERS_MAX, requests.NESTING_MAX},
    "length": {limits.LENGTH_MAX},
    "tokens": {limits.TOKENS_MAX},
    "operations": {limits.OPERATIONS_MAX},
    "fragments": {limits.FRAGMENTS_MAX},
    "rootFields": {limits.ROOT_FIELDS_MAX},
    "depth": {limits.DEPTH_MAX},
    "nesting": {limits.NESTING_MAX},
    "aliases": {limits.ALIASES_MAX},
    "introspectionAliases": {limits.INTROSPECTION_ALIASES_MAX},
    "directives": {limits.DIRECTIVES_PER_NODE_MAX},
    "digits": {limits.DIGITS_MAX},
    "valueDepth": {limits.VALUE_DEPTH_MAX},
    "comparisons": {documents.COMPARISONS_MAX},
    "cost": {cost.COST_MAX},
}


def test_the_limits_are_those_of_the_code() -> None:
    told: dict[str, set[int]] = {}
    for row in ROW.finditer(GUIDE):
        told.setdefault(row["code"], set()).add(int(row["limit"].replace(",", "")))

    assert told == LIMITS


def test_every_bound_of_a_document_is_told() -> None:
    source = (ROOT / "services" / "gateway" / "graphql" / "limits.py").read_text(encoding="utf-8")

    assert set(re.findall(r'_bound\(\s*"(\w+)"', source)) <= set(LIMITS)


def test_the_hash_in_the_example_is_that_of_a_trusted_document() -> None:
    (shown,) = re.findall(r"sha256:([0-9a-f]{64})", GUIDE)
    viewer = (ROOT / "frontend-contracts" / "operations" / "Viewer.graphql").read_text(encoding="utf-8")

    assert shown == document_hash(viewer)
    assert shown in OWN_MANIFEST.read_text(encoding="utf-8")
