"""Work that fails between its first statement and its commit: nobody is told that it was done."""

from datetime import UTC, datetime

import psycopg
import pytest

from services.platform.actors import SYSTEM
from services.platform.db.engine import Database, open_database
from services.platform.db.homes import PLATFORM
from services.platform.db.session import read_session, unit_of_work
from services.platform.tenancy.domain import Tenant

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
ADD_KEY = """
INSERT INTO idempotency_keys (operation, key, request_hash, result, created_at)
VALUES ('test', 'a', '', '{}', now())"""
KEYS = "SELECT key FROM idempotency_keys"


def test_a_failed_statement_that_was_swallowed_does_not_pass_for_a_commit(database: Database, tenant: Tenant) -> None:
    with (
        pytest.raises(psycopg.errors.InFailedSqlTransaction),
        unit_of_work(database, tenant.home, now=NOW, actor=SYSTEM, correlation_id="test") as uow,
    ):
        uow.execute(ADD_KEY)
        with pytest.raises(psycopg.errors.DivisionByZero):
            uow.execute("SELECT 1 / 0")

    with read_session(database, tenant.home, now=NOW) as session:
        assert session.fetch_all(KEYS) == []


def test_a_server_that_is_away_is_one_kind_of_error_for_all() -> None:
    away = open_database("postgresql://regulars_app@127.0.0.1:1/regulars", pool_size=1)

    with pytest.raises(psycopg.OperationalError), read_session(away, PLATFORM, now=NOW):
        pass
