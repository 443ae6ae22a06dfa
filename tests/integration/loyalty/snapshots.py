"""What a tenant's whole schema holds, to show that a refusal changed nothing."""

from typing import Any

import psycopg
from psycopg import sql

from services.platform.db.homes import Home

TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = %s ORDER BY tablename"
CONTENT = "SELECT count(*) AS rows, md5(coalesce(string_agg(t::text, chr(10) ORDER BY t::text), '')) FROM {} AS t"


def snapshot(owner_url: str, home: Home) -> dict[str, tuple[int, str]]:
    """The number of rows and a digest of each table."""
    with psycopg.connect(owner_url, autocommit=True) as connection:
        tables = [row[0] for row in connection.execute(TABLES, [home.schema]).fetchall()]
        return {table: _content(connection, home, table) for table in tables}


def _content(connection: psycopg.Connection[Any], home: Home, table: str) -> tuple[int, str]:
    query = sql.SQL(CONTENT).format(sql.Identifier(home.schema, table))
    row = connection.execute(query).fetchone()
    assert row is not None
    return row[0], row[1]
