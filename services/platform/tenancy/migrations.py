"""Both lines of migrations: the shared schema by Alembic itself, tenants by DDL that Alembic renders once.

A tenant's schema changes in the same transaction as its recorded revision, so a killed run is simply run again.
"""

import io
import threading
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from psycopg import sql
from psycopg.rows import dict_row

from services.platform.db.homes import Home, tenant_home
from services.platform.tenancy.errors import ServerTooOld

MIGRATIONS = Path(__file__).resolve().parents[3] / "infra" / "migrations"
_GRANTS = (MIGRATIONS.parent / "postgres" / "tenant_grants.sql").read_text

TENANTS_PER_TRANSACTION = 20
LOCK_TIMEOUT = "4s"
CONNECT_TIMEOUT_SECONDS = 5
SERVER_VERSION_MIN = 16

# Alembic keeps the migration that it is at in its modules: two threads would write into each other's.
_RENDERING = threading.Lock()

Progress = Callable[[int, int], None]
"""Told after each step: tenants done, tenants in all."""


def migrate_shared(direct_url: str) -> None:
    """Bring the shared schema to this release's newest revision; a newer release's is left as it is.

    Raises:
        ServerTooOld: PostgreSQL below ``SERVER_VERSION_MIN``.
    """
    with psycopg.connect(direct_url) as connection:
        version = connection.info.server_version // 10_000
        found = _shared_revision(connection)
    if version < SERVER_VERSION_MIN:
        raise ServerTooOld(found=version, needed=SERVER_VERSION_MIN)
    config = _config("shared")
    config.attributes["url"] = direct_url
    if found is None or found < head_revision("shared"):
        command.upgrade(config, "head")


def head_revision(line: str = "tenant") -> str:
    """The newest revision of a line. Revisions are numbers of four digits, so their order is that of time."""
    return _head(MIGRATIONS / line)


def oldest_revision(line: str = "tenant") -> str:
    """The oldest revision that this release works on: the one before its own, so that a rollout needs no pause."""
    scripts = ScriptDirectory.from_config(_config(line))
    before = scripts.get_revision(head_revision(line)).down_revision
    return before if isinstance(before, str) else head_revision(line)


@lru_cache(maxsize=16)
def render_tenant_ddl(from_revision: str = "base", to_revision: str = "head") -> str:
    """The DDL between two revisions of the tenant line, or back, without schema names and without BEGIN."""
    output = io.StringIO()
    config = _config("tenant")
    config.output_buffer = output
    # The words "base" and "head" come after all numbers; nobody goes back from the base.
    is_back = from_revision != "base" and to_revision < from_revision
    go = command.downgrade if is_back else command.upgrade
    with _RENDERING:
        go(config, f"{from_revision}:{to_revision}", sql=True)
    return output.getvalue()


def provision_schema(direct_url: str, home: Home) -> None:
    """Make a tenant's schema from one prepared script, in one transaction; a schema that is there is left alone."""
    with psycopg.connect(direct_url, autocommit=True) as connection, connection.transaction():
        # Two runs for one tenant take turns at its row in the registry.
        connection.execute("SELECT id FROM platform.tenants WHERE id = %s FOR UPDATE", [home.tenant_id])
        if not _has_schema(connection, home):
            make_schema(connection, home)
        connection.execute(
            "UPDATE platform.tenants SET schema_revision = %s,"
            " status = CASE WHEN status = 'provisioning' THEN 'active' ELSE status END WHERE id = %s",
            [head_revision(), home.tenant_id],
        )


def make_schema(connection: psycopg.Connection[Any], home: Home, *, revision: str = "head") -> None:
    """Make a tenant's schema at a revision, within the transaction of the owner's ``connection``."""
    schema = sql.Identifier(home.schema)
    # On Citus the schema's tables stay on one node; elsewhere the setting means nothing.
    connection.execute("SET LOCAL citus.enable_schema_based_sharding TO on")
    connection.execute(sql.SQL("CREATE SCHEMA {}").format(schema))
    connection.execute(sql.SQL("SET LOCAL search_path TO {}").format(schema))
    connection.execute(sql.SQL(_GRANTS()).format(schema=schema))
    connection.execute(render_tenant_ddl("base", revision).encode())


def migrate_schema(connection: psycopg.Connection[Any], home: Home, *, revision: str) -> None:
    """Bring a tenant's schema from ``revision`` to the newest one, and record it, in ``connection``'s transaction."""
    connection.execute(sql.SQL("SET LOCAL search_path TO {}").format(sql.Identifier(home.schema)))
    if revision != head_revision():
        connection.execute(render_tenant_ddl(revision).encode())
    connection.execute(
        "UPDATE platform.tenants SET schema_revision = %s WHERE id = %s", [head_revision(), home.tenant_id]
    )


def pending_tenants(direct_url: str) -> tuple[tuple[UUID, str], ...]:
    """Tenants at an older revision, with the one that they are at; those of a newer release are left alone."""
    query = (
        "SELECT id, schema_revision FROM platform.tenants"
        " WHERE status <> 'provisioning' AND schema_revision < %s ORDER BY id"
    )
    with psycopg.connect(direct_url, autocommit=True) as connection:
        return tuple(connection.execute(query, [head_revision()]).fetchall())


def migrate_tenants(direct_url: str, *, progress: Progress) -> tuple[tuple[UUID, str], ...]:
    """Bring every tenant to the newest revision; those that failed, with the reason, which never stops the rest."""
    pending = pending_tenants(direct_url)
    failed: list[tuple[UUID, str]] = []
    with psycopg.connect(direct_url, autocommit=True, row_factory=dict_row) as connection:
        for start in range(0, len(pending), TENANTS_PER_TRANSACTION):
            batch = pending[start : start + TENANTS_PER_TRANSACTION]
            failed.extend(_migrate_batch(connection, batch))
            progress(start + len(batch), len(pending))
    return tuple(failed)


def migrate_tenant(direct_url: str, tenant_id: UUID, *, lock_seconds: float) -> None:
    """Bring one tenant to the newest revision; nothing where it is there already, or further.

    No lock is waited for longer than ``lock_seconds``.

    Raises:
        psycopg.Error: a lock was not to be had in time, or the server is away. Nothing has changed then.
    """
    timeout = f"{round(lock_seconds * 1_000)}ms"
    with psycopg.connect(
        direct_url, autocommit=True, row_factory=dict_row, connect_timeout=CONNECT_TIMEOUT_SECONDS
    ) as connection:
        row = connection.execute(
            "SELECT schema_revision FROM platform.tenants WHERE id = %s AND schema_revision < %s",
            [tenant_id, head_revision()],
        ).fetchone()
        if row is not None:
            _migrate_together(connection, [(tenant_id, str(row["schema_revision"]))], lock_timeout=timeout)


def _migrate_batch(
    connection: psycopg.Connection[dict[str, object]], batch: Sequence[tuple[UUID, str]]
) -> list[tuple[UUID, str]]:
    try:
        _migrate_together(connection, batch, lock_timeout=LOCK_TIMEOUT)
    except psycopg.Error as error:
        if len(batch) == 1:
            return [(batch[0][0], str(error))]
        # One of them stands in the way: go one by one, so that only that one stays behind.
        return [failure for tenant in batch for failure in _migrate_batch(connection, [tenant])]
    return []


def _migrate_together(
    connection: psycopg.Connection[dict[str, object]], batch: Sequence[tuple[UUID, str]], *, lock_timeout: str
) -> None:
    with connection.transaction():
        connection.execute("SELECT set_config('lock_timeout', %s, true)", [lock_timeout])
        for tenant_id, revision in batch:
            # Two runs take turns at the tenant's row, and the second finds the work done.
            locked = connection.execute(
                "SELECT id FROM platform.tenants WHERE id = %s AND schema_revision = %s FOR UPDATE",
                [tenant_id, revision],
            ).fetchone()
            if locked is None:
                continue
            migrate_schema(connection, tenant_home(tenant_id), revision=revision)


@lru_cache(maxsize=16)
def _head(folder: Path) -> str:
    # Every request asks, and the answer stays while the release runs.
    head = ScriptDirectory.from_config(_config(folder.name)).get_current_head()
    assert head is not None
    return head


def _shared_revision(connection: psycopg.Connection[tuple[Any, ...]]) -> str | None:
    if connection.execute("SELECT to_regclass('platform.alembic_version') IS NULL").fetchone() == (True,):
        return None
    row = connection.execute("SELECT version_num FROM platform.alembic_version").fetchone()
    return None if row is None else str(row[0])


def _has_schema(connection: psycopg.Connection[tuple[object, ...]], home: Home) -> bool:
    found = connection.execute("SELECT 1 FROM pg_namespace WHERE nspname = %s", [home.schema]).fetchone()
    return found is not None


def _config(line: str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS / line))
    config.set_main_option("path_separator", "newline")
    return config
