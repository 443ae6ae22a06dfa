"""One question to many tenants: a statement over up to ``SCHEMAS_PER_STATEMENT`` schemas, instead of one for each."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from psycopg import sql
from psycopg.rows import DictRow

from services.platform.db.homes import Home
from services.platform.db.session import ReadSession

SCHEMAS_PER_STATEMENT = 50


def ask_tenants(
    session: ReadSession, homes: Sequence[Home], branch: sql.SQL, values: Mapping[str, Any]
) -> Iterator[tuple[Home, DictRow]]:
    """The rows that ``branch`` finds in each home, with the home.

    ``branch`` writes its tables as ``{schema}.table`` and limits its own rows.
    """
    by_schema = {home.schema: home for home in homes}
    for start in range(0, len(homes), SCHEMAS_PER_STATEMENT):
        branches = [
            sql.SQL("SELECT {name} AS home_schema, found.* FROM ({branch}) AS found").format(
                name=sql.Literal(home.schema), branch=branch.format(schema=sql.Identifier(home.schema))
            )
            for home in homes[start : start + SCHEMAS_PER_STATEMENT]
        ]
        for row in session.fetch_all(sql.SQL(" UNION ALL ").join(branches), values):
            yield by_schema[row["home_schema"]], row
