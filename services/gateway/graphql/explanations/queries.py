"""explainEntry and whyNot."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import strawberry

from services.gateway.graphql.activities.record_activity import DeedInput
from services.gateway.graphql.activities.types import is_visible
from services.gateway.graphql.checkout.inputs import QuoteCartInput
from services.gateway.graphql.explanations.types import Explanation, FailedCondition, SuggestedChange
from services.gateway.graphql.explanations.wording import outcome_message
from services.gateway.graphql.fields import Info, guarded, query_outcome
from services.gateway.graphql.ids import decode, decode_optional
from services.gateway.graphql.ledger.types import LedgerEntry
from services.gateway.graphql.members.references import MemberReferenceInput
from services.gateway.graphql.permissions import is_allowed_at, requires_somewhere
from services.gateway.graphql.purchases.inputs import PurchaseReferenceInput
from services.gateway.graphql.scalars import Points
from services.loyalty.activities.domain import RecordActivity
from services.loyalty.activities.errors import (
    ActivityRepeated,
    EventDataInvalid,
    EventNotDeclared,
    ProductNotBought,
)
from services.loyalty.activities.queries import activities_by_ids
from services.loyalty.checkout.errors import PointsPaymentTooLarge
from services.loyalty.earning.domain.accruals import RuleOutcome
from services.loyalty.earning.errors import AccrualTooLarge, CurrencyNotAccepted, DiscountExceedsOrder
from services.loyalty.explanations import queries
from services.loyalty.explanations.domain import ByActivity, ByCart, ByPurchase, BySupposition, Question
from services.loyalty.explanations.errors import ActivityNotFound, NothingEvaluated, RuleNotInProgram
from services.loyalty.members.errors import IdentityInvalid, MemberNotFound
from services.loyalty.purchases.errors import OccurredInFuture, OccurredTooLongAgo, PurchaseNotFound
from services.loyalty.stores.errors import StoreClosed, StoreCurrencyMismatch, StoreNotFound
from services.loyalty.tiers.errors import QualifyingSumTooLarge
from services.platform.auth.domain import Scope
from services.platform.db.session import ReadSession
from services.platform.errors import InvalidInput


@strawberry.type(description="An entry, and where its points came from.")
class EntryExplanation:
    entry: LedgerEntry = strawberry.field(description="The entry.")
    explanation: Explanation | None = strawberry.field(
        description="The evaluation that it came from. A refund's entry and the later life of points are explained by"
        " the evaluation of what earned them; null where no rule was asked, as for a redemption."
    )


@guarded(
    access=requires_somewhere(Scope.MEMBERS_READ),
    description="Where an entry's points came from: every rule of the version in force then with its outcome, base,"
    " multipliers, caps and rounding. Null when the tenant, or the stores that you may see, have no such entry.",
)
async def explain_entry(
    info: Info, ledger_entry_id: Annotated[strawberry.ID, strawberry.argument(description="The entry's id.")]
) -> EntryExplanation | None:
    """An entry explained."""
    key = decode("LedgerEntry", ledger_entry_id, field="ledgerEntryId")
    told = await info.context.read(lambda session: queries.explained_entry(session, entry_id=key))
    if told is None:
        return None
    store_id = told.entry.header.store_id
    if store_id is not None and not is_allowed_at(info.context, Scope.PURCHASES_READ, store_id):
        return None
    explained = told.explained
    return EntryExplanation(
        entry=LedgerEntry.from_domain(told.entry),
        explanation=None if explained is None else Explanation.from_domain(explained, info.context.request.locale),
    )


SUPPOSED = "whyNot"
"""The source of an activity that nobody has told of."""


@strawberry.input(description="An activity that may be recorded.")
class SupposedActivityInput:
    member: MemberReferenceInput = strawberry.field(description="Who would do it.")
    activity: DeedInput = strawberry.field(description="What would be done.")
    store_id: strawberry.ID | None = strawberry.field(default=None, description="Where; needed by a check-in.")
    occurred_at: datetime | None = strawberry.field(
        default=None, description="When; now without it. The rules that were in force then judge it."
    )

    def to_command(self) -> RecordActivity:
        """What would be recorded."""
        store_id = decode_optional("Store", self.store_id, field="about.supposed.storeId")
        return RecordActivity(
            source=SUPPOSED,
            external_id=SUPPOSED,
            member=self.member.to_ref(),
            deed=self.activity.to_deed(store_id),
            idempotency_key="",
            request_hash=b"",
            store_id=store_id,
            occurred_at=self.occurred_at,
        )


@strawberry.input(one_of=True, description="What is asked about. Exactly one field.")
class WhyNotAboutInput:
    purchase: strawberry.Maybe[PurchaseReferenceInput] = strawberry.field(description="A purchase that was recorded.")
    activity_id: strawberry.Maybe[strawberry.ID] = strawberry.field(description="An activity that was recorded.")
    cart: strawberry.Maybe[QuoteCartInput] = strawberry.field(description="A cart that may become a purchase now.")
    supposed: strawberry.Maybe[SupposedActivityInput] = strawberry.field(
        description="An activity that nobody has told of, such as a check-in, a review or an event of your own."
    )

    def to_question(self) -> Question:
        """The question that it asks."""
        if self.purchase:
            return ByPurchase(self.purchase.value.to_ref(field="about.purchase"))
        if self.activity_id:
            return ByActivity(decode("Activity", self.activity_id.value, field="about.activityId"))
        if self.cart:
            return ByCart(self.cart.value.to_asked())
        if self.supposed:
            return BySupposition(self.supposed.value.to_command())
        raise InvalidInput(field="about", reason="NOTHING_GIVEN")


@strawberry.input(description="A question about a rule.")
class WhyNotInput:
    rule_id: str = strawberry.field(description="The rule's id in the program document.")
    about: WhyNotAboutInput = strawberry.field(description="What should have set it off.")


@strawberry.type(description="Why a rule gave nothing, or what it gave.")
class WhyNotPayload:
    outcome: RuleOutcome = strawberry.field(description="What became of the rule.")
    message: str = strawberry.field(description="The same in a sentence.")
    points: Points = strawberry.field(description="What it gave.")
    failing: FailedCondition | None = strawberry.field(
        description="The first part of its condition that stood in the way; null where the condition was met."
    )
    changes: list[SuggestedChange] = strawberry.field(
        description="The smallest change with which the rule would apply; each is needed. Empty where nothing is needed"
        " or nothing that helps was found."
    )
    outcome_then: RuleOutcome = strawberry.field(description="What would become of the rule with these changes.")
    points_then: Points = strawberry.field(description="What it would give then; it has been computed.")
    explanation: Explanation = strawberry.field(description="What all rules did.")


@query_outcome(
    access=requires_somewhere(Scope.MEMBERS_READ),
    description="Why a rule gave nothing for a purchase, an activity or a cart, recorded or only supposed: the first"
    " condition that failed, and the smallest change that would pass, which has been tried.",
    errors=(
        PurchaseNotFound,
        ActivityNotFound,
        NothingEvaluated,
        RuleNotInProgram,
        MemberNotFound,
        IdentityInvalid,
        StoreNotFound,
        StoreClosed,
        StoreCurrencyMismatch,
        OccurredInFuture,
        OccurredTooLongAgo,
        ActivityRepeated,
        ProductNotBought,
        EventNotDeclared,
        EventDataInvalid,
        CurrencyNotAccepted,
        DiscountExceedsOrder,
        AccrualTooLarge,
        PointsPaymentTooLarge,
        QualifyingSumTooLarge,
    ),
)
async def why_not(info: Info, input: WhyNotInput) -> WhyNotPayload:
    """A question about a rule."""
    question = input.about.to_question()
    store_id = await info.context.read(lambda session: _store_of(session, question, info))
    if store_id is not None and not is_allowed_at(info.context, Scope.PURCHASES_READ, store_id):
        raise _absent(question)
    explained, told = await info.context.read(
        lambda session: queries.why_not(session, question=question, rule_id=input.rule_id)
    )
    locale, currency = info.context.request.locale, explained.evaluation.currency
    document = explained.version.document
    return WhyNotPayload(
        outcome=told.outcome,
        message=outcome_message(told.rule_id, told.outcome, by=told.by, points=told.points, locale=locale),
        points=Points(told.points),
        failing=None if told.failing is None else FailedCondition.from_domain(told.failing, document, currency, locale),
        changes=[SuggestedChange.from_domain(change, currency, locale) for change in told.changes],
        outcome_then=told.then,
        points_then=Points(told.points_then),
        explanation=Explanation.from_domain(explained, locale),
    )


def _store_of(session: ReadSession, question: Question, info: Info) -> UUID | None:
    """The store whose staff may ask; what it names is not there for others."""
    match question:
        case ByPurchase():
            return queries.purchase_asked(session, question=question).store_id
        case ByActivity(activity_id):
            found = activities_by_ids(session, activity_ids=(activity_id,)).get(activity_id)
            if found is None or not is_visible(info, found):
                raise ActivityNotFound(activity_id=activity_id)
            return None
        case ByCart(cart):
            return cart.store_id
        case BySupposition(activity):
            return activity.store_id


def _absent(question: Question) -> Exception:
    match question:
        case ByCart(cart):
            return StoreNotFound(store_id=cart.store_id)
        case BySupposition(activity):
            assert activity.store_id is not None, "without a store nothing is absent"
            return StoreNotFound(store_id=activity.store_id)
        case ByActivity(activity_id):
            return ActivityNotFound(activity_id=activity_id)
        case ByPurchase(purchase):
            return PurchaseNotFound(purchase_id=purchase if isinstance(purchase, UUID) else None)
