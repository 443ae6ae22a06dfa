"""Where members stand."""

from collections.abc import Collection, Sequence
from uuid import UUID

from psycopg.rows import DictRow

from services.loyalty.programs.domain import TierSet
from services.loyalty.programs.queries import in_force, versions_read
from services.loyalty.tiers import repository
from services.loyalty.tiers.domain import MemberStanding, TierRecord, level_held, progress
from services.platform.db.questions import Question
from services.platform.db.session import ReadSession, Statement


def records_statement(*, member_ids: Collection[UUID]) -> Statement:
    """The statement whose rows `records_of` reads."""
    return Statement(repository.READ, {"ids": list(member_ids)})


def records_of(rows: Sequence[DictRow]) -> dict[UUID, TierRecord]:
    """Records by member; those for whom something has counted."""
    return {row["member_id"]: repository.record_of(row) for row in rows}


def record_statement(*, member_id: UUID) -> Statement:
    """The statement whose rows `record_of` reads."""
    return records_statement(member_ids=(member_id,))


def record_of(rows: Sequence[DictRow]) -> TierRecord:
    """The member's record; a blank one before anything has counted."""
    return repository.record_of(rows[0]) if rows else TierRecord()


def standings_question(session: ReadSession, *, member_ids: Collection[UUID]) -> Question[dict[UUID, MemberStanding]]:
    """Asks for standings by member, also of those for whom nothing has counted; none before the first program."""
    read = versions_read(session, instants=(session.now,))

    def answer(rows: Sequence[list[DictRow]]) -> dict[UUID, MemberStanding]:
        version = in_force(read.versions(rows[0]), at=session.now)
        if version is None:
            return {}
        records = records_of(rows[1])
        return {
            member_id: _standing(version.document.tiers, member_id, records.get(member_id, TierRecord()))
            for member_id in member_ids
        }

    return Question([read.statement, records_statement(member_ids=member_ids)], answer)


def _standing(tiers: TierSet, member_id: UUID, record: TierRecord) -> MemberStanding:
    return MemberStanding(
        member_id=member_id,
        level=level_held(tiers, record),
        since=record.since,
        points_earned=record.points_earned,
        spend_minor=record.spend_minor,
        progress=progress(tiers.levels, record.qualifying(tiers.metric)),
    )
