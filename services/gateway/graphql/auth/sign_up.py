"""signUp."""

import strawberry

from services.gateway.graphql.auth.types import Session
from services.gateway.graphql.fields import Info, mutation
from services.gateway.graphql.permissions import PUBLIC
from services.gateway.graphql.scalars import IdempotencyKey, Locale
from services.gateway.graphql.tenants.types import Tenant
from services.platform.auth.errors import (
    EmailInvalid,
    EmailTaken,
    LoginFailed,
    LoginThrottled,
    PasswordTooWeak,
    TooManyAttempts,
)
from services.platform.clock import wall_now
from services.platform.db.homes import PLATFORM
from services.platform.idempotency.errors import IdempotencyConflict
from services.platform.onboarding.service import SignUp, sign_up
from services.platform.tenancy.errors import SlugInvalid, SlugTaken
from services.platform.tenancy.registry import tenant_by_id


@strawberry.input(description="A person, and the merchant that they open.")
class SignUpInput:
    email: str = strawberry.field(description="The person's address, by which they log in.")
    password: str = strawberry.field(description="The person's password.")
    name: str = strawberry.field(description="The person's name, 1 to 200 characters.")
    merchant_name: str = strawberry.field(description="What people call the merchant, 1 to 200 characters.")
    slug: str = strawberry.field(
        description="The merchant's short name: 3 to 40 lower-case letters, digits and single hyphens, beginning with"
        " a letter. It never changes."
    )
    locale: Locale = strawberry.field(description="The language in which the merchant works.")
    idempotency_key: IdempotencyKey = strawberry.field(
        description="A sign-up that was cut off goes on where it stopped when it is repeated with its key."
    )

    def to_command(self) -> SignUp:
        """The command that it asks for."""
        return SignUp(
            email=self.email,
            password=self.password,
            name=self.name,
            merchant_name=self.merchant_name,
            slug=self.slug,
            locale=self.locale,
            idempotency_key=self.idempotency_key,
        )


@strawberry.type(description="The merchant that was opened, and its owner's first session.")
class SignUpPayload:
    tenant: Tenant | None = strawberry.field(description="The merchant.")
    session: Session = strawberry.field(description="The owner's session.")
    replayed: bool = strawberry.field(description="Whether the key was known; the session is a new one all the same.")


@mutation(
    access=PUBLIC,
    description="Open a merchant with its owner.",
    errors=(
        EmailInvalid,
        EmailTaken,
        PasswordTooWeak,
        SlugInvalid,
        SlugTaken,
        LoginFailed,
        LoginThrottled,
        TooManyAttempts,
        IdempotencyConflict,
    ),
)
async def sign_up_merchant(info: Info, input: SignUpInput) -> SignUpPayload:
    """Open a merchant."""
    services, request = info.context.services, info.context.request
    command = input.to_command()
    result = await info.context.run_verb(
        lambda database: sign_up(
            database,
            services.passwords,
            command,
            direct_url=services.settings.direct_database_url,
            now=wall_now(),
            correlation_id=request.correlation_id,
            peer=request.peer,
        ),
        has_key=True,
    )
    # The slug may have been looked for, and found to be nobody's, a moment ago.
    services.registry.forget()
    tenant = await info.context.read(lambda session: tenant_by_id(session, result.tenant_id), home=PLATFORM)
    return SignUpPayload(
        tenant=Tenant.from_domain(tenant) if tenant else None,
        session=Session.from_domain(result.session),
        replayed=result.replayed,
    )
