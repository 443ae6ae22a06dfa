"""What front ends and partners build on, written out: schema, refusals, letters, and operations as trusted documents.

``python -m services.gateway.graphql.frontend_contracts`` writes the files; a test compares them.
"""

import dataclasses
import json
import types
import typing
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from services.contracts.events.base import Envelope, Event, known_events
from services.contracts.routing import ROUTES
from services.gateway.context.request import Locale
from services.gateway.graphql.answers import TOLD_AT_THE_TOP
from services.gateway.graphql.errors import description_of
from services.gateway.graphql.fields import Outcomes
from services.gateway.graphql.schema import MUTATIONS, QUERIES, build_schema
from services.gateway.graphql.sentences import catalog
from services.gateway.graphql.trusted import OWN_MANIFEST, manifest_of
from services.platform.errors import DomainError

FOLDER = Path(__file__).resolve().parents[3] / "frontend-contracts"
EVENTS = FOLDER / "events"

_JSON_TYPES: Mapping[type, Mapping[str, str]] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    bool: {"type": "boolean"},
    UUID: {"type": "string", "format": "uuid"},
    datetime: {"type": "string", "format": "date-time"},
}


def contract_files() -> Mapping[Path, str]:
    """The text of every generated file. The manifest lies beside the code that reads it, so that the wheel has it."""
    files = {
        FOLDER / "schema.graphql": build_schema(is_sorted=True).as_str() + "\n",
        FOLDER / "errors.md": errors_page(),
        EVENTS / "Envelope.json": _json(_object(Envelope, title="Envelope", leave_out={"event"})),
    }
    for event in known_events():
        files[EVENTS / f"{event.__name__}.v{event.VERSION}.json"] = _json(event_schema(event))
    operations = sorted((FOLDER / "operations").glob("*.graphql"))
    files[OWN_MANIFEST] = manifest_of(file.read_text(encoding="utf-8") for file in operations)
    return files


def errors_page() -> str:
    """Every refusal: its code, when it happens, where, and what people read."""
    named = named_errors()
    top = sorted(told_at_the_top(), key=lambda cls: cls.code)
    return "\n".join(
        [
            "# Errors",
            "",
            "Made from the code by `python -m services.gateway.graphql.frontend_contracts`; do not edit.",
            "",
            "Expected refusals are members of a mutation's result union: ask for `... on Error { code message }`.",
            "A sentence follows the header `Accept-Language` (en or zh).",
            "",
            "## In result unions",
            "",
            *(line for cls, fields in named.items() for line in _section(cls, fields)),
            "## At the top",
            "",
            "These are entries of `errors`, with the code in `extensions.code`.",
            "",
            *(line for cls in top for line in _section(cls, ())),
        ]
    )


def named_errors() -> Mapping[type[DomainError], tuple[str, ...]]:
    """The refusals that fields name, by code, and those fields."""
    found: dict[type[DomainError], list[str]] = {}
    for name, field in sorted({**QUERIES, **MUTATIONS}.items()):
        for extension in field.extensions:
            if isinstance(extension, Outcomes):
                for error in extension.errors:
                    found.setdefault(error, []).append(_camel(name))
    return {cls: tuple(found[cls]) for cls in sorted(found, key=lambda cls: cls.code)}


def told_at_the_top() -> frozenset[type[DomainError]]:
    """The refusals that may be answered as top-level errors."""
    return frozenset(
        leaf for root in TOLD_AT_THE_TOP for leaf in (root, *_descendants(root)) if not leaf.__subclasses__()
    )


def fact_names(cls: type[DomainError]) -> tuple[str, ...]:
    """The names of a refusal's facts."""
    # `DomainError` itself is no dataclass, and one without facts need not be.
    fields: Mapping[str, object] = getattr(cls, "__dataclass_fields__", {})
    return tuple(fields)


def event_schema(event: type[Event]) -> dict[str, Any]:
    """JSON Schema of an event's payload."""
    schema = _object(event, title=event.__name__, leave_out=set())
    return {**schema, "x-version": event.VERSION, "x-consumers": list(ROUTES.get(event, ()))}


def write_contracts() -> None:
    """Write every generated file, and remove events that are no more."""
    files = contract_files()
    for event in EVENTS.glob("*.json"):
        if event not in files:
            event.unlink()
    for path, text in files.items():
        path.write_text(text, encoding="utf-8")


def _section(cls: type[DomainError], fields: tuple[str, ...]) -> list[str]:
    lines = [f"### `{cls.code}`", "", description_of(cls), ""]
    if fields:
        lines += ["Refused by " + ", ".join(f"`{name}`" for name in fields) + ".", ""]
    facts = fact_names(cls)
    if facts:
        lines += ["Facts: " + ", ".join(f"`{_camel(name)}`" for name in facts) + ".", ""]
    for key in sorted(catalog(Locale.EN)):
        if key == cls.code or key.startswith(f"{cls.code}."):
            variant = key.removeprefix(cls.code).removeprefix(".")
            prefix = f"`{variant}`: " if variant else ""
            lines.append(f"- {prefix}{catalog(Locale.EN)[key]} / {catalog(Locale.ZH)[key]}")
    return [*lines, ""]


def _object(cls: type, *, title: str, leave_out: set[str]) -> dict[str, Any]:
    hints = typing.get_type_hints(cls)
    fields = [field for field in dataclasses.fields(cls) if field.name not in leave_out]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": title,
        "description": " ".join((cls.__doc__ or "").split()),
        "type": "object",
        "properties": {field.name: _json_type(hints[field.name]) for field in fields},
        "required": [field.name for field in fields],
    }


def _json_type(hint: Any) -> dict[str, Any]:
    if isinstance(hint, types.UnionType):
        known = [dict(_JSON_TYPES[kind]) for kind in typing.get_args(hint) if kind is not type(None)]
        return {"anyOf": [*known, {"type": "null"}]}
    return dict(_JSON_TYPES[hint])


def _descendants(cls: type[DomainError]) -> list[type[DomainError]]:
    return [found for child in cls.__subclasses__() for found in (child, *_descendants(child))]


def _json(document: Mapping[str, Any]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _camel(name: str) -> str:
    head, *tail = name.split("_")
    return head + "".join(part.capitalize() for part in tail)


if __name__ == "__main__":
    write_contracts()
