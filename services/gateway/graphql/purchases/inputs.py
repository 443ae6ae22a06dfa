"""What a till sends."""

from decimal import Decimal
from uuid import UUID

import strawberry

from services.gateway.graphql.ids import decode
from services.gateway.graphql.members.references import CustomFieldInput, field_values
from services.gateway.graphql.money import to_minor
from services.loyalty.earning.domain import AmountRefund, FullRefund, LineRefund, RefundRequest, ReturnedLine
from services.loyalty.purchases.domain import BoughtLine, PurchaseRef, Tender, TenderKind, Told
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
    product: str | None = strawberry.field(
        default=None, description="The product that the article belongs to, as all sizes of a shirt do."
    )
    tax: Decimal = strawberry.field(
        default=Decimal(0), description="The tax on what was paid for it; `pricesIncludeTax` says where it is counted."
    )


@strawberry.input(description="One payment of a purchase.")
class TenderInput:
    kind: TenderKind = strawberry.field(description="What was paid with.")
    amount: Decimal = strawberry.field(description="How much, in major units of the purchase's currency.")


@strawberry.input(description="What else a till may tell of a sale.")
class SaleInput:
    discount: Decimal = strawberry.field(
        default=Decimal(0),
        description="What the order as a whole is reduced by, beyond the discounts of its lines, in major units.",
    )
    channel: str = strawberry.field(default="store", description="How it is bought, such as `store` or `online`.")
    prices_include_tax: bool = strawberry.field(
        default=True, description="Whether the tax of lines is a part of their amounts; else it comes on top."
    )
    shipping: Decimal = strawberry.field(
        default=Decimal(0), description="What delivery costs, in major units; not among the lines nor in the total."
    )
    tenders: list[TenderInput] = strawberry.field(
        default_factory=list,
        description="What was paid with. What was paid with points earns nothing; stored value is like cash.",
    )
    codes: list[str] = strawberry.field(
        default_factory=list, description="The codes that were entered, compared in upper case."
    )
    staff: str | None = strawberry.field(default=None, description="Who served, by the merchant's own code.")
    fields: list[CustomFieldInput] = strawberry.field(
        default_factory=list, description="Values of the fields that the program declares for purchases."
    )

    def to_told(self, currency: str) -> Told:
        """What it tells.

        Raises:
            InvalidInput: an amount has more digits than the currency, or a field is there twice.
        """
        given = field_values(self.fields)
        return Told(
            shipping_minor=to_minor(self.shipping, currency, field="shipping"),
            prices_include_tax=self.prices_include_tax,
            tenders=tuple(
                Tender(tender.kind, to_minor(tender.amount, currency, field=f"tenders.{index}.amount"))
                for index, tender in enumerate(self.tenders)
            ),
            codes=tuple(self.codes),
            staff=self.staff,
            fields={code: value for code, value in given.items() if value is not None},
        )


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
            product=line.product,
            tax_minor=to_minor(line.tax, currency, field=f"lines.{index}.tax"),
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
