"""Both lines of migrations: from nothing to the models, and tenants that lag behind."""

import runpy
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, create_engine, text

from infra.migrations.rows import PlatformRow, TenantRow
from services.platform.db.homes import tenant_home
from services.platform.tenancy import migrations
from services.platform.tenancy.domain import Tenant
from tests.support.tenants import TENANT, TENANT_B, DatabaseUrls

REVISIONS = Path(migrations.__file__).parents[3] / "infra" / "migrations" / "tenant" / "versions"
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
SECOND = '''
"""A second revision, for this test only."""

from alembic import op

revision = "9999"
down_revision = "{head}"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE stores ADD COLUMN opened_on date")
'''


@pytest.fixture
def owner(database_urls: DatabaseUrls) -> Iterator[Connection]:
    engine = create_engine(database_urls.owner.replace("postgresql://", "postgresql+psycopg://", 1))
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def test_the_shared_schema_is_what_its_models_say(owner: Connection) -> None:
    context = MigrationContext.configure(
        owner,
        opts={
            "include_schemas": True,
            "version_table_schema": "platform",
            "include_name": lambda name, kind, _: kind != "schema" or name == "platform",
            "compare_type": True,
        },
    )

    assert compare_metadata(context, PlatformRow.metadata) == []


def test_a_tenants_schema_is_what_its_models_say(owner: Connection, tenant: Tenant) -> None:
    owner.execute(text(f"SET search_path TO {tenant.home.schema}"))
    context = MigrationContext.configure(owner, opts={"compare_type": True})

    assert compare_metadata(context, TenantRow.metadata) == []


def test_a_program_from_before_says_what_it_meant_of_silent_expiry(owner: Connection, tenant: Tenant) -> None:
    revision = runpy.run_path(str(REVISIONS / "0015_tier_notices.py"))
    documents = ['{"version": 2}', '{"version": 2, "policies": {"noSilentExpiry": "report"}}', '{"version": 1}']
    owner.execute(text(f"SET search_path TO {tenant.home.schema}"))
    for number, document in enumerate(documents, 1):
        owner.execute(
            text(
                "INSERT INTO program_versions (id, number, document, effective_from, published_at, actor_kind)"
                " VALUES (gen_random_uuid(), :number, CAST(:document AS jsonb), now(), now(), 'system')"
            ),
            {"number": number, "document": document},
        )

    for _ in range(2):
        owner.exec_driver_sql(revision["AS_IT_WAS"].format(table="program_versions"))

    found = owner.execute(text("SELECT document FROM program_versions ORDER BY number")).scalars().all()
    assert found == [
        {"version": 2, "policies": {"noSilentExpiry": "off"}},
        {"version": 2, "policies": {"noSilentExpiry": "report"}},
        {"version": 1},
    ]


def test_checks_of_the_models_are_in_the_database(owner: Connection, tenant: Tenant) -> None:
    """Alembic compares no CHECK constraints, so their names are compared here."""
    wanted = {
        constraint.name
        for table in TenantRow.metadata.tables.values()
        for constraint in table.constraints
        if constraint.name
    }
    query = text(
        "SELECT conname FROM pg_constraint WHERE connamespace = CAST(:schema AS regnamespace) AND contype <> 'n'"
    )
    found = set(owner.execute(query, {"schema": tenant.home.schema}).scalars())

    assert found - {"alembic_version_pkc"} == wanted


@pytest.fixture
def second_revision(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A copy of the migrations with one revision more in the tenant line."""
    copy = tmp_path / "migrations"
    original = migrations.MIGRATIONS
    for line in ("shared", "tenant"):
        (copy / line / "versions").mkdir(parents=True)
        (copy / line / "env.py").write_text((original / line / "env.py").read_text())
        for file in (original / line / "versions").glob("*.py"):
            (copy / line / "versions" / file.name).write_text(file.read_text())
    (copy / "tenant" / "versions" / "9999_test.py").write_text(SECOND.format(head=migrations.head_revision()))
    monkeypatch.setattr(migrations, "MIGRATIONS", copy)
    migrations.render_tenant_ddl.cache_clear()
    yield "9999"
    migrations.render_tenant_ddl.cache_clear()


def _revisions(urls: DatabaseUrls) -> list[tuple[str, ...]]:
    with psycopg.connect(urls.owner) as connection:
        return connection.execute("SELECT schema_revision FROM platform.tenants ORDER BY id").fetchall()


def test_every_tenant_is_brought_to_the_newest_revision_once(database_urls: DatabaseUrls, second_revision: str) -> None:
    told: list[tuple[int, int]] = []

    failed = migrations.migrate_tenants(database_urls.owner, progress=lambda *step: told.append(step))

    assert failed == ()
    assert told == [(2, 2)]
    assert _revisions(database_urls) == [(second_revision,), (second_revision,)]
    assert migrations.pending_tenants(database_urls.owner) == ()


def test_a_tenant_that_fails_does_not_stop_the_others(database_urls: DatabaseUrls, second_revision: str) -> None:
    with psycopg.connect(database_urls.owner) as connection:
        connection.execute(f"ALTER TABLE {tenant_home(TENANT).schema}.stores ADD COLUMN opened_on int".encode())
    old = _revisions(database_urls)[0]

    failed = migrations.migrate_tenants(database_urls.owner, progress=lambda *_: None)

    ((tenant_id, reason),) = failed
    assert tenant_id == TENANT
    assert 'column "opened_on" of relation "stores" already exists' in reason
    assert _revisions(database_urls) == [old, (second_revision,)]

    with psycopg.connect(database_urls.owner) as connection:
        connection.execute(f"ALTER TABLE {tenant_home(TENANT).schema}.stores DROP COLUMN opened_on".encode())
    assert migrations.migrate_tenants(database_urls.owner, progress=lambda *_: None) == ()
    assert _revisions(database_urls) == [(second_revision,), (second_revision,)]


def test_a_migrated_tenant_equals_a_fresh_one(database_urls: DatabaseUrls, second_revision: str) -> None:
    migrations.migrate_tenants(database_urls.owner, progress=lambda *_: None)
    query = """
        SELECT table_name, column_name, data_type, is_nullable, column_default FROM information_schema.columns
        WHERE table_schema = %s ORDER BY table_name, column_name"""
    with psycopg.connect(database_urls.owner) as connection:
        migrated = connection.execute(query, [tenant_home(TENANT).schema]).fetchall()
        connection.execute(f"DROP SCHEMA {tenant_home(TENANT_B).schema} CASCADE".encode())
    migrations.provision_schema(database_urls.owner, tenant_home(TENANT_B))

    with psycopg.connect(database_urls.owner) as connection:
        assert connection.execute(query, [tenant_home(TENANT_B).schema]).fetchall() == migrated


def test_the_app_role_may_use_a_migrated_schema_but_not_change_its_ledger(
    database_urls: DatabaseUrls, second_revision: str
) -> None:
    migrations.migrate_tenants(database_urls.owner, progress=lambda *_: None)

    with psycopg.connect(database_urls.app, autocommit=True) as connection:
        connection.execute(f"SET search_path TO {tenant_home(TENANT).schema}".encode())
        connection.execute("UPDATE stores SET opened_on = NULL")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("UPDATE ledger_entries SET seq = seq")
