"""A guest's receipt in a member's hand: the sale becomes theirs, once, judged as of when it happened."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID, uuid5

from services.loyalty.members import queries as members
from services.loyalty.purchases import queries, repository
from services.loyalty.purchases.domain import BoughtLine, Line, Purchase, RecordPurchase
from services.loyalty.purchases.domain.changes import ClaimedPurchase, ClaimPurchase
from services.loyalty.purchases.domain.receipt import Receipt, check_receipt
from services.loyalty.purchases.errors import PurchaseAlreadyClaimed, PurchaseNotFound, PurchaseVoided
from services.loyalty.purchases.service.deciding import Decision, decide
from services.loyalty.purchases.service.reversing import catch_up
from services.loyalty.purchases.service.scene import Claim, read_scene
from services.loyalty.purchases.service.surroundings import OPERATION as RECORDING
from services.loyalty.purchases.service.surroundings import Sale, look_around
from services.loyalty.purchases.service.writing import claiming_statements
from services.platform.db.session import Statement, UnitOfWork
from services.platform.idempotency import batch as idempotency

OPERATION = "claimPurchase"
_CLAIMS = UUID("01900000-0000-7000-8000-0000000c1a1e")
"""Where the keys come from under which a claimed receipt is decided, so that none is a client's own."""


def claim_purchase(uow: UnitOfWork, *, command: ClaimPurchase) -> ClaimedPurchase:
    """Give a guest's purchase to the member who has its receipt, as if they had been known at the till.

    It is judged by the version in force when it happened, within the present back-dating limit; what came back of it
    meanwhile earns nothing. A receipt of another store or total is told like one that is not there.

    Raises:
        PurchaseNotFound, PurchaseVoided
        PurchaseAlreadyClaimed: it is somebody's already; of two who race for it, one is told so.
        OccurredTooLongAgo, StoreClosed, StoreCurrencyMismatch, CurrencyNotAccepted
        MemberNotFound, IdentityInvalid
        AccrualTooLarge, BalanceTooLarge, QualifyingSumTooLarge
        IdempotencyConflict, IdempotencyKeyInvalid
    """
    claim = Claim(OPERATION, command.idempotency_key, command.request_hash)
    statement = claim.statement(uow)
    answer = claim.answer(uow, uow.fetch_all(statement.query, statement.values))
    if answer is not None:
        return _replay(answer)
    purchase = _found(uow, command)
    member_id = members.resolved(uow, ref=command.member, store_id=purchase.store_id)
    purchase, decision, statements = _decided(uow, purchase, member_id, command)
    uow.fetch_pipeline(
        [
            *statements,
            repository.change_statement(
                purchase_id=purchase.id, kind="claim", reason=None, before={"memberId": None}, now=uow.now
            ),
        ]
    )
    points, balance = decision.answer.points, decision.answer.balance
    from_tier, to_tier = decision.answer.from_tier, decision.answer.to_tier
    lines = queries.lines_by_purchases(uow, purchase_ids=(purchase.id,))[purchase.id]
    if decision.assessment and (purchase.refunded_minor or any(line.returned_quantity for line in lines)):
        scene, _ = read_scene(uow, uow.fetch_all(repository.LOCATE_BY_ID, {"id": purchase.id})[0])
        statements, caught_up = catch_up(uow, scene)
        uow.fetch_pipeline(statements)
        points -= caught_up.points
        balance, to_tier = caught_up.balance, caught_up.to_tier or to_tier
    if from_tier == to_tier:
        from_tier = to_tier = None
    claimed = ClaimedPurchase(purchase.id, member_id, points, balance, from_tier, to_tier, replayed=False)
    settling = claim.settle(_answer_json(claimed))
    uow.execute(settling.query, settling.values)
    return claimed


def _found(uow: UnitOfWork, command: ClaimPurchase) -> Purchase:
    purchase = queries.purchase_by_external_id(uow, source=command.source, external_id=command.external_id)
    if purchase is None:
        raise PurchaseNotFound(external_id=command.external_id)
    _check_claimable(purchase, command)
    return purchase


def _check_claimable(purchase: Purchase, command: ClaimPurchase) -> None:
    there = purchase.store_id, purchase.total_minor, purchase.currency
    if there != (command.store_id, command.total_minor, command.currency):
        raise PurchaseNotFound(external_id=command.external_id)
    if purchase.voided_at is not None:
        raise PurchaseVoided(purchase_id=purchase.id)
    if purchase.member_id is not None:
        raise PurchaseAlreadyClaimed(purchase_id=purchase.id)


def _decided(
    uow: UnitOfWork, purchase: Purchase, member_id: UUID, command: ClaimPurchase
) -> tuple[Purchase, Decision, list[Statement]]:
    """Lock the member, then the purchase, and decide the receipt as if it came from the till now.

    It may have been amended until it is locked: only what is read with the lock is what the member gets.
    """
    unread = Receipt(purchase.currency, 0, ())
    told = _record(purchase, (), member_id, command)
    around = look_around(uow, [Sale(told, unread, purchase.occurred_at, uow, member_id)])
    locked_rows, line_rows = uow.fetch_pipeline(
        [Statement(repository.LOCK, {"id": purchase.id}), Statement(repository.LINES, {"ids": [purchase.id]})]
    )
    locked = repository.purchase_of(locked_rows[0])
    _check_claimable(locked, command)
    record = _record(locked, [repository.line_of(row) for row in line_rows], member_id, command)
    receipt = check_receipt(
        currency=record.currency, lines=record.lines, discount_minor=record.discount_minor, told=record.told
    )
    sale = Sale(record, receipt, locked.occurred_at, uow, member_id)
    decision = decide(
        around,
        sale,
        store=around.store(locked.store_id),
        buyer=around.buyer(sale),
        content_hash=b"",
        purchase_id=locked.id,
    )
    return (
        locked,
        decision,
        [
            *claiming_statements(uow, around, decision),
            *idempotency.release_statements(operation=RECORDING, keys=[sale.key]),
        ],
    )


def _record(purchase: Purchase, lines: Sequence[Line], member_id: UUID, command: ClaimPurchase) -> RecordPurchase:
    """The receipt as if it came from the till now."""
    return RecordPurchase(
        source=purchase.source,
        external_id=purchase.external_id,
        member=member_id,
        store_id=purchase.store_id,
        currency=purchase.currency,
        lines=tuple(_bought(line) for line in lines),
        idempotency_key=str(uuid5(_CLAIMS, command.idempotency_key)),
        request_hash=command.request_hash,
        discount_minor=purchase.discount_minor,
        occurred_at=purchase.occurred_at,
        channel=purchase.channel,
        told=purchase.told,
    )


def _bought(line: Line) -> BoughtLine:
    return BoughtLine(
        sku=line.sku,
        quantity=line.quantity,
        amount_minor=line.amount_minor,
        discount_minor=line.discount_minor,
        category=line.category,
        name=line.name,
        product=line.product,
        tax_minor=line.tax_minor or 0,
        share_minor=line.amount_minor - line.discount_minor - line.net_minor,
    )


def _answer_json(answer: ClaimedPurchase) -> dict[str, Any]:
    return {
        "purchaseId": str(answer.purchase_id),
        "memberId": str(answer.member_id),
        "points": answer.points,
        "balance": answer.balance,
        "fromTier": answer.from_tier,
        "toTier": answer.to_tier,
    }


def _replay(answer: Mapping[str, Any]) -> ClaimedPurchase:
    return ClaimedPurchase(
        purchase_id=UUID(answer["purchaseId"]),
        member_id=UUID(answer["memberId"]),
        points=answer["points"],
        balance=answer["balance"],
        from_tier=answer["fromTier"],
        to_tier=answer["toTier"],
        replayed=True,
    )
