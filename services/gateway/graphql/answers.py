"""From what went wrong to what the client is told: known refusals by code, everything else masked and logged once."""

import re
from collections.abc import Iterable, Mapping

import structlog
from graphql import GraphQLError
from strawberry.exceptions import StrawberryGraphQLError
from structlog.contextvars import get_contextvars

from services.gateway.context.errors import EdgeError, Internal, QueryInvalid
from services.gateway.context.request import Locale, RequestContext
from services.gateway.graphql.sentences import sentence
from services.loyalty.members.errors import IdentityInvalid
from services.platform.auth.errors import CredentialInvalid
from services.platform.errors import DomainError, InvalidInput
from services.platform.telemetry import metrics
from services.platform.tenancy.errors import (
    TenantContradicted,
    TenantRequired,
    TenantSuspended,
    TenantUnknown,
    TenantUpgrading,
)

log = structlog.get_logger()

SUGGESTION = " Did you mean"
"""Begins what the library adds about names that were not asked for."""
ECHO = re.compile(r",? [Ff]ound:? .*|(?<=cannot represent)([^:]*): .*", re.DOTALL)
"""What the library repeats of what was sent, which may be a password; and messages end up in logs."""

TOLD_AT_THE_TOP: tuple[type[DomainError], ...] = (
    EdgeError,
    CredentialInvalid,
    TenantUnknown,
    TenantSuspended,
    TenantContradicted,
    TenantRequired,
    TenantUpgrading,
    InvalidInput,
    # A query that looks for a member by a phone number that is none.
    IdentityInvalid,
)
"""Refusals that may be told as top-level errors. Any other one should have been a member of a result union."""


def describe(error: DomainError, locale: Locale) -> dict[str, object]:
    """A refusal as a GraphQL error: a sentence, and the code with its facts for machines. It is counted."""
    facts = {_camel(name): value for name, value in error.facts().items()}
    metrics.refused(error.code)
    extensions = {"code": error.code, **_found_by(), **facts}
    return {"message": sentence(error, locale), "extensions": extensions}


def _found_by() -> dict[str, object]:
    """Under which id our logs tell of this request, where one is under way."""
    correlation_id = get_contextvars().get("correlation_id")
    return {"correlationId": correlation_id} if correlation_id else {}


def answer_errors(errors: Iterable[GraphQLError], request: RequestContext) -> list[dict[str, object]]:
    """What the client is told about the errors of one operation."""
    return [_answer(error, request) for error in errors]


def _answer(error: GraphQLError, request: RequestContext) -> dict[str, object]:
    answer = describe(_refusal(error, request), request.locale)
    if error.locations:
        answer["locations"] = [{"line": place.line, "column": place.column} for place in error.locations]
    if error.path:
        answer["path"] = error.path
    return answer


def _refusal(error: GraphQLError, request: RequestContext) -> DomainError:
    cause = error.original_error
    while isinstance(cause, GraphQLError) and cause.original_error is not None:
        cause = cause.original_error
    if isinstance(cause, TOLD_AT_THE_TOP):
        return cause
    if cause is None or isinstance(cause, GraphQLError | StrawberryGraphQLError):
        return QueryInvalid(detail=_without_values(error.message))
    log.error("operation_failed", path=error.path, exc_info=cause)
    return Internal(correlation_id=request.correlation_id)


def _without_values(message: str) -> str:
    """The library's words about the query, as far as they speak of the schema and not of what the client sent."""
    return ECHO.sub(r"\1", message.partition(SUGGESTION)[0])


def internal(request: RequestContext, error: Exception) -> Mapping[str, object]:
    """The answer to an unforeseen failure outside of any resolver; it is logged."""
    log.error("request_failed", exc_info=error)
    return describe(Internal(correlation_id=request.correlation_id), request.locale)


def _camel(name: str) -> str:
    head, *tail = name.split("_")
    return head + "".join(part.capitalize() for part in tail)
