"""F12: PostgreSQL takes no writes for a while, read-only or with a full disk. Reads go on; nothing is restarted."""

import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Self

import psycopg
from psycopg import sql

from services.platform.clock import monotonic
from tests.faults.books import LEDGER
from tests.faults.experiments import Bench, Experiment, Mutation
from tests.faults.kills import recoveries
from tests.faults.letters import Letters
from tests.faults.load import read_logs
from tests.faults.merchant import Merchant
from tests.faults.servers import MortalPostgres
from tests.faults.verdict import Evidence, Verdict, judge
from tests.faults.wire import Caller, NoAnswer, Refused

DISK_BYTES = 64 * 1024 * 1024
REFUSED_MIN = 6
"""So many attempts must have been refused before a fault ends."""
REFUSED_SECONDS_MAX = 60.0
READ_EVERY_SECONDS = 0.05
READS_MIN = 5
TABLESPACE = "small_disk"

State = Callable[[], AbstractContextManager[None]]

RELATIONS = """
SELECT relname, relkind FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
WHERE nspname = %s AND relkind IN ('r', 'i')"""
FULL = """
CREATE FUNCTION {schema}.no_space() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'no space left on device' USING ERRCODE = 'disk_full'; END $$;
CREATE TRIGGER no_space BEFORE INSERT ON {schema}.idempotency_keys FOR EACH STATEMENT
EXECUTE FUNCTION {schema}.no_space()"""


def refuse_writes(bench: Bench) -> Verdict:
    """F12: read-only, then a full disk: tills are told to try again, readers notice nothing."""
    scale, stack = bench.scale, bench.stack
    merchant, letters, logs = bench.begin(members=scale.members)
    moments: list[float] = []
    complaints: list[str] = []
    with _disk_of_its_own(stack.postgres, merchant) as disk:
        states = (("read-only", stack.postgres.read_only), (disk.name, disk.full))
        with bench.load(merchant, stack.gateway_port, logs) as load, _Reader(stack.gateway_port, merchant) as reader:
            for name, state in states:
                load.pulse.wait_for(load.pulse.count + scale.requests_per_kill)
                complaints += _hold(name, state, reader, logs, letters)
                moments.append(monotonic())
            load.pulse.wait_for(load.pulse.count + scale.requests_per_kill)
        letters.wait_until_sent()
    evidence = Evidence(
        "F12",
        injected=len(states),
        logs=logs,
        acknowledged_min=scale.requests_per_kill * len(states),
        recoveries=tuple(recoveries(load.pulse, moments)),
    )
    verdict = judge(stack, merchant, letters, evidence)
    verdict.note = f"{' and '.join(name for name, _ in states)}; {reader.answered} reads answered"
    verdict.complaints += complaints + reader.complaints
    return verdict


def _hold(name: str, state: State, reader: "_Reader", logs: Path, letters: Letters) -> list[str]:
    """Keep up a state until enough was refused and read; what did not come about."""
    refused, read, deadline = _refused(logs), reader.answered, monotonic() + REFUSED_SECONDS_MAX
    with state():
        while _refused(logs) < refused + REFUSED_MIN or reader.answered < read + READS_MIN:
            if monotonic() > deadline:
                return [f"{name}: {_refused(logs) - refused} writes refused, {reader.answered - read} reads answered"]
            time.sleep(0.1)
        # What was sent and could not be marked as sent is sent again, under its Message-ID.
        letters.note_in_flight(lets_go=False)
    letters.note_in_flight()
    return []


def _refused(logs: Path) -> int:
    return sum(told.unanswered + told.unforeseen for told in read_logs(logs).values())


class _Reader(threading.Thread):
    """Reads a member's history all the while; use it in ``with``."""

    def __init__(self, port: int, merchant: Merchant) -> None:
        super().__init__(name="reader", daemon=True)
        self._caller = Caller(port, token=merchant.token)
        self._variables = {"by": {"id": merchant.member_ids[0]}, "after": None}
        self._is_over = threading.Event()
        self.answered = 0
        self.complaints: list[str] = []

    def run(self) -> None:
        while not self._is_over.wait(READ_EVERY_SECONDS):
            try:
                self._caller.ask(LEDGER, self._variables)
            except (NoAnswer, Refused) as failure:
                self.complaints.append(f"a read failed: {failure!r}")
            else:
                self.answered += 1

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self.join()
        self._caller.close()


@dataclass(frozen=True, slots=True)
class _Disk:
    """Where the merchant's tables live, and a way to fill it."""

    name: str
    full: State


@contextmanager
def _disk_of_its_own(postgres: MortalPostgres, merchant: Merchant) -> Iterator[_Disk]:
    """A small file system with the merchant's tables; where none may be mounted, a trigger that says it is full."""
    folder = postgres.place.folder / TABLESPACE
    folder.mkdir()
    try:
        mount = ("mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "none", str(folder))
        if os.geteuid() or subprocess.run(mount, check=False, capture_output=True).returncode:
            yield _Disk("a disk that a trigger calls full", partial(_trigger, postgres, merchant))
            return
        try:
            place = folder / "tables"
            place.mkdir()
            postgres.place.give_away(place)
            with _tablespace(postgres, merchant, place):
                yield _Disk(f"a full disk (tmpfs, {DISK_BYTES >> 20} MiB)", partial(_ballast, folder / "ballast"))
        finally:
            subprocess.run(("umount", "-l", str(folder)), check=True)  # noqa: S607  where it is, is the system's business
    finally:
        folder.rmdir()


@contextmanager
def _tablespace(postgres: MortalPostgres, merchant: Merchant, place: Path) -> Iterator[None]:
    with psycopg.connect(postgres.superuser_url, autocommit=True) as connection:
        space = sql.Identifier(TABLESPACE)
        connection.execute(sql.SQL("CREATE TABLESPACE {} LOCATION {}").format(space, str(place)))
        try:
            _move(connection, merchant, space)
            yield
        finally:
            _move(connection, merchant, sql.Identifier("pg_default"))
            connection.execute(sql.SQL("DROP TABLESPACE {}").format(space))


def _move(connection: psycopg.Connection[tuple[object, ...]], merchant: Merchant, space: sql.Identifier) -> None:
    """The merchant's tables and indexes, one at a time: the product is at work on them."""
    for name, kind in connection.execute(RELATIONS, [merchant.schema]).fetchall():
        relation = sql.Identifier(merchant.schema, str(name))
        move = sql.SQL("ALTER INDEX {} SET TABLESPACE {}" if kind == "i" else "ALTER TABLE {} SET TABLESPACE {}")
        connection.execute(move.format(relation, space))


@contextmanager
def _ballast(path: Path) -> Iterator[None]:
    """Every byte that is left is taken."""
    with path.open("wb", buffering=0) as ballast, suppress(OSError):
        for size in (65_536, 4_096, 1):
            with suppress(OSError):
                while True:
                    ballast.write(b"x" * size)
    try:
        yield
    finally:
        path.unlink()


@contextmanager
def _trigger(postgres: MortalPostgres, merchant: Merchant) -> Iterator[None]:
    """Every claim of a key finds the disk full."""
    schema = sql.Identifier(merchant.schema)
    with psycopg.connect(postgres.superuser_url, autocommit=True) as connection:
        connection.execute(sql.SQL(FULL).format(schema=schema))
        try:
            yield
        finally:
            connection.execute(sql.SQL("DROP FUNCTION {schema}.no_space CASCADE").format(schema=schema))


EXPERIMENTS = (
    Experiment(
        "F12",
        "PostgreSQL is read-only, its disk full",
        refuse_writes,
        (
            Mutation(
                "a refused write passes for a bug",
                lambda verdict: any("internal error" in complaint for complaint in verdict.complaints),
                gateway="unknown-states",
            ),
        ),
    ),
)
