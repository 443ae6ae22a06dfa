"""Enums of coupons, the checkout and cards, told to the schema with a description of every value."""

from services.gateway.graphql.enum_words import describe
from services.loyalty.cards.domain import IssuerKind, Proof
from services.loyalty.checkout.domain import PointsLimit
from services.loyalty.coupons.domain import (
    Basis,
    BenefitKind,
    CouponStatus,
    DiscountRounding,
    Exclusivity,
    MeasuredOn,
    Picks,
    PriceBasis,
    Reason,
    Strategy,
    UseStatus,
)

describe(
    Proof,
    "CardProof",
    "What a scan of a card proves.",
    {
        Proof.ROTATING: "A phone on which the card's page is open has shown the code within the last minute.",
        Proof.NUMBER: "Somebody knows the number: it may be printed, photographed or typed.",
    },
)
describe(
    IssuerKind,
    "PassIssuerKind",
    "Whose phones keep a pass.",
    {IssuerKind.APPLE: "Apple's Wallet.", IssuerKind.GOOGLE: "Google's Wallet."},
)
describe(
    PointsLimit,
    "PointsLimit",
    "What keeps a member from paying with more points.",
    {
        PointsLimit.NOT_OFFERED: "The program offers none here, or there is no active member.",
        PointsLimit.BALANCE: "What the member can spend.",
        PointsLimit.SHARE: "The largest share of a cart that points may pay.",
        PointsLimit.PAYABLE: "What is to be paid for lines that points may pay.",
        PointsLimit.MINIMUM: "Less than the fewest points of one payment.",
    },
)
describe(
    BenefitKind,
    "CouponBenefitKind",
    "How a coupon lowers what is to be paid.",
    {
        BenefitKind.PERCENT: "A share of the lines in scope, or of so many units of them.",
        BenefitKind.AMOUNT: "Money off the lines in scope, shared out over them.",
        BenefitKind.FREE_ITEM: "Units in scope for nothing.",
        BenefitKind.BUY_X_GET_Y: "For units in scope others for less or nothing.",
        BenefitKind.N_FOR_M: "Of every n units in scope m are paid.",
        BenefitKind.CHEAPEST: "The cheapest units in scope for less or nothing.",
        BenefitKind.SHIPPING: "Shipping for less or nothing.",
        BenefitKind.PER_UNIT: "Money off every unit in scope, or every kilogram or meter.",
        BenefitKind.STEPPED: "More off the more is bought: the highest step that is reached counts.",
    },
)
describe(
    Basis,
    "CouponBasis",
    "Of what a percentage is taken.",
    {
        Basis.REMAINING: "Of what the discounts before it have left.",
        Basis.INITIAL: "Of what was to be paid before any discount.",
    },
)
describe(
    DiscountRounding,
    "CouponRounding",
    "Where a percentage is rounded to whole minor units, half-up.",
    {
        DiscountRounding.ORDER: "Once, on the sum of the lines in scope; then it is shared out.",
        DiscountRounding.LINE: "On every line.",
    },
)
describe(
    Picks,
    "CouponPicks",
    "Which units are taken first where not all of them are.",
    {Picks.CHEAPEST: "The cheapest.", Picks.DEAREST: "The dearest."},
)
describe(
    MeasuredOn,
    "CouponMeasuredOn",
    "Which lines a minimum or a step looks at.",
    {MeasuredOn.SCOPE: "Those in scope.", MeasuredOn.ORDER: "All that are not excluded."},
)
describe(
    PriceBasis,
    "CouponPriceBasis",
    "Which price a minimum or a step looks at.",
    {PriceBasis.GROSS: "As priced.", PriceBasis.NET: "Without tax."},
)
describe(
    Exclusivity,
    "CouponExclusivity",
    "Beside which coupons one can be used.",
    {
        Exclusivity.NONE: "Beside all that do not say otherwise.",
        Exclusivity.CATEGORY: "Beside none of its own category.",
        Exclusivity.ALL: "Alone.",
    },
)
describe(
    CouponStatus,
    "CouponStatus",
    "Where a coupon is in its life.",
    {
        CouponStatus.PENDING: "It waits for the order that it was given for.",
        CouponStatus.AVAILABLE: "It can be used.",
        CouponStatus.HELD: "It is reserved for a cart.",
        CouponStatus.USED: "It has been redeemed.",
        CouponStatus.EXPIRED: "It has ended.",
        CouponStatus.VOIDED: "It is worth nothing.",
    },
)
describe(
    UseStatus,
    "CouponUseStatus",
    "Where a use of a coupon is in its life.",
    {
        UseStatus.HELD: "Reserved for a cart.",
        UseStatus.SPENT: "Redeemed.",
        UseStatus.RELEASED: "Reserved once, and free again.",
        UseStatus.GIVEN_BACK: "Redeemed once, and as if never used.",
    },
)
describe(
    Reason,
    "CouponReason",
    "Why a coupon does not lower what is to be paid.",
    {
        Reason.UNKNOWN_CODE: "There is no such code.",
        Reason.NOT_YOURS: "It belongs to another member.",
        Reason.MEMBER_REQUIRED: "It is for members, and the cart is a guest's.",
        Reason.PENDING: "The order that it was given for is not confirmed.",
        Reason.NOT_YET: "It counts from `begins_at` on.",
        Reason.EXPIRED: "It ended at `expired_at`.",
        Reason.VOIDED: "It has been voided.",
        Reason.WITHDRAWN: "Its kind is archived, and with it the shared code.",
        Reason.USED: "It has been redeemed.",
        Reason.HELD: "Another cart holds it.",
        Reason.USED_UP: "All `uses_max` uses of its kind are taken.",
        Reason.USED_UP_BY_MEMBER: "The member has used its kind `uses_max` times.",
        Reason.OTHER_CURRENCY: "It is in `expected`, the cart in `currency`.",
        Reason.NO_LINE_IN_SCOPE: "No line is in its scope.",
        Reason.NO_SHIPPING: "There is no shipping to pay.",
        Reason.BELOW_AMOUNT: "`amount` is below `minimum`: `missing` more would do.",
        Reason.BELOW_QUANTITY: "`quantity` is below `minimum`: `missing` more would do.",
        Reason.TOO_FEW_UNITS: "There are `units`, it needs `minimum`: `missing` more would do.",
        Reason.NOTHING_LEFT: "Others have left nothing to lower.",
        Reason.EXCLUDED: "It can't be used beside the coupon `by`, which counts.",
        Reason.WORTH_LESS: "Others save more without it.",
        Reason.BUDGET_CLOSED: "The budget that pays for it has not begun, has ended, or counts other money.",
        Reason.BUDGET_EXHAUSTED: "The budget that pays for it has too little left, what other carts hold not counted.",
    },
)
describe(
    Strategy,
    "CouponStrategy",
    "In which order coupons count, and which of them, where not all can.",
    {
        Strategy.BY_CATEGORY: "By priority and category; whoever comes first counts.",
        Strategy.BEST_PRICE: "Those, in that order, by which the least is paid.",
    },
)
