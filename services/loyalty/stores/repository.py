"""The SQL of stores."""

from typing import Any

from psycopg.errors import UniqueViolation
from psycopg.rows import DictRow

from services.loyalty.stores.domain import Store
from services.loyalty.stores.errors import StoreCodeTaken
from services.platform.db.session import UnitOfWork

COLUMNS = "id, code, name, address, timezone, currency, created_at, closed_at"
BY_ID = f"SELECT {COLUMNS} FROM stores WHERE id = %(id)s"
BY_IDS = f"SELECT {COLUMNS} FROM stores WHERE id = ANY(%(ids)s)"
BY_CODE = f"SELECT {COLUMNS} FROM stores WHERE code = %(code)s"
PAGE = f"""
SELECT {COLUMNS} FROM stores
WHERE %(after)s::text IS NULL OR code > %(after)s ORDER BY code LIMIT %(limit)s"""
# Those that are named come first, in their order.
OPEN = f"""
SELECT {COLUMNS} FROM stores
WHERE (closed_at IS NULL OR closed_at > %(now)s)
    AND (%(codes)s::text[] IS NULL OR code = ANY(%(codes)s))
    AND (%(search)s::text IS NULL
        OR strpos(lower(name), lower(%(search)s)) > 0
        OR strpos(lower(coalesce(address, '')), lower(%(search)s)) > 0)
ORDER BY array_position(%(first_ids)s::uuid[], id), name, id LIMIT %(limit)s"""
LOCK = f"SELECT {COLUMNS} FROM stores WHERE id = %(id)s FOR NO KEY UPDATE"
INSERT = """
INSERT INTO stores (id, code, name, address, timezone, currency, created_at)
VALUES (%(id)s, %(code)s, %(name)s, %(address)s, %(timezone)s, %(currency)s, %(created_at)s)"""
UPDATE = """
UPDATE stores SET name = %(name)s, address = %(address)s, closed_at = %(closed_at)s WHERE id = %(id)s"""


def insert_store(uow: UnitOfWork, *, store: Store) -> None:
    """Store a store.

    Raises:
        StoreCodeTaken
    """
    try:
        uow.execute(INSERT, _values(store))
    except UniqueViolation as error:
        if error.diag.constraint_name != "stores_code_key":
            raise
        raise StoreCodeTaken(store_code=store.code) from error


def update_store(uow: UnitOfWork, *, store: Store) -> None:
    """Write what may change of a store that is locked."""
    uow.execute(UPDATE, _values(store))


def store_of(row: DictRow) -> Store:
    return Store(**row)


def _values(store: Store) -> dict[str, Any]:
    return {
        "id": store.id,
        "code": store.code,
        "name": store.name,
        "address": store.address,
        "timezone": store.timezone,
        "currency": store.currency,
        "created_at": store.created_at,
        "closed_at": store.closed_at,
    }
