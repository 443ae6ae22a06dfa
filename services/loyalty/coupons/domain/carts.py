"""A cart that coupons lower, the coupons that are offered for it, and what came of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from services.loyalty.coupons.domain.definitions import CouponContent
from services.platform.money import Money


class Strategy(StrEnum):
    """In which order coupons count, and which of them, where not all can."""

    BY_CATEGORY = "by_category"
    """By priority and category, the narrowest scope first; whoever comes first counts."""
    BEST_PRICE = "best_price"
    """Those, in that order, by which the customer pays least."""


class Reason(StrEnum):
    """Why a coupon does not lower what is to be paid. Which facts go with each is in `FACTS_OF_REASONS`."""

    UNKNOWN_CODE = "unknown_code"
    NOT_YOURS = "not_yours"
    MEMBER_REQUIRED = "member_required"
    PENDING = "pending"
    NOT_YET = "not_yet"
    EXPIRED = "expired"
    VOIDED = "voided"
    WITHDRAWN = "withdrawn"
    USED = "used"
    HELD = "held"
    USED_UP = "used_up"
    USED_UP_BY_MEMBER = "used_up_by_member"
    OTHER_CURRENCY = "other_currency"
    NO_LINE_IN_SCOPE = "no_line_in_scope"
    NO_SHIPPING = "no_shipping"
    BELOW_AMOUNT = "below_amount"
    BELOW_QUANTITY = "below_quantity"
    TOO_FEW_UNITS = "too_few_units"
    NOTHING_LEFT = "nothing_left"
    EXCLUDED = "excluded"
    WORTH_LESS = "worth_less"
    BUDGET_CLOSED = "budget_closed"
    BUDGET_EXHAUSTED = "budget_exhausted"


Fact = int | str | Decimal | UUID | Money | None

FACTS_OF_REASONS: Mapping[Reason, tuple[str, ...]] = {
    Reason.NOT_YET: ("begins_at",),
    Reason.EXPIRED: ("expired_at",),
    Reason.USED_UP: ("uses_max",),
    Reason.USED_UP_BY_MEMBER: ("uses_max",),
    Reason.OTHER_CURRENCY: ("currency", "expected"),
    Reason.BELOW_AMOUNT: ("amount", "minimum", "missing"),
    Reason.BELOW_QUANTITY: ("quantity", "minimum", "missing"),
    Reason.TOO_FEW_UNITS: ("units", "minimum", "missing"),
    Reason.EXCLUDED: ("by",),
}
"""Facts by reason: instants as ISO text, amounts as `Money`, ``by`` the id of the offer that stands in the way."""


@dataclass(frozen=True, slots=True)
class Item:
    """One line of a cart. ``gross_minor`` is what is to be paid for it before coupons, ``net_minor`` without tax.

    Lines that a till has marked ``is_excluded`` are lowered by no coupon and count toward no minimum.
    """

    position: int
    sku: str
    product: str | None
    category: tuple[str, ...]
    quantity: Decimal
    gross_minor: int
    net_minor: int
    is_excluded: bool = False


@dataclass(frozen=True, slots=True)
class Cart:
    """What is to be bought, in minor units of ``currency``. Positions are unique."""

    currency: str
    items: tuple[Item, ...]
    shipping_minor: int = 0


@dataclass(frozen=True, slots=True)
class Offer:
    """A coupon that may be used on a cart. ``id`` is the coupon's; ``code`` as it is kept, where it has one."""

    id: UUID
    definition_id: UUID
    version_id: UUID
    content: CouponContent
    code: str | None = None


@dataclass(frozen=True, slots=True)
class Applied:
    """What one coupon took off: ``amount_minor`` is the sum of ``by_line`` (by position) and ``shipping_minor``.

    ``units`` are how many units of a line it made cheaper or free, where it counts units.
    """

    offer_id: UUID
    amount_minor: int
    by_line: Mapping[int, int] = field(default_factory=dict)
    shipping_minor: int = 0
    units: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Refused:
    """A coupon that took off nothing, and why. ``code`` is what was typed, where nothing more is known."""

    offer_id: UUID | None
    reason: Reason
    facts: Mapping[str, Fact] = field(default_factory=dict)
    code: str | None = None


@dataclass(frozen=True, slots=True)
class Discounting:
    """What coupons came to, in the order in which they counted.

    ``is_best`` is False where so many coupons were offered that the search ended before every combination was seen or
    ruled out: then it is the best of those seen.
    """

    applied: tuple[Applied, ...]
    refused: tuple[Refused, ...]
    is_best: bool = True

    @property
    def amount_minor(self) -> int:
        """All that coupons took off, shipping included."""
        return sum(one.amount_minor for one in self.applied)

    @property
    def shipping_minor(self) -> int:
        """What they took off shipping."""
        return sum(one.shipping_minor for one in self.applied)

    def of_line(self, position: int) -> int:
        """What they took off one line."""
        return sum(one.by_line.get(position, 0) for one in self.applied)
