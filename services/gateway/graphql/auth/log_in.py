"""logIn."""

import strawberry

from services.gateway.graphql.auth.types import Session
from services.gateway.graphql.fields import Info, mutation
from services.gateway.graphql.permissions import PUBLIC
from services.platform.auth import sign_in
from services.platform.auth.errors import LoginFailed, LoginThrottled, TooManyAttempts
from services.platform.clock import wall_now


@strawberry.input(description="Who logs in.")
class LogInInput:
    email: str = strawberry.field(description="The person's address.")
    password: str = strawberry.field(description="The person's password.")


@strawberry.type(description="The session that was opened.")
class LogInPayload:
    session: Session = strawberry.field(description="The session.")


@mutation(
    access=PUBLIC,
    description="Open a session by e-mail and password. Guesses at one account are counted and slowed down.",
    errors=(LoginFailed, LoginThrottled, TooManyAttempts),
)
async def log_in(info: Info, input: LogInInput) -> LogInPayload:
    """Log in."""
    services, request = info.context.services, info.context.request
    session = await info.context.run_verb(
        lambda database: sign_in.log_in(
            database,
            services.passwords,
            email=input.email,
            password=input.password,
            now=wall_now(),
            correlation_id=request.correlation_id,
            peer=request.peer,
        ),
        has_key=False,
    )
    return LogInPayload(session=Session.from_domain(session))
