"""All that a database holds, to show that a refusal wrote nothing."""

import hashlib

import psycopg
from psycopg import sql

PAGES = "pg_relation_size((quote_ident(schemaname) || '.' || quote_ident(tablename))::regclass)"
TABLES = f"""
SELECT schemaname, tablename, {PAGES} > 0 AS has_pages FROM pg_tables
WHERE schemaname = 'platform' OR schemaname LIKE 't\\_%' ORDER BY schemaname, tablename"""
NO_ROWS = hashlib.md5(b"", usedforsecurity=False).hexdigest()
"""The digest of a table without rows. Most tables of a test have no page, and need not be asked."""

DIGEST = sql.SQL(
    "SELECT {name} AS name, md5(coalesce(string_agg(row::text, ',' ORDER BY row::text), ''))"
    " FROM {table} AS row {where}"
)
# The cost of every operation is metered, of refused ones too.
METERED = sql.SQL("WHERE meter <> 'api_cost'")
EVERYTHING = sql.SQL("")


def snapshot(owner_url: str) -> dict[str, str]:
    """A digest of the rows of every table in every home."""
    with psycopg.connect(owner_url, autocommit=True) as connection:
        tables = connection.execute(TABLES.encode()).fetchall()
        digests = [
            DIGEST.format(
                name=sql.Literal(f"{schema}.{table}"),
                table=sql.Identifier(schema, table),
                where=METERED if table == "usage_facts" else EVERYTHING,
            )
            for schema, table, has_pages in tables
            if has_pages
        ]
        empty = {f"{schema}.{table}": NO_ROWS for schema, table, _ in tables}
        return empty | dict(connection.execute(sql.SQL(" UNION ALL ").join(digests)).fetchall())
