"""One GraphQL operation at work: its commands, its reads, its loaders. It is the resolvers' ``info.context``."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

from services.gateway.context.errors import ServiceUnavailable, Unauthenticated
from services.gateway.context.request import RequestContext
from services.gateway.context.services import GatewayServices
from services.gateway.execution.batching import Batches, Item, Together
from services.gateway.execution.healing import is_about_the_database, is_transient, took_too_long, waits
from services.gateway.execution.loads import Batch, Key, Loads, Value, answered
from services.gateway.execution.reads import OperationReads, Read
from services.gateway.execution.threads import Seats
from services.platform.actors import Sender
from services.platform.auth.domain import Principal, Scope
from services.platform.clock import wall_now
from services.platform.db.engine import Database
from services.platform.db.homes import PLATFORM, Home
from services.platform.db.questions import Question, ask
from services.platform.db.session import ReadSession, UnitOfWork, unit_of_work
from services.platform.errors import DomainError
from services.platform.telemetry import traces
from services.platform.tenancy.domain import Tenant

T = TypeVar("T")
Row = TypeVar("Row")

Work = Callable[[UnitOfWork], T]


@dataclass(frozen=True, slots=True)
class Ahead:
    """What an operation will load next by the keys of the objects that a read finds.

    ``is_all``: nothing else will be read in this operation.
    """

    batches: Sequence[Batch[Any, Any]] = ()
    is_all: bool = False


NOTHING_AHEAD = Ahead()


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
        slow_seats: Seats | None = None,
        report_seats: Seats | None = None,
        batches: Batches | None = None,
    ) -> None:
        self.services = services
        self.request = request
        self.raw_variables = raw_variables
        """Variables as the client sent them, before any default."""
        self.granted_somewhere: set[Scope] = set()
        """Scopes that were found to be held in the tenant or one of its stores."""
        self._seats = seats
        self._verb_seats = verb_seats or seats
        self._slow_seats = slow_seats or seats
        self._report_seats = report_seats or seats
        self._batches = batches or Batches(services.database, seats)
        self._reads = OperationReads(services.database, seats, now=self._now)
        self._loads = Loads(self._read_all)
        self._is_last = False

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

    @property
    def now(self) -> datetime:
        """The tenant's business time."""
        return self._now(self.tenant.home)

    async def run_command(self, work: Work[T], *, has_key: bool, home: Home | None = None) -> T:
        """Do ``work`` in one unit of work of the tenant (or of ``home``), and commit it.

        What can heal is tried again. With ``has_key`` the work claims an idempotency key, so that it is repeated also
        when the outcome of a commit is unknown; without, only when nothing was committed for sure.

        Raises:
            ServiceUnavailable: the database did not come back in time.
        """
        return await self._run(self._seats, partial(self._commit, work, home or self.tenant.home), has_key=has_key)

    async def run_together(self, verb: Together[Item, T], item: Item, *, alone: Work[T]) -> T:
        """Do a command that has an idempotency key: by ``alone``, or with others of its kind; else as `run_command`."""
        self._loads.forget()
        await self._reads.rest()
        home = self.tenant.home
        return await self._batches.run(
            verb,
            item,
            home=home,
            now=partial(self._now, home),
            sender=Sender(self.principal.actor, self.request.correlation_id, traces.traceparent()),
            alone=lambda: self.run_command(alone, has_key=True),
        )

    async def run_verb(self, verb: Callable[[Database], T], *, has_key: bool) -> T:
        """Do something slow that opens transactions of its own, such as checking a password; else as `run_command`.

        Such verbs have seats of their own, so that strangers who guess passwords keep no till waiting.
        """
        return await self._run(self._verb_seats, partial(verb, self.services.database), has_key=has_key)

    async def run_slow(self, verb: Callable[[Database], T], *, has_key: bool) -> T:
        """Do something that takes seconds, such as moving a sandbox's clock; else as `run_verb`.

        Such verbs queue behind each other, and keep neither tills nor log-ins waiting.
        """
        return await self._run(self._slow_seats, partial(verb, self.services.database), has_key=has_key)

    async def read(self, work: Read[T], *, home: Home | None = None, is_last: bool = False) -> T:
        """Read in the operation's snapshot of the tenant (or of ``home``), which is over after the last read."""
        return await self._reads.read(home or self.tenant.home, work, is_last=is_last)

    async def read_apart(self, work: Read[T], *, too_slow: DomainError) -> T:
        """Read what takes seconds, in a snapshot of its own, and while nothing else of the operation is read.

        Such reads queue behind each other, one of each tenant, and keep neither tills nor log-ins waiting.
        ``too_slow`` is the refusal where the database gave a statement up: it would take as long again, so that
        somebody has to ask for less.
        """
        seats = self._report_seats
        try:
            return await self._reads.read_apart(self.tenant.home, work, seats, turn=seats.turn_of(self.tenant.id))
        except ServiceUnavailable as error:
            if error.__cause__ is not None and took_too_long(error.__cause__):
                raise too_slow from error
            raise

    async def read_page(
        self,
        rows_of: Callable[[ReadSession], Question[Sequence[Row]]],
        *,
        key: Callable[[Row], Any],
        ahead: Ahead = NOTHING_AHEAD,
    ) -> Sequence[Row]:
        """Rows of the tenant's home, and what is ``ahead`` of them by their keys."""

        def work(session: ReadSession) -> tuple[Sequence[Row], Sequence[Any], Sequence[Mapping[Any, Any]]]:
            (rows,) = ask(session, [rows_of(session)], is_last=ahead.is_all and not ahead.batches)
            keys = [key(row) for row in rows]
            requests = [(batch, keys) for batch in ahead.batches] if keys else []
            return rows, keys, answered(session, requests, is_last=ahead.is_all)

        rows, keys, found = await self._reads.read(self.tenant.home, work, is_last=ahead.is_all)
        if keys:
            for batch, values in zip(ahead.batches, found, strict=True):
                self._loads.know(batch, values, keys)
        return rows

    async def load(self, batch: Batch[Key, Value], key: Key, *, ahead: Ahead = NOTHING_AHEAD) -> Value | None:
        """The value of a key in the tenant's home, by a reader that answers many keys at once; None when it is not.

        What is ``ahead`` of the same key is read with it.
        """
        self._is_last = ahead.is_all
        return await self._loads.load(batch, key, ahead=ahead.batches)

    async def close(self) -> None:
        """Give back what the operation holds; also after a cancellation."""
        await self._reads.close()

    async def _run(self, seats: Seats, work: Callable[[], T], *, has_key: bool) -> T:
        # What was read before a command is old after it, and the seat of its snapshot is needed.
        self._loads.forget()
        await self._reads.rest()
        return await self._healing(lambda: seats.run(work), has_key=has_key)

    async def _healing(self, attempt: Callable[[], Awaitable[T]], *, has_key: bool) -> T:
        pauses = waits()
        while True:
            try:
                return await attempt()
            except Exception as error:
                if took_too_long(error):
                    raise ServiceUnavailable(retryable=True) from error
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

    async def _read_all(self, requests: Sequence[tuple[Batch[Any, Any], Sequence[Any]]]) -> Sequence[Mapping[Any, Any]]:
        is_last, self._is_last = self._is_last, False
        return await self._reads.read(
            self.tenant.home, lambda session: answered(session, requests, is_last=is_last), is_last=is_last
        )

    def _now(self, home: Home) -> datetime:
        """The clock of a home: the tenant's own, or the wall's on the platform."""
        return wall_now() if home == PLATFORM else self.tenant.now(wall_now())
