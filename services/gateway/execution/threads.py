"""The way from async code to the sync core: as many threads as there are database connections, and a queue before.

A *seat* is the right to one connection. Who holds a seat needs one thread at a time at most, and nobody asks for a
second seat while holding one; so load waits in a queue, and can neither be refused nor block itself.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import Any, TypeVar

T = TypeVar("T")


class Seats:
    """Threads and connections of one process, handed out in order of arrival."""

    def __init__(self, count: int) -> None:
        self._threads = ThreadPoolExecutor(max_workers=count, thread_name_prefix="regulars")
        self._free = asyncio.Semaphore(count)
        # Work that outlives its canceled caller is kept here until it is through.
        self._pending: set[asyncio.Future[Any]] = set()

    async def take(self) -> None:
        """Wait for a seat; `leave` gives it back."""
        await self._free.acquire()

    def leave(self) -> None:
        """Give a seat back."""
        self._free.release()

    async def run(self, work: Callable[[], T]) -> T:
        """Do sync work that takes one connection, and wait for it.

        A canceled caller stops waiting; the work goes on to its end, and only then is its seat free.
        """
        await self.take()
        future = self.start(work)
        future.add_done_callback(lambda _done: self.leave())
        return await asyncio.shield(future)

    def start(self, work: Callable[[], T]) -> "asyncio.Future[T]":
        """Begin sync work of somebody who holds a seat; the logs of its thread tell the caller's correlation id."""
        thread_work = partial(copy_context().run, work)
        future = asyncio.get_running_loop().run_in_executor(self._threads, thread_work)
        self._pending.add(future)
        future.add_done_callback(self._pending.discard)
        return future

    async def finish(self) -> None:
        """Wait for the work under way, then stop the threads."""
        while self._pending:
            await asyncio.wait(self._pending)
        self._threads.shutdown(wait=True)
