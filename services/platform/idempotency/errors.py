"""Refusals about idempotency keys."""

from dataclasses import dataclass

from services.platform.errors import DomainError


@dataclass(eq=False)
class IdempotencyConflict(DomainError):
    """The key was used before with another input. Take a new key for another request."""

    key: str


@dataclass(eq=False)
class IdempotencyKeyInvalid(DomainError):
    """A key is 1 to 255 printable characters."""
