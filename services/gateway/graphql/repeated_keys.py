"""JSON whose objects have a key twice: readers keep one of the two values, and nobody can say which was meant."""

import json
from typing import Any

from services.gateway.context.errors import RequestKeyRepeated, RequestMalformed


class _Members(list[tuple[str, Any]]):
    """The members of an object as they were written."""


def refuse_repeated_keys(body: bytes) -> None:
    """Look at JSON that is known to be well formed.

    Raises:
        RequestKeyRepeated: the outermost object that has a key more than once, and the first of those keys.
        RequestMalformed: what stands under one of them is nested too deeply to be looked at.
    """
    try:
        # Numbers stay text: their value does not matter here, and a long one would take long.
        document = json.loads(body, object_pairs_hook=_Members, parse_int=str, parse_float=str)
    except RecursionError as error:
        raise RequestMalformed(reason="NESTED_TOO_DEEPLY") from error
    level: list[tuple[str, Any]] = [("", document)]
    while level:
        below: list[tuple[str, Any]] = []
        for path, value in level:
            if isinstance(value, _Members):
                _refuse(path, value)
                below += [(f"{path}/{_step(key)}", child) for key, child in value if isinstance(child, list)]
            else:
                below += [(f"{path}/{index}", child) for index, child in enumerate(value) if isinstance(child, list)]
        level = below


def _refuse(path: str, members: _Members) -> None:
    seen: set[str] = set()
    for key, _ in members:
        if key in seen:
            raise RequestKeyRepeated(path=path, key=key)
        seen.add(key)


def _step(key: str) -> str:
    """A key in a JSON pointer (RFC 6901)."""
    return key.replace("~", "~0").replace("/", "~1")
