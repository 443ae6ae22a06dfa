"""What every taking back of a purchase has in common: the decision, the evidence, and what tells of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from services.contracts.events.loyalty import PurchaseRefunded
from services.loyalty.earning.domain import RefundRequest
from services.loyalty.programs.domain.publishing import unit_of
from services.loyalty.purchases import repository
from services.loyalty.purchases.domain import RefundedPurchase
from services.loyalty.purchases.domain.effects import Use, UseKind, undecided, uses_of
from services.loyalty.purchases.domain.evidence import UnitState
from services.loyalty.purchases.domain.reversal import Reversal, reverse
from services.loyalty.purchases.errors import PurchaseVoided
from services.loyalty.purchases.queries import refunds_by_purchases
from services.loyalty.purchases.service.effects import Undoing, undo_all
from services.loyalty.purchases.service.scene import Scene
from services.loyalty.purchases.service.settling_back import (
    NOTHING,
    ComingBack,
    coming_back,
    coupons_back_statements,
)
from services.platform.db.session import Statement, UnitOfWork
from services.platform.outbox import service as outbox


@dataclass(frozen=True, slots=True)
class Notice:
    """What is kept of a refund besides what it does. Its numbers are the world's; `id` is ours."""

    id: UUID
    source: str
    external_id: str
    content_hash: bytes
    reason: str | None
    occurred_at: datetime


def reverse_purchase(
    uow: UnitOfWork, scene: Scene, *, request: RefundRequest, notice: Notice, is_void: bool = False
) -> tuple[list[Statement], RefundedPurchase]:
    """Take a part or the rest of a purchase back; what writes it, beginning with a savepoint, and what is answered.

    Raises:
        PurchaseVoided
        RefundExceedsPurchase, RefundQuantityExceedsLine, RefundLineUnknown, RefundBelowZero, NothingLeftToRefund
        InvalidInput
    """
    purchase = scene.purchase
    if purchase.voided_at is not None:
        raise PurchaseVoided(purchase_id=purchase.id)
    reversal = reverse(
        purchase,
        lines=scene.lines,
        accruals=scene.accruals,
        units=scene.units,
        free_minor=scene.free_minor,
        request=request,
        evaluated_by=scene.evaluation,
    )
    undoing, back = None, coming_back(scene, reversal)
    if scene.buyer is not None and scene.evaluation is not None and scene.present is not None:
        undoing = Undoing(
            uow, scene, scene.buyer, reversal, reference_id=notice.id, occurred_at=notice.occurred_at, back=back
        )
        undone = undo_all(undoing)
    else:
        undone = coupons_back_statements(uow, scene, back)
    answer = _answer(uow, scene, reversal, notice, undoing, back=back)
    statements = _evidence_statements(uow, scene, reversal, notice, undoing, answer=answer, is_void=is_void)
    statements += undone
    statements.append(outbox.publish_statement(uow, _letter(scene, answer, notice)))
    return statements, answer


def catch_up(uow: UnitOfWork, scene: Scene) -> tuple[list[Statement], RefundedPurchase]:
    """Take back what earlier refunds would have taken of a purchase that has earned only now.

    What is answered is as of a refund; none is kept, for those there are have been told.
    """
    assert scene.buyer is not None
    reversal = reverse(
        scene.purchase,
        lines=scene.lines,
        accruals=scene.accruals,
        units=scene.units,
        free_minor=scene.free_minor,
        request=None,
        evaluated_by=scene.evaluation,
    )
    refunds = refunds_by_purchases(uow, purchase_ids=(scene.purchase.id,))[scene.purchase.id]
    notice = Notice(refunds[-1].id, refunds[-1].source, refunds[-1].external_id, b"", None, uow.now)
    back = ComingBack(0, 0, scene.settled_back)
    undoing = Undoing(uow, scene, scene.buyer, reversal, reference_id=notice.id, occurred_at=uow.now, back=back)
    undone = undo_all(undoing)
    states = dict(scene.units) | {unit: each.state for unit, each in undoing.taken.items()}
    unit = unit_of(scene.evaluated_by).code
    own, others = states[unit], other_units_json(states, own=unit)
    values = {
        "id": scene.purchase.id,
        "points_taken_back": own.taken_back,
        "points_lapsed": own.lapsed,
        "shortfall": own.shortfall,
        "other_units": None if others is None else Jsonb(others),
    }
    return [
        Statement(repository.CATCH_UP, values),
        repository.standing_statement(purchase_id=scene.purchase.id, standing=reversal.standing.items()),
        *undone,
    ], _answer(uow, scene, reversal, notice, undoing)


def answer_json(answer: RefundedPurchase) -> dict[str, Any]:
    """The answer as it is stored: ids and numbers only."""
    return {
        "refundId": str(answer.refund_id),
        "purchaseId": str(answer.purchase_id) if answer.purchase_id else None,
        "memberId": str(answer.member_id) if answer.member_id else None,
        "refundedMinor": answer.refunded_minor,
        "points": answer.points,
        "shortfall": answer.shortfall,
        "balance": answer.balance,
        "fromTier": answer.from_tier,
        "toTier": answer.to_tier,
        "owed": answer.owed,
        "pointsReturned": answer.points_returned,
        "returnedMinor": answer.returned_minor,
        "isWaiting": answer.is_waiting,
        "needsDecision": [_use_json(use) for use in answer.needs_decision],
        "consequences": [_use_json(use) for use in answer.consequences],
    }


def replay(answer: Mapping[str, Any]) -> RefundedPurchase:
    """The stored answer, told again. What was stored before these were known has none."""
    return RefundedPurchase(
        refund_id=UUID(answer["refundId"]),
        purchase_id=UUID(answer["purchaseId"]) if answer["purchaseId"] else None,
        member_id=UUID(answer["memberId"]) if answer["memberId"] else None,
        refunded_minor=answer["refundedMinor"],
        points=answer["points"],
        shortfall=answer["shortfall"],
        balance=answer["balance"],
        from_tier=answer["fromTier"],
        to_tier=answer["toTier"],
        replayed=True,
        owed=answer.get("owed", 0),
        points_returned=answer.get("pointsReturned", 0),
        returned_minor=answer.get("returnedMinor", 0),
        is_waiting=answer.get("isWaiting", False),
        needs_decision=tuple(_use_of(use) for use in answer.get("needsDecision", ())),
        consequences=tuple(_use_of(use) for use in answer.get("consequences", ())),
    )


def other_units_json(states: Mapping[str, UnitState], *, own: str) -> dict[str, list[int]] | None:
    """What is kept of units other than the program's own; None where there are none."""
    others = {
        unit: [state.points, state.taken_back, state.lapsed, state.shortfall]
        for unit, state in states.items()
        if unit != own
    }
    return others or None


def _answer(
    uow: UnitOfWork,
    scene: Scene,
    reversal: Reversal,
    notice: Notice,
    undoing: Undoing | None,
    *,
    back: ComingBack = NOTHING,
) -> RefundedPurchase:
    purchase, unit = scene.purchase, unit_of(scene.present)
    own = None if scene.evaluated_by is None else scene.evaluated_by.document.unit.code
    taken = None if undoing is None or own is None else undoing.taken.get(own)
    change = undoing.requalification.change if undoing and undoing.requalification else None
    missing: dict[str, int] = {}
    if undoing is not None:
        missing = {code: each.state.shortfall + max(0, each.owed) for code, each in undoing.taken.items()}
    at_lost_tier: tuple[UUID, ...] = ()
    if change is not None and purchase.member_id is not None:
        at_lost_tier = _earned_at(uow, scene, tier_code=change.from_code)
    return RefundedPurchase(
        refund_id=notice.id,
        purchase_id=purchase.id,
        member_id=purchase.member_id,
        refunded_minor=reversal.outcome.refunded_minor,
        points=taken.points if taken else 0,
        shortfall=taken.state.shortfall if taken else purchase.shortfall,
        balance=scene.buyer.book.balance(unit.code).available if scene.buyer else 0,
        from_tier=change.from_code if change else None,
        to_tier=change.to_code if change else None,
        replayed=False,
        owed=taken.owed if taken else 0,
        points_returned=back.points,
        returned_minor=back.value_minor,
        needs_decision=undecided(scene.drawings, missing=missing),
        consequences=uses_of(scene.drawings, earned_at_lost_tier=at_lost_tier) if reversal.asks else (),
    )


def _earned_at(uow: UnitOfWork, scene: Scene, *, tier_code: str) -> tuple[UUID, ...]:
    values = {
        "member_id": scene.purchase.member_id,
        "after": scene.purchase.id,
        "tier_code": tier_code,
        "limit": repository.CONSEQUENCES_MAX,
    }
    return tuple(row["id"] for row in uow.fetch_all(repository.EARNED_AT_TIER, values))


def _evidence_statements(
    uow: UnitOfWork,
    scene: Scene,
    reversal: Reversal,
    notice: Notice,
    undoing: Undoing | None,
    *,
    answer: RefundedPurchase,
    is_void: bool,
) -> list[Statement]:
    purchase, outcome = scene.purchase, reversal.outcome
    states = dict(scene.units) | ({} if undoing is None else {u: each.state for u, each in undoing.taken.items()})
    unit = scene.evaluated_by.document.unit.code if scene.evaluated_by else ""
    own = states.get(unit, UnitState(purchase.points, purchase.points_taken_back, purchase.points_lapsed))
    entry_ids = [] if undoing is None else [each.entry_id for each in undoing.taken.values() if each.entry_id]
    refund_values = {
        "id": notice.id,
        "purchase_id": purchase.id,
        "source": notice.source,
        "external_id": notice.external_id,
        "content_hash": notice.content_hash,
        "refunded_minor": answer.refunded_minor,
        "points_taken_back": answer.points,
        "shortfall": answer.shortfall,
        "reason": notice.reason,
        "entry_id": entry_ids[0] if entry_ids else None,
        "answer": Jsonb(answer_json(answer)),
        "occurred_at": notice.occurred_at,
        "recorded_at": uow.now,
    }
    others = other_units_json(states, own=unit)
    purchase_values = {
        "id": purchase.id,
        "refunded_minor": purchase.refunded_minor + outcome.refunded_minor,
        "refunded_free_minor": outcome.state.free_minor,
        "points_taken_back": own.taken_back,
        "points_lapsed": own.lapsed,
        "shortfall": own.shortfall,
        "other_units": None if others is None else Jsonb(others),
        "voided_at": uow.now if is_void else None,
    }
    statements = [
        Statement(repository.SAVEPOINT),
        Statement(repository.INSERT_REFUND, refund_values),
        repository.refund_lines_statement(refund_id=notice.id, lines=outcome.lines),
        Statement(repository.UPDATE_REFUNDED, purchase_values),
        repository.returned_statement(
            purchase_id=purchase.id,
            quantities=[(returned.position, returned.quantity) for returned in outcome.state.returned],
        ),
    ]
    if reversal.standing:
        statements.append(repository.standing_statement(purchase_id=purchase.id, standing=reversal.standing.items()))
    return statements


def _letter(scene: Scene, answer: RefundedPurchase, notice: Notice) -> PurchaseRefunded:
    unit = unit_of(scene.present)
    return PurchaseRefunded(
        refund_id=answer.refund_id,
        purchase_id=scene.purchase.id,
        member_id=answer.member_id,
        merchant_name=scene.merchant_name,
        store_name=scene.store.name,
        occurred_at=notice.occurred_at,
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


def _use_json(use: Use) -> list[Any]:
    return [use.kind.value, str(use.id), use.unit, use.points]


def _use_of(data: list[Any]) -> Use:
    kind, use_id, unit, points = data
    return Use(UseKind(kind), UUID(use_id), unit, points)
