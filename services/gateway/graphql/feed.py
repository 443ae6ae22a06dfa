"""What happens in tenants' ledgers, told to whoever follows it in this process.

The truth is PostgreSQL: a channel per followed tenant looks for entries that it has not told of, when Valkey says that
there are some, and every few seconds whatever it says. An entry's id is made before its commit, so that entries become
visible out of order: a look goes back `LOOK_BACK`, and each entry is told once. So a message that Valkey loses delays
an event and loses none. One look serves all followers of a tenant.
"""

import asyncio
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar
from uuid import UUID

import structlog

from services.gateway.context.errors import ServiceUnavailable, SubscriberTooSlow
from services.gateway.execution.healing import is_about_the_database
from services.gateway.execution.threads import Seats
from services.loyalty.ledger.queries import Posted, posted_since
from services.platform.clock import wall_now
from services.platform.db.engine import Database
from services.platform.db.homes import Home
from services.platform.db.session import ReadSession, read_session
from services.platform.feed.hearing import FeedHearer
from services.platform.ids import first_id, moment_of

log = structlog.get_logger()

POLL_SECONDS = 5.0
PAUSE_SECONDS = 0.1
"""Between two looks, so that a busy tenant costs its process a bounded number of them."""
LOOK_BACK = timedelta(minutes=2)
"""How old an entry's id may be when its commit is seen: the time limits of the database end transactions before."""
NEAR = timedelta(seconds=10)
"""How far a look goes back that follows a message: most commits come soon after the ids of their entries."""
LOOK_LIMIT = 5_000
LOOKS_MAX = 20
WAITING_MAX = 1_000
"""Events that wait for one follower; one that lets more gather has to come again with the last cursor it got."""

T = TypeVar("T")


class Follower:
    """One subscription's view of a tenant's feed: the entries posted since it began, each once."""

    def __init__(self) -> None:
        self._waiting: deque[Posted] = deque()
        self._changed = asyncio.Event()
        self._is_behind = False

    def tell(self, news: Sequence[Posted]) -> None:
        """The tenant was looked at; ``news`` are the entries that are new, if any."""
        self._is_behind = self._is_behind or len(self._waiting) + len(news) > WAITING_MAX
        if not self._is_behind:
            self._waiting.extend(news)
        self._changed.set()

    async def entries(self) -> AsyncIterator[Posted]:
        """Every entry; never ends by itself.

        Raises:
            SubscriberTooSlow: more were posted than are kept waiting.
        """
        while True:
            while self._waiting:
                yield self._waiting.popleft()
            if self._is_behind:
                raise SubscriberTooSlow
            await self._next_look()

    async def looks(self) -> AsyncIterator[None]:
        """Every time that the tenant was looked at, but for those that came while nobody waited."""
        while True:
            await self._next_look()
            self._waiting.clear()
            self._is_behind = False
            yield

    async def _next_look(self) -> None:
        await self._changed.wait()
        self._changed.clear()


class LiveFeed:
    """The channels of one process. ``url`` is Valkey's; an empty one leaves the channels to their own looks."""

    def __init__(self, database: Database, seats: Seats, *, url: str) -> None:
        self._database = database
        self._seats = seats
        self._url = url
        self._channels: dict[Home, _Channel] = {}
        self._hearer: FeedHearer | None = None

    def open(self) -> None:
        """Begin to hear, in the running event loop."""
        loop = asyncio.get_running_loop()

        def heard(tenant_ids: frozenset[UUID] | None) -> None:
            loop.call_soon_threadsafe(self._heard, tenant_ids)

        if self._url:
            self._hearer = FeedHearer(self._url, heard)

    async def close(self) -> None:
        """Stop hearing; who still follows hears nothing more."""
        if self._hearer is not None:
            await asyncio.to_thread(self._hearer.close)
        for channel in self._channels.values():
            channel.close()

    @asynccontextmanager
    async def follow(self, home: Home) -> AsyncIterator[Follower]:
        """A follower of a tenant, who is told of every entry that is committed from here on."""
        channel = self._channels.get(home)
        if channel is None:
            channel = self._channels[home] = _Channel(partial(self.entries_since, home))
        follower = Follower()
        channel.followers.add(follower)
        try:
            await channel.ready.wait()
            yield follower
        finally:
            channel.followers.discard(follower)
            if not channel.followers and self._channels.get(home) is channel:
                del self._channels[home]
                channel.close()

    @property
    def followers(self) -> int:
        """How many there are that are told of everything new by now."""
        return sum(len(channel.followers) for channel in self._channels.values() if channel.ready.is_set())

    async def read(self, home: Home, work: Callable[[ReadSession], T]) -> T:
        """Read in a snapshot of its own, which is given back at once.

        Raises:
            ServiceUnavailable: the database is away.
        """

        def run() -> T:
            with read_session(self._database, home, now=wall_now()) as session:
                return work(session)

        try:
            return await self._seats.run(run)
        except Exception as error:
            if is_about_the_database(error):
                raise ServiceUnavailable(retryable=True) from error
            raise

    async def entries_since(self, home: Home, moment: datetime) -> Sequence[Posted]:
        """The entries whose ids were made since a moment, a bounded number; those of a holder in its chain's order."""
        since, found = first_id(moment), list[Posted]()
        for _ in range(LOOKS_MAX):
            page = await self.read(home, partial(posted_since, since=since, limit=LOOK_LIMIT))
            found.extend(page)
            if len(page) < LOOK_LIMIT:
                break
            since = page[-1].entry_id
        return _by_chain(found)

    def _heard(self, tenant_ids: frozenset[UUID] | None) -> None:
        for home, channel in self._channels.items():
            if tenant_ids is None or home.tenant_id in tenant_ids:
                channel.rung.set()


class _Channel:
    """Looks into one tenant's ledger as long as somebody follows it."""

    def __init__(self, entries_since: Callable[[datetime], Awaitable[Sequence[Posted]]]) -> None:
        self.followers: set[Follower] = set()
        self.rung = asyncio.Event()
        self.ready = asyncio.Event()
        """Set by the first look: what was there before is not told."""
        self._entries_since = entries_since
        self._told: dict[UUID, None] = {}
        self._looked_at = wall_now()
        self._task = asyncio.create_task(self._look_often())

    def close(self) -> None:
        """Look no more."""
        self._task.cancel()

    async def _look_often(self) -> None:
        back = LOOK_BACK
        while True:
            try:
                await self._look(back)
            except ServiceUnavailable:
                pass  # the next look goes back to before this one
            except Exception:
                log.exception("feed_look_failed")
            await asyncio.sleep(PAUSE_SECONDS)
            back = LOOK_BACK
            with suppress(TimeoutError):
                async with asyncio.timeout(POLL_SECONDS):
                    await self.rung.wait()
                    back = NEAR
            self.rung.clear()

    async def _look(self, back: timedelta) -> None:
        now = wall_now()
        found = await self._entries_since(self._looked_at - back)
        news = [posted for posted in found if posted.entry_id not in self._told]
        if self.ready.is_set():
            for follower in tuple(self.followers):
                follower.tell(news)
        self._told.update(dict.fromkeys(posted.entry_id for posted in news))
        self._looked_at = now
        self._forget(now - 2 * LOOK_BACK)
        self.ready.set()

    def _forget(self, before: datetime) -> None:
        """Drop ids that no look will find again. They are told about in the order of their ids, but for a few."""
        while self._told and moment_of(first := next(iter(self._told))) < before:
            del self._told[first]


def _by_chain(found: Sequence[Posted]) -> list[Posted]:
    """The entries in the order given, but those of one holder by number: clocks of two processes may differ."""
    chains: dict[UUID, deque[Posted]] = defaultdict(deque)
    for posted in sorted(found, key=lambda posted: posted.seq):
        chains[posted.holder_id].append(posted)
    return [chains[posted.holder_id].popleft() for posted in found]
