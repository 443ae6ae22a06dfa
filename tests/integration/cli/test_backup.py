"""A tenant in a file: written while everybody sells, and brought back to the last point, or not at all."""

import json
import threading
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

import psycopg
import pytest
import typer

from services.cli import backup
from services.loyalty.ledger import queries as ledger
from services.loyalty.stores.domain import Store
from services.platform.actors import SYSTEM
from services.platform.backup import service
from services.platform.db.engine import Database
from services.platform.db.homes import PLATFORM, Home
from services.platform.db.session import read_session, unit_of_work
from services.platform.tenancy.domain import Tenant, TenantStatus
from services.platform.tenancy.registry import set_suspended, tenant_by_slug
from tests.support.builders.merchant import NOW, Merchant
from tests.support.snapshot import snapshot
from tests.support.tenants import TENANT, DatabaseUrls

Totals = dict[str, dict[str, int]]
MEMBERS = 4
REGISTRY = ("tenants", "tenant_domains", "usage_rollups", "staff_grants")


@pytest.fixture(autouse=True)
def _commands_find_the_database(database_urls: DatabaseUrls, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "HOME": str(tmp_path),
        "DATABASE_URL": database_urls.app,
        "DIRECT_DATABASE_URL": database_urls.owner,
        "BROKER_URL": "redis://127.0.0.1:1",
        "SMTP_URL": "smtp://127.0.0.1:1",
        "SECRET": "a secret of thirty-two bytes or so",
    }.items():
        monkeypatch.setenv(f"REGULARS_{name}", value)


@pytest.fixture
def cafe(database: Database, tenant: Tenant) -> Merchant:
    return _trading(database, tenant.home)


@pytest.fixture
def bakery(database: Database, tenant_b: Tenant) -> Merchant:
    return _trading(database, tenant_b.home)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "cafe.backup"


def _trading(database: Database, home: Home) -> Merchant:
    merchant = Merchant(database, home)
    store = merchant.store()
    merchant.program()
    for _ in range(MEMBERS):
        member = merchant.member()
        bought = merchant.buy(store, member, 12_300, 4_500)
        merchant.buy(store, member, 900)
        merchant.refund(bought.purchase_id)
    return merchant


def _totals(database: Database, home: Home) -> Totals:
    with read_session(database, home, now=NOW) as session:
        verdict = ledger.verify(session, progress=lambda *_: None)
        assert verdict.faults == ()
        return ledger.totals(session)


def _tenant(database: Database, slug: str) -> Tenant:
    with read_session(database, PLATFORM, now=NOW) as session:
        found = tenant_by_slug(session, slug)
    assert found is not None
    return found


def _suspend(database: Database, tenant: Tenant, *, suspended: bool = True) -> None:
    with unit_of_work(database, PLATFORM, now=NOW, actor=SYSTEM, correlation_id="test") as uow:
        assert set_suspended(uow, tenant_id=tenant.id, suspended=suspended)


def _forget(urls: DatabaseUrls, home: Home) -> None:
    """What a wrong DROP and a wrong DELETE leave: nothing of the tenant."""
    with psycopg.connect(urls.owner) as connection:
        connection.execute(f"DROP SCHEMA {home.schema} CASCADE".encode())
        for table in ("tenant_domains", "usage_rollups"):
            connection.execute(f"DELETE FROM platform.{table} WHERE tenant_id = %s".encode(), [home.tenant_id])
        connection.execute("DELETE FROM platform.tenants WHERE id = %s", [home.tenant_id])


def _of_home(found: dict[str, str], home: Home) -> dict[str, str]:
    return {name: digest for name, digest in found.items() if name.startswith(f"{home.schema}.")}


def _give_it_a_host_and_usage(urls: DatabaseUrls, tenant: Tenant) -> None:
    with psycopg.connect(urls.owner) as connection:
        connection.execute("INSERT INTO platform.tenant_domains VALUES ('cafe.test', %s)", [tenant.id])
        connection.execute(
            "INSERT INTO platform.usage_rollups VALUES (%s, 'purchases', '2026-03-02', 7, now())", [tenant.id]
        )


def test_a_lost_tenant_comes_back_whole(
    database: Database, database_urls: DatabaseUrls, tenant: Tenant, cafe: Merchant, bakery: Merchant, file: Path
) -> None:
    _give_it_a_host_and_usage(database_urls, tenant)
    before = snapshot(database_urls.owner)

    backup.backup("cafe", file)
    _forget(database_urls, tenant.home)
    assert snapshot(database_urls.owner) != before
    backup.restore(file)

    assert snapshot(database_urls.owner) == before
    assert file.stat().st_mode & 0o777 == 0o600


def test_the_ledger_goes_on_where_it_was(
    database: Database, database_urls: DatabaseUrls, tenant: Tenant, cafe: Merchant, file: Path
) -> None:
    """Its triggers and rights are there too: the application may add to the ledger and never change it."""
    backup.backup("cafe", file)
    _forget(database_urls, tenant.home)
    backup.restore(file)

    cafe.buy(cafe.store("second"), cafe.member(), 10_000)

    assert _totals(database, tenant.home)["points"]["earned"] > 0
    with psycopg.connect(database_urls.app, autocommit=True) as connection:
        statement = f"UPDATE {tenant.home.schema}.ledger_entries SET seq = seq"
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(statement.encode())


@contextmanager
def _selling(*merchants: Merchant) -> Iterator[Callable[[], int]]:
    """Tills that never rest; the function waits for some more purchases and gives their number."""
    stop, sold, failures = threading.Event(), threading.Semaphore(0), list[BaseException]()

    def sell(merchant: Merchant, store: Store, members: list[UUID]) -> None:
        try:
            while not stop.is_set():
                for member in members:
                    merchant.buy(store, member, 5_000)
                    sold.release()
        except BaseException as error:
            failures.append(error)
            raise

    tills = [
        threading.Thread(target=sell, args=(merchant, merchant.store("till"), [merchant.member() for _ in range(3)]))
        for merchant in merchants
    ]
    for till in tills:
        till.start()

    def wait() -> int:
        return sum(sold.acquire(timeout=30) for _ in range(10))

    try:
        yield wait
    finally:
        stop.set()
        for till in tills:
            till.join()
    assert failures == []


def test_a_backup_is_one_moment_while_everybody_sells(
    database: Database,
    tenant: Tenant,
    tenant_b: Tenant,
    cafe: Merchant,
    bakery: Merchant,
    file: Path,
) -> None:
    with _selling(cafe, bakery) as wait:
        assert wait() == 10
        backup.backup("cafe", file)
        assert wait() == 10
        backup.restore(file, new_slug="copy")
        assert wait() == 10

    facts = json.loads(zipfile.ZipFile(file).read("manifest.json"))["facts"]
    copy = _tenant(database, "copy")
    assert facts["faults"] == 0
    assert _totals(database, copy.home) == facts["totals"]
    assert _totals(database, tenant.home)["points"]["earned"] > facts["totals"]["points"]["earned"]
    assert _totals(database, tenant_b.home)["points"]["earned"] > 0


def test_a_restore_leaves_others_as_they_are(
    database: Database, database_urls: DatabaseUrls, tenant_b: Tenant, cafe: Merchant, bakery: Merchant, file: Path
) -> None:
    backup.backup("cafe", file)
    before = snapshot(database_urls.owner)

    backup.restore(file, new_slug="copy")

    after = snapshot(database_urls.owner)
    copy = _tenant(database, "copy")
    assert {name for name in after if before.get(name) != after[name]} == {
        "platform.tenants",
        *_of_home(after, copy.home),
    }
    assert [after[f"{copy.home.schema}.{name}"] for name in ("members", "ledger_entries", "ledger_lots")] == [
        before[f"{cafe.home.schema}.{name}"] for name in ("members", "ledger_entries", "ledger_lots")
    ]
    assert copy.status is TenantStatus.SUSPENDED


def test_a_tenant_is_put_back_to_an_earlier_moment(
    database: Database, database_urls: DatabaseUrls, tenant: Tenant, cafe: Merchant, bakery: Merchant, file: Path
) -> None:
    _suspend(database, tenant)
    before = snapshot(database_urls.owner)
    backup.backup("cafe", file)
    cafe.buy(cafe.store("wrong"), cafe.member(), 99_900)

    backup.restore(file, replace=True)

    assert snapshot(database_urls.owner) == before


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "The tenant 'cafe' is there."),
        ({"replace": True}, "The tenant 'cafe' is there."),
        ({"new_slug": "bakery"}, "bakery"),
        ({"new_slug": "Wrong Name"}, "Wrong Name"),
    ],
)
def test_a_restore_in_the_way_of_a_living_tenant_is_refused(
    database_urls: DatabaseUrls,
    cafe: Merchant,
    file: Path,
    capsys: pytest.CaptureFixture[str],
    options: dict[str, object],
    said: str,
) -> None:
    backup.backup("cafe", file)
    before = snapshot(database_urls.owner)

    with pytest.raises(typer.Exit) as left:
        backup.restore(file, **options)  # type: ignore[arg-type]  # a case gives what it is about

    assert (left.value.exit_code, snapshot(database_urls.owner)) == (1, before)
    assert said in " ".join(capsys.readouterr().err.split())


def _altered(file: Path, change: Callable[[dict[str, bytes]], None]) -> Path:
    with zipfile.ZipFile(file) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    change(members)
    altered = file.with_suffix(".altered")
    with zipfile.ZipFile(altered, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return altered


def _lose_a_purchase(members: dict[str, bytes]) -> None:
    members["tenant/purchases.copy"] = members["tenant/purchases.copy"].partition(b"\n")[2]


def _richer(members: dict[str, bytes]) -> None:
    manifest = json.loads(members["manifest.json"])
    manifest["facts"]["totals"]["points"]["earned"] += 1
    members["manifest.json"] = json.dumps(manifest).encode()


def _from_the_future(members: dict[str, bytes]) -> None:
    manifest = json.loads(members["manifest.json"])
    members["manifest.json"] = json.dumps({**manifest, "schema_revision": "9999"}).encode()


def _without_its_head(members: dict[str, bytes]) -> None:
    del members["manifest.json"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_lose_a_purchase, "damaged at tenant.purchases: expected 8 rows"),
        (_richer, "damaged at facts"),
        (_from_the_future, "The backup has schema revision 9999"),
        (_without_its_head, "can't be read as a backup"),
    ],
)
def test_what_is_not_as_it_was_written_is_refused_and_changes_nothing(
    database_urls: DatabaseUrls,
    cafe: Merchant,
    file: Path,
    capsys: pytest.CaptureFixture[str],
    change: Callable[[dict[str, bytes]], None],
    said: str,
) -> None:
    backup.backup("cafe", file)
    before = snapshot(database_urls.owner)

    with pytest.raises(typer.Exit) as left:
        backup.restore(_altered(file, change), new_slug="copy")

    assert (left.value.exit_code, snapshot(database_urls.owner)) == (1, before)
    assert said in " ".join(capsys.readouterr().err.split())


def test_a_file_cut_off_is_refused(
    cafe: Merchant, file: Path, capsys: pytest.CaptureFixture[str], database_urls: DatabaseUrls
) -> None:
    backup.backup("cafe", file)
    before = snapshot(database_urls.owner)
    file.write_bytes(file.read_bytes()[:-100])

    with pytest.raises(typer.Exit):
        backup.restore(file, new_slug="copy")

    assert "can't be read as a backup" in " ".join(capsys.readouterr().err.split())
    assert snapshot(database_urls.owner) == before


def test_a_backup_is_never_written_over_and_never_half_there(
    cafe: Merchant, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.write_text("another")
    with pytest.raises(typer.Exit):
        backup.backup("cafe", file)
    assert file.read_text() == "another"
    file.unlink()

    def fail(*_: object) -> str:
        raise psycopg.OperationalError("the server went away")

    monkeypatch.setattr(service, "schema_revision", fail)
    with pytest.raises(psycopg.OperationalError):
        backup.backup("cafe", file)
    assert list(file.parent.glob("cafe.backup*")) == []


def test_a_copy_lets_the_same_staff_in_and_no_key_of_the_original(
    database: Database, database_urls: DatabaseUrls, tenant: Tenant, cafe: Merchant, file: Path
) -> None:
    user, grant, key = (UUID(int=number) for number in (1, 2, 3))
    with psycopg.connect(database_urls.owner) as connection:
        connection.execute(
            "INSERT INTO platform.users VALUES (%s, 'mia@cafe.test', 'hash', 'Mia', 'en', now())", [user]
        )
        connection.execute(
            "INSERT INTO platform.staff_grants VALUES (%s, %s, %s, %s, NULL, 'owner', now())",
            [grant, user, tenant.organization_id, tenant.id],
        )
        connection.execute(
            "INSERT INTO platform.api_keys (id, tenant_id, name, prefix, secret_hash, scopes, created_at)"
            " VALUES (%s, %s, 'till', 'abc', 'x', ARRAY['purchases:write'], now())",
            [key, tenant.id],
        )
    backup.backup("cafe", file)

    backup.restore(file, new_slug="copy")

    copy = _tenant(database, "copy")
    with psycopg.connect(database_urls.owner) as connection:
        grants = connection.execute("SELECT tenant_id, user_id, role FROM platform.staff_grants ORDER BY id").fetchall()
        keys = connection.execute("SELECT tenant_id FROM platform.api_keys").fetchall()
    assert grants == [(TENANT, user, "owner"), (copy.id, user, "owner")]
    assert keys == [(TENANT,)]
