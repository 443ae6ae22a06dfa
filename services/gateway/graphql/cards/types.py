"""A member's card as clients see it, and what merchants gave for passes on phones."""

from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID

import strawberry

from services.gateway.execution.operation import Operation
from services.gateway.graphql.cards.loaders import card_surroundings_by_key
from services.gateway.graphql.fields import Info, guarded
from services.gateway.graphql.permissions import INHERITED, Access, require
from services.gateway.graphql.scalars import Points
from services.gateway.graphql.text import LocalizedTextType
from services.loyalty.cards import domain, queries, service
from services.loyalty.cards.domain import IssuerKind, bars, can_be_bars, codes_from
from services.loyalty.cards.domain.codes import CODES_MAX
from services.loyalty.cards.errors import PassIssuerInvalid, PassIssuerMissing
from services.loyalty.cards.queries import CardSurroundings
from services.loyalty.members.domain import Member
from services.platform.auth.domain import Scope
from services.platform.auth.seals import Seals
from services.platform.clock import wall_now
from services.platform.db.session import ReadSession
from services.platform.errors import InvalidInput

CODES_DEFAULT = 20
LOGO_PATH = "/w/mark.png"


def _check_page(operation: Operation, source: Any, _arguments: dict[str, Any]) -> None:
    if operation.principal.member_id != source.member_key:
        require(operation, Scope.MEMBER_TOKENS_WRITE)


MAY_OPEN_PAGE = Access(
    _check_page,
    f"Members see their own; others need the scope `{Scope.MEMBER_TOKENS_WRITE}` in the whole tenant.",
    scope=Scope.MEMBER_TOKENS_WRITE,
)
"""A code proves that a phone has just shown it: only who can open the page may have it, not who reads about members."""

CodeCount = Annotated[int, strawberry.argument(description=f"How many codes, one after the other: 1 to {CODES_MAX}.")]


@strawberry.type(description="A code that a phone shows for half a minute.")
class CardCode:
    text: str = strawberry.field(description="Show it as a QR code; a till sends it with `memberByScan`.")
    valid_from: datetime = strawberry.field(description="When to begin to show it.")
    valid_until: datetime = strawberry.field(description="When to show the next one; tills take it a little longer.")


@strawberry.type(description="Points that end at an instant.")
class EndingPoints:
    points: Points = strawberry.field(description="How many.")
    at: datetime = strawberry.field(description="When.")


@strawberry.type(description="What a card shows, and the codes by which a till knows it.")
class MemberCard:
    number: str = strawberry.field(description="The number on the card; a till may name the member by it.")
    bars: list[int] | None = strawberry.field(
        description="The number in Code 128: widths of bar, space, bar and so on in modules, without the quiet zones of"
        " 10 modules at both ends. Null for a number that can't be written so."
    )
    member_key: strawberry.Private[UUID]

    @guarded(
        access=MAY_OPEN_PAGE,
        description="The codes from now on, half a minute each: a phone without a connection goes on with them.",
    )
    async def codes(self, info: Info, count: CodeCount = CODES_DEFAULT) -> list[CardCode]:
        """Rotating codes."""
        if not 1 <= count <= CODES_MAX:
            raise InvalidInput(field="count", reason="OUT_OF_RANGE", limit=f"1..{CODES_MAX}")
        key = info.context.services.signer.card_key(info.context.tenant.id)
        codes = codes_from(self.number, key=key, at=info.context.now, count=count)
        return [CardCode(text=code.text, valid_from=code.valid_from, valid_until=code.valid_until) for code in codes]

    @guarded(access=INHERITED, description="Whose card it is: what people call the merchant.")
    async def merchant_name(self, info: Info) -> str:
        """The merchant."""
        return (await self._around(info)).merchant_name

    @guarded(access=INHERITED, description="What the points of the program's own unit are called.")
    async def unit_name(self, info: Info) -> LocalizedTextType:
        """The unit's name."""
        return LocalizedTextType.from_domain((await self._around(info)).unit.name)

    @guarded(access=INHERITED, description="The code of the program's own unit, as balances tell it.")
    async def unit(self, info: Info) -> str:
        """The unit's code."""
        return (await self._around(info)).unit.code

    @guarded(access=INHERITED, description="How many digits of that unit's points stand after the decimal point.")
    async def unit_scale(self, info: Info) -> int:
        """The unit's scale."""
        return (await self._around(info)).unit.scale

    @guarded(
        access=INHERITED,
        description="What ends of that unit's points within sixty days, the soonest first.",
    )
    async def ending(self, info: Info) -> list[EndingPoints]:
        """Points that end soon."""
        around = await self._around(info)
        return [EndingPoints(points=Points(ending.points), at=ending.at) for ending in around.ending]

    @guarded(
        access=INHERITED,
        description="Where a phone gets the card for Apple's Wallet, for ten minutes; null where the merchant has given"
        " no certificate.",
    )
    async def apple_pass_url(self, info: Info) -> str | None:
        """The address of the pass."""
        wall = wall_now()
        kinds = await info.context.read(lambda session: queries.issuer_kinds(session, wall=wall))
        if IssuerKind.APPLE not in kinds:
            return None
        services = info.context.services
        token = services.signer.pass_token(tenant_id=info.context.tenant.id, member_id=self.member_key)
        return f"{services.settings.base_url}/w/passes/{token}.pkpass"

    @guarded(
        access=INHERITED,
        description="The address that saves the card in Google's Wallet; null where the merchant has given no key.",
    )
    async def google_save_url(self, info: Info) -> str | None:
        """The address that saves the card."""
        settings = info.context.services.settings
        page_url = f"{settings.base_url}/w/{info.context.tenant.slug}"
        wall = wall_now()

        def make(session: ReadSession) -> str | None:
            if IssuerKind.GOOGLE not in queries.issuer_kinds(session, wall=wall):
                return None
            facts = queries.pass_facts(session, member_id=self.member_key, page_url=page_url)
            if facts is None:
                return None
            try:
                return service.make_google_url(
                    session,
                    facts=facts,
                    seals=Seals(settings.secret),
                    logo_url=settings.base_url + LOGO_PATH,
                    wall=wall,
                )
            except (PassIssuerMissing, PassIssuerInvalid):
                return None

        return await info.context.read(make)

    async def _around(self, info: Info) -> CardSurroundings:
        around = await info.context.load(card_surroundings_by_key, self.member_key)
        assert around is not None, "every member has some"
        return around


@strawberry.type(description="What signs passes of one kind. Certificates and keys are never told again.")
class PassIssuer:
    kind: IssuerKind = strawberry.field(description="Whose phones keep the passes.")
    identifier: str = strawberry.field(
        description="Under what passes are made: Apple's pass type identifier, or the number of Google's issuer."
    )
    owner: str = strawberry.field(description="Who signs: Apple's team identifier, or Google's service account.")
    ends_at: datetime | None = strawberry.field(
        description="When the certificate ends, and no passes are made any more; null for a key without an end."
    )
    saved_at: datetime = strawberry.field(description="When it was given.")

    @classmethod
    def from_domain(cls, issuer: domain.PassIssuer) -> Self:
        """The issuer as clients see it."""
        is_apple = issuer.kind is IssuerKind.APPLE
        return cls(
            kind=issuer.kind,
            identifier=issuer.facts["pass_type" if is_apple else "issuer"],
            owner=issuer.facts["team" if is_apple else "account"],
            ends_at=issuer.ends_at,
            saved_at=issuer.saved_at,
        )


def card_of(member_id: UUID, number: str | None) -> MemberCard | None:
    """The card with a number; None without one."""
    if number is None:
        return None
    return MemberCard(number=number, bars=list(bars(number)) if can_be_bars(number) else None, member_key=member_id)


def card_of_member(member: Member) -> MemberCard | None:
    """The member's card; None before one was issued."""
    return card_of(member.id, queries.card_number(member))
