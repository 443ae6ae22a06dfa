"""The fields that conditions may name: what each holds, where it exists, and how it reads in an expression.

The catalogue of a program is the house's own fields, the merchant's, and the data of the merchant's events. A survey's
score and a review's stars are not among them, on purpose: a reward may not depend on what somebody thinks.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal
from enum import StrEnum
from functools import cached_property
from typing import Any

from services.loyalty.programs.domain.conditions.declared import DECLARED, Field, ValueType
from services.loyalty.programs.domain.document import CustomEvent, CustomField, FieldOwner, FieldType, ProgramDocument
from services.loyalty.programs.domain.rules import EarnRule, Trigger
from services.loyalty.programs.domain.text import LocalizedText

FactValue = bool | int | str | Decimal | date | time | tuple[str, ...] | tuple[tuple[str, ...], ...]
Facts = Mapping[str, FactValue | None]
"""What is known of one event, or of one line of it, by the dotted names of fields. Absent and None: not known."""

_DATA_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,39}")
_DATA_TYPES = {
    "boolean": ValueType.BOOLEAN,
    "integer": ValueType.INTEGER,
    "string": ValueType.TEXT,
}
_FIELD_TYPES = {
    FieldType.TEXT: ValueType.TEXT,
    FieldType.NUMBER: ValueType.INTEGER,
    FieldType.BOOLEAN: ValueType.BOOLEAN,
    FieldType.DATE: ValueType.DATE,
}


class Asked(StrEnum):
    """What a condition is asked of."""

    EVENT = "event"
    """The whole event: ``when`` of a rule."""
    LINE = "line"
    """Each line of a purchase: ``lines`` of a rule, and exclusions."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a condition stands: of which trigger's rule, asked of what; ``event`` is a custom event's code.

    Exclusions are asked of lines of purchases: the default.
    """

    trigger: Trigger = Trigger.PURCHASE
    asked: Asked = Asked.LINE
    event: str | None = None


def when_place(rule: EarnRule) -> Place:
    """Where ``when`` of a rule stands."""
    return Place(rule.trigger, Asked.EVENT, rule.event)


def lines_place(rule: EarnRule) -> Place:
    """Where ``lines`` of a rule stands."""
    return Place(rule.trigger, Asked.LINE, rule.event)


@dataclass(frozen=True)
class Catalogue:
    """Every field of one program. ``events`` are the data fields of its custom events, by the events' codes."""

    fields: tuple[Field, ...]
    events: Mapping[str, tuple[Field, ...]] = field(default_factory=dict)

    @cached_property
    def _by_name(self) -> dict[str, Field]:
        return {each.name: each for each in self.fields}

    @cached_property
    def _data_by_name(self) -> dict[str, dict[str, Field]]:
        return {code: {each.name: each for each in fields} for code, fields in self.events.items()}

    def find(self, name: str, place: Place) -> Field | None:
        """The field with this dotted name, wherever it exists; data fields only those of the place's own event."""
        known = self._by_name.get(name)
        if known is None and place.event is not None:
            known = self._data_by_name.get(place.event, {}).get(name)
        return known

    def at(self, place: Place) -> tuple[Field, ...]:
        """The fields that a condition at this place may name."""
        data = self.events.get(place.event, ()) if place.event is not None else ()
        return (*(each for each in self.fields if exists_at(each, place)), *data)


def exists_at(declared: Field, place: Place) -> bool:
    """Whether the field exists at the place: for its trigger, and a line's only where lines are asked."""
    return place.trigger in declared.triggers and (place.asked is Asked.LINE or not declared.of_line)


def catalogue(
    *, tiers: Sequence[str] = (), fields: Iterable[CustomField] = (), events: Iterable[CustomEvent] = ()
) -> Catalogue:
    """The catalogue of a program with these tier codes, own fields and custom events."""
    declared = [each.among(tuple(tiers)) if each.name == "member.tier" and tiers else each for each in DECLARED]
    declared += [_own_field(each) for each in fields]
    return Catalogue(tuple(declared), {event.code: tuple(_data_fields(event)) for event in events})


def catalogue_of(document: ProgramDocument) -> Catalogue:
    """The fields that conditions of this document may name."""
    tiers = [level.code for level in document.tiers.levels]
    return catalogue(tiers=tiers, fields=document.fields, events=document.events)


def time_facts(local: datetime) -> dict[str, FactValue]:
    """The ``time`` fields of an instant given in the program's zone, to the minute."""
    return {
        "time.weekday": local.isoweekday(),
        "time.hour": local.hour,
        "time.date": local.date(),
        "time.time": time(local.hour, local.minute),
        "time.day": local.day,
        "time.month": local.month,
    }


def custom_fact(value: object, type_: ValueType) -> FactValue | None:
    """A stored custom value (JSON) as a fact of the type; None where it is something else."""
    if isinstance(value, bool):
        return value if type_ is ValueType.BOOLEAN else None
    if isinstance(value, str):
        return value if type_ is ValueType.TEXT else _date(value) if type_ is ValueType.DATE else None
    if type_ is ValueType.DECIMAL and isinstance(value, int | Decimal):
        return Decimal(value)
    if type_ is ValueType.INTEGER and isinstance(value, int):
        return value
    if type_ is ValueType.TEXTS and isinstance(value, list | tuple):
        texts = tuple(item for item in value if isinstance(item, str))
        return texts if len(texts) == len(value) else None
    return None


def _date(value: str) -> date | None:
    try:
        return date.fromisoformat(value)
    except ValueError:
        return None


def _own_field(own: CustomField) -> Field:
    prefix = "member" if own.owner is FieldOwner.MEMBER else "order"
    model = next(each for each in DECLARED if each.name == ("member.tier" if prefix == "member" else "order.total"))
    return Field(
        name=f"{prefix}.fields.{own.code}",
        type=_FIELD_TYPES[own.type],
        triggers=model.triggers,
        text=own.name,
        is_certain=False,
    )


def _data_fields(event: CustomEvent) -> Iterable[Field]:
    properties = event.schema.get("properties")
    required = event.schema.get("required", ())
    for name, schema in properties.items() if isinstance(properties, dict) else ():
        type_ = _data_type(schema)
        if type_ is not None and _DATA_NAME.fullmatch(name):
            title = schema.get("title") if isinstance(schema.get("title"), str) else name
            yield Field(
                name=f"event.data.{name}",
                type=type_,
                triggers=frozenset({Trigger.CUSTOM_EVENT}),
                text=LocalizedText(en=title, zh=title),
                is_certain=name in required,
            )


def _data_type(schema: Any) -> ValueType | None:
    if not isinstance(schema, dict):
        return None
    if schema.get("type") == "string" and schema.get("format") == "date":
        return ValueType.DATE
    items = schema.get("items")
    if schema.get("type") == "array" and isinstance(items, dict) and items.get("type") == "string":
        return ValueType.TEXTS
    type_ = schema.get("type")
    return _DATA_TYPES.get(type_) if isinstance(type_, str) else None
