"""publishProgram."""

from datetime import datetime

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
    ProgramStartsInPast,
    ProgramUnitFixed,
)
from services.platform.auth.domain import Scope


@strawberry.input(description="A draft to publish.")
class PublishProgramInput:
    revision: int = strawberry.field(description="The draft's revision that you saw; refused when it has changed.")
    effective_from: datetime | None = strawberry.field(
        default=None, description="When it begins; null: at once. Until then it can be withdrawn."
    )


@strawberry.type(description="The version, in force from its instant on.")
class PublishProgramPayload:
    version: ProgramVersion = strawberry.field(description="The new version.")


@mutation(
    access=requires(Scope.PROGRAM_WRITE),
    description="Publish the draft, from now on or from a later instant. What happened before is judged by what was "
    "in force then.",
    errors=(
        ProgramDraftNotFound,
        ProgramDraftChanged,
        ProgramStartsInPast,
        ProgramUnitFixed,
        ProgramDocumentInvalid,
    ),
)
async def publish_program(info: Info, input: PublishProgramInput) -> PublishProgramPayload:
    """Publish the draft."""
    command = publishing.PublishProgram(revision=input.revision, effective_from=input.effective_from)
    version = await info.context.run_command(lambda uow: service.publish(uow, command=command), has_key=False)
    return PublishProgramPayload(version=ProgramVersion.from_domain(version))
