"""cancelCart."""

import strawberry

from services.gateway.graphql.checkout.tokens import opened
from services.gateway.graphql.client_input import input_hash
from services.gateway.graphql.fields import Info, mutation
from services.gateway.graphql.permissions import requires_somewhere
from services.gateway.graphql.scalars import IdempotencyKey, Points
from services.loyalty.checkout import service
from services.loyalty.checkout.domain.commands import CancelCart
from services.loyalty.checkout.errors import CartConflict, CartEnded, QuoteInvalid
from services.loyalty.members.errors import MemberNotFound
from services.loyalty.stores.errors import StoreNotFound
from services.platform.auth.domain import Scope
from services.platform.idempotency.errors import IdempotencyConflict


@strawberry.input(description="A quoted cart is given up.")
class CancelCartInput:
    token: str = strawberry.field(description="Of the quote.")
    idempotency_key: IdempotencyKey = strawberry.field(description="Makes a repeat of this request harmless.")


@strawberry.type(description="What came free.")
class CancelCartPayload:
    points_released: Points = strawberry.field(description="The points that were held for it.")
    replayed: bool = strawberry.field(description="Whether the key was known and nothing happened again.")


@mutation(
    access=requires_somewhere(Scope.PURCHASES_WRITE),
    description="Give up a quoted cart: all that it holds comes free, and its token is worth nothing any more."
    " The cart's store must be one of yours.",
    errors=(QuoteInvalid, CartEnded, CartConflict, MemberNotFound, StoreNotFound, IdempotencyConflict),
)
async def cancel_cart(info: Info, input: CancelCartInput) -> CancelCartPayload:
    """Cancel a cart."""
    command = CancelCart(
        cart=opened(info, input.token), idempotency_key=input.idempotency_key, request_hash=input_hash(info)
    )
    result = await info.context.run_command(lambda uow: service.cancel_cart(uow, command=command), has_key=True)
    return CancelCartPayload(points_released=Points(result.points), replayed=result.replayed)
