"""What a coupon gives, on which lines, from which order on, and beside which others."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID


class BenefitKind(StrEnum):
    """How a coupon lowers what is to be paid."""

    PERCENT = "percent"
    """A share of the lines in scope."""
    AMOUNT = "amount"
    """Money off the lines in scope, shared out over them."""
    FREE_ITEM = "free_item"
    """Units in scope for nothing."""
    BUY_X_GET_Y = "buy_x_get_y"
    """For units in scope others, of the target or of the scope itself, for less or nothing."""
    N_FOR_M = "n_for_m"
    """Of every n units in scope m are paid."""
    CHEAPEST = "cheapest"
    """The cheapest units in scope for less or nothing."""
    SHIPPING = "shipping"
    """Shipping for less or nothing."""
    PER_UNIT = "per_unit"
    """Money off every unit in scope; off every kilogram or meter of what is weighed or measured."""
    STEPPED = "stepped"
    """More off the more is bought: the highest step that is reached counts."""


class Basis(StrEnum):
    """Of what a percentage is taken."""

    REMAINING = "remaining"
    """Of what the discounts before it have left."""
    INITIAL = "initial"
    """Of what was to be paid before any discount."""


class DiscountRounding(StrEnum):
    """Where a percentage is rounded to whole minor units, half-up."""

    ORDER = "order"
    """Once, on the sum of the lines in scope."""
    LINE = "line"


class Picks(StrEnum):
    """Which units are taken first where not all of them are."""

    CHEAPEST = "cheapest"
    DEAREST = "dearest"


class MeasuredOn(StrEnum):
    """Which lines a minimum or a step looks at."""

    SCOPE = "scope"
    ORDER = "order"


class PriceBasis(StrEnum):
    """Which price of a line a minimum or a step looks at."""

    GROSS = "gross"
    NET = "net"


class Exclusivity(StrEnum):
    """Beside which coupons one can be used."""

    NONE = "none"
    CATEGORY = "category"
    """Beside none of its own category."""
    ALL = "all"
    """Alone."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Which lines: those with a named SKU or product, or below a named category path; all where nothing is named.

    What is in ``excluded_*`` is never inside.
    """

    skus: frozenset[str] = frozenset()
    products: frozenset[str] = frozenset()
    categories: tuple[tuple[str, ...], ...] = ()
    excluded_skus: frozenset[str] = frozenset()
    excluded_products: frozenset[str] = frozenset()
    excluded_categories: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Minimum:
    """From which order on a coupon counts: an amount in minor units, a quantity, both, or neither.

    The same measure is what steps are compared to. Net after earlier discounts is lowered in proportion to gross.
    """

    amount_minor: int | None = None
    quantity: Decimal | None = None
    on: MeasuredOn = MeasuredOn.SCOPE
    price: PriceBasis = PriceBasis.GROSS
    is_after_discounts: bool = True
    is_inclusive: bool = True


@dataclass(frozen=True, slots=True)
class Step:
    """From an amount or a quantity on: a percentage or an amount. One of each pair is given."""

    from_minor: int | None = None
    from_quantity: Decimal | None = None
    percent: Decimal | None = None
    amount_minor: int | None = None


@dataclass(frozen=True, slots=True)
class Benefit:
    """What a coupon gives. Which fields a kind takes is in `checking.FIELDS`; money in the coupon's currency.

    ``percent`` is over 0 and at most 100, and 100 where a kind takes it and none is given. ``cap_minor`` bounds the
    whole discount. ``buy_units`` are the x of buy-x-get-y, the n of n-for-m, and how many units there must be for the
    cheapest. ``get_units`` are the y, and how many are free or cheaper; ``pay_units`` the m. ``times_max`` bounds how
    often buy-x-get-y and n-for-m repeat, ``units_max`` how many units a percentage or an amount per unit reaches.
    ``target`` are the lines of the y; None is the scope itself. ``is_repeated`` makes the only step count once for
    every time that it is reached.
    """

    kind: BenefitKind
    percent: Decimal | None = None
    amount_minor: int | None = None
    cap_minor: int | None = None
    basis: Basis = Basis.REMAINING
    rounding: DiscountRounding = DiscountRounding.ORDER
    buy_units: int | None = None
    get_units: int | None = None
    pay_units: int | None = None
    times_max: int | None = None
    units_max: int | None = None
    picks: Picks = Picks.CHEAPEST
    target: Scope | None = None
    steps: tuple[Step, ...] = ()
    is_repeated: bool = False


@dataclass(frozen=True, slots=True)
class CouponContent:
    """What a coupon says, from one edit of its definition to the next.

    ``currency`` is None only where nothing in it is money: then it counts in every currency. ``category`` and
    ``priority`` order coupons, lower first; ``exclusivity`` says beside which it can be used. The window is half-open;
    ``valid_days`` counts from when a member gets one, up to the end of that day in the program's zone.
    ``uses_per_member`` bounds one member's uses of all coupons of the definition. ``budget_id`` names a budget that
    pays for it.
    """

    name_en: str
    name_zh: str
    benefit: Benefit
    description_en: str = ""
    description_zh: str = ""
    currency: str | None = None
    scope: Scope = field(default_factory=Scope)
    minimum: Minimum = field(default_factory=Minimum)
    category: str = ""
    priority: int = 0
    exclusivity: Exclusivity = Exclusivity.NONE
    begins_at: datetime | None = None
    ends_at: datetime | None = None
    valid_days: int | None = None
    uses_per_member: int | None = None
    budget_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class CouponDefinition:
    """A kind of coupon, as it is now. ``uses_max`` bounds the uses of all its coupons together; None is without limit.

    ``uses_held`` are reserved by carts, ``uses_spent`` were redeemed; both are counted where there is a limit.
    """

    id: UUID
    code: str
    version: int
    version_id: UUID
    content: CouponContent
    uses_max: int | None
    uses_held: int
    uses_spent: int
    created_at: datetime
    archived_at: datetime | None
