"""Plans do what graphql-core does, on a schema where everything can go wrong."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from graphql import ExecutionResult, GraphQLError, OperationDefinitionNode, parse, validate
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis_graphql import from_schema, nodes

from services.gateway.graphql.executor.execution import by_library
from services.gateway.graphql.executor.plan import PlannedOperation
from tests.support.executions import assert_alike, shown
from tests.unit.gateway.executor.crooked import Luck, crooked_schema

# The library gives up on coroutines that it has not begun when a brother of theirs fails.
pytestmark = pytest.mark.filterwarnings(
    "ignore:coroutine .* was never awaited", "ignore::pytest.PytestUnraisableExceptionWarning"
)

SCHEMA = crooked_schema()
LIBRARY_SCHEMA = SCHEMA._schema  # noqa: SLF001  as in the runner
ODDS = st.sampled_from([0.0, 0.002, 0.01, 0.05, 0.15])
SCALARS = {
    "Points": st.integers(-9, 9).map(nodes.Int),
    "DateTime": st.just(nodes.String("2026-03-01T09:30:00+08:00")),
    "Decimal": st.just(nodes.String("1.5")),
}


@dataclass
class Context:
    """What resolvers of the crooked schema see of an operation."""

    raw_variables: Mapping[str, Any]
    order: list[str] = field(default_factory=list)
    coming: "asyncio.Future[str] | None" = None

    def shared(self) -> "asyncio.Future[str]":
        """One future for all who ask, as a loader gives it."""
        if self.coming is None:
            loop = asyncio.get_running_loop()
            self.coming = loop.create_future()
            loop.call_later(0.0001, self.coming.set_result, "told")
        return self.coming


def agree(text: str, variables: Mapping[str, Any] | None = None, *, odds: float = 0.0) -> ExecutionResult:
    """Execute both ways, and compare; the plan's result."""
    Luck.odds = odds
    document = parse(text)
    assert validate(LIBRARY_SCHEMA, document) == []
    (node,) = (each for each in document.definitions if isinstance(each, OperationDefinitionNode))
    planned = PlannedOperation(SCHEMA, document, node)
    values = planned.variables(variables or {})
    assert not isinstance(values, list)
    variant = planned.variant(values)
    assert variant is not None
    assert variant.plan() is None, "the library has the first turn"
    plan = variant.plan()
    assert plan is not None

    async def both() -> tuple[ExecutionResult, ExecutionResult, Any, Any]:
        one, other = Context(variables or {}), Context(variables or {})
        expected = await by_library(SCHEMA, document, node, cast("Any", one))
        actual = await plan.execute(cast("Any", other), values)
        await asyncio.sleep(0.001)
        return expected, actual, one.order, other.order

    expected, actual, order, actual_order = asyncio.run(both())
    assert_alike(actual, expected)
    assert actual_order == order
    return actual


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(from_schema(LIBRARY_SCHEMA, custom_scalars=SCALARS, allow_x00=False), ODDS)
def test_generated_operations(text: str, odds: float) -> None:
    try:
        errors = validate(LIBRARY_SCHEMA, parse(text))
    except GraphQLError:
        return
    if not errors:
        agree(text, odds=odds)


DEEP = """
fragment Leaf on Leafy {
  __typename id name nick count ratio isGood kind grade points since price tags marks kinds again(times: 3)
}
fragment Any on Outcome { __typename ... on Leafy { ...Leaf } ... on Refused { code facts }
  ... on Named { alias: name } }
query Deep($seed: String!, $isShown: Boolean!, $isHidden: Boolean = false, $times: Int) {
  tree(seed: $seed) {
    name shared told: shared leaf { ...Leaf } maybeLeaf @include(if: $isShown) { ...Leaf name }
    leaves { ...Leaf again(times: 3) }
    named { __typename name ... on Leafy { id again(times: $times, label: "l") } ... on Branch { nick leaf { id } }}
    maybeNamed @skip(if: $isHidden) { nick }
    result { ...Any } results { ...Any ... on Branch { leaf { name } branch { name } } }
    branch(key: "a") { ...B } other: branch(key: "b") { ...B waiting { id } }
    sureBranch(keys: [1, 2]) { name plainly branches(first: 1) { name branch { leaf { id } } } }
    branches { ...B }
    plainly(word: "here")
    waiting { ...Leaf }
  }
  plain { ...Leaf }
  maybe { name }
}
fragment B on Branch { name nick shared leaves { id kind } branch(key: "deeper") { name waiting { count } } plainly }
"""


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**9), is_shown=st.booleans(), times=st.sampled_from([None, 1, 2]), odds=ODDS)
def test_one_operation_over_much_data(seed: int, is_shown: bool, times: int | None, odds: float) -> None:  # noqa: FBT001  drawn
    variables: dict[str, Any] = {"seed": str(seed), "isShown": is_shown}
    agree(DEEP, variables if times is None else {**variables, "times": times}, odds=odds)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**9), odds=ODDS)
def test_mutations_one_after_the_other(seed: int, odds: float) -> None:
    agree(
        """mutation($seed: String!) {
          a: first(seed: $seed) { name branch { name } } __typename
          b: first(seed: "b") { leaf { id } } c: second(seed: $seed) { name } d: first { name }
        }""",
        {"seed": str(seed)},
        odds=odds,
    )


@pytest.mark.parametrize(
    ("text", "variables"),
    [
        ("query($w: Wish!) { wish(wish: $w) }", {"w": {"word": "a", "words": ["b", None], "inner": {"word": "c"}}}),
        ("query($w: String!) { wish(wish: {word: $w, kind: LARGE}, more: [1, 2]) }", {"w": "x"}),
        ('query($m: [Int!] = [3], $s: DateTime) { wish(wish: {word: "x"}, more: $m, since: $s) }', {}),
        (
            'query($m: [Int!], $s: DateTime) { wish(wish: {word: "x"}, more: $m, since: $s) }',
            {"m": 4, "s": "2026-03-01T09:30:00+08:00"},
        ),
        (
            "query($s: Boolean!) { plain { id } plain @skip(if: $s) { name } ... @include(if: $s) { plain { nick } } }",
            {"s": True},
        ),
    ],
)
def test_arguments_arrive_as_by_the_library(text: str, variables: Mapping[str, Any]) -> None:
    agree(text, variables)


@pytest.mark.parametrize(
    "raw", [{}, {"w": None}, {"w": {"word": 1}}, {"w": {"word": "x", "other": 1}}, {"w": {"word": "x", "kind": "NO"}}]
)
def test_bad_variables_are_refused_as_by_the_library(raw: Mapping[str, Any]) -> None:
    document = parse("query($w: Wish!, $n: Int = 3) { wish(wish: $w) }")
    (node,) = document.definitions
    assert isinstance(node, OperationDefinitionNode)
    errors = PlannedOperation(SCHEMA, document, node).variables(raw)
    expected = asyncio.run(by_library(SCHEMA, document, node, cast("Any", Context(raw))))
    assert isinstance(errors, list)
    assert [shown(error) for error in errors] == [shown(error) for error in expected.errors or ()]


def test_what_goes_well_is_told_whole() -> None:
    found = agree(DEEP, {"seed": "7", "isShown": True})
    assert found.errors is None
    assert found.data is not None
    assert len(json.dumps(found.data)) > 4_000


def test_what_only_the_library_does_is_left_to_it() -> None:
    for text in ("{ __schema { queryType { name } } }", '{ __type(name: "Leafy") { name } plain { id } }'):
        document = parse(text)
        (node,) = document.definitions
        assert isinstance(node, OperationDefinitionNode)
        planned = PlannedOperation(SCHEMA, document, node)
        values = planned.variables({})
        assert not isinstance(values, list)
        variant = planned.variant(values)
        assert variant is not None
        assert [variant.plan() for _ in range(3)] == [None] * 3


def test_fragments_that_fan_out_make_one_function_each() -> None:
    levels = 12
    fragments = "".join(
        f" fragment F{n} on Branch {{ a: branch {{ ...F{n + 1} }} b: branch {{ ...F{n + 1} }} }}" for n in range(levels)
    )
    document = parse(f"{{ tree {{ ...F0 }} }}{fragments} fragment F{levels} on Branch {{ name }}")
    node = document.definitions[0]
    assert isinstance(node, OperationDefinitionNode)
    planned = PlannedOperation(SCHEMA, document, node)
    values = planned.variables({})
    assert not isinstance(values, list)
    variant = planned.variant(values)
    assert variant is not None
    assert [variant.plan() is None for _ in range(2)] == [True, False]
