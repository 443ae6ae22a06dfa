"""Reading the program."""

from services.gateway.graphql.fields import guarded
from services.gateway.graphql.permissions import requires_somewhere
from services.gateway.graphql.programs.types import Program
from services.platform.auth.domain import Scope


@guarded(access=requires_somewhere(Scope.PROGRAM_READ), description="The tenant's loyalty program.")
async def program() -> Program:
    """The program, whose parts are read as they are asked for."""
    return Program()
