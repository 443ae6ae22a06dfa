"""The tables of a backup: which there are, in what order they hold together, and what of the shared schema is ours."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from graphlib import TopologicalSorter
from types import MappingProxyType
from typing import Any, LiteralString

from psycopg import sql

from services.platform.db.session import ReadSession

# The schema is made anew from migrations, which write this table themselves.
TABLES = """
SELECT pg_class.oid, relname AS name, array_agg(attname::text ORDER BY attnum) AS columns
FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid AND attnum > 0 AND NOT attisdropped
WHERE relnamespace = %(schema)s::regnamespace AND relkind = 'r' AND relname <> 'alembic_version'
GROUP BY pg_class.oid, relname ORDER BY relname"""
REFERENCES = """
SELECT conrelid AS child, confrelid AS parent FROM pg_constraint
WHERE connamespace = %(schema)s::regnamespace AND contype = 'f' AND conrelid <> confrelid"""

# Not here: sessions and throttles (people log in again), leases, and the platform's own letters and keys.
PLATFORM_ROWS: Mapping[str, LiteralString] = MappingProxyType(
    {
        "organizations": "id = %(organization)s",
        "users": """id IN (SELECT user_id FROM platform.staff_grants
            WHERE tenant_id = %(tenant)s OR (organization_id = %(organization)s AND tenant_id IS NULL)
            UNION SELECT invited_by FROM platform.invitations WHERE tenant_id = %(tenant)s)""",
        "tenants": "id = %(tenant)s",
        "tenant_domains": "tenant_id = %(tenant)s",
        "api_keys": "tenant_id = %(tenant)s",
        "invitations": "tenant_id = %(tenant)s",
        "staff_grants": "tenant_id = %(tenant)s OR (organization_id = %(organization)s AND tenant_id IS NULL)",
        "usage_rollups": "tenant_id = %(tenant)s",
    }
)
"""Rows of the shared schema that a tenant can't do without, in an order in which they hold together."""


def tables_of(session: ReadSession, schema: str) -> list[tuple[str, tuple[str, ...]]]:
    """The tables of a schema with their columns; a table comes after those that it refers to."""
    by_id = {row["oid"]: row for row in session.fetch_all(TABLES, {"schema": schema})}
    order: TopologicalSorter[int] = TopologicalSorter(dict.fromkeys(by_id, ()))
    for row in session.fetch_all(REFERENCES, {"schema": schema}):
        order.add(row["child"], row["parent"])
    return [(by_id[table]["name"], tuple(by_id[table]["columns"])) for table in order.static_order()]


def copy_out(
    session: ReadSession, schema: str, table: str, columns: Sequence[str], *, values: Mapping[str, Any] | None = None
) -> Iterator[bytes]:
    """The rows of a table as COPY writes them; of a shared one, those that belong to the tenant of ``values``."""
    if values is None:
        statement = sql.SQL("COPY {}({}) TO STDOUT").format(sql.Identifier(schema, table), _list(columns))
    else:
        which = sql.SQL(PLATFORM_ROWS[table])
        statement = sql.SQL("COPY (SELECT {} FROM {} WHERE {}) TO STDOUT").format(
            _list(columns), sql.Identifier(schema, table), which
        )
    with session.connection.cursor().copy(statement, values) as copy:
        for data in copy:
            yield bytes(data)


def copy_in(session: ReadSession, target: sql.Identifier, columns: Sequence[str], data: Iterable[bytes]) -> None:
    """Write rows as COPY reads them into a table."""
    with session.connection.cursor().copy(sql.SQL("COPY {}({}) FROM STDIN").format(target, _list(columns))) as copy:
        for chunk in data:
            copy.write(chunk)


def count(session: ReadSession, schema: str, table: str) -> int:
    """The rows of a table."""
    row = session.fetch_one(sql.SQL("SELECT count(*) AS rows FROM {}").format(sql.Identifier(schema, table)))
    assert row is not None
    rows: int = row["rows"]
    return rows


def _list(columns: Sequence[str]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, columns))
