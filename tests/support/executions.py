"""Two executions of one operation, compared: data to the byte, errors by place."""

import json
from typing import Any

from graphql import ExecutionResult, GraphQLError

Shown = tuple[str, str, str]
Place = tuple[str | int, ...]


def shown(error: GraphQLError) -> Shown:
    """Path, kind and sentence, and places in the document."""
    return (
        json.dumps(error.path),
        f"{type(error.original_error).__name__}: {error.message}",
        str([(place.line, place.column) for place in error.locations or ()]),
    )


def assert_alike(actual: ExecutionResult, expected: ExecutionResult) -> None:
    """The same data in the same order, the same nulls, and the same errors as far as they are no race.

    Of several failures that take away one object, which are told is a race between brothers; a field's own failure,
    which takes away nothing but itself, is none.
    """
    assert json.dumps(actual.data) == json.dumps(expected.data), (actual, expected)
    ours, theirs = _by_place(actual), _by_place(expected)
    assert ours.keys() == theirs.keys()
    for place, errors in ours.items():
        own = {error for error in errors if tuple(json.loads(error[0]) or ()) == place}
        assert own == {error for error in theirs[place] if tuple(json.loads(error[0]) or ()) == place}


def _by_place(result: ExecutionResult) -> dict[Place, set[Shown]]:
    found: dict[Place, set[Shown]] = {}
    for error in result.errors or ():
        found.setdefault(_nulled(result.data, error.path or []), set()).add(shown(error))
    return found


def _nulled(data: Any, path: list[str | int]) -> Place:
    """The outermost null on the way of a path: what an error with this path has taken away."""
    for place, key in enumerate(path):
        if data is None:
            return tuple(path[:place])
        data = data[key]
    assert data is None, "where an error is told there is a null"
    return tuple(path)
