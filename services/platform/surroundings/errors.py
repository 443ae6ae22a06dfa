"""What a process refuses to start beside. Addresses are shown without their credentials."""

from dataclasses import dataclass

from services.platform.errors import DomainError


class SurroundingsUnfit(DomainError):
    """Anything about a server that would lose work or mix up tenants."""


@dataclass(eq=False)
class BrokerAway(SurroundingsUnfit):
    """The broker can't be reached."""

    address: str


@dataclass(eq=False)
class BrokerForgets(SurroundingsUnfit):
    """The broker would evict rings, or lose them with its process."""

    setting: str
    found: str
    needed: str


@dataclass(eq=False)
class DatabaseAway(SurroundingsUnfit):
    """The database can't be reached or lets nobody in; ``detail`` is the driver's."""

    address: str
    detail: str


@dataclass(eq=False)
class EncodingUnfit(SurroundingsUnfit):
    """Texts would not survive: the database or the connection is not in UTF-8."""

    server: str
    client: str


@dataclass(eq=False)
class SearchPathNotEmpty(SurroundingsUnfit):
    """Work that forgets its tenant would find tables instead of failing."""

    role: str
    found: str


@dataclass(eq=False)
class RoleTooMighty(SurroundingsUnfit):
    """The application could rewrite the ledger: its role is a superuser, or owns the tables."""

    role: str


@dataclass(eq=False)
class ClocksDiffer(SurroundingsUnfit):
    """Leases are compared between machines; ``seconds`` is how far this one is ahead of the database's."""

    seconds: int
    maximum: int


@dataclass(eq=False)
class PoolerMixesStatements(SurroundingsUnfit):
    """Prepared statements of two clients answer each other's queries."""

    address: str


@dataclass(eq=False)
class DirectAddressPooled(SurroundingsUnfit):
    """Two of the owner's connections share one backend: migrations would change settings under strangers."""

    address: str


@dataclass(eq=False)
class OwnerRoleMissing(SurroundingsUnfit):
    """The role of the direct address may not make schemas, so nobody could sign up."""

    role: str


@dataclass(eq=False)
class SchemaMissing(SurroundingsUnfit):
    """The database has not been migrated."""

    address: str


@dataclass(eq=False)
class SchemaTooOld(SurroundingsUnfit):
    """The shared schema is more than one revision behind this release."""

    found: str
    needed: str
