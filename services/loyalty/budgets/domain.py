"""Budgets as values: what may be spent in points, in units and in money, and when it will be gone."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from services.platform.errors import InvalidInput
from services.platform.money import AMOUNT_MAX, exponent
from services.platform.text import check_text

CODE_LENGTH_MAX = 64
PERCENT_MAX = 100
HOUR = timedelta(hours=1)
FORECAST_WINDOW = timedelta(hours=24)
"""How far back a forecast looks for the rate of spending."""
FORECAST_MAX = timedelta(days=366)
"""Beyond this a forecast says nothing."""


class Measure(StrEnum):
    """What a budget counts."""

    POINTS = "points"
    UNITS = "units"
    MONEY = "money"


@dataclass(frozen=True, slots=True)
class Demand:
    """What is asked of a budget, none of it below zero. ``money_minor`` is in minor units of ``currency``."""

    budget_id: UUID
    points: int = 0
    units: int = 0
    money_minor: int = 0
    currency: str | None = None

    @property
    def is_nothing(self) -> bool:
        return self.points == self.units == self.money_minor == 0


@dataclass(frozen=True, slots=True)
class Amount:
    """One measure of a budget: of at most ``maximum`` (None: without limit) what is held and what is spent."""

    maximum: int | None = None
    held: int = 0
    spent: int = 0

    @property
    def room(self) -> int | None:
        """What is neither held nor spent; None without limit."""
        return None if self.maximum is None else max(0, self.maximum - self.held - self.spent)


@dataclass(frozen=True, slots=True)
class BudgetContent:
    """What a merchant says of a budget. A maximum of None does not limit; one at least does.

    It is open from ``begins_at`` until ``ends_at``, where they are given. Somebody is told when ``alert_percent`` of a
    maximum is spent.
    """

    name_en: str
    name_zh: str
    points_max: int | None = None
    units_max: int | None = None
    money_max: int | None = None
    currency: str | None = None
    begins_at: datetime | None = None
    ends_at: datetime | None = None
    alert_percent: int | None = None


@dataclass(frozen=True, slots=True)
class Budget:
    """What may be given away, as it is now. ``alerted_at`` is when spending last rose to ``alert_percent``."""

    id: UUID
    code: str
    version: int
    content: BudgetContent
    points: Amount
    units: Amount
    money: Amount
    created_at: datetime
    archived_at: datetime | None = None
    alerted_at: datetime | None = None

    def amounts(self) -> dict[Measure, Amount]:
        """What it counts, by measure."""
        return {Measure.POINTS: self.points, Measure.UNITS: self.units, Measure.MONEY: self.money}

    def is_open(self, at: datetime) -> bool:
        """Whether anything may be taken from it at an instant."""
        content = self.content
        return (
            self.archived_at is None
            and (content.begins_at is None or content.begins_at <= at)
            and (content.ends_at is None or at < content.ends_at)
        )

    def takes(self, demand: Demand, *, at: datetime) -> bool:
        """Whether it is open, and what is asked is its kind of money. Without a currency it counts no money."""
        currency = self.content.currency
        return self.is_open(at) and (not demand.money_minor or currency in {None, demand.currency})

    def has_room(self, demand: Demand, *, at: datetime) -> bool:
        """Whether it could give what is asked, as far as it is known here: the database decides."""
        if not self.takes(demand, at=at):
            return False
        money = demand.money_minor if self.content.currency else 0
        asked = {Measure.POINTS: demand.points, Measure.UNITS: demand.units, Measure.MONEY: money}
        rooms = {measure: amount.room for measure, amount in self.amounts().items()}
        return all(room is None or asked[measure] <= room for measure, room in rooms.items())

    def is_above_alert(self) -> bool:
        """Whether ``alert_percent`` of one of its maxima is spent."""
        percent = self.content.alert_percent
        return percent is not None and any(
            amount.maximum is not None and amount.spent * 100 >= amount.maximum * percent
            for amount in self.amounts().values()
        )


@dataclass(frozen=True, slots=True)
class CreateBudget:
    """Set something aside. ``code`` is the merchant's own name for it, unique in the tenant."""

    code: str
    content: BudgetContent


@dataclass(frozen=True, slots=True)
class UpdateBudget:
    """Change what is said of a budget, whole; ``version`` is the one that was edited. Its currency stays."""

    budget_id: UUID
    version: int
    content: BudgetContent
    is_archived: bool = False


@dataclass(frozen=True, slots=True)
class Use:
    """What one sale or redemption holds and has spent of a budget."""

    budget_id: UUID
    points_held: int
    units_held: int
    money_held: int
    points_spent: int
    units_spent: int
    money_spent: int


@dataclass(frozen=True, slots=True)
class Forecast:
    """At the rate of the last hours ``measure`` will be used up in the hour that begins at ``at``."""

    measure: Measure
    at: datetime


def check_content(content: BudgetContent) -> BudgetContent:
    """The content with trimmed texts.

    Raises:
        InvalidInput: a blank text; no maximum at all, or one that is not within 1 and ``AMOUNT_MAX``; money without a
            currency; an end that does not come after the beginning; a percent that is not within 1 and 100.
    """
    maxima = {"pointsMax": content.points_max, "unitsMax": content.units_max, "moneyMax": content.money_max}
    if all(maximum is None for maximum in maxima.values()):
        raise InvalidInput(field="pointsMax", reason="REQUIRED")
    for field, maximum in maxima.items():
        if maximum is not None and not 0 < maximum <= AMOUNT_MAX:
            raise InvalidInput(field=field, reason="OUT_OF_RANGE", limit=str(AMOUNT_MAX))
    if content.currency is not None:
        exponent(content.currency)
    elif content.money_max is not None:
        raise InvalidInput(field="moneyMax", reason="REQUIRED")
    if content.begins_at is not None and content.ends_at is not None and content.ends_at <= content.begins_at:
        raise InvalidInput(field="endsAt", reason="OUT_OF_RANGE")
    if content.alert_percent is not None and not 0 < content.alert_percent <= PERCENT_MAX:
        raise InvalidInput(field="alertPercent", reason="OUT_OF_RANGE", limit=str(PERCENT_MAX))
    return BudgetContent(
        name_en=check_text(content.name_en, field="name.en"),
        name_zh=check_text(content.name_zh, field="name.zh"),
        points_max=content.points_max,
        units_max=content.units_max,
        money_max=content.money_max,
        currency=content.currency,
        begins_at=content.begins_at,
        ends_at=content.ends_at,
        alert_percent=content.alert_percent,
    )


def forecast(budget: Budget, *, spent: dict[Measure, int], since: datetime, now: datetime) -> Forecast | None:
    """In which hour the budget will be used up, where ``spent`` of it went between ``since`` and ``now``.

    Each measure goes on at its average rate; what is held counts as gone. None where nothing is spent, where the
    budget ends before, and beyond ``FORECAST_MAX``. A measure without room is used up now.
    """
    seconds = max(int((now - since).total_seconds()), 1)
    found: list[tuple[datetime, Measure]] = []
    for measure, amount in budget.amounts().items():
        room = amount.room
        if room is None:
            continue
        if room == 0:
            found.append((now, measure))
        elif spent.get(measure, 0) > 0:
            left = room * seconds // spent[measure]
            if left <= FORECAST_MAX.total_seconds():
                found.append((now + timedelta(seconds=left), measure))
    if not found:
        return None
    at, measure = min(found)
    if budget.content.ends_at is not None and at >= budget.content.ends_at:
        return None
    return Forecast(measure, at.replace(minute=0, second=0, microsecond=0))
