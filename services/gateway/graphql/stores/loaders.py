"""Batches of stores."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from services.loyalty.stores.domain import Store
from services.loyalty.stores.queries import stores_by_ids
from services.platform.db.session import ReadSession


def stores_by_key(session: ReadSession, keys: Sequence[UUID]) -> Mapping[UUID, Store]:
    """Stores by id."""
    return stores_by_ids(session, store_ids=keys)
