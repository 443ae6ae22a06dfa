"""What this service hears: nothing yet. Other services are told by its own letters."""

from collections.abc import Mapping
from types import MappingProxyType

from services.contracts.events.base import Event
from services.platform.inbox.service import Handler

HANDLERS: Mapping[type[Event], Handler] = MappingProxyType({})
