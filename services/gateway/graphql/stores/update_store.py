"""updateStore."""

import strawberry

from services.gateway.graphql.fields import Info, mutation
from services.gateway.graphql.ids import decode
from services.gateway.graphql.permissions import input_store, requires_at
from services.gateway.graphql.stores.types import Store
from services.loyalty.stores import service
from services.loyalty.stores.domain import UpdateStore
from services.loyalty.stores.errors import StoreNotFound
from services.platform.auth.domain import Scope


@strawberry.input(description="What to change of a store. What is left out stays as it is.")
class UpdateStoreInput:
    store_id: strawberry.ID = strawberry.field(description="The store.")
    name: strawberry.Maybe[str] = strawberry.field(description="What people call it.")
    address: strawberry.Maybe[str | None] = strawberry.field(description="Where it is; null removes it.")

    def to_command(self) -> UpdateStore:
        """The command that it asks for."""
        return UpdateStore(
            store_id=decode("Store", self.store_id, field="storeId"),
            name=self.name.value if self.name else None,
            address=(self.address.value or "") if self.address else None,
        )


@strawberry.type(description="The store after the change.")
class UpdateStorePayload:
    store: Store = strawberry.field(description="The store.")


@mutation(
    access=requires_at(Scope.STORES_WRITE, input_store),
    description="Change what a store is called and where it is.",
    errors=(StoreNotFound,),
)
async def update_store(info: Info, input: UpdateStoreInput) -> UpdateStorePayload:
    """Change a store."""
    command = input.to_command()
    store = await info.context.run_command(lambda uow: service.update_store(uow, command=command), has_key=False)
    return UpdateStorePayload(store=Store.from_domain(store))
