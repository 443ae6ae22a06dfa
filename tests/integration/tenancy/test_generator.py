"""The generator of S1 finds what is new in the schema without anyone telling it, or fails by its name."""

import pytest
from graphql import GraphQLSchema, extend_schema, parse

from services.gateway.graphql.schema import build_schema
from tests.integration.tenancy.requests import positions
from tests.integration.tenancy.targets import targets
from tests.integration.tenancy.values import Undescribed
from tests.integration.tenancy.world import node_types


@pytest.fixture(scope="module")
def schema() -> GraphQLSchema:
    return build_schema()._schema  # noqa: SLF001  Strawberry offers no other way to the graphql-core schema


def _positions(schema: GraphQLSchema) -> set[str]:
    types = node_types(schema)
    return {str(position) for target in targets(schema) for position in positions(schema, target, types)}


@pytest.mark.parametrize(
    ("addition", "found"),
    [
        ("extend type Query { till(storeId: ID!): Store }", {"Query.till(storeId: ID) as Store"}),
        ("extend type Mutation { lock(memberIds: [ID!]!): Member }", {"Mutation.lock(memberIds.0: ID) as Member"}),
        ("extend type Member { visits(after: String): [Store!] }", {"Member.visits(after: String) as cursor"}),
        (
            "extend type Tenant { purchase(by: PurchaseReferenceInput!): Purchase }",
            {
                "Tenant.purchase(by.id: ID) as Purchase",
                "Tenant.purchase(by.external.externalId: String) as receipt",
            },
        ),
    ],
)
def test_a_new_argument_is_attacked_at_once(schema: GraphQLSchema, addition: str, found: set[str]) -> None:
    before = _positions(schema)

    assert _positions(extend_schema(schema, parse(addition))) - before == found


@pytest.mark.parametrize(
    ("addition", "named"),
    [
        ("extend type Query { ticket(serial: String!): String }", r"Query.ticket\(serial: String\)"),
        ("extend type Mutation { gift(of: ID!): String }", r"Mutation.gift\(of: ID\)"),
        ("extend type Member { note(about: String!): String }", r"Member.note\(about: String\)"),
        ("scalar Iban extend type Query { account(iban: Iban!): String }", r"Query.account\(iban: Iban\)"),
    ],
)
def test_an_argument_that_nobody_described_fails_by_its_name(schema: GraphQLSchema, addition: str, named: str) -> None:
    with pytest.raises(Undescribed, match=named):
        _positions(extend_schema(schema, parse(addition)))
