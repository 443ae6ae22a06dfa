"""Reading the tenant."""

from services.gateway.graphql.fields import Info, guarded
from services.gateway.graphql.permissions import IN_TENANT
from services.gateway.graphql.tenants.types import Tenant


@guarded(access=IN_TENANT, description="The tenant that the request reached.")
async def tenant(info: Info) -> Tenant:
    """The tenant of the request."""
    return Tenant.from_domain(info.context.tenant)
