"""A gateway behind uvicorn, as the product runs it, in a thread of the tests."""

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import uvicorn

from services.gateway.app import create_app
from services.gateway.context.services import GatewayServices
from services.gateway.live.socket import Desk
from services.gateway.server import SERVER
from services.platform.db.engine import Database, open_database
from services.platform.feed.telling import FeedTeller
from services.platform.ids import new_id
from tests.integration.gateway.live.client import LiveClient, connected
from tests.support.database import PostgresServer
from tests.support.graphql_client import POOL_SIZE, GraphQLClient, running_gateway
from tests.support.story import Merchant, quick_services, sign_up
from tests.support.tenants import DatabaseUrls

START_SECONDS_MAX = 30


@dataclass(frozen=True, slots=True)
class Served:
    """A gateway that listens; ``http`` is a stranger's client of another gateway on the same database."""

    port: int
    http: GraphQLClient
    server: uvicorn.Server
    desk: Desk
    urls: DatabaseUrls
    database: Database

    def wait_for_followers(self, count: int) -> None:
        """Until so many subscriptions are told of everything new: the protocol has no word for that."""
        for _ in range(START_SECONDS_MAX * 100):
            if self.desk.feed.followers == count:
                return
            threading.Event().wait(0.01)
        raise AssertionError(f"{self.desk.feed.followers} followers instead of {count}")


@contextmanager
def serving(services: GatewayServices) -> Iterator[tuple[int, uvicorn.Server, Desk]]:
    """Serve on a port until the block ends."""
    app = create_app(services)
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, **SERVER))
    thread = threading.Thread(target=server.run, name="uvicorn", daemon=True)
    thread.start()
    clock = threading.Event()
    for _ in range(START_SECONDS_MAX * 100):
        if server.started:
            break
        clock.wait(0.01)
    assert server.started, "the gateway did not start"
    try:
        yield server.servers[0].sockets[0].getsockname()[1], server, app.state.live
    finally:
        server.should_exit = True
        thread.join(START_SECONDS_MAX)
        assert not thread.is_alive(), "the gateway did not end"


@contextmanager
def a_gateway(urls: DatabaseUrls, home: Path, valkey_url: str) -> Iterator[Served]:
    """A gateway that hears Valkey, and one beside it that tells; both work on one database."""
    database = open_database(urls.app, pool_size=POOL_SIZE)
    services = quick_services(database, urls, home)
    services = replace(services, settings=replace(services.settings, valkey_url=valkey_url))
    with closing(FeedTeller(valkey_url)) as teller:
        database.feed = teller
        with serving(services) as (port, server, desk), running_gateway(services) as http:
            yield Served(port, http, server, desk, urls, database)
    database.close()


@pytest.fixture(scope="module")
def module_urls(postgres_server: PostgresServer, template_database: str) -> Iterator[DatabaseUrls]:
    """A database for the tests of a module."""
    urls = DatabaseUrls(postgres_server, f"live_{new_id().hex[-12:]}")
    postgres_server.create_database(urls.name, template=template_database)
    yield urls
    postgres_server.drop_database(urls.name)


@pytest.fixture(scope="module")
def served(module_urls: DatabaseUrls, tmp_path_factory: pytest.TempPathFactory, valkey_url: str) -> Iterator[Served]:
    """The gateway of a module's tests, each of which leaves it without sockets."""
    with a_gateway(module_urls, tmp_path_factory.mktemp("live"), valkey_url) as gateway:
        yield gateway


@pytest.fixture(scope="module")
def shop(served: Served) -> Merchant:
    """A merchant with a program."""
    merchant = sign_up(served.http, "live-shop")
    merchant.start_program()
    return merchant


@pytest.fixture
def live(served: Served) -> Iterator[LiveClient]:
    """A socket that has said nothing yet."""
    served.wait_for_followers(0)
    with connected(served.port) as client:
        yield client
