"""Links to the page of a member's card, and the keys of the devices on which they were opened.

A link opens the page on one device: soon after it was opened first it is of no more use, and the device goes on with a
key of its own. Of both only hashes are stored.
"""

import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from services.platform.auth.tokens import SECRET_BYTES, Secret, digest

HOURS_MAX = 30 * 24
HOURS_DEFAULT = 7 * 24
REOPENED_WITHIN = timedelta(minutes=10)
"""For so long after the first opening a link opens again: an answer may be lost, or a page be loaded twice."""
IDLE_MAX = timedelta(days=90)
"""A device that was not used for so long asks for a new link."""
TOUCH_EVERY = timedelta(hours=1)

_LINK = re.compile(r"rl_([0-9a-f]{32})_([A-Za-z0-9_-]{43})")
_DEVICE = re.compile(r"rd_([0-9a-f]{32})_([A-Za-z0-9_-]{43})")


@dataclass(frozen=True, slots=True)
class LinkCredential:
    """What was given to open the page, taken apart."""

    link_id: UUID
    secret: str
    is_device: bool


@dataclass(frozen=True, slots=True)
class CardLink:
    """A link as it is kept."""

    id: UUID
    member_id: UUID
    link_hash: bytes
    device_hash: bytes | None
    created_at: datetime
    expires_at: datetime
    opened_at: datetime | None
    used_at: datetime | None
    revoked_at: datetime | None

    def is_opened_by(self, credential: LinkCredential, *, now: datetime) -> bool:
        """Whether the credential opens the page now. Secrets are compared in constant time."""
        if self.revoked_at is not None:
            return False
        if credential.is_device:
            is_in_use = self.used_at is not None and now < self.used_at + IDLE_MAX
            return self.device_hash is not None and _is_same(self.device_hash, credential.secret) and is_in_use
        is_fresh = now < self.expires_at if self.opened_at is None else now < self.opened_at + REOPENED_WITHIN
        return _is_same(self.link_hash, credential.secret) and is_fresh


@dataclass(frozen=True, slots=True)
class OpenedLink:
    """A page that was opened: for whom, and the device's key where it is new."""

    member_id: UUID
    device_key: str | None


def read_credential(text: str) -> LinkCredential | None:
    """A link's or a device's text taken apart; None when it has neither form."""
    for pattern, is_device in ((_LINK, False), (_DEVICE, True)):
        if match := pattern.fullmatch(text):
            return LinkCredential(UUID(hex=match[1]), match[2], is_device=is_device)
    return None


def new_link_secret(link_id: UUID) -> Secret:
    """The text at the end of a link, and its hash."""
    return _new("rl", link_id)


def new_device_secret(link_id: UUID) -> Secret:
    """The key of the device on which a link was opened, and its hash."""
    return _new("rd", link_id)


def _new(kind: str, link_id: UUID) -> Secret:
    secret = secrets.token_urlsafe(SECRET_BYTES)
    return Secret(f"{kind}_{link_id.hex}_{secret}", digest(secret))


def _is_same(stored: bytes, secret: str) -> bool:
    return secrets.compare_digest(stored, digest(secret))
