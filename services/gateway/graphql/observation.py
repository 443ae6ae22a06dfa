"""What becomes of operations, for those who run the gateway: how long, how they ended, and a span where traces are on.

An operation is named by its root field, because clients name theirs as they like and a label needs a bounded set.
"""

from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

from graphql import FieldNode, OperationDefinitionNode

from services.gateway.context.errors import ServiceUnavailable
from services.gateway.context.request import RequestContext
from services.platform.clock import monotonic
from services.platform.errors import DomainError
from services.platform.telemetry import metrics, traces

SEVERAL, OTHER = "several", "other"
"""Labels of operations with more than one root field, and of those refused before theirs were known."""
OK, REFUSED, UNAVAILABLE, FAILED, CANCELED = "ok", "refused", "unavailable", "failed", "canceled"
OUTCOMES_BY_CODE: Mapping[str, str] = {"INTERNAL": FAILED, ServiceUnavailable.code: UNAVAILABLE}
NAME_LENGTH_MAX = 64


class Observation:
    """One operation from request to answer: used in ``with``, and told what becomes known."""

    __slots__ = ("_operation", "_outcome", "_since", "_span")

    def __init__(self) -> None:
        self._since = monotonic()
        self._operation = OTHER
        self._outcome = OK
        self._span: traces.Span | None = None

    def __enter__(self) -> Self:
        return self

    def begins(self, operation: OperationDefinitionNode, request: RequestContext) -> None:
        """The operation is known, fits the schema, and is about to run."""
        self._operation = root_field(operation)
        if traces.are_on():
            self._span = traces.span(
                f"{operation.operation.value} {self._operation}",
                graphql__operation__type=operation.operation.value,
                graphql__operation__name=operation.name.value[:NAME_LENGTH_MAX] if operation.name else None,
                regulars__correlation_id=request.correlation_id,
                regulars__tenant=request.tenant.slug if request.tenant else None,
            ).__enter__()

    def answered(self, content: Mapping[str, Any]) -> None:
        """The answer's members; its first error decides how the operation ended."""
        errors = content.get("errors")
        if errors:
            self._outcome = OUTCOMES_BY_CODE.get(errors[0]["extensions"]["code"], REFUSED)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self._outcome = _outcome_of(error)
        metrics.operation_done(self._operation, self._outcome, seconds=monotonic() - self._since)
        if self._span is not None:
            self._span.note(regulars__outcome=self._outcome)
            if self._outcome in (UNAVAILABLE, FAILED):
                self._span.fail(self._outcome)
            self._span.__exit__(None, None, None)


def _outcome_of(error: BaseException) -> str:
    if isinstance(error, DomainError):
        return OUTCOMES_BY_CODE.get(error.code, REFUSED)
    return FAILED if isinstance(error, Exception) else CANCELED


def root_field(operation: OperationDefinitionNode) -> str:
    """The one field that an operation asks of the schema's root, or ``several``."""
    selections = operation.selection_set.selections
    if len(selections) == 1 and isinstance(selections[0], FieldNode):
        return selections[0].name.value
    return SEVERAL
