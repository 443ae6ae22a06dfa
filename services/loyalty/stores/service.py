"""Opening, changing and closing stores."""

import dataclasses
from uuid import UUID

from services.loyalty.stores import repository
from services.loyalty.stores.domain import (
    ADDRESS_LENGTH_MAX,
    CODE_LENGTH_MAX,
    CreateStore,
    Store,
    UpdateStore,
    check_timezone,
)
from services.loyalty.stores.errors import StoreNotFound
from services.platform.db.session import UnitOfWork
from services.platform.ids import new_id
from services.platform.money import exponent
from services.platform.text import check_optional_text, check_text


def create_store(uow: UnitOfWork, *, command: CreateStore) -> Store:
    """Open a store.

    Raises:
        InvalidInput: a text, the time zone or the currency cannot be used.
        StoreCodeTaken
    """
    exponent(command.currency)
    store = Store(
        id=new_id(),
        code=check_text(command.code, field="code", length_max=CODE_LENGTH_MAX),
        name=check_text(command.name, field="name"),
        address=check_optional_text(command.address, field="address", length_max=ADDRESS_LENGTH_MAX),
        timezone=check_timezone(command.timezone),
        currency=command.currency,
        created_at=uow.now,
        closed_at=None,
    )
    repository.insert_store(uow, store=store)
    return store


def update_store(uow: UnitOfWork, *, command: UpdateStore) -> Store:
    """Change a store's name or address.

    Raises:
        InvalidInput, StoreNotFound
    """
    store = _lock(uow, command.store_id)
    if command.name is not None:
        store = dataclasses.replace(store, name=check_text(command.name, field="name"))
    if command.address is not None:
        address = check_optional_text(command.address, field="address", length_max=ADDRESS_LENGTH_MAX)
        store = dataclasses.replace(store, address=address)
    repository.update_store(uow, store=store)
    return store


def close_store(uow: UnitOfWork, *, store_id: UUID) -> Store:
    """Close a store from now on; one that is closed stays as it is. What was sold before can still be told.

    Raises:
        StoreNotFound
    """
    store = _lock(uow, store_id)
    if store.closed_at is None:
        store = dataclasses.replace(store, closed_at=uow.now)
        repository.update_store(uow, store=store)
    return store


def _lock(uow: UnitOfWork, store_id: UUID) -> Store:
    row = uow.fetch_one(repository.LOCK, {"id": store_id})
    if row is None:
        raise StoreNotFound(store_id=store_id)
    return repository.store_of(row)
