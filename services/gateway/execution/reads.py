"""What one operation reads: a single snapshot, in which its loaders take turns."""

import asyncio
from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

from services.gateway.context.errors import ServiceUnavailable
from services.gateway.execution.healing import is_about_the_database, waits
from services.gateway.execution.threads import Seats
from services.platform.db.engine import Database
from services.platform.db.homes import Home
from services.platform.db.session import ReadSession, read_session

T = TypeVar("T")

Read = Callable[[ReadSession], T]


class OperationReads:
    """Opens a read-only snapshot of a home at the first read there, and keeps it until it must go.

    It goes when another home is read, when a command follows, and at the operation's end: one operation never holds
    two connections. Close it also when the operation is canceled.
    """

    def __init__(self, database: Database, seats: Seats, *, now: Callable[[Home], datetime]) -> None:
        self._database = database
        self._seats = seats
        self._now = now
        self._turn = asyncio.Lock()
        self._stack: ExitStack | None = None
        self._session: ReadSession | None = None
        self._running: asyncio.Future[Any] | None = None
        self._is_closed = False

    async def read(self, home: Home, work: Read[T]) -> T:
        """Do ``work`` in the snapshot of ``home``, when its turn comes.

        Raises:
            ServiceUnavailable: the database went away.
        """
        async with self._turn:
            if self._is_closed:
                # A loader of a canceled operation: nobody would give its connection back.
                raise asyncio.CancelledError
            try:
                session = await self._session_of(home)
                return await self._in_thread(lambda: work(session))
            except Exception as error:
                if is_about_the_database(error):
                    raise ServiceUnavailable(retryable=True) from error
                raise

    async def rest(self) -> None:
        """Give the snapshot up; the next read opens a new one."""
        async with self._turn:
            await self._give_up()

    async def close(self) -> None:
        """Give the snapshot up for good. It goes through even when its caller is canceled."""
        self._is_closed = True
        await asyncio.shield(asyncio.ensure_future(self.rest()))

    async def _session_of(self, home: Home) -> ReadSession:
        if self._session is not None and self._session.home == home:
            return self._session
        await self._give_up()
        for wait in waits():
            try:
                return await self._open(home)
            except Exception as error:
                if not is_about_the_database(error):
                    raise
            await asyncio.sleep(wait)
        return await self._open(home)

    async def _open(self, home: Home) -> ReadSession:
        await self._seats.take()
        self._stack = ExitStack()
        opening = read_session(self._database, home, now=self._now(home))
        try:
            session = await self._in_thread(partial(self._stack.enter_context, opening))
        except Exception:
            await self._give_up()
            raise
        self._session = session
        return session

    async def _in_thread(self, work: Callable[[], T]) -> T:
        self._running = self._seats.start(work)
        return await asyncio.shield(self._running)

    async def _give_up(self) -> None:
        if self._running is not None and not self._running.done():
            # A canceled reader left its work in the thread: the connection is not ours before that is through.
            await asyncio.wait([self._running])
        stack, self._stack, self._session = self._stack, None, None
        if stack is None:
            return
        closing = self._seats.start(stack.close)
        closing.add_done_callback(lambda _done: self._seats.leave())
        await asyncio.shield(closing)
