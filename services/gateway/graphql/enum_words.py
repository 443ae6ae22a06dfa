"""How an enum of the core becomes a GraphQL enum, with a description of every value."""

from collections.abc import Mapping
from enum import Enum
from typing import TypeVar

import strawberry
from strawberry.types.enum import StrawberryEnumDefinition

EnumT = TypeVar("EnumT", bound=Enum)


def describe(cls: type[EnumT], name: str, description: str, values: Mapping[EnumT, str]) -> None:
    """Make an enum of the core a GraphQL enum; a value without a description is a KeyError when this is imported."""
    described = strawberry.enum(cls, name=name, description=description)
    definition: StrawberryEnumDefinition = getattr(described, "__strawberry_definition__")  # noqa: B009  put there by Strawberry
    for value in definition.values:
        value.description = values[cls[value.name]]
