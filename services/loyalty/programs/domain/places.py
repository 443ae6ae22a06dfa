"""Places of a document in the words of its author: not the fourth rule, but the rule by its id and name."""

from collections.abc import Mapping, Sequence
from typing import Any

from services.loyalty.programs.errors import Place

PARTS: Mapping[tuple[str, ...], str] = {
    ("units",): "code",
    ("fields",): "code",
    ("events",): "code",
    ("groups",): "code",
    ("rules",): "id",
    ("tiers", "levels"): "code",
}
"""The lists whose items have a code, and the key that holds it."""


def place_at(data: object, path: str) -> Place:
    """The place of a JSON pointer into a document, sound or not."""
    steps = tuple(step.replace("~1", "/").replace("~0", "~") for step in path.split("/")[1:])
    for list_steps, key in PARTS.items():
        depth = len(list_steps)
        if len(steps) > depth and steps[:depth] == list_steps:
            item = _at(data, steps[: depth + 1])
            return _within(list_steps[-1], item, key, number=steps[depth], rest=steps[depth + 1 :])
    return Place(steps)


def place_of(steps: Sequence[str], documents: Sequence[Mapping[str, Any]]) -> Place:
    """The place of a difference, whose steps are codes; names are those of the first document that knows the part."""
    found = tuple(steps)
    for list_steps, key in PARTS.items():
        depth = len(list_steps)
        if len(found) <= depth or found[:depth] != list_steps:
            continue
        for document in documents:
            for item in _at(document, list_steps) or ():
                if _code(list_steps[-1], item, key) == found[depth]:
                    return _within(list_steps[-1], item, key, number=found[depth], rest=found[depth + 1 :])
    return Place(found)


def _code(part: str, item: Any, key: str) -> str:
    # A field's code is its own only together with whose field it is.
    return f"{item['owner']}.{item[key]}" if part == "fields" else str(item[key])


def _within(part: str, item: Any, key: str, *, number: str, rest: tuple[str, ...]) -> Place:
    values = item if isinstance(item, Mapping) else {}
    name = values.get("name")
    names = name if isinstance(name, Mapping) else {}
    code = values.get(key)
    shown = code if isinstance(code, str) and code else f"#{int(number) + 1}" if number.isdecimal() else number
    return Place(rest, part, _short(shown), _short(names.get("en")), _short(names.get("zh")))


def _at(data: object, steps: Sequence[str]) -> Any:
    for step in steps:
        if isinstance(data, Mapping):
            data = data.get(step)
        elif isinstance(data, Sequence) and not isinstance(data, str) and step.isdecimal() and int(step) < len(data):
            data = data[int(step)]
        else:
            return None
    return data


def _short(text: object) -> str:
    return text[:80] if isinstance(text, str) else ""
