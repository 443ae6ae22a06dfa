"""The books against the data: what should be stored up to the last basket, and what is."""

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Final

from services.billing.metering.queries import usage_by_meter
from services.demo.dataset import BasketPosition, BasketTotal, DatasetFiles, basket_totals
from services.demo.liability import adding
from services.demo.replay import SOURCE
from services.demo.walks import balances_of, every_purchase, every_redemption, member_pages
from services.loyalty.ledger import queries as ledger
from services.platform.db.session import ReadSession

YEAR_BASKETS: Final = 155_848
YEAR_SALES_MINOR: Final = 459_603_958
"""$4,596,039.58: what the whole year must come to, whatever we read."""

_EVER: Final = {"since": date(2000, 1, 1), "until": date(3000, 1, 1)}


class Subject(StrEnum):
    """What is compared."""

    YEAR_BASKETS = "year_baskets"
    YEAR_SALES = "year_sales"
    PURCHASES = "purchases"
    SALES = "sales"
    DIFFERENT_BASKETS = "different_baskets"
    HOUSEHOLDS = "households"
    POINTS_EARNED = "points_earned"
    POINTS_SPENT = "points_spent"
    LEDGER_FAULTS = "ledger_faults"
    LIABILITY = "liability"
    LIABILITY_FAULTS = "liability_faults"
    METERED_PURCHASES = "metered_purchases"
    METERED_REDEMPTIONS = "metered_redemptions"


MONEY: Final = frozenset({Subject.YEAR_SALES, Subject.SALES})
"""Subjects in cents; the others are counts."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """One number as the data, or another book, has it, and as it was found."""

    subject: Subject
    expected: int
    found: int

    @property
    def agrees(self) -> bool:
        return self.expected == self.found


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """``digest`` is a hash of all that was read: two that are equal mean that nothing has changed between them."""

    last: BasketPosition | None
    comparisons: tuple[Comparison, ...]
    digest: str

    @property
    def agrees(self) -> bool:
        return all(comparison.agrees for comparison in self.comparisons)


def reconcile(
    session: ReadSession, *, files: DatasetFiles, is_whole_year: bool, progress: Callable[[int, int], None]
) -> Reconciliation:
    """Compare everything in the tenant's home with the data, and the books with each other.

    ``is_whole_year`` asks for the numbers of the year. Purchases that people made beside the replay count in the books,
    not against the data. ``progress`` is told of the ledger's entries, done and in all.
    """
    books = _read_books(session)
    expected = basket_totals(files, last=books.last) if books.last else {}
    verdict = ledger.verify(session, progress=progress)
    liability = adding(session)
    year = (
        Comparison(Subject.YEAR_BASKETS, YEAR_BASKETS, len(expected)),
        Comparison(Subject.YEAR_SALES, YEAR_SALES_MINOR, sum(total.net_minor for total in expected.values())),
    )
    comparisons = (
        *(year if is_whole_year else ()),
        Comparison(Subject.PURCHASES, len(expected), len(books.replayed)),
        Comparison(
            Subject.SALES,
            sum(total.net_minor for total in expected.values()),
            sum(books.replayed.values()),
        ),
        Comparison(Subject.DIFFERENT_BASKETS, 0, _differences(expected, books.replayed)),
        Comparison(
            Subject.HOUSEHOLDS, len({total.household_code for total in expected.values()}), books.sums["households"]
        ),
        Comparison(Subject.POINTS_EARNED, books.sums["purchase points"], books.sums["earned"]),
        Comparison(Subject.POINTS_SPENT, books.sums["redemption points"], books.sums["spent"]),
        Comparison(Subject.LEDGER_FAULTS, 0, len(verdict.faults)),
        Comparison(Subject.LIABILITY, liability.closing, liability.outstanding),
        Comparison(Subject.LIABILITY_FAULTS, 0, liability.faults),
        Comparison(Subject.METERED_PURCHASES, books.sums["purchases"], books.sums["metered purchases"]),
        Comparison(Subject.METERED_REDEMPTIONS, books.sums["redemptions"], books.sums["metered redemptions"]),
    )
    return Reconciliation(books.last, comparisons, f"{books.digest}-{verdict.entries}")


@dataclass(frozen=True, slots=True)
class _Books:
    last: BasketPosition | None
    replayed: Mapping[str, int]
    sums: Mapping[str, int]
    digest: str


def _read_books(session: ReadSession) -> _Books:
    digest = hashlib.sha256()
    sums: Counter[str] = Counter()
    replayed: dict[str, int] = {}
    households = set()
    last: tuple[datetime, int] | None = None
    for purchase in every_purchase(session):
        digest.update(repr(purchase).encode())
        sums["purchases"] += 1
        sums["purchase points"] += purchase.points
        if purchase.source == SOURCE:
            position = purchase.occurred_at, int(purchase.external_id)
            last = max(last, position) if last else position
            replayed[purchase.external_id] = purchase.total_minor
            households.add(purchase.member_id)
    for redemption in every_redemption(session):
        digest.update(repr(redemption).encode())
        sums["redemptions"] += 1
        sums["redemption points"] += redemption.points
    for balance in (found for page in member_pages(session) for found in balances_of(session, page)):
        digest.update(repr(balance).encode())
        sums["earned"] += balance.earned
        sums["spent"] += balance.spent
    for usage in usage_by_meter(session, **_EVER):
        if usage.meter in {"purchases", "redemptions"}:
            digest.update(repr(usage).encode())
            sums[f"metered {usage.meter}"] = usage.quantity
    sums["households"] = len(households)
    return _Books(BasketPosition(last[0], str(last[1])) if last else None, replayed, sums, digest.hexdigest())


def _differences(expected: Mapping[str, BasketTotal], replayed: Mapping[str, int]) -> int:
    """Baskets that are missing, too many, or of another total."""
    wanted = {basket_id: total.net_minor for basket_id, total in expected.items()}
    return len({basket_id for basket_id, _ in wanted.items() ^ replayed.items()})
