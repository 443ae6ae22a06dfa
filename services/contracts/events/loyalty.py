"""Facts of the loyalty service. Amounts are whole points or minor units; names are as shown when it happened.

``timezone`` is the store's, in which ``occurred_at`` is to be shown; ``unit_scale`` is the unit's digits of fraction.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.contracts.events.base import Event


@dataclass(frozen=True, slots=True)
class MemberEnrolled(Event):
    """A person joined the program."""

    member_id: UUID
    merchant_name: str
    unit_name_en: str
    unit_name_zh: str
    unit_scale: int


@dataclass(frozen=True, slots=True)
class MemberContactChanged(Event):
    """How a member is reached, whole: it replaces what was known. The only letter with personal data (ADR 0011)."""

    member_id: UUID
    name: str | None
    email: str | None
    phone: str | None
    locale: str
    timezone: str


@dataclass(frozen=True, slots=True)
class PurchaseRecorded(Event):
    """A purchase was stored; ``points`` is what it earned, 0 included. ``member_id`` is None for a guest."""

    purchase_id: UUID
    member_id: UUID | None
    merchant_name: str
    store_name: str
    occurred_at: datetime
    timezone: str
    total_minor: int
    currency: str
    points: int
    balance: int
    unit_name_en: str
    unit_name_zh: str
    unit_scale: int
    tier_name_en: str
    tier_name_zh: str


@dataclass(frozen=True, slots=True)
class PurchaseRefunded(Event):
    """A part or the whole of a purchase was taken back, and ``points`` with it; ``shortfall`` was already spent."""

    refund_id: UUID
    purchase_id: UUID
    member_id: UUID | None
    merchant_name: str
    store_name: str
    occurred_at: datetime
    timezone: str
    refunded_minor: int
    currency: str
    points: int
    shortfall: int
    balance: int
    unit_name_en: str
    unit_name_zh: str
    unit_scale: int


@dataclass(frozen=True, slots=True)
class RewardRedeemed(Event):
    """A member paid points for a reward."""

    redemption_id: UUID
    member_id: UUID
    merchant_name: str
    reward_name_en: str
    reward_name_zh: str
    occurred_at: datetime
    timezone: str
    points: int
    balance: int
    unit_name_en: str
    unit_name_zh: str
    unit_scale: int


@dataclass(frozen=True, slots=True)
class CaseMoved(Event):
    """A case of a member after the sale has gone on. ``kind`` and ``status`` are codes.

    What people wrote stays where it is.
    """

    change_id: UUID
    case_id: UUID
    member_id: UUID
    merchant_name: str
    kind: str
    status: str
    occurred_at: datetime


@dataclass(frozen=True, slots=True)
class PointsExpiring(Event):
    """A member's ``points`` of a unit can be spent for the last time on the day ``ends_on`` (ISO 8601).

    ``timezone`` is the program's, in which the day is meant. Under ``notice_id`` it is told what became of the notice
    (`NoticeSettled`); a letter of an older release does not ask.
    """

    member_id: UUID
    merchant_name: str
    points: int
    ends_on: str
    timezone: str
    unit_name_en: str
    unit_name_zh: str
    unit_scale: int
    notice_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class TierChanged(Event):
    """A member moved to another tier. Codes are those of the program document.

    ``reason`` is the kind of change, as in the member's history; a letter of an older release does not say it.
    """

    member_id: UUID
    from_tier: str
    to_tier: str
    reason: str = ""
    occurred_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class TierEnding(Event):
    """A review will take a member's tier, which ends at ``ends_at`` unless what is missing counts until then.

    That is ``points`` of a unit or ``visits``, and purchases of ``spend_minor`` are enough, as far as any is known.
    Under ``notice_id`` it is told what became of the notice (`NoticeSettled`).
    """

    notice_id: UUID
    member_id: UUID
    tier: str
    merchant_name: str
    tier_name_en: str
    tier_name_zh: str
    ends_at: datetime
    timezone: str
    points: int | None
    unit_name_en: str
    unit_name_zh: str
    unit_scale: int
    visits: int | None
    spend_minor: int | None
    currency: str


@dataclass(frozen=True, slots=True)
class TierLost(Event):
    """A member came down to another tier, whose names are told; ``reason`` as in the member's history."""

    member_id: UUID
    merchant_name: str
    from_name_en: str
    from_name_zh: str
    tier_name_en: str
    tier_name_zh: str
    reason: str
    occurred_at: datetime
    timezone: str


@dataclass(frozen=True, slots=True)
class TierGraceBegun(Event):
    """A review found too little for a member's tier, which ends at ``ends_at`` unless more counts until then."""

    member_id: UUID
    tier: str
    merchant_name: str
    tier_name_en: str
    tier_name_zh: str
    began_at: datetime
    ends_at: datetime
    timezone: str


@dataclass(frozen=True, slots=True)
class CouponsExpiring(Event):
    """A member's ``coupons`` can be used for the last time on the day ``ends_on`` (ISO 8601); one of them by name.

    ``timezone`` is the program's, in which the day is meant.
    """

    member_id: UUID
    merchant_name: str
    coupons: int
    coupon_name_en: str
    coupon_name_zh: str
    ends_on: str
    timezone: str


@dataclass(frozen=True, slots=True)
class BudgetAlerted(Event):
    """Of a budget ``percent`` of what is the most has been spent; told once each time that it rises to there."""

    budget_id: UUID
    budget_code: str
    budget_name_en: str
    budget_name_zh: str
    percent: int
    occurred_at: datetime
