"""F11: a client hangs up in the middle of its request, a little later each time."""

import json
import random
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from services.platform.clock import monotonic
from tests.faults.books import LEDGER
from tests.faults.experiments import Bench, Experiment, Mutation
from tests.faults.load import DOCUMENTS, Kind, adjustment_input, purchase_input
from tests.faults.merchant import Merchant
from tests.faults.verdict import Evidence, Verdict, judge
from tests.faults.wire import Caller, NoAnswer

PATIENCE_MS_MAX = 200
STEP_MS_SHORT = 10
KINDS = (Kind.PURCHASE, Kind.REDEMPTION, Kind.ADJUSTMENT)
CALLERS = len(KINDS) + 1
CENTS = 900
POOL_SIZE = 6
"""Small, so that a single connection that does not come back is missed."""
CROWD = 24
SETTLED_SECONDS_MAX = 5.0
CROWD_SECONDS_MAX = 60.0
STEADY_SECONDS = 1.0
RESET = struct.pack("ii", 1, 0)
"""SO_LINGER: closing throws away what is unsent and tells the other side at once."""

AT_WORK = """
SELECT 'backend ' || pid || ' ' || state FROM pg_stat_activity
WHERE client_addr IS NOT NULL AND backend_type = 'client backend' AND state <> 'idle'"""
BLOCKED = """
SELECT count(*) FROM pg_stat_activity WHERE client_addr IS NOT NULL AND wait_event_type = 'Lock'"""


def hang_up(bench: Bench) -> Verdict:
    """F11: callers hang up after 0, 1, 2 … 200 ms, by FIN and by RST, beside tills that work on.

    Afterwards as many requests as before must find a connection at the same time, and no transaction is left open.
    """
    scale, stack = bench.scale, bench.stack
    environment = {"REGULARS_DATABASE_POOL_SIZE": str(POOL_SIZE)}
    merchant, letters, logs = bench.begin(members=scale.members, environment=environment)
    cuts = list(range(0, PATIENCE_MS_MAX + 1, STEP_MS_SHORT if scale.is_hurried else 1))
    random.Random(f"{scale.seed}/F11").shuffle(cuts)
    logs.mkdir(parents=True)
    before = _seats(bench, merchant, logs / "till-before.log")
    with bench.load(merchant, stack.gateway_port, logs) as load:
        _cut_all(bench, merchant, logs, cuts)
        load.pulse.wait_for(load.pulse.count + scale.requests_per_kill)
    settled, left = _settle(stack.postgres.superuser_url)
    after = _seats(bench, merchant, logs / "till-after.log")
    letters.wait_until_sent()
    evidence = Evidence("F11", CALLERS * len(cuts), logs, acknowledged_min=scale.requests_per_kill, leaks=tuple(left))
    verdict = judge(stack, merchant, letters, evidence)
    verdict.recovery_seconds = settled
    verdict.note = f"seats {before} before, {after} after"
    if after < before or before < 2:
        verdict.leaked += before - after
        verdict.complaints.append(f"{before} requests found a connection at once before, {after} after")
    return verdict


def _cut_all(bench: Bench, merchant: Merchant, logs: Path, cuts: Sequence[int]) -> None:
    """Every cut once with each kind of request, one caller for each kind."""
    with ThreadPoolExecutor(CALLERS) as callers:
        for done in [callers.submit(_cut_kind, bench, merchant, logs, kind, cuts) for kind in (*KINDS, None)]:
            done.result()


def _cut_kind(bench: Bench, merchant: Merchant, logs: Path, kind: Kind | None, cuts: Sequence[int]) -> None:
    """One kind of request, cut at each moment; every second one is sent again under its key. Without kind, a read."""
    port = bench.stack.gateway_port
    if kind is None:
        variables = {"by": {"id": merchant.member_ids[0]}, "after": None}
        for number, ms in enumerate(cuts):
            _send_and_leave(port, merchant.token, {"query": LEDGER, "variables": variables}, ms, is_rude=number % 4 > 1)
        return
    with _diary(logs / f"till-cut-{kind}.log") as write, closing(Caller(port, token=merchant.token)) as caller:
        for number, ms in enumerate(cuts):
            key, member = f"cut-{kind}-{ms}", number % len(merchant.member_ids)
            given = _given(merchant, kind, key, member)
            write(event="sent", key=key, kind=kind, member=member)
            request = {"query": DOCUMENTS[kind], "variables": {"input": given}}
            _send_and_leave(port, merchant.token, request, ms, is_rude=number % 4 > 1)
            if number % 2:
                write(event="acknowledged", key=key, answer=_insist(caller, kind, given))


def _given(merchant: Merchant, kind: Kind, key: str, member: int) -> dict[str, Any]:
    if kind is Kind.PURCHASE:
        return purchase_input(merchant, key=key, member=member, cents=CENTS)
    if kind is Kind.REDEMPTION:
        reference = {"id": merchant.member_ids[member]}
        return {"member": reference, "rewardId": merchant.reward_id, "idempotencyKey": key}
    return adjustment_input(merchant, key=key, member=member, points=CENTS)


def _insist(caller: Caller, kind: Kind, given: dict[str, Any]) -> dict[str, Any]:
    """The answer, however often it has to be asked for."""
    deadline = monotonic() + CROWD_SECONDS_MAX
    while True:
        try:
            return caller.command(DOCUMENTS[kind], given)
        except NoAnswer:
            if monotonic() > deadline:
                raise


def _send_and_leave(port: int, token: str, request: dict[str, Any], ms: int, *, is_rude: bool) -> None:
    """Send a whole request and close after ``ms`` milliseconds, whatever has come by then."""
    body = json.dumps(request).encode()
    head = (
        f"POST /graphql HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"Authorization: Bearer {token}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    with suppress(OSError), socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(head.encode() + body)
        time.sleep(ms / 1_000)
        if is_rude:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)


def _settle(superuser_url: str) -> tuple[float, list[str]]:
    """After how many seconds the gateway's connections were all idle, and what was not."""
    began = monotonic()
    with psycopg.connect(superuser_url, autocommit=True) as connection:
        while left := [str(row[0]) for row in connection.execute(AT_WORK)]:
            if monotonic() > began + SETTLED_SECONDS_MAX:
                break
            time.sleep(0.05)
    return monotonic() - began, left


def _seats(bench: Bench, merchant: Merchant, log: Path) -> int:
    """How many requests of a crowd find a connection at the same time, seen while a lock holds them all up."""
    lock = sql.SQL("LOCK TABLE {}.idempotency_keys IN ACCESS EXCLUSIVE MODE").format(sql.Identifier(merchant.schema))
    keys = [f"{log.stem}-{number}" for number in range(CROWD)]
    url = bench.stack.postgres.superuser_url
    with (
        _diary(log) as write,
        ThreadPoolExecutor(CROWD) as crowd,
        psycopg.connect(url, autocommit=True) as watcher,
        psycopg.connect(url) as locker,
    ):

        def ask(number: int) -> None:
            member = number % len(merchant.member_ids)
            given = adjustment_input(merchant, key=keys[number], member=member, points=1)
            write(event="sent", key=keys[number], kind=Kind.ADJUSTMENT, member=member)
            with closing(Caller(bench.stack.gateway_port, token=merchant.token)) as caller:
                write(event="acknowledged", key=keys[number], answer=_insist(caller, Kind.ADJUSTMENT, given))

        locker.execute(lock)
        asked = [crowd.submit(ask, number) for number in range(CROWD)]
        seats = _steady(watcher)
        locker.rollback()
        for done in asked:
            done.result()
    return seats


def _steady(watcher: psycopg.Connection[Any]) -> int:
    """The number of waiting connections, once it has stopped growing."""
    most, since = 0, monotonic()
    while monotonic() < since + STEADY_SECONDS:
        row = watcher.execute(BLOCKED).fetchone()
        assert row is not None
        if row[0] > most:
            most, since = row[0], monotonic()
        time.sleep(0.02)
    return most


@contextmanager
def _diary(path: Path) -> Iterator[Callable[..., None]]:
    """Writes a till's log, for several threads."""
    with path.open("x") as log:
        lock = threading.Lock()

        def write(**facts: Any) -> None:
            with lock:
                log.write(json.dumps({"at": monotonic(), **facts}) + "\n")

        yield write


EXPERIMENTS = (
    Experiment(
        "F11",
        "Callers hang up after k milliseconds",
        hang_up,
        (
            Mutation(
                "some connections are not given back",
                lambda verdict: verdict.leaked > 0,
                gateway="connections-kept",
            ),
        ),
    ),
)
