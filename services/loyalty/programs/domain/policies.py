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
    leap_birthday: LeapBirthday = LeapBirthday.FEBRUARY_28
    birthday_lead_days: int = 365
    """A birthday that was edited counts only after so many days."""
