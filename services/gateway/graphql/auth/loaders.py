"""Single people, keys and invitations of a tenant."""

from uuid import UUID

from services.gateway.graphql.fields import Info
from services.gateway.graphql.stores.loaders import stores_by_key
from services.loyalty.stores.errors import StoreNotFound
from services.platform.auth import queries
from services.platform.db.homes import PLATFORM


def _before(key: UUID) -> UUID:
    """The identifier just below: pages are by id, so that the first one after it is the one looked for."""
    return UUID(int=max(key.int - 1, 0))


async def find_api_key(info: Info, key_id: UUID) -> queries.ApiKey | None:
    """A key of the tenant."""
    tenant_id = info.context.tenant.id
    rows = await info.context.read(
        lambda session: queries.api_keys_of_tenant(session, tenant_id=tenant_id, after=_before(key_id), limit=1),
        home=PLATFORM,
    )
    return next((row for row in rows if row.id == key_id), None)


async def find_invitation(info: Info, invitation_id: UUID) -> queries.Invitation | None:
    """An invitation of the tenant."""
    tenant_id = info.context.tenant.id
    rows = await info.context.read(
        lambda session: queries.invitations_of_tenant(
            session, tenant_id=tenant_id, after=_before(invitation_id), limit=1
        ),
        home=PLATFORM,
    )
    return next((row for row in rows if row.id == invitation_id), None)


async def find_staff(info: Info, grant_id: UUID) -> queries.StaffMember | None:
    """A role held in the tenant."""
    tenant_id = info.context.tenant.id
    rows = await info.context.read(
        lambda session: queries.staff_of_tenant(session, tenant_id=tenant_id, after=_before(grant_id), limit=1),
        home=PLATFORM,
    )
    return next((row for row in rows if row.id == grant_id), None)


async def check_store(info: Info, store_id: UUID | None) -> UUID | None:
    """The store, if it is one of the tenant's; None stays None.

    Raises:
        StoreNotFound
    """
    if store_id is not None and await info.context.load(stores_by_key, store_id) is None:
        raise StoreNotFound(store_id=store_id)
    return store_id
