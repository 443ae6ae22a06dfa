"""People, keys and invitations as clients see them."""

from datetime import datetime
from typing import Self
from uuid import UUID

import strawberry

from services.gateway.graphql.fields import Info, guarded
from services.gateway.graphql.ids import encode
from services.gateway.graphql.nodes import Node
from services.gateway.graphql.permissions import INHERITED
from services.gateway.graphql.stores.types import Store, load_store
from services.platform.auth import queries
from services.platform.auth.domain import Role, Scope
from services.platform.auth.service import SignedIn


@strawberry.type(description="A session that was just opened.")
class Session:
    token: str = strawberry.field(description="Send it as `Authorization: Bearer <token>`. It is shown once.")
    expires_at: datetime = strawberry.field(description="When the session ends by itself.")

    @classmethod
    def from_domain(cls, session: SignedIn) -> Self:
        """The session as its owner sees it."""
        return cls(token=session.token, expires_at=session.expires_at)


@strawberry.type(description="A role of a person, in the whole tenant or in one store of it.")
class StaffMember(Node):
    name: str = strawberry.field(description="The person's name.")
    email: str = strawberry.field(description="The person's address.")
    role: Role = strawberry.field(description="What the person may do.")
    created_at: datetime = strawberry.field(description="Since when the role is held.")
    store_key: strawberry.Private[UUID | None]

    @guarded(access=INHERITED, description="The store to which the role is limited; null for the whole tenant.")
    async def store(self, info: Info) -> Store | None:
        """The store, if any."""
        return await load_store(info, self.store_key)

    @classmethod
    def from_domain(cls, staff: queries.StaffMember) -> Self:
        """The role as clients see it."""
        return cls(
            id=encode("StaffMember", staff.id),
            name=staff.name,
            email=staff.email,
            role=staff.role,
            created_at=staff.created_at,
            store_key=staff.store_id,
        )


@strawberry.type(description="An API key, without its secret.")
class ApiKey(Node):
    name: str = strawberry.field(description="What it is for.")
    prefix: str = strawberry.field(description="The public part, by which it is recognized.")
    scopes: list[Scope] = strawberry.field(description="What it may do.")
    created_at: datetime = strawberry.field(description="When it was made.")
    last_used_at: datetime | None = strawberry.field(description="When it was last used, to the minute.")
    expires_at: datetime | None = strawberry.field(description="When it ends by itself; null for never.")
    revoked_at: datetime | None = strawberry.field(description="When it was revoked.")
    store_key: strawberry.Private[UUID | None]

    @guarded(access=INHERITED, description="The store to which the key is limited; null for the whole tenant.")
    async def store(self, info: Info) -> Store | None:
        """The store, if any."""
        return await load_store(info, self.store_key)

    @classmethod
    def from_domain(cls, key: queries.ApiKey) -> Self:
        """The key as clients see it."""
        return cls(
            id=encode("ApiKey", key.id),
            name=key.name,
            prefix=key.prefix,
            scopes=list(key.scopes),
            created_at=key.created_at,
            last_used_at=key.last_used_at,
            expires_at=key.expires_at,
            revoked_at=key.revoked_at,
            store_key=key.store_id,
        )


@strawberry.type(description="A role that was offered by e-mail.")
class Invitation(Node):
    email: str = strawberry.field(description="To whom.")
    role: Role = strawberry.field(description="What was offered.")
    created_at: datetime = strawberry.field(description="When it was offered.")
    expires_at: datetime = strawberry.field(description="Until when it can be accepted.")
    accepted_at: datetime | None = strawberry.field(description="When it was accepted.")
    revoked_at: datetime | None = strawberry.field(description="When it was withdrawn.")
    store_key: strawberry.Private[UUID | None]

    @guarded(access=INHERITED, description="The store to which the role is limited; null for the whole tenant.")
    async def store(self, info: Info) -> Store | None:
        """The store, if any."""
        return await load_store(info, self.store_key)

    @classmethod
    def from_domain(cls, invitation: queries.Invitation) -> Self:
        """The invitation as clients see it."""
        return cls(
            id=encode("Invitation", invitation.id),
            email=invitation.email,
            role=invitation.role,
            created_at=invitation.created_at,
            expires_at=invitation.expires_at,
            accepted_at=invitation.accepted_at,
            revoked_at=invitation.revoked_at,
            store_key=invitation.store_id,
        )
