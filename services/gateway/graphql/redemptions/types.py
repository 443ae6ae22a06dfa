"""Redemptions as clients see them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Self
from uuid import UUID

import strawberry

from services.gateway.graphql.fields import Info, guarded
from services.gateway.graphql.ids import encode
from services.gateway.graphql.money import MoneyAmount
from services.gateway.graphql.nodes import Node
from services.gateway.graphql.permissions import INHERITED, of_member, require, requires_somewhere
from services.gateway.graphql.rewards.types import Reward, load_reward, reward_versions_by_key
from services.gateway.graphql.scalars import Points, WholeNumber
from services.gateway.graphql.stores.types import Store, load_store
from services.gateway.graphql.text import LocalizedTextType
from services.loyalty.redemptions import domain
from services.loyalty.redemptions.queries import redemptions_by_ids
from services.loyalty.rewards.queries import codes_by_redemptions
from services.platform.auth.domain import Scope
from services.platform.db.session import ReadSession
from services.platform.money import Money

if TYPE_CHECKING:
    from services.gateway.graphql.members.types import Member

LAZY_MEMBER = strawberry.lazy("services.gateway.graphql.members.types")


def redemptions_by_key(session: ReadSession, keys: Sequence[UUID]) -> Mapping[UUID, domain.Redemption]:
    """Redemptions by id."""
    return redemptions_by_ids(session, redemption_ids=keys)


def codes_by_redemption(session: ReadSession, keys: Sequence[UUID]) -> Mapping[UUID, tuple[str, ...]]:
    """Codes by redemption; of those that were given any."""
    return codes_by_redemptions(session, redemption_ids=keys)


@strawberry.type(description="A member has a reward for points, had it, or holds it.")
class Redemption(Node):
    points: Points = strawberry.field(description="What was paid, or is reserved.")
    money: MoneyAmount | None = strawberry.field(
        description="What it costs beside the points, taken by the till; null for points alone."
    )
    quantity: WholeNumber = strawberry.field(description="How many pieces.")
    status: domain.RedemptionStatus = strawberry.field(description="Where it is in its life.")
    occurred_at: datetime = strawberry.field(description="When it was asked for.")
    expires_at: datetime | None = strawberry.field(
        description="When what is held is given back by itself; null once it is confirmed or has ended."
    )
    waiting_since: datetime | None = strawberry.field(
        description="Since when somebody has to act on it: hand it over, or pick it up. Null when nobody has."
    )
    confirmed_at: datetime | None = strawberry.field(
        description="When it was paid; null while it is held, and of those that are older than this field."
    )
    fulfilled_at: datetime | None = strawberry.field(description="When it was issued, shipped or made ready.")
    collected_at: datetime | None = strawberry.field(description="When it was collected.")
    ended_at: datetime | None = strawberry.field(description="When it was canceled or timed out.")
    cancel_reason: domain.CancelReason | None = strawberry.field(description="Why it was canceled.")
    delivery_reference: str | None = strawberry.field(
        description="What the staff told the member: the number of a parcel, a code, an appointment."
    )
    is_gift: bool = strawberry.field(description="Whether it was paid by one member for another.")
    is_cancelable_by_member: bool = strawberry.field(
        description="Whether who paid may give it back alone: `cancelRedemptionAsMember`. Of points that paid and have"
        " ended meanwhile only that mutation knows; it refuses with `RedeemedPointsEnded`."
    )
    key: strawberry.Private[UUID]
    member_key: strawberry.Private[UUID]
    reward_key: strawberry.Private[UUID]
    reward_version_key: strawberry.Private[UUID]
    store_key: strawberry.Private[UUID | None]
    owner_key: strawberry.Private[UUID]
    pickup_store_key: strawberry.Private[UUID | None]
    redemption: strawberry.Private[domain.Redemption]

    @guarded(
        access=INHERITED,
        description="The codes that were given, for whom the reward is and for the staff; empty for others.",
    )
    async def codes(self, info: Info) -> list[str]:
        """The codes."""
        if not self._is_shown(info):
            return []
        return list(await info.context.load(codes_by_redemption, self.key) or ())

    @guarded(
        access=INHERITED,
        description="What to show where it is picked up, for whom the reward is and for the staff; null for others, "
        "and of what is not picked up.",
    )
    async def pickup_code(self, info: Info) -> str | None:
        """The pick-up code."""
        return self.redemption.pickup_code if self._is_shown(info) else None

    @guarded(access=INHERITED, description="Where it is picked up; null when it is not.")
    async def pickup_store(self, info: Info) -> Store | None:
        """The store."""
        return await load_store(info, self.pickup_store_key)

    @guarded(access=requires_somewhere(Scope.REDEMPTIONS_WRITE), description="What the staff wrote about it.")
    async def note(self) -> str | None:
        """The note."""
        return self.redemption.note

    @guarded(
        access=requires_somewhere(Scope.REDEMPTIONS_WRITE), description="The till's own number of the money it took."
    )
    async def payment_reference(self) -> str | None:
        """The payment."""
        return self.redemption.payment_reference

    @guarded(
        access=of_member(Scope.MEMBERS_READ, key="owner_key"),
        description="For whom it is: the recipient of a gift, or who paid.",
    )
    async def recipient(self, info: Info) -> Annotated["Member", LAZY_MEMBER] | None:
        """The member for whom it is."""
        from services.gateway.graphql.members.types import load_member  # noqa: PLC0415  the two types name each other

        return await load_member(info, self.owner_key)

    def _is_shown(self, info: Info) -> bool:
        """Whether the caller may see what can be had with it: whose it is, and the staff who hand it over."""
        principal = info.context.principal
        if principal.member_id is not None:
            return principal.member_id == self.owner_key
        return principal.allows_somewhere(Scope.REDEMPTIONS_WRITE)

    @guarded(access=INHERITED, description="The reward as it is now.")
    async def reward(self, info: Info) -> Reward | None:
        """The reward."""
        return await load_reward(info, self.reward_key)

    @guarded(access=INHERITED, description="What the reward was called then.")
    async def reward_name(self, info: Info) -> LocalizedTextType | None:
        """The reward's name in the version that was redeemed."""
        version = await info.context.load(reward_versions_by_key, self.reward_version_key)
        return LocalizedTextType(en=version.content.name_en, zh=version.content.name_zh) if version else None

    @guarded(access=of_member(Scope.MEMBERS_READ, key="member_key"), description="Who paid.")
    async def member(self, info: Info) -> Annotated["Member", LAZY_MEMBER] | None:
        """The member."""
        from services.gateway.graphql.members.types import load_member  # noqa: PLC0415  the two types name each other

        return await load_member(info, self.member_key)

    @guarded(access=INHERITED, description="Where it was asked for; null when in no store.")
    async def store(self, info: Info) -> Store | None:
        """The store."""
        return await load_store(info, self.store_key)

    @classmethod
    def from_domain(cls, redemption: domain.Redemption, *, at: datetime) -> Self:
        """The redemption as clients see it at an instant."""
        money = Money(redemption.money_minor, redemption.currency) if redemption.currency else None
        return cls(
            id=encode("Redemption", redemption.id),
            points=Points(redemption.points),
            money=MoneyAmount.from_domain(money) if money else None,
            quantity=WholeNumber(redemption.quantity),
            status=redemption.status_at(at),
            occurred_at=redemption.occurred_at,
            expires_at=redemption.expires_at,
            waiting_since=redemption.waiting_since,
            confirmed_at=redemption.confirmed_at,
            fulfilled_at=redemption.fulfilled_at,
            collected_at=redemption.collected_at,
            ended_at=redemption.ended_at,
            cancel_reason=redemption.cancel_reason,
            delivery_reference=redemption.delivery_reference,
            is_gift=redemption.recipient_id is not None,
            is_cancelable_by_member=redemption.is_cancelable_by_member(at),
            key=redemption.id,
            member_key=redemption.member_id,
            reward_key=redemption.reward_id,
            reward_version_key=redemption.reward_version_id,
            store_key=redemption.store_id,
            owner_key=redemption.owner_id,
            pickup_store_key=redemption.pickup_store_id,
            redemption=redemption,
        )


async def require_its_store(info: Info, redemption_id: UUID) -> None:
    """Go on only with the right to act where a redemption is handed out; one that concerns no store is everybody's.

    Raises:
        Forbidden
    """
    redemption = await info.context.load(redemptions_by_key, redemption_id)
    where = None if redemption is None else redemption.pickup_store_id or redemption.store_id
    if where is not None:
        require(info.context, Scope.REDEMPTIONS_WRITE, store_id=where)


async def load_redemption(info: Info, redemption_id: UUID) -> Redemption | None:
    """A redemption by key, in one batch with others."""
    redemption = await info.context.load(redemptions_by_key, redemption_id)
    return Redemption.from_domain(redemption, at=info.context.now) if redemption else None
