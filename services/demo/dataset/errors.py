"""What can keep the demo from its data."""

from dataclasses import dataclass

from services.platform.errors import DomainError


@dataclass(eq=False)
class DatasetMissing(DomainError):
    """``package`` is not installed, or this release of it lacks ``file``."""

    package: str
    file: str | None = None
