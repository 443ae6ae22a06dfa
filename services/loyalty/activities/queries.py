"""What members did, and what they shared."""

from collections.abc import Collection
from uuid import UUID

from services.loyalty.activities import repository
from services.loyalty.activities.domain import Activity, Share
from services.platform.db.session import ReadSession


def activities_by_ids(session: ReadSession, *, activity_ids: Collection[UUID]) -> dict[UUID, Activity]:
    """Activities by id; those that exist."""
    rows = session.fetch_all(repository.BY_IDS, {"ids": list(activity_ids)})
    return {row["id"]: repository.activity_of(row) for row in rows}


def activity_by_external_id(session: ReadSession, *, source: str, external_id: str) -> Activity | None:
    """The activity that a source calls so, or None."""
    row = session.fetch_one(repository.BY_EXTERNAL_ID, {"source": source, "external_id": external_id})
    return None if row is None else repository.activity_of(row)


def rewards_withdrawn(session: ReadSession, *, member_id: UUID, friend_id: UUID) -> tuple[Activity, ...]:
    """What a member was rewarded with for a friend's first purchases of which nothing is left."""
    values = {"member_id": member_id, "friend_id": str(friend_id)}
    return tuple(repository.activity_of(row) for row in session.fetch_all(repository.WITHDRAWN_OF_FRIEND, values))


def activities_page(
    session: ReadSession, *, member_id: UUID, limit: int, after_id: UUID | None = None
) -> tuple[Activity, ...]:
    """What a member did, the one recorded last first, from before ``after_id``."""
    query = repository.FIRST_PAGE if after_id is None else repository.PAGE
    rows = session.fetch_all(query, {"member_id": member_id, "limit": limit, "after": after_id})
    return tuple(repository.activity_of(row) for row in rows)


def shares_by_ids(session: ReadSession, *, share_ids: Collection[UUID]) -> dict[UUID, Share]:
    """Shares by id; those that exist."""
    rows = session.fetch_all(repository.SHARES_BY_IDS, {"ids": list(share_ids)})
    return {row["id"]: repository.share_of(row) for row in rows}
