"""Whether credentials that were accepted a while ago would still be accepted as the same: for connections that stay.

All of a process are asked about at once, past every cache, so that a thousand open sockets cost four statements.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from psycopg.rows import DictRow

from services.platform.auth import repository as sql
from services.platform.auth.domain import ROLE_SCOPES, Grant, Role
from services.platform.auth.errors import CredentialInvalid
from services.platform.auth.principals import Reached
from services.platform.auth.tokens import KeyToken, MemberToken, SessionToken, Signer, Token, is_secret
from services.platform.db.session import ReadSession, Statement
from services.platform.tenancy.domain import TenantStatus

SESSIONS = """
SELECT id, user_id, secret_hash FROM platform.sessions
WHERE id = ANY(%(ids)s) AND revoked_at IS NULL AND expires_at > %(now)s"""
KEYS = """
SELECT prefix, id, tenant_id, store_id, secret_hash, scopes FROM platform.api_keys
WHERE prefix = ANY(%(prefixes)s) AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > %(now)s)"""
GRANTS = """
SELECT user_id, organization_id, tenant_id, store_id, role FROM platform.staff_grants
WHERE user_id = ANY(%(user_ids)s)"""
TENANTS = "SELECT id, status FROM platform.tenants WHERE id = ANY(%(ids)s)"


@dataclass(frozen=True, slots=True)
class Held:
    """A credential that somebody holds open, and what it reached when it was accepted."""

    token: str
    reached: Reached


@dataclass(frozen=True, slots=True)
class _Facts:
    """What the platform says now of everything that is asked about."""

    sessions: dict[UUID, DictRow]
    keys: dict[str, DictRow]
    grants: dict[UUID, list[DictRow]]
    active_tenants: frozenset[UUID]


def fallen(session: ReadSession, signer: Signer, held: Collection[Held], *, now: datetime) -> frozenset[Held]:
    """Those whose credential ended, whose rights are others now, or whose tenant is suspended.

    ``session`` reads the platform's home; ``now`` is wall time.
    """
    tokens = {each: _read(signer, each.token) for each in held}
    facts = _facts(session, tokens.values(), held, now)
    return frozenset(each for each, token in tokens.items() if token is None or not _stands(each.reached, token, facts))


def _read(signer: Signer, token: str) -> Token | None:
    try:
        return signer.read(token)
    except CredentialInvalid:
        return None


def _facts(session: ReadSession, tokens: Iterable[Token | None], held: Collection[Held], now: datetime) -> _Facts:
    found = list(tokens)
    actors = [each.reached.principal.actor.id for each in held]
    tenants = [each.reached.tenant.id for each in held if each.reached.tenant]
    prefixes = [token.prefix for token in found if isinstance(token, KeyToken)]
    ids = [token.session_id for token in found if isinstance(token, SessionToken)]
    sessions, keys, grants, statuses = session.fetch_pipeline(
        [
            Statement(SESSIONS, {"ids": ids, "now": now}),
            Statement(KEYS, {"prefixes": prefixes, "now": now}),
            Statement(GRANTS, {"user_ids": sorted({actor for actor in actors if actor})}),
            Statement(TENANTS, {"ids": sorted(set(tenants))}),
        ]
    )
    by_user: dict[UUID, list[DictRow]] = {}
    for row in grants:
        by_user.setdefault(row["user_id"], []).append(row)
    return _Facts(
        {row["id"]: row for row in sessions},
        {row["prefix"]: row for row in keys},
        by_user,
        frozenset(row["id"] for row in statuses if row["status"] == TenantStatus.ACTIVE),
    )


def _stands(reached: Reached, token: Token, facts: _Facts) -> bool:
    if reached.tenant is not None and reached.tenant.id not in facts.active_tenants:
        return False
    match token:
        case SessionToken():
            row = facts.sessions.get(token.session_id)
            return row is not None and is_secret(row["secret_hash"], token.secret) and _has_its_roles(reached, facts)
        case KeyToken():
            row = facts.keys.get(token.prefix)
            return (
                row is not None
                and is_secret(row["secret_hash"], token.secret)
                and set(reached.principal.grants) == {Grant(sql.scopes_of(row), row["store_id"])}
            )
        case MemberToken():
            return True


def _has_its_roles(reached: Reached, facts: _Facts) -> bool:
    if reached.tenant is None:
        return True
    assert reached.principal.actor.id is not None, "people have ids"
    rows = facts.grants.get(reached.principal.actor.id, ())
    now = {
        Grant(ROLE_SCOPES[Role(row["role"])], row["store_id"], Role(row["role"]))
        for row in rows
        if row["tenant_id"] == reached.tenant.id
        or (row["tenant_id"] is None and row["organization_id"] == reached.tenant.organization_id)
    }
    return set(reached.principal.grants) == now
