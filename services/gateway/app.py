"""The web process, composed."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from services.gateway.context.errors import Internal
from services.gateway.context.request import request_context
from services.gateway.context.services import GatewayServices
from services.gateway.execution.threads import Seats
from services.gateway.graphql.answers import describe
from services.gateway.graphql.endpoint import GraphQLEndpoint
from services.gateway.graphql.runner import Runner
from services.gateway.graphql.schema import build_schema
from services.gateway.health import health_routes
from services.gateway.middleware.correlation import CorrelationMiddleware
from services.gateway.middleware.identity import IdentityMiddleware
from services.gateway.middleware.limits import LimitsMiddleware
from services.platform.tenancy.migrations import head_revision

__all__ = ["GatewayServices", "create_app"]

VERB_SEATS = 2
"""Of the pool's connections, those kept for log-ins and the like. Hashing takes as many at a time, and no more."""


def create_app(
    services: GatewayServices,
    *,
    pages: Sequence[BaseRoute] = (),
    broker_answers: Callable[[], bool] = lambda: True,
) -> Starlette:
    """The gateway: ``POST /graphql``, health, and the ``pages`` that are given (`services.gateway.pages`).

    ``broker_answers`` tells whether the broker can be reached; it may block for a moment.
    """
    seats = Seats(max(1, services.settings.database_pool_size - VERB_SEATS))
    verb_seats = Seats(VERB_SEATS)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        yield
        # Requests have been answered by now; what they left in the threads is waited for.
        await seats.finish()
        await verb_seats.finish()

    return Starlette(
        routes=[
            Route(
                "/graphql",
                GraphQLEndpoint(Runner(build_schema(), services, seats, verb_seats)),
                middleware=[
                    Middleware(LimitsMiddleware, describe=describe),
                    Middleware(
                        IdentityMiddleware, authenticator=services.authenticator, seats=seats, describe=describe
                    ),
                ],
            ),
            *health_routes(services, seats, head_revision=head_revision(), broker_answers=broker_answers),
            *pages,
        ],
        middleware=[Middleware(CorrelationMiddleware)],
        exception_handlers={Exception: _unforeseen},
        lifespan=lifespan,
    )


def _unforeseen(request: Request, _error: Exception) -> Response:
    """The last resort; Starlette raises the error again after this, so that the server's log tells of it."""
    context = request_context(request.scope)
    body = {"errors": [describe(Internal(correlation_id=context.correlation_id), context.locale)]}
    return JSONResponse(body, status_code=500)
