"""What a batch of receipts meets: stores, programs, what is known already, and members with all that matters of them.

Everything about a member is read after the member's lock, in the same round trip. Keys come before members, both in the
order of their names, so that no two batches wait for each other in a circle.
"""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

from psycopg.rows import DictRow

from services.loyalty.earning import queries as earning
from services.loyalty.ledger import service as ledger
from services.loyalty.ledger.domain.book import HolderBook
from services.loyalty.members import queries as members
from services.loyalty.members.domain import Identity, MemberRef, MemberStatus
from services.loyalty.members.errors import MemberNotFound
from services.loyalty.programs.domain.publishing import ProgramVersion
from services.loyalty.programs.queries import in_force, versions_read
from services.loyalty.purchases import repository
from services.loyalty.purchases.domain import RecordPurchase
from services.loyalty.purchases.domain.receipt import Receipt
from services.loyalty.stores import queries as stores
from services.loyalty.stores.domain import Store
from services.loyalty.stores.errors import StoreNotFound
from services.loyalty.tiers import queries as tiers
from services.loyalty.tiers.domain import TierRecord
from services.platform.db.session import Statement, UnitOfWork
from services.platform.idempotency import batch as idempotency
from services.platform.idempotency.batch import Settled

OPERATION = "recordPurchase"

Number = tuple[str, str]
"""A receipt's source and external id."""


@dataclass(frozen=True, slots=True)
class Sale:
    """A receipt that may be stored. ``uow`` acts for the sender, ``member`` is in its stored form."""

    command: RecordPurchase
    receipt: Receipt
    occurred_at: datetime
    uow: UnitOfWork
    member: MemberRef | None

    @property
    def key(self) -> str:
        """The idempotency key."""
        return self.command.idempotency_key

    @property
    def number(self) -> Number:
        """What the world calls the receipt."""
        return self.command.source, self.command.external_id


@dataclass(slots=True)
class Buyer:
    """A locked member, as the receipts decided so far have left it. ``book`` is None until one of them is kept."""

    stored: ledger.Stored
    is_active: bool
    before: TierRecord
    record: TierRecord
    cap_used: dict[date, dict[str, int]]
    book: HolderBook | None = None

    @property
    def member_id(self) -> UUID:
        """The member's id."""
        return self.stored.holder_id


@dataclass(slots=True)
class Surroundings:
    """What was found. ``settled`` are keys that were used before, ``known`` receipts that were told of before."""

    merchant_name: str
    settled: Mapping[str, Settled]
    known: dict[Number, Mapping[str, Any]]
    _stores: Mapping[UUID, Store]
    _versions: Sequence[ProgramVersion]
    _ids: Mapping[Identity, UUID]
    _members: Mapping[UUID, "_Member"]
    _buyers: dict[UUID, Buyer] = field(default_factory=dict)

    def store(self, store_id: UUID) -> Store:
        """A store.

        Raises:
            StoreNotFound
        """
        try:
            return self._stores[store_id]
        except KeyError:
            raise StoreNotFound(store_id=store_id) from None

    def version(self, at: datetime) -> ProgramVersion | None:
        """The program in force when a receipt was written, or now."""
        return in_force(self._versions, at=at)

    def buyer(self, sale: Sale) -> Buyer | None:
        """Who bought; None for a guest.

        Raises:
            MemberNotFound
        """
        if sale.member is None:
            return None
        if isinstance(sale.member, Identity):
            if sale.member not in self._ids:
                raise MemberNotFound
            member_id = self._ids[sale.member]
        else:
            member_id = sale.member
        found = self._members.get(member_id)
        if found is None:
            raise MemberNotFound(member_id=member_id)
        if member_id not in self._buyers:
            self._buyers[member_id] = found.buyer()
        return self._buyers[member_id]

    def anew(self, uow: UnitOfWork, sales: Iterable[Sale]) -> "Surroundings":
        """The same before anything was decided, with what has become known since."""
        statement = repository.known_statement(sorted({sale.number for sale in sales}))
        known = repository.known_of(uow.fetch_all(statement.query, statement.values))
        return dataclasses.replace(self, known=dict(known), _buyers={})


@dataclass(frozen=True, slots=True)
class _Member:
    stored: ledger.Stored
    status: MemberStatus
    record: TierRecord
    cap_rows: Sequence[DictRow]

    def buyer(self) -> Buyer:
        used: dict[date, dict[str, int]] = {}
        for row in self.cap_rows:
            used.setdefault(row["day"], {})[row["rule_id"]] = row["used"]
        return Buyer(self.stored, self.status is MemberStatus.ACTIVE, self.record, self.record, used)


def look_around(uow: UnitOfWork, sales: Sequence[Sale]) -> Surroundings:
    """Claim the keys of receipts, lock their members and read all that they meet.

    One round trip where members are given by id, two by identity, one more for keys that were used before.
    """
    hashes = {sale.key: sale.command.request_hash for sale in reversed(sales)}
    claim = idempotency.claims_statement(uow, operation=OPERATION, hashes=hashes)
    identities = list({sale.member: None for sale in sales if isinstance(sale.member, Identity)})
    ids: dict[Identity, UUID] = {}
    opening = [claim]
    claim_rows: list[DictRow] | None = None
    if identities:
        claim_rows, identity_rows = uow.fetch_pipeline([claim, members.identities_statement(identities=identities)])
        ids = members.ids_by_identity(identity_rows)
        opening = []
    member_ids = {sale.member for sale in sales if isinstance(sale.member, UUID)} | set(ids.values())
    instants = sorted({sale.occurred_at for sale in sales} | {uow.now})
    versions = versions_read(uow, instants=instants)
    rows = uow.fetch_pipeline(
        [
            *opening,
            *_member_statements(uow, sorted(member_ids), instants),
            stores.stores_statement(store_ids=sorted({sale.command.store_id for sale in sales})),
            stores.merchant_statement(uow),
            versions.statement,
            repository.known_statement(sorted({sale.number for sale in sales})),
        ]
    )
    if claim_rows is None:
        claim_rows = rows.pop(0)
    *member_rows, store_rows, merchant_rows, version_rows, known_rows = rows
    return Surroundings(
        merchant_name=stores.merchant_name_of(merchant_rows),
        settled=idempotency.settled_keys(uow, claim_rows, operation=OPERATION, keys=hashes),
        known=dict(repository.known_of(known_rows)),
        _stores=stores.by_id(store_rows),
        _versions=versions.versions(version_rows),
        _ids=ids,
        _members=_members_of(member_rows) if member_rows else {},
    )


def _member_statements(uow: UnitOfWork, member_ids: Sequence[UUID], instants: Sequence[datetime]) -> list[Statement]:
    if not member_ids:
        return []
    return [
        *ledger.reading_statements(uow, holder_ids=member_ids, every_lot=False),
        members.statuses_statement(member_ids=member_ids),
        tiers.records_statement(member_ids=member_ids),
        earning.cap_uses_statement(member_ids=member_ids, first=instants[0], last=instants[-1]),
    ]


def _members_of(rows: Sequence[list[DictRow]]) -> dict[UUID, _Member]:
    *ledger_rows, status_rows, record_rows, cap_rows = rows
    statuses, records = members.statuses_of(status_rows), tiers.records_of(record_rows)
    caps: dict[UUID, list[DictRow]] = {}
    for row in cap_rows:
        caps.setdefault(row["member_id"], []).append(row)
    return {
        member_id: _Member(stored, statuses[member_id], records.get(member_id, TierRecord()), caps.get(member_id, ()))
        for member_id, stored in ledger.stored_by_holder(ledger_rows).items()
        if member_id in statuses
    }
