"""Tenants as values, and the rules of their names."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from services.platform.db.homes import Home, tenant_home
from services.platform.limits.domain import Quota
from services.platform.tenancy.errors import SlugInvalid

_SLUG = re.compile(r"[a-z](?:-?[a-z0-9]){2,39}")
_RESERVED = frozenset({"www", "api", "app", "admin", "platform", "graphql", "mail", "status", "regulars"})


class TenantMode(StrEnum):
    """A live tenant follows the wall clock; a sandbox has its own."""

    LIVE = "live"
    SANDBOX = "sandbox"


class TenantStatus(StrEnum):
    """Where a tenant is in its life."""

    PROVISIONING = "provisioning"
    ACTIVE = "active"
    SUSPENDED = "suspended"


@dataclass(frozen=True, slots=True)
class Tenant:
    """A merchant: its schema, its clock and where it lives."""

    id: UUID
    organization_id: UUID
    slug: str
    name: str
    mode: TenantMode
    clock_offset: timedelta
    placement: str
    status: TenantStatus
    locale: str
    created_at: datetime
    schema_revision: str | None = None
    """What its schema is at; None before it is made."""
    quota: Quota | None = None
    """How much its callers of each kind may ask for; None: as much as those of most tenants."""

    @property
    def home(self) -> Home:
        """Where its units of work live."""
        return tenant_home(self.id)

    def now(self, wall: datetime) -> datetime:
        """The tenant's business time at an instant of the wall clock."""
        return wall + self.clock_offset


@dataclass(frozen=True, slots=True)
class NewTenant:
    """A tenant to be made. ``now`` is the wall clock's."""

    id: UUID
    organization_id: UUID
    slug: str
    name: str
    mode: TenantMode
    clock_offset: timedelta
    locale: str
    created_at: datetime


def check_slug(slug: str) -> str:
    """The slug, if it may be used.

    Raises:
        SlugInvalid: wrong shape, or kept for the platform.
    """
    if not _SLUG.fullmatch(slug) or slug in _RESERVED:
        raise SlugInvalid(slug=slug[:40])
    return slug
