"""Recording and quoting purchases, and taking them back, rung up anew, exchanged or claimed."""

from services.loyalty.purchases.service.amend_purchase import amend_purchase
from services.loyalty.purchases.service.claim_purchase import claim_purchase
from services.loyalty.purchases.service.exchange_purchase import exchange_purchase
from services.loyalty.purchases.service.quote_cart import (
    QUOTED,
    CartReading,
    assess_cart,
    quote_cart,
    quote_of,
    read_cart,
)
from services.loyalty.purchases.service.record_purchase import (
    RECORDINGS_MAX,
    check_count,
    record_purchase,
    record_purchases,
)
from services.loyalty.purchases.service.refund_purchase import apply_due, refund_purchase
from services.loyalty.purchases.service.selling import (
    OpenSale,
    check_same,
    decide_sale,
    go_back,
    is_awaited,
    is_number_taken,
    open_sale,
    refund_what_waits,
    selling_statements,
    settle_key_statement,
    settlement_statements,
)
from services.loyalty.purchases.service.void_purchase import void_purchase

__all__ = [
    "QUOTED",
    "RECORDINGS_MAX",
    "CartReading",
    "OpenSale",
    "amend_purchase",
    "apply_due",
    "assess_cart",
    "check_count",
    "check_same",
    "claim_purchase",
    "decide_sale",
    "exchange_purchase",
    "go_back",
    "is_awaited",
    "is_number_taken",
    "open_sale",
    "quote_cart",
    "quote_of",
    "read_cart",
    "record_purchase",
    "record_purchases",
    "refund_purchase",
    "refund_what_waits",
    "selling_statements",
    "settle_key_statement",
    "settlement_statements",
    "void_purchase",
]
