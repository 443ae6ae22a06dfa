"""What a refund meets: the member with all that a decision depends on, and the key of the command.

Everything about the member is read after the member's lock, in the same round trip.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.rows import DictRow

from services.loyalty.earning import queries as earning
from services.loyalty.ledger import service as ledger
from services.loyalty.ledger.domain.book import HolderBook
from services.loyalty.members import queries as members
from services.loyalty.members.domain import MemberStatus
from services.loyalty.members.errors import MemberNotFound
from services.loyalty.tiers import queries as tiers
from services.loyalty.tiers.domain import TierRecord
from services.platform.db.session import Statement, UnitOfWork
from services.platform.idempotency import service as idempotency


@dataclass(frozen=True, slots=True)
class Buyer:
    """A member at the till, locked."""

    member_id: UUID
    is_active: bool
    book: HolderBook
    record: TierRecord
    cap_rows: tuple[DictRow, ...]


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


def buyer_statements(uow: UnitOfWork, *, member_id: UUID, at: datetime, every_lot: bool = False) -> list[Statement]:
    """Lock a member and read what a purchase at an instant depends on; the rows go to `buyer_of`."""
    return [
        *ledger.reading_statements(uow, holder_ids=(member_id,), every_lot=every_lot),
        members.status_statement(member_id=member_id),
        tiers.record_statement(member_id=member_id),
        earning.cap_uses_statement(member_ids=(member_id,), first=at, last=at),
    ]


def buyer_of(uow: UnitOfWork, rows: Sequence[list[DictRow]], *, member_id: UUID, store_id: UUID | None) -> Buyer:
    """The member of `buyer_statements`, with due lots settled.

    Raises:
        MemberNotFound
    """
    ledger_rows, (status_rows, record_rows, cap_rows) = (
        rows[: ledger.READING_STATEMENTS],
        rows[ledger.READING_STATEMENTS :],
    )
    book = ledger.open_only_book(uow, holder_id=member_id, rows=ledger_rows, store_id=store_id)
    status = members.status_of(status_rows, member_id=member_id)
    if book is None:
        raise MemberNotFound(member_id=member_id)
    return Buyer(
        member_id=member_id,
        is_active=status is MemberStatus.ACTIVE,
        book=book,
        record=tiers.record_of(record_rows),
        cap_rows=tuple(cap_rows),
    )
