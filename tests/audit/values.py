"""Values of the schema's scalars for generated operations: such as people send, and such as nobody should."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

from graphql import (
    GraphQLInputObjectType,
    GraphQLSchema,
    NameNode,
    NullValueNode,
    ObjectFieldNode,
    ObjectValueNode,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    get_named_type,
    parse,
    print_ast,
    visit,
)
from hypothesis import strategies as st
from schemathesis.graphql import nodes, scalar

WHOLE_MAX = 2**53 - 1
TEXTS = (
    "",
    " ",
    "latte",
    "回头客",
    "🏃" * 300,
    "a" * 5_000,
    "'; DROP TABLE members; --",
    "{{7*7}}",
    "%s%n",
    "\u202e\ufeff",
)
ODD_EVERY = 12
"""One value in so many is such as nobody should send."""
HOME_CURRENCY = "CNY"
"""That of the merchant's program."""
CURRENCIES = ("CNY", "USD", "JPY", "KWD", "ZZZ", "cny", "")
ZONES = ("Asia/Shanghai", "UTC", "America/New_York", "Mars/Olympus", "../../etc/passwd", "")
LOCALES = ("en", "zh-CN", "xx-YY", "english", "")
DECIMALS = ("0", "1", "-1", "19.99", "0.000000001", "9" * 19, "9" * 40, "1e999", "NaN", "Infinity", "")
DAYS = ("0001-01-01", "9999-12-31", "2026-02-29", "1900-02-29", "2026-13-01")
INSTANTS = ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59-23:59", "2026-02-30T00:00:00Z", "2026-03-01T09:30:00")


def register(ids: Sequence[str]) -> None:
    """Teach the generator our scalars. ``ids`` are of things that there are.

    One bad value spoils an operation, and an operation has many: most values are such as people send.
    """
    texts = st.one_of(st.sampled_from(TEXTS), st.text(max_size=40))
    known = st.sampled_from(tuple(ids))
    wholes = _mostly(
        st.one_of(st.integers(-10, 1_000), st.sampled_from((WHOLE_MAX, -WHOLE_MAX))),
        st.sampled_from((WHOLE_MAX + 1, 2**63, 10**40)),
    )
    _strings("ID", _mostly(known, st.one_of(known.map(lambda known_id: known_id[:-2]), texts)))
    _strings("Currency", _mostly(st.just(HOME_CURRENCY), st.sampled_from(CURRENCIES)))
    _strings("Timezone", _mostly(st.just(ZONES[0]), st.sampled_from(ZONES)))
    _strings("Locale", _mostly(st.just(LOCALES[0]), st.sampled_from(LOCALES)))
    _strings("IdempotencyKey", _mostly(st.uuids().map(str), texts))
    _strings("Decimal", _mostly(st.decimals(0, 1_000, places=2).map(str), st.sampled_from(DECIMALS)))
    _strings("Date", _mostly(st.dates(date(1900, 1, 1)).map(str), st.sampled_from(DAYS)))
    moments = st.integers(1_500_000_000, 1_900_000_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
    _strings("DateTime", _mostly(moments.map(datetime.isoformat), st.sampled_from(INSTANTS)))
    for name in ("Points", "WholeNumber"):
        scalar(name, wholes.map(nodes.Int))
    scalar("JSON", _documents(texts))


def with_one_key(schema: GraphQLSchema, document: str) -> str:
    """An operation whose oneOf objects have one member, which the generator does not know of."""
    types = TypeInfo(schema)
    return print_ast(visit(parse(document), TypeInfoVisitor(types, _OneKey(types))))


class _OneKey(Visitor):
    def __init__(self, types: TypeInfo) -> None:
        super().__init__()
        self._types = types

    def leave_object_value(self, node: ObjectValueNode, *_: Any) -> ObjectValueNode | None:
        kind = get_named_type(self._types.get_input_type())
        if not isinstance(kind, GraphQLInputObjectType) or not kind.is_one_of:
            return None
        given = [field for field in node.fields if not isinstance(field.value, NullValueNode)]
        return nodes.Object(given[:1])


def _mostly(usual: st.SearchStrategy[Any], odd: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.integers(1, ODD_EVERY).flatmap(lambda number: odd if number == ODD_EVERY else usual)


def _strings(name: str, strategy: st.SearchStrategy[str]) -> None:
    scalar(name, strategy.map(nodes.String))


def _documents(texts: st.SearchStrategy[str]) -> st.SearchStrategy[Any]:
    """Objects in objects, some of them with words of a program document."""
    keys = st.sampled_from(("schemaVersion", "units", "earning", "tiers", "rewards", "name", "code", "points", "x"))
    leaves = st.one_of(
        texts.map(nodes.String),
        st.integers(-(2**64), 2**64).map(nodes.Int),
        st.booleans().map(nodes.Boolean),
        st.just(nodes.Null),
    )

    def grow(children: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        return st.one_of(
            st.dictionaries(keys, children, max_size=4).map(_object), st.lists(children, max_size=3).map(nodes.List)
        )

    return st.recursive(leaves, grow, max_leaves=12)


def _object(members: Mapping[str, Any]) -> Any:
    return nodes.Object([ObjectFieldNode(name=NameNode(value=name), value=value) for name, value in members.items()])
