"""Batches about activities."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from services.loyalty.activities import queries
from services.loyalty.activities.domain import Activity, Share
from services.loyalty.referrals.queries import codes_by_members
from services.platform.db.session import ReadSession


def activities_by_key(session: ReadSession, keys: Sequence[UUID]) -> Mapping[UUID, Activity]:
    """Activities by id."""
    return queries.activities_by_ids(session, activity_ids=keys)


def shares_by_key(session: ReadSession, keys: Sequence[UUID]) -> Mapping[UUID, Share]:
    """Shares by id."""
    return queries.shares_by_ids(session, share_ids=keys)


def referral_codes_by_key(session: ReadSession, keys: Sequence[UUID]) -> Mapping[UUID, str]:
    """Members' codes, by member."""
    return codes_by_members(session, member_ids=keys)
