"""Reports of what members' points come to."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from zoneinfo import ZoneInfo

from services.loyalty.expiry.queries import members_not_reached
from services.loyalty.ledger import queries as ledger
from services.loyalty.ledger.domain.flows import CohortMonth, Flows, KeptAlive
from services.loyalty.programs.domain import ProgramDocument
from services.loyalty.programs.errors import ProgramNotPublished
from services.loyalty.programs.queries import version_in_force
from services.loyalty.reports.domain import (
    ROWS_MAX,
    CohortReport,
    Development,
    Estimate,
    LiabilityReport,
    ReportWish,
    UnitReport,
    by_cohort,
    by_store,
    check_wish,
    development_of,
    estimate,
    liability_minor,
    month_of,
    window_start,
)
from services.loyalty.tiers.queries import tiers_spared
from services.platform.db.session import ReadSession
from services.platform.errors import InvalidInput
from services.platform.money import exponent

RATE_DIGITS = Decimal("0.0001")


def liability_report(session: ReadSession, *, wish: ReportWish) -> LiabilityReport:
    """Points by unit and month of birth over a period, what is expected of them, and what that comes to.

    All sums are of one snapshot and of the instants at which entries were recorded. It costs the open lots, the entries
    since ``wish.from_date``, and those of the last ``WINDOW_MONTHS`` months.

    Raises:
        ProgramNotPublished
        InvalidInput: see `domain.check_wish`; TOO_MANY_ROWS.
    """
    version = version_in_force(session, at=session.now)
    if version is None:
        raise ProgramNotPublished
    document = version.document
    zone = ZoneInfo(document.timezone)
    check_wish(wish, today=session.now.astimezone(zone).date())
    until = _midnight(wish.to_date + timedelta(days=1), zone)
    rows = ledger.cohort_flows(
        session,
        since=_midnight(wish.from_date, zone),
        until=until,
        zone=document.timezone,
        by_store=wish.by_store,
        limit=ROWS_MAX + 1,
        unit=wish.unit,
        origin=wish.origin,
    )
    if len(rows) > ROWS_MAX:
        raise InvalidInput(field="byStore", reason="TOO_MANY_ROWS", limit=str(ROWS_MAX))
    # A period that ends in the future is as old as it is now.
    as_of = min(wish.to_date, session.now.astimezone(zone).date())
    months = ledger.cohort_months(
        session,
        since=_midnight(window_start(as_of), zone),
        until=until,
        zone=document.timezone,
        unit=wish.unit,
        origin=wish.origin,
    )
    cohorts, developments = _cohorts(by_cohort(rows), months, wish, document, as_of)
    kept = ledger.kept_alive(
        session, since=_midnight(wish.from_date, zone), until=until, unit=wish.unit, origin=wish.origin
    )
    return LiabilityReport(
        from_date=wish.from_date,
        to_date=wish.to_date,
        timezone=document.timezone,
        currency=document.currency,
        units=_units(cohorts, developments, wish, kept, document),
        cohorts=cohorts,
        stores=by_store(rows) if wish.by_store else (),
        members_not_reached=members_not_reached(session, first=wish.from_date, last=wish.to_date, unit=wish.unit),
        tiers_spared=tiers_spared(session, since=_midnight(wish.from_date, zone), until=until),
    )


def _cohorts(
    flows: Mapping[tuple[str, date], Flows],
    months: Sequence[CohortMonth],
    wish: ReportWish,
    document: ProgramDocument,
    as_of: date,
) -> tuple[tuple[CohortReport, ...], Mapping[str, Development]]:
    lived: dict[tuple[str, date], list[CohortMonth]] = {}
    of_unit: dict[str, list[CohortMonth]] = {}
    for month in months:
        lived.setdefault((month.unit, month.cohort), []).append(month)
        of_unit.setdefault(month.unit, []).append(month)
    developments = {unit: development_of(found, until=as_of) for unit, found in of_unit.items()}
    stated = None if wish.redemption_rate is None else Fraction(wish.redemption_rate)
    reports = []
    for (unit, cohort), found in flows.items():
        expected = estimate(
            found,
            lived.get((unit, cohort), ()),
            age=month_of(as_of) - month_of(cohort),
            development=developments.get(unit, Development((), None)),
            rate=stated,
        )
        minor = _minor(expected.to_redeem, unit, wish, document)
        reports.append(CohortReport(unit, cohort, found, expected, minor))
    return tuple(reports), developments


def _units(
    cohorts: Sequence[CohortReport],
    developments: Mapping[str, Development],
    wish: ReportWish,
    kept: Mapping[str, KeptAlive],
    document: ProgramDocument,
) -> tuple[UnitReport, ...]:
    totals: dict[str, tuple[Flows, Estimate]] = {}
    for cohort in cohorts:
        flows, expected = totals.get(cohort.unit, (Flows(), Estimate(0, 0, 0)))
        totals[cohort.unit] = (
            flows.plus(cohort.flows),
            Estimate(
                expected.to_redeem + cohort.estimate.to_redeem,
                expected.to_break + cohort.estimate.to_break,
                expected.recognized + cohort.estimate.recognized,
            ),
        )
    reports = []
    for unit, (flows, expected) in totals.items():
        rate = developments[unit].rate if unit in developments else None
        shown = wish.redemption_rate if wish.redemption_rate is not None or rate is None else _decimal(rate)
        # What is shown of cohorts adds up to what is shown of the unit.
        minors = [cohort.liability_minor for cohort in cohorts if cohort.unit == unit]
        minor = None if wish.value is None else sum(each for each in minors if each is not None)
        alive = kept.get(unit, KeptAlive())
        cost = _minor(alive.standing + alive.redeemed, unit, wish, document)
        reports.append(UnitReport(unit, flows, expected, shown, minor, alive, cost))
    return tuple(reports)


def _minor(points: int, unit: str, wish: ReportWish, document: ProgramDocument) -> int | None:
    scale = next((known.scale for known in document.units if known.code == unit), document.unit.scale)
    return liability_minor(points, scale=scale, value=wish.value, exponent=exponent(document.currency))


def _decimal(rate: Fraction) -> Decimal:
    return (Decimal(rate.numerator) / Decimal(rate.denominator)).quantize(RATE_DIGITS, ROUND_HALF_UP)


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone)
