"""What points come to: liability and expected breakage, by cohort.

Expected redemptions are estimated with the Cape Cod method: from the months that cohorts have been through, chain
ladder factors say which share of all that a cohort will ever redeem is redeemed at each age; what all cohorts have
redeemed, by what they would have if all were redeemed, is the rate; a cohort's redemptions still to come are its points
times that rate times the share still to come. Sources: T. Mack, "Distribution-free calculation of the standard error of
chain ladder reserve estimates", ASTIN Bulletin 23 (1993), for the factors; J. N. Stanard, "A simulation test of
prediction errors of loss reserve estimation techniques", PCAS 72 (1985), for the rate. Breakage is recognized in
proportion to redemption (IFRS 15, B46; ASC 606-10-55-48).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from uuid import UUID

from services.loyalty.ledger.domain.flows import CohortFlows, CohortMonth, Flows, KeptAlive, LotOriginClass
from services.loyalty.tiers.domain import TierSpared
from services.platform.errors import InvalidInput

WINDOW_MONTHS = 60
"""How many months back cohorts are looked at for the estimate; what remains of older ones counts in full."""
PERIOD_DAYS_MAX = 3_700
ROWS_MAX = 5_000
"""Of one report. Ask for one unit, one origin or no stores where there are more."""
UNIT_VALUE_DIGITS_MAX = 12


@dataclass(frozen=True, slots=True)
class Estimate:
    """What is expected of a cohort's points, in the unit's smallest part.

    ``to_redeem`` of those outstanding will be redeemed, ``to_break`` never; ``recognized`` is the breakage, expired
    points among it, that counts as earned by now.
    """

    to_redeem: int
    to_break: int
    recognized: int


@dataclass(frozen=True, slots=True)
class CohortReport:
    """The points of one month of one unit. ``liability_minor`` is in minor units of the program's currency."""

    unit: str
    cohort: date
    flows: Flows
    estimate: Estimate
    liability_minor: int | None


@dataclass(frozen=True, slots=True)
class StoreReport:
    """The part of a cohort that one store funds; None: nobody in particular."""

    unit: str
    cohort: date
    funder_store_id: UUID | None
    flows: Flows


@dataclass(frozen=True, slots=True)
class UnitReport:
    """All cohorts of a unit together. ``redemption_rate`` is the estimated one, None where there is no evidence.

    ``kept`` would have ended, had its members been told in time; ``kept_minor`` is what that comes to, in minor units.
    """

    unit: str
    flows: Flows
    estimate: Estimate
    redemption_rate: Decimal | None
    liability_minor: int | None
    kept: KeptAlive
    kept_minor: int | None


@dataclass(frozen=True, slots=True)
class LiabilityReport:
    """The points of a period, both dates included, in the program's time zone.

    ``members_not_reached`` are those whose points ended in it though no channel had taken their notice;
    ``tiers_spared`` are the tiers that reviews would have taken in it.
    """

    from_date: date
    to_date: date
    timezone: str
    currency: str
    units: tuple[UnitReport, ...]
    cohorts: tuple[CohortReport, ...]
    stores: tuple[StoreReport, ...]
    members_not_reached: int = 0
    tiers_spared: tuple[TierSpared, ...] = ()


@dataclass(frozen=True, slots=True)
class ReportWish:
    """What to report. ``value`` is what one whole point is worth, in major units of the program's currency.

    ``redemption_rate`` replaces the estimate: the share of all points that is ever redeemed, from 0 to 1.
    """

    from_date: date
    to_date: date
    unit: str | None = None
    origin: LotOriginClass | None = None
    by_store: bool = False
    value: Decimal | None = None
    redemption_rate: Decimal | None = None


def check_wish(wish: ReportWish, *, today: date) -> None:
    """Refuse what can't be reported.

    Raises:
        InvalidInput: a period that ends before it begins, or has not begun, or is longer than ``PERIOD_DAYS_MAX``; a
            rate beyond 0 and 1; a value below zero.
    """
    if wish.to_date < wish.from_date:
        raise InvalidInput(field="to", reason="BEFORE_FROM")
    if wish.from_date > today:
        raise InvalidInput(field="from", reason="IN_THE_FUTURE")
    if (wish.to_date - wish.from_date).days > PERIOD_DAYS_MAX:
        raise InvalidInput(field="to", reason="OUT_OF_RANGE", limit=str(PERIOD_DAYS_MAX))
    if wish.redemption_rate is not None and not 0 <= wish.redemption_rate <= 1:
        raise InvalidInput(field="redemptionRate", reason="OUT_OF_RANGE", limit="1")
    if wish.value is not None and (wish.value < 0 or wish.value.adjusted() >= UNIT_VALUE_DIGITS_MAX):
        raise InvalidInput(field="valuePerPoint", reason="OUT_OF_RANGE", limit=str(UNIT_VALUE_DIGITS_MAX))


def month_of(day: date) -> int:
    """The number of a month, so that months can be counted."""
    return day.year * 12 + day.month - 1


def window_start(day: date) -> date:
    """The first day of the window that ends with the month of ``day``, or that of the calendar."""
    number = max(month_of(day) - WINDOW_MONTHS + 1, month_of(date.min))
    return date(number // 12, number % 12 + 1, 1)


@dataclass(frozen=True, slots=True)
class Development:
    """How cohorts of a unit redeem: ``shares[k]`` of all there will be is redeemed at the age of k months.

    ``rate`` is the share of points that is ever redeemed; None where nothing is known.
    """

    shares: tuple[Fraction, ...]
    rate: Fraction | None

    def share_at(self, age: int) -> Fraction:
        """The share at an age; beyond the oldest cohort's nothing more is expected."""
        return self.shares[age] if age < len(self.shares) else Fraction(1)


def development_of(months: Sequence[CohortMonth], *, until: date) -> Development:
    """The development of one unit's cohorts up to the month of ``until``, by chain ladder factors and their rate."""
    last = month_of(until)
    redeemed = _cumulated(months, last)
    gained: dict[int, int] = {}
    for month in months:
        cohort = month_of(month.cohort)
        gained[cohort] = gained.get(cohort, 0) + month.gained
    oldest = max((last - cohort for cohort in redeemed), default=-1)
    shares = [Fraction(1)]
    for age in range(oldest - 1, -1, -1):
        both = [by_age for by_age in redeemed.values() if len(by_age) > age + 1]
        before, after = sum(by_age[age] for by_age in both), sum(by_age[age + 1] for by_age in both)
        # A month in which points came back, or before the first redemption, tells of no growth.
        growth = Fraction(before, after) if 0 < before < after else Fraction(1 if after <= before else 0)
        shares.append(shares[-1] * growth)
    shares.reverse()
    used = sum((gained[cohort] * shares[last - cohort] for cohort in redeemed), Fraction(0))
    total = sum(by_age[-1] for by_age in redeemed.values())
    rate = None if used <= 0 or total <= 0 else min(Fraction(1), Fraction(total) / used)
    return Development(tuple(shares), rate)


def estimate(
    flows: Flows, lived: Sequence[CohortMonth], *, age: int, development: Development, rate: Fraction | None
) -> Estimate:
    """What is expected of a cohort that is ``age`` months old; ``lived`` is its own past, ``rate`` a stated one.

    Without evidence and without a stated rate everything that is outstanding is expected to be redeemed.
    """
    gained, redeemed = sum(month.gained for month in lived), sum(month.redeemed for month in lived)
    known = rate if rate is not None else development.rate
    if flows.closing <= 0 or known is None or not lived:
        return Estimate(max(flows.closing, 0), 0, 0)
    # A stated rate is of all points of the cohort, whatever its age.
    coming = gained * known * (1 - development.share_at(age)) if rate is None else gained * rate - redeemed
    to_redeem = min(max(-(-coming // 1), 0), flows.closing)
    to_break = flows.closing - to_redeem
    broken = to_break + sum(month.expired for month in lived)
    ultimate = redeemed + to_redeem
    recognized = broken * max(redeemed, 0) // ultimate if ultimate > 0 else broken
    return Estimate(int(to_redeem), int(to_break), int(max(recognized, 0)))


def liability_minor(points: int, *, scale: int, value: Decimal | None, exponent: int) -> int | None:
    """What ``points`` of a unit's smallest part come to, in minor units, rounded half up; None without a value."""
    if value is None:
        return None
    exact = Fraction(points, 10**scale) * Fraction(value) * 10**exponent
    return int((2 * exact.numerator + exact.denominator) // (2 * exact.denominator))


def by_cohort(rows: Iterable[CohortFlows]) -> Mapping[tuple[str, date], Flows]:
    """Flows by unit and cohort, over origins and stores, in the order of the rows."""
    found: dict[tuple[str, date], Flows] = {}
    for row in rows:
        key = (row.unit, row.cohort)
        found[key] = found.get(key, Flows()).plus(row.flows)
    return found


def by_store(rows: Iterable[CohortFlows]) -> tuple[StoreReport, ...]:
    """Flows by unit, cohort and funder, over origins, in the order of the rows."""
    found: dict[tuple[str, date, UUID | None], Flows] = {}
    for row in rows:
        key = (row.unit, row.cohort, row.funder_store_id)
        found[key] = found.get(key, Flows()).plus(row.flows)
    return tuple(StoreReport(*key, flows) for key, flows in found.items())


def _cumulated(months: Sequence[CohortMonth], last: int) -> dict[int, list[int]]:
    """What each cohort had redeemed by the end of each month of its life, up to the month ``last``."""
    by_month: dict[int, dict[int, int]] = {}
    for month in months:
        lived = by_month.setdefault(month_of(month.cohort), {})
        lived[month_of(month.month)] = lived.get(month_of(month.month), 0) + month.redeemed
    found: dict[int, list[int]] = {}
    for cohort, lived in by_month.items():
        total, totals = 0, []
        for number in range(cohort, last + 1):
            total += lived.get(number, 0)
            totals.append(total)
        found[cohort] = totals
    return found
