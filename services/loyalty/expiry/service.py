"""The night work of the ledger: what is due is settled and members are told of ends, batch by batch.

A batch is a short transaction over few holders, so that a purchase of one of them waits for it no longer than for
another purchase. Whatever ran before, ran twice or runs beside it: each looks behind the holders' locks what is due.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from services.contracts.events.loyalty import PointsExpiring
from services.loyalty.expiry import repository
from services.loyalty.expiry.domain import ExpiryNotice, horizon, notices, to_give
from services.loyalty.ledger import queries as ledger_queries
from services.loyalty.ledger import service as ledger
from services.loyalty.ledger.domain.settling import EVERY_STEP, GAINS, Step
from services.loyalty.members import queries as members
from services.loyalty.members.domain import MemberStatus
from services.loyalty.programs.domain import PointUnit
from services.loyalty.programs.domain.publishing import ProgramVersion
from services.loyalty.programs.queries import version_in_force
from services.loyalty.stores import queries as stores
from services.platform.actors import SYSTEM
from services.platform.db.engine import Database
from services.platform.db.homes import Home
from services.platform.db.session import ReadSession, UnitOfWork, read_session, unit_of_work
from services.platform.outbox import service as outbox

LOTS_PER_RUN = 2_000
HOLDERS_PER_BATCH = 50
"""Locked at once; a batch takes some tens of milliseconds."""
ROUNDS_MAX = 50
"""Pages in one run that others settle before it comes to them."""

HoldersDue = Callable[[ReadSession], tuple[UUID, ...]]


def settle_gains(database: Database, home: Home, now: datetime) -> int:
    """Activate and cancel pending lots and end holds that are due, some of them; how many entries were posted."""
    return _settle(
        database, home, now, steps=GAINS, due=lambda s: ledger_queries.gaining_holders(s, limit=LOTS_PER_RUN)
    )


def settle_losses(database: Database, home: Home, now: datetime) -> int:
    """Expire lots and parts of lots that are due, some of them; how many entries were posted.

    What else is due of their holders is settled with them, in its order.
    """
    return _settle(
        database, home, now, steps=EVERY_STEP, due=lambda s: ledger_queries.losing_holders(s, limit=LOTS_PER_RUN)
    )


def next_notice(session: ReadSession) -> datetime | None:
    """When the next member is to be told of an end; None where nobody is, or the program says never."""
    version = version_in_force(session, at=session.now)
    days = version.document.policies.expiry_notice_days if version else 0
    ends = ledger_queries.next_unnoticed(session) if days else None
    return None if ends is None else ends - timedelta(days=days)


def give_notices(database: Database, home: Home, now: datetime) -> int:
    """Tell members of ends that have come near, some of them; how many lots that was about."""
    done = 0
    with read_session(database, home, now=now) as session:
        version = version_in_force(session, at=now)
        if version is None or not version.document.policies.expiry_notice_days:
            return 0
        until = now + timedelta(days=version.document.policies.expiry_notice_days)
        holder_ids = ledger_queries.unnoticed_holders(session, until=until, limit=LOTS_PER_RUN)
    for batch in _batches(holder_ids):
        with _working(database, home, now, "notices") as uow:
            done += _notice(uow, version, batch)
    return done


def _settle(database: Database, home: Home, now: datetime, *, steps: frozenset[Step], due: HoldersDue) -> int:
    done = 0
    for _round in range(ROUNDS_MAX):
        with read_session(database, home, now=now) as session:
            holder_ids = due(session)
        for batch in _batches(holder_ids):
            with _working(database, home, now, "settling") as uow:
                done += ledger.settle_holders(uow, holder_ids=batch, steps=steps)
        if done or not holder_ids:
            break
    return done


def _batches(holder_ids: Sequence[UUID]) -> list[Sequence[UUID]]:
    return [holder_ids[at : at + HOLDERS_PER_BATCH] for at in range(0, len(holder_ids), HOLDERS_PER_BATCH)]


def _working(database: Database, home: Home, now: datetime, what: str) -> AbstractContextManager[UnitOfWork]:
    return unit_of_work(database, home, now=now, actor=SYSTEM, correlation_id=f"expiry-{what}")


def _notice(uow: UnitOfWork, version: ProgramVersion, holder_ids: Sequence[UUID]) -> int:
    """Tell holders, once they are locked, of all that ends of theirs in sight."""
    document = version.document
    zone = ZoneInfo(document.timezone)
    until = horizon(uow.now, days=document.policies.expiry_notice_days, zone=zone)
    _, lot_rows, given_rows, status_rows, merchant_rows = uow.fetch_pipeline(
        [
            ledger.lock_statement(holder_ids=holder_ids),
            ledger_queries.ending_statement(holder_ids=holder_ids, until=until),
            repository.given_statement(uow, member_ids=holder_ids),
            members.statuses_statement(member_ids=holder_ids),
            stores.merchant_statement(uow),
        ]
    )
    lots = ledger_queries.ending_of(lot_rows)
    statuses = members.statuses_of(status_rows)
    active = {id_ for id_, status in statuses.items() if status is MemberStatus.ACTIVE}
    found = notices(lots, now=uow.now, zone=zone)
    given = to_give(found, given=repository.given_of(given_rows), active=active)
    untold = [lot.id for lot in lots if not lot.is_noticed]
    units = {unit.code: unit for unit in document.units}
    merchant_name = stores.merchant_name_of(merchant_rows)
    letters = [
        _letter(notice, units.get(notice.unit, document.unit), merchant_name, document.timezone) for notice in given
    ]
    uow.fetch_pipeline(
        [
            ledger.mark_noticed_statement(lot_ids=untold),
            *([repository.insert_statement(uow, notices=given)] if given else []),
            *([outbox.publish_all_statement([(uow, letter) for letter in letters])] if letters else []),
        ]
    )
    return len(untold)


def _letter(notice: ExpiryNotice, unit: PointUnit, merchant_name: str, timezone: str) -> PointsExpiring:
    return PointsExpiring(
        member_id=notice.member_id,
        merchant_name=merchant_name,
        points=notice.points,
        ends_on=notice.ends_on.isoformat(),
        timezone=timezone,
        unit_name_en=unit.name.en,
        unit_name_zh=unit.name.zh,
        unit_scale=unit.scale,
    )
