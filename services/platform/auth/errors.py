"""Refusals about people, keys and what they may do."""

from dataclasses import dataclass

from services.platform.errors import DomainError


class AuthError(DomainError):
    """Anything refused about identity."""


@dataclass(eq=False)
class CredentialInvalid(AuthError):
    """The session, key or token is unknown, expired or revoked. Which of these is not told."""


@dataclass(eq=False)
class LoginFailed(AuthError):
    """E-mail and password do not belong together. Whether the account exists is not told."""


@dataclass(eq=False)
class LoginThrottled(AuthError):
    """Too many guesses at this account."""

    retry_after_seconds: int


@dataclass(eq=False)
class TooManyAttempts(AuthError):
    """Too many attempts came from the caller's address."""

    retry_after_seconds: int


@dataclass(eq=False)
class EmailTaken(AuthError):
    """There is an account with this address: log in instead."""


@dataclass(eq=False)
class EmailInvalid(AuthError):
    """Not an e-mail address."""


@dataclass(eq=False)
class PasswordTooWeak(AuthError):
    """A password has at least ``length_min`` characters."""

    length_min: int


@dataclass(eq=False)
class InvitationInvalid(AuthError):
    """The invitation is unknown, used, withdrawn or too old."""


@dataclass(eq=False)
class RoleNotGrantable(AuthError):
    """The inviter may not give this role."""

    role: str


@dataclass(eq=False)
class ScopesNotGrantable(AuthError):
    """A key can carry only scopes that its maker holds."""

    scopes: tuple[str, ...]


@dataclass(eq=False)
class StaffNotFound(AuthError):
    """The tenant has no such role given to anybody."""


@dataclass(eq=False)
class AlreadyOwner(AuthError):
    """Who owns the tenant has every right there already."""


@dataclass(eq=False)
class LastOwner(AuthError):
    """A tenant keeps at least one owner: make somebody else one first."""


@dataclass(eq=False)
class ApiKeyNotFound(AuthError):
    """The tenant has no such key in use."""
