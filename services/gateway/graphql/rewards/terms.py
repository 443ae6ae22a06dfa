"""On which terms a reward can be had, as clients tell and see them."""

from datetime import datetime
from decimal import Decimal
from typing import Self

import strawberry

from services.gateway.graphql.ids import decode_optional
from services.gateway.graphql.money import MoneyAmount, to_minor
from services.gateway.graphql.scalars import Currency, Points, WholeNumber
from services.loyalty.rewards import domain
from services.platform.errors import InvalidInput
from services.platform.money import Money


@strawberry.input(description="What members of a tier pay instead of the price for everybody.")
class RewardTierPriceInput:
    tier: str = strawberry.field(description="The tier's code.")
    points: Points = strawberry.field(description="What a pack costs them in points, above zero.")
    money: Decimal | None = strawberry.field(default=None, description="And in money, in major units.")


@strawberry.input(description="How many pieces a member may have within one calendar period.")
class RewardLimitInput:
    period: domain.LimitPeriod = strawberry.field(description="The period, by the program's calendar.")
    quantity: int = strawberry.field(description="The most, 1 to 1000.")


@strawberry.input(
    description="On which terms a reward can be had. What is left out does not restrict. Given whole: an edit replaces "
    "all of it."
)
class RewardTermsInput:
    money_cost: Decimal | None = strawberry.field(
        default=None, description="What a pack costs in money beside its points, in major units; the till takes it."
    )
    currency: Currency | None = strawberry.field(default=None, description="Of all money of this reward.")
    tier_prices: list[RewardTierPriceInput] = strawberry.field(
        default_factory=list, description="Prices for members of some tiers."
    )
    pack_size: int = strawberry.field(default=1, description="How many pieces one price buys; packs are never opened.")
    limits: list[RewardLimitInput] = strawberry.field(
        default_factory=list, description="How much one member may have, once per period."
    )
    available_from: datetime | None = strawberry.field(default=None, description="From when on it can be had.")
    available_until: datetime | None = strawberry.field(default=None, description="From when on it can't any more.")
    tiers: list[str] = strawberry.field(default_factory=list, description="Only for members of these tiers, by code.")
    tags: list[str] = strawberry.field(default_factory=list, description="Only for members with one of these tags.")
    stores: list[str] = strawberry.field(
        default_factory=list, description="Only redeemed or picked up at these stores, by code."
    )
    is_member_only: bool = strawberry.field(
        default=False, description="Whether only members are shown it, and not everybody who passes."
    )
    images: list[str] = strawberry.field(
        default_factory=list,
        description="Addresses of pictures, the first one first; 8 at most. Each is https, or the path of a picture"
        " that every gateway serves, such as `/w/pictures/coffee.svg`.",
    )
    category: list[str] = strawberry.field(
        default_factory=list,
        description="Where it stands in the catalogue, from the widest to the narrowest; 5 at most.",
    )
    position: int = strawberry.field(default=0, description="Its place in the order of the catalogue, lowest first.")
    budget_id: strawberry.ID | None = strawberry.field(
        default=None, description="The budget that pays: its points, one unit a piece, and the money that pieces cost."
    )
    unit_cost: Decimal | None = strawberry.field(
        default=None, description="What one piece costs you, in major units, for the budget; members do not see it."
    )
    coupon_definition_id: strawberry.ID | None = strawberry.field(
        default=None, description="Of a coupon: which one is given."
    )

    def to_domain(self) -> domain.RewardTerms:
        """The terms that it tells."""
        return domain.RewardTerms(
            money_minor=self._minor(self.money_cost, "moneyCost") or 0,
            currency=self.currency,
            tier_prices=tuple(
                domain.TierPrice(
                    each.tier, domain.Price(each.points, self._minor(each.money, f"tierPrices.{index}.money") or 0)
                )
                for index, each in enumerate(self.tier_prices)
            ),
            pack_size=self.pack_size,
            limits=tuple(domain.RewardLimit(each.period, each.quantity) for each in self.limits),
            available_from=self.available_from,
            available_until=self.available_until,
            tiers=tuple(self.tiers),
            tags=tuple(self.tags),
            stores=tuple(self.stores),
            is_member_only=self.is_member_only,
            images=tuple(self.images),
            category=tuple(self.category),
            position=self.position,
            budget_id=decode_optional("Budget", self.budget_id, field="budgetId"),
            unit_cost_minor=self._minor(self.unit_cost, "unitCost"),
            coupon_definition_id=decode_optional(
                "CouponDefinition", self.coupon_definition_id, field="couponDefinitionId"
            ),
        )

    def _minor(self, amount: Decimal | None, field: str) -> int | None:
        if amount is None:
            return None
        if self.currency is None:
            raise InvalidInput(field="currency", reason="REQUIRED")
        return to_minor(amount, self.currency, field=field)


@strawberry.type(description="What a pack of a reward costs.")
class RewardPrice:
    points: Points = strawberry.field(description="In points.")
    money: MoneyAmount | None = strawberry.field(description="And in money, taken by the till; null for points alone.")

    @classmethod
    def from_domain(cls, price: domain.Price, currency: str | None) -> Self:
        """The price as clients see it."""
        is_paid = price.money_minor > 0 and currency is not None
        money = MoneyAmount.from_domain(Money(price.money_minor, currency or "")) if is_paid else None
        return cls(points=Points(price.points), money=money)


@strawberry.type(description="What members of a tier pay instead.")
class RewardTierPrice:
    tier: str = strawberry.field(description="The tier's code.")
    price: RewardPrice = strawberry.field(description="What a pack costs them.")


@strawberry.type(description="How many pieces a member may have within one calendar period.")
class RewardLimit:
    period: domain.LimitPeriod = strawberry.field(description="The period, by the program's calendar.")
    quantity: WholeNumber = strawberry.field(description="The most.")


@strawberry.type(description="On which terms a reward can be had. Empty lists do not restrict.")
class RewardTerms:
    price: RewardPrice = strawberry.field(description="What a pack costs whoever has no price of their own.")
    tier_prices: list[RewardTierPrice] = strawberry.field(description="What members of some tiers pay instead.")
    pack_size: int = strawberry.field(description="How many pieces one price buys; packs are never opened.")
    limits: list[RewardLimit] = strawberry.field(description="How much one member may have.")
    available_from: datetime | None = strawberry.field(description="From when on it can be had; null: always could.")
    available_until: datetime | None = strawberry.field(description="From when on it can't any more; null: never.")
    tiers: list[str] = strawberry.field(description="Only for members of these tiers, by code.")
    tags: list[str] = strawberry.field(description="Only for members with one of these tags.")
    stores: list[str] = strawberry.field(description="Only redeemed or picked up at these stores, by code.")
    is_member_only: bool = strawberry.field(description="Whether only members are to be shown it.")
    images: list[str] = strawberry.field(
        description="Addresses of pictures, or paths on this gateway, the first one first."
    )
    category: list[str] = strawberry.field(description="Where it stands in the catalogue, from the widest.")
    position: int = strawberry.field(description="Its place in the order of the catalogue, lowest first.")

    @classmethod
    def from_domain(cls, content: domain.RewardContent) -> Self:
        """The terms as clients see them."""
        terms = content.terms
        base = domain.Price(content.cost_points, terms.money_minor)
        return cls(
            price=RewardPrice.from_domain(base, terms.currency),
            tier_prices=[
                RewardTierPrice(tier=each.tier, price=RewardPrice.from_domain(each.price, terms.currency))
                for each in terms.tier_prices
            ],
            pack_size=terms.pack_size,
            limits=[RewardLimit(period=each.period, quantity=WholeNumber(each.quantity)) for each in terms.limits],
            available_from=terms.available_from,
            available_until=terms.available_until,
            tiers=list(terms.tiers),
            tags=list(terms.tags),
            stores=list(terms.stores),
            is_member_only=terms.is_member_only,
            images=list(terms.images),
            category=list(terms.category),
            position=terms.position,
        )
