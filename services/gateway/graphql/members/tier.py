"""Where a member stands in the tiers, stood and is going."""

from datetime import datetime
from decimal import Decimal
from typing import Self
from uuid import UUID

import strawberry

from services.gateway.graphql.fields import guarded
from services.gateway.graphql.ids import encode
from services.gateway.graphql.money import MoneyAmount
from services.gateway.graphql.nodes import Node
from services.gateway.graphql.permissions import INHERITED
from services.gateway.graphql.scalars import Points, WholeNumber
from services.gateway.graphql.text import LocalizedTextType
from services.loyalty.programs.domain.ladder import Access, TierLevel
from services.loyalty.tiers.domain import ChangeKind, MemberStanding, TierChangeRecord, Way
from services.loyalty.tiers.domain import TierReview as Review
from services.platform.actors import ActorKind
from services.platform.money import Money


@strawberry.type(description="A rung of the program's ladder.")
class Tier:
    code: str = strawberry.field(description="The tier's code in the program document.")
    name: LocalizedTextType = strawberry.field(description="What members read.")
    threshold: WholeNumber = strawberry.field(
        description="What reaches it, inclusive: points, visits or minor units of money, by the program's tier metric."
    )
    multiplier: Decimal = strawberry.field(description="By what it multiplies the points that a purchase earns.")
    retention: WholeNumber = strawberry.field(description="What keeps it when it is reviewed, inclusive.")
    access: Access = strawberry.field(description="How it is reached.")
    is_protected: bool = strawberry.field(description="Whether who has reached it is never let down.")
    benefits: list[LocalizedTextType] = strawberry.field(description="What its members have of it, as they read it.")

    @classmethod
    def from_domain(cls, level: TierLevel) -> Self:
        """The tier as clients see it."""
        return cls(
            code=level.code,
            name=LocalizedTextType.from_domain(level.name),
            threshold=WholeNumber(level.threshold),
            multiplier=level.multiplier,
            retention=WholeNumber(level.keeps_at),
            access=level.access,
            is_protected=level.is_protected,
            benefits=[LocalizedTextType.from_domain(benefit) for benefit in level.benefits],
        )


@strawberry.type(
    description="The cheapest way to what is missing, by one purchase under the best rule that is open to everybody"
    " today, at the member's present tier. Campaigns, bonuses and rules with conditions or caps may make it cheaper."
)
class TierWay:
    amount: WholeNumber = strawberry.field(
        description="What is missing: points, visits or minor units of money, by the program's tier metric."
    )
    spend: MoneyAmount | None = strawberry.field(
        description="What has to be spent; null where visits count, and where no rule without conditions earns points."
    )
    visits: WholeNumber | None = strawberry.field(description="How many visits; null where something else counts.")
    rule_id: str | None = strawberry.field(
        description="The rule by which the money earns the points; null where the money itself counts."
    )

    @classmethod
    def from_domain(cls, way: Way) -> Self:
        """The way as clients see it."""
        spend = None if way.spend_minor is None else MoneyAmount.from_domain(Money(way.spend_minor, way.currency))
        return cls(
            amount=WholeNumber(way.amount),
            spend=spend,
            visits=None if way.visits is None else WholeNumber(way.visits),
            rule_id=way.rule_id,
        )


@strawberry.type(
    description="The way to the next tier, in points, visits or minor units of money by the program's tier metric."
)
class TierProgress:
    qualifying: WholeNumber = strawberry.field(description="What counts for reaching tiers now.")
    next_tier: Tier | None = strawberry.field(description="The next tier; null at the top.")
    missing: WholeNumber = strawberry.field(description="What is missing to the next tier; 0 at the top.")
    fraction: Decimal = strawberry.field(description="The share of the way that is done, 0 to 1, rounded down.")
    standing: strawberry.Private[MemberStanding]

    @guarded(access=INHERITED, description="The cheapest way there; null at the top.")
    async def way(self) -> TierWay | None:
        """Worked out when it is asked for."""
        way = self.standing.way
        return TierWay.from_domain(way) if way and self.standing.progress.next_level else None

    @classmethod
    def from_domain(cls, standing: MemberStanding) -> Self:
        """The progress as clients see it."""
        progress = standing.progress
        return cls(
            qualifying=WholeNumber(progress.qualifying),
            next_tier=Tier.from_domain(progress.next_level) if progress.next_level else None,
            missing=WholeNumber(progress.missing),
            fraction=progress.fraction,
            standing=standing,
        )


@strawberry.type(description="The next look at whether the earned tier stays.")
class TierReview:
    at: datetime = strawberry.field(description="When; once grace has begun, when it ends.")
    required: WholeNumber = strawberry.field(description="What will be asked for, by the program's tier metric.")
    counted: WholeNumber = strawberry.field(
        description="What of it is there, with points that are pending now and can be spent by then."
    )
    missing: WholeNumber = strawberry.field(description="What has to come before; 0 when the tier is safe.")
    grace_until: datetime | None = strawberry.field(
        description="When too little was found already: until when it can be made up for. That is longer where the"
        " member was not told in time (`noSilentDowngrade`)."
    )
    projected_tier: Tier = strawberry.field(
        description="The tier after the review and its time of grace, when nothing more counts."
    )
    way: TierWay | None = strawberry.field(description="The cheapest way to stay; null when nothing is missing.")

    @classmethod
    def from_domain(cls, review: Review) -> Self:
        """The review as clients see it."""
        return cls(
            at=review.at,
            required=WholeNumber(review.keeps_at),
            counted=WholeNumber(review.counted),
            missing=WholeNumber(review.missing),
            grace_until=review.grace_until,
            projected_tier=Tier.from_domain(review.projected),
            way=TierWay.from_domain(review.way) if review.way else None,
        )


@strawberry.type(description="A member's tier.")
class MemberTier:
    tier: Tier = strawberry.field(description="The tier.")
    since: datetime | None = strawberry.field(description="Since when; null for a member who never left the first.")
    points_earned: Points = strawberry.field(description="Points that count for tiers, of all time.")
    is_given: bool = strawberry.field(description="Whether the tier is given by hand: nothing moves it meanwhile.")
    given_until: datetime | None = strawberry.field(
        description="Until when it is given; null where it is not, and until it is released."
    )
    standing: strawberry.Private[MemberStanding]

    @guarded(access=INHERITED, description="The way to the next tier.")
    async def progress(self) -> TierProgress:
        """Worked out when it is asked for, as what follows."""
        return TierProgress.from_domain(self.standing)

    @guarded(access=INHERITED, description="The tier by what counts; another than `tier` while one is given by hand.")
    async def earned_tier(self) -> Tier:
        """The tier without what was given."""
        return Tier.from_domain(self.standing.earned)

    @guarded(access=INHERITED, description="The next review of the earned tier; null where none can take it away.")
    async def review(self) -> TierReview | None:
        """The next look."""
        return TierReview.from_domain(self.standing.review) if self.standing.review else None

    @classmethod
    def from_domain(cls, standing: MemberStanding) -> Self:
        """The standing as clients see it."""
        return cls(
            tier=Tier.from_domain(standing.level),
            since=standing.since,
            points_earned=Points(standing.points_earned),
            is_given=standing.given is not None,
            given_until=standing.given.until if standing.given else None,
            standing=standing,
        )


@strawberry.type(description="A change of a member's tier, as it was written down.")
class MemberTierChange(Node):
    from_tier: str = strawberry.field(description="The code of the tier before.")
    to_tier: str = strawberry.field(description="The code of the tier after.")
    kind: ChangeKind = strawberry.field(description="Why.")
    at: datetime = strawberry.field(description="When it took effect.")
    recorded_at: datetime = strawberry.field(description="When it was written down.")
    reason: str | None = strawberry.field(description="What staff said about it; null where time or a purchase did it.")
    until: datetime | None = strawberry.field(description="Until when the tier was given by hand.")
    actor_kind: ActorKind = strawberry.field(description="Who acted when it happened.")
    member_key: strawberry.Private[UUID]

    @classmethod
    def from_domain(cls, change: TierChangeRecord) -> Self:
        """The change as clients see it."""
        return cls(
            id=encode("MemberTierChange", change.id),
            from_tier=change.from_code,
            to_tier=change.to_code,
            kind=change.kind,
            at=change.at,
            recorded_at=change.recorded_at,
            reason=change.reason,
            until=change.until,
            actor_kind=change.actor.kind,
            member_key=change.member_id,
        )
