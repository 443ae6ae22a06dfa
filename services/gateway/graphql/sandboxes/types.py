"""Sandboxes as their live tenant sees them."""

from datetime import datetime
from typing import Self

import strawberry

from services.gateway.graphql.scalars import Locale
from services.platform.clock import wall_now
from services.platform.tenancy import domain


@strawberry.type(description="A sandbox of the tenant. It is a tenant of its own, which X-Tenant reaches by its slug.")
class Sandbox:
    slug: str = strawberry.field(description="Its short name: the host `<slug>.` and the header X-Tenant.")
    name: str = strawberry.field(description="What people call it.")
    mode: domain.TenantMode = strawberry.field(description="What it is for.")
    status: domain.TenantStatus = strawberry.field(description="Where it is in its life.")
    locale: Locale = strawberry.field(description="The language in which it works.")
    created_at: datetime = strawberry.field(description="When it was made, by the wall clock.")
    now: datetime = strawberry.field(description="What its clock says.")

    @classmethod
    def from_domain(cls, tenant: domain.Tenant) -> Self:
        """The sandbox as clients see it."""
        return cls(
            slug=tenant.slug,
            name=tenant.name,
            mode=tenant.mode,
            status=tenant.status,
            locale=Locale(tenant.locale),
            created_at=tenant.created_at,
            now=tenant.now(wall_now()),
        )
