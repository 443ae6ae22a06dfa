"""No silent downgrade: a tier that a review would take is kept until its member was told in time.

Whether that is so is asked at the instant at which the tier would be lost, of what was known of the notice then: the
answer is the same whoever asks, and when. What is kept is kept as in a time of grace.
"""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from services.loyalty.programs.domain.policies import NoSilentLoss
from services.loyalty.programs.domain.telling import EXTENSION_MAX, NoticeOutcome, Verdict, kept_until
from services.loyalty.tiers.domain.measuring import Ladder
from services.loyalty.tiers.domain.periods import has_terms
from services.loyalty.tiers.domain.records import TierNotice, TierRecord


def notice_about(ladder: Ladder, record: TierRecord, at: datetime) -> TierNotice | None:
    """The notice about losing the earned tier at an instant: that of the review, or of the time kept that ends then.

    Where the day of the loss moves with every purchase, as when looking back, a notice that was not needed on its day
    is good for `EXTENSION_MAX` more: who is always close to the edge is not written to all the time.
    """
    mine = [notice for notice in record.notices if notice.tier_code == record.tier_code]
    kept = next((notice for notice in mine if notice.kept_until == at), None)
    if kept is not None:
        return kept
    open_ones = [notice for notice in mine if notice.due_at is None]
    if has_terms(ladder.tiers):
        return next((notice for notice in open_ones if notice.loses_at == at), None)
    near = [notice for notice in open_ones if abs(notice.loses_at - at) <= EXTENSION_MAX]
    return max(near, key=lambda notice: notice.loses_at, default=None)


def spared(ladder: Ladder, record: TierRecord, at: datetime) -> tuple[datetime, TierRecord]:
    """Until when the earned tier is kept that would be lost at an instant (then: not at all), and what was decided."""
    telling = ladder.telling
    if telling is None or telling.policy is NoSilentLoss.OFF or record.given is not None:
        # Under a tier that was given, the earned one is lost unseen.
        return at, record
    assert record.tier_code is not None, "a tier that is lost was held"
    stored = notice_about(ladder, record, at) or TierNotice(record.tier_code, at)
    notice, due_at = stored.as_of(at), stored.due_at or at
    until = kept_until(at, first_end=due_at, notice=notice, now=at, days=telling.days, zone=ladder.zone)
    is_kept = until > at and telling.policy is NoSilentLoss.ON
    if notice.outcome is NoticeOutcome.UNREACHABLE:
        verdict = Verdict.UNREACHABLE
    elif until > at:
        verdict = Verdict.KEPT if is_kept else Verdict.WOULD_KEEP
    else:
        verdict = Verdict.GIVEN_UP if notice.outcome is None else stored.verdict or Verdict.IN_TIME
    end = until if is_kept else at
    decided = replace(stored, due_at=due_at, kept_until=end if is_kept else stored.kept_until, verdict=verdict)
    return end, with_notice(record, decided)


def was_spared(record: TierRecord, at: datetime) -> datetime:
    """As `spared`, by what was decided of that loss in its time; a loss of which nothing is known is not put off."""
    known = (each for each in record.notices if (each.tier_code, each.due_at) == (record.tier_code, at))
    return max((each.kept_until for each in known if each.kept_until is not None), default=at)


def is_told(ladder: Ladder, record: TierRecord, at: datetime) -> bool:
    """Whether the member need not be told (again) that the earned tier is lost at an instant."""
    notice = notice_about(ladder, record, at)
    if notice is None or notice.told_of is None:
        return False
    return notice.outcome is not None or notice.kept_until is None or notice.told_of >= at


def told(
    ladder: Ladder, record: TierRecord, at: datetime, *, notice_id: UUID, now: datetime, is_reachable: bool
) -> tuple[TierRecord, TierNotice]:
    """The record of a member who is told now that the earned tier is lost at an instant, and the notice.

    A tier that was kept is told of under the id of its first notice.
    """
    assert record.tier_code is not None, "who is told of a tier has one"
    notice = notice_about(ladder, record, at) or TierNotice(record.tier_code, at)
    notice = replace(notice, id=notice.id or notice_id, told_of=at, told_at=now)
    if not is_reachable and notice.outcome is None:
        notice = replace(notice, outcome=NoticeOutcome.UNREACHABLE, settled_at=now)
    return with_notice(record, notice), notice


def with_notice(record: TierRecord, notice: TierNotice) -> TierRecord:
    """The record with a notice, in place of what was known of it."""
    key = notice.tier_code, notice.loses_at
    others = [each for each in record.notices if (each.tier_code, each.loses_at) != key]
    return replace(record, notices=(*others, notice))
