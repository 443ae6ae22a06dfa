"""createApiKey."""

from datetime import datetime

import strawberry

from services.gateway.graphql.auth.loaders import check_store, find_api_key
from services.gateway.graphql.auth.types import ApiKey
from services.gateway.graphql.fields import Info, mutation
from services.gateway.graphql.ids import decode_optional
from services.gateway.graphql.permissions import requires
from services.loyalty.stores.errors import StoreNotFound
from services.platform.auth import service
from services.platform.auth.domain import Scope
from services.platform.auth.errors import ScopesNotGrantable
from services.platform.db.homes import PLATFORM
from services.platform.errors import InvalidInput
from services.platform.text import check_text


@strawberry.input(description="An API key to make.")
class CreateApiKeyInput:
    name: str = strawberry.field(description="What it is for, 1 to 200 characters.")
    scopes: list[Scope] = strawberry.field(description="What it may do; nobody can give more than they have.")
    store_id: strawberry.ID | None = strawberry.field(
        default=None, description="The store to which the key is limited; the whole tenant without it."
    )
    expires_at: datetime | None = strawberry.field(
        default=None, description="When it ends by itself; never without it."
    )


@strawberry.type(description="The key that was made.")
class CreateApiKeyPayload:
    api_key: ApiKey | None = strawberry.field(description="The key, without its secret.")
    secret: str = strawberry.field(description="Send it as `Authorization: Bearer <secret>`. It is shown only here.")


@mutation(
    access=requires(Scope.KEYS_MANAGE),
    description="Make an API key.",
    errors=(ScopesNotGrantable, StoreNotFound),
)
async def create_api_key(info: Info, input: CreateApiKeyInput) -> CreateApiKeyPayload:
    """Make a key."""
    tenant, maker = info.context.tenant, info.context.principal
    name = check_text(input.name, field="name")
    if not input.scopes:
        raise InvalidInput(field="scopes", reason="NOTHING_GIVEN")
    store_id = await check_store(info, decode_optional("Store", input.store_id, field="storeId"))
    made = await info.context.run_command(
        lambda uow: service.create_api_key(
            uow,
            tenant=tenant,
            maker=maker,
            name=name,
            scopes=frozenset(input.scopes),
            store_id=store_id,
            expires_at=input.expires_at,
        ),
        home=PLATFORM,
        has_key=False,
    )
    api_key = await find_api_key(info, made.id)
    return CreateApiKeyPayload(api_key=ApiKey.from_domain(api_key) if api_key else None, secret=made.secret)
