"""Reading stores."""

from typing import Annotated

import strawberry

from services.gateway.graphql.fields import Info, guarded
from services.gateway.graphql.ids import decode
from services.gateway.graphql.pagination import (
    PAGE_DEFAULT,
    After,
    Connection,
    First,
    connect,
    encode_cursor,
    page,
    text_cursor,
)
from services.gateway.graphql.permissions import requires_somewhere
from services.gateway.graphql.stores.types import Store, load_store
from services.loyalty.stores import queries
from services.platform.auth.domain import Scope

ORDER = "stores"


@guarded(access=requires_somewhere(Scope.STORES_READ), description="The tenant's stores, by code.")
async def stores(info: Info, first: First = PAGE_DEFAULT, after: After = None) -> Connection[Store]:
    """A page of stores."""
    asked = page(first, after)
    after_code = text_cursor(ORDER, after)
    rows = await info.context.read(
        lambda session: queries.stores_page(session, limit=asked.limit, after_code=after_code)
    )
    return connect(rows, asked, node=Store.from_domain, cursor=lambda store: encode_cursor(ORDER, store.code))


@guarded(access=requires_somewhere(Scope.STORES_READ), description="One store; null when the tenant has no such store.")
async def store(
    info: Info, id: Annotated[strawberry.ID, strawberry.argument(description="The store's id.")]
) -> Store | None:
    """A store by its id."""
    return await load_store(info, decode("Store", id, field="id"))
