"""Tiers that are due: reviews, the end of grace, points that begin to count, tiers whose date has passed, notices."""

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from uuid import UUID

import structlog

from services.contracts.events.base import Event
from services.loyalty.ledger import service as ledger
from services.loyalty.members import queries as members
from services.loyalty.members.domain import MemberStatus
from services.loyalty.programs.domain.publishing import ProgramVersion
from services.loyalty.programs.queries import version_in_force
from services.loyalty.stores import queries as stores
from services.loyalty.tiers import queries
from services.loyalty.tiers.domain import ladder_of, settle, tell
from services.loyalty.tiers.service import Counted, ending_letter, letters_of, settle_notices, writing_statements
from services.platform.actors import SYSTEM
from services.platform.db.engine import Database
from services.platform.db.homes import Home
from services.platform.db.session import UnitOfWork, unit_of_work
from services.platform.errands import Errand, Phase, unit_of_row
from services.platform.outbox import service as outbox

REVIEWING = "review_tiers"
TELLING = "notice_tiers"
SETTLING = "take_tier_notices"
MEMBERS_MAX = 500
"""Members of one batch, who are locked together."""

log = structlog.get_logger()

Found = tuple[ProgramVersion | None, Sequence[UUID]]
"""The program in force, and the members of whom something is due."""


def run_due(uow: UnitOfWork, *, limit: int = MEMBERS_MAX) -> int:
    """Decide and write what is due for the members who have waited longest; how many there were, 0 when nobody waits.

    Each is decided at the instants at which it was due. A purchase that comes between decides the same by itself.
    """
    return _decide(uow, *_due(uow, limit=limit))


def _due(uow: UnitOfWork, *, limit: int = MEMBERS_MAX) -> Found:
    version = version_in_force(uow, at=uow.now)
    return version, queries.due_members(uow, ladder_of(version), limit=limit) if version else ()


def _to_be_told(uow: UnitOfWork) -> Found:
    """Those of whom a review will take the tier."""
    version = version_in_force(uow, at=uow.now)
    return version, queries.members_to_tell(uow, limit=MEMBERS_MAX) if version else ()


def _decide(uow: UnitOfWork, version: ProgramVersion | None, found: Sequence[UUID]) -> int:
    if version is None or not found:
        return 0
    ladder = ladder_of(version)
    member_ids = sorted(ledger.lock_holders(uow, holder_ids=found))
    # What is read now is behind the locks.
    read = queries.records_read(uow, member_ids=member_ids)
    merchant_rows, status_rows, *rows = uow.fetch_pipeline(
        [stores.merchant_statement(uow), members.statuses_statement(member_ids=member_ids), *read.statements]
    )
    merchant_name, statuses = stores.merchant_name_of(merchant_rows), members.statuses_of(status_rows)
    counted: list[Counted] = []
    letters: list[Event] = []
    for member_id, record in read.completed(read.records(rows), ladder).items():
        result = settle(ladder, record, now=uow.now)
        letters += letters_of(
            result.changes,
            result.graces,
            member_id=member_id,
            document=version.document,
            merchant_name=merchant_name,
        )
        is_reachable = statuses.get(member_id) is MemberStatus.ACTIVE
        after, notice = tell(ladder, result.record, now=uow.now, is_reachable=is_reachable)
        counted.append(Counted(member_id, record, after, result.changes))
        if notice is not None and is_reachable:
            letters.append(
                ending_letter(
                    notice,
                    after,
                    member_id=member_id,
                    document=version.document,
                    ladder=ladder,
                    merchant_name=merchant_name,
                    now=uow.now,
                )
            )
    statements = writing_statements(uow, ladder, counted)
    if letters:
        statements.append(outbox.publish_all_statement([(uow, letter) for letter in letters]))
    if statements:
        uow.fetch_pipeline(statements)
    return len(counted)


def _run(find: Callable[[UnitOfWork], Found], name: str, database: Database, home: Home, now: datetime) -> int:
    """Do the members who are found together; where that fails, each apart, so that one keeps no other waiting."""
    try:
        with unit_of_work(database, home, now=now, actor=SYSTEM, correlation_id=name) as uow:
            return _decide(uow, *find(uow))
    except Exception as error:  # noqa: BLE001  whosever fault it is, the others are looked at
        log.warning("tiers_one_by_one", errand=name, home=home.schema, error=type(error).__name__)
    with unit_of_work(database, home, now=now, actor=SYSTEM, correlation_id=name) as uow:
        version, found = find(uow)
    done = 0
    for member_id in found:
        with unit_of_row(database, home, now=now, errand=name, row_id=member_id) as uow:
            done += _decide(uow, version, (member_id,))
    return done


def _settle(database: Database, home: Home, now: datetime) -> int:
    with unit_of_work(database, home, now=now, actor=SYSTEM, correlation_id=SETTLING) as uow:
        return settle_notices(uow)


ERRANDS: tuple[Errand, ...] = (
    Errand(REVIEWING, Phase.TIER_REVIEW, next_due=queries.next_due_question, run=partial(_run, _due, REVIEWING)),
    Errand(
        TELLING,
        Phase.NOTICE,
        next_due=lambda _session: queries.next_notice_question(),
        run=partial(_run, _to_be_told, TELLING),
    ),
)
SANDBOX_ERRANDS: tuple[Errand, ...] = (
    Errand(SETTLING, Phase.NOTICE, next_due=lambda _session: queries.next_unsettled_question(), run=_settle),
)
