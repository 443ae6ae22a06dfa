"""How members are told before they lose something, and how long it is kept for those who were not told in time."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol
from zoneinfo import ZoneInfo

from services.loyalty.ledger.domain.clocks import end_of
from services.loyalty.programs.domain.policies import NoSilentLoss

NOTICE_LEAD_DAYS = 7
"""How much earlier members are told where nothing is lost silently."""
EXTENSION_MAX = timedelta(days=90)
"""How much later than it should have been lost something is lost at the latest."""
_MOMENT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Telling:
    """Members are told ``days`` times 24 hours before a loss (0: never); ``policy`` says what comes of it if not."""

    days: int
    policy: NoSilentLoss

    @property
    def days_before(self) -> int:
        """How many days before a loss the notice is given, so that a channel has taken it when ``days`` begin."""
        lead = 0 if self.policy is NoSilentLoss.OFF else NOTICE_LEAD_DAYS
        return self.days + lead if self.days else 0


class NoticeOutcome(StrEnum):
    """What became of a notice: a channel took it, or its member can't be reached."""

    ACCEPTED = "accepted"
    UNREACHABLE = "unreachable"


class Verdict(StrEnum):
    """What was decided of that which a notice was about."""

    IN_TIME = "in_time"
    """It is lost on its day: the notice was taken early enough."""
    UNREACHABLE = "unreachable"
    """It is lost on its day, since nobody can be told."""
    KEPT = "kept"
    """It is kept longer."""
    WOULD_KEEP = "would_keep"
    """It is lost on its day, and would be kept longer if the program did that."""
    GIVEN_UP = "given_up"
    """It was kept for `EXTENSION_MAX` and is lost untold."""


class Settled(Protocol):
    """A notice, and what is known of it."""

    @property
    def outcome(self) -> NoticeOutcome | None:
        """None: a channel may take it yet."""

    @property
    def settled_at(self) -> datetime | None:
        """Since when the outcome is known."""


def kept_until(
    ends_at: datetime, *, first_end: datetime, notice: Settled, now: datetime, days: int, zone: ZoneInfo
) -> datetime:
    """When something is lost that was to be lost at ``ends_at``, and at ``first_end`` before anything kept it.

    That is ``days`` times 24 hours after its notice was taken, and not before ``ends_at``; while none was taken, so
    long after one that may be taken tomorrow; on to the end of that day, and at most `EXTENSION_MAX` late.
    """
    if notice.outcome is NoticeOutcome.UNREACHABLE:
        return ends_at
    taken_at = now + timedelta(days=1) if notice.settled_at is None else notice.settled_at
    told = taken_at + timedelta(days=days)
    if told <= ends_at:
        return ends_at
    return max(ends_at, min(end_of(told - _MOMENT, "day", zone), first_end + EXTENSION_MAX))
