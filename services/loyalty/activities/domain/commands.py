"""What members may do besides buying, and what comes of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from services.loyalty.members.domain import MemberRef
from services.loyalty.programs.domain import Trigger

PROGRAM_SOURCE = "program"
"""The source of what nobody reports: joining, birthdays, friends who come. Nobody else may report by it."""


@dataclass(frozen=True, slots=True)
class CheckIn:
    """A visit of a store: told by the store itself, or by a code that the store shows until ``code_expires_at``."""

    store_id: UUID
    code_expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Review:
    """An opinion of a product, by its SKU. Its stars are evidence and never earn."""

    sku: str
    product: str | None = None
    stars: int | None = None
    text_length: int = 0
    has_photo: bool = False


@dataclass(frozen=True, slots=True)
class SurveyAnswer:
    """One answer to a survey. Its score is evidence and never earns."""

    survey: str
    answer_id: str
    score: int | None = None


@dataclass(frozen=True, slots=True)
class Mention:
    """The merchant was named in public, at an address that somebody has looked at."""

    url: str
    channel: str | None = None


@dataclass(frozen=True, slots=True)
class CustomDeed:
    """An event that the program declares, with its data."""

    event: str
    data: Mapping[str, Any]


Deed = CheckIn | Review | SurveyAnswer | Mention | CustomDeed


@dataclass(frozen=True, slots=True)
class RecordActivity:
    """Something that a member did. ``external_id`` is the world's own id of it, unique per ``source``.

    ``occurred_at`` None: now. ``request_hash`` is `idempotency.request_hash` of the client's input.
    """

    source: str
    external_id: str
    member: MemberRef
    deed: Deed
    idempotency_key: str
    request_hash: bytes
    store_id: UUID | None = None
    occurred_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ActivityAccrual:
    """What one rule gave for an activity."""

    rule_id: str
    unit: str
    points: int
    lot_id: UUID | None


@dataclass(frozen=True, slots=True)
class RecordedActivity:
    """The answer to `RecordActivity`. ``points`` are of the program's own unit, ``balance`` what can be spent after.

    ``from_tier`` and ``to_tier`` are both given when the activity changed the member's tier. ``replayed`` tells that
    the activity was known by its key or by its external id.
    """

    activity_id: UUID
    member_id: UUID
    points: int
    balance: int
    from_tier: str | None
    to_tier: str | None
    replayed: bool


@dataclass(frozen=True, slots=True)
class Activity:
    """Evidence of something that a member did. ``points`` are of the program's own unit, as they were given."""

    id: UUID
    trigger: Trigger
    event_code: str | None
    source: str
    external_id: str
    member_id: UUID
    store_id: UUID | None
    data: Mapping[str, Any]
    occurred_at: datetime
    recorded_at: datetime
    program_version_id: UUID | None
    frozen: Mapping[str, Any] | None
    accruals: Sequence[ActivityAccrual]
    points: int
    entry_id: UUID | None
    withdrawn_at: datetime | None


@dataclass(frozen=True, slots=True)
class Happening:
    """Something checked, ready to be judged: how it is stored, and what rules may ask of it (``facts``).

    ``once_key`` names what counts once, None where nothing does. ``sku`` is a product that must have been bought.
    """

    trigger: Trigger
    source: str
    external_id: str
    occurred_at: datetime
    facts: Mapping[str, Any] = field(default_factory=dict)
    data: Mapping[str, Any] = field(default_factory=dict)
    event_code: str | None = None
    store_id: UUID | None = None
    once_key: str | None = None
    sku: str | None = None


@dataclass(frozen=True, slots=True)
class CreateShare:
    """A link for a member to share, which leads to ``url``."""

    member: MemberRef
    url: str
    channel: str


@dataclass(frozen=True, slots=True)
class Share:
    """A link that a member shared; ``visits`` are visitors, each counted once."""

    id: UUID
    member_id: UUID
    channel: str
    url: str
    created_at: datetime
    visits: int
    first_visited_at: datetime | None
