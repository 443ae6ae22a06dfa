"""How resolvers become fields: access first, and refusals that are named turn into members of the result union."""

import typing
from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Any, TypeAlias, Union

import strawberry
from strawberry.extensions import FieldExtension
from strawberry.types.field import StrawberryField
from strawberry.types.info import Info as StrawberryInfo

from services.gateway.execution.operation import Operation
from services.gateway.graphql.errors import described_error, error_type
from services.gateway.graphql.permissions import Access, Guard
from services.platform.errors import DomainError, InvalidInput

Info: TypeAlias = StrawberryInfo[Operation, None]
Resolver: TypeAlias = Callable[..., Awaitable[Any]]


class Outcomes(FieldExtension):
    """Turns the refusals that a field names into values; any other one rises, is masked, and is a bug of ours."""

    def __init__(self, errors: Sequence[type[DomainError]]) -> None:
        self.errors = tuple(errors)

    async def resolve_async(self, next_: Callable[..., Awaitable[Any]], source: Any, info: Info, **kwargs: Any) -> Any:
        """Go on, and describe what was refused."""
        try:
            return await next_(source, info, **kwargs)
        except self.errors as error:
            return described_error(error, info.context.request.locale)


def mutation(
    *, access: Access, description: str, errors: Sequence[type[DomainError]] = ()
) -> Callable[[Resolver], StrawberryField]:
    """A mutation from an async function that returns its payload, a class named ``<Name>Payload``.

    Its result is the union ``<Name>Result`` of that payload and the named ``errors``, `InvalidInput` among them.
    """

    def decorate(resolver: Resolver) -> StrawberryField:
        return _outcome(resolver, access=access, description=description, errors=errors)

    return decorate


def query_outcome(
    *, access: Access, description: str, errors: Sequence[type[DomainError]] = ()
) -> Callable[[Resolver], StrawberryField]:
    """A query that can be refused like a mutation; see `mutation`."""
    return mutation(access=access, description=description, errors=errors)


def guarded(*, access: Access, description: str) -> Callable[[Resolver], StrawberryField]:
    """A field with a resolver and a condition for its use."""

    def decorate(resolver: Resolver) -> StrawberryField:
        field: StrawberryField = strawberry.field(
            resolver, description=f"{description} {access.description}".strip(), extensions=[Guard(access)]
        )
        return field

    return decorate


def _outcome(
    resolver: Resolver, *, access: Access, description: str, errors: Sequence[type[DomainError]]
) -> StrawberryField:
    payload = typing.get_type_hints(resolver)["return"]
    if "input" in resolver.__annotations__:
        described = strawberry.argument(description="What to do, and with what.")
        resolver.__annotations__["input"] = Annotated[resolver.__annotations__["input"], described]
    name = payload.__name__.removesuffix("Payload")
    named = (*errors, InvalidInput)
    members = (payload, *(error_type(error) for error in named))
    union = strawberry.union(
        name=f"{name}Result", description=f"What comes of `{name[0].lower()}{name[1:]}`: its payload or a refusal."
    )
    field: StrawberryField = strawberry.field(
        resolver,
        graphql_type=Annotated[Union[members], union],  # noqa: UP007  a union of types known only at run time
        description=f"{description} {access.description}",
        # The last one is the outermost: a guard that reads the input may refuse it like the resolver itself.
        extensions=[Guard(access), Outcomes(named)],
    )
    return field
