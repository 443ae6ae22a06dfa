"""Refunds that came before their purchase: kept, and applied in the transaction in which the purchase arrives.

A purchase that is being recorded at the very moment at which its refund is told of may not see it: a minute later
each is looked at once. It is looked at once more when its purchase cannot be told of any more, and let go then.
"""

from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from uuid import UUID

from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from services.loyalty.members import queries as members
from services.loyalty.programs.domain import EarlyRefundPolicy, Policies
from services.loyalty.programs.queries import version_in_force
from services.loyalty.purchases import repository
from services.loyalty.purchases.domain import PurchaseRef, RefundedPurchase, RefundPurchase
from services.loyalty.purchases.domain.early import WaitingRefund, early_hash, parse_request, request_json
from services.loyalty.purchases.domain.receipt import check_occurred
from services.loyalty.purchases.errors import PurchaseNotFound, RefundByAnotherMember, RefundConflict
from services.loyalty.purchases.service.reversing import answer_json, replay
from services.loyalty.purchases.service.scene import Claim
from services.platform.db.session import Statement, UnitOfWork
from services.platform.errors import DomainError
from services.platform.ids import new_id
from services.platform.text import check_text

LOOKED_AT_AFTER = timedelta(minutes=1)
"""Longer than a transaction lasts in which a purchase is recorded."""

WAITS_DAYS_MIN = 90
"""What is returned was bought before: it waits as long as the program takes purchases late, and no less than this."""

Apply = Callable[[UnitOfWork, WaitingRefund, DictRow], RefundedPurchase]


def keep_waiting(uow: UnitOfWork, command: RefundPurchase, claim: Claim) -> RefundedPurchase:
    """Keep a refund until its purchase comes; the answer says that it waits, and under which id it will be found.

    Raises:
        PurchaseNotFound: the program does not wait for purchases.
        RefundConflict: the external id belongs to another refund.
        OccurredInFuture, MemberNotFound, IdentityInvalid, InvalidInput
    """
    assert isinstance(command.purchase, PurchaseRef)
    ref = PurchaseRef(
        check_text(command.purchase.source, field="purchase.source"),
        check_text(command.purchase.external_id, field="purchase.externalId"),
    )
    if _policies(uow).early_refund is EarlyRefundPolicy.REFUSE:
        raise PurchaseNotFound(external_id=ref.external_id)
    occurred_at = command.occurred_at or uow.now
    check_occurred(occurred_at, now=uow.now, earliest=occurred_at)
    member_id = None if command.member is None else members.resolved(uow, ref=command.member)
    content_hash = early_hash(command, ref, member_id=member_id)
    answer = _waiting_answer(new_id())
    number = {"source": command.source, "external_id": command.external_id}
    values = number | {
        "id": answer.refund_id,
        "content_hash": content_hash,
        "purchase_source": ref.source,
        "purchase_external_id": ref.external_id,
        "member_id": member_id,
        "request": Jsonb(request_json(command)),
        "reason": command.reason,
        "occurred_at": occurred_at,
        "now": uow.now,
        "look_at": uow.now + LOOKED_AT_AFTER,
    }
    kept, known, done = uow.fetch_pipeline(
        [
            Statement(repository.INSERT_WAITING, values),
            Statement(repository.KNOWN_WAITING, number),
            Statement(repository.KNOWN_REFUND, number),
        ]
    )
    if done:
        raise RefundConflict(external_id=command.external_id, refund_id=done[0]["id"])
    if not kept:
        if known[0]["content_hash"] != content_hash:
            raise RefundConflict(external_id=command.external_id, refund_id=known[0]["id"])
        answer = _waiting_answer(known[0]["id"])
    settling = claim.settle(answer_json(answer))
    uow.execute(settling.query, settling.values)
    return answer if kept else replay(answer_json(answer))


def apply_waiting(uow: UnitOfWork, *, purchases: Collection[PurchaseRef], apply: Apply) -> int:
    """Apply the refunds that wait for purchases which are here now; how many were settled.

    One that its purchase cannot bear is kept as refused, with the code of the reason; the purchase stands.
    """
    values = {
        "sources": [ref.source for ref in purchases],
        "external_ids": [ref.external_id for ref in purchases],
    }
    return _settle_rows(uow, uow.fetch_all(repository.WAITING_OF, values), apply)


def look_again(uow: UnitOfWork, *, waiting_id: UUID, apply: Apply) -> None:
    """Look at a refund that waits, when it is time, and apply it where its purchase is here.

    One that somebody else is at is left to them. One whose purchase has not come in time (`WAITS_DAYS_MIN`) is kept as
    refused, `PURCHASE_NOT_FOUND`.
    """
    rows = uow.fetch_all(repository.LOCK_DUE, {"id": waiting_id, "now": uow.now})
    here = [row for row in rows if uow.fetch_all(repository.LOCATE, _purchase_of(row))]
    _settle_rows(uow, here, apply)
    for row in rows:
        gives_up_at = row["recorded_at"] + timedelta(days=max(WAITS_DAYS_MIN, _policies(uow).backdating_days))
        if row not in here and gives_up_at <= uow.now:
            _settle(uow, row, PurchaseNotFound(external_id=row["purchase_external_id"]).code)
        elif row not in here:
            # Its purchase finds it by itself; a look now and then is for one that came while this row was looked at.
            again = uow.now + max(LOOKED_AT_AFTER, uow.now - row["recorded_at"])
            uow.execute(repository.LOOK_AGAIN, {"id": row["id"], "at": min(again, gives_up_at)})


def _settle_rows(uow: UnitOfWork, rows: Collection[DictRow], apply: Apply) -> int:
    for row in rows:
        refusal: str | None = None
        try:
            waiting = _waiting_of(row)
            located = uow.fetch_all(repository.LOCATE, _purchase_of(row))[0]
            if waiting.member_id is not None and waiting.member_id != located["member_id"]:
                raise RefundByAnotherMember(purchase_id=located["id"])
            apply(uow, waiting, located)
        except DomainError as error:
            refusal = error.code
        _settle(uow, row, refusal)
    return len(rows)


def _policies(uow: UnitOfWork) -> Policies:
    version = version_in_force(uow, at=uow.now)
    return version.document.policies if version else Policies()


def _settle(uow: UnitOfWork, row: DictRow, refusal: str | None) -> None:
    values = {
        "id": row["id"],
        "state": "refused" if refusal else "applied",
        "refusal": refusal,
        "refund_id": None if refusal else row["id"],
        "now": uow.now,
    }
    uow.execute(repository.SETTLE_WAITING, values)


def _purchase_of(row: DictRow) -> dict[str, str]:
    return {"source": row["purchase_source"], "external_id": row["purchase_external_id"]}


def _waiting_of(row: DictRow) -> WaitingRefund:
    said_at = row["request"]["saidAt"]
    return WaitingRefund(
        id=row["id"],
        source=row["source"],
        external_id=row["external_id"],
        purchase=PurchaseRef(row["purchase_source"], row["purchase_external_id"]),
        member_id=row["member_id"],
        request=parse_request(row["request"]),
        reason=row["reason"],
        said_at=None if said_at is None else datetime.fromisoformat(said_at),
        occurred_at=row["occurred_at"],
    )


def _waiting_answer(refund_id: UUID) -> RefundedPurchase:
    return RefundedPurchase(
        refund_id=refund_id,
        purchase_id=None,
        member_id=None,
        refunded_minor=0,
        points=0,
        shortfall=0,
        balance=0,
        from_tier=None,
        to_tier=None,
        replayed=False,
        is_waiting=True,
    )
