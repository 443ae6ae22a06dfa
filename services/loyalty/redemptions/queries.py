"""Redemptions by id, by member, and those that somebody has to act on."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from psycopg.rows import DictRow

from services.loyalty.redemptions import repository
from services.loyalty.redemptions.domain import Redemption, RedemptionStatus
from services.loyalty.rewards.domain import QUANTITY_MAX, Had
from services.platform.db.questions import Question, instant_question
from services.platform.db.session import ReadSession, Statement
from services.platform.errands import Due, Place, place_values


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
    """Redemptions of a member (gifts to the member too) or of all, newest first, from before ``after_id``."""
    query = repository.RECENT if member_id is None else repository.OF_MEMBER
    rows = session.fetch_all(query, {"member_id": member_id, "after": after_id, "limit": limit})
    return tuple(repository.redemption_of(row) for row in rows)


def queue_page(
    session: ReadSession,
    *,
    limit: int,
    status: RedemptionStatus | None = None,
    store_id: UUID | None = None,
    after_id: UUID | None = None,
) -> tuple[Redemption, ...]:
    """What somebody has to act on, oldest first, from after ``after_id``; at one store, or everywhere (None)."""
    values = {"limit": limit, "status": status.value if status else None, "store_id": store_id, "after": after_id}
    return tuple(repository.redemption_of(row) for row in session.fetch_all(repository.QUEUE, values))


def had_statement(session: ReadSession, *, member_id: UUID, reward_id: UUID) -> Statement:
    """The statement whose rows `had_of` reads: what a member has had of a reward, the latest first."""
    values = {"member_id": member_id, "reward_id": reward_id, "now": session.now, "limit": QUANTITY_MAX}
    return Statement(repository.HAD, values)


def had_of(rows: Sequence[DictRow]) -> tuple[Had, ...]:
    """What a member has had."""
    return tuple(Had(row["at"], row["quantity"]) for row in rows)


def first_late_question() -> Question[datetime | None]:
    """Asks when the first redemption times out that is held."""
    return instant_question(repository.FIRST_LATE, "due_at")


def late_redemptions(session: ReadSession, after: Place | None, limit: int) -> tuple[Due[Redemption], ...]:
    """Redemptions that are held and have timed out, the longest first."""
    rows = session.fetch_all(repository.LATE, place_values(after) | {"now": session.now, "limit": limit})
    return tuple(Due((row["expires_at"], row["id"]), repository.redemption_of(row)) for row in rows)
