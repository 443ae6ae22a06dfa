"""quoteCart."""

from services.gateway.graphql.checkout.inputs import QuoteCartInput
from services.gateway.graphql.checkout.tokens import opened, sealed
from services.gateway.graphql.checkout.types import QuoteCartPayload
from services.gateway.graphql.fields import Info, query_outcome
from services.gateway.graphql.permissions import input_store, requires_at
from services.loyalty.checkout import service
from services.loyalty.checkout.errors import PointsPaymentTooLarge, QuoteInvalid
from services.loyalty.earning.errors import AccrualTooLarge, CurrencyNotAccepted, DiscountExceedsOrder
from services.loyalty.members.errors import IdentityInvalid, MemberNotFound
from services.loyalty.stores.errors import StoreClosed, StoreCurrencyMismatch, StoreNotFound
from services.loyalty.tiers.errors import QualifyingSumTooLarge
from services.platform.auth.domain import Scope


@query_outcome(
    access=requires_at(Scope.PURCHASES_READ, input_store),
    description="What a cart would cost and earn, by the same code that commits it: coupons that apply and why the"
    " others do not, points that can pay, points by line with the caps they meet, and the tier. Its token keeps the"
    " prices, terms of coupons and program for its life; what others may take meanwhile is kept by `reserveCart`.",
    errors=(
        MemberNotFound,
        IdentityInvalid,
        StoreNotFound,
        StoreClosed,
        StoreCurrencyMismatch,
        CurrencyNotAccepted,
        DiscountExceedsOrder,
        PointsPaymentTooLarge,
        QuoteInvalid,
        AccrualTooLarge,
        QualifyingSumTooLarge,
    ),
)
async def quote_cart(info: Info, input: QuoteCartInput) -> QuoteCartPayload:
    """Quote a cart."""
    asked = input.to_asked(opened(info, input.replaces).id if input.replaces else None)
    quote = await info.context.read(lambda session: service.quote_cart(session, asked=asked))
    return QuoteCartPayload.from_domain(quote, token=sealed(info)(quote.cart), locale=info.context.request.locale)
