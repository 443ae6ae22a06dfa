"""S2: two tenants on 32 threads over a few connections, with errors, cancels and lost connections thrown in.

The same checker goes red when the guard (``SET LOCAL`` in the message that begins every transaction) is weakened.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

import psycopg
import pytest
from sqlalchemy import Connection

from services.platform.db import session as guarded
from services.platform.db.engine import Database, open_database
from services.platform.tenancy.domain import Tenant
from tests.integration.tenancy.two_tenants import FAULT_NAMES, Tally, canary_of, run_campaign, stored_names
from tests.support.tenants import DatabaseUrls

POOL_SIZE = 3
OPERATIONS = 6_000
OPERATIONS_OF_A_MUTANT = 1_600
SEED = 20261122

Begin = Callable[[Database, str], tuple[Connection, psycopg.Connection[Any]]]


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


def _remembering(begin: Begin) -> Begin:
    """SET for the session, and only where the connection was last used for another tenant."""

    def mutant(database: Database, message: str) -> tuple[Connection, psycopg.Connection[Any]]:
        opening, _, route = message.partition("; SET LOCAL search_path TO ")
        connection, driver = begin(database, opening)
        if connection.info.get("route") != route:
            driver.execute(f"SET search_path TO {route}".encode())
            connection.info["route"] = route
        return connection, driver

    return mutant


def _first_come(begin: Begin) -> Begin:
    """SET once for each connection, by the first tenant that uses it."""

    def mutant(database: Database, message: str) -> tuple[Connection, psycopg.Connection[Any]]:
        opening, _, route = message.partition("; SET LOCAL search_path TO ")
        connection, driver = begin(database, "SELECT 1")
        if "route" not in connection.info:
            driver.execute(f"SET search_path TO {route}".encode())
            connection.info["route"] = route
        driver.execute(opening.encode())
        return connection, driver

    return mutant


@pytest.mark.parametrize("weaken", [_remembering, _first_come])
def test_the_checker_sees_a_weakened_guard(
    database_urls: DatabaseUrls,
    tenant: Tenant,
    tenant_b: Tenant,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    weaken: Callable[[Begin], Begin],
) -> None:
    monkeypatch.setattr(guarded, "_begin", weaken(guarded._begin))  # noqa: SLF001  the guard itself

    with _small_pool(database_urls) as database:
        tally = run_campaign(database, (tenant, tenant_b), operations=OPERATIONS_OF_A_MUTANT, seed=SEED)

    _counted(tally, capsys)
    assert tally.foreign > 0


def test_without_any_route_nothing_can_be_read(
    database_urls: DatabaseUrls, tenant: Tenant, tenant_b: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin = guarded._begin  # noqa: SLF001  the guard itself
    monkeypatch.setattr(guarded, "_begin", lambda database, message: begin(database, message.partition(";")[0]))

    with _small_pool(database_urls) as database:
        tally = run_campaign(database, (tenant, tenant_b), operations=320, seed=SEED)

    assert (tally.homeless, tally.rows, tally.stored) == (320, 0, Counter())
