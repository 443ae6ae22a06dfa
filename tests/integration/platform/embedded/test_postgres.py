"""PostgreSQL under our supervision, with every way found so far in which a start can be misled."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import errors

from services.platform.clock import monotonic
from services.platform.embedded.errors import DataFromOtherVersion
from services.platform.embedded.postgres import EmbeddedPostgres, embedded_postgres
from services.platform.embedded.valkey import EmbeddedValkey
from services.platform.supervision import processes
from services.platform.supervision.errors import FolderInUse

ROOT = Path(__file__).parents[4]
GONE_SECONDS_MAX = 30.0


@pytest.fixture
def stopped(home: Path) -> EmbeddedPostgres:
    """A server that has run once, wrote a row and was stopped."""
    server = EmbeddedPostgres(home, is_durable=False)
    with server:
        write_row(server.owner_url)
    return server


@pytest.fixture
def stranger() -> Iterator[subprocess.Popen[bytes]]:
    """A live process that has nothing to do with us."""
    with subprocess.Popen(["/bin/sleep", "600"]) as process:
        yield process
        process.kill()


@pytest.fixture
def zombie() -> Iterator[int]:
    """The pid of a process that has ended and that nobody has waited for."""
    with subprocess.Popen(["/bin/true"]) as process:
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        yield process.pid


def write_row(owner_url: str) -> None:
    with psycopg.connect(owner_url) as connection:
        connection.execute("CREATE SCHEMA kept")
        connection.execute("CREATE TABLE kept.facts AS SELECT 41 + 1 AS answer")


def kept_row(owner_url: str) -> object:
    with psycopg.connect(owner_url) as connection:
        return connection.execute("SELECT answer FROM kept.facts").fetchone()


def wait_until_gone(pid: int) -> None:
    deadline = monotonic() + GONE_SECONDS_MAX
    while processes.is_live(pid) and monotonic() < deadline:
        time.sleep(0.05)
    assert not processes.is_live(pid)


def test_a_fresh_server_has_the_database_and_its_roles(home: Path) -> None:
    with embedded_postgres(home) as server:
        with psycopg.connect(server.owner_url) as owner:
            owner.execute("CREATE SCHEMA t_1")
            owner.execute("CREATE TABLE t_1.members (id int)")
        with psycopg.connect(server.app_url) as app:
            settings = [
                app.execute("SELECT current_setting(%s)", (name,)).fetchone()
                for name in ("search_path", "max_connections", "listen_addresses", "lock_timeout", "fsync")
            ]
            with pytest.raises(errors.UndefinedTable):
                app.execute("SELECT id FROM members")

    assert settings == [('""',), ("200",), ("",), ("10s",), ("on",)]


def test_the_application_can_make_no_schema(home: Path) -> None:
    with (
        embedded_postgres(home, is_durable=False) as server,
        psycopg.connect(server.app_url) as app,
        pytest.raises(errors.InsufficientPrivilege),
    ):
        app.execute("CREATE SCHEMA mine")


def test_only_the_account_of_the_server_reaches_its_socket(home: Path) -> None:
    with embedded_postgres(home, is_durable=False) as server:
        folder = server.sockets.stat()
        data = server.place.data.stat()

        assert folder.st_mode & 0o077 == 0
        assert data.st_mode & 0o077 == 0
        assert folder.st_uid == data.st_uid
        assert folder.st_uid != 0


def test_the_pid_file_names_a_strangers_process(stopped: EmbeddedPostgres, stranger: subprocess.Popen[bytes]) -> None:
    (stopped.place.data / "postmaster.pid").write_text(f"{stranger.pid}\n{stopped.place.data}\n1\n5432\n")

    with stopped:
        assert kept_row(stopped.owner_url) == (42,)

    assert stranger.poll() is None


def test_the_pid_file_names_a_zombie(stopped: EmbeddedPostgres, zombie: int) -> None:
    (stopped.place.data / "postmaster.pid").write_text(f"{zombie}\n{stopped.place.data}\n1\n5432\n")

    with stopped:
        assert kept_row(stopped.owner_url) == (42,)


@pytest.mark.parametrize("text", ["", "12", "not a number\n"])
def test_the_pid_file_was_cut_short(stopped: EmbeddedPostgres, text: str) -> None:
    (stopped.place.data / "postmaster.pid").write_text(text)

    with stopped:
        assert kept_row(stopped.owner_url) == (42,)


def test_an_initialization_was_interrupted(home: Path) -> None:
    half_made = home / "postgres" / "data.unfinished"
    half_made.mkdir(parents=True)
    (half_made / "PG_VERSION").write_text("18\n")

    with embedded_postgres(home, is_durable=False) as server, psycopg.connect(server.app_url) as app:
        assert app.execute("SELECT 1").fetchone() == (1,)


def test_data_of_another_version_is_left_alone(stopped: EmbeddedPostgres) -> None:
    (stopped.place.data / "PG_VERSION").write_text("15\n")

    with pytest.raises(DataFromOtherVersion) as refusal:
        stopped.start()

    assert (refusal.value.found, refusal.value.needed) == ("15", "18")
    assert not (stopped.place.data / "postmaster.pid").exists()


def test_a_second_owner_is_refused(home: Path) -> None:
    with embedded_postgres(home, is_durable=False) as server:
        write_row(server.owner_url)

        with pytest.raises(FolderInUse) as refusal:
            EmbeddedPostgres(home).start()

        assert refusal.value.pid == os.getpid()
        assert kept_row(server.owner_url) == (42,)


def test_a_killed_server_comes_back_at_its_address(home: Path) -> None:
    with embedded_postgres(home) as server:
        write_row(server.owner_url)
        address = server.owner_url
        os.kill(server.pid, signal.SIGKILL)

        server.start()

        assert server.owner_url == address
        assert kept_row(server.owner_url) == (42,)


def test_an_orphan_is_ended_before_its_data_is_used(home: Path) -> None:
    orphan = EmbeddedPostgres(home, is_durable=False)
    orphan.start()
    write_row(orphan.owner_url)
    orphan.place.lock.release()  # as the death of its owner does

    with embedded_postgres(home, is_durable=False) as server:
        assert orphan.exit_code() == 0
        assert kept_row(server.owner_url) == (42,)


def test_nothing_outlives_a_killed_owner_and_nothing_is_lost(home: Path) -> None:
    command = [sys.executable, "-m", "tests.integration.platform.embedded.owner", str(home)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as owner:
        assert owner.stdout is not None
        said = json.loads(owner.stdout.readline())
        write_row(said["owner_url"])

        owner.kill()
        wait_until_gone(said["postgres_pid"])
        wait_until_gone(said["valkey_pid"])

    with EmbeddedPostgres(home) as server, EmbeddedValkey(home):
        assert kept_row(server.owner_url) == (42,)


def test_a_long_home_with_blanks_and_quotes(home: Path) -> None:
    long_home = home.parent / 'a folder\'s "long" name %s' / ("deep-" * 30) / ("deeper-" * 20)

    with embedded_postgres(long_home, is_durable=False) as server, EmbeddedValkey(long_home) as valkey:
        assert len(str(server.sockets)) < 80
        assert valkey.url.startswith("unix:///")
        with psycopg.connect(server.app_url) as app:
            assert app.execute("SELECT 1").fetchone() == (1,)
