"""The night work of the ledger: what is due is settled and members are told of ends, batch by batch.

A batch is a short transaction over few lots, so that a purchase of one of their holders waits for it little longer than
for another purchase; whoever is busy with a purchase is left for the end. Whatever ran before, ran twice or runs
beside it: each looks behind the holders' locks what is due.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from psycopg.rows import DictRow

from services.contracts.events.loyalty import PointsExpiring
from services.loyalty.expiry import repository
from services.loyalty.expiry.domain import (
    ExpiryNotice,
    days_told_before,
    decision_at,
    horizon,
    notices,
    to_give,
    to_reopen,
)
from services.loyalty.ledger import queries as ledger_queries
from services.loyalty.ledger import service as ledger
from services.loyalty.ledger.domain.settling import EVERY_STEP, GAINS, Step
from services.loyalty.members import queries as members
from services.loyalty.members.domain import MemberStatus
from services.loyalty.programs.domain import NoSilentLoss, PointUnit
from services.loyalty.programs.domain.publishing import ProgramVersion
from services.loyalty.programs.domain.telling import NoticeOutcome
from services.loyalty.programs.queries import in_force, version_in_force, versions_read
from services.loyalty.stores import queries as stores
from services.platform.actors import SYSTEM
from services.platform.db.engine import Database
from services.platform.db.homes import Home
from services.platform.db.questions import Question
from services.platform.db.session import ReadSession, Statement, UnitOfWork, read_session, unit_of_work
from services.platform.outbox import service as outbox

LOTS_PER_RUN = 2_000
LOTS_PER_BATCH = 200
"""Settled in one transaction, which takes some tens of milliseconds; a holder's lots are settled together."""
HOLDERS_PER_BATCH = 50
"""Told of ends in one transaction."""
ROUNDS_MAX = 50
"""Pages in one run that others settle before it comes to them."""

HoldersDue = Callable[[ReadSession], Mapping[UUID, int]]
"""How many lots are due of which holders."""


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


def next_notice_question(session: ReadSession) -> Question[datetime | None]:
    """When the next member is to be told of an end; None where nobody is, or the program says never."""
    read, ends = versions_read(session, instants=(session.now,)), ledger_queries.next_unnoticed_question()

    def answer(rows: Sequence[list[DictRow]]) -> datetime | None:
        version_rows, *end_rows = rows
        version = in_force(read.versions(version_rows), at=session.now)
        days = days_told_before(version.document.policies) if version else 0
        ends_at = ends.answer(end_rows)
        return ends_at - timedelta(days=days) if days and ends_at is not None else None

    return Question([read.statement, *ends.statements], answer)


def give_notices(database: Database, home: Home, now: datetime) -> int:
    """Tell members of ends that have come near, some of them; how many lots that was about."""
    done = 0
    with read_session(database, home, now=now) as session:
        version = version_in_force(session, at=now)
        days = days_told_before(version.document.policies) if version else 0
        if version is None or not days:
            return 0
        until = now + timedelta(days=days)
        holder_ids = ledger_queries.unnoticed_holders(session, until=until, limit=LOTS_PER_RUN)
    for batch in _batches(holder_ids):
        with _working(database, home, now, "notices") as uow:
            done += _notice(uow, version, batch)
    return done


def settle_notice(uow: UnitOfWork, *, notice_id: UUID, outcome: str) -> None:
    """Note what became of a notice, as of now; what was noted first stands."""
    repository.settle_notice(uow, notice_id=notice_id, outcome=NoticeOutcome(outcome))


def _settle(database: Database, home: Home, now: datetime, *, steps: frozenset[Step], due: HoldersDue) -> int:
    done = 0
    for _round in range(ROUNDS_MAX):
        with read_session(database, home, now=now) as session:
            lots = due(session)
        busy: dict[UUID, int] = {}
        for batch in batches(lots):
            with _working(database, home, now, "settling") as uow:
                settled = ledger.settle_holders(uow, holder_ids=batch, steps=steps, waits=False, is_last=True)
            done += settled.entries
            busy |= {holder_id: lots[holder_id] for holder_id in settled.busy}
        for batch in batches(busy):
            with _working(database, home, now, "settling") as uow:
                done += ledger.settle_holders(uow, holder_ids=batch, steps=steps, is_last=True).entries
        if done or not lots:
            break
    return done


def batches(lots: Mapping[UUID, int]) -> Iterator[Sequence[UUID]]:
    """Holders in batches of ``LOTS_PER_BATCH`` lots; one who has more is a batch alone."""
    batch: list[UUID] = []
    count = 0
    for holder_id, due in lots.items():
        if batch and count + due > LOTS_PER_BATCH:
            yield batch
            batch, count = [], 0
        batch.append(holder_id)
        count += due
    if batch:
        yield batch


def _batches(holder_ids: Sequence[UUID]) -> list[Sequence[UUID]]:
    return [holder_ids[at : at + HOLDERS_PER_BATCH] for at in range(0, len(holder_ids), HOLDERS_PER_BATCH)]


def _working(database: Database, home: Home, now: datetime, what: str) -> AbstractContextManager[UnitOfWork]:
    return unit_of_work(database, home, now=now, actor=SYSTEM, correlation_id=f"expiry-{what}")


def _notice(uow: UnitOfWork, version: ProgramVersion, holder_ids: Sequence[UUID]) -> int:
    """Tell holders, once they are locked, of all that ends of theirs in sight."""
    document = version.document
    zone = ZoneInfo(document.timezone)
    until = horizon(uow.now, days=days_told_before(document.policies), zone=zone)
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
    is_decided = document.policies.no_silent_expiry is not NoSilentLoss.OFF
    before = repository.given_of(given_rows)
    given = to_give(found, given=before, active=active)
    reopened = to_reopen(found, given=before, active=active) if is_decided else []
    untold = [lot.id for lot in lots if not lot.is_noticed]
    units = {unit.code: unit for unit in document.units}
    merchant_name = stores.merchant_name_of(merchant_rows)
    letters = [
        _letter(notice, units.get(notice.unit, document.unit), merchant_name, document.timezone) for notice in given
    ]
    uow.fetch_pipeline(
        [
            ledger.mark_noticed_statement(lot_ids=untold),
            *([_inserting(uow, given, zone if is_decided else None)] if given else []),
            *([repository.reopen_statement(uow, notices=reopened)] if reopened else []),
            *([outbox.publish_all_statement([(uow, letter) for letter in letters])] if letters else []),
        ]
    )
    return len(untold)


def _inserting(uow: UnitOfWork, given: Sequence[ExpiryNotice], zone: ZoneInfo | None) -> Statement:
    """Stores notices that are given; with a zone it is decided by what becomes of them whether points end."""
    return repository.insert_statement(
        uow, notices=given, decides_at=lambda ends_on: None if zone is None else decision_at(ends_on, zone)
    )


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
        notice_id=notice.id,
    )
