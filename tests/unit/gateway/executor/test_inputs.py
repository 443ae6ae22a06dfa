"""Inputs are read as the libraries read them, whatever the type and the value."""

from decimal import Decimal
from typing import Any

import pytest
from graphql import GraphQLEnumType, GraphQLInputObjectType, GraphQLNonNull, is_list_type, is_non_null_type
from graphql.pyutils import Undefined
from graphql.utilities import coerce_input_value
from hypothesis import given, settings
from hypothesis import strategies as st
from strawberry.exceptions import StrawberryInputCoercionError
from strawberry.types.arguments import convert_argument

from services.gateway.graphql.executor.inputs import coercer, converters
from services.gateway.graphql.schema import build_schema

SCHEMA = build_schema()
LIBRARY = SCHEMA._schema  # noqa: SLF001  as in the runner
INPUTS = sorted(
    name for name, type_ in LIBRARY.type_map.items() if isinstance(type_, GraphQLInputObjectType) and name[0] != "_"
)
ODD = st.sampled_from([None, True, 0, -1, 2**60, 1.5, "", "x", "1.25", "CNY", [], {}, ["x"], {"id": "x"}])
SCALARS: dict[str, list[Any]] = {
    "Decimal": ["12.50", "-0.0001", "1e3"],
    "DateTime": ["2026-03-01T09:30:00+08:00", "2026-03-01"],
    "Date": ["2026-02-28", "2026-02-30"],
    "Currency": ["CNY", "cny"],
    "Timezone": ["Asia/Shanghai", "Mars"],
    "Locale": ["zh-CN", "?"],
    "Points": [1, -5, 2**53],
    "WholeNumber": [0, 7],
    "Int": [1, 2**40],
    "Boolean": [True, False, "true"],
    "IdempotencyKey": ["key", ""],
}


def values(type_: Any, depth: int = 0) -> st.SearchStrategy[Any]:
    """JSON values for a type, most of them right."""
    if is_non_null_type(type_):
        return st.one_of(values(type_.of_type, depth), values(type_.of_type, depth), ODD)
    if is_list_type(type_):
        return st.one_of(st.lists(values(type_.of_type, depth + 1), max_size=3), values(type_.of_type, depth + 1))
    if isinstance(type_, GraphQLInputObjectType):
        return st.one_of(objects(type_, depth), objects(type_, depth), ODD) if depth < 4 else ODD
    if isinstance(type_, GraphQLEnumType):
        return st.sampled_from([*type_.values, "NO_SUCH"])
    usual: list[Any] = SCALARS.get(type_.name, ["text", "other"])
    return st.one_of(st.sampled_from(usual), st.none(), ODD)


def objects(type_: GraphQLInputObjectType, depth: int) -> st.SearchStrategy[Any]:
    fields = {name: values(field.type, depth + 1) for name, field in type_.fields.items()}
    if type_.is_one_of:
        one = st.one_of([st.fixed_dictionaries({name: value}) for name, value in fields.items()])
        return st.one_of(one, one, st.fixed_dictionaries({}, optional=fields))
    needed = {name: value for name, value in fields.items() if isinstance(type_.fields[name].type, GraphQLNonNull)}
    rest = {name: value for name, value in fields.items() if name not in needed}
    usual = st.fixed_dictionaries(needed, optional=rest)
    return st.one_of(usual, usual, st.fixed_dictionaries({}, optional={**fields, "noSuchField": ODD}))


@pytest.mark.parametrize("name", INPUTS)
@given(data=st.data())
@settings(max_examples=25, deadline=None)
def test_an_input_is_what_the_libraries_make_of_it(name: str, data: st.DataObject) -> None:
    type_: Any = LIBRARY.type_map[name]
    definition: Any = type_.extensions["strawberry-definition"].origin
    value = data.draw(values(type_))

    coerced = _coerced(lambda: coercer(type_)(value))

    assert _same(coerced, _coerced(lambda: coerce_input_value(value, type_)))
    if coerced is Undefined:
        return
    by_library = _outcome(
        lambda: convert_argument(coerced, definition, SCHEMA.schema_converter.scalar_registry, SCHEMA.config)
    )
    assert _outcome(lambda: converters(SCHEMA).of(definition)(coerced)) == by_library


def test_values_that_are_right_are_among_them() -> None:
    line = {"sku": "tea", "quantity": "1.5", "amount": "2.00"}
    type_: Any = LIBRARY.type_map["PurchaseLineInput"]

    read = converters(SCHEMA).of(type_.extensions["strawberry-definition"].origin)(coercer(type_)(line))

    assert (read.sku, read.quantity, read.discount, read.category) == ("tea", Decimal("1.5"), Decimal(0), [])
    assert coercer(type_)({**line, "quantity": 1.5}) is Undefined
    assert coercer(type_)({**line, "color": "red"}) is Undefined


def test_the_default_of_a_list_is_not_shared() -> None:
    type_: Any = LIBRARY.type_map["PurchaseLineInput"]
    make = converters(SCHEMA).of(type_.extensions["strawberry-definition"].origin)
    line = {"sku": "tea", "quantity": "1", "amount": "1"}

    make(coercer(type_)(line)).category.append("Drinks")

    assert make(coercer(type_)(line)).category == []


def _same(left: Any, right: Any) -> bool:
    return left is right if Undefined in (left, right) else bool(left == right)


def _coerced(read: Any) -> Any:
    try:
        return read()
    except StrawberryInputCoercionError:
        return Undefined


def _outcome(read: Any) -> Any:
    try:
        return read()
    except Exception as error:  # noqa: BLE001  whatever the library refuses is refused here too, and then asked of it
        return type(error) is not None
