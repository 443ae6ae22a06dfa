"""Backing up one tenant, and bringing it back: in its place, as it was, or as a copy under another name.

Both work on the owner's direct connection. A backup reads one snapshot while everybody goes on writing. A restore is
one transaction: the schema is made at the revision of the backup, filled, compared byte by byte with the manifest,
handed to the owners of its facts, and then migrated up. Whatever goes wrong, nothing has happened.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from psycopg import sql

from services.platform.backup.archive import BackupReader, BackupWriter, new_backup
from services.platform.backup.domain import Manifest, TableCopy, Tally
from services.platform.backup.errors import BackupDamaged, BackupFromNewerRelease, TenantNotPresent, TenantPresent
from services.platform.backup.registry_rows import restore_registry_rows
from services.platform.backup.tables import PLATFORM_ROWS, copy_in, copy_out, count, tables_of
from services.platform.clock import wall_now
from services.platform.db.homes import Home, tenant_home
from services.platform.db.session import ReadSession, UnitOfWork
from services.platform.ids import new_id
from services.platform.tenancy.domain import Tenant, TenantStatus, check_slug
from services.platform.tenancy.errors import SlugTaken
from services.platform.tenancy.migrations import head_revision, make_schema, migrate_schema
from services.platform.tenancy.registry import schema_revision, tenant_by_id, tenant_by_slug

Progress = Callable[[int, int], None]
"""Told after each step: rows done, rows in all."""
Facts = Callable[[ReadSession], Mapping[str, Any]]
"""What the owner of the tables wants to find again: sums over the home of the session, as JSON has it."""

SAME_SCAN = "SET LOCAL synchronize_seqscans TO off"
"""A table is read from its first page on, so that rows come back in the order in which they were written."""


def back_up(session: ReadSession, tenant: Tenant, file: Path, *, facts: Facts, progress: Progress) -> Manifest:
    """Write a tenant to a new file, from the one snapshot of ``session``, whose home is the tenant's.

    Raises:
        FileExistsError
    """
    schema, values = tenant.home.schema, {"tenant": tenant.id, "organization": tenant.organization_id}
    ours, theirs = tables_of(session, schema), dict(tables_of(session, "platform"))
    bar = _Bar(progress, total=sum(count(session, schema, name) for name, _ in ours))
    with new_backup(file) as backup:
        tables = [
            _add(
                backup, "platform", name, theirs[name], copy_out(session, "platform", name, theirs[name], values=values)
            )
            for name in PLATFORM_ROWS
        ]
        tables += [
            _add(backup, "tenant", name, columns, bar.watching(copy_out(session, schema, name, columns)))
            for name, columns in ours
        ]
        manifest = Manifest(
            taken_at=wall_now(),
            tenant_id=tenant.id,
            slug=tenant.slug,
            schema_revision=schema_revision(session, tenant.id),
            tables=tuple(tables),
            facts=facts(session),
        )
        backup.finish(manifest)
    return manifest


@dataclass(frozen=True, slots=True)
class Plan:
    """Where the rows of a backup go. A copy is a new tenant; else they go back to the one that they came from."""

    home: Home
    slug: str
    is_copy: bool
    replaces: bool


def plan_restore(session: ReadSession, manifest: Manifest, *, new_slug: str | None, replace: bool) -> Plan:
    """What a restore will do: a copy by the name ``new_slug``, or ``replace`` a suspended tenant, or bring one back.

    Raises:
        BackupFromNewerRelease, TenantPresent, TenantNotPresent, SlugTaken, SlugInvalid
    """
    if manifest.schema_revision > head_revision():
        raise BackupFromNewerRelease(found=manifest.schema_revision, known=head_revision())
    slug = manifest.slug if new_slug is None else check_slug(new_slug)
    same = tenant_by_id(session, manifest.tenant_id)
    if new_slug is None and replace:
        if same is None:
            raise TenantNotPresent(slug=slug)
        if same.status is not TenantStatus.SUSPENDED:
            raise TenantPresent(slug=same.slug)
        return Plan(same.home, same.slug, is_copy=False, replaces=True)
    if new_slug is None and same is not None:
        raise TenantPresent(slug=same.slug)
    if tenant_by_slug(session, slug) is not None:
        raise SlugTaken(slug=slug)
    home = tenant_home(manifest.tenant_id if new_slug is None else new_id())
    return Plan(home, slug, is_copy=new_slug is not None, replaces=False)


def restore(uow: UnitOfWork, backup: BackupReader, plan: Plan, *, facts: Facts, progress: Progress) -> Tenant:
    """Do what ``plan`` says, in ``uow``, whose home is the plan's.

    Raises:
        BackupDamaged: the file, or what the database made of it, is not what the manifest says.
        UserDiffers
    """
    manifest, home, schema = backup.manifest, plan.home, plan.home.schema
    uow.execute(SAME_SCAN)
    if plan.replaces:
        uow.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(schema)))
    else:
        restore_registry_rows(uow, _checked_members(backup, "platform"), home, slug=plan.slug, is_copy=plan.is_copy)
    make_schema(uow.connection, home, revision=manifest.schema_revision)
    ours = [table for table in manifest.tables if table.schema == "tenant"]
    bar = _Bar(progress, total=2 * sum(table.rows for table in ours))
    for table, rows in _checked_members(backup, "tenant"):
        copy_in(uow, sql.Identifier(schema, table.name), table.columns, bar.watching(rows))
    for table in ours:
        written = bar.watching(copy_out(uow, schema, table.name, table.columns))
        for _ in _checked(table, written):
            pass
    found = facts(uow)
    if found != manifest.facts:
        raise BackupDamaged(table="facts", expected=str(manifest.facts), found=str(found))
    migrate_schema(uow.connection, home, revision=manifest.schema_revision)
    restored = None if home.tenant_id is None else tenant_by_id(uow, home.tenant_id)
    assert restored is not None
    return restored


def _add(backup: BackupWriter, schema: str, name: str, columns: tuple[str, ...], data: Iterable[bytes]) -> TableCopy:
    tally = backup.add(TableCopy(schema, name, columns).member, data)
    return TableCopy(schema, name, columns, rows=tally.rows, sha256=tally.sha256)


def _checked_members(backup: BackupReader, schema: str) -> Iterator[tuple[TableCopy, Iterator[bytes]]]:
    for table in backup.manifest.tables:
        if table.schema == schema:
            yield table, _checked(table, backup.rows(table.member))


def _checked(table: TableCopy, data: Iterable[bytes]) -> Iterator[bytes]:
    """``data`` as it passes; at its end it must have been what the manifest says."""
    tally = Tally()
    for chunk in data:
        tally.add(chunk)
        yield chunk
    if (tally.rows, tally.sha256) != (table.rows, table.sha256):
        raise BackupDamaged(
            table=f"{table.schema}.{table.name}",
            expected=f"{table.rows} rows, {table.sha256}",
            found=f"{tally.rows} rows, {tally.sha256}",
        )


class _Bar:
    """Tells of rows as they pass."""

    def __init__(self, progress: Progress, *, total: int) -> None:
        self._progress, self._total, self._done = progress, total, 0

    def watching(self, data: Iterable[bytes]) -> Iterator[bytes]:
        for chunk in data:
            self._done += chunk.count(b"\n")
            self._progress(self._done, self._total)
            yield chunk
