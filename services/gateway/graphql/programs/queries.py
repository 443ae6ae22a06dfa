"""Reading the program."""

from typing import Annotated

import strawberry

from services.gateway.graphql.fields import Info, guarded
from services.gateway.graphql.permissions import requires_somewhere
from services.gateway.graphql.programs.changes import ProgramChange
from services.gateway.graphql.programs.types import Program
from services.loyalty.programs import queries
from services.platform.auth.domain import Scope


@guarded(access=requires_somewhere(Scope.PROGRAM_READ), description="The tenant's loyalty program.")
async def program() -> Program:
    """The program, whose parts are read as they are asked for."""
    return Program()


@guarded(
    access=requires_somewhere(Scope.PROGRAM_READ),
    description="What changes from one program document to another, in the order of the document; null where one of "
    "the two is not there. A version is named by its number, the draft by null.",
)
async def program_diff(
    info: Info,
    before: Annotated[
        int | None, strawberry.argument(name="fromVersion", description="A version; null for the draft.")
    ] = None,
    after: Annotated[
        int | None, strawberry.argument(name="toVersion", description="A version; null for the draft.")
    ] = None,
) -> list[ProgramChange] | None:
    """The changes."""
    found = await info.context.read(lambda session: queries.changes(session, before=before, after=after))
    if found is None:
        return None
    return [ProgramChange.from_domain(change, info.context.request.locale) for change in found]
