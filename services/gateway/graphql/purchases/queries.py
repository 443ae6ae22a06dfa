"""Reading purchases, and quoting carts."""

from decimal import Decimal
from typing import Annotated
from uuid import UUID

import strawberry

from services.gateway.graphql.fields import Info, guarded, query_outcome
from services.gateway.graphql.ids import decode
from services.gateway.graphql.members.references import MemberReferenceInput, optional_ref
from services.gateway.graphql.money import MoneyAmount, to_minor
from services.gateway.graphql.permissions import input_store, is_allowed_at, requires_at, requires_somewhere
from services.gateway.graphql.purchases.inputs import PurchaseLineInput, PurchaseReferenceInput, SaleInput, to_lines
from services.gateway.graphql.purchases.loaders import purchases_by_key
from services.gateway.graphql.purchases.types import Purchase
from services.gateway.graphql.scalars import Currency, Points, WholeNumber
from services.loyalty.earning.errors import AccrualTooLarge, CurrencyNotAccepted, DiscountExceedsOrder
from services.loyalty.members.errors import IdentityInvalid, MemberNotFound
from services.loyalty.programs.domain import CapMeasure, CapOwner, CapPeriod
from services.loyalty.purchases import domain, queries, service
from services.loyalty.purchases.errors import PurchaseNotFound
from services.loyalty.stores.errors import StoreClosed, StoreCurrencyMismatch, StoreNotFound
from services.platform.auth.domain import Scope
from services.platform.money import Money


async def find_purchase(info: Info, reference: UUID | domain.PurchaseRef) -> domain.Purchase | None:
    """The purchase that a request names."""
    if isinstance(reference, UUID):
        return await info.context.load(purchases_by_key, reference)
    return await info.context.read(
        lambda session: queries.purchase_by_external_id(
            session, source=reference.source, external_id=reference.external_id
        )
    )


async def writable_purchase(info: Info, reference: UUID | domain.PurchaseRef) -> domain.Purchase:
    """The purchase that a change names.

    Raises:
        PurchaseNotFound: a purchase of a store that is not theirs looks exactly like one that is not there.
    """
    purchase = await find_purchase(info, reference)
    if purchase is not None and is_allowed_at(info.context, Scope.PURCHASES_WRITE, purchase.store_id):
        return purchase
    if isinstance(reference, UUID):
        raise PurchaseNotFound(purchase_id=reference)
    raise PurchaseNotFound(external_id=reference.external_id)


@guarded(
    access=requires_somewhere(Scope.PURCHASES_READ),
    description="One purchase; null when the tenant, or the stores that you may see, have no such purchase.",
)
async def purchase(
    info: Info,
    by: Annotated[PurchaseReferenceInput, strawberry.argument(description="The purchase's id or external number.")],
) -> Purchase | None:
    """A purchase by id or external number."""
    found = await find_purchase(info, by.to_ref(field="by"))
    if found is None or not is_allowed_at(info.context, Scope.PURCHASES_READ, found.store_id):
        return None
    return Purchase.from_domain(found)


@strawberry.input(description="A cart that may become a purchase.")
class QuoteCartInput(SaleInput):
    store_id: strawberry.ID = strawberry.field(description="Where it would be bought.")
    currency: Currency = strawberry.field(description="The currency of all its amounts: the store's.")
    lines: list[PurchaseLineInput] = strawberry.field(description="What is in it, 1 to 500 lines.")
    member: MemberReferenceInput | None = strawberry.field(default=None, description="Who would buy; null for a guest.")

    def to_command(self) -> domain.QuoteCart:
        """The question that it asks."""
        return domain.QuoteCart(
            member=optional_ref(self.member),
            store_id=decode("Store", self.store_id, field="storeId"),
            currency=self.currency,
            lines=to_lines(self.lines, self.currency),
            discount_minor=to_minor(self.discount, self.currency, field="discount"),
            channel=self.channel,
            told=self.to_told(self.currency),
        )


@strawberry.type(description="What a line of a cart would do.")
class QuotedLine:
    position: int = strawberry.field(description="Its place in the cart, from 1.")
    net: MoneyAmount = strawberry.field(description="What would be paid for it.")
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


@strawberry.type(description="What a cart would do, rung up now. A quote holds nothing.")
class QuoteCartPayload:
    total: MoneyAmount = strawberry.field(description="What would be paid.")
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
    def from_domain(cls, quote: domain.CartQuote) -> "QuoteCartPayload":
        """The quote as clients see it."""
        return cls(
            total=MoneyAmount.from_domain(Money(quote.total_minor, quote.currency)),
            points=Points(quote.points),
            lines=[
                QuotedLine(
                    position=line.position,
                    net=MoneyAmount.from_domain(Money(line.net_minor, quote.currency)),
                    points=Points(line.points),
                )
                for line in quote.lines
            ],
            rules=[
                QuotedRule(
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
                for rule in quote.rules
            ],
            tier=quote.tier,
            tier_after=quote.tier_after,
            tier_multiplier=quote.tier_multiplier,
            balance=Points(quote.balance),
            balance_after=Points(quote.balance_after),
        )


@query_outcome(
    access=requires_at(Scope.PURCHASES_READ, input_store),
    description="What a cart would earn, by the same code that records purchases.",
    errors=(
        MemberNotFound,
        IdentityInvalid,
        StoreNotFound,
        StoreClosed,
        StoreCurrencyMismatch,
        CurrencyNotAccepted,
        DiscountExceedsOrder,
        AccrualTooLarge,
    ),
)
async def quote_cart(info: Info, input: QuoteCartInput) -> QuoteCartPayload:
    """Quote a cart."""
    command = input.to_command()
    quote = await info.context.read(lambda session: service.quote_cart(session, command=command))
    return QuoteCartPayload.from_domain(quote)
