"""The way from async code to the sync core: as many threads as there are database connections, and a queue before.

A *seat* is the right to one connection. Who holds a seat needs one thread at a time at most, and nobody asks for a
second seat while holding one; so load waits in a queue, and can neither be refused nor block itself.
"""

import asyncio
import threading
from collections.abc import Callable, Hashable
from contextlib import suppress
from contextvars import Context, copy_context
from dataclasses import dataclass
from functools import partial
from queue import SimpleQueue
from typing import Any, TypeVar
from weakref import WeakValueDictionary

T = TypeVar("T")


class _Task:
    """Work for a thread, and the future that hears of it. Lean, since every read and every command is one."""

    __slots__ = ("context", "future", "work")

    def __init__(self, future: "asyncio.Future[Any]", context: Context, work: Callable[[], Any]) -> None:
        self.future = future
        self.context = context
        self.work = work

    def do(self) -> None:
        """Do the work in this thread, and tell the event loop."""
        try:
            tell = partial(self._succeed, self.context.run(self.work))
        except BaseException as error:  # noqa: BLE001  whatever it is, it belongs to the one who waits
            tell = partial(self._fail, error)
        # Without a loop nobody waits any more.
        with suppress(RuntimeError):
            self.future.get_loop().call_soon_threadsafe(tell)

    def _succeed(self, result: Any) -> None:
        if not self.future.done():
            self.future.set_result(result)

    def _fail(self, error: BaseException) -> None:
        if not self.future.done():
            self.future.set_exception(error)


class _Hands:
    """Threads that take tasks as they come; each is begun when it is first needed."""

    def __init__(self, count: int) -> None:
        self._tasks: SimpleQueue[_Task | None] = SimpleQueue()
        self._count = count
        self._threads: list[threading.Thread] = []

    def give(self, task: _Task) -> None:
        if len(self._threads) < self._count:
            thread = threading.Thread(target=self._work, name=f"regulars-{len(self._threads)}", daemon=True)
            self._threads.append(thread)
            thread.start()
        self._tasks.put(task)

    def stop(self) -> None:
        """Let every thread end after what was given before."""
        for _ in self._threads:
            self._tasks.put(None)
        for thread in self._threads:
            thread.join()
        self._threads.clear()

    def _work(self) -> None:
        while (task := self._tasks.get()) is not None:
            task.do()
            del task


class Seats:
    """Threads and connections of one process, handed out in order of arrival."""

    def __init__(self, count: int) -> None:
        self._hands = _Hands(count)
        self._free = asyncio.Semaphore(count)
        self.waiting = 0
        """How many wait for a seat."""
        # Work that outlives its canceled caller is kept here until it is through.
        self._pending: set[asyncio.Future[Any]] = set()
        self._turns: WeakValueDictionary[Hashable, asyncio.Lock] = WeakValueDictionary()

    def turn_of(self, whose: Hashable) -> asyncio.Lock:
        """Held by each of theirs from asking to rising, it gives them one place in the queue, however many they are."""
        return self._turns.setdefault(whose, asyncio.Lock())

    async def take(self) -> None:
        """Wait for a seat; `leave` gives it back."""
        self.waiting += 1
        try:
            await self._free.acquire()
        finally:
            self.waiting -= 1

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
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._hands.give(_Task(future, copy_context(), work))
        self._pending.add(future)
        future.add_done_callback(self._pending.discard)
        return future

    async def finish(self) -> None:
        """Wait for the work under way, then stop the threads."""
        while self._pending:
            await asyncio.wait(self._pending)
        self._hands.stop()


@dataclass(frozen=True, slots=True)
class Seating:
    """The seats of one process, by what sits there, so that nobody who is slow keeps a till waiting."""

    work: Seats
    """Of tills, and of all that takes no time."""
    verbs: Seats
    """Of log-ins and the like."""
    slow: Seats
    """Of what takes seconds in many short transactions."""
    reports: Seats
    """Of reads that take seconds."""

    async def finish(self) -> None:
        """Wait for the work under way, then stop the threads."""
        for seats in (self.work, self.verbs, self.slow, self.reports):
            await seats.finish()
