"""What every codec of the program document can do: read, write, and say in JSON Schema what it reads."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from services.loyalty.programs.domain.reading import Reader

T = TypeVar("T")
Schema = dict[str, Any]
Definitions = dict[str, Schema]


Steps = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """What stands at one place before and after, in JSON; None where nothing does."""

    steps: Steps
    before: Any
    after: Any


class Codec(Generic[T]):
    """One kind of value, declared once: its reader, its writer and its schema cannot part.

    ``read`` gives a value back even where it notes a problem (`Reader`); what it gives then is of no use.
    ``write`` gives canonical JSON: reading it again gives an equal value.
    """

    def read(self, reader: Reader, value: object, path: str) -> T:
        """The typed value of a JSON value at ``path``."""
        raise NotImplementedError

    def write(self, value: T) -> Any:
        """The canonical JSON of a typed value."""
        raise NotImplementedError

    def schema(self, definitions: Definitions, /) -> Schema:
        """The JSON Schema of what is read; parts that have a name go to ``definitions``."""
        raise NotImplementedError

    def differences(self, before: T | None, after: T | None, steps: Steps) -> Iterator[Difference]:
        """Where two values differ, each place by the keys and codes that lead there; None is nothing."""
        if before is None or after is None:
            if before is not after:
                yield Difference(steps, self._json(before), self._json(after))
        elif before != after:
            yield from self.parts(before, after, steps)

    def parts(self, before: T, after: T, steps: Steps) -> Iterator[Difference]:
        """Where two unequal values differ."""
        yield Difference(steps, self.write(before), self.write(after))

    def _json(self, value: T | None) -> Any:
        return None if value is None else self.write(value)


class Named(Codec[T]):
    """A codec whose schema stands once, under ``$defs``; what it holds may name it again."""

    def __init__(self, name: str, inner: Codec[T]) -> None:
        self._name = name
        self._inner = inner

    def read(self, reader: Reader, value: object, path: str) -> T:
        return self._inner.read(reader, value, path)

    def write(self, value: T) -> Any:
        return self._inner.write(value)

    def parts(self, before: T, after: T, steps: Steps) -> Iterator[Difference]:
        return self._inner.parts(before, after, steps)

    def schema(self, definitions: Definitions, /) -> Schema:
        if self._name not in definitions:
            definitions[self._name] = {}
            definitions[self._name] = self._inner.schema(definitions)
        return {"$ref": f"#/$defs/{self._name}"}


def described(schema: Schema, description: str, extra: Mapping[str, Any] | None = None) -> Schema:
    """A schema with words for people in the first place."""
    return {"description": description, **schema, **(extra or {})}
