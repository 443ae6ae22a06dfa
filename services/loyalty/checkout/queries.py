"""What carts hold, and for how long."""

from datetime import datetime

from services.loyalty.checkout import repository
from services.loyalty.checkout.domain.cart import LateCart
from services.platform.db.questions import Question, instant_question
from services.platform.db.session import ReadSession
from services.platform.errands import Due, Place, place_values


def first_late_question() -> Question[datetime | None]:
    """When the time of the first cart is over that reserves something."""
    return instant_question(repository.FIRST_LATE, "at")


def late_carts(session: ReadSession, after: Place | None, limit: int) -> tuple[Due[LateCart], ...]:
    """Carts whose time is over and that reserve something still, the longest over first."""
    rows = session.fetch_all(repository.LATE, place_values(after) | {"now": session.now, "limit": limit})
    return tuple(Due((row["expires_at"], row["id"]), LateCart(row["id"], row["member_id"])) for row in rows)
