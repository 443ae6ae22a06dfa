"""Codecs of values that hold others: arrays, maps, objects with known members, and one of several kinds."""

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeVar, cast

from services.loyalty.programs.domain.codec.base import Codec, Definitions, Difference, Schema, Steps, described
from services.loyalty.programs.domain.reading import ABSENT, Reader, pointer

T = TypeVar("T")
ORDER = "order"
"""Stands in a place for the order of what is listed there."""


class ListOf(Codec[tuple[T, ...]]):
    """An array. ``unique`` gives what no two of its items share; ``key`` is the member that holds it."""

    def __init__(
        self,
        item: Codec[T],
        *,
        minimum: int = 0,
        maximum: int,
        unique: Callable[[T], object] | None = None,
        key: str | None = None,
        check: Callable[[Reader, str, Sequence[tuple[str, T]]], None] | None = None,
    ) -> None:
        self._item = item
        self._minimum = minimum
        self._maximum = maximum
        self._unique = unique
        self._key = key
        self._check = check

    def read(self, reader: Reader, value: object, path: str) -> tuple[T, ...]:
        items: list[T] = []
        sound: list[tuple[str, T]] = []
        for place, given in reader.items(value, path, minimum=self._minimum, maximum=self._maximum):
            before = reader.count
            item = self._item.read(reader, given, place)
            items.append(item)
            if reader.count == before:
                sound.append((place, item))
        if self._unique is not None:
            steps = () if self._key is None else (self._key,)
            reader.unique((pointer(place, steps), self._unique(item)) for place, item in sound)
        if self._check is not None:
            self._check(reader, path, sound)
        return tuple(items)

    def write(self, value: tuple[T, ...]) -> Any:
        return [self._item.write(item) for item in value]

    def parts(self, before: tuple[T, ...], after: tuple[T, ...], steps: Steps) -> Iterator[Difference]:
        if self._unique is None:
            yield Difference(steps, self.write(before), self.write(after))
            return
        old, new = self._by_name(before), self._by_name(after)
        for name in [*old, *(name for name in new if name not in old)]:
            yield from self._item.differences(old.get(name), new.get(name), (*steps, name))
        stayed, standing = [name for name in old if name in new], [name for name in new if name in old]
        if stayed != standing:
            yield Difference((*steps, ORDER), stayed, standing)

    def _by_name(self, items: tuple[T, ...]) -> dict[str, T]:
        assert self._unique is not None
        return {_name_of(self._unique(item)): item for item in items}

    def schema(self, definitions: Definitions, /) -> Schema:
        items = self._item.schema(definitions)
        return {"type": "array", "minItems": self._minimum, "maxItems": self._maximum, "items": items}


def _name_of(identity: object) -> str:
    return ".".join(str(part) for part in identity) if isinstance(identity, tuple) else str(identity)


class MapOf(Codec[tuple[tuple[str, T], ...]]):
    """An object whose keys are codes; as pairs by key, because JSON objects have no order."""

    def __init__(self, key: Codec[str], item: Codec[T], *, minimum: int = 1, maximum: int) -> None:
        self._key = key
        self._item = item
        self._minimum = minimum
        self._maximum = maximum

    def read(self, reader: Reader, value: object, path: str) -> tuple[tuple[str, T], ...]:
        entries = reader.entries(value, path, minimum=self._minimum, maximum=self._maximum)
        return tuple(
            sorted(
                ((self._key.read(reader, key, place), self._item.read(reader, item, place)))
                for key, place, item in entries
            )
        )

    def write(self, value: tuple[tuple[str, T], ...]) -> Any:
        return {key: self._item.write(item) for key, item in value}

    def parts(
        self, before: tuple[tuple[str, T], ...], after: tuple[tuple[str, T], ...], steps: Steps
    ) -> Iterator[Difference]:
        old, new = dict(before), dict(after)
        for key in sorted({*old, *new}):
            yield from self._item.differences(old.get(key), new.get(key), (*steps, key))

    def schema(self, definitions: Definitions, /) -> Schema:
        return {
            "type": "object",
            "minProperties": self._minimum,
            "maxProperties": self._maximum,
            "propertyNames": self._key.schema(definitions),
            "additionalProperties": self._item.schema(definitions),
        }


class _Required:
    """Stands for a member without a default."""


@dataclasses.dataclass(frozen=True)
class Member:
    """One key of an object: the attribute that it fills, what it holds, and words for the schema.

    An attribute with a default makes the key optional, and is not written while it has that default.
    """

    attribute: str
    codec: Codec[Any]
    description: str
    name: str = ""

    @property
    def key(self) -> str:
        """The JSON key."""
        first, *rest = (self.name or self.attribute).split("_")
        return first + "".join(word.capitalize() for word in rest)


class Record(Codec[T]):
    """An object with known keys, as a dataclass. ``check`` sees a record whose members are sound, with its place."""

    def __init__(
        self,
        make: type[T],
        members: Iterable[Member],
        *,
        check: Callable[[Reader, T, str], None] | None = None,
    ) -> None:
        self._make = make
        self._members = tuple(members)
        self._check = check
        self._defaults = {field.name: _default(field) for field in dataclasses.fields(make)}  # type: ignore[arg-type]  # T is a dataclass
        declared = {member.attribute for member in self._members}
        if declared != self._defaults.keys():
            message = f"{make.__name__}: {declared ^ self._defaults.keys()} stand in one of declaration and dataclass"
            raise TypeError(message)

    def _is_required(self, member: Member) -> bool:
        return self._defaults[member.attribute] is _Required

    def read(self, reader: Reader, value: object, path: str) -> T:
        before = reader.count
        given = reader.members(
            value,
            path,
            required=[member.key for member in self._members if self._is_required(member)],
            optional=[member.key for member in self._members if not self._is_required(member)],
        )
        values = {
            member.attribute: self._defaults[member.attribute]
            if given[member.key] is ABSENT and not self._is_required(member)
            else member.codec.read(reader, given[member.key], pointer(path, (member.key,)))
            for member in self._members
        }
        made = self._make(**values)
        if self._check is not None and reader.count == before:
            self._check(reader, made, path)
        return made

    def write(self, value: T) -> Any:
        data: dict[str, Any] = {}
        for member in self._members:
            content = getattr(value, member.attribute)
            if self._is_required(member) or content != self._defaults[member.attribute]:
                data[member.key] = member.codec.write(content)
        return data

    def parts(self, before: T, after: T, steps: Steps) -> Iterator[Difference]:
        for member in self._members:
            old, new = getattr(before, member.attribute), getattr(after, member.attribute)
            yield from member.codec.differences(old, new, (*steps, member.key))

    def schema(self, definitions: Definitions, /) -> Schema:
        properties = {member.key: self._member_schema(member, definitions) for member in self._members}
        required = [member.key for member in self._members if self._is_required(member)]
        return {"type": "object", "additionalProperties": False, "required": required, "properties": properties}

    def _member_schema(self, member: Member, definitions: Definitions) -> Schema:
        schema = described(member.codec.schema(definitions), member.description)
        default = self._defaults[member.attribute]
        if default is not _Required and default not in (None, ()) and not dataclasses.is_dataclass(default):
            schema["default"] = member.codec.write(default)
        return schema


def _default(field: "dataclasses.Field[Any]") -> Any:
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return _Required if field.default is dataclasses.MISSING else field.default


class Wrapped(Codec[T]):
    """A dataclass of one attribute, written as that attribute alone."""

    def __init__(self, make: type[T], inner: Codec[Any]) -> None:
        self._make = make
        self._attribute = dataclasses.fields(make)[0].name  # type: ignore[arg-type]  # T is a dataclass
        self._inner = inner

    def read(self, reader: Reader, value: object, path: str) -> T:
        return cast("Callable[[Any], T]", self._make)(self._inner.read(reader, value, path))

    def write(self, value: T) -> Any:
        return self._inner.write(getattr(value, self._attribute))

    def parts(self, before: T, after: T, steps: Steps) -> Iterator[Difference]:
        old, new = getattr(before, self._attribute), getattr(after, self._attribute)
        return self._inner.parts(old, new, steps)

    def schema(self, definitions: Definitions, /) -> Schema:
        return self._inner.schema(definitions)


@dataclasses.dataclass(frozen=True)
class Kind:
    """One alternative: its key, the class of its values, their codec and words for the schema."""

    key: str
    make: type[Any]
    codec: Codec[Any]
    description: str


class Tagged(Codec[T]):
    """An object with exactly one of several keys, which says what its value is."""

    def __init__(self, kinds: Iterable[Kind]) -> None:
        self._kinds = tuple(kinds)

    def read(self, reader: Reader, value: object, path: str) -> T:
        made: Any = None
        given = reader.one_of(value, path, [kind.key for kind in self._kinds])
        for kind in self._kinds:
            if given is not None and kind.key == given[0]:
                made = kind.codec.read(reader, given[1], pointer(path, (kind.key,)))
        result: T = made
        return result

    def write(self, value: T) -> Any:
        kind = self._kind(value)
        return {kind.key: kind.codec.write(value)}

    def _kind(self, value: T) -> Kind:
        return next(kind for kind in self._kinds if isinstance(value, kind.make))

    def parts(self, before: T, after: T, steps: Steps) -> Iterator[Difference]:
        old, new = self._kind(before), self._kind(after)
        if old is new:
            return old.codec.parts(before, after, (*steps, old.key))
        return super().parts(before, after, steps)

    def schema(self, definitions: Definitions, /) -> Schema:
        return {
            "type": "object",
            "minProperties": 1,
            "maxProperties": 1,
            "additionalProperties": False,
            "properties": {
                kind.key: described(kind.codec.schema(definitions), kind.description) for kind in self._kinds
            },
        }
