"""Hot reads of members, answered with JSON that the database wrote.

A field of the root that is `members`, `member` or `me` and picks nothing but what `services.loyalty.profiles` can write
is such a read, whatever else the operation asks for. What it does not understand, refuses or doubts is left to the
ordinary path, which says the same about all the rest and what is wrong with a request; tests compare the two.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from graphql import (
    FieldNode,
    GraphQLField,
    GraphQLObjectType,
    IntValueNode,
    OperationType,
    VariableNode,
    get_named_type,
)
from graphql.execution.values import VariableValues, get_argument_values

from services.gateway.context.errors import EdgeError, Unauthenticated
from services.gateway.execution.operation import Operation
from services.gateway.graphql.executor.selecting import Selecting
from services.gateway.graphql.executor.shortcuts import MISSED, Missed
from services.gateway.graphql.ids import decode
from services.gateway.graphql.members.queries import ORDER
from services.gateway.graphql.members.references import IDENTITY_KINDS
from services.gateway.graphql.pagination import PAGE_DEFAULT, PAGE_MAX, encode_cursor, id_cursor, page
from services.gateway.graphql.permissions import AS_MEMBER, requires_somewhere
from services.loyalty.members.domain import Identity, normalize_identity
from services.loyalty.profiles.domain import MembersPage, Profile, ProfileSource
from services.loyalty.profiles.queries import Picked, profiles
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
LENGTHS_MAX = 3
"""Choices of the lengths of pages within a member for which what is picked is remembered."""

_DEFINITION = "strawberry-definition"


@dataclass(frozen=True, slots=True)
class _Part:
    """A pick whose page may hang on a variable."""

    key: str
    name: str
    parts: tuple["_Part", ...] = ()
    first: int | str = 0
    """A number, or the name of the variable that holds it."""

    def bound(self, lengths: Mapping[str, int]) -> Pick:
        first = self.first if isinstance(self.first, int) else lengths[self.first]
        if self.first and not 1 <= first <= PAGE_MAX:
            raise NotPickable(self.name)
        return Pick(self.key, self.name, tuple(part.bound(lengths) for part in self.parts), first)

    def variables(self) -> Iterator[str]:
        """The variables on which it hangs."""
        if isinstance(self.first, str):
            yield self.first
        for part in self.parts:
            yield from part.variables()


def profile_field(selecting: Selecting, nodes: Sequence[FieldNode]) -> "ProfileField | None":
    """The way around a field of an operation's root; None where there is none."""
    is_query = selecting.operation.operation is OperationType.QUERY
    name = nodes[0].name.value
    if not is_query or selecting.query_type is None or name not in _ACCESS:
        return None
    try:
        return ProfileField(selecting, selecting.query_type.fields[name], nodes)
    except NotPickable:
        return None


class ProfileField:
    """One field of the root that the database can answer."""

    def __init__(self, selecting: Selecting, field: GraphQLField, nodes: Sequence[FieldNode]) -> None:
        """A field of the root, in its places in one operation.

        Raises:
            NotPickable: it asks for more than the database can write.
        """
        self._node = nodes[0]
        self._name = self._node.name.value
        self._field = field
        self._frame: tuple[_Part, ...] = ()
        shown = get_named_type(field.type)
        assert isinstance(shown, GraphQLObjectType), "members, or a connection of them"
        self._member = _parts(selecting, shown, nodes)
        if self._name == "members":
            self._frame = self._member
            edges = [part for part in self._frame if part.name == "edges"]
            members = [part for edge in edges for part in edge.parts if part.name == "node"]
            # One JSON text is made of each member: it can be told once.
            if len(edges) != 1 or len(members) != 1:
                raise NotPickable(self._name)
            self._member = members[0].parts
        self._lengths = tuple(dict.fromkeys(name for part in self._member for name in part.variables()))
        self._picked: dict[tuple[int, ...], Picked] = {}
        self._picked_for(dict.fromkeys(self._lengths, PAGE_DEFAULT))

    async def value(self, operation: Operation, variables: VariableValues, *, is_last: bool) -> Any | Missed:
        """The field's value; `MISSED` when the ordinary path has to say it."""
        try:
            picked = self._picked_for(variables.coerced)
            source = self._source(operation, get_argument_values(self._field, self._node, variables))
            _ACCESS[self._name].check(operation, None, {})
        except (DomainError, EdgeError, NotPickable):
            return MISSED
        for _ in range(READS_MAX):
            try:
                found = await operation.read(
                    lambda session: profiles(session, picked=picked, source=source, is_last=is_last), is_last=is_last
                )
            except NotPickable:
                return MISSED
            if found is not None:
                return self._shown(found, source)
        return MISSED

    def _shown(self, found: Sequence[Profile], source: ProfileSource) -> Any:
        if isinstance(source, MembersPage):
            return self._page(found, source)
        return orjson.Fragment(found[0].json) if found else None

    def _picked_for(self, variables: Mapping[str, Any]) -> Picked:
        """What is picked with pages of these lengths; put together once.

        Raises:
            NotPickable: a length that no page has, or more than the database can write.
        """
        lengths = tuple(variables.get(name, PAGE_DEFAULT) for name in self._lengths)
        found = self._picked.get(lengths)
        if found is None:
            if any(type(length) is not int for length in lengths):
                raise NotPickable(self._name)
            named = dict(zip(self._lengths, lengths, strict=True))
            found = Picked(tuple(part.bound(named) for part in self._member))
            if len(self._picked) < LENGTHS_MAX:
                self._picked[lengths] = found
        return found

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


def _parts(selecting: Selecting, parent: GraphQLObjectType, nodes: Sequence[FieldNode]) -> tuple[_Part, ...]:
    return tuple(_part(selecting, parent, key, same) for key, same in selecting.below(parent, nodes).items())


def _part(selecting: Selecting, parent: GraphQLObjectType, key: str, nodes: Sequence[FieldNode]) -> _Part:
    name = nodes[0].name.value
    if name == "__typename":
        return _Part(key, name)
    field = parent.fields[name]
    kind = get_named_type(field.type)
    parts = _parts(selecting, kind, nodes) if isinstance(kind, GraphQLObjectType) else ()
    first = _first(nodes[0]) if "first" in field.args else 0
    if not first and nodes[0].arguments:
        raise NotPickable(name)
    return _Part(key, field.extensions[_DEFINITION].python_name, parts, first)


def _first(node: FieldNode) -> int | str:
    """The length of a page, or the variable that holds it."""
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


def _cursor(profile: Profile) -> str:
    return encode_cursor(ORDER, profile.member_id)


_EDGE: Mapping[str, Callable[[Profile], object]] = {
    "node": lambda profile: orjson.Fragment(profile.json),
    "cursor": _cursor,
    "__typename": lambda _: "MemberEdge",
}
