"""removePassIssuer."""

import strawberry

from services.gateway.graphql.fields import Info, mutation
from services.gateway.graphql.permissions import requires
from services.loyalty.cards import service
from services.loyalty.cards.domain import IssuerKind
from services.platform.auth.domain import Scope


@strawberry.input(description="Passes that are to be made no more.")
class RemovePassIssuerInput:
    kind: IssuerKind = strawberry.field(description="Whose phones keep them.")


@strawberry.type(description="What is no longer kept.")
class RemovePassIssuerPayload:
    was_there: bool = strawberry.field(description="Whether there was something to forget.")


@mutation(
    access=requires(Scope.KEYS_MANAGE),
    description="Forget the certificate or key that signs passes of one kind. Passes that phones have stay there.",
)
async def remove_pass_issuer(info: Info, input: RemovePassIssuerInput) -> RemovePassIssuerPayload:
    """Forget an issuer."""
    was_there = await info.context.run_command(lambda uow: service.remove_issuer(uow, kind=input.kind), has_key=False)
    return RemovePassIssuerPayload(was_there=was_there)
