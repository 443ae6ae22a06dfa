"""Credentials as text: sessions and keys carry a secret whose hash is stored, the other tokens are signed."""

import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from itsdangerous import BadData, URLSafeSerializer, URLSafeTimedSerializer

from services.platform.auth.errors import CredentialInvalid

SECRET_BYTES = 32
MEMBER_TOKEN_SECONDS = 3600
QUOTE_LENGTH_MAX = 400_000
"""Characters of a quote's token: a cart of 500 lines with long texts has about as many."""
PASS_LINK_SECONDS = 600

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


@dataclass(frozen=True, slots=True)
class CheckInToken:
    """A store's code for check-ins; its signature is checked, and whether it has expired is not."""

    tenant_id: UUID
    store_id: UUID
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class ShareToken:
    """A link that a member shared; already checked."""

    tenant_id: UUID
    share_id: UUID


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
        # These end at the tenant's own time, which a sandbox can move, or never.
        self._check_ins = URLSafeSerializer(secret, salt="check-in")
        self._shares = URLSafeSerializer(secret, salt="share")
        self._quotes = URLSafeSerializer(secret, salt="quote", signer_kwargs={"digest_method": hashlib.sha256})
        self._visitors = hashlib.sha256(b"visitor" + secret).digest()
        self._passes = URLSafeTimedSerializer(secret, salt="pass")
        self._cards = hashlib.sha256(b"card" + secret).digest()

    def member_token(self, *, tenant_id: UUID, member_id: UUID, seconds: int = MEMBER_TOKEN_SECONDS) -> str:
        """A token by which a member reads their own data, for an hour or less."""
        assert 0 < seconds <= MEMBER_TOKEN_SECONDS
        life = [] if seconds == MEMBER_TOKEN_SECONDS else [seconds]
        return "rm_" + self._members.dumps([tenant_id.hex, member_id.hex, *life])

    def card_key(self, tenant_id: UUID) -> bytes:
        """The key of a tenant's rotating codes: those of one tenant say nothing to another."""
        return hmac.digest(self._cards, tenant_id.bytes, "sha256")

    def pass_token(self, *, tenant_id: UUID, member_id: UUID) -> str:
        """The token in the address of a member's pass, good for ten minutes."""
        return self._passes.dumps([tenant_id.hex, member_id.hex])

    def pass_of(self, text: str) -> MemberToken | None:
        """Whose pass an address asks for, None when the signature is not ours or too old."""
        try:
            tenant_id, member_id = self._passes.loads(text, max_age=PASS_LINK_SECONDS)
        except (BadData, ValueError, TypeError):
            return None
        return MemberToken(UUID(hex=tenant_id), UUID(hex=member_id))

    def invitation_token(self, invitation_id: UUID) -> str:
        """The token in an invitation's link; how long it lasts is written in the invitation."""
        return self._invitations.dumps(invitation_id.hex)

    def invitation_id(self, token: str) -> UUID | None:
        """The invitation of a token, None when the signature is not ours."""
        try:
            return UUID(hex=self._invitations.loads(token))
        except (BadData, ValueError, TypeError):
            return None

    def check_in_code(self, code: CheckInToken) -> str:
        """The text of a code that a store shows; a second is its smallest unit of time."""
        return self._check_ins.dumps([code.tenant_id.hex, code.store_id.hex, int(code.expires_at.timestamp())])

    def check_in(self, text: str) -> CheckInToken | None:
        """What a code says, None when the signature is not ours."""
        try:
            tenant_id, store_id, expires_at = self._check_ins.loads(text)
        except (BadData, ValueError, TypeError):
            return None
        code = CheckInToken(UUID(hex=tenant_id), UUID(hex=store_id), datetime.fromtimestamp(expires_at, UTC))
        # One code has one spelling: Base64 has others of the same bytes.
        return code if self.check_in_code(code) == text else None

    def share_token(self, share: ShareToken) -> str:
        """The token in a link that a member shares."""
        return self._shares.dumps([share.tenant_id.hex, share.share_id.hex])

    def share(self, text: str) -> ShareToken | None:
        """What a link's token says, None when the signature is not ours."""
        try:
            tenant_id, share_id = self._shares.loads(text)
        except (BadData, ValueError, TypeError):
            return None
        share = ShareToken(UUID(hex=tenant_id), UUID(hex=share_id))
        return share if self.share_token(share) == text else None

    def quote_token(self, *, tenant_id: UUID, content: Mapping[str, Any]) -> str:
        """The text of a tenant's promise, which is stored nowhere. When it ends is written in it."""
        return self._quotes.dumps([tenant_id.hex, content])

    def quote(self, text: str, *, tenant_id: UUID) -> Mapping[str, Any] | None:
        """What a promise says, None when it is not one of ours to this tenant."""
        if len(text) > QUOTE_LENGTH_MAX:
            return None
        try:
            promised_by, content = self._quotes.loads(text)
        except (BadData, ValueError, TypeError):
            return None
        is_ours = promised_by == tenant_id.hex and self._quotes.dumps([promised_by, content]) == text
        return content if is_ours and isinstance(content, Mapping) else None

    def visitor_hash(self, share: ShareToken, *, visitor: str) -> bytes:
        """What tells visitors of one link apart, and tells nothing else: not who they are, nor what else they saw."""
        return hmac.digest(self._visitors, share.share_id.bytes + visitor.encode(), "sha256")

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
            return self._member(match[1])
        raise CredentialInvalid

    def _member(self, text: str) -> MemberToken:
        try:
            tenant_id, member_id, *life = self._members.loads(text, max_age=MEMBER_TOKEN_SECONDS)
            if life:
                self._members.loads(text, max_age=life[0])
        except BadData as error:
            raise CredentialInvalid from error
        return MemberToken(UUID(hex=tenant_id), UUID(hex=member_id))
