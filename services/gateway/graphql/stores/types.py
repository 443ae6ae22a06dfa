"""Stores as clients see them."""

from datetime import datetime
from typing import Self
from uuid import UUID

import strawberry

from services.gateway.graphql.fields import Info
from services.gateway.graphql.ids import encode
from services.gateway.graphql.nodes import Node
from services.gateway.graphql.scalars import Currency, Timezone
from services.gateway.graphql.stores.loaders import stores_by_key
from services.loyalty.stores import domain


@strawberry.type(description="A place of the tenant where members buy.")
class Store(Node):
    code: str = strawberry.field(description="The merchant's own name for it, unique in the tenant.")
    name: str = strawberry.field(description="What people call it.")
    address: str | None = strawberry.field(description="Where it is.")
    timezone: Timezone = strawberry.field(description="The zone by which its days begin.")
    currency: Currency = strawberry.field(description="The currency in which it sells.")
    created_at: datetime = strawberry.field(description="Since when it is known here.")
    closed_at: datetime | None = strawberry.field(description="When it was closed; null while it is open.")

    @classmethod
    def from_domain(cls, store: domain.Store) -> Self:
        """The store as clients see it."""
        return cls(
            id=encode("Store", store.id),
            code=store.code,
            name=store.name,
            address=store.address,
            timezone=Timezone(store.timezone),
            currency=Currency(store.currency),
            created_at=store.created_at,
            closed_at=store.closed_at,
        )


async def load_store(info: Info, store_id: UUID | None) -> Store | None:
    """A store by its key, in one batch with others; None for None."""
    store = await info.context.load(stores_by_key, store_id) if store_id else None
    return Store.from_domain(store) if store else None
