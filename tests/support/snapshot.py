"""All that a database holds, to show that a refusal wrote nothing."""

import psycopg
from psycopg import sql

TABLES = """
SELECT schemaname, tablename FROM pg_tables
WHERE schemaname = 'platform' OR schemaname LIKE 't\\_%' ORDER BY schemaname, tablename"""

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
        digests = [
            DIGEST.format(
                name=sql.Literal(f"{schema}.{table}"),
                table=sql.Identifier(schema, table),
                where=METERED if table == "usage_facts" else EVERYTHING,
            )
            for schema, table in connection.execute(TABLES).fetchall()
        ]
        return dict(connection.execute(sql.SQL(" UNION ALL ").join(digests)).fetchall())
