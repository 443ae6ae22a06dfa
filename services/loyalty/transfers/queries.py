"""Transfers by id and by member."""

from collections.abc import Collection
from uuid import UUID

from services.loyalty.transfers import repository
from services.loyalty.transfers.domain import Transfer
from services.platform.db.session import ReadSession


def transfers_by_ids(session: ReadSession, *, transfer_ids: Collection[UUID]) -> dict[UUID, Transfer]:
    """Transfers by id; those that exist."""
    rows = session.fetch_all(repository.BY_IDS, {"ids": list(transfer_ids)})
    return {row["id"]: repository.transfer_of(row) for row in rows}


def transfers_page(
    session: ReadSession, *, member_id: UUID, limit: int, after_id: UUID | None = None
) -> tuple[Transfer, ...]:
    """What a member gave and got, newest first, from before ``after_id``."""
    values = {"member_id": member_id, "after": after_id, "limit": limit}
    return tuple(repository.transfer_of(row) for row in session.fetch_all(repository.OF_MEMBER, values))
