"""The SQL of people and credentials."""

from datetime import datetime
from uuid import UUID

from psycopg.errors import UniqueViolation
from psycopg.rows import DictRow

from services.platform.auth.domain import Role, Scope
from services.platform.auth.errors import EmailTaken
from services.platform.db.session import ReadSession, UnitOfWork
from services.platform.ids import new_id

USER_BY_EMAIL = "SELECT id, email, password_hash, name, locale FROM platform.users WHERE email = %(email)s"
USER_BY_ID = "SELECT id, email, name, locale FROM platform.users WHERE id = %(id)s"
INSERT_USER = """
INSERT INTO platform.users (id, email, password_hash, name, locale, created_at)
VALUES (%(id)s, %(email)s, %(password_hash)s, %(name)s, %(locale)s, %(now)s)"""
INSERT_GRANT = """
INSERT INTO platform.staff_grants (id, user_id, organization_id, tenant_id, store_id, role, created_at)
VALUES (%(id)s, %(user_id)s, %(organization_id)s, %(tenant_id)s, %(store_id)s, %(role)s, %(now)s)
ON CONFLICT (user_id, organization_id, tenant_id, store_id) DO UPDATE SET role = EXCLUDED.role"""
# All owners are locked, so that two of them can't remove each other at once.
GRANT_AND_OWNERS = """
SELECT id, role, user_id, store_id FROM platform.staff_grants
WHERE tenant_id = %(tenant_id)s AND (id = %(id)s OR (role = 'owner' AND store_id IS NULL)) ORDER BY id FOR UPDATE"""
# A role that is accepted replaces the one that the person had there: an owner's would take the last owner away.
OWNED_BY = """
SELECT id FROM platform.staff_grants
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND role = 'owner' AND store_id IS NULL FOR UPDATE"""
DELETE_GRANT = "DELETE FROM platform.staff_grants WHERE id = %(id)s"
GRANTS_OF_USER = """
SELECT organization_id, tenant_id, store_id, role FROM platform.staff_grants WHERE user_id = %(user_id)s"""
STAFF_OF_TENANT = """
SELECT staff_grants.id, staff_grants.role, staff_grants.store_id, staff_grants.created_at,
    users.id AS user_id, users.email, users.name
FROM platform.staff_grants JOIN platform.users ON users.id = staff_grants.user_id
WHERE staff_grants.tenant_id = %(tenant_id)s AND (%(after)s::uuid IS NULL OR staff_grants.id > %(after)s)
ORDER BY staff_grants.id LIMIT %(limit)s"""
INSERT_SESSION = """
INSERT INTO platform.sessions (id, user_id, secret_hash, created_at, expires_at)
VALUES (%(id)s, %(user_id)s, %(secret_hash)s, %(now)s, %(expires_at)s)"""
SESSION = """
SELECT user_id, secret_hash FROM platform.sessions
WHERE id = %(id)s AND revoked_at IS NULL AND expires_at > %(now)s"""
REVOKE_SESSION = "UPDATE platform.sessions SET revoked_at = %(now)s WHERE id = %(id)s AND revoked_at IS NULL"
INSERT_KEY = """
INSERT INTO platform.api_keys (id, tenant_id, store_id, name, prefix, secret_hash, scopes, created_by, created_at,
    expires_at)
VALUES (%(id)s, %(tenant_id)s, %(store_id)s, %(name)s, %(prefix)s, %(secret_hash)s, %(scopes)s, %(created_by)s,
    %(now)s, %(expires_at)s)"""
KEY_BY_PREFIX = """
SELECT id, tenant_id, store_id, secret_hash, scopes, last_used_at FROM platform.api_keys
WHERE prefix = %(prefix)s AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > %(now)s)"""
KEY_COLUMNS = "id, tenant_id, store_id, name, prefix, scopes, created_at, last_used_at, expires_at, revoked_at"
KEY_OF_TENANT = f"""
SELECT {KEY_COLUMNS} FROM platform.api_keys
WHERE id = %(id)s AND tenant_id = %(tenant_id)s AND revoked_at IS NULL FOR NO KEY UPDATE"""
KEYS_OF_TENANT = f"""
SELECT {KEY_COLUMNS} FROM platform.api_keys
WHERE tenant_id = %(tenant_id)s AND (%(after)s::uuid IS NULL OR id > %(after)s) ORDER BY id LIMIT %(limit)s"""
ROTATE_KEY = """
UPDATE platform.api_keys SET prefix = %(prefix)s, secret_hash = %(secret_hash)s, created_by = %(created_by)s
WHERE id = %(id)s"""
REVOKE_KEY = """
UPDATE platform.api_keys SET revoked_at = %(now)s
WHERE id = %(id)s AND tenant_id = %(tenant_id)s AND revoked_at IS NULL"""
TOUCH_KEY = """
UPDATE platform.api_keys SET last_used_at = %(now)s
WHERE id = %(id)s AND (last_used_at IS NULL OR last_used_at < %(before)s)"""
INSERT_INVITATION = """
INSERT INTO platform.invitations (id, email, organization_id, tenant_id, store_id, role, invited_by, created_at,
    expires_at)
VALUES (%(id)s, %(email)s, %(organization_id)s, %(tenant_id)s, %(store_id)s, %(role)s, %(invited_by)s, %(now)s,
    %(expires_at)s)"""
INVITATION = "SELECT email FROM platform.invitations WHERE id = %(id)s"
OPEN_INVITATION = """
SELECT id, email, organization_id, tenant_id, store_id, role FROM platform.invitations
WHERE id = %(id)s AND accepted_at IS NULL AND revoked_at IS NULL AND expires_at > %(now)s FOR NO KEY UPDATE"""
ACCEPT_INVITATION = "UPDATE platform.invitations SET accepted_at = %(now)s WHERE id = %(id)s"
REVOKE_INVITATION = """
UPDATE platform.invitations SET revoked_at = %(now)s
WHERE id = %(id)s AND tenant_id = %(tenant_id)s AND accepted_at IS NULL AND revoked_at IS NULL"""
INVITATIONS_OF_TENANT = """
SELECT id, email, store_id, role, created_at, expires_at, accepted_at, revoked_at FROM platform.invitations
WHERE tenant_id = %(tenant_id)s AND (%(after)s::uuid IS NULL OR id > %(after)s) ORDER BY id LIMIT %(limit)s"""
# No row comes of it where there were enough: then nothing is counted, and guesses sent at once can't outrun the count.
COUNT_ATTEMPT = """
INSERT INTO platform.login_throttles (account_hash, window_started_at, attempts) VALUES (%(subject)s, %(now)s, 1)
ON CONFLICT (account_hash) DO UPDATE SET
    attempts = CASE WHEN login_throttles.window_started_at <= %(window_start)s THEN 1
        ELSE login_throttles.attempts + 1 END,
    window_started_at = CASE WHEN %(is_sliding)s OR login_throttles.window_started_at <= %(window_start)s
        THEN EXCLUDED.window_started_at ELSE login_throttles.window_started_at END
WHERE login_throttles.window_started_at <= %(window_start)s OR login_throttles.attempts < %(maximum)s"""
ATTEMPTS = "SELECT window_started_at FROM platform.login_throttles WHERE account_hash = %(subject)s"
TAKE_BACK_ATTEMPT = """
UPDATE platform.login_throttles SET attempts = attempts - 1 WHERE account_hash = %(subject)s AND attempts > 0"""
FORGET_ATTEMPTS = "DELETE FROM platform.login_throttles WHERE account_hash = %(subject)s"
FORGET_OLD_ATTEMPTS = """
DELETE FROM platform.login_throttles WHERE account_hash IN (
    SELECT account_hash FROM platform.login_throttles WHERE window_started_at <= %(before)s
    ORDER BY window_started_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED)"""


def insert_user(uow: UnitOfWork, *, user_id: UUID, email: str, password_hash: str, name: str, locale: str) -> None:
    """Add a person.

    Raises:
        EmailTaken
    """
    values = {
        "id": user_id,
        "email": email,
        "password_hash": password_hash,
        "name": name,
        "locale": locale,
        "now": uow.now,
    }
    try:
        uow.execute(INSERT_USER, values)
    except UniqueViolation as error:
        if error.diag.constraint_name != "users_email_key":
            raise
        raise EmailTaken from error


def user_by_email(session: ReadSession, email: str) -> DictRow | None:
    """A person's row with the password's hash."""
    return session.fetch_one(USER_BY_EMAIL, {"email": email})


def grant_role(
    uow: UnitOfWork, *, user_id: UUID, organization_id: UUID, tenant_id: UUID | None, store_id: UUID | None, role: Role
) -> None:
    """Give a role at a node; it replaces the one that the person had there."""
    uow.execute(
        INSERT_GRANT,
        {
            "id": new_id(),
            "user_id": user_id,
            "organization_id": organization_id,
            "tenant_id": tenant_id,
            "store_id": store_id,
            "role": role,
            "now": uow.now,
        },
    )


def insert_session(
    uow: UnitOfWork, *, session_id: UUID, user_id: UUID, secret_hash: bytes, expires_at: datetime
) -> None:
    """Add a session."""
    values = {
        "id": session_id,
        "user_id": user_id,
        "secret_hash": secret_hash,
        "now": uow.now,
        "expires_at": expires_at,
    }
    uow.execute(INSERT_SESSION, values)


def scopes_of(row: DictRow) -> frozenset[Scope]:
    """The scopes of a key's row. Those that a later release took away are dropped."""
    return frozenset(scope for scope in Scope if scope in row["scopes"])
