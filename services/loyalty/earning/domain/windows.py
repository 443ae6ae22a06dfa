"""Whether a rule's window is open at an instant."""

from datetime import date, datetime, time, timedelta

from services.loyalty.programs.domain.rules import Window


def is_open(window: Window, local: datetime) -> bool:
    """Whether a rule applies at an instant given in the program's zone.

    The clock on the wall decides: on the night when clocks go back an hour that comes twice is open twice, and one
    that is skipped is not open at all. Hours past midnight belong to the day on which they begin, for dates and
    weekdays alike.
    """
    day, clock = local.date(), local.time().replace(tzinfo=None)
    begins, ends = window.from_time or time.min, window.until_time
    if ends is None or begins < ends:
        return begins <= clock and (ends is None or clock < ends) and _on(window, day)
    if clock >= begins:
        return _on(window, day)
    return clock < ends and _on(window, day - timedelta(days=1))


def _on(window: Window, day: date) -> bool:
    if window.from_date is not None and day < window.from_date:
        return False
    if window.until_date is not None and day > window.until_date:
        return False
    return not window.weekdays or day.isoweekday() in window.weekdays
