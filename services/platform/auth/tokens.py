"""Credentials as text: sessions and keys carry a secret whose hash is stored, the other tokens are signed."""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from uuid import UUID

from itsdangerous import BadData, URLSafeTimedSerializer

from services.platform.auth.errors import CredentialInvalid

SECRET_BYTES = 32
MEMBER_TOKEN_SECONDS = 3600

_SESSION = re.compile(r"rs_([0-9a-f]{32})_([A-Za-z0-9_-]{43})")
# The signer would also take other spellings of the same bytes.
_MEMBER = re.compile(r"rm_(\.?[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+)")
_KEY = re.compile(r"rk_([0-9a-f]{16})_([A-Za-z0-9_-]{43})")


@dataclass(frozen=True, slots=True)
class Secret:
    """A new credential: ``text`` is shown once, ``hash`` is stored."""

    text: str
    hash: bytes


@dataclass(frozen=True, slots=True)
class SessionToken:
    """A session's token, taken apart."""

    session_id: UUID
    secret: str


@dataclass(frozen=True, slots=True)
class KeyToken:
    """An API key, taken apart. The prefix is public."""

    prefix: str
    secret: str


@dataclass(frozen=True, slots=True)
class MemberToken:
    """A signed token that names a member of a tenant; already checked."""

    tenant_id: UUID
    member_id: UUID


Token = SessionToken | KeyToken | MemberToken


def new_session_secret(session_id: UUID) -> Secret:
    """A token for a session."""
    secret = secrets.token_urlsafe(SECRET_BYTES)
    return Secret(f"rs_{session_id.hex}_{secret}", digest(secret))


def new_key_prefix() -> str:
    """The public part of an API key."""
    return secrets.token_hex(8)


def new_key_secret(prefix: str) -> Secret:
    """An API key."""
    secret = secrets.token_urlsafe(SECRET_BYTES)
    return Secret(f"rk_{prefix}_{secret}", digest(secret))


def digest(secret: str) -> bytes:
    """What is stored of a random secret: SHA-256 suffices, as there is nothing to guess from."""
    return hashlib.sha256(secret.encode()).digest()


def is_secret(stored: bytes, secret: str) -> bool:
    """Whether the secret is the stored one, in constant time."""
    return hmac.compare_digest(stored, digest(secret))


class Signer:
    """Signs and reads the tokens that are stored nowhere."""

    def __init__(self, secret: bytes) -> None:
        self._members = URLSafeTimedSerializer(secret, salt="member")
        self._invitations = URLSafeTimedSerializer(secret, salt="invitation")

    def member_token(self, *, tenant_id: UUID, member_id: UUID) -> str:
        """A token by which a member reads their own data for an hour."""
        return "rm_" + self._members.dumps([tenant_id.hex, member_id.hex])

    def invitation_token(self, invitation_id: UUID) -> str:
        """The token in an invitation's link; how long it lasts is written in the invitation."""
        return self._invitations.dumps(invitation_id.hex)

    def invitation_id(self, token: str) -> UUID | None:
        """The invitation of a token, None when the signature is not ours."""
        try:
            return UUID(hex=self._invitations.loads(token))
        except (BadData, ValueError, TypeError):
            return None

    def read(self, token: str) -> Token:
        """Take a credential apart.

        Raises:
            CredentialInvalid: no shape of ours, or a signature that is wrong or too old.
        """
        if match := _SESSION.fullmatch(token):
            return SessionToken(UUID(hex=match[1]), match[2])
        if match := _KEY.fullmatch(token):
            return KeyToken(match[1], match[2])
        if match := _MEMBER.fullmatch(token):
            try:
                tenant_id, member_id = self._members.loads(match[1], max_age=MEMBER_TOKEN_SECONDS)
            except BadData as error:
                raise CredentialInvalid from error
            return MemberToken(UUID(hex=tenant_id), UUID(hex=member_id))
        raise CredentialInvalid
