"""What the worker process runs for this service, and what time alone makes due in a tenant."""

from collections.abc import Mapping

from services.contracts.events.base import Event
from services.loyalty.activities import tasks as activities_tasks
from services.loyalty.budgets import tasks as budgets_tasks
from services.loyalty.checkout import tasks as checkout_tasks
from services.loyalty.coupons import tasks as coupons_tasks
from services.loyalty.expiry import tasks as expiry_tasks
from services.loyalty.handlers import handlers
from services.loyalty.purchases import tasks as purchases_tasks
from services.loyalty.redemptions import tasks as redemptions_tasks
from services.loyalty.tiers import tasks as tiers_tasks
from services.platform.errands import Errand
from services.platform.inbox.service import Handler
from services.platform.worker.tasks import Task

TASKS: tuple[Task, ...] = ()
HEARD: Mapping[type[Event], Handler] = handlers()
"""Every event that this service hears, and what it does then."""

ERRANDS: tuple[Errand, ...] = (
    *expiry_tasks.ERRANDS,
    *tiers_tasks.ERRANDS,
    *purchases_tasks.ERRANDS,
    *activities_tasks.ERRANDS,
    *coupons_tasks.ERRANDS,
    *budgets_tasks.ERRANDS,
    *redemptions_tasks.ERRANDS,
    *checkout_tasks.ERRANDS,
)
"""Run for live tenants once a minute."""

SANDBOX_ERRANDS: tuple[Errand, ...] = (
    *ERRANDS,
    *expiry_tasks.SANDBOX_ERRANDS,
    *tiers_tasks.SANDBOX_ERRANDS,
)
"""Run as a sandbox's clock moves: those, and what the world outside does in a live tenant."""
