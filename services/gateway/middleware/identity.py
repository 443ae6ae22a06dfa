"""Finds out where a request arrives and as whom. The credential decides; a host or header that contradicts is refused.

DESIGN drew tenant and credential as two steps; they are one, because neither can be settled without the other.
"""

import asyncio
import re
from dataclasses import dataclass
from functools import partial

import structlog
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from services.gateway.context.errors import RateLimited, ServiceUnavailable
from services.gateway.context.request import STATE_KEY, request_context
from services.gateway.execution.charging import REJECTED_COST, bucket_of_address, take
from services.gateway.execution.healing import is_about_the_database, waits
from services.gateway.execution.threads import Seats
from services.gateway.execution.upgrades import Upgrades
from services.gateway.middleware.refusals import Describe, refusal
from services.platform.actors import ActorKind
from services.platform.auth.errors import CredentialInvalid
from services.platform.auth.principals import Authenticator, Reached
from services.platform.errors import DomainError
from services.platform.limits.buckets import Buckets
from services.platform.tenancy.errors import TenancyError, TenantContradicted, TenantUnknown, TenantUpgrading
from services.platform.tenancy.first_touch import is_behind

LOCAL_SUFFIX = ".localhost"
TOKEN_LENGTH_MAX = 500

_SLUG = re.compile(r"[a-z0-9-]{1,63}")
# A name with a dot that does not end in digits: addresses and bare names are nobody's domain.
_HOST = re.compile(r"(?:[a-z0-9-]{1,63}\.)+[a-z][a-z0-9-]{0,62}")


@dataclass(frozen=True, slots=True)
class Door:
    """Lets requests in. Who was looked up in vain pays from the address's bucket, and beyond it nobody is looked up.

    Who was let in before is not asked what the address has left: strangers behind the same address as a merchant's
    tills must not be able to shut them out.
    """

    authenticator: Authenticator
    seats: Seats
    upgrades: Upgrades
    buckets: Buckets

    async def reach(self, headers: Headers, *, peer: str) -> Reached:
        """Where a request with these headers arrives, and as whom.

        A tenant behind this release is brought up to it first.

        Raises:
            CredentialInvalid, TenancyError: it arrives nowhere.
            RateLimited: too many from its address have arrived nowhere.
            ServiceUnavailable: the database did not come back in time.
        """
        slug, host = _named(headers)
        token = bearer_of(headers)
        try:
            known = self.authenticator.remembered(token=token, tenant_slug=slug, host=host)
            if known is None:
                is_new = not self.authenticator.has_let_in(token=token, tenant_slug=slug, host=host)
                if is_new:
                    take(self.buckets, bucket_of_address(peer), 0, kind=ActorKind.PUBLIC)
                known = await self._look(token=token, slug=slug, host=host)
                if is_new and token is None and host is not None and known.tenant is None:
                    # Nobody's host is no refusal, but there is no end of hosts.
                    self.buckets.spend(bucket_of_address(peer), REJECTED_COST, on_credit=True)
            if known.tenant is not None and is_behind(known.tenant):
                await self.upgrades.bring(known.tenant)
                self.authenticator.forget()
                known = await self._look(token=token, slug=slug, host=host)
        except TenantUpgrading:
            raise
        except (CredentialInvalid, TenancyError):
            self.buckets.spend(bucket_of_address(peer), REJECTED_COST, on_credit=True)
            raise
        return known

    async def _look(self, *, token: str | None, slug: str | None, host: str | None) -> Reached:
        look = partial(self.authenticator.reach, token=token, tenant_slug=slug, host=host)
        for wait in waits():
            try:
                return await self.seats.run(look)
            except DomainError:
                raise
            except Exception as error:
                if not is_about_the_database(error):
                    raise
            await asyncio.sleep(wait)
        raise ServiceUnavailable(retryable=True)


class IdentityMiddleware:
    """Puts tenant and principal into the request's context, or answers why not."""

    def __init__(self, app: ASGIApp, *, door: Door, describe: Describe) -> None:
        self._app = app
        self._door = door
        self._describe = describe

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        context = request_context(scope)
        try:
            reached = await self._door.reach(Headers(scope=scope), peer=context.peer)
        except (TenancyError, CredentialInvalid, RateLimited, ServiceUnavailable) as error:
            answer = refusal(error, context, self._describe)
            await answer(scope, receive, send)
            return
        scope[STATE_KEY] = context.reached(tenant=reached.tenant, principal=reached.principal)
        with structlog.contextvars.bound_contextvars(tenant=reached.tenant.slug if reached.tenant else None):
            await self._app(scope, receive, send)


def bearer_of(headers: Headers) -> str | None:
    """The token of the Authorization header.

    Raises:
        CredentialInvalid: another scheme, or nothing that could be a token.
    """
    given = headers.get("Authorization")
    if given is None:
        return None
    scheme, _, token = given.strip().partition(" ")
    if scheme.lower() != "bearer" or not 0 < len(token.strip()) <= TOKEN_LENGTH_MAX:
        raise CredentialInvalid
    return token.strip()


def _named(headers: Headers) -> tuple[str | None, str | None]:
    """The slug and the host by which a tenant is named; None where one is not.

    Raises:
        TenantUnknown: the slug is none that a tenant could have.
        TenantContradicted: header and host name two tenants.
    """
    slug = headers.get("X-Tenant", "").strip() or None
    host = _without_port(headers.get("Host", "").strip().lower())
    if host.endswith(LOCAL_SUFFIX):
        by_host = host.removesuffix(LOCAL_SUFFIX)
        if slug not in (None, by_host):
            raise TenantContradicted
        slug, host = by_host, ""
    if slug is not None and not _SLUG.fullmatch(slug):
        raise TenantUnknown
    return slug, host if _HOST.fullmatch(host) else None


def _without_port(host: str) -> str:
    name, _, port = host.rpartition(":")
    return name if port.isdigit() and name else host
