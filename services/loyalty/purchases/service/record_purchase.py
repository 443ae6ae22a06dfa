"""Evidence in, points out."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from psycopg.errors import UniqueViolation
from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from services.contracts.events.loyalty import PurchaseRecorded
from services.loyalty.earning import service as earning
from services.loyalty.earning.domain import RuleAccrual, cap_day, freeze, frozen_json
from services.loyalty.earning.queries import cap_used
from services.loyalty.ledger import service as ledger
from services.loyalty.ledger.domain import Lot, LotOrigin, Reference, accrual_entry, new_lot
from services.loyalty.programs.domain import Policies
from services.loyalty.programs.domain.publishing import unit_of
from services.loyalty.purchases import repository
from services.loyalty.purchases.domain import RecordedPurchase, RecordPurchase
from services.loyalty.purchases.domain.assessment import Assessment, assess
from services.loyalty.purchases.domain.receipt import Receipt, check_occurred, check_receipt, purchase_hash
from services.loyalty.purchases.errors import PurchaseConflict
from services.loyalty.purchases.service.scene import Buyer, Claim, Scene, arrive
from services.loyalty.stores.domain import check_sale
from services.loyalty.tiers.domain import level_held
from services.loyalty.tiers.service import requalify_statements
from services.platform.db.session import Statement, UnitOfWork
from services.platform.ids import new_id
from services.platform.metering import service as metering
from services.platform.outbox import service as outbox
from services.platform.text import check_text

OPERATION = "recordPurchase"
METER = "purchases"
REFERENCE = "purchase"


@dataclass(frozen=True, slots=True)
class _Decision:
    """All that is to be written. ``lots`` are those of the rules that gave points, by rule id."""

    purchase_id: UUID
    occurred_at: datetime
    content_hash: bytes
    assessment: Assessment | None
    lots: Mapping[str, Lot]
    entry_id: UUID | None
    answer: RecordedPurchase


def record_purchase(uow: UnitOfWork, *, command: RecordPurchase) -> RecordedPurchase:
    """Store a receipt, and post what it earns.

    A guest, an inactive member and a time before the first program earn nothing; the receipt is stored all the same.
    The same receipt told again under another key is answered as the first time.

    Raises:
        InvalidInput, DiscountExceedsOrder: a receipt that nobody can have.
        OccurredInFuture, OccurredTooLongAgo: by the program's back-dating limit.
        StoreNotFound, StoreClosed, StoreCurrencyMismatch, CurrencyNotAccepted
        MemberNotFound, IdentityInvalid
        PurchaseConflict: the external id belongs to another receipt.
        AccrualTooLarge, BalanceTooLarge, QualifyingSumTooLarge
        IdempotencyConflict, IdempotencyKeyInvalid
    """
    command = _trimmed(command)
    receipt = check_receipt(currency=command.currency, lines=command.lines, discount_minor=command.discount_minor)
    occurred_at = command.occurred_at or uow.now
    claim = Claim(OPERATION, command.idempotency_key, command.request_hash)
    scene = arrive(
        uow,
        claim=claim,
        store_id=command.store_id,
        member=command.member,
        occurred_at=occurred_at,
        known=_known_statement(command),
    )
    if not isinstance(scene, Scene):
        return _replay(scene)
    member_id = scene.buyer.member_id if scene.buyer else None
    content_hash = purchase_hash(command, receipt, member_id=member_id)
    if scene.known is not None:
        return _answer_known(uow, command, claim, scene.known, content_hash)
    check_sale(scene.store, currency=receipt.currency, occurred_at=occurred_at)
    check_occurred(occurred_at, now=uow.now, earliest=_earliest(scene, uow.now))
    decision = _decide(uow, command, receipt, scene=scene, occurred_at=occurred_at, content_hash=content_hash)
    try:
        uow.fetch_pipeline(_writing_statements(uow, command, receipt, scene=scene, decision=decision, claim=claim))
    except UniqueViolation as error:
        if not repository.is_known(error):
            raise
        repository.go_back(uow)
        statement = _known_statement(command)
        known = uow.fetch_all(statement.query, statement.values)[0]
        return _answer_known(uow, command, claim, known, content_hash)
    return decision.answer


def _trimmed(command: RecordPurchase) -> RecordPurchase:
    return dataclasses.replace(
        command,
        source=check_text(command.source, field="source"),
        external_id=check_text(command.external_id, field="externalId"),
        channel=check_text(command.channel, field="channel"),
    )


def _known_statement(command: RecordPurchase) -> Statement:
    return Statement(repository.KNOWN, {"source": command.source, "external_id": command.external_id})


def _earliest(scene: Scene, now: datetime) -> datetime:
    policies = scene.present.document.policies if scene.present else Policies()
    return now - timedelta(days=policies.backdating_days)


def _answer_known(
    uow: UnitOfWork, command: RecordPurchase, claim: Claim, known: DictRow, content_hash: bytes
) -> RecordedPurchase:
    if known["content_hash"] != content_hash:
        raise PurchaseConflict(external_id=command.external_id, purchase_id=known["id"])
    statement = claim.settle(known["answer"])
    uow.execute(statement.query, statement.values)
    return _replay(known["answer"])


def _decide(
    uow: UnitOfWork,
    command: RecordPurchase,
    receipt: Receipt,
    *,
    scene: Scene,
    occurred_at: datetime,
    content_hash: bytes,
) -> _Decision:
    purchase_id = new_id()
    assessment = _assess(receipt, scene, occurred_at, uow.now)
    lots: dict[str, Lot] = {}
    entry_id = None
    if assessment is not None and scene.buyer is not None and assessment.evaluation.points > 0:
        lots = _lots(
            uow, scene.buyer, assessment, occurred_at=occurred_at, purchase_id=purchase_id, store_id=command.store_id
        )
        header = ledger.entry_header(
            uow,
            holder_id=scene.buyer.member_id,
            occurred_at=occurred_at,
            store_id=command.store_id,
            program_version_id=assessment.version.id,
            reference=Reference(REFERENCE, purchase_id),
        )
        entry_id = scene.buyer.book.post(accrual_entry(header, lots=tuple(lots.values()))).header.id
    change = assessment.requalification.change if assessment else None
    unit = unit_of(scene.present)
    answer = RecordedPurchase(
        purchase_id=purchase_id,
        member_id=scene.buyer.member_id if scene.buyer else None,
        points=assessment.evaluation.points if assessment else 0,
        balance=scene.buyer.book.balance(unit.code).available if scene.buyer else 0,
        from_tier=change.from_code if change else None,
        to_tier=change.to_code if change else None,
        replayed=False,
    )
    return _Decision(purchase_id, occurred_at, content_hash, assessment, lots, entry_id, answer)


def _assess(receipt: Receipt, scene: Scene, occurred_at: datetime, now: datetime) -> Assessment | None:
    if scene.buyer is None or not scene.buyer.is_active or scene.version is None or scene.present is None:
        return None
    day = cap_day(scene.version.document, occurred_at)
    return assess(
        version=scene.version,
        present=scene.present,
        lines=receipt.earning(),
        currency=receipt.currency,
        store_code=scene.store.code,
        record=scene.buyer.record,
        cap_used=cap_used(scene.buyer.cap_rows, day=day),
        occurred_at=occurred_at,
        now=now,
    )


def _lots(
    uow: UnitOfWork,
    buyer: Buyer,
    assessment: Assessment,
    *,
    occurred_at: datetime,
    purchase_id: UUID,
    store_id: UUID,
) -> dict[str, Lot]:
    def lot(accrual: RuleAccrual) -> Lot:
        return new_lot(
            lot_id=new_id(),
            holder_id=buyer.member_id,
            unit=assessment.version.document.unit.code,
            amount=accrual.points,
            origin=LotOrigin(REFERENCE, purchase_id, accrual.rule_id, store_id),
            now=uow.now,
            # A till's clock that is ahead makes nothing pending.
            activates_at=min(occurred_at, uow.now),
        )

    return {accrual.rule_id: lot(accrual) for accrual in assessment.evaluation.accruals if accrual.points > 0}


def _writing_statements(
    uow: UnitOfWork, command: RecordPurchase, receipt: Receipt, *, scene: Scene, decision: _Decision, claim: Claim
) -> list[Statement]:
    assessment, purchase_id = decision.assessment, decision.purchase_id
    answer = _answer_json(decision.answer)
    points = {line.position: line.points for line in assessment.evaluation.line_points} if assessment else {}
    statements = [
        Statement(repository.SAVEPOINT),
        Statement(repository.INSERT, _purchase_values(uow, command, receipt, decision, answer)),
        repository.lines_statement(
            purchase_id=purchase_id,
            receipt=receipt,
            points=[points.get(line.position, 0) for line in receipt.lines],
        ),
    ]
    if scene.buyer is not None:
        statements += ledger.writing_statements(scene.buyer.book)
    if scene.buyer is not None and assessment is not None:
        statements += _earning_statements(uow, scene.buyer, assessment, decision)
    statements.append(metering.count_statement(uow, meter=METER, event_id=purchase_id))
    statements.append(outbox.publish_statement(uow, _letter(receipt, scene, decision)))
    statements.append(claim.settle(answer))
    return statements


def _earning_statements(uow: UnitOfWork, buyer: Buyer, assessment: Assessment, decision: _Decision) -> list[Statement]:
    accruals = [
        (accrual.rule_id, decision.lots[accrual.rule_id].id if accrual.points else None, accrual.points)
        for accrual in assessment.evaluation.accruals
    ]
    statements = (
        [repository.accruals_statement(purchase_id=decision.purchase_id, accruals=accruals)] if accruals else []
    )
    statements += earning.fill_caps_statements(
        member_id=buyer.member_id, evaluation=assessment.evaluation, day=assessment.cap_day
    )
    statements += requalify_statements(
        uow, member_id=buyer.member_id, before=buyer.record, requalification=assessment.requalification
    )
    return statements


def _purchase_values(
    uow: UnitOfWork, command: RecordPurchase, receipt: Receipt, decision: _Decision, answer: Mapping[str, Any]
) -> dict[str, Any]:
    assessment = decision.assessment
    frozen = None
    if assessment is not None:
        frozen = Jsonb(frozen_json(freeze(assessment.evaluation, program_version_id=assessment.version.id)))
    return {
        "id": decision.purchase_id,
        "source": command.source,
        "external_id": command.external_id,
        "content_hash": decision.content_hash,
        "member_id": decision.answer.member_id,
        "store_id": command.store_id,
        "channel": command.channel,
        "currency": receipt.currency,
        "discount_minor": receipt.discount_minor,
        "total_minor": receipt.total_minor,
        "occurred_at": decision.occurred_at,
        "recorded_at": uow.now,
        "program_version_id": assessment.version.id if assessment else None,
        "frozen": frozen,
        "points": decision.answer.points,
        "entry_id": decision.entry_id,
        "answer": Jsonb(answer),
    }


def _letter(receipt: Receipt, scene: Scene, decision: _Decision) -> PurchaseRecorded:
    unit = unit_of(scene.present)
    tier_en, tier_zh = "", ""
    if scene.present is not None and scene.buyer is not None:
        requalified = decision.assessment.requalification.record if decision.assessment else scene.buyer.record
        level = level_held(scene.present.document.tiers, requalified)
        tier_en, tier_zh = level.name.en, level.name.zh
    return PurchaseRecorded(
        purchase_id=decision.purchase_id,
        member_id=decision.answer.member_id,
        merchant_name=scene.merchant_name,
        store_name=scene.store.name,
        occurred_at=decision.occurred_at,
        timezone=scene.store.timezone,
        total_minor=receipt.total_minor,
        currency=receipt.currency,
        points=decision.answer.points,
        balance=decision.answer.balance,
        unit_name_en=unit.name.en,
        unit_name_zh=unit.name.zh,
        unit_scale=unit.scale,
        tier_name_en=tier_en,
        tier_name_zh=tier_zh,
    )


def _answer_json(answer: RecordedPurchase) -> dict[str, Any]:
    return {
        "purchaseId": str(answer.purchase_id),
        "memberId": str(answer.member_id) if answer.member_id else None,
        "points": answer.points,
        "balance": answer.balance,
        "fromTier": answer.from_tier,
        "toTier": answer.to_tier,
    }


def _replay(answer: Mapping[str, Any]) -> RecordedPurchase:
    return RecordedPurchase(
        purchase_id=UUID(answer["purchaseId"]),
        member_id=UUID(answer["memberId"]) if answer["memberId"] else None,
        points=answer["points"],
        balance=answer["balance"],
        from_tier=answer["fromTier"],
        to_tier=answer["toTier"],
        replayed=True,
    )
