"""withdrawProgramVersion."""

import strawberry

from services.gateway.graphql.fields import Info, mutation
from services.gateway.graphql.permissions import requires
from services.gateway.graphql.programs.types import ProgramVersion
from services.loyalty.programs import service
from services.loyalty.programs.domain import publishing
from services.loyalty.programs.errors import ProgramDraftNotFound, ProgramVersionBegun, ProgramVersionNotFound
from services.platform.auth.domain import Scope


@strawberry.input(description="A version that has not begun.")
class WithdrawProgramVersionInput:
    version_number: int = strawberry.field(description="The number of the version.")


@strawberry.type(description="The version that was taken back.")
class WithdrawProgramVersionPayload:
    version: ProgramVersion = strawberry.field(description="The version, which stays in the history.")


@mutation(
    access=requires(Scope.PROGRAM_WRITE),
    description="Take back a version that was published for later and has not begun. Doing it again changes nothing.",
    errors=(ProgramDraftNotFound, ProgramVersionNotFound, ProgramVersionBegun),
)
async def withdraw_program_version(info: Info, input: WithdrawProgramVersionInput) -> WithdrawProgramVersionPayload:
    """Withdraw a version."""
    command = publishing.WithdrawProgramVersion(number=input.version_number)
    version = await info.context.run_command(lambda uow: service.withdraw(uow, command=command), has_key=False)
    return WithdrawProgramVersionPayload(version=ProgramVersion.from_history(version))
