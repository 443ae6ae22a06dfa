"""Values by key, asked for one by one and read many at once, each once in an operation.

What is asked for in one turn of the event loop is read together, whatever it is: one hop to a thread, one round trip.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias, TypeVar

from services.platform.db.questions import Question, ask
from services.platform.db.session import ReadSession

Key = TypeVar("Key")
Value = TypeVar("Value")

Batch: TypeAlias = Callable[[ReadSession, Sequence[Key]], Mapping[Key, Value] | Question[Mapping[Key, Value]]]
"""Answers many keys at once; or, better, says what must be asked: all that is asked travels together."""

BATCH_MAX = 500

_Request: TypeAlias = tuple[Batch[Any, Any], Sequence[Any]]
ReadAll: TypeAlias = Callable[[Sequence[_Request]], Awaitable[Sequence[Mapping[Any, Any]]]]


def answered(
    session: ReadSession, requests: Sequence[_Request], *, is_last: bool = False
) -> Sequence[Mapping[Any, Any]]:
    """The values of each request, by key; what can be asked together is asked in one message."""
    found: list[Any] = [batch(session, keys) for batch, keys in requests]
    places = [place for place, value in enumerate(found) if isinstance(value, Question)]
    if places:
        answers = ask(session, [found[place] for place in places], is_last=is_last)
        for place, answer in zip(places, answers, strict=True):
            found[place] = answer
    return found


class Loads:
    """The values that one operation has read or is about to read."""

    def __init__(self, read_all: ReadAll) -> None:
        self._read_all = read_all
        self._known: dict[Batch[Any, Any], dict[Any, Any]] = {}
        """Values that were read in passing."""
        self._promised: dict[tuple[Batch[Any, Any], Any], asyncio.Future[Any]] = {}
        """Values that were asked for."""
        self._asked: dict[Batch[Any, Any], list[tuple[Any, asyncio.Future[Any]]]] = {}
        self._reading: set[asyncio.Task[None]] = set()

    async def load(self, batch: Batch[Key, Value], key: Key, *, ahead: Iterable[Batch[Any, Any]] = ()) -> Value | None:
        """The value of a key, or None when there is none; what is ``ahead`` of the same key is read with it.

        Whoever gives up waiting for it takes it from nobody else: each waits for a future of its own.
        """
        known = self._known.get(batch)
        if known is not None and key in known:
            return known[key]  # type: ignore[no-any-return]  # values are kept by the batch that read them
        found = self._promise(batch, key)
        for other in ahead:
            if key not in self._known.get(other, ()):
                self._promise(other, key)
        return await (found if found.done() else asyncio.shield(found))

    def _promise(self, batch: Batch[Key, Value], key: Key) -> "asyncio.Future[Value | None]":
        place = (batch, key)
        found = self._promised.get(place)
        if found is not None and not found.cancelled():
            return found
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Value | None] = loop.create_future()
        self._promised[place] = future
        if not self._asked:
            loop.call_soon(self._begin)
        self._asked.setdefault(batch, []).append((key, future))
        return future

    def know(self, batch: Batch[Key, Value], values: Mapping[Key, Value], keys: Iterable[Key]) -> None:
        """Remember values that were read in passing."""
        self._known.setdefault(batch, {}).update((key, values.get(key)) for key in keys)

    def forget(self) -> None:
        """Read anew from now on: a command has changed things."""
        self._known.clear()
        self._promised.clear()

    def _begin(self) -> None:
        asked, self._asked = self._asked, {}
        task = asyncio.ensure_future(self._read(asked))
        self._reading.add(task)
        task.add_done_callback(self._reading.discard)

    async def _read(self, asked: Mapping[Batch[Any, Any], list[tuple[Any, "asyncio.Future[Any]"]]]) -> None:
        portions = [(batch, some) for batch, all_asked in asked.items() for some in _portions(all_asked)]
        requests = [(batch, [key for key, _ in some]) for batch, some in portions]
        try:
            found = await self._read_all(requests)
        except BaseException as error:
            for future in (each for _, some in portions for _, each in some if not each.done()):
                if isinstance(error, Exception):
                    future.set_exception(error)
                    # What was read in passing has nobody who would hear of it.
                    future.exception()
                else:
                    future.cancel()
            if not isinstance(error, Exception):
                raise
            return
        for (_, some), values in zip(portions, found, strict=True):
            for key, future in some:
                if not future.done():
                    future.set_result(values.get(key))


def _portions(items: list[Any]) -> Iterator[list[Any]]:
    for start in range(0, len(items), BATCH_MAX):
        yield items[start : start + BATCH_MAX]
