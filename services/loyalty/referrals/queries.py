"""Codes and referrals by member."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from services.loyalty.referrals import repository
from services.loyalty.referrals.domain import Referral, normalize_code
from services.loyalty.referrals.errors import ReferralCodeUnknown
from services.platform.db.questions import Question, instant_question
from services.platform.db.session import ReadSession
from services.platform.errands import Due, Place, place_values


def referrer_by_code(session: ReadSession, *, code: str) -> UUID:
    """Whose code it is, in whatever case and with whatever spaces and hyphens it was typed.

    Raises:
        ReferralCodeUnknown
    """
    kept = normalize_code(code)
    row = session.fetch_one(repository.BY_CODE, {"code": kept}) if kept else None
    if row is None:
        raise ReferralCodeUnknown
    member_id: UUID = row["member_id"]
    return member_id


def codes_by_members(session: ReadSession, *, member_ids: Collection[UUID]) -> dict[UUID, str]:
    """Members' codes; those that have one."""
    rows = session.fetch_all(repository.CODES, {"ids": list(member_ids)})
    return {row["member_id"]: row["code"] for row in rows}


def referrals_by_friends(session: ReadSession, *, friend_ids: Collection[UUID]) -> dict[UUID, Referral]:
    """Who came by a code, and by whose; those who did."""
    rows = session.fetch_all(repository.BY_FRIENDS, {"ids": list(friend_ids)})
    return {row["friend_id"]: repository.referral_of(row) for row in rows}


def unjudged_referrals(session: ReadSession, after: Place | None, limit: int) -> tuple[Due[Referral], ...]:
    """Referrals that wait to be judged, the longest first."""
    rows = session.fetch_all(repository.UNJUDGED, place_values(after) | {"now": session.now, "limit": limit})
    return tuple(Due((row["changed_at"], row["friend_id"]), repository.referral_of(row)) for row in rows)


def first_unjudged_question() -> Question[datetime | None]:
    """Since when a referral waits to be judged; None where none does."""
    return instant_question(repository.FIRST_UNJUDGED, "changed_at")
