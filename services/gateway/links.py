"""Links that members share: ``GET /s/<token>`` counts the visitor and leads on to the merchant's page."""

import re
from collections.abc import Callable
from functools import partial
from typing import Final

import structlog
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from services.gateway.context.request import request_context
from services.gateway.context.services import GatewayServices
from services.gateway.execution.charging import bucket_of_address
from services.gateway.execution.healing import is_about_the_database
from services.gateway.execution.threads import Seats
from services.gateway.execution.upgrades import Upgrades
from services.loyalty.activities.errors import ShareNotFound
from services.loyalty.activities.service import follow_share
from services.platform.actors import PUBLIC, ActorKind
from services.platform.auth.tokens import ShareToken
from services.platform.clock import wall_now
from services.platform.db.session import unit_of_work
from services.platform.telemetry import metrics
from services.platform.tenancy.domain import Tenant
from services.platform.tenancy.errors import TenancyError, TenantUpgrading
from services.platform.tenancy.first_touch import is_behind, upgrading
from services.platform.tenancy.registry import usable

log = structlog.get_logger()

COST = 100
"""What following a link takes of the visitor's budget, and of the one that all links of a tenant have."""

HEADERS: Final = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff"}

# Programs that look at a link before a person does, to show what is behind it: they say so.
_ROBOT = re.compile(
    r"bot\b|bot/|crawl|spider|slurp|preview|facebookexternalhit|whatsapp/|embedly|curl/|wget/", re.IGNORECASE
)


def link_routes(services: GatewayServices, seats: Seats, upgrades: Upgrades) -> list[BaseRoute]:
    """The route of links to share. It is open to everybody; a token that is not ours costs no database.

    Whoever follows many is asked to wait, and so is everybody where a tenant's links are followed more often than its
    tills can bear.
    """

    async def follow(request: Request) -> Response:
        share = services.signer.share(request.path_params["token"])
        if share is None:
            return _absent()
        context = request_context(request.scope)
        if (seconds := _seconds_to_wait(services, share, context.peer)) is not None:
            return _too_many(seconds)
        visitor_hash = None
        if not _is_robot(request):
            visitor = f"{context.peer} {request.headers.get('User-Agent', '')}"
            visitor_hash = services.signer.visitor_hash(share, visitor=visitor)
        visit = partial(_follow, services, share, visitor_hash, context.correlation_id)
        try:
            url = await _led_on(visit, services, seats, upgrades)
        except TenantUpgrading:
            return _later()
        except (TenancyError, ShareNotFound):
            return _absent()
        except Exception as error:
            if not is_about_the_database(error):
                raise
            log.warning("link_waits", error=type(error).__name__)
            return _later()
        return RedirectResponse(url, status_code=302, headers=HEADERS)

    return [Route("/s/{token}", follow)]


async def _led_on(
    visit: Callable[[], str | Tenant], services: GatewayServices, seats: Seats, upgrades: Upgrades
) -> str:
    found = await seats.run(visit)
    if isinstance(found, Tenant):
        await upgrades.bring(found)
        services.authenticator.forget()
        found = await seats.run(visit)
    if isinstance(found, Tenant):
        raise upgrading(found)
    return found


def _follow(
    services: GatewayServices, share: ShareToken, visitor_hash: bytes | None, correlation_id: str
) -> str | Tenant:
    """Where the link leads; or the tenant that is behind this release, which has to come first."""
    tenant = usable(services.registry.by_id(share.tenant_id))
    if is_behind(tenant):
        return tenant
    with unit_of_work(
        services.database, tenant.home, now=tenant.now(wall_now()), actor=PUBLIC, correlation_id=correlation_id
    ) as uow:
        return follow_share(uow, share_id=share.share_id, visitor_hash=visitor_hash)


def _is_robot(request: Request) -> bool:
    purpose = request.headers.get("Sec-Purpose", request.headers.get("Purpose", ""))
    agent = request.headers.get("User-Agent", "")
    return request.method != "GET" or "prefetch" in purpose or not agent or bool(_ROBOT.search(agent))


def _seconds_to_wait(services: GatewayServices, share: ShareToken, peer: str) -> int | None:
    """How long to wait before following a link, None where that may be done now."""
    for bucket in (bucket_of_address(peer), f"{share.tenant_id.hex}:links"):
        standing = services.buckets.spend(bucket, COST)
        if standing.retry_after_seconds is not None:
            metrics.rate_limited(ActorKind.PUBLIC)
            return standing.retry_after_seconds
    return None


def _too_many(seconds: int) -> Response:
    return PlainTextResponse("Try again later.", status_code=429, headers={**HEADERS, "Retry-After": str(seconds)})


def _later() -> Response:
    return PlainTextResponse("Try again in a moment.", status_code=503, headers={**HEADERS, "Retry-After": "5"})


def _absent() -> Response:
    return PlainTextResponse("There is nothing here.", status_code=404, headers=HEADERS)
