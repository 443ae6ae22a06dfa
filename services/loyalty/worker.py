"""What the worker process runs for this service. Its night work (expiry, reviews) is not built yet, so nothing."""

from services.platform.worker.tasks import Task

TASKS: tuple[Task, ...] = ()
