"""A gateway in production mode with a merchant, for suites that know nothing of us but an address."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.faults.merchant import open_merchant
from tests.faults.sessions import log_in
from tests.faults.stack import running_stack

MEMBERS = 3
PLENTY = str(10**9)
ENVIRONMENT = {
    "REGULARS_ENVIRONMENT": "production",
    # Suites come as fast as they can; that a flood is turned away is shown elsewhere (S9).
    "REGULARS_RATE_CAPACITY": PLENTY,
    "REGULARS_RATE_PER_SECOND": PLENTY,
}


@dataclass(frozen=True, slots=True)
class Audited:
    """A gateway that runs, and who may ask it. Scripts get these members as JSON."""

    port: int
    slug: str
    owner: str
    """A session's token with every scope; whoever logs out by it ends it."""
    key: str
    """An API key's token."""
    store_id: str
    reward_id: str
    member_ids: tuple[str, ...]
    log: str
    """The gateway's log file."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/graphql"

    def new_session(self) -> str:
        """Another session of the owner's."""
        return log_in(self.port, self.slug)


@contextmanager
def audited_gateway() -> Iterator[Audited]:
    """A gateway and its merchant; their state is thrown away. Letters wait, as no worker runs."""
    with running_stack() as stack:
        stack.require("gateway", environment=ENVIRONMENT)
        merchant = open_merchant(stack.gateway_port, members=MEMBERS)
        audited = Audited(
            port=stack.gateway_port,
            slug=merchant.slug,
            owner=log_in(stack.gateway_port, merchant.slug),
            key=merchant.token,
            store_id=merchant.store_id,
            reward_id=merchant.reward_id,
            member_ids=merchant.member_ids,
            log=str(stack.log_of("gateway")),
        )
        yield audited
