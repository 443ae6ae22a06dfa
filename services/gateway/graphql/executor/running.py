"""One run of a plan: its errors, and what generated functions call when a value is not what it usually is.

Generated functions follow the library's executor step by step (execute_fields, execute_field, complete_value, …), so
that data, errors and their order are the library's. What differs: a value that has to be waited for is marked as
`Waiting`, a path is a linked pair that becomes a list only for an error, and a resolver takes its first steps at once.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Generator, Iterable, Sequence
from functools import partial
from types import coroutine
from typing import Any, TypeAlias

from graphql import ExecutionResult, FieldNode, GraphQLError, located_error
from graphql.execution.executor import CollectedErrors
from graphql.execution.values import VariableValues
from graphql.pyutils import Path as LibraryPath
from graphql.pyutils import Undefined, gather_with_cancel, inspect, is_iterable

from services.gateway.execution.operation import Operation

Path: TypeAlias = tuple[Any, str | int] | None
"""The place before, and the key there; None is the root."""


class Waiting:
    """A value that has to be waited for."""

    __slots__ = ("awaitable",)

    def __init__(self, awaitable: Awaitable[Any]) -> None:
        self.awaitable = awaitable


class Spot:
    """A field of the plan: what its errors tell."""

    __slots__ = ("field_name", "is_non_null", "key", "nodes", "parent_name")

    def __init__(self, nodes: Sequence[FieldNode], *, key: str, parent_name: str, is_non_null: bool) -> None:
        self.nodes = list(nodes)
        self.key = key
        self.field_name = nodes[0].name.value
        self.parent_name = parent_name
        self.is_non_null = is_non_null


Complete: TypeAlias = Callable[[Any, "Run", Path], Any]


class Run:
    """What one execution of a plan collects."""

    __slots__ = ("_collected", "arguments", "context", "root", "variables")

    def __init__(self, context: Operation, variables: VariableValues, root: object) -> None:
        self.context = context
        self.variables = variables
        self.root = root
        self.arguments: dict[object, Any] = {}
        """What calls have made of the variables, where it is the same for every object."""
        self._collected: CollectedErrors | None = None

    def fail(self, error: Exception, spot: Spot, path: Path) -> None:
        """A field failed: it is null, or, where it can't be, its parent fails."""
        self.fail_at(error, spot, (path, spot.key), is_non_null=spot.is_non_null)

    def fail_at(self, error: Exception, spot: Spot, path: Path, *, is_non_null: bool) -> None:
        """As `fail`, for any place within the field, such as an item of its list."""
        located = located_error(error, spot.nodes, steps(path))
        if is_non_null:
            raise located
        self.collect(located, path)

    def collect(self, error: GraphQLError, path: Path) -> None:
        """Tell of an error that made the value at ``path`` null, unless it stands within another null."""
        if self._collected is None:
            self._collected = CollectedErrors()
        self._collected.add(error, library_path(path))

    def result(self, data: dict[str, Any] | None) -> ExecutionResult:
        """The result, in the library's form."""
        return ExecutionResult(data, self._collected.errors or None if self._collected else None)

    def items(self, value: Any, spot: Spot) -> Iterable[Any]:
        """The items of a list."""
        if isinstance(value, Exception):
            raise value
        if not is_iterable(value):
            raise GraphQLError(
                f"Expected Iterable, but did not find one for field '{spot.parent_name}.{spot.field_name}'."
            )
        items: Iterable[Any] = value
        return items

    def later(self, awaitable: Awaitable[Any], complete: Complete, spot: Spot, path: Path) -> Waiting:
        """The completed value of a field of the object at ``path``, whose resolver has to be waited for."""

        async def completed() -> Any:
            try:
                value = complete(await awaitable, self, (path, spot.key))
                return await value.awaitable if value.__class__ is Waiting else value
            except Exception as error:  # noqa: BLE001  as the library: whatever a resolver raises becomes an error
                return self.fail(error, spot, path)

        return Waiting(completed())

    def guarded(self, waiting: Waiting, spot: Spot, path: Path, *, is_non_null: bool) -> Waiting:
        """A value under way, at ``path``, whose failure is told here or by the parent."""

        async def value() -> Any:
            try:
                return await waiting.awaitable
            except Exception as error:  # noqa: BLE001  as above
                return self.fail_at(error, spot, path, is_non_null=is_non_null)

        return Waiting(value())


_left_behind: set["asyncio.Future[Any]"] = set()


def settle(values: Iterable[Any]) -> None:
    """Let values under way end by themselves: nobody waits for them any more, since their parent has failed."""
    awaitables = [value.awaitable for value in values if value.__class__ is Waiting]
    if awaitables:
        ending = asyncio.gather(*awaitables, return_exceptions=True)
        _left_behind.add(ending)
        ending.add_done_callback(_left_behind.discard)


def gathered(into: Any, places: Sequence[Any]) -> Waiting:
    """An object or a list, some of whose values are under way."""

    async def whole() -> Any:
        if len(places) == 1:
            into[places[0]] = await into[places[0]].awaitable
            return into
        values = await gather_with_cancel(*(into[place].awaitable for place in places))
        for place, value in zip(places, values, strict=True):
            into[place] = value
        return into

    return Waiting(whole())


def begun(started: Coroutine[Any, Any, Any]) -> Any:
    """The value of a coroutine that needs not wait, else the rest of it to wait for."""
    try:
        yielded = started.send(None)
    except StopIteration as stop:
        return stop.value
    # By this mark a future knows that one waits for it: not before there is a task to wait.
    if asyncio.isfuture(yielded):
        yielded._asyncio_future_blocking = False  # noqa: SLF001  what a task does with what it is given
    return Waiting(_rest(started, yielded))


@coroutine
def _rest(started: Coroutine[Any, Any, Any], yielded: Any) -> Generator[Any, Any, Any]:
    """What is left of a coroutine that waits for what it has yielded."""
    if asyncio.isfuture(yielded):
        yielded._asyncio_future_blocking = True  # noqa: SLF001  as `await` does
    while True:
        try:
            sent = yield yielded
        except GeneratorExit:
            started.close()
            raise
        except BaseException as error:  # noqa: BLE001  cancellation too belongs to the coroutine
            step: Callable[[], Any] = partial(started.throw, error)
        else:
            step = partial(started.send, sent)
        try:
            yielded = step()
        except StopIteration as stop:
            return stop.value


def steps(path: Path) -> list[str | int]:
    """A path as the list of its keys."""
    keys: list[str | int] = []
    while path is not None:
        path, key = path
        keys.append(key)
    return keys[::-1]


def library_path(path: Path) -> LibraryPath | None:
    """A path in the library's form."""
    return None if path is None else LibraryPath(library_path(path[0]), path[1], None)


def null_refused(spot: Spot) -> TypeError:
    """What is wrong with a null in a place that has none."""
    return TypeError(f"Cannot return null for non-nullable field {spot.parent_name}.{spot.field_name}.")


def leaf(return_type: Any, value: Any) -> Any:
    """A leaf's value as it is answered; None for none."""
    if isinstance(value, Exception):
        raise value
    if value is None or value is Undefined:
        return None
    coerced = return_type.coerce_output_value(value)
    if coerced is Undefined or coerced is None:
        raise TypeError(
            f"Expected `{inspect(return_type)}.coerce_output_value({inspect(value)})` to return non-nullable value,"
            f" returned: {inspect(coerced)}"
        )
    return coerced
