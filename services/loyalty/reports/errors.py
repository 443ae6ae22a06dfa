"""What reports refuse."""

from dataclasses import dataclass
from datetime import date

from services.platform.errors import DomainError


class ReportError(DomainError):
    """A refusal of a report."""


@dataclass(eq=False)
class ReportTookTooLong(ReportError):
    """The period holds more entries than can be counted in one call. Ask for a shorter one, or for one point unit."""

    from_date: date
    to_date: date
