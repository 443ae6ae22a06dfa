"""All that a database holds, to show that a refusal wrote nothing."""

import psycopg
from psycopg import sql

TABLES = """
SELECT schemaname, tablename FROM pg_tables
WHERE schemaname = 'platform' OR schemaname LIKE 't\\_%' ORDER BY schemaname, tablename"""

# The cost of every operation is metered, refused ones too.
UNCOUNTED = {"usage_facts": "WHERE meter <> 'api_cost'"}


def snapshot(owner_url: str) -> dict[str, str]:
    """A digest of the rows of every table in every home."""
    digests: dict[str, str] = {}
    with psycopg.connect(owner_url, autocommit=True) as connection:
        for schema, table in connection.execute(TABLES).fetchall():
            query = sql.SQL("SELECT md5(coalesce(string_agg(row::text, ',' ORDER BY row::text), '')) FROM {} AS row {}")
            where = sql.SQL(UNCOUNTED.get(table, ""))  # type: ignore[arg-type]  a literal of the table above
            row = connection.execute(query.format(sql.Identifier(schema, table), where)).fetchone()
            assert row is not None
            digests[f"{schema}.{table}"] = row[0]
    return digests
