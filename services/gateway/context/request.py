"""What is known of a request before its body is read."""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from services.platform.auth.domain import ANONYMOUS, Principal
from services.platform.tenancy.domain import Tenant

STATE_KEY = "regulars.request"
"""Where the middlewares keep it in the ASGI scope."""

RESPONSE_JSON = "application/graphql-response+json"
PLAIN_JSON = "application/json"
CHOICES_MAX = 20


class Locale(StrEnum):
    """The languages in which sentences are written."""

    EN = "en"
    ZH = "zh"


@dataclass(frozen=True, slots=True)
class RequestContext:
    """Who asks, where, in which language, and under which id the logs tell about it."""

    correlation_id: str
    locale: Locale
    tenant: Tenant | None = None
    principal: Principal = ANONYMOUS
    media_type: str = PLAIN_JSON
    """Of the answer; with the newer one statuses say what came of a request."""

    peer: str = ""
    """The caller's address, or that of a proxy which does not tell it; empty where there is none."""

    def reached(self, *, tenant: Tenant | None, principal: Principal) -> "RequestContext":
        """The same request, once tenant and principal are known."""
        return replace(self, tenant=tenant, principal=principal)


def request_context(scope: Any) -> RequestContext:
    """The context that the middlewares left in an ASGI scope."""
    context = scope[STATE_KEY]
    assert isinstance(context, RequestContext)
    return context


def preferred_locale(accept_language: str) -> Locale:
    """The best of our languages for an Accept-Language header (RFC 9110, 12.5.4); English where none fits."""
    best, best_weight = Locale.EN, 0.0
    for part in accept_language.split(",")[:CHOICES_MAX]:
        tag, _, parameters = part.strip().partition(";")
        weight = _weight(parameters)
        primary = tag.strip().lower().partition("-")[0]
        if primary in (Locale.EN, Locale.ZH) and weight > best_weight:
            best, best_weight = Locale(primary), weight
    return best


def preferred_media_type(accept: str) -> str:
    """The better liked of our two media types for an Accept header; the older one where neither is named."""
    best, best_weight = PLAIN_JSON, 0.0
    for part in accept.split(",")[:CHOICES_MAX]:
        media_type, _, parameters = part.strip().partition(";")
        name = media_type.strip().lower()
        weight = min(_weight(parameter) for parameter in parameters.split(";"))
        if name in (RESPONSE_JSON, PLAIN_JSON) and weight > best_weight:
            best, best_weight = name, weight
    return best


def _weight(parameters: str) -> float:
    name, _, value = parameters.strip().partition("=")
    if name.strip() != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0
