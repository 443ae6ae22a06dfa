"""Rewards as clients see them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Self
from uuid import UUID

import strawberry

from services.gateway.graphql.budgets.types import Budget, load_budget
from services.gateway.graphql.fields import Info, guarded
from services.gateway.graphql.ids import encode
from services.gateway.graphql.money import MoneyAmount
from services.gateway.graphql.nodes import Node
from services.gateway.graphql.permissions import requires_somewhere
from services.gateway.graphql.rewards.terms import RewardTerms
from services.gateway.graphql.scalars import Points, WholeNumber
from services.gateway.graphql.text import LocalizedTextType
from services.loyalty.rewards import domain
from services.loyalty.rewards.queries import reward_versions_by_ids, rewards_by_ids
from services.platform.auth.domain import Scope
from services.platform.db.session import ReadSession
from services.platform.money import Money


def rewards_by_key(session: ReadSession, keys: Sequence[UUID]) -> Mapping[UUID, domain.Reward]:
    """Rewards by id."""
    return rewards_by_ids(session, reward_ids=keys)


def reward_versions_by_key(session: ReadSession, keys: Sequence[UUID]) -> Mapping[UUID, domain.RewardVersion]:
    """Versions of rewards by id."""
    return reward_versions_by_ids(session, version_ids=keys)


@strawberry.type(description="Something that members can have for points.")
class Reward(Node):
    code: str = strawberry.field(description="The merchant's own name for it, unique in the tenant.")
    kind: domain.RewardKind = strawberry.field(description="What the member gets.")
    name: LocalizedTextType = strawberry.field(description="What members read.")
    description: LocalizedTextType = strawberry.field(description="What members read below the name; may be empty.")
    cost_points: Points = strawberry.field(description="What it costs.")
    stock: WholeNumber | None = strawberry.field(
        description="How many are left, without those that are held; null without limit."
    )
    has_codes: bool = strawberry.field(description="Whether each piece is a code of a pool.")
    terms: RewardTerms = strawberry.field(description="For whom, where, when, how often and for how much.")
    version: int = strawberry.field(description="Counts the edits; give it back with the next one.")
    created_at: datetime = strawberry.field(description="Since when it is offered.")
    archived_at: datetime | None = strawberry.field(description="Since when it is no longer offered.")
    private_terms: strawberry.Private[domain.RewardTerms]

    @guarded(
        access=requires_somewhere(Scope.PROGRAM_READ),
        description="The budget that pays for it; null when there is none.",
    )
    async def budget(self, info: Info) -> Budget | None:
        """The budget."""
        budget_id = self.private_terms.budget_id
        return await load_budget(info, budget_id) if budget_id else None

    @guarded(
        access=requires_somewhere(Scope.PROGRAM_READ),
        description="What one piece costs the merchant; null when nobody said.",
    )
    async def unit_cost(self) -> MoneyAmount | None:
        """The cost."""
        minor, currency = self.private_terms.unit_cost_minor, self.private_terms.currency
        return None if minor is None or currency is None else MoneyAmount.from_domain(Money(minor, currency))

    @classmethod
    def from_domain(cls, reward: domain.Reward) -> Self:
        """The reward as clients see it."""
        content = reward.content
        return cls(
            id=encode("Reward", reward.id),
            code=reward.code,
            kind=content.kind,
            name=LocalizedTextType(en=content.name_en, zh=content.name_zh),
            description=LocalizedTextType(en=content.description_en, zh=content.description_zh),
            cost_points=Points(content.cost_points),
            stock=None if reward.stock is None else WholeNumber(reward.stock),
            has_codes=reward.has_codes,
            terms=RewardTerms.from_domain(content),
            version=reward.version,
            created_at=reward.created_at,
            archived_at=reward.archived_at,
            private_terms=content.terms,
        )


async def load_reward(info: Info, reward_id: UUID) -> Reward | None:
    """A reward by key, in one batch with others."""
    reward = await info.context.load(rewards_by_key, reward_id)
    return Reward.from_domain(reward) if reward else None
