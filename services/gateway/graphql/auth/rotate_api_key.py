"""rotateApiKey."""

import strawberry

from services.gateway.graphql.auth.loaders import find_api_key
from services.gateway.graphql.auth.types import ApiKey
from services.gateway.graphql.fields import Info, mutation
from services.gateway.graphql.ids import decode
from services.gateway.graphql.permissions import requires
from services.platform.auth import service
from services.platform.auth.domain import Scope
from services.platform.auth.errors import ApiKeyNotFound, ScopesNotGrantable
from services.platform.db.homes import PLATFORM


@strawberry.input(description="A key that gets a new secret.")
class RotateApiKeyInput:
    api_key_id: strawberry.ID = strawberry.field(description="The key.")


@strawberry.type(description="The key with its new secret.")
class RotateApiKeyPayload:
    api_key: ApiKey | None = strawberry.field(description="The key, without its secret.")
    secret: str = strawberry.field(description="The new secret. It is shown only here.")


@mutation(
    access=requires(Scope.KEYS_MANAGE),
    description="Give a key a new secret, which takes all of its scopes. The old one stops within two seconds.",
    errors=(ApiKeyNotFound, ScopesNotGrantable),
)
async def rotate_api_key(info: Info, input: RotateApiKeyInput) -> RotateApiKeyPayload:
    """Rotate a key."""
    tenant, maker = info.context.tenant, info.context.principal
    key_id = decode("ApiKey", input.api_key_id, field="apiKeyId")
    made = await info.context.run_command(
        lambda uow: service.rotate_api_key(uow, tenant=tenant, maker=maker, key_id=key_id),
        home=PLATFORM,
        has_key=False,
    )
    api_key = await find_api_key(info, made.id)
    return RotateApiKeyPayload(api_key=ApiKey.from_domain(api_key) if api_key else None, secret=made.secret)
