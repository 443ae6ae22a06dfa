"""Goods come back and others are taken along: a return and a sale, both or neither."""

import dataclasses
from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid5

from services.loyalty.earning.domain import CapKey
from services.loyalty.programs.queries import versions_read
from services.loyalty.purchases import repository
from services.loyalty.purchases.domain import PurchaseRef, RecordedPurchase, RefundPurchase
from services.loyalty.purchases.domain.changes import ExchangedPurchase, ExchangePurchase
from services.loyalty.purchases.errors import PurchaseNotFound
from services.loyalty.purchases.service.record_purchase import record_purchase
from services.loyalty.purchases.service.refund_purchase import check_returning, locate, refund_located, trimmed
from services.loyalty.purchases.service.reversing import answer_json, replay
from services.loyalty.purchases.service.scene import Claim
from services.loyalty.purchases.service.surroundings import shared_keys
from services.platform.db.session import UnitOfWork

OPERATION = "exchangePurchase"
_SALES = UUID("01900000-0000-7000-8000-0000000e7c4a")
"""Where the keys of the sales of exchanges come from, so that none is a client's own."""


def exchange_purchase(uow: UnitOfWork, *, command: ExchangePurchase) -> ExchangedPurchase:
    """Refund lines of a purchase and record a sale to its buyer, in one transaction.

    Raises:
        see `refund_purchase` and `record_purchase`; a purchase that is not known is never waited for.
    """
    claim = Claim(OPERATION, command.idempotency_key, command.request_hash)
    located = locate(uow, command.purchase, claim)
    if located is None:
        assert isinstance(command.purchase, PurchaseRef)
        raise PurchaseNotFound(external_id=command.purchase.external_id)
    if "refund" in located:
        return ExchangedPurchase(replay(located["refund"]), _recorded(located["sale"]), replayed=True)
    refund = trimmed(
        RefundPurchase(
            purchase=located["id"],
            source=command.refund_source,
            external_id=command.refund_external_id,
            request=command.returned,
            idempotency_key=command.idempotency_key,
            request_hash=command.request_hash,
            member=command.member,
            reason=command.reason,
        )
    )
    check_returning(uow, refund, located)
    refunded = refund_located(uow, refund, located, None, caps=_caps_of_sale(uow, command))
    key = str(uuid5(_SALES, command.idempotency_key))
    sale = dataclasses.replace(command.sale, member=refunded.member_id, idempotency_key=key)
    recorded = record_purchase(uow, command=sale)
    change = repository.change_statement(
        purchase_id=located["id"],
        kind="exchange",
        reason=refund.reason,
        before={"refundId": str(refunded.refund_id)},
        now=uow.now,
        other_purchase_id=recorded.purchase_id,
    )
    answer = {"refund": answer_json(refunded), "sale": _recorded_json(recorded)}
    uow.fetch_pipeline([change, claim.settle(answer)])
    return ExchangedPurchase(refunded, recorded, replayed=False)


def _caps_of_sale(uow: UnitOfWork, command: ExchangePurchase) -> set[CapKey]:
    """Everybody's counters that the sale will lock.

    The return locks them together with its own, or two exchanges might wait for each other.
    """
    instants = sorted({command.sale.occurred_at or uow.now, uow.now})
    read = versions_read(uow, instants=instants)
    return shared_keys(read.versions(uow.fetch_all(read.statement.query, read.statement.values)), instants)


def _recorded_json(recorded: RecordedPurchase) -> dict[str, Any]:
    return {
        "purchaseId": str(recorded.purchase_id),
        "memberId": str(recorded.member_id) if recorded.member_id else None,
        "points": recorded.points,
        "balance": recorded.balance,
        "fromTier": recorded.from_tier,
        "toTier": recorded.to_tier,
    }


def _recorded(answer: Mapping[str, Any]) -> RecordedPurchase:
    return RecordedPurchase(
        purchase_id=UUID(answer["purchaseId"]),
        member_id=UUID(answer["memberId"]) if answer["memberId"] else None,
        points=answer["points"],
        balance=answer["balance"],
        from_tier=answer["fromTier"],
        to_tier=answer["toTier"],
        replayed=True,
    )
