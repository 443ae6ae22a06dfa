"""promoteProgram."""

import strawberry

from services.gateway.graphql.fields import Info, mutation
from services.gateway.graphql.permissions import requires
from services.gateway.graphql.programs.changes import ProgramChange
from services.gateway.graphql.programs.types import ProgramDraft, ProgramVersion
from services.loyalty.programs.errors import ProgramDocumentInvalid, ProgramDraftChanged, ProgramNotPublished
from services.loyalty.sandboxes import service
from services.loyalty.sandboxes.domain import PromoteProgram
from services.loyalty.sandboxes.errors import SandboxNotFound, SandboxOfSandbox
from services.platform.auth.domain import Scope


@strawberry.input(description="Whose program to take over.")
class PromoteProgramInput:
    sandbox_slug: str = strawberry.field(description="The slug of a sandbox of this tenant.")
    revision: int | None = strawberry.field(
        default=None, description="The revision of this tenant's draft that it replaces; null when there is none."
    )


@strawberry.type(description="The sandbox's program as the draft of the live tenant. Nothing is published yet.")
class PromoteProgramPayload:
    draft: ProgramDraft = strawberry.field(description="The new draft; publish its revision with `publishProgram`.")
    replaces: ProgramVersion | None = strawberry.field(
        description="The version in force, which it would replace; null before the first one."
    )
    changes: list[ProgramChange] = strawberry.field(
        description="What publishing it would change, in the order of the document; none before the first version."
    )


@mutation(
    access=requires(Scope.PROGRAM_WRITE),
    description="Make the version in force in one of the tenant's sandboxes the draft of the tenant itself.",
    errors=(SandboxOfSandbox, SandboxNotFound, ProgramNotPublished, ProgramDraftChanged, ProgramDocumentInvalid),
)
async def promote_program(info: Info, input: PromoteProgramInput) -> PromoteProgramPayload:
    """Promote the program."""
    context = info.context
    live, command = context.tenant, PromoteProgram(sandbox_slug=input.sandbox_slug, revision=input.revision)
    result = await context.run_slow(
        lambda database: service.promote_program(
            database,
            live=live,
            command=command,
            direct_url=context.services.settings.direct_database_url,
            actor=context.principal.actor,
            correlation_id=context.request.correlation_id,
        ),
        has_key=False,
    )
    return PromoteProgramPayload(
        draft=ProgramDraft.from_domain(result.draft),
        replaces=ProgramVersion.from_domain(result.in_force) if result.in_force else None,
        changes=[ProgramChange.from_domain(change, context.request.locale) for change in result.changes],
    )
