"""Purchases by friends who came by a member's code: the first of each is told to `services.loyalty.referrals`."""

from collections.abc import Sequence

from services.loyalty.earning.domain import order_facts
from services.loyalty.purchases.service.deciding import Decision
from services.loyalty.referrals import service as referrals
from services.loyalty.referrals.domain import FirstPurchase
from services.platform.db.session import Statement, UnitOfWork


def referral_statements(uow: UnitOfWork, decisions: Sequence[Decision]) -> list[Statement]:
    """What tells of purchases that may be their buyers' first; nothing where no buyer came by a code."""
    first: dict[object, FirstPurchase] = {}
    for decision in decisions:
        buyer, assessment = decision.buyer, decision.assessment
        if buyer is None or assessment is None or not buyer.earner.is_referred:
            continue
        if buyer.member_id in first or decision.sale.receipt.total_minor <= 0:
            continue
        event = assessment.event
        told = {name: fact for name, fact in event.facts.items() if name.startswith("order.")}
        facts = told | {
            **order_facts(event.lines, currency=decision.sale.receipt.currency),
            "order.channel": decision.sale.command.channel,
            "order.source": decision.sale.command.source,
            "order.isFirst": True,
        }
        first[buyer.member_id] = FirstPurchase(buyer.member_id, decision.purchase_id, decision.sale.occurred_at, facts)
    return referrals.first_purchase_statements(uow, list(first.values()))
