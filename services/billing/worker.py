"""What the worker process runs for this service."""

from services.billing.metering.tasks import TASKS as METERING_TASKS

TASKS = (*METERING_TASKS,)
