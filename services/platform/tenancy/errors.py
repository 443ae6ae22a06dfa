"""Refusals of the tenant registry."""

from dataclasses import dataclass

from services.platform.errors import DomainError


class TenancyError(DomainError):
    """Anything refused about tenants."""


@dataclass(eq=False)
class TenantUnknown(TenancyError):
    """No tenant is reached by this credential, header or host."""


@dataclass(eq=False)
class TenantSuspended(TenancyError):
    """The tenant exists and may not be used now."""

    slug: str


@dataclass(eq=False)
class TenantUpgrading(TenancyError):
    """The tenant's schema is being brought to this release. Nothing was done; the same request succeeds soon."""

    slug: str
    retryable: bool
    retry_after_seconds: int


@dataclass(eq=False)
class TenantContradicted(TenancyError):
    """The credential belongs to one tenant and the host or header names another."""


@dataclass(eq=False)
class TenantRequired(TenancyError):
    """The person works for several tenants and must send the header X-Tenant."""

    slugs: tuple[str, ...]


@dataclass(eq=False)
class ServerTooOld(TenancyError):
    """The database server is older than what Regulars is tested with. Versions are major numbers."""

    found: int
    needed: int


@dataclass(eq=False)
class SlugTaken(TenancyError):
    """Another tenant has this slug."""

    slug: str


@dataclass(eq=False)
class SlugInvalid(TenancyError):
    """A slug is 3 to 40 lower-case letters, digits and single hyphens, beginning with a letter."""

    slug: str
