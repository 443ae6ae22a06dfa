from pathlib import Path

import pytest
from graphql import build_schema, parse, validate

from services.demo.examples import MEMBER, RECORD_PURCHASE, REDEEM_REWARD

SCHEMA = Path(__file__).parents[3] / "frontend-contracts" / "schema.graphql"


@pytest.mark.parametrize("query", [RECORD_PURCHASE, MEMBER, REDEEM_REWARD])
def test_the_operations_fit_the_schema(query: str) -> None:
    schema = build_schema(SCHEMA.read_text())

    assert validate(schema, parse(query)) == []
