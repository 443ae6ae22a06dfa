"""acceptInvitation."""

import strawberry

from services.gateway.graphql.auth.types import Session
from services.gateway.graphql.fields import Info, mutation
from services.gateway.graphql.permissions import PUBLIC
from services.gateway.graphql.scalars import Locale
from services.platform.auth import sign_in
from services.platform.auth.errors import (
    AlreadyOwner,
    InvitationInvalid,
    LoginFailed,
    LoginThrottled,
    PasswordTooWeak,
    TooManyAttempts,
)
from services.platform.clock import wall_now


@strawberry.input(description="Who takes an offered role.")
class AcceptInvitationInput:
    token: str = strawberry.field(description="The token in the e-mail's link.")
    name: str = strawberry.field(description="The person's name; not used when the address has an account.")
    password: str = strawberry.field(
        description="The password to set, or the account's own when the address has an account."
    )
    locale: Locale = strawberry.field(description="The person's language.")

    def to_command(self) -> sign_in.AcceptInvitation:
        """The command that it asks for."""
        return sign_in.AcceptInvitation(token=self.token, name=self.name, password=self.password, locale=self.locale)


@strawberry.type(description="The role is taken.")
class AcceptInvitationPayload:
    session: Session = strawberry.field(description="A session of the person.")


@mutation(
    access=PUBLIC,
    description="Take a role that was offered by e-mail. A token works once.",
    errors=(InvitationInvalid, AlreadyOwner, LoginFailed, LoginThrottled, TooManyAttempts, PasswordTooWeak),
)
async def accept_invitation(info: Info, input: AcceptInvitationInput) -> AcceptInvitationPayload:
    """Accept an invitation."""
    services, request = info.context.services, info.context.request
    command = input.to_command()
    session = await info.context.run_verb(
        lambda database: sign_in.accept_invitation(
            database,
            services.passwords,
            services.signer,
            command,
            now=wall_now(),
            correlation_id=request.correlation_id,
            peer=request.peer,
        ),
        has_key=False,
    )
    return AcceptInvitationPayload(session=Session.from_domain(session))
