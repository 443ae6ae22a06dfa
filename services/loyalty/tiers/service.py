"""Counting what qualifies."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from psycopg.types.json import Jsonb

from services.contracts.events.loyalty import TierChanged
from services.loyalty.tiers import repository
from services.loyalty.tiers.domain import Requalification, TierChange, TierRecord
from services.platform.db.session import Statement, UnitOfWork
from services.platform.outbox import service as outbox


@dataclass(frozen=True, slots=True)
class Counted:
    """What has become of a member's record."""

    member_id: UUID
    before: TierRecord
    after: TierRecord


def count_statements(counted: Iterable[Counted]) -> list[Statement]:
    """What writes the new records of members, each named once; nothing when nothing counted."""
    rows = [
        {
            "member_id": one.member_id,
            "tier_code": one.after.tier_code,
            "points_earned": one.after.points_earned - one.before.points_earned,
            "spend_minor": one.after.spend_minor - one.before.spend_minor,
            "since": one.after.since,
        }
        for one in counted
        if one.after != one.before
    ]
    return [Statement(repository.COUNT, {"rows": Jsonb(rows)})] if rows else []


def letter_of(change: TierChange, *, member_id: UUID) -> TierChanged:
    """What tells of a change of tier."""
    return TierChanged(member_id=member_id, from_tier=change.from_code, to_tier=change.to_code)


def requalify_statements(
    uow: UnitOfWork, *, member_id: UUID, before: TierRecord, requalification: Requalification
) -> list[Statement]:
    """What writes a member's new record, and tells of a change of tier; nothing when nothing counted."""
    statements = count_statements((Counted(member_id, before, requalification.record),))
    if statements and requalification.change is not None:
        statements.append(outbox.publish_statement(uow, letter_of(requalification.change, member_id=member_id)))
    return statements
