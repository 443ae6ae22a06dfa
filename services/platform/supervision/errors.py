"""Why the processes of a machine can't be started."""

from dataclasses import dataclass

from services.platform.errors import DomainError


@dataclass(eq=False)
class FolderInUse(DomainError):
    """Another process works on this folder. ``pid`` and ``address`` are what that process wrote down, if it did."""

    folder: str
    pid: int | None
    address: str | None


@dataclass(eq=False)
class FolderNotOurs(DomainError):
    """The folder can't be made or written by the user that we run as."""

    folder: str
    reason: str


@dataclass(eq=False)
class ProcessKeptFailing(DomainError):
    """A process ended again and again; ``log_tail`` holds the last lines that it wrote."""

    process: str
    exit_code: int
    log: str
    log_tail: str


@dataclass(eq=False)
class NoFreePort(DomainError):
    """No port could be bound on this address."""

    address: str
