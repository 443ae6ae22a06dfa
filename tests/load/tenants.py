"""How long it takes to create a tenant in a database that holds others already, and to migrate them all."""

from datetime import timedelta

import psycopg
from psycopg import sql

from services.platform.actors import SYSTEM
from services.platform.clock import monotonic, wall_now
from services.platform.db.engine import open_database
from services.platform.db.homes import PLATFORM, Home, tenant_home
from services.platform.db.session import unit_of_work
from services.platform.embedded.postgres import SUPERUSER, EmbeddedPostgres, apply_roles, make_database
from services.platform.ids import new_id
from services.platform.tenancy.domain import NewTenant, TenantMode
from services.platform.tenancy.migrations import (
    TENANTS_PER_TRANSACTION,
    head_revision,
    migrate_shared,
    migrate_tenants,
    oldest_revision,
    provision_schema,
    render_tenant_ddl,
)
from services.platform.tenancy.registry import insert_organization, insert_tenant
from tests.load.measuring import Sample


class TenantCreation:
    """Registers one tenant and makes its schema, in a database of its own on the server of the stage."""

    def __init__(self, postgres: EmbeddedPostgres, *, present: int) -> None:
        self.name = f"with {present:,} present"
        database = f"bench_{present}_present"
        make_database(postgres.url(role=SUPERUSER, database="postgres"), database)
        apply_roles(postgres.url(role=SUPERUSER, database=database))
        self._app_url = postgres.url(role="regulars_app", database=database)
        self.owner_url = postgres.url(role="regulars_owner", database=database)
        migrate_shared(self.owner_url)
        for _ in range(present):
            self.run(0)
        with psycopg.connect(postgres.superuser_url, autocommit=True) as connection:
            # What filling has left to write is not the next tenant's burden.
            connection.execute("CHECKPOINT")

    def run(self, seconds: int) -> Sample:
        """Create one tenant, however long that takes."""
        began = monotonic()
        tenant_id, now = new_id(), wall_now()
        database = open_database(self._app_url, pool_size=1)
        with unit_of_work(database, PLATFORM, now=now, actor=SYSTEM, correlation_id="bench") as uow:
            organization_id = new_id()
            insert_organization(uow, organization_id=organization_id, name="Bench")
            insert_tenant(
                uow,
                NewTenant(
                    id=tenant_id,
                    organization_id=organization_id,
                    slug=f"b{tenant_id.hex[-12:]}",
                    name="Bench",
                    mode=TenantMode.LIVE,
                    clock_offset=timedelta(),
                    locale="en",
                    created_at=now,
                ),
            )
        database.close()
        provision_schema(self.owner_url, tenant_home(tenant_id))
        return Sample(1 / (monotonic() - began))


class _Migrating:
    """Brings every tenant of a database from the revision before to the newest; a sample counts tenants."""

    def __init__(self, owner_url: str) -> None:
        self._owner_url = owner_url
        self._homes: list[Home] = []

    def run(self, seconds: int) -> Sample:
        """Migrate all who are there by now, however long that takes."""
        with psycopg.connect(self._owner_url, autocommit=True) as connection:
            rows = connection.execute("SELECT id FROM platform.tenants ORDER BY id").fetchall()
        self._homes = [tenant_home(id_) for (id_,) in rows]
        self._each(render_tenant_ddl(head_revision(), oldest_revision()))
        with psycopg.connect(self._owner_url, autocommit=True) as connection:
            connection.execute("UPDATE platform.tenants SET schema_revision = %s", [oldest_revision()])
        began = monotonic()
        self._migrate()
        return Sample(len(self._homes) / (monotonic() - began))

    def _migrate(self) -> None:
        raise NotImplementedError

    def _each(self, ddl: str) -> None:
        with psycopg.connect(self._owner_url, autocommit=True) as connection:
            for start in range(0, len(self._homes), TENANTS_PER_TRANSACTION):
                with connection.transaction():
                    for home in self._homes[start : start + TENANTS_PER_TRANSACTION]:
                        path = sql.SQL("SET LOCAL search_path TO {}").format(sql.Identifier(home.schema))
                        connection.execute(path)
                        connection.execute(ddl.encode())


class BareMigration(_Migrating):
    """The DDL alone over one connection, as many tenants to a transaction."""

    name = "DDL alone"

    def _migrate(self) -> None:
        self._each(render_tenant_ddl(oldest_revision()))


class Migration(_Migrating):
    """`migrate_tenants`, which locks, records, and goes on where a tenant fails."""

    name = "migrate"

    def _migrate(self) -> None:
        failed = migrate_tenants(self._owner_url, progress=lambda *_: None)
        assert not failed, failed
