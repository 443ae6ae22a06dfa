"""Where members stand."""

from collections.abc import Collection, Sequence
from uuid import UUID

from psycopg.rows import DictRow

from services.loyalty.programs.queries import version_in_force
from services.loyalty.tiers import repository
from services.loyalty.tiers.domain import MemberStanding, TierRecord, level_held, progress
from services.platform.db.session import ReadSession, Statement


def record_statement(*, member_id: UUID) -> Statement:
    """The statement whose rows `record_of` reads."""
    return Statement(repository.READ, {"ids": [member_id]})


def record_of(rows: Sequence[DictRow]) -> TierRecord:
    """The member's record; a blank one before anything has counted."""
    return repository.record_of(rows[0]) if rows else TierRecord()


def standings(session: ReadSession, *, member_ids: Collection[UUID]) -> dict[UUID, MemberStanding]:
    """Standings by member, also of those for whom nothing has counted; none at all before the first program."""
    version = version_in_force(session, at=session.now)
    if version is None:
        return {}
    tiers = version.document.tiers
    rows = session.fetch_all(repository.READ, {"ids": list(member_ids)})
    records = {row["member_id"]: repository.record_of(row) for row in rows}
    found: dict[UUID, MemberStanding] = {}
    for member_id in member_ids:
        record = records.get(member_id, TierRecord())
        found[member_id] = MemberStanding(
            member_id=member_id,
            level=level_held(tiers, record),
            since=record.since,
            points_earned=record.points_earned,
            spend_minor=record.spend_minor,
            progress=progress(tiers.levels, record.qualifying(tiers.metric)),
        )
    return found
