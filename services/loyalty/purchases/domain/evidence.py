"""What is kept of purchases and refunds."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Purchase:
    """What was bought, what it earned and what of it was taken back. A guest's has no ``member_id``.

    ``program_version_id`` and ``entry_id`` are None where nothing was evaluated or nothing was earned.
    """

    id: UUID
    source: str
    external_id: str
    member_id: UUID | None
    store_id: UUID
    channel: str
    currency: str
    discount_minor: int
    total_minor: int
    refunded_minor: int
    occurred_at: datetime
    recorded_at: datetime
    program_version_id: UUID | None
    points: int
    points_taken_back: int
    points_lapsed: int
    shortfall: int
    entry_id: UUID | None


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a purchase. ``net_minor`` was paid for it: less its own discount and its share of the order's."""

    purchase_id: UUID
    position: int
    sku: str
    name: str | None
    category: tuple[str, ...]
    quantity: Decimal
    amount_minor: int
    discount_minor: int
    net_minor: int
    points: int
    returned_quantity: Decimal


@dataclass(frozen=True, slots=True)
class Accrual:
    """What one rule gave for a purchase, and what stands of it after refunds. No points, no lot."""

    purchase_id: UUID
    rule_id: str
    lot_id: UUID | None
    points: int
    standing: int


@dataclass(frozen=True, slots=True)
class Refund:
    """A taking back of a part or the whole of a purchase; see `RefundedPurchase` for ``points`` and ``shortfall``."""

    id: UUID
    purchase_id: UUID
    source: str
    external_id: str
    refunded_minor: int
    points_taken_back: int
    shortfall: int
    reason: str | None
    entry_id: UUID | None
    occurred_at: datetime
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class RefundedPart:
    """How much of a line one refund took back."""

    refund_id: UUID
    position: int
    quantity: Decimal
    amount_minor: int
