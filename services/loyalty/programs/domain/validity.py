"""When points can be spent: from when, and until when."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum


class TimeUnit(StrEnum):
    """Calendar days or months in the program's time zone."""

    DAY = "day"
    MONTH = "month"


class Boundary(StrEnum):
    """Up to the end of which calendar period an end is moved."""

    NONE = "none"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"
    HALF_YEAR = "half_year"
    YEAR = "year"


class Start(StrEnum):
    """From when a span of time counts."""

    EARN = "earn"
    ACTIVATION = "activation"


@dataclass(frozen=True, slots=True)
class Span:
    """A number of calendar days or months."""

    count: int
    unit: TimeUnit


@dataclass(frozen=True, slots=True)
class Activation:
    """When earned points become spendable. Nothing set: at once; else exactly one of the three.

    ``after`` counts from the event, ``on`` is a day that begins in the program's zone. ``action`` is what staff or a
    shop report (such as ``order_shipped`` or ``return_window_over``); one that has not come ``within_days`` after the
    event cancels the points.
    """

    after: Span | None = None
    on: date | None = None
    action: str | None = None
    within_days: int | None = None


@dataclass(frozen=True, slots=True)
class MonthDay:
    """A day of every year; 29 February is the 28th where there is none."""

    month: int
    day: int


@dataclass(frozen=True, slots=True)
class Rolling:
    """A span from earning or from activation, rounded up to the end of a calendar period."""

    span: Span
    start: Start = Start.EARN
    until_end_of: Boundary = Boundary.NONE


@dataclass(frozen=True, slots=True)
class Sliding:
    """A span from the member's latest activity; each of ``activities`` (triggers, or ``redemption``) begins it anew."""

    span: Span
    activities: tuple[str, ...]
    until_end_of: Boundary = Boundary.NONE


@dataclass(frozen=True, slots=True)
class PartialLoss:
    """``percent`` (1 to 100) of what is left is lost each time the member has shown no activity for ``after``."""

    percent: int
    after: Span
    activities: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Expiry:
    """When points end: at the earliest of what is set; nothing set means never.

    ``yearly`` are days whose end (24:00 in the program's zone) ends every lot earned before, the next one after
    earning by at least ``yearly_days_min`` days; ``on`` is one such day of one year. ``anniversary`` is the next
    anniversary of the member's enrolment.
    """

    rolling: Rolling | None = None
    yearly: tuple[MonthDay, ...] = ()
    yearly_days_min: int = 0
    on: date | None = None
    anniversary: bool = False
    sliding: Sliding | None = None
    partial: PartialLoss | None = None

    @property
    def is_never(self) -> bool:
        """Whether nothing ends the points."""
        return self == Expiry()
