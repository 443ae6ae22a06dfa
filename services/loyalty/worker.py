"""What the worker process runs for this service, and what time alone makes due in a tenant."""

from services.loyalty.activities import tasks as activities_tasks
from services.loyalty.expiry import tasks as expiry_tasks
from services.loyalty.purchases import tasks as purchases_tasks
from services.loyalty.tiers import tasks as tiers_tasks
from services.platform.errands import Errand
from services.platform.worker.tasks import Task

TASKS: tuple[Task, ...] = ()

ERRANDS: tuple[Errand, ...] = (
    *expiry_tasks.ERRANDS,
    *tiers_tasks.ERRANDS,
    *purchases_tasks.ERRANDS,
    *activities_tasks.ERRANDS,
)
"""Run for live tenants once a minute, and by whoever moves a sandbox's clock."""
