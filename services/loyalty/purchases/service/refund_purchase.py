"""Taking a purchase back, in part or whole, and its points with it."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.errors import UniqueViolation
from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from services.contracts.events.loyalty import PurchaseRefunded
from services.loyalty.earning import service as earning
from services.loyalty.earning.domain import FrozenInputs, cap_day, parse_frozen
from services.loyalty.ledger import queries as ledger_queries
from services.loyalty.ledger import service as ledger
from services.loyalty.members import queries as members
from services.loyalty.programs.domain import ProgramDocument
from services.loyalty.programs.domain.publishing import ProgramVersion, unit_of
from services.loyalty.programs.queries import in_force, versions_read
from services.loyalty.purchases import repository
from services.loyalty.purchases.domain import (
    Accrual,
    Line,
    Purchase,
    PurchaseRef,
    RefundedPurchase,
    RefundPurchase,
)
from services.loyalty.purchases.domain.receipt import CLOCK_TOLERANCE, check_occurred, refund_hash
from services.loyalty.purchases.domain.reversal import Reversal, reverse
from services.loyalty.purchases.errors import PurchaseNotFound, RefundByAnotherMember, RefundConflict
from services.loyalty.purchases.service.claw_back import TakenBack, take_back
from services.loyalty.purchases.service.scene import Buyer, Claim, buyer_of, buyer_statements
from services.loyalty.stores import queries as stores
from services.loyalty.stores.domain import Store
from services.loyalty.tiers.domain import Requalification, requalify
from services.loyalty.tiers.service import requalify_statements
from services.platform.db.session import Statement, UnitOfWork
from services.platform.ids import new_id
from services.platform.outbox import service as outbox
from services.platform.text import check_optional_text, check_text

OPERATION = "refundPurchase"


@dataclass(frozen=True, slots=True)
class _Scene:
    """The purchase as it stands, locked, and whom it concerns."""

    purchase: Purchase
    free_minor: int
    frozen: FrozenInputs | None
    lines: tuple[Line, ...]
    accruals: tuple[Accrual, ...]
    expired: int
    store: Store
    merchant_name: str
    evaluated_by: ProgramVersion | None
    present: ProgramVersion | None
    buyer: Buyer | None
    known: DictRow | None

    @property
    def evaluation(self) -> tuple[ProgramDocument, FrozenInputs] | None:
        """By what the purchase was evaluated."""
        if self.evaluated_by is None or self.frozen is None:
            return None
        return self.evaluated_by.document, self.frozen


def refund_purchase(uow: UnitOfWork, *, command: RefundPurchase) -> RefundedPurchase:
    """Take a purchase back, in part or whole: the money state, its points, its caps and its part in the tier.

    Any age is accepted. Points that the member has spent meanwhile are taken from the other lots, soonest expiry
    first; what is not there is recorded as a shortfall. The same refund told again is answered as the first time.

    Raises:
        PurchaseNotFound, RefundByAnotherMember, OccurredInFuture, OccurredTooLongAgo
        RefundExceedsPurchase, RefundQuantityExceedsLine, RefundLineUnknown, RefundBelowZero, NothingLeftToRefund
        RefundConflict: the external id belongs to another refund.
        InvalidInput, MemberNotFound, IdempotencyConflict, IdempotencyKeyInvalid
    """
    command = _trimmed(command)
    claim = Claim(OPERATION, command.idempotency_key, command.request_hash)
    located = _locate(uow, command, claim)
    if "purchaseId" in located:
        return _replay(located)
    scene = _read(uow, command, located)
    content_hash = refund_hash(command, purchase_id=scene.purchase.id)
    if scene.known is not None:
        return _answer_known(uow, command, claim, scene.known, content_hash)
    occurred_at = command.occurred_at or uow.now
    check_occurred(occurred_at, now=uow.now, earliest=scene.purchase.occurred_at - CLOCK_TOLERANCE)
    reversal = reverse(
        scene.purchase,
        lines=scene.lines,
        accruals=scene.accruals,
        free_minor=scene.free_minor,
        request=command.request,
        evaluated_by=scene.evaluation,
    )
    statements, answer = _decide(
        uow, command, scene, reversal=reversal, occurred_at=occurred_at, content_hash=content_hash
    )
    try:
        uow.fetch_pipeline([*statements, claim.settle(_answer_json(answer))])
    except UniqueViolation as error:
        if not repository.is_known(error):
            raise
        repository.go_back(uow)
        values = {"source": command.source, "external_id": command.external_id}
        return _answer_known(uow, command, claim, uow.fetch_all(repository.KNOWN_REFUND, values)[0], content_hash)
    return answer


def _trimmed(command: RefundPurchase) -> RefundPurchase:
    return dataclasses.replace(
        command,
        source=check_text(command.source, field="source"),
        external_id=check_text(command.external_id, field="externalId"),
        reason=check_optional_text(command.reason, field="reason"),
    )


def _locate(uow: UnitOfWork, command: RefundPurchase, claim: Claim) -> Mapping[str, Any]:
    """Claim the key and find the purchase; or the stored answer."""
    ref = command.purchase
    values = {"source": ref.source, "external_id": ref.external_id} if isinstance(ref, PurchaseRef) else {"id": ref}
    locate = repository.LOCATE if isinstance(ref, PurchaseRef) else repository.LOCATE_BY_ID
    statements = [claim.statement(uow), Statement(locate, values)]
    claim_rows, purchase_rows = uow.fetch_pipeline(statements)
    answer = claim.answer(uow, claim_rows)
    if answer is not None:
        return answer
    if not purchase_rows:
        if isinstance(ref, PurchaseRef):
            raise PurchaseNotFound(external_id=ref.external_id)
        raise PurchaseNotFound(purchase_id=ref)
    located = purchase_rows[0]
    if command.member is not None:
        returning = members.resolved(uow, ref=command.member, store_id=located["store_id"])
        if returning != located["member_id"]:
            raise RefundByAnotherMember(purchase_id=located["id"])
    return located


def _read(uow: UnitOfWork, command: RefundPurchase, located: Mapping[str, Any]) -> _Scene:
    purchase_id, member_id, store_id = located["id"], located["member_id"], located["store_id"]
    versions = versions_read(uow, instants=(uow.now,), version_id=located["program_version_id"])
    ids = {"ids": [purchase_id]}
    known = {"source": command.source, "external_id": command.external_id}
    locks = buyer_statements(uow, member_id=member_id, at=uow.now, every_lot=True) if member_id else []
    rows = uow.fetch_pipeline(
        [
            *locks,
            Statement(repository.LOCK, {"id": purchase_id}),
            Statement(repository.LINES, ids),
            Statement(repository.ACCRUALS, ids),
            ledger_queries.expired_statement(origin_entry_id=located["entry_id"]),
            stores.store_statement(store_id=store_id),
            stores.merchant_statement(uow),
            versions.statement,
            Statement(repository.KNOWN_REFUND, known),
        ]
    )
    buyer_rows, rows = rows[: len(locks)], rows[len(locks) :]
    purchase_rows, lines, accruals, expired, store_rows, merchant_rows, version_rows, known_rows = rows
    found = versions.versions(version_rows)
    purchase = purchase_rows[0]
    return _Scene(
        purchase=repository.purchase_of(purchase),
        free_minor=purchase["refunded_free_minor"],
        frozen=parse_frozen(purchase["frozen"]) if purchase["frozen"] else None,
        lines=tuple(repository.line_of(row) for row in lines),
        accruals=tuple(repository.accrual_of(row) for row in accruals),
        expired=expired[0]["expired"],
        store=stores.store_of(store_rows, store_id=store_id),
        merchant_name=stores.merchant_name_of(merchant_rows),
        evaluated_by=next((version for version in found if version.id == purchase["program_version_id"]), None),
        present=in_force(found, at=uow.now),
        buyer=buyer_of(uow, buyer_rows, member_id=member_id, store_id=store_id) if member_id else None,
        known=known_rows[0] if known_rows else None,
    )


def _answer_known(
    uow: UnitOfWork, command: RefundPurchase, claim: Claim, known: DictRow, content_hash: bytes
) -> RefundedPurchase:
    if known["content_hash"] != content_hash:
        raise RefundConflict(external_id=command.external_id, refund_id=known["id"])
    statement = claim.settle(known["answer"])
    uow.execute(statement.query, statement.values)
    return _replay(known["answer"])


def _decide(
    uow: UnitOfWork,
    command: RefundPurchase,
    scene: _Scene,
    *,
    reversal: Reversal,
    occurred_at: datetime,
    content_hash: bytes,
) -> tuple[list[Statement], RefundedPurchase]:
    """Post the claw-back, move the tier, and give what writes it all with what is answered."""
    refund_id = new_id()
    taken = TakenBack.nothing(scene.purchase)
    requalification: Requalification | None = None
    if scene.buyer is not None and scene.evaluated_by is not None and scene.present is not None:
        taken = take_back(
            uow,
            book=scene.buyer.book,
            purchase=scene.purchase,
            version=scene.evaluated_by,
            accruals=scene.accruals,
            expired=scene.expired,
            ask=reversal.ask,
            refund_id=refund_id,
            occurred_at=occurred_at,
        )
        requalification = requalify(
            scene.present.document.tiers,
            scene.buyer.record,
            points=reversal.tier_points,
            spend_minor=reversal.tier_spend_minor,
            now=uow.now,
        )
    change = requalification.change if requalification else None
    answer = RefundedPurchase(
        refund_id=refund_id,
        purchase_id=scene.purchase.id,
        member_id=scene.purchase.member_id,
        refunded_minor=reversal.outcome.refunded_minor,
        points=taken.points,
        shortfall=taken.shortfall,
        balance=scene.buyer.book.balance(unit_of(scene.present).code).available if scene.buyer else 0,
        from_tier=change.from_code if change else None,
        to_tier=change.to_code if change else None,
        replayed=False,
    )
    statements = _evidence_statements(
        uow,
        command,
        scene,
        reversal=reversal,
        taken=taken,
        answer=answer,
        occurred_at=occurred_at,
        content_hash=content_hash,
    )
    statements += _member_statements(uow, scene, reversal, requalification)
    statements.append(outbox.publish_statement(uow, _letter(scene, answer, occurred_at)))
    return statements, answer


def _evidence_statements(
    uow: UnitOfWork,
    command: RefundPurchase,
    scene: _Scene,
    *,
    reversal: Reversal,
    taken: TakenBack,
    answer: RefundedPurchase,
    occurred_at: datetime,
    content_hash: bytes,
) -> list[Statement]:
    purchase, outcome = scene.purchase, reversal.outcome
    refund_values = {
        "id": answer.refund_id,
        "purchase_id": purchase.id,
        "source": command.source,
        "external_id": command.external_id,
        "content_hash": content_hash,
        "refunded_minor": answer.refunded_minor,
        "points_taken_back": answer.points,
        "shortfall": answer.shortfall,
        "reason": command.reason,
        "entry_id": taken.entry_id,
        "answer": Jsonb(_answer_json(answer)),
        "occurred_at": occurred_at,
        "recorded_at": uow.now,
    }
    purchase_values = {
        "id": purchase.id,
        "refunded_minor": purchase.refunded_minor + outcome.refunded_minor,
        "refunded_free_minor": outcome.state.free_minor,
        "points_taken_back": taken.points_taken_back,
        "points_lapsed": taken.points_lapsed,
        "shortfall": taken.shortfall,
    }
    statements = [
        Statement(repository.SAVEPOINT),
        Statement(repository.INSERT_REFUND, refund_values),
        repository.refund_lines_statement(refund_id=answer.refund_id, lines=outcome.lines),
        Statement(repository.UPDATE_REFUNDED, purchase_values),
        repository.returned_statement(
            purchase_id=purchase.id,
            quantities=[(returned.position, returned.quantity) for returned in outcome.state.returned],
        ),
    ]
    if reversal.standing:
        statements.append(repository.standing_statement(purchase_id=purchase.id, standing=reversal.standing.items()))
    return statements


def _member_statements(
    uow: UnitOfWork, scene: _Scene, reversal: Reversal, requalification: Requalification | None
) -> list[Statement]:
    if scene.buyer is None:
        return []
    statements = ledger.writing_statements((scene.buyer.book,))
    if scene.evaluated_by is not None:
        statements += earning.change_caps_statements(
            member_id=scene.buyer.member_id,
            points=reversal.cap_changes,
            day=cap_day(scene.evaluated_by.document, scene.purchase.occurred_at),
        )
    if requalification is not None:
        statements += requalify_statements(
            uow, member_id=scene.buyer.member_id, before=scene.buyer.record, requalification=requalification
        )
    return statements


def _letter(scene: _Scene, answer: RefundedPurchase, occurred_at: datetime) -> PurchaseRefunded:
    unit = unit_of(scene.present)
    return PurchaseRefunded(
        refund_id=answer.refund_id,
        purchase_id=answer.purchase_id,
        member_id=answer.member_id,
        merchant_name=scene.merchant_name,
        store_name=scene.store.name,
        occurred_at=occurred_at,
        timezone=scene.store.timezone,
        refunded_minor=answer.refunded_minor,
        currency=scene.purchase.currency,
        points=answer.points,
        shortfall=answer.shortfall,
        balance=answer.balance,
        unit_name_en=unit.name.en,
        unit_name_zh=unit.name.zh,
        unit_scale=unit.scale,
    )


def _answer_json(answer: RefundedPurchase) -> dict[str, Any]:
    return {
        "refundId": str(answer.refund_id),
        "purchaseId": str(answer.purchase_id),
        "memberId": str(answer.member_id) if answer.member_id else None,
        "refundedMinor": answer.refunded_minor,
        "points": answer.points,
        "shortfall": answer.shortfall,
        "balance": answer.balance,
        "fromTier": answer.from_tier,
        "toTier": answer.to_tier,
    }


def _replay(answer: Mapping[str, Any]) -> RefundedPurchase:
    return RefundedPurchase(
        refund_id=UUID(answer["refundId"]),
        purchase_id=UUID(answer["purchaseId"]),
        member_id=UUID(answer["memberId"]) if answer["memberId"] else None,
        refunded_minor=answer["refundedMinor"],
        points=answer["points"],
        shortfall=answer["shortfall"],
        balance=answer["balance"],
        from_tier=answer["fromTier"],
        to_tier=answer["toTier"],
        replayed=True,
    )
