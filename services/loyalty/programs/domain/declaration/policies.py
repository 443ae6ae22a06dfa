"""The policies, declared."""

from services.loyalty.programs.domain import bounds
from services.loyalty.programs.domain.codec import Boolean, Choice, Codec, Integer, Member, Record
from services.loyalty.programs.domain.declaration.basics import IDENTIFIER
from services.loyalty.programs.domain.policies import (
    AboveLimit,
    BasePolicy,
    CouponOrder,
    EarlyRefundPolicy,
    ForeignCurrencyPolicy,
    LeapBirthday,
    NoSilentLoss,
    OwingPolicy,
    PayWithPoints,
    Policies,
    RefundPolicy,
    TaxPolicy,
    TransferPolicy,
)
from services.loyalty.programs.domain.reading import Reader, pointer
from services.loyalty.programs.domain.rules import Combination, Rounding
from services.loyalty.programs.errors import ProblemCode

_POINTS = Integer(1, bounds.POINTS_MAX)

_BASE = Record(
    BasePolicy,
    (
        Member("before_discounts", Boolean(), "Whether points are for the price before discounts."),
        Member("tax", Choice(TaxPolicy), "Whether tax counts: where it is in the price, always, or never."),
        Member("with_shipping", Boolean(), "Whether shipping counts."),
        Member(
            "order_discount_lowers_lines", Boolean(), "Whether a discount on the order lowers each line by its share."
        ),
    ),
)


def _check_transfers(reader: Reader, transfers: TransferPolicy, path: str) -> None:
    for key, limit in (("pointsMax", transfers.points_max), ("pointsPerDayMax", transfers.points_per_day_max)):
        if limit is not None and limit < transfers.points_min:
            reader.note(pointer(path, (key,)), ProblemCode.TOO_SMALL, {"minimum": transfers.points_min})


_TRANSFERS = Record(
    TransferPolicy,
    (
        Member("is_allowed", Boolean(), "Whether members may give points to each other.", name="allowed"),
        Member("points_min", _POINTS, "The fewest points of one transfer."),
        Member("points_max", _POINTS, "The most points of one transfer; no limit without it."),
        Member("points_per_day_max", _POINTS, "The most points that one member gives in a calendar day."),
        Member("keeps_expiry", Boolean(), "Whether points end when they would have ended; else they begin anew."),
    ),
    check=_check_transfers,
)


_MONEY = Integer(1, bounds.MONEY_MAX)
_PAYING = Record(
    PayWithPoints,
    (
        Member("is_allowed", Boolean(), "Whether members may pay with points.", name="allowed"),
        Member("unit", IDENTIFIER, "What is paid with; the program's own unit without it."),
        Member("points", _POINTS, "So many points are worth `money`."),
        Member("money", _MONEY, "What they are worth, in minor units of the program's currency."),
        Member("points_min", _POINTS, "The fewest points of one payment; fewer are none."),
        Member("step_points", _POINTS, "What is paid is a multiple of it."),
        Member("percent_max", Integer(1, bounds.PERCENT_MAX), "The most of a basket, after discounts, in percent."),
        Member("above_limit", Choice(AboveLimit), "More than may be is clipped to what may be, or refused."),
        Member(
            "cash_rounding",
            Integer(1, bounds.CASH_ROUNDING_MAX),
            "What is to be paid is rounded to so many minor units, half up, before points pay of it.",
        ),
    ),
)


def _check_policies(reader: Reader, policies: Policies, path: str) -> None:
    if policies.owing is OwingPolicy.ALLOW and not policies.owed_points_max:
        reader.note(pointer(path, ("owedPointsMax",)), ProblemCode.MISSING)
    if policies.owing is OwingPolicy.FORBID and policies.owed_points_max:
        reader.note(pointer(path, ("owedPointsMax",)), ProblemCode.NOT_APPLICABLE, {"needs": "owing: allow"})
    if policies.no_silent_expiry is NoSilentLoss.REPORT and not policies.expiry_notice_days:
        reader.note(pointer(path, ("noSilentExpiry",)), ProblemCode.NOT_APPLICABLE, {"needs": "expiryNoticeDays"})
    if policies.no_silent_downgrade is NoSilentLoss.REPORT and not policies.downgrade_notice_days:
        reader.note(pointer(path, ("noSilentDowngrade",)), ProblemCode.NOT_APPLICABLE, {"needs": "downgradeNoticeDays"})


POLICIES: Codec[Policies] = Record(
    Policies,
    (
        Member("backdating_days", Integer(0, bounds.BACKDATING_DAYS_MAX), "Older events than this are refused."),
        Member(
            "foreign_currency",
            Choice(ForeignCurrencyPolicy),
            "A purchase in a currency that a rule does not name earns nothing, is refused, or is converted.",
        ),
        Member("rounding", Choice(Rounding), "How exact points become whole ones, once, after the multipliers."),
        Member("multipliers", Choice(Combination), "How several multipliers are put together."),
        Member("base", _BASE, "What of a purchase earns."),
        Member("refund", Choice(RefundPolicy), "What stands after a part is returned."),
        Member("early_refund", Choice(EarlyRefundPolicy), "A refund of a purchase that is not known yet."),
        Member("owing", Choice(OwingPolicy), "A claw-back of more than is there: recorded as a shortfall, or owed."),
        Member("owed_points_max", Integer(0, bounds.POINTS_MAX), "The most points that a member may owe."),
        Member(
            "given_back_grace_days",
            Integer(0, bounds.GRACE_DAYS_MAX),
            "How long points live at least that come back to a lot which has ended; 0: they end at once.",
        ),
        Member(
            "hold_minutes",
            Integer(1, bounds.HOLD_MINUTES_MAX),
            "How long points stay reserved when the holder says nothing else.",
        ),
        Member("transfers", _TRANSFERS, "Points from member to member."),
        Member("adjustment_approval_points", _POINTS, "Adjustments of more points wait for a second person."),
        Member(
            "expiry_notice_days",
            Integer(0, bounds.NOTICE_DAYS_MAX),
            "How many days before points end their member is told; 0: never.",
        ),
        Member(
            "no_silent_expiry",
            Choice(NoSilentLoss),
            "With `on`, points end no earlier than `expiryNoticeDays` after a channel took their member's notice, at"
            " most 90 days late; members who can't be reached are counted. With `report`, that is only counted. With"
            " `off`, and where `expiryNoticeDays` is 0, points end on their day.",
        ),
        Member(
            "downgrade_notice_days",
            Integer(0, bounds.NOTICE_DAYS_MAX),
            "How many days before a review that would take their tier members are told of it; 0: never.",
        ),
        Member(
            "no_silent_downgrade",
            Choice(NoSilentLoss),
            "With `on`, and `downgradeNoticeDays`, a review takes a tier no earlier than so many days after a channel"
            " took its member's notice, at most 90 days late; members who can't be reached are counted. With `report`,"
            " that is only counted. With `off`, and where `downgradeNoticeDays` is 0, reviews take tiers on their day.",
        ),
        Member("pay_with_points", _PAYING, "Points as money at the till."),
        Member("coupon_order", Choice(CouponOrder), "Which coupons count where not all of a cart's can."),
        Member("quote_minutes", Integer(1, bounds.QUOTE_MINUTES_MAX), "How long a quoted cart keeps its prices."),
        Member("leap_birthday", Choice(LeapBirthday), "When 29 February is kept in other years."),
        Member(
            "birthday_lead_days",
            Integer(0, bounds.BACKDATING_DAYS_MAX),
            "A birthday that was edited counts only after so many days.",
        ),
    ),
    check=_check_policies,
)
