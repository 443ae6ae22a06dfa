"""What judged happenings become in the database: one statement a table, however many there are."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from services.loyalty.activities import repository
from services.loyalty.activities.service import ranking
from services.loyalty.activities.service.judging import Judgement
from services.loyalty.earning.domain import frozen_json
from services.loyalty.earning.service import CapUse, cap_uses, fill_caps_statements
from services.loyalty.ledger import service as ledger
from services.platform.db.session import Statement, UnitOfWork
from services.platform.metering import service as metering

METER = "activities"


def keep(
    uow: UnitOfWork, judgements: Sequence[Judgement], *, merchant_name: str, more: Sequence[Statement] = ()
) -> set[UUID]:
    """Store activities that are not known yet, with all that they earned, each member's in one; the ids of those.

    An activity that is known, by its external id or by what counts once, leaves no trace. ``more`` is written in any
    case.
    """
    rows = uow.fetch_pipeline([repository.insert_statement([_row(uow, judgement) for judgement in judgements])])
    stored = {row["id"] for row in rows[0]}
    kept = [judgement for judgement in judgements if judgement.activity_id in stored]
    statements = [*_effects(uow, kept, merchant_name), *more]
    if statements:
        uow.fetch_pipeline(statements)
    return stored


def _effects(uow: UnitOfWork, kept: Sequence[Judgement], merchant_name: str) -> list[Statement]:
    if not kept:
        return []
    countings = [judgement.counting for judgement in kept if judgement.counting]
    return [
        *ledger.writing_statements(judgement.book for judgement in kept if judgement.book),
        *fill_caps_statements(_cap_uses(kept)),
        *ranking.counting_statements(uow, countings, merchant_name=merchant_name),
        metering.count_each_statement(uow, meter=METER, event_ids=[judgement.activity_id for judgement in kept]),
    ]


def _cap_uses(kept: Sequence[Judgement]) -> dict[CapUse, int]:
    uses: dict[CapUse, int] = {}
    for judgement in kept:
        if judgement.evaluation is not None:
            for use, amount in cap_uses(judgement.evaluation, member_id=judgement.member_id).items():
                uses[use] = uses.get(use, 0) + amount
    return uses


def _row(uow: UnitOfWork, judgement: Judgement) -> dict[str, Any]:
    happening = judgement.happening
    accruals = judgement.evaluation.accruals if judgement.evaluation else ()
    return {
        "id": str(judgement.activity_id),
        "trigger": happening.trigger.value,
        "event_code": happening.event_code,
        "source": happening.source,
        "external_id": happening.external_id,
        "once_key": happening.once_key,
        "content_hash": f"\\x{judgement.content_hash.hex()}",
        "member_id": str(judgement.member_id),
        "store_id": str(happening.store_id) if happening.store_id else None,
        "data": dict(happening.data),
        "occurred_at": happening.occurred_at.isoformat(),
        "recorded_at": uow.now.isoformat(),
        "program_version_id": str(judgement.version.id) if judgement.version else None,
        "frozen": frozen_json(judgement.frozen) if judgement.frozen else None,
        "accruals": [
            {
                "ruleId": accrual.rule_id,
                "unit": accrual.unit,
                "points": accrual.points,
                "lotId": str(judgement.lots[accrual.rule_id].id) if accrual.rule_id in judgement.lots else None,
            }
            for accrual in accruals
        ],
        "points": judgement.answer.points,
        "entry_id": str(judgement.entry_id) if judgement.entry_id else None,
        "answer": judgement.answer_json,
    }
