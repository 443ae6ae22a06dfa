"""Codecs: each declares one kind of value once, and reads it, writes it and gives its JSON Schema."""

from services.loyalty.programs.domain.codec.base import Codec, Definitions, Difference, Named, Schema
from services.loyalty.programs.domain.codec.composites import (
    ORDER,
    Kind,
    ListOf,
    MapOf,
    Member,
    Record,
    Tagged,
    Wrapped,
)
from services.loyalty.programs.domain.codec.scalars import (
    Boolean,
    Choice,
    Code,
    Currency,
    Date,
    DecimalText,
    Integer,
    Text,
    TimeOfDay,
    Word,
    Zone,
)

__all__ = [
    "ORDER",
    "Boolean",
    "Choice",
    "Code",
    "Codec",
    "Currency",
    "Date",
    "DecimalText",
    "Definitions",
    "Difference",
    "Integer",
    "Kind",
    "ListOf",
    "MapOf",
    "Member",
    "Named",
    "Record",
    "Schema",
    "Tagged",
    "Text",
    "TimeOfDay",
    "Word",
    "Wrapped",
    "Zone",
]
