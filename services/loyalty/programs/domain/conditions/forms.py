"""What a rule asks of the thing that happened: a tree of comparisons, or one expression; both say the same.

A condition names declared fields only (`fields`). Money is minor units of the event's own currency, points are whole.
"""

from dataclasses import dataclass
from enum import StrEnum

Scalar = bool | int | str
"""A literal of a condition. Decimals, dates, times of day and instants are texts, read by the field's type."""


class Operator(StrEnum):
    """How a field is compared with a literal. The field's type says which operators it takes."""

    EQUAL = "eq"
    NOT_EQUAL = "ne"
    LESS = "lt"
    AT_MOST = "le"
    MORE = "gt"
    AT_LEAST = "ge"
    ONE_OF = "in"
    NONE_OF = "notIn"
    CONTAINS = "contains"
    """A list has the literal among its items."""
    UNDER = "under"
    """A category path begins with the literal, a path as a list of names; of a list of paths, one of them does."""
    PRESENT = "present"
    """The field is known; the literal is true or false."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """``field`` ``operator`` ``value``. A field that is not known fails every comparison but PRESENT false."""

    field: str
    operator: Operator
    value: Scalar | tuple[Scalar, ...] | tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class AllOf:
    """Every one holds; true when empty."""

    conditions: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one holds; false when empty."""

    conditions: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The other way round."""

    condition: "Condition"


@dataclass(frozen=True, slots=True)
class Expression:
    """The same as free text in the Common Expression Language (CEL); it must give true or false."""

    source: str


Condition = AllOf | AnyOf | Not | Comparison | Expression
