"""Reading purchases."""

from typing import Annotated
from uuid import UUID

import strawberry

from services.gateway.graphql.fields import Info, guarded
from services.gateway.graphql.permissions import is_allowed_at, requires_somewhere
from services.gateway.graphql.purchases.inputs import PurchaseReferenceInput
from services.gateway.graphql.purchases.loaders import purchases_by_key
from services.gateway.graphql.purchases.types import Purchase
from services.loyalty.purchases import domain, queries
from services.loyalty.purchases.errors import PurchaseNotFound
from services.platform.auth.domain import Scope


async def find_purchase(info: Info, reference: UUID | domain.PurchaseRef) -> domain.Purchase | None:
    """The purchase that a request names."""
    if isinstance(reference, UUID):
        return await info.context.load(purchases_by_key, reference)
    return await info.context.read(
        lambda session: queries.purchase_by_external_id(
            session, source=reference.source, external_id=reference.external_id
        )
    )


async def writable_purchase(info: Info, reference: UUID | domain.PurchaseRef) -> domain.Purchase:
    """The purchase that a change names.

    Raises:
        PurchaseNotFound: a purchase of a store that is not theirs looks exactly like one that is not there.
    """
    purchase = await find_purchase(info, reference)
    if purchase is not None and is_allowed_at(info.context, Scope.PURCHASES_WRITE, purchase.store_id):
        return purchase
    if isinstance(reference, UUID):
        raise PurchaseNotFound(purchase_id=reference)
    raise PurchaseNotFound(external_id=reference.external_id)


@guarded(
    access=requires_somewhere(Scope.PURCHASES_READ),
    description="One purchase; null when the tenant, or the stores that you may see, have no such purchase.",
)
async def purchase(
    info: Info,
    by: Annotated[PurchaseReferenceInput, strawberry.argument(description="The purchase's id or external number.")],
) -> Purchase | None:
    """A purchase by id or external number."""
    found = await find_purchase(info, by.to_ref(field="by"))
    if found is None or not is_allowed_at(info.context, Scope.PURCHASES_READ, found.store_id):
        return None
    return Purchase.from_domain(found)
