"""Why an embedded server does not start."""

from dataclasses import dataclass

from services.platform.errors import DomainError


@dataclass(eq=False)
class ServerFailed(DomainError):
    """The server ended, or did not answer in time, while it was started; ``log_tail`` holds its last words."""

    server: str
    log: str
    log_tail: str


@dataclass(eq=False)
class ServerKeptAlive(DomainError):
    """A server that an earlier run left behind could not be ended, so its data must not be touched."""

    server: str
    pid: int


@dataclass(eq=False)
class ServerNotInstalled(DomainError):
    """The wheel that brings the server is not there for this machine."""

    server: str
    package: str


@dataclass(eq=False)
class FolderClosedToServer(DomainError):
    """We are root, servers run as ``account``, and ``closed`` keeps that account out. Another state folder helps."""

    folder: str
    closed: str
    account: str


@dataclass(eq=False)
class AccountMissing(DomainError):
    """We are root, PostgreSQL refuses to run as root, and the account for it is missing and can't be made."""

    account: str


@dataclass(eq=False)
class DataFromOtherVersion(DomainError):
    """The data was written by another major version of PostgreSQL than the one that is installed."""

    folder: str
    found: str
    needed: str
