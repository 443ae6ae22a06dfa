"""The guide on conditions says what the catalogue says."""

import json
import re
from pathlib import Path

from services.loyalty.programs.domain.conditions.asking import compile_condition
from services.loyalty.programs.domain.conditions.cel import LIST_MAX, SOURCE_BYTES_MAX, TEXT_MAX, compile_source
from services.loyalty.programs.domain.conditions.declared import DECLARED, Field, ValueType
from services.loyalty.programs.domain.conditions.fields import Asked, Place, catalogue
from services.loyalty.programs.domain.conditions.literals import OPERATORS
from services.loyalty.programs.domain.conditions.spelling import as_expression
from services.loyalty.programs.domain.declaration.conditions import CONDITION
from services.loyalty.programs.domain.reading import Reader
from services.loyalty.programs.domain.rules import Trigger

GUIDE = Path(__file__).parents[5] / "docs/guides/conditions.md"
TEXT = GUIDE.read_text(encoding="utf-8")
CATALOGUE = catalogue()
WHEN = Place(Trigger.PURCHASE, Asked.EVENT)


def row_of(field: Field) -> str:
    """The line of the guide's table for one field."""
    every = frozenset(Trigger)
    missing = sorted(each.value for each in every - field.triggers)
    where = "every" if not missing else ", ".join(sorted(each.value for each in field.triggers))
    if missing and len(missing) < len(field.triggers):
        where = f"every but {', '.join(missing)}"
    if field.of_line:
        where = "lines of a purchase"
    known = "" if field.is_certain else "?"
    return f"| `{field.name}` | `{field.flat_name}` | {field.type.value}{known} | {where} | {field.text.en} |"


def test_the_table_of_fields_is_the_catalogue() -> None:
    rows = re.findall(r"^\| `[a-z]+\.[A-Za-z]+` \| .*$", TEXT, re.MULTILINE)
    assert rows == [row_of(field) for field in DECLARED]


def test_the_table_of_operators_is_what_is_checked() -> None:
    rows = re.findall(r"^\| ([a-z, ]+) \| ([A-Za-z ]+) \| [`\"\[]", TEXT, re.MULTILINE)
    told = {type_: operators.split() for types, operators in rows for type_ in types.split(", ")}
    assert told == {type_.value: [each.value for each in OPERATORS[type_]] for type_ in ValueType}


def test_the_two_examples_say_the_same() -> None:
    tree_json, expression_json = (json.loads(block) for block in re.findall(r"```json\n(.*?)```", TEXT, re.DOTALL))
    reader = Reader()
    tree = CONDITION.read(reader, tree_json, "")
    assert reader.problems == ()
    expression = compile_source(expression_json["expression"], CATALOGUE.at(WHEN))
    spelled = compile_source(as_expression(tree, CATALOGUE, WHEN), CATALOGUE.at(WHEN))
    asker = compile_condition(tree, CATALOGUE, WHEN)
    for tier in ("gold", "base", None):
        for total in (19_999, 20_000):
            for codes in ((), ("SPRING",)):
                for tags in ((), ("staff",), None):
                    facts = {"member.tier": tier, "order.total": total, "order.codes": codes, "member.tags": tags}
                    assert expression.ask(facts) is asker.ask(facts) is spelled.ask(facts)


def test_the_bounds_are_those_of_expressions() -> None:
    assert f"Bounds: {SOURCE_BYTES_MAX:,} bytes of source" in TEXT
    assert f"more than {TEXT_MAX}\ncharacters and lists of more than {LIST_MAX} items" in TEXT
