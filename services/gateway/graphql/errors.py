"""One GraphQL type per refusal, made from the facts of its class, behind the interface Error."""

import dataclasses
import inspect
import types
import typing
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

import strawberry

from services.gateway.context.request import Locale
from services.gateway.graphql.facts import FACTS, GLOBAL_IDS, POINTS
from services.gateway.graphql.ids import encode
from services.gateway.graphql.money import MoneyAmount
from services.gateway.graphql.programs.wording import problem_message
from services.gateway.graphql.scalars import Points, WholeNumber
from services.gateway.graphql.sentences import sentence
from services.gateway.graphql.text import LocalizedTextType
from services.loyalty.programs.domain import LocalizedText
from services.loyalty.programs.errors import DocumentProblem
from services.platform.errors import DomainError
from services.platform.money import Money
from services.platform.telemetry import metrics


@strawberry.interface(
    name="Error",
    description="A refusal that a caller should expect. Ask for `... on Error { code message }` in every result.",
)
class ErrorInterface:
    code: str = strawberry.field(description="Stable and machine-readable: the type's name in capitals.")
    message: str = strawberry.field(
        description="A sentence for a person, in Chinese or English after the header Accept-Language."
    )


@strawberry.type(name="Fact", description="A named value that belongs to a problem.")
class FactType:
    name: str = strawberry.field(description="What the value is.")
    value: str = strawberry.field(description="The value as text.")


@strawberry.type(name="DocumentProblem", description="One thing that is wrong in a program document.")
class DocumentProblemType:
    path: str = strawberry.field(description="Where: a JSON pointer (RFC 6901).")
    code: str = strawberry.field(description="What is wrong, for machines.")
    facts: list[FactType] = strawberry.field(description="Values that the code speaks of, such as `maximum`.")
    message: str = strawberry.field(
        description="A sentence for a person: the part by its id and name, the place in it, what is wrong, what helps."
    )


@dataclasses.dataclass(frozen=True, slots=True)
class _Shape:
    """How one Python type of facts is shown."""

    annotation: Any
    show: Callable[[Any, Locale], Any]


def _same(value: Any, _locale: Locale) -> Any:
    return value


def _text(value: Any, _locale: Locale) -> str:
    return str(value)


def _problem(problem: DocumentProblem, locale: Locale) -> DocumentProblemType:
    return DocumentProblemType(
        path=problem.path,
        code=problem.code,
        facts=[FactType(name=name, value=str(value)) for name, value in problem.facts.items()],
        message=problem_message(problem, locale),
    )


_SHAPES: dict[type, _Shape] = {
    str: _Shape(str, _text),
    bool: _Shape(bool, _same),
    int: _Shape(WholeNumber, _same),
    Decimal: _Shape(Decimal, _same),
    datetime: _Shape(datetime, _same),
    date: _Shape(date, _same),
    Money: _Shape(MoneyAmount, lambda money, _locale: MoneyAmount.from_domain(money)),
    LocalizedText: _Shape(LocalizedTextType, lambda text, _locale: LocalizedTextType.from_domain(text)),
    DocumentProblem: _Shape(DocumentProblemType, _problem),
}


def _shape(name: str, hint: Any) -> _Shape:
    arguments = typing.get_args(hint)
    if isinstance(hint, types.UnionType) and type(None) in arguments:
        inner = _shape(name, next(argument for argument in arguments if argument is not type(None)))
        return _Shape(
            inner.annotation | None, lambda value, locale: None if value is None else inner.show(value, locale)
        )
    if typing.get_origin(hint) is tuple:
        inner = _shape(name, arguments[0])
        annotation = types.GenericAlias(list, (inner.annotation,))
        return _Shape(annotation, lambda values, locale: [inner.show(value, locale) for value in values])
    if hint is UUID:
        return _Shape(strawberry.ID, lambda value, _locale: encode(GLOBAL_IDS[name], value))
    if isinstance(hint, type) and issubclass(hint, Enum):
        return _Shape(str, lambda value, _locale: str(value.value))
    return _SHAPES[hint]


def _shapes(cls: type[DomainError]) -> dict[str, _Shape]:
    if not dataclasses.is_dataclass(cls):
        return {}
    hints = typing.get_type_hints(cls)
    return {
        field.name: _Shape(Points, _same)
        if (cls.__name__, field.name) in POINTS
        else _shape(field.name, hints[field.name])
        for field in dataclasses.fields(cls)
    }


_types: dict[type[DomainError], type[ErrorInterface]] = {}


def error_type(cls: type[DomainError]) -> type[ErrorInterface]:
    """The GraphQL type of a refusal: code, message, and its facts as fields."""
    if cls not in _types:
        _types[cls] = _make_type(cls)
    return _types[cls]


def _make_type(cls: type[DomainError]) -> type[ErrorInterface]:
    shapes = _shapes(cls)
    namespace: dict[str, Any] = {
        # Facts are nullable throughout, so that those of one name are of one kind in all refusals of a union.
        "__annotations__": {name: shape.annotation | None for name, shape in shapes.items()},
        "__module__": __name__,
        **{name: strawberry.field(description=FACTS[name]) for name in shapes},
    }
    made = type(cls.__name__, (ErrorInterface,), namespace)
    described: type[ErrorInterface] = strawberry.type(made, description=description_of(cls))
    return described


def described_error(error: DomainError, locale: Locale) -> ErrorInterface:
    """A refusal as a member of a result union."""
    metrics.refused(error.code)
    facts = {name: shape.show(getattr(error, name), locale) for name, shape in _shapes(type(error)).items()}
    return error_type(type(error))(code=error.code, message=sentence(error, locale), **facts)


def description_of(cls: type[DomainError]) -> str:
    """The first paragraph of a refusal's docstring: when it happens."""
    documentation = inspect.getdoc(cls) or ""
    return " ".join(documentation.split("\n\n")[0].split()).replace("``", "`")
