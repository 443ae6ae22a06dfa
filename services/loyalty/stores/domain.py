"""Stores as values."""

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from uuid import UUID
from zoneinfo import available_timezones

from services.loyalty.stores.errors import StoreClosed, StoreCurrencyMismatch
from services.platform.errors import InvalidInput

CODE_LENGTH_MAX = 64
ADDRESS_LENGTH_MAX = 500


@dataclass(frozen=True, slots=True)
class Store:
    """A place where members buy. ``timezone`` is an IANA name, ``currency`` an ISO 4217 code; both never change."""

    id: UUID
    code: str
    name: str
    address: str | None
    timezone: str
    currency: str
    created_at: datetime
    closed_at: datetime | None


@dataclass(frozen=True, slots=True)
class CreateStore:
    """Open a store. ``code`` is the merchant's own name for it, unique in the tenant; program rules refer to it."""

    code: str
    name: str
    timezone: str
    currency: str
    address: str | None = None


@dataclass(frozen=True, slots=True)
class UpdateStore:
    """Change what is given; None leaves a field as it is, a blank ``address`` removes it."""

    store_id: UUID
    name: str | None = None
    address: str | None = None


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def check_timezone(timezone: str, *, field: str = "timezone") -> str:
    """The IANA name, if there is such a zone.

    Raises:
        InvalidInput: UNKNOWN_TIMEZONE
    """
    if timezone not in _zones():
        raise InvalidInput(field=field, reason="UNKNOWN_TIMEZONE", limit=timezone[:CODE_LENGTH_MAX])
    return timezone


def check_open(store: Store, *, at: datetime) -> None:
    """Refuse what cannot have happened in a closed store.

    Raises:
        StoreClosed
    """
    if store.closed_at is not None and at >= store.closed_at:
        raise StoreClosed(store_id=store.id, closed_at=store.closed_at)


def check_sale(store: Store, *, currency: str, occurred_at: datetime) -> None:
    """Refuse a sale that the store cannot have made.

    Raises:
        StoreClosed: it was closed by then.
        StoreCurrencyMismatch: it sells in another currency.
    """
    check_open(store, at=occurred_at)
    if currency != store.currency:
        raise StoreCurrencyMismatch(expected=store.currency, given=currency[:3])
