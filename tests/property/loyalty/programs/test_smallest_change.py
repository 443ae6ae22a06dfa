"""The smallest change that is suggested makes the condition hold, and the rule give points for the changed event."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import event, given
from hypothesis import strategies as st

from services.loyalty.earning.domain import EarnEvent, PurchaseLine, evaluate, freeze
from services.loyalty.earning.domain.accruals import RuleOutcome
from services.loyalty.earning.domain.facts import event_facts
from services.loyalty.earning.domain.smallest_change import Searcher
from services.loyalty.earning.domain.why_not import APPLIED, why_not
from services.loyalty.programs.domain import ProgramDocument, parse_document
from services.loyalty.programs.domain.conditions import Comparison, Condition, Expression, Not, Operator
from services.loyalty.programs.domain.conditions.asking import compile_condition
from services.loyalty.programs.domain.conditions.checking import check_condition
from services.loyalty.programs.domain.conditions.constant import constant_answer
from services.loyalty.programs.domain.conditions.fields import Asked, Place, catalogue, time_facts
from services.loyalty.programs.domain.conditions.spelling import as_expression
from services.loyalty.programs.domain.declaration.conditions import CONDITION
from services.loyalty.programs.domain.reading import Reader
from services.loyalty.programs.domain.rules import Trigger
from services.loyalty.programs.errors import ProgramDocumentInvalid
from services.platform.ids import new_id
from tests.support.builders import conditions as builders

CATALOGUE = catalogue(tiers=["base", "gold"])
WHEN, LINES = Place(Trigger.PURCHASE, Asked.EVENT), Place(Trigger.PURCHASE, Asked.LINE)
ZONE = ZoneInfo("America/New_York")
FIELDS = {field.name: field for field in CATALOGUE.at(LINES)}
OF_EVENTS = [
    FIELDS[name]
    for name in (
        "order.total", "order.itemCount", "order.codes", "order.categories", "member.tier", "member.tags",
        "member.age", "store.code", "time.weekday", "time.date", "time.time", "time.hour",
    )
]  # fmt: skip
OF_LINES = [FIELDS[name] for name in ("line.sku", "line.category", "line.quantity", "line.net", "order.total")]
KEPT = [field for field in OF_EVENTS if field.name.startswith(("member", "store", "order.codes"))]
NAME = {"en": "Rule", "zh": "规则"}

# Across the night when clocks go forward, and around the dates that literals name.
instants = st.integers(0, 60 * 24 * 30).map(
    lambda minutes: datetime(2024, 2, 20, tzinfo=UTC) + timedelta(minutes=minutes)
)
lines = st.lists(
    st.builds(
        PurchaseLine,
        position=st.just(0),
        sku=builders.words,
        category=st.just(()) | builders.paths,
        quantity=st.integers(1, 3).map(Decimal),
        net_minor=st.integers(0, 300),
    ),
    min_size=1,
    max_size=4,
).map(lambda found: tuple(_placed(line, place) for place, line in enumerate(found, 1)))


def _placed(line: PurchaseLine, place: int) -> PurchaseLine:
    return PurchaseLine(place, line.sku, line.category, line.quantity, line.net_minor)


def _searcher(facts: dict[str, Any], at: datetime) -> Searcher:
    return Searcher(catalogue=CATALOGUE, place=WHEN, facts=facts, local=at.astimezone(ZONE))


def _after(facts: dict[str, Any], at: datetime, changes: Any) -> dict[str, Any]:
    wanted = {change.field: change.wanted for change in changes}
    local = wanted.pop("time", at.astimezone(ZONE))
    return {**facts, **time_facts(local), **wanted}


@given(builders.trees(OF_EVENTS), builders.facts(OF_EVENTS), instants, st.booleans())
def test_with_the_change_the_condition_holds(
    tree: Condition, facts: dict[str, Any], at: datetime, is_expression: object
) -> None:
    facts = {name: value for name, value in facts.items() if not name.startswith("time.")}
    condition = Expression(as_expression(tree, CATALOGUE, WHEN)) if is_expression else tree
    ask = compile_condition(condition, CATALOGUE, WHEN)
    changes = _searcher(facts, at).search(condition)
    event(f"found {None if changes is None else len(changes)}")
    if ask.holds(_after(facts, at, ())):
        assert changes == ()
    if changes is not None:
        assert ask.holds(_after(facts, at, changes))
        for left_out in changes:  # none of them is there in vain
            assert not ask.holds(_after(facts, at, [each for each in changes if each is not left_out]))


@given(builders.comparisons(OF_EVENTS), builders.facts(OF_EVENTS), instants, st.booleans())
def test_a_single_comparison_always_has_a_way(
    comparison: Comparison, facts: dict[str, Any], at: datetime, is_negated: object
) -> None:
    reader = Reader()
    check_condition(reader, comparison, CATALOGUE, WHEN, "")
    if reader.problems or constant_answer(FIELDS[comparison.field], comparison) is not None:
        return
    if comparison.operator.value != "eq" and comparison.field.startswith("time."):
        return  # it may be all hours of a day, or asked whether there is a time at all
    if comparison.operator is Operator.PRESENT and FIELDS[comparison.field].is_certain:
        return  # there is no event of which it is not known
    facts = {name: value for name, value in facts.items() if not name.startswith("time.")}
    condition = Not(comparison) if is_negated else comparison
    if comparison.field == "member.tier" and isinstance(comparison.value, tuple) and len(set(comparison.value)) == 2:
        return  # all tiers
    changes = _searcher(facts, at).search(condition)
    assert changes is not None
    assert len(changes) <= 1


def _document(when: Condition, of_lines: Condition | None, formula: dict[str, Any], more: dict[str, Any]) -> Any:
    rule = {"id": "asked", "name": NAME, "trigger": "purchase", "formula": formula, "when": CONDITION.write(when)}
    if of_lines is not None:
        rule["lines"] = CONDITION.write(of_lines)
    levels = [
        {"code": "base", "name": NAME, "threshold": 0, "multiplier": "1"},
        {"code": "gold", "name": NAME, "threshold": 10, "multiplier": "1.5"},
    ]
    return {
        "version": 2,
        "name": NAME,
        "timezone": "America/New_York",
        "currency": "USD",
        "units": [{"code": "points", "name": NAME, "scale": 0}],
        "rules": [rule | more],
        "tiers": {"metric": "points_earned", "levels": levels},
        "policies": {},
    }


formulas = st.sampled_from(
    [
        {"fixed": 5},
        {"perItem": 2},
        {"spend": {"points": 1, "per": {"USD": 100}, "mode": "step"}},
        {"tierTable": {"gold": 7}},
    ]
)
extras = st.sampled_from(
    [
        {},
        {"window": {"weekdays": [6, 7], "fromTime": "18:00", "untilTime": "02:00"}},
        {"caps": [{"limit": 5, "per": "week"}]},
    ]
)


@given(
    builders.trees(OF_EVENTS),
    st.none() | builders.trees(OF_LINES),
    formulas,
    extras,
    builders.facts(KEPT),
    lines,
    instants,
)
def test_with_the_change_the_rule_gives_points(
    when: Condition,
    of_lines: Condition | None,
    formula: dict[str, Any],
    more: dict[str, Any],
    facts: dict[str, Any],
    bought: tuple[PurchaseLine, ...],
    at: datetime,
) -> None:
    document = _parsed(_document(when, of_lines, formula, more))
    if document is None:
        return
    facts.pop("member.tier", None)
    bought_event = EarnEvent(Trigger.PURCHASE, at, facts, currency="USD", lines=bought)
    evaluation = evaluate(document, bought_event, tier_code="base", cap_used={})
    frozen = freeze(evaluation, bought_event, program_version_id=new_id())
    told = why_not(document, frozen, rule_id="asked", lines=bought)
    assert told is not None
    assert told.outcome is evaluation.traces[0].outcome
    event(f"{told.outcome} → {told.then} by {len(told.changes)}")
    assert (told.failing is not None) >= (told.outcome is RuleOutcome.CONDITION_FAILED)
    if told.outcome in APPLIED:
        assert told.changes == ()
    if told.changes:
        again = evaluate(document, told.event_then, tier_code=told.tier_then, cap_used={})
        assert again.traces[0].outcome is told.then
        assert again.points == told.points_then > 0
        _assert_only_that_changed(bought_event, told.event_then, {change.field for change in told.changes})


def _assert_only_that_changed(before: EarnEvent, after: EarnEvent, named: set[str]) -> None:
    """Facts that were given and that no change names are as they were."""
    facts_before, facts_after = (
        event_facts(each, local=each.occurred_at.astimezone(ZONE), tier_code="base") for each in (before, after)
    )
    touched = {name for name in facts_before | facts_after if facts_before.get(name) != facts_after.get(name)}
    groups = {_group(name) for name in named} | {"order" for name in named if _group(name) in {"base", "line"}}
    assert {_group(name) for name in touched} <= groups


def _group(name: str) -> str:
    return name.partition(".")[0]


def _parsed(data: dict[str, Any]) -> ProgramDocument | None:
    """The document, where chance has made none that is refused for what always or never holds."""
    try:
        return parse_document(data)
    except ProgramDocumentInvalid as error:
        codes = {problem.code.value for problem in error.problems}
        if codes <= {"CONSTANT_CONDITION", "TOO_FEW", "TOO_LARGE", "TOO_SMALL"}:
            return None
        raise
