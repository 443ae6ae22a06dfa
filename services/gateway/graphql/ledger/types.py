"""The ledger as clients see it: balances, entries with their postings, and lots."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Self
from uuid import UUID

import strawberry

from services.gateway.graphql.fields import Info, guarded
from services.gateway.graphql.ids import encode
from services.gateway.graphql.nodes import Node
from services.gateway.graphql.permissions import INHERITED
from services.gateway.graphql.scalars import Points
from services.gateway.graphql.stores.types import Store, load_store
from services.loyalty.ledger import domain
from services.loyalty.ledger.domain.flows import PointsAsOf
from services.loyalty.ledger.domain.holdings import Balance as HolderBalance
from services.loyalty.ledger.domain.holdings import EntryLine
from services.loyalty.ledger.queries import (
    balances_question,
    entries_by_ids,
    latest_lines_question,
    lots_by_ids,
    postings_question,
)
from services.platform.actors import ActorKind
from services.platform.db.questions import Question
from services.platform.db.session import ReadSession


def balances_by_key(session: ReadSession, keys: Sequence[UUID]) -> Question[Mapping[UUID, tuple[HolderBalance, ...]]]:
    """Balances by member."""
    return balances_question(session, holder_ids=keys)


def postings_by_key(_session: ReadSession, keys: Sequence[UUID]) -> Question[Mapping[UUID, tuple[domain.Posting, ...]]]:
    """Postings by entry."""
    return postings_question(entry_ids=keys)


@dataclass(frozen=True, slots=True)
class LatestLines:
    """The last entries of each member, at most ``limit``, by member."""

    limit: int

    def __call__(self, _session: ReadSession, keys: Sequence[UUID]) -> Question[Mapping[UUID, tuple[EntryLine, ...]]]:
        """Ask for them."""
        return latest_lines_question(holder_ids=keys, limit=self.limit)


def entries_by_key(session: ReadSession, keys: Sequence[UUID]) -> Mapping[UUID, domain.Entry]:
    """Entries by id."""
    return entries_by_ids(session, entry_ids=keys)


def lots_by_key(session: ReadSession, keys: Sequence[UUID]) -> Mapping[UUID, domain.Lot]:
    """Lots by id, for loaders."""
    return lots_by_ids(session, lot_ids=keys)


@strawberry.type(
    description="What a member has of one point unit. Law: pending + available + held - owed = earned - spent - expired"
    " - reversed + adjusted + transferred."
)
class Balance:
    unit: str = strawberry.field(description="The code of the point unit.")
    pending: Points = strawberry.field(description="Earned, and not spendable yet.")
    available: Points = strawberry.field(description="Can be spent now.")
    held: Points = strawberry.field(description="Reserved for redemptions under way.")
    owed: Points = strawberry.field(description="Owed to the program; repaid first by what is earned next.")
    earned: Points = strawberry.field(description="Earned in all.")
    spent: Points = strawberry.field(description="Spent in all, less what was given back.")
    expired: Points = strawberry.field(description="Expired in all.")
    reversed: Points = strawberry.field(description="Taken back by refunds in all.")
    adjusted: Points = strawberry.field(description="Given by hand in all, less what was taken; may be negative.")
    transferred: Points = strawberry.field(
        description="Received from other members in all, less what went to them; may be negative."
    )

    @classmethod
    def from_domain(cls, balance: HolderBalance) -> Self:
        """The balance as clients see it."""
        return cls(
            unit=balance.unit,
            pending=Points(balance.pending),
            available=Points(balance.available),
            held=Points(balance.held),
            owed=Points(balance.owed),
            earned=Points(balance.earned),
            spent=Points(balance.spent),
            expired=Points(balance.expired),
            reversed=Points(balance.reversed),
            adjusted=Points(balance.adjusted),
            transferred=Points(balance.transferred),
        )


@strawberry.type(description="What a member had of one point unit at an instant.")
class PointInTimeBalance:
    unit: str = strawberry.field(description="The code of the point unit.")
    pending: Points = strawberry.field(description="Earned, and not spendable then.")
    available: Points = strawberry.field(description="Could be spent then.")
    held: Points = strawberry.field(description="Reserved then.")
    owed: Points = strawberry.field(description="Owed to the program then.")

    @classmethod
    def from_domain(cls, points: PointsAsOf) -> Self:
        """The balance as clients see it."""
        return cls(
            unit=points.unit,
            pending=Points(points.pending),
            available=Points(points.available),
            held=Points(points.held),
            owed=Points(points.owed),
        )


@strawberry.type(description="One side of a posting.")
class LedgerAccount:
    is_program: bool = strawberry.field(description="Whether the account is the program's and not the member's.")
    purpose: domain.Purpose = strawberry.field(description="What the account is for.")
    address: str = strawberry.field(description="The account in words: owner, unit and purpose.")

    @classmethod
    def from_domain(cls, account: domain.AccountRef) -> Self:
        """The account as clients see it."""
        return cls(is_program=account.holder_id is None, purpose=account.purpose, address=account.address)


@strawberry.type(description="One positive amount that moves from a debit account to a credit account.")
class Posting:
    position: int = strawberry.field(description="Its place in the entry, from 1.")
    unit: str = strawberry.field(description="The code of the point unit.")
    amount: Points = strawberry.field(description="How much moves; always positive.")
    debit: LedgerAccount = strawberry.field(description="Where it comes from.")
    credit: LedgerAccount = strawberry.field(description="Where it goes.")

    @classmethod
    def from_domain(cls, posting: domain.Posting) -> Self:
        """The posting as clients see it."""
        return cls(
            position=posting.position,
            unit=posting.unit,
            amount=Points(posting.amount),
            debit=LedgerAccount.from_domain(posting.debit),
            credit=LedgerAccount.from_domain(posting.credit),
        )


@strawberry.type(description="One immutable entry of a member's ledger. A correction is a further entry.")
class LedgerEntry(Node):
    kind: domain.EntryKind = strawberry.field(description="What happened.")
    sequence: int = strawberry.field(description="Its number in the member's chain, from 1.")
    points: Points = strawberry.field(
        description="What the member's accounts gained by it in all; negative for a loss."
    )
    reason: str | None = strawberry.field(description="Why, where somebody had to say so.")
    actor_kind: ActorKind = strawberry.field(description="Who made it.")
    occurred_at: datetime = strawberry.field(description="When the thing happened.")
    recorded_at: datetime = strawberry.field(description="When it was written down.")
    hash: str = strawberry.field(description="SHA-256 over the entry and the hash before it, in hexadecimal digits.")
    previous_hash: str = strawberry.field(description="The hash of the member's entry before this one.")
    key: strawberry.Private[UUID]
    store_key: strawberry.Private[UUID | None]
    holder_key: strawberry.Private[UUID | None]

    @guarded(access=INHERITED, description="What moved; each posting balances by itself.")
    async def postings(self, info: Info) -> list[Posting]:
        """The postings, in their order."""
        found = await info.context.load(postings_by_key, self.key)
        return [Posting.from_domain(posting) for posting in found or ()]

    @guarded(access=INHERITED, description="Where it happened; null when it was in no store.")
    async def store(self, info: Info) -> Store | None:
        """The store, if any."""
        return await load_store(info, self.store_key)

    @classmethod
    def from_domain(cls, entry: domain.Entry) -> Self:
        """The entry as clients see it."""
        header = entry.header
        return cls(
            id=encode("LedgerEntry", header.id),
            kind=entry.kind,
            sequence=entry.seq,
            points=Points(_gain(entry)),
            reason=header.reason,
            actor_kind=header.actor.kind,
            occurred_at=header.occurred_at,
            recorded_at=header.recorded_at,
            hash=entry.hash.hex(),
            previous_hash=entry.prev_hash.hex(),
            key=header.id,
            store_key=header.store_id,
            holder_key=header.holder_id,
        )

    @classmethod
    def from_line(cls, line: EntryLine) -> "LedgerEntry":
        """The entry of a list as clients see it; of many entries little is asked, so nothing is made before."""
        entry = _LINE_ENTRY.__new__(_LINE_ENTRY)
        entry.__dict__["line"] = line
        return entry


_LINE_ENTRY: type[LedgerEntry] = type(
    "LedgerEntry",
    (LedgerEntry,),
    {
        "__module__": __name__,
        "id": property(lambda entry: encode("LedgerEntry", entry.line.id)),
        "kind": property(attrgetter("line.kind")),
        "sequence": property(attrgetter("line.seq")),
        "points": property(attrgetter("line.gained")),
        "reason": property(attrgetter("line.reason")),
        "actor_kind": property(attrgetter("line.actor_kind")),
        "occurred_at": property(attrgetter("line.occurred_at")),
        "recorded_at": property(attrgetter("line.recorded_at")),
        "hash": property(lambda entry: entry.line.hash.hex()),
        "previous_hash": property(lambda entry: entry.line.prev_hash.hex()),
        "key": property(attrgetter("line.id")),
        "store_key": property(attrgetter("line.store_id")),
        "holder_key": property(attrgetter("line.holder_id")),
    },
)
"""An entry that reads its attributes off a line when it is asked for them."""


@strawberry.type(description="Points that were born together, spent soonest-expiry-first.")
class PointsLot(Node):
    unit: str = strawberry.field(description="The code of the point unit.")
    amount: Points = strawberry.field(description="How many were born.")
    remaining: Points = strawberry.field(description="How many are left.")
    state: domain.LotState = strawberry.field(description="Whether it was activated.")
    held: Points = strawberry.field(description="How many more are reserved by holds.")
    activates_at: datetime = strawberry.field(
        description="From when on its points can be spent; of points that await an action, when they are canceled."
    )
    awaits_action: str | None = strawberry.field(description="The action that must be reported first, if any.")
    action_deadline: datetime | None = strawberry.field(
        description="When they are canceled if the action has not come; null for no deadline, or no action."
    )
    expires_at: datetime | None = strawberry.field(description="When its points end; null for never.")

    @classmethod
    def from_domain(cls, lot: domain.Lot) -> Self:
        """The lot as clients see it."""
        return cls(
            id=encode("PointsLot", lot.id),
            unit=lot.unit,
            amount=Points(lot.amount),
            remaining=Points(lot.remaining),
            state=lot.state,
            held=Points(lot.held),
            activates_at=lot.activates_at,
            awaits_action=lot.awaits_action,
            action_deadline=lot.validity.action_deadline,
            expires_at=lot.expires_at,
        )


def _gain(entry: domain.Entry) -> int:
    """What moved from the program to its holder, less what moved back."""
    gained = sum(posting.amount for posting in entry.postings if posting.credit.holder_id is not None)
    return gained - sum(posting.amount for posting in entry.postings if posting.debit.holder_id is not None)
