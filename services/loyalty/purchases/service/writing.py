"""What decided receipts become in the database: one statement a table, however many receipts there are."""

from collections.abc import Mapping, Sequence
from typing import Any

from psycopg.types.json import Jsonb

from services.contracts.events.base import Event
from services.loyalty.earning.domain import freeze, frozen_json
from services.loyalty.earning.service import CapUse, fill_caps_statements
from services.loyalty.ledger import service as ledger
from services.loyalty.purchases import repository
from services.loyalty.purchases.service.deciding import Decision
from services.loyalty.purchases.service.surroundings import Buyer
from services.loyalty.tiers.service import Counted, count_statements, letter_of
from services.platform.db.session import Statement, UnitOfWork
from services.platform.metering import service as metering
from services.platform.outbox import service as outbox

METER = "purchases"


def writing_statements(uow: UnitOfWork, decisions: Sequence[Decision]) -> list[Statement]:
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
        *count_statements(_counted(buyers)),
        metering.count_each_statement(uow, meter=METER, event_ids=[decision.purchase_id for decision in decisions]),
        outbox.publish_all_statement([letter for decision in decisions for letter in _letters(decision)]),
    ]


def _rows(query: str, rows: list[dict[str, Any]]) -> Statement:
    return Statement(query, {"rows": Jsonb(rows)})


def _purchase_row(decision: Decision) -> dict[str, Any]:
    sale, assessment = decision.sale, decision.assessment
    frozen = None
    if assessment is not None:
        frozen = frozen_json(freeze(assessment.evaluation, program_version_id=assessment.version.id))
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
        "frozen": frozen,
        "points": decision.answer.points,
        "entry_id": decision.entry_id,
        "answer": decision.answer_json,
    }


def _line_rows(decision: Decision) -> list[dict[str, Any]]:
    points: Mapping[int, int] = {}
    if decision.assessment is not None:
        points = {line.position: line.points for line in decision.assessment.evaluation.line_points}
    receipt = decision.sale.receipt
    return repository.line_rows(
        purchase_id=decision.purchase_id,
        receipt=receipt,
        points=[points.get(line.position, 0) for line in receipt.lines],
    )


def _accrual_rows(decision: Decision) -> list[dict[str, Any]]:
    if decision.assessment is None:
        return []
    return [
        {
            "purchase_id": decision.purchase_id,
            "rule_id": accrual.rule_id,
            "lot_id": decision.lots[accrual.rule_id].id if accrual.points else None,
            "points": accrual.points,
        }
        for accrual in decision.assessment.evaluation.accruals
    ]


def _cap_uses(decisions: Sequence[Decision]) -> dict[CapUse, int]:
    uses: dict[CapUse, int] = {}
    for decision in decisions:
        for use, points in decision.cap_uses.items():
            uses[use] = uses.get(use, 0) + points
    return uses


def _counted(buyers: Sequence[Buyer]) -> list[Counted]:
    return [Counted(buyer.member_id, buyer.before, buyer.record) for buyer in buyers]


def _letters(decision: Decision) -> list[tuple[UnitOfWork, Event]]:
    uow, member_id = decision.sale.uow, decision.answer.member_id
    change = decision.assessment.requalification.change if decision.assessment else None
    letters: list[tuple[UnitOfWork, Event]] = [(uow, decision.letter)]
    if change is not None and member_id is not None:
        letters.insert(0, (uow, letter_of(change, member_id=member_id)))
    return letters
