"""Enums of rewards, redemptions and budgets, told to the schema with a description of every value."""

from services.gateway.graphql.enum_words import describe
from services.loyalty.budgets.domain import Measure
from services.loyalty.redemptions.domain import CancelReason, RedemptionStatus, Whereabouts
from services.loyalty.rewards.domain import LimitPeriod, RewardKind, RewardOrder

describe(
    RewardKind,
    "RewardKind",
    "What a member gets.",
    {
        RewardKind.PHYSICAL: "A thing that is handed over or shipped.",
        RewardKind.VIRTUAL: "A thing that is delivered on a screen.",
        RewardKind.COUPON: "A coupon for a later purchase.",
        RewardKind.SERVICE: "Something that is done for the member.",
        RewardKind.DONATION: "A gift to somebody else in the member's name.",
    },
)
describe(
    RedemptionStatus,
    "RedemptionStatus",
    "Where a redemption is in its life.",
    {
        RedemptionStatus.HELD: "Points and pieces are reserved; nothing is spent yet.",
        RedemptionStatus.CONFIRMED: "The member has paid. Where somebody has to hand it over, they still do.",
        RedemptionStatus.FULFILLED: "Issued, shipped, or ready to be picked up.",
        RedemptionStatus.COLLECTED: "The member has it in the hand.",
        RedemptionStatus.CANCELED: "Taken back: the points are where they were.",
        RedemptionStatus.TIMED_OUT: "It was held and never confirmed; the points are where they were.",
    },
)
describe(
    CancelReason,
    "RedemptionCancelReason",
    "Why a redemption is canceled.",
    {
        CancelReason.CHANGED_MIND: "The member does not want it any more.",
        CancelReason.OUT_OF_STOCK: "There is none after all.",
        CancelReason.DUPLICATE: "It was redeemed twice by mistake.",
        CancelReason.EXPIRED: "Nobody came for it, or it can't be used any more.",
        CancelReason.OTHER: "Another reason; say which in the note.",
    },
)
describe(
    Whereabouts,
    "RedemptionWhereabouts",
    "What becomes of something that has left the house.",
    {
        Whereabouts.RETURNED: "It is back. It goes into stock again, but for codes that somebody has seen.",
        Whereabouts.LOST: "It stays where it is; the points come back all the same.",
    },
)
describe(
    LimitPeriod,
    "RewardLimitPeriod",
    "The time in which a member's pieces are counted, by the program's calendar.",
    {
        LimitPeriod.DAY: "A day.",
        LimitPeriod.WEEK: "A week from Monday (ISO 8601).",
        LimitPeriod.MONTH: "A calendar month.",
        LimitPeriod.YEAR: "A calendar year.",
        LimitPeriod.LIFETIME: "For ever.",
    },
)
describe(
    RewardOrder,
    "RewardOrder",
    "How a catalogue is ordered.",
    {
        RewardOrder.CODE: "By the merchant's own codes.",
        RewardOrder.POSITION: "By the position that the merchant gave, then by code.",
    },
)
describe(
    Measure,
    "BudgetMeasure",
    "What a budget counts.",
    {Measure.POINTS: "Points.", Measure.UNITS: "Pieces or uses.", Measure.MONEY: "Money."},
)
