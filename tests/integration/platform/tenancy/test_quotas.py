"""How much a tenant may ask for, kept in the registry."""

import psycopg
import pytest

from services.cli import tenants
from services.platform.actors import SYSTEM
from services.platform.clock import wall_now
from services.platform.db.engine import Database
from services.platform.db.homes import PLATFORM
from services.platform.db.session import read_session, unit_of_work
from services.platform.ids import new_id
from services.platform.limits.domain import Quota
from services.platform.tenancy.domain import Tenant
from services.platform.tenancy.registry import set_quota, tenant_by_id
from tests.support.tenants import DatabaseUrls

QUOTA = Quota(capacity=500_000, per_second=50_000)


def _quota_of(database: Database, tenant: Tenant) -> Quota | None:
    with read_session(database, PLATFORM, now=wall_now()) as session:
        found = tenant_by_id(session, tenant.id)
    assert found is not None
    return found.quota


def _set(database: Database, tenant: Tenant, quota: Quota | None) -> None:
    with unit_of_work(database, PLATFORM, now=wall_now(), actor=SYSTEM, correlation_id="t") as uow:
        assert set_quota(uow, tenant_id=tenant.id, quota=quota)


def test_a_quota_is_one_tenants(database: Database, tenant: Tenant, tenant_b: Tenant) -> None:
    _set(database, tenant, QUOTA)

    assert (_quota_of(database, tenant), _quota_of(database, tenant_b)) == (QUOTA, None)

    _set(database, tenant, None)
    assert _quota_of(database, tenant) is None


def test_a_tenant_that_is_not_there_gets_none(database: Database) -> None:
    with unit_of_work(database, PLATFORM, now=wall_now(), actor=SYSTEM, correlation_id="t") as uow:
        assert not set_quota(uow, tenant_id=new_id(), quota=QUOTA)


@pytest.mark.parametrize("values", ["(5, NULL)", "(NULL, 5)", "(0, 5)", "(5, 0)"])
def test_half_a_quota_is_refused_by_the_database(database_urls: DatabaseUrls, tenant: Tenant, values: str) -> None:
    with psycopg.connect(database_urls.owner) as owner, pytest.raises(psycopg.errors.CheckViolation):
        owner.execute(f"UPDATE platform.tenants SET (quota_capacity, quota_per_second) = {values}".encode())


def test_a_release_without_quotas_in_its_schema_has_none(
    database: Database, database_urls: DatabaseUrls, tenant: Tenant
) -> None:
    with psycopg.connect(database_urls.owner) as owner:
        owner.execute(
            "ALTER TABLE platform.tenants DROP CONSTRAINT tenants_quota_check,"
            " DROP COLUMN quota_capacity, DROP COLUMN quota_per_second"
        )

    assert _quota_of(database, tenant) is None


def test_an_operator_sets_it(
    database: Database,
    database_urls: DatabaseUrls,
    tenant: Tenant,
    valkey_url: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name, value in {
        "REGULARS_DATABASE_URL": database_urls.app,
        "REGULARS_BROKER_URL": valkey_url,
        "REGULARS_SMTP_URL": "smtp://127.0.0.1:1",
        "REGULARS_SECRET": "a secret of thirty-two bytes or so",
    }.items():
        monkeypatch.setenv(name, value)

    assert _command("limit", tenant.slug, "--capacity", "500000", "--per-second", "50000") == 0
    assert _quota_of(database, tenant) == QUOTA
    assert _command("list") == 0
    for words in ([], ["--capacity", "500000"], ["--default", "--capacity", "500000", "--per-second", "1"]):
        assert _command("limit", tenant.slug, *words) == 2
    assert _command("limit", tenant.slug, "--capacity", "9999", "--per-second", "1") == 2
    assert _command("limit", "nobody", "--default") == 1
    assert _quota_of(database, tenant) == QUOTA
    assert _command("limit", tenant.slug, "--default") == 0
    assert _quota_of(database, tenant) is None

    shown = capsys.readouterr()
    assert "cafe may ask for 500,000 + 50,000/s points." in shown.out
    assert "cafe may ask for 100,000 + 10,000/s points like others." in shown.out
    assert "give --capacity and --per-second, or --default" in shown.err
    assert "There is no tenant 'nobody'." in shown.err


def _command(*words: str) -> int:
    with pytest.raises(SystemExit) as left:
        tenants.app(list(words))
    assert isinstance(left.value.code, int)
    return left.value.code
