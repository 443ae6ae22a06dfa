"""createSandbox."""

from datetime import datetime

import strawberry

from services.gateway.graphql.client_input import input_hash
from services.gateway.graphql.fields import Info, mutation
from services.gateway.graphql.permissions import requires
from services.gateway.graphql.sandboxes.types import Sandbox
from services.gateway.graphql.scalars import IdempotencyKey
from services.loyalty.sandboxes import service
from services.loyalty.sandboxes.domain import Copied, CreateSandbox
from services.loyalty.sandboxes.errors import SandboxOfSandbox, TooManySandboxes
from services.platform.auth.domain import Scope
from services.platform.db.homes import PLATFORM
from services.platform.idempotency.errors import IdempotencyConflict
from services.platform.tenancy.errors import SlugInvalid, SlugTaken
from services.platform.tenancy.registry import tenant_by_id

COPIES_MAX = len(Copied)


@strawberry.input(description="A sandbox to make of the tenant.")
class CreateSandboxInput:
    slug: str = strawberry.field(
        description="The sandbox's own short name, by which X-Tenant reaches it: 3 to 40 lower-case letters, digits and"
        " single hyphens, beginning with a letter. It never changes."
    )
    name: str | None = strawberry.field(default=None, description="What people call it; by default like the tenant.")
    begins_at: datetime | None = strawberry.field(
        default=None, description="What its clock says first, within 100 years of now; by default the present instant."
    )
    copies: list[Copied] = strawberry.field(
        default_factory=lambda: list(Copied), description="What it takes over from the tenant; by default all of it."
    )
    idempotency_key: IdempotencyKey = strawberry.field(
        description="A call that was cut off goes on where it stopped when it is repeated with its key."
    )

    def to_command(self, request_hash: bytes) -> CreateSandbox:
        """The command that it asks for."""
        return CreateSandbox(
            slug=self.slug,
            name=self.name,
            begins_at=self.begins_at,
            copies=frozenset(self.copies),
            idempotency_key=self.idempotency_key,
            request_hash=request_hash,
        )


@strawberry.type(description="A sandbox that is ready.")
class CreateSandboxPayload:
    sandbox: Sandbox = strawberry.field(description="The sandbox. Everybody has in it the role that they have here.")
    replayed: bool = strawberry.field(description="Whether the key was known and the sandbox was there.")


@mutation(
    access=requires(Scope.SANDBOXES_MANAGE),
    description=(
        "Make a sandbox of a live tenant: a tenant of its own with a clock of its own, and copies of the program, the"
        " stores and the rewards. Members, purchases and points are never copied."
    ),
    errors=(SandboxOfSandbox, TooManySandboxes, SlugInvalid, SlugTaken, IdempotencyConflict),
)
async def create_sandbox(info: Info, input: CreateSandboxInput) -> CreateSandboxPayload:
    """Make a sandbox."""
    context = info.context
    live, command = context.tenant, input.to_command(input_hash(info))
    result = await context.run_slow(
        lambda database: service.create_sandbox(
            database,
            live=live,
            command=command,
            direct_url=context.services.settings.direct_database_url,
            actor=context.principal.actor,
            correlation_id=context.request.correlation_id,
        ),
        has_key=True,
    )
    # The slug may have been looked for, and found to be nobody's, a moment ago.
    context.services.authenticator.forget()
    tenant = await context.read(lambda session: tenant_by_id(session, result.tenant_id), home=PLATFORM)
    assert tenant is not None
    return CreateSandboxPayload(sandbox=Sandbox.from_domain(tenant), replayed=result.replayed)
