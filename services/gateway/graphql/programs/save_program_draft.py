"""saveProgramDraft."""

from collections.abc import Mapping

import strawberry

from services.gateway.graphql.fields import Info, mutation
from services.gateway.graphql.permissions import requires
from services.gateway.graphql.programs.types import ProgramDraft
from services.gateway.graphql.scalars import JsonDocument
from services.loyalty.programs import service
from services.loyalty.programs.domain import publishing
from services.loyalty.programs.errors import ProgramDocumentInvalid, ProgramDraftChanged
from services.platform.auth.domain import Scope
from services.platform.errors import InvalidInput


@strawberry.input(description="A program document to keep as the draft.")
class SaveProgramDraftInput:
    document: JsonDocument = strawberry.field(
        description="The whole program document, version 2; one of version 1 is brought to version 2."
    )
    revision: int | None = strawberry.field(
        default=None, description="The revision that you edited; null when there was no draft."
    )

    def to_command(self) -> publishing.SaveProgramDraft:
        """The command that it asks for.

        Raises:
            InvalidInput: the document is not a JSON object.
        """
        if not isinstance(self.document, Mapping):
            raise InvalidInput(field="document", reason="NOT_AN_OBJECT")
        return publishing.SaveProgramDraft(document=self.document, revision=self.revision)


@strawberry.type(description="The draft that was kept.")
class SaveProgramDraftPayload:
    draft: ProgramDraft = strawberry.field(description="The draft.")


@mutation(
    access=requires(Scope.PROGRAM_WRITE),
    description="Keep a program document as the draft. Nothing of it is in force before it is published.",
    errors=(ProgramDocumentInvalid, ProgramDraftChanged),
)
async def save_program_draft(info: Info, input: SaveProgramDraftInput) -> SaveProgramDraftPayload:
    """Keep a draft."""
    command = input.to_command()
    draft = await info.context.run_command(lambda uow: service.save_draft(uow, command=command), has_key=False)
    return SaveProgramDraftPayload(draft=ProgramDraft.from_domain(draft))
