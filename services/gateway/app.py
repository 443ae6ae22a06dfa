"""The web process, composed."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute

from services.gateway.context.errors import Internal
from services.gateway.context.request import request_context
from services.gateway.context.services import GatewayServices
from services.gateway.execution.threads import Seating, Seats
from services.gateway.execution.upgrades import Upgrades
from services.gateway.graphql.answers import describe
from services.gateway.graphql.endpoint import GraphQLEndpoint
from services.gateway.graphql.feed import LiveFeed
from services.gateway.graphql.runner import Runner
from services.gateway.graphql.schema import build_schema
from services.gateway.health import health_routes
from services.gateway.links import link_routes
from services.gateway.live.endpoint import LiveEndpoint
from services.gateway.live.socket import Desk
from services.gateway.live.watch import Watch
from services.gateway.middleware.correlation import HEADER, CorrelationMiddleware
from services.gateway.middleware.identity import Door, IdentityMiddleware
from services.gateway.middleware.limits import LimitsMiddleware
from services.gateway.middleware.tracing import TracesMiddleware
from services.gateway.passes import pass_routes
from services.platform.telemetry import metrics, traces
from services.platform.tenancy.migrations import head_revision

__all__ = ["GatewayServices", "create_app"]

VERB_SEATS = 2
"""Of the pool's connections, those kept for log-ins and the like. Hashing takes as many at a time, and no more."""

SLOW_SEATS = 1
"""For what takes seconds, such as moving a sandbox's clock. Its short transactions share the pool with the others."""

REPORT_SEATS = 1
"""Of the pool's connections, those kept for reports, which read for seconds."""

TRACED_PATHS = ("/graphql", "/health/live", "/health/ready")
"""Paths that a trace may name; others may hold what only their reader should see."""


def create_app(
    services: GatewayServices,
    *,
    pages: Sequence[BaseRoute] = (),
    broker_answers: Callable[[], bool] = lambda: True,
    seats_of: Callable[[int], Seats] = Seats,
) -> Starlette:
    """The gateway: ``POST /graphql``, a WebSocket at the same path, health, and the ``pages`` that are given.

    ``broker_answers`` tells whether the broker can be reached; it may block for a moment. ``seats_of`` makes so many
    seats for work with the database.
    """
    seats = seats_of(max(1, services.settings.database_pool_size - VERB_SEATS - REPORT_SEATS))
    seating = Seating(seats, verbs=seats_of(VERB_SEATS), slow=Seats(SLOW_SEATS), reports=seats_of(REPORT_SEATS))
    upgrades = Upgrades(services.settings.direct_database_url)

    door = Door(services.authenticator, seats, upgrades, services.buckets)
    runner = Runner(build_schema(), services, seating)
    desk = Desk(
        runner,
        LiveFeed(services.database, seats, url=services.settings.valkey_url),
        Watch(services.database, services.signer, seats),
        door,
    )

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        desk.open()
        yield
        await desk.close()
        # Requests have been answered by now; what they left in the threads is waited for.
        await seating.finish()
        await upgrades.finish()

    pool = services.database.pool
    metrics.watch_pool(size=lambda: pool.size, in_use=lambda: pool.in_use, waiting=lambda: pool.waiting)
    metrics.watch_seats("work", lambda: seating.work.waiting)
    metrics.watch_seats("verbs", lambda: seating.verbs.waiting)
    metrics.watch_seats("slow", lambda: seating.slow.waiting)
    metrics.watch_seats("reports", lambda: seating.reports.waiting)
    app = Starlette(
        routes=[
            Route(
                "/graphql",
                GraphQLEndpoint(runner),
                middleware=[
                    Middleware(LimitsMiddleware, describe=describe),
                    Middleware(IdentityMiddleware, door=door, describe=describe),
                ],
            ),
            WebSocketRoute("/graphql", LiveEndpoint(desk, allowed_origins=services.settings.allowed_origins)),
            *health_routes(services, seats, head_revision=head_revision(), broker_answers=broker_answers),
            *link_routes(services, seats, upgrades),
            *pass_routes(services, seats),
            *pages,
        ],
        middleware=[
            *([Middleware(TracesMiddleware, paths=TRACED_PATHS)] if traces.are_on() else ()),
            Middleware(CorrelationMiddleware),
            *_cross_origin(services.settings.allowed_origins),
        ],
        exception_handlers={Exception: _unforeseen},
        lifespan=lifespan,
    )
    app.state.live = desk
    return app


def _cross_origin(origins: Sequence[str]) -> list[Middleware]:
    """Lets scripts of these origins call and read answers. Nobody is known by a cookie, so none are let through."""
    if not origins:
        return []
    return [
        Middleware(
            CORSMiddleware,
            allow_origins=origins,
            allow_methods=["POST"],
            allow_headers=["Authorization", "Content-Type", "X-Tenant", HEADER],
            expose_headers=[HEADER, "Retry-After"],
        )
    ]


def _unforeseen(request: Request, _error: Exception) -> Response:
    """The last resort; Starlette raises the error again after this, so that the server's log tells of it."""
    context = request_context(request.scope)
    body = {"errors": [describe(Internal(correlation_id=context.correlation_id), context.locale)]}
    return JSONResponse(body, status_code=500)
