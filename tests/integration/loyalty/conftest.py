"""A merchant with one store, on a database of its own."""

from collections.abc import Callable

import pytest

from services.loyalty.programs import repository as programs
from services.loyalty.stores.domain import Store
from services.platform.db.engine import Database
from services.platform.tenancy.domain import Tenant
from tests.support.builders.merchant import Merchant
from tests.support.snapshot import snapshot
from tests.support.tenants import DatabaseUrls

Dump = Callable[[], dict[str, str]]


@pytest.fixture(autouse=True)
def _nothing_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Programs of other tests were published under the same schema; they would be presumed to be in force."""
    monkeypatch.setattr(programs, "_memory", programs.VersionMemory())


@pytest.fixture
def merchant(database: Database, tenant: Tenant) -> Merchant:
    return Merchant(database, tenant.home)


@pytest.fixture
def store(merchant: Merchant) -> Store:
    return merchant.store()


@pytest.fixture
def dump(database_urls: DatabaseUrls) -> Dump:
    """Gives a digest of everything that the database holds."""
    return lambda: snapshot(database_urls.owner)
