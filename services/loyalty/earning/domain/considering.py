"""Which rules of a document apply to an event, to which of its lines, and why the others do not."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import compress

from services.loyalty.earning.domain.accruals import RuleOutcome
from services.loyalty.earning.domain.currencies import Counting, block, is_named
from services.loyalty.earning.domain.facts import event_facts, line_facts
from services.loyalty.earning.domain.happening import EarnEvent
from services.loyalty.earning.domain.lines import PurchaseLine
from services.loyalty.earning.domain.plans import DocumentPlan, LinesPlan, RulePlan
from services.loyalty.earning.domain.scopes import Scope, scope_of
from services.loyalty.earning.domain.windows import is_open
from services.loyalty.programs.domain.conditions.fields import FactValue
from services.loyalty.programs.domain.rules import SpendFormula

LineFacts = dict[str, FactValue | None]


@dataclass(frozen=True, slots=True)
class Applied:
    """A rule that applies, with the lines in its scope; shipping is in it where no lines are chosen."""

    plan: RulePlan
    scope: Scope

    @property
    def rule_id(self) -> str:
        """The rule's id."""
        return self.plan.rule.id

    @property
    def counts_shipping(self) -> bool:
        """Whether shipping is in its scope."""
        return self.plan.lines is None


@dataclass(frozen=True, slots=True)
class Considered:
    """The rules that apply, in the order of the document, and what became of the others by id.

    ``eligible`` are all lines that earn, and shipping.
    """

    applied: tuple[Applied, ...]
    others: dict[str, RuleOutcome]
    eligible: Scope


def consider(plan: DocumentPlan, event: EarnEvent, *, tier_code: str, counted: Counting | None) -> Considered:
    """Ask every rule of the document whether it applies."""
    local = event.occurred_at.astimezone(plan.zone)
    is_asked = plan.excluded is not None or bool(plan.names[event.trigger])
    facts = event_facts(event, local=local, tier_code=tier_code) if is_asked else {}
    lines = _Lines(event.lines, facts)
    if plan.excluded is not None:
        excluded = lines.answers(plan.excluded)
        lines = _Lines([line for line, is_out in zip(event.lines, excluded, strict=True) if not is_out], facts)
    eligible = scope_of(lines.lines, shipping_minor=event.shipping_minor)
    takes_currency = counted is None or counted.rate is not None or is_named(plan.document, counted.currency)
    applied: list[Applied] = []
    others: dict[str, RuleOutcome] = {}
    for each in plan.rules:
        outcome = _refusal(each, event, local, facts)
        if outcome is None and counted is not None and not _takes(each, counted, takes_currency=takes_currency):
            outcome = RuleOutcome.CURRENCY
        if outcome is None:
            scope = eligible if each.lines is None else lines.scope(each.lines)
            if scope.lines or not event.lines:
                applied.append(Applied(each, scope))
                continue
            outcome = RuleOutcome.NO_LINE
        others[each.rule.id] = outcome
    return Considered(tuple(applied), others, eligible)


@dataclass(slots=True)
class _Lines:
    """The lines of an event, of which every condition is asked once, and their facts, made when the first one is."""

    lines: Sequence[PurchaseLine]
    of_event: LineFacts
    _own: list[LineFacts] = field(default_factory=list)
    _all: list[LineFacts] = field(default_factory=list)
    _scopes: dict[LinesPlan, Scope] = field(default_factory=dict)

    def scope(self, asked: LinesPlan) -> Scope:
        """Those for which a condition holds."""
        scope = self._scopes.get(asked)
        if scope is None:
            scope = self._scopes[asked] = scope_of(compress(self.lines, self.answers(asked)))
        return scope

    def answers(self, asked: LinesPlan) -> Iterator[bool | None]:
        """What a condition says of each."""
        return map(asked.ask, self._with_event() if asked.asks_event else self._of_lines())

    def _of_lines(self) -> list[LineFacts]:
        if not self._own:
            self._own = [line_facts(line) for line in self.lines]
        return self._own

    def _with_event(self) -> list[LineFacts]:
        if not self._all:
            self._all = [{**self.of_event, **own} for own in self._of_lines()]
        return self._all


def _refusal(each: RulePlan, event: EarnEvent, local: datetime, facts: LineFacts) -> RuleOutcome | None:
    rule = each.rule
    if rule.trigger is not event.trigger or rule.event != event.code:
        return RuleOutcome.NOT_TRIGGERED
    if each.window is not None and not is_open(each.window, local):
        return RuleOutcome.OUTSIDE_WINDOW
    # What cannot be told (None) does not hold.
    if each.when is not None and not each.when(facts):
        return RuleOutcome.CONDITION_FAILED
    return None


def _takes(each: RulePlan, counted: Counting, *, takes_currency: bool) -> bool:
    if isinstance(each.rule.formula, SpendFormula):
        return block(each.blocks, counted) is not None
    return takes_currency
