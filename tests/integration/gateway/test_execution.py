"""Commands and reads of one operation: retried where that is safe, never stuck, always given back."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import psycopg
import pytest

from services.gateway.context.errors import ServiceUnavailable, Unauthenticated
from services.gateway.context.request import Locale, RequestContext
from services.gateway.context.services import GatewayServices
from services.gateway.execution.operation import Operation
from services.gateway.execution.threads import Seats
from services.platform.auth.domain import ANONYMOUS
from services.platform.db.engine import Database, open_database
from services.platform.db.homes import PLATFORM
from services.platform.db.session import CommitOutcomeUnknown, ReadSession, UnitOfWork
from services.platform.ids import new_id
from services.platform.tenancy.domain import Tenant
from tests.support.graphql_client import gateway_services
from tests.support.tenants import DatabaseUrls

T = TypeVar("T")

SEATS = 2
INSERT = """
INSERT INTO stores (id, code, name, timezone, currency, created_at)
VALUES (%(id)s, %(code)s, 'x', 'x', 'x', now())"""
PID = "SELECT pg_backend_pid() AS pid"


@dataclass
class Bench:
    """A small pool, and operations on it."""

    services: GatewayServices
    tenant: Tenant
    urls: DatabaseUrls
    operations: list[Operation] = field(default_factory=list)

    def run(self, story: Callable[["Bench"], Coroutine[Any, Any, T]]) -> T:
        """Tell a story in an event loop; afterwards every connection is back and nothing is open."""

        async def told() -> T:
            self.seats = Seats(SEATS)
            try:
                return await asyncio.wait_for(story(self), 30)
            finally:
                for operation in self.operations:
                    await operation.close()
                await self.seats.finish()

        result = asyncio.run(told())
        assert self.services.database.pool.in_use == 0
        with psycopg.connect(self.urls.owner, autocommit=True) as connection:
            open_ones = connection.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in%'"
            ).fetchone()
        assert open_ones == (0,)
        return result

    def operation(self) -> Operation:
        context = RequestContext("c", Locale.EN, tenant=self.tenant, principal=ANONYMOUS)
        operation = Operation(self.services, self.seats, context, raw_variables={})
        self.operations.append(operation)
        return operation

    def codes(self) -> list[str]:
        with psycopg.connect(self.urls.owner, autocommit=True) as connection:
            rows = connection.execute(f"SELECT code FROM {self.tenant.home.schema}.stores ORDER BY code".encode())
            return [row[0] for row in rows.fetchall()]


@pytest.fixture
def bench(database_urls: DatabaseUrls, tenant: Tenant, tmp_path: Path) -> Iterator[Bench]:
    database: Database = open_database(database_urls.app, pool_size=SEATS)
    services = gateway_services(database, database_urls, tmp_path)
    yield Bench(services, tenant, database_urls)
    services.cost_meter.close()
    database.close()


def insert(uow: UnitOfWork, code: str) -> str:
    uow.execute(INSERT, {"id": new_id(), "code": code})
    return code


def count(session: ReadSession) -> int:
    row = session.fetch_one("SELECT count(*) AS n FROM stores")
    assert row is not None
    n: int = row["n"]
    return n


@pytest.mark.parametrize("failure", [psycopg.errors.SerializationFailure, psycopg.errors.DeadlockDetected])
def test_what_heals_is_tried_again(bench: Bench, failure: type[Exception]) -> None:
    attempts: list[int] = []

    def work(uow: UnitOfWork) -> str:
        attempts.append(1)
        insert(uow, "a")
        if len(attempts) < 3:
            raise failure
        return "done"

    async def story(bench: Bench) -> str:
        return await bench.operation().run_command(work, has_key=False)

    assert bench.run(story) == "done"
    assert len(attempts) == 3
    assert bench.codes() == ["a"]


def test_a_connection_lost_before_the_commit_is_tried_again(bench: Bench) -> None:
    attempts: list[int] = []

    def work(uow: UnitOfWork) -> str:
        insert(uow, "a")
        row = uow.fetch_one(PID)
        assert row is not None
        attempts.append(row["pid"])
        if len(attempts) == 1:
            with psycopg.connect(bench.urls.app, autocommit=True) as other:
                other.execute("SELECT pg_terminate_backend(%s)", [row["pid"]])
        return insert(uow, "b")

    async def story(bench: Bench) -> str:
        return await bench.operation().run_command(work, has_key=False)

    assert bench.run(story) == "b"
    assert len(attempts) == 2
    assert bench.codes() == ["a", "b"]


@pytest.mark.parametrize(("has_key", "attempts_made"), [(True, 8), (False, 1)])
def test_an_unknown_outcome_is_tried_again_only_under_a_key(bench: Bench, has_key: bool, attempts_made: int) -> None:  # noqa: FBT001  a case of the table
    attempts: list[int] = []

    def work(_uow: UnitOfWork) -> None:
        attempts.append(1)
        raise CommitOutcomeUnknown

    async def story(bench: Bench) -> bool:
        with pytest.raises(ServiceUnavailable) as caught:
            await bench.operation().run_command(work, has_key=has_key)
        return caught.value.retryable

    assert bench.run(story) is has_key
    assert len(attempts) == attempts_made


def test_what_takes_too_long_is_told_at_once(bench: Bench) -> None:
    attempts: list[int] = []

    def work(uow: UnitOfWork) -> None:
        attempts.append(1)
        insert(uow, "a")
        uow.execute("SET LOCAL statement_timeout TO '10ms'")
        uow.execute("SELECT pg_sleep(20)")

    def look(session: ReadSession) -> None:
        attempts.append(1)
        session.fetch_all("SELECT set_config('statement_timeout', '10ms', true)")
        session.fetch_all("SELECT pg_sleep(20)")

    async def story(bench: Bench) -> list[bool]:
        with pytest.raises(ServiceUnavailable) as commanding:
            await bench.operation().run_command(work, has_key=True)
        with pytest.raises(ServiceUnavailable) as reading:
            await bench.operation().read(look)
        return [commanding.value.retryable, reading.value.retryable]

    assert bench.run(story) == [True, True]
    assert len(attempts) == 2
    assert bench.codes() == []


def test_other_failures_are_not_tried_again(bench: Bench) -> None:
    attempts: list[int] = []

    def work(uow: UnitOfWork) -> None:
        attempts.append(1)
        insert(uow, "a")
        raise KeyError("a bug")

    async def story(bench: Bench) -> None:
        with pytest.raises(KeyError):
            await bench.operation().run_command(work, has_key=True)

    bench.run(story)

    assert len(attempts) == 1
    assert bench.codes() == []


def test_load_queues_and_is_never_refused(bench: Bench) -> None:
    async def one(bench: Bench, n: int) -> int:
        operation = bench.operation()
        before = await operation.read(count)
        await operation.run_command(lambda uow: insert(uow, f"{n:03}"), has_key=False)
        after = await operation.read(count)
        await operation.close()
        assert after > before
        return after

    async def story(bench: Bench) -> list[int]:
        return await asyncio.gather(*(one(bench, n) for n in range(50)))

    assert max(bench.run(story)) == 50
    assert bench.codes() == [f"{n:03}" for n in range(50)]


def test_reads_of_one_operation_see_one_moment(bench: Bench) -> None:
    async def story(bench: Bench) -> tuple[int, int, int]:
        reader, writer = bench.operation(), bench.operation()
        first = await reader.read(count)
        await writer.run_command(lambda uow: insert(uow, "a"), has_key=False)
        second = await reader.read(count)
        await reader.close()
        return first, second, await bench.operation().read(count)

    assert bench.run(story) == (0, 0, 1)


def test_reads_after_a_command_see_what_it_did(bench: Bench) -> None:
    async def story(bench: Bench) -> list[int]:
        operation = bench.operation()
        seen = [await operation.read(count)]
        for code in "ab":
            await operation.run_command(partial(insert, code=code), has_key=False)
            seen.append(await operation.read(count))
        return seen

    assert bench.run(story) == [0, 1, 2]


def test_loaders_gather_keys_and_forget_after_a_command(bench: Bench) -> None:
    batches: list[tuple[int, ...]] = []

    def doubled(session: ReadSession, keys: Any) -> dict[int, int]:
        batches.append(tuple(keys))
        return {key: 2 * key for key in keys if key != 3}

    async def story(bench: Bench) -> list[int | None]:
        operation = bench.operation()
        found = await asyncio.gather(*(operation.load(doubled, key) for key in (1, 2, 3, 1)))
        await operation.load(doubled, 2)
        await operation.run_command(lambda uow: insert(uow, "a"), has_key=False)
        await operation.load(doubled, 2)
        return list(found)

    assert bench.run(story) == [2, 4, None, 2]
    assert batches == [(1, 2, 3), (2,)]


def test_two_homes_take_turns_on_one_connection(bench: Bench) -> None:
    def schema(session: ReadSession) -> Any:
        row = session.fetch_one("SELECT current_schema() AS name")
        assert row is not None
        return row["name"]

    async def one(bench: Bench) -> list[str]:
        operation = bench.operation()
        names = [await operation.read(schema, home=home) for home in (None, PLATFORM, None)]
        await operation.close()
        return names

    async def story(bench: Bench) -> list[list[str]]:
        # More operations than connections: one that wanted two would be stuck.
        return await asyncio.gather(*(one(bench) for _ in range(3 * SEATS)))

    home = bench.tenant.home.schema
    assert bench.run(story) == [[home, "platform", home]] * (3 * SEATS)


def test_a_canceled_command_goes_on_to_its_end(bench: Bench) -> None:
    began, may_end = threading.Event(), threading.Event()

    def work(uow: UnitOfWork) -> None:
        insert(uow, "a")
        began.set()
        may_end.wait(10)

    async def story(bench: Bench) -> None:
        task = asyncio.ensure_future(bench.operation().run_command(work, has_key=False))
        await asyncio.to_thread(began.wait, 10)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        may_end.set()

    bench.run(story)

    assert bench.codes() == ["a"]


@pytest.mark.parametrize("awaits", range(6))
def test_an_operation_canceled_anywhere_gives_its_connection_back(bench: Bench, awaits: int) -> None:
    async def read_thrice(operation: Operation) -> None:
        try:
            for _ in range(3):
                await operation.read(count)
        finally:
            await operation.close()

    async def story(bench: Bench) -> int:
        for _ in range(2 * SEATS):
            task = asyncio.ensure_future(read_thrice(bench.operation()))
            for _ in range(awaits):
                await asyncio.sleep(0.001)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        return await bench.operation().read(count)

    assert bench.run(story) == 0


def test_a_canceled_reader_keeps_its_turn_until_its_work_is_through(bench: Bench) -> None:
    began, may_end = threading.Event(), threading.Event()
    order: list[str] = []

    def slow(session: ReadSession) -> None:
        order.append("slow begins")
        began.set()
        may_end.wait(10)
        count(session)
        order.append("slow ends")

    def quick(session: ReadSession) -> None:
        order.append("quick")
        count(session)

    async def story(bench: Bench) -> None:
        operation = bench.operation()
        canceled = asyncio.ensure_future(operation.read(slow))
        await asyncio.to_thread(began.wait, 10)
        canceled.cancel()
        other = asyncio.ensure_future(operation.read(quick))
        for _ in range(20):
            await asyncio.sleep(0.005)
        may_end.set()
        await other

    bench.run(story)

    assert order == ["slow begins", "slow ends", "quick"]


def test_nothing_is_read_after_the_end(bench: Bench) -> None:
    async def story(bench: Bench) -> None:
        operation = bench.operation()
        await operation.read(count)
        await operation.close()
        with pytest.raises(asyncio.CancelledError):
            await operation.read(count)

    bench.run(story)


def test_a_tenant_with_many_reports_keeps_others_waiting_for_one(bench: Bench) -> None:
    begun: list[str] = []
    may_end = threading.Event()

    def report(name: str, _session: ReadSession) -> None:
        begun.append(name)
        may_end.wait(10)

    async def story(bench: Bench) -> None:
        reports, other = Seats(1), replace(bench.tenant, id=new_id())

        async def ask(name: str, tenant: Tenant) -> None:
            context = RequestContext("c", Locale.EN, tenant=tenant, principal=ANONYMOUS)
            operation = Operation(bench.services, bench.seats, context, raw_variables={}, report_seats=reports)
            bench.operations.append(operation)
            await operation.read_apart(partial(report, name), too_slow=Unauthenticated())

        waiting = []
        for name, tenant in (("a1", bench.tenant), ("a2", bench.tenant), ("a3", bench.tenant), ("b1", other)):
            waiting.append(asyncio.create_task(ask(name, tenant)))
            await asyncio.sleep(0.05)
        waiting.pop(2).cancel()
        may_end.set()
        await asyncio.gather(*waiting)
        await reports.finish()

    bench.run(story)

    assert begun == ["a1", "b1", "a2"]


def test_without_a_tenant_there_is_nothing_to_work_on(bench: Bench) -> None:
    async def story(bench: Bench) -> None:
        operation = Operation(bench.services, bench.seats, RequestContext("c", Locale.EN), raw_variables={})
        with pytest.raises(Unauthenticated):
            await operation.read(count)
        with pytest.raises(Unauthenticated):
            await operation.run_command(lambda uow: insert(uow, "a"), has_key=False)

    bench.run(story)


def test_a_sandbox_keeps_its_own_time(bench: Bench) -> None:
    bench.tenant = replace(bench.tenant, clock_offset=timedelta(days=-3_000))

    async def story(bench: Bench) -> tuple[int, int, bool]:
        operation = bench.operation()
        command = await operation.run_command(lambda uow: uow.now.year, has_key=False)
        read = await operation.read(lambda session: session.now.year)
        platform = await operation.read(lambda session: session.now, home=PLATFORM)
        return command, read, platform.year > read

    command, read, is_later = bench.run(story)
    assert command == read
    assert is_later
