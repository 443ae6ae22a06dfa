"""logOut."""

import strawberry

from services.gateway.context.errors import Unauthenticated
from services.gateway.graphql.fields import Info, mutation
from services.gateway.graphql.permissions import IN_SESSION
from services.platform.auth import service
from services.platform.db.homes import PLATFORM


@strawberry.type(description="The session has ended.")
class LogOutPayload:
    ended: bool = strawberry.field(description="Whether it had still been open.")


@mutation(access=IN_SESSION, description="End the session whose token is used, within two seconds everywhere.")
async def log_out(info: Info) -> LogOutPayload:
    """Log out."""
    session_id = info.context.principal.session_id
    if session_id is None:
        raise Unauthenticated
    ended = await info.context.run_command(
        lambda uow: service.log_out(uow, session_id=session_id), home=PLATFORM, has_key=False
    )
    return LogOutPayload(ended=ended)
