"""The gateway inside the test process, on an event loop of its own, so that threads of a test can call it at once."""

import asyncio
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import orjson
import pytest
from argon2 import PasswordHasher
from starlette.applications import Starlette

from services.gateway.app import GatewayServices, create_app
from services.platform.auth.passwords import Passwords
from services.platform.auth.principals import Authenticator
from services.platform.auth.tokens import Signer
from services.platform.config import Settings
from services.platform.db.engine import Database
from services.platform.metering.cost import CostMeter
from services.platform.tenancy.registry import TenantRegistry

CALL_SECONDS_MAX = 60
START_SECONDS_MAX = 30


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer of the gateway."""

    status: int
    text: str

    @property
    def document(self) -> dict[str, Any]:
        found: dict[str, Any] = orjson.loads(self.text)
        return found

    @property
    def codes(self) -> list[str]:
        """The codes of the errors that stand at the top."""
        return [error["extensions"]["code"] for error in self.document.get("errors", ())]

    def field(self) -> Any:
        """The value of the operation's only field; None when there is none."""
        data = self.document.get("data") or {}
        return next(iter(data.values()), None)


class TestGateway:
    """Calls the application as HTTP does, without a socket."""

    __test__ = False  # pytest: no test, in spite of the name

    def __init__(self, services: GatewayServices, loop: asyncio.AbstractEventLoop, client: httpx.AsyncClient) -> None:
        self.services = services
        self._loop = loop
        self._client = client

    def send(
        self,
        query: str,
        variables: Mapping[str, Any] | None = None,
        *,
        token: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send one operation and wait for its answer."""
        return self.start(query, variables, token=token, headers=headers).result(CALL_SECONDS_MAX)

    def start(
        self,
        query: str,
        variables: Mapping[str, Any] | None = None,
        *,
        token: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> "Future[Answer]":
        """Send one operation; the answer comes later."""
        body = orjson.dumps({"query": query, "variables": variables or {}})
        sent = {"Content-Type": "application/json", **(headers or {})}
        if token is not None:
            sent["Authorization"] = f"Bearer {token}"
        return asyncio.run_coroutine_threadsafe(self._post(body, sent), self._loop)

    async def _post(self, body: bytes, headers: Mapping[str, str]) -> Answer:
        answer = await self._client.post("/graphql", content=body, headers=headers)
        return Answer(answer.status_code, answer.text)


@contextmanager
def running_gateway(database: Database, settings: Settings) -> Iterator[TestGateway]:
    """The gateway on a database; at the end what it measured has been written."""
    services = _compose(database, settings)
    app = create_app(services)
    loop, ready, stop = asyncio.new_event_loop(), threading.Event(), asyncio.Event()
    clients: list[httpx.AsyncClient] = []

    async def serve() -> None:
        async with (
            _lifespan(app),
            httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://gateway") as client,
        ):
            clients.append(client)
            ready.set()
            await stop.wait()

    def run() -> None:
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            runner.run(serve())

    thread = threading.Thread(target=run, name="gateway")
    thread.start()
    assert ready.wait(START_SECONDS_MAX), "the gateway did not start"
    try:
        yield TestGateway(services, loop, clients[0])
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        services.cost_meter.close()


@pytest.fixture
def gateway(database: Database, settings: Settings) -> Iterator[TestGateway]:
    """The gateway on the test's ``database``."""
    with running_gateway(database, settings) as running:
        yield running


def _lifespan(app: Starlette) -> Any:
    return app.router.lifespan_context(app)


def _compose(database: Database, settings: Settings) -> GatewayServices:
    registry, signer = TenantRegistry(database), Signer(settings.secret)
    return GatewayServices(
        settings=settings,
        database=database,
        registry=registry,
        authenticator=Authenticator(database, registry, signer),
        # The cheapest argon2: what is tested is never how long a guess takes.
        passwords=Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)),
        signer=signer,
        cost_meter=CostMeter(database),
    )
