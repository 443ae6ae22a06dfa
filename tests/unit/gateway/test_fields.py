"""How resolvers become fields, on a small schema: refusals that are named become values, inputs are hashed as sent."""

import asyncio
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, cast

import pytest
import strawberry
from graphql import ExecutionResult, execute, parse
from strawberry.schema.config import StrawberryConfig
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from services.gateway.context.errors import Forbidden
from services.gateway.context.request import Locale, RequestContext
from services.gateway.graphql.client_input import input_hash
from services.gateway.graphql.fields import Info, mutation
from services.gateway.graphql.permissions import PUBLIC, Access
from services.gateway.graphql.scalars import SCALARS, Points
from services.loyalty.ledger.errors import InsufficientPoints, NothingToGiveBack
from services.platform.errors import InvalidInput
from services.platform.idempotency.service import request_hash


@dataclass
class Seen:
    """What the resolver was given, and what it shall do."""

    hashes: list[bytes]
    failure: Exception | None = None


@strawberry.input(description="x")
class PayInput:
    points: Points = strawberry.field(description="x")
    note: str | None = strawberry.field(default="none", description="x")
    tags: list[str] = strawberry.field(default_factory=list, description="x")


@strawberry.type(description="x")
class PayPayload:
    points: Points = strawberry.field(description="x")


def _refuse(_operation: Any, _source: Any, arguments: dict[str, Any]) -> None:
    if arguments["input"].points == 13:
        raise Forbidden(scope="unlucky")
    if arguments["input"].points == 14:
        raise InvalidInput(field="points", reason="OUT_OF_RANGE", limit="13")


@mutation(access=Access(_refuse, "Not for everybody."), description="Pay.", errors=(InsufficientPoints,))
async def pay(info: Info, input: PayInput) -> PayPayload:
    # The stand-in of an operation below.
    seen: Seen = cast("Any", info.context).seen
    seen.hashes.append(input_hash(info))
    if seen.failure:
        raise seen.failure
    return PayPayload(points=input.points)


@strawberry.type
class Query:
    hello: str = "hello"


SCHEMA = strawberry.Schema(
    query=Query,
    mutation=strawberry.type(type("Mutation", (), {"pay": pay})),
    config=StrawberryConfig(scalar_map=dict(SCALARS)),
)
RESULT = (
    "{ __typename ... on PayPayload { points } ... on Error { code message } ... on InsufficientPoints { needed } }"
)


def run(document: str, variables: dict[str, Any] | None = None, failure: Exception | None = None) -> tuple[Any, Seen]:
    seen = Seen([], failure)
    context = SimpleNamespace(request=RequestContext("c", Locale.ZH), raw_variables=variables or {}, seen=seen)

    async def executed() -> ExecutionResult:
        result = execute(
            SCHEMA._schema,  # noqa: SLF001  as the endpoint does
            parse(document),
            context_value=context,
            variable_values=dict(variables or {}),
            executor_class=StrawberryGraphQLCoreExecutionContext,
            operation_extensions={},
        )
        return result if isinstance(result, ExecutionResult) else await result

    return asyncio.run(executed()), seen


def test_the_payload_is_a_member_of_the_union() -> None:
    result, _ = run(f"mutation {{ pay(input: {{points: 5}}) {RESULT} }}")

    assert result.errors is None
    assert result.data == {"pay": {"__typename": "PayPayload", "points": 5}}


def test_named_refusals_become_members() -> None:
    result, _ = run(
        f"mutation {{ pay(input: {{points: 5}}) {RESULT} }}", failure=InsufficientPoints(needed=5, available=1)
    )

    assert result.errors is None
    assert result.data == {
        "pay": {
            "__typename": "InsufficientPoints",
            "code": "INSUFFICIENT_POINTS",
            "message": "需要 5 积分，可用 1 积分。",
            "needed": 5,
        }
    }


def test_invalid_input_is_named_everywhere_also_by_guards() -> None:
    result, seen = run(f"mutation {{ pay(input: {{points: 14}}) {RESULT} }}")

    assert result.data["pay"]["code"] == "INVALID_INPUT"
    assert seen.hashes == []


@pytest.mark.parametrize("failure", [NothingToGiveBack(asked=5, drawn=1), RuntimeError("x")])
def test_other_failures_rise(failure: Exception) -> None:
    result, _ = run(f"mutation {{ pay(input: {{points: 5}}) {RESULT} }}", failure=failure)

    assert result.data is None
    assert result.errors[0].original_error is failure


def test_guards_refuse_at_the_top() -> None:
    result, seen = run(f"mutation {{ pay(input: {{points: 13}}) {RESULT} }}")

    assert result.errors[0].original_error.facts() == {"scope": "unlucky"}
    assert seen.hashes == []


@pytest.mark.parametrize(
    ("document", "variables", "sent"),
    [
        ("mutation { pay(input: {points: 5}) RESULT }", {}, {"points": 5}),
        ("mutation ($i: PayInput!) { pay(input: $i) RESULT }", {"i": {"points": 5}}, {"points": 5}),
        ("mutation ($p: Points!) { pay(input: {points: $p}) RESULT }", {"p": 5}, {"points": 5}),
        ("mutation ($p: Points! = 5) { pay(input: {points: $p}) RESULT }", {}, {"points": 5}),
        ("mutation ($n: String) { pay(input: {points: 5, note: $n}) RESULT }", {}, {"points": 5}),
        (
            "mutation ($n: String) { pay(input: {points: 5, note: $n}) RESULT }",
            {"n": None},
            {"points": 5, "note": None},
        ),
        ("mutation { pay(input: {points: 5, note: null}) RESULT }", {}, {"points": 5, "note": None}),
        ('mutation { pay(input: {note: "a", points: 5}) RESULT }', {}, {"points": 5, "note": "a"}),
        (
            'mutation ($t: String!) { pay(input: {points: 5, tags: ["a", $t]}) RESULT }',
            {"t": "b"},
            {"points": 5, "tags": ["a", "b"]},
        ),
    ],
)
def test_the_same_input_hashes_alike_however_it_is_sent(
    document: str, variables: dict[str, Any], sent: dict[str, Any]
) -> None:
    result, seen = run(document.replace("RESULT", RESULT), variables)

    assert result.errors is None
    assert seen.hashes == [request_hash(sent)]


def test_a_default_of_the_schema_is_not_what_the_client_sent() -> None:
    _, silent = run(f"mutation {{ pay(input: {{points: 5}}) {RESULT} }}")
    _, spoken = run(f'mutation {{ pay(input: {{points: 5, note: "none"}}) {RESULT} }}')

    assert silent.hashes != spoken.hashes


def test_public_access_is_open() -> None:
    assert PUBLIC.is_public
