"""Commands that arrive together are done together, and nobody notices but the database."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest

from services.gateway.execution import batching
from services.gateway.execution.batching import Batches, Together
from services.gateway.execution.threads import Seats
from services.loyalty.stores.errors import StoreCodeTaken
from services.platform.actors import PUBLIC, Sender
from services.platform.clock import wall_now
from services.platform.db.engine import Database
from services.platform.db.session import UnitOfWork
from services.platform.errors import DomainError
from services.platform.tenancy.domain import Tenant

WAIT_SECONDS_MAX = 20


@dataclass
class Till:
    """Does numbers: odd ones are refused. ``sizes`` are those of the batches, ``alone`` what was done alone."""

    database: Database
    tenant: Tenant
    batches: Batches
    sizes: list[int] = field(default_factory=list)
    senders: list[str] = field(default_factory=list)
    alone: list[int] = field(default_factory=list)
    failure: Exception | None = None
    moment: datetime = field(default_factory=wall_now)
    """The tenant's clock, as who comes now sees it."""
    moments: list[datetime] = field(default_factory=list)
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.verb: Together[int, int] = Together(self._together)

    async def do(self, number: int) -> int:
        moment = self.moment

        async def alone() -> int:
            self.alone.append(number)
            await self.gate.wait()
            if number % 2:
                raise StoreCodeTaken(store_code=str(number))
            return number

        return await self.batches.run(
            self.verb,
            number,
            home=self.tenant.home,
            now=lambda: moment,
            sender=Sender(PUBLIC, f"c{number}"),
            alone=alone,
        )

    def _together(
        self, uow: UnitOfWork, numbers: Sequence[int], senders: Sequence[Sender]
    ) -> Sequence[int | DomainError]:
        assert uow.fetch_all("SELECT 1 AS one") == [{"one": 1}]
        self.sizes.append(len(numbers))
        self.moments.append(uow.now)
        self.senders += [sender.correlation_id for sender in senders]
        if self.failure is not None:
            raise self.failure
        return [StoreCodeTaken(store_code=str(number)) if number % 2 else number for number in numbers]


Story = Callable[[Till], Coroutine[Any, Any, None]]


def tell(database: Database, tenant: Tenant, story: Story) -> None:
    async def told() -> None:
        seats = Seats(4)
        till = Till(database, tenant, Batches(database, seats))
        await asyncio.wait_for(story(till), WAIT_SECONDS_MAX)
        await seats.finish()
        assert till.batches._queues == {}  # noqa: SLF001  nothing of a tenant stays behind
        assert database.pool.in_use == 0

    asyncio.run(told())


async def settled(*works: Awaitable[int]) -> list[object]:
    outcomes = await asyncio.gather(*works, return_exceptions=True)
    return [outcome.code if isinstance(outcome, DomainError) else outcome for outcome in outcomes]


def test_one_that_finds_nobody_is_done_alone_and_at_once(database: Database, tenant: Tenant) -> None:
    async def story(till: Till) -> None:
        till.gate.set()
        assert [await till.do(2), await till.do(4)] == [2, 4]
        assert await settled(till.do(5)) == ["STORE_CODE_TAKEN"]
        assert (till.alone, till.sizes) == ([2, 4, 5], [])

    tell(database, tenant, story)


def test_what_arrives_meanwhile_goes_together_and_each_gets_its_own(
    database: Database, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batching, "PATIENCE_SECONDS", WAIT_SECONDS_MAX)
    monkeypatch.setattr(batching, "BATCH_MAX", 5)

    async def story(till: Till) -> None:
        first = asyncio.create_task(till.do(0))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        rest = [asyncio.create_task(till.do(number)) for number in range(1, 8)]
        await asyncio.sleep(0.01)
        assert (till.alone, till.sizes) == ([0], [])
        till.gate.set()

        outcomes = await settled(first, *rest)

        taken = "STORE_CODE_TAKEN"
        assert outcomes == [0, taken, 2, taken, 4, taken, 6, taken]
        assert (till.alone, till.sizes) == ([0], [5, 2])
        assert till.senders == [f"c{number}" for number in range(1, 8)]

    tell(database, tenant, story)


def test_a_clock_that_is_moved_while_the_queue_is_busy_counts_for_the_next_batch(
    database: Database, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batching, "PATIENCE_SECONDS", WAIT_SECONDS_MAX)

    async def story(till: Till) -> None:
        first = asyncio.create_task(till.do(0))
        await asyncio.sleep(0.01)
        till.moment += timedelta(days=30)
        rest = [asyncio.create_task(till.do(number)) for number in (2, 4)]
        await asyncio.sleep(0.01)
        till.gate.set()

        assert await settled(first, *rest) == [0, 2, 4]
        assert till.moments == [till.moment]

    tell(database, tenant, story)


@pytest.mark.parametrize("failure", [psycopg.OperationalError("gone"), ValueError("a bug")])
def test_a_batch_that_fails_is_done_one_by_one(database: Database, tenant: Tenant, failure: Exception) -> None:
    async def story(till: Till) -> None:
        till.gate.set()
        till.failure = failure

        assert await settled(*(till.do(number) for number in range(4))) == [
            0,
            "STORE_CODE_TAKEN",
            2,
            "STORE_CODE_TAKEN",
        ]

        assert (till.sizes, sorted(till.alone)) == ([4], [0, 1, 2, 3])

    tell(database, tenant, story)


def test_who_waits_for_a_slow_one_goes_on_without_it(database: Database, tenant: Tenant) -> None:
    async def story(till: Till) -> None:
        slow = asyncio.create_task(till.do(0))
        await asyncio.sleep(0.01)

        assert await settled(till.do(2), till.do(4)) == [2, 4]

        assert (till.alone, till.sizes) == ([0], [2])
        till.gate.set()
        assert await slow == 0

    tell(database, tenant, story)


def test_who_is_canceled_is_left_out_and_keeps_nobody(
    database: Database, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batching, "PATIENCE_SECONDS", WAIT_SECONDS_MAX)

    async def story(till: Till) -> None:
        tasks = [asyncio.create_task(till.do(0))]
        await asyncio.sleep(0.01)
        tasks += [asyncio.create_task(till.do(number)) for number in (2, 4, 6)]
        await asyncio.sleep(0.01)
        tasks[1].cancel()
        tasks[0].cancel()

        assert await asyncio.gather(*tasks[2:]) == [4, 6]

        assert (till.alone, till.sizes, till.senders) == ([0], [2], ["c4", "c6"])
        # Canceled in the very moment in which its turn comes.
        late = asyncio.create_task(till.do(8))
        await asyncio.sleep(0)
        asyncio.get_running_loop().call_soon(late.cancel)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        till.gate.set()
        assert await till.do(10) == 10

    tell(database, tenant, story)
