"""What every letter is: a fact in the past tense, and the envelope that carries it."""

import dataclasses
import types
import typing
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, ClassVar, TypeVar
from uuid import UUID

_CLASSES: dict[str, type["Event"]] = {}


@dataclass(frozen=True, slots=True)
class Event:
    """A fact. Fields are UUID, datetime, str, int, bool or None; a change that is not additive takes a new version."""

    VERSION: ClassVar[int] = 1

    def __init_subclass__(cls, **kwargs: Any) -> None:
        # Slotted dataclasses are made twice; the class that stays is the last one.
        super(Event, cls).__init_subclass__(**kwargs)
        _CLASSES[cls.__name__] = cls


EventT = TypeVar("EventT", bound=Event)


@dataclass(frozen=True, slots=True)
class Envelope:
    """A fact with its headers. ``tenant_id`` is the tenant in whose home it was written."""

    event_id: UUID
    event: Event
    tenant_id: UUID
    correlation_id: str
    occurred_at: datetime


def known_events() -> tuple[type[Event], ...]:
    """Every event class, by name."""
    return tuple(_CLASSES[name] for name in sorted(_CLASSES))


def to_payload(event: Event) -> dict[str, str | int | bool | None]:
    """The event as JSON values."""
    payload: dict[str, str | int | bool | None] = {}
    for name in _field_names(type(event).__name__):
        value = getattr(event, name)
        if isinstance(value, datetime):
            payload[name] = value.isoformat()
        elif isinstance(value, UUID):
            payload[name] = str(value)
        else:
            payload[name] = value
    return payload


@cache
def _field_names(type_name: str) -> tuple[str, ...]:
    return tuple(field.name for field in dataclasses.fields(_CLASSES[type_name]))


def from_payload(type_name: str, payload: dict[str, Any]) -> Event:
    """The event that `to_payload` wrote; unknown keys are tolerated, so that a newer sender can add some.

    Raises:
        LookupError: no such event.
    """
    cls = _CLASSES[type_name]
    hints = typing.get_type_hints(cls)
    values: dict[str, Any] = {}
    for field in dataclasses.fields(cls):
        if field.name in payload:
            values[field.name] = _revive(hints[field.name], payload[field.name])
    return cls(**values)


def _revive(hint: Any, value: Any) -> Any:
    if value is None:
        return None
    kinds = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
    if UUID in kinds:
        return UUID(value)
    if datetime in kinds:
        return datetime.fromisoformat(value)
    return value
