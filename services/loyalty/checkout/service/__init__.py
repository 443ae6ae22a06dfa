"""Quoting carts, reserving what they need, and making purchases of them."""

from services.loyalty.checkout.service.committing import commit_cart
from services.loyalty.checkout.service.offline import settle_offline_purchase
from services.loyalty.checkout.service.quoting import assess_cart, quote_cart
from services.loyalty.checkout.service.reserving import cancel_cart, release_late, reserve_cart

__all__ = [
    "assess_cart",
    "cancel_cart",
    "commit_cart",
    "quote_cart",
    "release_late",
    "reserve_cart",
    "settle_offline_purchase",
]
