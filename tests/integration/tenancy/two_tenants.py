"""Two tenants under load and faults over a few connections: every row carries the canary of the tenant that wrote it.

What a worker thread does is drawn from its own seeded generator, so a run can be repeated. Everything is counted: a
run without reads, writes or faults proves nothing.
"""

import random
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType

import psycopg

from services.platform.actors import SYSTEM
from services.platform.db.engine import Database
from services.platform.db.session import (
    CommitOutcomeUnknown,
    ReadSession,
    Statement,
    UnitOfWork,
    read_session,
    unit_of_work,
)
from services.platform.ids import new_id
from services.platform.tenancy.domain import Tenant

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
THREADS = 32
ROWS_PER_READ = 25

ADD = """
INSERT INTO stores (id, code, name, timezone, currency, created_at)
VALUES (%(id)s, %(code)s, %(canary)s, 'Asia/Shanghai', 'CNY', now())"""
RECENT = f"SELECT name FROM stores ORDER BY id DESC LIMIT {ROWS_PER_READ}"
ALL = "SELECT name FROM stores"


@dataclass(slots=True)
class Tally:
    """What was seen. ``foreign`` counts rows that carried the other tenant's canary."""

    reads: int = 0
    rows: int = 0
    foreign: int = 0
    homeless: int = 0
    """Operations that found no table, because no tenant's schema was on their path."""
    stored: Counter[str] = field(default_factory=Counter)
    """Acknowledged writes by canary."""
    faults: Counter[str] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def saw(self, names: list[str], own: str) -> None:
        with self.lock:
            self.reads += 1
            self.rows += len(names)
            self.foreign += sum(name != own for name in names)

    def lose_home(self) -> None:
        with self.lock:
            self.homeless += 1


def canary_of(tenant: Tenant) -> str:
    return f"canary of {tenant.slug}"


def run_campaign(database: Database, tenants: tuple[Tenant, Tenant], *, operations: int, seed: int) -> Tally:
    """Let ``THREADS`` threads work for both tenants in turn, ``operations`` in all."""
    tally = Tally()

    def work(thread: int) -> None:
        chance = random.Random(f"{seed}:{thread}")
        for _ in range(operations // THREADS):
            try:
                _operate(database, chance.choice(tenants), tally, chance)
            except psycopg.errors.UndefinedTable:
                tally.lose_home()

    with ThreadPoolExecutor(THREADS) as pool:
        for finished in [pool.submit(work, thread) for thread in range(THREADS)]:
            finished.result()
    return tally


def stored_names(database: Database, tenant: Tenant) -> Counter[str]:
    """The canaries in a tenant's rows, by how many rows carry them."""
    with read_session(database, tenant.home, now=NOW) as session:
        return Counter(row["name"] for row in session.fetch_all(ALL))


def _operate(database: Database, tenant: Tenant, tally: Tally, chance: random.Random) -> None:
    own, draw = canary_of(tenant), chance.random()
    if draw < 0.5:
        with read_session(database, tenant.home, now=NOW) as session:
            names = chance.choice(READERS)(session)
        tally.saw(names, own)
    elif draw < 0.8:
        with unit_of_work(database, tenant.home, now=NOW, actor=SYSTEM, correlation_id="isolation") as uow:
            names = [*_add(uow, own), *chance.choice(READERS)(uow)]
        tally.saw(names, own)
        with tally.lock:
            tally.stored[own] += 1
    else:
        name = chance.choice(FAULT_NAMES)
        _fail(database, tenant, name, tally)


def _fail(database: Database, tenant: Tenant, name: str, tally: Tally) -> None:
    """Write, look around, and be struck by a fault: nothing of it may stay."""
    try:
        with unit_of_work(database, tenant.home, now=NOW, actor=SYSTEM, correlation_id="isolation") as uow:
            tally.saw([*_add(uow, canary_of(tenant)), *_by_driver(uow)], canary_of(tenant))
            FAULTS[name](uow)
    except psycopg.errors.UndefinedTable:
        raise
    except (psycopg.Error, CommitOutcomeUnknown, Interrupted):
        with tally.lock:
            tally.faults[name] += 1
    else:
        raise AssertionError(f"the fault {name!r} did not strike")


def _add(uow: UnitOfWork, canary: str) -> list[str]:
    key = new_id()
    uow.execute(ADD, {"id": key, "code": str(key), "canary": canary})
    rows = uow.fetch_all("SELECT name FROM stores WHERE id = %(id)s", {"id": key})
    assert len(rows) == 1
    return [row["name"] for row in rows]


def _by_driver(session: ReadSession) -> list[str]:
    return [row["name"] for row in session.fetch_all(RECENT)]


def _by_pipeline(session: ReadSession) -> list[str]:
    first, second = session.fetch_pipeline([Statement(RECENT), Statement(RECENT)])
    return [row["name"] for row in (*first, *second)]


def _by_cursor(session: ReadSession) -> list[str]:
    return [row[0] for row in session.connection.execute(RECENT)]


READERS = (_by_driver, _by_pipeline, _by_cursor)


class Interrupted(Exception):
    """An error of our own code in the middle of a transaction."""


def _interrupt(_: UnitOfWork) -> None:
    raise Interrupted


def _time_out(uow: UnitOfWork) -> None:
    uow.execute("SET LOCAL statement_timeout TO 1")
    uow.execute("SELECT pg_sleep(1)")


def _fail_in_pipeline(uow: UnitOfWork) -> None:
    uow.fetch_pipeline([Statement(RECENT), Statement("SELECT 1/0"), Statement(RECENT)])


def _divide_by_cursor(uow: UnitOfWork) -> None:
    uow.connection.execute("SELECT 1/0")


FAULTS: Mapping[str, Callable[[UnitOfWork], object]] = MappingProxyType(
    {
        "error of ours": _interrupt,
        "division by zero": lambda uow: uow.execute("SELECT 1/0"),
        "division by zero by a cursor": _divide_by_cursor,
        "error in a pipeline": _fail_in_pipeline,
        "statement timeout": _time_out,
        "canceled": lambda uow: uow.execute("SELECT pg_cancel_backend(pg_backend_pid()), pg_sleep(1)"),
        "backend terminated": lambda uow: uow.execute("SELECT pg_terminate_backend(pg_backend_pid()), pg_sleep(1)"),
        "connection lost before COMMIT": lambda uow: uow.connection.close(),
    }
)
FAULT_NAMES = tuple(FAULTS)
