"""What a batch of receipts meets: stores, programs, what is known already, and members with all that matters of them.

Everything about a member is read after the member's lock, in the same round trip. Keys come before members, both in the
order of their names, so that no two batches wait for each other in a circle.
"""

import dataclasses
from collections import ChainMap
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.rows import DictRow

from services.loyalty.earning import queries as earning
from services.loyalty.earning.domain import CapKey, kept_keys, names_asked
from services.loyalty.earning.service import CapUse
from services.loyalty.ledger import service as ledger
from services.loyalty.ledger.domain.book import HolderBook
from services.loyalty.members import queries as members
from services.loyalty.members.domain import Earner, Identity, MemberRef
from services.loyalty.members.errors import MemberNotFound
from services.loyalty.programs.domain import CapOwner, Trigger
from services.loyalty.programs.domain.publishing import ProgramVersion
from services.loyalty.programs.queries import in_force, versions_read
from services.loyalty.purchases import repository
from services.loyalty.purchases.domain import RecordPurchase
from services.loyalty.purchases.domain.receipt import Receipt
from services.loyalty.stores import queries as stores
from services.loyalty.stores.domain import Store
from services.loyalty.stores.errors import StoreNotFound
from services.loyalty.tiers import queries as tiers
from services.loyalty.tiers.domain import Requalification, TierChange, TierRecord, ladder_of
from services.platform.db.session import Statement, UnitOfWork
from services.platform.idempotency import batch as idempotency
from services.platform.idempotency.batch import Settled

OPERATION = "recordPurchase"

PURCHASES_ASKED = frozenset({"member.purchases", "order.isFirst"})
"""The fields for which a member's purchases are counted."""

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
    """A locked member, as the receipts decided so far have left it. ``book`` is None until one of them is kept.

    ``purchases`` were recorded before; 0 as well where no rule asks for them.
    """

    stored: ledger.Stored
    earner: Earner
    before: TierRecord
    record: TierRecord
    cap_used: dict[CapKey, int]
    purchases: int
    book: HolderBook | None = None
    changes: tuple[TierChange, ...] = ()

    def count(self, requalification: Requalification) -> None:
        """Keep what has become of the record."""
        self.record = requalification.record
        self.changes += requalification.changes

    @property
    def member_id(self) -> UUID:
        """The member's id."""
        return self.stored.holder_id


@dataclass(slots=True)
class Surroundings:
    """What was found. ``settled`` are keys that were used before, ``known`` receipts that were told of before.

    ``awaited`` are receipts for which refunds wait.
    """

    merchant_name: str
    settled: Mapping[str, Settled]
    known: dict[Number, Mapping[str, Any]]
    awaited: frozenset[Number]
    _stores: Mapping[UUID, Store]
    _versions: Sequence[ProgramVersion]
    _ids: Mapping[Identity, UUID]
    _members: Mapping[UUID, "_Member"]
    _shared_before: dict[CapKey, int]
    more: Sequence[list[DictRow]] = ()
    """The rows of what else was asked for."""
    _buyers: dict[UUID, Buyer] = field(default_factory=dict)
    _shared: dict[CapKey, int] = field(default_factory=dict)

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
        rows = uow.fetch_all(statement.query, statement.values)
        known: dict[Number, Mapping[str, Any]] = dict(repository.known_of(rows))
        awaited = repository.awaited_of(rows)
        return dataclasses.replace(self, known=known, awaited=awaited, _buyers={}, _shared={})

    def cap_used(self, buyer: Buyer) -> Mapping[CapKey, int]:
        """What has been used of a buyer's counters and of everybody's, the receipts decided so far included."""
        return ChainMap(buyer.cap_used, self._shared, self._shared_before)

    def fill(self, buyer: Buyer, uses: Mapping[CapUse, int]) -> None:
        """Count what a receipt fills, for the next one."""
        for use, amount in uses.items():
            if use.owner_id == buyer.member_id:
                buyer.cap_used[use.key] = buyer.cap_used.get(use.key, 0) + amount
            else:
                before = self._shared_before.get(use.key, 0)
                self._shared[use.key] = self._shared.get(use.key, before) + amount


@dataclass(frozen=True, slots=True)
class _Member:
    stored: ledger.Stored
    earner: Earner
    record: TierRecord
    cap_used: Mapping[CapKey, int]
    purchases: int

    def buyer(self) -> Buyer:
        return Buyer(self.stored, self.earner, self.record, self.record, dict(self.cap_used), self.purchases)


def look_around(
    uow: UnitOfWork,
    sales: Sequence[Sale],
    *,
    operation: str = OPERATION,
    more: Callable[[Sequence[UUID]], Sequence[Statement]] = lambda _: (),
    every_lot: bool = False,
) -> Surroundings:
    """Claim the keys of receipts, lock their members and read all that they meet.

    ``operation`` is whose keys they are; ``more`` gives what else is to be read behind the locks of these members, and
    ``every_lot`` reads all open lots, for who spends.

    One round trip where members are given by id, two by identity, one more for keys that were used before, and one
    more for programs that have caps of everybody together.
    """
    hashes = {sale.key: sale.command.request_hash for sale in reversed(sales)}
    claim = idempotency.claims_statement(uow, operation=operation, hashes=hashes)
    identities = list({sale.member: None for sale in sales if isinstance(sale.member, Identity)})
    ids: dict[Identity, UUID] = {}
    opening = [claim]
    claim_rows: list[DictRow] | None = None
    if identities:
        claim_rows, identity_rows = uow.fetch_pipeline([claim, members.identities_statement(identities=identities)])
        ids = members.ids_by_identity(identity_rows)
        opening = []
    member_ids = sorted({sale.member for sale in sales if isinstance(sale.member, UUID)} | set(ids.values()))
    instants = sorted({sale.occurred_at for sale in sales} | {uow.now})
    versions = versions_read(uow, instants=instants)
    records = tiers.records_read(uow, member_ids=member_ids, instants=instants)
    is_counted = are_purchases_asked(versions.known.values())
    asked = _MemberQuestions(uow, member_ids, instants, is_counted, records, every_lot)
    others = list(more(member_ids))
    rows = uow.fetch_pipeline(
        [
            *opening,
            *asked.statements(),
            stores.stores_statement(store_ids=sorted({sale.command.store_id for sale in sales})),
            stores.merchant_statement(uow),
            versions.statement,
            repository.known_statement(sorted({sale.number for sale in sales})),
            *others,
        ]
    )
    rows, more_rows = rows[: len(rows) - len(others)], rows[len(rows) - len(others) :]
    if claim_rows is None:
        claim_rows = rows.pop(0)
    *member_rows, store_rows, merchant_rows, version_rows, known_rows = rows
    found = versions.versions(version_rows)
    purchases, shared = asked.rest(found, member_rows)
    return Surroundings(
        merchant_name=stores.merchant_name_of(merchant_rows),
        settled=idempotency.settled_keys(uow, claim_rows, operation=operation, keys=hashes),
        known=dict(repository.known_of(known_rows)),
        awaited=repository.awaited_of(known_rows),
        _stores=stores.by_id(store_rows),
        _versions=found,
        _ids=ids,
        _members=asked.members(found, member_rows, purchases),
        _shared_before=shared,
        more=more_rows,
    )


@dataclass(frozen=True, slots=True)
class _MemberQuestions:
    """What is read of members.

    How many purchases they have is read where a rule asks, as far as that can be known before the program has come.
    """

    uow: UnitOfWork
    member_ids: Sequence[UUID]
    instants: Sequence[datetime]
    are_purchases_asked: bool
    records: tiers.RecordsRead
    every_lot: bool = False

    def statements(self) -> list[Statement]:
        """For the first pipeline."""
        if not self.member_ids:
            return []
        statements = [
            *ledger.reading_statements(self.uow, holder_ids=self.member_ids, every_lot=self.every_lot),
            members.earners_statement(member_ids=self.member_ids),
            *self.records.statements,
            earning.cap_uses_statement(member_ids=self.member_ids, first=self.instants[0], last=self.instants[-1]),
        ]
        if self.are_purchases_asked:
            statements.append(repository.counts_statement(self.member_ids))
        return statements

    def rest(
        self, versions: Sequence[ProgramVersion], rows: Sequence[list[DictRow]]
    ) -> tuple[dict[UUID, int], dict[CapKey, int]]:
        """Purchases by member, and what has been used of everybody's caps: those are locked after the members."""
        if not self.member_ids:
            return {}, {}
        statements: list[Statement] = []
        must_count = not self.are_purchases_asked and are_purchases_asked(versions)
        if must_count:
            statements.append(repository.counts_statement(self.member_ids))
        keys = shared_keys(versions, self.instants)
        statements += earning.locking_statements(keys)
        more = self.uow.fetch_pipeline(statements) if statements else []
        counts = more[0] if must_count else rows[-1] if self.are_purchases_asked else []
        return repository.counts_of(counts), earning.cap_used(more[-1]) if keys else {}

    def members(
        self, versions: Sequence[ProgramVersion], rows: Sequence[list[DictRow]], purchases: Mapping[UUID, int]
    ) -> dict[UUID, "_Member"]:
        """The members who are there, by id."""
        if not self.member_ids:
            return {}
        after_ledger = rows[ledger.READING_STATEMENTS + 1 :]
        count = len(self.records.statements)
        records = self.records.records(after_ledger[:count])
        present = in_force(versions, at=self.uow.now)
        if present is not None:
            records = self.records.completed(records, ladder_of(present))
        earners = members.earners_of(rows[ledger.READING_STATEMENTS])
        caps: dict[UUID, list[DictRow]] = {}
        for row in after_ledger[count]:
            caps.setdefault(row["owner_id"], []).append(row)
        return {
            member_id: _Member(
                stored,
                earners[member_id],
                records.get(member_id, TierRecord()),
                earning.cap_used(caps.get(member_id, ())),
                purchases.get(member_id, 0),
            )
            for member_id, stored in ledger.stored_by_holder(rows[: ledger.READING_STATEMENTS]).items()
            if member_id in earners
        }


def are_purchases_asked(versions: Iterable[ProgramVersion]) -> bool:
    """Whether a rule asks how many purchases came before."""
    return any(not PURCHASES_ASKED.isdisjoint(names_asked(each.document, Trigger.PURCHASE)) for each in versions)


def shared_keys(versions: Sequence[ProgramVersion], instants: Iterable[datetime]) -> set[CapKey]:
    """The counters of everybody that purchases at these instants may fill."""
    keys: set[CapKey] = set()
    for instant in instants:
        version = in_force(versions, at=instant)
        if version is not None:
            keys.update(
                kept_keys(version.document, occurred_at=instant, trigger=Trigger.PURCHASE, owner=CapOwner.EVERYONE)
            )
    return keys
