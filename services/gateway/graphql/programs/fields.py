"""The fields that conditions may name, for whoever builds a form."""

from typing import Annotated, Self

import strawberry

from services.gateway.graphql.fields import Info, guarded
from services.gateway.graphql.permissions import requires_somewhere
from services.gateway.graphql.text import LocalizedTextType
from services.loyalty.programs import queries
from services.loyalty.programs.domain import Trigger, stored_document
from services.loyalty.programs.domain.conditions import Operator
from services.loyalty.programs.domain.conditions.declared import Field, ValueType
from services.loyalty.programs.domain.conditions.fields import Asked, Catalogue, Place, catalogue, catalogue_of
from services.loyalty.programs.domain.conditions.literals import OPERATORS
from services.platform.auth.domain import Scope
from services.platform.db.session import ReadSession


@strawberry.type(description="A field that conditions of earn rules may name.")
class ProgramField:
    name: str = strawberry.field(description="Its name in a comparison, such as `order.total`.")
    expression_name: str = strawberry.field(
        description="Its name in an expression, such as `order_total`; with `has_` before it, whether it is known."
    )
    type: ValueType = strawberry.field(description="What it holds.")
    operators: list[Operator] = strawberry.field(description="How it can be compared.")
    description: LocalizedTextType = strawberry.field(description="What it is, for a form.")
    is_always_known: bool = strawberry.field(
        description="Whether every event has it; a field that is not known holds in no comparison."
    )
    allowed: list[str] = strawberry.field(description="The only values there are; empty where there are others.")
    minimum: int | None = strawberry.field(description="The least value there is, if there is one.")
    maximum: int | None = strawberry.field(description="The greatest value there is, if there is one.")

    @classmethod
    def from_domain(cls, field: Field) -> Self:
        """The field as clients see it."""
        return cls(
            name=field.name,
            expression_name=field.flat_name,
            type=field.type,
            operators=list(OPERATORS[field.type]),
            description=LocalizedTextType.from_domain(field.text),
            is_always_known=field.is_certain,
            allowed=list(field.allowed),
            minimum=field.minimum,
            maximum=field.maximum,
        )


@guarded(
    access=requires_somewhere(Scope.PROGRAM_READ),
    description="The fields that conditions may name: the house's own, and those that the draft declares (without a"
    " draft, the version in force).",
)
async def program_fields(
    info: Info,
    trigger: Annotated[Trigger, strawberry.argument(description="Of which rules.")] = Trigger.PURCHASE,
    asked: Annotated[Asked, strawberry.argument(description="What the condition is asked of.")] = Asked.EVENT,
    event: Annotated[
        str | None, strawberry.argument(description="The code of the custom event whose data is asked as well.")
    ] = None,
) -> list[ProgramField]:
    """The catalogue at one place."""
    known = await info.context.read(_catalogue)
    return [ProgramField.from_domain(field) for field in known.at(Place(trigger, asked, event))]


def _catalogue(session: ReadSession) -> Catalogue:
    draft = queries.draft(session)
    if draft is not None:
        return catalogue_of(stored_document(draft.document))
    version = queries.version_in_force(session, at=session.now)
    return catalogue() if version is None else catalogue_of(version.document)
