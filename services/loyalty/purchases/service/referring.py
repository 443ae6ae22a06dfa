"""Purchases by friends who came by a member's code: the first of each is told to `services.loyalty.referrals`."""

from collections.abc import Sequence
from uuid import UUID

from services.loyalty.earning.domain import PurchaseLine, order_facts
from services.loyalty.programs.domain.conditions.fields import Facts
from services.loyalty.purchases.domain.receipt import Receipt
from services.loyalty.purchases.service.deciding import Decision
from services.loyalty.purchases.service.recounting import Anew
from services.loyalty.purchases.service.scene import Buyer, Scene
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
        event, command = assessment.event, decision.sale.command
        facts = _facts(
            event.facts,
            event.lines,
            currency=decision.sale.receipt.currency,
            channel=command.channel,
            source=command.source,
        )
        first[buyer.member_id] = FirstPurchase(buyer.member_id, decision.purchase_id, decision.sale.occurred_at, facts)
    return referrals.first_purchase_statements(uow, list(first.values()))


def amended_statements(
    uow: UnitOfWork, scene: Scene, buyer: Buyer, receipt: Receipt, anew: Anew, *, change_id: UUID
) -> list[Statement]:
    """What tells of an amendment of what may be the buyer's first purchase; nothing where they came by no code."""
    purchase = scene.purchase
    if not buyer.earner.is_referred:
        return []
    if receipt.total_minor <= 0:
        return referrals.purchase_gone_statements(uow, purchase_ids=[purchase.id])
    facts = _facts(
        anew.frozen.facts,
        receipt.earning(anew.base),
        currency=purchase.currency,
        channel=purchase.channel,
        source=purchase.source,
    )
    told = FirstPurchase(buyer.member_id, purchase.id, purchase.occurred_at, facts, change_id)
    if purchase.total_minor <= 0:
        return referrals.first_purchase_statements(uow, [told])
    return [referrals.amended_statement(uow, told)]


def _facts(facts: Facts, lines: Sequence[PurchaseLine], *, currency: str, channel: str, source: str) -> Facts:
    told = {name: fact for name, fact in facts.items() if name.startswith("order.")}
    return told | {
        **order_facts(lines, currency=currency),
        "order.channel": channel,
        "order.source": source,
        "order.isFirst": True,
    }
