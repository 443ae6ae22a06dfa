"""Commands of one kind that arrive while others of it are at work are done together by the next transaction.

Nobody waits for company: a command that finds its tenant idle starts at once and alone. Under load the batches grow by
themselves, since what arrives during one transaction is the next one. Each command keeps what is its own: key, sender,
outcome. Whatever keeps a batch from being done, its commands are done one by one then; their keys make that safe.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextvars import Context
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, auto
from functools import partial
from typing import Any, Generic, TypeVar

import structlog

from services.gateway.execution.threads import Seats
from services.platform.actors import SYSTEM, Sender
from services.platform.db.engine import Database
from services.platform.db.homes import Home
from services.platform.db.session import UnitOfWork, unit_of_work
from services.platform.errors import DomainError

log = structlog.get_logger()

BATCH_MAX = 64
LANES_MAX = 4
"""Transactions of one kind and tenant at a time."""
PATIENCE_SECONDS = 0.05
"""How long commands wait for the one transaction before them. One that waits for a lock keeps them no longer."""

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Together(Generic[Item, Result]):
    """A verb that can do many commands in one unit of work: what comes of each, in their order.

    It writes all senders' work or nothing, and a refused command keeps no other from being done. Every command has an
    idempotency key.
    """

    do: Callable[[UnitOfWork, Sequence[Item], Sequence[Sender]], Sequence[Result | DomainError]]


class _Turn(Enum):
    """How a command gets done when it is not done for it."""

    IN_LANE = auto()
    """Alone, and it holds a lane meanwhile."""
    AFTER_ALL = auto()
    """Alone, since the batch was not done."""


@dataclass(slots=True, eq=False)
class _Waiting:
    item: Any
    sender: Sender
    turn: asyncio.Future[Any]


@dataclass(slots=True, eq=False)
class _Queue:
    """The commands of one kind for one tenant. ``now`` is the tenant's clock."""

    home: Home
    verb: Together[Any, Any]
    now: Callable[[], datetime]
    waiting: list[_Waiting] = field(default_factory=list)
    running: int = 0
    timer: asyncio.TimerHandle | None = None


class Batches:
    """The queues of one process."""

    def __init__(self, database: Database, seats: Seats) -> None:
        self._database = database
        self._seats = seats
        self._queues: dict[tuple[str, int], _Queue] = {}
        # Work that outlives its canceled caller is kept here until it is through.
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(
        self,
        verb: Together[Item, Result],
        item: Item,
        *,
        home: Home,
        now: Callable[[], datetime],
        sender: Sender,
        alone: Callable[[], Awaitable[Result]],
    ) -> Result:
        """Do a command with others, or by ``alone``, and wait for what comes of it.

        A canceled caller stops waiting; what has begun goes on to its end, what has not is not begun.

        Raises:
            DomainError: it was refused; and what ``alone`` raises.
        """
        queue = self._queues.setdefault((home.schema, id(verb)), _Queue(home, verb, now))
        # A queue lasts as long as its tenant is busy; a sandbox's clock may be moved meanwhile.
        queue.now = now
        waiting = _Waiting(item, sender, asyncio.get_running_loop().create_future())
        self._line_up(queue, waiting)
        try:
            turn = await waiting.turn
        except asyncio.CancelledError:
            if waiting.turn.done() and not waiting.turn.cancelled() and waiting.turn.result() is _Turn.IN_LANE:
                self._leave(queue)
            raise
        if turn is _Turn.IN_LANE:
            try:
                return await alone()
            finally:
                self._leave(queue)
        if turn is _Turn.AFTER_ALL:
            return await alone()
        if isinstance(turn, DomainError):
            raise turn
        done: Result = turn
        return done

    def _line_up(self, queue: _Queue, waiting: _Waiting) -> None:
        loop = asyncio.get_running_loop()
        queue.waiting.append(waiting)
        if queue.running == 0:
            # At the end of this turn of the loop, so that what came in with one turn goes together.
            loop.call_soon(self._start, queue)
        elif queue.timer is None:
            queue.timer = loop.call_later(PATIENCE_SECONDS, self._lose_patience, queue)

    def _start(self, queue: _Queue, *, lanes: int = 1) -> None:
        if queue.running >= lanes:
            return
        batch = [waiting for waiting in queue.waiting[:BATCH_MAX] if not waiting.turn.cancelled()]
        del queue.waiting[:BATCH_MAX]
        if batch:
            queue.running += 1
        if len(batch) == 1:
            batch[0].turn.set_result(_Turn.IN_LANE)
        elif batch:
            # Not in the context of whoever happened to come first: logs would name the wrong request.
            task = asyncio.create_task(self._do_together(queue, batch), context=Context())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        elif queue.waiting:
            self._start(queue, lanes=lanes)
        elif queue.running == 0:
            self._queues.pop((queue.home.schema, id(queue.verb)), None)

    def _leave(self, queue: _Queue) -> None:
        queue.running -= 1
        self._start(queue)

    def _lose_patience(self, queue: _Queue) -> None:
        queue.timer = None
        self._start(queue, lanes=LANES_MAX)
        if queue.waiting and queue.running:
            queue.timer = asyncio.get_running_loop().call_later(PATIENCE_SECONDS, self._lose_patience, queue)

    async def _do_together(self, queue: _Queue, batch: Sequence[_Waiting]) -> None:
        outcomes: Sequence[Any]
        try:
            outcomes = await self._seats.run(partial(self._commit, queue, batch))
        except Exception as error:  # noqa: BLE001  each is done again alone, and hears of its own failure
            log.warning("batch_undone", size=len(batch), error=type(error).__name__)
            outcomes = [_Turn.AFTER_ALL] * len(batch)
        finally:
            self._leave(queue)
        for waiting, outcome in zip(batch, outcomes, strict=True):
            if not waiting.turn.cancelled():
                waiting.turn.set_result(outcome)

    def _commit(self, queue: _Queue, batch: Sequence[_Waiting]) -> Sequence[Any]:
        with unit_of_work(self._database, queue.home, now=queue.now(), actor=SYSTEM, correlation_id="batch") as uow:
            return queue.verb.do(uow, [each.item for each in batch], [each.sender for each in batch])
