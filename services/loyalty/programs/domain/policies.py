"""The merchant's choices where sound programs differ. The defaults are what most members expect."""

from dataclasses import dataclass, field
from enum import StrEnum

from services.loyalty.programs.domain.rules import Combination, Rounding


class ForeignCurrencyPolicy(StrEnum):
    """A purchase in another currency than the program's, by rules that do not name it."""

    EARN_NOTHING = "earn_nothing"
    REFUSE = "refuse"
    CONVERT = "convert"
    """Convert at the document's dated rate; without a rate it earns nothing."""


class TaxPolicy(StrEnum):
    """Whether tax counts in the base: as it is in the price, always, or never."""

    AS_PRICED = "as_priced"
    WITH = "with"
    WITHOUT = "without"


class RefundPolicy(StrEnum):
    """What stands after a part is returned: the remainder evaluated again, or points in proportion to money."""

    RECOMPUTE = "recompute"
    PROPORTIONAL = "proportional"


class EarlyRefundPolicy(StrEnum):
    """A refund of a purchase that is not known yet: keep it until the purchase comes, or refuse it."""

    WAIT = "wait"
    REFUSE = "refuse"


class OwingPolicy(StrEnum):
    """A claw-back of more than is there: stop and record the shortfall, or owe it up to a limit."""

    FORBID = "forbid"
    ALLOW = "allow"


class LeapBirthday(StrEnum):
    """When a birthday on 29 February is kept in other years."""

    FEBRUARY_28 = "february_28"
    MARCH_1 = "march_1"


class NoSilentLoss(StrEnum):
    """Whether something is lost though no channel took its notice in time: yes; yes, and it is counted; no."""

    OFF = "off"
    REPORT = "report"
    ON = "on"


@dataclass(frozen=True, slots=True)
class BasePolicy:
    """What of a purchase earns: after discounts or before, with which tax, with shipping or without."""

    before_discounts: bool = False
    tax: TaxPolicy = TaxPolicy.AS_PRICED
    with_shipping: bool = False
    order_discount_lowers_lines: bool = True
    """Whether a discount on the whole order lowers each line's base by its share."""


@dataclass(frozen=True, slots=True)
class TransferPolicy:
    """Points from member to member. ``is_allowed`` false refuses them all; limits in points, None: no limit."""

    is_allowed: bool = False
    points_min: int = 1
    points_max: int | None = None
    points_per_day_max: int | None = None
    keeps_expiry: bool = True
    """Whether what is received ends when it would have ended; else it begins anew."""


class CouponOrder(StrEnum):
    """Which of the coupons of a cart count where not all can: the first by category, or those that save most."""

    BY_CATEGORY = "by_category"
    BEST = "best"


class AboveLimit(StrEnum):
    """More points than may be paid with: as many as may be, or a refusal."""

    CLIP = "clip"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class PayWithPoints:
    """Points as money at the till. ``is_allowed`` false: nobody pays with them.

    ``points`` of the unit (None: the program's own) are worth ``money`` minor units of the program's currency. What is
    paid is a multiple of ``step_points`` and at least ``points_min``; its worth is at most ``percent_max`` percent of
    the basket after discounts, and never above what is to be paid, rounded to ``cash_rounding`` minor units.
    """

    is_allowed: bool = False
    unit: str | None = None
    points: int = 1
    money: int = 1
    points_min: int = 1
    step_points: int = 1
    percent_max: int = 100
    above_limit: AboveLimit = AboveLimit.CLIP
    cash_rounding: int = 1


@dataclass(frozen=True, slots=True)
class Policies:
    """All of them. Purchases older than ``backdating_days`` are refused."""

    backdating_days: int = 30
    foreign_currency: ForeignCurrencyPolicy = ForeignCurrencyPolicy.EARN_NOTHING
    rounding: Rounding = Rounding.FLOOR
    multipliers: Combination = Combination.PRODUCT
    base: BasePolicy = field(default_factory=BasePolicy)
    refund: RefundPolicy = RefundPolicy.RECOMPUTE
    early_refund: EarlyRefundPolicy = EarlyRefundPolicy.WAIT
    owing: OwingPolicy = OwingPolicy.FORBID
    owed_points_max: int = 0
    given_back_grace_days: int = 30
    """How long points live at least that come back to a lot which has ended; 0: they end at once."""
    hold_minutes: int = 30
    """How long points stay reserved when the holder says nothing else."""
    transfers: TransferPolicy = field(default_factory=TransferPolicy)
    adjustment_approval_points: int | None = None
    """Adjustments of more points than this wait for a second person; None: none do."""
    expiry_notice_days: int = 30
    """How long before points end their member is told; 0: never."""
    no_silent_expiry: NoSilentLoss = NoSilentLoss.ON
    """Whether points live on until their notice was taken ``expiry_notice_days`` before; looked at where those are."""
    downgrade_notice_days: int = 0
    """How long before a review that takes a tier its member is told; 0: never."""
    no_silent_downgrade: NoSilentLoss = NoSilentLoss.ON
    """Whether a tier is kept until its notice was taken ``downgrade_notice_days`` before; looked at where those are."""
    pay_with_points: PayWithPoints = field(default_factory=PayWithPoints)
    coupon_order: CouponOrder = CouponOrder.BEST
    quote_minutes: int = 15
    """How long a quoted cart keeps its prices."""
    leap_birthday: LeapBirthday = LeapBirthday.FEBRUARY_28
    birthday_lead_days: int = 365
    """A birthday that was edited counts only after so many days."""
