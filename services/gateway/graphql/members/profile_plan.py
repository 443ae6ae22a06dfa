"""Hot reads of members, answered with JSON that the database wrote.

A plan is made of an operation that is one of `members`, `member` or `me` and picks nothing but what
`services.loyalty.profiles` can write. Whatever a plan does not understand, refuses or doubts is left to the ordinary
path, which says the same about all the rest and what is wrong with a request; tests compare the two.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    OperationType,
    SelectionNode,
    VariableNode,
    get_named_type,
)
from graphql.execution.values import VariableValues, get_argument_values

from services.gateway.context.errors import EdgeError, Unauthenticated
from services.gateway.execution.operation import Operation
from services.gateway.graphql.ids import decode
from services.gateway.graphql.members.queries import ORDER
from services.gateway.graphql.members.references import IDENTITY_KINDS
from services.gateway.graphql.pagination import PAGE_DEFAULT, PAGE_MAX, encode_cursor, id_cursor, page
from services.gateway.graphql.permissions import AS_MEMBER, requires_somewhere
from services.loyalty.members.domain import Identity, normalize_identity
from services.loyalty.profiles.domain import MembersPage, Profile, ProfileSource
from services.loyalty.profiles.queries import is_pickable, profiles
from services.platform.auth.domain import Scope
from services.platform.db.selected_json import NotPickable, Pick
from services.platform.errors import DomainError

_ACCESS = {
    "members": requires_somewhere(Scope.MEMBERS_READ),
    "member": requires_somewhere(Scope.MEMBERS_READ),
    "me": AS_MEMBER,
}
READS_MAX = 2
"""A program that is published while it is read is read again; one that is published twice, the ordinary way."""

_DEFINITION = "strawberry-definition"

Fields = Mapping[str, list[FieldNode]]


@dataclass(frozen=True, slots=True)
class _Part:
    """A pick whose page may hang on a variable."""

    key: str
    name: str
    parts: tuple["_Part", ...] = ()
    first: int | str = 0
    """A number, or the name of the variable that holds it."""

    def bound(self, variables: Mapping[str, Any]) -> Pick:
        first = self.first if isinstance(self.first, int) else variables.get(self.first, PAGE_DEFAULT)
        if self.first and (not isinstance(first, int) or not 1 <= first <= PAGE_MAX):
            raise NotPickable(self.name)
        return Pick(self.key, self.name, tuple(part.bound(variables) for part in self.parts), first)


class ProfilePlan:
    """One operation that the database can answer."""

    def __init__(self, schema: GraphQLSchema, operation: OperationDefinitionNode, document: DocumentNode) -> None:
        """A plan.

        Raises:
            NotPickable: the operation asks for more than plans know.
        """
        self._schema = schema
        self._operation = operation
        self._fragments = {
            node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)
        }
        query = schema.query_type
        assert query is not None, "every schema has queries"
        fields = self._fields(query, [operation.selection_set.selections])
        (self._key, nodes), *others = fields.items()
        self._node = nodes[0]
        self._name = self._node.name.value
        if others or operation.operation is not OperationType.QUERY or self._name not in _ACCESS:
            raise NotPickable(self._name)
        self._field: GraphQLField = query.fields[self._name]
        shown: GraphQLObjectType = get_named_type(self._field.type)
        self._frame: tuple[_Part, ...] = ()
        self._member = self._parts(shown, nodes)
        if self._name == "members":
            self._frame = self._member
            edges = [part for part in self._frame if part.name == "edges"]
            members = [part for edge in edges for part in edge.parts if part.name == "node"]
            # One JSON text is made of each member: it can be told once.
            if len(edges) != 1 or len(members) != 1:
                raise NotPickable(self._name)
            self._member = members[0].parts
        if not is_pickable(self._bound({})):
            raise NotPickable(self._name)

    async def data(self, operation: Operation, variables: VariableValues) -> dict[str, Any] | None:
        """The answer's data; None when the ordinary path has to say it."""
        try:
            picks = self._bound(variables.coerced)
            source = self._source(operation, get_argument_values(self._field, self._node, variables))
            _ACCESS[self._name].check(operation, None, {})
        except (DomainError, EdgeError, NotPickable):
            return None
        for _ in range(READS_MAX):
            try:
                found = await operation.read(
                    lambda session: profiles(session, picks=picks, source=source), is_last=True
                )
            except NotPickable:
                return None
            if found is not None:
                return self._data(found, source)
        return None

    def _data(self, found: Sequence[Profile], source: ProfileSource) -> dict[str, Any]:
        if isinstance(source, MembersPage):
            return {self._key: self._page(found, source)}
        return {self._key: orjson.Fragment(found[0].json) if found else None}

    def _bound(self, variables: Mapping[str, Any]) -> tuple[Pick, ...]:
        return tuple(part.bound(variables) for part in self._member)

    def _source(self, operation: Operation, arguments: Mapping[str, Any]) -> ProfileSource:
        """Whom the arguments name.

        Raises:
            DomainError: nobody whom they could name.
        """
        if self._name == "members":
            asked = page(arguments["first"], arguments.get("after"))
            return MembersPage(asked.limit, id_cursor(ORDER, asked.after))
        if self._name == "me":
            member_id = operation.principal.member_id
            if member_id is None:
                raise Unauthenticated
            return member_id
        ((kind, value),) = arguments["by"].items()
        if kind == "id":
            return decode("Member", value, field="member.id")
        return normalize_identity(Identity(IDENTITY_KINDS[kind], value), region=None, field="member.identity")

    def _page(self, found: Sequence[Profile], source: MembersPage) -> dict[str, Any]:
        shown = found[: source.limit - 1]
        connection: dict[str, Any] = {}
        for part in self._frame:
            if part.name == "edges":
                connection[part.key] = [{of.key: _EDGE[of.name](profile) for of in part.parts} for profile in shown]
            elif part.name == "page_info":
                info = {
                    "has_next_page": len(found) > len(shown),
                    "has_previous_page": source.after_id is not None,
                    "start_cursor": _cursor(shown[0]) if shown else None,
                    "end_cursor": _cursor(shown[-1]) if shown else None,
                    "__typename": "PageInfo",
                }
                connection[part.key] = {of.key: info[of.name] for of in part.parts}
            else:
                connection[part.key] = "MemberConnection"
        return connection

    def _parts(self, parent: GraphQLObjectType, nodes: Sequence[FieldNode]) -> tuple[_Part, ...]:
        selections = [node.selection_set.selections for node in nodes if node.selection_set]
        return tuple(self._part(parent, key, same) for key, same in self._fields(parent, selections).items())

    def _part(self, parent: GraphQLObjectType, key: str, nodes: Sequence[FieldNode]) -> _Part:
        name = nodes[0].name.value
        if name == "__typename":
            return _Part(key, name)
        field = parent.fields[name]
        kind = get_named_type(field.type)
        parts = self._parts(kind, nodes) if isinstance(kind, GraphQLObjectType) else ()
        return _Part(key, field.extensions[_DEFINITION].python_name, parts, _first(field, nodes[0]))

    def _fields(self, parent: GraphQLObjectType, selections: Iterable[Iterable[SelectionNode]]) -> Fields:
        """The fields of an object by response key, fragments unfolded."""
        fields: dict[str, list[FieldNode]] = {}
        for node in self._unfolded(parent, [node for nodes in selections for node in nodes]):
            fields.setdefault(node.alias.value if node.alias else node.name.value, []).append(node)
        return fields

    def _unfolded(self, parent: GraphQLObjectType, nodes: Iterable[SelectionNode]) -> Iterator[FieldNode]:
        for node in nodes:
            if node.directives:
                raise NotPickable(parent.name)
            if isinstance(node, FieldNode):
                yield node
                continue
            inner = self._fragments[node.name.value] if isinstance(node, FragmentSpreadNode) else node
            assert isinstance(inner, FragmentDefinitionNode | InlineFragmentNode), "there are no other selections"
            condition = inner.type_condition.name.value if inner.type_condition else parent.name
            if inner.directives or condition not in {parent.name, *(each.name for each in parent.interfaces)}:
                raise NotPickable(condition)
            yield from self._unfolded(parent, inner.selection_set.selections)


def _cursor(profile: Profile) -> str:
    return encode_cursor(ORDER, profile.member_id)


_EDGE: Mapping[str, Callable[[Profile], object]] = {
    "node": lambda profile: orjson.Fragment(profile.json),
    "cursor": _cursor,
    "__typename": lambda _: "MemberEdge",
}


class ProfilePlans:
    """The plans of one document, each made when it is first asked for."""

    def __init__(self) -> None:
        self._plans: dict[int, ProfilePlan | None] = {}

    def of(
        self, schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode
    ) -> ProfilePlan | None:
        """The plan of an operation; None where there can be none."""
        place = id(operation)  # the document lives as long as we do
        if place not in self._plans:
            try:
                self._plans[place] = ProfilePlan(schema, operation, document)
            except NotPickable:
                self._plans[place] = None
        return self._plans[place]


def _first(field: GraphQLField, node: FieldNode) -> int | str:
    """The length of a page, or the variable that holds it; 0 for what is no page."""
    if "first" not in field.args:
        if node.arguments:
            raise NotPickable(node.name.value)
        return 0
    first: int | str = PAGE_DEFAULT
    for argument in node.arguments or ():
        if argument.name.value != "first":
            raise NotPickable(argument.name.value)
        if isinstance(argument.value, VariableNode):
            first = argument.value.name.value
        elif isinstance(argument.value, IntValueNode):
            # An empty page is refused the ordinary way.
            first = int(argument.value.value) or -1
    return first
