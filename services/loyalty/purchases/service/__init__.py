"""Recording, refunding and quoting purchases."""

from services.loyalty.purchases.service.quote_cart import quote_cart
from services.loyalty.purchases.service.record_purchase import (
    RECORDINGS_MAX,
    check_count,
    record_purchase,
    record_purchases,
)
from services.loyalty.purchases.service.refund_purchase import refund_purchase

__all__ = ["RECORDINGS_MAX", "check_count", "quote_cart", "record_purchase", "record_purchases", "refund_purchase"]
