"""How long it takes to create a tenant in a database that holds others already."""

from datetime import timedelta

import psycopg

from services.platform.actors import SYSTEM
from services.platform.clock import monotonic, wall_now
from services.platform.db.engine import open_database
from services.platform.db.homes import PLATFORM, tenant_home
from services.platform.db.session import unit_of_work
from services.platform.embedded.postgres import SUPERUSER, EmbeddedPostgres, apply_roles, make_database
from services.platform.ids import new_id
from services.platform.tenancy.domain import NewTenant, TenantMode
from services.platform.tenancy.migrations import migrate_shared, provision_schema
from services.platform.tenancy.registry import insert_organization, insert_tenant
from tests.load.measuring import Sample


class TenantCreation:
    """Registers one tenant and makes its schema, in a database of its own on the server of the stage."""

    def __init__(self, postgres: EmbeddedPostgres, *, present: int) -> None:
        self.name = f"with {present} present"
        database = f"bench_{present}_present"
        make_database(postgres.url(role=SUPERUSER, database="postgres"), database)
        apply_roles(postgres.url(role=SUPERUSER, database=database))
        self._app_url = postgres.url(role="regulars_app", database=database)
        self._owner_url = postgres.url(role="regulars_owner", database=database)
        migrate_shared(self._owner_url)
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
        provision_schema(self._owner_url, tenant_home(tenant_id))
        return Sample(1 / (monotonic() - began))
