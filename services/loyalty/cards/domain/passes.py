"""What a pass on a phone shows, and what the merchant gave so that it can be signed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class IssuerKind(StrEnum):
    """Whose phones keep the pass."""

    APPLE = "apple"
    GOOGLE = "google"


@dataclass(frozen=True, slots=True)
class PassIssuer:
    """What the merchant gave for passes of one kind, without its secrets.

    ``facts`` of Apple's: ``pass_type`` and ``team``, the identifiers under which the passes are made. Of Google's:
    ``issuer`` and ``account``, the issuer's number and the service account's address. ``ends_at``: of the certificate.
    """

    kind: IssuerKind
    facts: Mapping[str, str]
    ends_at: datetime | None
    saved_at: datetime


@dataclass(frozen=True, slots=True)
class PassFacts:
    """What a pass shows of a member. Names are by language: English, then Chinese."""

    member_id: UUID
    number: str
    member_name: str | None
    merchant_name: str
    balance: str
    """As people read it, in the unit's whole parts."""
    unit_name: tuple[str, str]
    tier_name: tuple[str, str] | None
    page_url: str
