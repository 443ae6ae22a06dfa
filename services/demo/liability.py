"""Whether the liability report adds up: month by month from the beginning, and with what members have at the end."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from services.demo.dataset import SHOP_ZONE
from services.loyalty.ledger import queries as ledger
from services.loyalty.ledger.domain.flows import Flows
from services.loyalty.reports.domain import ReportWish
from services.loyalty.reports.queries import liability_report
from services.platform.db.session import ReadSession

BEGINNING: Final = date(2016, 12, 31)
"""The day on which the chain opened, where the shops are."""


@dataclass(frozen=True, slots=True)
class Adding:
    """The report of each period followed by the next one's, for all units together.

    ``faults`` are periods that don't add up, or don't begin with what the one before them ended with. ``closing`` is
    what the last one leaves outstanding, ``outstanding`` what members have in pending, available and held points.
    """

    faults: int
    closing: int
    outstanding: int


def adding(session: ReadSession) -> Adding:
    """Ask for the report of every month up to now, and compare."""
    before: dict[str, Flows] = {}
    faults = 0
    for first, last in _months(session.now.astimezone(ZoneInfo(SHOP_ZONE)).date()):
        report = liability_report(session, wish=ReportWish(from_date=first, to_date=last))
        months = {unit.unit: unit.flows for unit in report.units}
        for unit in before.keys() | months.keys():
            flows, previous = months.get(unit, Flows()), before.get(unit, Flows())
            faults += not flows.balances or flows.opening != previous.closing
        before = months
    totals = ledger.totals(session).values()
    return Adding(
        faults=faults,
        closing=sum(flows.closing for flows in before.values()),
        outstanding=sum(total["pending"] + total["available"] + total["held"] for total in totals),
    )


def _months(today: date) -> Iterator[tuple[date, date]]:
    first = BEGINNING
    while first <= today:
        following = (first.replace(day=1) + timedelta(days=32)).replace(day=1)
        yield first, min(following - timedelta(days=1), today)
        first = following
