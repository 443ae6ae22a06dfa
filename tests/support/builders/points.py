"""Points of a merchant's members beyond buying and redeeming: holds, transfers, time that passes."""

import dataclasses
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from services.loyalty.expiry.tasks import ERRANDS
from services.loyalty.holds import service as holds
from services.loyalty.holds.domain import CaptureHold, HoldMoved, HoldPoints, ReleaseHold
from services.loyalty.ledger import service as ledger
from services.loyalty.ledger.domain import LotOrigin, accrual_entry, new_lot
from services.loyalty.ledger.domain.book import HolderBook
from services.loyalty.ledger.domain.clocks import Validity
from services.loyalty.members.domain import MemberRef
from services.loyalty.programs.domain import ProgramDocument, document_json, parse_document
from services.loyalty.transfers import service as transfers
from services.loyalty.transfers.domain import TransferPoints, TransferredPoints
from services.platform.clock import monotonic
from services.platform.db.session import UnitOfWork
from services.platform.errands import Ran, run_due
from services.platform.idempotency.service import request_hash
from services.platform.ids import new_id
from tests.support.builders.documents import document
from tests.support.builders.merchant import Merchant


def program(merchant: Merchant, change: Callable[[ProgramDocument], ProgramDocument] | None = None) -> None:
    """Publish the plain program, changed."""
    plain = parse_document(document())
    merchant.program(document_json(change(plain) if change else plain))


def policies(**changes: Any) -> Callable[[ProgramDocument], ProgramDocument]:
    """A change of a program's policies."""
    return lambda plain: dataclasses.replace(plain, policies=dataclasses.replace(plain.policies, **changes))


def with_book(merchant: Merchant, member_id: UUID, work: Callable[[UnitOfWork, HolderBook], None]) -> None:
    """Do something to a member's book, with every lot loaded, and write it."""

    def run(uow: UnitOfWork) -> None:
        rows = uow.fetch_pipeline(ledger.reading_statements(uow, holder_ids=(member_id,), every_lot=True))
        book = ledger.open_only_book(uow, holder_id=member_id, rows=rows)
        assert book is not None
        work(uow, book)
        uow.fetch_pipeline(ledger.writing_statements((book,)))

    merchant.do(run)


def accrue(
    merchant: Merchant, member_id: UUID, points: int, *, validity: Validity | None = None, origin_id: UUID | None = None
) -> UUID:
    """Give points as a lot that lives as told; the lot's id."""
    lot_id = new_id()

    def give(uow: UnitOfWork, book: HolderBook) -> None:
        lot = new_lot(
            lot_id=lot_id,
            holder_id=member_id,
            unit="points",
            amount=points,
            origin=LotOrigin("purchase", origin_id),
            now=uow.now,
            validity=validity,
        )
        book.post(accrual_entry(ledger.entry_header(uow, holder_id=member_id, occurred_at=uow.now), lots=(lot,)))

    with_book(merchant, member_id, give)
    return lot_id


def ending(merchant: Merchant, **after: float) -> Validity:
    """From now on, until so much later."""
    return Validity(merchant.now, merchant.now + timedelta(**after))


def hold_command(merchant: Merchant, member: MemberRef, points: int, **changes: Any) -> HoldPoints:
    number = next(merchant.numbers)
    values: dict[str, Any] = {
        "member": member,
        "points": points,
        "idempotency_key": f"hold-{number}",
        "request_hash": request_hash({"number": number}),
    }
    return HoldPoints(**(values | changes))


def hold(merchant: Merchant, member: MemberRef, points: int, **changes: Any) -> HoldMoved:
    command = hold_command(merchant, member, points, **changes)
    return merchant.do(lambda uow: holds.hold_points(uow, command=command))


def capture(merchant: Merchant, hold_id: UUID, points: int | None = None, **changes: Any) -> HoldMoved:
    number = next(merchant.numbers)
    values: dict[str, Any] = {
        "hold_id": hold_id,
        "points": points,
        "idempotency_key": f"capture-{number}",
        "request_hash": request_hash({"number": number}),
    }
    command = CaptureHold(**(values | changes))
    return merchant.do(lambda uow: holds.capture_hold(uow, command=command))


def release(merchant: Merchant, hold_id: UUID, **changes: Any) -> HoldMoved:
    number = next(merchant.numbers)
    values: dict[str, Any] = {
        "hold_id": hold_id,
        "idempotency_key": f"release-{number}",
        "request_hash": request_hash({"number": number}),
    }
    command = ReleaseHold(**(values | changes))
    return merchant.do(lambda uow: holds.release_hold(uow, command=command))


def transfer(
    merchant: Merchant, sender: MemberRef, recipient: MemberRef, points: int, **changes: Any
) -> TransferredPoints:
    number = next(merchant.numbers)
    values: dict[str, Any] = {
        "sender": sender,
        "recipient": recipient,
        "points": points,
        "idempotency_key": f"transfer-{number}",
        "request_hash": request_hash({"number": number}),
    }
    command = TransferPoints(**(values | changes))
    return merchant.do(lambda uow: transfers.transfer_points(uow, command=command))


def pass_time(merchant: Merchant, until: datetime) -> Ran:
    """Let time pass, and the night work run."""
    merchant.now = until
    return run_due(merchant.database, merchant.home, ERRANDS, now=until, until=monotonic() + 60)
