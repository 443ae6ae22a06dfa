"""What may become of a purchase after it was rung up, besides a refund: void, amendment, exchange, claim."""

from dataclasses import dataclass
from uuid import UUID

from services.loyalty.earning.domain import LineRefund
from services.loyalty.members.domain import MemberRef
from services.loyalty.purchases.domain.commands import (
    BoughtLine,
    PurchaseRef,
    RecordedPurchase,
    RecordPurchase,
    RefundedPurchase,
)


@dataclass(frozen=True, slots=True)
class VoidPurchase:
    """The purchase was never meant: all that is left of it comes back, and nothing can happen to it any more."""

    purchase: UUID | PurchaseRef
    idempotency_key: str
    request_hash: bytes
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class AmendPurchase:
    """The sale was rung up anew: these lines and this discount take the place of the first ones.

    Store, currency, time and buyer stay. See `BoughtLine` and `RecordPurchase` for lines and ``discount_minor``.
    """

    purchase: UUID | PurchaseRef
    lines: tuple[BoughtLine, ...]
    idempotency_key: str
    request_hash: bytes
    discount_minor: int = 0
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class AmendedPurchase:
    """The answer to `AmendPurchase`. ``points`` are what the purchase earns as amended.

    ``change`` is what was added to (below zero: taken from) the member now, ``shortfall`` what was not there to take.
    """

    purchase_id: UUID
    member_id: UUID | None
    points: int
    change: int
    shortfall: int
    balance: int
    from_tier: str | None
    to_tier: str | None
    replayed: bool


@dataclass(frozen=True, slots=True)
class ExchangePurchase:
    """Lines of a purchase come back and others are bought, in one transaction.

    ``sale`` is by the buyer of the purchase, whatever its own ``member`` says; its keys and those of the return are
    the exchange's own.
    """

    purchase: UUID | PurchaseRef
    returned: LineRefund
    refund_source: str
    refund_external_id: str
    sale: RecordPurchase
    idempotency_key: str
    request_hash: bytes
    member: MemberRef | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class ExchangedPurchase:
    """The answer to `ExchangePurchase`: both halves."""

    refunded: RefundedPurchase
    recorded: RecordedPurchase
    replayed: bool


@dataclass(frozen=True, slots=True)
class ClaimPurchase:
    """A member has the receipt of a guest's purchase: store, ``total_minor`` and currency must be those of it."""

    source: str
    external_id: str
    store_id: UUID
    total_minor: int
    currency: str
    member: MemberRef
    idempotency_key: str
    request_hash: bytes


@dataclass(frozen=True, slots=True)
class ClaimedPurchase:
    """The answer to `ClaimPurchase`: what the purchase earned as it stands, judged when it happened."""

    purchase_id: UUID
    member_id: UUID
    points: int
    balance: int
    from_tier: str | None
    to_tier: str | None
    replayed: bool
