"""People, keys and invitations as clients see them."""

from datetime import datetime
from typing import Annotated, Self

import strawberry

from services.gateway.graphql.enums import described_enum
from services.gateway.graphql.fields import Info, guarded
from services.gateway.graphql.ids import encode
from services.gateway.graphql.nodes import Node
from services.gateway.graphql.permissions import requires_somewhere
from services.gateway.graphql.scalars import Locale
from services.gateway.graphql.stores.types import Store, load_store
from services.platform.actors import ActorKind
from services.platform.auth import queries as auth
from services.platform.auth.domain import Role, Scope

PrincipalKind = described_enum(
    ActorKind,
    name="PrincipalKind",
    description="Who can send a request or have made an entry.",
    values={
        ActorKind.STAFF: "A person who logged in.",
        ActorKind.KEY: "A program with an API key.",
        ActorKind.MEMBER: "A member with a member token.",
        ActorKind.PUBLIC: "Somebody without a credential.",
        ActorKind.SYSTEM: "The platform itself, such as a job that runs by the clock.",
    },
)
ScopeType = described_enum(
    Scope,
    name="Scope",
    description="One thing that may be allowed. API keys carry scopes; a role is a set of them.",
    values={
        Scope.MEMBERS_READ: "See members, their balances and their ledger.",
        Scope.MEMBERS_WRITE: "Enroll, change and deactivate members.",
        Scope.MEMBER_TOKENS_WRITE: "Make tokens by which members read their own data.",
        Scope.PURCHASES_READ: "See purchases and refunds, and quote carts.",
        Scope.PURCHASES_WRITE: "Record and refund purchases.",
        Scope.REDEMPTIONS_WRITE: "Redeem rewards.",
        Scope.POINTS_ADJUST: "Give and take points by hand.",
        Scope.PROGRAM_READ: "See the program, its draft and its rewards.",
        Scope.PROGRAM_WRITE: "Edit and publish the program.",
        Scope.REWARDS_WRITE: "Create, edit and archive rewards.",
        Scope.STORES_READ: "See stores.",
        Scope.STORES_WRITE: "Open and edit stores.",
        Scope.STAFF_MANAGE: "See staff, and invite more.",
        Scope.KEYS_MANAGE: "Make, rotate and revoke API keys.",
        Scope.USAGE_READ: "See what was used.",
    },
)
RoleType = described_enum(
    Role,
    name="Role",
    description="What staff can be, in a whole tenant or in one of its stores.",
    values={
        Role.OWNER: "Everything.",
        Role.ADMIN: "Everything; may not make owners.",
        Role.MARKETER: "Members, the program and its rewards.",
        Role.CASHIER: "Members, purchases and redemptions: the till.",
        Role.ANALYST: "Sees everything that is not about staff and keys, and usage.",
        Role.HEADQUARTERS: "Everything, in every tenant of an organization.",
    },
)

OfStores = requires_somewhere(Scope.STORES_READ)


@strawberry.type(description="A session that was just opened. The token is shown once.")
class Session:
    token: str = strawberry.field(description="Send it as `Authorization: Bearer <token>`.")
    expires_at: datetime = strawberry.field(description="When the session ends by itself.")


@strawberry.type(description="A role of a person, in the whole tenant or in one store of it.")
class StaffMember(Node):
    name: str = strawberry.field(description="The person's name.")
    email: str = strawberry.field(description="The person's address.")
    role: Annotated[Role, RoleType] = strawberry.field(description="What the person may do.")
    created_at: datetime = strawberry.field(description="Since when the role is held.")
    store_key: strawberry.Private[object]

    @guarded(access=OfStores, description="The store to which the role is limited; null for the whole tenant.")
    async def store(self, info: Info) -> Store | None:
        return await load_store(info, self.store_key)

    @classmethod
    def from_domain(cls, staff: auth.StaffMember) -> Self:
        return cls(
            id=encode("StaffMember", staff.id),
            name=staff.name,
            email=staff.email,
            role=staff.role,
            created_at=staff.created_at,
            store_key=staff.store_id,
        )
