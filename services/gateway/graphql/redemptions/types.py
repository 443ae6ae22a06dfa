"""Redemptions as clients see them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Self
from uuid import UUID

import strawberry

from services.gateway.graphql.fields import Info, guarded
from services.gateway.graphql.ids import encode
from services.gateway.graphql.nodes import Node
from services.gateway.graphql.permissions import INHERITED, of_member
from services.gateway.graphql.rewards.types import Reward, load_reward, reward_versions_by_key
from services.gateway.graphql.scalars import Points
from services.gateway.graphql.stores.types import Store, load_store
from services.gateway.graphql.text import LocalizedTextType
from services.loyalty.redemptions import domain
from services.loyalty.redemptions.queries import redemptions_by_ids
from services.platform.auth.domain import Scope
from services.platform.db.session import ReadSession

if TYPE_CHECKING:
    from services.gateway.graphql.members.types import Member

LAZY_MEMBER = strawberry.lazy("services.gateway.graphql.members.types")


def redemptions_by_key(session: ReadSession, keys: Sequence[UUID]) -> Mapping[UUID, domain.Redemption]:
    """Redemptions by id."""
    return redemptions_by_ids(session, redemption_ids=keys)


@strawberry.type(description="A member had a reward for points.")
class Redemption(Node):
    points: Points = strawberry.field(description="What was paid.")
    status: domain.RedemptionStatus = strawberry.field(description="Where it is in its life.")
    occurred_at: datetime = strawberry.field(description="When it happened.")
    key: strawberry.Private[UUID]
    member_key: strawberry.Private[UUID]
    reward_key: strawberry.Private[UUID]
    reward_version_key: strawberry.Private[UUID]
    store_key: strawberry.Private[UUID | None]

    @guarded(access=INHERITED, description="The reward as it is now.")
    async def reward(self, info: Info) -> Reward | None:
        """The reward."""
        return await load_reward(info, self.reward_key)

    @guarded(access=INHERITED, description="What the reward was called then.")
    async def reward_name(self, info: Info) -> LocalizedTextType | None:
        """The reward's name in the version that was redeemed."""
        version = await info.context.load(reward_versions_by_key, self.reward_version_key)
        return LocalizedTextType(en=version.content.name_en, zh=version.content.name_zh) if version else None

    @guarded(access=of_member(Scope.MEMBERS_READ, key="member_key"), description="Who had it.")
    async def member(self, info: Info) -> Annotated["Member", LAZY_MEMBER] | None:
        """The member."""
        from services.gateway.graphql.members.types import load_member  # noqa: PLC0415  the two types name each other

        return await load_member(info, self.member_key)

    @guarded(access=INHERITED, description="Where it was had; null when in no store.")
    async def store(self, info: Info) -> Store | None:
        """The store."""
        return await load_store(info, self.store_key)

    @classmethod
    def from_domain(cls, redemption: domain.Redemption) -> Self:
        """The redemption as clients see it."""
        return cls(
            id=encode("Redemption", redemption.id),
            points=Points(redemption.points),
            status=redemption.status,
            occurred_at=redemption.occurred_at,
            key=redemption.id,
            member_key=redemption.member_id,
            reward_key=redemption.reward_id,
            reward_version_key=redemption.reward_version_id,
            store_key=redemption.store_id,
        )


async def load_redemption(info: Info, redemption_id: UUID) -> Redemption | None:
    """A redemption by key, in one batch with others."""
    redemption = await info.context.load(redemptions_by_key, redemption_id)
    return Redemption.from_domain(redemption) if redemption else None
