"""Quotes as clients see them."""

from datetime import datetime
from decimal import Decimal

import strawberry

from services.gateway.context.request import Locale
from services.gateway.graphql.coupons.wording import fact_text, refusal_message
from services.gateway.graphql.errors import FactType
from services.gateway.graphql.ids import encode
from services.gateway.graphql.money import MoneyAmount
from services.gateway.graphql.scalars import Points, WholeNumber
from services.gateway.graphql.text import LocalizedTextType
from services.loyalty.checkout.domain.commands import CheckoutQuote
from services.loyalty.checkout.domain.payment import PointsLimit
from services.loyalty.coupons.domain import Refused
from services.loyalty.programs.domain import CapMeasure, CapOwner, CapPeriod
from services.loyalty.purchases.domain import QuotedRule as RuleOfQuote
from services.platform.money import Money


@strawberry.type(description="What a line of a cart would do.")
class QuotedLine:
    position: int = strawberry.field(description="Its place in the cart, from 1.")
    net: MoneyAmount = strawberry.field(description="What would be paid for it, after all discounts.")
    discount: MoneyAmount = strawberry.field(description="What coupons take off it.")
    paid_with_points: MoneyAmount = strawberry.field(description="What of the net points would pay.")
    points: Points = strawberry.field(description="Its share of what the cart would earn.")


@strawberry.type(description="A cap that a rule meets.")
class QuotedCap:
    measure: CapMeasure = strawberry.field(description="What it counts.")
    per: CapPeriod = strawberry.field(description="The time in which it fills.")
    owner: CapOwner = strawberry.field(description="Whose it is.")
    limit: WholeNumber = strawberry.field(description="The most that it lets through: points, minor units or times.")
    room: WholeNumber = strawberry.field(description="What it leaves before this cart.")
    filled: WholeNumber = strawberry.field(description="What the cart would fill of it.")


@strawberry.type(description="What one rule would give for a cart.")
class QuotedRule:
    rule_id: str = strawberry.field(description="The rule's id in the program document.")
    points: Points = strawberry.field(description="What it would give.")
    capped_by: Points = strawberry.field(description="What its cap would take away.")
    cap_room: Points | None = strawberry.field(description="What its cap still lets through; null without a cap.")
    unit: str = strawberry.field(description="The code of the point unit that it gives.")
    caps: list[QuotedCap] = strawberry.field(description="The caps that it meets, its own and those of the unit.")


@strawberry.type(description="A coupon that lowers what is to be paid.")
class QuotedCoupon:
    coupon_id: strawberry.ID = strawberry.field(description="The coupon.")
    name: LocalizedTextType = strawberry.field(description="What it is called.")
    code: str | None = strawberry.field(description="Its code, where it has one.")
    amount: MoneyAmount = strawberry.field(description="What it takes off, shipping included.")
    shipping: MoneyAmount = strawberry.field(description="What it takes off shipping.")


@strawberry.type(description="A coupon that lowers nothing, and why.")
class UnusedCoupon:
    coupon_id: strawberry.ID | None = strawberry.field(description="The coupon; null where the code is not known.")
    code: str | None = strawberry.field(description="What was entered, where nothing more is known.")
    reason: str = strawberry.field(description="Why, for machines.")
    facts: list[FactType] = strawberry.field(description="Values that the reason speaks of, such as `missing`.")
    message: str = strawberry.field(description="A sentence for a person: why, and what would help.")

    @classmethod
    def from_domain(cls, refused: Refused, locale: Locale) -> "UnusedCoupon":
        """The refusal as clients see it."""
        return cls(
            coupon_id=None if refused.offer_id is None else encode("Coupon", refused.offer_id),
            code=refused.code,
            reason=refused.reason.value.upper(),
            facts=[FactType(name=name, value=fact_text(value)) for name, value in refused.facts.items()],
            message=refusal_message(refused, locale),
        )


@strawberry.type(description="The most that can be paid with points.")
class UsablePoints:
    points: Points = strawberry.field(description="So many points.")
    amount: MoneyAmount = strawberry.field(description="What they are worth.")
    unit: str = strawberry.field(description="The code of their unit.")
    available: Points = strawberry.field(description="What the member has of it.")
    limit: PointsLimit = strawberry.field(description="What keeps it from being more.")


@strawberry.type(description="What a cart would do, rung up now. A quote holds nothing; its token keeps its prices.")
class QuoteCartPayload:
    token: str = strawberry.field(description="For reserveCart, commitCart and cancelCart, until `expiresAt`.")
    expires_at: datetime = strawberry.field(description="Until when the quote is kept.")
    total: MoneyAmount = strawberry.field(description="What would be paid for the lines, after all discounts.")
    discount: MoneyAmount = strawberry.field(description="What coupons take off, shipping included.")
    shipping: MoneyAmount = strawberry.field(description="What delivery would cost, after coupons.")
    paid_with_points: MoneyAmount = strawberry.field(description="What of the total points would pay.")
    points_paid: Points = strawberry.field(description="How many points that costs.")
    due: MoneyAmount = strawberry.field(description="What is left to pay in money, with shipping.")
    usable_points: UsablePoints = strawberry.field(description="The most that could be paid with points.")
    coupons: list[QuotedCoupon] = strawberry.field(description="The coupons that count, in the order of counting.")
    unused_coupons: list[UnusedCoupon] = strawberry.field(description="The others, and why they do not.")
    points: Points = strawberry.field(description="What it would earn.")
    lines: list[QuotedLine] = strawberry.field(description="The cart, line by line.")
    rules: list[QuotedRule] = strawberry.field(description="What each rule would give.")
    tier: str | None = strawberry.field(description="The code of the member's tier; null for a guest.")
    tier_after: str | None = strawberry.field(description="The code of the tier after the purchase.")
    tier_multiplier: Decimal | None = strawberry.field(
        description="What the tier at which it would earn multiplies points by; null where nothing is evaluated."
    )
    balance: Points = strawberry.field(description="What the member can spend now; 0 for a guest.")
    balance_after: Points = strawberry.field(description="What the member could spend after it.")

    @classmethod
    def from_domain(cls, quote: CheckoutQuote, *, token: str, locale: Locale) -> "QuoteCartPayload":
        """The quote as clients see it."""
        priced, earned, currency = quote.weighed.priced, quote.earned, quote.cart.asked.currency

        def money(minor: int) -> MoneyAmount:
            return MoneyAmount.from_domain(Money(minor, currency))

        discounting = priced.lowered.discounting
        return cls(
            token=token,
            expires_at=quote.cart.expires_at,
            total=money(priced.total_minor),
            discount=money(discounting.amount_minor),
            shipping=money(priced.receipt.told.shipping_minor),
            paid_with_points=money(priced.payment.value_minor),
            points_paid=Points(priced.payment.points),
            due=money(priced.due_minor),
            usable_points=UsablePoints(
                points=Points(priced.usable.points),
                amount=money(priced.usable.value_minor),
                unit=quote.unit,
                available=Points(quote.available),
                limit=priced.usable.limit,
            ),
            coupons=[
                QuotedCoupon(
                    coupon_id=encode("Coupon", offer.id),
                    name=LocalizedTextType(en=offer.content.name_en, zh=offer.content.name_zh),
                    code=offer.code,
                    amount=money(one.amount_minor),
                    shipping=money(one.shipping_minor),
                )
                for offer, one in quote.weighed.used
            ],
            unused_coupons=[UnusedCoupon.from_domain(refused, locale) for refused in discounting.refused],
            points=Points(earned.points),
            lines=[
                QuotedLine(
                    position=line.position,
                    net=money(line.net_minor),
                    discount=money(discounting.of_line(line.position)),
                    paid_with_points=money(priced.payment.by_line.get(line.position, 0)),
                    points=Points(line.points),
                )
                for line in earned.lines
            ],
            rules=[_rule(rule) for rule in earned.rules],
            tier=earned.tier,
            tier_after=earned.tier_after,
            tier_multiplier=earned.tier_multiplier,
            balance=Points(earned.balance),
            balance_after=Points(quote.balance_after),
        )


def _rule(rule: RuleOfQuote) -> QuotedRule:
    return QuotedRule(
        rule_id=rule.rule_id,
        points=Points(rule.points),
        capped_by=Points(rule.capped_by),
        cap_room=None if rule.cap_room is None else Points(rule.cap_room),
        unit=rule.unit,
        caps=[
            QuotedCap(
                measure=cap.key.measure,
                per=cap.key.period,
                owner=cap.key.owner,
                limit=WholeNumber(cap.limit),
                room=WholeNumber(cap.room),
                filled=WholeNumber(cap.filled),
            )
            for cap in rule.caps
        ],
    )
