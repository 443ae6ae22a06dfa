"""The product's own migration of tenants with one revision more than it has: ``python -m tests.faults.migrating``.

A process of its own, so that it can be killed. It says after each transaction how far it is.
"""

import sys
import time
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg

from services.platform.db.homes import tenant_home
from services.platform.tenancy import migrations

REVISION = "9999"
WINDOW_SECONDS = 1.0
"""How long the planted fault keeps its window open."""

SCRIPT = '''
"""A revision of the fault campaign: additive, as a release would be."""

from alembic import op

revision = "{revision}"
down_revision = "{head}"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE purchases ADD COLUMN fault_note text, ADD COLUMN fault_count bigint NOT NULL DEFAULT 0")
    op.execute("CREATE INDEX purchases_fault_idx ON purchases (fault_note) WHERE fault_note IS NOT NULL")
    op.execute("CREATE TABLE fault_notes (id uuid PRIMARY KEY, name text NOT NULL)")
'''


def write_line(folder: Path) -> None:
    """A copy of the product's migrations in ``folder``, with the revision after its newest."""
    original = migrations.MIGRATIONS
    for line in ("shared", "tenant"):
        versions = folder / line / "versions"
        versions.mkdir(parents=True)
        (folder / line / "env.py").write_text((original / line / "env.py").read_text())
        for file in (original / line / "versions").glob("*.py"):
            (versions / file.name).write_text(file.read_text())
    script = SCRIPT.format(revision=REVISION, head=migrations.head_revision())
    (folder / "tenant" / "versions" / f"{REVISION}_faults.py").write_text(script)


def record_first() -> None:
    """The planted fault: a revision is recorded before its DDL, in a transaction of its own."""
    migrate = migrations.migrate_schema

    def hasty(connection: psycopg.Connection[dict[str, object]], batch: Any, *, lock_timeout: str) -> None:
        ids = [tenant_id for tenant_id, _ in batch]
        connection.execute("UPDATE platform.tenants SET schema_revision = %s WHERE id = ANY(%s)", [REVISION, ids])
        time.sleep(WINDOW_SECONDS)
        with connection.transaction():
            connection.execute("SELECT set_config('lock_timeout', %s, true)", [lock_timeout])
            for tenant_id, revision in batch:
                migrate(connection, tenant_home(tenant_id), revision=revision)

    migrations._migrate_together = hasty  # noqa: SLF001  the one transaction


def main(words: list[str]) -> int:
    """``FOLDER URL migrate``, ``migrate-recording-first`` or ``provision TENANT``; 1 when a tenant failed."""
    folder, url, what, *rest = words
    migrations.MIGRATIONS = Path(folder)
    if what == "provision":
        migrations.provision_schema(url, tenant_home(UUID(rest[0])))
        return 0
    if what == "migrate-recording-first":
        record_first()
    failed = migrations.migrate_tenants(url, progress=lambda done, total: _say(f"{done} {total}"))
    for tenant_id, reason in failed:
        _say(f"failed {tenant_id} {reason}")
    return 1 if failed else 0


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
