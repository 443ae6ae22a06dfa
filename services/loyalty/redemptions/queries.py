"""Redemptions by id and by page."""

from collections.abc import Collection
from uuid import UUID

from services.loyalty.redemptions import repository
from services.loyalty.redemptions.domain import Redemption
from services.platform.db.session import ReadSession


def redemption_by_id(session: ReadSession, *, redemption_id: UUID) -> Redemption | None:
    """A redemption, or None."""
    return redemptions_by_ids(session, redemption_ids=(redemption_id,)).get(redemption_id)


def redemptions_by_ids(session: ReadSession, *, redemption_ids: Collection[UUID]) -> dict[UUID, Redemption]:
    """Redemptions by id; those that exist."""
    rows = session.fetch_all(repository.BY_IDS, {"ids": list(redemption_ids)})
    return {row["id"]: repository.redemption_of(row) for row in rows}


def redemptions_page(
    session: ReadSession, *, limit: int, member_id: UUID | None = None, after_id: UUID | None = None
) -> tuple[Redemption, ...]:
    """Redemptions of a member or of all, newest first, from before ``after_id``."""
    query = repository.RECENT if member_id is None else repository.OF_MEMBER
    rows = session.fetch_all(query, {"member_id": member_id, "after": after_id, "limit": limit})
    return tuple(repository.redemption_of(row) for row in rows)
