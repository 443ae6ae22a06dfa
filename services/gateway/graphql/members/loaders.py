"""Batches about members."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from services.loyalty.members.domain import Member
from services.loyalty.members.queries import members_question
from services.loyalty.tiers.domain import MemberStanding, TierChangeRecord
from services.loyalty.tiers.queries import changes_by_ids, standings_question
from services.platform.db.questions import Question
from services.platform.db.session import ReadSession


def members_by_key(_session: ReadSession, keys: Sequence[UUID]) -> Question[Mapping[UUID, Member]]:
    """Members by id."""
    return members_question(member_ids=keys)


def standings_by_key(session: ReadSession, keys: Sequence[UUID]) -> Question[Mapping[UUID, MemberStanding]]:
    """Where members stand in the tiers, by member."""
    return standings_question(session, member_ids=keys)


def tier_changes_by_key(session: ReadSession, keys: Sequence[UUID]) -> Mapping[UUID, TierChangeRecord]:
    """Changes of members' tiers, by id."""
    return changes_by_ids(session, change_ids=keys)
