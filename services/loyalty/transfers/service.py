"""Points from member to member: both locked in the order of their ids, an entry in the chain of each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from psycopg.rows import DictRow

from services.loyalty.earning.domain.validity import validity_anew
from services.loyalty.ledger import service as ledger
from services.loyalty.ledger.domain import (
    EntryHeader,
    Reference,
    allocate_lots,
    transfer_in_entry,
    transfer_out_entry,
)
from services.loyalty.ledger.domain.book import HolderBook
from services.loyalty.ledger.domain.clocks import Validity
from services.loyalty.members import queries as members
from services.loyalty.members.domain import Earner, MemberRef
from services.loyalty.members.errors import MemberInactive, MemberNotFound
from services.loyalty.programs.domain import PointUnit
from services.loyalty.programs.domain.publishing import ProgramVersion
from services.loyalty.programs.errors import ProgramNotPublished
from services.loyalty.programs.queries import version_in_force
from services.loyalty.stores import queries as stores
from services.loyalty.transfers import repository
from services.loyalty.transfers.domain import (
    Transfer,
    TransferPoints,
    TransferredPoints,
    check_transfer,
    day_of,
    received_lots,
)
from services.loyalty.transfers.errors import TransferToSelf
from services.platform.db.session import UnitOfWork
from services.platform.errors import InvalidInput
from services.platform.idempotency import service as idempotency
from services.platform.ids import new_id
from services.platform.money import AMOUNT_MAX
from services.platform.text import check_optional_text

OPERATION = "transferPoints"
REFERENCE = "transfer"


@dataclass(frozen=True, slots=True)
class _Scene:
    """Both members, locked, and what decides."""

    version: ProgramVersion
    unit: PointUnit
    sender: HolderBook
    recipient: HolderBook
    earner: Earner
    """What is known of the recipient."""
    given_today: int


def transfer_points(uow: UnitOfWork, *, command: TransferPoints) -> TransferredPoints:
    """A member gives points to another, from the lots that expire soonest.

    Raises:
        InvalidInput: no points, an unknown unit, or a message that is too long.
        MemberNotFound, MemberInactive, IdentityInvalid, StoreNotFound, ProgramNotPublished
        TransfersNotAllowed, TransferToSelf, TransferOutOfRange, TransferLimitReached
        InsufficientPoints, BalanceTooLarge
        IdempotencyConflict, IdempotencyKeyInvalid
    """
    if not 0 < command.points <= AMOUNT_MAX:
        raise InvalidInput(field="points", reason="OUT_OF_RANGE", limit=str(AMOUNT_MAX))
    message = check_optional_text(command.message, field="message")
    key = {"operation": OPERATION, "key": command.idempotency_key}
    stored = idempotency.claim(uow, **key, request_hash=command.request_hash)
    if stored is not None:
        return _replay(stored)
    scene = _arrive(uow, command)
    policy = scene.version.document.policies.transfers
    check_transfer(policy, points=command.points, given_today=scene.given_today)
    renewed = None if policy.keeps_expiry else _anew(uow, scene)
    transfer = _move(uow, scene, command, message=message, renewed=renewed)
    balance = scene.sender.balance(transfer.unit).available
    answer = TransferredPoints(
        transfer.id, transfer.sender_id, transfer.recipient_id, transfer.points, balance, replayed=False
    )
    uow.fetch_pipeline(
        [
            *ledger.writing_statements((scene.sender, scene.recipient)),
            repository.insert_statement(transfer=transfer),
            idempotency.settle_statement(**key, result=_answer_json(answer)),
        ]
    )
    return answer


def _arrive(uow: UnitOfWork, command: TransferPoints) -> _Scene:
    """Find both members, lock them, and read what is needed behind the locks."""
    version = version_in_force(uow, at=uow.now)
    if version is None:
        raise ProgramNotPublished
    unit = _unit(version, command.unit)
    sender_id = _resolved(uow, command.sender, command.store_id)
    recipient_id = _resolved(uow, command.recipient, command.store_id)
    if sender_id == recipient_id:
        raise TransferToSelf(member_id=sender_id)
    day = day_of(uow.now, ZoneInfo(version.document.timezone))
    heads, balances, lots, earner_rows, given_rows, *store_rows = uow.fetch_pipeline(
        [
            *ledger.reading_statements(uow, holder_ids=(sender_id, recipient_id), every_lot=True),
            members.earners_statement(member_ids=(sender_id, recipient_id)),
            repository.given_statement(sender_id=sender_id, unit=unit.code, day=day),
            *([stores.store_statement(store_id=command.store_id)] if command.store_id else []),
        ]
    )
    if command.store_id is not None:
        stores.store_of(store_rows[0], store_id=command.store_id)
    earners = members.earners_of(earner_rows)
    for member_id in (sender_id, recipient_id):
        if member_id not in earners:
            raise MemberNotFound(member_id=member_id)
        if not earners[member_id].is_active:
            raise MemberInactive(member_id=member_id)
    books = _books(uow, (heads, balances, lots))
    given = given_rows[0]["given"]
    return _Scene(version, unit, books[sender_id], books[recipient_id], earners[recipient_id], given)


def _books(uow: UnitOfWork, rows: Sequence[list[DictRow]]) -> dict[UUID, HolderBook]:
    return {id_: ledger.open_book(uow, stored=stored) for id_, stored in ledger.stored_by_holder(rows).items()}


def _resolved(uow: UnitOfWork, ref: MemberRef, store_id: UUID | None) -> UUID:
    return members.resolved(uow, ref=ref, store_id=store_id)


def _unit(version: ProgramVersion, code: str | None) -> PointUnit:
    if code is None:
        return version.document.unit
    for unit in version.document.units:
        if unit.code == code:
            return unit
    raise InvalidInput(field="unit", reason="UNKNOWN")


def _anew(uow: UnitOfWork, scene: _Scene) -> Validity:
    zone = ZoneInfo(scene.version.document.timezone)
    return validity_anew(scene.unit.expiry, at=uow.now, zone=zone, enrolled_at=scene.earner.enrolled_at)


def _move(
    uow: UnitOfWork, scene: _Scene, command: TransferPoints, *, message: str | None, renewed: Validity | None
) -> Transfer:
    transfer_id, unit = new_id(), scene.unit.code

    def header(book: HolderBook) -> EntryHeader:
        return ledger.entry_header(
            uow,
            holder_id=book.holder_id,
            occurred_at=uow.now,
            store_id=command.store_id,
            program_version_id=scene.version.id,
            reference=Reference(REFERENCE, transfer_id),
        )

    movements = allocate_lots(scene.sender.lots_of(unit), command.points, uow.now)
    lots = received_lots(
        movements,
        drawn_from=scene.sender.lots,
        recipient_id=scene.recipient.holder_id,
        transfer_id=transfer_id,
        now=uow.now,
        renewed=renewed,
        new_id=new_id,
    )
    sent = scene.sender.post(transfer_out_entry(header(scene.sender), unit=unit, movements=movements))
    received = scene.recipient.post(transfer_in_entry(header(scene.recipient), lots=lots))
    return Transfer(
        id=transfer_id,
        sender_id=scene.sender.holder_id,
        recipient_id=scene.recipient.holder_id,
        unit=unit,
        points=command.points,
        message=message,
        sent_entry_id=sent.header.id,
        received_entry_id=received.header.id,
        occurred_at=uow.now,
    )


def _answer_json(answer: TransferredPoints) -> dict[str, Any]:
    return {
        "transferId": str(answer.transfer_id),
        "senderId": str(answer.sender_id),
        "recipientId": str(answer.recipient_id),
        "points": answer.points,
        "balance": answer.balance,
    }


def _replay(answer: Mapping[str, Any]) -> TransferredPoints:
    return TransferredPoints(
        transfer_id=UUID(answer["transferId"]),
        sender_id=UUID(answer["senderId"]),
        recipient_id=UUID(answer["recipientId"]),
        points=answer["points"],
        balance=answer["balance"],
        replayed=True,
    )
