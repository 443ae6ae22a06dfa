"""Links that members share: ``GET /s/<token>`` counts the visitor and leads on to the merchant's page."""

import re
from functools import partial
from typing import Final

import structlog
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from services.gateway.context.request import request_context
from services.gateway.context.services import GatewayServices
from services.gateway.execution.healing import is_about_the_database
from services.gateway.execution.threads import Seats
from services.loyalty.activities.errors import ShareNotFound
from services.loyalty.activities.service import follow_share
from services.platform.actors import PUBLIC
from services.platform.auth.tokens import ShareToken
from services.platform.clock import wall_now
from services.platform.db.session import unit_of_work
from services.platform.tenancy.errors import TenancyError, TenantUpgrading
from services.platform.tenancy.registry import usable

log = structlog.get_logger()

HEADERS: Final = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff"}

# Programs that look at a link before a person does, to show what is behind it: they say so.
_ROBOT = re.compile(
    r"bot\b|bot/|crawl|spider|slurp|preview|facebookexternalhit|whatsapp/|embedly|curl/|wget/", re.IGNORECASE
)


def link_routes(services: GatewayServices, seats: Seats) -> list[BaseRoute]:
    """The route of links to share. It is open to everybody; a token that is not ours costs no database."""

    async def follow(request: Request) -> Response:
        share = services.signer.share(request.path_params["token"])
        if share is None:
            return _absent()
        visitor_hash = None
        if not _is_robot(request):
            visitor = f"{request_context(request.scope).peer} {request.headers.get('User-Agent', '')}"
            visitor_hash = services.signer.visitor_hash(share, visitor=visitor)
        correlation_id = request_context(request.scope).correlation_id
        try:
            url = await seats.run(partial(_follow, services, share, visitor_hash, correlation_id))
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


def _follow(services: GatewayServices, share: ShareToken, visitor_hash: bytes | None, correlation_id: str) -> str:
    tenant = usable(services.registry.by_id(share.tenant_id))
    with unit_of_work(
        services.database, tenant.home, now=tenant.now(wall_now()), actor=PUBLIC, correlation_id=correlation_id
    ) as uow:
        return follow_share(uow, share_id=share.share_id, visitor_hash=visitor_hash)


def _is_robot(request: Request) -> bool:
    purpose = request.headers.get("Sec-Purpose", request.headers.get("Purpose", ""))
    agent = request.headers.get("User-Agent", "")
    return request.method != "GET" or "prefetch" in purpose or not agent or bool(_ROBOT.search(agent))


def _later() -> Response:
    return PlainTextResponse("Try again in a moment.", status_code=503, headers={**HEADERS, "Retry-After": "5"})


def _absent() -> Response:
    return PlainTextResponse("There is nothing here.", status_code=404, headers=HEADERS)
