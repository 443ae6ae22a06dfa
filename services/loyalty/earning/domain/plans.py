"""A document made ready for evaluation: its conditions compiled, its rules in groups. Made once, asked often."""

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from zoneinfo import ZoneInfo

from services.loyalty.earning.domain.caps import rule_unit
from services.loyalty.earning.domain.currencies import amounts_of
from services.loyalty.programs.domain.conditions.asking import Ask, Asker, compile_condition
from services.loyalty.programs.domain.conditions.fields import Catalogue, Place, catalogue_of, lines_place, when_place
from services.loyalty.programs.domain.document import ProgramDocument
from services.loyalty.programs.domain.rules import Combination, EarnRule, MultiplierFormula, Trigger, Window

_REMEMBERED = 128
"""Documents of which a process keeps the plan; a merchant's versions in force are one or two."""
_OF_LINE = "line."


@dataclass(frozen=True, slots=True, eq=False)
class LinesPlan:
    """A condition asked of lines; one object for all rules that have it, so that it is asked once.

    ``asks_event`` tells whether it reads fields of the event beside those of the line.
    """

    ask: Ask
    asks_event: bool


@dataclass(frozen=True, slots=True)
class RulePlan:
    """One rule. ``group`` is its group's code, or its own where it has none; ``lines`` is None where all count.

    ``when`` and ``window`` are None where they always hold. ``blocks`` are those of a spend rule in minor units by
    currency, ``factor`` is a multiplier's. ``precedence`` is what comes first in its group: by priority, then by
    place in the document.
    """

    rule: EarnRule
    place: int
    unit: str
    group: tuple[str, str]
    combination: Combination
    precedence: tuple[int, int]
    when: Ask | None
    lines: LinesPlan | None
    window: Window | None
    blocks: Mapping[str, int]
    factor: Fraction | None


@dataclass(frozen=True, slots=True)
class DocumentPlan:
    """A document's rules in their order, which lines earn by none of them, and the fields that each trigger asks for.

    ``tiers`` are the factors of the levels by their codes, ``unpayable`` tells which lines no points can pay.
    """

    document: ProgramDocument
    zone: ZoneInfo
    rules: tuple[RulePlan, ...]
    excluded: LinesPlan | None
    unpayable: Asker | None
    names: Mapping[Trigger, frozenset[str]]
    tiers: Mapping[str, Fraction]


_plans: OrderedDict[int, DocumentPlan] = OrderedDict()


def plan_of(document: ProgramDocument) -> DocumentPlan:
    """The plan of a document; remembered for the object, as versions are."""
    plan = _plans.get(id(document))
    # The plan holds its document, so that no other object gets the id while the plan is remembered.
    if plan is None or plan.document is not document:
        plan = _plans[id(document)] = _made(document)
        while len(_plans) > _REMEMBERED:
            _plans.popitem(last=False)
    return plan


def names_asked(document: ProgramDocument, trigger: Trigger) -> frozenset[str]:
    """The fields that rules of a trigger ask for, so that nobody reads what is not asked."""
    return plan_of(document).names[trigger]


def _made(document: ProgramDocument) -> DocumentPlan:
    fields = catalogue_of(document)
    paying = document.exclusions.paying
    exclusion = compile_condition(document.exclusions.earning, fields, Place())
    whens = [compile_condition(rule.when, fields, when_place(rule)) for rule in document.rules]
    lines = list(_lines_asked(document, fields))
    names = {trigger: exclusion.names if trigger is Trigger.PURCHASE else frozenset[str]() for trigger in Trigger}
    for rule, when, (asker, _) in zip(document.rules, whens, lines, strict=True):
        names[rule.trigger] |= when.names | asker.names
    combinations = {group.code: group.combination for group in document.groups}
    return DocumentPlan(
        document=document,
        zone=ZoneInfo(document.timezone),
        rules=tuple(
            RulePlan(
                rule=rule,
                place=place,
                unit=rule_unit(document, rule),
                group=("group", rule.group) if rule.group is not None else ("rule", rule.id),
                combination=combinations.get(rule.group or "", Combination.SUM),
                precedence=(-rule.priority, place),
                when=None if rule.when is None else whens[place].ask,
                lines=lines[place][1],
                window=None if rule.window == Window() else rule.window,
                blocks=amounts_of(rule),
                factor=Fraction(rule.formula.factor) if isinstance(rule.formula, MultiplierFormula) else None,
            )
            for place, rule in enumerate(document.rules)
        ),
        excluded=_lines_plan(exclusion),
        unpayable=None if paying is None else compile_condition(paying, fields, Place()),
        names=names,
        tiers={level.code: Fraction(level.multiplier) for level in document.tiers.levels},
    )


def _lines_asked(document: ProgramDocument, fields: Catalogue) -> Iterator[tuple[Asker, LinesPlan | None]]:
    """What each rule asks of lines; rules that ask the same at the same place share the answer."""
    # By their texts: to Python 1 is equal to True.
    shared: dict[tuple[Place, str], tuple[Asker, LinesPlan | None]] = {}
    for rule in document.rules:
        key = lines_place(rule), repr(rule.lines)
        if key not in shared:
            asker = compile_condition(rule.lines, fields, lines_place(rule))
            shared[key] = asker, _lines_plan(asker)
        yield shared[key]


def _lines_plan(asker: Asker) -> LinesPlan | None:
    if asker.condition is None:
        return None
    return LinesPlan(asker.ask, not all(name.startswith(_OF_LINE) for name in asker.names))
