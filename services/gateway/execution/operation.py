"""One GraphQL operation at work: its commands, its reads, its loaders. It is the resolvers' ``info.context``."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

from strawberry.dataloader import DataLoader

from services.gateway.context.errors import ServiceUnavailable, Unauthenticated
from services.gateway.context.request import RequestContext
from services.gateway.context.services import GatewayServices
from services.gateway.execution.healing import is_about_the_database, is_transient, waits
from services.gateway.execution.reads import OperationReads, Read
from services.gateway.execution.threads import Seats
from services.platform.auth.domain import Principal
from services.platform.clock import wall_now
from services.platform.db.engine import Database
from services.platform.db.homes import PLATFORM, Home
from services.platform.db.session import ReadSession, UnitOfWork, unit_of_work
from services.platform.tenancy.domain import Tenant

T = TypeVar("T")
Key = TypeVar("Key")
Value = TypeVar("Value")

Work = Callable[[UnitOfWork], T]
Batch = Callable[[ReadSession, Sequence[Key]], Mapping[Key, Value]]

BATCH_MAX = 500


class Operation:
    """One operation of one request. Nothing of it outlives the operation, so nothing goes stale on a long socket."""

    def __init__(
        self,
        services: GatewayServices,
        seats: Seats,
        request: RequestContext,
        *,
        raw_variables: Mapping[str, Any],
        verb_seats: Seats | None = None,
    ) -> None:
        self.services = services
        self.request = request
        self.raw_variables = raw_variables
        """Variables as the client sent them, before any default."""
        self._seats = seats
        self._verb_seats = verb_seats or seats
        self._reads = OperationReads(services.database, seats, now=self._now)
        self._loaders: dict[Any, DataLoader[Any, Any]] = {}

    @property
    def tenant(self) -> Tenant:
        """The tenant that the request reached.

        Raises:
            Unauthenticated: it reached none.
        """
        if self.request.tenant is None:
            raise Unauthenticated
        return self.request.tenant

    @property
    def principal(self) -> Principal:
        """Who asks."""
        return self.request.principal

    async def run_command(self, work: Work[T], *, has_key: bool, home: Home | None = None) -> T:
        """Do ``work`` in one unit of work of the tenant (or of ``home``), and commit it.

        What can heal is tried again. With ``has_key`` the work claims an idempotency key, so that it is repeated also
        when the outcome of a commit is unknown; without, only when nothing was committed for sure.

        Raises:
            ServiceUnavailable: the database did not come back in time.
        """
        return await self._run(self._seats, partial(self._commit, work, home or self.tenant.home), has_key=has_key)

    async def run_verb(self, verb: Callable[[Database], T], *, has_key: bool) -> T:
        """Do something slow that opens transactions of its own, such as checking a password; else as `run_command`.

        Such verbs have seats of their own, so that strangers who guess passwords keep no till waiting.
        """
        return await self._run(self._verb_seats, partial(verb, self.services.database), has_key=has_key)

    async def read(self, work: Read[T], *, home: Home | None = None) -> T:
        """Read in the operation's snapshot of the tenant (or of ``home``)."""
        return await self._reads.read(home or self.tenant.home, work)

    async def load(self, batch: Batch[Key, Value], key: Key) -> Value | None:
        """The value of a key in the tenant's home, by a reader that answers many keys at once; None when it is not."""
        loader = self._loaders.get(batch)
        if loader is None:
            loader = DataLoader(load_fn=partial(self._load_batch, batch), max_batch_size=BATCH_MAX)
            self._loaders[batch] = loader
        value: Value | None = await loader.load(key)
        return value

    async def close(self) -> None:
        """Give back what the operation holds; also after a cancellation."""
        await self._reads.close()

    async def _run(self, seats: Seats, work: Callable[[], T], *, has_key: bool) -> T:
        # What was read before a command is old after it, and the seat of its snapshot is needed.
        self._loaders.clear()
        await self._reads.rest()
        return await self._healing(lambda: seats.run(work), has_key=has_key)

    async def _healing(self, attempt: Callable[[], Awaitable[T]], *, has_key: bool) -> T:
        pauses = waits()
        while True:
            try:
                return await attempt()
            except Exception as error:
                if not is_about_the_database(error):
                    raise
                pause = next(pauses, None)
                may_repeat = has_key or is_transient(error)
                if pause is None or not may_repeat:
                    raise ServiceUnavailable(retryable=may_repeat) from error
            await asyncio.sleep(pause)

    def _commit(self, work: Work[T], home: Home) -> T:
        with unit_of_work(
            self.services.database,
            home,
            now=self._now(home),
            actor=self.principal.actor,
            correlation_id=self.request.correlation_id,
        ) as uow:
            return work(uow)

    async def _load_batch(self, batch: Batch[Any, Any], keys: list[Any]) -> list[Any]:
        found = await self.read(lambda session: batch(session, tuple(keys)))
        return [found.get(key) for key in keys]

    def _now(self, home: Home) -> datetime:
        """The clock of a home: the tenant's own, or the wall's on the platform."""
        return wall_now() if home == PLATFORM else self.tenant.now(wall_now())
