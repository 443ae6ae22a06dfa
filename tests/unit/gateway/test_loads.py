"""Values by key: read together, each once, and never lost."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from services.gateway.execution.loads import Loads
from services.platform.db.session import ReadSession


def squares(_session: ReadSession, keys: Sequence[int]) -> Mapping[int, int]:
    return {key: key * key for key in keys if key >= 0}


class Reader:
    """Answers by `squares`, and remembers what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[list[Any]] = []

    async def read_all(self, requests: Sequence[tuple[Any, Sequence[Any]]]) -> Sequence[Mapping[Any, Any]]:
        self.asked += [list(keys) for _, keys in requests]
        await asyncio.sleep(0)
        return [squares(None, keys) for _, keys in requests]  # type: ignore[arg-type]  # it needs no session


def test_what_is_asked_for_in_one_turn_is_read_together_and_once() -> None:
    async def story() -> None:
        reader = Reader()
        loads = Loads(reader.read_all)

        found = await asyncio.gather(*(loads.load(squares, key) for key in (3, -1, 3, 4)))
        again = await loads.load(squares, 4)

        assert found == [9, None, 9, 16]
        assert again == 16
        assert reader.asked == [[3, -1, 4]]

    asyncio.run(story())


def test_a_value_that_was_asked_for_comes_whatever_is_forgotten_meanwhile() -> None:
    async def story() -> None:
        reader = Reader()
        loads = Loads(reader.read_all)
        asked = asyncio.ensure_future(loads.load(squares, 3))
        await asyncio.sleep(0)

        loads.forget()

        assert await asyncio.wait_for(asked, 5) == 9
        assert await asyncio.wait_for(loads.load(squares, 3), 5) == 9
        assert reader.asked == [[3], [3]]

    asyncio.run(story())


def test_who_gives_up_waiting_takes_the_value_from_nobody_else() -> None:
    async def story() -> None:
        reader = Reader()
        loads = Loads(reader.read_all)

        async def wait() -> int | None:
            return await loads.load(squares, 3)

        given_up, waiting = asyncio.ensure_future(wait()), asyncio.ensure_future(wait())
        await asyncio.sleep(0)
        given_up.cancel()

        assert await asyncio.wait_for(waiting, 5) == 9
        assert given_up.cancelled()
        assert reader.asked == [[3]]

    asyncio.run(story())
