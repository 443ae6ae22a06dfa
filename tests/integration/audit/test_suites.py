"""The suites of ``./dev audit`` see what they look for: on a server that has it, and on answers that tell it."""

import asyncio
from collections.abc import Mapping

import httpx
import pytest
import strawberry
from graphql import build_schema, parse, print_ast
from strawberry.asgi import GraphQL

from tests.audit.__main__ import main, table_of
from tests.audit.cop import WEAKNESSES, Reply, shown
from tests.audit.fuzz import Tally, judge
from tests.audit.suites import Findings
from tests.audit.values import with_one_key
from tests.support.graphql_client import GraphQLClient


@strawberry.type
class Query:
    viewer: str = "nobody"


@strawberry.type
class Mutation:
    @strawberry.mutation
    def open(self) -> str:
        return "open"


def plain(method: str, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
    """A server as the library makes it."""

    async def exchange() -> httpx.Response:
        app = GraphQL[None, None](strawberry.Schema(Query, Mutation))
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://plain.test") as client:
            return await client.request(method, path, headers=dict(headers), content=body)

    response = asyncio.run(exchange())
    return Reply(response.status_code, response.text)


def test_our_gateway_in_production_shows_no_weakness(production_api: GraphQLClient) -> None:
    def ours(method: str, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        response = production_api.gateway.request(method, path, content=body, headers=dict(headers))
        return Reply(response.status_code, response.text)

    assert shown(ours) == []


def test_a_plain_server_shows_most_weaknesses() -> None:
    assert set(shown(plain)) == {
        "alias overloading",
        "directive overloading",
        "field duplication",
        "field suggestions",
        "introspection",
        "queries by GET",
        "a console page",
        "unhandled errors",
    }


def test_the_other_weaknesses_are_seen_too() -> None:
    def naive(method: str, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        if body.startswith(b"["):
            return Reply(200, '[{"data": {"__typename": "Query"}}]')
        return Reply(200, '{"data": {"__typename": "Query"}, "extensions": {"tracing": {}}}')

    seen_elsewhere = {"directive overloading", "field suggestions", "a console page", "unhandled errors"}
    assert set(shown(naive)) == {weakness.name for weakness in WEAKNESSES} - seen_elsewhere


def test_there_are_the_twelve_and_plain_introspection() -> None:
    assert len({weakness.name for weakness in WEAKNESSES}) == 13


@pytest.mark.parametrize(
    ("status", "text", "failures"),
    [
        (200, '{"data": {"viewer": null}}', 0),
        (400, '{"errors": [{"message": "The query is long.", "extensions": {"code": "QUERY_INVALID"}}]}', 0),
        (503, '{"errors": []}', 1),
        (200, '{"errors": [{"message": "Something went wrong.", "extensions": {"code": "INTERNAL"}}]}', 1),
        (200, "<html>", 1),
        (200, '{"errors": [{"message": "relation t_0123456789ab.members does not exist"}]}', 1),
        (200, '{"errors": [{"message": "SELECT id FROM members WHERE id = 5"}]}', 1),
        (200, '{"errors": [{"message": "connection to postgresql://app@db failed"}]}', 1),
        (200, '{"errors": [{"message": "<object at 0x7f00>"}]}', 1),
    ],
)
def test_answers_that_tell_of_a_broken_server(status: int, text: str, failures: int) -> None:
    tally = Tally()

    judge(tally, "{ viewer { kind } }", status, text)

    assert len(tally.failures) == failures


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ('{find(by: {id: "1", email: "m"}, all: {a: 1, b: null})}', '{find(by: {id: "1"}, all: {a: 1, b: null})}'),
        ('{find(by: {id: null, email: "m"})}', '{find(by: {email: "m"})}'),
        ("{find(by: {id: null})}", "{find(by: {})}"),
        ('{find(more: [{id: "1", email: "m"}, {email: "n"}])}', '{find(more: [{id: "1"}, {email: "n"}])}'),
        ('{lose(by: {id: "1", email: "m"})}', '{lose(by: {id: "1", email: "m"})}'),
    ],
)
def test_objects_of_one_key_are_given_one(given: str, wanted: str) -> None:
    schema = build_schema(
        "input By @oneOf { id: ID email: String } input All { a: Int b: Int }"
        " type Query { find(by: By, all: All, more: [By!]): Int }"
    )

    assert with_one_key(schema, given) == print_ast(parse(wanted))


def test_a_suite_that_checked_nothing_is_red() -> None:
    assert not Findings(0).is_green
    assert "RED" in table_of([("http", Findings(0))])
    assert "green" in table_of([("http", Findings(3))])


def test_an_unknown_suite_is_refused() -> None:
    with pytest.raises(SystemExit):
        main(["nothing"])
