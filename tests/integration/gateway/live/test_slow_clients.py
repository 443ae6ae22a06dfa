"""Clients that are slow, or that are gone without a word: what they may hold ends."""

import asyncio
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from services.gateway import server as server_room
from services.gateway.context.errors import SubscriberTooSlow
from services.gateway.graphql import feed as feed_room
from services.gateway.live import socket as live_socket
from services.gateway.live import watch as watch_room
from tests.integration.gateway.live.client import connected
from tests.integration.gateway.live.conftest import Served
from tests.support.story import Merchant

BIG = "{ " + " ".join(f"a{number}: __typename" for number in range(20)) + " }"
SLUG = "{ tenant { slug } }"
END_SECONDS = 30.0


@contextmanager
def raw(port: int, first: bytes = b"") -> Iterator[socket.socket]:
    """A connection on which a test says what it likes."""
    with closing(socket.create_connection(("127.0.0.1", port), timeout=END_SECONDS)) as connection:
        connection.sendall(first)
        yield connection


def is_ended(connection: socket.socket) -> bool:
    """Whether the server ends the connection; what it says first is read."""
    try:
        while connection.recv(65_536):
            pass
    except ConnectionResetError:
        return True
    except TimeoutError:
        return False
    return True


@pytest.mark.parametrize(
    "first",
    [
        b"",
        b"\r\n",
        b"POST /graphql HTTP/1.1\r\nHost: x\r\nX-",
        b"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{",
        b"GET /graphql HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebS",
    ],
)
def test_a_request_that_does_not_come_is_not_waited_for(
    served: Served, monkeypatch: pytest.MonkeyPatch, first: bytes
) -> None:
    monkeypatch.setattr(server_room, "REQUEST_SECONDS", 0.5)

    with raw(served.port, first) as connection:
        assert is_ended(connection)


def test_a_byte_now_and_then_does_not_help(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_room, "REQUEST_SECONDS", 1.0)
    sent = 0

    with raw(served.port, b"GET /health/live HTTP/1.1\r\nX-Slow: ") as connection:
        try:
            while sent < 1_000:
                connection.sendall(b"x")
                sent += 1
                time.sleep(0.05)
        except OSError:
            pass

    assert sent < 1_000


def test_a_connection_that_is_used_again_is_bounded_again(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n"
    with raw(served.port, whole) as connection:
        assert b"200 OK" in connection.recv(65_536)
        monkeypatch.setattr(server_room, "REQUEST_SECONDS", 0.5)
        connection.sendall(whole[:10])

        assert is_ended(connection)


def test_who_is_quick_is_left_alone(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_room, "REQUEST_SECONDS", 1.0)
    whole = b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n"

    with raw(served.port) as connection:
        for _ in range(10):
            connection.sendall(whole)
            assert b"200 OK" in connection.recv(65_536)
            time.sleep(0.2)


def test_who_does_not_read_is_sent_away(served: Served, shop: Merchant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_socket, "READING_SECONDS", 1.0)
    monkeypatch.setattr(server_room, "LINGERING_SECONDS", 0.5)
    assert shop.client.token

    with raw(served.port, _upgrade()) as connection:
        assert connection.recv(4_096).startswith(b"HTTP/1.1 101 ")
        connection.sendall(_frame({"type": "connection_init", "payload": _payload(shop)}))
        _wait(lambda: served.desk.watch.held == 1)
        threading.Thread(target=_ask_for_ever, args=(connection,), daemon=True).start()
        _wait(lambda: len(served.desk.watch) == 0)

        assert is_ended(connection)
    assert served.http.execute("{ __typename }").status == 200


def test_a_follower_who_falls_behind_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed_room, "WAITING_MAX", 3)
    follower = feed_room.Follower()
    follower.tell(["entry"] * 3)  # type: ignore[list-item]  # any value is handed on
    follower.tell(["entry"])  # type: ignore[list-item]  # as above

    with pytest.raises(SubscriberTooSlow):
        _all_that_comes(follower)


def test_a_principal_has_so_many_sockets_and_no_more(
    served: Served, shop: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch_room, "SOCKETS_PER_PRINCIPAL_MAX", 2)
    with connected(served.port) as one, connected(served.port) as two:
        one.begin(shop.client.token)
        two.begin(shop.client.token)
        assert _closing_of_one_more(served, shop) == 1013
        key = shop.with_token(shop.do("createApiKey", "secret", name="k", scopes=["STORES_READ"])["secret"])
        with connected(served.port) as another:
            another.begin(key.client.token)
    _wait(lambda: len(served.desk.watch) == 0)

    with connected(served.port) as again:
        again.begin(shop.client.token)


@pytest.mark.parametrize("limit", ["SOCKETS_PER_TENANT_MAX", "SOCKETS_MAX", "STRANGERS_MAX"])
def test_other_numbers_of_sockets_are_bounded_too(
    served: Served, shop: Merchant, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    _wait(lambda: len(served.desk.watch) == 0)
    monkeypatch.setattr(watch_room, limit, 0)

    assert _closing_of_one_more(served, shop) == 1013


def _closing_of_one_more(served: Served, shop: Merchant) -> int:
    with connected(served.port) as live:
        with suppress(ConnectionClosed):
            live.send({"type": "connection_init", "payload": _payload(shop)})
        return live.closing().code


def _all_that_comes(follower: feed_room.Follower) -> list[Any]:
    """Everything that a follower gets, until it gets no more."""

    async def take() -> list[Any]:
        return [entry async for entry in follower.entries()]

    return asyncio.run(take())


def _payload(shop: Merchant) -> dict[str, str]:
    return {"authorization": f"Bearer {shop.client.token}"}


def _ask_for_ever(connection: socket.socket) -> None:
    """Ask and ask, and read nothing."""
    number = 0
    try:
        while True:
            number += 1
            connection.sendall(_frame({"id": f"{number}", "type": "subscribe", "payload": {"query": BIG}}))
    except OSError:
        return


def _upgrade() -> bytes:
    return (
        b"GET /graphql HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
        b"Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n"
    )


def _frame(message: object) -> bytes:
    """A text frame, masked by zeros."""
    payload = json.dumps(message).encode()
    assert len(payload) < 65_536
    if len(payload) < 126:
        return bytes((0x81, 0x80 | len(payload))) + bytes(4) + payload
    return b"\x81\xfe" + len(payload).to_bytes(2) + bytes(4) + payload


def _wait(is_so: Any) -> None:
    deadline = END_SECONDS
    while not is_so() and deadline > 0:
        time.sleep(0.02)
        deadline -= 0.02
    assert is_so()
