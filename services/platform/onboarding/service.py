"""Sign-up: from an e-mail address to a tenant that can be used, in one call that can be repeated until it succeeds.

Two homes can't share a transaction, so there are three steps: the platform registers person, organization and a
PROVISIONING tenant under the key; the owner role makes the schema and marks the tenant ACTIVE; a session is opened.
A repeat with the same key goes on where the last one stopped, after checking the password again.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from services.platform.actors import PUBLIC
from services.platform.auth import repository as auth_sql
from services.platform.auth.domain import Role
from services.platform.auth.errors import LoginFailed
from services.platform.auth.passwords import Passwords, normalize_email
from services.platform.auth.service import SignedIn, open_session
from services.platform.auth.throttles import count_guess, count_sign_up, forgive_guesses
from services.platform.db.engine import Database
from services.platform.db.homes import PLATFORM, tenant_home
from services.platform.db.session import UnitOfWork, unit_of_work
from services.platform.errors import InvalidInput
from services.platform.idempotency.service import claim, request_hash, settle
from services.platform.ids import new_id
from services.platform.tenancy.domain import NewTenant, TenantMode
from services.platform.tenancy.migrations import provision_schema
from services.platform.tenancy.registry import insert_organization, insert_tenant

OPERATION = "signUp"
NAME_LENGTH_MAX = 200


@dataclass(frozen=True, slots=True)
class SignUp:
    """A person and the merchant that they open."""

    email: str
    password: str
    name: str
    merchant_name: str
    slug: str
    locale: str
    idempotency_key: str


@dataclass(frozen=True, slots=True)
class SignedUp:
    """A tenant that is ready, and its owner's first session."""

    tenant_id: UUID
    session: SignedIn
    replayed: bool


@dataclass(frozen=True, slots=True)
class Registration:
    """What the first step settled under the key."""

    tenant_id: UUID
    user_id: UUID
    replayed: bool


def sign_up(
    database: Database,
    passwords: Passwords,
    command: SignUp,
    *,
    direct_url: str,
    now: datetime,
    correlation_id: str,
    mode: TenantMode = TenantMode.LIVE,
    clock_offset: timedelta = timedelta(),
    peer: str = "",
) -> SignedUp:
    """Open a merchant with its owner. ``direct_url`` is the owner role's connection, ``peer`` the caller's address.

    Raises:
        EmailInvalid, PasswordTooWeak, SlugInvalid, SlugTaken, EmailTaken, IdempotencyConflict, InvalidInput
        LoginFailed: the key was used before with another password.
        LoginThrottled: the key was repeated with too many passwords.
        TooManyAttempts: of this address.
    """
    email = normalize_email(command.email)
    _check_names(command)
    with unit_of_work(database, PLATFORM, now=now, actor=PUBLIC, correlation_id=correlation_id) as uow:
        count_sign_up(uow, peer=peer)
    password_hash = passwords.hash(command.password)
    new = NewTenant(
        id=new_id(),
        organization_id=new_id(),
        slug=command.slug,
        name=command.merchant_name,
        mode=mode,
        clock_offset=clock_offset,
        locale=command.locale,
        created_at=now,
    )
    with unit_of_work(database, PLATFORM, now=now, actor=PUBLIC, correlation_id=correlation_id) as uow:
        registration = _register(uow, command, new, email=email, password_hash=password_hash)
    if registration.replayed:
        _prove_again(database, passwords, command, email=email, now=now, correlation_id=correlation_id, peer=peer)
    provision_schema(direct_url, tenant_home(registration.tenant_id))
    with unit_of_work(database, PLATFORM, now=now, actor=PUBLIC, correlation_id=correlation_id) as uow:
        session = open_session(uow, user_id=registration.user_id)
    return SignedUp(tenant_id=registration.tenant_id, session=session, replayed=registration.replayed)


def _register(uow: UnitOfWork, command: SignUp, new: NewTenant, *, email: str, password_hash: str) -> Registration:
    """Register person, organization and tenant under the key; or say what was registered under it before."""
    # The password stays out of the hash: a repeat proves it against the account instead.
    identity = {
        "email": email,
        "name": command.name,
        "merchant_name": command.merchant_name,
        "slug": command.slug,
        "locale": command.locale,
    }
    hashed = request_hash(identity)
    stored = claim(uow, operation=OPERATION, key=command.idempotency_key, request_hash=hashed)
    if stored is not None:
        return Registration(UUID(stored["tenant_id"]), UUID(stored["user_id"]), replayed=True)
    user_id = new_id()
    auth_sql.insert_user(
        uow, user_id=user_id, email=email, password_hash=password_hash, name=command.name, locale=command.locale
    )
    insert_organization(uow, organization_id=new.organization_id, name=command.merchant_name)
    insert_tenant(uow, new)
    auth_sql.grant_role(
        uow,
        user_id=user_id,
        organization_id=new.organization_id,
        tenant_id=new.id,
        store_id=None,
        role=Role.OWNER,
    )
    result = {"tenant_id": str(new.id), "user_id": str(user_id)}
    settle(uow, operation=OPERATION, key=command.idempotency_key, result=result)
    return Registration(new.id, user_id, replayed=False)


def _prove_again(
    database: Database,
    passwords: Passwords,
    command: SignUp,
    *,
    email: str,
    now: datetime,
    correlation_id: str,
    peer: str,
) -> None:
    """A key is no password: who repeats a sign-up must know the one that was set.

    Raises:
        LoginFailed, LoginThrottled, TooManyAttempts
    """
    with unit_of_work(database, PLATFORM, now=now, actor=PUBLIC, correlation_id=correlation_id) as uow:
        count_guess(uow, email=email, peer=peer)
        user = auth_sql.user_by_email(uow, email)
    if user is None or not passwords.matches(user["password_hash"], command.password):
        raise LoginFailed
    with unit_of_work(database, PLATFORM, now=now, actor=PUBLIC, correlation_id=correlation_id) as uow:
        forgive_guesses(uow, email=email, peer=peer)


def _check_names(command: SignUp) -> None:
    for field, value in (("name", command.name), ("merchantName", command.merchant_name)):
        if not value.strip() or len(value) > NAME_LENGTH_MAX or not value.isprintable():
            raise InvalidInput(field=field, reason="NAME_INVALID", limit=str(NAME_LENGTH_MAX))
