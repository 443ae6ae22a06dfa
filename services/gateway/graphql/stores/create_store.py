"""createStore."""

import strawberry

from services.gateway.graphql.fields import Info, mutation
from services.gateway.graphql.permissions import requires
from services.gateway.graphql.scalars import Currency, Timezone
from services.gateway.graphql.stores.types import Store
from services.loyalty.stores import service
from services.loyalty.stores.domain import CreateStore
from services.loyalty.stores.errors import StoreCodeTaken
from services.platform.auth.domain import Scope


@strawberry.input(description="A store to open.")
class CreateStoreInput:
    code: str = strawberry.field(
        description="The merchant's own name for it, unique in the tenant; program rules refer to it. It never changes."
    )
    name: str = strawberry.field(description="What people call it, 1 to 200 characters.")
    timezone: Timezone = strawberry.field(description="The zone by which its days begin. It never changes.")
    currency: Currency = strawberry.field(description="The currency in which it sells. It never changes.")
    address: str | None = strawberry.field(default=None, description="Where it is, up to 500 characters.")

    def to_command(self) -> CreateStore:
        """The command that it asks for."""
        return CreateStore(
            code=self.code, name=self.name, timezone=self.timezone, currency=self.currency, address=self.address
        )


@strawberry.type(description="The store that was opened.")
class CreateStorePayload:
    store: Store = strawberry.field(description="The new store.")


@mutation(
    access=requires(Scope.STORES_WRITE),
    description="Open a store.",
    errors=(StoreCodeTaken,),
)
async def create_store(info: Info, input: CreateStoreInput) -> CreateStorePayload:
    """Open a store."""
    command = input.to_command()
    store = await info.context.run_command(lambda uow: service.create_store(uow, command=command), has_key=False)
    return CreateStorePayload(store=Store.from_domain(store))
