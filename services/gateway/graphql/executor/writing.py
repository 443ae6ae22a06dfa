"""The generated code: one Python function for each selection of an object, each list and each call of a resolver.

Nothing of a document gets into the code but the keys of its answer, which are GraphQL names, as Python literals. All
else stands in the code's names: serializers, spots for errors, calls.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from graphql import (
    GraphQLAbstractType,
    GraphQLBoolean,
    GraphQLField,
    GraphQLID,
    GraphQLInt,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLString,
    is_abstract_type,
    is_enum_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
)
from strawberry.schema.schema_converter import CustomGraphQLEnumType, GraphQLCoreConverter
from strawberry.types.field import StrawberryField

from services.gateway.graphql.executor import running
from services.gateway.graphql.executor.calls import Call
from services.gateway.graphql.executor.classes import Classes
from services.gateway.graphql.executor.running import Spot
from services.gateway.graphql.executor.selecting import Fields, Selecting, Unsupported

TYPENAME = "__typename"
FIELDS_MAX = 3_000
"""Places for fields in one plan; an operation with more is left to the library."""

Function: TypeAlias = Callable[..., Any]


class Writer:
    """Writes the functions of one plan."""

    def __init__(self, selecting: Selecting) -> None:
        self.names: dict[str, Any] = {
            name: getattr(running, name) for name in ("Waiting", "gathered", "leaf", "null_refused", "settle")
        }
        self.lines: list[str] = []
        self.calls: list[Call] = []
        """Calls on the objects that are being written, but not on what those calls return."""
        self._selecting = selecting
        self._objects: dict[tuple[Any, ...], tuple[str, bool, list[Call]]] = {}
        self._fields = 0
        self._count = 0

    def selection(self, parent: GraphQLObjectType, fields: Fields) -> tuple[str, bool]:
        """A function that makes the answer's object of an object; and whether it may have to wait."""
        key = (parent, tuple((name, tuple(map(id, nodes))) for name, nodes in fields.items()))
        known = self._objects.get(key)
        if known is not None:
            name, may_wait, calls = known
            self.calls += calls
            return name, may_wait
        outer, self.calls = self.calls, []
        name = self._name("object")
        places: list[str] = []
        body: list[str] = []
        waits: list[tuple[str, str]] = []
        for number, (response_name, nodes) in enumerate(fields.items()):
            self._fields += 1
            if self._fields > FIELDS_MAX:
                raise Unsupported
            place = f"v{number}"
            places.append(f"{response_name!r}: {place}")
            if self._field(parent, response_name, nodes, place, body):
                waits.append((response_name, place))
        self._write_object(name, places, body, waits)
        self._objects[key] = (name, bool(waits), self.calls)
        self.calls = outer + self.calls
        return name, bool(waits)

    def _write_object(self, name: str, places: list[str], body: list[str], waits: list[tuple[str, str]]) -> None:
        made = "{" + ", ".join(places) + "}"
        if not waits:
            self._function(name, [*body, f"return {made}"])
            return
        before = [f"{place} = None" for _, place in waits]
        under_way = ", ".join(place for _, place in waits)
        waiting = [
            f"found = {made}",
            "waits = []",
            *(f"if {place}.__class__ is Waiting: waits.append({key!r})" for key, place in waits),
            "return gathered(found, waits) if waits else found",
        ]
        guarded = ["try:", *_indented(body), "except Exception:", f"    settle(({under_way},))", "    raise"]
        self._function(name, [*before, *guarded, *waiting])

    def root_field(self, parent: GraphQLObjectType, response_name: str, nodes: Any) -> str:
        """A function that makes the value of one field of the root."""
        body: list[str] = []
        self._field(parent, response_name, nodes, "v", body)
        name = self._name("root")
        self._function(name, [*body, "return v"])
        return name

    def _field(self, parent: GraphQLObjectType, response_name: str, nodes: Any, place: str, body: list[str]) -> bool:
        """Write how a field's value comes about; whether it may have to be waited for."""
        field_name = nodes[0].name.value
        if field_name == TYPENAME:
            body.append(f"{place} = {parent.name!r}")
            return False
        definition: GraphQLField | None = parent.fields.get(field_name)
        if definition is None or field_name.startswith("__"):
            raise Unsupported
        return_type = definition.type
        spot = Spot(nodes, key=response_name, parent_name=parent.name, is_non_null=is_non_null_type(return_type))
        spot_name = self._keep("spot", spot)
        field = definition.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
        if not isinstance(field, StrawberryField):
            raise Unsupported
        if field.is_basic_field:
            return self._attribute(field.python_name, definition, spot_name, place, body)
        if parent is self._selecting.subscription_type:
            raise Unsupported
        call = self._selecting.call(definition, nodes, parent)
        body.append(f"{place} = {self._call(call, return_type, nodes, spot_name)}(s, run, path)")
        return True

    def _attribute(self, attribute: str, definition: GraphQLField, spot: str, place: str, body: list[str]) -> bool:
        if not attribute.isidentifier():
            raise Unsupported
        return_type, nodes = definition.type, self.names[spot].nodes
        path = f"(path, {self.names[spot].key!r})"
        value, may_wait = self._value("x", return_type, nodes, spot, path)
        lines = [f"x = s.{attribute}", f"{place} = {value}"]
        if is_non_null_type(return_type):
            lines.append(f"if {place} is None: raise null_refused({spot})")
        if may_wait:
            lines.append(
                f"if {place}.__class__ is Waiting:"
                f" {place} = run.guarded({place}, {spot}, {path}, is_non_null={is_non_null_type(return_type)})"
            )
        body += ["try:", *_indented(lines), f"except Exception as e: {place} = run.fail(e, {spot}, path)"]
        return may_wait

    def _call(self, call: Call, return_type: GraphQLOutputType, nodes: Any, spot: str) -> str:
        is_non_null = is_non_null_type(return_type)
        complete = self._name("complete")
        outer, self.calls = self.calls, []
        value, may_wait = self._value("x", return_type, nodes, spot, "path")
        call.below, self.calls = self.calls, [*outer, call]
        lines = [f"v = {value}"]
        if is_non_null:
            lines.append(f"if v is None: raise null_refused({spot})")
        self._function(complete, [*lines, "return v"], arguments="x, run, path")
        called = self._keep("call", call)
        path = f"(path, {self.names[spot].key!r})"
        waiting = (
            [f"if v.__class__ is Waiting: return run.guarded(v, {spot}, {path}, is_non_null={is_non_null})"]
            if may_wait
            else []
        )
        name = self._name("resolve")
        body = [
            f"x = {called}(s, run, path)",
            f"if x.__class__ is Waiting: return run.later(x.awaitable, {complete}, {spot}, path)",
            f"v = {complete}(x, run, {path})",
            *waiting,
            "return v",
        ]
        self._function(name, ["try:", *_indented(body), f"except Exception as e: return run.fail(e, {spot}, path)"])
        return name

    def _value(self, x: str, type_: GraphQLOutputType, nodes: Any, spot: str, path: str) -> tuple[str, bool]:
        """An expression for a completed value of a type, null or not; and whether it may have to be waited for."""
        bare: Any = type_.of_type if is_non_null_type(type_) else type_
        if is_leaf_type(bare):
            return self._leaf(x, bare), False
        if is_list_type(bare):
            name, may_wait = self._list(bare.of_type, nodes, spot)
        elif is_abstract_type(bare):
            name, may_wait = self._abstract(bare, nodes, spot)
        else:
            name, may_wait = self._object(bare, nodes, spot)
        return f"{name}({x}, run, {path})", may_wait

    def _leaf(self, x: str, type_: Any) -> str:
        unusual = f"leaf({self._keep('type', type_)}, {x})"
        if type_ in (GraphQLString, GraphQLID) or getattr(type_, "coerce_output_value", None) is str:
            return f"{x} if {x}.__class__ is str else {unusual}"
        if type_ is GraphQLBoolean:
            return f"{x} if {x} is True or {x} is False else {unusual}"
        if type_ is GraphQLInt:
            return f"{x} if {x}.__class__ is int and -2147483648 <= {x} <= 2147483647 else {unusual}"
        if is_enum_type(type_) and type(type_) is CustomGraphQLEnumType:
            kind, names = self._keep("enum", type_.wrapped_cls), self._keep("names", _enum_names(type_))
            return f"{names}[{x}] if {x}.__class__ is {kind} else {unusual}"
        return f"None if {x} is None else {unusual}"

    def _list(self, item_type: GraphQLOutputType, nodes: Any, spot: str) -> tuple[str, bool]:
        name = self._name("list")
        is_non_null = is_non_null_type(item_type)
        value, may_wait = self._value("x", item_type, nodes, spot, "(path, len(found))")
        lines = [f"v = {value}"]
        if is_non_null:
            lines.append(f"if v is None: raise null_refused({spot})")
        if may_wait:
            lines.append(
                "if v.__class__ is Waiting:"
                f" v = run.guarded(v, {spot}, (path, len(found)), is_non_null={is_non_null});"
                " waits.append(len(found))"
            )
        loop = [
            "for x in xs:",
            "    try:",
            *_indented(lines, 2),
            f"    except Exception as e: v = run.fail_at(e, {spot}, (path, len(found)), is_non_null={is_non_null})",
            "    found.append(v)",
        ]
        if may_wait:
            loop = ["try:", *_indented(loop), "except Exception:", "    settle(found)", "    raise"]
        self._function(
            name,
            [
                "if xs.__class__ is not list:",
                "    if xs is None: return None",
                f"    xs = run.items(xs, {spot})",
                "found = []",
                *(["waits = []"] if may_wait else []),
                *loop,
                "return gathered(found, waits) if waits else found" if may_wait else "return found",
            ],
            arguments="xs, run, path",
        )
        return name, may_wait

    def _object(self, type_: GraphQLObjectType, nodes: Any, spot: str) -> tuple[str, bool]:
        made, may_wait = self.selection(type_, self._selecting.below(type_, nodes))
        known = self._keep("known", set())
        classes = self._keep("classes", Classes(self._selecting.schema, type_, self.names[spot], self.names[known]))
        name = self._name("of_type")
        body = [
            f"if x.__class__ not in {known}:",
            f"    if {classes}.is_null(x): return None",
            f"return {made}(x, run, path)",
        ]
        self._function(name, body, arguments="x, run, path")
        return name, may_wait

    def _abstract(self, type_: GraphQLAbstractType, nodes: Any, spot: str) -> tuple[str, bool]:
        schema = self._selecting.schema
        made: dict[str, Function | str] = {}
        may_wait = False
        for possible in schema._schema.get_possible_types(type_):  # noqa: SLF001  as in the runner
            function, waits = self.selection(possible, self._selecting.below(possible, nodes))
            made[possible.name] = function
            may_wait = may_wait or waits
        known = self._keep("known", {})
        functions = self._keep("functions", made)
        classes = self._keep("classes", Classes(schema, type_, self.names[spot], self.names[known], made))
        name = self._name("of_any")
        body = [
            f"make = {known}.get(x.__class__)",
            "if make is None:",
            f"    if {classes}.is_null(x): return None",
            f"    make = {functions}[{classes}.type_name(x)]",
            "return make(x, run, path)",
        ]
        self._function(name, body, arguments="x, run, path")
        return name, may_wait

    def _function(self, name: str, body: list[str], *, arguments: str = "s, run, path") -> None:
        self.lines += [f"def {name}({arguments}):", *_indented(body)]

    def _name(self, kind: str) -> str:
        self._count += 1
        return f"{kind}_{self._count}"

    def _keep(self, kind: str, value: Any) -> str:
        name = self._name(kind)
        self.names[name] = value
        return name

    @property
    def length(self) -> int:
        """How many characters have been written."""
        return sum(map(len, self.lines))

    def compiled(self) -> Mapping[str, Any]:
        """The written functions, by name."""
        code = compile("\n".join(self.lines), "<plan>", "exec")
        exec(code, self.names)  # noqa: S102  nothing in it was written by others, as the module's words say
        for functions in [value for name, value in self.names.items() if name.startswith("functions_")]:
            functions.update({type_name: self.names[name] for type_name, name in functions.items()})
        return self.names


def _enum_names(type_: CustomGraphQLEnumType) -> dict[Any, str]:
    members: Any = type_.wrapped_cls
    return {member: type_.coerce_output_value(member) for member in members}


def _indented(lines: list[str], times: int = 1) -> list[str]:
    return [f"{'    ' * times}{line}" for line in lines]
