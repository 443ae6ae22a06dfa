"""What the web process is composed of."""

from dataclasses import dataclass

from services.platform.auth.passwords import Passwords
from services.platform.auth.principals import Authenticator
from services.platform.auth.tokens import Signer
from services.platform.config import Settings
from services.platform.db.engine import Database
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
