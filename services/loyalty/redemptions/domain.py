"""Redemptions as values: held, confirmed, fulfilled, collected; or canceled, or left until they timed out."""

import dataclasses
import secrets
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from services.loyalty.members.domain import MemberRef
from services.loyalty.redemptions.errors import RedemptionUnpaid
from services.loyalty.rewards.domain import Reward, RewardKind

PICKUP_ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
"""Without what looks alike."""
PICKUP_LENGTH = 8
REFERENCE_LENGTH_MAX = 500
NOTE_LENGTH_MAX = 1_000


class RedemptionStatus(StrEnum):
    """Where a redemption is in its life."""

    HELD = "held"
    """Points and stock are reserved."""
    CONFIRMED = "confirmed"
    """The points are spent; where somebody has to hand something over, that is still to be done."""
    FULFILLED = "fulfilled"
    """Issued, shipped, or ready to be picked up."""
    COLLECTED = "collected"
    """The member has it in the hand."""
    CANCELED = "canceled"
    TIMED_OUT = "timed_out"
    """It was held and never confirmed."""


class CancelReason(StrEnum):
    """Why a redemption is canceled."""

    CHANGED_MIND = "changed_mind"
    OUT_OF_STOCK = "out_of_stock"
    DUPLICATE = "duplicate"
    EXPIRED = "expired"
    OTHER = "other"


class Whereabouts(StrEnum):
    """What becomes of something that has left the house when its redemption is canceled."""

    RETURNED = "returned"
    """It is back, and can be given to somebody else."""
    LOST = "lost"
    """It stays where it is; the points come back all the same."""


@dataclass(frozen=True, slots=True)
class Payment:
    """Money that a till has taken for a redemption, in minor units; ``reference`` is the till's own number."""

    amount_minor: int
    currency: str
    reference: str | None = None


@dataclass(frozen=True, slots=True)
class Redemption:
    """A member has a reward for ``points`` (and ``money_minor``). ``reward_version_id`` tells what it was and cost.

    ``member_id`` pays; a gift is for ``recipient_id``. ``entry_id`` is the entry of the ledger that spent the points,
    or holds them. Since ``waiting_since`` somebody of the staff, or the member at the store, has something to do.
    """

    id: UUID
    member_id: UUID
    reward_id: UUID
    reward_version_id: UUID
    store_id: UUID | None
    points: int
    status: RedemptionStatus
    entry_id: UUID
    occurred_at: datetime
    recorded_at: datetime
    quantity: int = 1
    recipient_id: UUID | None = None
    money_minor: int = 0
    currency: str | None = None
    payment_reference: str | None = None
    expires_at: datetime | None = None
    pickup_store_id: UUID | None = None
    pickup_code: str | None = None
    delivery_reference: str | None = None
    note: str | None = None
    cancel_reason: CancelReason | None = None
    waiting_since: datetime | None = None
    confirmed_at: datetime | None = None
    fulfilled_at: datetime | None = None
    collected_at: datetime | None = None
    ended_at: datetime | None = None
    """When it was canceled or timed out."""

    @property
    def owner_id(self) -> UUID:
        """Whose the thing is: the recipient of a gift, or who paid."""
        return self.recipient_id or self.member_id

    def is_cancelable_by_member(self, at: datetime) -> bool:
        """Whether who paid may still change their mind alone.

        Nothing was handed over, nobody else was given it, and no till has taken money.
        """
        status = self.status_at(at)
        is_waiting = status is RedemptionStatus.CONFIRMED and self.waiting_since is not None
        is_there = is_waiting or status is RedemptionStatus.HELD
        return is_there and self.recipient_id is None and self.money_minor == 0

    def status_at(self, at: datetime) -> RedemptionStatus:
        """Where it is at an instant, whether or not a job has run."""
        is_late = self.status is RedemptionStatus.HELD and self.expires_at is not None and self.expires_at <= at
        return RedemptionStatus.TIMED_OUT if is_late else self.status


@dataclass(frozen=True, slots=True)
class RedeemReward:
    """A member takes a reward for its present price; ``expected_points``, when given, must be that price.

    A gift names its ``recipient``. With ``pickup_store_id`` it is picked up there with a code; without it, what is
    redeemed in a store is handed over there and then.
    """

    member: MemberRef
    reward_id: UUID
    idempotency_key: str
    request_hash: bytes
    store_id: UUID | None = None
    expected_points: int | None = None
    quantity: int = 1
    recipient: MemberRef | None = None
    pickup_store_id: UUID | None = None
    payment: Payment | None = None


@dataclass(frozen=True, slots=True)
class HoldReward:
    """Reserve a reward and its price for ``minutes`` (None: as the program says), to be confirmed or canceled."""

    member: MemberRef
    reward_id: UUID
    idempotency_key: str
    request_hash: bytes
    store_id: UUID | None = None
    expected_points: int | None = None
    quantity: int = 1
    recipient: MemberRef | None = None
    pickup_store_id: UUID | None = None
    minutes: int | None = None


@dataclass(frozen=True, slots=True)
class ConfirmRedemption:
    """Spend what is held. A reward that costs money as well needs its ``payment``."""

    redemption_id: UUID
    idempotency_key: str
    request_hash: bytes
    store_id: UUID | None = None
    payment: Payment | None = None


@dataclass(frozen=True, slots=True)
class CancelRedemption:
    """Give everything back. What has left the house needs a decision: its ``whereabouts``.

    ``by_member``, when the member who paid asks for it themself: nobody decides for them.
    """

    redemption_id: UUID
    idempotency_key: str
    request_hash: bytes
    reason: CancelReason
    note: str | None = None
    whereabouts: Whereabouts | None = None
    store_id: UUID | None = None
    by_member: UUID | None = None


@dataclass(frozen=True, slots=True)
class FulfillRedemption:
    """It is issued, shipped or ready. ``reference`` is for the member: a parcel's number, a code, an appointment."""

    redemption_id: UUID
    idempotency_key: str
    request_hash: bytes
    reference: str | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class CollectRedemption:
    """Somebody shows a pick-up code at a store."""

    pickup_code: str
    store_id: UUID
    idempotency_key: str
    request_hash: bytes


@dataclass(frozen=True, slots=True)
class RedeemedReward:
    """The answer to whatever moves points: ``points`` were spent, held or given back; ``balance`` is there after it."""

    redemption_id: UUID
    member_id: UUID
    points: int
    balance: int
    replayed: bool


@dataclass(frozen=True, slots=True)
class Handled:
    """The answer to fulfilling and collecting."""

    redemption_id: UUID
    replayed: bool


@dataclass(frozen=True, slots=True)
class HandOver:
    """What confirming a redemption makes of it at once."""

    status: RedemptionStatus
    needs_codes: bool = False
    needs_staff: bool = False


def hand_over(reward: Reward, *, is_picked_up: bool, is_in_store: bool) -> HandOver:
    """What can be had at once is had at once: codes, coupons, donations, and what a store hands over the counter."""
    kind, terms = reward.content.kind, reward.content.terms
    if is_picked_up:
        return HandOver(RedemptionStatus.CONFIRMED, needs_staff=True)
    if reward.has_codes:
        return HandOver(RedemptionStatus.FULFILLED, needs_codes=True)
    if kind is RewardKind.COUPON:
        # Of a coupon without a definition the merchant's own system hears by the letter, or by asking.
        issued = terms.coupon_definition_id is not None
        return HandOver(RedemptionStatus.FULFILLED if issued else RedemptionStatus.CONFIRMED)
    if kind is RewardKind.DONATION:
        return HandOver(RedemptionStatus.FULFILLED)
    if kind is RewardKind.PHYSICAL and is_in_store:
        return HandOver(RedemptionStatus.COLLECTED)
    return HandOver(RedemptionStatus.CONFIRMED, needs_staff=True)


def confirmed(redemption: Redemption, had: HandOver, *, at: datetime, payment: Payment | None) -> Redemption:
    """The redemption once its points are spent, and what could be handed over was."""
    has_left = had.status in {RedemptionStatus.FULFILLED, RedemptionStatus.COLLECTED}
    return dataclasses.replace(
        redemption,
        status=had.status,
        expires_at=None,
        payment_reference=payment.reference if payment else None,
        confirmed_at=at,
        fulfilled_at=at if has_left else None,
        collected_at=at if had.status is RedemptionStatus.COLLECTED else None,
        waiting_since=at if had.needs_staff else None,
    )


def left_house(redemption: Redemption, kind: RewardKind, *, has_codes: bool) -> str | None:
    """What canceling cannot get back by itself: ``code``, ``goods`` or ``service``; None where there is no such thing.

    An unused coupon can be voided, and of a donation nobody has anything.
    """
    if has_codes:
        return "code"
    if redemption.fulfilled_at is None and redemption.collected_at is None:
        return None
    match kind:
        case RewardKind.PHYSICAL:
            # What lies ready at a store has not left it.
            is_there = redemption.pickup_store_id is not None and redemption.collected_at is None
            return None if is_there else "goods"
        case RewardKind.VIRTUAL:
            return "code"
        case RewardKind.SERVICE:
            return "service"
        case RewardKind.COUPON | RewardKind.DONATION:
            return None


def check_payment(payment: Payment | None, *, money_minor: int, currency: str | None) -> None:
    """Refuse what is not paid to the unit.

    Raises:
        RedemptionUnpaid
    """
    paid = (payment.amount_minor, payment.currency) if payment else (0, currency)
    due = (money_minor, currency)
    if paid != due and (money_minor or paid[0]):
        raise RedemptionUnpaid(needed_minor=money_minor, paid_minor=paid[0], currency=currency or paid[1] or "")


def new_pickup_code() -> str:
    """A code that nobody can guess, to be read out at a counter."""
    return "".join(secrets.choice(PICKUP_ALPHABET) for _ in range(PICKUP_LENGTH))


def normalize_pickup_code(code: str) -> str:
    """A code as it is kept, however it was typed."""
    return "".join(character for character in code.upper()[:REFERENCE_LENGTH_MAX] if character not in " -")
