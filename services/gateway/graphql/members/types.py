"""Members as clients see them."""

from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Self
from uuid import UUID

import strawberry

from services.gateway.graphql.activities.loaders import referral_codes_by_key
from services.gateway.graphql.cards.types import MemberCard, card_of
from services.gateway.graphql.fields import Info, ahead, guarded
from services.gateway.graphql.holds.types import Hold
from services.gateway.graphql.ids import encode
from services.gateway.graphql.ledger.types import (
    Balance,
    LatestLines,
    LedgerEntry,
    PointInTimeBalance,
    PointsLot,
    balances_by_key,
)
from services.gateway.graphql.members.loaders import members_by_key, standings_by_key
from services.gateway.graphql.members.references import CustomFieldValue
from services.gateway.graphql.members.tier import MemberTier, MemberTierChange
from services.gateway.graphql.nodes import Node
from services.gateway.graphql.pagination import (
    PAGE_DEFAULT,
    PAGE_MAX,
    After,
    Connection,
    First,
    connect,
    encode_cursor,
    id_cursor,
    number_cursor,
    page,
    text_cursor,
    time_cursor,
)
from services.gateway.graphql.permissions import is_allowed_at, of_member
from services.gateway.graphql.rewards.types import Reward
from services.gateway.graphql.scalars import JsonDocument, Locale, Timezone
from services.gateway.graphql.stores.types import Store, load_store
from services.gateway.graphql.transfers.types import Transfer
from services.loyalty.activities import queries as activities
from services.loyalty.coupons import queries as coupons
from services.loyalty.holds import queries as holds
from services.loyalty.ledger import queries as ledger
from services.loyalty.ledger.domain.flows import Timeline
from services.loyalty.members import domain
from services.loyalty.purchases import queries as purchases
from services.loyalty.redemptions import queries as redemptions
from services.loyalty.rewards import queries as rewards
from services.loyalty.rewards.domain import ineligibility, is_within
from services.loyalty.tiers import queries as tiers
from services.loyalty.transfers import queries as transfers
from services.platform.auth.domain import Scope
from services.platform.errors import InvalidInput

if TYPE_CHECKING:
    from services.gateway.graphql.activities.types import Activity
    from services.gateway.graphql.after_sales.types import Case
    from services.gateway.graphql.coupons.types import Coupon
    from services.gateway.graphql.purchases.types import Purchase
    from services.gateway.graphql.redemptions.types import Redemption

LAZY_CASE = strawberry.lazy("services.gateway.graphql.after_sales.types")
LAZY_ACTIVITY = strawberry.lazy("services.gateway.graphql.activities.types")
LAZY_PURCHASE = strawberry.lazy("services.gateway.graphql.purchases.types")
LAZY_COUPON = strawberry.lazy("services.gateway.graphql.coupons.types")
LAZY_REDEMPTION = strawberry.lazy("services.gateway.graphql.redemptions.types")

AsOf = Annotated[datetime, strawberry.argument(description="The instant; not after now.")]
ByTimeline = Annotated[Timeline, strawberry.argument(description="By which of its instants an entry counts.")]
IsOpen = Annotated[bool, strawberry.argument(description="Only those that still reserve points.")]


def _latest_lines(first: int = PAGE_DEFAULT, after: str | None = None) -> LatestLines | None:
    """What `Member.ledger` loads from the beginning of its list."""
    is_page = 1 <= first <= PAGE_MAX
    return LatestLines(first + 1) if after is None and is_page else None


@strawberry.type(description="A way to find a member, in the form in which it is kept.")
class MemberIdentity:
    kind: domain.IdentityKind = strawberry.field(description="What it is.")
    value: str = strawberry.field(description="The number, address or id.")


@strawberry.type(description="A person in the program.")
class Member(Node):
    name: str | None = strawberry.field(description="The person's name.")
    birthday: date | None = strawberry.field(description="The person's birthday.")
    locale: Locale = strawberry.field(description="The language in which the person is written to.")
    timezone: Timezone = strawberry.field(description="The zone by which the person's days begin.")
    status: domain.MemberStatus = strawberry.field(description="Whether the person takes part.")
    identities: list[MemberIdentity] = strawberry.field(description="How the person can be found.")
    tags: list[str] = strawberry.field(description="The person's tags, in the order of their letters.")
    fields: list[CustomFieldValue] = strawberry.field(
        description="The merchant's own fields that have a value, in the order of their codes."
    )
    is_referred: bool = strawberry.field(description="Whether the person joined by another member's code.")
    profile_completed_at: datetime | None = strawberry.field(
        description="When the profile was complete for the first time: name, birthday, a phone number or e-mail"
        " address, and every field that the program declares for members."
    )
    enrolled_at: datetime = strawberry.field(description="Since when the person is a member.")
    updated_at: datetime = strawberry.field(description="When the person's data last changed.")
    key: strawberry.Private[UUID]
    enrolled_store_key: strawberry.Private[UUID | None]

    @classmethod
    def from_domain(cls, member: domain.Member) -> Self:
        """The member as clients see them."""
        return cls(
            id=encode("Member", member.id),
            name=member.name,
            birthday=member.birthday,
            locale=Locale(member.locale),
            timezone=Timezone(member.timezone),
            status=member.status,
            identities=[MemberIdentity(kind=identity.kind, value=identity.value) for identity in member.identities],
            tags=list(member.tags),
            fields=[CustomFieldValue(code=code, value=JsonDocument(value)) for code, value in _in_order(member)],
            is_referred=member.is_referred,
            profile_completed_at=member.profile_completed_at,
            enrolled_at=member.enrolled_at,
            updated_at=member.updated_at,
            key=member.id,
            enrolled_store_key=member.enrolled_store_id,
        )

    @guarded(
        access=of_member(Scope.MEMBERS_READ),
        description="The member's card; null before one was issued (`issueCard`, `createWalletLink`).",
    )
    async def card(self, info: Info) -> MemberCard | None:
        """The card."""
        numbers = (one.value for one in self.identities if one.kind is domain.IdentityKind.CARD)
        return card_of(self.key, next(numbers, None))

    @guarded(
        access=of_member(Scope.PROGRAM_READ),
        description="The rewards that are for this member now, by code; by tier, tags and time, whatever they cost.",
    )
    async def rewards_offered(self, info: Info, first: First = PAGE_DEFAULT, after: After = None) -> Connection[Reward]:
        """A page of rewards."""
        asked = page(first, after)
        order = f"rewards_offered:{self.key}"
        after_code = text_cursor(order, after)
        rows = await info.context.read(
            lambda session: rewards.rewards_page(session, limit=asked.limit, after_code=after_code, is_archived=False)
        )
        standing = await info.context.load(standings_by_key, self.key)
        tier = standing.level.code if standing else None
        at = info.context.now
        return connect(
            rows,
            asked,
            node=Reward.from_domain,
            cursor=lambda row: encode_cursor(order, row.code),
            is_visible=lambda row: (
                is_within(row.content.terms, at=at)
                and ineligibility(row.content.terms, tier=tier, tags=self.tags) is None
            ),
        )

    @guarded(access=of_member(Scope.MEMBERS_READ), description="Where the person joined.")
    async def enrolled_store(self, info: Info) -> Store | None:
        """The store of enrollment."""
        return await load_store(info, self.enrolled_store_key)

    @guarded(
        access=of_member(Scope.MEMBERS_READ),
        description="What the member has, one balance for each point unit; none before the first points.",
        reads=lambda: balances_by_key,
    )
    async def balances(self, info: Info) -> list[Balance]:
        """The balances by unit."""
        found = await info.context.load(balances_by_key, self.key)
        return [Balance.from_domain(balance) for balance in found or ()]

    @guarded(
        access=of_member(Scope.MEMBERS_READ),
        description="The member's tier; null before a program is published.",
        reads=lambda: standings_by_key,
    )
    async def tier(self, info: Info) -> MemberTier | None:
        """The standing in the program's tiers."""
        standing = await info.context.load(standings_by_key, self.key)
        return MemberTier.from_domain(standing) if standing else None

    @guarded(
        access=of_member(Scope.MEMBERS_READ),
        description="The code of the tier that the member held at an instant, inclusive; null before a program is"
        " published.",
    )
    async def tier_as_of(
        self, info: Info, at: Annotated[datetime, strawberry.argument(description="The instant.")]
    ) -> str | None:
        """The tier held then."""
        return await info.context.read(lambda session: tiers.tier_as_of(session, member_id=self.key, at=at))

    @guarded(
        access=of_member(Scope.MEMBERS_READ),
        description="What the member had at an instant, inclusive, by unit; by default as the books said then.",
    )
    async def balances_as_of(
        self, info: Info, at: AsOf, by: ByTimeline = Timeline.RECORDED
    ) -> list[PointInTimeBalance]:
        """Balances at an instant."""
        if at > info.context.now:
            raise InvalidInput(field="at", reason="IN_THE_FUTURE")
        found = await info.context.read(lambda session: ledger.points_as_of(session, holder_id=self.key, at=at, by=by))
        return [PointInTimeBalance.from_domain(points) for points in found]

    @guarded(access=of_member(Scope.MEMBERS_READ), description="The changes of the member's tier, newest first.")
    async def tier_history(
        self, info: Info, first: First = PAGE_DEFAULT, after: After = None
    ) -> Connection[MemberTierChange]:
        """A page of changes."""
        asked = page(first, after)
        order = f"tiers:{self.key}"
        after_id = id_cursor(order, after)
        rows = await info.context.read(
            lambda session: tiers.history_page(session, member_id=self.key, limit=asked.limit, after_id=after_id)
        )
        return connect(
            rows, asked, node=MemberTierChange.from_domain, cursor=lambda change: encode_cursor(order, change.id)
        )

    @guarded(
        access=of_member(Scope.MEMBERS_READ),
        description="The entries of the member's ledger, newest first.",
        reads=_latest_lines,
    )
    async def ledger(self, info: Info, first: First = PAGE_DEFAULT, after: After = None) -> Connection[LedgerEntry]:
        """A page of entries."""
        asked = page(first, after)
        order = f"ledger:{self.key}"
        before_seq = number_cursor(order, after)
        if before_seq is None:
            rows = await info.context.load(LatestLines(asked.limit), self.key) or ()
        else:
            rows = await info.context.read(
                lambda session: ledger.lines_before(
                    session, holder_id=self.key, limit=asked.limit, before_seq=before_seq
                )
            )
        return connect(rows, asked, node=LedgerEntry.from_line, cursor=lambda entry: encode_cursor(order, entry.seq))

    @guarded(access=of_member(Scope.MEMBERS_READ), description="The member's lots of points, oldest first.")
    async def lots(self, info: Info, first: First = PAGE_DEFAULT, after: After = None) -> Connection[PointsLot]:
        """A page of lots."""
        asked = page(first, after)
        order = f"lots:{self.key}"
        after_id = id_cursor(order, after)
        rows = await info.context.read(
            lambda session: ledger.lots(session, holder_id=self.key, limit=asked.limit, after_id=after_id)
        )
        return connect(rows, asked, node=PointsLot.from_domain, cursor=lambda lot: encode_cursor(order, lot.id))

    @guarded(
        access=of_member(Scope.MEMBERS_READ),
        description="What is or was reserved of the member's points, newest first; with `isOpen` what is reserved now.",
    )
    async def holds(
        self, info: Info, first: First = PAGE_DEFAULT, after: After = None, *, is_open: IsOpen = False
    ) -> Connection[Hold]:
        """A page of holds."""
        asked = page(first, after)
        order = f"holds:{self.key}"
        after_id = id_cursor(order, after)
        rows = await info.context.read(
            lambda session: holds.holds_page(
                session, member_id=self.key, limit=asked.limit, after_id=after_id, is_open=is_open
            )
        )
        at = info.context.now
        return connect(
            rows,
            asked,
            node=lambda hold: Hold.from_domain(hold, at=at),
            cursor=lambda hold: encode_cursor(order, hold.id),
        )

    @guarded(
        access=of_member(Scope.MEMBERS_READ),
        description="Points that the member gave to others or got from them, newest first.",
    )
    async def transfers(self, info: Info, first: First = PAGE_DEFAULT, after: After = None) -> Connection[Transfer]:
        """A page of transfers."""
        asked = page(first, after)
        order = f"transfers:{self.key}"
        after_id = id_cursor(order, after)
        rows = await info.context.read(
            lambda session: transfers.transfers_page(session, member_id=self.key, limit=asked.limit, after_id=after_id)
        )
        return connect(rows, asked, node=Transfer.from_domain, cursor=lambda row: encode_cursor(order, row.id))

    @guarded(
        access=of_member(Scope.PURCHASES_READ),
        description="The member's purchases, newest first. Who is limited to a store sees that store's.",
    )
    async def purchases(
        self, info: Info, first: First = PAGE_DEFAULT, after: After = None
    ) -> Connection[Annotated["Purchase", LAZY_PURCHASE]]:
        """A page of purchases."""
        from services.gateway.graphql.purchases.types import Purchase  # noqa: PLC0415  the two types name each other

        asked = page(first, after)
        order = f"purchases:{self.key}"
        place = time_cursor(order, after)
        rows = await info.context.read(
            lambda session: purchases.purchases_page(session, limit=asked.limit, member_id=self.key, after=place)
        )
        is_own = info.context.principal.member_id == self.key
        return connect(
            rows,
            asked,
            node=Purchase.from_domain,
            cursor=lambda purchase: encode_cursor(order, purchase.occurred_at, purchase.id),
            is_visible=lambda row: is_own or is_allowed_at(info.context, Scope.PURCHASES_READ, row.store_id),
        )

    @guarded(
        access=of_member(Scope.MEMBERS_READ),
        description="The code by which friends join; null where none was made yet (see `createReferralCode`).",
    )
    async def referral_code(self, info: Info) -> str | None:
        """The referral code."""
        return await info.context.load(referral_codes_by_key, self.key)

    @guarded(
        access=of_member(Scope.ACTIVITIES_READ),
        description="What the member did besides buying, the latest recorded first. Who is limited to a store sees"
        " that store's.",
    )
    async def activities(
        self, info: Info, first: First = PAGE_DEFAULT, after: After = None
    ) -> Connection[Annotated["Activity", LAZY_ACTIVITY]]:
        """A page of activities."""
        from services.gateway.graphql.activities.types import (  # noqa: PLC0415  the two types name each other
            Activity,
            is_visible,
        )

        asked = page(first, after)
        order = f"activities:{self.key}"
        after_id = id_cursor(order, after)
        rows = await info.context.read(
            lambda session: activities.activities_page(
                session, limit=asked.limit, member_id=self.key, after_id=after_id
            )
        )
        return connect(
            rows,
            asked,
            node=Activity.from_domain,
            cursor=lambda row: encode_cursor(order, row.id),
            is_visible=lambda row: is_visible(info, row),
        )

    @guarded(
        access=of_member(Scope.MEMBERS_READ),
        description="What the member has for points, gifts of others among it, newest first.",
    )
    async def redemptions(
        self, info: Info, first: First = PAGE_DEFAULT, after: After = None
    ) -> Connection[Annotated["Redemption", LAZY_REDEMPTION]]:
        """A page of redemptions."""
        from services.gateway.graphql.redemptions.types import Redemption  # noqa: PLC0415  the two types name each other

        asked = page(first, after)
        order = f"redemptions:{self.key}"
        after_id = id_cursor(order, after)
        rows = await info.context.read(
            lambda session: redemptions.redemptions_page(
                session, limit=asked.limit, member_id=self.key, after_id=after_id
            )
        )
        at = info.context.now
        return connect(
            rows,
            asked,
            node=lambda row: Redemption.from_domain(row, at=at),
            cursor=lambda row: encode_cursor(order, row.id),
        )

    @guarded(
        access=of_member(Scope.PURCHASES_READ),
        description="What the member wanted after sales, newest first. Who is limited to a store sees that store's.",
    )
    async def cases(
        self, info: Info, first: First = PAGE_DEFAULT, after: After = None
    ) -> Connection[Annotated["Case", LAZY_CASE]]:
        """A page of cases."""
        from services.gateway.graphql.after_sales.queries import member_cases  # noqa: PLC0415  the types name each other

        return await member_cases(info, self.key, first=first, after=after)

    @guarded(access=of_member(Scope.MEMBERS_READ), description="The member's coupons, newest first.")
    async def coupons(
        self, info: Info, first: First = PAGE_DEFAULT, after: After = None
    ) -> Connection[Annotated["Coupon", LAZY_COUPON]]:
        """A page of coupons."""
        from services.gateway.graphql.coupons.types import Coupon  # noqa: PLC0415  the two types name each other

        asked = page(first, after)
        order = f"coupons:{self.key}"
        after_id = id_cursor(order, after)
        rows = await info.context.read(
            lambda session: coupons.coupons_of_member(session, limit=asked.limit, member_id=self.key, after_id=after_id)
        )
        at = info.context.now
        return connect(
            rows,
            asked,
            node=lambda row: Coupon.from_domain(row, at=at),
            cursor=lambda row: encode_cursor(order, row.id),
        )


def _in_order(member: domain.Member) -> list[tuple[str, bool | int | str]]:
    return sorted(member.fields.items())


def shown_member(info: Info, member: domain.Member) -> Member | None:
    """A member that was changed, for who may also read members; else null: writing is no way to read."""
    may_read = info.context.principal.allows_somewhere(Scope.MEMBERS_READ)
    return Member.from_domain(member) if may_read else None


async def load_member(info: Info, member_id: UUID | None) -> Member | None:
    """A member by key, in one batch with others; None for None."""
    if member_id is None:
        return None
    member = await info.context.load(members_by_key, member_id, ahead=ahead(info, "Member"))
    return Member.from_domain(member) if member else None
