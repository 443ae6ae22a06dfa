"""rollbackProgram."""

from datetime import datetime

import strawberry

from services.gateway.graphql.fields import Info, mutation
from services.gateway.graphql.permissions import requires
from services.gateway.graphql.programs.types import ProgramVersion
from services.loyalty.programs import service
from services.loyalty.programs.domain import publishing
from services.loyalty.programs.errors import (
    ProgramDraftNotFound,
    ProgramStartsInPast,
    ProgramUnitFixed,
    ProgramVersionNotFound,
)
from services.platform.auth.domain import Scope


@strawberry.input(description="The version to go back to.")
class RollbackProgramInput:
    version_number: int = strawberry.field(description="The number of the version whose document counts again.")
    effective_from: datetime | None = strawberry.field(default=None, description="When it begins; null: at once.")


@strawberry.type(description="The version that publishes the older document again.")
class RollbackProgramPayload:
    version: ProgramVersion = strawberry.field(description="The new version.")


@mutation(
    access=requires(Scope.PROGRAM_WRITE),
    description="Publish an older version's document again, as the next version. The history and the draft stay.",
    errors=(ProgramDraftNotFound, ProgramVersionNotFound, ProgramStartsInPast, ProgramUnitFixed),
)
async def rollback_program(info: Info, input: RollbackProgramInput) -> RollbackProgramPayload:
    """Roll back."""
    command = publishing.RollBackProgram(number=input.version_number, effective_from=input.effective_from)
    version = await info.context.run_command(lambda uow: service.roll_back(uow, command=command), has_key=False)
    return RollbackProgramPayload(version=ProgramVersion.from_domain(version))
