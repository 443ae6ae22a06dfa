"""Where points came from, and why a rule gave none: from what was frozen, never from postings."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from services.loyalty.activities import queries as activities
from services.loyalty.activities import service as activities_service
from services.loyalty.checkout import service as checkout
from services.loyalty.earning.domain import PurchaseLine, freeze, parse_frozen
from services.loyalty.earning.domain.explaining import Evidence, evidence_of
from services.loyalty.earning.domain.freezing import FrozenInputs
from services.loyalty.earning.domain.why_not import WhyNot
from services.loyalty.earning.domain.why_not import why_not as ask_why_not
from services.loyalty.explanations.domain import (
    ByActivity,
    ByCart,
    ByPurchase,
    BySupposition,
    EntryExplanation,
    Explained,
    Question,
)
from services.loyalty.explanations.errors import ActivityNotFound, NothingEvaluated, RuleNotInProgram
from services.loyalty.ledger import queries as ledger
from services.loyalty.ledger.domain import Reference
from services.loyalty.programs.queries import version_by_id
from services.loyalty.purchases import queries as purchases
from services.loyalty.purchases.domain import Purchase
from services.loyalty.purchases.errors import PurchaseNotFound
from services.platform.db.session import ReadSession


def explained_entry(session: ReadSession, *, entry_id: UUID) -> EntryExplanation | None:
    """An entry with the evaluation that it came from, or None where there is no such entry.

    A claw-back, a restoration and the later life of a lot are explained by the evaluation of the purchase or activity.
    """
    entry = ledger.entries_by_ids(session, entry_ids=(entry_id,)).get(entry_id)
    if entry is None:
        return None
    evidence = _of_reference(session, entry.header.reference)
    return EntryExplanation(entry, None if evidence is None else _explained(session, evidence))


def why_not(session: ReadSession, *, question: Question, rule_id: str) -> tuple[Explained, WhyNot]:
    """Why a rule gave nothing for an event, with the evaluation of the event.

    Raises:
        PurchaseNotFound, ActivityNotFound: there is no such event.
        NothingEvaluated: no rule was asked.
        RuleNotInProgram: the version in force had no such rule.
        And what quoting a cart and recording an activity refuse.
    """
    found = _of_question(session, question)
    if found is None:
        raise NothingEvaluated
    told = ask_why_not(found.document, found.frozen, rule_id=rule_id, lines=found.lines, occurred_at=found.occurred_at)
    if told is None:
        raise RuleNotInProgram(rule_id=rule_id)
    return _explained(session, found), told


def purchase_asked(session: ReadSession, *, question: ByPurchase) -> Purchase:
    """The purchase that is asked about.

    Raises:
        PurchaseNotFound
    """
    reference = question.purchase
    if isinstance(reference, UUID):
        found = purchases.purchase_by_id(session, purchase_id=reference)
    else:
        found = purchases.purchase_by_external_id(session, source=reference.source, external_id=reference.external_id)
    if found is None:
        raise PurchaseNotFound
    return found


def _explained(session: ReadSession, evidence: Evidence) -> Explained:
    version = version_by_id(session, version_id=evidence.frozen.program_version_id)
    assert version is not None, "versions are never deleted"
    return Explained(version, evidence, evidence.evaluate())


def _of_question(session: ReadSession, question: Question) -> Evidence | None:
    match question:
        case ByPurchase():
            return _of_purchase(session, purchase_asked(session, question=question).id)
        case ByActivity(activity_id):
            found = activities.activities_by_ids(session, activity_ids=(activity_id,))
            if activity_id not in found:
                raise ActivityNotFound(activity_id=activity_id)
            return _of_activity(session, activity_id)
        case ByCart(cart):
            assessment = checkout.assess_cart(session, asked=cart)
            if assessment is None:
                return None
            frozen = freeze(assessment.evaluation, assessment.event, program_version_id=assessment.version.id)
            return _evidence(session, frozen, lines=assessment.event.lines)
        case BySupposition(activity):
            supposed = activities_service.suppose_activity(session, command=activity)
            return None if supposed is None else _evidence(session, supposed, lines=())


def _of_reference(session: ReadSession, reference: Reference | None) -> Evidence | None:
    match reference:
        case Reference("purchase", purchase_id):
            return _of_purchase(session, purchase_id)
        case Reference("refund", refund_id):
            refund = purchases.refunds_by_ids(session, refund_ids=(refund_id,)).get(refund_id)
            return None if refund is None else _of_purchase(session, refund.purchase_id)
        case Reference("activity", activity_id):
            return _of_activity(session, activity_id)
    return None


def _of_purchase(session: ReadSession, purchase_id: UUID) -> Evidence | None:
    keys = (purchase_id,)
    frozen = purchases.frozen_by_purchases(session, purchase_ids=keys).get(purchase_id)
    purchase = purchases.purchase_by_id(session, purchase_id=purchase_id)
    if frozen is None or purchase is None:
        return None
    lines = purchases.lines_by_purchases(session, purchase_ids=keys).get(purchase_id, ())
    bought = [line.earning() for line in lines]
    version = version_by_id(session, version_id=frozen.program_version_id)
    assert version is not None, "versions are never deleted"
    return evidence_of(version.document, frozen, lines=bought, occurred_at=purchase.occurred_at)


def _of_activity(session: ReadSession, activity_id: UUID) -> Evidence | None:
    activity = activities.activities_by_ids(session, activity_ids=(activity_id,)).get(activity_id)
    if activity is None or activity.frozen is None:
        return None
    frozen: Mapping[str, object] = activity.frozen
    return _evidence(session, parse_frozen(frozen), lines=())


def _evidence(session: ReadSession, frozen: FrozenInputs, *, lines: Sequence[PurchaseLine]) -> Evidence:
    version = version_by_id(session, version_id=frozen.program_version_id)
    assert version is not None, "versions are never deleted"
    assert frozen.occurred_at is not None, "it was frozen in the present form"
    return evidence_of(version.document, frozen, lines=lines, occurred_at=frozen.occurred_at)
