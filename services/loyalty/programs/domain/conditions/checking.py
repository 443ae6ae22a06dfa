"""Conditions checked when a document is saved: fields that exist there, operators and literals that fit them.

Every problem carries its place as a JSON pointer and the facts that a sentence with a remedy needs, the rule among
them.
"""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time
from decimal import Decimal

from services.loyalty.programs.domain.conditions import (
    AllOf,
    AnyOf,
    Comparison,
    Condition,
    Expression,
    Not,
    Operator,
    cel,
)
from services.loyalty.programs.domain.conditions.constant import constant_answer, contradiction
from services.loyalty.programs.domain.conditions.declared import Field, ValueType
from services.loyalty.programs.domain.conditions.fields import (
    Catalogue,
    Place,
    catalogue_of,
    exists_at,
    lines_place,
    when_place,
)
from services.loyalty.programs.domain.conditions.literals import OPERATORS, read_paths, read_scalar
from services.loyalty.programs.domain.document import ProgramDocument
from services.loyalty.programs.domain.reading import Reader, pointer
from services.loyalty.programs.errors import ProblemCode

EXPRESSION_DEPTH_MAX = 32

EXAMPLES: Mapping[ValueType, str] = {
    ValueType.BOOLEAN: "true",
    ValueType.INTEGER: "3",
    ValueType.DECIMAL: '"2.5"',
    ValueType.MONEY: "1250",
    ValueType.TEXT: '"gold"',
    ValueType.DATE: '"2026-12-31"',
    ValueType.TIME: '"09:30"',
    ValueType.TEXTS: '"vip"',
    ValueType.PATH: '[["Food", "Bread"]]',
    ValueType.PATHS: '[["Food", "Bread"]]',
}
"""A literal of each type, as it stands in JSON."""

_UNSOUND: Mapping[cel.Unsound, ProblemCode] = {
    cel.Unsound.TOO_LONG: ProblemCode.TOO_LONG,
    cel.Unsound.SYNTAX: ProblemCode.EXPRESSION_SYNTAX,
    cel.Unsound.UNKNOWN_NAME: ProblemCode.EXPRESSION_NAME,
    cel.Unsound.TYPES: ProblemCode.EXPRESSION_TYPES,
    cel.Unsound.NOT_ALLOWED: ProblemCode.EXPRESSION_NOT_ALLOWED,
    cel.Unsound.NOT_BOOLEAN: ProblemCode.EXPRESSION_NOT_BOOLEAN,
    cel.Unsound.TOO_DEEP: ProblemCode.TOO_DEEP,
}


def check_conditions(reader: Reader, document: ProgramDocument, path: str) -> None:
    """Note every problem of every condition of a document that is sound otherwise."""
    catalogue = catalogue_of(document)
    for index, rule in enumerate(document.rules):
        place = pointer(path, ("rules", index))
        if rule.when is not None:
            _Check(reader, catalogue, when_place(rule), rule.id).check(rule.when, pointer(place, ("when",)))
        if rule.lines is not None:
            _Check(reader, catalogue, lines_place(rule), rule.id).check(rule.lines, pointer(place, ("lines",)))
    excluded = {"earning": document.exclusions.earning, "paying": document.exclusions.paying}
    for key, condition in excluded.items():
        if condition is not None:
            check_condition(reader, condition, catalogue, Place(), pointer(path, ("exclusions", key)))


def check_condition(reader: Reader, condition: Condition, catalogue: Catalogue, place: Place, path: str) -> None:
    """Note every problem of one condition that stands at ``place``, its JSON at ``path``."""
    _Check(reader, catalogue, place, None).check(condition, path)


@dataclass(frozen=True, slots=True)
class _Check:
    reader: Reader
    catalogue: Catalogue
    place: Place
    rule: str | None

    def check(self, condition: Condition, path: str) -> None:
        match condition:
            case AllOf(conditions):
                self._check_several(conditions, pointer(path, ("all",)))
                if contradiction(conditions, self.catalogue, self.place):
                    self._note(path, ProblemCode.CONSTANT_CONDITION, {"answer": "false"})
            case AnyOf(conditions):
                self._check_several(conditions, pointer(path, ("any",)))
            case Not(inner):
                self.check(inner, pointer(path, ("not",)))
            case Expression(source):
                self._check_expression(source, pointer(path, ("expression",)))
            case Comparison():
                self._check_comparison(condition, path)

    def _check_several(self, conditions: Sequence[Condition], path: str) -> None:
        if not conditions:
            self._note(path, ProblemCode.TOO_FEW, {"minimum": 1})
        for index, condition in enumerate(conditions):
            self.check(condition, pointer(path, (index,)))

    def _check_comparison(self, comparison: Comparison, path: str) -> None:
        field = self._field(comparison.field, pointer(path, ("field",)))
        if field is None:
            return
        allowed = OPERATORS[field.type]
        if comparison.operator not in allowed:
            facts = {"name": field.name, "type": field.type.value, "operator": comparison.operator.value}
            facts["allowed"] = ", ".join(each.value for each in allowed)
            self._note(pointer(path, ("op",)), ProblemCode.OPERATOR_NOT_FOR_FIELD, facts)
            return
        if self._check_value(field, comparison, pointer(path, ("value",))):
            answer = constant_answer(field, comparison)
            if answer is not None:
                self._note(path, ProblemCode.CONSTANT_CONDITION, {"answer": "true" if answer else "false"})

    def _field(self, name: str, path: str) -> Field | None:
        field = self.catalogue.find(name, self.place)
        if field is not None and exists_at(field, self.place):
            return field
        if field is None:
            names = [each.name for each in self.catalogue.at(self.place)]
            near = difflib.get_close_matches(name, names, n=1)
            self._note(path, ProblemCode.UNKNOWN_FIELD, {"name": name[:80], "nearest": "".join(near)})
        else:
            self._note_absent(field, path, {})
        return None

    def _note_absent(self, field: Field, path: str, facts: Mapping[str, str | int]) -> None:
        if field.of_line and self.place.trigger in field.triggers:
            self._note(path, ProblemCode.FIELD_OF_LINES, {**facts, "name": field.name})
            return
        there = ", ".join(sorted(each.value for each in field.triggers))
        known = {"name": field.name, "trigger": self.place.trigger.value, "triggers": there}
        self._note(path, ProblemCode.FIELD_NOT_HERE, {**facts, **known})

    def _check_value(self, field: Field, comparison: Comparison, path: str) -> bool:
        value = comparison.value
        if comparison.operator is Operator.PRESENT:
            return self._fits(isinstance(value, bool), field, path, "true")
        if comparison.operator is Operator.UNDER:
            return self._fits(read_paths(value) is not None, field, path)
        if comparison.operator not in {Operator.ONE_OF, Operator.NONE_OF}:
            return self._check_scalar(field, value, path)
        if not isinstance(value, tuple):
            return self._fits(is_fit=False, field=field, path=path, example=f"[{EXAMPLES[field.type]}]")
        if not value:
            self._note(path, ProblemCode.TOO_FEW, {"minimum": 1})
            return False
        fits = [self._check_scalar(field, item, pointer(path, (index,))) for index, item in enumerate(value)]
        return all(fits)

    def _check_scalar(self, field: Field, value: object, path: str) -> bool:
        literal = read_scalar(field, value)
        if literal is None:
            return self._fits(is_fit=False, field=field, path=path)
        if field.allowed and literal not in field.allowed:
            code = ProblemCode.UNKNOWN_TIER if field.name == "member.tier" else ProblemCode.NOT_ALLOWED
            fact = "known" if code is ProblemCode.UNKNOWN_TIER else "allowed"
            self._note(path, code, {fact: ", ".join(field.allowed)})
            return False
        return self._check_range(field, literal, path)

    def _check_range(self, field: Field, literal: bool | int | str | Decimal | date | time, path: str) -> bool:  # noqa: FBT001 - a literal may be one
        if isinstance(literal, bool) or not isinstance(literal, int):
            return True
        if field.minimum is not None and literal < field.minimum:
            self._note(path, ProblemCode.TOO_SMALL, {"minimum": field.minimum})
            return False
        if field.maximum is not None and literal > field.maximum:
            self._note(path, ProblemCode.TOO_LARGE, {"maximum": field.maximum})
            return False
        return True

    def _fits(self, is_fit: bool, field: Field, path: str, example: str | None = None) -> bool:  # noqa: FBT001 - said at once
        if not is_fit:
            facts = {"name": field.name, "type": field.type.value, "example": example or EXAMPLES[field.type]}
            self._note(path, ProblemCode.WRONG_LITERAL, facts)
        return is_fit

    def _check_expression(self, source: str, path: str) -> None:
        try:
            compiled = cel.compile_source(source, self.catalogue.at(self.place))
        except cel.ExpressionUnsound as unsound:
            self._note_unsound(unsound, path)
            return
        if not compiled.fields:
            # Without a field every event gets the same answer.
            self._note(path, ProblemCode.CONSTANT_CONDITION, {"answer": "true" if compiled.ask({}) else "false"})

    def _note_unsound(self, unsound: cel.ExpressionUnsound, path: str) -> None:
        if unsound.reason is cel.Unsound.UNKNOWN_NAME:
            elsewhere = [each for each in self.catalogue.fields if each.flat_name == unsound.facts["name"]]
            if elsewhere:
                self._note_absent(elsewhere[0], path, {k: unsound.facts[k] for k in ("line", "column")})
                return
        facts = {"maximum": EXPRESSION_DEPTH_MAX} if unsound.reason is cel.Unsound.TOO_DEEP else unsound.facts
        self._note(path, _UNSOUND[unsound.reason], facts)

    def _note(self, path: str, code: ProblemCode, facts: Mapping[str, str | int]) -> None:
        self.reader.note(path, code, facts if self.rule is None else {**facts, "rule": self.rule})
