"""saveGooglePassIssuer."""

import strawberry

from services.gateway.graphql.cards.types import PassIssuer
from services.gateway.graphql.fields import Info, mutation
from services.gateway.graphql.permissions import requires
from services.loyalty.cards import service
from services.loyalty.cards.errors import PassIssuerInvalid
from services.platform.auth.domain import Scope
from services.platform.auth.seals import Seals


@strawberry.input(description="What signs links for Google's Wallet.")
class SaveGooglePassIssuerInput:
    issuer_id: str = strawberry.field(description="The issuer's number in Google's Pay & Wallet console.")
    service_account: str = strawberry.field(description="The address of the service account that may sign for it.")
    private_key: str = strawberry.field(description="Its private key in PEM, as `private_key` in Google's JSON file.")


@strawberry.type(description="What signs links now.")
class SaveGooglePassIssuerPayload:
    issuer: PassIssuer = strawberry.field(description="The issuer.")


@mutation(
    access=requires(Scope.KEYS_MANAGE),
    description="Keep the key that signs links for Google's Wallet, encrypted, in place of what was there.",
    errors=(PassIssuerInvalid,),
)
async def save_google_pass_issuer(info: Info, input: SaveGooglePassIssuerInput) -> SaveGooglePassIssuerPayload:
    """Keep a service account's key."""
    seals = Seals(info.context.services.settings.secret)
    issuer = await info.context.run_command(
        lambda uow: service.save_google_issuer(
            uow,
            issuer_id=input.issuer_id,
            account=input.service_account,
            private_key=input.private_key,
            seals=seals,
        ),
        has_key=False,
    )
    return SaveGooglePassIssuerPayload(issuer=PassIssuer.from_domain(issuer))
