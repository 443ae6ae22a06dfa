"""How resolvers become fields: access first, and refusals that are named turn into members of the result union."""

import typing
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Annotated, Any, TypeAlias, Union

import strawberry
from strawberry.extensions import FieldExtension
from strawberry.types.field import StrawberryField
from strawberry.types.info import Info as StrawberryInfo

import services.gateway.graphql.enums  # noqa: F401  enums of the core are described before any type names one
from services.gateway.execution.operation import NOTHING_AHEAD, Ahead, Operation
from services.gateway.graphql.errors import described_error, error_type
from services.gateway.graphql.permissions import Access, Guard, Reads
from services.platform.errors import DomainError, InvalidInput

Info: TypeAlias = StrawberryInfo[Operation, None]
Resolver: TypeAlias = Callable[..., Awaitable[Any]]


def ahead(info: Info, type_name: str) -> Ahead:
    """What the operation will load by the keys of the objects of a type that this field returns, as far as known."""
    known: Callable[[str], Ahead] | None = getattr(info._raw_info, "ahead", None)  # noqa: SLF001  the executor's word
    return known(type_name) if known else NOTHING_AHEAD


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


def guarded(*, access: Access, description: str, reads: Reads | None = None) -> Callable[[Resolver], StrawberryField]:
    """A field with a resolver and a condition for its use.

    With ``reads`` what it will load is read together with its object where the whole operation is known before.
    """

    def decorate(resolver: Resolver) -> StrawberryField:
        field: StrawberryField = strawberry.field(
            resolver, description=f"{description} {access.description}".strip(), extensions=[Guard(access, reads=reads)]
        )
        return field

    return decorate


class StreamGuard(Guard):
    """Lets a subscription begin only where its access allows it. What it tells is guarded again, event by event."""

    async def resolve_async(self, next_: Callable[..., Any], source: Any, info: Any, **kwargs: Any) -> Any:
        """Check, then hand on the stream."""
        self.access.check(info.context, source, kwargs)
        return next_(source, info, **kwargs)


def subscription(*, access: Access, description: str) -> Callable[[Callable[..., AsyncIterator[Any]]], StrawberryField]:
    """A subscription from an async generator, whose ``root`` is the `LiveFeed`.

    Each event becomes an operation of its own, with the rights that the subscriber has then.
    """

    def decorate(resolver: Callable[..., AsyncIterator[Any]]) -> StrawberryField:
        field: StrawberryField = strawberry.subscription(
            resolver, description=f"{description} {access.description}", extensions=[StreamGuard(access)]
        )
        return field

    return decorate


def outcome_type(payload: type, errors: Sequence[type[DomainError]]) -> Any:
    """The union of a payload, a class named ``<Name>Payload``, and refusals, `InvalidInput` among them."""
    name = payload.__name__.removesuffix("Payload")
    members = (payload, *(error_type(error) for error in (*errors, InvalidInput)))
    union = strawberry.union(
        name=f"{name}Result", description=f"What comes of `{name[0].lower()}{name[1:]}`: its payload or a refusal."
    )
    return Annotated[Union[members], union]  # noqa: UP007  a union of types known only at run time


def _outcome(
    resolver: Resolver, *, access: Access, description: str, errors: Sequence[type[DomainError]]
) -> StrawberryField:
    payload: type = typing.get_type_hints(resolver)["return"]
    if "input" in resolver.__annotations__:
        described = strawberry.argument(description="What to do, and with what.")
        resolver.__annotations__["input"] = Annotated[resolver.__annotations__["input"], described]
    named = (*errors, InvalidInput)
    field: StrawberryField = strawberry.field(
        resolver,
        graphql_type=outcome_type(payload, errors),
        description=f"{description} {access.description}",
        # The last one is the outermost: a guard that reads the input may refuse it like the resolver itself.
        extensions=[Guard(access), Outcomes(named)],
    )
    return field
