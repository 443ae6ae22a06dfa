"""Purchases and refunds as clients see them."""

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Self
from uuid import UUID

import strawberry

from services.gateway.graphql.fields import Info, guarded
from services.gateway.graphql.ids import encode
from services.gateway.graphql.members.references import CustomFieldValue
from services.gateway.graphql.money import MoneyAmount
from services.gateway.graphql.nodes import Node
from services.gateway.graphql.permissions import INHERITED, of_member
from services.gateway.graphql.purchases.loaders import (
    accruals_by_key,
    lines_by_key,
    parts_by_refund,
    purchases_by_key,
    refunds_by_purchase,
)
from services.gateway.graphql.scalars import JsonDocument, Points
from services.gateway.graphql.stores.types import Store, load_store
from services.loyalty.purchases import domain
from services.platform.auth.domain import Scope
from services.platform.money import Money

if TYPE_CHECKING:
    from services.gateway.graphql.after_sales.types import Case
    from services.gateway.graphql.members.types import Member

LAZY_CASE = strawberry.lazy("services.gateway.graphql.after_sales.types")
LAZY_MEMBER = strawberry.lazy("services.gateway.graphql.members.types")


@strawberry.type(description="A part of what was paid, by one means.")
class Tender:
    kind: domain.TenderKind = strawberry.field(description="What was paid with.")
    amount: MoneyAmount = strawberry.field(description="How much was paid so.")


@strawberry.type(description="One line of a purchase.")
class PurchaseLine:
    position: int = strawberry.field(description="Its place in the purchase, from 1.")
    sku: str = strawberry.field(description="The merchant's number of the product.")
    name: str | None = strawberry.field(description="What the product is called.")
    category: list[str] = strawberry.field(description="The product's category, from the root of the merchant's tree.")
    quantity: Decimal = strawberry.field(description="How much was bought.")
    amount: MoneyAmount = strawberry.field(description="For the whole quantity, before discounts; may be negative.")
    discount: MoneyAmount = strawberry.field(description="The line's own discount.")
    net: MoneyAmount = strawberry.field(
        description="What was paid: less the line's discount and its share of the order's."
    )
    points: Points = strawberry.field(description="Its share of what the purchase earned.")
    returned_quantity: Decimal = strawberry.field(description="How much of it came back.")
    product: str | None = strawberry.field(description="The article's product, as of all sizes of a shirt.")
    tax: MoneyAmount = strawberry.field(description="The tax on what was paid for it.")

    @classmethod
    def from_domain(cls, line: domain.Line, currency: str) -> Self:
        """The line as clients see it."""
        return cls(
            position=line.position,
            sku=line.sku,
            name=line.name,
            category=list(line.category),
            quantity=line.quantity,
            amount=MoneyAmount.from_domain(Money(line.amount_minor, currency)),
            discount=MoneyAmount.from_domain(Money(line.discount_minor, currency)),
            net=MoneyAmount.from_domain(Money(line.net_minor, currency)),
            points=Points(line.points),
            returned_quantity=line.returned_quantity,
            product=line.product,
            tax=MoneyAmount.from_domain(Money(line.tax_minor or 0, currency)),
        )


@strawberry.type(description="What one rule of the program gave for a purchase.")
class Accrual:
    rule_id: str = strawberry.field(description="The rule's id in the program document.")
    points: Points = strawberry.field(description="What it gave at first.")
    standing: Points = strawberry.field(description="What stands of it after refunds.")

    @classmethod
    def from_domain(cls, accrual: domain.Accrual) -> Self:
        """The accrual as clients see it."""
        return cls(rule_id=accrual.rule_id, points=Points(accrual.points), standing=Points(accrual.standing))


@strawberry.type(description="How much of a line one refund took back.")
class RefundedLine:
    position: int = strawberry.field(description="The line's place in the purchase.")
    quantity: Decimal = strawberry.field(description="How much came back.")
    amount: MoneyAmount = strawberry.field(description="What was given back for it.")


@strawberry.type(description="The taking back of a part or the whole of a purchase.")
class Refund(Node):
    source: str = strawberry.field(description="The system that told of it.")
    external_id: str = strawberry.field(description="Its number in that system.")
    amount: MoneyAmount = strawberry.field(description="What was given back.")
    points_taken_back: Points = strawberry.field(description="The points that were taken back.")
    shortfall: Points = strawberry.field(
        description="Points that should have come back and had been spent; tried again by the purchase's next refund."
    )
    reason: str | None = strawberry.field(description="Why.")
    occurred_at: datetime = strawberry.field(description="When it happened.")
    recorded_at: datetime = strawberry.field(description="When it was written down.")
    key: strawberry.Private[UUID]
    purchase_key: strawberry.Private[UUID]
    currency_code: strawberry.Private[str]

    @guarded(access=INHERITED, description="What came back by line; empty when an amount was given back.")
    async def lines(self, info: Info) -> list[RefundedLine]:
        """The lines that came back."""
        parts = await info.context.load(parts_by_refund, self.key) or ()
        return [
            RefundedLine(
                position=part.position,
                quantity=part.quantity,
                amount=MoneyAmount.from_domain(Money(part.amount_minor, self.currency_code)),
            )
            for part in parts
        ]

    @guarded(access=INHERITED, description="The purchase that it takes back.")
    async def purchase(self, info: Info) -> Annotated["Purchase", strawberry.lazy(__name__)] | None:
        """The purchase."""
        return await load_purchase(info, self.purchase_key)

    @classmethod
    def from_domain(cls, refund: domain.Refund, currency: str) -> Self:
        """The refund as clients see it."""
        return cls(
            id=encode("Refund", refund.id),
            source=refund.source,
            external_id=refund.external_id,
            amount=MoneyAmount.from_domain(Money(refund.refunded_minor, currency)),
            points_taken_back=Points(refund.points_taken_back),
            shortfall=Points(refund.shortfall),
            reason=refund.reason,
            occurred_at=refund.occurred_at,
            recorded_at=refund.recorded_at,
            key=refund.id,
            purchase_key=refund.purchase_id,
            currency_code=currency,
        )


@strawberry.type(description="What was bought: evidence, kept also when it earned nothing.")
class Purchase(Node):
    source: str = strawberry.field(description="The system that told of it.")
    external_id: str = strawberry.field(description="Its number in that system, unique there.")
    channel: str = strawberry.field(description="How it was bought, such as `store` or `online`.")
    total: MoneyAmount = strawberry.field(description="What was paid.")
    discount: MoneyAmount = strawberry.field(description="What the order as a whole was reduced by.")
    refunded: MoneyAmount = strawberry.field(description="What was given back so far.")
    points: Points = strawberry.field(description="What it earned at first.")
    points_taken_back: Points = strawberry.field(description="What refunds took back of it.")
    shortfall: Points = strawberry.field(description="What refunds should have taken back and did not find.")
    occurred_at: datetime = strawberry.field(description="When it was bought.")
    recorded_at: datetime = strawberry.field(description="When it was written down.")
    shipping: MoneyAmount = strawberry.field(description="What was paid for shipping, beyond the total.")
    prices_include_tax: bool = strawberry.field(description="Whether the amounts of the lines hold their tax.")
    tenders: list[Tender] = strawberry.field(description="What it was paid with, as far as that was told.")
    codes: list[str] = strawberry.field(description="The codes that were entered, in upper case.")
    staff: str | None = strawberry.field(description="Who served, by the merchant's own code.")
    fields: list[CustomFieldValue] = strawberry.field(
        description="The merchant's own fields that have a value, in the order of their codes."
    )
    voided_at: datetime | None = strawberry.field(description="When it was voided: it had never been meant.")
    amended_at: datetime | None = strawberry.field(description="When it was last rung up anew.")
    claimed_at: datetime | None = strawberry.field(description="When a member came with the receipt of a guest.")
    key: strawberry.Private[UUID]
    member_key: strawberry.Private[UUID | None]
    store_key: strawberry.Private[UUID]
    currency_code: strawberry.Private[str]

    @guarded(access=of_member(Scope.MEMBERS_READ, key="member_key"), description="Who bought; null for a guest.")
    async def member(self, info: Info) -> Annotated["Member", LAZY_MEMBER] | None:
        """The buyer."""
        from services.gateway.graphql.members.types import load_member  # noqa: PLC0415  the two types name each other

        return await load_member(info, self.member_key)

    @guarded(access=INHERITED, description="Where it was bought.")
    async def store(self, info: Info) -> Store | None:
        """The store."""
        return await load_store(info, self.store_key)

    @guarded(access=INHERITED, description="What was bought, line by line.")
    async def lines(self, info: Info) -> list[PurchaseLine]:
        """The lines."""
        lines = await info.context.load(lines_by_key, self.key) or ()
        return [PurchaseLine.from_domain(line, self.currency_code) for line in lines]

    @guarded(access=INHERITED, description="What each rule gave for it.")
    async def accruals(self, info: Info) -> list[Accrual]:
        """The accruals."""
        return [Accrual.from_domain(accrual) for accrual in await info.context.load(accruals_by_key, self.key) or ()]

    @guarded(access=INHERITED, description="Its refunds, oldest first.")
    async def refunds(self, info: Info) -> list[Refund]:
        """The refunds."""
        refunds = await info.context.load(refunds_by_purchase, self.key) or ()
        return [Refund.from_domain(refund, self.currency_code) for refund in refunds]

    @guarded(access=INHERITED, description="What was wanted about it after the sale and you may see, oldest first.")
    async def cases(self, info: Info) -> list[Annotated["Case", LAZY_CASE]]:
        """The cases."""
        from services.gateway.graphql.after_sales.types import purchase_cases  # noqa: PLC0415  the types name each other

        return await purchase_cases(info, self.key)

    @classmethod
    def from_domain(cls, purchase: domain.Purchase) -> Self:
        """The purchase as clients see it."""
        told = purchase.told
        return cls(
            id=encode("Purchase", purchase.id),
            source=purchase.source,
            external_id=purchase.external_id,
            channel=purchase.channel,
            total=MoneyAmount.from_domain(Money(purchase.total_minor, purchase.currency)),
            discount=MoneyAmount.from_domain(Money(purchase.discount_minor, purchase.currency)),
            refunded=MoneyAmount.from_domain(Money(purchase.refunded_minor, purchase.currency)),
            points=Points(purchase.points),
            points_taken_back=Points(purchase.points_taken_back),
            shortfall=Points(purchase.shortfall),
            occurred_at=purchase.occurred_at,
            recorded_at=purchase.recorded_at,
            shipping=MoneyAmount.from_domain(Money(told.shipping_minor, purchase.currency)),
            prices_include_tax=told.prices_include_tax,
            tenders=[
                Tender(kind=each.kind, amount=MoneyAmount.from_domain(Money(each.amount_minor, purchase.currency)))
                for each in told.tenders
            ],
            codes=list(told.codes),
            staff=told.staff,
            fields=[
                CustomFieldValue(code=code, value=JsonDocument(value)) for code, value in sorted(told.fields.items())
            ],
            voided_at=purchase.voided_at,
            amended_at=purchase.amended_at,
            claimed_at=purchase.claimed_at,
            key=purchase.id,
            member_key=purchase.member_id,
            store_key=purchase.store_id,
            currency_code=purchase.currency,
        )


@strawberry.type(description="A member left one tier for another.")
class TierChange:
    from_tier: str = strawberry.field(description="The code of the tier before.")
    to_tier: str = strawberry.field(description="The code of the tier after.")


def tier_change(from_tier: str | None, to_tier: str | None) -> TierChange | None:
    """The change of tier, if there was one."""
    return TierChange(from_tier=from_tier, to_tier=to_tier) if from_tier and to_tier else None


async def load_purchase(info: Info, purchase_id: UUID) -> Purchase | None:
    """A purchase by key, in one batch with others."""
    purchase = await info.context.load(purchases_by_key, purchase_id)
    return Purchase.from_domain(purchase) if purchase else None
