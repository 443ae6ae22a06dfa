"""Why a backup is not taken back. Nothing has changed then."""

from dataclasses import dataclass

from services.platform.errors import DomainError


class BackupRefused(DomainError):
    """Anything refused about backups."""


@dataclass(eq=False)
class BackupUnreadable(BackupRefused):
    """The file is no backup, is cut off, or has a form that this release does not know."""

    file: str
    detail: str


@dataclass(eq=False)
class BackupDamaged(BackupRefused):
    """What was read, or what the database holds of it afterwards, is not what the manifest says."""

    table: str
    expected: str
    found: str


@dataclass(eq=False)
class BackupFromNewerRelease(BackupRefused):
    """The schema in the backup has a revision that this release does not know."""

    found: str
    known: str


@dataclass(eq=False)
class TenantPresent(BackupRefused):
    """The tenant of the backup is there, and not suspended: it would be written to while it is replaced."""

    slug: str


@dataclass(eq=False)
class TenantNotPresent(BackupRefused):
    """There is no tenant to be replaced."""

    slug: str


@dataclass(eq=False)
class UserDiffers(BackupRefused):
    """Here another user has this e-mail address, so grants of the backup would go to a stranger."""

    email: str
