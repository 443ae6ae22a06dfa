"""What carts hold, and for how long."""

from datetime import datetime
from uuid import UUID

from services.loyalty.checkout import repository
from services.platform.db.questions import Question, instant_question
from services.platform.db.session import ReadSession


def first_late_question() -> Question[datetime | None]:
    """When the time of the first cart is over that reserves something."""
    return instant_question(repository.FIRST_LATE, "at")


def late_carts(session: ReadSession, *, limit: int) -> tuple[tuple[UUID, UUID | None], ...]:
    """Carts and their members whose time is over and that reserve something still, the longest over first."""
    rows = session.fetch_all(repository.LATE, {"now": session.now, "limit": limit})
    return tuple((row["id"], row["member_id"]) for row in rows)
