"""What is answered instead of doing: JSON in GraphQL's shape, with a code and a sentence, and an honest HTTP status."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import orjson
from starlette.responses import Response

from services.gateway.context import errors as edge
from services.gateway.context.request import Locale, RequestContext
from services.platform.auth.errors import CredentialInvalid
from services.platform.errors import DomainError
from services.platform.tenancy.errors import (
    TenantContradicted,
    TenantRequired,
    TenantSuspended,
    TenantUnknown,
    TenantUpgrading,
)

Describe = Callable[[DomainError, Locale], Mapping[str, object]]
"""Makes a GraphQL error (message and extensions) of a refusal. The gateway's GraphQL room writes the sentences."""

STATUS: Mapping[type[DomainError], int] = MappingProxyType(
    {
        edge.RequestMalformed: 400,
        edge.RequestKeyRepeated: 400,
        edge.QuerySyntaxInvalid: 400,
        edge.QueryInvalid: 400,
        edge.QueryLimitExceeded: 400,
        edge.IntrospectionForbidden: 400,
        edge.SubscriberTooSlow: 400,
        edge.PersistedQueryNotFound: 400,
        edge.DocumentHashMismatch: 400,
        edge.DocumentNotTrusted: 400,
        edge.Unauthenticated: 401,
        CredentialInvalid: 401,
        edge.Forbidden: 403,
        TenantSuspended: 403,
        TenantContradicted: 403,
        TenantRequired: 400,
        TenantUnknown: 404,
        edge.MethodNotAllowed: 405,
        edge.BodyTooLarge: 413,
        edge.ContentTypeUnsupported: 415,
        edge.RateLimited: 429,
        edge.Internal: 500,
        edge.ServiceUnavailable: 503,
        TenantUpgrading: 503,
    }
)


def refusal(error: DomainError, context: RequestContext, describe: Describe) -> Response:
    """The HTTP answer to a request that got no further."""
    return Response(
        orjson.dumps({"errors": [describe(error, context.locale)]}),
        status_code=STATUS[type(error)],
        media_type=f"{context.media_type}; charset=utf-8",
        headers=headers_of(error),
    )


def headers_of(error: DomainError) -> dict[str, str]:
    """The headers that go with a refusal's status."""
    headers = {"Cache-Control": "no-store"}
    if isinstance(error, edge.MethodNotAllowed):
        headers["Allow"] = error.allowed
    if isinstance(error, edge.RateLimited | TenantUpgrading):
        headers["Retry-After"] = str(error.retry_after_seconds)
    if STATUS[type(error)] == 401:  # noqa: PLR2004  the status has one name
        headers["WWW-Authenticate"] = "Bearer"
    return headers
