"""Recording, refunding and quoting purchases."""

from services.loyalty.purchases.service.quote_cart import quote_cart
from services.loyalty.purchases.service.record_purchase import record_purchase
from services.loyalty.purchases.service.refund_purchase import refund_purchase

__all__ = ["quote_cart", "record_purchase", "refund_purchase"]
