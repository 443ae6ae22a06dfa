"""What the parts of a sound document must agree about: names that exist, rates that are there, ends that come last."""

from collections.abc import Iterable

from services.loyalty.programs.domain.conditions.checking import check_conditions
from services.loyalty.programs.domain.document import PointUnit, ProgramDocument
from services.loyalty.programs.domain.policies import ForeignCurrencyPolicy
from services.loyalty.programs.domain.reading import Reader, pointer
from services.loyalty.programs.domain.rules import CapMeasure, EarnRule, TierTableFormula, Trigger
from services.loyalty.programs.domain.validity import Activation, Boundary, Expiry, Span, Start, TimeUnit
from services.loyalty.programs.errors import ProblemCode

_SHORTEST_MONTH, _LONGEST_MONTH = 28, 31


def check_agreement(reader: Reader, document: ProgramDocument, path: str) -> None:
    """Note everything in which the parts of the document disagree."""
    for index, unit in enumerate(document.units):
        place = pointer(path, ("units", index))
        _check_validity(reader, unit.activation, unit.expiry, pointer(place, ("expiry",)))
        for number, cap in enumerate(unit.caps):
            if cap.measure is CapMeasure.MONEY:
                allowed = {"allowed": f"{CapMeasure.POINTS}, {CapMeasure.TIMES}"}
                reader.note(pointer(place, ("caps", number, "measure")), ProblemCode.NOT_ALLOWED, allowed)
    for index, rule in enumerate(document.rules):
        _check_rule(reader, document, rule, pointer(path, ("rules", index)))
    _check_rates(reader, document, path)
    _check_tiers(reader, document, pointer(path, ("tiers",)))
    _check_paying(reader, document, pointer(path, ("policies", "payWithPoints")))
    check_conditions(reader, document, path)


def _check_rule(reader: Reader, document: ProgramDocument, rule: EarnRule, path: str) -> None:
    units = {unit.code: unit for unit in document.units}
    if rule.unit is not None and rule.unit not in units:
        reader.note(pointer(path, ("unit",)), ProblemCode.UNKNOWN_UNIT, _known(units))
    if isinstance(rule.formula, TierTableFormula):
        codes = [level.code for level in document.tiers.levels]
        for code, _ in rule.formula.points:
            if code not in codes:
                reader.note(pointer(path, ("formula", "tierTable", code)), ProblemCode.UNKNOWN_TIER, _known(codes))
    if rule.trigger is Trigger.CUSTOM_EVENT:
        events = [event.code for event in document.events]
        if rule.event not in events:
            reader.note(pointer(path, ("event",)), ProblemCode.UNKNOWN_EVENT, _known(events))
    if rule.activation is not None or rule.expiry is not None:
        unit: PointUnit = units.get(rule.unit or "", document.unit)
        key = "expiry" if rule.expiry is not None else "activation"
        _check_validity(reader, rule.activation or unit.activation, rule.expiry or unit.expiry, pointer(path, (key,)))


def _check_rates(reader: Reader, document: ProgramDocument, path: str) -> None:
    is_converted = document.policies.foreign_currency is ForeignCurrencyPolicy.CONVERT
    if is_converted and not document.rates:
        reader.note(pointer(path, ("rates",)), ProblemCode.RATE_MISSING)
    for index, rate in enumerate(document.rates):
        if rate.currency == document.currency:
            reader.note(
                pointer(path, ("rates", index, "currency")),
                ProblemCode.NOT_APPLICABLE,
                {"needs": f"currency: not {document.currency}"},
            )


def _check_tiers(reader: Reader, document: ProgramDocument, path: str) -> None:
    codes = [unit.code for unit in document.units]
    if document.tiers.unit is not None and document.tiers.unit not in codes:
        reader.note(pointer(path, ("unit",)), ProblemCode.UNKNOWN_UNIT, _known(codes))
    for index, level in enumerate(document.tiers.levels):
        if level.expiry is not None:
            for unit in document.units:
                _check_validity(reader, unit.activation, level.expiry, pointer(path, ("levels", index, "expiry")))


def _check_paying(reader: Reader, document: ProgramDocument, path: str) -> None:
    codes = [unit.code for unit in document.units]
    unit = document.policies.pay_with_points.unit
    if unit is not None and unit not in codes:
        reader.note(pointer(path, ("unit",)), ProblemCode.UNKNOWN_UNIT, _known(codes))


def _check_validity(reader: Reader, activation: Activation, expiry: Expiry, path: str) -> None:
    if _surely_ends_first(activation, expiry):
        reader.note(path, ProblemCode.EXPIRES_BEFORE_ACTIVATION)


def _surely_ends_first(activation: Activation, expiry: Expiry) -> bool:
    """Whether points would end before they can be spent, on whatever day they are earned."""
    if activation.on is not None and expiry.on is not None and expiry.on < activation.on:
        return True
    rolling = expiry.rolling
    if activation.after is None or rolling is None or rolling.start is not Start.EARN:
        return False
    return rolling.until_end_of is Boundary.NONE and _days_max(rolling.span) <= _days_min(activation.after)


def _days_min(span: Span) -> int:
    return span.count * (_SHORTEST_MONTH if span.unit is TimeUnit.MONTH else 1)


def _days_max(span: Span) -> int:
    return span.count * (_LONGEST_MONTH if span.unit is TimeUnit.MONTH else 1)


def _known(codes: Iterable[str]) -> dict[str, str | int]:
    return {"known": ", ".join(codes)}
