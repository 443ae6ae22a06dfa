"""Purchases and refunds as values: commands, answers, evidence, and the checks of a receipt."""

from services.loyalty.purchases.domain.commands import (
    BoughtLine,
    CartQuote,
    PurchaseRef,
    QuoteCart,
    QuotedLine,
    QuotedRule,
    RecordedPurchase,
    RecordPurchase,
    RefundedPurchase,
    RefundPurchase,
)
from services.loyalty.purchases.domain.evidence import Accrual, Line, Purchase, Refund, RefundedPart
from services.loyalty.purchases.domain.told import Tender, TenderKind, Told

__all__ = [
    "Accrual",
    "BoughtLine",
    "CartQuote",
    "Line",
    "Purchase",
    "PurchaseRef",
    "QuoteCart",
    "QuotedLine",
    "QuotedRule",
    "RecordPurchase",
    "RecordedPurchase",
    "Refund",
    "RefundPurchase",
    "RefundedPart",
    "RefundedPurchase",
    "Tender",
    "TenderKind",
    "Told",
]
