"""Reports as clients see them."""

from datetime import date
from decimal import Decimal
from typing import Self
from uuid import UUID

import strawberry

from services.gateway.graphql.fields import Info, guarded
from services.gateway.graphql.money import MoneyAmount
from services.gateway.graphql.permissions import INHERITED
from services.gateway.graphql.scalars import Currency, Points, Timezone
from services.gateway.graphql.stores.types import Store, load_store
from services.loyalty.ledger.domain import flows
from services.loyalty.reports import domain
from services.loyalty.tiers.domain import TierSpared
from services.platform.money import Money


@strawberry.type(
    description="What became of points in a period. Law: opening + issued - redeemed - expired - reversed + adjusted +"
    " transferred - repaid = closing."
)
class PointsFlows:
    opening: Points = strawberry.field(description="Outstanding when the period began: pending, available and held.")
    issued: Points = strawberry.field(description="Earned.")
    redeemed: Points = strawberry.field(description="Spent, less what was given back.")
    expired: Points = strawberry.field(description="Came to their end, less what was given back.")
    reversed: Points = strawberry.field(description="Taken back by refunds, less what was given back.")
    adjusted: Points = strawberry.field(description="Given by hand, less what was taken.")
    transferred: Points = strawberry.field(
        description="Received from other members, less what went to them. Of all cohorts of a unit together it is zero."
    )
    repaid: Points = strawberry.field(description="Went against what their members owed.")
    closing: Points = strawberry.field(description="Outstanding when the period ended.")

    @classmethod
    def from_domain(cls, found: flows.Flows) -> Self:
        """The flows as clients see them."""
        return cls(
            opening=Points(found.opening),
            issued=Points(found.issued),
            redeemed=Points(found.redeemed),
            expired=Points(found.expired),
            reversed=Points(found.reversed),
            adjusted=Points(found.adjusted),
            transferred=Points(found.transferred),
            repaid=Points(found.repaid),
            closing=Points(found.closing),
        )


@strawberry.type(description="What is expected of the points that are outstanding when the period ends.")
class PointsEstimate:
    to_redeem: Points = strawberry.field(description="Will be redeemed.")
    to_break: Points = strawberry.field(description="Will never be redeemed.")
    recognized: Points = strawberry.field(
        description="Of all breakage, expired points among it, what counts as earned by now, in proportion to"
        " redemption."
    )

    @classmethod
    def from_domain(cls, expected: domain.Estimate) -> Self:
        """The estimate as clients see it."""
        return cls(
            to_redeem=Points(expected.to_redeem),
            to_break=Points(expected.to_break),
            recognized=Points(expected.recognized),
        )


@strawberry.type(description="The points of one unit that were recorded in one month.")
class CohortLiability:
    unit: str = strawberry.field(description="The code of the point unit.")
    cohort: date = strawberry.field(description="The first day of the month.")
    flows: PointsFlows = strawberry.field(description="What became of them in the period.")
    estimate: PointsEstimate = strawberry.field(description="What is expected of the rest.")
    liability: MoneyAmount | None = strawberry.field(
        description="What the points to be redeemed come to; null without `valuePerPoint`."
    )

    @classmethod
    def from_domain(cls, cohort: domain.CohortReport, currency: str) -> Self:
        """The cohort as clients see it."""
        return cls(
            unit=cohort.unit,
            cohort=cohort.cohort,
            flows=PointsFlows.from_domain(cohort.flows),
            estimate=PointsEstimate.from_domain(cohort.estimate),
            liability=_money(cohort.liability_minor, currency),
        )


@strawberry.type(description="The part of a cohort that one store funds.")
class StoreFlows:
    unit: str = strawberry.field(description="The code of the point unit.")
    cohort: date = strawberry.field(description="The first day of the month.")
    flows: PointsFlows = strawberry.field(description="What became of them in the period.")
    store_key: strawberry.Private[UUID | None]

    @guarded(access=INHERITED, description="The store; null where none funds the points.")
    async def store(self, info: Info) -> Store | None:
        """The store."""
        return await load_store(info, self.store_key)

    @classmethod
    def from_domain(cls, part: domain.StoreReport) -> Self:
        """The part as clients see it."""
        return cls(
            unit=part.unit,
            cohort=part.cohort,
            flows=PointsFlows.from_domain(part.flows),
            store_key=part.funder_store_id,
        )


@strawberry.type(description="All points of a unit together.")
class UnitLiability:
    unit: str = strawberry.field(description="The code of the point unit.")
    flows: PointsFlows = strawberry.field(description="What became of them in the period.")
    estimate: PointsEstimate = strawberry.field(description="What is expected of the rest: the sum of the cohorts'.")
    redemption_rate: Decimal | None = strawberry.field(
        description="The share of all points that is ever redeemed, as stated or as estimated to four digits; null"
        " while nothing was redeemed yet."
    )
    liability: MoneyAmount | None = strawberry.field(
        description="The sum of the cohorts' liabilities; null without `valuePerPoint`."
    )
    kept_alive: Points = strawberry.field(
        description="Of those outstanding when the period ended, what would have ended by then, had its members been"
        " told in time (`noSilentExpiry`)."
    )
    kept_alive_redeemed: Points = strawberry.field(
        description="Redeemed in the period, and would have ended before that, had its members been told in time."
    )
    kept_alive_cost: MoneyAmount | None = strawberry.field(
        description="What both come to; null without `valuePerPoint`."
    )

    @classmethod
    def from_domain(cls, unit: domain.UnitReport, currency: str) -> Self:
        """The unit as clients see it."""
        return cls(
            unit=unit.unit,
            flows=PointsFlows.from_domain(unit.flows),
            estimate=PointsEstimate.from_domain(unit.estimate),
            redemption_rate=unit.redemption_rate,
            liability=_money(unit.liability_minor, currency),
            kept_alive=Points(unit.kept.standing),
            kept_alive_redeemed=Points(unit.kept.redeemed),
            kept_alive_cost=_money(unit.kept_minor, currency),
        )


@strawberry.type(description="Members whose tier a review would have taken in the period, had they been told in time.")
class SparedTier:
    tier: str = strawberry.field(description="The code of the tier.")
    members_kept: int = strawberry.field(
        description="How many kept it longer, since no channel had taken their notice in time."
    )
    members_not_reached: int = strawberry.field(
        description="How many lost it though no channel had taken their notice: they could not be reached, or the"
        " program only counts."
    )

    @classmethod
    def from_domain(cls, spared: TierSpared) -> Self:
        """The tier as clients see it."""
        return cls(tier=spared.tier_code, members_kept=spared.kept, members_not_reached=spared.not_reached)


@strawberry.type(description="Liability and breakage of a period, from one snapshot of the ledger.")
class LiabilityReportPayload:
    from_date: date = strawberry.field(name="from", description="The first day, in the program's time zone.")
    to_date: date = strawberry.field(name="to", description="The last day.")
    timezone: Timezone = strawberry.field(description="The program's time zone.")
    currency: Currency = strawberry.field(description="The program's currency.")
    units: list[UnitLiability] = strawberry.field(description="Each unit's sum of its cohorts.")
    cohorts: list[CohortLiability] = strawberry.field(description="By unit and month, the oldest first.")
    stores: list[StoreFlows] = strawberry.field(description="By unit, month and funder; none unless `byStore`.")
    members_not_reached: int = strawberry.field(
        description="How many members' points ended in the period though no channel had taken their notice."
    )
    tiers_spared: list[SparedTier] = strawberry.field(
        description="What notices of a downgrade came to (`noSilentDowngrade`), by tier; tiers that no review would"
        " have taken in the period are not named."
    )
    csv: str = strawberry.field(
        description="The cohorts (with `byStore` the stores' parts of them) as CSV (RFC 4180), names first."
        " Points count the unit's smallest part; texts that a spreadsheet would run begin with an apostrophe."
    )


def _money(minor: int | None, currency: str) -> MoneyAmount | None:
    return None if minor is None else MoneyAmount.from_domain(Money(minor, currency))
