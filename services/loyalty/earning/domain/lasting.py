"""From when and until when what an evaluation gives can be spent."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from zoneinfo import ZoneInfo

from services.loyalty.earning.domain.accruals import Evaluation
from services.loyalty.earning.domain.validity import expiry_that_rules, validity, validity_by_action
from services.loyalty.ledger.domain.clocks import Validity
from services.loyalty.programs.domain.document import ProgramDocument

_NO_ACTIONS: Mapping[str, datetime] = MappingProxyType({})


def validities(
    document: ProgramDocument,
    evaluation: Evaluation,
    *,
    at: datetime,
    enrolled_at: datetime,
    actions: Mapping[str, datetime] = _NO_ACTIONS,
) -> dict[str, Validity]:
    """From when and until when the points of each rule that gives some can be spent, by rule id.

    ``actions`` are awaited ones that have come already, with the instants: nothing waits for them any more.
    """
    rules = {rule.id: rule for rule in document.rules}
    units = {unit.code: unit for unit in document.units}
    tier = document.tiers.level(evaluation.tier_code)
    found: dict[str, Validity] = {}
    for accrual in evaluation.accruals:
        if accrual.points <= 0:
            continue
        rule, unit = rules[accrual.rule_id], units[accrual.unit]
        expiry = expiry_that_rules(rule=rule.expiry, tier=tier.expiry, unit=unit.expiry)
        times = validity(
            rule.activation or unit.activation,
            expiry,
            at=at,
            zone=ZoneInfo(document.timezone),
            enrolled_at=enrolled_at,
            tier=evaluation.tier_code,
        )
        came_at = None if times.awaits_action is None else actions.get(times.awaits_action)
        found[accrual.rule_id] = times if came_at is None else validity_by_action(times, expiry, reported_at=came_at)
    return found


def awaited_actions(document: ProgramDocument) -> dict[str, str]:
    """The actions that the points of rules await, by rule id; rules that await none are missing."""
    units = {unit.code: unit for unit in document.units}
    awaited: dict[str, str] = {}
    for rule in document.rules:
        activation = rule.activation or units[rule.unit or document.unit.code].activation
        if activation.action is not None:
            awaited[rule.id] = activation.action
    return awaited
