"""liabilityReport."""

from datetime import date
from decimal import Decimal

import strawberry

from services.gateway.graphql.fields import Info, query_outcome
from services.gateway.graphql.permissions import requires
from services.gateway.graphql.reports.types import (
    CohortLiability,
    LiabilityReportPayload,
    SparedTier,
    StoreFlows,
    UnitLiability,
)
from services.gateway.graphql.scalars import Currency, Timezone
from services.loyalty.ledger.domain.flows import LotOriginClass
from services.loyalty.programs.errors import ProgramNotPublished
from services.loyalty.reports.domain import ReportWish, sheet
from services.loyalty.reports.errors import ReportTookTooLong
from services.loyalty.reports.queries import liability_report as report_of
from services.loyalty.stores.queries import stores_by_ids
from services.platform.auth.domain import Scope
from services.platform.db.session import ReadSession


@strawberry.input(description="What to report.")
class LiabilityReportInput:
    from_date: date = strawberry.field(name="from", description="The first day, in the program's time zone.")
    to_date: date = strawberry.field(name="to", description="The last day; it counts too.")
    unit: str | None = strawberry.field(default=None, description="Only this point unit; all without it.")
    origin: LotOriginClass | None = strawberry.field(
        default=None, description="Only points born of sales, or only the others; all without it."
    )
    by_store: bool = strawberry.field(default=False, description="Whether to tell apart which store funds them.")
    value_per_point: Decimal | None = strawberry.field(
        default=None,
        description="What one whole point is worth, in major units of the program's currency: the relative stand-alone"
        " price of points born of sales, or what others cost. Without it no money is told.",
    )
    redemption_rate: Decimal | None = strawberry.field(
        default=None,
        description="The share of all points that is ever redeemed, 0 to 1, in place of what the past of the cohorts"
        " tells.",
    )

    def to_wish(self) -> ReportWish:
        """The report that it asks for."""
        return ReportWish(
            from_date=self.from_date,
            to_date=self.to_date,
            unit=self.unit,
            origin=self.origin,
            by_store=self.by_store,
            value=self.value_per_point,
            redemption_rate=self.redemption_rate,
        )


@query_outcome(
    access=requires(Scope.REPORTS_READ),
    description=(
        "What members' points come to: what was issued, redeemed, expired and taken back in a period by the month in"
        " which the points were recorded, what is expected of the rest, and the liability. It counts entries by when"
        " they were recorded, and costs the entries since `from` and of the last 60 months."
    ),
    errors=(ProgramNotPublished, ReportTookTooLong),
)
async def liability_report(info: Info, input: LiabilityReportInput) -> LiabilityReportPayload:
    """The report."""
    wish = input.to_wish()

    def work(session: ReadSession) -> LiabilityReportPayload:
        report = report_of(session, wish=wish)
        funders = {part.funder_store_id for part in report.stores if part.funder_store_id is not None}
        codes = {key: store.code for key, store in stores_by_ids(session, store_ids=funders).items()}
        return LiabilityReportPayload(
            from_date=report.from_date,
            to_date=report.to_date,
            timezone=Timezone(report.timezone),
            currency=Currency(report.currency),
            units=[UnitLiability.from_domain(unit, report.currency) for unit in report.units],
            cohorts=[CohortLiability.from_domain(cohort, report.currency) for cohort in report.cohorts],
            stores=[StoreFlows.from_domain(part) for part in report.stores],
            members_not_reached=report.members_not_reached,
            tiers_spared=[SparedTier.from_domain(spared) for spared in report.tiers_spared],
            csv=sheet(report, store_codes=codes),
        )

    too_slow = ReportTookTooLong(from_date=wish.from_date, to_date=wish.to_date)
    return await info.context.read_apart(work, too_slow=too_slow)
