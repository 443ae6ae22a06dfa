"""Refusals that only the web edge knows. They are answered as top-level GraphQL errors, never as union members."""

from dataclasses import dataclass

from services.platform.errors import DomainError


class EdgeError(DomainError):
    """A request that is refused before, or instead of, doing what it asks."""


@dataclass(eq=False)
class Unauthenticated(EdgeError):
    """The operation needs a credential."""


@dataclass(eq=False)
class Forbidden(EdgeError):
    """The credential does not carry this scope here."""

    scope: str


@dataclass(eq=False)
class ServiceUnavailable(EdgeError):
    """The database could not be reached, or went away. ``retryable``: sending the same request again is safe."""

    retryable: bool


@dataclass(eq=False)
class Internal(EdgeError):
    """Something unforeseen, which our log tells under the correlation id."""

    correlation_id: str


@dataclass(eq=False)
class RequestMalformed(EdgeError):
    """The body is not a GraphQL request; ``reason`` is a code."""

    reason: str


@dataclass(eq=False)
class RequestKeyRepeated(EdgeError):
    """An object of the body has a key more than once, so that one of the values would be lost unseen.

    ``path`` is the object, as a JSON pointer (RFC 6901) into the body.
    """

    path: str
    key: str


@dataclass(eq=False)
class BodyTooLarge(EdgeError):
    """The body is larger than a request may be."""

    limit_bytes: int


@dataclass(eq=False)
class ContentTypeUnsupported(EdgeError):
    """Only JSON is read."""

    accepted: str


@dataclass(eq=False)
class MethodNotAllowed(EdgeError):
    """Only POST is answered."""

    allowed: str


@dataclass(eq=False)
class QueryLimitExceeded(EdgeError):
    """The document asks for more than one request may; ``dimension`` says of what."""

    dimension: str
    maximum: int
    requested: int


@dataclass(eq=False)
class RateLimited(EdgeError):
    """The caller's bucket has less room than the operation costs. Nothing was done; wait before the next attempt."""

    requested: int
    remaining: int
    maximum: int
    retry_after_seconds: int


@dataclass(eq=False)
class QuerySyntaxInvalid(EdgeError):
    """The document is not GraphQL."""

    detail: str


@dataclass(eq=False)
class QueryInvalid(EdgeError):
    """The document does not fit the schema, or the variables do not fit the document."""

    detail: str


@dataclass(eq=False)
class PersistedQueryNotFound(EdgeError):
    """No trusted document has this hash. Send the text, where texts are accepted."""


@dataclass(eq=False)
class DocumentHashMismatch(EdgeError):
    """The text that was sent has another hash than the one beside it, or two hashes were sent that differ."""


@dataclass(eq=False)
class DocumentNotTrusted(EdgeError):
    """This gateway runs trusted documents only, and the text that was sent is none of them."""


@dataclass(eq=False)
class SubscriberTooSlow(EdgeError):
    """More has happened than is kept for a subscriber who does not take it. Subscribe again after the last cursor."""


@dataclass(eq=False)
class IntrospectionForbidden(EdgeError):
    """Without a credential the schema is not told."""
