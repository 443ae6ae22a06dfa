"""Cases by id, by purchase, by member, and those that somebody has to act on."""

from collections.abc import Collection
from uuid import UUID

from services.loyalty.after_sales import repository
from services.loyalty.after_sales.domain import Case, CaseEvent, CaseFilter
from services.platform.db.session import ReadSession


def cases_by_ids(session: ReadSession, *, case_ids: Collection[UUID]) -> dict[UUID, Case]:
    """Cases by id; those that exist."""
    rows = session.fetch_all(repository.BY_IDS, {"ids": list(case_ids)})
    return {row["id"]: repository.case_of(row) for row in rows}


def cases_by_purchases(session: ReadSession, *, purchase_ids: Collection[UUID]) -> dict[UUID, tuple[Case, ...]]:
    """Cases by purchase, oldest first; of those that have any."""
    found: dict[UUID, tuple[Case, ...]] = {}
    for row in session.fetch_all(repository.OF_PURCHASES, {"ids": list(purchase_ids)}):
        found[row["purchase_id"]] = (*found.get(row["purchase_id"], ()), repository.case_of(row))
    return found


def cases_of_member(
    session: ReadSession, *, member_id: UUID, limit: int, after_id: UUID | None = None
) -> tuple[Case, ...]:
    """A member's cases, newest first, from before ``after_id``."""
    rows = session.fetch_all(repository.OF_MEMBER, {"member_id": member_id, "limit": limit, "after": after_id})
    return tuple(repository.case_of(row) for row in rows)


def cases_page(
    session: ReadSession, *, wanted: CaseFilter, limit: int, after_id: UUID | None = None
) -> tuple[Case, ...]:
    """Cases that are wanted, oldest first, from after ``after_id``."""
    statement = repository.found_statement(wanted=wanted, limit=limit, after_id=after_id)
    return tuple(repository.case_of(row) for row in session.fetch_all(statement.query, statement.values))


def events_by_cases(session: ReadSession, *, case_ids: Collection[UUID]) -> dict[UUID, tuple[CaseEvent, ...]]:
    """All that happened, by case, oldest first."""
    found: dict[UUID, list[CaseEvent]] = {}
    for row in session.fetch_all(repository.EVENTS_OF, {"ids": list(case_ids)}):
        found.setdefault(row["case_id"], []).append(repository.event_of(row))
    return {case_id: tuple(events) for case_id, events in found.items()}
