"""A database of its own for each test: a clone of a migrated template with two tenants in it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from services.platform.actors import SYSTEM
from services.platform.clock import wall_now
from services.platform.db.engine import Database, open_database
from services.platform.db.homes import PLATFORM, tenant_home
from services.platform.db.session import read_session, unit_of_work
from services.platform.ids import new_id
from services.platform.tenancy.domain import NewTenant, Tenant, TenantMode
from services.platform.tenancy.migrations import migrate_shared, provision_schema
from services.platform.tenancy.registry import insert_organization, insert_tenant, tenant_by_id
from tests.support.database import PostgresServer

ORGANIZATION = UUID("01900000-0000-7000-8000-00000000000a")
TENANT = UUID("01900000-0000-7000-8000-00000000a001")
TENANT_B = UUID("01900000-0000-7000-8000-00000000b001")
OPENED_AT = datetime(2026, 1, 1, tzinfo=UTC)
POOL_SIZE = 16


@dataclass(frozen=True, slots=True)
class DatabaseUrls:
    """The addresses of one database for each role."""

    server: PostgresServer
    name: str

    @property
    def app(self) -> str:
        return self.server.app_url(self.name)

    @property
    def owner(self) -> str:
        return self.server.owner_url(self.name)


@pytest.fixture(scope="session")
def template_database(postgres_server: PostgresServer) -> str:
    """The name of a migrated database that holds two tenants, ``cafe`` and ``bakery``; clones are made from it."""
    name = f"template_{new_id().hex[-12:]}"
    postgres_server.create_database(name)
    urls = DatabaseUrls(postgres_server, name)
    migrate_shared(urls.owner)
    database = open_database(urls.app, pool_size=1)
    with unit_of_work(database, PLATFORM, now=OPENED_AT, actor=SYSTEM, correlation_id="tests") as uow:
        insert_organization(uow, organization_id=ORGANIZATION, name="Corner Group")
        for tenant_id, slug, name_shown in ((TENANT, "cafe", "Corner Café"), (TENANT_B, "bakery", "Corner Bakery")):
            insert_tenant(
                uow,
                NewTenant(
                    id=tenant_id,
                    organization_id=ORGANIZATION,
                    slug=slug,
                    name=name_shown,
                    mode=TenantMode.LIVE,
                    clock_offset=timedelta(),
                    locale="en",
                    created_at=OPENED_AT,
                ),
            )
    database.close()
    for tenant_id in (TENANT, TENANT_B):
        provision_schema(urls.owner, tenant_home(tenant_id))
    return name


@pytest.fixture
def database_urls(postgres_server: PostgresServer, template_database: str) -> Iterator[DatabaseUrls]:
    """The addresses of a fresh clone, dropped after the test."""
    name = f"clone_{new_id().hex[-12:]}"
    postgres_server.create_database(name, template=template_database)
    yield DatabaseUrls(postgres_server, name)
    postgres_server.drop_database(name)


@pytest.fixture
def database(database_urls: DatabaseUrls) -> Iterator[Database]:
    """A pool of the application role's connections to a fresh clone. Commits are real."""
    opened = open_database(database_urls.app, pool_size=POOL_SIZE)
    yield opened
    opened.close()


@pytest.fixture
def tenant(database: Database) -> Tenant:
    """The tenant ``cafe``."""
    return _tenant(database, TENANT)


@pytest.fixture
def tenant_b(database: Database) -> Tenant:
    """The tenant ``bakery``, a stranger to ``cafe``."""
    return _tenant(database, TENANT_B)


def _tenant(database: Database, tenant_id: UUID) -> Tenant:
    with read_session(database, PLATFORM, now=wall_now()) as session:
        found = tenant_by_id(session, tenant_id)
    assert found is not None
    return found
