"""Taking a purchase back, in part or whole, and its points with it."""

import dataclasses
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.errors import UniqueViolation
from psycopg.rows import DictRow

from services.loyalty.earning.domain import CapKey
from services.loyalty.earning.queries import locking_statements
from services.loyalty.members import queries as members
from services.loyalty.purchases import repository
from services.loyalty.purchases.domain import PurchaseRef, RefundedPurchase, RefundPurchase
from services.loyalty.purchases.domain.early import WaitingRefund
from services.loyalty.purchases.domain.receipt import CLOCK_TOLERANCE, check_occurred, refund_hash
from services.loyalty.purchases.errors import PurchaseNotFound, RefundByAnotherMember, RefundConflict
from services.loyalty.purchases.service.reversing import Notice, answer_json, replay, reverse_purchase
from services.loyalty.purchases.service.scene import Claim, read_scene, shared_of
from services.loyalty.purchases.service.waiting import keep_waiting, look_again
from services.platform.db.session import Statement, UnitOfWork
from services.platform.ids import new_id
from services.platform.text import check_optional_text, check_text

OPERATION = "refundPurchase"


def refund_purchase(uow: UnitOfWork, *, command: RefundPurchase) -> RefundedPurchase:
    """Take a purchase back, in part or whole: the money state, and every effect that it had (`service.effects`).

    Any age is accepted. Points that the member has spent meanwhile are taken from the other lots, soonest expiry
    first; what is not there is owed or recorded as a shortfall, by the program's policy. A refund of a purchase that
    is not known by its external number yet waits for it, or is refused, by policy too. The same refund told again is
    answered as the first time.

    Raises:
        PurchaseNotFound, PurchaseVoided, RefundByAnotherMember, OccurredInFuture, OccurredTooLongAgo
        RefundExceedsPurchase, RefundQuantityExceedsLine, RefundLineUnknown, RefundBelowZero, NothingLeftToRefund
        RefundConflict: the external id belongs to another refund.
        InvalidInput, MemberNotFound, IdempotencyConflict, IdempotencyKeyInvalid
    """
    command = trimmed(command)
    claim = Claim(OPERATION, command.idempotency_key, command.request_hash)
    located = locate(uow, command.purchase, claim)
    if located is None:
        return keep_waiting(uow, command, claim)
    if "purchaseId" in located:
        return replay(located)
    check_returning(uow, command, located)
    return refund_located(uow, command, located, claim)


def trimmed(command: RefundPurchase) -> RefundPurchase:
    """The command with trimmed texts.

    Raises:
        InvalidInput
    """
    return dataclasses.replace(
        command,
        source=check_text(command.source, field="source"),
        external_id=check_text(command.external_id, field="externalId"),
        reason=check_optional_text(command.reason, field="reason"),
    )


def locate(uow: UnitOfWork, ref: UUID | PurchaseRef, claim: Claim) -> Mapping[str, Any] | None:
    """Claim the key and find the purchase; or the stored answer; or None for an external number that is not known.

    Raises:
        PurchaseNotFound: there is no purchase with this id.
        IdempotencyConflict, IdempotencyKeyInvalid
    """
    values = {"source": ref.source, "external_id": ref.external_id} if isinstance(ref, PurchaseRef) else {"id": ref}
    query = repository.LOCATE if isinstance(ref, PurchaseRef) else repository.LOCATE_BY_ID
    claim_rows, purchase_rows = uow.fetch_pipeline([claim.statement(uow), Statement(query, values)])
    answer = claim.answer(uow, claim_rows)
    if answer is not None:
        return answer
    if purchase_rows:
        return purchase_rows[0]
    if isinstance(ref, PurchaseRef):
        return None
    raise PurchaseNotFound(purchase_id=ref)


def check_returning(uow: UnitOfWork, command: RefundPurchase, located: Mapping[str, Any]) -> None:
    """Refuse who returns what somebody else has bought.

    Raises:
        RefundByAnotherMember, MemberNotFound, IdentityInvalid
    """
    if command.member is None:
        return
    returning = members.resolved(uow, ref=command.member, store_id=located["store_id"])
    if returning != located["member_id"]:
        raise RefundByAnotherMember(purchase_id=located["id"])


def refund_located(
    uow: UnitOfWork,
    command: RefundPurchase,
    located: Mapping[str, Any],
    claim: Claim | None,
    *,
    refund_id: UUID | None = None,
    told_at: datetime | None = None,
    caps: Collection[CapKey] = (),
) -> RefundedPurchase:
    """Refund a purchase that was found. Without ``claim`` the command is a part of another one, which has the key.

    ``told_at`` is when it happened where the command does not say so. ``caps`` are everybody's counters that what
    follows will lock: they are locked together with the purchase's own, all in one order.

    Raises:
        see `refund_purchase`
    """
    values = {"source": command.source, "external_id": command.external_id}
    scene, (known_rows,) = read_scene(uow, located, more=[Statement(repository.KNOWN_REFUND, values)])
    content_hash = refund_hash(command, purchase_id=scene.purchase.id)
    if known_rows:
        return _answer_known(uow, command, claim, known_rows[0], content_hash)
    if command.occurred_at is None:
        # Our own clock refuses nothing: a refund that waited may have been told before its purchase was.
        occurred_at = max(told_at or uow.now, scene.purchase.occurred_at)
    else:
        occurred_at = command.occurred_at
        check_occurred(occurred_at, now=uow.now, earliest=scene.purchase.occurred_at - CLOCK_TOLERANCE)
    notice = Notice(
        id=refund_id or new_id(),
        source=command.source,
        external_id=command.external_id,
        content_hash=content_hash,
        reason=command.reason,
        occurred_at=occurred_at,
    )
    statements, answer = reverse_purchase(uow, scene, request=command.request, notice=notice)
    settling = [] if claim is None else [claim.settle(answer_json(answer))]
    locks = locking_statements({*caps, *shared_of(scene.frozen)}) if caps else []
    try:
        uow.fetch_pipeline([*locks, *statements, *settling])
    except UniqueViolation as error:
        if not repository.is_known(error):
            raise
        repository.go_back(uow)
        return _answer_known(uow, command, claim, uow.fetch_all(repository.KNOWN_REFUND, values)[0], content_hash)
    return answer


def refund_what_waited(uow: UnitOfWork, waiting: WaitingRefund, located: Mapping[str, Any]) -> RefundedPurchase:
    """Refund a purchase that has arrived, as was told before.

    Raises:
        see `refund_purchase`
    """
    command = waiting.command(located["id"])
    return refund_located(uow, command, located, None, refund_id=waiting.id, told_at=waiting.occurred_at)


def apply_due(uow: UnitOfWork, *, waiting_id: UUID) -> None:
    """Look at a refund that waits, when it is time: apply it, let it wait on, or give it up."""
    look_again(uow, waiting_id=waiting_id, apply=refund_what_waited)


def _answer_known(
    uow: UnitOfWork, command: RefundPurchase, claim: Claim | None, known: DictRow, content_hash: bytes
) -> RefundedPurchase:
    if known["content_hash"] != content_hash:
        raise RefundConflict(external_id=command.external_id, refund_id=known["id"])
    if claim is not None:
        statement = claim.settle(known["answer"])
        uow.execute(statement.query, statement.values)
    return replay(known["answer"])
