"""What the web process is composed of."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.platform.auth.passwords import Passwords
from services.platform.auth.principals import Authenticator
from services.platform.auth.tokens import Signer
from services.platform.config import Settings
from services.platform.db.engine import Database
from services.platform.errands import Errand
from services.platform.limits.buckets import Buckets
from services.platform.metering.cost import CostMeter
from services.platform.tenancy.registry import TenantRegistry


@dataclass(frozen=True, slots=True)
class GatewayServices:
    """Process-wide objects that the gateway works with; who makes them closes them."""

    settings: Settings
    database: Database
    registry: TenantRegistry
    authenticator: Authenticator
    passwords: Passwords
    signer: Signer
    cost_meter: CostMeter
    buckets: Buckets
    errands: Sequence[Errand] = ()
    """What falls due in a tenant: whoever moves a sandbox's clock has them run."""
