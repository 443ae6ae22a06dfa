"""What the staff do: hand over, and clear away what nobody came for."""

import dataclasses
from typing import Any
from uuid import UUID

from services.loyalty.budgets import service as budgets
from services.loyalty.ledger import service as ledger
from services.loyalty.ledger.domain import Reference
from services.loyalty.redemptions import repository
from services.loyalty.redemptions.domain import (
    NOTE_LENGTH_MAX,
    REFERENCE_LENGTH_MAX,
    CollectRedemption,
    FulfillRedemption,
    Handled,
    Redemption,
    RedemptionStatus,
    normalize_pickup_code,
)
from services.loyalty.redemptions.errors import PickupElsewhere, RedemptionEnded, RedemptionNotFound
from services.loyalty.redemptions.service.scene import REFERENCE
from services.loyalty.rewards import service as stock
from services.loyalty.stores import queries as stores
from services.loyalty.stores.domain import check_open
from services.platform.db.session import Statement, UnitOfWork
from services.platform.idempotency import service as idempotency
from services.platform.text import check_optional_text

FULFILL = "fulfillRedemption"
COLLECT = "collectRedemption"


def fulfill_redemption(uow: UnitOfWork, *, command: FulfillRedemption) -> Handled:
    """It is issued or shipped, or lies ready at the store where it is to be picked up.

    Raises:
        InvalidInput, RedemptionNotFound
        RedemptionEnded: it is not waiting for this.
        IdempotencyConflict, IdempotencyKeyInvalid
    """
    reference = check_optional_text(command.reference, field="reference", length_max=REFERENCE_LENGTH_MAX)
    note = check_optional_text(command.note, field="note", length_max=NOTE_LENGTH_MAX)
    claim: dict[str, Any] = {"operation": FULFILL, "key": command.idempotency_key, "request_hash": command.request_hash}
    claim_rows, rows = uow.fetch_pipeline(
        [
            idempotency.claim_statement(uow, **claim),
            Statement(repository.LOCK, {"ids": [command.redemption_id]}),
        ]
    )
    stored = idempotency.claimed(uow, claim_rows, **claim)
    if stored is not None:
        return Handled(UUID(stored["redemptionId"]), replayed=True)
    if not rows:
        raise RedemptionNotFound(redemption_id=command.redemption_id)
    redemption = repository.redemption_of(rows[0])
    if redemption.status is not RedemptionStatus.CONFIRMED:
        raise _ended(uow, redemption)
    done = dataclasses.replace(
        redemption,
        status=RedemptionStatus.FULFILLED,
        fulfilled_at=uow.now,
        delivery_reference=reference,
        note=note or redemption.note,
        # What lies ready waits for the member.
        waiting_since=uow.now if redemption.pickup_store_id is not None else None,
    )
    return _settle(uow, FULFILL, command.idempotency_key, done)


def collect_redemption(uow: UnitOfWork, *, command: CollectRedemption) -> Handled:
    """Hand over what was to be picked up to whoever shows its code, once.

    Raises:
        RedemptionNotFound: no redemption has this code.
        PickupElsewhere, StoreNotFound, StoreClosed
        RedemptionEnded: it was collected or canceled before, or is not confirmed.
        IdempotencyConflict, IdempotencyKeyInvalid
    """
    claim: dict[str, Any] = {"operation": COLLECT, "key": command.idempotency_key, "request_hash": command.request_hash}
    claim_rows, rows, store_rows = uow.fetch_pipeline(
        [
            idempotency.claim_statement(uow, **claim),
            Statement(repository.LOCK_BY_CODE, {"code": normalize_pickup_code(command.pickup_code)}),
            stores.store_statement(store_id=command.store_id),
        ]
    )
    stored = idempotency.claimed(uow, claim_rows, **claim)
    if stored is not None:
        return Handled(UUID(stored["redemptionId"]), replayed=True)
    check_open(stores.store_of(store_rows, store_id=command.store_id), at=uow.now)
    if not rows:
        raise RedemptionNotFound
    redemption = repository.redemption_of(rows[0])
    if redemption.pickup_store_id != command.store_id:
        assert redemption.pickup_store_id is not None
        raise PickupElsewhere(store_id=redemption.pickup_store_id)
    if redemption.status not in {RedemptionStatus.CONFIRMED, RedemptionStatus.FULFILLED}:
        raise _ended(uow, redemption)
    done = dataclasses.replace(
        redemption,
        status=RedemptionStatus.COLLECTED,
        fulfilled_at=redemption.fulfilled_at or uow.now,
        collected_at=uow.now,
        waiting_since=None,
    )
    return _settle(uow, COLLECT, command.idempotency_key, done)


def time_out(uow: UnitOfWork, *, redemption: Redemption) -> bool:
    """Give back what is held of a redemption that nobody confirmed in time; False when somebody else was faster.

    The points are the ledger's own to release, as of any hold that times out.
    """
    rows = uow.fetch_pipeline(
        [
            *ledger.reading_statements(uow, holder_ids=(redemption.member_id,), every_lot=False),
            Statement(repository.LOCK, {"ids": [redemption.id]}),
        ]
    )
    book = ledger.open_only_book(uow, holder_id=redemption.member_id, rows=rows[: ledger.READING_STATEMENTS])
    there = repository.redemption_of(rows[-1][0])
    is_late = there.status is RedemptionStatus.HELD and there.status_at(uow.now) is RedemptionStatus.TIMED_OUT
    assert book is not None
    if not is_late:
        return False
    gone = dataclasses.replace(there, status=RedemptionStatus.TIMED_OUT, expires_at=None, ended_at=there.expires_at)
    uow.fetch_pipeline(
        [
            *ledger.writing_statements((book,)),
            repository.update_statement(redemption=gone),
            stock.put_back_statement(reward_id=there.reward_id, quantity=there.quantity),
            *budgets.release_statements(uow, owner=Reference(REFERENCE, there.id)),
        ]
    )
    return True


def _ended(uow: UnitOfWork, redemption: Redemption) -> RedemptionEnded:
    ended_at = redemption.ended_at or redemption.collected_at or redemption.fulfilled_at
    status = redemption.status_at(uow.now)
    return RedemptionEnded(redemption_id=redemption.id, status=status.value, ended_at=ended_at)


def _settle(uow: UnitOfWork, operation: str, key: str, done: Redemption) -> Handled:
    result = {"redemptionId": str(done.id)}
    uow.fetch_pipeline(
        [
            repository.update_statement(redemption=done),
            idempotency.settle_statement(operation=operation, key=key, result=result),
        ]
    )
    return Handled(done.id, replayed=False)
