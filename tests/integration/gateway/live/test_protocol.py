"""graphql-transport-ws, word by word; and whatever else may come over a socket."""

import json
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus

from services.gateway.live import socket as live_socket
from services.gateway.live.messages import FRAME_BYTES_MAX
from services.gateway.live.socket import OPERATIONS_MAX
from services.gateway.server import FRAME_BYTES_MAX as SERVER_FRAME_BYTES_MAX
from tests.integration.gateway.live.client import LiveClient, connected
from tests.integration.gateway.live.conftest import Served
from tests.support.graphql_client import fresh_key
from tests.support.story import Merchant

FEED = "subscription { ledgerEntryPosted { cursor } }"
SLUG = "{ tenant { slug } }"


@pytest.fixture
def begun(live: LiveClient, shop: Merchant) -> LiveClient:
    """A socket whose owner is known."""
    return live.begin(shop.client.token)


def test_queries_and_mutations_are_answered_once(begun: LiveClient, shop: Merchant) -> None:
    assert begun.ask(SLUG) == {"tenant": {"slug": shop.slug}}
    store = {"code": "east", "name": "East", "timezone": "Asia/Shanghai", "currency": "CNY"}
    made = begun.ask("mutation($input: CreateStoreInput!) { createStore(input: $input) { __typename } }", input=store)
    assert made == {"createStore": {"__typename": "CreateStorePayload"}}
    assert begun.ask("{ stores { edges { node { code } } } }")["stores"]["edges"] == [{"node": {"code": "east"}}]


def test_errors_of_an_operation_end_it_and_not_the_socket(begun: LiveClient) -> None:
    malformed = begun.errors(begun.subscribe("{"))
    unknown = begun.errors(begun.subscribe("{ nothing }"))
    forbidden = begun.errors(
        begun.subscribe(
            "subscription { ledgerEntryPosted(memberId: 5) { cursor } }",
        )
    )

    assert [error["extensions"]["code"] for error in (*malformed, *unknown)] == [
        "QUERY_SYNTAX_INVALID",
        "QUERY_INVALID",
    ]
    assert forbidden[0]["extensions"]["code"] == "INVALID_INPUT"
    assert begun.ask(SLUG)


def test_an_id_may_be_used_again_once_its_operation_is_complete(begun: LiveClient) -> None:
    for _ in range(50):
        begun.subscribe(SLUG, "same")
        assert [begun.receive()["type"], begun.receive()["type"]] == ["next", "complete"]


def test_complete_ends_a_subscription_and_frees_its_id(begun: LiveClient, served: Served) -> None:
    begun.subscribe(FEED, "feed")
    served.wait_for_followers(1)

    begun.send({"id": "feed", "type": "complete"})
    served.wait_for_followers(0)
    begun.send({"id": "nobody", "type": "complete"})
    begun.subscribe(FEED, "feed")
    served.wait_for_followers(1)

    assert begun.ask(SLUG)


def test_the_client_that_goes_leaves_nothing_behind(shop: Merchant, served: Served) -> None:
    with connected(served.port) as live:
        live.begin(shop.client.token).subscribe(FEED)
        served.wait_for_followers(1)

    served.wait_for_followers(0)
    assert len(served.desk.watch) == 0


@pytest.mark.parametrize("is_begun", [True, False])
def test_pings_are_answered_with_their_payload(live: LiveClient, shop: Merchant, *, is_begun: bool) -> None:
    if is_begun:
        live.begin(shop.client.token)

    live.send({"type": "ping"})
    live.send({"type": "pong"})
    live.send({"type": "ping", "payload": {"sent": 1}})

    assert [live.receive(), live.receive()] == [{"type": "pong"}, {"type": "pong", "payload": {"sent": 1}}]


@pytest.mark.parametrize("subprotocols", [(), ("graphql-ws",), ("something", "else")])
def test_other_subprotocols_are_refused(served: Served, subprotocols: tuple[str, ...]) -> None:
    with connected(served.port, subprotocols=subprotocols) as live:
        assert live.closing().code == 4406


def test_ours_is_chosen_among_others(served: Served) -> None:
    with connected(served.port, subprotocols=("graphql-ws", "graphql-transport-ws")) as live:
        assert live.connection.subprotocol == "graphql-transport-ws"


def test_who_says_nothing_is_sent_away(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_socket, "INITIALISATION_SECONDS", 0.2)

    with connected(served.port) as live:
        assert live.closing().code == 4408


def test_pings_alone_do_not_keep_a_stranger(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_socket, "INITIALISATION_SECONDS", 0.5)

    with connected(served.port) as live:
        for _ in range(10):
            live.send({"type": "ping"})
        assert live.closing().code == 4408


def test_a_second_initialisation_is_refused(begun: LiveClient) -> None:
    begun.send({"type": "connection_init"})

    assert begun.closing().code == 4429


def test_nobody_subscribes_before_the_acknowledgement(live: LiveClient) -> None:
    live.subscribe(SLUG)

    assert live.closing().code == 4401


def test_an_id_in_use_is_refused(begun: LiveClient) -> None:
    begun.subscribe(FEED, "twice")
    begun.subscribe(SLUG, "twice")

    closing = begun.closing()
    assert (closing.code, closing.reason) == (4409, "Subscriber for twice already exists")


@pytest.mark.parametrize(
    "payload",
    [
        None,
        {},
        {"authorization": None},
        {"authorization": ""},
        {"authorization": "Basic x"},
        {"authorization": "Bearer nonsense"},
        {"authorization": "Bearer rs_" + 32 * "0" + "_" + 43 * "x"},
    ],
)
def test_no_credential_or_a_wrong_one_is_refused(live: LiveClient, payload: object) -> None:
    live.send({"type": "connection_init", "payload": payload})

    assert live.closing().code == 4403


def test_the_credential_of_the_upgrade_does_too(served: Served, shop: Merchant) -> None:
    with connected(served.port, headers={"Authorization": f"Bearer {shop.client.token}"}) as live:
        live.begin(None)
        assert live.ask(SLUG) == {"tenant": {"slug": shop.slug}}


def test_a_tenant_of_strangers_is_not_there(live: LiveClient, shop: Merchant) -> None:
    payload = {"authorization": f"Bearer {shop.client.token}", "tenant": "somebody-else"}
    live.send({"type": "connection_init", "payload": payload})

    closing = live.closing()
    assert (closing.code, closing.reason) == (4403, "Forbidden: TENANT_UNKNOWN")


def test_refusals_are_told_in_the_readers_language(live: LiveClient, shop: Merchant) -> None:
    live.begin(shop.client.token, **{"accept-language": "zh-CN"})

    (error,) = live.errors(live.subscribe('subscription { ledgerEntryPosted(after: "x") { cursor } }'))

    assert (error["extensions"]["code"], error["extensions"]["field"]) == ("INVALID_INPUT", "after")
    assert any("\u4e00" <= letter <= "\u9fff" for letter in error["message"])


def _each(*values: Any) -> tuple[Any, ...]:
    return values


NO_MESSAGES: tuple[Any, ...] = (
    *([], 5, 1.5, None, True, "text", [{"type": "ping"}], {}),
    *({"type": kind} for kind in _each(None, 5, [], "", "start", "connection_ack", "next", "error", "PING", "ping ")),
    *(
        {"type": kind, "payload": payload}
        for kind in _each("connection_init", "ping", "pong")
        for payload in _each([], 5, "x")
    ),
    *({"id": "a", "type": "subscribe", "payload": payload} for payload in _each(None, [], 5, "text", True, {})),
    *({"id": id_, "type": "subscribe", "payload": {"query": SLUG}} for id_ in _each(None, "", 5, [], {}, 201 * "x")),
    *({"id": id_, "type": "complete"} for id_ in _each(None, "", 5, [], {}, 201 * "x")),
    *({"id": "a", "type": "subscribe", "payload": {"query": query}} for query in _each(None, 5, " ", [])),
    {"id": "a", "type": "subscribe", "payload": {"query": SLUG, "variables": []}},
    {"id": "a", "type": "subscribe", "payload": {"query": SLUG, "operationName": 5}},
    {"id": "a", "type": "subscribe", "payload": {"query": SLUG, "extensions": []}},
    {"type": "ping", "payload": {"text": "\0"}},
    {"type": "ping", "payload": {"text": FRAME_BYTES_MAX * "x"}},
)
NO_JSON: tuple[str | bytes, ...] = (
    *("", " ", "{", "nonsense", "{'type': 'ping'}", '{"type": "ping"} x', '{"type": "\\ud800"}', "NaN"),
    *(20_000 * '{"a":', "[" * 100_000, '{"type": "ping", "payload": ' + 40 * '{"a":' + "1" + 41 * "}"),
    *(b"", b"\0", b'{"type": "ping"}'),
)


def test_malformed_frames_are_told_and_end_the_socket(served: Served, shop: Merchant) -> None:
    for is_begun in (False, True):
        for frame in (*map(json.dumps, NO_MESSAGES), *NO_JSON):
            with connected(served.port) as live:
                if is_begun:
                    live.begin(shop.client.token)
                live.send(frame)
                closing = live.closing()
                assert closing.code == 4400, frame[:100]
                assert closing.reason
    assert served.http.execute("{ __typename }").status == 200


def test_frames_beyond_all_measure_end_the_socket(begun: LiveClient) -> None:
    begun.send((SERVER_FRAME_BYTES_MAX + 1) * "x")

    assert begun.closing().code == 1009


def test_a_socket_has_so_many_operations_and_no_more(begun: LiveClient, served: Served) -> None:
    for number in range(OPERATIONS_MAX):
        begun.subscribe(FEED, f"feed-{number}")

    (error,) = begun.errors(begun.subscribe(SLUG))
    begun.send({"id": "feed-0", "type": "complete"})

    assert error["extensions"]["dimension"] == "operationsPerSocket"
    assert begun.ask(SLUG)


@pytest.mark.parametrize(
    ("origin", "may_come"),
    [(None, True), ("http://127.0.0.1:{port}", True), ("https://evil.example", False), ("null", False), ("", False)],
)
def test_pages_of_other_origins_may_not_come(served: Served, *, origin: str | None, may_come: bool) -> None:
    given = origin.format(port=served.port) if origin else origin
    if may_come:
        with connected(served.port, origin=given) as live:
            assert live.connection.subprotocol
        return

    with pytest.raises(InvalidStatus) as refused, connected(served.port, origin=given):
        pass
    assert refused.value.response.status_code == 403


def test_a_subscription_is_not_run_over_http(shop: Merchant) -> None:
    answer = shop.send(FEED)

    assert answer.code == "QUERY_INVALID"
    assert "data" not in answer.content


def test_what_is_done_over_a_socket_is_done_once_under_its_key(begun: LiveClient, shop: Merchant) -> None:
    member = shop.enroll()
    gift = {"member": {"id": member}, "points": 5, "reason": "gift", "idempotencyKey": fresh_key()}
    adjust = """mutation($input: AdjustPointsInput!) { adjustPoints(input: $input) {
      ... on AdjustPointsPayload { balance replayed } } }"""

    first, again = begun.ask(adjust, input=gift), begun.ask(adjust, input=gift)

    assert first["adjustPoints"] == {"balance": 5, "replayed": False}
    assert again["adjustPoints"] == {"balance": 5, "replayed": True}
