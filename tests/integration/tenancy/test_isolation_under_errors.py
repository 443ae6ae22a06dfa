"""S2: two tenants on 32 threads over a few connections, with errors, cancels and lost connections thrown in.

The same checker goes red when the guard (``SET LOCAL`` in the message that begins every transaction) is weakened.
"""

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any
from uuid import UUID

import psycopg
import pytest

from services.platform.db import transaction
from services.platform.db.engine import Database, open_database
from services.platform.db.homes import Home
from services.platform.db.pool import Lent, Pool
from services.platform.db.wire import Statement
from services.platform.tenancy.domain import Tenant
from tests.integration.tenancy.two_tenants import FAULT_NAMES, Tally, canary_of, run_campaign, stored_names
from tests.support.tenants import DatabaseUrls

POOL_SIZE = 3
OPERATIONS = 6_000
OPERATIONS_OF_A_MUTANT = 1_600
SEED = 20261122

Take = Callable[[Pool, UUID | None], Lent]


@contextmanager
def _small_pool(urls: DatabaseUrls) -> Iterator[Database]:
    with closing(open_database(urls.app, pool_size=POOL_SIZE)) as database:
        yield database


def _counted(tally: Tally, capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        print(  # noqa: T201  an experiment tells its counts
            f"\nS2: {tally.reads} reads of {tally.rows} rows, {sum(tally.stored.values())} writes,"
            f" {sum(tally.faults.values())} faults, {tally.homeless} without a home, {tally.foreign} foreign rows"
        )


def test_no_row_of_the_other_tenant_is_ever_seen(
    database_urls: DatabaseUrls, tenant: Tenant, tenant_b: Tenant, capsys: pytest.CaptureFixture[str]
) -> None:
    with _small_pool(database_urls) as database:
        tally = run_campaign(database, (tenant, tenant_b), operations=OPERATIONS, seed=SEED)

        _counted(tally, capsys)
        assert (tally.foreign, tally.homeless) == (0, 0)
        assert tally.rows > 100_000
        assert set(tally.faults) == set(FAULT_NAMES)
        assert sum(tally.faults.values()) > 1_000
        for each in (tenant, tenant_b):
            own = canary_of(each)
            assert tally.stored[own] > 800
            # What was acknowledged is there, what failed is not, and nothing else is.
            assert stored_names(database, each) == Counter({own: tally.stored[own]})


class _Weakened:
    """Routes of connections, which outlive their transactions."""

    def __init__(self, take: Take) -> None:
        self._take = take
        self._here = threading.local()
        self.routes: dict[int, str] = {}

    def take(self, pool: Pool, tenant_id: UUID | None) -> Lent:
        lent = self._here.lent = self._take(pool, tenant_id)
        return lent

    @property
    def driver(self) -> psycopg.Connection[Any]:
        """The connection that the present thread has taken."""
        lent: Lent = self._here.lent
        return lent.driver

    def remembering(self, beginning: str, home: Home) -> Sequence[Statement]:
        """SET for the session, and only where the connection was last used for another tenant."""
        if self.routes.get(id(self.driver)) == home.schema:
            return (Statement(beginning),)
        self.routes[id(self.driver)] = home.schema
        return Statement(beginning), Statement(f"SET search_path TO {home.schema}")

    def first_come(self, beginning: str, home: Home) -> Sequence[Statement]:
        """SET once for each connection, by the first tenant that uses it."""
        if id(self.driver) not in self.routes:
            self.driver.execute(f"SET search_path TO {home.schema}".encode())
            self.routes[id(self.driver)] = home.schema
        return (Statement(beginning),)


@pytest.mark.parametrize("weakness", ["remembering", "first_come"])
def test_the_checker_sees_a_weakened_guard(
    database_urls: DatabaseUrls,
    tenant: Tenant,
    tenant_b: Tenant,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    weakness: str,
) -> None:
    weakened = _Weakened(Pool.take)

    def take(pool: Pool, tenant_id: UUID | None) -> Lent:
        return weakened.take(pool, tenant_id)

    monkeypatch.setattr(Pool, "take", take)
    monkeypatch.setattr(transaction, "opening_of", getattr(weakened, weakness))

    with _small_pool(database_urls) as database:
        tally = run_campaign(database, (tenant, tenant_b), operations=OPERATIONS_OF_A_MUTANT, seed=SEED)

    _counted(tally, capsys)
    assert tally.foreign > 0


def test_without_any_route_nothing_can_be_read(
    database_urls: DatabaseUrls, tenant: Tenant, tenant_b: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transaction, "opening_of", lambda beginning, _home: (Statement(beginning),))

    with _small_pool(database_urls) as database:
        tally = run_campaign(database, (tenant, tenant_b), operations=320, seed=SEED)

    assert (tally.homeless, tally.rows, tally.stored) == (320, 0, Counter())
