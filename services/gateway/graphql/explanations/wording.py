"""Sentences about rules: what became of one, what stood in its way, and what would help."""

from collections.abc import Mapping
from datetime import date, datetime, time
from decimal import Decimal
from functools import lru_cache
from typing import Any

from babel.messages.pofile import read_po

from services.gateway.context.request import Locale
from services.gateway.graphql.sentences import FOLDER
from services.loyalty.earning.domain.accruals import RuleOutcome
from services.loyalty.earning.domain.changing import BASE
from services.loyalty.earning.domain.failing import FailedPart
from services.loyalty.earning.domain.smallest_change import Change
from services.loyalty.programs.domain import ProgramDocument
from services.loyalty.programs.domain.conditions import Comparison
from services.loyalty.programs.domain.conditions.declared import ValueType
from services.loyalty.programs.domain.conditions.fields import catalogue_of
from services.platform.money import Money

_MONEY = frozenset({BASE, "order.total", "order.subtotal", "order.discount", "order.shipping"})


@lru_cache(maxsize=len(Locale))
def explanation_catalog(locale: Locale) -> Mapping[str, str]:
    """All sentences of explanations in one language, by message id."""
    with (FOLDER / f"explanation.{locale}.po").open("rb") as file:
        messages = read_po(file, locale=locale)
    return {str(message.id): str(message.string) for message in messages if message.id}


def outcome_message(rule_id: str, outcome: RuleOutcome, *, by: str | None, points: int, locale: Locale) -> str:
    """What became of a rule."""
    words = explanation_catalog(locale)
    return words[f"OUTCOME.{outcome.name}"].format(rule=rule_id, by=by or "", points=points)


def steps_told(document: ProgramDocument, locale: Locale) -> list[str]:
    """In which order points are put together."""
    words, policies = explanation_catalog(locale), document.policies
    facts = {"multipliers": policies.multipliers.value, "rounding": policies.rounding.value}
    steps = ("RULES", "GROUPS", "MULTIPLIERS", "ROUNDING", "BONUSES", "CAPS")
    return [words[f"STEP.{step}"].format(**facts) for step in steps]


def failing_message(failing: FailedPart, document: ProgramDocument, currency: str | None, locale: Locale) -> str:
    """What stood in the way."""
    words = explanation_catalog(locale)
    if failing.untold is not None:
        return words[f"UNTOLD.{failing.untold.name}"].format(names=", ".join(failing.names))
    if not isinstance(failing.part, Comparison):
        return words["EXPRESSION_FALSE" if failing.wanted else "EXPRESSION_TRUE"]
    name = failing.part.field
    of_type = next((each.type for each in catalogue_of(document).fields if each.name == name), None)
    is_money = of_type is ValueType.MONEY
    comparison = words[f"OPERATOR.{failing.part.operator.name}"].format(
        field=name, value=_shown(failing.part.value, words, currency if is_money else None)
    )
    actual = _shown(failing.actual, words, currency if is_money else None)
    key = "FAILED" if failing.wanted else "HELD"
    return words[f"{key}_UNKNOWN" if failing.actual is None else key].format(comparison=comparison, actual=actual)


def change_message(change: Change, currency: str | None, locale: Locale) -> str:
    """What would help."""
    words = explanation_catalog(locale)
    actual, wanted = change.actual, change.wanted
    if isinstance(wanted, datetime):
        return words["CHANGE.TIME"].format(
            date=wanted.date().isoformat(), weekday=_weekday(wanted, words), time=f"{wanted:%H:%M}"
        )
    if change.field in _MONEY and isinstance(actual, int) and isinstance(wanted, int):
        key = f"CHANGE.{'BASE' if change.field == BASE else 'MONEY'}_{'MORE' if wanted > actual else 'LESS'}"
        return words[key].format(field=change.field, more=_shown(abs(wanted - actual), words, currency))
    if change.field.startswith("line."):
        return words["CHANGE.LINE"].format(field=change.field, wanted=_shown(wanted, words, None))
    if wanted is None:
        return words["CHANGE.UNKNOWN"].format(field=change.field)
    return words["CHANGE.FIELD"].format(
        field=change.field, wanted=_shown(wanted, words, None), actual=_shown(actual, words, None)
    )


def _weekday(at: datetime, words: Mapping[str, str]) -> str:
    return words[f"WEEKDAY.{at.isoweekday()}"]


def _shown(value: Any, words: Mapping[str, str], currency: str | None) -> str:
    """A value in words; money of a currency in major units."""
    if value is None:
        return words["VALUE.UNKNOWN"]
    if isinstance(value, bool):
        return words["VALUE.TRUE" if value else "VALUE.FALSE"]
    if isinstance(value, int) and currency is not None:
        return f"{Money(value, currency).major():f} {currency}"
    if isinstance(value, tuple):
        return (
            ", ".join(" › ".join(item) if isinstance(item, tuple) else _shown(item, words, currency) for item in value)
            or "–"
        )
    return shown_plain(value)


def shown_plain(value: Any) -> str:
    """A single value as text, as a client would write it in a condition."""
    if isinstance(value, tuple):
        return ", ".join(" › ".join(item) if isinstance(item, tuple) else shown_plain(item) for item in value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    if isinstance(value, time):
        return value.isoformat("minutes")
    return value.isoformat() if isinstance(value, date) else str(value)
