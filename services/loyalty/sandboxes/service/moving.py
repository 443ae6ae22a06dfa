"""A sandbox's clock goes forward, from one day that has something due to the next, and all that is due is done."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from services.loyalty.programs import queries as programs_queries
from services.loyalty.sandboxes.domain import AdvanceClock, AdvancedClock, next_step, target_of
from services.loyalty.sandboxes.errors import ClockBusy, ClockNotMovable
from services.platform.actors import SYSTEM, Actor
from services.platform.clock import Monotonic, monotonic, wall_now
from services.platform.db.engine import Database
from services.platform.db.homes import PLATFORM, Home
from services.platform.db.session import ReadSession, read_session, unit_of_work
from services.platform.errands import Errand, next_due, run_due
from services.platform.idempotency.service import claim, settle
from services.platform.ids import new_id
from services.platform.tenancy.domain import Tenant, TenantMode
from services.platform.tenancy.leases import give_lease_back, take_lease, wait_for_lease
from services.platform.tenancy.registry import tenant_by_id
from services.platform.tenancy.sandboxes import move_clock
from services.platform.worker.rounds import LEASE, lease_name

OPERATION = "advanceClock"
CALL_SECONDS = 8
"""Of one call: what is left then is done when the command is sent again."""
WAIT_SECONDS = 4
"""How long a call waits for another one that moves the same clock."""


@dataclass(slots=True)
class _Journey:
    """Where one call stands. ``at`` is the instant up to which everything that was due is done."""

    target: datetime
    zone: ZoneInfo
    at: datetime
    until: Monotonic
    replayed: bool
    steps: int = 0
    done: dict[str, int] = field(default_factory=dict)


def advance_clock(
    database: Database,
    *,
    tenant: Tenant,
    command: AdvanceClock,
    errands: Sequence[Errand],
    actor: Actor,
    correlation_id: str,
) -> AdvancedClock:
    """Move a sandbox's clock forward, as if day by day, as far as one call gets in ``CALL_SECONDS``.

    The key settles where to; the same command goes on until it is there, and then says so again. The clock stands at
    the last day that was done meanwhile. Commands of others go on between the steps.

    Raises:
        ClockNotMovable: the tenant is live.
        ClockBusy: somebody else is moving it.
        InvalidInput: see `domain.target_of`.
        IdempotencyConflict, IdempotencyKeyInvalid
    """
    if tenant.mode is not TenantMode.SANDBOX:
        raise ClockNotMovable(slug=tenant.slug)
    until = monotonic() + CALL_SECONDS
    with _turn(database, tenant.home) as holder:
        journey = _set_out(database, tenant, command, actor=actor, correlation_id=correlation_id, until=until)
        is_finished = _travel(database, tenant, journey, errands, holder=holder, correlation_id=correlation_id)
        now = _clock(database, tenant)
    return AdvancedClock(
        now=now,
        target=journey.target,
        is_finished=is_finished,
        steps=journey.steps,
        done=journey.done,
        replayed=journey.replayed,
    )


def _set_out(
    database: Database, tenant: Tenant, command: AdvanceClock, *, actor: Actor, correlation_id: str, until: Monotonic
) -> _Journey:
    """Settle under the key where the clock goes, or read where it was to go."""
    now = _clock(database, tenant)
    with unit_of_work(database, tenant.home, now=now, actor=actor, correlation_id=correlation_id) as uow:
        zone = _zone(uow)
        stored = claim(uow, operation=OPERATION, key=command.idempotency_key, request_hash=command.request_hash)
        if stored is not None:
            target = datetime.fromisoformat(stored["to"])
            return _Journey(target, zone, now, until, replayed=True)
        target = target_of(command, now=now, zone=zone)
        settle(
            uow,
            operation=OPERATION,
            key=command.idempotency_key,
            result={"from": now.isoformat(), "to": target.astimezone(UTC).isoformat()},
        )
    return _Journey(target, zone, now, until, replayed=False)


def _travel(
    database: Database,
    tenant: Tenant,
    journey: _Journey,
    errands: Sequence[Errand],
    *,
    holder: str,
    correlation_id: str,
) -> bool:
    """Go from step to step until the target is reached or the call's time is over; whether it is reached."""
    home = tenant.home
    due = next_due(database, home, errands, now=journey.at)
    while True:
        # What an earlier call left at its last instant is done before the clock goes on.
        is_late = due is not None and due <= journey.at
        if not is_late and journey.at >= journey.target:
            return True
        if monotonic() >= journey.until or not take_lease(database, name=lease_name(home), holder=holder, life=LEASE):
            return False
        if not is_late:
            journey.at = next_step(at=journey.at, due=due, target=journey.target, zone=journey.zone)
            _put_forward(database, tenant, to=journey.at, correlation_id=correlation_id)
        ran = run_due(database, home, errands, now=journey.at, until=journey.until)
        journey.steps += bool(ran.done)
        for name, count in ran.done.items():
            journey.done[name] = journey.done.get(name, 0) + count
        if not ran.is_finished:
            return False
        due = ran.next_due


def _put_forward(database: Database, tenant: Tenant, *, to: datetime, correlation_id: str) -> None:
    wall = wall_now()
    with unit_of_work(database, PLATFORM, now=wall, actor=SYSTEM, correlation_id=correlation_id) as uow:
        move_clock(uow, tenant_id=tenant.id, offset=to - wall)


def _clock(database: Database, tenant: Tenant) -> datetime:
    """The sandbox's time as the registry knows it now: what the request remembers may be from before another move."""
    wall = wall_now()
    with read_session(database, PLATFORM, now=wall) as session:
        found = tenant_by_id(session, tenant.id)
    assert found is not None
    return found.now(wall)


def _zone(session: ReadSession) -> ZoneInfo:
    """Where the program's days end; without a program in UTC."""
    version = programs_queries.version_in_force(session, at=session.now)
    return ZoneInfo("UTC") if version is None else ZoneInfo(version.document.timezone)


@contextmanager
def _turn(database: Database, home: Home) -> Iterator[str]:
    """Hold the lease of the home's errands, so that neither another call nor the worker's round is at them.

    Raises:
        ClockBusy
    """
    holder = f"clock:{new_id()}"
    if not wait_for_lease(database, name=lease_name(home), holder=holder, life=LEASE, patience_seconds=WAIT_SECONDS):
        raise ClockBusy(retry_after_seconds=CALL_SECONDS)
    try:
        yield holder
    finally:
        give_lease_back(database, name=lease_name(home), holder=holder)
