"""Who may do what, where: scopes, roles, and the principal of a request. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from uuid import UUID

from services.platform.actors import PUBLIC, Actor, ActorKind


class Scope(StrEnum):
    """One thing that may be allowed. API keys carry them; roles are sets of them."""

    MEMBERS_READ = "members:read"
    MEMBERS_WRITE = "members:write"
    MEMBER_TOKENS_WRITE = "member_tokens:write"
    PURCHASES_READ = "purchases:read"
    PURCHASES_WRITE = "purchases:write"
    ACTIVITIES_READ = "activities:read"
    ACTIVITIES_WRITE = "activities:write"
    REDEMPTIONS_WRITE = "redemptions:write"
    POINTS_ADJUST = "points:adjust"
    PROGRAM_READ = "program:read"
    PROGRAM_WRITE = "program:write"
    REWARDS_WRITE = "rewards:write"
    STORES_READ = "stores:read"
    STORES_WRITE = "stores:write"
    STAFF_MANAGE = "staff:manage"
    KEYS_MANAGE = "keys:manage"
    USAGE_READ = "usage:read"
    SANDBOXES_MANAGE = "sandboxes:manage"
    REPORTS_READ = "reports:read"


class Role(StrEnum):
    """What staff can be. A role is granted at a node: an organization, a tenant or a store."""

    OWNER = "owner"
    ADMIN = "admin"
    MARKETER = "marketer"
    CASHIER = "cashier"
    ANALYST = "analyst"
    HEADQUARTERS = "headquarters"


_READ = frozenset(
    {Scope.MEMBERS_READ, Scope.PURCHASES_READ, Scope.ACTIVITIES_READ, Scope.PROGRAM_READ, Scope.STORES_READ}
)
_ALL = frozenset(Scope)

ROLE_SCOPES: Mapping[Role, frozenset[Scope]] = MappingProxyType(
    {
        Role.OWNER: _ALL,
        Role.HEADQUARTERS: _ALL,
        Role.ADMIN: _ALL,
        Role.MARKETER: _READ | {Scope.MEMBERS_WRITE, Scope.PROGRAM_WRITE, Scope.REWARDS_WRITE},
        Role.CASHIER: _READ
        | {Scope.MEMBERS_WRITE, Scope.PURCHASES_WRITE, Scope.ACTIVITIES_WRITE, Scope.REDEMPTIONS_WRITE},
        Role.ANALYST: _READ | {Scope.USAGE_READ, Scope.REPORTS_READ},
    }
)

WHOLE_TENANT_ROLES = frozenset({Role.OWNER, Role.HEADQUARTERS})
"""Roles that make no sense for one store."""

# Who may hand out which role: nobody gives more than they have.
GRANTABLE: Mapping[Role, frozenset[Role]] = MappingProxyType(
    {
        Role.OWNER: frozenset(Role),
        Role.HEADQUARTERS: frozenset(Role),
        Role.ADMIN: frozenset(Role) - {Role.OWNER, Role.HEADQUARTERS},
        Role.MARKETER: frozenset(),
        Role.CASHIER: frozenset(),
        Role.ANALYST: frozenset(),
    }
)


@dataclass(frozen=True, slots=True)
class Grant:
    """Scopes within one tenant; ``store_id`` narrows them to one of its stores."""

    scopes: frozenset[Scope]
    store_id: UUID | None
    role: Role | None = None


@dataclass(frozen=True, slots=True)
class Principal:
    """Who sends a request, and what they may do in the tenant that the request reached."""

    actor: Actor
    grants: tuple[Grant, ...] = ()
    session_id: UUID | None = None

    @property
    def member_id(self) -> UUID | None:
        """The member, when a member is asking for themselves."""
        return self.actor.id if self.actor.kind is ActorKind.MEMBER else None

    def allows(self, scope: Scope, *, store_id: UUID | None = None) -> bool:
        """Whether ``scope`` is held at the store, or, without one, in the whole tenant."""
        return any(scope in grant.scopes and grant.store_id in (None, store_id) for grant in self.grants)

    def allows_somewhere(self, scope: Scope) -> bool:
        """Whether ``scope`` is held in the tenant or in any of its stores."""
        return any(scope in grant.scopes for grant in self.grants)

    def roles(self) -> frozenset[Role]:
        """The roles held in the whole tenant."""
        return frozenset(grant.role for grant in self.grants if grant.role and grant.store_id is None)


ANONYMOUS = Principal(PUBLIC)
