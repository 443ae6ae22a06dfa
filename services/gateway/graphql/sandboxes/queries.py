"""Reading the sandboxes of a tenant."""

from services.gateway.graphql.fields import Info, guarded
from services.gateway.graphql.permissions import requires
from services.gateway.graphql.sandboxes.types import Sandbox
from services.loyalty.sandboxes.service.making import SANDBOXES_MAX
from services.platform.auth.domain import Scope
from services.platform.db.homes import PLATFORM
from services.platform.tenancy.sandboxes import sandboxes_of


@guarded(
    access=requires(Scope.SANDBOXES_MANAGE),
    description="The tenant's sandboxes by slug, ten at most; of a sandbox there are none.",
)
async def sandboxes(info: Info) -> list[Sandbox]:
    """The sandboxes of the tenant."""
    live_tenant_id = info.context.tenant.id
    found = await info.context.read(
        lambda session: sandboxes_of(session, live_tenant_id=live_tenant_id, limit=SANDBOXES_MAX), home=PLATFORM
    )
    return [Sandbox.from_domain(tenant) for tenant in found]
