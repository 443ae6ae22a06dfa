"""publishProgram."""

import strawberry

from services.gateway.graphql.fields import Info, mutation
from services.gateway.graphql.permissions import requires
from services.gateway.graphql.programs.types import ProgramVersion
from services.loyalty.programs import service
from services.loyalty.programs.domain import publishing
from services.loyalty.programs.errors import (
    ProgramDocumentInvalid,
    ProgramDraftChanged,
    ProgramDraftNotFound,
    ProgramUnitFixed,
)
from services.platform.auth.domain import Scope


@strawberry.input(description="A draft to publish.")
class PublishProgramInput:
    revision: int = strawberry.field(description="The draft's revision that you saw; refused when it has changed.")


@strawberry.type(description="The version that is in force now.")
class PublishProgramPayload:
    version: ProgramVersion = strawberry.field(description="The new version.")


@mutation(
    access=requires(Scope.PROGRAM_WRITE),
    description="Publish the draft, from now on.",
    errors=(ProgramDraftNotFound, ProgramDraftChanged, ProgramUnitFixed, ProgramDocumentInvalid),
)
async def publish_program(info: Info, input: PublishProgramInput) -> PublishProgramPayload:
    """Publish the draft."""
    command = publishing.PublishProgram(revision=input.revision)
    version = await info.context.run_command(lambda uow: service.publish(uow, command=command), has_key=False)
    return PublishProgramPayload(version=ProgramVersion.from_domain(version))
