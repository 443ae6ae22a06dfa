"""commitCart."""

from decimal import Decimal

import strawberry

from services.gateway.graphql.checkout.tokens import opened, sealed
from services.gateway.graphql.client_input import input_hash
from services.gateway.graphql.fields import Info, mutation
from services.gateway.graphql.money import MoneyAmount, to_minor
from services.gateway.graphql.permissions import requires_somewhere
from services.gateway.graphql.purchases.inputs import TenderInput
from services.gateway.graphql.purchases.types import Purchase, TierChange, load_purchase, tier_change
from services.gateway.graphql.scalars import IdempotencyKey, Points
from services.loyalty.budgets.errors import BudgetClosed, BudgetExhausted
from services.loyalty.checkout import service
from services.loyalty.checkout.domain import QuotedCart
from services.loyalty.checkout.domain.commands import CommitCart
from services.loyalty.checkout.errors import (
    CartConflict,
    CartEnded,
    PointsPaymentTooLarge,
    QuoteChanged,
    QuoteExpired,
    QuoteInvalid,
)
from services.loyalty.coupons.errors import CouponUsedUp
from services.loyalty.earning.errors import AccrualTooLarge, CurrencyNotAccepted
from services.loyalty.ledger.errors import BalanceTooLarge
from services.loyalty.members.errors import MemberNotFound
from services.loyalty.purchases.domain import Tender
from services.loyalty.purchases.errors import OccurredInFuture, OccurredTooLongAgo, PurchaseConflict
from services.loyalty.stores.errors import StoreClosed, StoreCurrencyMismatch, StoreNotFound
from services.loyalty.tiers.errors import QualifyingSumTooLarge
from services.platform.auth.domain import Scope
from services.platform.errors import InvalidInput
from services.platform.idempotency.errors import IdempotencyConflict
from services.platform.money import Money


@strawberry.input(description="How much of a line was handed over.")
class DeliveredLineInput:
    position: int = strawberry.field(description="The line's place in the cart, from 1.")
    quantity: Decimal = strawberry.field(description="How much of it was handed over, up to what was ordered.")


@strawberry.input(description="A quoted cart becomes a purchase.")
class CommitCartInput:
    token: str = strawberry.field(description="Of the quote.")
    source: str = strawberry.field(description="The system that tells of it, such as the till's.")
    external_id: str = strawberry.field(description="The receipt's number, unique in that system.")
    idempotency_key: IdempotencyKey = strawberry.field(description="Makes a repeat of this request harmless.")
    tenders: list[TenderInput] | None = strawberry.field(
        default=None, description="What was paid with besides points; as quoted without it."
    )
    delivered: list[DeliveredLineInput] | None = strawberry.field(
        default=None,
        description="What was handed over where goods are missing; lines that are not named were not delivered. Prices,"
        " discounts and points go along in proportion. Everything without it.",
    )

    def to_command(self, info: Info, cart: QuotedCart) -> CommitCart:
        """The command that it asks for.

        Raises:
            InvalidInput: an amount has more digits than the currency, or a position comes twice.
        """
        currency, tenders, delivered = cart.asked.currency, None, None
        if self.tenders is not None:
            tenders = tuple(
                Tender(each.kind, to_minor(each.amount, currency, field=f"tenders.{index}.amount"))
                for index, each in enumerate(self.tenders)
            )
        if self.delivered is not None:
            delivered = {each.position: each.quantity for each in self.delivered}
            if len(delivered) != len(self.delivered):
                raise InvalidInput(field="delivered", reason="DUPLICATE_POSITION")
        return CommitCart(
            cart=cart,
            source=self.source,
            external_id=self.external_id,
            idempotency_key=self.idempotency_key,
            request_hash=input_hash(info),
            seal=sealed(info),
            tenders=tenders,
            delivered=delivered,
        )


@strawberry.type(description="The purchase, and what it cost and earned.")
class CommitCartPayload:
    purchase: Purchase | None = strawberry.field(description="The purchase as it is now.")
    total: MoneyAmount = strawberry.field(description="What was paid for the lines, after all discounts.")
    paid_with_points: MoneyAmount = strawberry.field(description="What of the total points paid.")
    points_paid: Points = strawberry.field(description="How many points that cost.")
    due: MoneyAmount = strawberry.field(description="What was left to pay in money, with shipping.")
    points: Points = strawberry.field(description="What it earned.")
    balance: Points = strawberry.field(description="What the member could spend then; 0 for a guest.")
    tier_change: TierChange | None = strawberry.field(description="The change of tier that it brought, if any.")
    replayed: bool = strawberry.field(description="Whether the key or the cart was known and nothing happened again.")


@mutation(
    access=requires_somewhere(Scope.PURCHASES_WRITE),
    description="Make a quoted cart a purchase, once: coupons are used, budgets spent, points paid and earned in one"
    " step, at the prices of the quote. What comes out different, because somebody else was faster, is refused with a"
    " new token and nothing has happened. The cart's store must be one of yours.",
    errors=(
        QuoteInvalid,
        QuoteExpired,
        QuoteChanged,
        CartEnded,
        CartConflict,
        PointsPaymentTooLarge,
        CouponUsedUp,
        BudgetExhausted,
        BudgetClosed,
        PurchaseConflict,
        MemberNotFound,
        StoreNotFound,
        StoreClosed,
        StoreCurrencyMismatch,
        CurrencyNotAccepted,
        OccurredInFuture,
        OccurredTooLongAgo,
        AccrualTooLarge,
        BalanceTooLarge,
        QualifyingSumTooLarge,
        IdempotencyConflict,
    ),
)
async def commit_cart(info: Info, input: CommitCartInput) -> CommitCartPayload:
    """Commit a cart."""
    command = input.to_command(info, opened(info, input.token))
    result = await info.context.run_command(
        lambda uow: service.commit_cart(uow, command=command, is_last=True), has_key=True
    )
    recorded = result.recorded
    # One that was known may have changed since, and is read.
    known = await load_purchase(info, recorded.purchase_id) if recorded.purchase is None else None

    def money(minor: int) -> MoneyAmount:
        return MoneyAmount.from_domain(Money(minor, result.currency))

    return CommitCartPayload(
        purchase=known if recorded.purchase is None else Purchase.from_domain(recorded.purchase),
        total=money(result.total_minor),
        paid_with_points=money(result.value_minor),
        points_paid=Points(result.points),
        due=money(result.due_minor),
        points=Points(recorded.points),
        balance=Points(recorded.balance),
        tier_change=tier_change(recorded.from_tier, recorded.to_tier),
        replayed=recorded.replayed,
    )
