"""Adjustments that need a second person, by id and by page."""

from collections.abc import Collection
from uuid import UUID

from services.loyalty.adjustments import repository
from services.loyalty.adjustments.domain import AdjustmentRequest, RequestStatus
from services.platform.db.session import ReadSession


def requests_by_ids(session: ReadSession, *, request_ids: Collection[UUID]) -> dict[UUID, AdjustmentRequest]:
    """Requests by id; those that exist."""
    rows = session.fetch_all(repository.BY_IDS, {"ids": list(request_ids)})
    return {row["id"]: repository.request_of(row) for row in rows}


def requests_page(
    session: ReadSession, *, limit: int, after_id: UUID | None = None, status: RequestStatus | None = None
) -> tuple[AdjustmentRequest, ...]:
    """Requests, newest first, from before ``after_id``: all, or those that have a status now."""
    is_late, is_open = status is RequestStatus.EXPIRED, status is RequestStatus.PENDING
    values = {
        "after": after_id,
        # No row says EXPIRED: time does.
        "status": RequestStatus.PENDING if is_late else status,
        "late_before": session.now if is_late else None,
        "open_at": session.now if is_open else None,
        "limit": limit,
    }
    return tuple(repository.request_of(row) for row in session.fetch_all(repository.PAGE, values))
