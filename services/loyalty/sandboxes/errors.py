"""Refusals of sandboxes."""

from dataclasses import dataclass

from services.platform.errors import DomainError


class SandboxError(DomainError):
    """Anything refused about sandboxes."""


@dataclass(eq=False)
class ClockNotMovable(SandboxError):
    """The tenant is live: its clock is the wall clock, which nobody moves."""

    slug: str


@dataclass(eq=False)
class ClockBusy(SandboxError):
    """Somebody else is moving this clock, or what is due at it is being done. Nothing has changed; try again soon."""

    retry_after_seconds: int


@dataclass(eq=False)
class SandboxNotFound(SandboxError):
    """This tenant has no sandbox of that name."""

    slug: str


@dataclass(eq=False)
class TooManySandboxes(SandboxError):
    """The tenant has as many sandboxes as it may have."""

    maximum: int


@dataclass(eq=False)
class SandboxOfSandbox(SandboxError):
    """Sandboxes are made of live tenants, and promoted to them."""

    slug: str
