"""The data of a merchant's own events: bounded, and as the program's JSON Schema says."""

import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from services.loyalty.activities.errors import EventDataInvalid, EventNotDeclared
from services.loyalty.programs.domain import CustomEvent, ProgramDocument
from services.loyalty.programs.domain.conditions.fields import FactValue, catalogue_of, custom_fact
from services.platform.errors import InvalidInput

DATA_BYTES_MAX = 16_384
DATA_DEPTH_MAX = 8
PROBLEMS_MAX = 10
"""What is told of data that does not fit; the rest shows when these are mended."""

REASON_LENGTH_MAX = 200
DATA_PREFIX = "event.data."
FIELD = "activity.customEvent.data"


def check_bounds(data: object) -> dict[str, Any]:
    """The data, if it is an object of bounded size and depth.

    Raises:
        InvalidInput
    """
    if not isinstance(data, dict):
        raise InvalidInput(field=FIELD, reason="NOT_AN_OBJECT")
    if _depth(data) > DATA_DEPTH_MAX:
        raise InvalidInput(field=FIELD, reason="TOO_DEEP", limit=str(DATA_DEPTH_MAX))
    try:
        size = len(json.dumps(data, ensure_ascii=False, allow_nan=False).encode())
    except (ValueError, UnicodeEncodeError) as error:
        raise InvalidInput(field=FIELD, reason="FORBIDDEN_CHARACTER") from error
    if size > DATA_BYTES_MAX:
        raise InvalidInput(field=FIELD, reason="TOO_LONG", limit=str(DATA_BYTES_MAX))
    if "\\u0000" in json.dumps(data):
        raise InvalidInput(field=FIELD, reason="FORBIDDEN_CHARACTER")
    return data


def check_data(document: ProgramDocument, *, event: str, data: Mapping[str, Any]) -> None:
    """Refuse data that does not fit the schema of its event. Formats of dates are checked as well.

    Raises:
        EventNotDeclared, EventDataInvalid
    """
    declared = next((one for one in document.events if one.code == event), None)
    if declared is None:
        raise EventNotDeclared(event=event)
    problems = [problem for problem, _ in zip(_problems(declared, data), range(PROBLEMS_MAX), strict=False)]
    if problems:
        raise EventDataInvalid(
            event=event,
            paths=tuple(_pointer(problem) for problem in problems),
            reasons=tuple(problem.message[:REASON_LENGTH_MAX] for problem in problems),
        )


def data_facts(document: ProgramDocument, *, event: str, data: Mapping[str, Any]) -> dict[str, FactValue | None]:
    """What rules may ask of the data, by the names of the fields of conditions."""
    fields = catalogue_of(document).events.get(event, ())
    names = {field.name.removeprefix(DATA_PREFIX): field for field in fields}
    return {names[name].name: custom_fact(value, names[name].type) for name, value in data.items() if name in names}


def _problems(declared: CustomEvent, data: Mapping[str, Any]) -> Iterator[ValidationError]:
    schema = json.dumps(declared.schema, sort_keys=True)
    yield from _validator(schema).iter_errors(data)


@lru_cache(maxsize=200)
def _validator(schema: str) -> Draft202012Validator:
    return Draft202012Validator(json.loads(schema), format_checker=Draft202012Validator.FORMAT_CHECKER)


def _pointer(problem: ValidationError) -> str:
    return "".join(f"/{str(step).replace('~', '~0').replace('/', '~1')}" for step in problem.absolute_path)


def _depth(value: object) -> int:
    depth, level = 0, [value]
    while level and depth <= DATA_DEPTH_MAX:
        depth += 1
        level = [child for one in level for child in _children(one)]
    return depth


def _children(value: object) -> list[Any]:
    if isinstance(value, dict):
        return [child for child in value.values() if isinstance(child, dict | list)]
    if isinstance(value, list):
        return [child for child in value if isinstance(child, dict | list)]
    return []
