"""What a kind of coupon says, as clients see it."""

from datetime import datetime
from decimal import Decimal
from typing import Self

import strawberry

from services.gateway.graphql.money import MoneyAmount
from services.gateway.graphql.scalars import Currency
from services.gateway.graphql.text import LocalizedTextType
from services.loyalty.coupons import domain
from services.platform.money import Money


@strawberry.type(
    description="Lines of a cart: those with a named SKU or product or below a named category; all where nothing is "
    "named."
)
class CouponScope:
    skus: list[str] = strawberry.field(description="SKUs.")
    products: list[str] = strawberry.field(description="Products.")
    categories: list[list[str]] = strawberry.field(description="Category paths, each from the widest on.")
    excluded_skus: list[str] = strawberry.field(description="SKUs that are never inside.")
    excluded_products: list[str] = strawberry.field(description="Products that are never inside.")
    excluded_categories: list[list[str]] = strawberry.field(description="Category paths that are never inside.")

    @classmethod
    def from_domain(cls, scope: domain.Scope) -> Self:
        """The scope as clients see it."""
        return cls(
            skus=sorted(scope.skus),
            products=sorted(scope.products),
            categories=[list(path) for path in scope.categories],
            excluded_skus=sorted(scope.excluded_skus),
            excluded_products=sorted(scope.excluded_products),
            excluded_categories=[list(path) for path in scope.excluded_categories],
        )


@strawberry.type(description="From which order on a coupon counts.")
class CouponMinimum:
    amount: MoneyAmount | None = strawberry.field(description="An amount; null for none.")
    quantity: Decimal | None = strawberry.field(description="A quantity; null for none.")
    on: domain.MeasuredOn = strawberry.field(description="Of which lines.")
    price: domain.PriceBasis = strawberry.field(description="With or without tax.")
    is_after_discounts: bool = strawberry.field(
        description="Whether the coupons that counted before it lower what is compared."
    )
    is_inclusive: bool = strawberry.field(description="Whether the minimum itself is enough.")


@strawberry.type(description="From an amount or a quantity on: a percentage or an amount.")
class CouponStep:
    from_amount: MoneyAmount | None = strawberry.field(description="From this amount on.")
    from_quantity: Decimal | None = strawberry.field(description="From this quantity on.")
    percent: Decimal | None = strawberry.field(description="In percent.")
    amount: MoneyAmount | None = strawberry.field(description="Money off.")


@strawberry.type(description="What a coupon gives. Fields that its kind does not take are null.")
class CouponBenefit:
    kind: domain.BenefitKind = strawberry.field(description="What it does.")
    percent: Decimal | None = strawberry.field(description="In percent; null is 100 where a kind takes it.")
    amount: MoneyAmount | None = strawberry.field(description="Money off, of each unit for `PER_UNIT`.")
    cap: MoneyAmount | None = strawberry.field(description="The most that it takes off.")
    basis: domain.Basis = strawberry.field(description="Of what the percentage is taken.")
    rounding: domain.DiscountRounding = strawberry.field(description="Where the percentage is rounded, half-up.")
    buy_units: int | None = strawberry.field(
        description="The x of buy-x-get-y, the n of n-for-m, and how many there must be for the cheapest."
    )
    get_units: int | None = strawberry.field(description="The y of buy-x-get-y, and how many are free or cheaper.")
    pay_units: int | None = strawberry.field(description="The m of n-for-m.")
    times_max: int | None = strawberry.field(description="How often it counts at most in one cart.")
    units_max: int | None = strawberry.field(description="How many units it reaches at most.")
    picks: domain.Picks = strawberry.field(description="Which units are taken first.")
    target: CouponScope | None = strawberry.field(description="What is given; null for what is bought itself.")
    steps: list[CouponStep] = strawberry.field(description="Its steps, from the lowest up.")
    is_repeated: bool = strawberry.field(
        description="Whether the only step counts once for every time that it is reached."
    )

    @classmethod
    def from_domain(cls, benefit: domain.Benefit, currency: str | None) -> Self:
        """The benefit as clients see it."""
        return cls(
            kind=benefit.kind,
            percent=benefit.percent,
            amount=_money(benefit.amount_minor, currency),
            cap=_money(benefit.cap_minor, currency),
            basis=benefit.basis,
            rounding=benefit.rounding,
            buy_units=benefit.buy_units,
            get_units=benefit.get_units,
            pay_units=benefit.pay_units,
            times_max=benefit.times_max,
            units_max=benefit.units_max,
            picks=benefit.picks,
            target=CouponScope.from_domain(benefit.target) if benefit.target else None,
            steps=[
                CouponStep(
                    from_amount=_money(step.from_minor, currency),
                    from_quantity=step.from_quantity,
                    percent=step.percent,
                    amount=_money(step.amount_minor, currency),
                )
                for step in benefit.steps
            ],
            is_repeated=benefit.is_repeated,
        )


@strawberry.type(description="What a coupon says.")
class CouponTerms:
    name: LocalizedTextType = strawberry.field(description="What members read.")
    description: LocalizedTextType = strawberry.field(description="What members read below the name; may be empty.")
    benefit: CouponBenefit = strawberry.field(description="What it gives.")
    currency: Currency | None = strawberry.field(
        description="Of all its amounts: a cart in another one never qualifies. Null where nothing in it is money."
    )
    scope: CouponScope = strawberry.field(description="On which lines.")
    minimum: CouponMinimum = strawberry.field(description="From which order on.")
    category: str = strawberry.field(description="What it is among coupons; may be empty.")
    priority: int = strawberry.field(description="Its place among others, the lower the earlier.")
    exclusivity: domain.Exclusivity = strawberry.field(description="Beside which coupons it can be used.")
    begins_at: datetime | None = strawberry.field(description="From when on it counts; null: always has.")
    ends_at: datetime | None = strawberry.field(description="From when on it counts no more; null: never.")
    valid_days: int | None = strawberry.field(
        description="For how many days a member's coupon counts; null: as long as its kind."
    )
    uses_per_member: int | None = strawberry.field(
        description="How often one member may use coupons of this kind; null without limit."
    )

    @classmethod
    def from_domain(cls, content: domain.CouponContent) -> Self:
        """The content as clients see it."""
        minimum = content.minimum
        return cls(
            name=LocalizedTextType(en=content.name_en, zh=content.name_zh),
            description=LocalizedTextType(en=content.description_en, zh=content.description_zh),
            benefit=CouponBenefit.from_domain(content.benefit, content.currency),
            currency=Currency(content.currency) if content.currency else None,
            scope=CouponScope.from_domain(content.scope),
            minimum=CouponMinimum(
                amount=_money(minimum.amount_minor, content.currency),
                quantity=minimum.quantity,
                on=minimum.on,
                price=minimum.price,
                is_after_discounts=minimum.is_after_discounts,
                is_inclusive=minimum.is_inclusive,
            ),
            category=content.category,
            priority=content.priority,
            exclusivity=content.exclusivity,
            begins_at=content.begins_at,
            ends_at=content.ends_at,
            valid_days=content.valid_days,
            uses_per_member=content.uses_per_member,
        )


def _money(minor: int | None, currency: str | None) -> MoneyAmount | None:
    return None if minor is None or currency is None else MoneyAmount.from_domain(Money(minor, currency))
