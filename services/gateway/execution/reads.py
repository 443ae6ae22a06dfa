"""What one operation reads: a single snapshot, in which its readers take turns."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

from services.gateway.context.errors import ServiceUnavailable
from services.gateway.execution.healing import is_about_the_database, took_too_long, waits
from services.gateway.execution.threads import Seats
from services.platform.db.engine import Database
from services.platform.db.homes import Home
from services.platform.db.session import ReadSession, read_session

T = TypeVar("T")

Read = Callable[[ReadSession], T]


class _Snapshot:
    """A read session that is opened in the thread that reads first."""

    def __init__(self, database: Database, home: Home, now: datetime) -> None:
        self.home = home
        self.has_read = False
        self._database = database
        self._now = now
        self._stack = ExitStack()
        self._session: ReadSession | None = None

    def read(self, work: Read[T]) -> T:
        if self._session is None:
            self._session = self._stack.enter_context(read_session(self._database, self.home, now=self._now))
        found = work(self._session)
        self.has_read = True
        return found

    def read_and_close(self, work: Read[T]) -> T:
        with self._stack:
            return self.read(work)

    def close(self) -> None:
        self._stack.close()


class OperationReads:
    """Takes a read-only snapshot of a home at the first read there, and keeps it until it must go.

    It goes when another home is read, when a command follows, after a read that is known to be the last, and at the
    operation's end: one operation never holds two connections. Close it also when the operation is canceled.
    """

    def __init__(self, database: Database, seats: Seats, *, now: Callable[[Home], datetime]) -> None:
        self._database = database
        self._seats = seats
        self._now = now
        self._turn = asyncio.Lock()
        self._snapshot: _Snapshot | None = None
        self._running: asyncio.Future[Any] | None = None
        self._is_closed = False

    async def read(self, home: Home, work: Read[T], *, is_last: bool = False) -> T:
        """Do ``work`` in the snapshot of ``home``, when its turn comes; give it up at once after the last.

        Raises:
            ServiceUnavailable: the database went away.
        """
        return await self._in_turn(lambda: self._read(home, work, is_last=is_last))

    async def read_apart(self, home: Home, work: Read[T], seats: Seats, *, turn: asyncio.Lock) -> T:
        """Do ``work`` in a snapshot of its own, in ``turn`` and on one of ``seats``.

        Whatever the operation holds is given up before it waits for either.

        Raises:
            ServiceUnavailable: the database went away.
        """
        return await self._in_turn(lambda: self._read_apart(home, work, seats, turn))

    async def _in_turn(self, read: Callable[[], Awaitable[T]]) -> T:
        async with self._turn:
            await self._work_under_way()
            if self._is_closed:
                # A reader of a canceled operation: nobody would give its connection back.
                raise asyncio.CancelledError
            try:
                return await read()
            except Exception as error:
                if is_about_the_database(error) or took_too_long(error):
                    raise ServiceUnavailable(retryable=True) from error
                raise

    async def rest(self) -> None:
        """Give the snapshot up; the next read opens a new one."""
        if self._snapshot is None and not self._turn.locked():
            return
        async with self._turn:
            await self._give_up()

    async def close(self) -> None:
        """Give the snapshot up for good. It goes through even when its caller is canceled."""
        self._is_closed = True
        if self._snapshot is not None or self._turn.locked():
            await asyncio.shield(asyncio.ensure_future(self.rest()))

    async def _read(self, home: Home, work: Read[T], *, is_last: bool) -> T:
        for wait in waits():
            snapshot = await self._snapshot_of(home)
            # What was read before must agree with what is read now; only a first read can be done anew.
            is_first = not snapshot.has_read
            try:
                return await self._in_thread(snapshot, work, is_last=is_last)
            except Exception as error:
                if not is_first or not is_about_the_database(error):
                    raise
                await self._give_up()
            await asyncio.sleep(wait)
        return await self._in_thread(await self._snapshot_of(home), work, is_last=is_last)

    async def _read_apart(self, home: Home, work: Read[T], seats: Seats, turn: asyncio.Lock) -> T:
        await self._give_up()

        async def read() -> T:
            async with turn:
                return await seats.run(partial(_Snapshot(self._database, home, self._now(home)).read_and_close, work))

        for wait in waits():
            try:
                return await read()
            except Exception as error:
                if not is_about_the_database(error):
                    raise
            await asyncio.sleep(wait)
        return await read()

    async def _snapshot_of(self, home: Home) -> _Snapshot:
        if self._snapshot is not None and self._snapshot.home == home:
            return self._snapshot
        await self._give_up()
        await self._seats.take()
        self._snapshot = _Snapshot(self._database, home, self._now(home))
        return self._snapshot

    async def _in_thread(self, snapshot: _Snapshot, work: Read[T], *, is_last: bool) -> T:
        if is_last:
            self._snapshot = None
        read = snapshot.read_and_close if is_last else snapshot.read
        self._running = self._seats.start(lambda: read(work))
        if is_last:
            self._running.add_done_callback(lambda _done: self._seats.leave())
        return await asyncio.shield(self._running)

    async def _work_under_way(self) -> None:
        """Wait for what a canceled reader has left in the thread: the connection is nobody's before that is through."""
        if self._running is not None and not self._running.done():
            await asyncio.wait([self._running])

    async def _give_up(self) -> None:
        await self._work_under_way()
        snapshot, self._snapshot = self._snapshot, None
        if snapshot is None:
            return
        closing = self._seats.start(snapshot.close)
        closing.add_done_callback(lambda _done: self._seats.leave())
        await asyncio.shield(closing)
