"""It is done: goods are back in the same transaction, and the case remembers what that did to points."""

import dataclasses
from uuid import UUID, uuid5

from services.loyalty.after_sales.domain import (
    MOVING_POINTS,
    NOTE_LENGTH_MAX,
    Case,
    CaseKind,
    CaseStatus,
    CompleteCase,
    Effect,
    MovedCase,
    Replacement,
)
from services.loyalty.after_sales.service.handling import refused
from services.loyalty.after_sales.service.telling import arrive, moved, moving, settle
from services.loyalty.earning.domain import LineRefund, ReturnedLine
from services.loyalty.purchases import queries as purchases
from services.loyalty.purchases import service
from services.loyalty.purchases.domain import RecordPurchase, RefundedPurchase, RefundPurchase
from services.loyalty.purchases.domain.changes import ExchangePurchase
from services.loyalty.purchases.errors import PurchaseNotFound
from services.platform.db.session import UnitOfWork
from services.platform.errors import InvalidInput
from services.platform.text import check_optional_text

OPERATION = "completeCase"
SOURCE = "after_sales"
"""The source of refunds that cases make; their external number is the case's id."""
_KEYS = UUID("01900000-0000-7000-8000-0000000ca5e5")
"""Where the keys of refunds and exchanges of cases come from, so that none is a client's own."""


def complete_case(uow: UnitOfWork, *, command: CompleteCase) -> MovedCase:
    """Complete a case; of a return or an exchange the purchase is refunded or exchanged with it, or nothing happens.

    What was found of the goods may be less than the case asks for: only that is taken back. The case is locked first:
    of two who complete it at once, the second finds it completed.

    Raises:
        InvalidInput: an exchange without its sale, or a sale or goods that there are none of.
        CaseNotFound
        CaseMoveRefused: the case is not where it can be completed.
        IdempotencyConflict, IdempotencyKeyInvalid
        see `purchases.service.refund_purchase` and `purchases.service.exchange_purchase`
    """
    reason = check_optional_text(command.reason, field="reason", length_max=NOTE_LENGTH_MAX)
    arrival = arrive(
        uow,
        operation=OPERATION,
        key=command.idempotency_key,
        request_hash=command.request_hash,
        case_id=command.case_id,
    )
    if isinstance(arrival, MovedCase):
        return arrival
    case = arrival.case
    if CaseStatus.COMPLETED not in case.next_statuses:
        raise refused(case, CaseStatus.COMPLETED)
    if (case.kind is CaseKind.EXCHANGE) is not (command.replacement is not None):
        if command.replacement is None:
            raise InvalidInput(field="replacement", reason="NOTHING_GIVEN")
        raise InvalidInput(field="replacement", reason="NOT_ALLOWED", limit=case.kind.value)
    if command.returned is not None and case.kind not in MOVING_POINTS:
        raise InvalidInput(field="returned", reason="NOT_ALLOWED", limit=case.kind.value)
    done = moved(uow, case, CaseStatus.COMPLETED)
    if case.kind in MOVING_POINTS:
        done = _taken_back(uow, done, case.returned(command.returned), command.replacement)
    event = moving(uow, case, CaseStatus.COMPLETED, text=reason)
    return settle(uow, arrival, done, [event])


def _taken_back(
    uow: UnitOfWork, case: Case, returned: tuple[ReturnedLine, ...], replacement: Replacement | None
) -> Case:
    """The case with what taking goods back did."""
    assert case.purchase_id is not None
    key = str(uuid5(_KEYS, str(case.id)))
    if replacement is None:
        refunded = service.refund_purchase(
            uow,
            command=RefundPurchase(
                purchase=case.purchase_id,
                source=SOURCE,
                external_id=str(case.id),
                request=LineRefund(returned),
                idempotency_key=key,
                request_hash=case.id.bytes,
                reason=case.subject,
            ),
        )
        effect = _effect(refunded, points_earned=0, balance=refunded.balance)
        return _with(case, refunded, effect, exchange_purchase_id=None)
    exchanged = service.exchange_purchase(
        uow, command=_exchange(uow, case, returned, replacement, purchase_id=case.purchase_id, key=key)
    )
    recorded = exchanged.recorded
    effect = _effect(exchanged.refunded, points_earned=recorded.points, balance=recorded.balance)
    return _with(case, exchanged.refunded, effect, exchange_purchase_id=recorded.purchase_id)


def _exchange(
    uow: UnitOfWork,
    case: Case,
    returned: tuple[ReturnedLine, ...],
    replacement: Replacement,
    *,
    purchase_id: UUID,
    key: str,
) -> ExchangePurchase:
    purchase = purchases.purchase_by_id(uow, purchase_id=purchase_id)
    if purchase is None:
        raise PurchaseNotFound(purchase_id=purchase_id)
    return ExchangePurchase(
        purchase=purchase_id,
        returned=LineRefund(returned),
        refund_source=SOURCE,
        refund_external_id=str(case.id),
        sale=RecordPurchase(
            source=replacement.source,
            external_id=replacement.external_id,
            member=None,
            store_id=replacement.store_id,
            currency=purchase.currency,
            lines=replacement.lines,
            idempotency_key=key,
            request_hash=case.id.bytes,
            discount_minor=replacement.discount_minor,
            channel=purchase.channel,
        ),
        idempotency_key=key,
        request_hash=case.id.bytes,
        reason=case.subject,
    )


def _effect(refunded: RefundedPurchase, *, points_earned: int, balance: int) -> Effect:
    return Effect(
        points_taken_back=refunded.points,
        points_returned=refunded.points_returned,
        points_earned=points_earned,
        owed=refunded.owed,
        shortfall=refunded.shortfall,
        balance=balance,
        needs_decision=refunded.needs_decision,
        consequences=refunded.consequences,
    )


def _with(case: Case, refunded: RefundedPurchase, effect: Effect, *, exchange_purchase_id: UUID | None) -> Case:
    return dataclasses.replace(
        case,
        # A guest's receipt may have been claimed since the case was opened: its points are a member's now.
        member_id=case.member_id or refunded.member_id,
        refund_id=refunded.refund_id,
        exchange_purchase_id=exchange_purchase_id,
        effect=effect,
    )
