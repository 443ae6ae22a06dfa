"""Facts that services tell each other. Importing this package makes every event known to `event_class`."""

from services.contracts.events import loyalty as loyalty
from services.contracts.events import tenancy as tenancy
