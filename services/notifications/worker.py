"""What the worker process runs for this service."""

from collections.abc import Mapping

from services.contracts.events.base import Event
from services.notifications.channels.service import Providers
from services.notifications.handlers import handlers
from services.notifications.messages.tasks import message_tasks
from services.platform.auth.tokens import Signer
from services.platform.config import Settings
from services.platform.inbox.service import Handler
from services.platform.worker.tasks import Task


def tasks(providers: Providers) -> tuple[Task, ...]:
    """Every task of this service."""
    return message_tasks(providers)


def heard(settings: Settings) -> Mapping[type[Event], Handler]:
    """Every event that this service hears, and what it does then."""
    return handlers(Signer(settings.secret), base_url=settings.base_url)
