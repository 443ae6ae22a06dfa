"""Where the processor time of the hot operations goes: ``./dev bench --profile``.

The gateway runs here, in one thread, asked without a server and a socket before it; the work that it otherwise hands to
threads is done in place, so that one clock sees it all. The clock is this thread's processor time: waiting counts for
nothing. The profiler makes calls dearer than they are, so read shares, and the time without it above them.
"""

import asyncio
import cProfile
import pstats
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import orjson
from rich.box import SIMPLE
from rich.table import Table
from starlette.applications import Starlette

from services.gateway.app import create_app
from services.gateway.execution.threads import Seats
from services.platform.db.engine import open_database
from tests.load.contenders import member_body, purchase_body
from tests.load.pages import BY_EXECUTOR, PAGE
from tests.load.stage import POOL_SIZE, Stage
from tests.support.graphql_client import gateway_services

T = TypeVar("T")

WARMING, COUNTED = 60, 300
FUNCTIONS_SHOWN = 12
AREAS: Mapping[str, tuple[str, ...]] = {
    "talking to PostgreSQL": ("/services/platform/db/", "/psycopg", "/services/platform/idempotency/"),
    "deciding (loyalty)": ("/services/loyalty/",),
    "GraphQL": ("/services/gateway/graphql/", "/graphql/", "/strawberry/", "<plan>"),
    "middlewares and limits": (
        "/services/gateway/middleware/",
        "/services/platform/limits/",
        "/starlette/",
        "/structlog/",
    ),
    "operation, threads, event loop": ("/services/gateway/execution/", "/asyncio/", "selectors.py", "queue.py"),
    "telemetry and metering": ("/services/platform/telemetry/", "/services/platform/metering/"),
}
REST = "the rest of Python"


@dataclass(frozen=True, slots=True)
class Profile:
    """``cpu_ms`` a request without the profiler; shares by area and by function sum to 1."""

    name: str
    cpu_ms: float
    areas: Mapping[str, float]
    functions: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class _Urls:
    app: str
    owner: str


async def profiles(stage: Stage) -> list[Profile]:
    """A profile of each hot operation, one after the other on one event loop, which the gateway's seats belong to."""
    bodies: Mapping[str, Callable[[], bytes]] = {
        "recordPurchase": lambda: purchase_body(stage),
        "member by id": lambda: member_body(stage),
        "page of 50 members": lambda: orjson.dumps({"query": PAGE, "variables": {"after": None}}),
        "the same by the executor": lambda: orjson.dumps({"query": BY_EXECUTOR, "variables": {"after": None}}),
    }
    with _gateway(stage) as app:
        return [await _profile(name, app, stage.till.token, body) for name, body in bodies.items()]


def profile_table(profile: Profile) -> Table:
    """Areas, then the functions that take most by themselves."""
    table = Table(
        title=f"{profile.name}: {profile.cpu_ms:.2f} ms of processor time a request", box=SIMPLE, show_header=False
    )
    table.add_column("", no_wrap=True, overflow="ellipsis", max_width=64)
    table.add_column("", justify="right")
    for shares in (profile.areas, profile.functions):
        for name, share in sorted(shares.items(), key=lambda item: -item[1])[:FUNCTIONS_SHOWN]:
            table.add_row(name, f"{100 * share:.0f} %")
        table.add_section()
    return table


class _SeatsHere(Seats):
    """Seats whose work is done by the event loop's own thread."""

    def start(self, work: Callable[[], T]) -> "asyncio.Future[T]":
        """Do it at once."""
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        try:
            future.set_result(work())
        except Exception as error:  # noqa: BLE001  it belongs to the one who waits
            future.set_exception(error)
        return future


@contextmanager
def _gateway(stage: Stage) -> Iterator[Starlette]:
    database = open_database(stage.postgres.app_url, pool_size=POOL_SIZE, is_prepared=True)
    urls = _Urls(stage.postgres.app_url, stage.postgres.owner_url)
    services = gateway_services(database, urls, Path("unused"), environment="production")
    yield create_app(services, seats_of=_SeatsHere)
    services.cost_meter.close()
    services.buckets.close()
    database.close()


async def _profile(name: str, app: Starlette, token: str, body: Callable[[], bytes]) -> Profile:
    async def ask(count: int) -> None:
        for _ in range(count):
            await _ask(app, token, body())

    await ask(WARMING)
    began = time.thread_time()
    await ask(COUNTED)
    cpu_ms = 1_000 * (time.thread_time() - began) / COUNTED
    profiler = cProfile.Profile(time.thread_time)
    with profiler:
        await ask(COUNTED)
    functions = _own_times(profiler)
    total = sum(functions.values())
    areas: defaultdict[str, float] = defaultdict(float)
    shown: defaultdict[str, float] = defaultdict(float)
    for (file, line, function), seconds in functions.items():
        area = next((area for area, marks in AREAS.items() if any(mark in file for mark in marks)), REST)
        areas[area] += seconds / total
        shown[f"{file.rpartition('site-packages/')[2].rpartition('/services/')[2]}:{line} {function}"] += (
            seconds / total
        )
    return Profile(name, cpu_ms, areas, shown)


def _own_times(profiler: cProfile.Profile) -> dict[tuple[str, int, str], float]:
    """Seconds in each Python function by itself, with what C functions took for it."""
    found: defaultdict[tuple[str, int, str], float] = defaultdict(float)
    stats: Any = pstats.Stats(profiler)
    for function, (_, _, own, _, callers) in stats.stats.items():
        if function[0] != "~":
            found[function] += own
            continue
        for caller, (_, _, part, _) in callers.items():
            found[caller] += part
    return found


async def _ask(app: Starlette, token: str, body: bytes) -> None:
    headers = [
        (b"host", b"127.0.0.1"),
        (b"content-type", b"application/json"),
        (b"authorization", b"Bearer " + token.encode()),
    ]
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": "/graphql",
        "raw_path": b"/graphql",
        "query_string": b"",
        "root_path": "",
        "headers": headers,
        "server": ("127.0.0.1", 80),
        "client": ("127.0.0.1", 1),
    }
    parts: list[bytes] = []

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: dict[str, object]) -> None:
        part = message.get("body", b"")
        assert isinstance(part, bytes)
        parts.append(part)

    await app(scope, receive, send)  # type: ignore[arg-type]  # plain dictionaries do for messages
    answer = b"".join(parts)
    assert answer.startswith(b'{"data"'), answer
