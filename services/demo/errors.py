"""What can keep the demo from being made."""

from dataclasses import dataclass

from services.platform.errors import DomainError


@dataclass(eq=False)
class DemoOfAnotherHome(DomainError):
    """The database has the tenant ``slug``, but the password and key of it are not in the state folder ``home``."""

    slug: str
    home: str


@dataclass(eq=False)
class DemoMissing(DomainError):
    """There is no demo in this database yet."""

    slug: str


@dataclass(eq=False)
class DatabaseLost(DomainError):
    """The database server went away during a replay, after ``recorded`` purchases. A further replay goes on."""

    recorded: int
