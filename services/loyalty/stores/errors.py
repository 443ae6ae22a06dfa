"""What stores refuse."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.platform.errors import DomainError


class StoreError(DomainError):
    """A refusal concerning stores."""


@dataclass(eq=False)
class StoreNotFound(StoreError):
    """The tenant has no such store."""

    store_id: UUID


@dataclass(eq=False)
class StoreCodeTaken(StoreError):
    """Another store of the tenant has this code."""

    store_code: str


@dataclass(eq=False)
class StoreClosed(StoreError):
    """The store was closed before the thing happened there."""

    store_id: UUID
    closed_at: datetime


@dataclass(eq=False)
class StoreCurrencyMismatch(StoreError):
    """The store sells in another currency."""

    expected: str
    given: str
