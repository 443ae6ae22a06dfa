"""The live ledger: an event for each entry that is posted."""

from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Annotated, Any
from uuid import UUID

import strawberry

from services.gateway.context.errors import Forbidden
from services.gateway.execution.operation import Operation
from services.gateway.graphql.feed import LOOK_BACK, LiveFeed
from services.gateway.graphql.fields import Info, guarded, subscription
from services.gateway.graphql.ids import decode_optional
from services.gateway.graphql.ledger.types import Balance, LedgerEntry, balances_by_key, entries_by_key
from services.gateway.graphql.members.types import Member, load_member
from services.gateway.graphql.pagination import encode_cursor, id_cursor, number_cursor
from services.gateway.graphql.permissions import Access, of_member, require_somewhere
from services.loyalty.ledger.queries import Posted, posted_to_holder
from services.platform.auth.domain import Scope
from services.platform.db.homes import Home
from services.platform.ids import moment_of

ORDER = "feed"
PAGE = 500

_THEIR_OWN = of_member(Scope.MEMBERS_READ)


@strawberry.type(description="An entry that was just posted, and what the member has at the moment of telling.")
class LedgerEntryPosted:
    cursor: str = strawberry.field(description="The event's place: pass it as `after` to go on behind it.")
    entry_key: strawberry.Private[UUID]
    key: strawberry.Private[UUID]

    @guarded(access=_THEIR_OWN, description="The entry.")
    async def entry(self, info: Info) -> LedgerEntry:
        """The entry."""
        entry = await info.context.load(entries_by_key, self.entry_key)
        assert entry is not None, "entries are never deleted"
        return LedgerEntry.from_domain(entry)

    @guarded(access=_THEIR_OWN, description="Whose entry it is.")
    async def member(self, info: Info) -> Member | None:
        """The member."""
        return await load_member(info, self.key)

    @guarded(
        access=_THEIR_OWN,
        description="What the member has, one balance for each point unit; entries that came right after may be in it.",
    )
    async def balances(self, info: Info) -> list[Balance]:
        """The balances by unit."""
        return [Balance.from_domain(balance) for balance in await info.context.load(balances_by_key, self.key) or ()]


def _check(operation: Operation, _source: Any, arguments: dict[str, Any]) -> None:
    own = operation.principal.member_id
    if own is None:
        require_somewhere(operation, Scope.MEMBERS_READ)
    elif decode_optional("Member", arguments.get("member_id"), field="memberId") not in (None, own):
        raise Forbidden(scope=Scope.MEMBERS_READ)


FOLLOWS_LEDGER = Access(
    _check,
    f"Members follow their own; others need the scope `{Scope.MEMBERS_READ}` in the tenant or one of its stores.",
    scope=Scope.MEMBERS_READ,
)


@subscription(
    access=FOLLOWS_LEDGER,
    description="Entries as they are posted, each once; those of a member in the order of its chain.",
)
async def ledger_entry_posted(
    root: strawberry.Parent[LiveFeed],
    info: Info,
    member_id: Annotated[
        strawberry.ID | None, strawberry.argument(description="Only this member's entries; of all members without it.")
    ] = None,
    after: Annotated[
        str | None,
        strawberry.argument(
            description="Tell first what was posted after this cursor. With `memberId` that is exact; without, what was"
            " posted in the two minutes before it may come again: an entry is known by its id."
        ),
    ] = None,
) -> AsyncIterator[LedgerEntryPosted]:
    """Follow one member's ledger, or all of the tenant's."""
    home = info.context.tenant.home
    # A member's own, whatever the arguments say: nobody else's is even looked at.
    holder_id = info.context.principal.member_id or decode_optional("Member", member_id, field="memberId")
    missed = _missed_by_holder(root, home, holder_id, after) if holder_id else _missed(root, home, after)
    told: set[UUID] = set()
    async with root.follow(home) as follower:
        async for posted in missed:
            told.add(posted.entry_id)
            yield _event(posted, holder_id)
        async for posted in follower.entries():
            if holder_id in (None, posted.holder_id) and posted.entry_id not in told:
                yield _event(posted, holder_id)


async def _missed(feed: LiveFeed, home: Home, after: str | None) -> AsyncIterator[Posted]:
    after_id = id_cursor(ORDER, after)
    if after_id is not None:
        for posted in await feed.entries_since(home, moment_of(after_id) - LOOK_BACK):
            if posted.entry_id != after_id:
                yield posted


async def _missed_by_holder(feed: LiveFeed, home: Home, holder_id: UUID, after: str | None) -> AsyncIterator[Posted]:
    after_seq = number_cursor(_order(holder_id), after)
    while after_seq is not None:
        read: Callable[..., tuple[Posted, ...]] = partial(
            posted_to_holder, holder_id=holder_id, after_seq=after_seq, limit=PAGE
        )
        page = await feed.read(home, read)
        for posted in page:
            yield posted
        after_seq = page[-1].seq if len(page) == PAGE else None


def _event(posted: Posted, holder_id: UUID | None) -> LedgerEntryPosted:
    cursor = encode_cursor(_order(holder_id), posted.seq) if holder_id else encode_cursor(ORDER, posted.entry_id)
    return LedgerEntryPosted(cursor=cursor, entry_key=posted.entry_id, key=posted.holder_id)


def _order(holder_id: UUID) -> str:
    return f"{ORDER}:{holder_id}"
