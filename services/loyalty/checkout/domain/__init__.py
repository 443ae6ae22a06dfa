"""Carts: their price, the points that pay for them, and what a quote promises."""

from services.loyalty.checkout.domain.cart import AskedCart, QuotedCart, cart_json, parse_cart
from services.loyalty.checkout.domain.payment import (
    PointsAsked,
    PointsLimit,
    PointsPayment,
    PointsUsable,
    pay,
    usable,
    worth,
)
from services.loyalty.checkout.domain.pricing import (
    Lowered,
    Priced,
    Terms,
    changed_parts,
    digests,
    lower,
    price,
)

__all__ = [
    "AskedCart",
    "Lowered",
    "PointsAsked",
    "PointsLimit",
    "PointsPayment",
    "PointsUsable",
    "Priced",
    "QuotedCart",
    "Terms",
    "cart_json",
    "changed_parts",
    "digests",
    "lower",
    "parse_cart",
    "pay",
    "price",
    "usable",
    "worth",
]
