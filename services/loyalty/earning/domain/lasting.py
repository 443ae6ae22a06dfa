"""From when and until when what an evaluation gives can be spent."""

from datetime import datetime
from zoneinfo import ZoneInfo

from services.loyalty.earning.domain.accruals import Evaluation
from services.loyalty.earning.domain.validity import expiry_that_rules, validity
from services.loyalty.ledger.domain.clocks import Validity
from services.loyalty.programs.domain.document import ProgramDocument


def validities(
    document: ProgramDocument, evaluation: Evaluation, *, at: datetime, enrolled_at: datetime
) -> dict[str, Validity]:
    """From when and until when the points of each rule that gives some can be spent, by rule id."""
    rules = {rule.id: rule for rule in document.rules}
    units = {unit.code: unit for unit in document.units}
    tier = document.tiers.level(evaluation.tier_code)
    return {
        accrual.rule_id: validity(
            rules[accrual.rule_id].activation or units[accrual.unit].activation,
            expiry_that_rules(rule=rules[accrual.rule_id].expiry, tier=tier.expiry, unit=units[accrual.unit].expiry),
            at=at,
            zone=ZoneInfo(document.timezone),
            enrolled_at=enrolled_at,
            tier=evaluation.tier_code,
        )
        for accrual in evaluation.accruals
        if accrual.points > 0
    }
