"""Pending points begin because what they await has happened."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from services.loyalty.actions.domain import ReportAction, ReportedAction, begun, begun_without_document
from services.loyalty.ledger import queries as ledger_queries
from services.loyalty.ledger import service as ledger
from services.loyalty.ledger.domain import Lot
from services.loyalty.ledger.domain.book import HolderBook
from services.loyalty.ledger.domain.holdings import AwaitingLot
from services.loyalty.programs.domain import ProgramDocument
from services.loyalty.programs.queries import version_by_id
from services.loyalty.purchases import queries as purchases
from services.loyalty.purchases.domain import PurchaseRef
from services.loyalty.purchases.errors import PurchaseNotFound
from services.loyalty.tiers import service as tiers
from services.loyalty.tiers.service import Begun
from services.platform.db.session import UnitOfWork
from services.platform.errors import InvalidInput
from services.platform.idempotency import service as idempotency
from services.platform.text import check_text

OPERATION = "reportAction"
Documents = dict[UUID, ProgramDocument]


def report_action(uow: UnitOfWork, *, command: ReportAction) -> ReportedAction:
    """Activate the points of a purchase or an activity that await the action; points whose deadline is over are gone.

    Raises:
        InvalidInput: no action, neither a purchase nor an activity, or a time that has not come.
        PurchaseNotFound
        IdempotencyConflict, IdempotencyKeyInvalid
    """
    action = check_text(command.action, field="action")
    reported_at = uow.now if command.occurred_at is None else command.occurred_at
    if reported_at > uow.now:
        raise InvalidInput(field="occurredAt", reason="IN_THE_FUTURE")
    key = {"operation": OPERATION, "key": command.idempotency_key}
    stored = idempotency.claim(uow, **key, request_hash=command.request_hash)
    if stored is not None:
        return ReportedAction(stored["points"], replayed=True)
    awaiting = ledger_queries.awaiting_lots(uow, origin_id=_origin(uow, command))
    points, books, begun_points = _begin(uow, awaiting, action=action, reported_at=reported_at)
    uow.fetch_pipeline(
        [*ledger.writing_statements(books), idempotency.settle_statement(**key, result={"points": points})]
    )
    if begun_points:
        tiers.count_begun(uow, begun=begun_points)
    return ReportedAction(points, replayed=False)


def _origin(uow: UnitOfWork, command: ReportAction) -> UUID:
    match command.purchase:
        case PurchaseRef(source, external_id):
            purchase = purchases.purchase_by_external_id(uow, source=source, external_id=external_id)
            if purchase is None:
                raise PurchaseNotFound(external_id=external_id)
            return purchase.id
        case UUID() as purchase_id:
            if purchases.purchase_by_id(uow, purchase_id=purchase_id) is None:
                raise PurchaseNotFound(purchase_id=purchase_id)
            return purchase_id
        case None:
            if command.activity_id is None:
                raise InvalidInput(field="purchase", reason="NOTHING_GIVEN")
            return command.activity_id


def _begin(
    uow: UnitOfWork, awaiting: Iterable[AwaitingLot], *, action: str, reported_at: datetime
) -> tuple[int, list[HolderBook], dict[UUID, list[Begun]]]:
    """Lock the holders, and let the lots that still await the action begin."""
    documents = _documents(uow, awaiting)
    versions = {lot.id: lot.program_version_id for lot in awaiting}
    holder_ids = {lot.holder_id for lot in awaiting}
    rows = uow.fetch_pipeline(ledger.reading_statements(uow, holder_ids=holder_ids, every_lot=True))
    points, books = 0, []
    begun_points: dict[UUID, list[Begun]] = {}
    for stored in ledger.stored_by_holder(rows).values():
        book = ledger.open_book(uow, stored=stored)
        lots = [lot for lot in book.lots.values() if lot.id in versions and lot.awaits_action == action]
        lots = [lot for lot in lots if lot.remaining > 0]
        book.begin(_begun(lot, documents, versions[lot.id], reported_at) for lot in lots)
        ledger.settle_again(uow, book)
        points += sum(lot.remaining for lot in lots)
        books.append(book)
        sums: dict[tuple[UUID, str], int] = {}
        for lot in lots:
            # What begins now counts for the tier, even what is owed; a lot whose end has passed meanwhile does not.
            if lot.origin.id is not None and not book.lots[lot.id].expired(uow.now):
                sums[lot.origin.id, lot.unit] = sums.get((lot.origin.id, lot.unit), 0) + lot.remaining
        if sums:
            begun_points[stored.holder_id] = [Begun(event, unit, begun) for (event, unit), begun in sums.items()]
    return points, books, begun_points


def _begun(lot: Lot, documents: Documents, version_id: UUID | None, reported_at: datetime) -> Lot:
    document = documents.get(version_id) if version_id else None
    if document is None:
        return lot.lasting(begun_without_document(lot, reported_at=reported_at))
    return lot.lasting(begun(lot, document, reported_at=reported_at))


def _documents(uow: UnitOfWork, awaiting: Iterable[AwaitingLot]) -> Documents:
    found: Documents = {}
    for version_id in {lot.program_version_id for lot in awaiting if lot.program_version_id is not None}:
        version = version_by_id(uow, version_id=version_id)
        if version is not None:
            found[version_id] = version.document
    return found
