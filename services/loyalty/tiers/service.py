"""Counting what qualifies."""

from uuid import UUID

from services.contracts.events.loyalty import TierChanged
from services.loyalty.tiers import repository
from services.loyalty.tiers.domain import Requalification, TierRecord
from services.platform.db.session import Statement, UnitOfWork
from services.platform.outbox import service as outbox


def requalify_statements(
    uow: UnitOfWork, *, member_id: UUID, before: TierRecord, requalification: Requalification
) -> list[Statement]:
    """What writes a member's new record, and tells of a change of tier; nothing when nothing counted."""
    after = requalification.record
    if after == before:
        return []
    values = {
        "member_id": member_id,
        "tier_code": after.tier_code,
        "points_earned": after.points_earned - before.points_earned,
        "spend_minor": after.spend_minor - before.spend_minor,
        "since": after.since,
    }
    statements = [Statement(repository.COUNT, values)]
    change = requalification.change
    if change is not None:
        letter = TierChanged(member_id=member_id, from_tier=change.from_code, to_tier=change.to_code)
        statements.append(outbox.publish_statement(uow, letter))
    return statements
