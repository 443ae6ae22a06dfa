"""reserveCart."""

from datetime import datetime

import strawberry

from services.gateway.graphql.checkout.tokens import opened, sealed
from services.gateway.graphql.client_input import input_hash
from services.gateway.graphql.fields import Info, mutation
from services.gateway.graphql.permissions import requires_somewhere
from services.gateway.graphql.scalars import IdempotencyKey, Points
from services.loyalty.budgets.errors import BudgetClosed, BudgetExhausted
from services.loyalty.checkout import service
from services.loyalty.checkout.domain.commands import ReserveCart
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
from services.loyalty.members.errors import MemberNotFound
from services.loyalty.stores.errors import StoreNotFound
from services.loyalty.tiers.errors import QualifyingSumTooLarge
from services.platform.auth.domain import Scope
from services.platform.idempotency.errors import IdempotencyConflict


@strawberry.input(description="What a quoted cart needs is kept for it.")
class ReserveCartInput:
    token: str = strawberry.field(description="Of the quote.")
    idempotency_key: IdempotencyKey = strawberry.field(description="Makes a repeat of this request harmless.")
    minutes: int | None = strawberry.field(
        default=None, description="For how long, up to 90 days; as long as the program holds points without it."
    )


@strawberry.type(description="What is kept for a cart.")
class ReserveCartPayload:
    points_held: Points = strawberry.field(description="The points that are held for it.")
    expires_at: datetime = strawberry.field(description="Until when everything is held; its token lasts as long.")
    replayed: bool = strawberry.field(description="Whether the key was known and nothing happened again.")


@mutation(
    access=requires_somewhere(Scope.PURCHASES_WRITE),
    description="Hold what a quoted cart needs: points, coupons, budgets, and room under caps. What the cart held"
    " before is replaced. It ends by commitCart, cancelCart, or in time. The cart's store must be one of yours.",
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
        MemberNotFound,
        StoreNotFound,
        CurrencyNotAccepted,
        AccrualTooLarge,
        QualifyingSumTooLarge,
        IdempotencyConflict,
    ),
)
async def reserve_cart(info: Info, input: ReserveCartInput) -> ReserveCartPayload:
    """Reserve a cart."""
    command = ReserveCart(
        cart=opened(info, input.token),
        idempotency_key=input.idempotency_key,
        request_hash=input_hash(info),
        seal=sealed(info),
        minutes=input.minutes,
    )
    result = await info.context.run_command(lambda uow: service.reserve_cart(uow, command=command), has_key=True)
    return ReserveCartPayload(
        points_held=Points(result.points),
        expires_at=result.expires_at,
        replayed=result.replayed,
    )
