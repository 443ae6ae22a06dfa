"""Plans: operations compiled to Python, once for each document and each choice of what is skipped and included."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    DocumentNode,
    ExecutionResult,
    GraphQLError,
    OperationDefinitionNode,
    OperationType,
    VariableNode,
)
from graphql.execution.get_variable_signature import get_variable_signature
from graphql.execution.values import VariableValues, VariableValueSource, get_variable_values
from graphql.language import DirectiveNode, Visitor, visit
from graphql.pyutils import Undefined
from strawberry import Schema

from services.gateway.execution.operation import Operation
from services.gateway.graphql.executor.calls import Call
from services.gateway.graphql.executor.inputs import coercer
from services.gateway.graphql.executor.running import Complete, Run, Waiting
from services.gateway.graphql.executor.selecting import Selecting, Unsupported
from services.gateway.graphql.executor.writing import Writer

VARIANTS_MAX = 8
"""Plans of one operation, for different choices of what is skipped and included."""


@dataclass(frozen=True, slots=True)
class Plan:
    """An operation as Python functions."""

    root: Complete | None
    serial: Mapping[str, Complete] | None

    async def execute(self, context: Operation, variables: VariableValues, root: object = None) -> ExecutionResult:
        """Run the operation."""
        run = Run(context, variables, root)
        try:
            if self.root is not None:
                data = self.root(root, run, None)
                if data.__class__ is Waiting:
                    data = await data.awaitable
            else:
                data = {}
                for name, resolve in (self.serial or {}).items():
                    value = resolve(root, run, None)
                    data[name] = await value.awaitable if value.__class__ is Waiting else value
        except GraphQLError as error:
            run.collect(error, None)
            data = None
        return run.result(data)


class PlannedOperation:
    """An operation of a document, its variables, and the plans made for it so far."""

    def __init__(self, schema: Schema, document: DocumentNode, operation: OperationDefinitionNode) -> None:
        self._schema = schema
        self._library_schema = schema._schema  # noqa: SLF001  as in the runner
        self._document = document
        self._operation = operation
        self._definitions = operation.variable_definitions or ()
        signatures = [get_variable_signature(self._library_schema, node) for node in self._definitions]
        self._known = [(each, coercer(each.type)) for each in signatures if not isinstance(each, GraphQLError)]
        self._are_all_known = len(signatures) == len(self._known)
        self._choices = _choices(document)
        self._plans: dict[tuple[object, ...], Plan | None] = {}
        self._seen = 0

    def variables(self, raw: Mapping[str, Any]) -> VariableValues | list[GraphQLError]:
        """The variables, coerced, or what is wrong with them."""
        found = self._usual(raw) if self._are_all_known else None
        if found is not None:
            return found
        # Defaults and complaints are the library's.
        return get_variable_values(
            self._library_schema, self._definitions, dict(raw), max_errors=50, hide_suggestions=True
        )

    def _usual(self, raw: Mapping[str, Any]) -> VariableValues | None:
        """The variables, when all are given and there is nothing to complain about."""
        sources: dict[str, VariableValueSource] = {}
        coerced: dict[str, Any] = {}
        for signature, coerce in self._known:
            value = raw.get(signature.name, Undefined)
            if value is Undefined:
                return None
            try:
                found = coerce(value)
            except (GraphQLError, RecursionError):
                return None
            if found is Undefined:
                return None
            sources[signature.name] = VariableValueSource(signature, value)
            coerced[signature.name] = found
        return VariableValues(sources, coerced)

    def plan(self, variables: VariableValues) -> Plan | None:
        """The plan for these variables; None where the library has to execute, as it does the first time."""
        choice = tuple(variables.coerced.get(name) for name in self._choices)
        if choice not in self._plans:
            self._seen += 1
            if self._seen == 1 or len(self._plans) >= VARIANTS_MAX:
                return None
            self._plans[choice] = self._made(variables)
        return self._plans[choice]

    def _made(self, variables: VariableValues) -> Plan | None:
        root_type = self._library_schema.get_root_type(self._operation.operation)
        if root_type is None or self._operation.operation is OperationType.SUBSCRIPTION:
            return None
        try:
            selecting = Selecting(self._schema, self._document, self._operation, variables)
            fields = selecting.root(root_type)
            writer = Writer(selecting)
            if self._operation.operation is OperationType.MUTATION:
                names = {name: writer.root_field(root_type, name, nodes) for name, nodes in fields.items()}
                _look_ahead(writer.calls)
                made = writer.compiled()
                return Plan(None, {name: made[function] for name, function in names.items()})
            name, _ = writer.selection(root_type, fields)
            _look_ahead(writer.calls)
            return Plan(writer.compiled()[name], None)
        except (Unsupported, RecursionError):
            return None


def _look_ahead(calls: Sequence[Call]) -> None:
    """Tell the one call of the root that what it returns is read by it, and nothing else by anybody."""
    if len(calls) == 1:
        (call,) = calls
        call.is_all = all(each.reads is not None and not each.below for each in call.below)


class _Choices(Visitor):
    def __init__(self) -> None:
        super().__init__()
        self.names: dict[str, None] = {}

    def enter_directive(self, node: DirectiveNode, *_: Any) -> None:
        for argument in node.arguments or ():
            if isinstance(argument.value, VariableNode):
                self.names[argument.value.name.value] = None


def _choices(document: DocumentNode) -> tuple[str, ...]:
    """The variables on which it depends what is skipped and included."""
    seen = _Choices()
    visit(document, seen)
    return tuple(seen.names)


@dataclass(slots=True)
class Plans:
    """The planned operations of one document, by name."""

    _by_name: dict[str | None, PlannedOperation] = field(default_factory=dict)

    def of(self, schema: Schema, document: DocumentNode, operation: OperationDefinitionNode) -> PlannedOperation:
        """The planned operation of a node of the document."""
        name = operation.name.value if operation.name else None
        found = self._by_name.get(name)
        if found is None:
            found = self._by_name[name] = PlannedOperation(schema, document, operation)
        return found
