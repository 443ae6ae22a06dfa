"""Ways around the execution of single fields of an operation's root, for what can be answered with less work."""

from collections.abc import Callable, Sequence
from enum import Enum
from typing import Any, Literal, Protocol, TypeAlias

from graphql import FieldNode
from graphql.execution.values import VariableValues

from services.gateway.execution.operation import Operation
from services.gateway.graphql.executor.selecting import Selecting


class _Missed(Enum):
    MISSED = "missed"


Missed: TypeAlias = Literal[_Missed.MISSED]
MISSED: Missed = _Missed.MISSED
"""In the place of a value: the field has to be executed."""


class Shortcut(Protocol):
    """A way around the execution of one field of the root."""

    async def value(self, operation: Operation, variables: VariableValues, *, is_last: bool) -> Any | Missed:
        """What execution would give, ready for the answer; ``is_last``: nothing else is read in the operation."""


ShortcutOf: TypeAlias = Callable[[Selecting, Sequence[FieldNode]], Shortcut | None]
"""The way around a field in its places; None where there is none."""


def no_shortcut(_selecting: Selecting, _nodes: Sequence[FieldNode]) -> Shortcut | None:
    """Every field is executed."""
    return None
