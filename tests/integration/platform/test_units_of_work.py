"""Homes and transactions: a unit of work sees its own home only, and leaves its connection clean."""

from contextlib import suppress
from datetime import UTC, datetime

import psycopg
import pytest

from services.platform.actors import SYSTEM
from services.platform.db import pool
from services.platform.db.engine import Database, open_database
from services.platform.db.homes import PLATFORM, Home
from services.platform.db.pool import DISTINCT_TENANTS_MAX
from services.platform.db.session import ReadSession, read_session, unit_of_work
from services.platform.ids import new_id
from services.platform.tenancy.domain import Tenant
from tests.support.tenants import DatabaseUrls

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
ADD_STORE = """
INSERT INTO stores (id, code, name, timezone, currency, created_at)
VALUES (%(id)s, %(code)s, 'Main', 'Asia/Shanghai', 'CNY', %(now)s)"""
CODES = "SELECT code FROM stores ORDER BY code"


def _add_store(database: Database, home: Home, code: str) -> None:
    with unit_of_work(database, home, now=NOW, actor=SYSTEM, correlation_id="test") as uow:
        uow.execute(ADD_STORE, {"id": new_id(), "code": code, "now": NOW})


def _codes(database: Database, home: Home) -> list[str]:
    with read_session(database, home, now=NOW) as session:
        return [row["code"] for row in session.fetch_all(CODES)]


def _backend(session: ReadSession) -> int:
    """The server's own process: what a connection knows of it may be a pooler's invention."""
    row = session.fetch_one("SELECT pg_backend_pid() AS pid")
    assert row is not None
    pid: int = row["pid"]
    return pid


def test_each_home_has_its_own_rows_over_one_connection(
    database_urls: DatabaseUrls, tenant: Tenant, tenant_b: Tenant
) -> None:
    database = open_database(database_urls.app, pool_size=1)

    _add_store(database, tenant.home, "a")
    _add_store(database, tenant_b.home, "b")

    assert _codes(database, tenant.home) == ["a"]
    assert _codes(database, tenant_b.home) == ["b"]
    database.close()


def test_work_without_a_home_finds_no_table(database: Database) -> None:
    lent = database.pool.take(None)
    with pytest.raises(psycopg.errors.UndefinedTable):
        lent.driver.execute("SELECT 1 FROM stores")
    database.pool.give_back(lent)


def test_an_error_rolls_back_and_the_connection_serves_the_next_home(
    database_urls: DatabaseUrls, tenant: Tenant, tenant_b: Tenant
) -> None:
    database = open_database(database_urls.app, pool_size=1)
    with (
        pytest.raises(psycopg.errors.DivisionByZero),
        unit_of_work(database, tenant.home, now=NOW, actor=SYSTEM, correlation_id="test") as uow,
    ):
        uow.execute(ADD_STORE, {"id": new_id(), "code": "lost", "now": NOW})
        uow.execute("SELECT 1/0")

    assert _codes(database, tenant.home) == []
    assert _codes(database, tenant_b.home) == []
    database.close()


def test_a_reader_can_not_write(database: Database, tenant: Tenant) -> None:
    with (
        read_session(database, tenant.home, now=NOW) as session,
        pytest.raises(psycopg.errors.ReadOnlySqlTransaction),
    ):
        session.fetch_all("DELETE FROM stores RETURNING code")


def test_a_reader_sees_one_snapshot(database: Database, tenant: Tenant) -> None:
    with read_session(database, tenant.home, now=NOW) as session:
        before = session.fetch_all(CODES)
        _add_store(database, tenant.home, "later")
        after = session.fetch_all(CODES)

    assert before == after == []
    assert _codes(database, tenant.home) == ["later"]


def test_connections_from_before_a_restart_are_replaced(database_urls: DatabaseUrls, tenant: Tenant) -> None:
    database = open_database(database_urls.app, pool_size=1)
    with read_session(database, tenant.home, now=NOW) as session:
        old = _backend(session)
    with psycopg.connect(database_urls.server.superuser_url) as superuser:
        superuser.execute("SELECT pg_terminate_backend(%s, 5000)", [old])

    with read_session(database, tenant.home, now=NOW) as session:
        assert _backend(session) != old
    database.close()


def test_a_server_that_is_away_is_the_drivers_error(tenant: Tenant) -> None:
    nobody = open_database("postgresql://regulars_app@127.0.0.1:1/regulars", pool_size=1)

    with pytest.raises(psycopg.OperationalError), read_session(nobody, tenant.home, now=NOW):
        pass


def test_a_pool_without_a_free_connection_is_the_drivers_error(
    database_urls: DatabaseUrls, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "WAIT_SECONDS_MAX", 0.01)
    database = open_database(database_urls.app, pool_size=1)

    with (
        read_session(database, tenant.home, now=NOW),
        pytest.raises(psycopg.OperationalError, match="came free in time"),
        read_session(database, tenant.home, now=NOW),
    ):
        pass
    database.close()


def test_a_unit_of_work_that_went_on_after_a_failed_statement_is_not_told_as_done(
    database: Database, tenant: Tenant
) -> None:
    with (
        pytest.raises(psycopg.errors.InFailedSqlTransaction),
        unit_of_work(database, tenant.home, now=NOW, actor=SYSTEM, correlation_id="test") as uow,
    ):
        uow.execute(ADD_STORE, {"id": new_id(), "code": "lost", "now": NOW})
        with suppress(psycopg.errors.DivisionByZero):
            uow.execute("SELECT 1/0")

    assert _codes(database, tenant.home) == []


def test_a_connection_is_closed_after_many_tenants(database_urls: DatabaseUrls, tenant: Tenant) -> None:
    database = open_database(database_urls.app, pool_size=1)

    def backend(home: Home) -> int:
        with read_session(database, home, now=NOW) as session:
            return session.connection.info.backend_pid

    first = backend(PLATFORM)
    strangers = [Home(f"t_{number:012x}", new_id()) for number in range(DISTINCT_TENANTS_MAX)]
    during = {backend(home) for home in strangers}

    assert during == {first}
    assert backend(tenant.home) != first
    database.close()


@pytest.mark.parametrize("schema", ["public", "t_", "t_0123456789AB", 't_0123456789ab"; DROP', "platform "])
def test_no_other_name_can_be_a_home(schema: str) -> None:
    with pytest.raises(ValueError, match="not a home"):
        Home(schema, new_id())


def test_the_ledger_can_not_be_changed_by_anyone(
    database_urls: DatabaseUrls, database: Database, tenant: Tenant
) -> None:
    tables = ("ledger_entries", "ledger_postings", "ledger_lot_movements")
    for table in tables:
        for change in (f"DELETE FROM {table}", f"UPDATE {table} SET entry_id = entry_id", f"TRUNCATE {table} CASCADE"):
            with (
                pytest.raises(psycopg.Error),
                unit_of_work(database, tenant.home, now=NOW, actor=SYSTEM, correlation_id="test") as uow,
            ):
                uow.execute(change.encode())

    with psycopg.connect(database_urls.owner) as owner:
        owner.execute(f"SET search_path TO {tenant.home.schema}".encode())
        for table in tables:
            with pytest.raises(psycopg.errors.RestrictViolation), owner.transaction():
                owner.execute(f"TRUNCATE {table} CASCADE".encode())
