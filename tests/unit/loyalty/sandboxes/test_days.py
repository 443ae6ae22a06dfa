"""Which instants a sandbox's clock goes through."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from services.loyalty.sandboxes.domain import DAYS_MAX, AdvanceClock, check_beginning, next_step, target_of
from services.platform.errors import InvalidInput

SHANGHAI = ZoneInfo("Asia/Shanghai")
NEW_YORK = ZoneInfo("America/New_York")
CAIRO = ZoneInfo("Africa/Cairo")
NOW = datetime(2027, 3, 13, 15, 30, tzinfo=UTC)
FAR = datetime(2029, 3, 13, 15, 30, tzinfo=UTC)


def _utc(year: int, month: int, day: int, hour: int = 0, minute: int = 0, second: int = 0) -> datetime:
    return datetime(year, month, day, hour, minute, second, tzinfo=UTC)


def _command(*, to: datetime | None = None, days: int | None = None) -> AdvanceClock:
    return AdvanceClock(to=to, days=days, idempotency_key="key", request_hash=b"")


@pytest.mark.parametrize(
    ("zone", "due", "step"),
    [
        (SHANGHAI, _utc(2027, 3, 14, 3), _utc(2027, 3, 14, 16)),
        (SHANGHAI, _utc(2027, 3, 14, 16), _utc(2027, 3, 14, 16)),
        (SHANGHAI, _utc(2027, 3, 14, 16, 0, 1), _utc(2027, 3, 15, 16)),
        # The day of the clock change has 23 hours.
        (NEW_YORK, _utc(2027, 3, 14, 12), _utc(2027, 3, 15, 4)),
        (NEW_YORK, _utc(2027, 3, 14, 4), _utc(2027, 3, 14, 5)),
        # In Cairo the clocks skip midnight, so that the day begins at one.
        (CAIRO, _utc(2027, 4, 29, 20), _utc(2027, 4, 29, 22)),
        (SHANGHAI, None, FAR),
        (SHANGHAI, FAR + timedelta(seconds=1), FAR),
        # An instant of the past is not gone back to.
        (SHANGHAI, _utc(2027, 1, 1), _utc(2027, 3, 13, 16)),
    ],
)
def test_the_clock_goes_to_the_end_of_the_first_day_that_has_something_due(
    zone: ZoneInfo, due: datetime | None, step: datetime
) -> None:
    assert next_step(at=NOW, due=due, target=FAR, zone=zone) == step


def test_the_last_day_is_cut_at_the_target() -> None:
    target = _utc(2027, 3, 14, 10)

    assert next_step(at=NOW, due=_utc(2027, 3, 14, 3), target=target, zone=SHANGHAI) == target


def test_days_keep_the_time_of_day_across_a_clock_change() -> None:
    assert target_of(_command(days=1), now=NOW, zone=SHANGHAI) == _utc(2027, 3, 14, 15, 30)
    assert target_of(_command(days=1), now=NOW, zone=NEW_YORK) == _utc(2027, 3, 14, 14, 30)
    assert target_of(_command(days=731), now=NOW, zone=SHANGHAI) == _utc(2029, 3, 13, 15, 30)


@pytest.mark.parametrize(
    ("command", "field", "reason"),
    [
        (_command(), "to", "TO_OR_DAYS"),
        (_command(to=FAR, days=1), "to", "TO_OR_DAYS"),
        (_command(days=0), "days", "OUT_OF_RANGE"),
        (_command(days=DAYS_MAX + 1), "days", "OUT_OF_RANGE"),
        (_command(to=NOW), "to", "NOT_AFTER_NOW"),
        (_command(to=NOW + timedelta(days=DAYS_MAX, seconds=1)), "to", "OUT_OF_RANGE"),
    ],
)
def test_what_is_no_way_forward_is_refused(command: AdvanceClock, field: str, reason: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        target_of(command, now=NOW, zone=SHANGHAI)

    assert (refused.value.field, refused.value.reason) == (field, reason)


def test_a_sandbox_begins_within_a_hundred_years() -> None:
    early = _utc(1950, 1, 1)

    assert check_beginning(early, wall=NOW) == early
    with pytest.raises(InvalidInput):
        check_beginning(_utc(1920, 1, 1), wall=NOW)
