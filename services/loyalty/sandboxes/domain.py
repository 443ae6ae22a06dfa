"""Sandboxes as values: what they begin with, and the days that their clock goes through."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum
from uuid import UUID
from zoneinfo import ZoneInfo

from services.loyalty.programs.domain.differences import Change
from services.loyalty.programs.domain.publishing import ProgramDraft, ProgramVersion
from services.platform.errors import InvalidInput

DAYS_MAX = 3_700
"""How far a clock is moved by one command: ten years."""
BEGINS_WITHIN_DAYS = 36_525
"""How far from now a sandbox may begin: a hundred years."""


class Copied(StrEnum):
    """What a sandbox may take over from its live tenant."""

    PROGRAM = "program"
    STORES = "stores"
    REWARDS = "rewards"


@dataclass(frozen=True, slots=True)
class CreateSandbox:
    """Make a sandbox of a live tenant. ``begins_at``: what its clock says first, None for now."""

    slug: str
    name: str | None
    begins_at: datetime | None
    copies: frozenset[Copied]
    idempotency_key: str
    request_hash: bytes


@dataclass(frozen=True, slots=True)
class CreatedSandbox:
    """A sandbox that is ready, or was before."""

    tenant_id: UUID
    replayed: bool


@dataclass(frozen=True, slots=True)
class AdvanceClock:
    """Move a sandbox's clock forward: ``to`` an instant, or by calendar ``days`` of the program's zone."""

    to: datetime | None
    days: int | None
    idempotency_key: str
    request_hash: bytes


@dataclass(frozen=True, slots=True)
class AdvancedClock:
    """How far a clock has come. Not ``is_finished``: the same command, sent again, goes on towards ``target``.

    ``steps`` are the instants at which something was due in this call, ``done`` how many things by errand.
    """

    now: datetime
    target: datetime
    is_finished: bool
    steps: int
    done: Mapping[str, int]
    replayed: bool


@dataclass(frozen=True, slots=True)
class PromoteProgram:
    """Make a sandbox's program the draft of its live tenant. ``revision`` is that of the draft it replaces, if any."""

    sandbox_slug: str
    revision: int | None


@dataclass(frozen=True, slots=True)
class PromotedProgram:
    """The new draft, what it would replace (the version in force in the live tenant, if any), and what that changes."""

    draft: ProgramDraft
    in_force: ProgramVersion | None
    changes: tuple[Change, ...]


def check_beginning(begins_at: datetime, *, wall: datetime) -> datetime:
    """An instant at which a sandbox can begin.

    Raises:
        InvalidInput: OUT_OF_RANGE
    """
    if abs(begins_at - wall) > timedelta(days=BEGINS_WITHIN_DAYS):
        raise InvalidInput(field="beginsAt", reason="OUT_OF_RANGE", limit=str(BEGINS_WITHIN_DAYS))
    return begins_at


def target_of(command: AdvanceClock, *, now: datetime, zone: ZoneInfo) -> datetime:
    """Where a command moves the clock.

    Raises:
        InvalidInput: neither or both of ``to`` and ``days``; not after ``now``; further than ``DAYS_MAX`` days.
    """
    if (command.to is None) == (command.days is None):
        raise InvalidInput(field="to", reason="TO_OR_DAYS")
    if command.days is not None:
        if not 1 <= command.days <= DAYS_MAX:
            raise InvalidInput(field="days", reason="OUT_OF_RANGE", limit=str(DAYS_MAX))
        # Wall-clock arithmetic in the zone: a day later is the same time of day, also where a clock change is between.
        return (now.astimezone(zone) + timedelta(days=command.days)).astimezone(now.tzinfo)
    assert command.to is not None
    if command.to <= now:
        raise InvalidInput(field="to", reason="NOT_AFTER_NOW", limit=now.isoformat())
    if command.to - now > timedelta(days=DAYS_MAX):
        raise InvalidInput(field="to", reason="OUT_OF_RANGE", limit=str(DAYS_MAX))
    return command.to


def next_step(*, at: datetime, due: datetime | None, target: datetime, zone: ZoneInfo) -> datetime:
    """The instant after ``at`` that the clock goes to: the first end of a day that has something due, or ``target``.

    A day ends where the next one begins in ``zone``, at midnight or where a clock change skips it right after.
    """
    if due is None or due > target:
        return target
    return min(target, _day_end(max(due, at + timedelta(microseconds=1)), zone))


def _day_end(instant: datetime, zone: ZoneInfo) -> datetime:
    """The first local midnight that is not before an instant."""
    day = instant.astimezone(zone).date()
    midnight = datetime.combine(day, time(), zone).astimezone(instant.tzinfo)
    if midnight >= instant:
        return midnight
    return datetime.combine(day + timedelta(days=1), time(), zone).astimezone(instant.tzinfo)
