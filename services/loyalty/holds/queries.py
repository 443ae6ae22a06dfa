"""Holds by id and by member."""

from collections.abc import Collection
from uuid import UUID

from services.loyalty.holds import repository
from services.loyalty.holds.domain import Hold
from services.loyalty.holds.errors import HoldNotFound
from services.platform.db.session import ReadSession


def holds_by_ids(session: ReadSession, *, hold_ids: Collection[UUID]) -> dict[UUID, Hold]:
    """Holds by id; those that exist."""
    rows = session.fetch_all(repository.BY_IDS, {"ids": list(hold_ids)})
    return {row["id"]: repository.hold_of(row) for row in rows}


def hold_by_id(session: ReadSession, *, hold_id: UUID) -> Hold:
    """A hold.

    Raises:
        HoldNotFound
    """
    found = holds_by_ids(session, hold_ids=(hold_id,)).get(hold_id)
    if found is None:
        raise HoldNotFound(hold_id=hold_id)
    return found


def holds_page(
    session: ReadSession, *, member_id: UUID, limit: int, after_id: UUID | None = None, is_open: bool = False
) -> tuple[Hold, ...]:
    """A member's holds, newest first, from before ``after_id``; with ``is_open`` those that still reserve points."""
    values = {"member_id": member_id, "after": after_id, "limit": limit, "is_open": is_open, "now": session.now}
    return tuple(repository.hold_of(row) for row in session.fetch_all(repository.OF_MEMBER, values))
