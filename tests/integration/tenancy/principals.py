"""One caller of each kind, all in tenant a of the world."""

from collections.abc import Iterator
from uuid import UUID

from services.gateway.graphql.ids import decode
from services.platform.actors import SYSTEM
from services.platform.auth import repository as accounts
from services.platform.auth.domain import Grant, Principal, Role, Scope
from services.platform.auth.service import create_api_key, open_session
from services.platform.clock import wall_now
from services.platform.db.engine import Database
from services.platform.db.homes import PLATFORM
from services.platform.db.session import UnitOfWork, read_session, unit_of_work
from services.platform.ids import new_id
from services.platform.tenancy.domain import Tenant
from services.platform.tenancy.registry import tenant_by_slug
from tests.integration.tenancy.holdings import Holdings

UNUSABLE_HASH = "no password fits"


def tokens_of(database: Database, holdings: Holdings, *, other_store: str) -> dict[str, str | None]:
    """A token for each kind of caller; None for somebody without a credential.

    ``cashier_here`` is limited to the tenant's store, ``cashier_there`` to ``other_store``.
    """
    here, there = (decode("Store", store, field="id") for store in (holdings.one("Store")["id"], other_store))
    with unit_of_work(database, PLATFORM, now=wall_now(), actor=SYSTEM, correlation_id="tests") as uow:
        tenant = _tenant(database, holdings.slug)
        return dict(_tokens(uow, tenant, here=here, there=there))


def key_with(database: Database, slug: str, *scopes: Scope) -> str:
    """An API key of a tenant with just these scopes; none is possible too."""
    with unit_of_work(database, PLATFORM, now=wall_now(), actor=SYSTEM, correlation_id="tests") as uow:
        return _key(uow, _tenant(database, slug), frozenset(scopes))


def _tokens(uow: UnitOfWork, tenant: Tenant, *, here: UUID, there: UUID) -> Iterator[tuple[str, str | None]]:
    yield "nobody", None
    yield "key_without_scope", _key(uow, tenant, frozenset())
    yield "key_with_all", _key(uow, tenant, frozenset(Scope))
    yield "cashier_here", _staff(uow, tenant, Role.CASHIER, store_id=here)
    yield "cashier_there", _staff(uow, tenant, Role.CASHIER, store_id=there)
    for role in (Role.CASHIER, Role.ANALYST, Role.MARKETER, Role.ADMIN, Role.OWNER):
        yield role.value, _staff(uow, tenant, role, store_id=None)


def _staff(uow: UnitOfWork, tenant: Tenant, role: Role, *, store_id: UUID | None) -> str:
    user_id = new_id()
    accounts.insert_user(
        uow, user_id=user_id, email=f"{user_id}@people.test", password_hash=UNUSABLE_HASH, name="Staff", locale="en"
    )
    accounts.grant_role(
        uow,
        user_id=user_id,
        organization_id=tenant.organization_id,
        tenant_id=tenant.id,
        store_id=store_id,
        role=role,
    )
    return open_session(uow, user_id=user_id).token


def _key(uow: UnitOfWork, tenant: Tenant, scopes: frozenset[Scope]) -> str:
    maker = Principal(SYSTEM, (Grant(frozenset(Scope), None),))
    return create_api_key(uow, tenant=tenant, maker=maker, name="made by a test", scopes=scopes).secret


def _tenant(database: Database, slug: str) -> Tenant:
    with read_session(database, PLATFORM, now=wall_now()) as session:
        found = tenant_by_slug(session, slug)
    assert found is not None
    return found
