"""What screens show of people, keys and invitations."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.platform.auth import repository as sql
from services.platform.auth.domain import Role, Scope
from services.platform.db.session import ReadSession

TENANTS_OF_USER = """
SELECT DISTINCT tenants.slug, tenants.name, tenants.id FROM platform.tenants JOIN platform.staff_grants
ON staff_grants.tenant_id = tenants.id
    OR (staff_grants.tenant_id IS NULL AND staff_grants.organization_id = tenants.organization_id)
WHERE staff_grants.user_id = %(user_id)s AND tenants.status <> 'provisioning' ORDER BY tenants.slug LIMIT %(limit)s"""

STAFF_TO_TELL = """
SELECT id, email, name, locale FROM platform.users WHERE EXISTS (
    SELECT FROM platform.staff_grants JOIN platform.tenants ON tenants.id = %(tenant_id)s
    WHERE staff_grants.user_id = users.id AND staff_grants.role = ANY(%(roles)s) AND staff_grants.store_id IS NULL
        AND (staff_grants.tenant_id = tenants.id
            OR (staff_grants.tenant_id IS NULL AND staff_grants.organization_id = tenants.organization_id)))
ORDER BY id LIMIT %(limit)s"""

MAKER_OF_KEY = "SELECT created_by FROM platform.api_keys WHERE id = %(id)s"


@dataclass(frozen=True, slots=True)
class User:
    """A person who signs in to work."""

    id: UUID
    email: str
    name: str
    locale: str


@dataclass(frozen=True, slots=True)
class TenantChoice:
    """A tenant that a person may name in X-Tenant."""

    id: UUID
    slug: str
    name: str


@dataclass(frozen=True, slots=True)
class StaffMember:
    """A role of a person in a tenant or one of its stores. ``id`` is the grant's."""

    id: UUID
    user_id: UUID
    email: str
    name: str
    role: Role
    store_id: UUID | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class ApiKey:
    """An API key without its secret."""

    id: UUID
    name: str
    prefix: str
    scopes: tuple[Scope, ...]
    store_id: UUID | None
    created_at: datetime
    last_used_at: datetime | None
    expires_at: datetime | None
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class Invitation:
    """An offered role."""

    id: UUID
    email: str
    role: Role
    store_id: UUID | None
    created_at: datetime
    expires_at: datetime
    accepted_at: datetime | None
    revoked_at: datetime | None


def user_by_id(session: ReadSession, user_id: UUID) -> User | None:
    """A person, or None."""
    row = session.fetch_one(sql.USER_BY_ID, {"id": user_id})
    return User(row["id"], row["email"], row["name"], row["locale"]) if row else None


def tenants_of_user(session: ReadSession, *, user_id: UUID, limit: int) -> tuple[TenantChoice, ...]:
    """Tenants where the person has a role, by slug."""
    rows = session.fetch_all(TENANTS_OF_USER, {"user_id": user_id, "limit": limit})
    return tuple(TenantChoice(row["id"], row["slug"], row["name"]) for row in rows)


def staff_of_tenant(
    session: ReadSession, *, tenant_id: UUID, after: UUID | None, limit: int
) -> tuple[StaffMember, ...]:
    """Roles given in a tenant and its stores, oldest first, after the given one."""
    rows = session.fetch_all(sql.STAFF_OF_TENANT, {"tenant_id": tenant_id, "after": after, "limit": limit})
    return tuple(
        StaffMember(
            id=row["id"],
            user_id=row["user_id"],
            email=row["email"],
            name=row["name"],
            role=Role(row["role"]),
            store_id=row["store_id"],
            created_at=row["created_at"],
        )
        for row in rows
    )


def staff_to_tell(session: ReadSession, *, tenant_id: UUID, roles: Collection[Role], limit: int) -> tuple[User, ...]:
    """People who hold one of the roles in the whole tenant or in its organization, each once."""
    values = {"tenant_id": tenant_id, "roles": [role.value for role in roles], "limit": limit}
    rows = session.fetch_all(STAFF_TO_TELL, values)
    return tuple(User(row["id"], row["email"], row["name"], row["locale"]) for row in rows)


def api_keys_of_tenant(session: ReadSession, *, tenant_id: UUID, after: UUID | None, limit: int) -> tuple[ApiKey, ...]:
    """A tenant's keys, revoked ones too, oldest first, after the given one."""
    rows = session.fetch_all(sql.KEYS_OF_TENANT, {"tenant_id": tenant_id, "after": after, "limit": limit})
    return tuple(
        ApiKey(
            id=row["id"],
            name=row["name"],
            prefix=row["prefix"],
            scopes=tuple(sorted(sql.scopes_of(row))),
            store_id=row["store_id"],
            created_at=row["created_at"],
            last_used_at=row["last_used_at"],
            expires_at=row["expires_at"],
            revoked_at=row["revoked_at"],
        )
        for row in rows
    )


def invitations_of_tenant(
    session: ReadSession, *, tenant_id: UUID, after: UUID | None, limit: int
) -> tuple[Invitation, ...]:
    """Roles offered in a tenant, oldest first, after the given one."""
    rows = session.fetch_all(sql.INVITATIONS_OF_TENANT, {"tenant_id": tenant_id, "after": after, "limit": limit})
    return tuple(
        Invitation(
            id=row["id"],
            email=row["email"],
            role=Role(row["role"]),
            store_id=row["store_id"],
            created_at=row["created_at"],
            expires_at=row["expires_at"],
            accepted_at=row["accepted_at"],
            revoked_at=row["revoked_at"],
        )
        for row in rows
    )


def maker_of_key(session: ReadSession, *, key_id: UUID) -> UUID | None:
    """The person who made an API key; None where a program did."""
    row = session.fetch_one(MAKER_OF_KEY, {"id": key_id})
    return None if row is None else row["created_by"]
