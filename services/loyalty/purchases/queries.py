"""Purchases, their lines, what they earned, and what came back of them."""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from psycopg.rows import DictRow

from services.loyalty.earning.domain import FrozenInputs, parse_frozen
from services.loyalty.purchases import repository
from services.loyalty.purchases.domain import Accrual, Line, Purchase, Refund, RefundedPart
from services.platform.db.questions import Question, instant_question
from services.platform.db.session import ReadSession, Statement
from services.platform.errands import Due, Place, place_values

_ValueT = TypeVar("_ValueT")

VISITS_MAX = 100
"""How many of a member's latest purchases tell where they buy."""


def purchase_by_id(session: ReadSession, *, purchase_id: UUID) -> Purchase | None:
    """A purchase, or None."""
    return purchases_by_ids(session, purchase_ids=(purchase_id,)).get(purchase_id)


def purchases_by_ids(session: ReadSession, *, purchase_ids: Collection[UUID]) -> dict[UUID, Purchase]:
    """Purchases by id; those that exist."""
    rows = session.fetch_all(repository.BY_IDS, {"ids": list(purchase_ids)})
    return {row["id"]: repository.purchase_of(row) for row in rows}


def purchase_by_external_id(session: ReadSession, *, source: str, external_id: str) -> Purchase | None:
    """The purchase that a source calls so, or None."""
    row = session.fetch_one(repository.BY_EXTERNAL_ID, {"source": source, "external_id": external_id})
    return None if row is None else repository.purchase_of(row)


def purchases_page(
    session: ReadSession, *, member_id: UUID, limit: int, after: tuple[datetime, UUID] | None = None
) -> tuple[Purchase, ...]:
    """A member's purchases, the latest first, from before the one that happened at ``after`` (instant and id)."""
    after_at, after_id = after or (None, None)
    values = {"member_id": member_id, "after_at": after_at, "after_id": after_id, "limit": limit}
    return tuple(repository.purchase_of(row) for row in session.fetch_all(repository.OF_MEMBER, values))


def recent_purchases(session: ReadSession, *, limit: int, after_id: UUID | None = None) -> tuple[Purchase, ...]:
    """All purchases, the one recorded last first, from before ``after_id``."""
    rows = session.fetch_all(repository.RECENT, {"after": after_id, "limit": limit})
    return tuple(repository.purchase_of(row) for row in rows)


def visited_stores(session: ReadSession, *, member_id: UUID) -> tuple[UUID, ...]:
    """The stores of a member's latest purchases, where the member has been most often first."""
    values = {"member_id": member_id, "purchases": VISITS_MAX}
    return tuple(row["store_id"] for row in session.fetch_all(repository.VISITED, values))


def counts_statement(*, member_ids: Collection[UUID]) -> Statement:
    """Asks how many purchases of members are recorded; the rows go to `counts_of`."""
    return repository.counts_statement(member_ids)


def counts_of(rows: Sequence[DictRow]) -> dict[UUID, int]:
    """How many purchases, by member; those who have any."""
    return repository.counts_of(rows)


def bought_statement(*, member_id: UUID, sku: str, before: datetime) -> Statement:
    """Asks whether a member bought something by an instant and has not given all of it back: a row, or none."""
    return Statement(repository.BOUGHT, {"member_id": member_id, "sku": sku, "before": before})


def lines_by_purchases(session: ReadSession, *, purchase_ids: Collection[UUID]) -> dict[UUID, tuple[Line, ...]]:
    """Lines by purchase, in the order of the receipt."""
    return _grouped(session, repository.LINES, purchase_ids, "purchase_id", repository.line_of)


def frozen_by_purchases(session: ReadSession, *, purchase_ids: Collection[UUID]) -> dict[UUID, FrozenInputs]:
    """What the evaluation of purchases saw, of those that were evaluated."""
    rows = session.fetch_all(repository.FROZEN, {"ids": list(purchase_ids)})
    return {row["id"]: parse_frozen(row["frozen"]) for row in rows}


def accruals_by_purchases(session: ReadSession, *, purchase_ids: Collection[UUID]) -> dict[UUID, tuple[Accrual, ...]]:
    """What rules gave by purchase, in the order of rule ids."""
    return _grouped(session, repository.ACCRUALS, purchase_ids, "purchase_id", repository.accrual_of)


def refunds_by_purchases(session: ReadSession, *, purchase_ids: Collection[UUID]) -> dict[UUID, tuple[Refund, ...]]:
    """Refunds by purchase, oldest first."""
    return _grouped(session, repository.REFUNDS_OF_PURCHASES, purchase_ids, "purchase_id", repository.refund_of)


def refunds_by_ids(session: ReadSession, *, refund_ids: Collection[UUID]) -> dict[UUID, Refund]:
    """Refunds by id; those that exist."""
    rows = session.fetch_all(repository.REFUNDS_BY_ID, {"ids": list(refund_ids)})
    return {row["id"]: repository.refund_of(row) for row in rows}


def parts_by_refunds(session: ReadSession, *, refund_ids: Collection[UUID]) -> dict[UUID, tuple[RefundedPart, ...]]:
    """What refunds did to lines, by refund, in the order of the receipt."""
    return _grouped(session, repository.REFUND_PARTS, refund_ids, "refund_id", repository.part_of)


def first_look_question() -> Question[datetime | None]:
    """When the first refund that waits for its purchase is to be looked at; None when none waits."""
    return instant_question(repository.FIRST_LOOK, "look_at")


def due_refunds(session: ReadSession, after: Place | None, limit: int) -> tuple[Due[UUID], ...]:
    """The refunds that wait for their purchases and are to be looked at now, by id; the longest first."""
    rows = session.fetch_all(repository.WAITING_DUE, place_values(after) | {"now": session.now, "limit": limit})
    return tuple(Due((row["look_at"], row["id"]), row["id"]) for row in rows)


def _grouped(
    session: ReadSession, query: str, ids: Collection[UUID], owner: str, value_of: Callable[[dict[str, Any]], _ValueT]
) -> dict[UUID, tuple[_ValueT, ...]]:
    values: dict[UUID, list[_ValueT]] = {}
    for row in session.fetch_all(query, {"ids": list(ids)}):
        values.setdefault(row[owner], []).append(value_of(row))
    return {key: tuple(group) for key, group in values.items()}
