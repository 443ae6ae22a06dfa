"""How a plan calls the resolver of a field: what Strawberry does at each call, decided once where it can be."""

from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from types import MappingProxyType
from typing import Any

from graphql import FieldNode, FragmentDefinitionNode, GraphQLField, GraphQLObjectType, OperationDefinitionNode
from graphql import VariableNode as Variable
from graphql.execution.values import get_argument_values
from graphql.language import Visitor, visit
from graphql.pyutils import Path as LibraryPath
from graphql.pyutils import Undefined, is_awaitable
from graphql.utilities.coerce_input_value import coerce_default_value
from strawberry import Schema
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.types.arguments import convert_arguments
from strawberry.types.field import StrawberryField

from services.gateway.execution.operation import Ahead
from services.gateway.graphql.executor.inputs import NotCompiled, Reader, converters
from services.gateway.graphql.executor.running import Path, Run, begun, library_path
from services.gateway.graphql.fields import Outcomes
from services.gateway.graphql.permissions import Guard

LEAVES = (str, int, bool, float, type(None))
"""Arguments of these kinds can't be changed by a resolver, so that all objects of a list may get the same."""


class Call:
    """A field with a resolver, in one place of an operation."""

    def __init__(
        self,
        schema: Schema,
        definition: GraphQLField,
        nodes: Sequence[FieldNode],
        *,
        parent_type: GraphQLObjectType,
        operation: OperationDefinitionNode,
        fragments: Mapping[str, FragmentDefinitionNode],
    ) -> None:
        self.field: StrawberryField = definition.extensions[GraphQLCoreConverter.DEFINITION_BACKREF]
        self.definition = definition
        self.nodes = list(nodes)
        self.parent_type = parent_type
        self.operation = operation
        self.fragments = fragments
        self.schema = schema
        self.below: Sequence[Call] = ()
        """Calls on the objects that this one returns."""
        self.is_all = False
        """Whether this call and those `below` are all that the operation calls."""
        self._response_name = nodes[0].alias.value if nodes[0].alias else nodes[0].name.value
        self._info: Any = schema.config.info_class
        self._converted: dict[str, Any] = {
            "config": schema.config,
            "scalar_registry": schema.schema_converter.scalar_registry,
        }
        self._is_constant = not _has_variables(nodes[0])
        self._constant: dict[str, Any] | None = None if definition.args else {}
        self._variables = _variables_of(definition, nodes[0])
        self._readers = _readers_of(schema, self.field)
        self._guard = guard_of(self.field)
        self._outcomes = _outcomes_of(self.field)
        resolver = self.field.base_resolver
        self._takes_self = bool(resolver and resolver.self_parameter)
        parameter = resolver.info_parameter if resolver else None
        self._info_name = parameter.name if parameter else None
        self._function: Any = resolver.wrapped_func if resolver else None

    @property
    def reads(self) -> "Callable[..., Any] | None":
        """What the resolver will load by its object's key, given its arguments, where the field says so."""
        return self._guard.reads if self._guard else None

    def __call__(self, source: Any, run: Run, path: Path) -> Any:
        """What the resolver returns for an object at ``path``, or `Waiting` for it."""
        raw = LeanInfo(self, run, (path, self._response_name))
        if self._guard is None:
            given = self._given(run)
            resolve: Any = self.definition.resolve
            value = resolve(source, raw, **given)
            return begun(value) if isinstance(value, Coroutine) else value
        info = self._info(_raw_info=raw, _field=self.field)
        arguments = self.arguments(run, info)
        if self._outcomes is not None:
            return begun(self._outcomes.resolve_async(self._guarded, source, info, **arguments))
        return begun(self._guarded(source, info, **arguments))

    def _guarded(self, source: Any, info: Any, **arguments: Any) -> Any:
        """The resolver's coroutine, where its guard lets it begin."""
        assert self._guard is not None
        self._guard.access.check(info.context, source, arguments)
        if self._info_name is not None:
            arguments[self._info_name] = info
        return self._function(source, **arguments) if self._takes_self else self._function(**arguments)

    def arguments(self, run: Run, info: Any = None) -> dict[str, Any]:
        """The resolver's arguments; made once where nobody can change them."""
        if self._constant is not None:
            return self._constant
        found: dict[str, Any] | None = run.arguments.get(self)
        if found is not None:
            return found
        found = self._read(self._given(run), info)
        if all(isinstance(value, LEAVES) for value in found.values()):
            if self._is_constant:
                self._constant = found
            else:
                run.arguments[self] = found
        return found

    def ahead(self, run: Run, type_name: str) -> Ahead:
        """What will be loaded by the keys of the objects of a type that the resolver returns."""
        found: Ahead | None = run.arguments.get((self, type_name))
        if found is None:
            batches = {call.reads(**call.arguments(run)): call for call in self.below if call.reads}
            mine = tuple(batch for batch, call in batches.items() if batch and call.parent_type.name == type_name)
            found = Ahead(mine, is_all=self.is_all and len(mine) == len(batches))
            run.arguments[self, type_name] = found
        return found

    def _read(self, given: dict[str, Any], info: Any) -> dict[str, Any]:
        if self._readers is not None:
            # What the readers leave to the library, or refuse, the library looks at.
            with suppress(NotCompiled):
                return {self._readers[name][0]: self._readers[name][1](value) for name, value in given.items()}
        return convert_arguments(given, self.field.arguments, info=info, **self._converted)

    def _given(self, run: Run) -> dict[str, Any]:
        if not self.definition.args:
            return {}
        if self._variables is not None:
            given = {name: run.variables.coerced.get(variable) for name, variable in self._variables}
            if None not in given.values():
                return given
        return get_argument_values(self.definition, self.nodes[0], run.variables, None, hide_suggestions=True)


class LeanInfo:
    """What the library tells a resolver about its place, made when it is asked for."""

    __slots__ = ("_call", "_path", "_run", "context")

    def __init__(self, call: Call, run: Run, path: Path) -> None:
        self._call = call
        self._run = run
        self._path = path
        self.context = run.context

    is_awaitable = staticmethod(is_awaitable)
    operation_extensions: Mapping[str, Any] = MappingProxyType({})
    abort_signal = None

    def ahead(self, type_name: str) -> Ahead:
        """What will be read of the objects of a type that the resolver returns; ours, not the library's."""
        return self._call.ahead(self._run, type_name)

    @property
    def field_name(self) -> str:
        """The field's name."""
        return self._call.nodes[0].name.value

    @property
    def field_nodes(self) -> list[FieldNode]:
        """The field's places in the document."""
        return self._call.nodes

    @property
    def return_type(self) -> Any:
        """The field's type."""
        return self._call.definition.type

    @property
    def parent_type(self) -> GraphQLObjectType:
        """The type that the field belongs to."""
        return self._call.parent_type

    @property
    def path(self) -> LibraryPath | None:
        """The place in the answer."""
        return library_path(self._path)

    @property
    def schema(self) -> Any:
        """The library's schema."""
        return self._call.schema._schema  # noqa: SLF001  as in the runner

    @property
    def fragments(self) -> Mapping[str, FragmentDefinitionNode]:
        """The document's fragments."""
        return self._call.fragments

    @property
    def root_value(self) -> object:
        """The value at the root."""
        return self._run.root

    @property
    def operation(self) -> OperationDefinitionNode:
        """The operation under way."""
        return self._call.operation

    @property
    def variable_values(self) -> dict[str, Any]:
        """The variables, coerced."""
        return self._run.variables.coerced


def guard_of(field: StrawberryField) -> Guard | None:
    """The guard of a field that is an async function behind a guard, with or without `Outcomes`; None of all others."""
    resolver = field.base_resolver
    if resolver is None or not resolver.is_async or resolver.parent_parameter or resolver.root_parameter:
        return None
    if [type(extension) for extension in field.extensions] not in ([Guard], [Guard, Outcomes]):
        return None
    guard = field.extensions[0]
    return guard if isinstance(guard, Guard) else None


def _outcomes_of(field: StrawberryField) -> Outcomes | None:
    last = field.extensions[-1] if field.extensions else None
    return last if isinstance(last, Outcomes) else None


def _variables_of(definition: GraphQLField, node: FieldNode) -> Sequence[tuple[str, str]] | None:
    """The variable of each argument, where all arguments are variables and none has a default."""
    given = {argument.name.value: argument.value for argument in node.arguments or ()}
    if any(
        name not in given and coerce_default_value(argument) is not Undefined
        for name, argument in definition.args.items()
    ):
        return None
    variables = [(name, value.name.value) for name, value in given.items() if isinstance(value, Variable)]
    return variables if len(variables) == len(given) else None


def _readers_of(schema: Schema, field: StrawberryField) -> Mapping[str, tuple[str, Reader]] | None:
    """By an argument's name in GraphQL, its name in Python and what reads it."""
    known = converters(schema)
    try:
        return {
            schema.config.name_converter.from_argument(argument): (argument.python_name, known.of(argument.type))
            for argument in field.arguments
        }
    except NotCompiled:
        return None


class _Variables(Visitor):
    def __init__(self) -> None:
        super().__init__()
        self.is_found = False

    def enter_variable(self, _node: Variable, *_: Any) -> None:
        self.is_found = True


def _has_variables(node: FieldNode) -> bool:
    seen = _Variables()
    for argument in node.arguments or ():
        visit(argument, seen)
    return seen.is_found
