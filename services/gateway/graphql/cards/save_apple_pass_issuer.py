"""saveApplePassIssuer."""

import strawberry

from services.gateway.graphql.cards.types import PassIssuer
from services.gateway.graphql.fields import Info, mutation
from services.gateway.graphql.permissions import requires
from services.loyalty.cards import service
from services.loyalty.cards.errors import PassIssuerInvalid
from services.platform.auth.domain import Scope
from services.platform.auth.seals import Seals
from services.platform.clock import wall_now


@strawberry.input(description="What signs passes for Apple's Wallet, in PEM.")
class SaveApplePassIssuerInput:
    certificate: str = strawberry.field(
        description="The pass certificate that Apple issued to you. The pass type identifier and the team stand in it."
    )
    private_key: str = strawberry.field(description="Its private key, RSA or EC, without a pass phrase.")
    intermediate: str = strawberry.field(
        description="Apple's intermediate certificate that issued it (Worldwide Developer Relations)."
    )


@strawberry.type(description="What signs passes now.")
class SaveApplePassIssuerPayload:
    issuer: PassIssuer = strawberry.field(description="The issuer.")


@mutation(
    access=requires(Scope.KEYS_MANAGE),
    description="Keep the certificate and key that sign passes for Apple's Wallet, encrypted, in place of what was"
    " there.",
    errors=(PassIssuerInvalid,),
)
async def save_apple_pass_issuer(info: Info, input: SaveApplePassIssuerInput) -> SaveApplePassIssuerPayload:
    """Keep a pass certificate."""
    seals = Seals(info.context.services.settings.secret)
    wall = wall_now()
    issuer = await info.context.run_command(
        lambda uow: service.save_apple_issuer(
            uow,
            certificate=input.certificate,
            private_key=input.private_key,
            intermediate=input.intermediate,
            seals=seals,
            wall=wall,
        ),
        has_key=False,
    )
    return SaveApplePassIssuerPayload(issuer=PassIssuer.from_domain(issuer))
