"""Callers over HTTP who send, wait and send again, all in one thread: a load that costs little beside what it loads."""

import selectors
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field

from services.platform.clock import monotonic

TIMEOUT_SECONDS = 60
READ_BYTES = 65_536

_HEAD_END = b"\r\n\r\n"
_LENGTH = b"content-length: "
_CHUNKED = b"transfer-encoding: chunked"
_LAST_CHUNK = b"\r\n0\r\n\r\n"


class BadAnswer(Exception):
    """An answer that is not what was asked for; the text is the answer."""


@dataclass(frozen=True, slots=True)
class Calls:
    """What came of it: answers, and the seconds from the first request to the last answer."""

    answers: int
    seconds: float


@dataclass(slots=True)
class _Caller:
    connection: socket.socket
    received: bytearray = field(default_factory=bytearray)

    def answer(self) -> bytes | None:
        """The body that has come in whole, taken out; None while some of it is under way.

        Raises:
            BadAnswer
        """
        self.received += self._read()
        end = self.received.find(_HEAD_END)
        if end < 0:
            return None
        head = bytes(self.received[:end]).lower()
        if not head.startswith(b"http/1.1 200 "):
            raise BadAnswer(self.received.decode(errors="replace"))
        start = end + len(_HEAD_END)
        if not self._is_whole(head, start):
            return None
        body = bytes(self.received[start:])
        self.received.clear()
        return body

    def _is_whole(self, head: bytes, start: int) -> bool:
        if _CHUNKED in head:
            return self.received.endswith(_LAST_CHUNK)
        length = int(head[head.index(_LENGTH) + len(_LENGTH) :].partition(b"\r\n")[0])
        return len(self.received) >= start + length

    def _read(self) -> bytes:
        read = self.connection.recv(READ_BYTES)
        if not read:
            raise BadAnswer("the gateway hung up")
        return read


def call_for(
    seconds: float, *, port: int, token: str, connections: int, body: Callable[[], bytes], expected: bytes
) -> Calls:
    """Keep ``connections`` callers busy for ``seconds``, then wait for the last answers.

    ``body`` makes the next request's JSON; every answer must hold ``expected``.

    Raises:
        BadAnswer, TimeoutError
    """
    head = (
        f"POST /graphql HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n"
        f"Authorization: Bearer {token}\r\nContent-Length: "
    ).encode()

    def send(caller: _Caller) -> None:
        content = body()
        caller.connection.sendall(b"%b%d\r\n\r\n%b" % (head, len(content), content))

    with ExitStack() as stack:
        selector = stack.enter_context(selectors.DefaultSelector())
        for _ in range(connections):
            connection = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            selector.register(connection, selectors.EVENT_READ, _Caller(connection))
        began, answers, waiting = monotonic(), 0, connections
        for key in selector.get_map().values():
            send(key.data)
        while waiting:
            for caller in _answered(selector, expected):
                answers += 1
                if monotonic() - began < seconds:
                    send(caller)
                else:
                    waiting -= 1
        return Calls(answers, monotonic() - began)


def _answered(selector: selectors.BaseSelector, expected: bytes) -> Iterator[_Caller]:
    """Wait for something to come in; the callers whose answer is there."""
    ready = selector.select(TIMEOUT_SECONDS)
    if not ready:
        raise TimeoutError(f"no answer for {TIMEOUT_SECONDS} s")
    for key, _ in ready:
        answer = key.data.answer()
        if answer is None:
            continue
        if expected not in answer:
            raise BadAnswer(answer.decode(errors="replace"))
        yield key.data
