"""Every place of the schema that takes an argument, found by walking the schema itself.

A target is a field with the way to it from the root; a leaf is a scalar somewhere in the target's arguments.
"""

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    GraphQLUnionType,
    get_named_type,
    is_list_type,
    is_non_null_type,
    is_required_argument,
)

INPUT_DEPTH_MAX = 8

Path: TypeAlias = tuple[str | int, ...]
Slot: TypeAlias = GraphQLArgument | GraphQLInputField


@dataclass(frozen=True, slots=True)
class Step:
    """A field of an object type."""

    owner: str
    name: str
    field: GraphQLField

    @property
    def returns(self) -> str:
        return get_named_type(self.field.type).name


@dataclass(frozen=True, slots=True)
class Target:
    """A field with arguments. ``trail`` leads to it from ``Query`` or ``Mutation``; its last step is the field."""

    trail: tuple[Step, ...]

    @property
    def step(self) -> Step:
        return self.trail[-1]

    @property
    def is_mutation(self) -> bool:
        return self.trail[0].owner == "Mutation"

    @property
    def is_root(self) -> bool:
        return len(self.trail) == 1

    def __str__(self) -> str:
        return f"{self.step.owner}.{self.step.name}"


@dataclass(frozen=True, slots=True)
class Leaf:
    """A scalar or enum in a target's arguments. ``owner`` is the input type around it, "" for arguments."""

    target: Target
    path: Path
    owner: str
    type: GraphQLScalarType | GraphQLEnumType

    @property
    def name(self) -> str:
        """The field's name; an item of a list has the list's name."""
        return next(part for part in reversed(self.path) if isinstance(part, str))

    def __str__(self) -> str:
        return f"{self.target}({'.'.join(str(part) for part in self.path)}: {self.type.name})"


def targets(schema: GraphQLSchema) -> tuple[Target, ...]:
    """All root fields, and every field below ``Query`` that takes an argument, each by its shortest way."""
    assert schema.query_type is not None
    assert schema.mutation_type is not None
    mutations = [Target((Step("Mutation", name, field),)) for name, field in schema.mutation_type.fields.items()]
    found: dict[tuple[str, str], Target] = {}
    waiting: deque[tuple[GraphQLObjectType, tuple[Step, ...]]] = deque([(schema.query_type, ())])
    seen = {schema.query_type.name}
    while waiting:
        owner, trail = waiting.popleft()
        # Ways by argument first: `me` is open to members only.
        for name, field in sorted(owner.fields.items(), key=lambda item: not item[1].args):
            step = Step(owner.name, name, field)
            if field.args or not trail:
                found[owner.name, name] = Target((*trail, step))
            # Deeper steps are taken without arguments, so that the way can be gone.
            if trail and any(is_required_argument(argument) for argument in field.args.values()):
                continue
            for reached in _objects(schema, field):
                if reached.name not in seen:
                    seen.add(reached.name)
                    waiting.append((reached, (*trail, step)))
    return (*found.values(), *mutations)


def leaves(target: Target, choices: Mapping[Path, str] | None = None) -> Iterator[Leaf]:
    """The scalars in a target's arguments; of a choice (``@oneOf``) all alternatives, or the chosen one."""
    for name, argument in target.step.field.args.items():
        yield from _leaves(target, argument.type, (name,), "", choices or {})


def is_choice(type_: GraphQLInputObjectType) -> bool:
    """Whether exactly one field is given (``@oneOf``); Strawberry keeps that to itself."""
    return bool(type_.is_one_of or type_.extensions["strawberry-definition"].is_one_of)


def bare(type_: GraphQLInputType) -> GraphQLInputType:
    """A type without its non-null mark."""
    return type_.of_type if is_non_null_type(type_) else type_


def _leaves(
    target: Target, type_: GraphQLInputType, path: Path, owner: str, choices: Mapping[Path, str]
) -> Iterator[Leaf]:
    assert len(path) <= INPUT_DEPTH_MAX, f"{target}: inputs within inputs"
    plain = bare(type_)
    if is_list_type(plain):
        yield from _leaves(target, plain.of_type, (*path, 0), owner, choices)
    elif isinstance(plain, GraphQLInputObjectType):
        for name, slot in plain.fields.items():
            if not is_choice(plain) or choices.get(path, name) == name:
                yield from _leaves(target, slot.type, (*path, name), plain.name, choices)
    else:
        assert isinstance(plain, GraphQLScalarType | GraphQLEnumType)
        yield Leaf(target, path, owner, plain)


def _objects(schema: GraphQLSchema, field: GraphQLField) -> Iterator[GraphQLObjectType]:
    """The object types that a field can give and whose way there is certain; an interface's are found elsewhere."""
    named = get_named_type(field.type)
    if isinstance(named, GraphQLObjectType):
        yield named
    elif isinstance(named, GraphQLUnionType):
        yield from (member for member in schema.get_possible_types(named) if member.name.endswith("Payload"))
