"""What a document may ask for, and what it costs: known at once, whatever the document."""

import re
import time
from pathlib import Path
from typing import Any

import pytest
from graphql import DocumentNode, OperationDefinitionNode, build_schema, parse

from services.gateway.context.errors import QueryLimitExceeded
from services.gateway.graphql.cost import COST_MAX, operation_cost
from services.gateway.graphql.documents import Documents
from services.gateway.graphql.limits import check_document
from services.gateway.graphql.schema import build_schema as product_schema

SCHEMA = build_schema(
    """
    type Query { shop: Shop! shops(first: Int! = 20, after: String): ShopConnection! list: [Shop!]! name: String }
    type Mutation { open: Shop! close: String recordPurchases(input: Batch!): Shop }
    input Batch { purchases: [String!]! }
    type Shop { name: String near: Shop staff: [Person!]! shops(first: Int! = 20): ShopConnection! }
    type Person { name: String }
    type ShopConnection { edges: [ShopEdge!]! total: Int }
    type ShopEdge { node: Shop! cursor: String! }
    """
)


def cost(text: str, **variables: Any) -> int:
    document = parse(text)
    operation = next(node for node in document.definitions if isinstance(node, OperationDefinitionNode))
    return operation_cost(SCHEMA, document, operation, variables)


@pytest.mark.parametrize(
    ("text", "variables", "points"),
    [
        ("{ name }", {}, 1),
        ("{ shop { name } }", {}, 1),
        ("{ shop { near { near { name } } } }", {}, 3),
        ("{ list { name } }", {}, 1),
        ("{ list { near { name } } }", {}, 1 + 5 * 1),
        ("{ shop { staff { name } } }", {}, 2),
        ("{ shops { total } }", {}, 1),
        ("{ shops(first: 3) { edges { node { name } } } }", {}, 1 + 3 * 2),
        ("{ shops { edges { node { name } } } }", {}, 1 + 20 * 2),
        ("query ($n: Int!) { shops(first: $n) { edges { node { name } } } }", {"n": 7}, 1 + 7 * 2),
        ("query ($n: Int = 4) { shops(first: $n) { edges { node { name } } } }", {}, 1 + 4 * 2),
        ("query ($n: Int) { shops(first: $n) { edges { node { name } } } }", {"n": "x"}, 1 + 20 * 2),
        ("{ shops(first: 99999999999999999999) { edges { node { name } } } }", {}, 1 + 100 * 2),
        ("{ shops(first: -5) { edges { node { name } } } }", {}, 1 + 2),
        ("{ shops(first: 2) { edges { node { shops(first: 3) { edges { cursor } } } } } }", {}, 1 + 2 * (2 + 1 + 3)),
        ("{ a: shop { name } b: shop { name } }", {}, 2),
        ("{ ...f ...f } fragment f on Query { shop { name } }", {}, 2),
        ("{ ... on Query { shop { name } } ... { shop { name } } }", {}, 2),
        ("{ __schema { types { name } } }", {}, 500),
        ("{ ...f } fragment f on Query { __schema { types { name } } }", {}, 500),
        ("{ shop @skip(if: true) { name } }", {}, 1),
        ("{ shop @include(if: false) { near { name } } shop { name } }", {}, 1),
        ("{ shop @include(if: true) { near { name } } }", {}, 2),
        ("query ($a: Boolean!) { shop @include(if: $a) { near { name } } }", {"a": True}, 2),
        ("query ($a: Boolean!) { shop @include(if: $a) { near { name } } }", {"a": False}, 1),
        ("query ($a: Boolean! = true) { shop @skip(if: $a) { near { name } } }", {}, 1),
        ("query ($a: Boolean! = true) { shop @skip(if: $a) { near { name } } }", {"a": False}, 2),
        ("query ($a: Boolean!) { ...f @include(if: $a) ...f } fragment f on Query { shop { name } }", {"a": False}, 1),
        ("query ($a: Boolean!) { ... @skip(if: $a) { shop { name } list { name } } }", {"a": False}, 2),
        ("query ($a: Boolean!) { shop @skip(if: false) @include(if: $a) { near { name } } }", {"a": True}, 2),
        ("mutation { ...f ...f } fragment f on Mutation { a: close b: close }", {}, 4 * 10),
        ("mutation ($i: Batch!) { recordPurchases(input: $i) { name } }", {"i": {"purchases": ["a"] * 7}}, 7 * 10 + 1),
        ("mutation ($i: Batch!) { recordPurchases(input: $i) { name } }", {"i": {}}, 11),
        ("mutation ($p: [String!]!) { recordPurchases(input: {purchases: $p}) { name } }", {"p": ["a", "b"]}, 21),
        ('mutation { recordPurchases(input: {purchases: ["a", "b", "c"]}) { name } }', {}, 31),
        ('mutation { recordPurchases(input: {purchases: "a"}) { name } }', {}, 11),
        ("mutation ($a: Boolean!) { open @skip(if: $a) { name } close }", {"a": True}, 10),
        ("mutation { open { name } close }", {}, 1 + 2 * 10),
    ],
)
def test_costs(text: str, variables: dict[str, Any], points: int) -> None:
    assert cost(text, **variables) == points


def test_costs_are_remembered_for_the_variables_that_they_depend_on() -> None:
    prepared, _ = Documents(SCHEMA).prepare(
        "query ($n: Int, $a: Boolean! = false, $after: String)"
        " { shops(first: $n, after: $after) @skip(if: $a) { edges { node { name } } } }"
    )
    assert prepared is not None
    operation = prepared.operation(None)

    for _ in range(2):
        assert prepared.costs.of(operation, {"n": 3, "after": "x"}) == 7
        assert prepared.costs.of(operation, {"n": 4, "after": "y"}) == 9
        assert prepared.costs.of(operation, {"n": 1}) == 3
        assert prepared.costs.of(operation, {"n": True}) == 41
        assert prepared.costs.of(operation, {"n": [1, {}]}) == 41
        assert prepared.costs.of(operation, {"n": 3, "a": True}) == 1


def test_what_costs_too_much_costs_too_much_when_it_is_asked_again() -> None:
    prepared, _ = Documents(SCHEMA).prepare(
        "query ($n: Int!) { shops(first: $n) { edges { node { shops(first: $n) { edges { cursor } } } } } }"
    )
    assert prepared is not None

    for _ in range(2):
        with pytest.raises(QueryLimitExceeded):
            prepared.costs.of(prepared.operation(None), {"n": 100})
        assert prepared.costs.of(prepared.operation(None), {"n": 50}) == 2_601 + 50


def test_lists_among_the_variables_are_bounded() -> None:
    assert cost("{ name }", input={"lines": [{"sku": ["a"] * 1_000}]}) == 1

    with pytest.raises(QueryLimitExceeded) as caught:
        cost("{ name }", input={"lines": [{"sku": ["a"] * 1_001}]})

    assert caught.value.facts() == {"dimension": "listItems", "maximum": 1_000, "requested": 1_001}


def test_costs_above_the_limit_are_refused() -> None:
    with pytest.raises(QueryLimitExceeded) as caught:
        cost("{ shops(first: 100) { edges { node { shops(first: 100) { edges { node { name } } } } } } }")

    assert caught.value.facts() == {"dimension": "cost", "maximum": COST_MAX, "requested": 20_301}


def bomb(length: int) -> DocumentNode:
    chain = " ".join(f"fragment f{n} on Query {{ ...f{n + 1} ...f{n + 1} }}" for n in range(length))
    return parse(f"{{ ...f0 }} {chain} fragment f{length} on Query {{ shop {{ name }} }}")


def test_a_chain_of_fragments_is_measured_at_once() -> None:
    document = bomb(45)
    (operation,) = (node for node in document.definitions if isinstance(node, OperationDefinitionNode))
    began = time.perf_counter()

    assert check_document(document) is False
    with pytest.raises(QueryLimitExceeded) as caught:
        operation_cost(SCHEMA, document, operation, {})

    assert caught.value.requested == 2**45
    assert time.perf_counter() - began < 1


def test_the_library_alone_takes_a_chain_of_fragments() -> None:
    # Validation runs before the cost is known, so it must not be the one that explodes.
    documents = Documents(SCHEMA)
    began = time.perf_counter()

    prepared, errors = documents.prepare(
        "{ ...f0 } "
        + " ".join(f"fragment f{n} on Query {{ ...f{n + 1} ...f{n + 1} }}" for n in range(45))
        + " fragment f45 on Query { shop { name } }"
    )

    assert prepared is not None
    assert errors == []
    assert time.perf_counter() - began < 2


@pytest.mark.parametrize(
    "text",
    [
        "{ shop " + "{ near " * 13 + "{ name }" + "}" * 14,
        "{ shop { " + "... on Shop { " * 40 + "name" + "}" * 42,
        "{ ...f } fragment f on Query { shop { ...g } } fragment g on Shop { ...h } fragment h on Shop { name }",
        "{ shop { ...f } } fragment f on Shop { near { ...f } }",
        "{ __schema { types { fields { type { " + "ofType { " * 20 + "name" + "}" * 25,
    ],
)
def test_documents_within_the_limits(text: str) -> None:
    check_document(parse(text))


@pytest.mark.parametrize(
    ("text", "dimension", "requested"),
    [
        ("{ shop " + "{ near " * 14 + "{ name }" + "}" * 15, "depth", 16),
        ("{ shop { ...f } } fragment f on Shop " + "{ near " * 14 + "{ name }" + "}" * 14, "depth", 16),
        ("{ shop { " + "... on Shop { " * 60 + "name" + "}" * 62, "nesting", 61),
    ],
)
def test_documents_that_are_too_deep(text: str, dimension: str, requested: int) -> None:
    with pytest.raises(QueryLimitExceeded) as caught:
        check_document(parse(text))

    assert (caught.value.dimension, caught.value.requested) == (dimension, requested)


def test_introspection_is_noticed_wherever_it_is() -> None:
    assert check_document(parse('{ name ...f } fragment f on Query { ... { __type(name: "Shop") { name } } }'))
    assert not check_document(parse("{ name __typename }"))


def test_the_guide_reckons_as_the_gateway_does() -> None:
    guide = (Path(__file__).parents[3] / "docs" / "guides" / "limits.md").read_text()
    example = guide.partition("```graphql")[2].partition("```")[0]
    told = re.search(r"the operation .* = \*\*(\d+)\*\* points", guide)
    prepared, errors = Documents(product_schema()._schema).prepare(example)  # noqa: SLF001  as the runner does

    assert errors == []
    assert prepared is not None
    assert told is not None
    assert prepared.costs.of(prepared.operation(None), {}) == int(told[1])
