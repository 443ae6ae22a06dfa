"""What a till may tell, and what it hears back."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from services.loyalty.earning.domain import AppliedCap, RefundRequest
from services.loyalty.members.domain import MemberRef
from services.loyalty.purchases.domain.effects import Use
from services.loyalty.purchases.domain.evidence import Purchase
from services.loyalty.purchases.domain.told import Told


@dataclass(frozen=True, slots=True)
class BoughtLine:
    """One line of a receipt: ``amount_minor`` for the whole quantity, less ``discount_minor`` of its own.

    A line may be negative (a deposit given back, a discount rung up as goods) and then has no discount. ``product`` is
    the article's product, as of all sizes of a shirt. ``tax_minor`` is the tax on what was paid for it.
    ``share_minor`` is the line's share of the order's discount where that is spread already, on all lines or none;
    ``points_minor`` is what of the line was paid with points where that is known, likewise.
    """

    sku: str
    quantity: Decimal
    amount_minor: int
    discount_minor: int = 0
    category: tuple[str, ...] = ()
    name: str | None = None
    product: str | None = None
    tax_minor: int = 0
    share_minor: int | None = None
    points_minor: int | None = None


@dataclass(frozen=True, slots=True)
class RecordPurchase:
    """A receipt. ``external_id`` is the world's own number of it, unique per ``source``.

    ``member`` is None for a guest, ``occurred_at`` None for now; ``discount_minor`` is what the order as a whole was
    reduced by, beyond the discounts of its lines. ``request_hash`` is `idempotency.request_hash` of the client's input.
    """

    source: str
    external_id: str
    member: MemberRef | None
    store_id: UUID
    currency: str
    lines: tuple[BoughtLine, ...]
    idempotency_key: str
    request_hash: bytes
    discount_minor: int = 0
    occurred_at: datetime | None = None
    channel: str = "store"
    told: Told = field(default_factory=Told)


@dataclass(frozen=True, slots=True)
class RecordedPurchase:
    """The answer to `RecordPurchase`. ``balance`` is what the member could spend after it, 0 for a guest.

    ``from_tier`` and ``to_tier`` are both given when the purchase changed the member's tier. ``replayed`` tells that
    the purchase was known by its key or by its external id. ``purchase`` is what was stored, unless it was known.
    """

    purchase_id: UUID
    member_id: UUID | None
    points: int
    balance: int
    from_tier: str | None
    to_tier: str | None
    replayed: bool
    purchase: Purchase | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class PurchaseRef:
    """A purchase by the world's own number."""

    source: str
    external_id: str


@dataclass(frozen=True, slots=True)
class RefundPurchase:
    """All of a purchase, quantities of its lines or an amount comes back; see ``RefundRequest``.

    ``member``, when given, must be the buyer. ``external_id`` is the refund's own number, unique per ``source``.
    """

    purchase: UUID | PurchaseRef
    source: str
    external_id: str
    request: RefundRequest
    idempotency_key: str
    request_hash: bytes
    member: MemberRef | None = None
    reason: str | None = None
    occurred_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class RefundedPurchase:
    """The answer to `RefundPurchase`.

    ``points`` were taken back (below zero: given back, when a negative line returned); ``shortfall`` is what the
    purchase's refunds have wanted in all and not found, tried again by its next refund. ``owed`` of the points are not
    there and are owed now. ``points_returned`` had paid and come back in the place of ``returned_minor`` of money.
    ``is_waiting`` tells that the purchase is not known yet; ``refund_id`` will be the refund's.
    ``needs_decision`` are effects that have left the house, ``consequences`` later events that keep what they got.
    """

    refund_id: UUID
    purchase_id: UUID | None
    member_id: UUID | None
    refunded_minor: int
    points: int
    shortfall: int
    balance: int
    from_tier: str | None
    to_tier: str | None
    replayed: bool
    owed: int = 0
    points_returned: int = 0
    returned_minor: int = 0
    is_waiting: bool = False
    needs_decision: tuple[Use, ...] = ()
    consequences: tuple[Use, ...] = ()


@dataclass(frozen=True, slots=True)
class QuoteCart:
    """A cart that may become a purchase now."""

    member: MemberRef | None
    store_id: UUID
    currency: str
    lines: tuple[BoughtLine, ...]
    discount_minor: int = 0
    channel: str = "store"
    told: Told = field(default_factory=Told)


@dataclass(frozen=True, slots=True)
class QuotedLine:
    """``net_minor`` is what the line would be paid with; ``points`` is its share of what the cart would earn."""

    position: int
    net_minor: int
    points: int


@dataclass(frozen=True, slots=True)
class QuotedRule:
    """What one rule would give of a unit, with the caps that it meets.

    ``cap_room`` is what the tightest cap in points leaves, None without one; ``capped_by`` is what caps would take.
    """

    rule_id: str
    unit: str
    points: int
    capped_by: int
    cap_room: int | None
    caps: tuple[AppliedCap, ...]


@dataclass(frozen=True, slots=True)
class CartQuote:
    """What the cart would do, rung up now. Tier codes are None for a guest and without a program.

    ``points`` are of the program's own unit. ``tier_multiplier`` is that of the tier at which it would earn, None where
    nothing was evaluated.
    """

    total_minor: int
    currency: str
    points: int
    lines: tuple[QuotedLine, ...]
    rules: tuple[QuotedRule, ...]
    tier: str | None
    tier_after: str | None
    tier_multiplier: Decimal | None
    balance: int
    balance_after: int
