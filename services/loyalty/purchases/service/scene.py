"""What a change of a purchase meets: the purchase as it stands, and the member with all that a decision depends on.

Everything about the member is read after the member's lock, in the same round trip.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from psycopg.rows import DictRow

from services.loyalty.earning.domain import CapKey, FrozenInputs, parse_frozen
from services.loyalty.ledger import queries as ledger_queries
from services.loyalty.ledger import service as ledger
from services.loyalty.ledger.domain.activity import ActivityMark
from services.loyalty.ledger.domain.book import HolderBook
from services.loyalty.members import queries as members
from services.loyalty.members.domain import Earner
from services.loyalty.members.errors import MemberNotFound
from services.loyalty.programs.domain import CapOwner, ProgramDocument
from services.loyalty.programs.domain.publishing import ProgramVersion
from services.loyalty.programs.queries import in_force, versions_read
from services.loyalty.purchases import repository
from services.loyalty.purchases.domain import Accrual, Line, Purchase
from services.loyalty.purchases.domain.effects import Drawing
from services.loyalty.purchases.domain.evidence import UnitState
from services.loyalty.purchases.domain.settlement import SettledBack, Settlement, parse_back, parse_settlement
from services.loyalty.stores import queries as stores
from services.loyalty.stores.domain import Store
from services.loyalty.tiers import queries as tiers
from services.loyalty.tiers.domain import TierRecord, ladder_of
from services.platform.db.session import Statement, UnitOfWork
from services.platform.idempotency import service as idempotency

REFERENCE = "purchase"
SAVEPOINT = "SAVEPOINT scene"
BACK = "ROLLBACK TO SAVEPOINT scene"


@dataclass(frozen=True, slots=True)
class Buyer:
    """The member who bought, locked. ``marks`` are the activities that hold points alive."""

    member_id: UUID
    earner: Earner
    book: HolderBook
    record: TierRecord
    marks: Sequence[ActivityMark]


@dataclass(frozen=True, slots=True)
class Claim:
    """A command's key."""

    operation: str
    key: str
    request_hash: bytes

    def statement(self, uow: UnitOfWork) -> Statement:
        """Take the key for this unit of work."""
        return idempotency.claim_statement(uow, operation=self.operation, key=self.key, request_hash=self.request_hash)

    def answer(self, uow: UnitOfWork, rows: list[DictRow]) -> Mapping[str, Any] | None:
        """The answer that is stored under the key; None when it was free."""
        return idempotency.claimed(uow, rows, operation=self.operation, key=self.key, request_hash=self.request_hash)

    def settle(self, answer: Mapping[str, Any]) -> Statement:
        """Store the answer under the key."""
        return idempotency.settle_statement(operation=self.operation, key=self.key, result=answer)


@dataclass(frozen=True, slots=True)
class Scene:
    """The purchase as it stands, locked, and whom it concerns.

    ``units`` are the states of all units that it gave, ``lapsed`` the points by unit of its lots that have ended,
    ``canceled`` those of them that awaited an action in vain, ``released`` those that were taken back when a hold
    released them, and ``drawings`` what later events drew of them.
    """

    purchase: Purchase
    free_minor: int
    frozen: FrozenInputs | None
    lines: tuple[Line, ...]
    accruals: tuple[Accrual, ...]
    units: Mapping[str, UnitState]
    lapsed: Mapping[str, int]
    canceled: Mapping[str, int]
    released: Mapping[str, int]
    drawings: tuple[Drawing, ...]
    store: Store
    merchant_name: str
    evaluated_by: ProgramVersion | None
    present: ProgramVersion | None
    buyer: Buyer | None
    settlement: Settlement | None = None
    """What points and coupons settled; None where there is nothing of it."""
    settled_back: SettledBack = field(default_factory=SettledBack)
    """What has come back of it."""

    @property
    def before_json(self) -> dict[str, Any]:
        """The evidence as it stands, for the history of changes."""
        purchase = self.purchase
        return {
            "totalMinor": purchase.total_minor,
            "discountMinor": purchase.discount_minor,
            "refundedMinor": purchase.refunded_minor,
            "memberId": None if purchase.member_id is None else str(purchase.member_id),
            "points": purchase.points,
            "pointsTakenBack": purchase.points_taken_back,
            "shortfall": purchase.shortfall,
            "lines": [
                {
                    "position": line.position,
                    "sku": line.sku,
                    "name": line.name,
                    "category": list(line.category),
                    "quantity": str(line.quantity),
                    "amountMinor": line.amount_minor,
                    "discountMinor": line.discount_minor,
                    "netMinor": line.net_minor,
                    "points": line.points,
                    "returnedQuantity": str(line.returned_quantity),
                }
                for line in self.lines
            ],
        }

    @property
    def evaluation(self) -> tuple[ProgramDocument, FrozenInputs] | None:
        """By what the purchase was evaluated."""
        if self.evaluated_by is None or self.frozen is None:
            return None
        return self.evaluated_by.document, self.frozen


def read_scene(
    uow: UnitOfWork, located: Mapping[str, Any], *, more: Sequence[Statement] = ()
) -> tuple[Scene, list[list[DictRow]]]:
    """Lock the buyer and the purchase of a row of `repository.LOCATE`; with it the rows of ``more``.

    Raises:
        MemberNotFound: the buyer is no member any more.
    """
    purchase_id, member_id, store_id = located["id"], located["member_id"], located["store_id"]
    versions = versions_read(uow, instants=(uow.now,), version_id=located["program_version_id"])
    ids = {"ids": [purchase_id]}
    record = tiers.record_read(uow, member_id=member_id, is_whole=True) if member_id is not None else None
    locks = [] if record is None else _member_statements(uow, member_id, record)
    rows = uow.fetch_pipeline(
        [
            Statement(SAVEPOINT),
            *locks,
            Statement(repository.LOCK, {"id": purchase_id}),
            Statement(repository.LINES, ids),
            Statement(repository.ACCRUALS, ids),
            ledger_queries.lapsed_statement(kind=REFERENCE, reference_id=purchase_id),
            ledger_queries.drawings_statement(kind=REFERENCE, reference_id=purchase_id),
            stores.store_statement(store_id=store_id),
            stores.merchant_statement(uow),
            versions.statement,
            Statement(repository.SETTLEMENT, {"id": purchase_id}),
            *more,
        ]
    )
    member_rows, rows = rows[1 : len(locks) + 1], rows[len(locks) + 1 :]
    purchase_rows, lines, accruals, lapsed, drawings, store_rows, merchant_rows, version_rows, *more_rows = rows
    settlement_rows, *more_rows = more_rows
    found = versions.versions(version_rows)
    row = purchase_rows[0]
    if row["member_id"] != member_id:
        # A guest's receipt was claimed while we came here. Locks are taken member first: so let go, and come again.
        uow.execute(BACK)
        return read_scene(uow, uow.fetch_all(repository.LOCATE_BY_ID, {"id": purchase_id})[0], more=more)
    evaluated_by = next((version for version in found if version.id == row["program_version_id"]), None)
    present = in_force(found, at=uow.now)
    buyer = None
    if record is not None:
        buyer = _buyer(uow, member_rows, record, member_id=member_id, store_id=store_id, present=present)
    purchase = repository.purchase_of(row)
    gave = tuple(repository.accrual_of(accrual) for accrual in accruals)
    scene = Scene(
        purchase=purchase,
        free_minor=row["refunded_free_minor"],
        frozen=parse_frozen(row["frozen"]) if row["frozen"] else None,
        lines=tuple(repository.line_of(line) for line in lines),
        accruals=gave,
        units=_units(purchase, gave, row["other_units"], evaluated_by),
        lapsed={each["unit"]: each["points"] for each in lapsed},
        canceled={each["unit"]: each["canceled"] for each in lapsed},
        released={each["unit"]: each["released"] for each in lapsed},
        drawings=tuple(
            Drawing(each["reference_kind"], each["reference_id"], each["unit"], each["points"]) for each in drawings
        ),
        store=stores.store_of(store_rows, store_id=store_id),
        merchant_name=stores.merchant_name_of(merchant_rows),
        evaluated_by=evaluated_by,
        present=present,
        buyer=buyer,
        settlement=parse_settlement(settlement_rows[0]["settled"]) if settlement_rows else None,
        settled_back=parse_back(settlement_rows[0]["back"] if settlement_rows else None),
    )
    return scene, more_rows


def shared_of(frozen: FrozenInputs | None) -> set[CapKey]:
    """Everybody's counters that an evaluation filled."""
    return set() if frozen is None else {key for key in frozen.fillings if key.owner is CapOwner.EVERYONE}


def _member_statements(uow: UnitOfWork, member_id: UUID, record: tiers.RecordsRead) -> list[Statement]:
    return [
        *ledger.reading_statements(uow, holder_ids=(member_id,), every_lot=True),
        ledger.marks_statement(holder_ids=(member_id,)),
        members.earners_statement(member_ids=(member_id,)),
        *record.statements,
    ]


def _buyer(
    uow: UnitOfWork,
    rows: Sequence[list[DictRow]],
    record: tiers.RecordsRead,
    *,
    member_id: UUID,
    store_id: UUID,
    present: ProgramVersion | None,
) -> Buyer:
    ledger_rows, rows = rows[: ledger.READING_STATEMENTS], rows[ledger.READING_STATEMENTS :]
    mark_rows, earner_rows, *record_rows = rows
    records = record.records(record_rows)
    if present is not None:
        records = record.completed(records, ladder_of(present))
    book = ledger.open_only_book(uow, holder_id=member_id, rows=ledger_rows, store_id=store_id)
    earner = members.earners_of(earner_rows).get(member_id)
    if book is None or earner is None:
        raise MemberNotFound(member_id=member_id)
    marks = ledger.marks_of(mark_rows).get(member_id, ())
    return Buyer(member_id, earner, book, records[member_id], marks)


def _units(
    purchase: Purchase,
    accruals: Sequence[Accrual],
    others: Mapping[str, list[int]] | None,
    evaluated_by: ProgramVersion | None,
) -> dict[str, UnitState]:
    """The states by unit. Those of units other than the own are kept only once something has come back."""
    if evaluated_by is None:
        return {}
    own = evaluated_by.document.unit.code
    given: dict[str, int] = {}
    for accrual in accruals:
        unit = accrual.unit or own
        given[unit] = given.get(unit, 0) + accrual.points
    return (
        {unit: UnitState(points) for unit, points in given.items()}
        | {unit: UnitState(*numbers) for unit, numbers in (others or {}).items()}
        | {own: UnitState(purchase.points, purchase.points_taken_back, purchase.points_lapsed, purchase.shortfall)}
    )
