"""Points of a bucket for work of the gateway, or the refusal that says when there will be some."""

from services.gateway.context.errors import RateLimited
from services.platform.limits.addresses import network_of
from services.platform.limits.buckets import Buckets
from services.platform.limits.domain import Quota, Standing
from services.platform.telemetry import metrics

REJECTED_COST = 50
"""What a request costs that comes to nothing: finding that out is work as well."""


def take(buckets: Buckets, bucket: str, points: int, *, kind: str, quota: Quota | None = None) -> Standing:
    """Take points; ``kind`` is how the metrics name the bucket, ``quota`` its size where it is not everybody's.

    Raises:
        RateLimited: there is not so much left, or nothing at all.
    """
    standing = buckets.spend(bucket, points, quota=quota)
    if standing.retry_after_seconds is not None:
        metrics.rate_limited(kind)
        raise RateLimited(
            requested=standing.requested,
            remaining=standing.remaining or 0,
            maximum=standing.maximum,
            retry_after_seconds=standing.retry_after_seconds,
        )
    return standing


def bucket_of_address(peer: str) -> str:
    """The name of the bucket of those who come from an address without a credential that is good."""
    return f"address:{network_of(peer)}"
