"""Sockets outlive what was checked when they opened, so all of them are checked again every two seconds, in one look.

Whose session, key or member token has ended, whose rights have changed, or whose tenant was suspended, is sent away;
the client comes again with what it then has. The look goes past the caches of requests.
"""

import asyncio
from collections import Counter
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Protocol

import structlog

from services.gateway.execution.healing import is_about_the_database
from services.gateway.execution.threads import Seats
from services.gateway.live.messages import CloseCode, Closing
from services.platform.actors import ActorKind
from services.platform.auth.standing import Held, fallen
from services.platform.auth.tokens import Signer
from services.platform.clock import wall_now
from services.platform.db.engine import Database
from services.platform.db.homes import PLATFORM
from services.platform.db.session import read_session

log = structlog.get_logger()

CHECK_SECONDS = 2.0
SOCKETS_MAX = 5_000
SOCKETS_PER_TENANT_MAX = 1_000
SOCKETS_PER_PRINCIPAL_MAX = 50
STRANGERS_MAX = 1_000
"""Sockets that have not said yet who they are."""


class Watched(Protocol):
    """A socket that can be sent away."""

    def send_away(self, closing: Closing) -> None:
        """Close it soon, for this reason."""


class Watch:
    """The sockets of one process: how many there may be, and how long each may stay."""

    def __init__(self, database: Database, signer: Signer, seats: Seats) -> None:
        self._database = database
        self._signer = signer
        self._seats = seats
        self._held: dict[Watched, Held] = {}
        self._counts: Counter[Hashable] = Counter()
        self._sockets: set[Watched] = set()
        self._task: asyncio.Task[None] | None = None

    def open(self) -> None:
        """Begin to watch, in the running event loop."""
        self._task = asyncio.create_task(self._check_often())

    async def close(self) -> None:
        """Watch no more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    @contextmanager
    def stranger(self, socket: Watched) -> Iterator[None]:
        """Count a socket for as long as it is open.

        Raises:
            Closing: there are too many.
        """
        if len(self._sockets) >= SOCKETS_MAX or len(self._sockets) - len(self._held) >= STRANGERS_MAX:
            raise Closing(CloseCode.TRY_AGAIN_LATER, "Too many sockets are open")
        self._sockets.add(socket)
        try:
            yield
        finally:
            self._sockets.discard(socket)
            held = self._held.pop(socket, None)
            if held is not None:
                self._counts.subtract(_owners(held))
                self._counts += Counter()  # drops what has come to zero

    def hold(self, socket: Watched, held: Held) -> None:
        """Watch over an open socket, now that it is known whose it is.

        Raises:
            Closing: the principal or the tenant has too many.
        """
        principal, tenant = _owners(held)
        if self._counts[principal] >= SOCKETS_PER_PRINCIPAL_MAX or self._counts[tenant] >= SOCKETS_PER_TENANT_MAX:
            raise Closing(CloseCode.TRY_AGAIN_LATER, "You have too many sockets open")
        self._counts.update((principal, tenant))
        self._held[socket] = held

    def __len__(self) -> int:
        """How many sockets are open."""
        return len(self._sockets)

    @property
    def held(self) -> int:
        """Of how many it is known whose they are."""
        return len(self._held)

    async def _check_often(self) -> None:
        while True:
            await asyncio.sleep(CHECK_SECONDS)
            try:
                await self._check()
            except Exception as error:
                # Nothing is told while the database is away either; the next look comes soon.
                if not is_about_the_database(error):
                    log.exception("sockets_not_checked")

    async def _check(self) -> None:
        asked = dict(self._held)
        if not asked:
            return
        gone = await self._seats.run(partial(self._fallen, frozenset(asked.values())))
        for socket, held in asked.items():
            if held in gone:
                socket.send_away(Closing(CloseCode.FORBIDDEN, "The credential ended, or what it allows has changed"))

    def _fallen(self, held: frozenset[Held]) -> frozenset[Held]:
        now = wall_now()
        with read_session(self._database, PLATFORM, now=now) as session:
            return fallen(session, self._signer, held, now=now)


def _owners(held: Held) -> tuple[Hashable, Hashable]:
    actor, tenant = held.reached.principal.actor, held.reached.tenant
    return (actor.kind, actor.id), (ActorKind.SYSTEM, tenant.id if tenant else None)
