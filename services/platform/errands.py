"""Errands: what time alone makes due in a home, such as points that activate, tiers to review, points that expire.

For live tenants the scheduler has them run at the wall clock; for a sandbox whoever moves its clock runs them, day by
day. Both find the same, because an errand does its work as of the instants at which it fell due.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import Generic, TypeVar
from uuid import UUID

import structlog

from services.platform.actors import SYSTEM
from services.platform.clock import Monotonic, monotonic
from services.platform.db.engine import Database
from services.platform.db.fanout import HOMES_PER_TRIP, ask_homes
from services.platform.db.homes import PLATFORM, Home
from services.platform.db.questions import Question, ask
from services.platform.db.session import ReadSession, UnitOfWork, read_session, unit_of_work
from services.platform.ids import new_id
from services.platform.telemetry import metrics

log = structlog.get_logger()

PASSES_MAX = 20
"""What is done at an instant may make more due at it, but not for ever."""

NextDue = Callable[[ReadSession], Question[datetime | None]]
Run = Callable[[Database, Home, datetime], int]
RowT = TypeVar("RowT")


class Phase(IntEnum):
    """The order of what is due at one instant."""

    ACTIVATION = 1
    TIER_REVIEW = 2
    EXPIRY = 3
    TRIGGER = 4
    NOTICE = 5


@dataclass(frozen=True, slots=True)
class Errand:
    """One kind of thing that falls due.

    ``next_due(session)`` asks for the earliest instant at which there is something to do, in the past where work waits,
    None where nothing is in sight. It is cheap (the head of an index), and may come too early, never too late. It is
    asked every minute in every home, together with all others and in one round trip with those of other homes, so that
    it may read nothing by itself: of the session it takes the home and the time.

    ``run(database, home, now)`` does one bounded batch of what was due by ``now``, in transactions of its own at that
    time, and says how many things it did; 0 means that nothing is left, and then `next_due` lies after ``now``. What
    it does is idempotent, may race with itself, and depends on the instants that were due and not on when it is called.
    """

    name: str
    phase: Phase
    next_due: NextDue
    run: Run


Place = tuple[datetime, UUID]
"""Where a row stands among those that are due: since when, and its id."""


@dataclass(frozen=True, slots=True)
class Due(Generic[RowT]):
    """A row that is due, and its place."""

    place: Place
    row: RowT


def place_values(place: Place | None) -> dict[str, datetime | UUID | None]:
    """What a statement takes that reads on from after a place: ``after_at`` and ``after_id``, null for the first."""
    at, id_ = place or (None, None)
    return {"after_at": at, "after_id": id_}


@dataclass(frozen=True, slots=True)
class OneByOne(Generic[RowT]):
    """What runs an errand whose rows have nothing to do with each other: each in a unit of work of its own.

    ``due(session, after, limit)`` reads the rows that are due by ``session.now``, in the order of their places, from
    after one of them (None: from the first on). ``settle`` does what is to be done about one, or nothing where somebody
    else has. A row that fails is told to the log and passed over until the next round, so that it keeps no other from
    its turn. What is answered is how many rows were looked at.
    """

    errand: str
    due: Callable[[ReadSession, Place | None, int], Sequence[Due[RowT]]]
    settle: Callable[[UnitOfWork, RowT], object]
    batch: int

    def __call__(self, database: Database, home: Home, now: datetime) -> int:
        """Look at the first rows that are due."""
        return self.round()(database, home, now)

    def round(self) -> Run:
        """The same, but every call goes on where the last one was: of one round, in one home."""
        after: Place | None = None

        def run(database: Database, home: Home, now: datetime) -> int:
            nonlocal after
            with read_session(database, home, now=now) as session:
                found = self.due(session, after, self.batch)
            for each in found:
                with unit_of_row(database, home, now=now, errand=self.errand, row_id=each.place[1]) as uow:
                    self.settle(uow, each.row)
                after = each.place
            return len(found)

        return run


@contextmanager
def unit_of_row(database: Database, home: Home, *, now: datetime, errand: str, row_id: UUID) -> Iterator[UnitOfWork]:
    """A unit of work for one row of an errand. When it fails that is told to whoever operates, and is over."""
    correlation_id = new_id().hex
    try:
        with unit_of_work(database, home, now=now, actor=SYSTEM, correlation_id=correlation_id) as uow:
            yield uow
    except Exception:
        metrics.errand_failed(errand)
        names = {"errand": errand, "row": str(row_id), "correlation_id": correlation_id}
        log.exception("errand_row_failed", home=home.schema, **names)


@dataclass(frozen=True, slots=True)
class Ran:
    """What came of `run_due`: how many things were done, by errand.

    ``next_due`` is when there is more to do; with ``is_finished`` that lies after the instant.
    """

    done: Mapping[str, int]
    next_due: datetime | None
    is_finished: bool


def next_due(database: Database, home: Home, errands: Sequence[Errand], *, now: datetime) -> datetime | None:
    """The earliest instant at which one of the errands has something to do, from one snapshot."""
    return min((instant for _, instant in _dues(database, home, errands, now=now)), default=None)


def next_dues(
    database: Database, clocks: Sequence[tuple[Home, datetime]], errands: Sequence[Errand]
) -> Mapping[Home, datetime | None]:
    """As `next_due`, of many homes, each at its own time; homes that can't be asked are left out, and told of."""
    found: dict[Home, datetime | None] = {}
    for start in range(0, len(clocks), HOMES_PER_TRIP):
        some = clocks[start : start + HOMES_PER_TRIP]
        try:
            found |= _dues_of_homes(database, some, errands)
        except Exception:  # noqa: BLE001  whatever it is, a document of a newer release too
            # One home in trouble keeps no other from its errands: ask them one by one.
            for home, now in some:
                try:
                    found[home] = next_due(database, home, errands, now=now)
                except Exception:
                    log.exception("errands_not_known", home=home.schema)
    return found


def runs_of(errands: Sequence[Errand]) -> Mapping[str, Run]:
    """What runs errands in one round, in one home: rows that fail in it are passed over until the next one."""
    return {each.name: each.run.round() if isinstance(each.run, OneByOne) else each.run for each in errands}


def run_due(
    database: Database,
    home: Home,
    errands: Sequence[Errand],
    *,
    now: datetime,
    until: Monotonic,
    runs: Mapping[str, Run] | None = None,
) -> Ran:
    """Run what is due at ``now``, phase by phase, until nothing is left or the monotonic second ``until`` is over.

    With the ``runs`` of `runs_of` a round goes on where it was when the time of another call was over.
    """
    done: dict[str, int] = {}
    runs = runs_of(errands) if runs is None else runs
    failed: set[str] = set()
    dues: Sequence[tuple[Errand, datetime]] = ()
    for _pass in range(PASSES_MAX):
        dues = _dues(database, home, errands, now=now)
        due = [errand for errand, instant in dues if instant <= now and errand.name not in failed]
        if not due and not failed:
            return Ran(done, min((instant for _, instant in dues), default=None), is_finished=True)
        before = sum(done.values())
        for errand in due:
            try:
                while count := runs[errand.name](database, home, now):
                    done[errand.name] = done.get(errand.name, 0) + count
                    if monotonic() >= until:
                        return Ran(done, now, is_finished=False)
            except Exception:
                # One errand in trouble keeps no other from its work; the next round tries it again.
                log.exception("errand_failed", home=home.schema, errand=errand.name)
                failed.add(errand.name)
        if sum(done.values()) == before:
            break
    # An errand that calls itself due and does nothing may not stop the clock; the next round hears of it again.
    stuck = [errand.name for errand, instant in dues if instant <= now]
    log.error("errands_stuck", home=home.schema, errands=stuck, now=now.isoformat())
    later = [instant for _, instant in dues if instant > now]
    return Ran(done, min(later, default=None), is_finished=True)


def _dues_of_homes(
    database: Database, clocks: Sequence[tuple[Home, datetime]], errands: Sequence[Errand]
) -> Mapping[Home, datetime | None]:
    def asked(session: ReadSession) -> Sequence[Question[datetime | None]]:
        return [errand.next_due(session) for errand in errands]

    with read_session(database, PLATFORM, now=clocks[0][1]) as session:
        return {
            home: min((instant for instant in instants if instant is not None), default=None)
            for home, instants in ask_homes(session, clocks, asked)
        }


def _dues(
    database: Database, home: Home, errands: Sequence[Errand], *, now: datetime
) -> Sequence[tuple[Errand, datetime]]:
    """The errands that have something to do, each with when, in the order of one instant."""
    ordered = sorted(errands, key=lambda errand: (errand.phase, errand.name))
    with read_session(database, home, now=now) as session:
        found = zip(ordered, ask(session, [errand.next_due(session) for errand in ordered], is_last=True), strict=True)
    return [(errand, instant) for errand, instant in found if instant is not None]
