"""Changes of purchases that were rung up: void, amend, exchange, claim."""

import time
from concurrent.futures import Future
from decimal import Decimal
from typing import Any
from uuid import UUID

from services.loyalty.earning.domain import LineRefund, ReturnedLine
from services.loyalty.purchases import service
from services.loyalty.purchases.domain import BoughtLine, RefundedPurchase
from services.loyalty.purchases.domain.changes import (
    AmendedPurchase,
    AmendPurchase,
    ClaimedPurchase,
    ClaimPurchase,
    ExchangedPurchase,
    ExchangePurchase,
    VoidPurchase,
)
from services.loyalty.stores.domain import Store
from tests.support.builders.documents import document, rule
from tests.support.builders.merchant import Merchant
from tests.support.state_hash import State, state

PROGRAM = document(
    rules=[rule(cap=40), rule("fresh", points=2, per=300, conditions={"categories": [["fresh"]]})],
    levels=[("base", 0, "1"), ("gold", 30, "2")],
)


def void(merchant: Merchant, purchase_id: UUID, **changes: Any) -> RefundedPurchase:
    values = {"idempotency_key": f"void-{next(merchant.numbers)}", "request_hash": b"1"} | changes
    command = VoidPurchase(purchase_id, **values)
    return merchant.do(lambda uow: service.void_purchase(uow, command=command))


def amend(merchant: Merchant, purchase_id: UUID, *bought: BoughtLine, **changes: Any) -> AmendedPurchase:
    values = {"idempotency_key": f"amend-{next(merchant.numbers)}", "request_hash": b"1"} | changes
    command = AmendPurchase(purchase_id, bought, **values)
    return merchant.do(lambda uow: service.amend_purchase(uow, command=command))


def claim_command(merchant: Merchant, store: Store, member_id: UUID, **changes: Any) -> ClaimPurchase:
    number = next(merchant.numbers)
    values: dict[str, Any] = {
        "source": "till",
        "external_id": "receipt",
        "store_id": store.id,
        "total_minor": 2_000,
        "currency": "CNY",
        "member": member_id,
        "idempotency_key": f"claim-{number}",
        "request_hash": b"1",
    }
    return ClaimPurchase(**(values | changes))


def claim(merchant: Merchant, store: Store, member_id: UUID, **changes: Any) -> ClaimedPurchase:
    command = claim_command(merchant, store, member_id, **changes)
    return merchant.do(lambda uow: service.claim_purchase(uow, command=command))


def stood(merchant: Merchant, member_id: UUID) -> tuple[Any, ...]:
    """What a member has, told so that two members can be compared."""
    there: State = merchant.read(lambda session: state(session, member_ids=(member_id,)))
    return (
        sorted(value for value in there.balances.values()),
        sorted((key[1:], value) for key, value in there.lots.items()),
        list(there.tiers.values()),
        sorted((key[1:], value) for key, value in there.caps.items()),
    )


def line(amount: int, *category: str, quantity: int = 1) -> BoughtLine:
    return BoughtLine("sku", Decimal(quantity), amount, category=category)


# --- void ---


def exchange(merchant: Merchant, purchase_id: UUID, store: Store, *amounts: int, **changes: Any) -> ExchangedPurchase:
    sale = merchant.purchase_command(store, None, *amounts)
    values: dict[str, Any] = {
        "returned": LineRefund((ReturnedLine(1, Decimal(1)),)),
        "refund_source": "till",
        "refund_external_id": "return",
        "sale": sale,
        "idempotency_key": "exchange",
        "request_hash": b"1",
    }
    command = ExchangePurchase(purchase_id, **(values | changes))
    return merchant.do(lambda uow: service.exchange_purchase(uow, command=command))


def wait_for_a_lock(merchant: Merchant, under_way: Future[Any]) -> None:
    """Until what is under way waits for a row that somebody else has, or is done without."""
    while not merchant.rows(WAITING) and not under_way.done():
        time.sleep(0.01)


WAITING = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


# --- what is told ---
