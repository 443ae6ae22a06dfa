"""S8: clients that are slow on purpose, by the hundred, beside one that is not."""

import json
import os
import resource
import socket
import statistics
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass, field
from pathlib import Path

from services.platform.clock import monotonic
from tests.faults.books import LEDGER
from tests.faults.experiments import Bench, Experiment, Mutation
from tests.faults.merchant import Merchant
from tests.faults.verdict import Verdict
from tests.faults.wire import Caller

CROWD, CROWD_SHORT = 500, 60
DEAF_ONE_IN = 25
"""So many slow clients to one that asks and asks, and reads nothing."""
CLOSED_SECONDS_MAX = 60.0
WATCHED_SECONDS = 75.0
GROWTH_MIB_MAX = 64
TIMES_SLOWER_MAX = 2.0
ASKED = 150
ROUNDS_MAX = 5
"""Of measuring a neighbor: a shared machine has its own bad moments, a starved neighbor has them in every round."""

HEAD = b"POST /graphql HTTP/1.1\r\nHost: slow\r\nContent-Type: application/json\r\nX-Slow: "
UPGRADE = (
    b"GET /graphql HTTP/1.1\r\nHost: slow\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n"
)
QUESTION = "{ " + " ".join(f"{'a' * 1_000}{number}: __typename" for number in range(15)) + " }"
"""Cheap to answer, and its answers soon fill all buffers on the way."""
BUFFER_BYTES = 4_096


@dataclass(slots=True)
class Slow:
    """One slow client: when it came, and when the server was through with it."""

    connection: socket.socket
    opened_at: float
    drips: bool = False
    reads: bool = True
    closed_at: float | None = None


@dataclass(slots=True)
class Crowd:
    """All slow clients. One thread lets them drip and looks who is still there."""

    clients: list[Slow] = field(default_factory=list)
    _gone: threading.Event = field(default_factory=threading.Event)

    def still_there(self) -> int:
        """How many are connected."""
        return sum(client.closed_at is None for client in self.clients)

    def live(self) -> None:
        """A byte a second from those that drip, and a look at everybody, until `leave`."""
        while not self._gone.wait(1.0):
            for client in tuple(self.clients):
                if client.closed_at is None and _is_closed(client):
                    client.closed_at = monotonic()

    def leave(self) -> None:
        """Look no more."""
        self._gone.set()


def crowd_slowly(bench: Bench) -> Verdict:
    """S8: requests that come byte by byte, sockets that say nothing, askers that do not read; all are closed in time.

    Meanwhile a neighbor asks as ever, and the gateway's memory stays where it was.
    """
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    bench.stack.stop("gateway")  # the next one may have as many connections
    merchant, _letters, _logs = bench.begin(members=1, has_worker=False)
    count = CROWD_SHORT if bench.scale.is_hurried else CROWD
    verdict = Verdict("S8", injected=0)
    with closing(Caller(bench.stack.gateway_port, token=merchant.token)) as neighbor, ExitStack() as stack:
        alone = _ask(neighbor, merchant)
        before = peak = _resident_mib(bench)
        crowd = Crowd()
        threading.Thread(target=crowd.live, daemon=True).start()
        stack.callback(crowd.leave)
        crowd.clients.extend(_open_all(bench, merchant, stack, count))
        beside, peak = _measure(bench, neighbor, merchant, alone, peak)
        deadline = monotonic() + WATCHED_SECONDS
        while crowd.still_there() and monotonic() < deadline:
            peak = max(peak, _resident_mib(bench))
            time.sleep(0.5)
        verdict.acknowledged = len(_ask(neighbor, merchant))
    waits = [client.closed_at - client.opened_at for client in crowd.clients if client.closed_at is not None]
    verdict.injected = len(crowd.clients)
    verdict.leaked = len(crowd.clients) - len(waits)
    verdict.recovery_seconds = max(waits, default=None)
    late = [f"{seconds:.0f} s" for seconds in waits if seconds > CLOSED_SECONDS_MAX]
    verdict.complain("never closed", ["slow client"] * verdict.leaked)
    verdict.complain("closed late", late)
    if peak - before > GROWTH_MIB_MAX:
        verdict.complaints.append(f"the gateway grew by {peak - before} MiB")
    if beside > TIMES_SLOWER_MAX:
        verdict.complaints.append(f"a neighbor's answers took {beside:.1f} times as long")
    verdict.note = f"neighbor's p99 {beside:.1f} times, memory +{peak - before} MiB"
    return verdict


def _open_all(bench: Bench, merchant: Merchant, stack: ExitStack, count: int) -> Iterator[Slow]:
    port = bench.stack.gateway_port
    for number in range(count):
        yield _slow(stack, port, HEAD, drips=True)
        yield _slow(stack, port, UPGRADE)
        if number % DEAF_ONE_IN == 0:
            yield _deaf(stack, port, merchant.token)


def _slow(stack: ExitStack, port: int, first: bytes, *, drips: bool = False) -> Slow:
    connection = stack.enter_context(socket.socket())
    connection.settimeout(WATCHED_SECONDS)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
    connection.connect(("127.0.0.1", port))
    connection.sendall(first)
    return Slow(connection, monotonic(), drips=drips)


def _deaf(stack: ExitStack, port: int, token: str) -> Slow:
    """A client that asks for more than buffers hold, and reads none of it."""
    client = _slow(stack, port, UPGRADE)
    client.reads = False
    assert client.connection.recv(4_096).startswith(b"HTTP/1.1 101 ")
    credential = {"type": "connection_init", "payload": {"authorization": f"Bearer {token}"}}
    client.connection.sendall(_frame(credential))
    threading.Thread(target=_ask_for_ever, args=(client.connection,), daemon=True).start()
    return client


def _ask_for_ever(connection: socket.socket) -> None:
    number = 0
    with suppress(OSError):
        while True:
            number += 1
            connection.sendall(_frame({"id": str(number), "type": "subscribe", "payload": {"query": QUESTION}}))


def _frame(message: object) -> bytes:
    """A text frame, masked by zeros."""
    payload = json.dumps(message).encode()
    head = bytes((0x80 | len(payload),)) if len(payload) < 126 else b"\xfe" + len(payload).to_bytes(2, "big")
    return b"\x81" + head + bytes(4) + payload


def _is_closed(client: Slow) -> bool:
    """Whether the server has closed the connection; a byte goes out by those that drip."""
    try:
        if client.drips:
            client.connection.send(b"x", socket.MSG_DONTWAIT)
        if client.reads:
            return client.connection.recv(65_536, socket.MSG_DONTWAIT) == b""
        # Reading would make it a good client: the kernel says whether the other side is still there.
        return client.connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] != _ESTABLISHED
    except BlockingIOError:
        return False
    except OSError:
        return True


_ESTABLISHED = 1
"""Of TCP's states, in the first byte of TCP_INFO."""


def _measure(
    bench: Bench, neighbor: Caller, merchant: Merchant, alone: Sequence[float], peak: int
) -> tuple[float, int]:
    """How many times as long a neighbor waits, in the best of some rounds; and the gateway's size meanwhile."""
    best = float("inf")
    for _ in range(ROUNDS_MAX):
        best = min(best, _p99(_ask(neighbor, merchant)) / _p99(alone))
        peak = max(peak, _resident_mib(bench))
        if best <= TIMES_SLOWER_MAX:
            break
    return best, peak


def _ask(neighbor: Caller, merchant: Merchant) -> list[float]:
    """How long answers took, in seconds."""
    variables = {"by": {"id": merchant.member_ids[0]}, "after": None}
    neighbor.close()  # the old connection may have been idle for too long
    neighbor.ask(LEDGER, variables)
    times = []
    for _ in range(ASKED):
        began = monotonic()
        neighbor.ask(LEDGER, variables)
        times.append(monotonic() - began)
    return times


def _p99(times: Sequence[float]) -> float:
    return statistics.quantiles(times, n=100)[98]


def _resident_mib(bench: Bench) -> int:
    """The gateway's resident memory."""
    pages = int(Path(f"/proc/{bench.stack.pid('gateway')}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") // 2**20


def _has_leaked(verdict: Verdict) -> bool:
    return verdict.leaked > 0


EXPERIMENTS = (
    Experiment(
        "S8",
        "Slow clients by the hundred",
        crowd_slowly,
        (Mutation("patience without end", _has_leaked, gateway="endless-patience"),),
        is_slow=True,  # the product's own patience, half a minute and more; shorter in tests of the gateway
    ),
)
