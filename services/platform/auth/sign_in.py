"""Proving who one is. These verbs take several short transactions: hashing a password may not hold one open."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.platform.actors import PUBLIC
from services.platform.auth import repository as sql
from services.platform.auth.domain import Role
from services.platform.auth.errors import AlreadyOwner, InvitationInvalid, LoginFailed
from services.platform.auth.passwords import Passwords
from services.platform.auth.roles import follow_to_sandboxes
from services.platform.auth.service import SignedIn, open_session
from services.platform.auth.throttles import count_guess, forgive_guesses
from services.platform.auth.tokens import Signer
from services.platform.db.engine import Database
from services.platform.db.homes import PLATFORM
from services.platform.db.session import read_session, unit_of_work
from services.platform.ids import new_id


@dataclass(frozen=True, slots=True)
class AcceptInvitation:
    """A person takes an offered role, with a new account or with the one that the address has."""

    token: str
    name: str
    password: str
    locale: str


def log_in(
    database: Database,
    passwords: Passwords,
    *,
    email: str,
    password: str,
    now: datetime,
    correlation_id: str,
    peer: str = "",
) -> SignedIn:
    """Open a session for e-mail and password. ``peer`` is the caller's address.

    Raises:
        LoginThrottled, TooManyAttempts
        LoginFailed: no such account, or another password; both take the same time.
    """
    with unit_of_work(database, PLATFORM, now=now, actor=PUBLIC, correlation_id=correlation_id) as uow:
        count_guess(uow, email=email, peer=peer)
        user = sql.user_by_email(uow, email.strip().lower())
    if not passwords.matches(user["password_hash"] if user else None, password) or user is None:
        raise LoginFailed
    with unit_of_work(database, PLATFORM, now=now, actor=PUBLIC, correlation_id=correlation_id) as uow:
        forgive_guesses(uow, email=email, peer=peer)
        return open_session(uow, user_id=user["id"])


def accept_invitation(
    database: Database,
    passwords: Passwords,
    signer: Signer,
    command: AcceptInvitation,
    *,
    now: datetime,
    correlation_id: str,
    peer: str = "",
) -> SignedIn:
    """Take an offered role and open a session. ``peer`` is the caller's address.

    Raises:
        InvitationInvalid
        AlreadyOwner: the person owns the tenant; a lesser role would take that away.
        LoginFailed: the address has an account, and this is not its password.
        LoginThrottled, TooManyAttempts
        PasswordTooWeak
    """
    invitation_id = signer.invitation_id(command.token)
    if invitation_id is None:
        raise InvitationInvalid
    with read_session(database, PLATFORM, now=now) as session:
        invitation = session.fetch_one(sql.INVITATION, {"id": invitation_id})
    if invitation is None:
        raise InvitationInvalid
    with unit_of_work(database, PLATFORM, now=now, actor=PUBLIC, correlation_id=correlation_id) as uow:
        count_guess(uow, email=invitation["email"], peer=peer)
        user = sql.user_by_email(uow, invitation["email"])
    if user is not None and not passwords.matches(user["password_hash"], command.password):
        raise LoginFailed
    password_hash = user["password_hash"] if user else passwords.hash(command.password)
    with unit_of_work(database, PLATFORM, now=now, actor=PUBLIC, correlation_id=correlation_id) as uow:
        offer = uow.fetch_one(sql.OPEN_INVITATION, {"id": invitation_id, "now": now})
        if offer is None:
            raise InvitationInvalid
        forgive_guesses(uow, email=offer["email"], peer=peer)
        user_id: UUID = user["id"] if user else new_id()
        if user is None:
            sql.insert_user(
                uow,
                user_id=user_id,
                email=offer["email"],
                password_hash=password_hash,
                name=command.name,
                locale=command.locale,
            )
        if offer["store_id"] is None and uow.fetch_one(
            sql.OWNED_BY, {"tenant_id": offer["tenant_id"], "user_id": user_id}
        ):
            raise AlreadyOwner
        sql.grant_role(
            uow,
            user_id=user_id,
            organization_id=offer["organization_id"],
            tenant_id=offer["tenant_id"],
            store_id=offer["store_id"],
            role=Role(offer["role"]),
        )
        if offer["store_id"] is None:
            follow_to_sandboxes(uow, live_tenant_id=offer["tenant_id"], user_id=user_id, role=Role(offer["role"]))
        uow.execute(sql.ACCEPT_INVITATION, {"id": invitation_id, "now": now})
        return open_session(uow, user_id=user_id)
