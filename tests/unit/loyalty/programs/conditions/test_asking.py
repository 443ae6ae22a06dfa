"""What conditions answer: each operator on each type, and what is not known."""

from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

import pytest

from services.loyalty.programs.domain.conditions import AllOf, AnyOf, Comparison, Expression, Not, Operator
from services.loyalty.programs.domain.conditions.asking import compile_condition
from services.loyalty.programs.domain.conditions.cel import LIST_MAX, TEXT_MAX, Untold, compile_source
from services.loyalty.programs.domain.conditions.declared import DECLARED, ValueType
from services.loyalty.programs.domain.conditions.fields import Asked, Place, catalogue, custom_fact, time_facts
from services.loyalty.programs.domain.conditions.spelling import as_expression
from services.loyalty.programs.domain.document import CustomEvent, CustomField, FieldOwner, FieldType
from services.loyalty.programs.domain.rules import Trigger
from services.loyalty.programs.domain.text import LocalizedText

NAME = LocalizedText("Name", "名称")
CATALOGUE = catalogue(
    tiers=["base", "gold"],
    fields=[
        CustomField("shoe_size", FieldOwner.MEMBER, FieldType.NUMBER, NAME),
        CustomField("table", FieldOwner.PURCHASE, FieldType.TEXT, NAME),
        CustomField("wedding", FieldOwner.MEMBER, FieldType.DATE, NAME),
    ],
    events=[
        CustomEvent(
            "class_attended",
            NAME,
            {
                "type": "object",
                "required": ["minutes"],
                "properties": {
                    "minutes": {"type": "integer"},
                    "level": {"type": "string", "title": "Level"},
                    "on": {"type": "string", "format": "date"},
                    "tags": {"type": "array", "items": {"type": "string"}},
                    "place": {"type": "object"},
                },
            },
        ),
        CustomEvent("walked", NAME, {"type": "object", "properties": {"steps": {"type": "integer"}}}),
    ],
)
LINE = Place(Trigger.PURCHASE, Asked.LINE)
FACTS: dict[str, Any] = {
    "order.total": 5_000,
    "order.itemCount": Decimal("2.5"),
    "order.codes": ("SPRING", "VIP"),
    "order.categories": (("Food", "Bread"), ("Drinks",)),
    "order.isFirst": True,
    "order.fields.table": "12",
    "line.sku": "A1",
    "line.category": ("Food", "Bread"),
    "line.quantity": Decimal("0.1"),
    "member.tier": "gold",
    "member.tags": (),
    "member.fields.shoe_size": 42,
    "member.fields.wedding": date(2020, 2, 29),
    "time.date": date(2026, 12, 31),
    "time.time": time(9, 30),
    "time.weekday": 4,
}


@pytest.mark.parametrize(
    ("field", "operator", "value", "expected"),
    [
        ("order.total", "eq", 5_000, True),
        ("order.total", "ne", 5_000, False),
        ("order.total", "lt", 5_000, False),
        ("order.total", "le", 5_000, True),
        ("order.total", "gt", 4_999, True),
        ("order.total", "ge", 5_001, False),
        ("order.total", "in", (1, 5_000), True),
        ("order.total", "notIn", (1, 5_000), False),
        ("order.itemCount", "eq", "2.5", True),
        ("order.itemCount", "gt", 2, True),
        ("line.quantity", "eq", "0.1", True),
        ("order.codes", "contains", "vip", True),
        ("order.codes", "contains", "VI", False),
        ("order.codes", "in", ("winter", "spring"), True),
        ("order.codes", "notIn", ("winter",), True),
        ("member.tags", "contains", "vip", False),
        ("member.tags", "notIn", ("vip",), True),
        ("order.categories", "under", (("Drinks", "Coffee"), ("Food",)), True),
        ("order.categories", "under", ("Drinks", "Coffee"), False),
        ("order.categories", "under", ("Drinks",), True),
        ("line.category", "under", ("Food", "Bread"), True),
        ("line.category", "under", ("Food", "Bread", "Rye"), False),
        ("line.category", "under", ("Fo",), False),
        ("order.isFirst", "eq", True, True),
        ("order.isFirst", "ne", True, False),
        ("member.tier", "in", ("gold",), True),
        ("member.tier", "eq", "GOLD", False),
        ("line.sku", "notIn", ("a1",), True),
        ("time.date", "ge", "2026-12-31", True),
        ("time.date", "lt", "2026-12-31", False),
        ("time.time", "ge", "09:30", True),
        ("time.time", "lt", "09:31", True),
        ("time.weekday", "in", (1, 2, 3), False),
        ("order.fields.table", "eq", "12", True),
        ("member.fields.shoe_size", "ge", 42, True),
        ("member.fields.wedding", "eq", "2020-02-29", True),
        ("order.total", "present", True, True),
        ("order.total", "present", False, False),
        ("member.age", "present", True, False),
        ("member.age", "present", False, True),
        ("member.age", "ge", 18, None),
        ("member.age", "ne", 18, None),
        ("member.age", "notIn", (18,), None),
        ("order.channel", "eq", "store", None),
        ("order.products", "contains", "x", None),
        ("order.products", "notIn", ("x",), None),
    ],
)
def test_a_comparison_answers(field: str, operator: str, value: Any, expected: object) -> None:
    asker = compile_condition(Comparison(field, Operator(operator), value), CATALOGUE, LINE)
    assert asker.ask(FACTS) is expected
    assert asker.holds(FACTS) is (expected is True)
    assert asker.names == {field}


@pytest.mark.parametrize("category", [(), ("Food",), ("Food", "Bread"), ("Food", "Bread", "Rye"), ("Drinks",)])
def test_a_category_shorter_than_the_path_is_not_under_it_in_an_expression_either(category: tuple[str, ...]) -> None:
    for field, fact in (("line.category", category), ("order.categories", (category,))):
        under = Comparison(field, Operator.UNDER, ("Food", "Bread"))
        source = as_expression(under, CATALOGUE, LINE)
        expected = category[:2] == ("Food", "Bread")
        assert compile_source(source, CATALOGUE.at(LINE)).ask({field: fact}) is expected
        assert compile_condition(under, CATALOGUE, LINE).ask({field: fact}) is expected


def test_nothing_asked_always_holds_and_reads_nothing() -> None:
    asker = compile_condition(None, CATALOGUE, LINE)
    assert (asker.ask({}), asker.holds({}), asker.names) == (True, True, frozenset())


def test_what_cannot_be_told_does_not_hold_and_neither_does_its_contrary() -> None:
    adult = Comparison("member.age", Operator.AT_LEAST, 18)
    for condition in (adult, Not(adult), AllOf((adult,)), AnyOf((adult, Not(adult)))):
        assert not compile_condition(condition, CATALOGUE, LINE).holds({})


def test_the_names_of_a_whole_tree_with_an_expression_in_it() -> None:
    tree = AnyOf((Not(Comparison("line.sku", Operator.EQUAL, "A1")), Expression("order_total > 1 && has_member_age")))
    assert compile_condition(tree, CATALOGUE, LINE).names == {"line.sku", "order.total", "member.age"}


def test_a_document_from_before_a_field_was_lost_cannot_be_told_and_raises_nothing() -> None:
    gone = Comparison("member.shoeColour", Operator.EQUAL, "red")
    assert compile_condition(Not(gone), CATALOGUE, LINE).ask(FACTS) is None
    assert compile_condition(Expression("member_shoe_colour == 'red'"), CATALOGUE, LINE).ask(FACTS) is None


@pytest.mark.parametrize(
    ("source", "expected", "reason"),
    [
        ("order_total >= 5000 && member_tier == 'gold'", True, None),
        ("order_item_count_e4 == 25000", True, None),
        ("line_quantity_e4 < 1000", False, None),
        ("time_date >= '2026-12-31' && time_time == '09:30'", True, None),
        ("member_fields_shoe_size == 42 && order_fields_table == '12'", True, None),
        ("order_categories.exists(c, size(c) > 0 && c[0] == 'Food')", True, None),
        ("order_total / (order_total - 5000) > 1", None, (Untold.DIVISION_BY_ZERO, ())),
        ("order_total % (order_total - 5000) > 1", None, (Untold.DIVISION_BY_ZERO, ())),
        ("order_total * 9223372036854775807 > 1", None, (Untold.OVERFLOW, ())),
        ("order_codes[2] == 'X'", None, (Untold.NO_SUCH_ITEM, ())),
        ("member_age > 3", None, (Untold.NOT_KNOWN, ("member.age",))),
        ("member_age > 3 || order_total > 3", True, None),
        ("has_member_age ? member_age > 3 : order_total > 3", True, None),
    ],
)
def test_an_expression_answers_or_says_why_not(source: str, expected: object, reason: object) -> None:
    compiled = compile_source(source, CATALOGUE.at(LINE))
    assert compiled.ask(FACTS) is expected
    assert compiled.why_untold(FACTS) == reason


@pytest.mark.parametrize(
    "codes",
    [("X" * (TEXT_MAX + 1),), tuple(f"C{n}" for n in range(LIST_MAX + 1)), ("\ud800",)],
)
def test_an_expression_is_not_handed_what_is_too_large(codes: tuple[str, ...]) -> None:
    compiled = compile_source("has_order_codes && 'C1' in order_codes", CATALOGUE.at(LINE))
    assert compiled.ask({"order.codes": codes}) is None
    assert compiled.why_untold({"order.codes": codes}) == (Untold.TOO_LARGE, ("order.codes",))
    tree = Comparison("order.codes", Operator.CONTAINS, "C1")
    assert compile_condition(tree, CATALOGUE, LINE).ask({"order.codes": codes}) is ("C1" in codes)


def test_the_data_of_an_event_is_there_for_its_own_rules_alone() -> None:
    attended = Place(Trigger.CUSTOM_EVENT, Asked.EVENT, "class_attended")
    data = {f.name: (f.type, f.is_certain) for f in CATALOGUE.at(attended) if f.name.startswith("event.")}
    assert data == {
        "event.data.minutes": (ValueType.INTEGER, True),
        "event.data.level": (ValueType.TEXT, False),
        "event.data.on": (ValueType.DATE, False),
        "event.data.tags": (ValueType.TEXTS, False),
    }
    asks = Comparison("event.data.minutes", Operator.AT_LEAST, 30)
    assert compile_condition(asks, CATALOGUE, attended).ask({"event.data.minutes": 30}) is True
    walked = Place(Trigger.CUSTOM_EVENT, Asked.EVENT, "walked")
    assert compile_condition(asks, CATALOGUE, walked).ask({"event.data.minutes": 30}) is None


def test_flat_names_are_identifiers_and_no_two_alike() -> None:
    flat = [name for field in CATALOGUE.fields for name in (field.flat_name, field.presence_name)]
    assert len(set(flat)) == len(flat)
    assert all(name.isidentifier() and name.isascii() for name in flat)
    names = {field.name: field.flat_name for field in DECLARED}
    assert names["order.itemCount"] == "order_item_count_e4"
    assert names["member.daysSinceEnrollment"] == "member_days_since_enrollment"


def test_no_reward_can_depend_on_what_somebody_thinks() -> None:
    opinions = ("score", "rating", "stars", "sentiment", "nps")
    assert not [field.name for field in DECLARED if any(word in field.name.lower() for word in opinions)]


def test_time_facts_are_the_calendars_of_the_zone_to_the_minute() -> None:
    assert time_facts(datetime.fromisoformat("2026-11-22T23:59:58+08:00")) == {
        "time.weekday": 7,
        "time.hour": 23,
        "time.date": date(2026, 11, 22),
        "time.time": time(23, 59),
        "time.day": 22,
        "time.month": 11,
    }


@pytest.mark.parametrize(
    ("value", "type_", "fact"),
    [
        (True, ValueType.BOOLEAN, True),
        (True, ValueType.INTEGER, None),
        (1, ValueType.BOOLEAN, None),
        (7, ValueType.INTEGER, 7),
        (Decimal("0.1"), ValueType.DECIMAL, Decimal("0.1")),
        (0.1, ValueType.DECIMAL, None),
        (0.1, ValueType.INTEGER, None),
        ("x", ValueType.TEXT, "x"),
        ("x", ValueType.INTEGER, None),
        ("2026-02-28", ValueType.DATE, date(2026, 2, 28)),
        ("2026-02-30", ValueType.DATE, None),
        (["a", "b"], ValueType.TEXTS, ("a", "b")),
        (["a", 1], ValueType.TEXTS, None),
        (None, ValueType.TEXT, None),
        ({}, ValueType.TEXT, None),
    ],
)
def test_a_stored_value_is_a_fact_only_where_it_fits(value: object, type_: ValueType, fact: object) -> None:
    made = custom_fact(value, type_)
    assert (made, type(made)) == (fact, type(fact))
