"""A tree and its expression agree for every event, whatever of it is known; and three-valued logic is what it says."""

import itertools
import string
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from services.loyalty.programs.domain.conditions import AllOf, AnyOf, Comparison, Condition, Expression, Not, Operator
from services.loyalty.programs.domain.conditions.asking import compile_condition
from services.loyalty.programs.domain.conditions.cel import ExpressionUnsound, Unsound, compile_source
from services.loyalty.programs.domain.conditions.checking import check_condition
from services.loyalty.programs.domain.conditions.fields import Asked, Place, catalogue
from services.loyalty.programs.domain.conditions.spelling import as_expression
from services.loyalty.programs.domain.reading import Reader
from services.loyalty.programs.domain.rules import Trigger
from services.loyalty.programs.errors import ProblemCode
from tests.support.builders import conditions as builders

CATALOGUE = catalogue(tiers=["base", "gold"])
PLACE = Place(Trigger.PURCHASE, Asked.LINE)
FIELDS = {field.name: field for field in CATALOGUE.at(PLACE)}
NAMES = (
    "order.total", "order.itemCount", "order.codes", "order.categories", "order.isFirst", "line.sku", "line.category",
    "line.quantity", "member.tier", "member.age", "time.date", "time.time",
)  # fmt: skip
CHOSEN = [FIELDS[name] for name in NAMES]
trees, facts_of_events = builders.trees(CHOSEN), builders.facts(CHOSEN)


@given(trees, st.lists(facts_of_events, min_size=1, max_size=5))
def test_a_tree_and_its_expression_agree_for_every_event(tree: Condition, events: list[dict[str, Any]]) -> None:
    source = as_expression(tree, CATALOGUE, PLACE)
    asker = compile_condition(tree, CATALOGUE, PLACE)
    try:
        compiled = compile_source(source, tuple(FIELDS.values()))
    except ExpressionUnsound as unsound:
        if unsound.reason in {Unsound.TOO_LONG, Unsound.TOO_DEEP}:  # expressions have bounds that trees have not
            return
        raise
    for facts in events:
        assert compiled.ask(facts) is asker.ask(facts), (source, facts)
        assert asker.holds(facts) is (asker.ask(facts) is True)
        assert (compiled.why_untold(facts) is None) is (compiled.ask(facts) is not None)


@given(trees, facts_of_events)
def test_a_condition_reads_only_the_fields_that_it_names(tree: Condition, facts: dict[str, Any]) -> None:
    asker = compile_condition(tree, CATALOGUE, PLACE)
    assert asker.ask(facts) is asker.ask({name: fact for name, fact in facts.items() if name in asker.names})


@given(trees, facts_of_events)
def test_the_contrary_of_a_condition_is_told_exactly_when_it_is(tree: Condition, facts: dict[str, Any]) -> None:
    told = compile_condition(tree, CATALOGUE, PLACE).ask(facts)
    contrary = compile_condition(Not(tree), CATALOGUE, PLACE).ask(facts)
    assert contrary is (None if told is None else not told)


@given(trees, facts_of_events, st.data())
def test_learning_more_never_changes_what_could_be_told(
    tree: Condition, facts: dict[str, Any], data: st.DataObject
) -> None:
    """Three-valued logic is monotone, but for PRESENT, which asks about knowing itself."""
    told = compile_condition(_without_present(tree), CATALOGUE, PLACE).ask(facts)
    unknown = sorted(set(NAMES) - {name for name, fact in facts.items() if fact is not None})
    learned = {name: data.draw(builders.FACTS[FIELDS[name].type]) for name in unknown}
    after = compile_condition(_without_present(tree), CATALOGUE, PLACE).ask({**facts, **learned})
    assert after is not None
    assert told is None or after is told


def _without_present(condition: Condition) -> Condition:
    match condition:
        case AllOf(conditions):
            return AllOf(tuple(map(_without_present, conditions)))
        case AnyOf(conditions):
            return AnyOf(tuple(map(_without_present, conditions)))
        case Not(inner):
            return Not(_without_present(inner))
        case Comparison(operator=Operator.PRESENT):
            return Comparison("order.isFirst", Operator.EQUAL, value=True)
    return condition


@given(trees)
def test_what_is_built_of_declared_fields_is_sound(tree: Condition) -> None:
    reader = Reader()
    check_condition(reader, tree, CATALOGUE, PLACE, "")
    by_chance = {ProblemCode.CONSTANT_CONDITION, ProblemCode.TOO_FEW}
    assert [problem for problem in reader.problems if problem.code not in by_chance] == []


SCRAPS = [
    "line_net", "order_codes", "member_tier", "has_member_age", '"gold"', "'x", '"""', "r'\\'", "1", "0x1F", "1.5",
    "2u", ".5", "1e9", "&&", "||", "!", "==", "<", "+", "/", "%", "?", ":", "(", ")", "[", "]", "{", "}", ".", ",",
    "in", "exists", "all", "map", "size", "matches", "x", "true", "null", "//", "\n", "\\", "b'", "咖", "👍", "\x00",
]  # fmt: skip


@given(st.lists(st.sampled_from(SCRAPS) | st.text(string.printable, max_size=3), max_size=25).map(" ".join))
def test_whatever_is_typed_is_compiled_or_refused_with_its_place(source: str) -> None:
    reader = Reader()
    check_condition(reader, Expression(source), CATALOGUE, PLACE, "/when")
    for problem in reader.problems:
        assert problem.path == "/when/expression"
        assert all(int(problem.facts.get(name, 1)) >= 1 for name in ("line", "column"))
    if not reader.problems:
        assert compile_condition(Expression(source), CATALOGUE, PLACE).ask({}) in {True, False, None}


def test_all_and_any_absorb_what_is_not_known() -> None:
    yes = Comparison("order.isFirst", Operator.EQUAL, value=True)
    no = Not(yes)
    unknown = Comparison("member.age", Operator.AT_LEAST, 18)
    told: dict[Condition, bool | None] = {yes: True, no: False, unknown: None}
    for first, second in itertools.product(told, repeat=2):
        both, either = (compile_condition(kind((first, second)), CATALOGUE, PLACE).ask for kind in (AllOf, AnyOf))
        answers = {told[first], told[second]}
        facts = {"order.isFirst": True}
        assert both(facts) is (False if False in answers else None if None in answers else True)
        assert either(facts) is (True if True in answers else None if None in answers else False)
