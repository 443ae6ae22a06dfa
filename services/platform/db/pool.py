"""The connections of one process, lent one at a time to a transaction.

A backend remembers what it has learned of a tenant's tables, so a tenant gets back a connection that worked for it
last, if one is free; and it never forgets, so a connection that has seen many tenants is closed.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import psycopg

from services.platform.clock import monotonic
from services.platform.db.wire import Line

DISTINCT_TENANTS_MAX = 100
"""A backend keeps about 15 KiB of catalog for each table that it has touched and never gives it back, so a pooled
connection is closed after this many tenants."""

WAIT_SECONDS_MAX = 30
"""How long a transaction waits for a connection."""


@dataclass(slots=True, eq=False)
class Lent:
    """A connection of the pool. ``is_proven`` once it has answered: when it fails later, the server was restarted."""

    driver: psycopg.Connection[Any]
    line: Line
    generation: int
    is_proven: bool = False
    last_tenant: UUID | None = None
    tenants: set[UUID | None] = field(default_factory=set)


class Pool:
    """At most ``size`` connections; none is opened before it is needed."""

    def __init__(self, connect: Callable[[], psycopg.Connection[Any]], *, size: int, is_prepared: bool) -> None:
        self.size = size
        self._connect = connect
        self._is_prepared = is_prepared
        self._change = threading.Condition()
        # The one given back last is the last one.
        self._free: list[Lent] = []
        self._opened = 0
        self._waiting = 0
        self._generation = 0

    @property
    def in_use(self) -> int:
        """Connections that are lent."""
        return self._opened - len(self._free)

    @property
    def idle(self) -> int:
        """Connections that are open and not lent."""
        return len(self._free)

    @property
    def waiting(self) -> int:
        """Transactions that wait for a connection."""
        return self._waiting

    def take(self, tenant_id: UUID | None) -> Lent:
        """A connection, by preference one that worked for the tenant (None: the platform) last.

        Raises:
            psycopg.OperationalError: the server is away, or no connection came free in time.
        """
        lent = self._free_one(tenant_id)
        if lent is None:
            lent = self._open()
        lent.last_tenant = tenant_id
        lent.tenants.add(tenant_id)
        return lent

    def give_back(self, lent: Lent) -> None:
        """Take a connection back; one that is closed or has seen too much is replaced when the next is needed."""
        with self._change:
            is_spent = len(lent.tenants) > DISTINCT_TENANTS_MAX or lent.generation != self._generation
            if is_spent or lent.driver.closed:
                self._opened -= 1
            else:
                self._free.append(lent)
            self._change.notify()
        if is_spent:
            lent.driver.close()

    def close(self) -> None:
        """Close every idle connection; those at work close when they come back."""
        with self._change:
            self._generation += 1
            idle, self._free = self._free, []
            self._opened -= len(idle)
            self._change.notify_all()
        for lent in idle:
            lent.driver.close()

    def _free_one(self, tenant_id: UUID | None) -> Lent | None:
        """A free connection; None leaves room for a new one."""
        deadline = monotonic() + WAIT_SECONDS_MAX
        with self._change:
            while True:
                found = self._choose(tenant_id)
                if found is not None:
                    self._free.remove(found)
                    return found
                if self._opened < self.size:
                    self._opened += 1
                    return None
                self._waiting += 1
                try:
                    is_in_time = self._change.wait(deadline - monotonic())
                finally:
                    self._waiting -= 1
                if not is_in_time:
                    raise psycopg.OperationalError("no connection came free in time")

    def _choose(self, tenant_id: UUID | None) -> Lent | None:
        for lent in reversed(self._free):
            if lent.last_tenant == tenant_id:
                return lent
        if self._is_prepared and self._opened < self.size:
            # A stranger's prepared statements would be planned anew for this tenant, and then anew for the other one.
            return None
        # The tenant that has been away the longest misses its connection the least.
        return self._free[0] if self._free else None

    def _open(self) -> Lent:
        try:
            driver = self._connect()
        except BaseException:
            with self._change:
                self._opened -= 1
                self._change.notify()
            raise
        return Lent(driver, Line(driver, is_prepared=self._is_prepared), self._generation)
