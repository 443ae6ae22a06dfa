"""One PostgreSQL and one Valkey for a whole test run, shared by its workers and started by the first test that asks.

``REGULARS_TEST_DATABASE_URL`` (a superuser's address) and ``REGULARS_TEST_VALKEY_URL`` put real servers in their place;
``REGULARS_TEST_POOLER_URL`` puts a transaction pooler before the application role, while the owner's DDL goes direct.
"""

import fcntl
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg import sql

from services.platform.embedded.postgres import apply_roles
from services.platform.ids import new_id
from tests.support.servers import TestRun

RUN = pytest.StashKey[TestRun]()
PASSWORD = "regulars-test"
"""For a server given by address, which may ask for one; the embedded server does not."""
CLEAR_OUT = sql.SQL("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = {}")


@dataclass(frozen=True, slots=True)
class PostgresServer:
    """A server with the roles of Regulars. Addresses are libpq's, without a driver's name."""

    superuser_url: str
    """Leads to a database that no test writes to."""
    run: TestRun
    pooler_url: str | None = None
    """Whose host and port the application role goes through, into any database."""

    def app_url(self, database: str) -> str:
        return self._url(self.pooler_url or self.superuser_url, database, "regulars_app")

    def direct_app_url(self, database: str) -> str:
        """The application role's, past the pooler if there is one."""
        return self._url(self.superuser_url, database, "regulars_app")

    def owner_url(self, database: str) -> str:
        return self._url(self.superuser_url, database, "regulars_owner")

    def create_database(self, name: str, *, template: str | None = None) -> None:
        """Make a database that belongs to the owner role. Whoever is connected to ``template`` is sent away."""
        if template is not None:
            self._execute(CLEAR_OUT.format(sql.Literal(template)))
        self._execute(
            sql.SQL("CREATE DATABASE {} OWNER regulars_owner TEMPLATE {} STRATEGY file_copy").format(
                sql.Identifier(name), sql.Identifier(template or "template1")
            )
        )

    def drop_database(self, name: str) -> None:
        """Drop a database, whoever is still connected; no error if it is gone."""
        self._execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def once(self, name: str, build: Callable[[], None]) -> None:
        """Run ``build`` once in the whole test run: the workers that come later wait for the first one."""
        with (self.run.folder / f"{name}.lock").open("a+") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            lock.seek(0)
            if not lock.read():
                build()
                lock.write("built")

    def _url(self, server: str, database: str, role: str) -> str:
        parts = urlsplit(server)
        address = parts.netloc.rpartition("@")[2]
        user = f"{role}:{PASSWORD}" if parts.password else role
        return parts._replace(netloc=f"{user}@{address}", path=f"/{database}").geturl()

    def _execute(self, statement: sql.Composed) -> None:
        with psycopg.connect(self.superuser_url, autocommit=True) as connection:
            connection.execute(statement)


def pytest_configure(config: pytest.Config) -> None:
    given: dict[str, str] | None = getattr(config, "workerinput", None)
    config.stash[RUN] = TestRun.begin() if given is None else TestRun.join(Path(given["regulars_run"]))


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:  # xdist ships no types
    node.workerinput["regulars_run"] = str(node.config.stash[RUN].folder)


def pytest_unconfigure(config: pytest.Config) -> None:
    if RUN in config.stash and not hasattr(config, "workerinput"):
        config.stash[RUN].end()


@pytest.fixture(scope="session")
def postgres_server(pytestconfig: pytest.Config) -> PostgresServer:
    run = pytestconfig.stash[RUN]
    given = os.environ.get("REGULARS_TEST_DATABASE_URL")
    if given is None:
        return PostgresServer(run.addresses()["superuser_url"], run)
    server = PostgresServer(given, run, os.environ.get("REGULARS_TEST_POOLER_URL"))
    server.once("roles", lambda: _prepare_roles(given))
    return server


@pytest.fixture(scope="session")
def valkey_url(pytestconfig: pytest.Config) -> str:
    return os.environ.get("REGULARS_TEST_VALKEY_URL") or pytestconfig.stash[RUN].addresses()["valkey_url"]


@pytest.fixture
def empty_database(postgres_server: PostgresServer) -> Iterator[str]:
    """The name of a database with nothing in it."""
    name = f"empty_{new_id().hex}"
    postgres_server.create_database(name)
    yield name
    postgres_server.drop_database(name)


def _prepare_roles(superuser_url: str) -> None:
    apply_roles(superuser_url)
    with psycopg.connect(superuser_url, autocommit=True) as connection:
        for role in ("regulars_owner", "regulars_app"):
            statement = sql.SQL("ALTER ROLE {} PASSWORD {}")
            connection.execute(statement.format(sql.Identifier(role), sql.Literal(PASSWORD)))
