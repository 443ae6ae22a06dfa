"""The gateway as a client meets it: HTTP in, HTTP out, over the whole app, without a socket.

The app runs in the event loop of a thread of its own, so that tests stay plain functions and many threads may call.
"""

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from typing import Any, Protocol

import httpx
import pytest
from starlette.applications import Starlette

from services.gateway.app import create_app
from services.gateway.context.services import GatewayServices
from services.loyalty import worker as loyalty
from services.platform.auth.passwords import Passwords
from services.platform.auth.principals import Authenticator
from services.platform.auth.tokens import Signer
from services.platform.config import Environment, Settings
from services.platform.db.engine import Database, open_database
from services.platform.ids import new_id
from services.platform.limits.buckets import Buckets
from services.platform.limits.domain import Quota
from services.platform.metering.cost import CostMeter
from services.platform.tenancy.registry import TenantRegistry
from tests.support.database import PostgresServer
from tests.support.tenants import DatabaseUrls

OPERATIONS = Path(__file__).parents[2] / "frontend-contracts" / "operations"
ANSWER_SECONDS_MAX = 60
SECRET = b"a secret of the tests, long enough"
POOL_SIZE = 8
PASSWORD = "correct horse battery"
NO_VALKEY = "unix:///var/empty/no-valkey"

_numbers = count(1)


def fresh_key() -> str:
    """An idempotency key, or an external number, that no test has used."""
    return f"k-{next(_numbers)}"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back over HTTP."""

    status: int
    headers: Mapping[str, str]
    content: Any

    @property
    def data(self) -> Any:
        """The data; there must be no error."""
        assert "errors" not in self.content, self.content
        return self.content["data"]

    @property
    def error(self) -> Any:
        """The one error's extensions, but for the correlation id, which is that of the answer."""
        (error,) = self.content["errors"]
        facts = dict(error["extensions"])
        assert facts.pop("correlationId") == self.headers["X-Correlation-Id"]
        return facts

    @property
    def code(self) -> str:
        """The one error's code."""
        code: str = self.error["code"]
        return code


class GatewayThread:
    """An app at work in a thread of its own."""

    def __init__(self, app: Starlette, *, peer: str = "127.0.0.1") -> None:
        self.app = app
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="gateway", daemon=True)
        self._stop = asyncio.Event()
        self._ready = threading.Event()
        self._http = httpx.AsyncClient(
            transport=httpx.ASGITransport(app, client=(peer, 40_000)), base_url="http://regulars.test"
        )

    def start(self) -> None:
        self._thread.start()
        assert self._ready.wait(ANSWER_SECONDS_MAX)

    def stop(self) -> None:
        self.loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(ANSWER_SECONDS_MAX)
        assert not self._thread.is_alive()

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        future = asyncio.run_coroutine_threadsafe(self._http.request(method, path, **options), self.loop)
        return future.result(ANSWER_SECONDS_MAX)

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.run_until_complete(self._live())
        self.loop.close()

    async def _live(self) -> None:
        async with self.app.router.lifespan_context(self.app), self._http:
            self._ready.set()
            await self._stop.wait()


@dataclass(frozen=True, slots=True)
class GraphQLClient:
    """A caller with or without a credential. Immutable: `as_` makes another one."""

    gateway: GatewayThread
    token: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def as_(self, token: str | None, **headers: str) -> "GraphQLClient":
        """The same gateway with another credential; header names take ``_`` for ``-``."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return replace(self, token=token, headers={**self.headers, **named})

    def execute(self, document: str, variables: Mapping[str, Any] | None = None, **more: Any) -> Answer:
        """Send a GraphQL request."""
        return self.post(json.dumps({"query": document, "variables": variables, **more}).encode())

    def run(self, operation: str, **variables: Any) -> Any:
        """The data of an operation of ``frontend-contracts/operations``."""
        return self.execute((OPERATIONS / f"{operation}.graphql").read_text(), variables).data

    def do(self, mutation: str, **input_: Any) -> Any:
        """What came of a mutation of ``frontend-contracts/operations``: its payload or refusal."""
        (outcome,) = self.run(mutation, input=input_).values()
        return outcome

    def post(self, body: bytes | Iterable[bytes], **headers: str) -> Answer:
        """Send any body; a list of parts goes without Content-Length."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.send("POST", "/graphql", body, named)

    def send(
        self, method: str, path: str, body: bytes | Iterable[bytes] = b"", headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Send any HTTP request; the content type is JSON unless the headers say otherwise."""
        own = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        content = body if isinstance(body, bytes) else _parts(body)
        response = self.gateway.request(
            method,
            path,
            content=content,
            headers={"Content-Type": "application/json", **own, **self.headers, **(headers or {})},
        )
        parsed = response.json() if response.content and "json" in response.headers["Content-Type"] else response.text
        return Answer(response.status_code, response.headers, parsed)

    def sign_up(self, slug: str, **changes: str) -> "GraphQLClient":
        """Open a merchant; its owner's client."""
        wish = {
            "email": f"owner@{slug}.example",
            "password": PASSWORD,
            "name": "Olive Owner",
            "merchantName": slug.capitalize(),
            "slug": slug,
            "locale": "en",
            "idempotencyKey": fresh_key(),
        }
        outcome = self.do("SignUp", **{**wish, **changes})
        assert outcome["__typename"] == "SignUpPayload", outcome
        return self.as_(outcome["session"]["token"])

    def create_store(self, code: str = "main", currency: str = "CNY") -> str:
        """Open a store in Shanghai; its id."""
        outcome = self.do("CreateStore", code=code, name=f"Store {code}", timezone="Asia/Shanghai", currency=currency)
        assert outcome["__typename"] == "CreateStorePayload", outcome
        store_id: str = outcome["store"]["id"]
        return store_id

    def publish_template(self, template: str = "CAFE", currency: str = "CNY") -> None:
        """Start the program from a template."""
        outcome = self.do(
            "ApplyProgramTemplate", template=template, currency=currency, timezone="Asia/Shanghai", publish=True
        )
        assert outcome["__typename"] == "ApplyProgramTemplatePayload", outcome

    def create_api_key(self, *scopes: str, store_id: str | None = None) -> "GraphQLClient":
        """Make a key; its holder's client."""
        outcome = self.do("CreateApiKey", name="till", scopes=list(scopes), storeId=store_id)
        assert outcome["__typename"] == "CreateApiKeyPayload", outcome
        return self.as_(outcome["secret"])

    def enroll(self, email: str | None = None) -> str:
        """Enroll a member; their id."""
        address = email or f"{fresh_key()}@member.example"
        outcome = self.do(
            "EnrollMember",
            identities=[{"kind": "EMAIL", "value": address}],
            locale="en",
            name="Mia Member",
            idempotencyKey=fresh_key(),
        )
        assert outcome["__typename"] == "EnrollMemberPayload", outcome
        member_id: str = outcome["member"]["id"]
        return member_id

    def buy(self, member_id: str | None, store_id: str, amount: str = "100.00", **changes: Any) -> Any:
        """Record a purchase of one line; its payload or refusal."""
        wish: dict[str, Any] = {
            "source": "till",
            "externalId": fresh_key(),
            "storeId": store_id,
            "currency": "CNY",
            "lines": [{"sku": "latte", "quantity": "1", "amount": amount}],
            "member": {"id": member_id} if member_id else None,
            "idempotencyKey": fresh_key(),
        }
        return self.do("RecordPurchase", **{**wish, **changes})

    def token_of(self, member_id: str) -> str:
        """A member token."""
        outcome = self.do("CreateMemberToken", memberId=member_id)
        assert outcome["__typename"] == "CreateMemberTokenPayload", outcome
        token: str = outcome["token"]
        return token


async def _parts(parts: Iterable[bytes]) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


class Urls(Protocol):
    """A database's addresses for those who use it and for those who make schemas."""

    @property
    def app(self) -> str: ...

    @property
    def owner(self) -> str: ...


def gateway_services(
    database: Database, urls: Urls, home: Path, *, environment: Environment = "development"
) -> GatewayServices:
    """What a gateway of the tests is composed of. Close its cost meter."""
    settings = Settings(
        environment=environment,
        home=home,
        database_url=urls.app,
        direct_database_url=urls.owner,
        broker_url="",
        valkey_url="",
        smtp_url="",
        mail_sender="hello@regulars.test",
        secret=SECRET,
        base_url="http://regulars.test",
        database_pool_size=POOL_SIZE,
        worker_threads=1,
    )
    registry, signer = TenantRegistry(database), Signer(SECRET)
    return GatewayServices(
        settings=settings,
        database=database,
        registry=registry,
        authenticator=Authenticator(database, registry, signer),
        passwords=Passwords(),
        signer=signer,
        cost_meter=CostMeter(database),
        # There is no Valkey, so nothing is limited: tests of limits bring buckets of their own.
        buckets=Buckets(NO_VALKEY, Quota(settings.rate_capacity, settings.rate_per_second)),
        errands=loyalty.SANDBOX_ERRANDS,
    )


@contextmanager
def running_gateway(services: GatewayServices, *, peer: str = "127.0.0.1") -> Iterator[GraphQLClient]:
    """A stranger's client, at the address ``peer``, of a gateway that runs until the block ends."""
    gateway = GatewayThread(create_app(services), peer=peer)
    gateway.start()
    try:
        yield GraphQLClient(gateway)
    finally:
        gateway.stop()
        services.cost_meter.close()
        services.buckets.close()


@pytest.fixture
def api(database_urls: DatabaseUrls, tmp_path: Path) -> Iterator[GraphQLClient]:
    """A stranger's client of a gateway in development, over a fresh database."""
    database = open_database(database_urls.app, pool_size=POOL_SIZE)
    with running_gateway(gateway_services(database, database_urls, tmp_path)) as client:
        yield client
    database.close()


@pytest.fixture(scope="session")
def shared_urls(postgres_server: PostgresServer, template_database: str) -> Iterator[DatabaseUrls]:
    """The addresses of the database behind `shared_api`."""
    urls = DatabaseUrls(postgres_server, f"shared_{new_id().hex[-12:]}")
    postgres_server.create_database(urls.name, template=template_database)
    yield urls
    postgres_server.drop_database(urls.name)


@pytest.fixture(scope="session")
def shared_api(shared_urls: DatabaseUrls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GraphQLClient]:
    """As `api`, one for all tests that keep to a merchant of their own, or write nothing."""
    database = open_database(shared_urls.app, pool_size=POOL_SIZE)
    with running_gateway(gateway_services(database, shared_urls, tmp_path_factory.mktemp("shared"))) as client:
        yield client
    database.close()


@pytest.fixture
def production_api(database_urls: DatabaseUrls, tmp_path: Path) -> Iterator[GraphQLClient]:
    """As `api`, in production."""
    database = open_database(database_urls.app, pool_size=POOL_SIZE)
    with running_gateway(gateway_services(database, database_urls, tmp_path, environment="production")) as client:
        yield client
    database.close()
