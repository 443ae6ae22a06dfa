"""Cases as clients see them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Self
from uuid import UUID

import strawberry

from services.gateway.graphql.fields import Info, guarded
from services.gateway.graphql.ids import encode
from services.gateway.graphql.nodes import Node
from services.gateway.graphql.permissions import INHERITED, is_allowed_at, of_member, requires_somewhere
from services.gateway.graphql.purchases.loaders import purchases_by_key, refunds_by_key
from services.gateway.graphql.purchases.types import Purchase, Refund
from services.gateway.graphql.purchases.uses import PurchaseUse, to_uses
from services.gateway.graphql.scalars import Points
from services.gateway.graphql.stores.types import Store, load_store
from services.loyalty.after_sales import domain
from services.loyalty.after_sales.errors import CaseNotFound
from services.loyalty.after_sales.queries import cases_by_ids, cases_by_purchases, events_by_cases
from services.platform.actors import ActorKind
from services.platform.auth.domain import Scope
from services.platform.db.session import ReadSession

if TYPE_CHECKING:
    from services.gateway.graphql.members.types import Member

LAZY_MEMBER = strawberry.lazy("services.gateway.graphql.members.types")


def cases_by_key(session: ReadSession, keys: Sequence[UUID]) -> Mapping[UUID, domain.Case]:
    """Cases by id."""
    return cases_by_ids(session, case_ids=keys)


def cases_by_purchase(session: ReadSession, keys: Sequence[UUID]) -> Mapping[UUID, tuple[domain.Case, ...]]:
    """Cases by purchase."""
    return cases_by_purchases(session, purchase_ids=keys)


def events_by_case(session: ReadSession, keys: Sequence[UUID]) -> Mapping[UUID, tuple[domain.CaseEvent, ...]]:
    """What happened, by case."""
    return events_by_cases(session, case_ids=keys)


@strawberry.type(description="So much of a line of the purchase is to come back, or to be repaired.")
class CaseLine:
    position: int = strawberry.field(description="The line's place in the purchase, from 1.")
    quantity: Decimal = strawberry.field(description="How much of it.")
    reason: str | None = strawberry.field(description="Why.")


@strawberry.type(description="What completing a return or an exchange did to the member's points.")
class CaseEffect:
    points_taken_back: Points = strawberry.field(
        description="The points that were taken back; negative when some were given, as a negative line came back."
    )
    points_returned: Points = strawberry.field(
        description="The points that had paid for what came back, and are the member's again."
    )
    points_earned: Points = strawberry.field(description="What the new purchase of an exchange earned.")
    owed: Points = strawberry.field(description="How many of the points the member owes now.")
    shortfall: Points = strawberry.field(description="Points that should have come back and had been spent.")
    balance: Points = strawberry.field(description="What the member could spend then; 0 for a guest.")
    needs_decision: list[PurchaseUse] = strawberry.field(
        description="Effects that have left the house, for points that nobody has any more: a person must decide."
    )
    consequences: list[PurchaseUse] = strawberry.field(
        description="Later events that had used what came back, and keep what they got."
    )

    @classmethod
    def from_domain(cls, effect: domain.Effect) -> Self:
        """The effect as clients see it."""
        return cls(
            points_taken_back=Points(effect.points_taken_back),
            points_returned=Points(effect.points_returned),
            points_earned=Points(effect.points_earned),
            owed=Points(effect.owed),
            shortfall=Points(effect.shortfall),
            balance=Points(effect.balance),
            needs_decision=to_uses(effect.needs_decision),
            consequences=to_uses(effect.consequences),
        )


@strawberry.type(description="One thing that happened to a case. It is never changed.")
class CaseEvent:
    kind: domain.CaseEventKind = strawberry.field(description="What happened.")
    at: datetime = strawberry.field(description="When.")
    by: ActorKind = strawberry.field(description="Who did it: the member, a person of the staff, or a program.")
    from_status: domain.CaseStatus | None = strawberry.field(description="Where the case was, when it moved.")
    to_status: domain.CaseStatus | None = strawberry.field(description="Where the case went, when it moved.")
    assignee_name: str | None = strawberry.field(description="Who took the case; null when nobody has it any more.")
    text: str | None = strawberry.field(description="What was written.")
    is_internal: bool = strawberry.field(description="Whether it is for the staff alone.")

    @classmethod
    def from_domain(cls, event: domain.CaseEvent) -> Self:
        """The event as clients see it."""
        return cls(
            kind=event.kind,
            at=event.at,
            by=event.actor.kind,
            from_status=event.from_status,
            to_status=event.to_status,
            assignee_name=event.assignee_name,
            text=event.text,
            is_internal=event.is_internal,
        )


@strawberry.type(description="What somebody wants after the sale: a return, an exchange, a repair, or an answer.")
class Case(Node):
    kind: domain.CaseKind = strawberry.field(description="What is wanted.")
    status: domain.CaseStatus = strawberry.field(description="Where it stands.")
    next_statuses: list[domain.CaseStatus] = strawberry.field(
        description="Where it can go from here. COMPLETED is reached by `completeCase`, the others by `moveCase`."
    )
    subject: str = strawberry.field(description="What it is about, in a few words.")
    opened_at: datetime = strawberry.field(description="When it was opened.")
    opened_by: ActorKind = strawberry.field(description="Who opened it: the member, a person of the staff, a program.")
    changed_at: datetime = strawberry.field(description="When something last happened to it.")
    lines: list[CaseLine] = strawberry.field(description="What of the purchase it is about; empty for a question.")
    effect: CaseEffect | None = strawberry.field(
        description="What completing it did to points; null before, and of what takes nothing back."
    )
    case: strawberry.Private[domain.Case]
    member_key: strawberry.Private[UUID | None]

    @guarded(access=INHERITED, description="The purchase; null where there is none, or none that you may see.")
    async def purchase(self, info: Info) -> Purchase | None:
        """The purchase."""
        return await _visible_purchase(info, self.case.purchase_id)

    @guarded(access=INHERITED, description="The new purchase of an exchange; null where you may not see it.")
    async def exchange_purchase(self, info: Info) -> Purchase | None:
        """What was taken along instead."""
        return await _visible_purchase(info, self.case.exchange_purchase_id)

    @guarded(access=INHERITED, description="The refund that completing it made; null where you may not see it.")
    async def refund(self, info: Info) -> Refund | None:
        """The refund."""
        purchase = await _visible_purchase(info, self.case.purchase_id)
        if purchase is None or self.case.refund_id is None:
            return None
        refund = await info.context.load(refunds_by_key, self.case.refund_id)
        return Refund.from_domain(refund, purchase.currency_code) if refund else None

    @guarded(access=of_member(Scope.MEMBERS_READ, key="member_key"), description="Whom it concerns; null for a guest.")
    async def member(self, info: Info) -> Annotated["Member", LAZY_MEMBER] | None:
        """The member."""
        from services.gateway.graphql.members.types import load_member  # noqa: PLC0415  the two types name each other

        return await load_member(info, self.member_key)

    @guarded(access=INHERITED, description="The store that handles it; null where none was named.")
    async def store(self, info: Info) -> Store | None:
        """The store."""
        return await load_store(info, self.case.store_id)

    @guarded(
        access=requires_somewhere(Scope.PURCHASES_READ),
        description="Who has taken it, by the name the person had then; null for nobody.",
    )
    async def assignee_name(self) -> str | None:
        """The assignee."""
        return self.case.assignee_name

    @guarded(
        access=requires_somewhere(Scope.PURCHASES_READ), description="Whether the person who asks has taken the case."
    )
    async def is_mine(self, info: Info) -> bool:
        """Whether the asker has it."""
        actor = info.context.principal.actor
        return actor.kind is ActorKind.STAFF and actor.id is not None and actor.id == self.case.assignee_id

    @guarded(
        access=INHERITED,
        description="All that happened, oldest first; for members without what is internal and who took the case.",
    )
    async def history(self, info: Info) -> list[CaseEvent]:
        """The history."""
        events = await info.context.load(events_by_case, self.case.id) or ()
        is_member = info.context.principal.member_id is not None
        return [CaseEvent.from_domain(event) for event in events if not (is_member and event.is_internal)]

    @classmethod
    def from_domain(cls, case: domain.Case) -> Self:
        """The case as clients see it."""
        return cls(
            id=encode("Case", case.id),
            kind=case.kind,
            status=case.status,
            next_statuses=[status for status in domain.CaseStatus if status in case.next_statuses],
            subject=case.subject,
            opened_at=case.opened_at,
            opened_by=case.opener.kind,
            changed_at=case.changed_at,
            lines=[CaseLine(position=line.position, quantity=line.quantity, reason=line.reason) for line in case.lines],
            effect=CaseEffect.from_domain(case.effect) if case.effect else None,
            case=case,
            member_key=case.member_id,
        )


def is_visible(info: Info, case: domain.Case) -> bool:
    """Whether who asks may see it: members their own, others by the store that handles it."""
    principal = info.context.principal
    if principal.member_id is not None:
        return principal.member_id == case.member_id
    if case.store_id is None:
        return principal.allows_somewhere(Scope.PURCHASES_READ)
    return is_allowed_at(info.context, Scope.PURCHASES_READ, case.store_id)


async def load_case(info: Info, case_id: UUID) -> Case | None:
    """A case by key, in one batch with others; None where it may not be seen."""
    found = await info.context.load(cases_by_key, case_id)
    return Case.from_domain(found) if found and is_visible(info, found) else None


async def purchase_cases(info: Info, purchase_id: UUID) -> list[Case]:
    """The cases about a purchase that who asks may see."""
    found = await info.context.load(cases_by_purchase, purchase_id) or ()
    return [Case.from_domain(case) for case in found if is_visible(info, case)]


async def handled_case(info: Info, case_id: UUID) -> Case | None:
    """The case that the present operation has handled."""
    found = await info.context.load(cases_by_key, case_id)
    return Case.from_domain(found) if found else None


async def writable_case(info: Info, case_id: UUID) -> domain.Case:
    """The case that a change names: a member's own, or one at a store where who asks may write.

    Raises:
        CaseNotFound: one that they may not handle looks exactly like one that is not there.
    """
    case = await info.context.load(cases_by_key, case_id)
    principal = info.context.principal
    if case is not None:
        if principal.member_id is not None:
            is_theirs = principal.member_id == case.member_id
        else:
            is_theirs = principal.allows(Scope.PURCHASES_WRITE, store_id=case.store_id)
        if is_theirs:
            return case
    raise CaseNotFound(case_id=case_id)


async def _visible_purchase(info: Info, purchase_id: UUID | None) -> Purchase | None:
    if purchase_id is None:
        return None
    purchase = await info.context.load(purchases_by_key, purchase_id)
    if purchase is None:
        return None
    own = info.context.principal.member_id
    is_own = own is not None and purchase.member_id == own
    is_seen = is_own or is_allowed_at(info.context, Scope.PURCHASES_READ, purchase.store_id)
    return Purchase.from_domain(purchase) if is_seen else None
