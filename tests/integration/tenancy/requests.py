"""From a target and its values to a request that can be sent."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLScalarType,
    GraphQLSchema,
    is_list_type,
    is_non_null_type,
    is_required_argument,
)

from tests.integration.tenancy.holdings import Holdings
from tests.integration.tenancy.selections import document
from tests.integration.tenancy.supplies import BEFOREHAND
from tests.integration.tenancy.targets import Leaf, Path, Target, bare, is_choice, leaves
from tests.integration.tenancy.values import LEFT_OUT, OMITTED, PREFERRED, Naming, Omitted, naming_of, plain_value


@dataclass(frozen=True, slots=True)
class Position:
    """A leaf that names something, as one of the things that it may name."""

    leaf: Leaf
    naming: Naming
    choices: Mapping[Path, str]
    """The alternatives that lead to the leaf."""

    def __str__(self) -> str:
        return f"{self.leaf} as {self.naming.what}"


@dataclass(frozen=True, slots=True)
class Prepared:
    """A request in GraphQL."""

    query: str
    variables: dict[str, Any]
    borrowed: tuple[str, ...] = ()
    """The other tenant's names in it beside the one in question."""


def positions(schema: GraphQLSchema, target: Target, node_types: tuple[str, ...]) -> Iterator[Position]:
    """Every place of a target's arguments that names something.

    Raises:
        Undescribed: a leaf of which nobody said what it means.
    """
    for leaf in leaves(target):
        for naming in naming_of(schema, leaf, node_types):
            yield Position(leaf, naming, _choices_on_the_way(leaf))


def prepare(
    schema: GraphQLSchema,
    target: Target,
    own: Holdings,
    *,
    at: Position | None = None,
    value: str | None = None,
    other: Holdings | None = None,
) -> Prepared:
    """A request with the caller's own values, but for ``value`` at one position.

    What names the same thing beside it is read from ``other``, if there is one.

    Raises:
        Undescribed, LookupError: there is no value for some leaf.
    """
    # A target below a root field is reached through that field with the caller's own values.
    root = Target(target.trail[:1])
    if target.step.name in BEFOREHAND:
        BEFOREHAND[target.step.name](own.supplies)
    variables: dict[str, Any] = {}
    declared: list[str] = []
    given: dict[str, str] = {}
    borrowed: list[str] = []
    for prefix, each in (("root_", root), ("", target)):
        if prefix and target.is_root:
            continue
        written = []
        filler = _Filler(schema, each, own, at if not prefix else None, value, other)
        for name, argument in each.step.field.args.items():
            # A page begins where it begins, unless the cursor itself is in question.
            if name == "after" and (at is None or at.leaf.path != ("after",)):
                continue
            filled = filler.fill(argument.type, (name,), "")
            if isinstance(filled, Omitted):
                assert not is_required_argument(argument), f"{target}: {name} is required"
                continue
            variables[prefix + name] = filled
            declared.append(f"${prefix}{name}: {argument.type}")
            written.append(f"{name}: ${prefix}{name}")
        given[prefix] = ", ".join(written)
        borrowed += filler.borrowed
    text = document(schema, target, given[""], ", ".join(declared), given.get("root_", ""))
    return Prepared(text, variables, tuple(borrowed))


class _Filler:
    def __init__(
        self,
        schema: GraphQLSchema,
        target: Target,
        own: Holdings,
        at: Position | None,
        value: str | None,
        other: Holdings | None,
    ) -> None:
        self._schema = schema
        self._target = target
        self._own = own
        self._at = at
        self._value = value
        self._other = other
        self.borrowed: list[str] = []

    def fill(self, type_: GraphQLInputType, path: Path, owner: str) -> Any:
        """A value of an input type."""
        plain = bare(type_)
        if is_list_type(plain):
            item = self.fill(plain.of_type, (*path, 0), owner)
            if isinstance(item, Omitted):
                return [] if is_non_null_type(type_) else item
            return [item]
        if isinstance(plain, GraphQLInputObjectType):
            if plain.name in LEFT_OUT:
                return OMITTED
            return self._object(plain, path)
        assert isinstance(plain, GraphQLScalarType | GraphQLEnumType)
        return self._leaf(Leaf(self._target, path, owner, plain))

    def _object(self, type_: GraphQLInputObjectType, path: Path) -> dict[str, Any]:
        names = list(type_.fields)
        if is_choice(type_):
            names = [self._chosen(type_, path)]
        filled = {name: self.fill(type_.fields[name].type, (*path, name), type_.name) for name in names}
        return {
            name: each
            for name, each in filled.items()
            if not isinstance(each, Omitted) or is_non_null_type(type_.fields[name].type)
        }

    def _chosen(self, type_: GraphQLInputObjectType, path: Path) -> str:
        if self._at and path in self._at.choices:
            return self._at.choices[path]
        return PREFERRED.get(type_.name) or next(iter(type_.fields))

    def _leaf(self, leaf: Leaf) -> Any:
        if self._at and self._value is not None and leaf.path == self._at.leaf.path:
            return self._at.naming.within(self._own, self._value)
        naming = naming_of(self._schema, leaf, ("Member",))
        if naming and self._at and self._other and leaf.name in self._at.naming.beside:
            self.borrowed.append(naming[0].foreign(self._other))
            return self.borrowed[-1]
        return naming[0].within(self._own, naming[0].own(self._own)) if naming else plain_value(leaf, self._own)


def _choices_on_the_way(leaf: Leaf) -> dict[Path, str]:
    """The parts of a leaf's path as choices; where there is no choice they are not asked for."""
    return {leaf.path[:depth]: part for depth in range(1, len(leaf.path)) if isinstance(part := leaf.path[depth], str)}
