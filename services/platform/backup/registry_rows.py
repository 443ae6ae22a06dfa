"""What the shared schema says of a tenant, brought back beside what it says of others."""

from collections.abc import Iterable, Iterator

from psycopg import sql

from services.platform.backup.domain import TableCopy
from services.platform.backup.errors import UserDiffers
from services.platform.backup.tables import copy_in
from services.platform.db.homes import Home
from services.platform.db.session import UnitOfWork
from services.platform.ids import new_id

KEPT_BY_A_COPY = frozenset({"organizations", "users", "tenants", "staff_grants"})
"""A copy is a tenant of its own: hosts, keys and invitations lead to the original, and its usage is billed there."""
SHARED_WITH_OTHERS = frozenset({"organizations", "users", "staff_grants"})
"""Where a row that is there already stays as it is: it is newer, and not this tenant's alone."""

STRANGER = """
SELECT email FROM pg_temp.restored_users JOIN platform.users USING (email)
WHERE restored_users.id <> users.id ORDER BY email LIMIT 1"""
AS_COPY = """
UPDATE pg_temp.restored_tenants SET id = %(id)s, slug = %(slug)s, schema_name = %(schema)s, status = 'suspended',
    suspended_at = %(now)s"""
GRANTS = "SELECT id FROM pg_temp.restored_staff_grants WHERE tenant_id IS NOT NULL ORDER BY id"
GRANTS_OF_COPY = """
UPDATE pg_temp.restored_staff_grants SET id = renewed.new_id, tenant_id = %(tenant)s
FROM unnest(%(old_ids)s::uuid[], %(new_ids)s::uuid[]) AS renewed (old_id, new_id) WHERE id = renewed.old_id"""


def restore_registry_rows(
    uow: UnitOfWork,
    members: Iterable[tuple[TableCopy, Iterator[bytes]]],
    home: Home,
    *,
    slug: str,
    is_copy: bool,
) -> None:
    """Bring back the rows of the shared schema; a copy's get new ids, and it begins suspended: its letters are doubles.

    Raises:
        UserDiffers
    """
    kept: list[TableCopy] = []
    for table, rows in members:
        target = _restored(table.name)
        uow.execute(
            sql.SQL("CREATE TEMPORARY TABLE {} (LIKE {} INCLUDING DEFAULTS) ON COMMIT DROP").format(
                target, sql.Identifier("platform", table.name)
            )
        )
        copy_in(uow, target, table.columns, rows)
        if not is_copy or table.name in KEPT_BY_A_COPY:
            kept.append(table)
    stranger = uow.fetch_one(STRANGER)
    if stranger is not None:
        raise UserDiffers(email=stranger["email"])
    if is_copy:
        uow.execute(AS_COPY, {"id": home.tenant_id, "slug": slug, "schema": home.schema, "now": uow.now})
        old_ids = [row["id"] for row in uow.fetch_all(GRANTS)]
        new_ids = [new_id() for _ in old_ids]
        uow.execute(GRANTS_OF_COPY, {"old_ids": old_ids, "new_ids": new_ids, "tenant": home.tenant_id})
    for table in kept:
        columns = sql.SQL(", ").join(map(sql.Identifier, table.columns))
        conflict = sql.SQL("ON CONFLICT (id) DO NOTHING" if table.name in SHARED_WITH_OTHERS else "")
        uow.execute(
            sql.SQL("INSERT INTO {} ({}) SELECT {} FROM {} {}").format(
                sql.Identifier("platform", table.name), columns, columns, _restored(table.name), conflict
            )
        )


def _restored(table: str) -> sql.Identifier:
    return sql.Identifier("pg_temp", f"restored_{table}")
