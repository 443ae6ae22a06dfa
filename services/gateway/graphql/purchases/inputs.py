"""What a till sends."""

from decimal import Decimal
from uuid import UUID

import strawberry

from services.gateway.graphql.ids import decode
from services.gateway.graphql.money import to_minor
from services.loyalty.earning.domain import AmountRefund, FullRefund, LineRefund, RefundRequest, ReturnedLine
from services.loyalty.purchases.domain import BoughtLine, PurchaseRef
from services.platform.errors import InvalidInput


@strawberry.input(description="One line of a receipt.")
class PurchaseLineInput:
    sku: str = strawberry.field(description="The merchant's number of the product.")
    quantity: Decimal = strawberry.field(description="How much was bought, up to 4 decimals.")
    amount: Decimal = strawberry.field(
        description="For the whole quantity, before discounts, in major units of the purchase's currency. It may be"
        " negative (a deposit given back) and then has no discount."
    )
    discount: Decimal = strawberry.field(default=Decimal(0), description="The line's own discount.")
    category: list[str] = strawberry.field(
        default_factory=list, description="The product's category, from the root of the merchant's tree."
    )
    name: str | None = strawberry.field(default=None, description="What the product is called.")


def to_lines(lines: list[PurchaseLineInput], currency: str) -> tuple[BoughtLine, ...]:
    """The lines with their amounts in minor units.

    Raises:
        InvalidInput: an amount has more digits than the currency.
    """
    return tuple(
        BoughtLine(
            sku=line.sku,
            quantity=line.quantity,
            amount_minor=to_minor(line.amount, currency, field=f"lines.{index}.amount"),
            discount_minor=to_minor(line.discount, currency, field=f"lines.{index}.discount"),
            category=tuple(line.category),
            name=line.name,
        )
        for index, line in enumerate(lines)
    )


@strawberry.input(description="A purchase by its number in the system that told of it.")
class ExternalPurchaseInput:
    source: str = strawberry.field(description="The system.")
    external_id: str = strawberry.field(description="The purchase's number there.")


@strawberry.input(one_of=True, description="A purchase by id or by its external number. Exactly one field.")
class PurchaseReferenceInput:
    id: strawberry.Maybe[strawberry.ID] = strawberry.field(description="The purchase's id.")
    external: strawberry.Maybe[ExternalPurchaseInput] = strawberry.field(description="The purchase's external number.")

    def to_ref(self, *, field: str) -> UUID | PurchaseRef:
        """The purchase that it names: a UUID or a `PurchaseRef`."""
        if self.id:
            return decode("Purchase", self.id.value, field=f"{field}.id")
        if self.external:
            return PurchaseRef(source=self.external.value.source, external_id=self.external.value.external_id)
        raise InvalidInput(field=field, reason="NOTHING_GIVEN")


@strawberry.input(description="How much of a line comes back.")
class ReturnedLineInput:
    position: int = strawberry.field(description="The line's place in the purchase, from 1.")
    quantity: Decimal = strawberry.field(description="How much of it comes back.")


@strawberry.input(one_of=True, description="What is refunded. Exactly one field.")
class RefundOfInput:
    everything: strawberry.Maybe[bool] = strawberry.field(description="`true`: all that is left of the purchase.")
    lines: strawberry.Maybe[list[ReturnedLineInput]] = strawberry.field(description="Quantities of some lines.")
    amount: strawberry.Maybe[Decimal] = strawberry.field(
        description="An amount of money, without naming lines, in major units of the purchase's currency."
    )

    def to_request(self, currency: str) -> RefundRequest:
        """The refund that it asks for.

        Raises:
            InvalidInput: ``everything`` is false, or an amount has more digits than the currency.
        """
        if self.lines:
            lines = self.lines.value
            return LineRefund(tuple(ReturnedLine(position=line.position, quantity=line.quantity) for line in lines))
        if self.amount:
            return AmountRefund(to_minor(self.amount.value, currency, field="refund.amount"))
        if self.everything and self.everything.value:
            return FullRefund()
        raise InvalidInput(field="refund", reason="NOTHING_GIVEN")
