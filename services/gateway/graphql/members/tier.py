"""Where a member stands in the tiers."""

from datetime import datetime
from decimal import Decimal
from typing import Self

import strawberry

from services.gateway.graphql.scalars import Points, WholeNumber
from services.gateway.graphql.text import LocalizedTextType
from services.loyalty.programs.domain import TierLevel
from services.loyalty.tiers.domain import MemberStanding
from services.loyalty.tiers.domain import TierProgress as Progress


@strawberry.type(description="A rung of the program's ladder.")
class Tier:
    code: str = strawberry.field(description="The tier's code in the program document.")
    name: LocalizedTextType = strawberry.field(description="What members read.")
    threshold: WholeNumber = strawberry.field(
        description="What reaches it, inclusive: points, or minor units of money, by the program's tier metric."
    )
    multiplier: Decimal = strawberry.field(description="By what it multiplies the points that a purchase earns.")

    @classmethod
    def from_domain(cls, level: TierLevel) -> Self:
        """The tier as clients see it."""
        return cls(
            code=level.code,
            name=LocalizedTextType.from_domain(level.name),
            threshold=WholeNumber(level.threshold),
            multiplier=level.multiplier,
        )


@strawberry.type(
    description="The way to the next tier, in points or minor units of money by the program's tier metric."
)
class TierProgress:
    qualifying: WholeNumber = strawberry.field(description="What counts for tiers so far.")
    next_tier: Tier | None = strawberry.field(description="The next tier; null at the top.")
    missing: WholeNumber = strawberry.field(description="What is missing to the next tier; 0 at the top.")
    fraction: Decimal = strawberry.field(description="The share of the way that is done, 0 to 1, rounded down.")

    @classmethod
    def from_domain(cls, progress: Progress) -> Self:
        """The progress as clients see it."""
        return cls(
            qualifying=WholeNumber(progress.qualifying),
            next_tier=Tier.from_domain(progress.next_level) if progress.next_level else None,
            missing=WholeNumber(progress.missing),
            fraction=progress.fraction,
        )


@strawberry.type(description="A member's tier.")
class MemberTier:
    tier: Tier = strawberry.field(description="The tier.")
    since: datetime | None = strawberry.field(description="Since when; null for a member who never left the first.")
    points_earned: Points = strawberry.field(description="Points that count for tiers.")
    progress: TierProgress = strawberry.field(description="The way to the next tier.")

    @classmethod
    def from_domain(cls, standing: MemberStanding) -> Self:
        """The standing as clients see it."""
        return cls(
            tier=Tier.from_domain(standing.level),
            since=standing.since,
            points_earned=Points(standing.points_earned),
            progress=TierProgress.from_domain(standing.progress),
        )
