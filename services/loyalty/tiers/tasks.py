"""Tiers that are due: reviews, the end of grace, points that begin to count, tiers whose date has passed."""

from datetime import datetime
from functools import partial

from services.loyalty.ledger import service as ledger
from services.loyalty.programs.queries import version_in_force
from services.loyalty.stores import queries as stores
from services.loyalty.tiers import queries
from services.loyalty.tiers.domain import ladder_of, settle
from services.loyalty.tiers.service import Counted, letters_of, writing_statements
from services.platform.actors import SYSTEM
from services.platform.db.engine import Database
from services.platform.db.homes import Home
from services.platform.db.session import UnitOfWork, unit_of_work
from services.platform.errands import Errand, Phase
from services.platform.outbox import service as outbox

NAME = "review_tiers"
MEMBERS_MAX = 500
"""Members of one batch, who are locked together."""


def run_due(uow: UnitOfWork, *, limit: int = MEMBERS_MAX) -> int:
    """Decide and write what is due for the members who have waited longest; how many there were, 0 when nobody waits.

    Each is decided at the instants at which it was due. A purchase that comes between decides the same by itself.
    """
    version = version_in_force(uow, at=uow.now)
    if version is None:
        return 0
    ladder = ladder_of(version)
    found = queries.due_members(uow, ladder, limit=limit)
    if not found:
        return 0
    member_ids = sorted(ledger.lock_holders(uow, holder_ids=found))
    # What is read now is behind the locks.
    read = queries.records_read(uow, member_ids=member_ids)
    merchant_rows, *rows = uow.fetch_pipeline([stores.merchant_statement(uow), *read.statements])
    merchant_name = stores.merchant_name_of(merchant_rows)
    counted: list[Counted] = []
    letters = []
    for member_id, record in read.completed(read.records(rows), ladder).items():
        result = settle(ladder, record, now=uow.now)
        counted.append(Counted(member_id, record, result.record, result.changes))
        letters += letters_of(
            result.changes,
            result.graces,
            member_id=member_id,
            document=version.document,
            merchant_name=merchant_name,
        )
    statements = writing_statements(uow, ladder, counted)
    if letters:
        statements.append(outbox.publish_all_statement([(uow, letter) for letter in letters]))
    uow.fetch_pipeline(statements)
    return len(counted)


def _run(limit: int, database: Database, home: Home, now: datetime) -> int:
    with unit_of_work(database, home, now=now, actor=SYSTEM, correlation_id=NAME) as uow:
        return run_due(uow, limit=limit)


ERRANDS: tuple[Errand, ...] = (
    Errand(NAME, Phase.TIER_REVIEW, next_due=queries.next_due_question, run=partial(_run, MEMBERS_MAX)),
)
