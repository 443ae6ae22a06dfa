"""Plans: operations compiled to Python, once for each document and each choice of what is skipped and included."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from graphql import (
    DocumentNode,
    ExecutionResult,
    GraphQLError,
    GraphQLObjectType,
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
from services.gateway.graphql.executor.selecting import Fields, Selecting, Unsupported
from services.gateway.graphql.executor.shortcuts import MISSED, ShortcutOf, no_shortcut
from services.gateway.graphql.executor.writing import TYPENAME, Writer

OnWritten: TypeAlias = Callable[[int], None]
"""Told of each plan how many characters of code it has."""

CHARACTERS_PER_TOKEN = 35
"""What a variant takes beside its plans, most of it for shortcuts; as if it were code, measured."""

VARIANTS_MAX = 8
"""Variants of one operation, for different choices of what is skipped and included."""

SHORTCUTS_MAX = 3
"""Shortcuts of one operation, which are taken one after the other; more fields are read faster together."""


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


class Variant:
    """An operation for one choice of what is skipped and included: its shortcuts, and plans for what they leave."""

    def __init__(
        self,
        selecting: Selecting,
        root_type: GraphQLObjectType,
        shortcut_of: ShortcutOf,
        on_written: OnWritten,
    ) -> None:
        self._on_written = on_written
        self._selecting = selecting
        self._root_type = root_type
        self._is_serial = selecting.operation.operation is OperationType.MUTATION
        self._fields = selecting.root(root_type)
        found = {key: shortcut_of(selecting, nodes) for key, nodes in self._fields.items()}
        shortcuts = {key: shortcut for key, shortcut in found.items() if shortcut is not None}
        self._shortcuts = shortcuts if len(shortcuts) <= SHORTCUTS_MAX else {}
        names = [nodes[0].name.value for nodes in self._fields.values()]
        self._is_alone = len(names) - names.count(TYPENAME) == 1
        self._plans: dict[frozenset[str], Plan | None] = {}
        self._seen = 0

    async def execute(self, context: Operation, variables: VariableValues, root: object) -> ExecutionResult | None:
        """Run the operation; None where the library has to do it, as it does the first time."""
        found: dict[str, Any] = {}
        if self._shortcuts:
            if not self._can_run_besides(self._shortcuts):
                return None
            found = await self._shortened(context, variables)
            if len(found) == len(self._fields):
                return ExecutionResult(found, None)
        plan = self.plan(found)
        if plan is None:
            return None
        rest = await plan.execute(context, variables, root)
        if rest.data is None or not found:
            return rest
        whole = rest.data | found
        return ExecutionResult({key: whole[key] for key in self._fields}, rest.errors)

    async def _shortened(self, context: Operation, variables: VariableValues) -> dict[str, Any]:
        """The values of all fields that have a shortcut; none where one of them has to be executed."""
        found: dict[str, Any] = {}
        for key, shortcut in self._shortcuts.items():
            value = await shortcut.value(context, variables, is_last=self._is_alone)
            if value is MISSED:
                return {}
            found[key] = value
        return found

    def _can_run_besides(self, shortcuts: Collection[str]) -> bool:
        return len(shortcuts) == len(self._fields) or self.plan(shortcuts) is not None

    def plan(self, besides: Collection[str] = ()) -> Plan | None:
        """The plan for the fields of the root besides some; None where the library has to execute all of it."""
        key = frozenset(besides)
        if key not in self._plans:
            self._seen += 1
            if self._seen == 1:
                return None
            self._plans[key] = self._made({name: self._fields[name] for name in self._fields if name not in key})
        return self._plans[key]

    def _made(self, fields: Fields) -> Plan | None:
        try:
            writer = Writer(self._selecting)
            if self._is_serial:
                names = {name: writer.root_field(self._root_type, name, nodes) for name, nodes in fields.items()}
                made = self._compiled(writer)
                return Plan(None, {name: made[function] for name, function in names.items()})
            name, _ = writer.selection(self._root_type, fields)
            return Plan(self._compiled(writer)[name], None)
        except (Unsupported, RecursionError):
            return None

    def _compiled(self, writer: Writer) -> Mapping[str, Any]:
        _look_ahead(writer.calls)
        made = writer.compiled()
        self._on_written(writer.length)
        return made


class PlannedOperation:
    """An operation of a document, its variables, and the variants of it that were asked for so far."""

    def __init__(
        self,
        schema: Schema,
        document: DocumentNode,
        operation: OperationDefinitionNode,
        shortcut_of: ShortcutOf = no_shortcut,
        on_written: OnWritten = lambda _: None,
    ) -> None:
        self._on_written = on_written
        self._schema = schema
        self._library_schema = schema._schema  # noqa: SLF001  as in the runner
        self._document = document
        self._operation = operation
        self._shortcut_of = shortcut_of
        self._definitions = operation.variable_definitions or ()
        signatures = [get_variable_signature(self._library_schema, node) for node in self._definitions]
        self._known = [(each, coercer(each.type)) for each in signatures if not isinstance(each, GraphQLError)]
        self._are_all_known = len(signatures) == len(self._known)
        self._choices = _choices(document)
        self._variants: dict[tuple[object, ...], Variant | None] = {}

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

    def variant(self, variables: VariableValues) -> Variant | None:
        """The variant for these variables; None where the library has to execute."""
        choice = tuple(variables.coerced.get(name) for name in self._choices)
        if choice not in self._variants:
            if len(self._variants) >= VARIANTS_MAX:
                return None
            self._variants[choice] = self._variant(variables)
        return self._variants[choice]

    def _variant(self, variables: VariableValues) -> Variant | None:
        root_type = self._library_schema.get_root_type(self._operation.operation)
        if root_type is None or self._operation.operation is OperationType.SUBSCRIPTION:
            return None
        try:
            # A variant outlives its first caller, and keeps nothing else of what that sent.
            chosen = VariableValues(
                {name: source for name, source in variables.sources.items() if name in self._choices},
                {name: value for name, value in variables.coerced.items() if name in self._choices},
            )
            selecting = Selecting(self._schema, self._document, self._operation, chosen)
            variant = Variant(selecting, root_type, self._shortcut_of, self._on_written)
        except (Unsupported, RecursionError):
            return None
        self._on_written(CHARACTERS_PER_TOKEN * (self._document.token_count or 0))
        return variant


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

    shortcut_of: ShortcutOf = no_shortcut
    written: int = 0
    """Characters of code in the plans made so far: what these take in memory is a multiple of it."""
    _by_name: dict[str | None, PlannedOperation] = field(default_factory=dict)

    def of(self, schema: Schema, document: DocumentNode, operation: OperationDefinitionNode) -> PlannedOperation:
        """The planned operation of a node of the document."""
        name = operation.name.value if operation.name else None
        found = self._by_name.get(name)
        if found is None:
            found = self._by_name[name] = PlannedOperation(schema, document, operation, self.shortcut_of, self._count)
        return found

    def _count(self, characters: int) -> None:
        self.written += characters
