"""The program document, version 2, as typed values.

Points are whole numbers of the smallest part of their unit (a unit of scale 2 counts hundredths), money is whole minor
units, and rates are exact decimals. The default of a member never changes: a document leaves out what has its default,
and what was published must go on meaning the same.
"""

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any

from services.loyalty.programs.domain.conditions import Condition
from services.loyalty.programs.domain.ladder import TierSet
from services.loyalty.programs.domain.policies import Policies
from services.loyalty.programs.domain.rules import Cap, Combination, EarnRule
from services.loyalty.programs.domain.text import LocalizedText
from services.loyalty.programs.domain.validity import Activation, Expiry

DOCUMENT_VERSION = 2


@dataclass(frozen=True, slots=True)
class PointUnit:
    """What is earned: its ledger code, its name, and how many digits it shows after the point; and how it lives.

    ``caps`` bound what all rules together give of it.
    """

    code: str
    name: LocalizedText
    scale: int
    activation: Activation = field(default_factory=Activation)
    expiry: Expiry = field(default_factory=Expiry)
    caps: tuple[Cap, ...] = ()


class FieldType(StrEnum):
    """What a merchant's own field holds."""

    TEXT = "text"
    NUMBER = "number"
    """A whole number."""
    BOOLEAN = "boolean"
    DATE = "date"


class FieldOwner(StrEnum):
    """What a merchant's own field belongs to."""

    MEMBER = "member"
    PURCHASE = "purchase"


@dataclass(frozen=True, slots=True)
class CustomField:
    """A field of the merchant's own, ``member.fields.<code>`` or ``order.fields.<code>`` in conditions."""

    code: str
    owner: FieldOwner
    type: FieldType
    name: LocalizedText


@dataclass(frozen=True, slots=True)
class CustomEvent:
    """Something else that members do.

    ``schema`` (JSON Schema) is what its data must be; its scalar properties are ``event.data.<name>`` in conditions.
    """

    code: str
    name: LocalizedText
    schema: dict[str, Any]


@dataclass(frozen=True, slots=True)
class RuleGroup:
    """How the rules of a group are put together; a rule without a group is a group of its own."""

    code: str
    combination: Combination


@dataclass(frozen=True, slots=True)
class ExchangeRate:
    """From ``from_date`` on, one major unit of ``currency`` is ``rate`` major units of the program's."""

    currency: str
    from_date: date
    rate: Decimal


@dataclass(frozen=True, slots=True)
class Exclusions:
    """Lines that earn by no rule, and lines that cannot be paid with points; conditions asked of a line."""

    earning: Condition | None = None
    paying: Condition | None = None


@dataclass(frozen=True, slots=True)
class ProgramDocument:
    """One loyalty program as the merchant wrote it. ``timezone`` is an IANA name, ``currency`` an ISO 4217 code.

    The first of ``units`` is the program's own, which `unit` gives; tiers look at it unless they name another.
    """

    name: LocalizedText
    timezone: str
    currency: str
    units: tuple[PointUnit, ...]
    rules: tuple[EarnRule, ...]
    tiers: TierSet
    policies: Policies = field(default_factory=Policies)
    groups: tuple[RuleGroup, ...] = ()
    rates: tuple[ExchangeRate, ...] = ()
    exclusions: Exclusions = field(default_factory=Exclusions)
    fields: tuple[CustomField, ...] = ()
    events: tuple[CustomEvent, ...] = ()

    @property
    def unit(self) -> PointUnit:
        """The program's own point unit."""
        return self.units[0]
