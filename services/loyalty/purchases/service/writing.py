"""What decided receipts become in the database: one statement a table, however many receipts there are."""

from collections.abc import Mapping, Sequence
from typing import Any

from psycopg.types.json import Jsonb

from services.contracts.events.base import Event
from services.loyalty.earning.domain import frozen_json
from services.loyalty.earning.service import CapUse, fill_caps_statements
from services.loyalty.ledger import service as ledger
from services.loyalty.purchases import repository
from services.loyalty.purchases.domain.telling import told_row
from services.loyalty.purchases.service.deciding import Decision
from services.loyalty.purchases.service.referring import referral_statements
from services.loyalty.purchases.service.surroundings import Buyer, Surroundings
from services.loyalty.tiers import service as tiers
from services.loyalty.tiers.domain import ladder_of
from services.platform.db.session import Statement, UnitOfWork
from services.platform.metering import service as metering
from services.platform.outbox import service as outbox

METER = "purchases"


def writing_statements(uow: UnitOfWork, around: Surroundings, decisions: Sequence[Decision]) -> list[Statement]:
    """What stores the receipts, their points and what tells of them; nothing when there are none.

    It begins with a savepoint, for an external id that somebody else has stored meanwhile.
    """
    if not decisions:
        return []
    buyers = list({id(decision.buyer): decision.buyer for decision in decisions if decision.buyer}.values())
    accruals = [row for decision in decisions for row in _accrual_rows(decision)]
    return [
        Statement(repository.SAVEPOINT),
        _rows(repository.INSERT, [_purchase_row(decision) for decision in decisions]),
        _rows(repository.INSERT_LINES, [row for decision in decisions for row in _line_rows(decision)]),
        *ledger.writing_statements(buyer.book for buyer in buyers if buyer.book),
        *([_rows(repository.INSERT_ACCRUALS, accruals)] if accruals else []),
        *fill_caps_statements(_cap_uses(decisions)),
        *_tier_statements(uow, decisions, buyers),
        *referral_statements(uow, decisions),
        metering.count_each_statement(uow, meter=METER, event_ids=[decision.purchase_id for decision in decisions]),
        outbox.publish_all_statement([letter for decision in decisions for letter in _letters(around, decision)]),
    ]


def claiming_statements(uow: UnitOfWork, around: Surroundings, decision: Decision) -> list[Statement]:
    """What makes the stored receipt of a guest that of a member: its evaluation, points, and what tells of them."""
    buyer, accruals = decision.buyer, _accrual_rows(decision)
    assert buyer is not None
    row, lines = _purchase_row(decision), _line_rows(decision)
    values = {name: row[name] for name in ("id", "member_id", "program_version_id", "points", "entry_id")}
    frozen = None if row["frozen"] is None else Jsonb(row["frozen"])
    return [
        Statement(repository.CLAIM, values | {"frozen": frozen, "now": uow.now}),
        _rows(repository.EVALUATE_LINES, lines),
        *ledger.writing_statements([buyer.book] if buyer.book else []),
        *([_rows(repository.INSERT_ACCRUALS, accruals)] if accruals else []),
        *fill_caps_statements(decision.cap_uses),
        *_tier_statements(uow, [decision], [buyer]),
        *referral_statements(uow, [decision]),
        outbox.publish_all_statement(_letters(around, decision)),
    ]


def _rows(query: str, rows: list[dict[str, Any]]) -> Statement:
    return Statement(query, {"rows": Jsonb(rows)})


def _purchase_row(decision: Decision) -> dict[str, Any]:
    sale, assessment = decision.sale, decision.assessment
    return {
        "id": decision.purchase_id,
        "source": sale.command.source,
        "external_id": sale.command.external_id,
        "content_hash": f"\\x{decision.content_hash.hex()}",
        "member_id": decision.answer.member_id,
        "store_id": sale.command.store_id,
        "channel": sale.command.channel,
        "currency": sale.receipt.currency,
        "discount_minor": sale.receipt.discount_minor,
        "total_minor": sale.receipt.total_minor,
        "occurred_at": sale.occurred_at,
        "recorded_at": sale.uow.now,
        "program_version_id": assessment.version.id if assessment else None,
        "frozen": None if decision.frozen is None else frozen_json(decision.frozen),
        "points": decision.answer.points,
        "entry_id": decision.posted.entry_id,
        "answer": decision.answer_json,
        **told_row(sale.receipt.told),
    }


def _line_rows(decision: Decision) -> list[dict[str, Any]]:
    receipt = decision.sale.receipt
    points: Mapping[int, int] = {}
    bases: Sequence[int | None] = [None for _ in receipt.lines]
    if decision.assessment is not None:
        points = {line.position: line.points for line in decision.assessment.evaluation.line_points}
        bases = decision.assessment.base.lines
    return repository.line_rows(
        purchase_id=decision.purchase_id,
        receipt=receipt,
        points=[points.get(line.position, 0) for line in receipt.lines],
        bases=bases,
    )


def _accrual_rows(decision: Decision) -> list[dict[str, Any]]:
    if decision.assessment is None:
        return []
    return [
        {
            "purchase_id": decision.purchase_id,
            "rule_id": accrual.rule_id,
            "lot_id": decision.posted.lots[accrual.rule_id].id if accrual.points else None,
            "points": accrual.points,
            "unit": accrual.unit,
        }
        for accrual in decision.assessment.evaluation.accruals
    ]


def _cap_uses(decisions: Sequence[Decision]) -> dict[CapUse, int]:
    uses: dict[CapUse, int] = {}
    for decision in decisions:
        for use, points in decision.cap_uses.items():
            uses[use] = uses.get(use, 0) + points
    return uses


def _tier_statements(uow: UnitOfWork, decisions: Sequence[Decision], buyers: Sequence[Buyer]) -> list[Statement]:
    present = next((decision.assessment.present for decision in decisions if decision.assessment), None)
    if present is None:
        return []
    counted = [tiers.Counted(buyer.member_id, buyer.before, buyer.record, buyer.changes) for buyer in buyers]
    return tiers.writing_statements(uow, ladder_of(present), counted)


def _letters(around: Surroundings, decision: Decision) -> list[tuple[UnitOfWork, Event]]:
    uow, member_id, assessment = decision.sale.uow, decision.answer.member_id, decision.assessment
    letters: list[tuple[UnitOfWork, Event]] = [(uow, decision.letter)]
    if assessment is not None and member_id is not None:
        told = tiers.letters_of(
            assessment.requalification.changes,
            assessment.requalification.graces,
            member_id=member_id,
            document=assessment.present.document,
            merchant_name=around.merchant_name,
        )
        letters = [*((uow, letter) for letter in told), *letters]
    return letters
