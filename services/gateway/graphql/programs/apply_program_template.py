"""applyProgramTemplate."""

import strawberry

from services.gateway.graphql.fields import Info, mutation
from services.gateway.graphql.permissions import requires
from services.gateway.graphql.programs.types import ProgramDraft, ProgramVersion
from services.gateway.graphql.scalars import Currency, Timezone
from services.loyalty.programs.domain import TemplateKey
from services.loyalty.programs.domain.publishing import ApplyProgramTemplate
from services.loyalty.programs.errors import ProgramDocumentInvalid, ProgramUnitFixed
from services.loyalty.rewards import service
from services.platform.auth.domain import Scope


@strawberry.input(description="A template to start from.")
class ApplyProgramTemplateInput:
    template: TemplateKey = strawberry.field(description="The template.")
    currency: Currency = strawberry.field(description="The currency in which the program counts spending.")
    timezone: Timezone = strawberry.field(description="The zone by which the program's days begin.")
    publish: bool = strawberry.field(default=False, description="Whether to publish it at once.")

    def to_command(self) -> ApplyProgramTemplate:
        """The command that it asks for."""
        return ApplyProgramTemplate(
            key=self.template.value, currency=self.currency, timezone=self.timezone, publish=self.publish
        )


@strawberry.type(description="The draft made of a template.")
class ApplyProgramTemplatePayload:
    draft: ProgramDraft = strawberry.field(description="The draft.")
    version: ProgramVersion | None = strawberry.field(description="The version, where it was published at once.")


@mutation(
    access=requires(Scope.PROGRAM_WRITE),
    description="Make a template the draft, in place of what is there, and offer its starter rewards.",
    errors=(ProgramDocumentInvalid, ProgramUnitFixed),
)
async def apply_program_template(info: Info, input: ApplyProgramTemplateInput) -> ApplyProgramTemplatePayload:
    """Apply a template."""
    command = input.to_command()
    applied = await info.context.run_command(lambda uow: service.start_program(uow, command=command), has_key=False)
    return ApplyProgramTemplatePayload(
        draft=ProgramDraft.from_domain(applied.draft),
        version=ProgramVersion.from_domain(applied.version) if applied.version else None,
    )
