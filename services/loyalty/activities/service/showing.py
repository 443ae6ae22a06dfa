"""Codes that stores show to prove visits."""

from datetime import datetime, timedelta
from uuid import UUID

from services.loyalty.stores.domain import check_open
from services.loyalty.stores.errors import StoreNotFound
from services.loyalty.stores.queries import store_by_id
from services.platform.db.session import ReadSession
from services.platform.errors import InvalidInput

CODE_SECONDS_MIN = 15
CODE_SECONDS_MAX = 86_400


def open_check_in(session: ReadSession, *, store_id: UUID, valid_seconds: int) -> datetime:
    """Until when a code of the store that is made now is good, to the second.

    Raises:
        InvalidInput: OUT_OF_RANGE
        StoreNotFound, StoreClosed
    """
    if not CODE_SECONDS_MIN <= valid_seconds <= CODE_SECONDS_MAX:
        limit = f"{CODE_SECONDS_MIN}..{CODE_SECONDS_MAX}"
        raise InvalidInput(field="validSeconds", reason="OUT_OF_RANGE", limit=limit)
    store = store_by_id(session, store_id=store_id)
    if store is None:
        raise StoreNotFound(store_id=store_id)
    check_open(store, at=session.now)
    return (session.now + timedelta(seconds=valid_seconds)).replace(microsecond=0)
