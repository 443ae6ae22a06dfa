"""Tenants as clients see them."""

from datetime import datetime
from typing import Self

import strawberry

from services.gateway.graphql.ids import encode
from services.gateway.graphql.nodes import Node
from services.gateway.graphql.scalars import Locale
from services.platform.clock import wall_now
from services.platform.tenancy import domain


@strawberry.type(description="A merchant: one program, one set of members, one clock.")
class Tenant(Node):
    slug: str = strawberry.field(description="Its short name: the host `<slug>.` and the header X-Tenant.")
    name: str = strawberry.field(description="What people call it.")
    mode: domain.TenantMode = strawberry.field(description="What it is for.")
    status: domain.TenantStatus = strawberry.field(description="Where it is in its life.")
    locale: Locale = strawberry.field(description="The language in which it works.")
    created_at: datetime = strawberry.field(description="When it signed up.")
    now: datetime = strawberry.field(description="Its present business time: the wall clock's, unless it is a sandbox.")

    @classmethod
    def from_domain(cls, tenant: domain.Tenant) -> Self:
        """The tenant as clients see it."""
        return cls(
            id=encode("Tenant", tenant.id),
            slug=tenant.slug,
            name=tenant.name,
            mode=tenant.mode,
            status=tenant.status,
            locale=Locale(tenant.locale),
            created_at=tenant.created_at,
            now=tenant.now(wall_now()),
        )
