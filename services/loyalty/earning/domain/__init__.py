"""The pure heart of earning: lines, their evaluation, and what stands after refunds."""

from services.loyalty.earning.domain.accruals import (
    TIER,
    AppliedCap,
    AppliedMultiplier,
    Evaluation,
    LinePoints,
    RuleAccrual,
    RuleOutcome,
    RuleTrace,
)
from services.loyalty.earning.domain.base import EarnBase, PricedLine, earn_base
from services.loyalty.earning.domain.caps import CapKey, CapSubject, calendar_day, kept_keys, period_bounds
from services.loyalty.earning.domain.evaluation import evaluate
from services.loyalty.earning.domain.facts import event_facts, line_facts, order_facts
from services.loyalty.earning.domain.freezing import (
    FrozenInputs,
    FrozenRule,
    counters_json,
    freeze,
    frozen_json,
    parse_counters,
    parse_frozen,
)
from services.loyalty.earning.domain.happening import EarnEvent
from services.loyalty.earning.domain.lasting import awaited_actions, validities
from services.loyalty.earning.domain.lines import (
    LINES_MAX,
    QUANTITY_DIGITS,
    QUANTITY_MAX,
    PurchaseLine,
    check_lines,
    check_quantity,
    spread_discount,
)
from services.loyalty.earning.domain.paying import is_paying_limited, unpayable_lines
from services.loyalty.earning.domain.plans import names_asked
from services.loyalty.earning.domain.refund import (
    AmountRefund,
    FullRefund,
    LineRefund,
    RefundedLine,
    RefundOutcome,
    RefundRequest,
    RefundState,
    ReturnedLine,
    apply_refund,
    refundable_minor,
    refunded_minor,
    remaining_lines,
    returnable,
)
from services.loyalty.earning.domain.standing import cap_changes, evaluate_again, standing

__all__ = [
    "LINES_MAX",
    "QUANTITY_DIGITS",
    "QUANTITY_MAX",
    "TIER",
    "AmountRefund",
    "AppliedCap",
    "AppliedMultiplier",
    "CapKey",
    "CapSubject",
    "EarnBase",
    "EarnEvent",
    "Evaluation",
    "FrozenInputs",
    "FrozenRule",
    "FullRefund",
    "LinePoints",
    "LineRefund",
    "PricedLine",
    "PurchaseLine",
    "RefundOutcome",
    "RefundRequest",
    "RefundState",
    "RefundedLine",
    "ReturnedLine",
    "RuleAccrual",
    "RuleOutcome",
    "RuleTrace",
    "apply_refund",
    "awaited_actions",
    "calendar_day",
    "cap_changes",
    "check_lines",
    "check_quantity",
    "counters_json",
    "earn_base",
    "evaluate",
    "evaluate_again",
    "event_facts",
    "freeze",
    "frozen_json",
    "is_paying_limited",
    "kept_keys",
    "line_facts",
    "names_asked",
    "order_facts",
    "parse_counters",
    "parse_frozen",
    "period_bounds",
    "refundable_minor",
    "refunded_minor",
    "remaining_lines",
    "returnable",
    "spread_discount",
    "standing",
    "unpayable_lines",
    "validities",
]
