"""Members' cards as files for phones: ``GET /w/passes/<token>.pkpass`` is a card for Apple's Wallet.

The address opens by its own signature and for ten minutes: a phone fetches it without the page's token. The picture at
``/w/mark.png`` stands for a merchant in Google's Wallet, which must be able to fetch one.
"""

from functools import partial
from typing import Final

import structlog
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from services.gateway.context.services import GatewayServices
from services.gateway.execution.healing import is_about_the_database
from services.gateway.execution.threads import Seats
from services.loyalty.cards.domain.apple import MEDIA_TYPE
from services.loyalty.cards.domain.images import mark
from services.loyalty.cards.errors import CardError
from services.loyalty.cards.queries import pass_facts
from services.loyalty.cards.service import make_apple_pass
from services.platform.actors import ActorKind
from services.platform.auth.seals import Seals
from services.platform.auth.tokens import MemberToken
from services.platform.clock import wall_now
from services.platform.db.session import read_session
from services.platform.telemetry import metrics
from services.platform.tenancy.errors import TenancyError, TenantUpgrading
from services.platform.tenancy.registry import usable

log = structlog.get_logger()

COST = 1_000
"""What a pass takes of its tenant's budget for passes: a signature and four pictures."""
MARK_SIZE = 256
"""Pixels of the picture; Google shows it in a circle."""
HEADERS: Final = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff"}
PICTURE_HEADERS: Final = {**HEADERS, "Cache-Control": "public, max-age=86400"}


def pass_routes(services: GatewayServices, seats: Seats) -> list[BaseRoute]:
    """The routes of passes. They are open to everybody; a token that is not ours costs no database."""

    async def apple_pass(request: Request) -> Response:
        asked = services.signer.pass_of(request.path_params["token"])
        if asked is None:
            return _absent()
        standing = services.buckets.spend(f"{asked.tenant_id.hex}:passes", COST)
        if standing.retry_after_seconds is not None:
            metrics.rate_limited(ActorKind.PUBLIC)
            return _later(429, seconds=standing.retry_after_seconds)
        try:
            content = await seats.run(partial(_pass, services, asked))
        except Exception as error:
            if not isinstance(error, TenantUpgrading) and not is_about_the_database(error):
                raise
            log.warning("pass_waits", error=type(error).__name__)
            return _later(503)
        if content is None:
            return _absent()
        named = {"Content-Disposition": 'attachment; filename="card.pkpass"'}
        return Response(content, media_type=MEDIA_TYPE, headers={**HEADERS, **named})

    def picture(_: Request) -> Response:
        return Response(mark(MARK_SIZE), media_type="image/png", headers=PICTURE_HEADERS)

    return [Route("/w/passes/{token}.pkpass", apple_pass), Route("/w/mark.png", picture)]


def _pass(services: GatewayServices, asked: MemberToken) -> bytes | None:
    """The file; None where there is no such tenant, member or certificate any more.

    Raises:
        TenantUpgrading
    """
    try:
        tenant = usable(services.registry.by_id(asked.tenant_id))
        page_url = f"{services.settings.base_url}/w/{tenant.slug}"
        wall = wall_now()
        with read_session(services.database, tenant.home, now=tenant.now(wall)) as session:
            facts = pass_facts(session, member_id=asked.member_id, page_url=page_url)
            if facts is None:
                return None
            return make_apple_pass(session, facts=facts, seals=Seals(services.settings.secret), wall=wall)
    except TenantUpgrading:
        raise
    except (TenancyError, CardError):
        return None


def _later(status: int, *, seconds: int = 5) -> Response:
    headers = {**HEADERS, "Retry-After": str(seconds)}
    return PlainTextResponse("Try again in a moment.", status_code=status, headers=headers)


def _absent() -> Response:
    return PlainTextResponse("There is nothing here.", status_code=404, headers=HEADERS)
