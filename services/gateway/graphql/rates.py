"""What a request may still spend: its caller's bucket is looked at before the document is, and charged before it runs.

A tenant has a bucket for each kind of credential, so that its tills do not stand still because its staff or its
members ask for much, and no tenant can use up another's. Strangers have one for their address.
"""

from types import TracebackType
from typing import Self

from services.gateway.context.errors import RateLimited
from services.gateway.context.request import RequestContext
from services.gateway.execution.charging import REJECTED_COST, bucket_of_address, take
from services.platform.actors import ActorKind
from services.platform.limits.buckets import Buckets
from services.platform.limits.domain import Standing


class Budget:
    """One request's share of its caller's bucket. Within its block the document is read, measured and charged."""

    def __init__(self, buckets: Buckets, context: RequestContext) -> None:
        self._buckets = buckets
        self._bucket = bucket_of(context)
        self._kind = context.principal.actor.kind
        self._quota = context.tenant.quota if context.tenant and self._kind is not ActorKind.PUBLIC else None
        self._standing: Standing | None = None

    def __enter__(self) -> Self:
        """Look whether there is anything left.

        Raises:
            RateLimited: not one point.
        """
        self._take(0)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._standing is None and not isinstance(error, RateLimited):
            self._buckets.spend(self._bucket, REJECTED_COST, quota=self._quota, on_credit=True)

    def charge(self, cost: int) -> None:
        """Take the cost of the operation.

        Raises:
            RateLimited: there is less than that.
        """
        self._standing = self._take(cost)

    @property
    def cost(self) -> int:
        """What the operation was found to cost."""
        assert self._standing is not None, "the operation has been charged"
        return self._standing.requested

    def told(self) -> dict[str, int | None]:
        """What ``extensions.cost`` tells the client."""
        standing = self._standing
        assert standing is not None, "the operation has been charged"
        return {
            "requested": standing.requested,
            "spent": standing.spent,
            "remaining": standing.remaining,
            "maximum": standing.maximum,
            "resetSeconds": standing.reset_seconds,
        }

    def _take(self, points: int) -> Standing:
        return take(self._buckets, self._bucket, points, kind=self._kind, quota=self._quota)


def bucket_of(context: RequestContext) -> str:
    """The name of the bucket that a request draws from."""
    actor = context.principal.actor
    if actor.kind is ActorKind.PUBLIC:
        return bucket_of_address(context.peer)
    if context.tenant is None:
        return f"user:{actor.id}"
    return f"{context.tenant.id.hex}:{actor.kind}"
