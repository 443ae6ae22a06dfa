"""Tokens of quotes: signed for one tenant, and read only by who may act at the store of the cart."""

from collections.abc import Callable

from services.gateway.graphql.fields import Info
from services.gateway.graphql.permissions import is_allowed_at
from services.loyalty.checkout.domain import QuotedCart, cart_json, parse_cart
from services.loyalty.checkout.errors import QuoteInvalid
from services.platform.auth.domain import Scope


def sealed(info: Info) -> Callable[[QuotedCart], str]:
    """What makes the token of a quote to the caller's tenant."""
    signer, tenant_id = info.context.services.signer, info.context.tenant.id
    return lambda cart: signer.quote_token(tenant_id=tenant_id, content=cart_json(cart))


def opened(info: Info, token: str) -> QuotedCart:
    """The cart of a token.

    Raises:
        QuoteInvalid: a token of another tenant, or of a store at which the caller may not act, looks exactly like one
            that nobody made.
    """
    content = info.context.services.signer.quote(token, tenant_id=info.context.tenant.id)
    if content is None:
        raise QuoteInvalid
    cart = parse_cart(content)
    if not is_allowed_at(info.context, Scope.PURCHASES_WRITE, cart.asked.store_id):
        raise QuoteInvalid
    return cart
