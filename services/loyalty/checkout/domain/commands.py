"""What tills ask of the checkout, and what they hear back."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from services.loyalty.checkout.domain.cart import QuotedCart
from services.loyalty.checkout.domain.weighing import Weighed
from services.loyalty.coupons.domain import Refused
from services.loyalty.purchases.domain import CartQuote, RecordedPurchase, RecordPurchase, Tender

Seal = Callable[[QuotedCart], str]
"""Makes the token of a quote."""


@dataclass(frozen=True, slots=True)
class CheckoutQuote:
    """What a cart would cost and earn. ``cart`` is the promise, ``earned`` what it would earn at that price.

    ``available`` are the points of ``unit`` that the member can pay with; ``balance_after`` is what could be spent of
    the program's own unit after it.
    """

    cart: QuotedCart
    weighed: Weighed
    earned: CartQuote
    available: int
    unit: str
    balance_after: int


@dataclass(frozen=True, slots=True)
class ReserveCart:
    """Hold what a quoted cart needs for ``minutes`` (None: as long as the program holds points)."""

    cart: QuotedCart
    idempotency_key: str
    request_hash: bytes
    seal: Seal
    minutes: int | None = None


@dataclass(frozen=True, slots=True)
class ReservedCart:
    """The answer: what is held until ``expires_at``."""

    cart_id: UUID
    member_id: UUID | None
    points: int
    expires_at: datetime
    replayed: bool


@dataclass(frozen=True, slots=True)
class CommitCart:
    """Make a quoted cart a purchase with the number ``external_id`` of ``source``.

    ``delivered`` are quantities by position where not all of the cart is handed over: what is left out was not
    delivered. ``tenders`` are how the rest was paid.
    """

    cart: QuotedCart
    source: str
    external_id: str
    idempotency_key: str
    request_hash: bytes
    seal: Seal
    tenders: tuple[Tender, ...] | None = None
    delivered: Mapping[int, Decimal] | None = None


@dataclass(frozen=True, slots=True)
class CommittedCart:
    """The answer: the purchase, ``points`` that paid ``value_minor`` of it, and ``due_minor`` that money paid."""

    cart_id: UUID
    recorded: RecordedPurchase
    points: int
    value_minor: int
    total_minor: int
    due_minor: int
    currency: str


@dataclass(frozen=True, slots=True)
class CancelCart:
    """Give up a quoted or reserved cart."""

    cart: QuotedCart
    idempotency_key: str
    request_hash: bytes


@dataclass(frozen=True, slots=True)
class CanceledCart:
    """The answer: ``points`` came free."""

    cart_id: UUID
    points: int
    replayed: bool


@dataclass(frozen=True, slots=True)
class OfflineCoupon:
    """A till without a connection has taken ``amount_minor`` off for a coupon, told by its code or id."""

    amount_minor: int
    code: str | None = None
    coupon_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class SettleOfflinePurchase:
    """A sale that a till has closed while it was offline: it is told late and has happened as it is told.

    The lines of ``record`` have all discounts that were given, coupons' too; ``points`` were taken for ``value_minor``.
    """

    record: RecordPurchase
    coupons: tuple[OfflineCoupon, ...] = ()
    points: int = 0
    value_minor: int = 0


@dataclass(frozen=True, slots=True)
class SettledOffline:
    """What became of it: ``points`` were spent, ``missing_points``, worth ``missing_minor``, were not there.

    ``refused`` are coupons that could not be honored, with the amounts that were given for them.
    """

    cart_id: UUID
    recorded: RecordedPurchase
    points: int
    missing_points: int
    missing_minor: int
    refused: tuple[tuple[Refused, int], ...] = field(default=())


def answer_of(recorded: RecordedPurchase) -> dict[str, Any]:
    """A recorded purchase as it is stored in answers: ids and numbers only."""
    return {
        "purchaseId": str(recorded.purchase_id),
        "memberId": str(recorded.member_id) if recorded.member_id else None,
        "points": recorded.points,
        "balance": recorded.balance,
        "fromTier": recorded.from_tier,
        "toTier": recorded.to_tier,
    }


def recorded_of(answer: Mapping[str, Any]) -> RecordedPurchase:
    """The recorded purchase of a stored answer, told again."""
    return RecordedPurchase(
        purchase_id=UUID(answer["purchaseId"]),
        member_id=UUID(answer["memberId"]) if answer["memberId"] else None,
        points=answer["points"],
        balance=answer["balance"],
        from_tier=answer["fromTier"],
        to_tier=answer["toTier"],
        replayed=True,
    )
