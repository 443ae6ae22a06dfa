"""Stores by id, by code and by page."""

from collections.abc import Collection, Sequence
from uuid import UUID

from psycopg.rows import DictRow

from services.loyalty.stores import repository
from services.loyalty.stores.domain import Store
from services.loyalty.stores.errors import StoreNotFound
from services.platform.db.session import ReadSession, Statement
from services.platform.tenancy.registry import BY_ID as TENANT_BY_ID


def stores_statement(*, store_ids: Collection[UUID]) -> Statement:
    """The statement whose rows `by_id` reads."""
    return Statement(repository.BY_IDS, {"ids": list(store_ids)})


def by_id(rows: Sequence[DictRow]) -> dict[UUID, Store]:
    """Stores by id; those that exist."""
    return {row["id"]: repository.store_of(row) for row in rows}


def store_statement(*, store_id: UUID) -> Statement:
    """The statement whose rows `store_of` reads."""
    return Statement(repository.BY_ID, {"id": store_id})


def store_of(rows: Sequence[DictRow], *, store_id: UUID) -> Store:
    """The store of `store_statement`.

    Raises:
        StoreNotFound
    """
    if not rows:
        raise StoreNotFound(store_id=store_id)
    return repository.store_of(rows[0])


def store_by_id(session: ReadSession, *, store_id: UUID) -> Store | None:
    """A store, open or closed, or None."""
    row = session.fetch_one(repository.BY_ID, {"id": store_id})
    return None if row is None else repository.store_of(row)


def stores_by_ids(session: ReadSession, *, store_ids: Collection[UUID]) -> dict[UUID, Store]:
    """Stores by id; those that exist."""
    rows = session.fetch_all(repository.BY_IDS, {"ids": list(store_ids)})
    return {row["id"]: repository.store_of(row) for row in rows}


def store_by_code(session: ReadSession, *, code: str) -> Store | None:
    """The store that the merchant calls so, or None."""
    row = session.fetch_one(repository.BY_CODE, {"code": code})
    return None if row is None else repository.store_of(row)


def stores_page(session: ReadSession, *, limit: int, after_code: str | None = None) -> tuple[Store, ...]:
    """Stores in the order of their codes, from after ``after_code``."""
    rows = session.fetch_all(repository.PAGE, {"after": after_code, "limit": limit})
    return tuple(repository.store_of(row) for row in rows)


def open_stores(
    session: ReadSession,
    *,
    limit: int,
    first_ids: Sequence[UUID] = (),
    codes: Collection[str] | None = None,
    search: str | None = None,
) -> tuple[Store, ...]:
    """Stores that are open now: ``first_ids`` in their order, the others by name.

    Of those with ``codes`` alone, unless None; with ``search``, where the name or the address holds these letters.
    """
    values = {
        "now": session.now,
        "limit": limit,
        "first_ids": list(first_ids),
        "codes": None if codes is None else list(codes),
        "search": search,
    }
    return tuple(repository.store_of(row) for row in session.fetch_all(repository.OPEN, values))


def merchant_statement(session: ReadSession) -> Statement:
    """The statement whose rows `merchant_name_of` reads."""
    return Statement(TENANT_BY_ID, {"id": session.home.tenant_id})


def merchant_name_of(rows: Sequence[DictRow]) -> str:
    """What the merchant is called, for words in letters."""
    name: str = rows[0]["name"]
    return name
