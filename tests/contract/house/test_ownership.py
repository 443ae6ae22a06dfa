"""A table belongs to the room whose models make it: others ask that room, they do not reach into its rows."""

import re
from collections.abc import Iterator

import pytest

from infra.migrations.rows import PlatformRow, TenantRow
from tests.contract.house.sql_subset import sql_in, statements
from tests.contract.house.tidy import Source
from tests.contract.house.tree import sources

_TABLES = re.compile(r"\b(?:from|join|into|update|table) (?:only )?(?:platform\.)?(\w+)")
_CAPABILITY_DEPTH = 3
"""services/<service>/<capability>"""

GUESTS = {
    "services/billing/metering/": {"usage_facts"},  # facts are written by the platform and read by billing (ADR 0009)
    "services/scheduler.py": {"leases"},  # the one leader
}
"""Who may use a table of the platform's plumbing."""


def owners() -> dict[str, str]:
    """The folder that owns each table; the platform's tables belong to the platform as a whole."""
    rooms: dict[str, str] = {}
    for base in (PlatformRow, TenantRow):
        rooms |= dict.fromkeys((table.name for table in base.metadata.tables.values()), "services/platform/")
        for mapper in base.registry.mappers:
            parts = mapper.class_.__module__.split(".")
            if parts[1] != "platform":
                rooms[mapper.class_.__tablename__] = "/".join(parts[:_CAPABILITY_DEPTH]) + "/"
    return rooms


def trespasses(source: Source, rooms: dict[str, str]) -> Iterator[str]:
    for line, text in sql_in(source):
        for statement in statements(text):
            for table in sorted(set(_TABLES.findall(statement)) & set(rooms)):
                guests = [place for place, tables in GUESTS.items() if table in tables]
                if not source.within(rooms[table], *guests):
                    yield f"{source.path}:{line}: {table} belongs to {rooms[table]}"


def test_nobody_reaches_into_anothers_tables() -> None:
    rooms = owners()
    code = [source for source in sources() if source.path.endswith(".py") and source.within("services/")]

    assert [trespass for source in code for trespass in trespasses(source, rooms)] == []


@pytest.mark.parametrize(
    ("path", "sql", "owner"),
    [
        ("services/loyalty/purchases/repository.py", "UPDATE members SET name = %s", "services/loyalty/members/"),
        (
            "services/loyalty/purchases/queries.py",
            "SELECT 1 FROM purchases JOIN ledger_lots l ON true",
            "services/loyalty/ledger/",
        ),
        ("services/billing/metering/tasks.py", "INSERT INTO outbox (id) VALUES (%s)", "services/platform/"),
    ],
)
def test_a_planted_trespass_is_found(path: str, sql: str, owner: str) -> None:
    found = list(trespasses(Source(path, f"QUERY = {sql!r}"), owners()))

    assert len(found) == 1
    assert found[0].endswith(f"belongs to {owner}")
