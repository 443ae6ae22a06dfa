"""Homes: the schema in which a unit of work lives. It is ``platform`` or one tenant's, never two."""

import re
from dataclasses import dataclass
from uuid import UUID

_SCHEMA_NAME = re.compile(r"platform|t_[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class Home:
    """A schema to work in; ``tenant_id`` is None for the platform's own."""

    schema: str
    tenant_id: UUID | None

    def __post_init__(self) -> None:
        # The name is written into SQL, so nothing but what we make ourselves may pass.
        if not _SCHEMA_NAME.fullmatch(self.schema) or (self.schema == "platform") != (self.tenant_id is None):
            message = f"not a home: {self.schema!r}"
            raise ValueError(message)


PLATFORM = Home("platform", None)


def tenant_home(tenant_id: UUID) -> Home:
    """The home of a tenant. Its schema's name is the last 48 (random) bits of the id."""
    return Home(f"t_{tenant_id.hex[-12:]}", tenant_id)
