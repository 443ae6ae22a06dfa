"""What a merchant says of a kind of coupon."""

from datetime import datetime
from decimal import Decimal

import strawberry

from services.gateway.graphql.ids import decode_optional
from services.gateway.graphql.money import to_minor
from services.gateway.graphql.scalars import Currency
from services.gateway.graphql.text import LocalizedTextInput
from services.loyalty.coupons import domain
from services.platform.errors import InvalidInput


@strawberry.input(
    description="Lines of a cart: those with a named SKU or product or below a named category; all where nothing is "
    "named. At most 500 names."
)
class CouponScopeInput:
    skus: list[str] = strawberry.field(default_factory=list, description="SKUs.")
    products: list[str] = strawberry.field(default_factory=list, description="Products.")
    categories: list[list[str]] = strawberry.field(
        default_factory=list, description="Category paths, each from the widest on; what lies below them is inside."
    )
    excluded_skus: list[str] = strawberry.field(default_factory=list, description="SKUs that are never inside.")
    excluded_products: list[str] = strawberry.field(default_factory=list, description="Products that are never inside.")
    excluded_categories: list[list[str]] = strawberry.field(
        default_factory=list, description="Category paths that are never inside, with all below them."
    )

    def to_domain(self) -> domain.Scope:
        """The scope that it tells."""
        return domain.Scope(
            skus=frozenset(self.skus),
            products=frozenset(self.products),
            categories=tuple(tuple(path) for path in self.categories),
            excluded_skus=frozenset(self.excluded_skus),
            excluded_products=frozenset(self.excluded_products),
            excluded_categories=tuple(tuple(path) for path in self.excluded_categories),
        )


@strawberry.input(description="From which order on a coupon counts.")
class CouponMinimumInput:
    amount: Decimal | None = strawberry.field(default=None, description="An amount, in major units.")
    quantity: Decimal | None = strawberry.field(default=None, description="A quantity.")
    on: domain.MeasuredOn = strawberry.field(default=domain.MeasuredOn.SCOPE, description="Of which lines.")
    price: domain.PriceBasis = strawberry.field(default=domain.PriceBasis.GROSS, description="With or without tax.")
    is_after_discounts: bool = strawberry.field(
        default=True, description="Whether the coupons that counted before it lower what is compared."
    )
    is_inclusive: bool = strawberry.field(default=True, description="Whether the minimum itself is enough.")

    def to_domain(self, currency: str | None) -> domain.Minimum:
        """The minimum that it tells."""
        return domain.Minimum(
            amount_minor=_minor(self.amount, currency, field="minimum.amount"),
            quantity=self.quantity,
            on=self.on,
            price=self.price,
            is_after_discounts=self.is_after_discounts,
            is_inclusive=self.is_inclusive,
        )


@strawberry.input(description="From an amount or a quantity on: a percentage or an amount. One of each pair.")
class CouponStepInput:
    from_amount: Decimal | None = strawberry.field(default=None, description="From this amount on, in major units.")
    from_quantity: Decimal | None = strawberry.field(default=None, description="From this quantity on.")
    percent: Decimal | None = strawberry.field(default=None, description="Over 0 and at most 100.")
    amount: Decimal | None = strawberry.field(default=None, description="Money off, in major units.")

    def to_domain(self, currency: str | None) -> domain.Step:
        """The step that it tells."""
        return domain.Step(
            from_minor=_minor(self.from_amount, currency, field="benefit.steps.fromAmount"),
            from_quantity=self.from_quantity,
            percent=self.percent,
            amount_minor=_minor(self.amount, currency, field="benefit.steps.amount"),
        )


@strawberry.input(description="What a coupon gives. A field that its kind does not take is refused.")
class CouponBenefitInput:
    kind: domain.BenefitKind = strawberry.field(description="What it does.")
    percent: Decimal | None = strawberry.field(
        default=None,
        description="Over 0 and at most 100, up to 4 decimals; 100 where a kind takes it and none is given.",
    )
    amount: Decimal | None = strawberry.field(
        default=None, description="Money off, of each unit for `PER_UNIT`; in major units."
    )
    cap: Decimal | None = strawberry.field(default=None, description="The most that it takes off, in major units.")
    basis: domain.Basis = strawberry.field(
        default=domain.Basis.REMAINING, description="Of what the percentage is taken."
    )
    rounding: domain.DiscountRounding = strawberry.field(
        default=domain.DiscountRounding.ORDER, description="Where the percentage is rounded, half-up."
    )
    buy_units: int | None = strawberry.field(
        default=None,
        description="The x of buy-x-get-y, the n of n-for-m, and how many there must be for the cheapest; 1 to 1000.",
    )
    get_units: int | None = strawberry.field(
        default=None, description="The y of buy-x-get-y, and how many are free or cheaper; 1 to 1000."
    )
    pay_units: int | None = strawberry.field(default=None, description="The m of n-for-m, below n.")
    times_max: int | None = strawberry.field(default=None, description="How often it counts at most in one cart.")
    units_max: int | None = strawberry.field(default=None, description="How many units it reaches at most.")
    picks: domain.Picks = strawberry.field(default=domain.Picks.CHEAPEST, description="Which units are taken first.")
    target: CouponScopeInput | None = strawberry.field(
        default=None, description="Of buy-x-get-y: what is given; null for what is bought itself."
    )
    steps: list[CouponStepInput] = strawberry.field(
        default_factory=list, description="Of `STEPPED`: up to 20, all from amounts or all from quantities."
    )
    is_repeated: bool = strawberry.field(
        default=False, description="Whether the only step counts once for every time that it is reached."
    )

    def to_domain(self, currency: str | None) -> domain.Benefit:
        """The benefit that it tells."""
        return domain.Benefit(
            kind=self.kind,
            percent=self.percent,
            amount_minor=_minor(self.amount, currency, field="benefit.amount"),
            cap_minor=_minor(self.cap, currency, field="benefit.cap"),
            basis=self.basis,
            rounding=self.rounding,
            buy_units=self.buy_units,
            get_units=self.get_units,
            pay_units=self.pay_units,
            times_max=self.times_max,
            units_max=self.units_max,
            picks=self.picks,
            target=self.target.to_domain() if self.target else None,
            steps=tuple(step.to_domain(currency) for step in self.steps),
            is_repeated=self.is_repeated,
        )


@strawberry.input(description="What a kind of coupon says, whole.")
class CouponTermsInput:
    name: LocalizedTextInput = strawberry.field(description="What members read, 1 to 200 characters.")
    benefit: CouponBenefitInput = strawberry.field(description="What it gives.")
    description: LocalizedTextInput | None = strawberry.field(
        default=None, description="What members read below the name, up to 2,000 characters."
    )
    currency: Currency | None = strawberry.field(
        default=None, description="Of all its amounts; a cart in another one never qualifies. Needed with money."
    )
    scope: CouponScopeInput | None = strawberry.field(default=None, description="On which lines; null for all.")
    minimum: CouponMinimumInput | None = strawberry.field(default=None, description="From which order on.")
    category: str = strawberry.field(
        default="", description="What it is among coupons, such as `season`, up to 64 characters."
    )
    priority: int = strawberry.field(default=0, description="Its place among others, the lower the earlier; 0 or more.")
    exclusivity: domain.Exclusivity = strawberry.field(
        default=domain.Exclusivity.NONE, description="Beside which coupons it can be used."
    )
    begins_at: datetime | None = strawberry.field(default=None, description="From when on it counts; null: now.")
    ends_at: datetime | None = strawberry.field(
        default=None, description="From when on it counts no more; null: never."
    )
    valid_days: int | None = strawberry.field(
        default=None,
        description="For how many days a member's coupon counts from when it is given, up to the end of the last day "
        "in the program's zone; null: as long as its kind.",
    )
    uses_per_member: int | None = strawberry.field(
        default=None, description="How often one member may use coupons of this kind; null without limit."
    )
    budget_id: strawberry.ID | None = strawberry.field(default=None, description="The budget that pays for it.")

    def to_domain(self) -> domain.CouponContent:
        """The content that it tells."""
        description = self.description or LocalizedTextInput(en="", zh="")
        return domain.CouponContent(
            name_en=self.name.en,
            name_zh=self.name.zh,
            description_en=description.en,
            description_zh=description.zh,
            benefit=self.benefit.to_domain(self.currency),
            currency=self.currency,
            scope=self.scope.to_domain() if self.scope else domain.Scope(),
            minimum=self.minimum.to_domain(self.currency) if self.minimum else domain.Minimum(),
            category=self.category,
            priority=self.priority,
            exclusivity=self.exclusivity,
            begins_at=self.begins_at,
            ends_at=self.ends_at,
            valid_days=self.valid_days,
            uses_per_member=self.uses_per_member,
            budget_id=decode_optional("Budget", self.budget_id, field="terms.budgetId"),
        )


def _minor(amount: Decimal | None, currency: str | None, *, field: str) -> int | None:
    if amount is None:
        return None
    if currency is None:
        raise InvalidInput(field="currency", reason="REQUIRED")
    return to_minor(amount, currency, field=field)
