"""Sessions, API keys and invitations. Each verb works in the platform's home."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from services.contracts.events.tenancy import StaffInvited
from services.platform.actors import ActorKind
from services.platform.auth import repository as sql
from services.platform.auth.domain import GRANTABLE, WHOLE_TENANT_ROLES, Principal, Role, Scope
from services.platform.auth.errors import (
    ApiKeyNotFound,
    InvitationInvalid,
    LastOwner,
    RoleNotGrantable,
    ScopesNotGrantable,
    StaffNotFound,
)
from services.platform.auth.passwords import normalize_email
from services.platform.auth.queries import maker_of_key
from services.platform.auth.roles import follow_to_sandboxes
from services.platform.auth.tokens import new_key_prefix, new_key_secret, new_session_secret
from services.platform.db.session import UnitOfWork
from services.platform.errors import InvalidInput
from services.platform.ids import new_id
from services.platform.outbox.service import publish
from services.platform.tenancy.domain import Tenant

SESSION_LIFE = timedelta(days=30)
INVITATION_LIFE = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A new session; ``token`` is shown once."""

    user_id: UUID
    token: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class NewApiKey:
    """An API key as its maker sees it; ``secret`` is shown once."""

    id: UUID
    secret: str


def open_session(uow: UnitOfWork, *, user_id: UUID) -> SignedIn:
    """A new session of a person who has just proved who they are."""
    session_id = new_id()
    secret = new_session_secret(session_id)
    expires_at = uow.now + SESSION_LIFE
    sql.insert_session(uow, session_id=session_id, user_id=user_id, secret_hash=secret.hash, expires_at=expires_at)
    return SignedIn(user_id=user_id, token=secret.text, expires_at=expires_at)


def log_out(uow: UnitOfWork, *, session_id: UUID) -> bool:
    """End a session; False when it had ended before."""
    return uow.execute(sql.REVOKE_SESSION, {"id": session_id, "now": uow.now}) == 1


def create_api_key(
    uow: UnitOfWork,
    *,
    tenant: Tenant,
    maker: Principal,
    name: str,
    scopes: frozenset[Scope],
    store_id: UUID | None = None,
    expires_at: datetime | None = None,
) -> NewApiKey:
    """Make an API key for a tenant or one of its stores.

    Raises:
        ScopesNotGrantable: the maker lacks some of the scopes there.
        InvalidInput: it would have ended already.
    """
    _require_grantable(maker, scopes, store_id=store_id)
    if expires_at is not None and expires_at <= uow.now:
        raise InvalidInput(field="expiresAt", reason="IN_THE_PAST")
    key_id, prefix = new_id(), new_key_prefix()
    secret = new_key_secret(prefix)
    values = {
        "id": key_id,
        "tenant_id": tenant.id,
        "store_id": store_id,
        "name": name,
        "prefix": prefix,
        "secret_hash": secret.hash,
        "scopes": sorted(scopes),
        "created_by": _person_behind(uow, maker),
        "now": uow.now,
        "expires_at": expires_at,
    }
    uow.execute(sql.INSERT_KEY, values)
    return NewApiKey(key_id, secret.text)


def rotate_api_key(uow: UnitOfWork, *, tenant: Tenant, maker: Principal, key_id: UUID) -> NewApiKey:
    """Give a key a new secret; the old one stops at once.

    Raises:
        ApiKeyNotFound
        ScopesNotGrantable: who sees the secret gets its scopes, and lacks some of them.
    """
    row = uow.fetch_one(sql.KEY_OF_TENANT, {"id": key_id, "tenant_id": tenant.id})
    if row is None:
        raise ApiKeyNotFound
    _require_grantable(maker, sql.scopes_of(row), store_id=row["store_id"])
    prefix = new_key_prefix()
    secret = new_key_secret(prefix)
    # Whoever sees the secret answers for what the key does from now on.
    made_by = _person_behind(uow, maker)
    uow.execute(sql.ROTATE_KEY, {"id": key_id, "prefix": prefix, "secret_hash": secret.hash, "created_by": made_by})
    return NewApiKey(key_id, secret.text)


def _person_behind(uow: UnitOfWork, maker: Principal) -> UUID | None:
    """Who makes a key: of what a key makes, the person who made that key. Four eyes belong to two people."""
    actor = maker.actor
    if actor.kind is ActorKind.KEY and actor.id is not None:
        return maker_of_key(uow, key_id=actor.id)
    return actor.id


def revoke_api_key(uow: UnitOfWork, *, tenant: Tenant, key_id: UUID) -> None:
    """End a key.

    Raises:
        ApiKeyNotFound
    """
    if uow.execute(sql.REVOKE_KEY, {"id": key_id, "tenant_id": tenant.id, "now": uow.now}) == 0:
        raise ApiKeyNotFound


def invite_staff(
    uow: UnitOfWork,
    *,
    tenant: Tenant,
    inviter: Principal,
    email: str,
    role: Role,
    store_id: UUID | None = None,
) -> UUID:
    """Offer a role by e-mail; the id of the invitation.

    Raises:
        EmailInvalid
        RoleNotGrantable: the inviter lacks it, or it can't be narrowed to a store.
    """
    address = normalize_email(email)
    is_of_whole_tenant = role in WHOLE_TENANT_ROLES and store_id is not None
    if is_of_whole_tenant or not any(role in GRANTABLE[own] for own in inviter.roles()):
        raise RoleNotGrantable(role=role)
    user = uow.fetch_one(sql.USER_BY_ID, {"id": inviter.actor.id})
    assert user is not None
    invitation_id, expires_at = new_id(), uow.now + INVITATION_LIFE
    values = {
        "id": invitation_id,
        "email": address,
        "organization_id": tenant.organization_id,
        "tenant_id": tenant.id,
        "store_id": store_id,
        "role": role,
        "invited_by": inviter.actor.id,
        "now": uow.now,
        "expires_at": expires_at,
    }
    uow.execute(sql.INSERT_INVITATION, values)
    publish(
        uow,
        StaffInvited(
            tenant_id=tenant.id,
            invitation_id=invitation_id,
            email=address,
            role=role,
            merchant_name=tenant.name,
            inviter_name=user["name"],
            locale=tenant.locale,
            expires_at=expires_at,
        ),
    )
    return invitation_id


def revoke_invitation(uow: UnitOfWork, *, tenant: Tenant, invitation_id: UUID) -> None:
    """Withdraw an invitation.

    Raises:
        InvitationInvalid: there is none open.
    """
    values = {"id": invitation_id, "tenant_id": tenant.id, "now": uow.now}
    if uow.execute(sql.REVOKE_INVITATION, values) == 0:
        raise InvitationInvalid


def remove_staff(uow: UnitOfWork, *, tenant: Tenant, remover: Principal, grant_id: UUID) -> None:
    """Take a role back that was given in a tenant or one of its stores. Sessions lose it within seconds.

    A role in the whole of a live tenant is taken back in its sandboxes too.

    Raises:
        StaffNotFound
        RoleNotGrantable: the remover could not have given it.
        LastOwner
    """
    rows = {row["id"]: row for row in uow.fetch_all(sql.GRANT_AND_OWNERS, {"tenant_id": tenant.id, "id": grant_id})}
    if grant_id not in rows:
        raise StaffNotFound
    grant = rows[grant_id]
    role = Role(grant["role"])
    if not any(role in GRANTABLE[own] for own in remover.roles()):
        raise RoleNotGrantable(role=role)
    if role is Role.OWNER and sum(row["role"] == Role.OWNER for row in rows.values()) == 1:
        raise LastOwner
    uow.execute(sql.DELETE_GRANT, {"id": grant_id})
    if grant["store_id"] is None:
        follow_to_sandboxes(uow, live_tenant_id=tenant.id, user_id=grant["user_id"], role=None)


def _require_grantable(maker: Principal, scopes: frozenset[Scope], *, store_id: UUID | None) -> None:
    missing = sorted(scope for scope in scopes if not maker.allows(scope, store_id=store_id))
    if missing:
        raise ScopesNotGrantable(scopes=tuple(missing))
