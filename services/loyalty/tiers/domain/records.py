"""What is kept of a member: the tier, the sums, and the amounts by the day on which they count."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from services.loyalty.programs.domain.telling import NoticeOutcome, Verdict
from services.platform.actors import Actor


class TierMove(StrEnum):
    """The direction of a change of tier."""

    UPGRADE = "upgrade"
    DOWNGRADE = "downgrade"


class ChangeKind(StrEnum):
    """Why a tier changed.

    REACHED: something counted, at once or when points became spendable. PERIOD_START: what an ended period had reached.
    REVIEW and GRACE_ENDED: too little was there. REFUND: what had counted came back. LATE: something that happened in
    a period which had been reviewed became known. RULES: the program has no such tier any more. GIVEN, RELEASED and
    ENDED: staff gave a tier, took it back, or its date has passed.
    """

    REACHED = "reached"
    PERIOD_START = "period_start"
    REVIEW = "review"
    GRACE_ENDED = "grace_ended"
    REFUND = "refund"
    LATE = "late"
    RULES = "rules"
    GIVEN = "given"
    RELEASED = "released"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class TierChange:
    """A member leaves one tier for another. ``event_id`` is what counted or came back, if that was it."""

    move: TierMove
    from_code: str
    to_code: str
    kind: ChangeKind = ChangeKind.REACHED
    at: datetime | None = None
    event_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class GraceBegun:
    """A review found too little for ``code``; it is lost at ``until`` unless ``missing`` has come by then."""

    code: str
    missing: int
    at: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class TierNotice:
    """About the loss of a tier, foreseen for ``loses_at``: who was told, and what came of it.

    Under ``id`` it is told what became of the notice; None while nobody was told. ``told_of`` is the end that the
    latest letter named, at ``told_at``. ``due_at`` is when a review would have taken the tier, once one would have;
    ``kept_until`` how long it was kept then.
    """

    tier_code: str
    loses_at: datetime
    id: UUID | None = None
    told_of: datetime | None = None
    told_at: datetime | None = None
    outcome: NoticeOutcome | None = None
    settled_at: datetime | None = None
    due_at: datetime | None = None
    kept_until: datetime | None = None
    verdict: Verdict | None = None

    def as_of(self, at: datetime) -> "TierNotice":
        """What was known of it at an instant."""
        is_known = self.settled_at is not None and self.settled_at <= at
        return self if is_known else replace(self, outcome=None, settled_at=None)


# No dataclass: a member's year are hundreds of them, and a frozen one takes three times as long to make.
class Amount(NamedTuple):
    """What one event contributes. It counts from ``counted_at`` on, on ``day`` of the program's zone.

    ``counted_at`` lies ahead for points that cannot be spent yet. ``store_id`` is None where there was no visit.
    """

    event_id: UUID
    unit: str
    day: date
    counted_at: datetime
    points: int = 0
    spend_minor: int = 0
    store_id: UUID | None = None

    @property
    def is_empty(self) -> bool:
        """Whether nothing is left of it."""
        return self.points == 0 and self.spend_minor == 0 and self.store_id is None


@dataclass(frozen=True, slots=True)
class CountedPoints:
    """Points of a unit; ``counts_at`` is when they can be spent, None at once."""

    unit: str
    points: int
    counts_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Contribution:
    """What an event adds. ``event_id`` is the purchase or the activity, ``store_id`` where it was a visit.

    ``spend_minor`` is in the program's currency (0 for a purchase in another) and not below zero. ``balance`` is what
    the member can spend after it; only a ladder that looks at the balance needs it.
    """

    event_id: UUID
    occurred_at: datetime
    store_id: UUID | None = None
    spend_minor: int = 0
    points: tuple[CountedPoints, ...] = ()
    balance: int | None = None


@dataclass(frozen=True, slots=True)
class GivenTier:
    """A tier that staff gave. It lies over the earned one until ``until``, None: until it is released."""

    code: str
    since: datetime
    until: datetime | None = None

    def is_held(self, at: datetime) -> bool:
        """Whether it lasts at an instant."""
        return self.until is None or at < self.until


@dataclass(frozen=True, slots=True)
class TierRecord:
    """What is kept of a member: the earned tier since when, and the sums that count, whatever the metric.

    ``tier_code`` is None until something has counted. ``points_earned`` is of the tier set's unit and ``spend_minor``
    in the program's currency, of all time, pending points included. All that was due until ``decided_at`` is decided,
    ``let_down_at`` is the latest downgrade. Where the metric looks at what can be spent, that is ``balance``, and was
    ``reached_with`` as the tier was reached (None: nobody noted it, or the tier was not reached but left over). Where
    members are told before they lose a tier, ``notice_at`` is when this one is to be told, and ``notices`` are all of
    the past.
    """

    tier_code: str | None = None
    points_earned: int = 0
    spend_minor: int = 0
    since: datetime | None = None
    visits: int = 0
    decided_at: datetime | None = None
    grace_from: datetime | None = None
    grace_until: datetime | None = None
    let_down_at: datetime | None = None
    ladder: str | None = None
    given: GivenTier | None = None
    next_at: datetime | None = None
    amounts: tuple[Amount, ...] = ()
    enrolled_at: datetime | None = None
    balance: int = 0
    reached_with: int | None = None
    notice_at: datetime | None = None
    notices: tuple[TierNotice, ...] = ()

    @property
    def stands(self) -> bool:
        """Whether anything that has counted is left: what came back whole is as if it had never been."""
        has_sums = (self.visits, self.points_earned, self.spend_minor) != (0, 0, 0)
        return self.tier_code is not None and (has_sums or any(not each.is_empty for each in self.amounts))


@dataclass(frozen=True, slots=True)
class Requalification:
    """The record after something counted; the change of tier that is told, if any, and all that happened."""

    record: TierRecord
    change: TierChange | None
    changes: tuple[TierChange, ...] = ()
    graces: tuple[GraceBegun, ...] = ()


@dataclass(frozen=True, slots=True)
class TierSpared:
    """How many members ``kept`` a tier longer since they had not been told in time, or lost it and were not reached."""

    tier_code: str
    kept: int
    not_reached: int


@dataclass(frozen=True, slots=True)
class Standing:
    """What is left of an event's contribution: points by unit, money, and whether it is still a visit."""

    points: Mapping[str, int]
    spend_minor: int
    is_visit: bool


@dataclass(frozen=True, slots=True)
class TierChangeRecord:
    """A change of a member's tier as it was written down; see `TierChange`.

    ``reason`` and ``until`` are those of a tier that staff gave, ``actor`` who acted when it happened.
    """

    id: UUID
    member_id: UUID
    from_code: str
    to_code: str
    kind: ChangeKind
    event_id: UUID | None
    reason: str | None
    until: datetime | None
    actor: Actor
    at: datetime
    recorded_at: datetime
