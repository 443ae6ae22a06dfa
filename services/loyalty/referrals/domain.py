"""Codes that members give to friends, and the friends who came by them."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from services.loyalty.programs.domain.conditions.fields import Facts

CODE_ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
"""Digits and capitals that nobody mistakes for one another, read aloud or in print: without 0 O, 1 I L."""

CODE_LENGTH = 8
"""31^8 codes, 8.5 * 10^11: with a million members one guess in 850,000 finds any of them."""


@dataclass(frozen=True, slots=True)
class Referral:
    """A friend who joined by a member's code. ``purchase_id`` is the friend's first purchase while it stands.

    ``amendment_id`` is its latest amendment that changed what rules may ask of it. The referrer has been rewarded for
    the ``judged`` ones. ``kept`` is what of earlier rewards was not there to take back by then, by unit: a release of
    what a hold kept of them may have made it less.
    """

    friend_id: UUID
    referrer_id: UUID
    registered_at: datetime
    purchase_id: UUID | None
    purchased_at: datetime | None
    purchase_facts: Mapping[str, Any] | None
    judged_purchase_id: UUID | None
    changed_at: datetime
    amendment_id: UUID | None
    judged_amendment_id: UUID | None
    kept: Mapping[str, int] | None

    @property
    def is_to_be_judged(self) -> bool:
        """Whether the referrer has been rewarded for something else than what stands."""
        judged = self.judged_purchase_id, self.judged_amendment_id
        return (self.purchase_id, self.amendment_id) != judged


@dataclass(frozen=True, slots=True)
class FirstPurchase:
    """What may be a friend's first purchase. ``facts`` are what rules may ask of it, since its ``amendment_id``."""

    friend_id: UUID
    purchase_id: UUID
    occurred_at: datetime
    facts: Facts = field(default_factory=dict)
    amendment_id: UUID | None = None


def new_code() -> str:
    """A code that nobody can guess."""
    return "".join(secrets.choice(CODE_ALPHABET) for _ in range(CODE_LENGTH))


def normalize_code(code: str) -> str | None:
    """A code as it is kept, however it was typed; None where it can be none."""
    kept = "".join(character for character in code.upper() if character not in " -")
    is_code = len(kept) == CODE_LENGTH and all(character in CODE_ALPHABET for character in kept)
    return kept if is_code else None
