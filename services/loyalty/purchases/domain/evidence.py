"""What is kept of purchases and refunds."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from services.loyalty.earning.domain import PurchaseLine
from services.loyalty.purchases.domain.told import Told


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
    voided_at: datetime | None = None
    amended_at: datetime | None = None
    claimed_at: datetime | None = None
    told: Told = field(default_factory=Told)


@dataclass(frozen=True, slots=True)
class UnitState:
    """What refunds have done to one unit of a purchase in all; the sums of `Purchase` are those of the program's own.

    ``points`` were given. ``taken_back`` came back, what is owed for it included, ``lapsed`` had ended before, and
    ``shortfall`` was wanted and not found.
    """

    points: int = 0
    taken_back: int = 0
    lapsed: int = 0
    shortfall: int = 0


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
    product: str | None = None
    tax_minor: int | None = None
    base_minor: int | None = None

    def earning(self) -> PurchaseLine:
        """The line as it was bought, as earning sees it."""
        return PurchaseLine(
            position=self.position,
            sku=self.sku,
            category=self.category,
            quantity=self.quantity,
            net_minor=self.net_minor,
            amount_minor=self.amount_minor,
            base_minor=self.base_minor,
            product=self.product,
        )


@dataclass(frozen=True, slots=True)
class Accrual:
    """What one rule gave for a purchase, and what stands of it after refunds. No points, no lot.

    ``unit`` None is the program's own, of purchases from before there were several.
    """

    purchase_id: UUID
    rule_id: str
    lot_id: UUID | None
    points: int
    standing: int
    unit: str | None = None


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
