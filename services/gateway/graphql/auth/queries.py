"""Reading who may do what."""

import strawberry

from services.gateway.graphql.auth.types import ApiKey, Invitation, StaffMember
from services.gateway.graphql.fields import Info, guarded
from services.gateway.graphql.pagination import (
    PAGE_DEFAULT,
    After,
    Connection,
    First,
    connect,
    encode_cursor,
    id_cursor,
    page,
)
from services.gateway.graphql.permissions import PUBLIC, requires
from services.gateway.graphql.tenants.types import Tenant
from services.platform.actors import ActorKind
from services.platform.auth import queries
from services.platform.auth.domain import Role, Scope
from services.platform.db.homes import PLATFORM

TENANT_CHOICES_MAX = 50


@strawberry.type(description="A tenant that a person may name in the header X-Tenant.")
class TenantChoice:
    slug: str = strawberry.field(description="What to send in X-Tenant.")
    name: str = strawberry.field(description="What people call it.")


@strawberry.type(description="Who sends this request.")
class Viewer:
    kind: ActorKind = strawberry.field(description="What kind of principal it is.")
    name: str | None = strawberry.field(description="The person's name, for staff.")
    email: str | None = strawberry.field(description="The person's address, for staff.")
    scopes: list[Scope] = strawberry.field(description="What may be done in the tenant, or in some of its stores.")
    roles: list[Role] = strawberry.field(description="The roles held in the whole tenant, for staff.")
    tenant: Tenant | None = strawberry.field(description="The tenant that the request reached.")
    tenants: list[TenantChoice] = strawberry.field(description="The tenants where the person has a role, for staff.")


@guarded(access=PUBLIC, description="Who sends this request, and what they may do.")
async def viewer(info: Info) -> Viewer:
    """The principal of the request."""
    principal = info.context.principal
    user: queries.User | None = None
    choices: tuple[queries.TenantChoice, ...] = ()
    user_id = principal.actor.id
    if principal.actor.kind is ActorKind.STAFF and user_id is not None:
        user, choices = await info.context.read(
            lambda session: (
                queries.user_by_id(session, user_id),
                queries.tenants_of_user(session, user_id=user_id, limit=TENANT_CHOICES_MAX),
            ),
            home=PLATFORM,
        )
    tenant = info.context.request.tenant
    return Viewer(
        kind=principal.actor.kind,
        name=user.name if user else None,
        email=user.email if user else None,
        scopes=[scope for scope in Scope if principal.allows_somewhere(scope)],
        roles=sorted(principal.roles()),
        tenant=Tenant.from_domain(tenant) if tenant else None,
        tenants=[TenantChoice(slug=choice.slug, name=choice.name) for choice in choices],
    )


@guarded(access=requires(Scope.KEYS_MANAGE), description="The tenant's API keys, revoked ones too, oldest first.")
async def api_keys(info: Info, first: First = PAGE_DEFAULT, after: After = None) -> Connection[ApiKey]:
    """A page of keys."""
    asked = page(first, after)
    order, tenant_id = "apiKeys", info.context.tenant.id
    after_id = id_cursor(order, after)
    rows = await info.context.read(
        lambda session: queries.api_keys_of_tenant(session, tenant_id=tenant_id, after=after_id, limit=asked.limit),
        home=PLATFORM,
    )
    return connect(rows, asked, node=ApiKey.from_domain, cursor=lambda key: encode_cursor(order, key.id))


@guarded(access=requires(Scope.STAFF_MANAGE), description="Who has a role in the tenant or its stores, oldest first.")
async def staff(info: Info, first: First = PAGE_DEFAULT, after: After = None) -> Connection[StaffMember]:
    """A page of staff."""
    asked = page(first, after)
    order, tenant_id = "staff", info.context.tenant.id
    after_id = id_cursor(order, after)
    rows = await info.context.read(
        lambda session: queries.staff_of_tenant(session, tenant_id=tenant_id, after=after_id, limit=asked.limit),
        home=PLATFORM,
    )
    return connect(rows, asked, node=StaffMember.from_domain, cursor=lambda row: encode_cursor(order, row.id))


@guarded(access=requires(Scope.STAFF_MANAGE), description="Roles that were offered, oldest first.")
async def invitations(info: Info, first: First = PAGE_DEFAULT, after: After = None) -> Connection[Invitation]:
    """A page of invitations."""
    asked = page(first, after)
    order, tenant_id = "invitations", info.context.tenant.id
    after_id = id_cursor(order, after)
    rows = await info.context.read(
        lambda session: queries.invitations_of_tenant(session, tenant_id=tenant_id, after=after_id, limit=asked.limit),
        home=PLATFORM,
    )
    return connect(rows, asked, node=Invitation.from_domain, cursor=lambda row: encode_cursor(order, row.id))
