"""Kinds of coupons and coupons as clients see them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Self
from uuid import UUID

import strawberry
import structlog

from services.gateway.graphql.budgets.types import Budget, load_budget
from services.gateway.graphql.coupons.terms import CouponTerms
from services.gateway.graphql.fields import Info, guarded
from services.gateway.graphql.ids import encode
from services.gateway.graphql.money import MoneyAmount
from services.gateway.graphql.nodes import Node
from services.gateway.graphql.pagination import (
    PAGE_DEFAULT,
    After,
    Connection,
    First,
    connect,
    encode_cursor,
    id_cursor,
    page,
)
from services.gateway.graphql.permissions import INHERITED, of_member, requires, requires_somewhere
from services.gateway.graphql.scalars import WholeNumber
from services.loyalty.coupons import domain, queries
from services.loyalty.coupons.domain.files import PRINTED_MAX, codes_sheet
from services.platform.auth.domain import Scope
from services.platform.db.session import ReadSession
from services.platform.money import Money

if TYPE_CHECKING:
    from services.gateway.graphql.members.types import Member

log = structlog.get_logger()

LAZY_HERE = strawberry.lazy("services.gateway.graphql.coupons.types")
LAZY_MEMBER = strawberry.lazy("services.gateway.graphql.members.types")
USES_MAX = 50


def definitions_by_key(session: ReadSession, keys: Sequence[UUID]) -> Mapping[UUID, domain.CouponDefinition]:
    """Kinds of coupons by id."""
    return queries.definitions_by_ids(session, definition_ids=keys)


def shared_codes_by_key(session: ReadSession, keys: Sequence[UUID]) -> Mapping[UUID, str]:
    """Shared codes by kind."""
    return queries.shared_codes(session, definition_ids=keys)


def coupons_by_key(session: ReadSession, keys: Sequence[UUID]) -> Mapping[UUID, domain.Coupon]:
    """Coupons by id."""
    return queries.coupons_by_ids(session, coupon_ids=keys)


def batches_by_key(session: ReadSession, keys: Sequence[UUID]) -> Mapping[UUID, domain.CouponBatch]:
    """Batches of codes by id."""
    return queries.batches_by_ids(session, batch_ids=keys)


def contents_by_key(
    session: ReadSession, keys: Sequence[domain.Coupon]
) -> Mapping[domain.Coupon, domain.CouponContent]:
    """What coupons say."""
    return queries.contents_of(session, coupons=keys)


def uses_by_key(session: ReadSession, keys: Sequence[UUID]) -> Mapping[UUID, tuple[domain.CouponUse, ...]]:
    """The newest uses of coupons."""
    return queries.uses_of_coupons(session, coupon_ids=keys, limit=USES_MAX)


@strawberry.type(description="A kind of coupon: what all coupons and codes of it say.")
class CouponDefinition(Node):
    code: str = strawberry.field(description="The merchant's own name for it, unique in the tenant.")
    terms: CouponTerms = strawberry.field(
        description="What it says now. Coupons keep what it said when they were given."
    )
    uses_max: WholeNumber | None = strawberry.field(
        description="How often its coupons may be used in all; null without limit."
    )
    uses_held: WholeNumber = strawberry.field(description="Uses that carts reserve now; 0 where there is no limit.")
    uses_spent: WholeNumber = strawberry.field(description="Uses that are redeemed; 0 where there is no limit.")
    version: int = strawberry.field(description="Counts the edits; give it back with the next one.")
    created_at: datetime = strawberry.field(description="Since when it is there.")
    archived_at: datetime | None = strawberry.field(description="Since when it is given out no more.")
    key: strawberry.Private[UUID]
    budget_key: strawberry.Private[UUID | None]

    @guarded(access=INHERITED, description="The code that everybody may type; null when it has none.")
    async def shared_code(self, info: Info) -> str | None:
        """The shared code."""
        return await info.context.load(shared_codes_by_key, self.key)

    @guarded(access=INHERITED, description="The budget that pays for it; null when there is none.")
    async def budget(self, info: Info) -> Budget | None:
        """The budget."""
        return await load_budget(info, self.budget_key) if self.budget_key else None

    @guarded(
        access=INHERITED,
        description="The batches of unique codes of it, newest first; none for who lacks the scope `rewards:write`.",
    )
    async def batches(
        self, info: Info, first: First = PAGE_DEFAULT, after: After = None
    ) -> Connection[Annotated["CouponBatch", LAZY_HERE]]:
        """A page of batches."""
        asked = page(first, after)
        order = f"coupon_batches:{self.key}"
        after_id = id_cursor(order, after)
        if not info.context.principal.allows(Scope.REWARDS_WRITE):
            # Definitions are read by members with their coupons too.
            return connect((), asked, node=CouponBatch.from_domain, cursor=lambda row: encode_cursor(order, row.id))
        rows = await info.context.read(
            lambda session: queries.batches_of_definition(
                session, definition_id=self.key, limit=asked.limit, after_id=after_id
            )
        )
        return connect(rows, asked, node=CouponBatch.from_domain, cursor=lambda row: encode_cursor(order, row.id))

    @classmethod
    def from_domain(cls, definition: domain.CouponDefinition) -> Self:
        """The kind of coupon as clients see it."""
        return cls(
            id=encode("CouponDefinition", definition.id),
            code=definition.code,
            terms=CouponTerms.from_domain(definition.content),
            uses_max=None if definition.uses_max is None else WholeNumber(definition.uses_max),
            uses_held=WholeNumber(definition.uses_held),
            uses_spent=WholeNumber(definition.uses_spent),
            version=definition.version,
            created_at=definition.created_at,
            archived_at=definition.archived_at,
            key=definition.id,
            budget_key=definition.content.budget_id,
        )


@strawberry.type(description="Codes of a batch for a printer: a part of the sheet.")
class CouponCodeSheet:
    csv: str = strawberry.field(
        description="The codes as CSV, one a line, under the header `code,status,expires_at`; the status is what the"
        " code is worth now (`available`, `used`, `expired`, `voided`…)."
    )
    count: WholeNumber = strawberry.field(description="How many codes are in it.")
    end_cursor: str | None = strawberry.field(description="Where the next part begins: `after`. Null in the last one.")


@strawberry.type(description="One use of a coupon: held for a cart, redeemed, released or given back.")
class CouponUse:
    status: domain.UseStatus = strawberry.field(description="Where it is in its life.")
    amount: MoneyAmount = strawberry.field(description="What the coupon took off.")
    begun_at: datetime = strawberry.field(description="When it was held or redeemed.")
    held_until: datetime | None = strawberry.field(description="Until when it is held; null when it is not.")
    ended_at: datetime | None = strawberry.field(description="When it was released or given back.")


@strawberry.type(description="A coupon: a member's, a unique code, or the shared code of a kind.")
class Coupon(Node):
    code: str | None = strawberry.field(description="Its code; null of a member's coupon without one.")
    status: domain.CouponStatus = strawberry.field(description="Where it is in its life.")
    is_shared: bool = strawberry.field(description="Whether many may use it: the code that everybody may type.")
    issued_at: datetime = strawberry.field(description="When it was given or made.")
    expires_at: datetime | None = strawberry.field(description="From when on it counts no more; null: never.")
    voided_at: datetime | None = strawberry.field(description="When it was voided; null when it was not.")
    key: strawberry.Private[UUID]
    member_key: strawberry.Private[UUID | None]
    coupon: strawberry.Private[domain.Coupon]

    @guarded(access=INHERITED, description="What it says: as it was given; a shared code as its kind is now.")
    async def terms(self, info: Info) -> CouponTerms | None:
        """The terms."""
        content = await info.context.load(contents_by_key, self.coupon)
        return CouponTerms.from_domain(content) if content else None

    @guarded(access=requires_somewhere(Scope.PROGRAM_READ), description="Its kind as it is now.")
    async def definition(self, info: Info) -> CouponDefinition | None:
        """The kind of coupon."""
        return await load_definition(info, self.coupon.definition_id)

    @guarded(
        access=of_member(Scope.MEMBERS_READ, key="member_key"), description="Whose it is; null when it is nobody's."
    )
    async def member(self, info: Info) -> Annotated["Member", LAZY_MEMBER] | None:
        """The member."""
        from services.gateway.graphql.members.types import load_member  # noqa: PLC0415  the two types name each other

        return await load_member(info, self.member_key)

    @guarded(
        access=requires_somewhere(Scope.MEMBERS_READ), description=f"Its uses, the newest first, up to {USES_MAX}."
    )
    async def uses(self, info: Info) -> list[CouponUse]:
        """The uses."""
        found = await info.context.load(uses_by_key, self.key) or ()
        return [
            CouponUse(
                status=use.status,
                amount=MoneyAmount.from_domain(Money(use.amount_minor, use.currency)),
                begun_at=use.begun_at,
                held_until=use.held_until,
                ended_at=use.ended_at,
            )
            for use in found
        ]

    @classmethod
    def from_domain(cls, coupon: domain.Coupon, *, at: datetime) -> Self:
        """The coupon as clients see it at an instant."""
        return cls(
            id=encode("Coupon", coupon.id),
            code=coupon.code,
            status=coupon.status(at),
            is_shared=coupon.is_shared,
            issued_at=coupon.issued_at,
            expires_at=coupon.expires_at,
            voided_at=coupon.voided_at,
            key=coupon.id,
            member_key=coupon.member_id,
            coupon=coupon,
        )


@strawberry.type(description="Unique codes that were made together.")
class CouponBatch(Node):
    count: WholeNumber = strawberry.field(description="How many there are.")
    prefix: str = strawberry.field(description="What all of them begin with; may be empty.")
    made_at: datetime = strawberry.field(description="When they were made.")
    batch: strawberry.Private[domain.CouponBatch]

    @guarded(access=INHERITED, description="Their kind as it is now.")
    async def definition(self, info: Info) -> CouponDefinition | None:
        """The kind of coupon."""
        return await load_definition(info, self.batch.definition_id)

    @guarded(access=requires(Scope.REWARDS_WRITE), description="The codes, to be handed out.")
    async def codes(self, info: Info, first: First = PAGE_DEFAULT, after: After = None) -> Connection[Coupon]:
        """A page of codes."""
        asked = page(first, after)
        batch_id = self.batch.id
        order = _order_of(batch_id)
        after_id = id_cursor(order, after)
        rows = await info.context.read(
            lambda session: queries.coupons_of_batch(session, batch_id=batch_id, limit=asked.limit, after_id=after_id)
        )
        at = info.context.now
        return connect(
            rows,
            asked,
            node=lambda row: Coupon.from_domain(row, at=at),
            cursor=lambda row: encode_cursor(order, row.id),
        )

    @guarded(
        access=requires(Scope.REWARDS_WRITE),
        description=f"The codes as a file for a printer, {PRINTED_MAX:,} in a part. Who takes it stands in the log.",
    )
    async def sheet(self, info: Info, after: After = None) -> CouponCodeSheet:
        """A part of the sheet."""
        batch_id = self.batch.id
        order = _order_of(batch_id)
        after_id = id_cursor(order, after)
        rows = await info.context.read(
            lambda session: queries.coupons_of_batch(
                session, batch_id=batch_id, limit=PRINTED_MAX + 1, after_id=after_id
            )
        )
        shown = rows[:PRINTED_MAX]
        actor = info.context.principal.actor
        log.info(
            "coupon_codes_printed",
            batch_id=str(batch_id),
            codes=len(shown),
            actor_kind=actor.kind.value,
            actor_id=str(actor.id),
        )
        return CouponCodeSheet(
            csv=codes_sheet(shown, at=info.context.now),
            count=WholeNumber(len(shown)),
            end_cursor=encode_cursor(order, shown[-1].id) if len(rows) > len(shown) else None,
        )

    @classmethod
    def from_domain(cls, batch: domain.CouponBatch) -> Self:
        """The batch as clients see it."""
        return cls(
            id=encode("CouponBatch", batch.id),
            count=WholeNumber(batch.count),
            prefix=batch.prefix,
            made_at=batch.made_at,
            batch=batch,
        )


def _order_of(batch_id: UUID) -> str:
    return f"coupon_codes:{batch_id}"


async def load_batch(info: Info, batch_id: UUID) -> CouponBatch | None:
    """A batch of codes by key, in one batch with others."""
    batch = await info.context.load(batches_by_key, batch_id)
    return CouponBatch.from_domain(batch) if batch else None


async def load_definition(info: Info, definition_id: UUID) -> CouponDefinition | None:
    """A kind of coupon by key, in one batch with others."""
    definition = await info.context.load(definitions_by_key, definition_id)
    return CouponDefinition.from_domain(definition) if definition else None


async def load_coupon(info: Info, coupon_id: UUID) -> Coupon | None:
    """A coupon by key, in one batch with others."""
    coupon = await info.context.load(coupons_by_key, coupon_id)
    return Coupon.from_domain(coupon, at=info.context.now) if coupon else None


async def visible_coupon(info: Info, coupon_id: UUID) -> Coupon | None:
    """A coupon, for its member and for who may read members; a code of nobody's for who may also make codes."""
    coupon = await load_coupon(info, coupon_id)
    if coupon is None:
        return None
    principal = info.context.principal
    is_own = principal.member_id is not None and coupon.member_key == principal.member_id
    scope = Scope.REWARDS_WRITE if coupon.member_key is None else Scope.MEMBERS_READ
    return coupon if is_own or principal.allows_somewhere(scope) else None
