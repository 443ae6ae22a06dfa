"""What goes over the wire: every type of value, every kind of failure, and when things are said."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg import sql
from psycopg.types.json import Jsonb

from services.platform.actors import SYSTEM
from services.platform.db import wire
from services.platform.db.engine import Database, open_database
from services.platform.db.session import CommitOutcomeUnknown, Statement, UnitOfWork, read_session, unit_of_work
from services.platform.ids import new_id
from services.platform.tenancy.domain import Tenant
from tests.support.tenants import DatabaseUrls

NOW = datetime(2026, 11, 22, 12, 30, 15, 123456, tzinfo=UTC)
ID = UUID("01900000-0000-7000-8000-000000000001")
OTHER = UUID("01900000-0000-7000-8000-000000000002")
KEEP = "INSERT INTO idempotency_keys (operation, key, request_hash, created_at) VALUES ('t', %(key)s, 'x', %(now)s)"
KEPT = "SELECT key FROM idempotency_keys WHERE operation = 't' ORDER BY key"


class Color(StrEnum):
    RED = "red"


@pytest.fixture(params=[False, True], ids=["sent whole", "prepared"])
def database(request: pytest.FixtureRequest, database_urls: DatabaseUrls) -> Iterator[Database]:
    # Statements are prepared only where no pooler mixes them.
    url = database_urls.server.direct_app_url(database_urls.name) if request.param else database_urls.app
    opened = open_database(url, pool_size=2, is_prepared=request.param)
    yield opened
    opened.close()


VALUES: list[tuple[str, Any, Any]] = [
    ("text", None, None),
    ("text", "plain", "plain"),
    ("text", "喜 'quoted' \"twice\" \\ {a,b} %s", "喜 'quoted' \"twice\" \\ {a,b} %s"),
    ("text", "", ""),
    ("text", Color.RED, "red"),
    ("boolean", True, True),
    ("bigint", 0, 0),
    ("bigint", -(2**63), -(2**63)),
    ("bigint", 2**53 - 1, 2**53 - 1),
    ("numeric", Decimal("12.3400"), Decimal("12.3400")),
    ("bytea", b"\x00\xff'\\", b"\x00\xff'\\"),
    ("uuid", ID, ID),
    ("date", date(2026, 2, 28), date(2026, 2, 28)),
    ("timestamptz", NOW, NOW),
    ("jsonb", Jsonb({"a": [1, None, "ü"]}), {"a": [1, None, "ü"]}),
    ("jsonb", Jsonb(None), None),
    ("uuid[]", [ID, OTHER], [ID, OTHER]),
    ("bigint[]", [1, -2], [1, -2]),
    ("timestamptz[]", [NOW], [NOW]),
    ("text[]", ["a", "", 'q"{,}\\', "NULL", "喜 "], ["a", "", 'q"{,}\\', "NULL", "喜 "]),
    ("numeric[]", [Decimal("1.50")], [Decimal("1.50")]),
    ("text[]", [], []),
    ("uuid[]", [], []),
]


@pytest.mark.parametrize(("kind", "value", "expected"), VALUES)
def test_every_type_goes_there_and_back(
    database: Database, tenant: Tenant, kind: str, value: Any, expected: Any
) -> None:
    with read_session(database, tenant.home, now=NOW) as session:
        for _ in range(2):  # the second time by what was prepared
            row = session.fetch_one(f"SELECT %(value)s::{kind} AS value".encode(), {"value": value})
            assert row == {"value": expected}


def test_placeholders(database: Database, tenant: Tenant) -> None:
    with read_session(database, tenant.home, now=NOW) as session:
        twice = session.fetch_one(
            "SELECT %(a)s::text || %(b)s::text || %(a)s::text AS x, 7 %% 4 AS y", {"a": "a", "b": "b", "unused": 1}
        )
        composed = session.fetch_one(sql.SQL("SELECT {} AS x, %(b)s::text AS y").format(sql.Literal("l")), {"b": "b"})

    assert (twice, composed) == ({"x": "aba", "y": 3}, {"x": "l", "y": "b"})


def test_a_value_that_nobody_can_write_is_our_error_and_the_transaction_goes_on(
    database: Database, tenant: Tenant
) -> None:
    with _uow(database, tenant) as uow:
        _keep(uow, "a")
        with pytest.raises(psycopg.ProgrammingError):
            uow.fetch_all("SELECT %(x)s", {"x": object()})
        with pytest.raises(KeyError):
            uow.fetch_all("SELECT %(x)s", {})
        _keep(uow, "b")

    assert _kept(database, tenant) == ["a", "b"]


def test_what_follows_a_failed_statement_is_not_run(database: Database, tenant: Tenant) -> None:
    for is_last in (True, False, True):  # again, with what was prepared on the way
        with pytest.raises(psycopg.errors.DivisionByZero), _uow(database, tenant) as uow:
            uow.fetch_pipeline([_keeping("a"), Statement("SELECT 1/0"), _keeping("b")], is_last=is_last)

    assert _kept(database, tenant) == []
    with _uow(database, tenant) as uow:
        uow.fetch_pipeline([_keeping("a"), _keeping("b")], is_last=True)
    assert _kept(database, tenant) == ["a", "b"]


def test_a_savepoint_survives_a_failure_in_the_last_message(database: Database, tenant: Tenant) -> None:
    with _uow(database, tenant) as uow:
        _keep(uow, "a")
        with pytest.raises(psycopg.errors.UniqueViolation):
            uow.fetch_pipeline([Statement("SAVEPOINT here"), _keeping("b"), _keeping("a")], is_last=True)
        uow.execute("ROLLBACK TO SAVEPOINT here")
        uow.fetch_pipeline([_keeping("c")], is_last=True)

    assert _kept(database, tenant) == ["a", "c"]


def test_nothing_follows_the_last_statements(database: Database, tenant: Tenant) -> None:
    with _uow(database, tenant) as uow:
        uow.fetch_pipeline([_keeping("a")], is_last=True)
        with pytest.raises(AssertionError, match="nothing follows"):
            uow.fetch_all(KEPT)

    assert _kept(database, tenant) == ["a"]


def test_a_connection_that_breaks_in_a_message_with_a_commit_leaves_the_outcome_open(
    database: Database, tenant: Tenant
) -> None:
    with pytest.raises(CommitOutcomeUnknown), _uow(database, tenant) as uow:
        end = Statement("SELECT pg_terminate_backend(pg_backend_pid())")
        uow.fetch_pipeline([_keeping("a"), end], is_last=True)
    with pytest.raises(psycopg.OperationalError), _uow(database, tenant) as uow:
        uow.fetch_pipeline([_keeping("a"), end])

    assert _kept(database, tenant) == []
    assert database.pool.in_use == 0


def test_a_refusal_before_the_commit_is_no_open_outcome(database: Database, tenant: Tenant) -> None:
    with pytest.raises(psycopg.errors.QueryCanceled), _uow(database, tenant) as uow:
        uow.execute("SET LOCAL statement_timeout TO 20")
        uow.fetch_pipeline([Statement("SELECT pg_sleep(5)"), _keeping("a")], is_last=True)


def test_more_statements_than_are_kept_prepared(
    database: Database, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "PREPARED_MAX", 3)
    with read_session(database, tenant.home, now=NOW) as session:
        for _ in range(2):
            for number in range(6):
                assert session.fetch_all(f"SELECT {number} AS x".encode()) == [{"x": number}]


def test_a_prepared_statement_that_the_server_forgot_costs_one_connection(
    database_urls: DatabaseUrls, tenant: Tenant
) -> None:
    database = open_database(database_urls.app, pool_size=1, is_prepared=True)
    assert _kept(database, tenant) == []
    lent = database.pool.take(tenant.id)
    lent.driver.execute("DEALLOCATE ALL")
    database.pool.give_back(lent)

    with pytest.raises(psycopg.errors.InvalidSqlStatementName):
        _kept(database, tenant)

    assert _kept(database, tenant) == []
    database.close()


def test_a_tenant_gets_the_connection_that_worked_for_it(
    database_urls: DatabaseUrls, tenant: Tenant, tenant_b: Tenant
) -> None:
    pool = open_database(database_urls.app, pool_size=2, is_prepared=True).pool
    first, second = pool.take(tenant.id), pool.take(tenant_b.id)
    assert (pool.size, pool.in_use, pool.idle, pool.waiting) == (2, 2, 0, 0)
    pool.give_back(first)
    pool.give_back(second)

    assert pool.take(tenant.id) is first
    assert pool.take(tenant.id) is second
    pool.close()
    pool.give_back(first)
    pool.give_back(second)
    assert (pool.in_use, pool.idle) == (0, 0)
    assert (first.driver.closed, second.driver.closed) == (True, True)


def _uow(database: Database, tenant: Tenant) -> Any:
    return unit_of_work(database, tenant.home, now=NOW, actor=SYSTEM, correlation_id=str(new_id()))


def _keeping(key: str) -> Statement:
    return Statement(KEEP, {"key": key, "now": NOW})


def _keep(uow: UnitOfWork, key: str) -> None:
    assert uow.execute(KEEP, {"key": key, "now": NOW}) == 1


def _kept(database: Database, tenant: Tenant) -> list[str]:
    with read_session(database, tenant.home, now=NOW) as session:
        return [row["key"] for row in session.fetch_all(KEPT)]
