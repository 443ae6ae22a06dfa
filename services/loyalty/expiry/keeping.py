"""No silent expiry: points whose member was not told in time live on.

Some days before points end it is decided, member by member behind their locks, whether they do. What lives on gets a
later end and is told of anew, so that the next decision is about that one.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from services.loyalty.expiry import repository
from services.loyalty.expiry.domain import ExpiryNotice, OpenNotice, last_day
from services.loyalty.ledger import service as ledger
from services.loyalty.ledger.domain import Lot
from services.loyalty.ledger.domain.book import HolderBook
from services.loyalty.programs.domain import NoSilentLoss, ProgramDocument
from services.loyalty.programs.domain.telling import NoticeOutcome, Verdict, kept_until
from services.loyalty.programs.queries import version_in_force
from services.platform.actors import SYSTEM
from services.platform.db.engine import Database
from services.platform.db.homes import Home
from services.platform.db.questions import Question, instant_question
from services.platform.db.session import Statement, UnitOfWork, read_session, unit_of_work
from services.platform.ids import new_id

NOTICES_PER_RUN = 1_000
MEMBERS_PER_BATCH = 50

_Told = list[tuple[ExpiryNotice, datetime]]


def next_decision_question() -> Question[datetime | None]:
    """When it is next to be decided whether points end; in the past where that waits."""
    return instant_question(repository.NEXT_DECISION, "due_at")


def next_unsettled_question() -> Question[datetime | None]:
    """When the first notice was given of which nothing is known, and with which points may live on."""
    return instant_question(repository.NEXT_UNSETTLED, "due_at")


def take_notices(database: Database, home: Home, now: datetime) -> int:
    """Take every notice, as a channel does that is always there: in a sandbox no channel keeps up with the clock."""
    with unit_of_work(database, home, now=now, actor=SYSTEM, correlation_id="expiry-notices") as uow:
        return repository.settle_all(uow)


def decide_ends(database: Database, home: Home, now: datetime) -> int:
    """Decide whether points end whose day has come near, some of them; of how many notices."""
    with read_session(database, home, now=now) as session:
        version = version_in_force(session, at=now)
        member_ids = repository.undecided_members(session, limit=NOTICES_PER_RUN)
    if version is None:
        return 0
    done = 0
    for at in range(0, len(member_ids), MEMBERS_PER_BATCH):
        with unit_of_work(database, home, now=now, actor=SYSTEM, correlation_id="expiry-decisions") as uow:
            done += _decide(uow, version.document, member_ids[at : at + MEMBERS_PER_BATCH])
    return done


def _decide(uow: UnitOfWork, document: ProgramDocument, member_ids: Sequence[UUID]) -> int:
    *rows, open_rows = uow.fetch_pipeline(
        [
            *ledger.reading_statements(uow, holder_ids=member_ids, every_lot=True),
            repository.open_statement(uow, member_ids=member_ids),
        ]
    )
    books = {id_: ledger.open_book(uow, stored=stored) for id_, stored in ledger.stored_by_holder(rows).items()}
    open_notices = repository.open_of(open_rows)
    verdicts: dict[UUID, Verdict | None] = {}
    told: _Told = []
    for notice in open_notices:
        verdicts[notice.id] = _verdict(uow, document, books[notice.member_id], notice, told)
    noticed = [lot.id for notice, _ in told for lot in _lots_on(books[notice.member_id], document, notice)]
    statements: list[Statement] = ledger.writing_statements(books.values())
    if noticed:
        statements += [
            ledger.mark_noticed_statement(lot_ids=noticed),
            repository.insert_told_statement(uow, told=told),
        ]
    if verdicts:
        statements.append(repository.decide_statement(verdicts))
    if statements:
        uow.fetch_pipeline(statements)
    return len(verdicts)


def _verdict(
    uow: UnitOfWork, document: ProgramDocument, book: HolderBook, notice: OpenNotice, told: _Told
) -> Verdict | None:
    """Decide of one notice; what lives on is moved, and added to ``told`` where its member need not be told again."""
    policies, zone = document.policies, ZoneInfo(document.timezone)
    if policies.no_silent_expiry is NoSilentLoss.OFF:
        return None
    if notice.outcome is NoticeOutcome.UNREACHABLE:
        return Verdict.UNREACHABLE
    later: dict[datetime, list[Lot]] = {}
    is_given_up = False
    for lot in _lots_on(book, document, notice):
        assert lot.expires_at is not None, "it ends on a day"
        until = kept_until(
            lot.expires_at,
            first_end=lot.deferred_from or lot.expires_at,
            notice=notice,
            now=uow.now,
            days=policies.expiry_notice_days,
            zone=zone,
        )
        if until > lot.expires_at:
            later.setdefault(until, []).append(lot)
        elif notice.outcome is None:
            is_given_up = True
    if later and policies.no_silent_expiry is NoSilentLoss.REPORT:
        return Verdict.WOULD_KEEP
    for until, lots in later.items():
        book.defer([lot.id for lot in lots], until)
        if notice.settled_at is not None:
            points = sum(lot.remaining + lot.held for lot in lots)
            again = ExpiryNotice(notice.member_id, notice.unit, last_day(until, zone), points, new_id())
            told.append((again, notice.settled_at))
    if later:
        return Verdict.KEPT
    return Verdict.GIVEN_UP if is_given_up else Verdict.IN_TIME


def _lots_on(book: HolderBook, document: ProgramDocument, notice: OpenNotice | ExpiryNotice) -> list[Lot]:
    """The lots that a notice is about."""
    zone = ZoneInfo(document.timezone)
    return [
        lot
        for lot in book.lots.values()
        if lot.unit == notice.unit
        and lot.remaining + lot.held > 0
        and lot.expires_at is not None
        and last_day(lot.expires_at, zone) == notice.ends_on
    ]
