"""Tiers that staff give: by invitation, for money, or because somebody decided so."""

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from services.loyalty.members.domain import MemberRef
from services.loyalty.tiers.domain.course import move_between, scheduled
from services.loyalty.tiers.domain.deciding import level_at, settle
from services.loyalty.tiers.domain.measuring import Ladder
from services.loyalty.tiers.domain.records import ChangeKind, GivenTier, Requalification, TierChange, TierRecord
from services.loyalty.tiers.errors import TierNotGiven
from services.platform.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class SetMemberTier:
    """Give a member a tier, whatever counts, until an instant; None: until it is released."""

    member: MemberRef
    tier_code: str
    reason: str
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class ReleaseMemberTier:
    """End a tier that was given; the earned one shows again."""

    member: MemberRef
    reason: str


def give(ladder: Ladder, record: TierRecord, *, code: str, until: datetime | None, now: datetime) -> Requalification:
    """Lay a tier over the earned one, which goes on beneath. It replaces one that was given before.

    Raises:
        TierNotInProgram
        InvalidInput: the end is not in the future.
    """
    ladder.tiers.level(code)
    if until is not None and until <= now:
        raise InvalidInput(field="until", reason="IN_THE_PAST")
    settled = settle(ladder, record, now=now)
    present = settled.record.given
    if present is not None and (present.code, present.until) == (code, until):
        # It is as it should be already: a repeat.
        return settled
    before = level_at(ladder.tiers, settled.record, at=now).code
    after = replace(settled.record, given=GivenTier(code, now, until))
    return _outcome(ladder, settled, after, (before, code), kind=ChangeKind.GIVEN, now=now)


def release(ladder: Ladder, record: TierRecord, *, member_id: UUID, now: datetime) -> Requalification:
    """Take a given tier away.

    Raises:
        TierNotGiven
    """
    settled = settle(ladder, record, now=now)
    if settled.record.given is None:
        raise TierNotGiven(member_id=member_id)
    before = level_at(ladder.tiers, settled.record, at=now).code
    after = replace(settled.record, given=None)
    shown = level_at(ladder.tiers, after, at=now).code
    return _outcome(ladder, settled, after, (before, shown), kind=ChangeKind.RELEASED, now=now)


def _outcome(
    ladder: Ladder,
    settled: Requalification,
    record: TierRecord,
    codes: tuple[str, str],
    *,
    kind: ChangeKind,
    now: datetime,
) -> Requalification:
    before, after = codes
    change = TierChange(move_between(ladder.tiers, before, after), before, after, kind, now)
    return Requalification(scheduled(ladder, record), change, (*settled.changes, change), settled.graces)
