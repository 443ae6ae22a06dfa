"""Where members stand, stood and are going."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from psycopg.rows import DictRow

from services.loyalty.ledger import queries as ledger
from services.loyalty.members import queries as members
from services.loyalty.programs.domain import QualificationPeriod, TierMetric
from services.loyalty.programs.domain.publishing import ProgramVersion
from services.loyalty.programs.queries import (
    in_force,
    presumed_version,
    presumed_wrongly,
    version_in_force,
    versions_read,
)
from services.loyalty.tiers import repository
from services.loyalty.tiers.domain import (
    Ladder,
    MemberStanding,
    TierChangeRecord,
    TierRecord,
    TierSpared,
    ladder_of,
    level_at,
    reading_from,
    settle,
    standing_of,
)
from services.platform.db.questions import Question, instant_question
from services.platform.db.session import ReadSession, Statement

EARLIEST = date.min
ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class RecordsRead:
    """A read of members' records, for a pipeline: its statements, and what makes records of their rows.

    Which amounts are needed hangs on the program in force. It is presumed to be the one that this process has seen
    last; `completed` reads again where it is another by now.
    """

    statements: list[Statement]
    presumed: Ladder | None
    is_whole: bool
    _version: ProgramVersion | None
    _session: ReadSession
    _member_ids: tuple[UUID, ...]
    _instants: tuple[datetime, ...]

    def records(self, rows: Sequence[list[DictRow]]) -> dict[UUID, TierRecord]:
        """Records by member; blank ones of those for whom nothing has counted."""
        record_rows, amount_rows, *more = rows
        amounts: dict[UUID, list[DictRow]] = {}
        for row in amount_rows:
            amounts.setdefault(row["member_id"], []).append(row)
        stored = {row["member_id"]: row for row in record_rows}
        enrolled: dict[UUID, datetime] = {}
        balances: dict[UUID, int] = {}
        notices: dict[UUID, list[DictRow]] = {}
        if _looks_at_enrollment(self.presumed):
            enrolled = {key: each.enrolled_at for key, each in members.earners_of(more.pop(0)).items()}
        if _looks_at_notices(self.presumed):
            for row in more.pop(0):
                notices.setdefault(row["member_id"], []).append(row)
        if self.presumed is not None and _looks_at_balance(self.presumed):
            balances = self._balances(self.presumed, more)
        return {
            member_id: repository.record_of(
                stored[member_id],
                amounts=amounts.get(member_id, ()),
                enrolled_at=enrolled.get(member_id),
                balance=balances.get(member_id, 0),
                notices=notices.get(member_id, ()),
            )
            if member_id in stored
            else TierRecord(enrolled_at=enrolled.get(member_id), balance=balances.get(member_id, 0))
            for member_id in self._member_ids
        }

    def completed(self, records: dict[UUID, TierRecord], ladder: Ladder) -> dict[UUID, TierRecord]:
        """The same records for the ladder that is in force; one trip more where it was not the presumed one."""
        if self.presumed is not None and self.presumed.mark == ladder.mark:
            return records
        if self.presumed is None and not (_looks_at_balance(ladder) or _looks_at_notices(ladder)):
            # Where no program was known all amounts were read.
            return records
        if self._version is not None:
            presumed_wrongly(self._session, self._version)
        again = _records_read(self._session, self._member_ids, self._instants, ladder, is_whole=self.is_whole)
        return again.records(self._session.fetch_pipeline(again.statements))

    def _balances(self, ladder: Ladder, rows: Sequence[list[DictRow]]) -> dict[UUID, int]:
        balance_rows, lot_rows = rows
        held = ledger.balances_of(self._session, balances=balance_rows, due_lots=lot_rows)
        return {
            member_id: sum(balance.available for balance in balances if balance.unit == ladder.unit)
            for member_id, balances in held.items()
        }


def records_read(
    session: ReadSession,
    *,
    member_ids: Collection[UUID],
    instants: Collection[datetime] = (),
    is_whole: bool = False,
) -> RecordsRead:
    """Read what is kept of members. ``instants`` are those at which what is to be counted happened.

    ``is_whole`` reads every amount there ever was, as taking something back needs. Under a lock, when it decides.
    """
    presumed = presumed_version(session)
    ladder = ladder_of(presumed) if presumed else None
    read = _records_read(session, tuple(member_ids), tuple(instants), ladder, is_whole=is_whole)
    return replace(read, _version=presumed)


def _records_read(
    session: ReadSession,
    member_ids: tuple[UUID, ...],
    instants: tuple[datetime, ...],
    ladder: Ladder | None,
    *,
    is_whole: bool,
) -> RecordsRead:
    values: dict[str, Any] = {"ids": list(member_ids), "since": None, "adopted": None, "ladder": ""}
    statements = [Statement(repository.READ, values)]
    if ladder is not None:
        # A day of the program's zone may have begun a day earlier or later than that of the instant.
        since = min([reading_from(ladder, session.now), *(ladder.day(instant) - ONE_DAY for instant in instants)])
        is_late = bool(instants) and ladder.day(min(instants)) < ladder.day(session.now) and not ladder.is_lifetime
        adopted = reading_from(ladder, min(session.now, ladder.in_force_from))
        values |= {
            "since": EARLIEST if is_whole or is_late else since,
            "adopted": None if ladder.is_lifetime else adopted,
            "ladder": ladder.mark,
        }
    else:
        # Nothing of this program is known here yet: all that it may look at.
        values["since"] = EARLIEST
    statements.append(Statement(repository.AMOUNTS, values))
    if _looks_at_enrollment(ladder):
        statements.append(members.earners_statement(member_ids=member_ids))
    if _looks_at_notices(ladder):
        statements.append(Statement(repository.NOTICES, values))
    if _looks_at_balance(ladder):
        statements += ledger.balances_statements(session, holder_ids=member_ids)
    return RecordsRead(statements, ladder, is_whole, None, session, member_ids, instants)


def _looks_at_enrollment(ladder: Ladder | None) -> bool:
    return ladder is None or ladder.tiers.period is QualificationPeriod.ANNIVERSARY


def _looks_at_balance(ladder: Ladder | None) -> bool:
    return ladder is not None and ladder.tiers.metric is TierMetric.BALANCE


def _looks_at_notices(ladder: Ladder | None) -> bool:
    return ladder is not None and ladder.telling is not None


def record_read(session: ReadSession, *, member_id: UUID, is_whole: bool = False) -> RecordsRead:
    """`records_read` of one member."""
    return records_read(session, member_ids=(member_id,), is_whole=is_whole)


def standings_question(session: ReadSession, *, member_ids: Collection[UUID]) -> Question[dict[UUID, MemberStanding]]:
    """Asks for standings by member, also of those for whom nothing has counted; none before the first program.

    In the one read in which a process learns of a new program, progress is told by the amounts that the old one
    looked at.
    """
    versions = versions_read(session, instants=(session.now,))
    read = records_read(session, member_ids=member_ids)

    def answer(rows: Sequence[list[DictRow]]) -> dict[UUID, MemberStanding]:
        version = in_force(versions.versions(rows[0]), at=session.now)
        if version is None:
            return {}
        ladder = ladder_of(version)
        return {
            member_id: standing_of(version.document, ladder, record, member_id=member_id, now=session.now)
            for member_id, record in read.records(rows[1:]).items()
        }

    return Question([versions.statement, *read.statements], answer)


def history_page(
    session: ReadSession, *, member_id: UUID, limit: int, after_id: UUID | None = None
) -> tuple[TierChangeRecord, ...]:
    """A member's changes of tier, latest first."""
    values = {"member_id": member_id, "after": after_id, "limit": limit}
    return tuple(repository.change_of(row) for row in session.fetch_all(repository.HISTORY, values))


def changes_by_ids(session: ReadSession, *, change_ids: Collection[UUID]) -> dict[UUID, TierChangeRecord]:
    """Changes of tier by id; those that exist."""
    rows = session.fetch_all(repository.CHANGES_BY_IDS, {"ids": list(change_ids)})
    return {row["id"]: repository.change_of(row) for row in rows}


def tier_as_of(session: ReadSession, *, member_id: UUID, at: datetime) -> str | None:
    """The code of the tier that a member held at an instant, inclusive; None before the first program.

    What was due by now is decided, whether or not it is written down yet. A tier of which no change tells (held since
    before changes were written down) is the one held now.
    """
    version = version_in_force(session, at=session.now)
    if version is None:
        return None
    read = record_read(session, member_id=member_id)
    values = {"member_id": member_id, "at": at}
    change_rows, *rows = session.fetch_pipeline([Statement(repository.AS_OF, values), *read.statements])
    ladder = ladder_of(version)
    records = read.completed(read.records(rows), ladder)
    result = settle(ladder, records[member_id], now=session.now)
    unwritten = [change for change in result.changes if change.at is not None]
    past = [change.to_code for change in unwritten if change.at and change.at <= at]
    if past:
        return past[-1]
    if change_rows:
        known: str = next((row["code"] for row in change_rows if row["at"] is not None), change_rows[0]["code"])
        return known
    if unwritten:
        return unwritten[0].from_code
    return level_at(ladder.tiers, result.record, at=session.now).code


def next_due_question(session: ReadSession) -> Question[datetime | None]:
    """The earliest instant at which a member's tier is to be decided; now, while any was decided by other rules."""
    read = versions_read(session, instants=(session.now,))

    def answer(rows: Sequence[list[DictRow]]) -> datetime | None:
        version_rows, (due,), (ladders,) = rows
        version = in_force(read.versions(version_rows), at=session.now)
        if version is None:
            return None
        ladder = ladder_of(version)
        others = {ladders["first"], ladders["last"]} - {None, ladder.mark}
        if ladder.has_reviews and (others or ladders["has_undecided"]):
            return session.now
        next_at: datetime | None = due["next_at"]
        return next_at

    return Question([read.statement, Statement(repository.FIRST_DUE), Statement(repository.LADDERS)], answer)


def next_notice_question() -> Question[datetime | None]:
    """When the next member is to be told that a review will take the tier."""
    return instant_question(repository.NEXT_NOTICE, "due_at")


def next_unsettled_question() -> Question[datetime | None]:
    """When the first notice was given of which nothing is known."""
    return instant_question(repository.NEXT_UNSETTLED, "due_at")


def members_to_tell(session: ReadSession, *, limit: int) -> tuple[UUID, ...]:
    """Members who are to be told by now that a review will take their tier."""
    rows = session.fetch_all(repository.TO_BE_TOLD, {"now": session.now, "limit": limit})
    return tuple(row["member_id"] for row in rows)


def tiers_spared(session: ReadSession, *, since: datetime, until: datetime) -> tuple[TierSpared, ...]:
    """What came of notices by tier, where reviews would have taken it from ``since`` until just before ``until``."""
    rows = session.fetch_all(repository.SPARED, {"since": since, "until": until})
    return tuple(TierSpared(row["tier_code"], row["kept"], row["not_reached"]) for row in rows)


def due_members(session: ReadSession, ladder: Ladder, *, limit: int) -> tuple[UUID, ...]:
    """Members whose tier is to be decided now, those whom other rules have decided last."""
    rows = session.fetch_all(repository.DUE, {"now": session.now, "limit": limit})
    if not rows and ladder.has_reviews:
        rows = session.fetch_all(repository.OTHERS, {"ladder": ladder.mark, "limit": limit})
    return tuple(row["member_id"] for row in rows)
