"""Whether the process lives, and whether it can do its work."""

import asyncio
from collections.abc import Callable
from functools import partial

import structlog
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Route

from services.gateway.context.services import GatewayServices
from services.gateway.execution.threads import Seats
from services.platform.clock import wall_now
from services.platform.db.homes import PLATFORM
from services.platform.db.session import read_session
from services.platform.tenancy.registry import tenants_behind

log = structlog.get_logger()

CHECK_SECONDS_MAX = 3.0
NO_STORE = {"Cache-Control": "no-store"}

BrokerCheck = Callable[[], bool]


def health_routes(
    services: GatewayServices, seats: Seats, *, head_revision: str, broker_answers: BrokerCheck
) -> list[BaseRoute]:
    """``/health/live`` and ``/health/ready``.

    Ready means: the database answers, and knows its schema. Tenants that wait for a migration and a broker that is
    away are told as degraded, since purchases go on without them.
    """

    async def live(_: Request) -> JSONResponse:
        return JSONResponse({"status": "live"}, headers=NO_STORE)

    async def ready(_: Request) -> JSONResponse:
        try:
            behind = await asyncio.wait_for(
                seats.run(partial(_tenants_behind, services, head_revision)), CHECK_SECONDS_MAX
            )
        except Exception as error:  # noqa: BLE001  whatever keeps the database away, the answer is the same
            log.warning("not_ready", error=type(error).__name__)
            return JSONResponse({"status": "unavailable", "database": "away"}, status_code=503, headers=NO_STORE)
        broker = await asyncio.get_running_loop().run_in_executor(None, broker_answers)
        checks = {
            "database": "ready",
            "schema": "ready" if behind == 0 else f"{behind} tenants behind",
            "broker": "ready" if broker else "away",
        }
        is_whole = behind == 0 and broker
        return JSONResponse({"status": "ready" if is_whole else "degraded", **checks}, headers=NO_STORE)

    return [Route("/health/live", live), Route("/health/ready", ready)]


def _tenants_behind(services: GatewayServices, head_revision: str) -> int:
    with read_session(services.database, PLATFORM, now=wall_now()) as session:
        return tenants_behind(session, head_revision=head_revision)
