"""A server with the built pages and a small schema, and a Chromium that watches for what leaves the origin."""

import os
import shutil
import socket
import threading
from collections.abc import AsyncGenerator, Iterator, Sequence
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import strawberry
import uvicorn
from playwright.sync_api import Browser, BrowserContext, Page, Request, sync_playwright
from starlette.applications import Starlette
from starlette.routing import Route, WebSocketRoute
from strawberry.asgi import GraphQL

from services.gateway.pages import Example, Welcome, page_routes

ROOT = Path(__file__).parents[2]
DIST = ROOT / "services/gateway/console/dist"
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "microsoft-edge")

WELCOME: Welcome = {
    "graphiql": "/graphiql",
    "mail": "/mail",
    "health": "/health/ready",
    "docs": None,
    "demo": {
        "name": {"en": "Harvest Market", "zh": "丰收超市"},
        "state": "loading",
        "progress": 0.426,
        "members": 2469,
        "purchases": 8812,
        "points": 251340,
        "source": {"en": "The Complete Journey (84.51°)", "zh": "The Complete Journey（84.51°）"},
        "credentials": [
            {"label": {"en": "E-mail", "zh": "邮箱"}, "value": "owner@harvest.example"},
            {"label": {"en": "API key", "zh": "API 密钥"}, "value": "rk_demo_5f1c9a"},
        ],
    },
}

EXAMPLES: Sequence[Example] = (
    {
        "name": {"en": "A member and the points", "zh": "会员与积分"},
        "query": "query Member($card: String!) {\n  member(card: $card) {\n    name\n    points\n  }\n}",
        "variables": {"card": "2017-0042"},
    },
    {
        "name": {"en": "Who asks", "zh": "谁在请求"},
        "query": "query WhoAsks {\n  caller {\n    authorization\n    tenant\n  }\n}",
        "variables": {},
    },
)


@strawberry.type
class Member:
    name: str
    points: int


@strawberry.type
class Caller:
    authorization: str | None
    tenant: str | None


@strawberry.type
class Query:
    @strawberry.field
    def member(self, card: str) -> Member:
        return Member(name=f"回头客 {card}", points=1250)

    @strawberry.field
    def caller(self, info: strawberry.Info) -> Caller:
        headers = info.context["request"].headers
        return Caller(authorization=headers.get("authorization"), tenant=headers.get("x-tenant"))


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def numbers(self, info: strawberry.Info) -> AsyncGenerator[str, None]:
        """Three numbers, for the caller that the socket told of."""
        given = info.context["connection_params"]
        for number in range(3):
            yield f"{number} for {given['authorization']} in {given['x-tenant']}"


@pytest.fixture(scope="session")
def origin() -> Iterator[str]:
    assert (DIST / "graphiql.html").is_file(), (
        "Build the pages first: npm ci && npm run build in services/gateway/console"
    )
    routes = page_routes(dist=DIST, welcome=lambda: WELCOME, examples=lambda: EXAMPLES)
    graphql: GraphQL[None, None] = GraphQL(strawberry.Schema(Query, subscription=Subscription), graphql_ide=None)
    app = Starlette(routes=[*routes, Route("/graphql", graphql), WebSocketRoute("/graphql", graphql)])
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, ws="websockets-sansio", lifespan="off", log_config=None))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()

    yield f"http://127.0.0.1:{listener.getsockname()[1]}"

    server.should_exit = True
    thread.join(timeout=10)
    listener.close()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    program = os.environ.get("REGULARS_CHROMIUM") or next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)
    assert program, "No Chromium found: install one, or name it in REGULARS_CHROMIUM"
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program)
        yield chromium
        chromium.close()


class Watched:
    """A page together with everything that should not have happened on it."""

    def __init__(self, page: Page, *, origin: str) -> None:
        self.page = page
        self.origin = origin
        self.requests: list[str] = []
        self.complaints: list[str] = []
        page.context.on("request", self._note_request)
        page.on("pageerror", lambda error: self.complaints.append(f"uncaught: {error}"))
        page.on("console", lambda message: self.complaints.append(message.text) if message.type == "error" else None)
        page.expose_function("noteViolation", self._note_violation)
        page.add_init_script(
            "addEventListener('securitypolicyviolation', (event) =>"
            " noteViolation(`policy: ${event.violatedDirective} ${event.blockedURI}`))"
        )

    def _note_request(self, request: Request) -> None:
        self.requests.append(request.url)

    def _note_violation(self, violation: str) -> None:
        self.complaints.append(violation)

    def open(self, path: str) -> Page:
        self.page.goto(f"{self.origin}{path}")
        return self.page

    def requests_elsewhere(self) -> list[str]:
        return [url for url in self.requests if url.startswith(("http", "ws")) and not self._is_ours(url)]

    def _is_ours(self, url: str) -> bool:
        return urlsplit(url).netloc == urlsplit(self.origin).netloc


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(locale="en-US", viewport={"width": 1280, "height": 800})
    context.set_default_timeout(20_000)
    yield context
    context.close()


@pytest.fixture
def watched(context: BrowserContext, origin: str, request: pytest.FixtureRequest) -> Iterator[Watched]:
    watched = Watched(context.new_page(), origin=origin)

    yield watched

    artifacts = ROOT / "artifacts/browser"
    artifacts.mkdir(parents=True, exist_ok=True)
    watched.page.screenshot(path=artifacts / f"{request.node.name}.png")
    assert watched.requests_elsewhere() == []
    assert watched.complaints == []
